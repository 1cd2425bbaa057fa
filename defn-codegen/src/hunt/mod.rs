//! Where the first NaN comes from.
//!
//! In:  a first-order graph.   Out: the same with a status behind its results, and what each number of it means.
//!
//! ```text
//! before                          after
//! graph f(x: f32) -> f32 {        graph f(x: f32) -> (f32, i64) {
//!   %0: f32 = log x                 %0: i64 = constant 9223372036854775807
//!   return %0                       %1: i64 = constant 0
//! }                                 %2: f32 = log x
//!                                   %3: bool = ne %2, %2                  a NaN
//!                                   %4: bool = ne x, x
//!                                   %5: bool = not %4                     out of none
//!                                   %6: bool = and %3, %5
//!                                   %7: i64 = constant 9223372036854775807
//!                                   %8: bool = eq %0, %7                  and the first
//!                                   %9: bool = and %8, %6
//!                                   %10: i64 = constant 0
//!                                   %11: i64 = add %10, %1                in no loop
//!                                   %12: i64 = select %9, %11, %0
//!                                   return %2, %12
//!                                 }
//! ```
//!
//! The low half of a status is the number, the high half the round of the innermost loop, counted from one, or zero outside of loops.
//! Bodies take the status as state; what computes conditions of loops is not looked at, because nothing can be carried out of there.
//!
//! Afterwards: the last result is the status; a status that was there before counts where no NaN came up.
//! Never here: saying anything to the user. What is found is compiled like any other number.

use std::collections::BTreeMap;

use crate::artifact::{NONE_FAILED, Suspect};
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Branch, Combine, Comparison, Element, Graph, NodeId, Op, Output, Parameter, Repeat,
    Scalar, TensorType, Times, Unary,
};

/// The graph with a status, whose numbers begin with `first`, and a suspect for each of them; `has_status` says that the last result is one.
pub fn hunt(graph: &Graph, first: usize, has_status: bool) -> (Graph, Vec<Suspect>) {
    let head = Graph { nodes: Default::default(), results: Vec::new(), ..graph.clone() };
    let mut hunter = Hunter { first, suspects: Vec::new() };
    let mut builder = Builder::resume(head);
    let arguments = parameters(&mut builder, &graph.parameters);
    let mut scene = Scene::new(builder);
    scene.status = scene.number(NONE_FAILED);
    scene.round = scene.number(0);
    let nodes = hunter.walk(&mut scene, graph, &arguments);
    let mut results: Vec<Output> = graph.results.iter().zip(nodes).map(again).collect();
    let mut status = scene.status;
    if has_status && let Some(before) = results.pop() {
        let none = scene.none_yet();
        status = scene.builder.select(none, before.node, status);
    }
    results.push(Output { node: status, updates: None });
    (scene.builder.finish(results), hunter.suspects)
}

fn again((result, node): (&Output, NodeId)) -> Output {
    Output { node, updates: result.updates }
}

/// The nodes of parameters that are declared.
fn parameters(builder: &mut Builder, declared: &[Parameter]) -> Vec<NodeId> {
    let types = declared.iter().map(|parameter| parameter.ty.clone()).enumerate();
    types.map(|(position, ty)| builder.apply(Op::Parameter(position), &[], ty)).collect()
}

/// One graph, and what is known in it.
struct Scene {
    builder: Builder,
    /// The status so far.
    status: NodeId,
    /// The round, in the high half.
    round: NodeId,
    /// Whether a value holds a NaN, for those that were asked.
    nans: BTreeMap<NodeId, NodeId>,
}

impl Scene {
    fn new(builder: Builder) -> Self {
        let none = NodeId::new(0);
        Self { builder, status: none, round: none, nans: BTreeMap::new() }
    }

    fn number(&mut self, number: i64) -> NodeId {
        self.builder.constant(Scalar::from_i64(Element::I64, number))
    }

    /// Whether nothing was found so far.
    fn none_yet(&mut self) -> NodeId {
        let none = self.number(NONE_FAILED);
        self.builder.compare(Comparison::Eq, self.status, none)
    }

