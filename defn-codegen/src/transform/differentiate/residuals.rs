//! What a body leaves behind for its linear part: as little as can be computed again for little.
//!
//! In:  a body with its tangents.   Out: which of its values are collected, which are computed once outside, and which parameters
//! are read again.
//!
//! ```text
//! graph body(i: i64, s: f32[8], x: f32[8], w: f32[8, 8], d_s: f32[8]) -> (f32[8], ..) {
//!   %0: f32[8] = contract w, s batch=0 contracted=1      folds: collected where its value is needed
//!   %1: f32[8] = add %0, x                               cheap: computed again, from %0 and x
//!   %2: f32[8] = tanh %1                                 dear: collected
//!   %3: f32[8] = mul s, s                                cheap: computed again from s, which is a state and collected
//!   %4: f32[8] = exp w'                                  dear, and the same in every run: computed once, outside
//!   ...
//! }
//! ```
//!
//! Of what is taken apart, the parts are collected if they are less than the whole.
//! Elements of sequences, the position and everything that comes in from outside are there anyway.
//! Never here: how the linear part is made; only what it needs.

use std::collections::BTreeSet;

use crate::arena::SideTable;
use crate::graph::{Cost, Dim, Graph, Node, NodeId, Op, TensorType, Times};

/// What a parameter of a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is there for every run: the position, or an element of a sequence.
    There,
    /// It has another value in every run, and is lost with the next one.
    State,
    /// It has one value in all runs.
    Same,
}

/// What the linear part of a body needs of the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Residuals {
    /// Values that the body gives as results.
    pub(super) collected: Vec<NodeId>,
    /// Values that are the same in every run.
    pub(super) outside: Vec<NodeId>,
    /// Parameters that are read again.
    pub(super) read: BTreeSet<usize>,
}

/// What `roots`, which are computed by the nodes marked as linear, need of the others.
/// Without `outside` nothing is computed outside of the body.
pub(super) fn residuals(
    graph: &Graph,
    roles: &[Role],
    linear: &SideTable<Node, bool>,
    roots: &[NodeId],
    outside: bool,
) -> Residuals {
    let same = same(graph, roles);
    let free = free(graph, roles);
    let mut choice = Choice {
        graph,
        roles,
        same,
        free,
        outside,
        seen: SideTable::new(&graph.nodes, false),
        found: Residuals::default(),
    };
    let mut live = SideTable::new(&graph.nodes, false);
    roots.iter().for_each(|root| live[*root] = true);
    for (id, node) in graph.nodes.iter().rev() {
        if live[id] && linear[id] {
            node.operands.iter().for_each(|operand| live[*operand] = true);
        }
    }
    for id in graph.nodes.ids().filter(|id| live[*id] && !linear[*id]) {
        choice.need(id);
    }
    while let Some(whole) = choice.taken_apart() {
        let mut collected = std::mem::take(&mut choice.found.collected);
        collected.retain(|node| !choice.is_part(*node, whole));
        choice.found.collected = collected;
        choice.need(whole);
    }
    choice.found.collected.sort_unstable();
    choice.found.outside.sort_unstable();
    choice.found
}

/// What is the same in every run.
pub(super) fn same(graph: &Graph, roles: &[Role]) -> SideTable<Node, bool> {
    let mut same = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter() {
        same[id] = if let Op::Parameter(position) = &node.op {
            roles.get(*position).is_some_and(|role| *role == Role::Same)
        } else {
            !may_not_end(&node.op) && node.operands.iter().all(|operand| same[*operand])
        };
    }
    same
}

/// What can be computed again without anything that is collected.
fn free(graph: &Graph, roles: &[Role]) -> SideTable<Node, bool> {
    let mut free = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter() {
        free[id] = if let Op::Parameter(position) = &node.op {
            roles.get(*position).is_some_and(|role| *role != Role::State)
        } else {
            !is_dear(&node.op) && node.operands.iter().all(|operand| free[*operand])
        };
    }
    free
}

struct Choice<'g> {
    graph: &'g Graph,
    roles: &'g [Role],
    same: SideTable<Node, bool>,
    free: SideTable<Node, bool>,
    outside: bool,
    seen: SideTable<Node, bool>,
    found: Residuals,
}

impl Choice<'_> {
    fn need(&mut self, id: NodeId) {
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            if !std::mem::replace(&mut self.seen[id], true) {
                waiting.extend(self.decide(id));
            }
        }
    }

    /// Puts a value into its place; or says what it is computed again from.
    fn decide(&mut self, id: NodeId) -> Vec<NodeId> {
        let node = self.graph.node(id);
        if let Op::Parameter(position) = &node.op {
            match self.roles[*position] {
                Role::State => self.found.collected.push(id),
                Role::There | Role::Same => drop(self.found.read.insert(*position)),
            }
        } else if is_dear(&node.op) && self.outside && self.same[id] {
            self.found.outside.push(id);
        } else if is_dear(&node.op) || self.shrinks(id) {
            self.found.collected.push(id);
        } else {
            return node.operands.clone();
        }
        Vec::new()
    }

    /// A value of which so much is collected that it could be collected itself.
    fn taken_apart(&self) -> Option<NodeId> {
        let collected = &self.found.collected;
        let parts = collected.iter().filter(|part| self.shrinks(**part));
        parts.map(|part| self.graph.operands(*part)[0]).find(|whole| {
            let parts = collected.iter().filter(|part| self.is_part(**part, *whole));
            parts.map(|part| size(self.graph.ty(*part))).sum::<f64>() >= size(self.graph.ty(*whole))
        })
    }

    fn is_part(&self, part: NodeId, whole: NodeId) -> bool {
        self.graph.operands(part).first() == Some(&whole) && self.shrinks(part)
    }

    /// Whether it is a small part of what would have to be collected instead.
    fn shrinks(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let picks = matches!(node.op, Op::Slice { .. } | Op::Take { .. } | Op::Window(_));
        let size = |id: NodeId| size(self.graph.ty(id));
        picks && !self.free[node.operands[0]] && size(id) < size(node.operands[0])
    }
}

/// About how many elements there are: a guess, by which only costs are weighed.
pub(super) fn size(ty: &TensorType) -> f64 {
    ty.shape.iter().map(estimate).product()
}

/// About how large an extent is.
fn estimate(extent: &Dim) -> f64 {
    // Long enough that a symbol is no small number.
    const SYMBOL: i64 = 64;
    let mut most = 0;
    extent.for_each_symbol(&mut |symbol| most = most.max(symbol.0 as usize + 1));
    extent.evaluate(&vec![SYMBOL; most]) as f64
}

/// Whether a loop in it may run for ever where it would not have run at all.
fn may_not_end(op: &Op) -> bool {
    let runs_while =
        if let Op::Repeat(repeat) = op { matches!(repeat.times, Times::While(_)) } else { false };
    let inside = |graph: &Graph| graph.nodes.iter().any(|(_, node)| may_not_end(&node.op));
    // What a function with rules does is not known here.
    runs_while || matches!(op, Op::Call { .. }) || op.bodies().iter().any(|(_, body)| inside(body))
}

/// Whether computing it again costs more than reading it; what runs bodies or has effects is not done twice.
fn is_dear(op: &Op) -> bool {
    let is_once = matches!(
        op,
        Op::Contract { .. } | Op::Call { .. } | Op::Repeat(_) | Op::Branch(_) | Op::Inspect(_)
    );
    is_once || Cost::of(op) == Cost::Dear
}
