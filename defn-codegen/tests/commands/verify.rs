//! `verify`: what the parser and the verifier say, each at its line; nothing said means nothing found.

use defn_codegen::graph::Graph;
use defn_codegen::graph::parse::parse;
use defn_codegen::graph::verify::{Fault, verify};

use super::TestFile;

/// The faults are those of `error:`, no more and no fewer.
pub(crate) fn check(file: &TestFile<'_>) -> Result<(), String> {
    let mut found: Vec<(usize, String)> = match parse(file.text) {
        Err(error) => vec![(error.line, error.message)],
        Ok(graph) => {
            let faults = verify(&graph).err().unwrap_or_default();
            faults.into_iter().map(|fault| (line(file, &graph, &fault), fault.sentence)).collect()
        }
    };
    for (line, _, message) in file.directives.iter().filter(|(_, name, _)| *name == "error") {
        let position =
            found.iter().position(|(at, sentence)| at == line && sentence.contains(message));
        match position {
            Some(position) => drop(found.remove(position)),
            None => return Err(format!("line {line}: nobody says `{message}`, but {found:?}")),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(format!("also found: {found:?}")) }
}

/// Refuses a graph with faults.
pub(crate) fn refuse(graph: &Graph) -> Result<(), String> {
    verify(graph).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        format!("{}\nin {graph}", faults.join("\n"))
    })
}

/// The line of a fault: that of its node, else that of the header.
fn line(file: &TestFile<'_>, graph: &Graph, fault: &Fault) -> usize {
    let (mut depth, mut header, mut nodes) = (0_usize, 1, Vec::new());
    for (number, line) in file.text.lines().enumerate() {
        let line = line.trim_start();
        // Lines of bodies are no nodes of the graph itself.
        match depth {
            0 if line.starts_with("graph ") => header = number + 1,
            1 if line.starts_with('%') || line.starts_with("parameter ") => nodes.push(number + 1),
            _ => {}
        }
        let code = line.split(';').next().unwrap_or_default();
        depth += code.matches('{').count();
        depth = depth.saturating_sub(code.matches('}').count());
    }
    let front = graph.nodes.len() - nodes.len();
    match fault.node.map(|node| node.index()) {
        Some(node) if node >= front => nodes[node - front],
        _ => header,
    }
}
