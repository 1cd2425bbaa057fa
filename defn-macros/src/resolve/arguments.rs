//! Arguments of operations: axes, new axes, extents, ends of slices.

use super::body::Body;
use super::operators::as_extent;
use super::value::Value;
use crate::surface::{Expr, ExprKind, Literal as Written, UnaryOp};
use defn_codegen::diagnostic::catalogue::{CallMistake, ElementMistake, nearest};
use defn_codegen::graph::{Dim, Element, Op};
use defn_codegen::library::{self, Axis, AxisRef, Bound, Tensor};

/// An operation, for sentences: its name and how it is written.
#[derive(Clone, Copy)]
pub(super) struct Usage {
    /// Its name.
    pub(super) name: &'static str,
    /// An example.
    pub(super) form: &'static str,
}

impl Body<'_, '_> {
    /// Whether a bare word stands for an axis here: it is no local, or the receiver has such an axis (R2, R18).
    pub(super) fn is_axis(&self, argument: &Expr, receiver: &Tensor) -> bool {
        match &argument.kind {
            ExprKind::Name(name) => {
                receiver.position(&name.text).is_some() || self.scope.local(&name.text).is_none()
            }
            ExprKind::Named(name, _) => name.text == "axis",
            ExprKind::Tuple(parts) => {
                !parts.is_empty() && parts.iter().all(|part| self.is_axis(part, receiver))
            }
            _ => false,
        }
    }

    /// `features`, `axis = -1`.
    pub(super) fn axis(
        &mut self,
        argument: &Expr,
        receiver: &Tensor,
        usage: Usage,
    ) -> Option<AxisRef> {
        match &argument.kind {
            ExprKind::Name(name) if self.is_axis(argument, receiver) => {
                Some(AxisRef::Name(name.text.clone()))
            }
            ExprKind::Named(name, value) if name.text == "axis" => {
                let position = integer(value);
                if position.is_none() {
                    self.expects_axis(argument, usage);
                }
                Some(AxisRef::Position(position?))
            }
            ExprKind::Refused => None,
            _ => {
                self.expects_axis(argument, usage);
                None
            }
        }
    }

    fn expects_axis(&mut self, argument: &Expr, usage: Usage) {
        let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
        self.wrong(CallMistake::AxisExpected { function, form }, argument.span);
    }

    /// Any number of axes, also in parentheses.
    pub(super) fn axes(
        &mut self,
        arguments: &[Expr],
        receiver: &Tensor,
        usage: Usage,
    ) -> Option<Vec<AxisRef>> {
        let mut axes = Some(Vec::new());
        for argument in arguments {
            let found = match &argument.kind {
                ExprKind::Tuple(parts) => self.axes(parts, receiver, usage),
                _ => self.axis(argument, receiver, usage).map(|axis| vec![axis]),
            };
            axes = match (axes, found) {
                (Some(mut axes), Some(found)) => {
                    axes.extend(found);
                    Some(axes)
                }
                _ => None,
            };
        }
        axes
    }

    /// `reverse = true`: what is decided when compiling.
    pub(super) fn flag(&mut self, argument: &Expr, flag: &str, usage: Usage) -> Option<bool> {
        match &argument.kind {
            ExprKind::Named(name, value) if name.text == flag => {
                if let ExprKind::Literal(Written::Bool(value)) = value.kind {
                    return Some(value);
                }
                self.expects_value(value, usage);
            }
            ExprKind::Named(name, _) => {
                let (function, argument_name) = (usage.name.to_owned(), name.text.clone());
                self.wrong(
                    CallMistake::UnknownArgument { function, argument: argument_name },
                    argument.span,
                );
            }
            ExprKind::Refused => {}
            _ => self.expects_value(argument, usage),
        }
        None
    }

    fn expects_value(&mut self, argument: &Expr, usage: Usage) {
        let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
        self.wrong(CallMistake::ValueExpected { function, form }, argument.span);
    }

    /// A bare word that names an axis which is made: `rename(a, b)`.
    pub(super) fn fresh_name(&mut self, argument: &Expr, usage: Usage) -> Option<String> {
        match &argument.kind {
            ExprKind::Name(name) => self.new_axis(name),
            ExprKind::Refused => None,
            _ => {
                self.expects_axis(argument, usage);
                None
            }
        }
    }

    /// `head`, `dim = 64`: a part of an axis that is split.
    pub(super) fn part_axis(
        &mut self,
        argument: &Expr,
        usage: Usage,
    ) -> Option<(String, Option<Dim>)> {
        match &argument.kind {
            ExprKind::Named(name, extent) => {
                let extent = self.extent(extent);
                Some((self.new_axis(name)?, Some(extent?)))
            }
            _ => Some((self.fresh_name(argument, usage)?, None)),
        }
    }

    /// `kh = 3`, or a bare word whose extent the signature gives.
    pub(super) fn made_axis(&mut self, argument: &Expr, usage: Usage) -> Option<Axis> {
        match &argument.kind {
            ExprKind::Named(name, extent) => {
                let extent = self.extent(extent);
                Some(Axis { name: Some(self.new_axis(name)?), extent: extent? })
            }
            ExprKind::Name(name) => match self.extent_named(&name.text).flatten() {
                Some(extent) => Some(Axis { name: Some(name.text.clone()), extent }),
                None => {
                    let symbols = &self.b.graph().symbols;
                    let known = self.scope.axes.keys().chain(symbols).map(String::as_str);
                    let nearest = nearest(&name.text, known);
                    self.expects_new_axis(argument, usage, nearest);
                    None
                }
            },
            ExprKind::Refused => None,
            _ => {
                self.expects_new_axis(argument, usage, None);
                None
            }
        }
    }

