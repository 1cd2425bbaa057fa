//! Which values move: they depend on what is looked at, and what is asked for depends on them.
//!
//! In:  a first-order graph, which parameters move, which results are asked for.   Out: a flag for each result of each node.
//!
//! ```text
//! graph f(x: f32, y: f32) -> (f32, f32) {   x moves, the first result is asked for
//!   %0: f32 = sin x                         moves
//!   %1: f32 = mul %0, y                     moves
//!   %2: f32 = cos x                         is not asked for
//!   %3: f32 = exp y                         does not depend on x
//!   %4: f32 = add %1, %3                    moves
//!   return %4, %2
//! }
//! ```
//!
//! What a body hands to its next run is a fixed point: a state moves if it does at the beginning, or after any number of runs.
//! Afterwards: what is not a float does not move. Flags may say too much (`x − x` moves), never too little.

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::graph::{Graph, Node, Op, Repeat, Unary};

/// A flag for each result of each node.
pub(super) type Flags = SideTable<Node, Vec<bool>>;

/// What is known of bodies: the flags of their results for those of their parameters, or the other way round.
/// A fixed point asks again and again, and each time for all bodies inside: without memory that is exponential in their depth.
type Known = BTreeMap<(*const Graph, Vec<bool>), Vec<bool>>;

/// What moves.
pub(super) fn moves(graph: &Graph, parameters: &[bool], wanted: &[bool]) -> Flags {
    let mut moves = depends(graph, parameters, &mut Known::new());
    let needed = needed(graph, wanted, &mut Known::new());
    for id in graph.nodes.ids() {
        moves[id].iter_mut().zip(&needed[id]).for_each(|(moves, needed)| *moves &= *needed);
    }
    moves
}

/// The results of a body that depend on parameters.
fn results_of(body: &Graph, parameters: &[bool], known: &mut Known) -> Vec<bool> {
    let key = (std::ptr::from_ref(body), parameters.to_vec());
    if let Some(found) = known.get(&key) {
        return found.clone();
    }
    let found = results(body, &depends(body, parameters, known));
    known.insert(key, found.clone());
    found
}

/// The parameters of a body that results need.
fn read_of(body: &Graph, results: &[bool], known: &mut Known) -> Vec<bool> {
    let key = (std::ptr::from_ref(body), results.to_vec());
    if let Some(found) = known.get(&key) {
        return found.clone();
    }
    let found = read(body, &needed(body, results, known));
    known.insert(key, found.clone());
    found
}

/// What depends on parameters.
fn depends(graph: &Graph, parameters: &[bool], known: &mut Known) -> Flags {
    let mut flags = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter() {
        let operands: Vec<bool> = node.operands.iter().map(|operand| flags[*operand][0]).collect();
        flags[id] = if let Op::Project(position) = &node.op {
            vec![flags[node.operands[0]][*position]]
        } else if let Op::Repeat(repeat) = &node.op {
            after_runs(repeat, &operands, known)
        } else if let Op::Branch(branch) = &node.op {
            let then = results_of(&branch.then, &operands[1..], known);
            either(&then, &results_of(&branch.otherwise, &operands[1..], known))
        } else if let Op::Call { .. } = &node.op {
            let moves = operands.contains(&true);
            node.types.iter().map(|ty| moves && ty.element.is_float()).collect()
        } else if let Op::Parameter(position) = &node.op {
            vec![parameters[*position] && node.types[0].element.is_float()]
        } else {
            let is_float = node.types[0].element.is_float();
            vec![is_float && !is_flat(&node.op) && operands.contains(&true)]
        };
    }
    flags
}

/// Whether the slope is zero wherever there is one.
fn is_flat(op: &Op) -> bool {
    matches!(
        op,
        Op::Unary(Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::StopGrad)
    )
}

fn after_runs(repeat: &Repeat, operands: &[bool], known: &mut Known) -> Vec<bool> {
    let (state, others) = operands.split_at(repeat.state);
    let mut state = state.to_vec();
    loop {
        let parameters = [&[false], state.as_slice(), others].concat();
        let results = results_of(&repeat.body, &parameters, known);
        let (next, collected) = results.split_at(repeat.state);
        let next = either(&state, next);
        if next == state {
            return [&state, collected].concat();
        }
        state = next;
    }
}

/// What leads to results: floats, and what they are made of.
fn needed(graph: &Graph, wanted: &[bool], known: &mut Known) -> Flags {
    let mut flags = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter() {
        flags[id] = vec![false; node.types.len()];
    }
    for (result, wanted) in graph.results.iter().zip(wanted) {
        flags[result.node][0] |= wanted;
    }
    for (id, node) in graph.nodes.iter().rev() {
        if !flags[id].contains(&true) {
            continue;
        }
        let operands = if let Op::Project(position) = &node.op {
            flags[node.operands[0]][*position] = true;
            continue;
        } else if let Op::Repeat(repeat) = &node.op {
            let (results, operands) = before_runs(repeat, &flags[id], known);
            flags[id] = results;
            operands
        } else if let Op::Branch(branch) = &node.op {
            let then = read_of(&branch.then, &flags[id], known);
            let sides = either(&then, &read_of(&branch.otherwise, &flags[id], known));
            [&[false], sides.as_slice()].concat()
        } else if let Op::Call { .. } = &node.op {
            vec![true; node.operands.len()]
        } else {
            vec![node.types[0].element.is_float(); node.operands.len()]
        };
        for (operand, needed) in node.operands.iter().zip(operands) {
            flags[*operand][0] |= needed;
        }
    }
    flags
}

/// Which results some run needs, if `wanted` are read, and which operands.
fn before_runs(repeat: &Repeat, wanted: &[bool], known: &mut Known) -> (Vec<bool>, Vec<bool>) {
    let (state, collected) = wanted.split_at(repeat.state);
    let mut state = state.to_vec();
    loop {
        let results = [&state, collected].concat();
        let operands = read_of(&repeat.body, &results, known).split_off(1);
        let before = either(&state, &operands[..repeat.state]);
        if before == state {
            let operands = [&state, &operands[repeat.state..]].concat();
            return (results, operands);
        }
        state = before;
    }
}

/// The flags of the results.
fn results(graph: &Graph, flags: &Flags) -> Vec<bool> {
    graph.results.iter().map(|result| flags[result.node][0]).collect()
}

/// The flags of the parameters.
fn read(graph: &Graph, flags: &Flags) -> Vec<bool> {
    let mut found = vec![false; graph.parameters.len()];
    for (id, node) in graph.nodes.iter() {
        if let Op::Parameter(position) = &node.op {
            found[*position] = flags[id][0];
        }
    }
    found
}

fn either(left: &[bool], right: &[bool]) -> Vec<bool> {
    left.iter().zip(right).map(|(left, right)| left | right).collect()
}
