//! What a `for` walks over (R29).
//!
//! ```text
//! a..b, (a..b).rev()      positions, as `i64`
//! time                    positions of an axis of the signature
//! xs.along(time)          the elements of sequences, leaf by leaf
//! [a, b], p.blocks        the items of an array, one after the other (R32)
//! ```

use super::arguments::Usage;
use super::body::Body;
use super::operators::as_extent;
use super::value::Value;
use crate::surface::{Expr, ExprKind, MethodCall, Name};
use defn_codegen::diagnostic::catalogue::{LoopMistake, NameMistake};
use defn_codegen::graph::{Dim, Element, Op};
use defn_codegen::library::{self, AxisRef, Literal, Tensor};
use proc_macro2::Span;

/// How `along` is written.
pub(super) const ALONG: Usage = Usage { name: "along", form: "for x in xs.along(time)" };

/// What is walked over, in the graph around.
pub(super) struct Walked {
    /// What each round gets.
    pub(super) items: Items,
    /// How many rounds there are, if that does not depend on data.
    pub(super) extent: Option<Dim>,
    /// The name of the axis of what is collected.
    pub(super) axis: Option<String>,
    /// Whether the last comes first.
    pub(super) reverse: bool,
}

/// What each round gets.
pub(super) enum Items {
    /// A position, from the first to before the second.
    Positions(Value, Value),
    /// An element of each tensor, whose walked axis stands in front.
    Elements(Value),
    /// An item.
    Parts(Vec<Value>),
}

impl Body<'_, '_> {
    /// What stands behind `in`; none if a mistake was told.
    pub(super) fn walked(&mut self, over: &Expr) -> Option<Walked> {
        match &over.kind {
            ExprKind::Range(start, end) => self.range(start.as_deref(), end.as_deref(), over.span),
            ExprKind::MethodCall(call) if call.method.text == "rev" => {
                self.count(&call.arguments, 0..=0, (Usage { name: "rev", form: "" }, over.span))?;
                let walked = self.walked(&call.receiver)?;
                Some(Walked { reverse: !walked.reverse, ..walked })
            }
            ExprKind::MethodCall(call) if call.method.text == "along" => self.along(call),
            ExprKind::Name(name) if self.is_walked_axis(name) => self.positions(name),
            ExprKind::Refused => None,
            _ => {
                let value = self.expr(over);
                self.parts_of(value, over.span)
            }
        }
    }

    /// `a..b`: if an end depends on data, so does the number of rounds.
    fn range(&mut self, start: Option<&Expr>, end: Option<&Expr>, span: Span) -> Option<Walked> {
        let (Some(start), Some(end)) = (start, end) else {
            self.wrong(LoopMistake::OpenRange {}, span);
            return None;
        };
        // Of two floats one is told.
        let first = self.end_of_range(start)?;
        let last = self.end_of_range(end)?;
        self.at(span);
        let extent = match (&first, &last) {
            (Value::Extent(first), Value::Extent(last)) => {
                Some(library::length(&mut self.b, first, last))
            }
            _ => None,
        };
        let items = Items::Positions(first, last);
        Some(Walked { items, extent, axis: None, reverse: false })
    }

    /// An end of a range: an extent wherever it can be one, else one `i64`.
    fn end_of_range(&mut self, end: &Expr) -> Option<Value> {
        let value = self.expr(end);
        if let Some(extent) = self.known_extent(&value) {
            return Some(Value::Extent(extent));
        }
        let found = match &value {
            Value::Poison => return None,
            Value::Literal(Literal::Float(_) | Literal::Bool(_)) => value.show(&self.b),
            value => {
                let tensor = self.tensor(value.clone(), end.span)?;
                if tensor.rank() == 0 && tensor.element(&self.b) == Element::I64 {
                    return Some(Value::Tensor(tensor));
                }
                library::show(&self.b, &tensor)
            }
        };
        let help = match &value {
            Value::Tensor(tensor) if tensor.rank() == 0 && tensor.element(&self.b).is_integer() => {
                "convert it: `as i64`"
            }
            _ => "count in `i64`, and compute what is walked over from the position",
        };
        self.wrong(LoopMistake::Bound { found, help: help.to_owned() }, end.span);
        None
    }

    /// The extent that a value is, also where a local holds it.
    fn known_extent(&self, value: &Value) -> Option<Dim> {
        let Value::Tensor(tensor) = value else { return as_extent(value) };
        if tensor.rank() > 0 || tensor.element(&self.b) != Element::I64 {
            return None;
        }
        match self.b.graph().op(tensor.node) {
            Op::Extent(dim) => Some(dim.clone()),
            Op::Constant(scalar) => Some(Dim::from(scalar.to_i64())),
            _ => None,
        }
    }

