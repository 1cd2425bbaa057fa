//! Nests that go through their rows in stripes: attention, its gradient, and the memory that both need.

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::eval::Value;
use defn_codegen::graph::eval::bind;
use defn_codegen::graph::{Callable, Element, Graph, parse};
use defn_codegen::llvm;
use defn_codegen::loops::{self, Control, Loops, Statement, visit};
use defn_codegen::options::{Compute, Dump, Level, Options, Sizes, Stripes, Target, TensorCores};
use defn_codegen::program::Program;
use defn_codegen::simplify::simplify;
use defn_codegen::testing::{self, ptx};
use defn_codegen::transform::transform;

const ATTENTION: &str = include_str!("programs/attention.graph");

fn attention() -> Graph {
    simplify(parse::parse(ATTENTION).expect("it is written well"))
}

/// The same for one head.
fn one_head() -> Graph {
    let text = ATTENTION
        .replace("h, ", "")
        .replace("batch=1", "batch=0")
        .replace("axes=[1, 2]", "axes=[0, 1]")
        .replace("axes=[2]", "axes=[1]")
        .replace(
            "%9: f32[n, m] = broadcast %8 axes=[0, 1]",
            "%9: f32[n, m] = broadcast %8 axes=[0]",
        )
        .replace(
            "%13: f32[n, m] = broadcast %12 axes=[0, 1]",
            "%13: f32[n, m] = broadcast %12 axes=[0]",
        )
        .replace("permutation=[0, 2, 1]", "permutation=[1, 0]");
    simplify(parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

/// The gradient of the sum of the squares of attention with respect to queries, keys and values, perhaps behind that sum.
fn gradient(value: bool) -> Graph {
    let text = ATTENTION
        .replace("-> f32[h, n, e]", "-> f32[]")
        .replace("return %16", "%17: f32[] = contract %16, %16 batch=0 contracted=3\n  return %17");
    let mut program = Program::default();
    let function = program.functions.push(parse::parse(&text).expect("it is written well"));
    let of = Box::new(Callable::Function(function));
    program.entry = Some(Callable::Gradient { of, wrt: vec![0, 1, 2], value });
    simplify(transform(&program))
}

fn scheduled(graph: &Graph) -> Loops {
    scheduled_for(graph, Level::V4.into(), Sizes::USUAL)
}

fn scheduled_for(graph: &Graph, target: Target, sizes: Sizes) -> Loops {
    let options = Options {
        levels: Vec::new(),
        devices: Vec::new(),
        triple: String::new(),
        dump: Dump::default(),
        verify: true,
        sizes,
        tensor_cores: TensorCores::Never,
    };
    schedule_graph(graph, target, &options)
}

fn f32s(shape: &[usize], seed: usize) -> Value {
    let number = |k: usize| ((k + seed) * 7919 % 1009) as f64 / 504.5 - 1.0;
    Value::from_f64(
        Element::F32,
        shape,
        &(0..shape.iter().product()).map(number).collect::<Vec<_>>(),
    )
}

/// Arguments of attention; every query sees the keys that are not behind it, and the first.
fn arguments([h, n, m, d, e]: [usize; 5]) -> Vec<Value> {
    let sees: Vec<i64> = (0..n * m).map(|at| i64::from(at % m <= at / m || at % m == 0)).collect();
    vec![
        f32s(&[h, n, d], 1),
        f32s(&[h, m, d], 2),
        f32s(&[h, m, e], 3),
        Value::from_i64(Element::Bool, &[n, m], &sees),
    ]
}

/// Few rows, one stripe, several, and one row more or less; rows shorter and longer than a group of columns.
const EXTENTS: [[usize; 5]; 11] = [
    [2, 1, 5, 3, 2],
    [1, 15, 7, 4, 4],
    [2, 16, 16, 4, 3],
    [1, 47, 33, 8, 5],
    [2, 48, 64, 16, 64],
    [1, 49, 65, 5, 65],
    [3, 100, 20, 17, 1],
    [1, 97, 130, 1, 9],
    [0, 20, 20, 4, 4],
    [2, 20, 0, 4, 4],
    [2, 0, 20, 4, 4],
];

fn check(graph: &Graph, arguments: &[Value]) {
    if let Err(error) = testing::check(graph, arguments) {
        let shapes: Vec<_> = arguments.iter().map(|argument| argument.shape.clone()).collect();
        panic!("{shapes:?}: {error}");
    }
}

#[test]
fn attention_by_stripes() {
    for extents in EXTENTS {
        check(&attention(), &arguments(extents));
    }
}

/// Leaves the first head.
fn first_head(argument: &mut Value) {
    let size: usize = argument.shape[1..].iter().product();
    argument.data.truncate(size);
    argument.shape.remove(0);
}

#[test]
fn attention_of_one_head() {
    for extents in EXTENTS {
        let mut arguments = arguments(extents);
        if extents[0] == 0 {
            continue;
        }
        arguments[..3].iter_mut().for_each(first_head);
        check(&one_head(), &arguments);
    }
}

#[test]
fn the_gradient_of_attention_by_stripes() {
    for (value, extents) in [(true, 6), (false, 5)] {
        check(&gradient(value), &arguments(EXTENTS[extents]));
    }
}

/// The nests that run in stripes.
fn stripes(loops: &Loops) -> usize {
    let is_striped = |nest: &&loops::Nest| {
        let mut clips = false;
        visit::statements(&nest.body, &mut |statement| {
            clips |= matches!(statement, Statement::For(inner)
                if inner.clip.is_some() && Sizes::USUAL.stripes.is_some_and(|stripes| inner.extent.is(stripes.rows)));
        });
        clips
    };
    loops.nests.iter().filter(is_striped).count()
}

/// Around the number of rows and of columns from which a product turns its right operand, which changes the order of its sums.
#[test]
fn every_row_has_the_bits_of_the_nests_apart() {
    let graph = attention();
    let together = scheduled(&graph);
    let apart = scheduled_for(&graph, Level::V4.into(), Sizes { stripes: None, ..Sizes::USUAL });
    assert_eq!((stripes(&together), stripes(&apart)), (1, 0));
    for rows in [1, 7, 8, 9, 15, 16, 47, 49] {
        for columns in [1, 7, 8, 9, 40] {
            let [heads, width, depth] = [2, 70, 3];
            let arguments = arguments([heads, rows, columns, width, depth]);
            let symbols = [heads, rows, columns, width, depth].map(|extent| extent as i64);
            let results = [&together, &apart].map(|loops| {
                loops::eval::eval(loops, &symbols, &arguments).expect("it is valid").results
            });
            assert!(results[0] == results[1], "{rows} queries, {columns} keys");
        }
    }
}

#[test]
fn memory_grows_with_the_sequence() {
    // With the value, the gradient has two groups, and the later computes the shares again.
    let graphs = [(attention(), 1), (one_head(), 1), (gradient(false), 1), (gradient(true), 2)];
    for (graph, groups) in graphs {
        let loops = scheduled(&graph);
        assert_eq!(stripes(&loops), groups, "{loops}");
        // Extents in the order of the symbols: heads if there are any, queries, keys, widths.
        let bytes = |length: i64| {
            let mut symbols = vec![8, length, length, 64, 64];
            symbols.drain(..5 - loops.symbols.len());
            loops.workspace.evaluate(&symbols) + loops.private.evaluate(&symbols)
        };
        let (short, long) = (bytes(1024), bytes(4096));
        assert!(long <= 4 * short, "{long} bytes for 4096 positions, {short} for 1024\n{loops}");
    }
}

/// What loops give, and the same by the kernels of a device.
fn on_device(device: &Loops, (symbols, arguments): (&[i64], &[Value])) -> Vec<Value> {
    let outcome = loops::eval::eval(device, symbols, arguments)
        .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{device}"));
    let code = llvm::device(device, Compute::Sm80)
        .unwrap_or_else(|limitation| panic!("{}", limitation.what));
    let executed = ptx::run((device, &code), symbols, arguments)
        .unwrap_or_else(|fault| panic!("{symbols:?}: {fault}\n{device}"));
    assert!(executed == outcome, "{symbols:?}: kernels give other bits\n{device}");
    outcome.results
}

/// So few rows that there are several parts, and so many that their products have the form of all rows together.
const PARTS: Sizes = Sizes { parts: Some(Stripes { from: 16, rows: 8 }), ..Sizes::USUAL };

/// No part and one, several of them, and the shortest and the longest rest.
const PARTED: [[usize; 5]; 7] = [
    [2, 4, 9, 3, 2],
    [1, 15, 20, 4, 4],
    [2, 16, 16, 4, 3],
    [1, 23, 8, 1, 8],
    [3, 24, 7, 5, 2],
    [1, 33, 17, 9, 9],
    [2, 47, 1, 2, 11],
];

/// A host that goes through all rows nest by nest.
const ROWS: Sizes = Sizes { stripes: None, ..Sizes::USUAL };

#[test]
fn parts_of_a_device_have_the_bits_of_rows() {
    for graph in [attention(), one_head()] {
        let host = scheduled_for(&graph, Level::V4.into(), ROWS);
        let device = scheduled_for(&graph, Compute::Sm80.into(), PARTS);
        for extents in PARTED {
            let mut arguments = arguments(extents);
            if graph.symbols.len() == 4 {
                arguments[..3].iter_mut().for_each(first_head);
            }
            let symbols = bind(&graph, &arguments).expect("the shapes fit");
            let expected = loops::eval::eval(&host, &symbols, &arguments).expect("a host is sound");
            let found = on_device(&device, (&symbols, &arguments));
            assert!(found == expected.results, "{extents:?}: other bits\n{device}");
        }
    }
}

#[test]
fn slopes_of_queries_have_the_bits_of_rows() {
    for value in [false, true] {
        let graph = gradient(value);
        let host = scheduled_for(&graph, Level::V4.into(), ROWS);
        let device = scheduled_for(&graph, Compute::Sm80.into(), PARTS);
        for extents in [PARTED[1], PARTED[2], PARTED[4], PARTED[5]] {
            let arguments = arguments(extents);
            let symbols = bind(&graph, &arguments).expect("the shapes fit");
            let expected = loops::eval::eval(&host, &symbols, &arguments).expect("a host is sound");
            let found = on_device(&device, (&symbols, &arguments));
            let queries = usize::from(value);
            assert!(
                found[queries] == expected.results[queries],
                "{extents:?}: other bits\n{device}"
            );
            // With fewer rows than are cut all sums have one order.
            assert!(extents[1] >= 16 || found == expected.results, "{extents:?}\n{device}");
        }
    }
}

#[test]
fn memory_of_a_device_grows_with_the_sequence() {
    let graphs = [(attention(), 1), (one_head(), 1), (gradient(false), 1), (gradient(true), 2)];
    for (graph, groups) in graphs {
        let loops = scheduled_for(&graph, Compute::Sm80.into(), Sizes::USUAL);
        let repeats = |nest: &&loops::Nest| matches!(nest.control, Some(Control::Repeat { .. }));
        assert_eq!(loops.nests.iter().filter(repeats).count(), groups, "{loops}");
        // Extents as above.
        let bytes = |queries: i64, keys: i64| {
            let mut symbols = vec![8, queries, keys, 64, 64];
            symbols.drain(..5 - loops.symbols.len());
            loops.workspace.evaluate(&symbols) + loops.private.evaluate(&symbols)
        };
        // Nearly four times, and not sixteen: partial results of long rows are rounded up.
        let (short, long) = (bytes(16384, 16384), bytes(65536, 65536));
        assert!(long <= 5 * short, "{long} bytes for 65536 positions, {short} for 16384\n{loops}");
        // More queries are more parts, one after the other: besides a few numbers a query that is no memory.
        let (few, many) = (bytes(4096, 4096), bytes(4096 + 65536, 4096));
        let numbers = 65536 * 8 * 4 * 64;
        assert!(many <= few + 4 * numbers, "{many} bytes for 65536 queries more, {few}\n{loops}");
    }
}
