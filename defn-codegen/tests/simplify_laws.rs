//! Laws of `simplify`: the same values bit for bit, but for contractions, and nothing left to do.

#![cfg(feature = "testing")]

mod common;

use common::{CASES, Numbers, agrees, check_case, check_verified, contractions};
use defn_codegen::arena::Arena;
use defn_codegen::graph::Callable;
use defn_codegen::graph::arbitrary::{Case, generate};
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::parse;
use defn_codegen::graph::{Binary, Combine, Dim, Element, Graph, NodeId, Op, Output, TensorType};
use defn_codegen::program::Program;
use defn_codegen::simplify::simplify;
use defn_codegen::text::Cursor;
use defn_codegen::transform::transform;

/// The law: the same values, and a fixed point.
fn simplifies(case: &Case) -> Result<(), String> {
    let simple = simplify(case.graph.clone());
    agrees(case, &simple)?;
    let again = simplify(simple.clone());
    if again == simple { Ok(()) } else { Err(format!("no fixed point:\n{simple}{again}")) }
}

/// The law, unless the arguments are refused.
fn check_simplified(case: Case) {
    if eval(&case.graph, &case.arguments).is_ok() {
        check_case("simplify", 0, &case, simplifies);
    }
}

#[test]
fn simplify_keeps_what_random_graphs_compute() {
    for seed in 0..CASES {
        let case = generate(seed, 3 + (seed % 30) as usize);
        check_case("simplify", seed, &case, simplifies);
    }
}

/// Every graph of the file tests of a stage.
fn file_tests(stage: &str) -> Vec<(String, Vec<Graph>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests").join(stage);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    let graphs = files.into_iter().map(|file| {
        let text = std::fs::read_to_string(&file).expect("the file can be read");
        let lines = text.lines().filter(|line| !line.starts_with(';'));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut cursor = Cursor::new(&text);
        let mut graphs = Vec::new();
        while cursor.end().is_err() {
            graphs.push(
                parse::graph(&mut cursor)
                    .unwrap_or_else(|error| panic!("{}: {error:?}", file.display())),
            );
        }
        (file.display().to_string(), graphs)
    });
    graphs.collect()
}

/// Arguments in which every float is one that some law of the real numbers is wrong of.
/// Products of three are finite: where rounding overflows, a contraction that does not round is right to differ.
fn special_arguments(graph: &Graph, numbers: &mut Numbers) -> Option<Vec<Value>> {
    const SPECIAL: [f64; 10] =
        [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-45, 2.5, -1e12];
    let arguments = graph.parameters.iter().map(|parameter| {
        let shape: Option<Vec<usize>> = parameter
            .ty
            .shape
            .iter()
            .map(|dim| usize::try_from(dim.evaluate(&[2, 3, 1, 2])).ok())
            .collect();
        let shape = shape?;
        let values: Vec<f64> = (0..shape.iter().product())
            .map(|_| SPECIAL[(numbers.next() * SPECIAL.len() as f64) as usize])
            .collect();
        Some(Value::from_f64(parameter.ty.element, &shape, &values))
    });
    arguments.collect()
}

fn make_finite(value: &mut Value) {
    let finite = |number: f64| if number.is_finite() { number } else { 0.75 };
    let numbers: Vec<f64> = value.to_f64().into_iter().map(finite).collect();
    *value = Value::from_f64(value.element, &value.shape, &numbers);
}

#[test]
fn simplify_changes_no_bit_of_special_values() {
    let mut numbers = Numbers(1);
    for (_, graphs) in file_tests("simplify") {
        for _draw in 0..50 {
            let Some(mut arguments) = special_arguments(&graphs[0], &mut numbers) else { continue };
            // Of three factors two are summed first, and what overlaps meets zeros of a padding: the same sums only of finite numbers.
            let overlaps = |op: &Op| matches!(op, Op::OverlapAdd(_));
            if contractions(&simplify(graphs[0].clone())) > 1
                || graphs[0].nodes.iter().any(|(_, node)| overlaps(&node.op))
            {
                arguments.iter_mut().for_each(make_finite);
            }
            check_simplified(Case { graph: graphs[0].clone(), arguments });
        }
    }
}

#[test]
fn transformed_file_tests_simplify() {
    let mut numbers = Numbers(2);
    for (file, graphs) in file_tests("transform") {
        let mut functions = Arena::default();
        let ids: Vec<_> = graphs.into_iter().map(|graph| functions.push(graph)).collect();
        let entry = ids.last().map(|last| Callable::Function(*last));
        let graph = transform(&Program { functions, entry, ..Program::default() });
        check_verified(&graph);
        let is_call = |op: &Op| matches!(op, Op::Call { .. });
        assert!(graph.nodes.iter().all(|(_, node)| !is_call(&node.op)), "{file}");
        for _draw in 0..20 {
            let arguments = numbers.arguments(&graph, 0.2, 0.9);
            check_simplified(Case { graph: graph.clone(), arguments });
        }
    }
}

/// A sum of a product of two to four factors, each with some axes of a common space in any order.
fn sum_of_products(numbers: &mut Numbers) -> Graph {
    let rank = 1 + (numbers.next() * 5.0) as usize;
    let shape: Vec<Dim> = [2, 3, 1, 2, 3].map(Dim::from)[..rank].to_vec();
    let mut builder = Builder::new("f");
    let mut factors: Vec<NodeId> = Vec::new();
    for position in 0..2 + (numbers.next() * 3.0) as usize {
        let mut axes: Vec<usize> = (0..rank).filter(|_| numbers.next() < 0.7).collect();
        let sorted: Vec<Dim> = axes.iter().map(|axis| shape[*axis].clone()).collect();
        // The parameter has the axes in another order than the space.
        let mut order: Vec<usize> = (0..axes.len()).collect();
        if numbers.next() < 0.5 {
            order.reverse();
        }
        let stored = order.iter().map(|axis| sorted[*axis].clone()).collect();
        let parameter =
            builder.parameter(&format!("p{position}"), TensorType::new(Element::F64, stored));
        let factor = builder.transpose(parameter, &order);
        axes.sort_unstable();
        factors.push(builder.broadcast(factor, &shape, &axes));
    }
    let mut product = factors[0];
    for factor in &factors[1..] {
        product = builder.binary(Binary::Mul, *factor, product);
    }
    let summed: Vec<usize> = (0..rank).filter(|_| numbers.next() < 0.5).collect();
    let sum = builder.reduce(Combine::Add, product, &summed);
    builder.finish(vec![Output { node: sum, updates: None }])
}

#[test]
fn sums_of_products_contract() {
    let mut numbers = Numbers(4);
    let mut contracted = 0;
    for seed in 0..CASES {
        let graph = sum_of_products(&mut numbers);
        let arguments = numbers.arguments(&graph, -1.0, 1.0);
        let simple = simplify(graph.clone());
        contracted += u64::from(contractions(&simple) > 0);
        check_case("sum of products", seed, &Case { graph, arguments }, simplifies);
    }
    assert!(contracted > CASES / 3, "only {contracted} of {CASES} became contractions");
}
