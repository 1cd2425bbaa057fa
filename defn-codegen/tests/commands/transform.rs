//! `transform`: the graphs of the file are the functions of a program, `fn0` first; the last one is the entry.

use defn_codegen::graph::Callable;
use defn_codegen::graph::{Graph, parse};
use defn_codegen::program::Program;
use defn_codegen::text::Cursor;
use defn_codegen::transform::transform;

use super::verify;

pub(crate) fn apply(text: &str) -> Result<Graph, String> {
    let mut program = Program::default();
    let mut cursor = Cursor::new(text);
    while cursor.end().is_err() {
        let graph = parse::graph(&mut cursor).map_err(|error| error.to_string())?;
        verify::refuse(&graph)?;
        program.entry = Some(Callable::Function(program.functions.push(graph)));
    }
    Ok(transform(&program))
}
