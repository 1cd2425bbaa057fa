//! Laws of `hunt`: the same values as without, and a suspect where a NaN comes out of none.
//! Its programs carry a number through all branches and loops, so that they are those in which the host looks at values, too.

#![cfg(feature = "testing")]

use defn_codegen::arena::Arena;
use defn_codegen::artifact::NONE_FAILED;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::verify::verify;
use defn_codegen::graph::{Element, Graph, Node, NodeId, Op, Output, TensorType};
use defn_codegen::hunt::hunt;
use defn_codegen::origin::{Origin, Site};
use defn_codegen::testing::{case, check};

const CASES: u64 = 2000;

fn has_nan(values: &[Value]) -> bool {
    let is_nan = |value: &Value| value.scalars().iter().any(|scalar| scalar.to_f64().is_nan());
    values.iter().filter(|value| value.element.is_float()).any(is_nan)
}

#[test]
fn a_hunt_changes_no_value() {
    let mut found = [0, 0];
    for seed in 0..CASES {
        let case = case(seed);
        let Ok(expected) = eval(&case.graph, &case.arguments) else { continue };
        let (hunted, suspects) = hunt(&case.graph, 7, false);
        assert!(verify(&hunted).is_ok(), "seed {seed}:\n{hunted}");
        let mut values = eval(&hunted, &case.arguments).expect("a hunt refuses nothing");
        let status = values.pop().expect("a hunt has a status").scalar(0).to_i64();
        assert_eq!(values, expected, "seed {seed}:\n{hunted}");
        let is_found = status != NONE_FAILED;
        found[usize::from(is_found)] += 1;
        if is_found {
            let number = (status & 0xffff_ffff) as usize;
            assert!((7..7 + suspects.len()).contains(&number), "seed {seed}: {status}");
        } else if has_nan(&expected) {
            assert!(has_nan(&case.arguments), "seed {seed}: nobody made the NaN\n{hunted}");
        }
    }
    assert!(found.iter().all(|count| *count > 10), "both kinds come up: {found:?}");
}

/// The graph with an inspection of the last float behind every choice of a number, in bodies too.
fn inspected(graph: &Graph) -> Graph {
    let (mut nodes, mut ids) = (Arena::<Node>::default(), Vec::<NodeId>::new());
    let mut float = None;
    let number = TensorType::scalar(Element::I64);
    for (_, node) in graph.nodes.iter() {
        let operands = node.operands.iter().map(|operand| ids[operand.index()]).collect();
        let op = node.op.with_bodies(inspected);
        let mut id = nodes.push(Node { op, operands, ..node.clone() });
        let is_float = !node.op.is_control() && node.types[0].element.is_float();
        float = if is_float { Some(id) } else { float };
        if let (Op::Select, Some(float)) = (&node.op, float)
            && node.types[0] == number
        {
            let mut push = |op, operands| {
                let (types, origin) = (vec![number.clone()], Origin::NONE);
                nodes.push(Node { op, operands, types, origin })
            };
            let shown = push(Op::Inspect(Site(0)), vec![id, float]);
            id = push(Op::Project(0), vec![shown]);
        }
        ids.push(id);
    }
    let results = graph.results.iter();
    let results = results.map(|it| Output { node: ids[it.node.index()], updates: it.updates });
    Graph { nodes, results: results.collect(), ..graph.clone() }
}

#[test]
fn what_is_hunted_and_shown_is_compiled_like_any_graph() {
    for seed in 0..6 {
        let case = case(seed);
        if eval(&case.graph, &case.arguments).is_err() {
            continue;
        }
        let (hunted, _) = hunt(&case.graph, 0, false);
        // The code shows what the loops show, in the same order, at every level.
        for graph in [inspected(&hunted), hunted] {
            if let Err(what) = check(&graph, &case.arguments) {
                panic!("seed {seed}: {what}\n{graph}");
            }
        }
    }
}
