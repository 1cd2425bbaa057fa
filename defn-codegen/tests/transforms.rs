//! Every operation under every transform: the page `docs/transforms.md` is what this test ran.
//!
//! In: the rows of [`rows`].   Out: the page, a cell for each operation and transform, or the first cell that does not hold.
//!
//! A slope is compared with central differences in `f64`, forward, backward and of the gradient; so is the slope of the operation in the body
//! of a loop or a branch. What is mapped is compared with each position alone, on every element type that the operation takes.
//! Programs of every row also run as machine code, which must give what the evaluator gives.
//! `BLESS=1` writes the page.

#![cfg(feature = "testing")]
#![expect(clippy::result_large_err, reason = "a mistake is what the library answers")]

#[path = "transforms/bodies.rs"]
mod bodies;
#[path = "transforms/rows.rs"]
mod rows;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use bodies::{Control, TIMES, summed, values};
use defn_codegen::arena::Arena;
use defn_codegen::graph::arbitrary::{Case, Random};
use defn_codegen::graph::bounds::bounds;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::verify::verify;
use defn_codegen::graph::{
    Binary, Callable, Comparison, Dim, Element, Graph, Op, Output, TensorType, Unary,
};
use defn_codegen::library::{self, Tensor};
use defn_codegen::simplify::simplify;
use defn_codegen::testing::batch;
use defn_codegen::testing::calculus::{Derivatives, Maps, Verdict};
use defn_codegen::testing::check;
use defn_codegen::testing::derivative::{flat, floats, weights, with_tangents};
use rows::{Group, Kind, Row, Slope, groups};

/// The page, from the folder of this package.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/transforms.md");

/// What stands above the tables.
const HEAD: &str = include_str!("transforms/head.md");

const COLUMNS: [&str; 9] = [
    "`jvp`",
    "`vjp`",
    "`grad` of `grad`",
    "`vmap`",
    "`vmap` of `grad`",
    "`grad` of `vmap`",
    "in `for`",
    "in `while`",
    "in `if`",
];

#[test]
fn the_page_is_what_runs() {
    let groups = groups();
    let rows: Vec<&Row> = groups.iter().flat_map(|group| &group.rows).collect();
    let lines = in_parallel(&rows, line);
    let failures: Vec<&String> = lines.iter().filter_map(|line| line.as_ref().err()).collect();
    assert!(failures.is_empty(), "{} rows fail; the first:\n{}", failures.len(), failures[0]);
    let page = page(&groups, lines.into_iter().flatten());
    if env::var_os("BLESS").is_some() {
        fs::write(PAGE, &page).expect("the page can be written");
        return;
    }
    let found = fs::read_to_string(PAGE).unwrap_or_default();
    let differs = page.lines().zip(found.lines()).find(|(new, old)| new != old);
    assert!(page == found, "`docs/transforms.md` differs (BLESS=1 rewrites it): {differs:?}");
}

/// Every function of one and of two elements is part of some operation.
#[test]
fn every_primitive_function_is_in_a_row() {
    let mut seen = BTreeSet::new();
    for row in groups().iter().flat_map(|group| &group.rows) {
        for element in [Element::F64, Element::I64] {
            let Ok((graph, _)) = built(row, 0, element) else { continue };
            seen.extend(graph.nodes.iter().map(|(_, node)| node.op.clone()));
        }
    }
    let unary = Unary::ALL.iter().map(|it| Op::Unary(*it));
    let binary = Binary::ALL.iter().map(|it| Op::Binary(*it));
    let comparison = Comparison::ALL.iter().map(|it| Op::Compare(*it));
    let missing: Vec<Op> =
        unary.chain(binary).chain(comparison).filter(|op| !seen.contains(op)).collect();
    assert_eq!(missing, []);
}

/// What `run` makes of each item, in their order, on every core.
fn in_parallel<T: Sync, R: Send>(items: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(position) else { return done };
            done.push((position, run(item)));
        }
    };
    let mut all: Vec<(usize, R)> = thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no row panics")).collect()
    });
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, result)| result).collect()
}

