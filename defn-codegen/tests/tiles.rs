//! Products in tiles of teams of threads: the bits of a host, whatever extents, element types, prologues and epilogues they have.

use std::collections::BTreeSet;

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::eval::{self, Value};
use defn_codegen::graph::{Element, Graph, parse};
use defn_codegen::llvm;
use defn_codegen::loops::{self, Loops, Space, Statement};
use defn_codegen::options::{Compute, Dump, Level, Options, Sizes, TensorCores};
use defn_codegen::simplify::simplify;
use defn_codegen::testing::ptx;

/// Fast memory that every device gives a team.
const SHARED: i64 = 48 << 10;

fn options(sizes: Sizes) -> Options {
    let (levels, triple, dump) = (Vec::new(), String::new(), Dump::default());
    Options {
        levels,
        devices: Vec::new(),
        triple,
        dump,
        verify: true,
        sizes,
        tensor_cores: TensorCores::Never,
    }
}

/// A host whose rows come in no stripes, which have an order of their own.
const HOST: Sizes = Sizes { stripes: None, ..Sizes::USUAL };

/// All forms of a device, but for parts of rows, which have an order of their own.
const LEAST: Sizes = Sizes { parts: None, ..Sizes::LEAST };

/// Numbers that look random, of which many are whole.
fn numbers(element: Element, shape: &[usize], seed: usize) -> Value {
    let count: usize = shape.iter().product();
    let number = |at: usize| {
        let bits = (at + seed * 977).wrapping_mul(7919) % 1013;
        if element.is_float() { bits as f64 / 64.0 - 7.5 } else { (bits % 9) as f64 }
    };
    Value::from_f64(element, shape, &(0..count).map(number).collect::<Vec<f64>>())
}

fn arguments(graph: &Graph, symbols: &[i64]) -> Vec<Value> {
    let argument = |(seed, parameter): (usize, &defn_codegen::graph::Parameter)| {
        let shape: Vec<usize> =
            parameter.ty.shape.iter().map(|dim| dim.evaluate(symbols) as usize).collect();
        numbers(parameter.ty.element, &shape, seed)
    };
    graph.parameters.iter().enumerate().map(argument).collect()
}

/// How much fast memory a team needs.
fn shared(program: &Loops) -> i64 {
    let ends = program.buffers.iter().filter_map(|(_, buffer)| match &buffer.space {
        Space::Shared(Some(offset)) => (offset.clone() + buffer.bytes()).as_constant(),
        Space::Shared(None)
        | Space::Parameter(_)
        | Space::Updated(_)
        | Space::Result(_)
        | Space::Workspace(_)
        | Space::Private(_) => None,
    });
    ends.max().unwrap_or(0)
}

/// How many nests of a program go in tiles.
fn tiled(program: &Loops) -> usize {
    program.nests.iter().filter(|nest| nest.threads == 256).count()
}

/// Whether a program gives the bits of a host for these extents, in all forms; it must have so many nests in tiles, if every form is taken.
fn check(text: &str, nests: usize, extents: &[&[i64]]) {
    let parsed = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let graph = simplify(parsed);
    let host = schedule_graph(&graph, Level::V4, &options(HOST));
    let least = schedule_graph(&graph, Compute::Sm80, &options(LEAST));
    assert_eq!(tiled(&least), nests, "{least}");
    let usual = schedule_graph(&graph, Compute::Sm80, &options(Sizes::USUAL));
    for program in [&least, &usual] {
        assert!(shared(program) <= SHARED, "{program}");
    }
    for symbols in extents {
        let arguments = arguments(&graph, symbols);
        let symbols = eval::bind(&graph, &arguments).unwrap_or_else(|error| panic!("{error}"));
        let expected = loops::eval::eval(&host, &symbols, &arguments)
            .unwrap_or_else(|fault| panic!("{fault}\n{host}"));
        for program in [&least, &usual] {
            let found = loops::eval::eval(program, &symbols, &arguments)
                .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{program}"));
            assert!(found == expected, "{symbols:?}: other bits\n{program}");
        }
    }
}

