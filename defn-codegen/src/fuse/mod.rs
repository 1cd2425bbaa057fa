//! Grouping of nodes into kernels.
//!
//! In: a simplified [`Graph`].   Out: [`Kernels`], every reduction and every stored value in exactly one.
//!
//! ```text
//! before                                             after
//! %0: f32[n] = reduce.max x axes=[1]                 kernel 0 rows=[n] {
//! %1: f32[n, m] = broadcast %0 axes=[0]                reduce %0
//! %2: f32[n, m] = sub x, %1                            keep %3
//! %3: f32[n, m] = exp %2                               reduce %4
//! %4: f32[n] = reduce.add %3 axes=[1]                  store %6
//! %5: f32[n, m] = broadcast %4 axes=[0]              }
//! %6: f32[n, m] = div %3, %5
//! ```
//!
//! Elementwise values and movements are computed where they are used; one that is expensive and used by several kernels is stored,
//! one that is used in several sweeps of one kernel is kept for a row.
//! Afterwards: no kernel reads a value outside of its row that it also writes; steps stand in an order in which they can run.
//! Never here: loop orders, lanes, tiles (that is `schedule`).

mod widened;
mod prepare;
mod turned;
mod stored;
mod short;
mod access;
mod grouping;

use std::collections::{BTreeMap, BTreeSet};

use access::{Access, Place};
use grouping::Grouping;

use crate::arena::SideTable;
use crate::graph::{Binary, Dim, Graph, Node, NodeId, Op, Unary};
use crate::kernels::{Kernel, Kernels, Step, step_columns};

/// Groups a graph into kernels.
pub fn fuse(graph: &Graph) -> Kernels {
    let widened = widened::widened(graph);
    let (graph, copies) = prepare::prepare(widened.as_ref().unwrap_or(graph));
    let mut stored = stored::stored(&graph, &copies);
    let (costs, short) = costs(&graph);
    for node in repeated_from_outside(&graph, &costs) {
        stored[node] = true;
    }
    let sources = short::sources(&graph, &short);
    let mut grouping = grouping::group(&graph, &stored, &short);
    // Storing a value changes the groups, which may send another value to several kernels; a few rounds settle it,
    // and stopping early only means that something is computed twice.
    for _ in 0..4 {
        let spread = spread(&graph, &grouping, (&costs, &sources));
        if spread.is_empty() {
            break;
        }
        for node in spread {
            stored[node] = true;
        }
        grouping = grouping::group(&graph, &stored, &short);
    }
    store_what_others_read(&graph, &grouping, &mut stored);
    let kernels = grouping
        .order()
        .into_iter()
        .map(|group| kernel(&graph, &grouping, group, &costs))
        .collect();
    let control = graph
        .nodes
        .iter()
        .filter(|(id, node)| node.op.is_control() && grouping.home.contains_key(id));
    let bodies = control
        .map(|(id, node)| (id, node.op.bodies().iter().map(|(_, body)| fuse(body)).collect()))
        .collect();
    Kernels { graph, stored, kernels, bodies }
}

/// Dear values that are repeated along an axis outside of their own, or seen through windows that overlap: computed where they are
/// used, they would be computed again for every position along it. A short axis has its positions written side by side.
fn repeated_from_outside(graph: &Graph, costs: &SideTable<Node, u32>) -> Vec<NodeId> {
    let dear = |node: &Node| {
        let again = if let Op::Window(sliding) = &node.op {
            !sliding.axes.is_empty()
        } else {
            let Op::Broadcast { axes } = &node.op else { return None };
            let inner = axes.last().copied().unwrap_or_default();
            let repeated = (0..inner).filter(|axis| !axes.contains(axis));
            let repeated: Vec<Dim> =
                repeated.map(|axis| node.types[0].shape[axis].clone()).collect();
            !short::is_short(&repeated)
        };
        (again && costs[node.operands[0]] > DEAR).then_some(node.operands[0])
    };
    graph.nodes.iter().filter_map(|(_, node)| dear(node)).collect()
}

/// Above this many simple operations a value is not computed twice.
const DEAR: u32 = 8;

/// Above this many it is stored even if nothing that it is computed from is as large.
const DEAR_TO_STORE: u32 = 24;

