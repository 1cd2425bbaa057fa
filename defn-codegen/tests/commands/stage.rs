//! `fuse`, `lower`, `device`, `device tf32`, `schedule v3`, `schedule v3 least` (every form as soon as it can be): the graph at a stage below, as that stage prints it.

use defn_codegen::compile::schedule_graph;
use defn_codegen::fuse::fuse;
use defn_codegen::graph::Graph;
use defn_codegen::lower::lower;
use defn_codegen::options::{Compute, Dump, Level, Options, Sizes};

/// The text of a stage; none if the command is no stage.
pub(crate) fn text(command: &str, argument: &str, graph: &Graph) -> Option<String> {
    let options = options(argument);
    match command {
        "fuse" => Some(fuse(graph).to_string()),
        "lower" => Some(lower(&fuse(graph)).to_string()),
        "device" => Some(schedule_graph(graph, Compute::Sm80, &options).to_string()),
        "schedule" => {
            let level = if argument.starts_with("v3") { Level::V3 } else { Level::V4 };
            Some(schedule_graph(graph, level, &options).to_string())
        }
        _ => None,
    }
}

/// What the stages are told.
pub(crate) fn options(argument: &str) -> Options {
    Options {
        levels: Vec::new(),
        devices: Vec::new(),
        triple: String::new(),
        dump: Dump::default(),
        verify: true,
        sizes: if argument.ends_with("least") { Sizes::LEAST } else { Sizes::USUAL },
        tf32: argument.starts_with("tf32"),
    }
}