/// Whether sums in parts are those of a host, of numbers of which no sum is rounded; with so many nests in tiles.
fn check_parts(text: &str, nests: usize, extents: &[&[i64]]) {
    let graph = simplify(parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}")));
    let host = schedule_graph(&graph, Level::V4, &options(HOST));
    let parts = schedule_graph(&graph, Compute::Sm80, &options(Sizes::PARTS));
    assert_eq!(tiled(&parts), nests, "{parts}");
    for symbols in extents {
        let arguments = arguments(&graph, symbols);
        let symbols = eval::bind(&graph, &arguments).unwrap_or_else(|error| panic!("{error}"));
        let [expected, found] = [&host, &parts].map(|program| {
            loops::eval::eval(program, &symbols, &arguments)
                .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{program}"))
        });
        assert!(found == expected, "{symbols:?}: other bits\n{parts}");
    }
}

#[test]
fn sums_in_parts() {
    for element in ["f64", "i32", "i64", "u8"] {
        let text = DENSE.replace("f32", element).replace("tanh %3", "neg %3");
        let extents: &[&[i64]] = &[
            &[1, 1, 2],
            &[3, 2, 5],
            &[9, 3, 7],
            &[65, 17, 3],
            &[2, 41, 70],
            &[3, 0, 4],
            &[0, 9, 2],
        ];
        check_parts(&text, if element.ends_with("64") { 2 } else { 3 }, extents);
    }
}

#[test]
fn sums_of_one_row_in_parts() {
    let text = "graph row<k, m>(x: f64[k], w: f64[k, m]) -> f64[m] {
  %0: f64[m, k] = transpose w permutation=[1, 0]
  %1: f64[m] = contract x, %0 batch=0 contracted=1
  return %1
}";
    check_parts(text, 0, &[&[1, 3], &[2, 3], &[3, 65], &[50, 1], &[49, 4], &[0, 2], &[7, 0]]);
}

#[test]
fn sums_of_batches_and_of_images_in_parts() {
    let batches = "graph f<b, n, k, m>(x: i64[b, n, k], y: i64[b, m, k]) -> i64[b, n, m] {
  %0: i64[b, n, m] = contract x, y batch=1 contracted=1
  return %0
}";
    check_parts(batches, 2, &[&[2, 3, 8, 5], &[1, 5, 3, 9], &[3, 1, 2, 4], &[2, 2, 19, 3]]);
    let two = "graph f<n, k, m>(x: i64[n, k, 3], y: i64[m, k, 3]) -> i64[n, m] {
  %0: i64[n, m] = contract x, y batch=0 contracted=2
  return %0
}";
    check_parts(two, 2, &[&[4, 1, 5], &[4, 2, 3], &[2, 7, 9], &[3, 40, 2]]);
}

/// Whether products on tensor cores are those of a host, of numbers that they do not round.
fn check_cores(text: &str, nests: usize, extents: &[&[i64]]) {
    check_products(text, (TensorCores::Singles, "tf32"), nests, extents);
}

/// Whether products of 16 bits are, as all are exact; of both types, and whether or not `f32` may be rounded as well.
fn check_halves(text: &str, nests: usize, extents: &[&[i64]]) {
    for (element, tensor_cores) in [
        ("f16", TensorCores::Halves),
        ("bf16", TensorCores::Halves),
        ("bf16", TensorCores::Singles),
    ] {
        check_products(&text.replace("f32", element), (tensor_cores, element), nests, extents);
    }
}

