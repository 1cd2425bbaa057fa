//! Derivatives of a graph alone, and the functions of one number that laws are about.

use crate::arena::Arena;
use crate::graph::build::Builder;
use crate::graph::eval::{Value, eval};
use crate::graph::verify::verify;
use crate::graph::{
    Binary, Callable, Combine, Dim, Element, Graph, NodeId, Output, Symbol, TensorType,
};
use crate::program::{Plan, Program};
use crate::transform::transform;

/// The entry of a program as one graph, which is sound and has the types that the program says.
///
/// # Panics
///
/// If it is not, or has others.
pub fn flat(functions: &Arena<Graph>, entry: &Callable) -> Graph {
    let program =
        Program { functions: functions.clone(), entry: Some(entry.clone()), ..Program::default() };
    let graph = transform(&program);
    if let Err(faults) = verify(&graph) {
        panic!("{faults:?}\n{graph}");
    }
    let parameters: Vec<TensorType> =
        graph.parameters.iter().map(|parameter| parameter.ty.clone()).collect();
    let results: Vec<TensorType> =
        graph.results.iter().map(|result| graph.ty(result.node).clone()).collect();
    assert_eq!(program.parameter_types(entry), parameters, "parameters of {entry:?}");
    assert_eq!(program.result_types(entry), results, "results of {entry:?}");
    graph
}

/// A program of one function, and that function.
fn alone(graph: &Graph) -> (Arena<Graph>, Box<Callable>) {
    let mut functions = Arena::default();
    let function = functions.push(graph.clone());
    (functions, Box::new(Callable::Function(function)))
}

/// The gradient of the first result with respect to every parameter of `wrt`.
pub fn gradient(graph: &Graph, wrt: &[usize]) -> Graph {
    let (functions, of) = alone(graph);
    flat(&functions, &Callable::Gradient { of, wrt: wrt.to_vec(), value: false })
}

/// The same, where a plan says what is computed again.
pub fn gradient_by(graph: &Graph, wrt: &[usize], plan: Plan) -> Graph {
    let (functions, of) = alone(graph);
    let entry = Some(Callable::Gradient { of, wrt: wrt.to_vec(), value: false });
    transform(&Program { functions, entry, plan, ..Program::default() })
}

/// The graph with tangents of every parameter of `wrt`.
pub fn with_tangents(graph: &Graph, wrt: &[usize]) -> Graph {
    let (functions, of) = alone(graph);
    flat(&functions, &Callable::Jvp { of, wrt: wrt.to_vec() })
}

/// The gradient at every position of the mapped axis.
pub fn map_of_gradient(graph: &Graph, wrt: &[usize], mapped: &[usize]) -> Graph {
    let (functions, of) = alone(graph);
    let of = Box::new(Callable::Gradient { of, wrt: wrt.to_vec(), value: false });
    flat(&functions, &Callable::Map { of, mapped: mapped.to_vec() })
}

/// The gradient of the sum over the mapped axis of a function of one number.
pub fn gradient_of_map(graph: &Graph, wrt: &[usize], mapped: &[usize]) -> Graph {
    let (mut functions, of) = alone(graph);
    let callee = Callable::Map { of, mapped: mapped.to_vec() };
    let program = Program { functions: functions.clone(), ..Program::default() };
    let mut b = Builder::new("total");
    for name in &graph.symbols {
        b.symbol(name);
    }
    let extent = b.symbol("batch");
    let mut operands = Vec::new();
    for (ty, parameter) in program.parameter_types(&callee).into_iter().zip(&graph.parameters) {
        operands.push(match parameter.symbol {
            Some(symbol) => b.extent_parameter(&parameter.name, symbol),
            None => b.parameter(&parameter.name, ty),
        });
    }
    let symbols = (0..=extent.0).map(|it| Dim::from(Symbol(it))).collect();
    let results = b.call(callee.clone(), symbols, &operands, program.result_types(&callee));
    let sum = b.reduce(Combine::Add, results[0], &[0]);
    let total = functions.push(b.finish(vec![Output { node: sum, updates: None }]));
    let of = Box::new(Callable::Function(total));
    flat(&functions, &Callable::Gradient { of, wrt: wrt.to_vec(), value: false })
}

/// Every float parameter.
pub fn floats(graph: &Graph) -> Vec<usize> {
    let parameters = graph.parameters.iter().enumerate();
    let float = parameters.filter(|(_, parameter)| parameter.ty.element.is_float());
    float.map(|(position, _)| position).collect()
}

/// A function of one number: all float results, each element times a weight of its own. The weights are parameters behind all others.
pub fn weighted(graph: Graph) -> Graph {
    let results: Vec<NodeId> = graph.results.iter().map(|result| result.node).collect();
    let mut builder = Builder::resume(graph);
    let mut total = builder.number(Element::F64, 0.0);
    for (position, result) in results.into_iter().enumerate() {
        let ty: TensorType = builder.ty(result).clone();
        if !ty.element.is_float() {
            continue;
        }
        let weight = builder
            .parameter(&format!("w{}_{position}", builder.graph().parameters.len()), ty.clone());
        let product = builder.binary(Binary::Mul, result, weight);
        let axes: Vec<usize> = (0..ty.rank()).collect();
        let sum = builder.reduce(Combine::Add, product, &axes);
        let sum = builder.convert(Element::F64, sum);
        total = builder.binary(Binary::Add, total, sum);
    }
    builder.finish(vec![Output { node: total, updates: None }])
}

/// Values like those of the float results, made by `next`.
pub fn weights(
    graph: &Graph,
    arguments: &[Value],
    mut next: impl FnMut() -> f64,
) -> Result<Vec<Value>, String> {
    let results = eval(graph, arguments)?;
    let floats = results.iter().filter(|value| value.element.is_float());
    Ok(floats.map(|value| like(value, &mut next)).collect())
}

/// A value of the same type, whose elements are made by `next`.
pub fn like(value: &Value, next: &mut impl FnMut() -> f64) -> Value {
    let numbers: Vec<f64> = value.data.iter().map(|_| next()).collect();
    Value::from_f64(value.element, &value.shape, &numbers)
}