fn page(groups: &[Group], lines: impl Iterator<Item = String>) -> String {
    let mut page = HEAD.to_owned();
    let mut lines = lines;
    for Group { title, rows } in groups {
        let columns = COLUMNS.join(" | ");
        let _ = write!(
            page,
            "\n## {title}\n\n| operation | written | {columns} | elements | because |\n|---|---|{}---|---|\n",
            "---|".repeat(COLUMNS.len())
        );
        for line in lines.by_ref().take(rows.len()) {
            page.push_str(&line);
        }
    }
    page
}

/// The line of an operation, or the cell that does not hold.
fn line(row: &&Row) -> Result<String, String> {
    let blame = |cell: &str, why: String| format!("`{}`, {cell}: {why}", row.written);
    let cells = slopes(row).map_err(|why| blame("slope", why))?;
    let elements = mapped(row).map_err(|why| blame("values", why))?;
    let (cell, because) = match row.slope {
        Slope::Yes => ("yes", ""),
        Slope::Implicit(why) => ("implicit", why),
        Slope::Zero(why) | Slope::Stopped(why) => ("0", why),
        Slope::Nothing(why) => ("–", why),
    };
    if cells != matches!(row.slope, Slope::Yes | Slope::Implicit(_)) {
        return Err(blame("slope", format!("`{cell}` is not what was found")));
    }
    // With no float going in there is nothing to compare in a body but values, and these were.
    let body = if cell == "–" { "yes" } else { cell };
    let names: Vec<String> = row.words.iter().map(|word| format!("`{}`", escaped(word))).collect();
    Ok(format!(
        "| {} | `{}` | {cell} | {cell} | {cell} | yes | {cell} | {cell} | {body} | {body} | {body} | {elements} | {because} |\n",
        names.join(", "),
        escaped(row.written),
    ))
}

/// Code in a table.
fn escaped(code: &str) -> String {
    code.replace('|', "\\|")
}

/// A parameter for axes such as `"batch=2 features:3"`: extents that are symbols, and numbers.
fn parameter(
    b: &mut Builder,
    position: usize,
    element: Element,
    axes: &str,
) -> (Tensor, Vec<usize>) {
    let (mut names, mut dims, mut shape) = (Vec::new(), Vec::new(), Vec::new());
    for axis in axes.split_whitespace() {
        let (name, extent) = axis.split_once(['=', ':']).expect("every axis has an extent");
        let extent: usize = extent.parse().expect("extents are numbers");
        names.push((name != "_").then(|| name.to_owned()));
        dims.push(if axis.contains(':') {
            Dim::from(extent as i64)
        } else {
            Dim::from(b.symbol(name))
        });
        shape.push(extent);
    }
    let node = b.parameter(&format!("x{position}"), TensorType::new(element, dims));
    (Tensor::new(node, names), shape)
}

/// The operation on its operands of one shape, or why they are refused.
fn built(row: &Row, shape: usize, element: Element) -> library::Result<(Graph, Vec<Value>)> {
    let mut b = Builder::new("operation");
    let mut random = Random::new(0x5eed + shape as u64);
    let (mut operands, mut arguments) = (Vec::new(), Vec::new());
    for (position, (kind, axes)) in row.kinds.iter().zip(&row.shapes[shape]).enumerate() {
        let (element, low, high) = match *kind {
            Kind::Any(low, high) | Kind::Float(low, high) if element.is_float() => {
                (element, low, high)
            }
            Kind::Float(low, high) => (Element::F64, low, high),
            Kind::Any(..) => (element, if element == Element::I64 { -4.0 } else { 0.0 }, 6.0),
            Kind::Position => (Element::I64, -2.0, 7.0),
            Kind::Bool => (Element::Bool, 0.0, 2.0),
            Kind::Key => (Element::U64, 0.0, 1e15),
        };
        let (tensor, extents) = parameter(&mut b, position, element, axes);
        let high = if element == Element::Bool { 2.0 } else { high };
        let numbers: Vec<f64> =
            (0..extents.iter().product()).map(|_| random.uniform(low, high)).collect();
        let numbers: Vec<f64> = match element {
            Element::Bool => numbers.iter().map(|it| it.floor().min(1.0)).collect(),
            _ => numbers,
        };
        arguments.push(Value::from_f64(element, &extents, &numbers));
        operands.push(tensor);
    }
    let results = (row.apply)(&mut b, &operands)?;
    let results =
        results.into_iter().map(|result| Output { node: result.node, updates: None }).collect();
    Ok((b.finish(results), arguments))
}

