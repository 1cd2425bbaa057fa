//! Long rows by many teams of threads: the bits of a host, whatever extents and element types they have.

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::eval::{self, Value};
use defn_codegen::graph::{Element, parse};
use defn_codegen::loops;
use defn_codegen::options::{Compute, Dump, Level, Options, Sizes};
use defn_codegen::simplify::simplify;
use defn_codegen::testing;

fn options() -> Options {
    let (levels, triple, dump) = (Vec::new(), String::new(), Dump::default());
    Options {
        levels,
        devices: Vec::new(),
        tf32: false,
        triple,
        dump,
        verify: true,
        sizes: Sizes::USUAL,
    }
}

/// Numbers that look random, of both signs.
fn numbers(element: Element, shape: &[usize], seed: usize) -> Value {
    let count: usize = shape.iter().product();
    let number = |at: usize| {
        let bits = (at + seed * 977).wrapping_mul(7919) % 1013;
        if element.is_float() { bits as f64 / 640.0 - 0.75 } else { (bits % 9) as f64 - 2.0 }
    };
    Value::from_f64(element, shape, &(0..count).map(number).collect::<Vec<f64>>())
}

/// Whether loops for a device give the bits of a host for these extents, with so many nests that have tasks.
fn check(text: &str, nests: usize, extents: &[&[i64]]) {
    let parsed = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let graph = simplify(parsed.clone());
    let host = schedule_graph(&graph, Level::V4, &options());
    let device = schedule_graph(&graph, Compute::Sm80, &options());
    let found = device.nests.iter().filter(|nest| nest.tasks.is_some()).count();
    assert_eq!(found, nests, "{device}");
    for symbols in extents {
        let argument = |(seed, parameter): (usize, &defn_codegen::graph::Parameter)| {
            let shape = parameter.ty.shape.iter().map(|dim| dim.evaluate(symbols) as usize);
            numbers(parameter.ty.element, &shape.collect::<Vec<usize>>(), seed)
        };
        let arguments: Vec<Value> = graph.parameters.iter().enumerate().map(argument).collect();
        let symbols = eval::bind(&graph, &arguments).unwrap_or_else(|error| panic!("{error}"));
        let expected = loops::eval::eval(&host, &symbols, &arguments)
            .unwrap_or_else(|fault| panic!("{fault}\n{host}"));
        let found = loops::eval::eval(&device, &symbols, &arguments)
            .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{device}"));
        assert!(found == expected, "{symbols:?}: other bits\n{device}");
        if found.results.iter().all(|result| result.data.len() < 5000) {
            testing::check(&parsed, &arguments).unwrap_or_else(|law| panic!("{symbols:?}: {law}"));
        }
    }
}

/// A scan along an axis.
fn scan(of: &str, shape: &str, extents: &str, axis: usize) -> String {
    format!(
        "graph f{extents}(x: {shape}) -> {shape} {{
  %0: {shape} = {of} x axis={axis}
  return %0
}}"
    )
}

#[test]
fn long_scans() {
    let ends: &[&[i64]] = &[&[0], &[1], &[64], &[2047], &[2048], &[4096 + 65], &[34 * 2048 + 100]];
    check(&scan("scan.add", "f32[n]", "<n>", 0), 2, ends);
    check(&scan("scan.max", "f32[n]", "<n>", 0), 2, &[&[1025], &[8192]]);
    check(&scan("scan.mul", "f64[n]", "<n>", 0), 2, &[&[1024], &[3 * 1024 + 33]]);
    check(&scan("scan.add", "u8[n]", "<n>", 0), 2, &[&[2049]]);
    check(&scan("scan.add", "i64[8200]", "", 0), 2, &[&[]]);
    // Too short to be more than one.
    check(&scan("scan.add", "f32[8000]", "", 0), 0, &[&[]]);
}

#[test]
fn backward_scans_of_what_is_computed_on_the_way() {
    let text = "graph f<n>(x: f32[n], y: f32[n]) -> f32[n] {
  %0: f32[n] = mul x, y
  %1: f32[n] = exp %0
  %2: f32[n] = scan.add %1 axis=0 reverse
  return %2
}";
    check(text, 2, &[&[2], &[2050], &[7000]]);
}

