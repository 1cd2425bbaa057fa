//! Laws of `transform`: a function mapped over an axis against a loop over its evaluations, and against its derivatives.

#![cfg(feature = "testing")]

mod common;

use common::{CASES, Numbers, agrees, check_case, check_verified};
use defn_codegen::arena::Arena;
use defn_codegen::graph::arbitrary::{
    Case, Random, generate, generate_control, generate_differentiable,
    generate_differentiable_control,
};
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::parse::parse;
use defn_codegen::graph::{
    Binary, Callable, Combine, Dim, Element, Graph, Output, Symbol, TensorType,
};
use defn_codegen::program::Program;
use defn_codegen::simplify::simplify;
use defn_codegen::transform::transform;

fn flat(functions: &Arena<Graph>, entry: &Callable) -> Graph {
    let program =
        Program { functions: functions.clone(), entry: Some(entry.clone()), ..Program::default() };
    let graph = transform(&program);
    check_verified(&graph);
    let parameters: Vec<TensorType> =
        graph.parameters.iter().map(|parameter| parameter.ty.clone()).collect();
    let results: Vec<TensorType> =
        graph.results.iter().map(|result| graph.ty(result.node).clone()).collect();
    assert_eq!(program.parameter_types(entry), parameters);
    assert_eq!(program.result_types(entry), results);
    graph
}

/// The bits of one element of a mapped argument: like those of the given one, but others for each position.
fn bits(element: Element, bits: u64, position: usize) -> u64 {
    let value = Value::from_bits(element, &[], vec![bits]);
    let step = position as f64;
    match element {
        Element::Bool => (bits + position as u64) % 2,
        Element::F64 | Element::F32 => {
            Value::number(element, value.to_f64()[0] * (1.0 - 0.75 * step)).data[0]
        }
        Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 => {
            let number = value.to_i64()[0].wrapping_add(position as i64);
            Value::from_i64(element, &[], &[number]).data[0]
        }
    }
}

/// What is passed for one position of the mapped axis: elements in another order, and with other values.
fn element(argument: &Value, position: usize) -> Value {
    let mut data = argument.data.clone();
    let by = position % data.len().max(1);
    data.rotate_left(by);
    let data = data.into_iter().map(|it| bits(argument.element, it, position)).collect();
    Value::from_bits(argument.element, &argument.shape, data)
}

/// One behind the other along a new first axis; `like` says what each looks like.
fn stack(values: &[&Value], like: &Value) -> Value {
    let shape = [&[values.len()], like.shape.as_slice()].concat();
    Value::from_bits(like.element, &shape, values.iter().flat_map(|it| it.data.clone()).collect())
}

/// Arguments for each position of the mapped axis, and all of them together.
fn arguments(case: &Case, mapped: &[usize], extent: usize) -> (Vec<Vec<Value>>, Vec<Value>) {
    let each: Vec<Vec<Value>> = (0..extent)
        .map(|position| {
            let mut arguments = case.arguments.clone();
            mapped.iter().for_each(|it| arguments[*it] = element(&arguments[*it], position));
            arguments
        })
        .collect();
    let mut together = case.arguments.clone();
    for leaf in mapped {
        let values: Vec<&Value> = each.iter().map(|arguments| &arguments[*leaf]).collect();
        together[*leaf] = stack(&values, &case.arguments[*leaf]);
    }
    (each, together)
}

fn same(left: &Value, right: &Value) -> bool {
    let equal = |position: usize| {
        let (left, right) = (left.scalar(position), right.scalar(position));
        let both_nan = left.element.is_float() && left.to_f64().is_nan() && right.to_f64().is_nan();
        left == right || both_nan
    };
    left.shape == right.shape && (0..left.data.len()).all(equal)
}

/// The parameters that may be mapped, of which `choice` takes some, but at least one.
fn chosen(graph: &Graph, choice: u64) -> Vec<usize> {
    let parameters = graph.parameters.iter().enumerate();
    let all: Vec<usize> = parameters
        .filter(|(_, parameter)| parameter.symbol.is_none())
        .map(|(position, _)| position)
        .collect();
    let some: Vec<usize> =
        all.iter().enumerate().filter(|(it, _)| choice >> it & 1 == 1).map(|(_, it)| *it).collect();
    if some.is_empty() { all } else { some }
}

