//! Roots into kernels.
//!
//! A root is a value that is not computed where it is used: a reduction, a contraction, a stored value.
//! Roots join one kernel if they run over the same rows and everything that one reads of another in the same kernel stands in its own row.
//!
//! Afterwards: every root is in exactly one kernel; what is read outside of its row is stored; kernels stand in an order in which they can run.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Place, Reads, is_boundary, reads};
use super::prepare::is_matrix_product;
use super::stored::scattered_tables;
use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};

/// A kernel under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) rows: Vec<Dim>,
    pub(super) roots: Vec<NodeId>,
    /// Whether it computes a matrix product: then only what follows at the same element joins.
    pub(super) product: bool,
    /// Whether nothing joins: regions and scatters.
    closed: bool,
    /// The groups that must run before, transitively.
    after: BTreeSet<usize>,
}

/// Groups, and what was found on the way.
#[derive(Debug)]
pub(super) struct Grouping {
    pub(super) groups: Vec<Group>,
    /// For each root its group.
    pub(super) home: BTreeMap<NodeId, usize>,
    /// For each root what it reads, relative to the rows of its group.
    pub(super) reads: BTreeMap<NodeId, Reads>,
    /// Roots that share a kernel with no other.
    apart: Vec<NodeId>,
}

/// Groups the roots of a graph.
pub(super) fn group(graph: &Graph, stored: &SideTable<Node, bool>) -> Grouping {
    let mut grouping = Grouping {
        groups: Vec::new(),
        home: BTreeMap::new(),
        reads: BTreeMap::new(),
        apart: scattered_tables(graph),
    };
    let live = live(graph);
    for id in graph.nodes.ids().filter(|id| live[*id]) {
        let is_root = is_boundary(graph, stored, id) && !matches!(graph.op(id), Op::Parameter(_));
        if is_root {
            grouping.place(graph, stored, id);
        }
    }
    grouping
}

fn live(graph: &Graph) -> SideTable<Node, bool> {
    let mut live = SideTable::new(&graph.nodes, false);
    for result in &graph.results {
        live[result.node] = true;
    }
    for id in graph.nodes.ids().rev() {
        if live[id] {
            for operand in graph.operands(id) {
                live[*operand] = true;
            }
        }
    }
    live
}

impl Grouping {
    fn place(&mut self, graph: &Graph, stored: &SideTable<Node, bool>, root: NodeId) {
        let candidates: Vec<usize> = (0..self.groups.len()).rev().collect();
        for candidate in candidates {
            let Some(rows) = rows_in(graph, root, &self.groups[candidate]) else { continue };
            let found = reads(graph, stored, root, rows);
            if self.may_join(graph, root, candidate, &found) {
                return self.join(root, candidate, found);
            }
        }
        let rows = own_rows(graph, root);
        let found = reads(graph, stored, root, rows.len());
        let closed = graph.op(root).assembles() || self.apart.contains(&root);
        let product = is_matrix_product(graph, root);
        self.groups.push(Group { rows, product, closed, ..Group::default() });
        self.join(root, self.groups.len() - 1, found);
    }

    fn join(&mut self, root: NodeId, group: usize, found: Reads) {
        let before = self.sources(&found, group);
        for other in 0..self.groups.len() {
            if other == group || self.groups[other].after.contains(&group) {
                self.groups[other].after.extend(before.iter().copied());
            }
        }
        self.groups[group].roots.push(root);
        self.home.insert(root, group);
        self.reads.insert(root, found);
    }

    /// The groups that must have run, transitively, without `group` itself.
    fn sources(&self, found: &Reads, group: usize) -> BTreeSet<usize> {
        let direct =
            found.boundaries.iter().filter_map(|access| self.home.get(&access.node)).copied();
        let direct: BTreeSet<usize> = direct.filter(|home| *home != group).collect();
        let indirect = direct.iter().flat_map(|home| self.groups[*home].after.iter().copied());
        indirect.chain(direct.iter().copied()).collect()
    }

    fn may_join(&self, graph: &Graph, root: NodeId, group: usize, found: &Reads) -> bool {
        let candidate = &self.groups[group];
        if candidate.closed || is_matrix_product(graph, root) || self.apart.contains(&root) {
            return false;
        }
        let rank = graph.ty(root).rank();
        let reduces = graph.op(root).folds();
        if candidate.product
            && (reduces || rank != candidate.rows.len() || self.is_dear(graph, root, found))
        {
            return false;
        }
        if self.sources(found, group).contains(&group) {
            return false;
        }
        let (mut inside, mut shared) = (false, false);
        for access in &found.boundaries {
            if self.home.get(&access.node) == Some(&group) {
                if !self.in_place(graph, group, access) {
                    return false;
                }
                inside = true;
            } else {
                shared |= !candidate.product && self.also_read(group, access);
            }
        }
        inside || shared
    }

    /// Whether an epilogue computes more than a few simple operations: it would be written out for every row of a tile,
    /// with all accumulators of the tile waiting in registers.
    fn is_dear(&self, graph: &Graph, root: NodeId, found: &Reads) -> bool {
        let between = found.between.iter().map(|access| access.node).collect::<BTreeSet<_>>();
        between.into_iter().chain([root]).map(|node| super::own_cost(graph, node)).sum::<u32>()
            > super::DEAR
    }

    /// Whether a member is read in the row of the reader, and, if it has columns, in its column.
    fn in_place(&self, graph: &Graph, group: usize, access: &Access) -> bool {
        let rows = self.groups[group].rows.len();
        let reduces = graph.op(access.node).folds();
        let expected =
            |axis: usize| if axis < rows { Place::Row(axis) } else { Place::Column(axis - rows) };
        let in_order = access.at.iter().enumerate().all(|(axis, place)| *place == expected(axis));
        in_order && access.at.len() >= rows && (!reduces || access.at.len() == rows)
    }

    /// Whether a member reads the same element in the same place.
    fn also_read(&self, group: usize, access: &Access) -> bool {
        let whole = access.at.iter().all(|place| *place != Place::Other) && !access.at.is_empty();
        whole
            && self.groups[group]
                .roots
                .iter()
                .any(|root| self.reads[root].boundaries.contains(access))
    }

    /// The groups in an order in which they can run.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut placed = BTreeSet::new();
        while order.len() < self.groups.len() {
            let next = (0..self.groups.len()).find(|group| {
                !placed.contains(group) && self.groups[*group].after.is_subset(&placed)
            });
            let Some(next) = next else { crate::bug!("fuse", "the groups wait for each other") };
            placed.insert(next);
            order.push(next);
        }
        order
    }
}

/// How many leading axes of a root are the rows of a group, if it can run over them at all.
fn rows_in(graph: &Graph, root: NodeId, group: &Group) -> Option<usize> {
    let shape = graph.shape(root);
    let op = graph.op(root);
    let fits = if op.folds() {
        shape == group.rows
    } else {
        !op.assembles() && shape.starts_with(&group.rows)
    };
    fits.then_some(group.rows.len())
}

/// The rows of a root that has a kernel of its own.
fn own_rows(graph: &Graph, root: NodeId) -> Vec<Dim> {
    if graph.op(root).folds() { graph.shape(root).to_vec() } else { Vec::new() }
}
