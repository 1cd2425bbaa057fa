//! Every stage below the graph says what the graph says: kernels and loops of each level against the evaluator of graphs.

use defn_codegen::compile::schedule_graph;
use defn_codegen::fuse::fuse;
use defn_codegen::graph::eval::{self, Value};
use defn_codegen::graph::{Graph, parse};
use defn_codegen::loops;
use defn_codegen::lower::lower;
use defn_codegen::options::{Dump, Level, Options};

fn options() -> Options {
    Options { levels: Vec::new(), triple: String::new(), dump: Dump::default(), verify: true }
}

fn check(text: &str, arguments: &[Value]) {
    let graph = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    check_graph(&graph, arguments);
}

fn check_graph(graph: &Graph, arguments: &[Value]) {
    let expected = eval::eval(graph, arguments).unwrap();
    let symbols = eval::bind(graph, arguments).unwrap();
    let scalar = lower(&fuse(graph));
    let mut bits = None;
    for (name, program) in [
        ("lower", scalar),
        ("v3", schedule_graph(graph, Level::V3, &options())),
        ("v4", schedule_graph(graph, Level::V4, &options())),
    ] {
        if let Err(faults) = loops::verify::verify(&program) {
            panic!("{name}: {faults:?}\n{program}");
        }
        let outcome = loops::eval::eval(&program, &symbols, arguments).unwrap_or_else(|fault| panic!("{name}: {fault}\n{program}"));
        let mut results = outcome.results.clone().into_iter();
        for (position, result) in graph.results.iter().enumerate() {
            let found = match result.updates {
                None => results.next().unwrap(),
                Some(parameter) => outcome.updated.iter().find(|(p, _)| *p == parameter).unwrap().1.clone(),
            };
            for (a, b) in found.to_f64().iter().zip(expected[position].to_f64()) {
                let close = a == &b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-4 * b.abs().max(1.0);
                assert!(close, "{name}: result {position}: {a} against {b}\n{graph}\n{program}");
            }
        }
        if name != "lower" {
            if let Some(before) = &bits {
                assert_eq!(before, &outcome, "levels differ\n{program}");
            }
            bits = Some(outcome);
        }
    }
}

fn f32s(shape: &[usize]) -> Value {
    let count: usize = shape.iter().product();
    let numbers: Vec<f64> = (0..count).map(|k| ((k * 7919 % 23) as f64 - 11.0) / 4.0).collect();
    Value::from_f64(defn_codegen::graph::Element::F32, shape, &numbers)
}

#[test]
fn softmax_is_one_kernel() {
    let text = "graph softmax<n, m>(x: f32[n, m]) -> f32[n, m] {
  %0: f32[n] = reduce.max x axes=[1]
  %1: f32[n, m] = broadcast %0 axes=[0]
  %2: f32[n, m] = sub x, %1
  %3: f32[n, m] = exp %2
  %4: f32[n] = reduce.add %3 axes=[1]
  %5: f32[n, m] = broadcast %4 axes=[0]
  %6: f32[n, m] = div %3, %5
  return %6
}";
    let graph = parse::parse(text).unwrap();
    let kernels = fuse(&graph);
    assert_eq!(kernels.kernels.len(), 1, "{kernels}");
    println!("{kernels}\n{}", schedule_graph(&graph, Level::V4, &options()));
    for shape in [[3, 5], [1, 1], [0, 4], [4, 0], [2, 67], [2, 130]] {
        check(text, &[f32s(&shape)]);
    }
}

#[test]
fn products_are_jammed() {
    let text = "graph dense<n, k, m>(x: f32[n, k], w: f32[k, m], b: f32[m]) -> f32[n, m] {
  %0: f32[m, k] = transpose w permutation=[1, 0]
  %1: f32[n, m] = contract x, %0 batch=0 contracted=1
  %2: f32[n, m] = broadcast b axes=[1]
  %3: f32[n, m] = add %1, %2
  %4: f32[n, m] = tanh %3
  return %4
}";
    println!("{}", schedule_graph(&parse::parse(text).unwrap(), Level::V4, &options()));
    for (n, k, m) in [(1, 1, 1), (13, 5, 40), (12, 3, 33), (5, 0, 7), (31, 2, 1)] {
        check(text, &[f32s(&[n, k]), f32s(&[k, m]), f32s(&[m])]);
    }
}
