//! Laws of the graph's five faces, over generated graphs.

use std::collections::BTreeSet;

use defn_codegen::graph::arbitrary::{
    Case, Random, generate, generate_control, generate_differentiable, shrink,
};
use defn_codegen::graph::bounds::{Bound, bounds};
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::parse::parse;
use defn_codegen::graph::verify::verify;
use defn_codegen::graph::{Binary, Combine, Comparison, Element, Graph, Op, Output, Unary};

/// How many graphs each law is tried on.
const CASES: u64 = 3000;

fn sizes(seed: u64) -> usize {
    2 + (seed % 24) as usize
}

fn cases() -> impl Iterator<Item = (u64, Case)> {
    (0..CASES).map(|seed| (seed, generate(seed, sizes(seed))))
}

fn smooth_cases() -> impl Iterator<Item = (u64, Case)> {
    (0..CASES / 10).map(|seed| (seed, generate_differentiable(seed, sizes(seed))))
}

fn control_cases() -> impl Iterator<Item = (u64, Case)> {
    (0..CASES / 5).map(|seed| (seed, generate_control(seed, sizes(seed))))
}

/// Panics with the smallest graph on which the law fails.
fn check(law: &str, seed: u64, case: &Case, holds: impl Fn(&Case) -> Result<(), String>) {
    let Err(first) = holds(case) else { return };
    let small = shrink(case, |case| holds(case).is_err());
    let why = holds(&small).err().unwrap_or(first);
    let arguments: Vec<String> = small.arguments.iter().map(Value::to_string).collect();
    panic!("{law}, seed {seed}: {why}\n{}\nof ({})", small.graph, arguments.join(", "));
}

#[test]
fn parsing_undoes_printing() {
    for (seed, case) in cases().chain(smooth_cases()).chain(control_cases()) {
        check("parse . print = id", seed, &case, |case| {
            let text = case.graph.to_string();
            let read = parse(&text).map_err(|error| error.to_string())?;
            if read == case.graph { Ok(()) } else { Err(format!("reads as\n{read}")) }
        });
    }
}

#[test]
fn generated_graphs_verify() {
    for (seed, case) in cases().chain(smooth_cases()).chain(control_cases()) {
        check("verify", seed, &case, |case| {
            verify(&case.graph).map_err(|faults| {
                faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            })
        });
    }
}

#[test]
fn results_have_the_types_that_the_graph_says() {
    for (seed, case) in cases().chain(smooth_cases()).chain(control_cases()) {
        check("types of results", seed, &case, |Case { graph, arguments }| {
            let results = eval(graph, arguments)?;
            for (value, result) in results.iter().zip(&graph.results) {
                let ty = graph.ty(result.node);
                let size: usize = value.shape.iter().product();
                if value.element != ty.element
                    || value.shape.len() != ty.rank()
                    || size != value.data.len()
                {
                    return Err(format!("a result has shape {:?}", value.shape));
                }
            }
            Ok(())
        });
    }
}

#[test]
fn bounds_admit_the_evaluator() {
    let (mut known, mut unknown) = (0, 0);
    for (seed, case) in cases().chain(smooth_cases()) {
        check("bounds admit eval", seed, &case, |Case { graph, arguments }| {
            let results = eval(graph, arguments)?;
            for (bounded, value) in bounds(graph, arguments)?.iter().zip(&results) {
                bounded.admits(value).map_err(|mismatch| mismatch.to_string())?;
            }
            Ok(())
        });
        for bounded in bounds(&case.graph, &case.arguments).unwrap() {
            let open = bounded.items.iter().filter(|bound| **bound == Bound::Unknown).count();
            unknown += open;
            known += bounded.items.len() - open;
        }
    }
    assert!(known > 10 * unknown, "{known} elements are bounded, {unknown} unknown");
}

/// The bounds must leave room for `f32` arithmetic that rounds after every step; that is what compiled code does.
#[test]
fn bounds_admit_rounding_after_every_step() {
    for (seed, case) in cases() {
        check("bounds admit f32 sums", seed, &case, |Case { graph, arguments }| {
            let bounded = bounds(graph, arguments)?;
            let exact = eval(graph, arguments)?;
            for (result, (bounded, value)) in graph.results.iter().zip(bounded.iter().zip(exact)) {
                let Some(rounded) = sum_in_f32(graph, arguments, result.node.index()) else {
                    continue;
                };
                if rounded.shape == value.shape {
                    bounded.admits(&rounded).map_err(|mismatch| mismatch.to_string())?;
                }
            }
            Ok(())
        });
    }
}

