//! Free functions of the language: `concat(time, x, y)`.

use super::arguments::Usage;
use super::body::Body;
use super::intrinsics::FUNCTIONS;
use super::random::takes_element;
use super::value::Value;
use crate::surface::{Element as Word, Expr, Name};
use defn_codegen::diagnostic::catalogue::{CallMistake, ElementMistake, Limit};
use defn_codegen::graph::{Element, Unary};
use defn_codegen::library::{self, Literal, Tensor};
use proc_macro2::Span;

impl Body<'_, '_> {
    /// `function::<elements>(arguments)`.
    pub(super) fn free(
        &mut self,
        function: &Name,
        elements: &[(Word, Span)],
        arguments: &[Expr],
    ) -> Value {
        let span = function.span();
        // What is no word of this table was read as a definition.
        let known = FUNCTIONS.iter().find(|(name, _)| *name == function.text);
        let Some((name, form)) = known else { return Value::Poison };
        let Some(form) = form else {
            return self.wrong(Limit::Operation((*name).to_owned()), span);
        };
        let element = match elements {
            [] => None,
            [(word, at)] => match self.element(word, *at) {
                Some(element) => Some((element, *at)),
                None => return Value::Poison,
            },
            [_, (_, at), ..] => {
                return self
                    .wrong(CallMistake::UnusedElements { function: (*name).to_owned() }, *at);
            }
        };
        self.at(span);
        let usage = Usage { name, form };
        if element.is_none() && matches!(*name, "stop_grad" | "checkpoint") {
            return match (self.count(arguments, 1..=1, (usage, span)), *name) {
                (None, _) => Value::Poison,
                (Some(()), "checkpoint") => self.checkpoint(&arguments[0], span),
                (Some(()), _) => self.stopped(&arguments[0]),
            };
        }
        Value::of(self.made(usage, element, arguments, span))
    }

    /// `stop_grad`: the same value, whose float leaves do not move.
    fn stopped(&mut self, argument: &Expr) -> Value {
        let value = self.expr(argument);
        let stop = |body: &mut Self, leaf: &Value| match leaf {
            Value::Tensor(tensor) if tensor.element(&body.b).is_float() => {
                let node = body.b.unary(Unary::StopGrad, tensor.node);
                Some(Value::Tensor(Tensor::new(node, tensor.names.clone())))
            }
            other => Some(other.clone()),
        };
        match value {
            Value::Request(request) => self.uncalled(&request, argument.span),
            value => self.mapped(&value, stop).unwrap_or(Value::Poison),
        }
    }

    fn made(
        &mut self,
        usage: Usage,
        element: Option<(Element, Span)>,
        arguments: &[Expr],
        span: Span,
    ) -> Option<Tensor> {
        if let Some((_, at)) = element
            && !matches!(usage.name, "iota" | "zeros" | "ones" | "eye")
            && !takes_element(usage.name)
        {
            self.wrong(CallMistake::UnusedElements { function: usage.name.to_owned() }, at);
            return None;
        }
        match usage.name {
            "iota" => {
                self.count(arguments, 1..=1, (usage, span))?;
                let axis = self.made_axis(&arguments[0], usage)?;
                let positions = library::iota(&mut self.b, &axis);
                let positions = self.answer(positions, arguments[0].span)?;
                let element = element.map_or(Element::I64, |(element, _)| element);
                let answer = library::convert(&mut self.b, &positions, element);
                self.answer(answer, span)
            }
            "zeros" | "ones" => {
                let element = self.known_element(usage, element, span)?;
                let number = Literal::Integer(i128::from(usage.name == "ones"));
                self.filled(Value::Literal(number), Some(element), arguments, (usage, span))
            }
            "full" => {
                self.count(arguments, 1..=usize::MAX, (usage, span))?;
                let value = self.expr(&arguments[0]);
                let value = Value::of(self.tensor(value, arguments[0].span));
                self.filled(value, None, &arguments[1..], (usage, span))
            }
            "eye" => {
                let element = self.known_element(usage, element, span)?;
                let axes = self.made_axes(arguments, usage)?;
                let [rows, columns] = axes.as_slice() else {
                    self.count(arguments, 2..=2, (usage, span))?;
                    return None;
                };
                let answer = library::eye(&mut self.b, element, rows, columns);
                self.answer(answer, span)
            }
            "select" => {
                self.count(arguments, 3..=3, (usage, span))?;
                let values: Vec<Value> =
                    arguments.iter().map(|argument| self.expr(argument)).collect();
                let condition = self.tensor(values[0].clone(), arguments[0].span);
                let (then, otherwise) =
                    self.typed_pair(values[1].clone(), values[2].clone(), arguments[2].span)?;
                let answer = library::select(&mut self.b, &condition?, &then, &otherwise);
                self.answer(answer, span)
            }
            "pad" => {
                self.count(arguments, 3..=4, (usage, span))?;
                let value = self.expr(&arguments[0]);
                let x = self.tensor(value, arguments[0].span)?;
                let of = self.axis(&arguments[1], &x, usage)?;
                let answer = self.padded(&x, &of, &arguments[2..], usage)?;
                self.answer(answer, span)
            }
            "concat" | "stack" => self.joined(usage, arguments, span),
            _ => self.random(usage, element, arguments, span),
        }
    }

