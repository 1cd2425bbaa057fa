//! Gradients, by linearizing and then transposing.
//!
//! In:  a first-order graph, and the results whose cotangents are given.   Out: a first-order graph with the gradients as results.
//!
//! ```text
//! before                            after (gradient with respect to x, value kept)
//! graph f(x: f32[4]) -> f32 {       graph f(x: f32[4]) -> (f32, f32[4]) {
//!   %0: f32[4] = sin x                %0: f32[4] = sin x
//!   %1: f32 = reduce.add %0 axes=[0]  %1: f32 = reduce.add %0 axes=[0]
//!   return %1                         %2: f32[4] = cos x
//! }                                   %3: f32 = constant 1.0
//!                                     %4: f32[4] = broadcast %3 axes=[]
//!                                     %5: f32[4] = mul %4, %2
//!                                     return %1, %5
//!                                   }
//! ```
//!
//! [`mod@linearize`] adds, behind the primal nodes, the nodes of the *tangent*: how the first result moves when the parameters move.
//! It is linear in the tangents of the parameters, so [`mod@transpose`] can walk it backward and give the *cotangent* of every tangent:
//! how the result moves with it. The tangent nodes themselves are needed by nothing then, and go.
//! (Radul, Paszke, Frostig, Johnson, Maclaurin: *You Only Linearize Once*, POPL 2023.)
//!
//! What runs bodies is linearized with its bodies: [`mod@repeat`], [`mod@branch`] and [`mod@unbounded`] make a node for the values that keeps
//! [`residuals`](mod@residuals) or [`snapshots`](mod@snapshots), and a linear node; [`mod@climb`] goes from a snapshot to where it is wanted; [`mod@checkpoint`] keeps what goes in, and [`mod@segments`]
//! makes loops of such bodies, which [`mod@planned`] asks for where memory is short; [`mod@transpose_control`] and [`mod@transpose_while`] turn the
//! linear one around. [`mod@forward`] carries values and tangents together instead, where nothing is transposed.
//!
//! Afterwards: the graph uses the same primitives, so that it can be differentiated again.
//! Never here: simplifying; a factor of one stays.

mod moves;
mod body;
mod linearize;
mod slopes;
mod scan;
mod implicit;
mod residuals;
mod repeat;
mod branch;
mod checkpoint;
mod segments;
mod planned;
mod forward;
mod transpose;
mod parts;
mod custom;
mod transpose_control;
mod behind;
mod unbounded;
mod snapshots;
mod climb;
mod transpose_while;
mod silent;

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::bug;
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Combine, Comparison, Dim, Graph, Node, NodeId, Op, Output, Scalar, TensorType, Unary,
};

use super::inline::without_dead_nodes;
use body::{Input, extract, parameter_node};
use linearize::{Linearized, linearize};
pub(super) use planned::planned;
pub(super) use silent::silent;
use transpose::{Seed, transpose};

/// The graph with all results of `graph`, the first only if `value`, and then the gradient of the first with respect to each
/// parameter of `wrt`.
pub(super) fn differentiate(graph: &Graph, wrt: &[usize], value: bool) -> Graph {
    let wanted: Vec<bool> = (0..graph.results.len()).map(|it| it == 0).collect();
    let one = |draft: &mut Draft, tangent| {
        let element = draft.ty(tangent).element;
        draft.splat(Scalar::from_i64(element, 1), &[])
    };
    pulled_back(graph, wrt, &wanted, usize::from(!value), |draft, _, tangent| one(draft, tangent))
}

/// The graph with a cotangent behind all parameters for each result that is a float, and behind all results the gradient with respect
/// to each parameter of `wrt`.
///
/// ```text
/// before                     after (with respect to x)
/// graph f(x: f32) -> f32 {   graph f(x: f32, c_0: f32) -> (f32, f32) {
///   %0: f32 = exp x            %0: f32 = exp x
///   return %0                  %1: f32 = mul c_0, %0
/// }                            return %0, %1
///                            }
/// ```
pub(super) fn with_cotangents(graph: &Graph, wrt: &[usize]) -> Graph {
    let floats: Vec<bool> =
        graph.results.iter().map(|result| graph.element(result.node).is_float()).collect();
    let mut draft = Draft::resume(graph.clone());
    let mut cotangents = Vec::new();
    for (position, result) in graph.results.iter().enumerate() {
        cotangents.push(draft.graph().parameters.len());
        if floats[position] {
            draft.parameter(&format!("c_{position}"), graph.ty(result.node).clone());
        }
    }
    let with_parameters = draft.builder.finish(graph.results.clone());
    pulled_back(&with_parameters, wrt, &floats, 0, |draft, position, _| {
        let found = parameter_node(draft.graph(), cotangents[position]);
        found.unwrap_or_else(|| bug!("transform", "a cotangent without a node"))
    })
}

