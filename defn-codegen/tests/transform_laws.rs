//! Laws of `transform` and `simplify`: gradients against central differences, of every primitive and of every order that is asked for.

#![cfg(feature = "testing")]

use defn_codegen::arena::Arena;
use defn_codegen::graph::arbitrary::{Case, generate, generate_differentiable, shrink};
use defn_codegen::graph::bounds::bounds;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::parse::{self, parse};
use defn_codegen::graph::verify::verify;
use defn_codegen::graph::{Binary, Combine, Element, Graph, NodeId, Op, Output, Unary};
use defn_codegen::program::{Callable, Program};
use defn_codegen::simplify::simplify;
use defn_codegen::text::Cursor;
use defn_codegen::transform::transform;

/// The step of a central difference that balances its two errors: h²·f‴/6 and ε·f/h.
const STEP: f64 = 6.1e-6;

/// Both errors are about ε^(2/3) then, times f‴ and f; functions in the tables keep these below three thousand.
const TOLERANCE: f64 = 3e3 * 3.7e-11;

/// A sequence of numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An argument for each parameter: floats between the bounds, integers from −2 to 5.
    fn arguments(&mut self, graph: &Graph, low: f64, high: f64) -> Vec<Value> {
        let arguments = graph.parameters.iter().map(|parameter| {
            let shape: Vec<usize> =
                parameter.ty.shape.iter().map(|dim| dim.evaluate(&[3, 4, 2, 3]) as usize).collect();
            let element = parameter.ty.element;
            let numbers: Vec<f64> = (0..shape.iter().product())
                .map(|_| match element {
                    Element::Bool => (self.next() * 2.0).floor(),
                    _ if element.is_float() => low + (high - low) * self.next(),
                    _ => (self.next() * 8.0).floor() - 2.0,
                })
                .collect();
            Value::from_f64(element, &shape, &numbers)
        });
        arguments.collect()
    }
}

fn check_verified(graph: &Graph) {
    if let Err(faults) = verify(graph) {
        panic!("{graph}\n{faults:?}");
    }
}

/// The gradient of the first result with respect to every parameter of `wrt`.
fn gradient(graph: &Graph, wrt: &[usize]) -> Graph {
    let mut functions = Arena::default();
    let function = functions.push(graph.clone());
    let of = Box::new(Callable::Function(function));
    let entry = Some(Callable::Gradient { of, wrt: wrt.to_vec(), value: false });
    let graph = transform(&Program { functions, entry });
    check_verified(&graph);
    graph
}

/// A function of one number: all float results, each element times a weight of its own.
fn weighted(graph: Graph) -> Graph {
    let results: Vec<NodeId> = graph.results.iter().map(|result| result.node).collect();
    let mut builder = Builder::resume(graph);
    let mut total = builder.number(Element::F64, 0.0);
    for (position, result) in results.into_iter().enumerate() {
        let ty = builder.ty(result).clone();
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
            Unary::Not => continue,
            Unary::Sqrt | Unary::Rsqrt | Unary::Cbrt | Unary::Log | Unary::Log2 => (0.5, 2.0),
            Unary::Asin | Unary::Acos => (-0.6, 0.6),
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
    let mut graph = parse(&text).unwrap();
    let mut arguments = vec![Value::from_f64(Element::F64, &[3], &x)];
    for step in 0..order {
        if step > 0 {
            graph = weighted(graph);
            arguments.push(Value::from_f64(Element::F64, &[3], &[1.0; 3]));
        }
        graph = gradient(&graph, &[0]);
    }
    let plain = eval(&graph, &arguments).unwrap();
    let simple = eval(&simplify(graph), &arguments).unwrap();
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

/// Every graph of the file tests of a stage.
fn file_tests(stage: &str) -> Vec<(String, Vec<Graph>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests").join(stage);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let graphs = files.into_iter().map(|file| {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(';'));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut cursor = Cursor::new(&text);
        let mut graphs = Vec::new();
        while cursor.end().is_err() {
            graphs.push(
                parse::graph(&mut cursor)
                    .unwrap_or_else(|error| panic!("{}: {error:?}", file.display())),
            );
        }
        (file.display().to_string(), graphs)
    });
    graphs.collect()
}