    pub(super) fn known_element(
        &mut self,
        usage: Usage,
        element: Option<(Element, Span)>,
        span: Span,
    ) -> Option<Element> {
        if element.is_none() {
            let function = usage.name.to_owned();
            self.wrong(ElementMistake::UntypedTensor { function }, span);
        }
        element.map(|(element, _)| element)
    }

    fn filled(
        &mut self,
        value: Value,
        element: Option<Element>,
        axes: &[Expr],
        (usage, span): (Usage, Span),
    ) -> Option<Tensor> {
        let value = match (value, element) {
            (Value::Literal(Literal::Integer(number)), Some(Element::Bool)) => {
                Value::Literal(Literal::Bool(number != 0))
            }
            (value, _) => value,
        };
        let axes = self.made_axes(axes, usage);
        let value = match element {
            Some(element) => self.tensor_of(value, element, span)?,
            None => self.tensor(value, span)?,
        };
        let answer = library::full(&mut self.b, &value, &axes?);
        self.answer(answer, span)
    }

    /// `concat` and `stack`.
    fn joined(&mut self, usage: Usage, arguments: &[Expr], span: Span) -> Option<Tensor> {
        self.count(arguments, 2..=usize::MAX, (usage, span))?;
        let values: Vec<Value> =
            arguments[1..].iter().map(|argument| self.expr(argument)).collect();
        if let Some(at) =
            values.iter().position(|it| matches!(it, Value::Tuple(_) | Value::Array(_)))
        {
            let (expected, found) = ("tensors, one by one".to_owned(), values[at].show(&self.b));
            self.wrong(ElementMistake::WrongKind { expected, found }, arguments[at + 1].span);
            return None;
        }
        let typed = values.iter().find_map(|value| match value {
            Value::Tensor(tensor) => Some(tensor.element(&self.b)),
            _ => None,
        });
        let mut tensors = Vec::with_capacity(values.len());
        for (value, argument) in values.into_iter().zip(&arguments[1..]) {
            let tensor = match typed {
                Some(element) => self.tensor_of(value, element, argument.span),
                None => self.tensor(value, argument.span),
            };
            tensors.push(tensor);
        }
        let tensors: Vec<Tensor> = tensors.into_iter().collect::<Option<_>>()?;
        let operands: Vec<&Tensor> = tensors.iter().collect();
        let answer = if usage.name == "concat" {
            let along = self.axis(&arguments[0], operands[0], usage)?;
            library::concat(&mut self.b, &along, &operands)
        } else {
            let new = self.fresh_name(&arguments[0], usage)?;
            library::stack(&mut self.b, &new, &operands)
        };
        self.answer(answer, span)
    }
}