/// Every position of a result is what the function alone gives for its arguments, before and after `simplify`.
fn map_agrees(case: &Case, choice: u64, extent: usize) -> Result<(), String> {
    let mapped = chosen(&case.graph, choice);
    if mapped.is_empty() {
        return Ok(());
    }
    let (each, together) = arguments(case, &mapped, extent);
    let mut functions = Arena::default();
    let of = Box::new(Callable::Function(functions.push(case.graph.clone())));
    let graph = flat(&functions, &Callable::Map { of, mapped });
    let found = eval(&graph, &together).map_err(|what| format!("{what}\n{graph}"))?;
    let like = eval(&case.graph, &case.arguments)?;
    let expected: Vec<Vec<Value>> =
        each.iter().map(|arguments| eval(&case.graph, arguments)).collect::<Result<_, _>>()?;
    for (position, found) in found.iter().enumerate() {
        let values: Vec<&Value> = expected.iter().map(|results| &results[position]).collect();
        let expected = stack(&values, &like[position]);
        if !same(found, &expected) {
            return Err(format!("result {position} is {found}, alone {expected}\n{graph}"));
        }
    }
    let simple = simplify(graph.clone());
    agrees(&Case { graph, arguments: together }, &simple)
}

/// Every subset of the parameters, for extents of three, one and nothing.
fn check(text: &str) {
    let graph = parse(text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    check_verified(&graph);
    let arguments = Numbers(0x5eed).arguments(&graph, -2.0, 2.0);
    let subsets = 1 << graph.parameters.len();
    let case = Case { graph, arguments };
    for choice in 1..subsets {
        for extent in [3, 1, 0] {
            let holds = map_agrees(&case, choice, extent);
            holds.unwrap_or_else(|why| panic!("{text}, {choice:b}, {extent}: {why}"));
        }
    }
}

/// A graph of one node `%0` behind parameters.
fn check_node(parameters: &str, result: &str, node: &str) {
    check(&format!(
        "graph f<n, m>({parameters}, size: f32[n, m] unused) -> {result} {{ %0: {result} = {node} return %0 }}"
    ));
}

#[test]
fn maps_of_every_primitive() {
    for (parameters, result, node) in [
        ("x: f64[n]", "f64[n]", "sin x"),
        ("x: f64[n], y: f64[n]", "f64[n]", "mul x, y"),
        ("x: f64, y: f64", "bool", "lt x, y"),
        ("c: bool[3], x: f64[3], y: f64[3]", "f64[3]", "select c, x, y"),
        ("x: f64[n]", "i32[n]", "convert x"),
        ("x: f64[n]", "f64[m, n, 2]", "broadcast x axes=[1]"),
        ("x: f64[n, m, 2]", "f64[2, n, m]", "transpose x permutation=[2, 0, 1]"),
        ("x: f64[n, m]", "f64[n*m]", "reshape x"),
        ("x: f64[n + 3, 4]", "f64[n, 2]", "slice x starts=[2, 1]"),
        ("x: f64[n], v: f64", "f64[n + 5]", "pad x, v low=[2] high=[3]"),
        ("x: bool[2, 3], v: bool", "bool[2, 4]", "pad x, v low=[0, 0] high=[0, 1]"),
        ("x: f64[n, m, 2]", "f64[n, m, 2]", "reverse x axes=[0, 2]"),
        ("x: f64[2*n + 5]", "f64[n, 3]", "window x strides=[2] axes=[0] dilations=[2]"),
        ("x: f64[5]", "f64[2, 2, 2]", "window x strides=[1] axes=[0, 0] dilations=[1, 2]"),
        ("x: f64[n, 3]", "f64[n + 4]", "overlap_add x strides=[1] axes=[0] dilations=[2]"),
        ("x: f64[2, n]", "f64[3, 3*n]", "overlap_add x strides=[1, 3] axes=[] dilations=[]"),
        ("x: f64[2, n], y: f64[2, 2], z: f64[2, n]", "f64[2, 2*n + 2]", "concat x, y, z axis=1"),
        ("x: f64[n, 2], i: i64[5]", "f64[5, 2]", "take x, i batch=0"),
        ("x: f64[3, n, 2], i: i64[3, 2, 2]", "f64[3, 2, 2, 2]", "take x, i batch=1"),
        ("x: f64[n], i: i64", "f64", "take x, i batch=0"),
        ("x: f64[0, 2], i: i64[5]", "f64[5, 2]", "take x, i batch=0"),
        ("x: f64[n, 2], i: i64[5], y: f64[5, 2]", "f64[n, 2]", "add_at x, i, y batch=0"),
        ("x: f64[2, n], i: i64[2, 5], y: f64[2, 5]", "f64[2, n]", "add_at x, i, y batch=1"),
        ("x: f64[n, m]", "f64[n, m]", "scan.add x axis=0 reverse"),
        ("x: f64[n, m]", "f64[n, m]", "sort x axis=1 descending"),
        ("x: f64[n, 4]", "i64[n, 2]", "argsort x axis=1 count=2"),
        ("x: f64[n, m, 2]", "f64[m]", "reduce.max x axes=[0, 2]"),
        ("x: f64[n, 0]", "f64[n]", "reduce.mul x axes=[1]"),
        ("x: f64[n, 4], y: f64[m, 4]", "f64[n, m]", "contract x, y batch=0 contracted=1"),
        (
            "x: f64[2, n, 4], y: f64[2, m, 3, 4]",
            "f64[2, n, m, 3]",
            "contract x, y batch=1 contracted=1",
        ),
        ("x: f64[n], y: f64[m]", "f64[n, m]", "contract x, y batch=0 contracted=0"),
        ("x: f64[n], y: f64[n]", "f64", "contract x, y batch=0 contracted=1"),
    ] {
        check_node(parameters, result, node);
    }
}

/// A loop that never ends where `x` is negative, which is asked only where it is not, and once more in a loop over its result.
#[test]
fn a_loop_that_is_not_wanted_does_not_run() {
    check(
        "graph f(x: f64, y: f64) -> f64 {
          %0: f64 = constant 0.0
          %1: bool = ge x, %0
          %2: (f64) = branch %1, x, y {
            graph then(x: f64, y: f64 unused) -> f64 {
              %0: (f64) = repeat x, x times=while state=1 sequences=0 {
                graph condition(i: i64 unused, s: f64, x: f64 unused) -> bool {
                  %0: f64 = constant 9.0
                  %1: bool = lt s, %0
                  return %1
                }
                graph body(i: i64, s: f64, x: f64) -> f64 {
                  %0: f64 = convert i
                  %1: f64 = constant 1.5
                  %2: f64 = add x, %1
                  %3: f64 = add %2, %0
                  %4: (f64) = repeat s, %3 times=while state=1 sequences=0 {
                    graph condition(i: i64 unused, s: f64, x: f64) -> bool {
                      %0: bool = ne s, x
                      return %0
                    }
                    graph body(i: i64 unused, s: f64 unused, x: f64) -> f64 {
                      return x
                    }
                  }
                  %5: f64 = project %4 index=0
                  return %5
                }
              }
              %1: f64 = project %0 index=0
              return %1
            }
            graph otherwise(x: f64, y: f64) -> f64 {
              %0: (f64) = repeat y, x times=while state=1 sequences=0 {
                graph condition(i: i64 unused, s: f64 unused, x: f64) -> bool {
                  %0: f64 = constant 0.0
                  %1: bool = ge x, %0
                  return %1
                }
                graph body(i: i64 unused, s: f64, x: f64) -> f64 {
                  %0: f64 = add s, x
                  return %0
                }
              }
              %1: f64 = project %0 index=0
              return %1
            }
          }
          %3: f64 = project %2 index=0
          return %3
        }",
    );
}