/// Arguments in which every float is one that some law of the real numbers is wrong of.
/// Products of three are finite: where rounding overflows, a contraction that does not round is right to differ.
fn special_arguments(graph: &Graph, numbers: &mut Numbers) -> Option<Vec<Value>> {
    const SPECIAL: [f64; 10] =
        [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-45, 2.5, -1e12];
    let arguments = graph.parameters.iter().map(|parameter| {
        let shape: Option<Vec<usize>> = parameter
            .ty
            .shape
            .iter()
            .map(|dim| usize::try_from(dim.evaluate(&[2, 3, 1, 2])).ok())
            .collect();
        let shape = shape?;
        let values: Vec<f64> = (0..shape.iter().product())
            .map(|_| SPECIAL[(numbers.next() * SPECIAL.len() as f64) as usize])
            .collect();
        Some(Value::from_f64(parameter.ty.element, &shape, &values))
    });
    arguments.collect()
}

fn make_finite(value: &mut Value) {
    let finite = |number: f64| if number.is_finite() { number } else { 0.75 };
    let numbers: Vec<f64> = value.to_f64().into_iter().map(finite).collect();
    *value = Value::from_f64(value.element, &value.shape, &numbers);
}

fn contractions(graph: &Graph) -> usize {
    graph.nodes.iter().filter(|(_, node)| matches!(node.op, Op::Contract { .. })).count()
}

fn same_bits(left: &Value, right: &Value) -> bool {
    let equal = |position: usize| {
        let (left, right) = (left.scalar(position), right.scalar(position));
        let both_nan = left.element.is_float() && left.to_f64().is_nan() && right.to_f64().is_nan();
        left == right || both_nan
    };
    left.shape == right.shape && (0..left.data.len()).all(equal)
}

/// Holds the results of a simplified graph against the original: bit for bit, but for what became a contraction or stopped to be one.
fn check_simplified(graph: &Graph, arguments: &[Value]) {
    let simple = simplify(graph.clone());
    check_verified(&simple);
    assert_eq!(simplify(simple.clone()), simple, "not a fixed point\n{simple}");
    let (Ok(expected), Ok(found)) = (eval(graph, arguments), eval(&simple, arguments)) else {
        assert_eq!(eval(graph, arguments), eval(&simple, arguments), "{graph}\n{simple}");
        return;
    };
    let exact = contractions(&simple) + contractions(graph) == 0;
    if exact {
        for (expected, found) in expected.iter().zip(&found) {
            assert!(
                same_bits(expected, found),
                "{expected} became {found}\n{graph}\n{simple}\n{arguments:?}"
            );
        }
        return;
    }
    let bounds = bounds(graph, arguments).unwrap();
    for (bounded, found) in bounds.iter().zip(&found) {
        if let Err(mismatch) = bounded.admits(found) {
            panic!("{mismatch:?}\n{graph}\n{simple}\n{arguments:?}");
        }
    }
}

#[test]
fn simplify_changes_no_bit_of_special_values() {
    let mut numbers = Numbers(1);
    for (_, graphs) in file_tests("simplify") {
        for _draw in 0..50 {
            let Some(mut arguments) = special_arguments(&graphs[0], &mut numbers) else { continue };
            // Of three factors two are summed first, which is the same sum only of finite numbers.
            if contractions(&simplify(graphs[0].clone())) > 1 {
                arguments.iter_mut().for_each(make_finite);
            }
            check_simplified(&graphs[0], &arguments);
        }
    }
}

#[test]
fn transformed_file_tests_simplify() {
    let mut numbers = Numbers(2);
    for (file, graphs) in file_tests("transform") {
        let mut functions = Arena::default();
        let ids: Vec<_> = graphs.into_iter().map(|graph| functions.push(graph)).collect();
        let entry = ids.last().map(|last| Callable::Function(*last));
        let graph = transform(&Program { functions, entry });
        check_verified(&graph);
        let is_call = |op: &Op| matches!(op, Op::Call { .. } | Op::Project(_));
        assert!(graph.nodes.iter().all(|(_, node)| !is_call(&node.op)), "{file}");
        for _draw in 0..20 {
            check_simplified(&graph, &numbers.arguments(&graph, 0.2, 0.9));
        }
    }
}