/// What it costs to compute each value from boundaries, in simple operations, and which folds are short.
fn costs(graph: &Graph) -> (SideTable<Node, u32>, SideTable<Node, bool>) {
    let mut costs = SideTable::new(&graph.nodes, 0);
    let mut short = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter() {
        let boundary = matches!(
            node.op,
            Op::Reduce { .. }
                | Op::Contract { .. }
                | Op::AddAt { .. }
                | Op::Scan { .. }
                | Op::Sort { .. }
                | Op::Argsort { .. }
                | Op::Concat { .. }
                | Op::Pad { .. }
                | Op::OverlapAdd(_)
                | Op::Call { .. }
                | Op::Repeat(_)
                | Op::Branch(_)
                | Op::Inspect(_)
                | Op::Project(_)
        );
        // What is repeated is computed in front of the loop that repeats it, or stored.
        let boundary = boundary || matches!(node.op, Op::Broadcast { .. } | Op::Window(_));
        let inherited =
            node.operands.iter().map(|operand| costs[*operand]).fold(0, u32::saturating_add);
        costs[id] = match short::fold(graph, id, inherited) {
            Some(cost) => {
                short[id] = true;
                cost
            }
            None if boundary => 0,
            None => inherited.saturating_add(own_cost(graph, id)),
        };
    }
    (costs, short)
}

/// What the primitive itself costs, in simple operations.
fn own_cost(graph: &Graph, node: NodeId) -> u32 {
    match graph.op(node) {
        Op::Unary(unary) => unary_cost(*unary),
        Op::Binary(Binary::Div | Binary::Rem) | Op::Take { .. } => 4,
        Op::Binary(Binary::Pow | Binary::Atan2) => 30,
        Op::Binary(_) | Op::Compare(_) | Op::Select | Op::Convert => 1,
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Reverse { .. }
        | Op::Window(_)
        | Op::OverlapAdd(_)
        | Op::Pad { .. }
        | Op::Concat { .. }
        | Op::AddAt { .. }
        | Op::Scan { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Reduce { .. }
        | Op::Contract { .. }
        | Op::Implicit(_)
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => 0,
    }
}

fn unary_cost(unary: Unary) -> u32 {
    if unary.is_plain() {
        return 1;
    }
    if matches!(unary, Unary::Sqrt | Unary::Rsqrt) { 5 } else { 12 }
}

/// The values that are dear and computed on the way by roots of several kernels, or at several places by one root.
/// Of a chain of such values the last is enough. To store what has more axes than all that it is computed from means to go through
/// memory where there was no need to, so that it must be dearer.
fn spread(
    graph: &Graph,
    grouping: &Grouping<'_>,
    (costs, sources): (&SideTable<Node, u32>, &SideTable<Node, usize>),
) -> Vec<NodeId> {
    let mut seen: BTreeMap<NodeId, BTreeSet<(usize, Vec<Place>)>> = BTreeMap::new();
    for (root, reads) in &grouping.reads {
        for Access { node, at } in &reads.between {
            let moved = at.contains(&Place::Other);
            let place = if moved { at.clone() } else { Vec::new() };
            seen.entry(*node).or_default().insert((grouping.home[root], place));
        }
    }
    let dear = |node: NodeId| {
        let grows = sources[node] < short::long_axes(graph.shape(node));
        let limit = if grows { DEAR_TO_STORE } else { DEAR };
        costs[node] > limit && graph.ty(node).rank() > 0
    };
    let several: BTreeSet<NodeId> = seen
        .into_iter()
        .filter(|(node, places)| places.len() > 1 && dear(*node))
        .map(|(node, _)| node)
        .collect();
    let inner: BTreeSet<NodeId> = several
        .iter()
        .flat_map(|node| graph.operands(*node))
        .copied()
        .filter(|operand| only_used_by(graph, *operand, &several))
        .collect();
    several.difference(&inner).copied().collect()
}

fn only_used_by(graph: &Graph, node: NodeId, users: &BTreeSet<NodeId>) -> bool {
    graph
        .nodes
        .iter()
        .all(|(user, content)| !content.operands.contains(&node) || users.contains(&user))
}

/// A reduction that another kernel reads gets a buffer.
fn store_what_others_read(
    graph: &Graph,
    grouping: &Grouping<'_>,
    stored: &mut SideTable<Node, bool>,
) {
    for (root, reads) in &grouping.reads {
        for access in &reads.boundaries {
            let elsewhere =
                grouping.home.get(&access.node).is_some_and(|home| *home != grouping.home[root]);
            if elsewhere {
                stored[access.node] = true;
            }
        }
    }
    for result in &graph.results {
        stored[result.node] = true;
    }
}

/// The steps of a group, sweep by sweep.
fn kernel(
    graph: &Graph,
    grouping: &Grouping<'_>,
    group: usize,
    costs: &SideTable<Node, u32>,
) -> Kernel {
    let members = &grouping.groups[group];
    let root = members.roots[0];
    if graph.op(root).is_control() {
        return Kernel { rows: Vec::new(), steps: vec![Step::Control(root)] };
    }
    if graph.op(root).assembles() {
        return Kernel { rows: Vec::new(), steps: assembly(graph, root) };
    }
    let sweeps = sweeps(graph, grouping, members);
    let kept = kept(graph, grouping, members, &sweeps, costs);
    let mut steps: Vec<(u32, Vec<Dim>, NodeId, Step)> = Vec::new();
    for (node, rows) in kept {
        let sweep = reach(graph, grouping, group, &sweeps, node);
        let step = Step::Keep { node, rows };
        steps.push((sweep, step_columns(graph, &step), node, step));
    }
    for root in &members.roots {
        let folds = grouping.folds(graph, *root);
        let rows = grouping.rows[root].clone();
        let step = if folds { Step::Reduce(*root) } else { Step::Store { node: *root, rows } };
        steps.push((sweeps[root], step_columns(graph, &step), *root, step));
    }
    steps.sort_by(|a, b| (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)));
    Kernel {
        rows: members.rows.clone(),
        steps: steps.into_iter().map(|(_, _, _, step)| step).collect(),
    }
}