/// Whether products are those of a host, and multiplied in one shape alone.
fn check_products(
    text: &str,
    (tensor_cores, shape): (TensorCores, &str),
    nests: usize,
    extents: &[&[i64]],
) {
    let graph = simplify(parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}")));
    let host = schedule_graph(&graph, Level::V4, &options(HOST));
    let usual = Sizes { parts_from: i64::MAX, ..Sizes::USUAL };
    for sizes in [Sizes::LEAST, usual] {
        let options = Options { tensor_cores, ..options(sizes) };
        let cores = schedule_graph(&graph, Compute::Sm80, &options);
        assert_eq!(tiled(&cores), nests, "{cores}");
        assert_eq!(shapes(&cores), [shape], "{cores}");
        assert!(shared(&cores) <= SHARED, "{cores}");
        assert_eq!(loops::parse::parse(&cores.to_string()), Ok(cores.clone()));
        loops::verify::verify(&cores).unwrap_or_else(|faults| panic!("{faults:?}\n{cores}"));
        for symbols in extents {
            let arguments = arguments(&graph, symbols).into_iter().map(short).collect::<Vec<_>>();
            let symbols = eval::bind(&graph, &arguments).unwrap_or_else(|error| panic!("{error}"));
            let [expected, found] = [&host, &cores].map(|program| {
                loops::eval::eval(program, &symbols, &arguments)
                    .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{program}"))
            });
            assert!(found == expected, "{symbols:?}: other bits\n{cores}");
            if sizes != Sizes::LEAST {
                continue;
            }
            let code = llvm::device(&cores, Compute::Sm80)
                .unwrap_or_else(|limitation| panic!("{}", limitation.what));
            let executed = ptx::run((&cores, &code), &symbols, &arguments)
                .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{cores}"));
            assert!(executed == expected, "{symbols:?}: other bits\n{}", code.ptx);
        }
    }
}

/// In which shapes products are multiplied, each once.
fn shapes(program: &Loops) -> Vec<&'static str> {
    let mut found = BTreeSet::new();
    for nest in &program.nests {
        loops::visit::statements(&nest.body, &mut |statement| {
            if let Statement::Mma(mma) = statement {
                found.insert(mma.shape.name());
            }
        });
    }
    found.into_iter().map(|name| name.rsplit('.').next().unwrap_or(name)).collect()
}

/// Numbers of few bits, of which no product and no sum is rounded.
fn short(value: Value) -> Value {
    let numbers: Vec<f64> =
        (0..value.data.len()).map(|at| value.scalar(at).to_f64().round()).collect();
    Value::from_f64(value.element, &value.shape, &numbers)
}

#[test]
fn tensor_cores() {
    let text = DENSE.replace("tanh %3", "neg %3");
    let extents: &[&[i64]] = &[&[9, 17, 70], &[130, 25, 129]];
    check_cores(&text, 2, extents);
    let columns = "graph f(x: f32[16, 128], w: f32[16, 136]) -> f32[128, 136] {
  %0: f32[128, 16] = transpose x permutation=[1, 0]
  %1: f32[136, 16] = transpose w permutation=[1, 0]
  %2: f32[128, 136] = contract %0, %1 batch=0 contracted=1
  return %2
}";
    check_cores(columns, 1, &[&[]]);
}

#[test]
fn tensor_cores_of_16_bits() {
    let text = DENSE.replace("tanh %3", "neg %3");
    check_halves(&text, 2, &[&[9, 17, 70], &[130, 37, 129], &[1, 1, 2], &[3, 0, 4], &[0, 40, 3]]);
    let columns = "graph f(x: f32[40, 128], w: f32[40, 136]) -> f32[128, 136] {
  %0: f32[128, 40] = transpose x permutation=[1, 0]
  %1: f32[136, 40] = transpose w permutation=[1, 0]
  %2: f32[128, 136] = contract %0, %1 batch=0 contracted=1
  return %2
}";
    check_halves(columns, 1, &[&[]]);
    let rows = "graph f<n, m>(x: f32[2, n, 64], w: f32[2, m, 64]) -> f32[2, n, m] {
  %0: f32[2, n, m] = contract x, w batch=1 contracted=1
  return %0
}";
    check_halves(rows, 2, &[&[9, 10], &[65, 8], &[0, 3]]);
}

