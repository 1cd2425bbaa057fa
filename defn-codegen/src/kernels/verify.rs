//! What must hold of kernels: every stored node is written, and no kernel reads what is written later.

use std::collections::BTreeSet;

use super::{Kernels, Step};
use crate::graph::{NodeId, Op};

/// What is wrong, in the words of the dump language.
pub fn verify(kernels: &Kernels) -> Result<(), String> {
    let mut written: BTreeSet<NodeId> = BTreeSet::new();
    for kernel in &kernels.kernels {
        for step in &kernel.steps {
            let node = step.node();
            if matches!(step, Step::Keep { .. }) {
                continue;
            }
            read_before(kernels, node, &written)?;
            if matches!(step, Step::Control(_)) {
                let results = kernels.graph.nodes.iter();
                let results = results.filter(|(_, other)| {
                    matches!(other.op, Op::Project(_)) && other.operands[0] == node
                });
                written.extend(results.map(|(id, _)| id));
                kernels.bodies.get(&node).into_iter().flatten().try_for_each(verify)?;
            } else if kernels.stored[node] {
                written.insert(node);
            }
        }
    }
    for (id, node) in kernels.graph.nodes.iter() {
        let is_parameter = matches!(node.op, Op::Parameter(_));
        if kernels.stored[id] && !is_parameter && !written.contains(&id) {
            return Err(format!("{id:?} is stored, but no kernel writes it"));
        }
    }
    Ok(())
}

/// Walks what a node is computed from, down to stored nodes.
fn read_before(kernels: &Kernels, root: NodeId, written: &BTreeSet<NodeId>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<NodeId> = kernels.graph.operands(root).to_vec();
    while let Some(node) = open.pop() {
        if !seen.insert(node) || matches!(kernels.graph.op(node), Op::Parameter(_)) {
            continue;
        }
        if kernels.stored[node] {
            if !written.contains(&node) {
                return Err(format!("{root:?} reads {node:?}, which is written later"));
            }
        } else {
            open.extend(kernels.graph.operands(node));
        }
    }
    Ok(())
}
