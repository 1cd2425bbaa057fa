//! Kernels as text: the graph's results of each step, with rows and columns.

use std::fmt;

use super::{Kernels, Step};

impl fmt::Display for Kernels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "kernels {} {{", self.graph.name)?;
        for (position, kernel) in self.kernels.iter().enumerate() {
            let rows: Vec<String> = kernel
                .rows
                .iter()
                .map(|dim| dim.display(&self.graph.symbols).to_string())
                .collect();
            writeln!(formatter, "  kernel {position} rows=[{}] {{", rows.join(", "))?;
            for step in &kernel.steps {
                let node = step.node();
                let word = match step {
                    Step::Reduce(_) if self.stored[node] => "reduce and store",
                    Step::Reduce(_) => "reduce",
                    Step::Store { .. } => "store",
                    Step::Keep { .. } => "keep",
                    Step::Region { .. } => "region",
                    Step::Scatter(_) => "scatter",
                    Step::Scan(_) => "scan",
                    Step::Sort(_) => "sort",
                };
                let shape: Vec<String> = self
                    .graph
                    .shape(node)
                    .iter()
                    .map(|dim| dim.display(&self.graph.symbols).to_string())
                    .collect();
                write!(
                    formatter,
                    "    {word} {node:?}: {}[{}]",
                    self.graph.element(node),
                    shape.join(", ")
                )?;
                match step {
                    Step::Region { node: _, operand } => writeln!(formatter, " operand={operand}")?,
                    Step::Store { node: _, rows } | Step::Keep { node: _, rows }
                        if !rows.is_empty() =>
                    {
                        writeln!(formatter, " rows={rows:?}")?;
                    }
                    Step::Store { .. }
                    | Step::Keep { .. }
                    | Step::Reduce(_)
                    | Step::Scatter(_)
                    | Step::Scan(_)
                    | Step::Sort(_) => {
                        writeln!(formatter)?;
                    }
                }
            }
            writeln!(formatter, "  }}")?;
        }
        writeln!(formatter, "}}")
    }
}