/// What is computed in 16 bits before is computed on the way; where one side is an `f32`, or of another type, products are no longer of 16 bits.
#[test]
fn tensor_cores_multiply_16_bits_of_one_type() {
    let text = "graph f<n, k, m>(x: bf16[n, k], s: bf16[n], w: bf16[m, k]) -> f32[n, m] {
  %0: bf16[n, k] = broadcast s axes=[0]
  %1: bf16[n, k] = mul x, %0
  %2: f32[n, k] = convert %1
  %3: f32[m, k] = convert w
  %4: f32[n, m] = contract %2, %3 batch=0 contracted=1
  return %4
}";
    check_products(text, (TensorCores::Halves, "bf16"), 2, &[&[9, 17, 30], &[65, 48, 7]]);
    for (w, shapes_of_singles) in [("w: f16", "tf32"), ("w: f32", "tf32")] {
        let text = text.replace("w: bf16", w).replace(
            "%3: f32[m, k] = convert w",
            match w {
                "w: f32" => "%3: f32[m, k] = neg w",
                _ => "%3: f32[m, k] = convert w",
            },
        );
        let graph = simplify(parse::parse(&text).unwrap_or_else(|error| panic!("{error}")));
        let options = Options { tensor_cores: TensorCores::Halves, ..options(Sizes::LEAST) };
        let program = schedule_graph(&graph, Compute::Sm80, &options);
        assert!(shapes(&program).is_empty(), "{program}");
        check_products(&text, (TensorCores::Singles, shapes_of_singles), 2, &[&[9, 17, 30]]);
    }
}

#[test]
fn tensor_cores_of_16_bits_add_up_numbers_of_32() {
    let text = "graph f(x: f16[8, 48], y: f16[8, 48]) -> f16[8, 8] {
  %0: f16[8, 8] = contract x, y batch=0 contracted=1
  return %0
}";
    let graph = simplify(parse::parse(text).unwrap_or_else(|error| panic!("{error}")));
    let options = Options { tensor_cores: TensorCores::Halves, ..options(Sizes::USUAL) };
    let cores = schedule_graph(&graph, Compute::Sm80, &options);
    assert_eq!(shapes(&cores), ["f16"]);
    // In 16 bits the first two products would be infinite, and so would be their sum; what is infinite, no number or tiny stays it.
    let tiny = 1.0 / 16_777_216.0;
    for (row, column, sum) in [
        ([60_000.0, 60_000.0, 3.0], [2.0, -2.0, 5.0], 15.0),
        ([f64::INFINITY, 1.0, 0.0], [1.0, 1.0, 0.0], f64::INFINITY),
        ([f64::NAN, 1.0, 0.0], [1.0, 1.0, 0.0], f64::NAN),
        ([tiny, tiny, 0.0], [1.0, 2.0, 0.0], 3.0 * tiny),
    ] {
        let (mut left, mut right) = (vec![0.0; 8 * 48], vec![0.0; 8 * 48]);
        left[3 * 48 + 30..][..3].copy_from_slice(&row);
        right[2 * 48 + 30..][..3].copy_from_slice(&column);
        let arguments = [left, right].map(|it| Value::from_f64(Element::F16, &[8, 48], &it));
        let outcome = loops::eval::eval(&cores, &[], &arguments)
            .unwrap_or_else(|fault| panic!("{fault}\n{cores}"));
        let found = outcome.results[0].scalar(3 * 8 + 2).to_f64();
        let is_nan = found.is_nan() && sum.is_nan();
        assert!(is_nan || found.to_bits() == sum.to_bits(), "{row:?}: {found}");
    }
}

#[test]
fn tensor_cores_round_what_they_multiply() {
    let text = "graph f(x: f32[8, 16], y: f32[8, 16]) -> f32[8, 8] {
  %0: f32[8, 8] = contract x, y batch=0 contracted=1
  return %0
}";
    let graph = simplify(parse::parse(text).unwrap_or_else(|error| panic!("{error}")));
    let options = Options { tensor_cores: TensorCores::Singles, ..options(Sizes::USUAL) };
    let cores = schedule_graph(&graph, Compute::Sm80, &options);
    assert_eq!(tiled(&cores), 1);
    let whole = 1.0 + 1.0 / 1024.0;
    // Halves go away from zero; what is infinite or no number stays it.
    for (number, seen) in [
        (whole + 1.0 / 2048.0, whole + 1.0 / 1024.0),
        (-whole - 1.0 / 2048.0, -whole - 1.0 / 1024.0),
        (whole + 1.0 / 4096.0, whole),
        (f64::INFINITY, f64::INFINITY),
        (f64::from(f32::MAX), f64::INFINITY),
        (f64::NAN, f64::NAN),
        (f64::from(f32::from_bits(0x7FFF_FFFF)), f64::NAN),
    ] {
        let mut row = vec![0.0; 8 * 16];
        let mut column = row.clone();
        (row[3 * 16 + 5], column[2 * 16 + 5]) = (number, 1.0);
        let arguments = [row, column].map(|it| Value::from_f64(Element::F32, &[8, 16], &it));
        let outcome = loops::eval::eval(&cores, &[], &arguments)
            .unwrap_or_else(|fault| panic!("{fault}\n{cores}"));
        let found = outcome.results[0].scalar(3 * 8 + 2).to_f64();
        let is_nan = found.is_nan() && seen.is_nan();
        assert!(is_nan || found.to_bits() == seen.to_bits(), "{number}: {found}");
    }
}

