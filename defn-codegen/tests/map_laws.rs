//! Laws of `transform`: a function mapped over an axis against a loop over its evaluations.

#![cfg(feature = "testing")]

mod common;

use common::{CASES, Numbers, agrees, check_case, check_verified};
use defn_codegen::arena::Arena;
use defn_codegen::graph::Callable;
use defn_codegen::graph::arbitrary::{Case, Random, generate, generate_control};
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::parse::parse;
use defn_codegen::simplify::simplify;
use defn_codegen::testing::batch::{arguments, chosen, stack};
use defn_codegen::testing::derivative::flat;

fn same(left: &Value, right: &Value) -> bool {
    let equal = |position: usize| {
        let (left, right) = (left.scalar(position), right.scalar(position));
        let both_nan = left.element.is_float() && left.to_f64().is_nan() && right.to_f64().is_nan();
        left == right || both_nan
    };
    left.shape == right.shape && (0..left.data.len()).all(equal)
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