/// The graph with its results from `skipped` on, and then the gradients for the cotangent that each of the results `wanted` is given.
fn pulled_back(
    graph: &Graph,
    wrt: &[usize],
    wanted: &[bool],
    skipped: usize,
    cotangent: impl Fn(&mut Draft, usize, NodeId) -> NodeId,
) -> Graph {
    let moving: Vec<bool> = (0..graph.parameters.len()).map(|it| wrt.contains(&it)).collect();
    let Linearized { mut draft, inputs, values, tangents } =
        linearize(graph, &moving, wanted, Mode::Apart);
    let linear = linear_nodes(draft.graph(), inputs.values().copied());
    let mut seeds = Vec::new();
    for (position, tangent) in tangents.into_iter().enumerate().filter(|(it, _)| wanted[*it]) {
        if let Some(tangent) = tangent {
            let cotangent = cotangent(&mut draft, position, tangent);
            seeds.push(Seed { tangent, cotangent });
        }
    }
    let values_end = draft.graph().nodes.len();
    let (mut draft, cotangents) = transpose(draft, &linear, seeds);

    let kept = values.iter().skip(skipped);
    let mut results: Vec<Output> = kept.map(|node| Output { node: *node, updates: None }).collect();
    for parameter in wrt {
        let cotangent = inputs.get(parameter).and_then(|input| cotangents[input.index()]);
        let node = cotangent.unwrap_or_else(|| draft.zero(&graph.parameters[*parameter].ty));
        results.push(Output { node, updates: None });
    }
    let found = silent(draft.builder.finish(results), values_end);
    without_dead_nodes(found, graph.parameters.len())
}

/// The graph with a tangent behind all parameters for each of `wrt`, and behind all results the tangent of each that is a float.
///
/// ```text
/// before                     after (with respect to x)
/// graph f(x: f32) -> f32 {   graph f(x: f32, d_x: f32) -> (f32, f32) {
///   %0: f32 = exp x            %0: f32 = exp x
///   return %0                  %1: f32 = mul d_x, %0
/// }                            return %0, %1
///                            }
/// ```
pub(super) fn with_tangents(graph: &Graph, wrt: &[usize]) -> Graph {
    let moving: Vec<bool> = (0..graph.parameters.len()).map(|it| wrt.contains(&it)).collect();
    let floats = graph.results.iter().map(|result| graph.element(result.node).is_float());
    let floats: Vec<bool> = floats.collect();
    let Linearized { mut draft, inputs, values, tangents } =
        linearize(graph, &moving, &floats, Mode::Together);
    let mut results = values.clone();
    for (position, tangent) in tangents.into_iter().enumerate().filter(|(it, _)| floats[*it]) {
        results.push(draft.or_zero(tangent, values[position]));
    }
    let mut parameters: Vec<Input> = (0..moving.len()).map(Input::Parameter).collect();
    for leaf in wrt {
        let unread = || Input::Unread(graph.parameters[*leaf].ty.clone());
        parameters.push(inputs.get(leaf).copied().map_or_else(unread, Input::Value));
    }
    let mut found = extract(draft.graph(), &parameters, &results);
    found.parameters[..moving.len()].clone_from_slice(&graph.parameters);
    found.checks.clone_from(&graph.checks);
    found
}

/// Where the tangents of what runs bodies are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Behind all values, by nodes that are linear, so that they can be transposed.
    Apart,
    /// Beside the values.
    Together,
}

/// Which nodes depend on `inputs`.
fn linear_nodes(graph: &Graph, inputs: impl Iterator<Item = NodeId>) -> SideTable<Node, bool> {
    let mut linear = SideTable::new(&graph.nodes, false);
    inputs.for_each(|input| linear[input] = true);
    for (id, node) in graph.nodes.iter() {
        linear[id] |= node.operands.iter().any(|operand| linear[*operand]);
    }
    linear
}

