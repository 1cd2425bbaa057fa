//! Every stage below the graph says what the graph says: kernels and loops of each level against the evaluator of graphs.

use defn_codegen::compile::schedule_graph;
use defn_codegen::fuse::fuse;
use defn_codegen::graph::Callable;
use defn_codegen::graph::eval::{self, Value};
use defn_codegen::graph::{Element, Graph, parse};
use defn_codegen::llvm::jit;
use defn_codegen::loops;
use defn_codegen::lower::lower;
use defn_codegen::options::{Dump, Level, Options, Sizes};
use defn_codegen::program::Program;
use defn_codegen::simplify::simplify;
use defn_codegen::transform::transform;

/// Sums of a few hundred `f32` in another order, through functions of slope near one.
const ROUGH: f64 = 1e-4;

fn options() -> Options {
    options_from(Sizes::USUAL)
}

fn options_from(sizes: Sizes) -> Options {
    Options {
        levels: Vec::new(),
        devices: Vec::new(),
        triple: String::new(),
        dump: Dump::default(),
        verify: true,
        sizes,
        tf32: false,
    }
}

fn check(text: &str, arguments: &[Value]) {
    let graph = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    check_graph(&graph, arguments);
}

fn check_graph(graph: &Graph, arguments: &[Value]) {
    let expected = eval::eval(graph, arguments).expect("the arguments fit");
    let symbols = eval::bind(graph, arguments).expect("the arguments fit");
    let scalar = lower(&fuse(graph));
    let mut bits = None;
    for (name, program) in [
        ("lower", scalar),
        ("v3", schedule_graph(graph, Level::V3, &options())),
        ("v4", schedule_graph(graph, Level::V4, &options())),
        ("v4 least", schedule_graph(graph, Level::V4, &options_from(Sizes::LEAST))),
    ] {
        if let Err(faults) = loops::verify::verify(&program) {
            panic!("{name}: {faults:?}\n{program}");
        }
        let outcome = loops::eval::eval(&program, &symbols, arguments)
            .unwrap_or_else(|fault| panic!("{name}: {fault}\n{program}"));
        let mut results = outcome.results.clone().into_iter();
        for (position, result) in graph.results.iter().enumerate() {
            let found = match result.updates {
                None => results.next().expect("as many results as the graph has"),
                Some(parameter) => {
                    let mut updated = outcome.updated.iter().filter(|(p, _)| *p == parameter);
                    updated.next().expect("every update comes out").1.clone()
                }
            };
            for (a, b) in found.to_f64().iter().zip(expected[position].to_f64()) {
                let close = a.to_bits() == b.to_bits()
                    || (a.is_nan() && b.is_nan())
                    || (a - b).abs() <= ROUGH * b.abs().max(1.0);
                assert!(close, "{name}: result {position}: {a} against {b}\n{graph}\n{program}");
            }
        }
        let level = if name == "v3" { Level::V3 } else { Level::V4 };
        if name != "lower" && jit::is_supported(level) {
            let compiled = jit::Compiled::new(&program, level).run(&program, &symbols, arguments);
            assert_eq!(compiled, outcome, "{name}: code and loops differ\n{program}");
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
    Value::from_f64(Element::F32, shape, &numbers)
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
    for (n, k, m) in [(1, 1, 1), (13, 5, 40), (12, 3, 33), (5, 0, 7), (31, 2, 1)] {
        check(text, &[f32s(&[n, k]), f32s(&[k, m]), f32s(&[m])]);
    }
}

/// Rows that are sorted by their digits.
#[test]
fn long_rows_are_sorted() {
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-42, -3.5];
    for n in [0, 161, 1100] {
        let number = |k: usize| match k * 7919 % 4099 {
            rest @ 0..7 => special[rest],
            rest => (rest as f64 - 2000.0) * (k % 1013) as f64 / 999.0,
        };
        let numbers: Vec<f64> = (0..n).map(number).collect();
        for (element, direction) in [
            (Element::F32, ""),
            (Element::F64, " descending"),
            (Element::I32, " descending"),
            (Element::U8, ""),
        ] {
            let x = Value::from_f64(element, &[n], &numbers);
            let sort = format!(
                "graph f<n>(x: {element}[n]) -> {element}[n] {{
  %0: {element}[n] = sort x axis=0{direction}
  return %0
}}"
            );
            check(&sort, std::slice::from_ref(&x));
            let argsort = format!(
                "graph f<n>(x: {element}[n]) -> i64[n] {{
  %0: i64[n] = argsort x axis=0 count=n{direction}
  return %0
}}"
            );
            check(&argsort, &[x]);
        }
    }
}