/// The same graph with every result as a float, so that it can be weighed.
fn with_float_results(graph: Graph) -> Graph {
    let results = graph.results.clone();
    let mut b = Builder::resume(graph);
    let results = results
        .into_iter()
        .map(|result| match b.ty(result.node).element.is_float() {
            true => result,
            false => Output { node: b.convert(Element::F64, result.node), updates: None },
        })
        .collect();
    b.finish(results)
}

/// Whether some slope is not zero; or where derivatives are not what differences say.
fn slopes(row: &Row) -> Result<bool, String> {
    if let Slope::Nothing(_) = row.slope {
        return Ok(false);
    }
    let mut moves = false;
    let mut known: Vec<Slopes> = Vec::new();
    for shape in 0..row.shapes.len() {
        let (graph, arguments) = built(row, shape, Element::F64)
            .map_err(|mistake| format!("{:?} is refused: {mistake:?}", row.shapes[shape]))?;
        let graph = with_float_results(graph);
        // Shapes that differ in their extents alone have one graph.
        if known.last().is_none_or(|last| last.alone.graph != graph) {
            known.push(Slopes::of(&graph)?);
        }
        let Some(slopes) = known.last() else { continue };
        let found = match row.slope {
            Slope::Stopped(_) => slopes.stopped(&arguments),
            Slope::Implicit(_) => slopes.both_ways(&arguments),
            Slope::Yes | Slope::Zero(_) | Slope::Nothing(_) => {
                slopes.agree(&arguments, shape + 1 == row.shapes.len())
            }
        };
        moves |= found.map_err(|why| format!("{:?}: {why}", row.shapes[shape]))?;
    }
    Ok(moves)
}

/// An operation with everything that is about its slopes.
struct Slopes {
    alone: Derivatives,
    again: Derivatives,
    maps: Maps,
    bodies: Vec<(Control, Derivatives)>,
}

impl Slopes {
    fn of(graph: &Graph) -> Result<Self, String> {
        verify(graph).map_err(|faults| format!("{faults:?}\n{graph}"))?;
        let wrt = floats(graph);
        let alone = Derivatives::of(graph, &wrt)?;
        let inside = |control| {
            let derivatives = Derivatives::of(&summed(&alone.sum, &wrt, control), &wrt)?;
            Ok((control, derivatives))
        };
        Ok(Self {
            again: Derivatives::of(&alone.gradient, &wrt)?,
            maps: Maps::of(&alone),
            bodies: Control::ALL.into_iter().map(inside).collect::<Result<_, String>>()?,
            alone,
        })
    }

    /// Compares every cell at a point; answers whether some slope is not zero.
    fn agree(&self, arguments: &[Value], compiled: bool) -> Result<bool, String> {
        let mut random = Random::new(7);
        let (verdict, at) = self.alone.agree(arguments, &mut random)?;
        let moves = is_slope(verdict)?;
        let (again, _) = self.again.agree(&at, &mut random)?;
        is_slope(again).map_err(|why| format!("of the gradient: {why}"))?;
        for extent in [3, 1, 0] {
            self.maps.agree(&at, extent)?;
        }
        for (control, derivatives) in &self.bodies {
            for condition in conditions(*control) {
                let arguments = [at.as_slice(), &condition].concat();
                let found = derivatives.agree(&arguments, &mut random);
                let (verdict, at) = found.map_err(|why| format!("in {control:?}: {why}"))?;
                if is_slope(verdict)? != moves {
                    return Err(format!("in {control:?} it moves as it does not alone"));
                }
                if compiled && *control == Control::For {
                    runs(&derivatives.gradient, &at)?;
                }
            }
        }
        Ok(moves)
    }