    fn expects_new_axis(&mut self, argument: &Expr, usage: Usage, nearest: Option<String>) {
        let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
        self.wrong(CallMistake::NewAxisExpected { function, form, nearest }, argument.span);
    }

    /// Several of these, also in parentheses.
    pub(super) fn made_axes(&mut self, arguments: &[Expr], usage: Usage) -> Option<Vec<Axis>> {
        let mut axes = Some(Vec::new());
        for argument in arguments {
            let found = match &argument.kind {
                ExprKind::Tuple(parts) => self.made_axes(parts, usage),
                _ => self.made_axis(argument, usage).map(|axis| vec![axis]),
            };
            axes = match (axes, found) {
                (Some(mut axes), Some(found)) => {
                    axes.extend(found);
                    Some(axes)
                }
                _ => None,
            };
        }
        axes
    }

    /// An extent: an integer that does not depend on data (R23).
    pub(super) fn extent(&mut self, argument: &Expr) -> Option<Dim> {
        let value = self.expr(argument);
        if value.is_poisoned() {
            return None;
        }
        let extent = as_extent(&value).or_else(|| self.constant_extent(&value));
        if extent.is_none() {
            let found = value.show(&self.b);
            self.wrong(ElementMistake::DynamicExtent { found }, argument.span);
        }
        extent
    }

    /// The number that a constant of the language or of std is.
    fn constant_extent(&self, value: &Value) -> Option<Dim> {
        let Value::Tensor(tensor) = value else { return None };
        match self.b.graph().op(tensor.node) {
            Op::Constant(scalar) if tensor.element(&self.b) == Element::I64 => {
                Some(Dim::from(scalar.to_i64()))
            }
            _ => None,
        }
    }

    /// An end of a slice, or a position: an extent, or an `i64` that is computed.
    pub(super) fn bound(&mut self, argument: &Expr) -> Option<Bound> {
        let value = self.expr(argument);
        if let Some(extent) = as_extent(&value) {
            return Some(Bound::Extent(extent));
        }
        Some(Bound::Value(self.tensor(value, argument.span)?))
    }

    /// A value beside a tensor; a word that is none of the known ones may be a mistyped axis.
    pub(super) fn operand(
        &mut self,
        argument: &Expr,
        element: Element,
        usage: Usage,
    ) -> Option<Tensor> {
        if matches!(&argument.kind, ExprKind::Named(..) | ExprKind::Range(..)) {
            let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
            self.wrong(CallMistake::ValueExpected { function, form }, argument.span);
            return None;
        }
        let value = self.expr(argument);
        self.tensor_of(value, element, argument.span)
    }

    /// `x[(1, ..)]`, `x[i]`: positions of the leading axes.
    pub(super) fn index(&mut self, base: &Expr, index: &Expr) -> Value {
        let value = self.expr(base);
        if let Value::Array(parts) = &value {
            return self.item(parts, index);
        }
        let Some(mut tensor) = self.tensor(value, base.span) else { return Value::Poison };
        let positions: Vec<&Expr> = match &index.kind {
            ExprKind::Tuple(parts) => parts.iter().collect(),
            _ => vec![index],
        };
        if positions.len() > tensor.rank() {
            let (count, ty) = (positions.len(), library::show(&self.b, &tensor));
            let wrong =
                defn_codegen::diagnostic::catalogue::AxisMistake::TooManyPositions { count, ty };
            return self.wrong(wrong, index.span);
        }
        // From the last to the first, so that the axes in front keep their places.
        for (axis, position) in positions.into_iter().enumerate().rev() {
            match self.indexed(&tensor, axis, position) {
                Some(part) => tensor = part,
                None => return Value::Poison,
            }
        }
        Value::Tensor(tensor)
    }

    fn indexed(&mut self, tensor: &Tensor, axis: usize, position: &Expr) -> Option<Tensor> {
        let axis = AxisRef::Position(axis as i64);
        let answer = match &position.kind {
            ExprKind::Range(None, None) => return Some(tensor.clone()),
            ExprKind::Range(start, end) => {
                let (start, end) = self.bounds(start.as_deref(), end.as_deref())?;
                library::slice(&mut self.b, tensor, &axis, &start, end.as_ref())
            }
            _ => {
                let bound = self.bound(position)?;
                library::at(&mut self.b, tensor, &axis, &bound)
            }
        };
        self.answer(answer, position.span)
    }

    /// Both ends of a range.
    pub(super) fn bounds(
        &mut self,
        start: Option<&Expr>,
        end: Option<&Expr>,
    ) -> Option<(Bound, Option<Bound>)> {
        let start = match start {
            Some(start) => self.bound(start),
            None => Some(Bound::Extent(Dim::from(0))),
        };
        let end = match end {
            Some(end) => Some(self.bound(end)?),
            None => None,
        };
        Some((start?, end))
    }

    pub(super) fn item(&mut self, parts: &[Value], index: &Expr) -> Value {
        match integer(index).and_then(|position| parts.get(usize::try_from(position).ok()?)) {
            Some(part) => part.clone(),
            None => {
                let (expected, found) = (
                    format!("an integer literal below {}", parts.len()),
                    self.expr(index).show(&self.b),
                );
                self.wrong(ElementMistake::WrongKind { expected, found }, index.span)
            }
        }
    }
}

/// An integer literal, perhaps with a sign.
pub(super) fn integer(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Literal(Written::Integer(digits, None)) => digits.parse().ok(),
        ExprKind::Unary(UnaryOp::Neg, inner) => integer(inner)?.checked_neg(),
        _ => None,
    }
}
