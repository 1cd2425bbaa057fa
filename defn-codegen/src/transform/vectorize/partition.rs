//! A branch with dear sides, if its condition is mapped: each side runs for those elements that take it.
//!
//! ```text
//! before                             after, with x mapped
//! %0: (f32) = branch c, x, w {       order = argsort c descending            those that take the first side, then the others
//!   graph then(x: f32[n], w)         %0: (f32[chunks, 32]) = repeat take(x, order), take(c, order), count, w times=chunks {
//!   graph otherwise(x: f32[n], w)      graph body(i, x: f32[32, n], c: bool[32], count, w)
//! }                                      select c, branch(32 i < count) { then } { 0 }, branch(32 i + 32 > count) { otherwise } { 0 }
//!                                    }
//!                                    take(%0, argsort order)
//! ```
//!
//! Elements are ordered by the side they take and go in groups, so that at most one group runs both sides: what [`super::control`] does
//! with cheap sides would compute every side for all of them. In a group a side is mapped as ever, and a product stays one product.
//! The last group may lack elements, and takes one of the others several times.

use super::{Draft, Value};
use crate::graph::{
    Binary, Branch, Combine, Comparison, Dim, Element, Graph, Keep, NodeId, Op, Output, Repeat,
    Scalar, TensorType, Times, Unary,
};

/// The elements of a group: as many rows as make a product efficient.
const GROUP: i64 = 32;

/// Whether a side takes so long that it shall not run in vain: it has a product of matrices or sorts.
fn is_dear(graph: &Graph) -> bool {
    graph.nodes.iter().any(|(_, node)| {
        let sums = |contracted: usize| {
            let shape = graph.shape(node.operands[0]);
            let extents = &shape[shape.len() - contracted..];
            let constants: Option<Vec<i64>> = extents.iter().map(Dim::as_constant).collect();
            constants.is_none_or(|extents| extents.iter().product::<i64>() > GROUP)
        };
        let sorts = matches!(node.op, Op::Sort { .. } | Op::Argsort { .. });
        let multiplies =
            matches!(&node.op, Op::Contract { batch: _, contracted } if sums(*contracted));
        sorts || multiplies || node.op.bodies().iter().any(|(_, body)| is_dear(body))
    })
}

impl Draft {
    /// Whether each side of a branch shall run for those elements alone that take it.
    pub(super) fn parts_pay(&self, branch: &Branch) -> bool {
        let few = self.extent.as_constant().is_some_and(|extent| extent <= GROUP);
        !few && (is_dear(&branch.then) || is_dear(&branch.otherwise))
    }

    /// The sides of a branch, each for the groups of elements that take it.
    pub(super) fn in_parts(&mut self, branch: &Branch, operands: &[Value]) -> Vec<Value> {
        let groups = (self.extent.clone() + Dim::from(GROUP - 1)).floor_div(&Dim::from(GROUP));
        let condition = operands[0].node;
        let order = self.order(condition);
        let places = self.places(order, &groups);
        let count = self.builder.convert(Element::I64, condition);
        let count = self.builder.reduce(Combine::Add, count, &[0]);

        // Parameters: the group, what each has of its own (the condition, who is wanted, arguments), the count, shared arguments.
        let arguments = &operands[1..];
        let own = arguments.iter().filter(|it| it.is_mapped).map(|it| it.node);
        let shared = arguments.iter().filter(|it| !it.is_mapped).map(|it| it.node);
        let own: Vec<NodeId> = std::iter::once(condition).chain(self.active).chain(own).collect();
        let own: Vec<NodeId> =
            own.into_iter().map(|node| self.builder.take(node, places, 0)).collect();
        let sequences = own.len();
        let nodes: Vec<NodeId> = own.into_iter().chain([count]).chain(shared).collect();

        let body = self.group(branch, arguments, &nodes, sequences);
        let times = Times::Extent(groups.clone());
        let keep = Keep::Residuals;
        let repeat = Repeat { times, state: 0, sequences, reverse: false, keep, body };
        let found = self.builder.control(Op::Repeat(Box::new(repeat)), &nodes);
        let ranks = self.builder.argsort(order, 0, false, &self.extent.clone());
        let mut results = Vec::new();
        for node in found {
            let shape = self.builder.shape(node);
            let rows = [&[groups.clone() * Dim::from(GROUP)], &shape[2..]].concat();
            let rows = self.builder.reshape(node, &rows);
            results.push(Value { node: self.builder.take(rows, ranks, 0), is_mapped: true });
        }
        results
    }

