//! What the laws of `transform` and `simplify` share: arguments that look random, and when two graphs compute the same.

use defn_codegen::graph::arbitrary::{Case, shrink};
use defn_codegen::graph::bounds::bounds;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::verify::verify;
use defn_codegen::graph::{Element, Graph, Op};

/// How many random graphs each law is tried on.
pub(crate) const CASES: u64 = 2000;

/// A sequence of numbers that look random and are the same every time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// From 0 to 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An argument for each parameter: floats between the bounds, integers from −2 to 5.
    pub(crate) fn arguments(&mut self, graph: &Graph, low: f64, high: f64) -> Vec<Value> {
        let arguments = graph.parameters.iter().map(|parameter| {
            let shape: Vec<usize> =
                parameter.ty.shape.iter().map(|dim| dim.evaluate(&[3, 4, 2, 3]) as usize).collect();
            let element = parameter.ty.element;
            let numbers: Vec<f64> = (0..shape.iter().product())
                .map(|_| match element {
                    Element::Bool => (self.next() * 2.0).floor(),
                    _ if element.is_float() => low + (high - low) * self.next(),
                    _ => (self.next() * 8.0).floor() - 2.0,
                })
                .collect();
            Value::from_f64(element, &shape, &numbers)
        });
        arguments.collect()
    }
}

pub(crate) fn check_verified(graph: &Graph) {
    if let Err(faults) = verify(graph) {
        panic!("{graph}\n{faults:?}");
    }
}

/// Panics with the smallest graph on which the law fails.
pub(crate) fn check_case(
    law: &str,
    seed: u64,
    case: &Case,
    holds: impl Fn(&Case) -> Result<(), String>,
) {
    let Err(first) = holds(case) else { return };
    let small = shrink(case, |case| holds(case).is_err());
    let why = holds(&small).err().unwrap_or(first);
    let arguments: Vec<String> = small.arguments.iter().map(Value::to_string).collect();
    panic!("{law}, seed {seed}: {why}\n{}\nof ({})", small.graph, arguments.join(", "));
}

/// Whether another graph computes the same: within what a right implementation of the original may give.
pub(crate) fn agrees(case: &Case, other: &Graph) -> Result<(), String> {
    verify(other).map_err(|faults| format!("{faults:?}\n{other}"))?;
    let expected = bounds(&case.graph, &case.arguments)?;
    let found = eval(other, &case.arguments)?;
    for (bounded, value) in expected.iter().zip(&found) {
        bounded.admits(value).map_err(|mismatch| format!("{mismatch}\n{other}"))?;
    }
    if contractions(other) + contractions(&case.graph) > 0 {
        return Ok(());
    }
    let exact = eval(&case.graph, &case.arguments)?;
    for (expected, value) in exact.iter().zip(&found) {
        if !same_bits(expected, value) {
            return Err(format!("{expected} became {value}\n{other}"));
        }
    }
    Ok(())
}

/// How many contractions there are, also inside of bodies.
pub(crate) fn contractions(graph: &Graph) -> usize {
    let inside = |op: &Op| op.bodies().iter().map(|(_, body)| contractions(body)).sum::<usize>();
    let of = |op: &Op| usize::from(matches!(op, Op::Contract { .. })) + inside(op);
    graph.nodes.iter().map(|(_, node)| of(&node.op)).sum()
}

fn same_bits(left: &Value, right: &Value) -> bool {
    let equal = |position: usize| {
        let (left, right) = (left.scalar(position), right.scalar(position));
        let both_nan = left.element.is_float() && left.to_f64().is_nan() && right.to_f64().is_nan();
        left == right || both_nan
    };
    left.shape == right.shape && (0..left.data.len()).all(equal)
}
