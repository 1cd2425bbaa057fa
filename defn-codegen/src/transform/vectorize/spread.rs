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

/// Which results are mapped, for these parameters.
pub(super) fn spread(graph: &Graph, parameters: &[bool]) -> Vec<bool> {
    let mut mapped: SideTable<Node, Vec<bool>> = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter() {
        let operands: Vec<bool> = node.operands.iter().map(|operand| mapped[*operand][0]).collect();
        mapped[id] = if let Op::Parameter(position) = &node.op {
            vec![parameters[*position]]
        } else if let Op::Project(position) = &node.op {
            vec![mapped[node.operands[0]][*position]]
        } else if node.op.is_control() {
            control(&node.op, &operands)
        } else {
            vec![operands.contains(&true); node.types.len()]
        };
    }
    graph.results.iter().map(|result| mapped[result.node][0]).collect()
}

/// Which results of what runs bodies are mapped.
pub(super) fn control(op: &Op, operands: &[bool]) -> Vec<bool> {
    if let Op::Branch(branch) = op {
        let (then, otherwise) =
            (spread(&branch.then, &operands[1..]), spread(&branch.otherwise, &operands[1..]));
        let pairs = then.into_iter().zip(otherwise);
        return pairs.map(|(then, otherwise)| then || otherwise || operands[0]).collect();
    }
    let Op::Repeat(repeat) = op else { bug!("transform", "{op:?} runs no bodies") };
    repeated(repeat, operands).results
}

/// What is mapped of a loop with these operands.
pub(super) fn repeated(repeat: &Repeat, operands: &[bool]) -> Spread {
    let mut operands = operands.to_vec();
    loop {
        let parameters = [&[false], operands.as_slice()].concat();
        let mut results = spread(&repeat.body, &parameters);
        let condition = match &repeat.times {
            Times::Extent(_) => false,
            Times::While(condition) => spread(condition, &parameters)[0],
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
