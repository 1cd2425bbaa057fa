//! The only way to add a node.
//!
//! A [`Builder`] asks [`infer`](super::infer) for the type of every node; what does not fit is a bug of the caller.

use super::control;
use super::infer::{Application, infer};
use super::{
    Binary, Check, Combine, Comparison, Dim, Element, Graph, Node, NodeId, Op, Output, Parameter,
    Scalar, Sliding, Symbol, TensorType, Unary,
};
use crate::bug;
use crate::graph::Callable;
use crate::origin::Origin;

/// A graph under construction.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    graph: Graph,
    origin: Origin,
}

impl Builder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Self { graph: Graph { name: name.to_owned(), ..Graph::default() }, origin: Origin::NONE }
    }

    /// The parameters of a graph, with everything else that is neither a node nor a result.
    pub fn head(graph: &Graph) -> Self {
        Self::resume(Graph {
            name: graph.name.clone(),
            symbols: graph.symbols.clone(),
            parameters: graph.parameters.clone(),
            checks: graph.checks.clone(),
            ..Graph::default()
        })
    }

    /// Goes on with a graph.
    pub fn resume(graph: Graph) -> Self {
        Self { graph, origin: Origin::NONE }
    }

    /// What has been built so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Nodes from here on come from this place.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// The symbol of this name, declared if it is new.
    pub fn symbol(&mut self, name: &str) -> Symbol {
        let position =
            self.graph.symbols.iter().position(|known| known == name).unwrap_or_else(|| {
                self.graph.symbols.push(name.to_owned());
                self.graph.symbols.len() - 1
            });
        Symbol(position as u32)
    }

    /// Declares the next parameter and gives its node.
    pub fn parameter(&mut self, name: &str, ty: TensorType) -> NodeId {
        self.graph.parameters.push(Parameter {
            name: name.to_owned(),
            ty: ty.clone(),
            symbol: None,
        });
        self.push(Op::Parameter(self.graph.parameters.len() - 1), &[], ty)
    }

    /// Declares the next parameter: a `usize` that is the value of `symbol`.
    pub fn extent_parameter(&mut self, name: &str, symbol: Symbol) -> NodeId {
        let node = self.parameter(name, TensorType::scalar(Element::I64));
        if let Some(parameter) = self.graph.parameters.last_mut() {
            parameter.symbol = Some(symbol);
        }
        node
    }

    /// Adds a check on entry, once.
    pub fn check(&mut self, check: Check) {
        if !self.graph.checks.contains(&check) {
            self.graph.checks.push(check);
        }
    }

    /// The graph with these results.
    pub fn finish(mut self, results: Vec<Output>) -> Graph {
        self.graph.results = results;
        self.graph
    }

    /// The type of a node.
    pub fn ty(&self, node: NodeId) -> &TensorType {
        self.graph.ty(node)
    }

    /// The shape of a node.
    pub fn shape(&self, node: NodeId) -> Vec<Dim> {
        self.graph.shape(node).to_vec()
    }

    /// Any primitive with one result; `claimed` matters for those whose attributes do not say the type.
    pub fn apply(&mut self, op: Op, operands: &[NodeId], claimed: TensorType) -> NodeId {
        // What is projected has several types, of which the claimed one is chosen.
        if let Op::Project(_) = op {
            return self.push(op, operands, claimed);
        }
        let types: Vec<&TensorType> =
            operands.iter().map(|operand| self.graph.ty(*operand)).collect();
        let inferred = infer(Application { op: &op, operands: &types, claimed: &claimed });
        match inferred {
            Ok(ty) => self.push(op, operands, ty),
            Err(what) => bug!("build", "in `{}`: {op:?} on {types:?}: {what}", self.graph.name),
        }
    }

    fn push(&mut self, op: Op, operands: &[NodeId], ty: TensorType) -> NodeId {
        self.graph.nodes.push(Node {
            op,
            operands: operands.to_vec(),
            types: vec![ty],
            origin: self.origin,
        })
    }

    fn inferred(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        self.apply(op, operands, TensorType::scalar(Element::Bool))
    }

    /// A scalar.
    pub fn constant(&mut self, scalar: Scalar) -> NodeId {
        self.inferred(Op::Constant(scalar), &[])
    }

    /// A scalar of `element` with a value given as `f64`.
    pub fn number(&mut self, element: Element, value: f64) -> NodeId {
        self.constant(Scalar::from_f64(element, value))
    }

    /// `scalar` in every place of `shape`.
    pub fn splat(&mut self, scalar: Scalar, shape: &[Dim]) -> NodeId {
        let node = self.constant(scalar);
        self.broadcast(node, shape, &[])
    }

    /// An extent as an `i64` scalar.
    pub fn extent(&mut self, dim: Dim) -> NodeId {
        self.inferred(Op::Extent(dim), &[])
    }

    /// Positions along `axis` of `shape`.
    pub fn iota(&mut self, shape: &[Dim], axis: usize) -> NodeId {
        self.apply(Op::Iota { axis }, &[], TensorType::new(Element::I64, shape.to_vec()))
    }

    /// A function of each element.
    pub fn unary(&mut self, unary: Unary, operand: NodeId) -> NodeId {
        self.inferred(Op::Unary(unary), &[operand])
    }

    /// A function of two elements.
    pub fn binary(&mut self, binary: Binary, left: NodeId, right: NodeId) -> NodeId {
        self.inferred(Op::Binary(binary), &[left, right])
    }

    /// A comparison.
    pub fn compare(&mut self, comparison: Comparison, left: NodeId, right: NodeId) -> NodeId {
        self.inferred(Op::Compare(comparison), &[left, right])
    }

    /// `then` where `condition`, else `otherwise`.
    pub fn select(&mut self, condition: NodeId, then: NodeId, otherwise: NodeId) -> NodeId {
        self.inferred(Op::Select, &[condition, then, otherwise])
    }

    /// Rust's `as`; the operand itself if nothing changes.
    pub fn convert(&mut self, element: Element, operand: NodeId) -> NodeId {
        if self.graph.element(operand) == element {
            return operand;
        }
        let claimed = TensorType::scalar(element);
        self.apply(Op::Convert, &[operand], claimed)
    }

    /// Repeats along new axes; the operand itself if there are none.
    pub fn broadcast(&mut self, operand: NodeId, shape: &[Dim], axes: &[usize]) -> NodeId {
        if self.graph.shape(operand) == shape {
            return operand;
        }
        let claimed = TensorType::new(self.graph.element(operand), shape.to_vec());
        self.apply(Op::Broadcast { axes: axes.to_vec() }, &[operand], claimed)
    }

    /// Reorders axes; the operand itself if they stay.
    pub fn transpose(&mut self, operand: NodeId, permutation: &[usize]) -> NodeId {
        if permutation.iter().enumerate().all(|(position, axis)| position == *axis) {
            return operand;
        }
        self.inferred(Op::Transpose { permutation: permutation.to_vec() }, &[operand])
    }

    /// Another shape of the same size; the operand itself if it has it.
    pub fn reshape(&mut self, operand: NodeId, shape: &[Dim]) -> NodeId {
        if self.graph.shape(operand) == shape {
            return operand;
        }
        let claimed = TensorType::new(self.graph.element(operand), shape.to_vec());
        self.apply(Op::Reshape, &[operand], claimed)
    }

    /// A part, from `starts`, of shape `sizes`.
    pub fn slice(&mut self, operand: NodeId, starts: &[Dim], sizes: &[Dim]) -> NodeId {
        if self.graph.shape(operand) == sizes && starts.iter().all(|start| start.is(0)) {
            return operand;
        }
        let claimed = TensorType::new(self.graph.element(operand), sizes.to_vec());
        self.apply(Op::Slice { starts: starts.to_vec() }, &[operand], claimed)
    }

    /// The scalar `value` in front of and behind the operand.
    pub fn pad(&mut self, operand: NodeId, value: NodeId, low: &[Dim], high: &[Dim]) -> NodeId {
        self.inferred(Op::Pad { low: low.to_vec(), high: high.to_vec() }, &[operand, value])
    }

    /// Counts backwards along `axes`.
    pub fn reverse(&mut self, operand: NodeId, axes: &[usize]) -> NodeId {
        if axes.is_empty() {
            return operand;
        }
        self.inferred(Op::Reverse { axes: axes.to_vec() }, &[operand])
    }

    /// The operand seen through windows; the operand itself if they are one wide and side by side.
    pub fn window(&mut self, operand: NodeId, sliding: Sliding, seen: &[Dim]) -> NodeId {
        let kept = (0..sliding.strides.len()).all(|axis| sliding.keeps(axis));
        if kept && self.graph.shape(operand) == seen {
            return operand;
        }
        let claimed = TensorType::new(self.graph.element(operand), seen.to_vec());
        self.apply(Op::Window(sliding), &[operand], claimed)
    }

    /// Zeros of `shape` with all that is seen through windows added.
    pub fn overlap_add(&mut self, seen: NodeId, sliding: Sliding, shape: &[Dim]) -> NodeId {
        let claimed = TensorType::new(self.graph.element(seen), shape.to_vec());
        self.apply(Op::OverlapAdd(sliding), &[seen], claimed)
    }

    /// One behind the other.
    pub fn concat(&mut self, axis: usize, operands: &[NodeId]) -> NodeId {
        if let [operand] = operands {
            return *operand;
        }
        self.inferred(Op::Concat { axis }, operands)
    }

    /// Elements at positions.
    pub fn take(&mut self, operand: NodeId, index: NodeId, batch: usize) -> NodeId {
        self.inferred(Op::Take { batch }, &[operand, index])
    }

    /// Adds at positions.
    pub fn add_at(
        &mut self,
        operand: NodeId,
        index: NodeId,
        values: NodeId,
        batch: usize,
    ) -> NodeId {
        self.inferred(Op::AddAt { batch }, &[operand, index, values])
    }

    /// Combines along an axis, element by element.
    pub fn scan(
        &mut self,
        combine: Combine,
        operand: NodeId,
        axis: usize,
        reverse: bool,
    ) -> NodeId {
        self.inferred(Op::Scan { combine, axis, reverse }, &[operand])
    }

    /// The elements in order along an axis.
    pub fn sort(&mut self, operand: NodeId, axis: usize, descending: bool) -> NodeId {
        self.inferred(Op::Sort { axis, descending }, &[operand])
    }

    /// The positions of the first `count` elements in order along an axis.
    pub fn argsort(
        &mut self,
        operand: NodeId,
        axis: usize,
        descending: bool,
        count: &Dim,
    ) -> NodeId {
        self.inferred(Op::Argsort { axis, descending, count: count.clone() }, &[operand])
    }

    /// Reduces axes away; the operand itself if there are none.
    pub fn reduce(&mut self, combine: Combine, operand: NodeId, axes: &[usize]) -> NodeId {
        if axes.is_empty() {
            return operand;
        }
        self.inferred(Op::Reduce { combine, axes: axes.to_vec() }, &[operand])
    }

    /// Sums products.
    pub fn contract(
        &mut self,
        left: NodeId,
        right: NodeId,
        batch: usize,
        contracted: usize,
    ) -> NodeId {
        self.inferred(Op::Contract { batch, contracted }, &[left, right])
    }

    /// Runs bodies; one node for each result.
    pub fn control(&mut self, op: Op, operands: &[NodeId]) -> Vec<NodeId> {
        let node = self.control_node(op, operands);
        let types = self.graph.node(node).types.clone();
        self.projections(node, types)
    }

    /// Runs bodies, without the projections of the results.
    pub fn control_node(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let types: Vec<&TensorType> =
            operands.iter().map(|operand| self.graph.ty(*operand)).collect();
        let types = match control::infer(&op, &types) {
            Ok(types) => types,
            Err(what) => bug!("build", "in `{}`: {op:?} on {types:?}: {what}", self.graph.name),
        };
        let (operands, origin) = (operands.to_vec(), self.origin);
        self.graph.nodes.push(Node { op, operands, types, origin })
    }

    /// The same primitive on other operands; of what runs bodies the node without its projections.
    pub fn again(&mut self, node: &Node, operands: &[NodeId]) -> NodeId {
        match node.op.is_control() {
            true => self.control_node(node.op.clone(), operands),
            false => self.apply(node.op.clone(), operands, node.types[0].clone()),
        }
    }

    fn projections(&mut self, node: NodeId, types: Vec<TensorType>) -> Vec<NodeId> {
        let types = types.into_iter().enumerate();
        types.map(|(position, ty)| self.push(Op::Project(position), &[node], ty)).collect()
    }

    /// Calls; one node for each result type.
    pub fn call(
        &mut self,
        callee: Callable,
        symbols: Vec<Dim>,
        operands: &[NodeId],
        types: Vec<TensorType>,
    ) -> Vec<NodeId> {
        let op = Op::Call { callee, symbols };
        let node =
            Node { op, operands: operands.to_vec(), types: types.clone(), origin: self.origin };
        let call = self.graph.nodes.push(node);
        if types.len() == 1 {
            return vec![call];
        }
        self.projections(call, types)
    }
}