/// Rows that are parted by their highest digit, whose items differ in all of their bits or in a few: code against Rust's stable sort,
/// for the evaluators take their time.
#[test]
fn parted_rows_are_sorted() {
    const N: usize = 100_000;
    let wide = |k: usize| ((k * 7919 % 100_003) as f64 - 50_000.0) * 4e14;
    let close = |k: usize| if k == 77 { -1e30 } else { 1.0 + (k * 31 % 1009) as f64 * 1e-5 };
    for (element, numbers) in [
        (Element::F32, &wide as &dyn Fn(usize) -> f64),
        (Element::F32, &close),
        (Element::F64, &close),
        (Element::I32, &wide),
        (Element::I64, &wide),
        (Element::U32, &|k| wide(k).rem_euclid(4_294_967_296.0)),
    ] {
        let x = Value::from_f64(element, &[N], &(0..N).map(numbers).collect::<Vec<_>>());
        for (result, sort) in [
            (element.name(), "sort x axis=0".to_owned()),
            ("i64", format!("argsort x axis=0 count={N} descending")),
        ] {
            let text = format!(
                "graph f(x: {element}[{N}]) -> {result}[{N}] {{\n  %0: {result}[{N}] = {sort}\n  return %0\n}}"
            );
            let graph = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let all = x.to_f64();
            let mut places: Vec<usize> = (0..N).collect();
            let is_values = sort.starts_with("sort");
            places.sort_by(|a, b| {
                let order = all[*a].total_cmp(&all[*b]);
                if is_values { order } else { order.reverse() }
            });
            let expected: Vec<f64> =
                places.iter().map(|at| if is_values { all[*at] } else { *at as f64 }).collect();
            for level in [Level::V3, Level::V4].into_iter().filter(|it| jit::is_supported(*it)) {
                let program = schedule_graph(&graph, level, &options());
                let compiled = jit::Compiled::new(&program, level);
                let found = compiled.run(&program, &[], std::slice::from_ref(&x));
                assert!(found.results[0].to_f64() == expected, "{element} {sort}");
            }
        }
    }
}

fn i64s(shape: &[usize], modulus: i64) -> Value {
    let count: usize = shape.iter().product();
    let numbers: Vec<i64> = (0..count as i64).map(|k| (k * 7919 % modulus) - 1).collect();
    Value::from_i64(Element::I64, shape, &numbers)
}

#[test]
fn columns_run_in_lanes() {
    let text = "graph f<n, m>(x: f32[n, m]) -> (f32[m], f32[n, m]) {
  %0: f32[m] = reduce.max x axes=[0]
  %1: f32[n, m] = broadcast %0 axes=[1]
  %2: f32[n, m] = sub x, %1
  %3: f32[n, m] = exp %2
  %4: f32[m] = reduce.add %3 axes=[0]
  %5: f32[n, m] = broadcast %4 axes=[1]
  %6: f32[n, m] = div %3, %5
  return %4, %6
}";
    for shape in [[3, 5], [1, 1], [0, 4], [4, 0], [2, 67], [5, 130]] {
        check(text, &[f32s(&shape)]);
    }
}