    /// The elements in the order of the sides they take: `i64[extent]`.
    fn order(&mut self, condition: NodeId) -> NodeId {
        let key = self.builder.convert(Element::I32, condition);
        self.builder.argsort(key, 0, true, &self.extent.clone())
    }

    /// Which element is at each place of each group: `i64[groups, 32]`.
    fn places(&mut self, order: NodeId, groups: &Dim) -> NodeId {
        let shape = [groups.clone(), Dim::from(GROUP)];
        let builder = &mut self.builder;
        let (group, place) = (builder.iota(&shape, 0), builder.iota(&shape, 1));
        let length = builder.splat(Scalar::from_i64(Element::I64, GROUP), &shape);
        let first = builder.binary(Binary::Mul, group, length);
        let place = builder.binary(Binary::Add, first, place);
        builder.take(order, place, 0)
    }

    /// What is done with one group.
    fn group(
        &self,
        branch: &Branch,
        arguments: &[Value],
        nodes: &[NodeId],
        sequences: usize,
    ) -> Graph {
        let mut parameters = vec![("group".to_owned(), TensorType::scalar(Element::I64))];
        for (position, node) in nodes.iter().enumerate() {
            let mut ty = self.builder.ty(*node).clone();
            if position < sequences {
                ty.shape.remove(0);
            }
            parameters.push((format!("value{position}"), ty));
        }
        let (mut inner, nodes) = self.inner(&branch.then.name, parameters);
        inner.extent = Dim::from(GROUP);
        let (group, own, count) = (nodes[0], &nodes[1..=sequences], nodes[1 + sequences]);
        let condition = own[0];
        let active = self.active.map(|_| own[1]);
        let mut own = own[1 + usize::from(active.is_some())..].iter();
        let mut shared = nodes[2 + sequences..].iter();
        let here: Vec<Value> = arguments
            .iter()
            .map(|argument| {
                let node = if argument.is_mapped { own.next() } else { shared.next() };
                let node = *node.unwrap_or(&group);
                Value { node, is_mapped: argument.is_mapped }
            })
            .collect();

        let length = inner.builder.constant(Scalar::from_i64(Element::I64, GROUP));
        let first = inner.builder.binary(Binary::Mul, group, length);
        let end = inner.builder.binary(Binary::Add, first, length);
        let some = inner.builder.compare(Comparison::Lt, first, count);
        inner.active = Some(inner.both(active, condition));
        let then = inner.side(&branch.then, some, &here);
        let others = inner.builder.compare(Comparison::Gt, end, count);
        let other = inner.builder.unary(Unary::Not, condition);
        inner.active = Some(inner.both(active, other));
        let otherwise = inner.side(&branch.otherwise, others, &here);
        let pairs = then.into_iter().zip(otherwise);
        let chosen = pairs.map(|(then, other)| inner.choose(condition, then, other).node).collect();
        inner.finish(chosen)
    }

    /// One side if some element of the group takes it, else zeros.
    fn side(&mut self, side: &Graph, is_taken: NodeId, arguments: &[Value]) -> Vec<Value> {
        let (mut none, _) = self.inner(&side.name, Vec::new());
        for parameter in &side.parameters {
            none.builder.parameter(&parameter.name, parameter.ty.clone());
        }
        let mut zeros = Vec::new();
        for result in &side.results {
            let ty = side.ty(result.node);
            let zero = none.builder.splat(Scalar::from_i64(ty.element, 0), &ty.shape);
            zeros.push(Output { node: zero, updates: None });
        }
        let otherwise = none.builder.finish(zeros);
        let branch = Branch { then: side.clone(), otherwise };
        let op = Op::Branch(Box::new(branch.clone()));
        let condition = Value { node: is_taken, is_mapped: false };
        let operands = [&[condition], arguments].concat();
        self.one_side(&op, &branch, &operands)
    }
}