    /// Whether a value holds a NaN.
    fn holds_nan(&mut self, node: NodeId) -> NodeId {
        if let Some(known) = self.nans.get(&node) {
            return *known;
        }
        let axes: Vec<usize> = (0..self.builder.ty(node).rank()).collect();
        let mut holds = self.builder.compare(Comparison::Ne, node, node);
        if !axes.is_empty() {
            holds = self.builder.reduce(Combine::Max, holds, &axes);
        }
        self.nans.insert(node, holds);
        holds
    }

    fn is_float(&self, node: NodeId) -> bool {
        self.builder.ty(node).element.is_float()
    }

    /// A body that takes these parameters, and its scene.
    fn inner(&self, body: &Graph, parameters: &[Parameter]) -> (Self, Vec<NodeId>) {
        let symbols = self.builder.graph().symbols.clone();
        let head = Graph {
            name: body.name.clone(),
            symbols,
            parameters: parameters.to_vec(),
            ..Graph::default()
        };
        let mut builder = Builder::resume(head);
        let nodes = self::parameters(&mut builder, parameters);
        (Self::new(builder), nodes)
    }
}

/// What was found in all graphs.
struct Hunter {
    /// The number of the first suspect.
    first: usize,
    suspects: Vec<Suspect>,
}

impl Hunter {
    /// Copies the nodes of a graph, each with a test behind it, and gives its results.
    fn walk(&mut self, scene: &mut Scene, graph: &Graph, arguments: &[NodeId]) -> Vec<NodeId> {
        let mut values: Vec<Vec<NodeId>> = Vec::with_capacity(graph.nodes.len());
        for (_, node) in graph.nodes.iter() {
            scene.builder.set_origin(node.origin);
            let operands: Vec<NodeId> =
                node.operands.iter().map(|operand| values[operand.index()][0]).collect();
            values.push(if let Op::Parameter(position) = &node.op {
                vec![arguments[*position]]
            } else if let Op::Project(position) = &node.op {
                vec![values[node.operands[0].index()][*position]]
            } else if let Op::Branch(branch) = &node.op {
                self.branch(scene, branch, operands)
            } else if let Op::Repeat(repeat) = &node.op {
                self.repeat(scene, repeat, operands)
            } else if node.op.is_control() {
                scene.builder.control(node.op.clone(), &operands)
            } else {
                let (op, ty) = (node.op.clone(), node.types[0].clone());
                let made = scene.builder.apply(op, &operands, ty);
                if let Some(word) = word(&node.op).filter(|_| scene.is_float(made)) {
                    self.test(scene, (made, &operands), Suspect { origin: node.origin, word });
                }
                vec![made]
            });
        }
        graph.results.iter().map(|result| values[result.node.index()][0]).collect()
    }

    /// Notes a NaN that came out of none.
    fn test(&mut self, scene: &mut Scene, (made, operands): (NodeId, &[NodeId]), suspect: Suspect) {
        let number = (self.first + self.suspects.len()) as i64;
        self.suspects.push(suspect);
        let mut is_new = scene.holds_nan(made);
        let floats: Vec<NodeId> =
            operands.iter().copied().filter(|operand| scene.is_float(*operand)).collect();
        for operand in floats {
            let had = scene.holds_nan(operand);
            let had_none = scene.builder.unary(Unary::Not, had);
            is_new = scene.builder.binary(Binary::And, is_new, had_none);
        }
        let none_yet = scene.none_yet();
        let is_first = scene.builder.binary(Binary::And, none_yet, is_new);
        let number = scene.number(number);
        let number = scene.builder.binary(Binary::Add, number, scene.round);
        scene.status = scene.builder.select(is_first, number, scene.status);
    }

    /// Both sides take the status and the round behind all else, and give the status behind all else.
    fn branch(
        &mut self,
        scene: &mut Scene,
        branch: &Branch,
        mut operands: Vec<NodeId>,
    ) -> Vec<NodeId> {
        let (then, otherwise) =
            (self.side(scene, &branch.then), self.side(scene, &branch.otherwise));
        operands.extend([scene.status, scene.round]);
        let op = Op::Branch(Box::new(Branch { then, otherwise }));
        let mut results = scene.builder.control(op, &operands);
        results.pop().into_iter().for_each(|status| scene.status = status);
        results
    }