#[test]
fn long_reductions_run_in_blocks() {
    let text =
        "graph f<n>(x: f32[n], y: f32[n], k: i64[n]) -> (f32[], f32[n], f32[], i64[], f64[]) {
  %0: f32[] = reduce.max x axes=[0]
  %1: f32[n] = broadcast %0 axes=[]
  %2: f32[n] = sub x, %1
  %3: f32[n] = exp %2
  %4: f32[] = reduce.add %3 axes=[0]
  %5: f32[n] = broadcast %4 axes=[]
  %6: f32[n] = div %3, %5
  %7: f32[] = contract x, y batch=0 contracted=1
  %8: i64[] = reduce.min k axes=[0]
  %9: f64[n] = convert y
  %10: f64[] = reduce.add %9 axes=[0]
  return %4, %6, %7, %8, %10
}";
    for n in [0, 1, 63, 8191, 8192, 8193, 16500] {
        check(text, &[f32s(&[n]), f32s(&[n]), i64s(&[n], 977)]);
    }
    let folded = "graph f<n, m>(x: f32[n, m]) -> (f32[], f32[n], f32[m]) {
  %0: f32[m, n] = transpose x permutation=[1, 0]
  %1: f32[n, m] = reverse x axes=[1]
  %2: f32[n, m] = mul %1, x
  %3: f32[] = reduce.add %2 axes=[0, 1]
  %4: f32[n] = reduce.add %0 axes=[0]
  %5: f32[m] = reduce.add x axes=[0]
  return %3, %4, %5
}";
    for shape in [[0, 5], [5, 0], [128, 3], [129, 40], [16390, 2], [3, 8200], [130, 70], [1, 9000]]
    {
        check(folded, &[f32s(&shape)]);
    }
}

#[test]
fn regions_and_scatters() {
    let text =
        "graph f<n, m, k>(x: f32[n, m], ids: i64[k]) -> (f32[2*n + 3, m], f32[k, m], f32[n, m]) {
  %0: f32[n, m] = reverse x axes=[0]
  %1: f32[n, m] = exp %0
  %2: f32[2*n, m] = concat x, %1 axis=0
  %3: f32[] = constant 1.5
  %4: f32[2*n + 3, m] = pad %2, %3 low=[1, 0] high=[2, 0]
  %5: f32[k, m] = take x, ids batch=0
  %6: f32[k, m] = mul %5, %5
  %7: f32[n, m] = add_at x, ids, %6 batch=0
  return %4, %5, %7
}";
    for (shape, k) in
        [([3, 5], 4), ([1, 1], 3), ([0, 4], 2), ([4, 0], 2), ([4, 67], 9), ([3, 2], 0)]
    {
        check(text, &[f32s(&shape), i64s(&[k], 6)]);
    }
}

#[test]
fn updates_happen_in_place() {
    let text =
        "graph f<n, m>(p: f32[n, m], g: f32[n, m], lr: f32[]) -> (f32[], f32[n, m] updates p) {
  %0: f32[] = reduce.add p axes=[0, 1]
  %1: f32[n, m] = broadcast lr axes=[]
  %2: f32[n, m] = mul %1, g
  %3: f32[n, m] = sub p, %2
  return %0, %3
}";
    let graph = parse::parse(text).unwrap();
    let program = schedule_graph(&graph, Level::V4, &options());
    assert!(!program.to_string().contains("buffer t"), "there is no temporary\n{program}");
    for shape in [[3, 5], [1, 1], [0, 4], [2, 67]] {
        check(text, &[f32s(&shape), f32s(&shape), Value::number(Element::F32, 0.5)]);
    }
    let swapped = "graph f<n>(p: f32[n], q: f32[n]) -> (f32[n] updates p, f32[n] updates q) {
  %0: f32[n] = reverse q axes=[0]
  return %0, p
}";
    check(swapped, &[f32s(&[5]), f32s(&[5])]);
}

#[test]
fn a_perceptron_and_its_gradient() {
    let text = "graph f<b, i, h>(x: f32[b, i], w: f32[i, h], d: f32[b, h]) -> (f32[i, h], f32[b, i], f32[h], f32[]) {
  %0: f32[h, i] = transpose w permutation=[1, 0]
  %1: f32[b, h] = contract x, %0 batch=0 contracted=1
  %2: f32[b, h] = tanh %1
  %3: f32[b, h] = mul %2, d
  %4: f32[i, b] = transpose x permutation=[1, 0]
  %5: f32[h, b] = transpose %3 permutation=[1, 0]
  %6: f32[i, h] = contract %4, %5 batch=0 contracted=1
  %7: f32[b, i] = contract %3, w batch=0 contracted=1
  %8: f32[h] = reduce.add %3 axes=[0]
  %9: f32[] = contract %3, d batch=0 contracted=2
  return %6, %7, %8, %9
}";
    for (b, i, h) in [(4, 5, 3), (1, 1, 1), (13, 33, 70), (0, 2, 3), (2, 0, 3)] {
        check(text, &[f32s(&[b, i]), f32s(&[i, h]), f32s(&[b, h])]);
    }
}

