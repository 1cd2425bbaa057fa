//! `ptx sm_80`, `ptx sm_80 tf32`: the kernels of a graph, or of loops, as text; of loops, `run:` lines are what the evaluator says, races included.
//!
//! Whatever the file asks for, the text must round every operation as the language does, and have no memory of single threads.

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::Element;
use defn_codegen::graph::parse::parse as parse_graph;
use defn_codegen::llvm;
use defn_codegen::loops::eval::eval;
use defn_codegen::loops::parse::parse as parse_loops;
use defn_codegen::loops::verify::verify;
use defn_codegen::loops::{Loops, Space};
use defn_codegen::options::Compute;
use defn_codegen::text::{Cursor, ParseError};

use super::value::{value, values};
use super::{TestFile, run, stage};

/// The text of the kernels.
pub(crate) fn text(file: &TestFile<'_>, argument: &str) -> Result<String, String> {
    let mut devices = Compute::ALL.iter().copied();
    let (name, choice) = argument.split_once(' ').unwrap_or((argument, ""));
    let compute = devices.find(|compute| compute.name() == name).ok_or("no such device")?;
    let loops = if file.text.lines().any(|line| line.starts_with("loops ")) {
        let loops = parse_loops(file.text).map_err(|error| error.to_string())?;
        for (line, _, call) in file.directives.iter().filter(|(_, name, _)| *name == "run") {
            evaluate(call, &loops).map_err(|what| format!("line {line}: {what}"))?;
        }
        loops
    } else {
        let graph = parse_graph(file.text).map_err(|error| error.to_string())?;
        run::check(file, &graph)?;
        schedule_graph(&graph, compute, &stage::options(choice))
    };
    verify(&loops).map_err(|faults| format!("{faults:?}"))?;
    let code = llvm::device(&loops, compute).map_err(|limitation| limitation.what)?;
    exact(&code.ptx)?;
    Ok(code.ptx)
}

/// Whether every operation is rounded to the nearest number, and nothing is kept in memory of single threads.
fn exact(ptx: &str) -> Result<(), String> {
    let operations = ["add", "sub", "mul", "mad", "fma", "div", "rcp", "sqrt", "rsqrt"];
    for line in ptx.lines() {
        let word = line.split_whitespace().find(|word| !word.starts_with('@')).unwrap_or("");
        let mut parts = word.split('.');
        let is_operation = parts.next().is_some_and(|first| operations.contains(&first));
        let is_float = parts.any(|part| part.starts_with("f32") || part.starts_with("f64"));
        let is_rounded = word.contains(".rn");
        let is_inexact = [".ftz", ".approx", ".full"].iter().any(|what| word.contains(what));
        if (is_operation && is_float && !is_rounded) || is_inexact || word.contains(".local") {
            return Err(format!("`{}` in\n{ptx}", line.trim()));
        }
    }
    Ok(())
}

/// Checks what loops of constant extents compute.
fn evaluate(call: &str, loops: &Loops) -> Result<(), String> {
    let mut cursor = Cursor::new(call);
    let syntax = |error: ParseError| error.to_string();
    cursor.word("the name of the loops").map_err(syntax)?;
    let is_parameter = |space: &Space| matches!(space, Space::Parameter(_) | Space::Updated(_));
    let buffers = loops.buffers.iter().filter(|(_, buffer)| is_parameter(&buffer.space));
    let elements: Vec<Element> = buffers.map(|(_, buffer)| buffer.element).collect();
    cursor.expect("(").map_err(syntax)?;
    let arguments = values(&mut cursor, &elements).map_err(syntax)?;
    cursor.expect(")").map_err(syntax)?;
    cursor.expect("==").map_err(syntax)?;
    let outcome = eval(loops, &[], &arguments).map_err(|fault| fault.to_string())?;
    for (position, result) in outcome.results.iter().enumerate() {
        if position > 0 {
            cursor.expect(",").map_err(syntax)?;
        }
        let expected = value(&mut cursor, result.element).map_err(syntax)?;
        if expected != *result {
            return Err(format!("result {position} is {result}, not {expected}"));
        }
    }
    cursor.end().map_err(syntax)
}
