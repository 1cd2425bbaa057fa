//! Methods: `x.sum(n)`.

use super::arguments::{Usage, integer};
use super::body::Body;
use super::intrinsics::{Form, METHODS, Own};
use super::operators::is_structure;
use super::value::Value;
use crate::surface::{Expr, ExprKind, MethodCall};
use defn_codegen::diagnostic::catalogue::{
    CallMistake, ElementMistake, Limit, LoopMistake, NameMistake, nearest,
};
use defn_codegen::graph::{Binary, Dim, Element};
use defn_codegen::library::{self, AxisRef, Literal, Method, Tensor};
use proc_macro2::Span;

impl Body<'_, '_> {
    /// `receiver.method(arguments)`.
    pub(super) fn method_call(&mut self, call: &MethodCall) -> Value {
        let (word, span) = (&call.method.text, call.method.span());
        let value = self.expr(&call.receiver);
        let Some((name, form, example)) = METHODS.iter().find(|(name, ..)| name == word) else {
            let nearest = nearest(word, METHODS.iter().map(|(name, ..)| *name));
            return self.wrong(NameMistake::UnknownMethod { method: word.clone(), nearest }, span);
        };
        let usage = Usage { name, form: example };
        if let Some((_, at)) = call.elements.first() {
            return self.wrong(CallMistake::UnusedElements { function: word.clone() }, *at);
        }
        match (form, &value) {
            (_, Value::Poison) => return Value::Poison,
            (Form::Limited, _) => return self.wrong(Limit::Operation(word.clone()), span),
            (Form::Walk, _) => return self.wrong(LoopMistake::AlongOutside {}, span),
            (Form::DataShape, _) => {
                return self.wrong(ElementMistake::DataShape { method: word.clone() }, span);
            }
            (Form::Element(method), value) if is_structure(value) => {
                return self.each_leaf(*method, value, &call.arguments, (usage, span));
            }
            _ => {}
        }
        let Some(receiver) = self.tensor(value, span) else { return Value::Poison };
        self.at(span);
        if let Form::Own(Own::Extent) = form {
            return self.extent_of(&receiver, &call.arguments, (usage, span));
        }
        if let Form::Own(Own::TopK) = form {
            return self.top_k(&receiver, &call.arguments, (usage, span));
        }
        if let Form::Own(Own::FoldIn) = form {
            return self.fold_in(&receiver, &call.arguments, (usage, span));
        }
        // An axis is split in the names of its parts, a key has no axis.
        if let Form::Own(Own::Split) = form
            && (receiver.rank() == 0 || call.arguments.is_empty())
            && call.arguments.len() < 2
        {
            return self.split_key(&receiver, &call.arguments, (usage, span));
        }
        Value::of(self.method(*form, &receiver, &call.arguments, (usage, span)))
    }

    /// A method without arguments on the float leaves of a container (R32).
    fn each_leaf(
        &mut self,
        method: Method,
        value: &Value,
        arguments: &[Expr],
        (usage, span): (Usage, Span),
    ) -> Value {
        if self.count(arguments, 0..=0, (usage, span)).is_none() {
            return Value::Poison;
        }
        let each = |body: &mut Self, leaf: &Value| match leaf {
            Value::Tensor(tensor) if tensor.element(&body.b).is_float() => {
                let answer = library::unary(&mut body.b, method, tensor);
                Some(Value::of(body.answer(answer, span)))
            }
            other => Some(other.clone()),
        };
        self.mapped(value, each).unwrap_or(Value::Poison)
    }

    /// A mistake if the number of arguments is another one.
    pub(super) fn count(
        &mut self,
        arguments: &[Expr],
        expected: std::ops::RangeInclusive<usize>,
        (usage, span): (Usage, Span),
    ) -> Option<()> {
        if expected.contains(&arguments.len()) {
            return Some(());
        }
        let expected = match (*expected.start(), *expected.end()) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "1 argument".to_owned(),
            (least, usize::MAX) => format!("at least {least} arguments"),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
        let found = arguments.len();
        self.wrong(CallMistake::ArgumentCount { function, expected, found, form }, span);
        None
    }

