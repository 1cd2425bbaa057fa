//! What can be assigned to: locals, `&mut` parameters, and fields of these (R31).

use super::arguments::integer;
use super::body::Body;
use super::scope::Binding;
use super::signature::Tree;
use super::value::Value;
use crate::surface::{BinaryOp, Expr, ExprKind, Name, UnaryOp};
use defn_codegen::diagnostic::catalogue::{ElementMistake, Limit, NameMistake};
use proc_macro2::Span;

/// A local, and the parts down to what is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The local.
    pub(super) local: usize,
    /// Positions of fields and parts.
    pub(super) steps: Vec<usize>,
    /// As written.
    pub(super) text: String,
    /// Whether it stands behind `*`.
    dereferenced: bool,
}

impl Body<'_, '_> {
    /// `place = value;`, `place += value;`.
    pub(super) fn assign(&mut self, place: &Expr, op: Option<BinaryOp>, value: &Expr, span: Span) {
        if let Some((base, index)) = self.tensor_part(place) {
            self.assign_part(base, index, (op, value), span);
            return;
        }
        let whole = if op.is_none() { self.type_of_place(place) } else { None };
        let new = match whole {
            Some(tree) => self.expr_as(value, &tree),
            None => self.expr(value),
        };
        let Some(target) = self.changeable(place) else { return };
        let whole_reference = target.steps.is_empty()
            && !target.dereferenced
            && self.scope.locals[target.local].binding == Binding::Reference;
        if whole_reference {
            let name = target.text.clone();
            self.wrong(NameMistake::AssignedReference { name }, place.span);
            return;
        }
        let Some(old) = self.stored(&target) else { return };
        let new = match op {
            Some(op) => self.binary(op, old.clone(), new, span),
            None => new,
        };
        let Some(tree) = old.tree(&self.b) else {
            // What held a mistake before holds whatever is assigned.
            self.store(&target, new);
            return;
        };
        // Whoever reads it after a mistake must not be told a second one.
        let new = self.expected(new, &tree, "the new value", value.span);
        self.store(&target, new.unwrap_or(Value::Poison));
    }

    /// The type of a place that is found without a mistake.
    fn type_of_place(&mut self, place: &Expr) -> Option<Tree> {
        let told = self.told();
        let found = self.place(place).and_then(|target| self.stored(&target));
        // Whoever assigns tells it.
        self.untell(told);
        found?.tree(&self.b)
    }

    /// The place, if it may be changed.
    pub(super) fn changeable(&mut self, place: &Expr) -> Option<Place> {
        let target = self.place(place)?;
        let local = &self.scope.locals[target.local];
        match local.binding {
            Binding::Mutable | Binding::Reference => Some(target),
            Binding::Parameter | Binding::Fixed => {
                let (name, kind) = (local.name.clone(), local.binding.word().to_owned());
                self.wrong(NameMistake::NotMutable { name, kind }, place.span);
                None
            }
        }
    }

    /// The place that an expression is.
    pub(super) fn place(&mut self, place: &Expr) -> Option<Place> {
        match &place.kind {
            ExprKind::Name(name) => match self.scope.local(&name.text) {
                Some(local) => Some(Place {
                    local,
                    steps: Vec::new(),
                    text: name.text.clone(),
                    dereferenced: false,
                }),
                None => {
                    self.expr(place);
                    if self.extent_named(&name.text).flatten().is_some() {
                        self.wrong(NameMistake::NotAPlace {}, place.span);
                    }
                    None
                }
            },
            ExprKind::Unary(UnaryOp::Deref, inner) => self.dereferenced_place(inner, place.span),
            ExprKind::Field(base, field) => self.field_place(base, field),
            ExprKind::TupleIndex(base, position) => self.part_place(base, *position, place.span),
            ExprKind::Index(base, index) => self.item_place(base, index, place.span),
            ExprKind::Refused => None,
            _ => {
                self.wrong(NameMistake::NotAPlace {}, place.span);
                None
            }
        }
    }

