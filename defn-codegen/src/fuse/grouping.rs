//! Roots into kernels.
//!
//! A root is a value that is not computed where it is used: a reduction, a contraction, a stored value.
//! Roots join one kernel if they run over the same rows and everything that one reads of another in the same kernel stands in its own row.
//!
//! Afterwards: every root is in exactly one kernel; what is read outside of its row is stored; kernels stand in an order in which they can run.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Place, Reads, is_boundary, layout, reads};
use super::prepare::is_matrix_product;
use super::stored::scattered_tables;
use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};
use crate::kernels::{columns as columns_of, given};

/// What an epilogue may cost, in simple operations: a root or a quotient beside a few sums, which is less than to write the product and
/// to read it again. An elementary function costs more to compile for every row of a tile than fusing it gains.
const EPILOGUE: u32 = 12;

/// A row of so many elements takes longer than what follows it.
const LONG: i64 = 2048;

/// With fewer rows, lanes along them stay empty.
const LANES: i64 = 8;

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
pub(super) struct Grouping<'g> {
    pub(super) groups: Vec<Group>,
    /// For each root its group.
    pub(super) home: BTreeMap<NodeId, usize>,
    /// For each root what it reads, relative to the rows of its group.
    pub(super) reads: BTreeMap<NodeId, Reads>,
    /// For each root which of its axes is each axis of the row.
    pub(super) rows: BTreeMap<NodeId, Vec<usize>>,
    /// Roots that share a kernel with no other.
    apart: Vec<NodeId>,
    /// The folds that are computed like values of elements.
    short: &'g SideTable<Node, bool>,
}