    fn method(
        &mut self,
        form: Form,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<Tensor> {
        let (usage, span) = at;
        let answer = match form {
            Form::Element(method) => {
                self.count(arguments, 0..=0, at)?;
                library::unary(&mut self.b, method, x)
            }
            Form::Axes(operation) => {
                let axes = self.axes(arguments, x, usage)?;
                self.sees_padding(x, at)?;
                operation(&mut self.b, x, &axes)
            }
            Form::Matrix(operation) => {
                self.count(arguments, 2..=2, at)?;
                let axes = self.axes(arguments, x, usage)?;
                self.sees_padding(x, at)?;
                operation(&mut self.b, x, &axes)
            }
            Form::AxesOrValue(operation, binary) => match arguments {
                [value] if !self.is_axis(value, x) => self.beside(binary, x, value, usage)?,
                _ => {
                    let axes = self.axes(arguments, x, usage)?;
                    self.sees_padding(x, at)?;
                    operation(&mut self.b, x, &axes)
                }
            },
            Form::Along(operation, flag) => {
                self.count(arguments, 1..=2, at)?;
                let along = self.axis(&arguments[0], x, usage);
                let other_way = match arguments.get(1) {
                    Some(argument) => self.flag(argument, flag, usage),
                    None => Some(false),
                };
                let (along, other_way) = (along?, other_way?);
                operation(&mut self.b, x, &along, other_way)
            }
            Form::Value(binary) => {
                self.count(arguments, 1..=1, at)?;
                self.beside(binary, x, &arguments[0], usage)?
            }
            Form::Own(own) => self.own(own, x, arguments, at)?,
            Form::Walk | Form::Limited | Form::DataShape => return None,
        };
        let culprit = self.guilty(&answer, arguments).unwrap_or(span);
        self.answer(answer, culprit)
    }

    /// The argument that a mistake is about, if it names what is wrong.
    fn guilty(&self, answer: &library::Result<Tensor>, arguments: &[Expr]) -> Option<Span> {
        let wrong = answer.as_ref().err()?;
        let defn_codegen::diagnostic::Mistake::Axis(wrong) = wrong else { return None };
        use defn_codegen::diagnostic::catalogue::AxisMistake;
        if let AxisMistake::WindowTooLong { .. } = wrong {
            return arguments.get(1).map(|window| window.span);
        }
        if let AxisMistake::NegativePadding { .. } = wrong {
            return named(arguments, "padding").last().copied();
        }
        let (AxisMistake::UnknownAxis { axis: word, .. }
        | AxisMistake::AxisExists { axis: word, .. }
        | AxisMistake::ContractedAxis { axis: word, .. }
        | AxisMistake::RepeatedAxis { axis: word }
        | AxisMistake::WindowStep { argument: word, .. }) = wrong
        else {
            return None;
        };
        named(arguments, word).last().copied()
    }

    fn beside(
        &mut self,
        binary: Binary,
        x: &Tensor,
        value: &Expr,
        usage: Usage,
    ) -> Option<library::Result<Tensor>> {
        let y = self.operand(value, x.element(&self.b), usage)?;
        Some(match binary {
            Binary::Pow => library::pow(&mut self.b, x, &y),
            binary => library::arithmetic(&mut self.b, binary, x, &y),
        })
    }

    fn own(
        &mut self,
        own: Own,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<library::Result<Tensor>> {
        match own {
            Own::Dot | Own::Take | Own::AddAt | Own::Slice | Own::At | Own::Pad | Own::Roll => {
                self.positional(own, x, arguments, at)
            }
            Own::Solve => self.solved(x, arguments, at),
            Own::Window => self.window(x, arguments, at),
            Own::Rename | Own::Name | Own::Split | Own::Merge | Own::Broadcast => {
                self.renaming(own, x, arguments, at)
            }
            Own::Clamp
            | Own::Pow
            | Own::Powi
            | Own::MulAdd
            | Own::Hypot
            | Own::Select
            | Own::Zeros
            | Own::Ones
            | Own::Extent
            | Own::TopK
            | Own::FoldIn => self.valued(own, x, arguments, at),
        }
    }

    /// A right side, and the axes of the matrices.
    fn solved(
        &mut self,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<library::Result<Tensor>> {
        self.count(arguments, 3..=3, at)?;
        let side = self.operand(&arguments[0], x.element(&self.b), at.0);
        let axes = self.axes(&arguments[1..], x, at.0);
        let (side, axes) = (side?, axes?);
        self.sees_padding(x, at)?;
        Some(library::solve(&mut self.b, x, &side, &axes))
    }

    /// Methods whose arguments are values.
    fn valued(
        &mut self,
        own: Own,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<library::Result<Tensor>> {
        let (usage, _) = at;
        let element = x.element(&self.b);
        match own {
            Own::Clamp | Own::MulAdd => {
                self.count(arguments, 2..=2, at)?;
                let (y, z) = (
                    self.operand(&arguments[0], element, usage),
                    self.operand(&arguments[1], element, usage),
                );
                let (y, z) = (y?, z?);
                Some(match own {
                    Own::Clamp => library::clamp(&mut self.b, x, &y, &z),
                    _ => library::mul_add(&mut self.b, x, &y, &z),
                })
            }
            Own::Select => {
                self.count(arguments, 2..=2, at)?;
                // What chooses is looked at before what is chosen: `x.select(x > 0.0, 0.0)` is the wrong way round.
                if element != Element::Bool {
                    return Some(library::select(&mut self.b, x, x, x));
                }
                let (then, otherwise) = (self.expr(&arguments[0]), self.expr(&arguments[1]));
                let (then, otherwise) = self.typed_pair(then, otherwise, arguments[1].span)?;
                Some(library::select(&mut self.b, x, &then, &otherwise))
            }
            Own::Hypot => {
                self.count(arguments, 1..=1, at)?;
                let y = self.operand(&arguments[0], element, usage)?;
                Some(library::hypot(&mut self.b, x, &y))
            }
            Own::Zeros | Own::Ones => {
                self.count(arguments, 0..=0, at)?;
                let number = if matches!(own, Own::Ones) { 1 } else { 0 };
                Some(Ok(library::like(&mut self.b, x, number)))
            }
            _ => {
                self.count(arguments, 1..=1, at)?;
                self.raised(own, x, &arguments[0])
            }
        }
    }

    /// `pow` and `powi`: an integer literal is multiplied out.
    fn raised(&mut self, own: Own, x: &Tensor, exponent: &Expr) -> Option<library::Result<Tensor>> {
        let value = self.expr(exponent);
        if let Value::Literal(Literal::Integer(whole)) = value
            && let Ok(whole) = i64::try_from(whole)
        {
            return Some(library::power(&mut self.b, x, whole));
        }
        if value.is_poisoned() {
            return None;
        }
        if matches!(own, Own::Powi) {
            let found = value.show(&self.b);
            self.wrong(ElementMistake::PowiExponent { found }, exponent.span);
            return None;
        }
        let y = self.tensor_of(value, x.element(&self.b), exponent.span)?;
        Some(library::pow(&mut self.b, x, &y))
    }

    /// Methods that give axes names and extents.
    fn renaming(
        &mut self,
        own: Own,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<library::Result<Tensor>> {
        let (usage, _) = at;
        if let Own::Broadcast = own {
            let axes = self.made_axes(arguments, usage)?;
            return Some(library::broadcast(&mut self.b, x, &axes));
        }
        self.count(arguments, 2..=2, at)?;
        let (first, second) = (&arguments[0], &arguments[1]);
        match own {
            Own::Name => {
                let Some(position) = integer(first) else {
                    let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
                    self.wrong(CallMistake::ValueExpected { function, form }, first.span);
                    return None;
                };
                let to = self.fresh_name(second, usage)?;
                Some(library::name(&self.b, x, position, &to))
            }
            Own::Split => {
                let of = self.axis(first, x, usage)?;
                let parts: Vec<_> = match &second.kind {
                    ExprKind::Tuple(parts) => {
                        parts.iter().map(|part| self.part_axis(part, usage)).collect()
                    }
                    _ => Vec::new(),
                };
                let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
                Some(library::split(&mut self.b, x, &of, &parts))
            }
            Own::Merge => {
                let of = self.axes(std::slice::from_ref(first), x, usage)?;
                let to = self.fresh_name(second, usage)?;
                Some(library::merge(&mut self.b, x, &of, &to))
            }
            _ => {
                let of = self.axis(first, x, usage)?;
                let to = self.fresh_name(second, usage)?;
                Some(library::rename(&self.b, x, &of, &to))
            }
        }
    }

    /// Methods that walk along an axis.
    fn positional(
        &mut self,
        own: Own,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<library::Result<Tensor>> {
        let (usage, _) = at;
        let counts = match own {
            Own::Dot => 1..=usize::MAX,
            Own::AddAt => 3..=3,
            Own::Pad => 2..=3,
            _ => 2..=2,
        };
        self.count(arguments, counts, at)?;
        if let Own::Dot = own {
            return self.dot(x, arguments, usage);
        }
        let of = self.axis(&arguments[0], x, usage)?;
        let second = &arguments[1];
        match own {
            Own::Take => {
                let ids = self.operand(second, Element::I64, usage)?;
                Some(library::take(&mut self.b, x, &of, &ids))
            }
            Own::AddAt => {
                let ids = self.operand(second, Element::I64, usage);
                let values = self.operand(&arguments[2], x.element(&self.b), usage);
                let (ids, values) = (ids?, values?);
                Some(library::add_at(&mut self.b, x, &of, (&ids, &values)))
            }
            Own::Slice => {
                let ExprKind::Range(start, end) = &second.kind else {
                    let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
                    self.wrong(CallMistake::ValueExpected { function, form }, second.span);
                    return None;
                };
                let (start, end) = self.bounds(start.as_deref(), end.as_deref())?;
                Some(library::slice(&mut self.b, x, &of, &start, end.as_ref()))
            }
            Own::At => {
                let position = self.bound(second)?;
                Some(library::at(&mut self.b, x, &of, &position))
            }
            Own::Pad => self.padded(x, &of, &arguments[1..], usage),
            _ => {
                let by = self.operand(second, Element::I64, usage)?;
                Some(library::roll(&mut self.b, x, &of, &by))
            }
        }
    }

    /// `pad(time, (1, 1))`, `pad(time, (1, 1), value = 0.5)`.
    pub(super) fn padded(
        &mut self,
        x: &Tensor,
        of: &AxisRef,
        arguments: &[Expr],
        usage: Usage,
    ) -> Option<library::Result<Tensor>> {
        let widths = self.widths(&arguments[0], usage);
        let element = x.element(&self.b);
        let value = match arguments.get(1).map(|argument| (&argument.kind, argument)) {
            None if element == Element::Bool => Value::Literal(Literal::Bool(false)),
            None => Value::Literal(Literal::Integer(0)),
            Some((ExprKind::Named(name, value), argument)) => {
                if name.text != "value" {
                    let (function, argument_name) = (usage.name.to_owned(), name.text.clone());
                    self.wrong(
                        CallMistake::UnknownArgument { function, argument: argument_name },
                        argument.span,
                    );
                    return None;
                }
                self.expr(value)
            }
            Some((_, argument)) => self.expr(argument),
        };
        let span = arguments.last().map_or(arguments[0].span, |argument| argument.span);
        let value = self.tensor_of(value, element, span)?;
        let (low, high) = widths?;
        Some(library::pad(&mut self.b, x, of, (&low, &high), &value))
    }

    /// `(1, 1)`: how much stands in front and behind.
    pub(super) fn widths(&mut self, argument: &Expr, usage: Usage) -> Option<(Dim, Dim)> {
        if let ExprKind::Tuple(parts) = &argument.kind
            && let [low, high] = parts.as_slice()
        {
            let (low, high) = (self.extent(low), self.extent(high));
            return Some((low?, high?));
        }
        let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
        self.wrong(CallMistake::ValueExpected { function, form }, argument.span);
        None
    }

    /// `x.dot(w, features)`, `a.dot(b, j = i)`.
    fn dot(
        &mut self,
        x: &Tensor,
        arguments: &[Expr],
        usage: Usage,
    ) -> Option<library::Result<Tensor>> {
        let y = self.operand(&arguments[0], x.element(&self.b), usage)?;
        let flat: Vec<&Expr> = arguments[1..]
            .iter()
            .flat_map(|argument| match &argument.kind {
                ExprKind::Tuple(parts) => parts.iter().collect(),
                _ => vec![argument],
            })
            .collect();
        let is_pair = |argument: &&Expr| matches!(&argument.kind, ExprKind::Named(name, _) if name.text != "axis");
        if !flat.iter().any(is_pair) {
            let axes = self.axes(&arguments[1..], x, usage)?;
            return Some(library::dot(&mut self.b, x, &y, &axes));
        }
        let mut pairs = Vec::new();
        for argument in flat {
            pairs.push(match &argument.kind {
                ExprKind::Named(left, right) if left.text != "axis" => {
                    let right = self.axis(right, &y, usage)?;
                    (AxisRef::Name(left.text.clone()), right)
                }
                _ => {
                    let axis = self.axis(argument, x, usage)?;
                    (axis.clone(), axis)
                }
            });
        }
        Some(library::dot_pairs(&mut self.b, x, &y, &pairs))
    }

    /// `let (values, positions) = x.top_k(class, 5);`
    fn top_k(&mut self, x: &Tensor, arguments: &[Expr], at: (Usage, Span)) -> Value {
        if self.count(arguments, 2..=2, at).is_none() {
            return Value::Poison;
        }
        let axis = self.axis(&arguments[0], x, at.0);
        let count = self.extent(&arguments[1]);
        let (Some(axis), Some(count)) = (axis, count) else { return Value::Poison };
        let top = library::top_k(&mut self.b, x, &axis, &count);
        // An axis that is not there is the first argument's mistake, all others are the second's.
        let culprit = match library::axis(&self.b, x, &axis) {
            Ok(_) => arguments[1].span,
            Err(_) => arguments[0].span,
        };
        match self.answer(top, culprit) {
            Some(pair) => Value::Tuple(pair.into_iter().map(Value::Tensor).collect()),
            None => Value::Poison,
        }
    }

    /// `x.extent(time)`.
    fn extent_of(&mut self, x: &Tensor, arguments: &[Expr], at: (Usage, Span)) -> Value {
        if self.count(arguments, 1..=1, at).is_none() {
            return Value::Poison;
        }
        let Some(axis) = self.axis(&arguments[0], x, at.0) else { return Value::Poison };
        let position = library::axis(&self.b, x, &axis);
        match self.answer(position, arguments[0].span) {
            Some(position) => Value::Extent(x.shape(&self.b)[position].clone()),
            None => Value::Poison,
        }
    }
}

/// The places where arguments name an axis.
fn named(arguments: &[Expr], word: &str) -> Vec<Span> {
    arguments
        .iter()
        .flat_map(|argument| match &argument.kind {
            ExprKind::Name(name) if name.text == word => vec![argument.span],
            ExprKind::Named(name, value) => {
                let own = (name.text == word).then_some(argument.span);
                own.into_iter().chain(named(std::slice::from_ref(value), word)).collect()
            }
            ExprKind::Tuple(parts) => named(parts, word),
            _ => Vec::new(),
        })
        .collect()
}