/// A derivative under construction: a graph, and the constants that it has already.
struct Draft {
    builder: Builder,
    splats: BTreeMap<(Scalar, Vec<Dim>), NodeId>,
}

impl Draft {
    /// Over the parameters of `graph`, without its nodes.
    fn new(graph: &Graph) -> Self {
        Self { builder: Builder::head(graph), splats: BTreeMap::new() }
    }

    fn resume(graph: Graph) -> Self {
        Self { builder: Builder::resume(graph), splats: BTreeMap::new() }
    }

    fn graph(&self) -> &Graph {
        self.builder.graph()
    }

    /// Declares the next parameter, with a name like `name`.
    fn parameter(&mut self, name: &str, ty: TensorType) -> NodeId {
        let mut name = name.to_owned();
        while self.graph().parameters.iter().any(|parameter| parameter.name == name) {
            name.push('_');
        }
        self.builder.parameter(&name, ty)
    }

    /// Runs bodies, or finds what has run them on the same operands.
    fn control_once(&mut self, op: Op, operands: &[NodeId]) -> Vec<NodeId> {
        let is_it = |(_, node): &(NodeId, &Node)| node.op == op && node.operands == operands;
        let Some((id, node)) = self.graph().nodes.iter().find(is_it) else {
            return self.builder.control(op, operands);
        };
        // Its projections stand behind it.
        (1..=node.types.len()).map(|distance| NodeId::new(id.index() + distance)).collect()
    }

    /// A tangent, or zero.
    fn or_zero(&mut self, tangent: Option<NodeId>, value: NodeId) -> NodeId {
        tangent.unwrap_or_else(|| self.zero_like(value))
    }

    /// Zero in every place of the type of `value`.
    fn zero_like(&mut self, value: NodeId) -> NodeId {
        let ty = self.ty(value);
        self.zero(&ty)
    }

    fn ty(&self, node: NodeId) -> TensorType {
        self.builder.ty(node).clone()
    }

    /// `scalar` in every place of `shape`.
    fn splat(&mut self, scalar: Scalar, shape: &[Dim]) -> NodeId {
        let key = (scalar, shape.to_vec());
        if let Some(node) = self.splats.get(&key) {
            return *node;
        }
        let node = if shape.is_empty() {
            self.builder.constant(scalar)
        } else {
            let node = self.splat(scalar, &[]);
            self.builder.broadcast(node, shape, &[])
        };
        self.splats.insert(key, node);
        node
    }

    /// Zero in every place.
    fn zero(&mut self, ty: &TensorType) -> NodeId {
        self.splat(Scalar::from_i64(ty.element, 0), &ty.shape)
    }

    /// `value` in every place of the type of `like`.
    fn number(&mut self, value: f64, like: NodeId) -> NodeId {
        let ty = self.ty(like);
        self.splat(Scalar::from_f64(ty.element, value), &ty.shape)
    }

    fn unary(&mut self, unary: Unary, x: NodeId) -> NodeId {
        self.builder.unary(unary, x)
    }

    fn neg(&mut self, x: NodeId) -> NodeId {
        self.builder.unary(Unary::Neg, x)
    }

    fn add(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.builder.binary(Binary::Add, x, y)
    }

    fn sub(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.builder.binary(Binary::Sub, x, y)
    }

    fn mul(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.builder.binary(Binary::Mul, x, y)
    }

    fn div(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.builder.binary(Binary::Div, x, y)
    }

    fn compare(&mut self, comparison: Comparison, x: NodeId, y: NodeId) -> NodeId {
        self.builder.compare(comparison, x, y)
    }

    fn select(&mut self, condition: NodeId, then: NodeId, otherwise: NodeId) -> NodeId {
        self.builder.select(condition, then, otherwise)
    }

    fn sum(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        self.builder.reduce(Combine::Add, x, axes)
    }

    /// What a reduction over `axes` gave, repeated to the shape of its operand.
    fn repeat(&mut self, reduced: NodeId, axes: &[usize], like: NodeId) -> NodeId {
        let shape = self.builder.shape(like);
        let kept = others(axes, shape.len());
        self.builder.broadcast(reduced, &shape, &kept)
    }
}

/// The axes below `rank` that are not in `axes`.
fn others(axes: &[usize], rank: usize) -> Vec<usize> {
    (0..rank).filter(|axis| !axes.contains(axis)).collect()
}
