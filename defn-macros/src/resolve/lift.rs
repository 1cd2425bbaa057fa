//! A function of scalars over tensors: its graph once more, every node in the shape of the arguments (R13).
//!
//! ```text
//! before                                 after, over f32[n]
//! %0: f32 = constant 1.0                 %0: f32[n] = broadcast of the constant
//! %1: f32 = add x, %0                    %1: f32[n] = add x, %0
//! ```
//!
//! Only graphs that compute each element on its own can be lifted so.

use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Callable, FunctionId};
use defn_codegen::graph::{Dim, NodeId, Op};
use defn_codegen::program::Program;

/// The results over the shape; none if the function does more than elementwise arithmetic.
pub(super) fn lift(
    b: &mut Builder,
    program: &Program,
    function: FunctionId,
    (arguments, shape): (&[NodeId], &[Dim]),
) -> Option<Vec<NodeId>> {
    let graph = &program.functions[function];
    let mut lifted: Vec<Vec<NodeId>> = Vec::with_capacity(graph.nodes.len());
    for (_, node) in graph.nodes.iter() {
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
            Op::Convert => one(b.convert(node.types[0].element, operands[0])),
            Op::Call { callee: Callable::Function(inner), symbols } if symbols.is_empty() => {
                lift(b, program, *inner, (&operands, shape))?
            }
            Op::Project(position) => {
                let call = node.operands.first()?;
                one(*lifted[call.index()].get(*position)?)
            }
            _ => return None,
        });
    }
    graph.results.iter().map(|result| lifted[result.node.index()].first().copied()).collect()
}
