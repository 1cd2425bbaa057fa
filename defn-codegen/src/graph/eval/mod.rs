//! What a graph computes: the slow, obviously right evaluator that every other way to run a graph is held against.
//!
//! In: a verified graph without calls, and one [`Value`] for each parameter.   Out: one value for each result, in order.
//!
//! Every primitive is computed as [`Op`](super::Op) says it, element by element, with indices from plain division.
//! The order of additions, which the language leaves open, is row-major over what is reduced.
//! `f32` and `f64` are computed in `f64` and rounded once to the element type, those of 16 bits as `f32` and then rounded to it:
//! that is exact rounding for `f32` arithmetic, almost always for its other functions, and for its sums and contractions a better
//! truth than `f32` additions would give. How far a right implementation may be from here is said by [`bounds`](super::bounds).

mod value;
mod control;
mod order;
pub(super) mod walk;
pub mod scalar;

pub use scalar::{binary, compare, contract, convert, reduce, unary};
pub(super) use scalar::{float_binary, float_unary, holds};
pub use value::Value;

use super::{Check, Graph, Relation};
use crate::graph::{Signature, solve};
use walk::{Tensor, walk};

/// The results of a graph for these arguments, or why it has none: arguments that do not fit, a check that does not hold.
pub fn eval(graph: &Graph, arguments: &[Value]) -> Result<Vec<Value>, String> {
    let symbols = bind(graph, arguments)?;
    let parameters =
        arguments.iter().map(|value| Tensor::new(&value.shape, value.scalars())).collect();
    let results = walk(graph, &symbols, parameters)?;
    let values = results.into_iter().zip(&graph.results).map(|(tensor, result)| Value {
        element: graph.element(result.node),
        shape: tensor.shape,
        data: tensor.items.into_iter().map(|scalar| scalar.bits).collect(),
    });
    Ok(values.collect())
}

/// The values of the symbols for these arguments, after all checks on entry.
pub fn bind(graph: &Graph, arguments: &[Value]) -> Result<Vec<i64>, String> {
    if arguments.len() != graph.parameters.len() {
        let (expected, found) = (graph.parameters.len(), arguments.len());
        return Err(format!("`{}` takes {expected} arguments, here are {found}", graph.name));
    }
    for (parameter, argument) in graph.parameters.iter().zip(arguments) {
        let (ty, name) = (&parameter.ty, &parameter.name);
        if argument.element != ty.element || argument.shape.len() != ty.rank() {
            let expected = super::print::tensor_type(ty, &graph.symbols);
            let found = (argument.element, argument.shape.len());
            return Err(format!("`{name}` is {expected}, not {} of rank {}", found.0, found.1));
        }
    }
    solve(graph.symbols.len(), &graph.parameters).map_err(|open| {
        let names: Vec<&str> = open.iter().map(|symbol| graph.symbols[*symbol].as_str()).collect();
        format!("nothing says what {} is", names.join(", "))
    })?;
    let shapes: Vec<Vec<i64>> = arguments
        .iter()
        .map(|argument| argument.shape.iter().map(|extent| *extent as i64).collect())
        .collect();
    let value = |parameter: usize| arguments[parameter].scalar(0).to_i64();
    let symbols = Signature::of(graph).bind(&shapes, &value)?;
    match graph.checks.iter().find(|check| !is_met(check, &symbols)) {
        Some(check) => Err(check.text.clone()),
        None => Ok(symbols),
    }
}

fn is_met(check: &Check, symbols: &[i64]) -> bool {
    let (left, right) = (check.left.evaluate(symbols), check.right.evaluate(symbols));
    match check.relation {
        Relation::Equal => left == right,
        Relation::AtMost => left <= right,
        // As everywhere in the language, a remainder of division by zero is the dividend.
        Relation::Divides => {
            right.checked_rem(left).unwrap_or(if left == 0 { right } else { 0 }) == 0
        }
    }
}
