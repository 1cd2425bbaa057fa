//! `run: f([[1, 2], [3, 4]], 0.5) == [1.5, 2]`: a call, and what it must give.
//!
//! `==` wants integers and `bool` exactly and floats within [`CLOSE_ULPS`]; a zero is any zero unless it is written `-0.0`.
//! `~=` wants floats within [`ROUGH`] of their size. `fails "text"` wants an error that says so.
//! Several results stand one after the other, with commas.

use defn_codegen::graph::bounds::bounds;
use defn_codegen::graph::eval::{Value, eval};
use defn_codegen::graph::{Element, Graph, Scalar};
use defn_codegen::testing::check as check_river;
use defn_codegen::text::Cursor;

use super::TestFile;
use super::value::{value, values};

/// What an elementary function may be off.
const CLOSE_ULPS: u64 = 4;

/// For values of longer computations, written with few digits.
const ROUGH: f64 = 1e-5;

/// Checks every `run:` of the file on this graph.
pub(crate) fn check(file: &TestFile<'_>, graph: &Graph) -> Result<(), String> {
    for (line, _, call) in file.directives.iter().filter(|(_, name, _)| *name == "run") {
        one(call, graph).map_err(|what| format!("line {line}: {what}"))?;
    }
    Ok(())
}

/// Everything that can compute a graph; each must agree with the first within the bounds.
type Engine = fn(&Graph, &[Value]) -> Result<Vec<Value>, String>;
const ENGINES: &[(&str, Engine)] = &[("graph::eval", eval)];

/// The results of a graph, after every engine has agreed on them.
pub(crate) fn run_everywhere(graph: &Graph, arguments: &[Value]) -> Result<Vec<Value>, String> {
    let expected = bounds(graph, arguments)?;
    check_river(graph, arguments)?;
    let mut results = Vec::new();
    for (name, engine) in ENGINES {
        let found = engine(graph, arguments).map_err(|what| format!("{name}: {what}"))?;
        for (bounded, value) in expected.iter().zip(&found) {
            bounded.admits(value).map_err(|mismatch| format!("{name}: {mismatch}"))?;
        }
        if results.is_empty() {
            results = found;
        }
    }
    Ok(results)
}

fn one(call: &str, graph: &Graph) -> Result<(), String> {
    let mut cursor = Cursor::new(call);
    let syntax = |error: defn_codegen::text::ParseError| error.to_string();
    let name = cursor.word("the name of the graph").map_err(syntax)?;
    if name != graph.name {
        return Err(format!("the graph is called `{}`", graph.name));
    }
    let elements: Vec<Element> =
        graph.parameters.iter().map(|parameter| parameter.ty.element).collect();
    cursor.expect("(").map_err(syntax)?;
    let arguments = values(&mut cursor, &elements).map_err(syntax)?;
    cursor.expect(")").map_err(syntax)?;
    let results = run_everywhere(graph, &arguments);
    if cursor.eat_word("fails") {
        let text = cursor.text().map_err(syntax)?;
        return match results {
            Err(what) if what.contains(&text) => Ok(()),
            Err(what) => Err(format!("fails otherwise: {what}")),
            Ok(_) => Err("does not fail".to_owned()),
        };
    }
    let results = results?;
    let is_rough = cursor.eat("~=");
    if !is_rough {
        cursor.expect("==").map_err(syntax)?;
    }
    for (position, result) in results.iter().enumerate() {
        if position > 0 {
            cursor.expect(",").map_err(syntax)?;
        }
        let expected = value(&mut cursor, result.element).map_err(syntax)?;
        let agrees = expected.shape == result.shape
            && expected.scalars().iter().zip(result.scalars()).all(|(expected, found)| {
                if is_rough { is_rough_to(*expected, found) } else { is_close_to(*expected, found) }
            });
        if !agrees {
            return Err(format!("result {position} is {result}, not {expected}"));
        }
    }
    cursor.end().map_err(syntax)
}

fn is_close_to(expected: Scalar, found: Scalar) -> bool {
    if !expected.element.is_float() {
        return expected == found;
    }
    let (x, y) = (expected.to_f64(), found.to_f64());
    if x == 0.0 && y == 0.0 {
        return !x.is_sign_negative() || y.is_sign_negative();
    }
    x.is_nan() && y.is_nan()
        || ordered(expected).abs_diff(ordered(found)) <= CLOSE_ULPS
            && x.is_finite() == y.is_finite()
}

fn is_rough_to(expected: Scalar, found: Scalar) -> bool {
    let (x, y) = (expected.to_f64(), found.to_f64());
    is_close_to(expected, found)
        || expected.element.is_float() && (x - y).abs() <= ROUGH * x.abs().max(1e-3)
}

/// A number whose difference counts units in the last place.
fn ordered(scalar: Scalar) -> i64 {
    let width = 8 * scalar.element.size() as u32;
    let sign = 1 << (width - 1);
    let magnitude = (scalar.bits & (sign - 1)).cast_signed();
    if scalar.bits & sign == 0 { magnitude } else { -magnitude }
}