#[test]
fn maps_of_random_graphs() {
    for seed in 0..CASES {
        let case = generate(seed, 2 + (seed % 14) as usize);
        let choice = Random::new(seed).bits();
        let extent = [3, 1, 3, 0][(seed % 4) as usize];
        check_case("map", seed, &case, |case| map_agrees(case, choice, extent));
    }
}

#[test]
fn maps_of_random_bodies() {
    for seed in 0..CASES / 2 {
        let case = generate_control(seed, 2 + (seed % 9) as usize);
        let choice = Random::new(seed).bits();
        let extent = [3, 1, 3, 0][(seed % 4) as usize];
        check_case("map of bodies", seed, &case, |case| map_agrees(case, choice, extent));
    }
}

/// All results of a map of all parameters, added up.
fn total(function: &Graph, functions: &mut Arena<Graph>) -> Graph {
    let of = Callable::Function(functions.push(function.clone()));
    let mapped: Vec<usize> = chosen(function, u64::MAX);
    let callee = Callable::Map { of: Box::new(of), mapped };
    let program = Program { functions: functions.clone(), entry: None, ..Program::default() };
    let mut b = Builder::new("total");
    for name in &function.symbols {
        b.symbol(name);
    }
    let extent = b.symbol("batch");
    let types = program.parameter_types(&callee);
    let mut operands = Vec::new();
    for (ty, parameter) in types.into_iter().zip(&function.parameters) {
        operands.push(match parameter.symbol {
            Some(symbol) => b.extent_parameter(&parameter.name, symbol),
            None => b.parameter(&parameter.name, ty),
        });
    }
    let symbols = (0..=extent.0).map(|it| Dim::from(Symbol(it))).collect();
    let results = b.call(callee.clone(), symbols, &operands, program.result_types(&callee));
    let mut sum = b.number(Element::F64, 0.0);
    for result in results {
        let axes: Vec<usize> = (0..b.ty(result).rank()).collect();
        let part = b.reduce(Combine::Add, result, &axes);
        sum = b.binary(Binary::Add, sum, part);
    }
    b.finish(vec![Output { node: sum, updates: None }])
}