#[test]
fn scans_of_few_long_rows() {
    let rows = scan("scan.add", "f32[n, m]", "<n, m>", 1);
    // The first of three forms is for many rows, or short ones.
    check(&rows, 5, &[&[3, 9000], &[0, 9000], &[3, 100], &[1, 8192], &[1025, 3]]);
    check(&scan("scan.add", "f32[3, 9000]", "", 1), 3, &[&[]]);
}

#[test]
fn scans_of_few_columns() {
    let columns = scan("scan.add", "f32[n, m]", "<n, m>", 0);
    check(&columns, 5, &[&[1100, 40], &[1088, 32], &[100, 3], &[0, 5], &[700, 0]]);
    check(&scan("scan.min", "i32[2, 700, 9]", "", 1), 2, &[&[]]);
}

const SOFTMAX: &str = "graph softmax<n, m>(x: f32[n, m]) -> f32[n, m] {
  %0: f32[n] = reduce.max x axes=[1]
  %1: f32[n, m] = broadcast %0 axes=[0]
  %2: f32[n, m] = sub x, %1
  %3: f32[n, m] = exp %2
  %4: f32[n] = reduce.add %3 axes=[1]
  %5: f32[n, m] = broadcast %4 axes=[0]
  %6: f32[n, m] = div %3, %5
  return %6
}";

#[test]
fn softmax_of_few_long_rows() {
    // Four sweeps and what stands between them, and one nest for many rows, or short ones.
    check(SOFTMAX, 6, &[&[3, 12289], &[1, 16384], &[0, 9], &[2, 100], &[1025, 2]]);
    let known = SOFTMAX.replace("<n, m>", "").replace("[n", "[2").replace(", m]", ", 20000]");
    check(&known, 3, &[&[]]);
}

#[test]
fn sums_of_few_long_rows() {
    let sum = |element: &str, of: &str| {
        format!(
            "graph f<n, m>(x: {element}[n, m]) -> {element}[n] {{
  %0: {element}[n] = reduce.{of} x axes=[1]
  return %0
}}"
        )
    };
    let ends: &[&[i64]] = &[&[2, 12288], &[1, 20000], &[3, 4096], &[5, 0]];
    check(&sum("f32", "add"), 3, ends);
    check(&sum("f64", "min"), 3, ends);
    check(&sum("i32", "mul"), 3, ends);
    // More blocks than a block of blocks has.
    check(&sum("f32", "add"), 3, &[&[1, 4096 * 130 + 17]]);
    // No other order has the bits of a product of floats.
    check(&sum("f32", "mul"), 1, &[&[2, 12288]]);
}

#[test]
fn products_of_few_long_rows() {
    let text = "graph f<n, m>(x: f32[n, m], y: f32[m]) -> (f32[n], f32[n, m]) {
  %0: f32[n] = contract x, y batch=0 contracted=1
  %1: f32[n, m] = broadcast %0 axes=[0]
  %2: f32[n, m] = sub x, %1
  return %0, %2
}";
    check(text, 4, &[&[2, 12288], &[1, 20001], &[3, 5]]);
}

#[test]
fn several_sums_of_few_long_rows() {
    let text = "graph f<n, m>(x: f32[n, m], y: f32[n, m]) -> f32[n, m] {
  %0: f32[n] = reduce.add x axes=[1]
  %1: f32[n, m] = broadcast %0 axes=[0]
  %2: f32[n, m] = mul %1, y
  %3: f32[n] = reduce.add %2 axes=[1]
  %4: f32[n] = reduce.max x axes=[1]
  %5: f32[n] = add %3, %4
  %6: f32[n, m] = broadcast %5 axes=[0]
  %7: f32[n, m] = add %2, %6
  return %7
}";
    check(text, 6, &[&[2, 12289], &[1, 17000], &[3, 5]]);
}