/// A reduction of `f32` to a scalar, summed backwards in `f32`.
fn sum_in_f32(graph: &Graph, arguments: &[Value], node: usize) -> Option<Value> {
    let (_, node) = graph.nodes.iter().nth(node)?;
    let is_sum = matches!(node.op, Op::Reduce { combine: Combine::Add, .. });
    if !is_sum || node.types[0].element != Element::F32 || !node.types[0].shape.is_empty() {
        return None;
    }
    let mut operand = graph.clone();
    operand.results = vec![Output { node: node.operands[0], updates: None }];
    let items = eval(&operand, arguments).ok()?.remove(0).to_f64();
    let sum = items.iter().rev().fold(0.0_f32, |sum, item| sum + *item as f32);
    Some(Value::number(Element::F32, f64::from(sum)))
}

#[test]
fn every_primitive_is_generated() {
    let mut seen = BTreeSet::new();
    for (_, case) in cases() {
        let printed = case.graph.to_string();
        let applied = printed.lines().filter_map(|line| line.split_once(" = "));
        seen.extend(applied.filter_map(|(_, applied)| Some(applied.split(' ').next()?.to_owned())));
        seen.extend(case.graph.nodes.iter().map(|(_, node)| node.types[0].element.to_string()));
        seen.extend(
            case.graph
                .results
                .iter()
                .filter_map(|result| result.updates)
                .map(|_| "updates".to_owned()),
        );
        seen.extend(printed.contains("  parameter ").then(|| "parameter".to_owned()));
    }
    let words = "constant extent iota select convert broadcast transpose reshape slice pad reverse window overlap_add concat take add_at \
                 reduce.add reduce.mul reduce.max reduce.min contract updates parameter";
    let mut all: Vec<&str> = words.split_whitespace().collect();
    all.extend(Unary::ALL.iter().map(|function| function.word()));
    all.extend(Binary::ALL.iter().map(|function| function.word()));
    all.extend(Comparison::ALL.iter().map(|comparison| comparison.word()));
    all.extend(Element::ALL.iter().map(|element| element.name()));
    all.retain(|word| !seen.contains(*word));
    assert!(all.is_empty(), "never generated: {all:?}");
}

#[test]
fn gradients_have_something_to_say() {
    for (seed, case) in smooth_cases() {
        let results = eval(&case.graph, &case.arguments).unwrap();
        assert_eq!(results.len(), 1, "seed {seed}");
        assert!(results[0].to_f64()[0].is_finite(), "seed {seed}");
        assert!(case.arguments.iter().any(|value| value.element == Element::F64));
    }
}

#[test]
fn shrinking_finds_the_guilty_primitive() {
    let is_guilty = |case: &Case| {
        case.graph.nodes.iter().any(|(_, node)| matches!(node.op, Op::Reverse { .. }))
            && eval(&case.graph, &case.arguments).is_ok()
    };
    let guilty = cases().map(|(_, case)| case).filter(is_guilty).take(20);
    for case in guilty {
        let small = shrink(&case, is_guilty);
        let applied =
            small.graph.nodes.iter().filter(|(_, node)| !matches!(node.op, Op::Parameter(_)));
        assert_eq!(applied.count(), 1, "{}", small.graph);
        verify(&small.graph).unwrap();
    }
}

#[test]
fn reading_broken_text_never_panics() {
    for (seed, case) in cases().take(300) {
        let text = case.graph.to_string();
        let mut random = Random::new(seed);
        for _ in 0..20 {
            let letters: Vec<char> = text.chars().collect();
            let (from, to) = (random.below(letters.len()), random.below(letters.len()));
            let mut broken = letters.clone();
            match random.below(3) {
                0 => broken.truncate(from),
                1 => drop(broken.remove(from)),
                _ => broken[to] = letters[from],
            }
            let broken: String = broken.into_iter().collect();
            if let Ok(graph) = parse(&broken) {
                let is_sound = verify(&graph).is_ok();
                let printed = graph.to_string();
                assert!(!is_sound || parse(&printed) == Ok(graph), "{printed}");
            }
        }
    }
}
