//! `fuse`, `lower`, `schedule v3`: the graph at a stage below, as that stage prints it.

use defn_codegen::compile::schedule_graph;
use defn_codegen::fuse::fuse;
use defn_codegen::graph::Graph;
use defn_codegen::lower::lower;
use defn_codegen::options::{Dump, Level, Options};

/// The text of a stage; none if the command is no stage.
pub(crate) fn text(command: &str, argument: &str, graph: &Graph) -> Option<String> {
    let options =
        Options { levels: Vec::new(), triple: String::new(), dump: Dump::default(), verify: true };
    match command {
        "fuse" => Some(fuse(graph).to_string()),
        "lower" => Some(lower(&fuse(graph)).to_string()),
        "schedule" => {
            let level = if argument == "v3" { Level::V3 } else { Level::V4 };
            Some(schedule_graph(graph, level, &options).to_string())
        }
        _ => None,
    }
}