/// The steps of a kernel that writes parts one after the other.
fn assembly(graph: &Graph, root: NodeId) -> Vec<Step> {
    let region = |operand| Step::Region { node: root, operand };
    if matches!(graph.op(root), Op::AddAt { .. } | Op::OverlapAdd(_)) {
        vec![Step::Scatter(root)]
    } else if matches!(graph.op(root), Op::Scan { .. }) {
        vec![Step::Scan(root)]
    } else if matches!(graph.op(root), Op::Sort { .. } | Op::Argsort { .. }) {
        vec![Step::Sort(root)]
    } else if matches!(graph.op(root), Op::Pad { .. }) {
        // The whole is filled before the operand goes into the middle.
        vec![region(1), region(0)]
    } else {
        (0..graph.operands(root).len()).map(region).collect()
    }
}

/// For each root how many sweeps over the columns must have ended before it.
fn sweeps(
    graph: &Graph,
    grouping: &Grouping<'_>,
    members: &grouping::Group,
) -> BTreeMap<NodeId, u32> {
    let mut sweeps: BTreeMap<NodeId, u32> = BTreeMap::new();
    for root in &members.roots {
        let before = grouping.reads[root].boundaries.iter().filter_map(|access| {
            let reduces = grouping.folds(graph, access.node);
            sweeps.get(&access.node).map(|sweep| sweep + u32::from(reduces))
        });
        let sweep = before.max().unwrap_or(0);
        sweeps.insert(*root, sweep);
    }
    sweeps
}

/// The sweep from which a value that is computed on the way can be computed.
fn reach(
    graph: &Graph,
    grouping: &Grouping<'_>,
    group: usize,
    sweeps: &BTreeMap<NodeId, u32>,
    node: NodeId,
) -> u32 {
    let mut open = vec![node];
    let mut seen = BTreeSet::new();
    let mut sweep = 0;
    while let Some(node) = open.pop() {
        if !seen.insert(node) {
            continue;
        }
        if grouping.home.get(&node) == Some(&group) {
            let reduces = grouping.folds(graph, node);
            sweep = sweep.max(sweeps[&node] + u32::from(reduces));
        } else if !grouping.home.contains_key(&node) {
            open.extend(graph.operands(node));
        }
    }
    sweep
}

/// The values that are dear and computed in several sweeps, each in its own row and column.
fn kept(
    graph: &Graph,
    grouping: &Grouping<'_>,
    members: &grouping::Group,
    sweeps: &BTreeMap<NodeId, u32>,
    costs: &SideTable<Node, u32>,
) -> Vec<(NodeId, Vec<usize>)> {
    let mut seen: BTreeMap<NodeId, BTreeSet<(Vec<Place>, u32)>> = BTreeMap::new();
    for root in &members.roots {
        for Access { node, at } in &grouping.reads[root].between {
            seen.entry(*node).or_default().insert((at.clone(), sweeps[root]));
        }
    }
    let mut several: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
    for (node, uses) in seen {
        let Some((at, _)) = uses.first().filter(|_| costs[node] > DEAR && uses.len() > 1) else {
            continue;
        };
        let row = |row: usize| at.iter().position(|place| *place == Place::Row(row));
        let rows: Option<Vec<usize>> = (0..members.rows.len()).map(row).collect();
        let Some(rows) = rows.filter(|rows| rows.len() < at.len()) else { continue };
        if *at == access::layout(graph, node, &rows) && uses.iter().all(|(other, _)| other == at) {
            several.insert(node, rows);
        }
    }
    // What is only used by other kept values in the sweep that computes those need not be kept itself.
    let users: BTreeSet<NodeId> = several.keys().copied().collect();
    several.into_iter().filter(|(node, _)| !only_used_by(graph, *node, &users)).collect()
}
