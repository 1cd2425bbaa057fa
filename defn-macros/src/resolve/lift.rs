//! A function of scalars over tensors: its graph once more, every node in the shape of the arguments (R13).
//!
//! ```text
//! before                                 after, over f32[n]
//! %0: f32 = constant 1.0                 %0: f32[n] = broadcast of the constant
//! %1: f32 = add x, %0                    %1: f32[n] = add x, %0
//! ```
//!
//! Both sides of a branch are computed, and one is chosen element by element.
//! A loop runs while any element asks for another round; elements that do not keep what they have.
//! A derivative, or a function with rules of its own, is mapped over each axis.
//! Only graphs that compute each element on its own can be lifted so.

use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Branch, Callable, FunctionId, Graph, Repeat, TensorType, Times};
use defn_codegen::graph::{Dim, Element, NodeId, Op, Output, Scalar};
use defn_codegen::library::{self, Tensor};
use defn_codegen::program::Program;

/// The results over the shape; none if the function does more than elementwise arithmetic.
pub(super) fn lift(
    b: &mut Builder,
    program: &Program,
    function: FunctionId,
    (arguments, shape): (&[NodeId], &[Dim]),
) -> Option<Vec<NodeId>> {
    graph(b, program, &program.functions[function], (arguments, shape))
}

fn graph(
    b: &mut Builder,
    program: &Program,
    graph: &Graph,
    (arguments, shape): (&[NodeId], &[Dim]),
) -> Option<Vec<NodeId>> {
    let mut lifted: Vec<Vec<NodeId>> = Vec::with_capacity(graph.nodes.len());
    for (_, node) in graph.nodes.iter() {
        if let Op::Project(position) = &node.op {
            let several = node.operands.first()?;
            lifted.push(vec![*lifted[several.index()].get(*position)?]);
            continue;
        }
        let operands: Vec<NodeId> =
            node.operands.iter().map(|operand| lifted[operand.index()][0]).collect();
        let one = |node: NodeId| vec![node];
        lifted.push(match &node.op {
            Op::Parameter(position) => one(*arguments.get(*position)?),
            Op::Constant(scalar) => one(b.splat(*scalar, shape)),
            Op::Extent(dim) => {
                let extent = b.extent(Dim::from(dim.as_constant()?));
                one(b.broadcast(extent, shape, &[]))
            }
            Op::Unary(unary) => one(b.unary(*unary, operands[0])),
            Op::Binary(binary) => one(b.binary(*binary, operands[0], operands[1])),
            Op::Compare(comparison) => one(b.compare(*comparison, operands[0], operands[1])),
            Op::Select => one(b.select(operands[0], operands[1], operands[2])),
            // The host sees all elements at once.
            Op::Inspect(site) => b.control(Op::Inspect(*site), &operands),
            Op::Convert => one(b.convert(node.types[0].element, operands[0])),
            Op::Call { callee: Callable::Function(inner), symbols } if symbols.is_empty() => {
                lift(b, program, *inner, (&operands, shape))?
            }
            Op::Call { callee, symbols } if symbols.is_empty() => {
                let elements = node.types.iter().map(|ty| ty.element);
                mapped(b, callee, (&operands, shape), elements)
            }
            Op::Branch(branch) => chosen(b, program, branch, (&operands, shape))?,
            // Elements are few residuals: nothing runs twice.
            Op::Repeat(repeat) if repeat.is_once() => {
                let first = b.splat(Scalar::from_i64(Element::I64, 0), shape);
                let arguments = [&[first], operands.as_slice()].concat();
                self::graph(b, program, &repeat.body, (&arguments, shape))?
            }
            // Of what ran once, what came out.
            Op::Reshape if node.types[0].shape.is_empty() => one(operands[0]),
            Op::Repeat(repeat) => repeated(b, program, repeat, (&operands, shape))?,
            _ => return None,
        });
    }
    graph.results.iter().map(|result| lifted[result.node.index()].first().copied()).collect()
}

/// A function of scalars, which is what it is, over each axis of the shape.
pub(super) fn mapped(
    b: &mut Builder,
    callee: &Callable,
    (operands, shape): (&[NodeId], &[Dim]),
    elements: impl Iterator<Item = Element>,
) -> Vec<NodeId> {
    let all: Vec<usize> = (0..operands.len()).collect();
    let map = |of, _: &Dim| Callable::Map { of: Box::new(of), mapped: all.clone() };
    let callee = shape.iter().fold(callee.clone(), map);
    let types = elements.map(|element| TensorType::new(element, shape.to_vec())).collect();
    b.call(callee, shape.iter().rev().cloned().collect(), operands, types)
}

/// Both sides, element by element.
fn chosen(
    b: &mut Builder,
    program: &Program,
    branch: &Branch,
    (operands, shape): (&[NodeId], &[Dim]),
) -> Option<Vec<NodeId>> {
    let (condition, arguments) = operands.split_first()?;
    let then = graph(b, program, &branch.then, (arguments, shape))?;
    let otherwise = graph(b, program, &branch.otherwise, (arguments, shape))?;
    let sides = then.into_iter().zip(otherwise);
    Some(sides.map(|(then, otherwise)| b.select(*condition, then, otherwise)).collect())
}

/// Rounds of all elements together.
fn repeated(
    b: &mut Builder,
    program: &Program,
    repeat: &Repeat,
    (operands, shape): (&[NodeId], &[Dim]),
) -> Option<Vec<NodeId>> {
    if repeat.sequences > 0 || repeat.body.results.len() > repeat.state {
        return None;
    }
    let (mut inner, arguments) = inside(b, &repeat.body, shape);
    let mut next = graph(&mut inner, program, &repeat.body, (&arguments, shape))?;
    let times = match &repeat.times {
        Times::Extent(extent) => Times::Extent(Dim::from(extent.as_constant()?)),
        Times::While(condition) => {
            let goes_on = graph(&mut inner, program, condition, (&arguments, shape))?;
            for (node, old) in next.iter_mut().zip(&arguments[1..]) {
                *node = inner.select(*goes_on.first()?, *node, *old);
            }
            let (mut asking, arguments) = inside(b, condition, shape);
            let goes_on = graph(&mut asking, program, condition, (&arguments, shape))?;
            let each = Tensor::new(*goes_on.first()?, vec![None; shape.len()]);
            let any = library::any(&mut asking, &each, &[]).ok()?;
            Times::While(asking.finish(vec![Output { node: any.node, updates: None }]))
        }
    };
    let results = next.into_iter().map(|node| Output { node, updates: None });
    let body = inner.finish(results.collect());
    Some(b.control(Op::Repeat(Box::new(Repeat { times, body, ..repeat.clone() })), operands))
}

/// A body with parameters of the shape, and these, with the position in every place.
fn inside(b: &Builder, body: &Graph, shape: &[Dim]) -> (Builder, Vec<NodeId>) {
    let (name, symbols) = (body.name.clone(), b.graph().symbols.clone());
    let mut inner = Builder::resume(Graph { name, symbols, ..Graph::default() });
    let mut arguments = Vec::with_capacity(body.parameters.len());
    for (position, parameter) in body.parameters.iter().enumerate() {
        let shape = if position == 0 { Vec::new() } else { shape.to_vec() };
        let ty = TensorType::new(parameter.ty.element, shape);
        arguments.push(inner.parameter(&parameter.name, ty));
    }
    if let Some(position) = arguments.first_mut() {
        *position = inner.broadcast(*position, shape, &[]);
    }
    (inner, arguments)
}
