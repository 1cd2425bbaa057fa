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
                let (word, node) = match step {
                    Step::Reduce(node) => {
                        (if self.stored[*node] { "reduce and store" } else { "reduce" }, node)
                    }
                    Step::Store(node) => ("store", node),
                    Step::Keep(node) => ("keep", node),
                    Step::Region { node, operand: _ } => ("region", node),
                    Step::Scatter(node) => ("scatter", node),
                };
                let shape: Vec<String> = self
                    .graph
                    .shape(*node)
                    .iter()
                    .map(|dim| dim.display(&self.graph.symbols).to_string())
                    .collect();
                write!(
                    formatter,
                    "    {word} {node:?}: {}[{}]",
                    self.graph.element(*node),
                    shape.join(", ")
                )?;
                match step {
                    Step::Region { node: _, operand } => writeln!(formatter, " operand={operand}")?,
                    Step::Reduce(_) | Step::Store(_) | Step::Keep(_) | Step::Scatter(_) => {
                        writeln!(formatter)?;
                    }
                }
            }
            writeln!(formatter, "  }}")?;
        }
        writeln!(formatter, "}}")
    }
}
