//! States that are added to at some places, where they are.
//!
//! ```text
//! before                                              after
//! %0 = repeat x .. {                                  repeat i in 0..n {
//!   graph body(i, x, k, y) -> x {                       if inside(k) { store t0[k] = add(load t0[k], y) }       t0 is the state
//!     %0 = add_at x, k, y batch=0                     }
//!     return %0
//!   }
//! ```
//!
//! Otherwise every run would copy all of it, there and back. It may be done if nobody reads the old state any more when an element changes:
//! if nothing else in the body reads it, or if only what is added is computed from it, and that is one number.
//! Sums that follow each other are one after the other in the same place, wherever the last one is stored.

use super::Lowering;
use crate::arena::SideTable;
use crate::graph::{Graph, Node, NodeId, Op, Repeat};
use crate::loops::BufferId;

/// For each state whether its next value may be written over it.
pub(super) fn overwritten(repeat: &Repeat, body: &Graph) -> Vec<bool> {
    let uses = body.uses();
    (0..repeat.state).map(|state| is_overwritten(body, &uses, state)).collect()
}

fn is_overwritten(body: &Graph, uses: &SideTable<Node, usize>, state: usize) -> bool {
    let last = body.results[state].node;
    let is_once = body.results.iter().filter(|result| result.node == last).count() == 1;
    let sums = sums(body, uses, last);
    let Some(first) = sums.last().filter(|_| is_once) else { return false };
    let old = body.operands(*first)[0];
    let is_state = *body.op(old) == Op::Parameter(1 + state);
    is_state && (uses[old] == 1 || sums.len() == 1 && only_added(body, old, *first))
}

/// A sum at places, and those that it adds to and nobody else reads, the last one first.
fn sums(graph: &Graph, uses: &SideTable<Node, usize>, last: NodeId) -> Vec<NodeId> {
    let is_sum = |node: NodeId| matches!(graph.op(node), Op::AddAt { .. });
    let mut sums = Vec::new();
    let mut next = Some(last).filter(|node| is_sum(*node));
    while let Some(sum) = next {
        sums.push(sum);
        next = Some(graph.operands(sum)[0]).filter(|node| is_sum(*node) && uses[*node] == 1);
    }
    sums
}

/// Whether all that is computed from the old state goes into the one number that is added.
fn only_added(body: &Graph, old: NodeId, sum: NodeId) -> bool {
    let added = body.operands(sum)[2];
    if !body.ty(added).size().is(1) {
        return false;
    }
    let mut from_old = SideTable::new(&body.nodes, false);
    from_old[old] = true;
    for (id, node) in body.nodes.iter().filter(|(id, _)| *id != sum) {
        from_old[id] = id == old || node.operands.iter().any(|operand| from_old[*operand]);
    }
    // What stands behind the sum is computed from the new state.
    let mut feeds = SideTable::new(&body.nodes, false);
    feeds[sum] = true;
    for (id, node) in body.nodes.iter().rev() {
        if feeds[id] {
            node.operands.iter().for_each(|operand| feeds[*operand] = true);
        }
    }
    let is_read_late = |id: NodeId| {
        let users = body.nodes.iter().filter(|(_, node)| node.operands.contains(&id));
        let mut users = users.map(|(user, _)| user);
        let is_result = body.results.iter().any(|result| result.node == id);
        is_result || users.any(|user| !feeds[user])
    };
    let mut all = body.nodes.ids().filter(|id| from_old[*id] && *id != sum);
    !all.any(is_read_late)
}

impl Lowering<'_> {
    /// Puts sums that follow each other where the last one is.
    pub(super) fn share_sums(&mut self) {
        let graph = &self.kernels.graph;
        let uses = graph.uses();
        for result in &graph.results {
            for sum in sums(graph, &uses, result.node).into_iter().skip(1) {
                if self.homes[sum].is_none() {
                    self.homes[sum] = self.homes[result.node];
                }
            }
        }
    }

    /// Whether a value is all of a buffer.
    pub(super) fn is_at(&self, node: NodeId, buffer: BufferId) -> bool {
        match self.elsewhere(node) {
            Some(given) => given.is_all_of(buffer),
            None => self.homes[node] == Some(buffer),
        }
    }
}
