//! All derivatives of all results, from tangents or gradients of a whole basis at once.
//!
//! In:  a callable, and the first-order graph that it is.   Out: a graph that calls a map of its tangents, or one of its gradients.
//!
//! ```text
//! before                          after (with respect to x)
//! graph f<n>(x: f32[n])           graph f<n>(x: f32[n]) -> f32[2, n] {
//!   -> f32[2] { .. }                %0: f32[2, 2] = 1 where both positions agree, else 0
//!                                   %1: (f32[2, 2], f32[2, n]) = call map[of=1](vjp[wrt=0](fn0))<n, 2>(x, %0)
//!                                   return %1.1
//!                                 }
//! ```
//!
//! A tangent for each element of the parameters gives the columns, a cotangent for each element of the results the rows; what needs
//! fewer is taken. Where extents that are known at the call decide, both stand in the two sides of a branch.
//! The basis has an axis for each axis of what it belongs to, so that nothing is reshaped.
//!
//! Results that are no floats stand behind the derivatives, as the function itself gives them.
//!
//! Afterwards: calls stand in the graph, which inlining resolves; values that do not depend on the basis are computed once.
//! Never here: the derivatives of primitives.

use crate::graph::build::Builder;
use crate::graph::{
    Atom, Binary, Branch, Callable, Comparison, Dim, Graph, NodeId, Op, Output, Scalar, Symbol,
    TensorType,
};

/// A callable of which all derivatives are asked for.
pub(super) struct Jacobian<'j> {
    /// What is differentiated.
    pub(super) of: &'j Callable,
    /// The same as a graph: only its head and the types of its results matter.
    pub(super) graph: &'j Graph,
    /// The parameter leaves.
    pub(super) wrt: &'j [usize],
}

/// Which derivatives there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modes {
    /// Tangents and gradients.
    Both,
    /// Gradients only: some rule of a user says nothing about tangents.
    Reverse,
}

/// What is computed.
enum Choice {
    /// A tangent for each element of the parameters.
    Forward,
    /// A gradient for each element of the results.
    Reverse,
    /// Forward where there are at most as many elements of parameters (left) as of results (right).
    AtTheCall(Dim, Dim),
}

