//! How fast the code of programs is on this machine: nanoseconds an element, for every level.
//!
//! In: names of functions (`exp`, `pow`), each timed on 16384 elements of `f32` and `f64`, or files with a graph of constant shapes.
//! Out: a line for each. Without names, every function. `--show` prints the assembly too.
//!
//! ```text
//! taskset -c 1 cargo run --release -p defn-codegen --example speed -- exp tanh softmax.graph
//! ```

#![expect(clippy::print_stdout, reason = "it speaks to whoever runs it")]

use std::time::Duration;
use std::{env, fs};

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::eval::{Value, bind};
use defn_codegen::graph::{Graph, parse};
use defn_codegen::llvm;
use defn_codegen::llvm::jit::{Prepared, is_supported};
use defn_codegen::math::{Function, Function2};
use defn_codegen::options::{Dump, Level, Options, Sizes};
use defn_codegen::simplify::simplify;

/// Elements of a function's vector: two of them stay in the first cache.
const ELEMENTS: usize = 4096;
/// How long a program is repeated.
const PATIENCE: Duration = Duration::from_millis(30);

fn main() {
    let (flags, mut names): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let show = flags.iter().any(|flag| flag == "--show");
    if names.is_empty() {
        names.extend(Function::ALL.iter().map(|function| function.name().to_owned()));
        names.extend(Function2::ALL.iter().map(|function| function.name().to_owned()));
    }
    for name in names {
        if let Ok(text) = fs::read_to_string(&name) {
            time(&name, &text, show);
            continue;
        }
        for element in ["f32", "f64"] {
            time(&format!("{name} {element}"), &elementwise(&name, element), show);
        }
    }
}

/// A program that applies a function to each element.
fn elementwise(name: &str, element: &str) -> String {
    let is_binary = Function2::ALL.iter().any(|function| function.name() == name)
        || ["add", "mul", "div", "max", "min", "rem"].contains(&name);
    let vector = format!("{element}[{ELEMENTS}]");
    if is_binary {
        return format!(
            "graph f(x: {vector}, y: {vector}) -> {vector} {{\n  %0: {vector} = {name} x, y\n  return %0\n}}"
        );
    }
    format!("graph f(x: {vector}) -> {vector} {{\n  %0: {vector} = {name} x\n  return %0\n}}")
}

fn time(name: &str, text: &str, show: bool) {
    let graph = simplify(parse::parse(text).unwrap_or_else(|error| panic!("{name}: {error}")));
    let arguments = arguments(&graph);
    let symbols = bind(&graph, &arguments).expect("the arguments fit");
    let elements = arguments.iter().map(|argument| argument.data.len()).max().unwrap_or(1).max(1);
    let options = Options {
        levels: Vec::new(),
        devices: Vec::new(),
        triple: "x86_64-unknown-linux-gnu".to_owned(),
        dump: Dump::default(),
        sizes: Sizes::USUAL,
        verify: false,
        tf32: false,
    };
    print!("{name:<40}");
    for level in [Level::V3, Level::V4].into_iter().filter(|level| is_supported(*level)) {
        let loops = schedule_graph(&graph, level, &options);
        let seconds = Prepared::new(&loops, level, &symbols, &arguments).time(PATIENCE);
        print!(
            "  {}: {:8.4} ns an element, {:9.4} ms",
            level.name(),
            seconds * 1e9 / elements as f64,
            seconds * 1e3
        );
        if show {
            println!("\n{}", llvm::host(&loops, level, &options.triple).expect("LLVM has code"));
        }
    }
    println!();
}

/// Positive numbers of moderate size, the same in every run.
fn arguments(graph: &Graph) -> Vec<Value> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / (1 << 22) as f64 + 0.125
    };
    let parameter = |parameter: &defn_codegen::graph::Parameter| {
        let shape: Vec<usize> = parameter
            .ty
            .shape
            .iter()
            .map(|dim| {
                usize::try_from(dim.as_constant().expect("shapes are constant")).unwrap_or(0)
            })
            .collect();
        let data: Vec<f64> = (0..shape.iter().product()).map(|_| next()).collect();
        Value::from_f64(parameter.ty.element, &shape, &data)
    };
    graph.parameters.iter().map(parameter).collect()
}
