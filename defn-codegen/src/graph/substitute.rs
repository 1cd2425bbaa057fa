//! Other extents in place of the symbols: what calling a function means for its body.
//!
//! ```text
//! before                                    after, with 3*m in place of n
//! graph double<n>(x: f32[n]) -> f32[n] {    graph double<m>(x: f32[3*m]) -> f32[3*m] {
//!   %0: f32[n] = add x, x                     %0: f32[3*m] = add x, x
//!   return %0                                 return %0
//! }                                         }
//! ```

use super::{Dim, Graph, Op, Repeat, TensorType, Times};
use crate::arena::Arena;

/// What stands in place of the symbols, and the names of the symbols that it is made of.
#[derive(Clone, Copy, Debug)]
pub struct Substitution<'a> {
    /// For each symbol the extent.
    pub extents: &'a [Dim],
    /// The names of the new symbols.
    pub names: &'a [String],
}

impl Substitution<'_> {
    /// A type.
    pub fn ty(self, ty: &TensorType) -> TensorType {
        TensorType::new(ty.element, self.dims(&ty.shape))
    }

    /// An extent.
    pub fn dim(self, dim: &Dim) -> Dim {
        dim.substitute(self.extents)
    }

    fn dims(self, dims: &[Dim]) -> Vec<Dim> {
        dims.iter().map(|dim| self.dim(dim)).collect()
    }

    /// A primitive, with its bodies.
    pub fn op(self, op: &Op) -> Op {
        match op {
            Op::Extent(dim) => Op::Extent(self.dim(dim)),
            Op::Slice { starts } => Op::Slice { starts: self.dims(starts) },
            Op::Pad { low, high } => Op::Pad { low: self.dims(low), high: self.dims(high) },
            Op::Window(sliding) => Op::Window(sliding.map(|dim| self.dim(dim))),
            Op::OverlapAdd(sliding) => Op::OverlapAdd(sliding.map(|dim| self.dim(dim))),
            Op::Argsort { axis, descending, count } => {
                Op::Argsort { axis: *axis, descending: *descending, count: self.dim(count) }
            }
            Op::Call { callee, symbols } => {
                Op::Call { callee: callee.clone(), symbols: self.dims(symbols) }
            }
            Op::Repeat(_) | Op::Branch(_) => self.control(op),
            Op::Parameter(_)
            | Op::Constant(_)
            | Op::Iota { .. }
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select
            | Op::Convert
            | Op::Broadcast { .. }
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Reverse { .. }
            | Op::Concat { .. }
            | Op::Take { .. }
            | Op::AddAt { .. }
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Reduce { .. }
            | Op::Contract { .. }
            | Op::Implicit(_)
            | Op::Inspect(_)
            | Op::Project(_) => op.clone(),
        }
    }

    fn control(self, op: &Op) -> Op {
        let other = op.with_bodies(|body| self.body(body));
        let Op::Repeat(repeat) = &other else { return other };
        let Times::Extent(extent) = &repeat.times else { return other };
        let times = Times::Extent(self.dim(extent));
        Op::Repeat(Box::new(Repeat { times, ..Repeat::clone(repeat) }))
    }

    /// A graph that is the body of a node.
    fn body(self, body: &Graph) -> Graph {
        let mut body = body.clone();
        body.symbols = self.names.to_vec();
        for parameter in &mut body.parameters {
            parameter.ty = self.ty(&parameter.ty);
        }
        let mut nodes = Arena::default();
        for (_, node) in body.nodes.iter() {
            let mut node = node.clone();
            node.op = self.op(&node.op);
            node.types = node.types.iter().map(|ty| self.ty(ty)).collect();
            nodes.push(node);
        }
        body.nodes = nodes;
        body
    }
}
