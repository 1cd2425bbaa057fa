//! Kernels as text: the graph's results of each step, with rows and columns.

use std::fmt;

use super::{Kernels, Step};
use crate::graph::Dim;

impl fmt::Display for Kernels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        kernels(formatter, self, 0)
    }
}

fn kernels(formatter: &mut fmt::Formatter<'_>, all: &Kernels, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    writeln!(formatter, "{indent}kernels {} {{", all.graph.name)?;
    for (position, kernel) in all.kernels.iter().enumerate() {
        let rows = extents(all, &kernel.rows);
        writeln!(formatter, "{indent}  kernel {position} rows=[{rows}] {{")?;
        for step in &kernel.steps {
            self::step(formatter, all, step, depth)?;
        }
        writeln!(formatter, "{indent}  }}")?;
    }
    writeln!(formatter, "{indent}}}")
}

fn extents(all: &Kernels, dims: &[Dim]) -> String {
    let texts: Vec<String> =
        dims.iter().map(|dim| dim.display(&all.graph.symbols).to_string()).collect();
    texts.join(", ")
}

fn step(
    formatter: &mut fmt::Formatter<'_>,
    all: &Kernels,
    step: &Step,
    depth: usize,
) -> fmt::Result {
    let (node, indent) = (step.node(), "  ".repeat(depth));
    let word = match step {
        Step::Control(_) => {
            writeln!(formatter, "{indent}    control {node:?}")?;
            let bodies = all.bodies.get(&node).into_iter().flatten();
            return bodies.into_iter().try_for_each(|body| kernels(formatter, body, depth + 3));
        }
        Step::Reduce(_) if all.stored[node] => "reduce and store",
        Step::Reduce(_) => "reduce",
        Step::Store { .. } => "store",
        Step::Keep { .. } => "keep",
        Step::Region { .. } => "region",
        Step::Scatter(_) => "scatter",
        Step::Scan(_) => "scan",
        Step::Sort(_) => "sort",
    };
    let (element, shape) = (all.graph.element(node), extents(all, all.graph.shape(node)));
    write!(formatter, "{indent}    {word} {node:?}: {element}[{shape}]")?;
    match step {
        Step::Region { node: _, operand } => writeln!(formatter, " operand={operand}"),
        Step::Store { node: _, rows } | Step::Keep { node: _, rows } if !rows.is_empty() => {
            writeln!(formatter, " rows={rows:?}")
        }
        Step::Store { .. }
        | Step::Keep { .. }
        | Step::Reduce(_)
        | Step::Scatter(_)
        | Step::Scan(_)
        | Step::Sort(_)
        | Step::Control(_) => writeln!(formatter),
    }
}