impl Jacobian<'_> {
    /// The graph that calls what has the derivatives.
    pub(super) fn graph(&self, modes: Modes) -> Graph {
        let mut builder = self.head();
        let parameters = self.parameters(&mut builder);
        let results = match self.choice(modes) {
            Choice::Forward => self.forward(&mut builder, &parameters),
            Choice::Reverse => self.reverse(&mut builder, &parameters),
            Choice::AtTheCall(left, right) => {
                let [left, right] = [left, right].map(|extent| builder.extent(extent));
                let condition = builder.compare(Comparison::Le, left, right);
                let then = self.side(Self::forward);
                let otherwise = self.side(Self::reverse);
                let operands = [&[condition], parameters.as_slice()].concat();
                builder.control(Op::Branch(Box::new(Branch { then, otherwise })), &operands)
            }
        };
        let others = self.others(&mut builder, &parameters);
        let mut found = finished(builder, [results, others].concat());
        found.parameters.clone_from(&self.graph.parameters);
        found
    }

    /// Fewer seeds, which is what derivatives are taken along. Extents count as at least 1, since of nothing
    /// there is little to compute.
    fn choice(&self, modes: Modes) -> Choice {
        let sum = |sizes: Vec<Dim>| sizes.into_iter().fold(Dim::default(), |sum, size| sum + size);
        let parameters = sum(self.wrt.iter().map(|leaf| self.leaf(*leaf).size()).collect());
        let results = sum(self.results().iter().map(TensorType::size).collect());
        if modes == Modes::Reverse {
            Choice::Reverse
        } else if is_at_most(&parameters, &results) {
            Choice::Forward
        } else if is_at_most(&results, &parameters) {
            Choice::Reverse
        } else {
            Choice::AtTheCall(parameters, results)
        }
    }

    /// One side of a choice at the call.
    fn side(&self, derivatives: fn(&Self, &mut Builder, &[NodeId]) -> Vec<NodeId>) -> Graph {
        let mut builder = self.head();
        let parameters = self.parameters(&mut builder);
        let results = derivatives(self, &mut builder, &parameters);
        finished(builder, results)
    }

    /// For each parameter the tangents of all results along each of its elements.
    fn forward(&self, builder: &mut Builder, parameters: &[NodeId]) -> Vec<NodeId> {
        let (values, results) = (self.values(), self.results());
        let mut columns = Vec::new();
        for leaf in self.wrt {
            let ty = self.leaf(*leaf);
            let of = Box::new(self.of.clone());
            let jvp = Callable::Jvp { of, wrt: vec![*leaf] };
            let found: Vec<TensorType> = values.iter().chain(&results).cloned().collect();
            let operands = [parameters, &[basis(builder, ty)]].concat();
            let called = self.mapped(builder, (jvp, &operands), (parameters.len(), ty), &found);
            let tangents = &called[values.len()..];
            columns.push(tangents.iter().map(|it| behind(builder, *it, ty.rank())).collect());
        }
        let columns: Vec<Vec<NodeId>> = columns;
        (0..results.len()).flat_map(|result| columns.iter().map(move |it| it[result])).collect()
    }

    /// For each result the gradients of each of its elements.
    fn reverse(&self, builder: &mut Builder, parameters: &[NodeId]) -> Vec<NodeId> {
        let (values, results) = (self.values(), self.results());
        let gradients = self.wrt.iter().map(|leaf| self.leaf(*leaf).clone());
        let found: Vec<TensorType> = values.iter().cloned().chain(gradients).collect();
        let mut rows = Vec::new();
        for (position, ty) in results.iter().enumerate() {
            let of = Box::new(self.of.clone());
            let vjp = Callable::Vjp { of, wrt: self.wrt.to_vec() };
            let mut operands = parameters.to_vec();
            for (other, result) in results.iter().enumerate() {
                operands.push(match other == position {
                    true => basis(builder, ty),
                    false => builder.splat(Scalar::from_i64(result.element, 0), &result.shape),
                });
            }
            let place = parameters.len() + position;
            let called = self.mapped(builder, (vjp, &operands), (place, ty), &found);
            let gradients = called[values.len()..].iter();
            rows.extend(gradients.map(|gradient| builder.convert(ty.element, *gradient)));
        }
        rows
    }

    /// The results that are no floats.
    fn others(&self, builder: &mut Builder, parameters: &[NodeId]) -> Vec<NodeId> {
        let values = self.values();
        if values.iter().all(|ty| ty.element.is_float()) {
            return Vec::new();
        }
        let called = builder.call(self.of.clone(), self.symbols(), parameters, values.clone());
        let others = called.into_iter().zip(&values).filter(|(_, ty)| !ty.element.is_float());
        others.map(|(node, _)| node).collect()
    }

    /// Calls with an axis in front for each axis of `ty`, which operand `place` has.
    fn mapped(
        &self,
        builder: &mut Builder,
        (callee, operands): (Callable, &[NodeId]),
        (place, ty): (usize, &TensorType),
        results: &[TensorType],
    ) -> Vec<NodeId> {
        let map = |of: Callable, _: &Dim| Callable::Map { of: Box::new(of), mapped: vec![place] };
        let callee = ty.shape.iter().fold(callee, map);
        let symbols = self.symbols().into_iter().chain(ty.shape.iter().rev().cloned()).collect();
        let types = results.iter().map(|result| {
            TensorType::new(result.element, [ty.shape.as_slice(), &result.shape].concat())
        });
        builder.call(callee, symbols, operands, types.collect())
    }

    fn leaf(&self, leaf: usize) -> &TensorType {
        &self.graph.parameters[leaf].ty
    }

    fn symbols(&self) -> Vec<Dim> {
        (0..self.graph.symbols.len()).map(|symbol| Dim::from(Symbol(symbol as u32))).collect()
    }

    /// The results that have derivatives.
    fn results(&self) -> Vec<TensorType> {
        self.values().into_iter().filter(|ty| ty.element.is_float()).collect()
    }

    /// All results.
    fn values(&self) -> Vec<TensorType> {
        self.graph.results.iter().map(|result| self.graph.ty(result.node).clone()).collect()
    }

    fn head(&self) -> Builder {
        let (name, symbols) = (self.graph.name.clone(), self.graph.symbols.clone());
        Builder::resume(Graph { name, symbols, ..Graph::default() })
    }

    fn parameters(&self, builder: &mut Builder) -> Vec<NodeId> {
        let declared = self.graph.parameters.iter();
        declared.map(|it| builder.parameter(&it.name, it.ty.clone())).collect()
    }
}

/// One tensor of the type for each of its elements: 1 there, 0 elsewhere. The axes of the element come first.
fn basis(builder: &mut Builder, ty: &TensorType) -> NodeId {
    let shape = [ty.shape.as_slice(), &ty.shape].concat();
    let mut there = None;
    for axis in 0..ty.rank() {
        let [left, right] = [axis, ty.rank() + axis].map(|axis| builder.iota(&shape, axis));
        let same = builder.compare(Comparison::Eq, left, right);
        there = Some(match there {
            Some(there) => builder.binary(Binary::And, there, same),
            None => same,
        });
    }
    match there {
        Some(there) => builder.convert(ty.element, there),
        None => builder.constant(Scalar::from_i64(ty.element, 1)),
    }
}

/// The first `count` axes behind all others.
fn behind(builder: &mut Builder, node: NodeId, count: usize) -> NodeId {
    let rank = builder.ty(node).rank();
    let permutation: Vec<usize> = (count..rank).chain(0..count).collect();
    builder.transpose(node, &permutation)
}

fn finished(builder: Builder, results: Vec<NodeId>) -> Graph {
    builder.finish(results.into_iter().map(|node| Output { node, updates: None }).collect())
}

/// Whether one extent is at most the other for all extents that are at least 1, as far as signs tell.
fn is_at_most(left: &Dim, right: &Dim) -> bool {
    let difference = right.clone() - left.clone();
    let mut least = 0;
    for (monomial, coefficient) in difference.terms() {
        let is_symbol = |(atom, _): &(Atom, u32)| matches!(atom, Atom::Symbol(_));
        let is_one = monomial.iter().all(is_symbol);
        match (monomial.is_empty(), *coefficient > 0) {
            (true, _) => least += coefficient,
            (false, false) => return false,
            (false, true) if is_one => least += coefficient,
            (false, true) if Dim::product(monomial).is_surely_natural() => {}
            (false, true) => return false,
        }
    }
    least >= 0
}