/// How many random graphs each law is tried on.
const CASES: u64 = 2000;

/// Panics with the smallest graph on which the law fails.
fn check_case(law: &str, seed: u64, case: &Case, holds: impl Fn(&Case) -> Result<(), String>) {
    let Err(first) = holds(case) else { return };
    let small = shrink(case, |case| holds(case).is_err());
    let why = holds(&small).err().unwrap_or(first);
    let arguments: Vec<String> = small.arguments.iter().map(Value::to_string).collect();
    panic!("{law}, seed {seed}: {why}\n{}\nof ({})", small.graph, arguments.join(", "));
}

/// Whether another graph computes the same: within what a right implementation of the original may give.
fn agrees(case: &Case, other: &Graph) -> Result<(), String> {
    verify(other).map_err(|faults| format!("{faults:?}\n{other}"))?;
    let expected = bounds(&case.graph, &case.arguments)?;
    let found = eval(other, &case.arguments)?;
    for (bounded, value) in expected.iter().zip(&found) {
        bounded.admits(value).map_err(|mismatch| format!("{mismatch}\n{other}"))?;
    }
    if contractions(other) + contractions(&case.graph) > 0 {
        return Ok(());
    }
    let exact = eval(&case.graph, &case.arguments)?;
    for (expected, value) in exact.iter().zip(&found) {
        if !same_bits(expected, value) {
            return Err(format!("{expected} became {value}\n{other}"));
        }
    }
    Ok(())
}

#[test]
fn simplify_keeps_what_random_graphs_compute() {
    for seed in 0..CASES {
        let case = generate(seed, 3 + (seed % 30) as usize);
        check_case("simplify", seed, &case, |case| {
            let simple = simplify(case.graph.clone());
            agrees(case, &simple)?;
            let again = simplify(simple.clone());
            if again == simple {
                return Ok(());
            }
            Err(format!("no fixed point:\n{simple}{again}"))
        });
    }
}

/// Every float parameter of a random differentiable graph.
fn floats(graph: &Graph) -> Vec<usize> {
    let parameters = graph.parameters.iter().enumerate();
    let float = parameters.filter(|(_, parameter)| parameter.ty.element.is_float());
    float.map(|(position, _)| position).collect()
}

/// Differences and the gradient at one point, for the law below; differences that disagree with themselves at another step say nothing.
fn gradient_agrees(case: &Case) -> Result<(), String> {
    let wrt = floats(&case.graph);
    let plain = gradient(&case.graph, &wrt);
    let simple = simplify(plain.clone());
    let gradients = Case { graph: plain, arguments: case.arguments.clone() };
    agrees(&gradients, &simple)?;
    let computed = eval(&simple, &case.arguments)?;
    for (value, parameter) in computed.iter().zip(&wrt) {
        let expected = differences(&case.graph, &case.arguments, *parameter);
        for (found, expected) in value.to_f64().iter().zip(&expected) {
            let near = (found - expected).abs() <= ROUGH * (1.0 + expected.abs() + found.abs());
            if !near && expected.is_finite() {
                return Err(format!("{found}, by differences {expected}\n{simple}"));
            }
        }
    }
    Ok(())
}

/// Random functions are steeper than those of the tables: a thousand times their tolerance.
const ROUGH: f64 = 1e3 * TOLERANCE;

#[test]
fn gradients_of_random_graphs() {
    for seed in 0..CASES / 4 {
        let case = generate_differentiable(seed, 2 + (seed % 12) as usize);
        check_case("gradient", seed, &case, gradient_agrees);
    }
}

#[test]
fn gradients_of_gradients_of_random_graphs() {
    for seed in 0..CASES / 10 {
        let case = generate_differentiable(seed, 2 + (seed % 6) as usize);
        check_case("gradient of the gradient", seed, &case, |case| {
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
        });
    }
}