/// Groups the roots of a graph.
pub(super) fn group<'g>(
    graph: &Graph,
    stored: &SideTable<Node, bool>,
    short: &'g SideTable<Node, bool>,
) -> Grouping<'g> {
    let mut grouping = Grouping {
        groups: Vec::new(),
        home: BTreeMap::new(),
        reads: BTreeMap::new(),
        rows: BTreeMap::new(),
        apart: scattered_tables(graph),
        short,
    };
    let live = live(graph);
    for id in graph.nodes.ids().filter(|id| live[*id]) {
        let is_root = is_boundary(graph, (stored, short), id)
            && !matches!(graph.op(id), Op::Parameter(_) | Op::Project(_));
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

impl Grouping<'_> {
    /// Whether a root goes over columns of its own, and has its result only afterwards.
    pub(super) fn folds(&self, graph: &Graph, node: NodeId) -> bool {
        graph.op(node).folds() && !self.short[node]
    }

    /// What runs bodies runs on its own; its results stand where their reader finds them.
    fn place_control(&mut self, graph: &Graph, root: NodeId) {
        let anywhere = |position: usize| {
            let node = given(graph, root, position);
            Access { node, at: vec![Place::Other; graph.ty(node).rank()] }
        };
        let boundaries = (0..graph.operands(root).len()).map(anywhere).collect();
        let found = Reads { boundaries, ..Reads::default() };
        self.groups.push(Group { closed: true, ..Group::default() });
        let group = self.groups.len() - 1;
        self.join(root, group, (Vec::new(), found));
        for (id, node) in graph.nodes.iter() {
            if matches!(node.op, Op::Project(_)) && node.operands[0] == root {
                self.home.insert(id, group);
            }
        }
    }

    fn place(&mut self, graph: &Graph, stored: &SideTable<Node, bool>, root: NodeId) {
        if graph.op(root).is_control() {
            return self.place_control(graph, root);
        }
        let candidates: Vec<usize> = (0..self.groups.len()).rev().collect();
        for candidate in candidates {
            for rows in self.rows_in(graph, stored, (root, candidate)) {
                let found = reads(graph, (stored, self.short), root, &rows);
                if self.may_join(graph, root, candidate, &found) {
                    return self.join(root, candidate, (rows, found));
                }
            }
        }
        let shape = graph.shape(root);
        let rows = if self.folds(graph, root) { shape.to_vec() } else { Vec::new() };
        let own: Vec<usize> = (0..rows.len()).collect();
        let found = reads(graph, (stored, self.short), root, &own);
        let closed = graph.op(root).assembles() || self.apart.contains(&root);
        let product = is_matrix_product(graph, root);
        self.groups.push(Group { rows, product, closed, ..Group::default() });
        self.join(root, self.groups.len() - 1, (own, found));
    }

    fn join(&mut self, root: NodeId, group: usize, (rows, found): (Vec<usize>, Reads)) {
        let before = self.sources(&found, group);
        for other in 0..self.groups.len() {
            if other == group || self.groups[other].after.contains(&group) {
                self.groups[other].after.extend(before.iter().copied());
            }
        }
        self.groups[group].roots.push(root);
        self.home.insert(root, group);
        self.rows.insert(root, rows);
        self.reads.insert(root, found);
    }

    /// Which axes of a root may be the rows of a group: the leading ones, or those at which it reads a member.
    fn rows_in(
        &self,
        graph: &Graph,
        stored: &SideTable<Node, bool>,
        (root, group): (NodeId, usize),
    ) -> Vec<Vec<usize>> {
        let rows = &self.groups[group].rows;
        let (op, shape) = (graph.op(root), graph.shape(root));
        let leading: Vec<usize> = (0..rows.len()).collect();
        let folds = self.folds(graph, root);
        if folds || op.assembles() {
            let fits = folds && shape == *rows;
            return if fits { vec![leading] } else { Vec::new() };
        }
        let mut candidates = Vec::new();
        if shape.starts_with(rows) {
            candidates.push(leading);
        }
        for access in reads(graph, (stored, self.short), root, &[]).boundaries {
            let column =
                |place: &Place| if let Place::Column(axis) = place { Some(*axis) } else { None };
            let axes: Option<Vec<usize>> = access.at.iter().map(column).collect();
            let Some(axes) = axes.filter(|axes| {
                self.home.get(&access.node) == Some(&group) && axes.len() == rows.len()
            }) else {
                continue;
            };
            let distinct = axes.iter().collect::<BTreeSet<_>>().len() == axes.len();
            let same = axes.iter().zip(rows).all(|(axis, extent)| shape[*axis] == *extent);
            if distinct && same && !candidates.contains(&axes) {
                candidates.push(axes);
            }
        }
        candidates
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
        let reduces = self.folds(graph, root);
        if candidate.product
            && (reduces || rank != candidate.rows.len() || self.is_dear(graph, root, found))
        {
            return false;
        }
        if !reduces && rank == candidate.rows.len() && self.is_alone(graph, root, (group, found)) {
            return false;
        }
        if self.sources(found, group).contains(&group) {
            return false;
        }
        let (mut inside, mut shared) = (false, false);
        for access in &found.boundaries {
            if self.home.get(&access.node) == Some(&group) {
                if !self.in_place(graph, access) {
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
            > EPILOGUE
    }

    /// Whether a value of rows is better computed by a kernel of its own, in lanes along them: lanes of a fold run along its columns,
    /// so that an elementary function behind it has one lane, and takes longer than a short row does.
    fn is_alone(&self, graph: &Graph, root: NodeId, (group, found): (usize, &Reads)) -> bool {
        let candidate = &self.groups[group];
        let columns = candidate.roots.iter().filter(|root| self.folds(graph, **root));
        let is_short = |root: &NodeId| {
            let length =
                columns_of(graph, *root).into_iter().fold(Dim::from(1), |all, it| all * it);
            length.as_constant().is_none_or(|length| length < LONG)
        };
        let rows = candidate.rows.iter().fold(Dim::from(1), |all, it| all * it.clone());
        !candidate.product
            && rows.as_constant().is_none_or(|rows| rows >= LANES)
            && columns.copied().any(|root| is_short(&root))
            && self.is_dear(graph, root, found)
    }

    /// Whether a member is read in the row of the reader, and, if it has columns, in its column.
    fn in_place(&self, graph: &Graph, access: &Access) -> bool {
        access.at == layout(graph, access.node, &self.rows[&access.node])
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
