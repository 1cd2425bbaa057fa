//! `cat`: what is printed reads back as the same graph.

use defn_codegen::graph::Graph;
use defn_codegen::graph::parse::parse;

pub(crate) fn apply(graph: &Graph) -> Result<Graph, String> {
    let printed = graph.to_string();
    let read = parse(&printed).map_err(|error| format!("{error} of\n{printed}"))?;
    if read == *graph { Ok(read) } else { Err(format!("reads back as another graph:\n{printed}")) }
}