const DENSE: &str = "graph dense<n, k, m>(x: f32[n, k], w: f32[k, m], b: f32[m]) -> f32[n, m] {
  %0: f32[m, k] = transpose w permutation=[1, 0]
  %1: f32[n, m] = contract x, %0 batch=0 contracted=1
  %2: f32[n, m] = broadcast b axes=[1]
  %3: f32[n, m] = add %1, %2
  %4: f32[n, m] = tanh %3
  return %4
}";

#[test]
fn any_extents() {
    check(
        DENSE,
        2,
        &[&[1, 1, 2], &[3, 5, 70], &[65, 17, 64], &[64, 16, 64], &[70, 33, 5], &[3, 0, 4]],
    );
    check(DENSE, 2, &[&[0, 4, 3], &[3, 4, 0], &[9, 16, 8], &[8, 15, 8]]);
}

#[test]
fn large_tiles() {
    check(DENSE, 2, &[&[130, 19, 129], &[128, 16, 128], &[128, 7, 130]]);
}

#[test]
fn known_extents() {
    for (n, k, m, nests) in [(128, 16, 128, 1), (72, 24, 68, 1), (66, 8, 64, 1), (5, 9, 7, 1)] {
        let text = DENSE
            .replace("<n, k, m>", "")
            .replace("n,", &format!("{n},"))
            .replace("k]", &format!("{k}]"))
            .replace("[k,", &format!("[{k},"))
            .replace("m]", &format!("{m}]"))
            .replace("[m,", &format!("[{m},"));
        check(&text, nests, &[&[]]);
    }
}

#[test]
fn all_elements() {
    for element in ["f64", "i32", "i64", "u32", "u64", "u8"] {
        let text = DENSE
            .replace("f32", element)
            .replace("%4: f64[n, m] = tanh %3", "%4: f64[n, m] = neg %3");
        let text = text.replace(
            &format!("%4: {element}[n, m] = tanh %3"),
            &format!("%4: {element}[n, m] = add %3, %1"),
        );
        check(
            &text,
            1 + usize::from(element != "f64" && !element.ends_with("64")),
            &[&[3, 5, 70], &[65, 17, 64]],
        );
    }
}

#[test]
fn operands_lie_in_any_way() {
    // Where both operands lie step by step there is another form for few rows or columns.
    for (left, right, nests) in [("n, k", "m, k", 2), ("k, n", "k, m", 2), ("k, n", "m, k", 4)] {
        let mut text =
            format!("graph f<n, k, m>(x: f32[{left}], w: f32[{right}]) -> f32[n, m] {{\n");
        let (mut x, mut w) = ("x", "w");
        if left == "k, n" {
            text += "  %0: f32[n, k] = transpose x permutation=[1, 0]\n";
            x = "%0";
        }
        if right == "k, m" {
            text += &format!(
                "  %{}: f32[m, k] = transpose w permutation=[1, 0]\n",
                usize::from(x == "%0")
            );
            w = if x == "%0" { "%1" } else { "%0" };
        }
        let next = usize::from(x != "x") + usize::from(w != "w");
        text += &format!(
            "  %{next}: f32[n, m] = contract {x}, {w} batch=0 contracted=1\n  return %{next}\n}}"
        );
        check(&text, nests, &[&[9, 5, 66], &[65, 17, 10], &[8, 16, 8]]);
    }
}

