//! Matrices that every run of a loop multiplies with a vector, turned once in front of the loop.
//!
//! ```text
//! before                                                       after
//! %0 = repeat h, w times=n state=1 sequences=0 {               %0: f32[64, 32] = transpose w permutation=[1, 0]
//!   graph body(i, h: f32[64], w: f32[32, 64]) {                %1 = repeat h, w, %0 times=n state=1 sequences=0 {
//!     %0: f32[32] = contract w, h batch=0 contracted=1           graph body(i, h, w, turned: f32[64, 32]) {
//!     ...                                                          %0: f32[32, 64] = transpose turned permutation=[1, 0]
//!   }                                                              %1: f32[32] = contract %0, h batch=0 contracted=1
//! }                                                                ...
//! ```
//!
//! Such a product has lanes along what is innermost in memory. Along a short sum each row folds its lanes at the end, which costs more
//! than the sum itself, and leaves what follows with one element at a time; along the rows nothing is folded, and what follows has lanes too.
//! What the matrix is computed from is computed in front of the loop with it.
//! Never here: matrices that do not stay in the caches near the processor, which are read best as they lie.

use std::collections::BTreeMap;

use super::prepare::{NARROW, innermost};
use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op, Parameter, Repeat, TensorType, Times};

/// More elements than this are not turned.
const MOST: i64 = 1 << 15;
/// A sum so many times as long as there are rows keeps its lanes.
const LONG: i64 = 16;

/// Turns the matrices of a loop, whose operands are nodes of `graph`.
pub(super) fn turn(graph: &mut Graph, node: &mut Node) {
    let Op::Repeat(repeat) = &node.op else { return };
    let mut turning = Turning {
        same: same(repeat),
        graph,
        operands: node.operands.clone(),
        outside: BTreeMap::new(),
        turned: BTreeMap::new(),
    };
    let Some(body) = turning.body(&repeat.body) else { return };
    let operands = turning.operands;
    let mut times = repeat.times.clone();
    if let Times::While(condition) = &mut times {
        // It takes what the body takes.
        condition.parameters.extend(body.parameters[1 + node.operands.len()..].iter().cloned());
    }
    let repeat = Repeat { times, body, ..Repeat::clone(repeat) };
    *node = Node { op: Op::Repeat(Box::new(repeat)), operands, ..node.clone() };
}

/// What is the same in every run, and can be computed outside.
fn same(repeat: &Repeat) -> SideTable<Node, bool> {
    let body = &repeat.body;
    let mut same = SideTable::new(&body.nodes, false);
    for (id, node) in body.nodes.iter() {
        same[id] = if let Op::Parameter(position) = node.op {
            position > repeat.state + repeat.sequences
        } else {
            let is_one =
                !matches!(node.op, Op::Call { .. } | Op::Project(_)) && !node.op.is_control();
            is_one && node.operands.iter().all(|operand| same[*operand])
        };
    }
    same
}

struct Turning<'g> {
    same: SideTable<Node, bool>,
    /// The graph around the loop.
    graph: &'g mut Graph,
    /// The operands of the loop, then what was turned.
    operands: Vec<NodeId>,
    /// Values of the body that are computed outside.
    outside: BTreeMap<NodeId, NodeId>,
    /// The node in the new body for each matrix, by its batch and its contracted axes.
    turned: BTreeMap<(NodeId, usize, usize), NodeId>,
}

impl Turning<'_> {
    /// The body on turned matrices; none if it has none.
    fn body(&mut self, body: &Graph) -> Option<Graph> {
        let mut new = Graph { nodes: Default::default(), ..body.clone() };
        let mut moved: SideTable<Node, NodeId> = SideTable::new(&body.nodes, NodeId::new(0));
        for (id, node) in body.nodes.iter() {
            let mut node = node.clone();
            let matrix = self.matrix(body, &node);
            for operand in &mut node.operands {
                *operand = moved[*operand];
            }
            if let Some((side, order)) = matrix {
                let old = body.operands(id)[side];
                node.operands[side] = self.turned(body, &mut new, old, order);
            }
            moved[id] = new.nodes.push(node);
        }
        for result in &mut new.results {
            result.node = moved[result.node];
        }
        (!self.turned.is_empty()).then_some(new)
    }

    /// Which operand of a product is a matrix that should be turned, and its batch and contracted axes.
    fn matrix(&self, body: &Graph, node: &Node) -> Option<(usize, (usize, usize))> {
        let Op::Contract { batch, contracted } = node.op else { return None };
        let free = |side: usize| body.ty(node.operands[side]).rank() - batch - contracted;
        let side = match (free(0), free(1)) {
            (1.., 0) => 0,
            (0, 1..) => 1,
            _ => return None,
        };
        let matrix = node.operands[side];
        let free = batch..batch + free(side);
        let is_summed_inside =
            innermost(body, matrix).is_some_and(|axis| axis >= free.end) && self.same[matrix];
        let shape = body.shape(matrix);
        let count = |extents: &[Dim]| {
            extents.iter().try_fold(1_i64, |count, extent| count.checked_mul(extent.as_constant()?))
        };
        let (whole, summed) = (count(shape)?, count(&shape[free.end..])?);
        let (rows, last) = (count(&shape[free.clone()])?, shape[free.end - 1].as_constant()?);
        let pays = whole <= MOST && last >= NARROW && summed >= NARROW && summed <= LONG * rows;
        (is_summed_inside && pays).then_some((side, (batch, contracted)))
    }

    /// The matrix in the new body, read from its turned copy.
    fn turned(
        &mut self,
        body: &Graph,
        new: &mut Graph,
        matrix: NodeId,
        (batch, contracted): (usize, usize),
    ) -> NodeId {
        if let Some(known) = self.turned.get(&(matrix, batch, contracted)) {
            return *known;
        }
        let ty = body.ty(matrix).clone();
        let rank = ty.rank();
        let free = batch..rank - contracted;
        let order: Vec<usize> = (0..batch).chain(rank - contracted..rank).chain(free).collect();
        let mut back = vec![0; rank];
        order.iter().enumerate().for_each(|(position, axis)| back[*axis] = position);
        let shape = order.iter().map(|axis| ty.shape[*axis].clone()).collect();
        let turned = TensorType::new(ty.element, shape);
        let origin = body.node(matrix).origin;
        let node = |op, operands, ty| Node { op, operands, types: vec![ty], origin };
        let outside = self.outside(body, matrix);
        let transpose = Op::Transpose { permutation: order };
        self.operands.push(self.graph.nodes.push(node(transpose, vec![outside], turned.clone())));
        let place = new.parameters.len();
        let name = "turned".to_owned();
        new.parameters.push(Parameter { name, ty: turned.clone(), symbol: None });
        let inside = new.nodes.push(node(Op::Parameter(place), Vec::new(), turned));
        let inside = new.nodes.push(node(Op::Transpose { permutation: back }, vec![inside], ty));
        self.turned.insert((matrix, batch, contracted), inside);
        inside
    }

    /// A value of the body that is the same in every run, outside.
    fn outside(&mut self, body: &Graph, id: NodeId) -> NodeId {
        if let Some(known) = self.outside.get(&id) {
            return *known;
        }
        let node = body.node(id);
        let value = if let Op::Parameter(position) = node.op {
            self.operands[position - 1]
        } else {
            let operands = node.operands.iter().map(|operand| self.outside(body, *operand));
            let operands = operands.collect();
            self.graph.nodes.push(Node { operands, ..node.clone() })
        };
        self.outside.insert(id, value);
        value
    }
}
