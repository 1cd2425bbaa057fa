//! Laws of `transform`: gradients against central differences, of every primitive and of every order that is asked for.

#![cfg(feature = "testing")]

mod common;

use common::{CASES, Numbers, agrees, check_case, check_verified};
use defn_codegen::arena::Arena;
use defn_codegen::graph::Callable;
use defn_codegen::graph::arbitrary::{
    Case, generate_differentiable, generate_differentiable_control,
};
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::parse::parse;
use defn_codegen::graph::{Element, Graph, TensorType, Unary};
use defn_codegen::program::Plan;
use defn_codegen::simplify::simplify;
use defn_codegen::testing::derivative::{
    flat, floats, gradient, gradient_by, weighted, with_tangents,
};

/// The step of a central difference that balances its two errors: h²·f‴/6 and ε·f/h.
const STEP: f64 = 6.1e-6;

/// Both errors are about ε^(2/3) then, times f‴ and f; functions in the tables keep these below three thousand.
const TOLERANCE: f64 = 3e3 * 3.7e-11;

fn first(graph: &Graph, arguments: &[Value]) -> f64 {
    eval(graph, arguments).unwrap_or_else(|what| panic!("{graph}\n{what}"))[0].to_f64()[0]
}

/// The partial derivatives of a function of one number, by central differences.
fn differences(graph: &Graph, arguments: &[Value], parameter: usize) -> Vec<f64> {
    let element = arguments[parameter].element;
    let numbers = arguments[parameter].to_f64();
    (0..numbers.len())
        .map(|position| {
            let [above, below] = [STEP, -STEP].map(|step| {
                let mut moved = numbers.clone();
                moved[position] += step;
                let mut arguments = arguments.to_vec();
                arguments[parameter] =
                    Value::from_f64(element, &arguments[parameter].shape, &moved);
                first(graph, &arguments)
            });
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

/// Compares the gradient of a function of one number with differences, before and after `simplify`; the gradient is answered.
fn check_gradient(name: &str, graph: &Graph, arguments: &[Value], wrt: &[usize]) -> Graph {
    let gradient = gradient(graph, wrt);
    let simple = simplify(gradient.clone());
    check_verified(&simple);
    assert_eq!(simplify(simple.clone()), simple, "{name}: not a fixed point\n{simple}");
    for (stage, result) in [("transform", &gradient), ("simplify", &simple)] {
        let computed = eval(result, arguments).unwrap_or_else(|what| panic!("{result}\n{what}"));
        for (value, parameter) in computed.iter().zip(wrt) {
            let expected = differences(graph, arguments, *parameter);
            for (found, expected) in value.to_f64().iter().zip(&expected) {
                let near = (found - expected).abs() <= TOLERANCE * (1.0 + expected.abs());
                assert!(
                    near,
                    "{name}, {stage}: {found}, by differences {expected}\n{graph}\n{result}\n{arguments:?}"
                );
            }
        }
    }
    gradient
}

/// Checks the gradient, and the gradient of the gradient, of all float results with respect to all `f64` parameters.
fn check(name: &str, text: &str, low: f64, high: f64) {
    check_at(name, text, |graph, numbers| numbers.arguments(graph, low, high));
}

fn check_at(name: &str, text: &str, arguments: impl Fn(&Graph, &mut Numbers) -> Vec<Value>) {
    let graph = parse(text).unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
    check_verified(&graph);
    let parameters = graph.parameters.iter().enumerate();
    let wrt: Vec<usize> = parameters
        .filter(|(_, parameter)| parameter.ty.element == Element::F64)
        .map(|(position, _)| position)
        .collect();
    let mut numbers = Numbers(0x5eed);
    let mut points = arguments(&graph, &mut numbers);
    let mut graph = weighted(graph);
    for _order in 1..=2 {
        let weights = numbers.arguments(&graph, 0.5, 1.5).split_off(points.len());
        points.extend(weights);
        let gradient = check_gradient(name, &graph, &points, &wrt);
        graph = weighted(gradient);
    }
}

#[test]
fn gradients_of_functions_of_one_element() {
    for unary in Unary::ALL {
        let (low, high) = match unary {
            // Nothing to differentiate; a slope that is not that of the function.
            Unary::Not | Unary::StopGrad => continue,
            Unary::Sqrt | Unary::Rsqrt | Unary::Cbrt | Unary::Log | Unary::Log2 => (0.5, 2.0),
            Unary::Asin | Unary::Acos | Unary::ErfInv => (-0.6, 0.6),
            Unary::Log1p => (-0.5, 2.0),
            Unary::Floor | Unary::Ceil => (1.1, 1.9),
            Unary::Round => (0.6, 1.4),
            _ => (-1.2, 1.2),
        };
        let word = unary.word();
        let text = format!("graph f(x: f64[3]) -> f64[3] {{ %0: f64[3] = {word} x return %0 }}");
        check(word, &text, low, high);
    }
}

#[test]
fn gradients_of_functions_of_two_elements() {
    for (word, low, high) in [
        ("add", -1.0, 1.0),
        ("sub", -1.0, 1.0),
        ("mul", -1.0, 1.0),
        ("div", 0.5, 2.0),
        ("rem", 0.5, 4.0),
        ("pow", 0.5, 2.0),
        ("atan2", 0.3, 1.0),
        ("max", -1.0, 1.0),
        ("min", -1.0, 1.0),
    ] {
        let text = format!(
            "graph f(x: f64[6], y: f64[6]) -> f64[6] {{ %0: f64[6] = {word} x, y return %0 }}"
        );
        check(word, &text, low, high);
        let text = format!("graph f(x: f64[6]) -> f64[6] {{ %0: f64[6] = {word} x, x return %0 }}");
        if !matches!(word, "max" | "min" | "rem") {
            check(word, &text, low, high);
        }
    }
}

/// A graph of one node `%0` behind parameters.
fn one_node(parameters: &str, result: &str, node: &str) -> String {
    format!(
        "graph f<n, m>({parameters}, size: f32[n, m] unused) -> {result} {{ %0: {result} = {node} return %0 }}"
    )
}

#[test]
fn gradients_of_movements() {
    for (parameters, result, node) in [
        ("x: f64[3], y: f64[3], c: bool[3]", "f64[3]", "select c, x, y"),
        ("x: f64[n]", "f64[m, n, 2]", "broadcast x axes=[1]"),
        ("x: f64", "f64[m]", "broadcast x axes=[]"),
        ("x: f64[n, m, 2]", "f64[2, n, m]", "transpose x permutation=[2, 0, 1]"),
        ("x: f64[n, m]", "f64[n*m]", "reshape x"),
        ("x: f64[n + 3, 4]", "f64[n, 2]", "slice x starts=[2, 1]"),
        ("x: f64[n], v: f64", "f64[n + 5]", "pad x, v low=[2] high=[3]"),
        ("x: f64[2, 3], v: f64", "f64[2, 4]", "pad x, v low=[0, 0] high=[0, 1]"),
        ("x: f64[n, m, 2]", "f64[n, m, 2]", "reverse x axes=[0, 2]"),
        ("x: f64[2*n + 5]", "f64[n, 3]", "window x strides=[2] axes=[0] dilations=[2]"),
        ("x: f64[n, 5]", "f64[n, 2, 3]", "window x strides=[1, 2] axes=[1] dilations=[1]"),
        ("x: f64[5]", "f64[2, 2, 2]", "window x strides=[1] axes=[0, 0] dilations=[1, 2]"),
        ("x: f64[n, 3]", "f64[n + 4]", "overlap_add x strides=[1] axes=[0] dilations=[2]"),
        ("x: f64[2, n]", "f64[3, 3*n]", "overlap_add x strides=[1, 3] axes=[] dilations=[]"),
        ("x: f64[2, n], y: f64[2, 2], z: f64[2, n]", "f64[2, 2*n + 2]", "concat x, y, z axis=1"),
        ("x: f64[n, 2], i: i64[5]", "f64[5, 2]", "take x, i batch=0"),
        ("x: f64[3, n, 2], i: i64[3, 2, 2]", "f64[3, 2, 2, 2]", "take x, i batch=1"),
        ("x: f64[n], i: i64", "f64", "take x, i batch=0"),
        ("x: f64[n, 2], i: i64[5], y: f64[5, 2]", "f64[n, 2]", "add_at x, i, y batch=0"),
        ("x: f64[2, n], i: i64[2, 5], y: f64[2, 5]", "f64[2, n]", "add_at x, i, y batch=1"),
        ("x: f64[0, 2], i: i64[5]", "f64[5, 2]", "take x, i batch=0"),
        ("x: f64[0, 2], i: i64[5], y: f64[5, 2]", "f64[0, 2]", "add_at x, i, y batch=0"),
    ] {
        check(node, &one_node(parameters, result, node), -1.0, 1.0);
    }
}

#[test]
fn gradients_of_sums_and_contractions() {
    for (parameters, result, node) in [
        ("x: f64[n, m, 2]", "f64[m]", "reduce.add x axes=[0, 2]"),
        ("x: f64[n, m, 2]", "f64[m]", "reduce.max x axes=[0, 2]"),
        ("x: f64[n, m, 2]", "f64[n, m]", "reduce.min x axes=[2]"),
        ("x: f64[n, m, 2]", "f64[n]", "reduce.mul x axes=[1, 2]"),
        ("x: f64[n, 0]", "f64[n]", "reduce.mul x axes=[1]"),
        ("x: f64[n, 0]", "f64[n]", "reduce.add x axes=[1]"),
        ("x: f64[n, 4], y: f64[m, 4]", "f64[n, m]", "contract x, y batch=0 contracted=1"),
        (
            "x: f64[2, n, 4, 2], y: f64[2, m, 4, 2]",
            "f64[2, n, m]",
            "contract x, y batch=1 contracted=2",
        ),
        (
            "x: f64[2, 4, 2], y: f64[2, m, 3, 4, 2]",
            "f64[2, m, 3]",
            "contract x, y batch=1 contracted=2",
        ),
        ("x: f64[2, n], y: f64[2, m]", "f64[2, n, m]", "contract x, y batch=1 contracted=0"),
        ("x: f64[n, m]", "f64[n]", "contract x, x batch=1 contracted=1"),
        ("x: f64[n]", "f64", "contract x, x batch=0 contracted=1"),
    ] {
        check(node, &one_node(parameters, result, node), -1.0, 1.0);
    }
}

#[test]
fn gradients_of_products_with_zeros() {
    let text = "graph f(x: f64[4]) -> f64 { %0: f64 = reduce.mul x axes=[0] return %0 }";
    for x in [
        [0.7, -1.3, 0.9, 1.1],
        [0.7, 0.0, 0.9, 1.1],
        [0.0, -1.3, 0.0, 1.1],
        [0.0, 0.0, 0.9, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ] {
        check_at("product with zeros", text, |_, _| vec![Value::from_f64(Element::F64, &[4], &x)]);
    }
}

/// The gradient at `x` of a function of vectors named `x` of three elements, with every weight one.
fn gradient_at(result: &str, x: [f64; 3], order: usize) -> Vec<f64> {
    let text = format!("graph f(x: f64[3]) -> f64 {{ {result} }}");
    let mut graph = parse(&text).expect("the text is a graph");
    let mut arguments = vec![Value::from_f64(Element::F64, &[3], &x)];
    for step in 0..order {
        if step > 0 {
            graph = weighted(graph);
            arguments.push(Value::from_f64(Element::F64, &[3], &[1.0; 3]));
        }
        graph = gradient(&graph, &[0]);
    }
    let plain = eval(&graph, &arguments).expect("the arguments fit");
    let simple = eval(&simplify(graph), &arguments).expect("the arguments fit");
    assert_eq!(plain, simple);
    plain[0].to_f64()
}

#[test]
fn ties_share_the_gradient() {
    let largest = "%0: f64 = reduce.max x axes=[0] return %0";
    assert_eq!(gradient_at(largest, [2.0, 1.0, 2.0], 1), [0.5, 0.0, 0.5]);
    let relu = "%0: f64 = constant 0.0 %1: f64[3] = broadcast %0 axes=[] \
                %2: f64[3] = max x, %1 %3: f64 = reduce.add %2 axes=[0] return %3";
    assert_eq!(gradient_at(relu, [-1.0, 0.0, 3.0], 1), [0.0, 0.5, 1.0]);
}

#[test]
fn powers_have_slopes_at_zero() {
    let power = |exponent: f64| {
        format!(
            "%0: f64 = constant {exponent:?} %1: f64[3] = broadcast %0 axes=[] \
             %2: f64[3] = pow x, %1 %3: f64 = reduce.add %2 axes=[0] return %3"
        )
    };
    assert_eq!(gradient_at(&power(0.0), [0.0, 1.0, -1.0], 1), [0.0, 0.0, 0.0]);
    assert_eq!(gradient_at(&power(1.0), [0.0, 2.0, -2.0], 1), [1.0, 1.0, 1.0]);
    assert_eq!(gradient_at(&power(2.0), [0.0, 2.0, -2.0], 1), [0.0, 4.0, -4.0]);
    assert_eq!(gradient_at(&power(2.0), [0.0, 2.0, -2.0], 2), [2.0, 2.0, 2.0]);
    assert_eq!(gradient_at(&power(1.0), [0.0, 2.0, -2.0], 2), [0.0, 0.0, 0.0]);
    assert_eq!(gradient_at(&power(3.0), [0.0, 2.0, -2.0], 3), [6.0, 6.0, 6.0]);
}

#[test]
fn what_does_not_move_has_gradients_of_zeros() {
    let text = "graph f(x: f64, i: i32[2], y: f32[2], b: bool) -> f64 { return x }";
    let graph = gradient(&parse(text).unwrap(), &[1, 2, 3, 0]);
    let types: Vec<Element> =
        graph.results.iter().map(|result| graph.element(result.node)).collect();
    assert_eq!(types, [Element::I32, Element::F32, Element::Bool, Element::F64]);
}

/// The gradient along a direction that moves every element, and the difference along it.
fn gradient_agrees(case: &Case) -> Result<(), String> {
    // Shrinking tries other results, which have no gradient.
    if *case.graph.ty(case.graph.results[0].node) != TensorType::scalar(Element::F64) {
        return Ok(());
    }
    let wrt = floats(&case.graph);
    let plain = gradient(&case.graph, &wrt);
    let simple = simplify(plain.clone());
    let gradients = Case { graph: plain, arguments: case.arguments.clone() };
    agrees(&gradients, &simple)?;
    let computed = eval(&simple, &case.arguments)?;

    let mut numbers = Numbers(3);
    let (mut found, mut size) = (0.0, 0.0);
    let mut moved = [case.arguments.clone(), case.arguments.clone()];
    let mut along = case.arguments.clone();
    for (value, parameter) in computed.iter().zip(&wrt) {
        let direction: Vec<f64> = value.data.iter().map(|_| numbers.next() - 0.5).collect();
        along.push(Value::from_f64(value.element, &value.shape, &direction));
        for (slope, step) in value.to_f64().iter().zip(&direction) {
            found += slope * step;
            size += (slope * step).abs();
        }
        for (arguments, sign) in moved.iter_mut().zip([STEP, -STEP]) {
            let argument = &mut arguments[*parameter];
            let places = argument.to_f64().into_iter().zip(&direction);
            let places: Vec<f64> = places.map(|(place, step)| place + sign * step).collect();
            *argument = Value::from_f64(argument.element, &argument.shape, &places);
        }
    }
    let forward = with_tangents(&case.graph, &wrt);
    let along = eval(&forward, &along)?[case.graph.results.len()].to_f64()[0];
    let same = (found - along).abs() <= SAME * (1.0 + size + along.abs());
    if !same && found.is_finite() && along.is_finite() {
        return Err(format!("{found} backward, {along} forward\n{simple}\n{forward}"));
    }
    let [above, below] = moved.map(|arguments| first(&case.graph, &arguments));
    let expected = (above - below) / (2.0 * STEP);
    let near = (found - expected).abs() <= ROUGH * (1.0 + expected.abs() + size + above.abs());
    if near || !expected.is_finite() {
        return Ok(());
    }
    Err(format!("{found}, by differences {expected}\n{simple}"))
}

/// Forward and backward are sums of the same products in another order: some thousand roundings.
const SAME: f64 = 1e4 * f64::EPSILON;

/// Random functions are steeper than those of the tables: a thousand times their tolerance.
const ROUGH: f64 = 1e3 * TOLERANCE;

#[test]
fn gradients_of_random_graphs() {
    for seed in 0..CASES / 4 {
        let case = generate_differentiable(seed, 2 + (seed % 12) as usize);
        check_case("gradient", seed, &case, gradient_agrees);
    }
}

/// The law for the gradient of the gradient.
fn second_gradient_agrees(case: &Case) -> Result<(), String> {
    if *case.graph.ty(case.graph.results[0].node) != TensorType::scalar(Element::F64) {
        return Ok(());
    }
    let first = weighted(gradient(&case.graph, &floats(&case.graph)));
    let mut arguments = case.arguments.clone();
    let weights = &first.parameters[arguments.len()..];
    for weight in weights {
        let shape = arguments
            .iter()
            .zip(&first.parameters)
            .find(|(_, parameter)| parameter.ty == weight.ty)
            .map(|(argument, _)| argument.shape.clone());
        let shape = shape.ok_or("a gradient of another type than all parameters")?;
        let size = shape.iter().product();
        arguments.push(Value::from_f64(weight.ty.element, &shape, &vec![1.0; size]));
    }
    gradient_agrees(&Case { graph: first, arguments })
}

#[test]
fn gradients_of_gradients_of_random_graphs() {
    for seed in 0..CASES / 10 {
        let case = generate_differentiable(seed, 2 + (seed % 6) as usize);
        check_case("gradient of the gradient", seed, &case, second_gradient_agrees);
    }
}

/// What a plan computes again is what would have been kept.
fn plans_agree(case: &Case) -> Result<(), String> {
    if *case.graph.ty(case.graph.results[0].node) != TensorType::scalar(Element::F64) {
        return Ok(());
    }
    let wrt = floats(&case.graph);
    let kept = eval(&gradient(&case.graph, &wrt), &case.arguments)?;
    let halvings = 1 + case.graph.nodes.len() as u32 % 2;
    let plan = Plan { halvings, segments: 3 };
    let planned = gradient_by(&case.graph, &wrt, plan);
    let simple = simplify(planned.clone());
    agrees(&Case { graph: planned, arguments: case.arguments.clone() }, &simple)?;
    for (found, kept) in eval(&simple, &case.arguments)?.iter().zip(&kept) {
        let (found, kept) = (found.to_f64(), kept.to_f64());
        let size = kept.iter().fold(1.0, |size: f64, it| size.max(it.abs()));
        let is_same = |(found, kept): (&f64, &f64)| {
            (found - kept).abs() <= SAME * size || !size.is_finite() || kept.is_nan()
        };
        if !found.iter().zip(&kept).all(is_same) {
            return Err(format!("{found:?} by {plan}, {kept:?} without\n{simple}"));
        }
    }
    Ok(())
}

#[test]
fn plans_for_random_bodies_change_no_gradient() {
    for seed in 0..CASES / 100 {
        let case = generate_differentiable_control(seed, 2 + (seed % 6) as usize);
        check_case("gradient by a plan", seed, &case, plans_agree);
    }
}

#[test]
fn gradients_of_tangents_of_random_graphs() {
    for seed in 0..CASES / 20 {
        let case = generate_differentiable_control(seed, 2 + (seed % 4) as usize);
        check_case("gradient of the tangent", seed, &case, |case| {
            if *case.graph.ty(case.graph.results[0].node) != TensorType::scalar(Element::F64) {
                return Ok(());
            }
            let wrt = floats(&case.graph);
            let mut graph = with_tangents(&case.graph, &wrt);
            graph.results.remove(0);
            let mut arguments = case.arguments.clone();
            let tangents = wrt.iter().map(|position| case.arguments[*position].clone());
            arguments.extend(tangents);
            gradient_agrees(&Case { graph, arguments })
        });
    }
}

/// Loops inside of loops, around one function.
fn nested(depth: usize) -> Graph {
    let around = |inner: String, _: usize| {
        format!(
            "%0: (f64) = repeat s times=2 state=1 sequences=0 {{
               graph body(i: i64 unused, s: f64) -> f64 {{ {inner} }}
             }}
             %1: f64 = project %0 index=0
             return %1"
        )
    };
    let inner = (0..depth).fold("%0: f64 = sin s return %0".to_owned(), around);
    parse(&format!("graph f(s: f64) -> f64 {{ {inner} }}")).expect("the text is a graph")
}

/// Whatever looks at the bodies inside of a body twice, looks 2³⁰ times at the innermost of thirty.
#[test]
fn bodies_inside_of_bodies_are_looked_at_once() {
    let graph = nested(30);
    let mut functions = Arena::default();
    let of = Box::new(Callable::Function(functions.push(graph.clone())));
    for graph in [
        gradient(&graph, &[0]),
        with_tangents(&graph, &[0]),
        flat(&functions, &Callable::Map { of, mapped: vec![0] }),
    ] {
        let simple = simplify(graph);
        check_verified(&simple);
        assert_eq!(simplify(simple.clone()), simple);
    }
}