/// The gradient of a sum over a map, and the map of the gradient.
fn derivative_agrees(case: &Case) -> Result<(), String> {
    if case.graph.results.len() != 1
        || *case.graph.ty(case.graph.results[0].node) != TensorType::scalar(Element::F64)
    {
        return Ok(());
    }
    let mapped = chosen(&case.graph, u64::MAX);
    let wrt: Vec<usize> = mapped
        .iter()
        .copied()
        .filter(|it| case.graph.parameters[*it].ty.element.is_float())
        .collect();
    let (_, together) = arguments(case, &mapped, 3);
    let mut functions = Arena::default();
    let total = total(&case.graph, &mut functions);
    let of = Box::new(Callable::Function(functions.ids().next().expect("one function")));
    let gradient = Box::new(Callable::Gradient { of, wrt: wrt.clone(), value: false });
    let map_of_gradient = flat(&functions, &Callable::Map { of: gradient, mapped });
    let of = Box::new(Callable::Function(functions.push(total)));
    let gradient_of_map = flat(&functions, &Callable::Gradient { of, wrt, value: false });
    let expected = eval(&map_of_gradient, &together)?;
    let found = eval(&gradient_of_map, &together)?;
    for (found, expected) in found.iter().zip(&expected) {
        let pairs = found.to_f64().into_iter().zip(expected.to_f64());
        for (left, right) in pairs.filter(|(_, right)| right.is_finite()) {
            if (left - right).abs() > 1e-9 * (1.0 + right.abs()) {
                return Err(format!("{found}, mapped {expected}\n{gradient_of_map}"));
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_of_maps_are_maps_of_gradients() {
    for seed in 0..CASES / 4 {
        let case = generate_differentiable(seed, 2 + (seed % 9) as usize);
        check_case("gradient of a map", seed, &case, derivative_agrees);
        let case = generate_differentiable_control(seed, 2 + (seed % 6) as usize);
        check_case("gradient of a map", seed, &case, derivative_agrees);
    }
}