    /// A body with the status and the round behind its parameters, and the status behind its results.
    fn side(&mut self, scene: &Scene, body: &Graph) -> Graph {
        let mut declared = body.parameters.clone();
        declared.extend(["status", "round"].map(|name| number_parameter(body, name)));
        let (mut inner, mut arguments) = scene.inner(body, &declared);
        let extra = arguments.split_off(body.parameters.len());
        (inner.status, inner.round) = (extra[0], extra[1]);
        let results = self.walk(&mut inner, body, &arguments);
        let status = inner.status;
        finish(inner, results.into_iter().chain([status]))
    }

    /// What runs once is no loop, and carries nothing: the status is one more of its results.
    fn once(
        &mut self,
        scene: &mut Scene,
        repeat: &Repeat,
        mut operands: Vec<NodeId>,
    ) -> Vec<NodeId> {
        operands.extend([scene.status, scene.round]);
        let op = Repeat { body: self.side(scene, &repeat.body), ..repeat.clone() };
        let mut results = scene.builder.control(Op::Repeat(Box::new(op)), &operands);
        if let Some(status) = results.pop() {
            scene.status = scene.builder.reshape(status, &[]);
        }
        results
    }

    /// The status is one more state, behind the others.
    fn repeat(
        &mut self,
        scene: &mut Scene,
        repeat: &Repeat,
        mut operands: Vec<NodeId>,
    ) -> Vec<NodeId> {
        if repeat.is_once() {
            return self.once(scene, repeat, operands);
        }
        let state = repeat.state;
        let with_status = |body: &Graph| {
            let mut declared = body.parameters.clone();
            declared.insert(1 + state, number_parameter(body, "status"));
            declared
        };
        let times = match &repeat.times {
            Times::Extent(extent) => Times::Extent(extent.clone()),
            Times::While(condition) => {
                let (mut inner, mut arguments) = scene.inner(condition, &with_status(condition));
                inner.status = arguments.remove(1 + state);
                inner.round = arguments[0];
                // What is found here is lost, so it is not looked for.
                let mut nobody = Self { first: 0, suspects: Vec::new() };
                let results = nobody.walk(&mut inner, condition, &arguments);
                Times::While(finish(inner, results.into_iter()))
            }
        };
        let body = &repeat.body;
        let (mut inner, mut arguments) = scene.inner(body, &with_status(body));
        inner.status = arguments.remove(1 + state);
        let (one, half) = (inner.number(1), inner.number(1 << 32));
        let round = inner.builder.binary(Binary::Add, arguments[0], one);
        inner.round = inner.builder.binary(Binary::Mul, round, half);
        let mut results = self.walk(&mut inner, body, &arguments);
        results.insert(state, inner.status);
        let body = finish(inner, results.into_iter());
        operands.insert(state, scene.status);
        let op = Repeat { times, state: state + 1, body, ..repeat.clone() };
        let mut results = scene.builder.control(Op::Repeat(Box::new(op)), &operands);
        scene.status = results.remove(state);
        results
    }
}

/// A parameter of a body that is a number, with a name that it has not.
fn number_parameter(body: &Graph, name: &str) -> Parameter {
    let mut name = name.to_owned();
    while body.parameters.iter().any(|parameter| parameter.name == name) {
        name.push('_');
    }
    Parameter { name, ty: TensorType::scalar(Element::I64), symbol: None }
}

fn finish(scene: Scene, results: impl Iterator<Item = NodeId>) -> Graph {
    scene.builder.finish(results.map(|node| Output { node, updates: None }).collect())
}

/// What a primitive does, if it can make a NaN out of none.
fn word(op: &Op) -> Option<&'static str> {
    match op {
        Op::Unary(unary) => Some(unary.word()),
        Op::Binary(binary) => Some(binary.word()),
        Op::Reduce { combine, axes: _ } | Op::Scan { combine, axis: _, reverse: _ } => {
            Some(if *combine == Combine::Add { "sum" } else { combine.word() })
        }
        Op::Contract { .. } => Some("dot"),
        Op::AddAt { .. } => Some("add_at"),
        Op::OverlapAdd(_) => Some("sum over windows"),
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Compare(_)
        | Op::Select
        | Op::Convert
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Reverse { .. }
        | Op::Window(_)
        | Op::Concat { .. }
        | Op::Take { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Implicit(_)
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => None,
    }
}
