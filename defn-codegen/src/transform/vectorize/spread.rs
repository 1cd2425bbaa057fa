//! Which values depend on mapped parameters.
//!
//! ```text
//! graph f(x: f32, w: f32) -> (f32, f32) {    with x mapped
//!   %0: f32 = exp w
//!   %1: f32 = mul x, %0                      mapped
//!   return %1, %0                            mapped, not mapped
//! }
//! ```
//!
//! The state of a loop is mapped from the first run on if any run makes it so, which is found by a fixed point.

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::bug;
use crate::graph::{Graph, Node, Op, Repeat, Times};

/// What is mapped of a loop.
pub(super) struct Spread {
    /// For each operand, the state as it is inside of the loop.
    pub(super) operands: Vec<bool>,
    /// For each result.
    pub(super) results: Vec<bool>,
    /// Whether runs end at different times.
    pub(super) condition: bool,
}

/// What is known of bodies: which results are mapped for which parameters.
/// A fixed point asks again and again, and each time for all bodies inside: without memory that is exponential in their depth.
type Known = BTreeMap<(*const Graph, Vec<bool>), Vec<bool>>;

/// Which results are mapped, for these parameters.
pub(super) fn spread(graph: &Graph, parameters: &[bool]) -> Vec<bool> {
    results_of(graph, parameters, &mut Known::new())
}

fn results_of(body: &Graph, parameters: &[bool], known: &mut Known) -> Vec<bool> {
    let key = (std::ptr::from_ref(body), parameters.to_vec());
    if let Some(found) = known.get(&key) {
        return found.clone();
    }
    let found = results(body, parameters, known);
    known.insert(key, found.clone());
    found
}

fn results(graph: &Graph, parameters: &[bool], known: &mut Known) -> Vec<bool> {
    let mut mapped: SideTable<Node, Vec<bool>> = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter() {
        let operands: Vec<bool> = node.operands.iter().map(|operand| mapped[*operand][0]).collect();
        mapped[id] = if let Op::Parameter(position) = &node.op {
            vec![parameters[*position]]
        } else if let Op::Project(position) = &node.op {
            vec![mapped[node.operands[0]][*position]]
        } else if node.op.is_control() {
            results_of_control(&node.op, &operands, known)
        } else {
            vec![operands.contains(&true); node.types.len()]
        };
    }
    graph.results.iter().map(|result| mapped[result.node][0]).collect()
}

/// Which results of what runs bodies are mapped.
pub(super) fn control(op: &Op, operands: &[bool]) -> Vec<bool> {
    results_of_control(op, operands, &mut Known::new())
}

fn results_of_control(op: &Op, operands: &[bool], known: &mut Known) -> Vec<bool> {
    if let Op::Branch(branch) = op {
        let then = results_of(&branch.then, &operands[1..], known);
        let otherwise = results_of(&branch.otherwise, &operands[1..], known);
        let pairs = then.into_iter().zip(otherwise);
        return pairs.map(|(then, otherwise)| then || otherwise || operands[0]).collect();
    }
    if let Op::Inspect(_) = op {
        return vec![operands[0]];
    }
    let Op::Repeat(repeat) = op else { bug!("transform", "{op:?} runs no bodies") };
    spread_of_loop(repeat, operands, known).results
}

/// What is mapped of a loop with these operands.
pub(super) fn repeated(repeat: &Repeat, operands: &[bool]) -> Spread {
    spread_of_loop(repeat, operands, &mut Known::new())
}

fn spread_of_loop(repeat: &Repeat, operands: &[bool], known: &mut Known) -> Spread {
    let mut operands = operands.to_vec();
    loop {
        let parameters = [&[false], operands.as_slice()].concat();
        let mut results = results_of(&repeat.body, &parameters, known);
        let condition = match &repeat.times {
            Times::Extent(_) => false,
            Times::While(condition) => results_of(condition, &parameters, known)[0],
        };
        let before = operands.clone();
        for (state, result) in operands[..repeat.state].iter_mut().zip(&results) {
            *state |= result | condition;
        }
        if operands == before {
            results[..repeat.state].copy_from_slice(&operands[..repeat.state]);
            return Spread { operands, results, condition };
        }
    }
}

/// Whether something in it runs an unknown number of times.
pub(super) fn may_run_on(graph: &Graph) -> bool {
    graph.nodes.iter().any(|(_, node)| {
        let is_while = |repeat: &Repeat| matches!(repeat.times, Times::While(_));
        let runs_on = if let Op::Repeat(repeat) = &node.op { is_while(repeat) } else { false };
        runs_on || node.op.bodies().iter().any(|(_, body)| may_run_on(body))
    })
}