    /// Whether a bare word is an axis of the signature, and no local of the same name is in the way.
    fn is_walked_axis(&self, name: &Name) -> bool {
        let Some(local) = self.scope.local(&name.text) else {
            return self.scope.axes.contains_key(&name.text);
        };
        let is_extent = matches!(self.scope.locals[local].value, Value::Extent(_));
        is_extent && self.scope.axes.contains_key(&name.text)
    }

    /// `time`.
    fn positions(&mut self, name: &Name) -> Option<Walked> {
        let Some(extent) = self.extent_named(&name.text).flatten() else {
            self.wrong(NameMistake::AxisAsValue { name: name.text.clone() }, name.span());
            return None;
        };
        let items = Items::Positions(Value::Extent(Dim::from(0)), Value::Extent(extent.clone()));
        let axis = Some(name.text.clone());
        Some(Walked { items, extent: Some(extent), axis, reverse: false })
    }

    /// `xs.along(time)`, `(xs, ys).along(time)`.
    fn along(&mut self, call: &MethodCall) -> Option<Walked> {
        let span = call.method.span();
        let value = self.expr(&call.receiver);
        self.count(&call.arguments, 1..=1, (ALONG, span))?;
        if value.is_poisoned() {
            return None;
        }
        let argument = &call.arguments[0];
        let leaves = value.leaves("");
        let Some((_, first)) = leaves.first() else {
            self.tensor(value, call.receiver.span)?;
            return None;
        };
        let along = self.axis(argument, first, ALONG)?;
        self.at(span);
        let mut extent: Option<(Tensor, Dim)> = None;
        for (_, leaf) in &leaves {
            let found = self.walked_extent(leaf, &along, argument.span)?;
            let (tensor, dim) = extent.get_or_insert_with(|| (leaf.clone(), found.clone()));
            if *dim != found {
                let word = match &along {
                    AxisRef::Name(name) => name.clone(),
                    AxisRef::Position(position) => position.to_string(),
                };
                let wrong = library::relate(&self.b, &word, (tensor, dim), (leaf, &found));
                self.wrong(wrong, argument.span);
                return None;
            }
        }
        let elements = self.mapped(&value, |body, leaf| {
            let tensor = body.tensor(leaf.clone(), argument.span)?;
            let answer = library::front(&mut body.b, &tensor, &along);
            let element = body.answer(answer, argument.span)?;
            if body.padded.contains(&tensor.node) {
                body.padded.insert(element.node);
            }
            Some(Value::Tensor(element))
        })?;
        let axis = match along {
            AxisRef::Name(name) => Some(name),
            AxisRef::Position(position) => {
                let axis = library::axis(&self.b, first, &AxisRef::Position(position)).ok()?;
                first.names[axis].clone()
            }
        };
        let extent = extent.map(|(_, extent)| extent);
        Some(Walked { items: Items::Elements(elements), extent, axis, reverse: false })
    }

    fn walked_extent(&mut self, leaf: &Tensor, along: &AxisRef, span: Span) -> Option<Dim> {
        let answer = library::axis(&self.b, leaf, along);
        let axis = self.answer(answer, span)?;
        Some(leaf.shape(&self.b)[axis].clone())
    }

    /// The items of an array; nothing else is walked over as it is.
    fn parts_of(&mut self, value: Value, span: Span) -> Option<Walked> {
        let help = match &value {
            Value::Poison => return None,
            Value::Array(parts) => {
                let items = Items::Parts(parts.clone());
                return Some(Walked { items, extent: None, axis: None, reverse: false });
            }
            Value::Request(request) => {
                self.uncalled(request, span);
                return None;
            }
            Value::Tensor(tensor) if tensor.rank() > 0 => {
                let axis = tensor.names[0].clone().unwrap_or_else(|| "axis = 0".to_owned());
                format!("walk along an axis: `.along({axis})`")
            }
            Value::Tensor(_) | Value::Literal(_) | Value::Extent(_) => {
                "count up to it: `0..n`".to_owned()
            }
            Value::Tuple(_) | Value::Container(..) => {
                "walk along an axis of all leaves: `.along(axis)`".to_owned()
            }
        };
        let found = value.show(&self.b);
        self.wrong(LoopMistake::NotWalkable { found, help }, span);
        None
    }
}