#[test]
fn the_gradient_of_a_classifier() {
    let mut program = Program::default();
    let function =
        program.functions.push(parse::parse(include_str!("programs/classifier.graph")).unwrap());
    let of = Box::new(Callable::Function(function));
    program.entry = Some(Callable::Gradient { of, wrt: vec![0, 1, 2], value: true });
    let graph = simplify(transform(&program));
    let transposed = fuse(&graph).kernels.len();
    assert!(
        transposed <= 11,
        "the gradient of a weight is a product in its own layout\n{graph}\n{}",
        fuse(&graph)
    );
    for (b, i, h, c) in [(4, 5, 3, 3), (1, 1, 1, 1), (13, 9, 40, 10)] {
        let arguments = [f32s(&[i, h]), f32s(&[h]), f32s(&[h, c]), f32s(&[b, i]), i64s(&[b], 4)];
        check_graph(&graph, &arguments);
    }
}

/// Numbers with ties, both zeros, infinities and NaN, as far as the element has them.
fn mixed(element: Element, shape: &[usize]) -> Value {
    let count: usize = shape.iter().product();
    let whole = |k: usize| (k * 7919 % 1009 % 251) as i64 - 100;
    match element {
        Element::F32 | Element::F64 | Element::F16 | Element::Bf16 => {
            let float = |k: usize| match k % 29 {
                3 => -0.0,
                7 => 0.0,
                11 => f64::NAN,
                13 => f64::INFINITY,
                17 => f64::NEG_INFINITY,
                _ => whole(k) as f64 * 1.5e-3 * f64::powi(10.0, (k % 60) as i32 - 30),
            };
            Value::from_f64(element, shape, &(0..count).map(float).collect::<Vec<_>>())
        }
        Element::I32 | Element::U32 => {
            let numbers: Vec<i64> = (0..count).map(|k| whole(k) * 20_000_003).collect();
            Value::from_i64(element, shape, &numbers)
        }
        Element::I64 | Element::U64 => {
            let numbers: Vec<i64> = (0..count).map(|k| whole(k) << (k % 57)).collect();
            Value::from_i64(element, shape, &numbers)
        }
        Element::U8 | Element::Bool => {
            let numbers: Vec<i64> = (0..count).map(|k| whole(k) & 1).collect();
            let bytes: Vec<i64> = (0..count).map(|k| whole(k) + 100).collect();
            let data = if element == Element::Bool { numbers } else { bytes };
            Value::from_i64(element, shape, &data)
        }
    }
}

/// Counting, radix and selection put every element type in the same order.
#[test]
fn sorting_by_every_way() {
    for element in Element::ALL {
        let text = format!(
            "graph f<n, m>(x: {element}[n, m]) -> ({element}[n, m], {element}[n, m], i64[n, m], i64[n, m], i64[n, 5], i64[3, m], i64[n, m - 1]) {{
  %0: {element}[n, m] = sort x axis=1
  %1: {element}[n, m] = sort x axis=0 descending
  %2: i64[n, m] = argsort x axis=1 count=m
  %3: i64[n, m] = argsort x axis=1 count=m descending
  %4: i64[n, 5] = argsort x axis=1 count=5
  %5: i64[3, m] = argsort x axis=0 count=3 descending
  %6: i64[n, m - 1] = argsort x axis=1 count=m - 1 descending
  return %0, %1, %2, %3, %4, %5, %6
}}"
        );
        // Beyond 160 a row is long.
        for shape in [[3, 5], [3, 161], [161, 5]].into_iter().take(if *element == Element::F32 {
            3
        } else {
            2
        }) {
            check(&text, &[mixed(*element, &shape)]);
        }
    }
}
