//! `pass <name>`: one pass of the compiler, by its name.

use defn_codegen::graph::Graph;
use defn_codegen::graph::parse::parse;
use defn_codegen::simplify::simplify;

/// A pass from graphs to graphs.
type Pass = fn(&Graph) -> Result<Graph, String>;

/// Every pass that a file test can name.
const PASSES: &[(&str, Pass)] = &[
    ("reread", |graph| parse(&graph.to_string()).map_err(|error| error.to_string())),
    ("simplify", |graph| Ok(simplify(graph.clone()))),
];

pub(crate) fn apply(name: &str, graph: &Graph) -> Result<Graph, String> {
    match PASSES.iter().find(|(known, _)| *known == name) {
        Some((_, pass)) => pass(graph),
        None => Err(format!("no pass is called `{name}`")),
    }
}