#[test]
fn what_goes_into_a_sum_is_computed_on_the_way() {
    let text = "graph f<n, k, m>(x: i32[n, k], s: f32[n], t: f32[k], w: f32[k, m]) -> f32[n, m] {
  %0: f32[n, k] = convert x
  %1: f32[n, k] = broadcast s axes=[0]
  %2: f32[n, k] = broadcast t axes=[1]
  %3: f32[n, k] = mul %0, %1
  %4: f32[n, k] = add %3, %2
  %5: f32[m, k] = transpose w permutation=[1, 0]
  %6: f32[m, k] = exp %5
  %7: f32[n, m] = contract %4, %6 batch=0 contracted=1
  %8: f32[n, m] = broadcast s axes=[0]
  %9: f32[n, m] = mul %7, %8
  return %9, %7
}"
    .replace(") -> f32[n, m] {", ") -> (f32[n, m], f32[n, m]) {");
    check(&text, 2, &[&[9, 5, 66], &[65, 17, 10]]);
}

#[test]
fn batches() {
    let text = "graph f<h, n, m>(q: f32[h, n, 20], k: f32[h, m, 20]) -> f32[h, n, m] {
  %0: f32[h, n, m] = contract q, k batch=1 contracted=1
  return %0
}";
    check(text, 2, &[&[3, 9, 10], &[2, 65, 8], &[0, 3, 4]]);
    let text = "graph f<h, n, m>(p: f32[h, n, m], v: f32[h, m, 12]) -> f32[h, n, 12] {
  %0: f32[h, 12, m] = transpose v permutation=[0, 2, 1]
  %1: f32[h, n, 12] = contract p, %0 batch=1 contracted=1
  return %1
}";
    check(text, 1, &[&[3, 9, 10], &[2, 65, 8]]);
}

#[test]
fn several_steps() {
    let text = "graph f<n, a, b, m>(x: f32[a, n, b], w: f32[m, a, b]) -> f32[n, m] {
  %0: f32[n, a, b] = transpose x permutation=[1, 0, 2]
  %1: f32[n, m] = contract %0, w batch=0 contracted=2
  return %1
}";
    check(text, 2, &[&[9, 3, 5, 10], &[8, 1, 17, 9], &[10, 4, 4, 66]]);
}

#[test]
fn rows_of_images() {
    let text = "graph f<b, h, w>(x: f32[b, 3, h, w], filters: f32[10, 3, 2, 2]) -> f32[b, 10, h - 1, w - 1] {
  %0: f32[b, 3, h - 1, w - 1, 2, 2] = window x strides=[1, 1, 1, 1] axes=[2, 3] dilations=[1, 1]
  %1: f32[b, h - 1, w - 1, 3, 2, 2] = transpose %0 permutation=[0, 2, 3, 1, 4, 5]
  %2: f32[b, h - 1, w - 1, 10] = contract %1, filters batch=0 contracted=3
  %3: f32[b, 10, h - 1, w - 1] = transpose %2 permutation=[0, 3, 1, 2]
  return %3
}";
    check(text, 1, &[&[2, 5, 6], &[1, 9, 10], &[3, 2, 9]]);
    let text =
        "graph f<h, w>(x: f32[h, w, 5], filters: f32[2, 2, 5, 10]) -> f32[h - 1, w - 1, 10] {
  %0: f32[h - 1, w - 1, 5, 2, 2] = window x strides=[1, 1, 1] axes=[0, 1] dilations=[1, 1]
  %1: f32[h - 1, w - 1, 2, 2, 5] = transpose %0 permutation=[0, 1, 3, 4, 2]
  %2: f32[10, 2, 2, 5] = transpose filters permutation=[3, 0, 1, 2]
  %3: f32[h - 1, w - 1, 10] = contract %1, %2 batch=0 contracted=3
  return %3
}";
    check(text, 1, &[&[5, 6], &[9, 10]]);
}

#[test]
fn what_is_updated_is_read_before() {
    let text =
        "graph f<n, k, m>(c: f32[n, m], x: f32[n, k], w: f32[k, m]) -> (f32[n, m] updates c) {
  %0: f32[m, k] = transpose w permutation=[1, 0]
  %1: f32[n, m] = contract x, %0 batch=0 contracted=1
  %2: f32[n, m] = add c, %1
  return %2
}";
    check(text, 2, &[&[9, 5, 66], &[65, 17, 10]]);
}