    /// Compares forward and backward, where differences of the values say something else; answers whether some slope is not zero.
    fn both_ways(&self, arguments: &[Value]) -> Result<bool, String> {
        let mut random = Random::new(7);
        let (slope, at) = self.alone.both_ways(arguments, &mut random)?;
        let found = self.again.both_ways(&at, &mut random);
        found.map_err(|why| format!("of the gradient: {why}"))?;
        for extent in [3, 1, 0] {
            self.maps.agree(&at, extent)?;
        }
        for (control, derivatives) in &self.bodies {
            for condition in conditions(*control) {
                let arguments = [at.as_slice(), &condition].concat();
                let found = derivatives.both_ways(&arguments, &mut random);
                found.map_err(|why| format!("in {control:?}: {why}"))?;
            }
        }
        Ok(slope != 0.0)
    }

    /// Every derivative is exactly zero; answers that nothing moves.
    fn stopped(&self, arguments: &[Value]) -> Result<bool, String> {
        let weights = weights(&self.alone.graph, arguments, || 1.0)?;
        let at = [arguments, &weights].concat();
        let direction = [arguments, &arguments[..1]].concat();
        let mut forward = with_tangents(&self.alone.graph, &self.alone.wrt);
        forward.results.remove(0);
        let mut zeros = vec![(&forward, direction), (&self.alone.gradient, at.clone())];
        for (control, derivatives) in &self.bodies {
            for condition in conditions(*control) {
                let one = Value::number(Element::F64, 1.0);
                let at = [at.as_slice(), &condition, &[one]].concat();
                zeros.push((&derivatives.gradient, at));
            }
        }
        for (graph, arguments) in zeros {
            let found = eval(graph, &arguments)?;
            if found.iter().any(|value| value.to_f64().iter().any(|it| *it != 0.0)) {
                return Err(format!("{found:?}\n{graph}"));
            }
        }
        self.maps.agree(&at, 3)?;
        Ok(false)
    }
}

/// What a body needs beyond the arguments: an `if` is looked at on both sides.
fn conditions(control: Control) -> Vec<Vec<Value>> {
    match control {
        Control::For | Control::While => vec![Vec::new()],
        Control::If => [0.0, 1.0].map(|it| vec![Value::number(Element::Bool, it)]).to_vec(),
    }
}

/// Whether a slope that differences agree on is not zero.
fn is_slope(verdict: Verdict) -> Result<bool, String> {
    match verdict {
        Verdict::Compared => Ok(true),
        Verdict::Flat => Ok(false),
        Verdict::Rejected => Err("differences contradict each other".to_owned()),
    }
}

/// The element types on which the operation mapped, and in bodies, gives what it gives alone.
fn mapped(row: &Row) -> Result<String, String> {
    let varies = row.kinds.iter().any(|kind| matches!(kind, Kind::Any(..) | Kind::Float(..)));
    let mut elements = Vec::new();
    for element in if varies { Element::ALL } else { &[Element::F64] } {
        let is_float = row.kinds.iter().any(|kind| matches!(kind, Kind::Float(..)));
        if is_float && !element.is_float() {
            continue;
        }
        for shape in 0..row.shapes.len() {
            let Ok((graph, arguments)) = built(row, shape, *element) else { break };
            if shape == 0 {
                elements.push(element.name());
            }
            let case = Case { graph, arguments };
            let compiled = shape == 0 && matches!(element, Element::F32 | Element::I64);
            let found = values_agree(&case, compiled || (shape == 0 && !varies));
            found.map_err(|why| {
                format!("{}, {:?}: {why}\n{}", element.name(), row.shapes[shape], case.graph)
            })?;
        }
    }
    if !varies {
        let names = row.kinds.iter().map(|kind| match kind {
            Kind::Bool => "bool",
            Kind::Key => "u64",
            Kind::Position | Kind::Any(..) | Kind::Float(..) => "i64",
        });
        return Ok(names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" "));
    }
    match elements.is_empty() {
        true => Err("every element type is refused".to_owned()),
        false => Ok(elements.join(" ")),
    }
}

