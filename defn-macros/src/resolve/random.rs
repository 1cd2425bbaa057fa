//! Random numbers: `normal::<f32>(key, (batch, features))`.
//!
//! Every draw names its key, then what it needs of a tensor: axes that it makes, or a tensor and an axis of it.

use super::arguments::Usage;
use super::body::Body;
use super::value::Value;
use crate::surface::Expr;
use defn_codegen::graph::Element;
use defn_codegen::graph::build::Builder;
use defn_codegen::library::{self, Axis, Draw, Literal, Tensor};
use proc_macro2::Span;

/// The functions that take an element type.
const TYPED: [&str; 12] = [
    "random_bits",
    "uniform",
    "normal",
    "exponential",
    "gumbel",
    "randint",
    "truncated_normal",
    "gamma",
    "log_gamma",
    "chi_square",
    "student_t",
    "beta",
];

/// Whether the function takes an element type.
pub(super) fn takes_element(function: &str) -> bool {
    TYPED.contains(&function)
}

/// A function that draws numbers of a shape.
type OfShape = fn(&mut Builder, Draw<'_>, Element, &[Axis], &Tensor) -> library::Result<Tensor>;

impl Body<'_, '_> {
    /// A function of a key.
    pub(super) fn random(
        &mut self,
        usage: Usage,
        element: Option<(Element, Span)>,
        arguments: &[Expr],
        span: Span,
    ) -> Option<Tensor> {
        let count = match usage.name {
            "key" => 1..=1,
            "uniform" => 2..=4,
            "randint" | "truncated_normal" | "beta" => 4..=4,
            "bernoulli" | "categorical" | "shuffle" | "dirichlet" => 3..=3,
            "gamma" | "log_gamma" | "chi_square" | "student_t" => 3..=3,
            _ => 2..=2,
        };
        self.count(arguments, count, (usage, span))?;
        let value = self.expr(&arguments[0]);
        let key = self.tensor_of(value, Element::U64, arguments[0].span)?;
        if usage.name == "key" {
            let answer = library::key(&mut self.b, &key);
            return self.answer(answer, arguments[0].span);
        }
        let draw = Draw { function: usage.name, key: &key };
        let element = match usage.name {
            name if takes_element(name) => Some(self.known_element(usage, element, span)?),
            _ => None,
        };
        let answer = match (usage.name, element) {
            ("categorical" | "shuffle" | "dirichlet", _) => {
                let value = self.expr(&arguments[1]);
                let x = self.tensor(value, arguments[1].span)?;
                let of = self.axis(&arguments[2], &x, usage)?;
                match usage.name {
                    "shuffle" => library::shuffle(&mut self.b, draw, &x, &of),
                    "dirichlet" => library::dirichlet(&mut self.b, draw, &x, &of),
                    _ => library::categorical(&mut self.b, draw, &x, &of),
                }
            }
            ("bernoulli", _) => {
                // Truth values say nothing about the type of a probability, and fewer bits would be no faster.
                let p = self.operand(&arguments[1], Element::F32, usage)?;
                let axes = self.made_axes(&arguments[2..], usage)?;
                library::bernoulli(&mut self.b, draw, &p, &axes)
            }
            ("permutation", _) => {
                let axis = self.made_axis(&arguments[1], usage)?;
                library::permutation(&mut self.b, draw, &axis)
            }
            (_, Some(element)) => {
                return self.drawn((draw, element), &arguments[1..], (usage, span));
            }
            _ => return None,
        };
        self.answer(answer, span)
    }

    /// What draws numbers of a type: the axes, and then what it needs of the numbers.
    fn drawn(
        &mut self,
        (draw, element): (Draw<'_>, Element),
        arguments: &[Expr],
        (usage, span): (Usage, Span),
    ) -> Option<Tensor> {
        let axes = self.made_axes(&arguments[..1], usage)?;
        let rest = &arguments[1..];
        let of_shape = match usage.name {
            "gamma" => Some(library::gamma as OfShape),
            "log_gamma" => Some(library::log_gamma as OfShape),
            "chi_square" => Some(library::chi_square as OfShape),
            "student_t" => Some(library::student_t as OfShape),
            _ => None,
        };
        if let Some(of_shape) = of_shape {
            let shape = self.end(&rest[0], element, usage)?;
            let answer = of_shape(&mut self.b, draw, element, &axes, &shape);
            return self.answer(answer, span);
        }
        let bounds = self.bounds_of(rest, element, (usage, span))?;
        let bounds = bounds.as_ref().map(|(low, high)| (low, high));
        let b = &mut self.b;
        let answer = match (usage.name, bounds) {
            ("random_bits", _) => library::bits(b, draw, element, &axes),
            ("normal", _) => library::normal(b, draw, element, &axes),
            ("exponential", _) => library::exponential(b, draw, element, &axes),
            ("gumbel", _) => library::gumbel(b, draw, element, &axes),
            ("randint", Some(bounds)) => library::randint(b, draw, &axes, bounds),
            ("truncated_normal", Some(bounds)) => library::truncated_normal(b, draw, &axes, bounds),
            ("beta", Some(shapes)) => library::beta(b, draw, element, &axes, shapes),
            (_, bounds) => library::uniform(b, draw, element, &axes, bounds),
        };
        self.answer(answer, span)
    }

    /// The ends of what is drawn from; none if none are given.
    fn bounds_of(
        &mut self,
        arguments: &[Expr],
        element: Element,
        (usage, span): (Usage, Span),
    ) -> Option<Option<(Tensor, Tensor)>> {
        let [low, high] = arguments else {
            if !arguments.is_empty() {
                self.count(arguments, 2..=2, (usage, span))?;
            }
            return Some(None);
        };
        let mut ends = Vec::with_capacity(2);
        for end in [low, high] {
            ends.push(self.end(end, element, usage)?);
        }
        let high = ends.pop()?;
        Some(Some((ends.pop()?, high)))
    }

    /// A tensor of the type that is drawn.
    fn end(&mut self, argument: &Expr, element: Element, usage: Usage) -> Option<Tensor> {
        let value = self.operand(argument, element, usage)?;
        if value.element(&self.b) == element {
            return Some(value);
        }
        let other = Tensor::scalar(self.b.number(element, 0.0));
        let add = defn_codegen::graph::Binary::Add;
        let answer = library::arithmetic(&mut self.b, add, &other, &value);
        self.answer(answer, argument.span)?;
        None
    }

    /// `key.split()` and `key.split(worker = 4)`.
    pub(super) fn split_key(
        &mut self,
        key: &Tensor,
        arguments: &[Expr],
        (usage, span): (Usage, Span),
    ) -> Value {
        let usage = Usage { form: "key.split()", ..usage };
        if arguments.is_empty() {
            return match library::split_key_in_two(&mut self.b, key) {
                Ok(keys) => Value::Tuple(keys.map(Value::Tensor).into()),
                Err(mistake) => {
                    self.answer::<Tensor>(Err(mistake), span);
                    Value::Poison
                }
            };
        }
        let Some(axis) = self.made_axis(&arguments[0], usage) else { return Value::Poison };
        let answer = library::split_key(&mut self.b, key, &axis);
        Value::of(self.answer(answer, span))
    }

    /// `key.fold_in(step)`.
    pub(super) fn fold_in(&mut self, key: &Tensor, arguments: &[Expr], at: (Usage, Span)) -> Value {
        if self.count(arguments, 1..=1, at).is_none() {
            return Value::Poison;
        }
        let value = match self.expr(&arguments[0]) {
            Value::Literal(Literal::Integer(number)) => {
                Value::Literal(Literal::Integer(number & i128::from(u32::MAX)))
            }
            value => value,
        };
        let Some(number) = self.tensor_of(value, Element::U32, arguments[0].span) else {
            return Value::Poison;
        };
        let answer = library::fold_in(&mut self.b, key, &number);
        Value::of(self.answer(answer, at.1))
    }
}