    /// `*p`.
    fn dereferenced_place(&mut self, inner: &Expr, span: Span) -> Option<Place> {
        let mut target = self.place(inner)?;
        let is_reference = target.steps.is_empty()
            && self.scope.locals[target.local].binding == Binding::Reference;
        if !is_reference {
            self.wrong(NameMistake::NotAReference { found: target.text }, span);
            return None;
        }
        target.dereferenced = true;
        Some(target)
    }

    /// `p.w`.
    fn field_place(&mut self, base: &Expr, field: &Name) -> Option<Place> {
        let mut target = self.place(base)?;
        match self.stored(&target)? {
            Value::Container(kind, _) => {
                match kind.fields.iter().position(|own| *own == field.text) {
                    Some(position) => target.steps.push(position),
                    None => {
                        self.unknown_field(&kind, field);
                        return None;
                    }
                }
            }
            Value::Poison => return None,
            other => {
                let (expected, found) = ("a container".to_owned(), other.show(&self.b));
                self.wrong(ElementMistake::WrongKind { expected, found }, field.span());
                return None;
            }
        }
        target.text = format!("{}.{}", target.text, field.text);
        Some(target)
    }

    /// `t.0`.
    fn part_place(&mut self, base: &Expr, position: usize, span: Span) -> Option<Place> {
        let mut target = self.place(base)?;
        match self.stored(&target)? {
            Value::Tuple(parts) if position < parts.len() => target.steps.push(position),
            Value::Poison => return None,
            other => {
                let found = other.show(&self.b);
                self.wrong(NameMistake::UnknownPart { position, found }, span);
                return None;
            }
        }
        target.text = format!("{}.{position}", target.text);
        Some(target)
    }

    /// `blocks[0]`: an item of an array; a part of a tensor can only be assigned to as a whole.
    fn item_place(&mut self, base: &Expr, index: &Expr, span: Span) -> Option<Place> {
        let mut target = self.place(base)?;
        match self.stored(&target)? {
            Value::Array(parts) => {
                self.item(&parts, index);
                let position = usize::try_from(integer(index)?).ok()?;
                target.steps.push(position);
                target.text = format!("{}[{position}]", target.text);
                (position < parts.len()).then_some(target)
            }
            Value::Poison => None,
            _ => {
                self.wrong(Limit::IndexedAssignment, span);
                None
            }
        }
    }

    /// What a place holds.
    pub(super) fn stored(&self, place: &Place) -> Option<Value> {
        let mut value = &self.scope.locals[place.local].value;
        for step in &place.steps {
            value = match value {
                Value::Tuple(parts) | Value::Array(parts) | Value::Container(_, parts) => {
                    parts.get(*step)?
                }
                _ => return None,
            };
        }
        Some(value.clone())
    }

    /// Puts a value into a place.
    pub(super) fn store(&mut self, place: &Place, new: Value) {
        let mut value = &mut self.scope.locals[place.local].value;
        for step in &place.steps {
            value = match value {
                Value::Tuple(parts) | Value::Array(parts) | Value::Container(_, parts) => {
                    let Some(part) = parts.get_mut(*step) else { return };
                    part
                }
                _ => return,
            };
        }
        *value = new;
    }

    /// `*p` as a value.
    pub(super) fn dereferenced(&mut self, operand: &Expr, span: Span) -> Value {
        if let ExprKind::Name(name) = &operand.kind
            && let Some(local) = self.scope.local(&name.text)
            && self.scope.locals[local].binding == Binding::Reference
        {
            return self.scope.locals[local].value.clone();
        }
        let value = self.expr(operand);
        if value.is_poisoned() {
            return Value::Poison;
        }
        let found = value.show(&self.b);
        self.wrong(NameMistake::NotAReference { found }, span)
    }
}