/// Mapped, and in bodies, against each position alone.
fn values_agree(case: &Case, compiled: bool) -> Result<(), String> {
    let all = batch::chosen(&case.graph, u64::MAX);
    let mut functions = Arena::default();
    let function = functions.push(case.graph.clone());
    let single = all.iter().map(|it| (vec![*it], 3));
    for (mapped, extent) in single.chain([3, 1, 0].map(|extent| (all.clone(), extent))) {
        let of = Box::new(Callable::Function(function));
        let graph = flat(&functions, &Callable::Map { of, mapped: mapped.clone() });
        let (each, together) = batch::arguments(case, &mapped, extent);
        agree("vmap", &graph, &together, &stacked(case, &each)?)?;
        if compiled && extent == 3 && mapped == all {
            runs(&graph, &together)?;
        }
    }
    let (each, together) = batch::arguments(case, &all, TIMES);
    let walked = stacked(case, &each)?;
    agree("for", &values(&case.graph, Control::For), &together, &walked)?;
    let last = eval(&case.graph, &each[TIMES - 1])?;
    agree("while", &values(&case.graph, Control::While), &together, &last)?;
    let branch = values(&case.graph, Control::If);
    for holds in [true, false] {
        let condition = Value::number(Element::Bool, f64::from(u8::from(holds)));
        let mut expected = eval(&case.graph, &case.arguments)?;
        if !holds {
            for value in &mut expected {
                value.data.fill(0);
            }
        }
        agree("if", &branch, &[case.arguments.as_slice(), &[condition]].concat(), &expected)?;
    }
    Ok(())
}

/// What each position gives alone, one behind the other.
fn stacked(case: &Case, each: &[Vec<Value>]) -> Result<Vec<Value>, String> {
    let like = eval(&case.graph, &case.arguments)?;
    let alone: Vec<Vec<Value>> =
        each.iter().map(|arguments| eval(&case.graph, arguments)).collect::<Result<_, _>>()?;
    let of = |(position, like): (usize, &Value)| {
        let values: Vec<&Value> = alone.iter().map(|results| &results[position]).collect();
        batch::stack(&values, like)
    };
    Ok(like.iter().enumerate().map(of).collect())
}

/// The same elements, but for what kind of NaN they are; and what `simplify` makes of the graph may give them.
fn agree(way: &str, graph: &Graph, arguments: &[Value], expected: &[Value]) -> Result<(), String> {
    let found = eval(graph, arguments).map_err(|what| format!("{way}: {what}\n{graph}"))?;
    if found.len() != expected.len() || !found.iter().zip(expected).all(|it| same(it.0, it.1)) {
        return Err(format!("{way}: {found:?}, alone {expected:?}\n{graph}"));
    }
    let simple = simplify(graph.clone());
    let found = eval(&simple, arguments).map_err(|what| format!("{way}: {what}\n{simple}"))?;
    for (bounded, value) in bounds(graph, arguments)?.iter().zip(&found) {
        let admitted = bounded.admits(value);
        admitted.map_err(|mismatch| format!("{way}, simplified: {mismatch}\n{simple}"))?;
    }
    Ok(())
}

fn same(left: &Value, right: &Value) -> bool {
    let equal = |position: usize| {
        let (left, right) = (left.scalar(position), right.scalar(position));
        left == right || left.to_f64().is_nan() && right.to_f64().is_nan()
    };
    left.shape == right.shape && (0..left.data.len()).all(equal)
}

/// As machine code it gives what the evaluator gives.
fn runs(graph: &Graph, arguments: &[Value]) -> Result<(), String> {
    check(graph, arguments).map_err(|why| format!("as code: {why}\n{graph}"))
}
