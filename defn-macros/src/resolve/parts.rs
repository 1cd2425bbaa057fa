//! Parts of tensors that are assigned to: `x[(i, ..)] = row`, `x[i] += 1.0` (R31).

use super::body::Body;
use super::places::Place;
use super::value::Value;
use crate::surface::{BinaryOp, Expr, ExprKind};
use defn_codegen::diagnostic::catalogue::Limit;
use defn_codegen::library::{self, AxisRef, Bound, Place as Part, Tensor};
use proc_macro2::Span;

impl Body<'_, '_> {
    /// The tensor and the index, if a place is a part of a tensor.
    pub(super) fn tensor_part<'s>(&mut self, place: &'s Expr) -> Option<(&'s Expr, &'s Expr)> {
        let ExprKind::Index(base, index) = &place.kind else { return None };
        let told = self.told();
        let held = self.place(base).and_then(|target| self.stored(&target));
        // Whoever assigns tells it.
        self.untell(told);
        matches!(held, Some(Value::Tensor(_))).then_some((base, index))
    }

    /// `base[index] = value;`, `base[index] += value;`.
    pub(super) fn assign_part(
        &mut self,
        base: &Expr,
        index: &Expr,
        (op, value): (Option<BinaryOp>, &Expr),
        span: Span,
    ) {
        let Value::Tensor(old) = self.index(base, index) else { return };
        let Some(tree) = Value::Tensor(old.clone()).tree(&self.b) else { return };
        let new = match op {
            None => self.expr_as(value, &tree),
            Some(_) => self.expr(value),
        };
        let Some(target) = self.changeable(base) else { return };
        let Some(Value::Tensor(whole)) = self.stored(&target) else { return };
        let Some(places) = self.part_places(&whole, index) else { return };
        if op == Some(BinaryOp::Add)
            && let Some((axis, position)) = one_position(&places)
            && !new.is_poisoned()
        {
            return self.add_part(&target, (&whole, axis, position), (&old, new), value.span);
        }
        let new = match op {
            Some(op) => self.binary(op, Value::Tensor(old), new, span),
            None => new,
        };
        let Some(Value::Tensor(new)) = self.expected(new, &tree, "the new value", value.span)
        else {
            return;
        };
        self.at(span);
        let changed = library::put(&mut self.b, &whole, &places, &new);
        self.store(&target, Value::Tensor(changed));
    }

    /// What is added at one position needs nothing but that position.
    fn add_part(
        &mut self,
        target: &Place,
        (whole, axis, position): (&Tensor, usize, &Tensor),
        (old, new): (&Tensor, Value),
        span: Span,
    ) {
        let element = old.element(&self.b);
        let Some(new) = self.tensor_of(new, element, span) else { return };
        let axis = AxisRef::Position(axis as i64);
        self.at(span);
        let answer = library::add_at(&mut self.b, whole, &axis, (position, &new));
        if let Some(changed) = self.answer(answer, span) {
            self.store(target, Value::Tensor(changed));
        }
    }

    /// What an index says of each axis; what is wrong with it was told when the part was read.
    fn part_places(&mut self, whole: &Tensor, index: &Expr) -> Option<Vec<Part>> {
        let positions: Vec<&Expr> = match &index.kind {
            ExprKind::Tuple(parts) => parts.iter().collect(),
            _ => vec![index],
        };
        let shape = whole.shape(&self.b);
        let mut places = vec![Part::All; whole.rank()];
        for ((place, position), extent) in places.iter_mut().zip(positions).zip(shape) {
            *place = match &position.kind {
                ExprKind::Range(None, None) => Part::All,
                ExprKind::Range(start, end) => {
                    match self.bounds(start.as_deref(), end.as_deref())? {
                        (Bound::Extent(start), None) => Part::Range(start, extent),
                        (Bound::Extent(start), Some(Bound::Extent(end))) => Part::Range(start, end),
                        _ => {
                            self.wrong(Limit::IndexedAssignment, position.span);
                            return None;
                        }
                    }
                }
                _ => Part::At(self.bound(position)?),
            };
        }
        Some(places)
    }
}

/// The axis and the position, if one position of one axis is meant and it is computed.
fn one_position(places: &[Part]) -> Option<(usize, &Tensor)> {
    let mut found = None;
    for (axis, place) in places.iter().enumerate() {
        match place {
            Part::All => {}
            Part::At(Bound::Value(position)) if found.is_none() => found = Some((axis, position)),
            Part::At(_) | Part::Range(..) => return None,
        }
    }
    found
}
