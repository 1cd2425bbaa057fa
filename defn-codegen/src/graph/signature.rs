//! How a graph is called: its leaves, how its extent symbols are found, what is checked.
//!
//! ```text
//! graph f<n, m>(x: f32[n, 2*m + n], y: f32[m])        n = extent 0 of x
//!                                                     m = extent 0 of y, and then extent 1 of x must be 2*m + n
//! ```

use super::{Check, Dim, Graph, Parameter, TensorType};

/// How an entry point is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The names of the extent symbols.
    pub symbols: Vec<String>,
    /// Parameter leaves.
    pub parameters: Vec<Parameter>,
    /// Result leaves that are no updated parameters.
    pub results: Vec<TensorType>,
    /// How the symbols are found, in order.
    pub solves: Vec<Solve>,
    /// What is checked once the symbols are known.
    pub checks: Vec<Check>,
}

/// `symbol = (extent of `axis` of parameter `parameter` − rest) / factor`, without remainder and not negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solve {
    /// The symbol.
    pub symbol: usize,
    /// The parameter leaf.
    pub parameter: usize,
    /// The axis of it; none if the leaf is a `usize` that is the symbol itself.
    pub axis: Option<usize>,
    /// What the symbol is multiplied with in the extent of the axis.
    pub factor: i64,
    /// The rest of the extent, over symbols that are solved before.
    pub rest: Dim,
}

/// Finds an order in which every symbol stands linearly with known ones in some axis; the symbols without one come back as an error.
pub fn solve(symbols: usize, parameters: &[Parameter]) -> Result<Vec<Solve>, Vec<usize>> {
    let mut solves: Vec<Solve> = Vec::new();
    let mut known = vec![false; symbols];
    for (position, parameter) in parameters.iter().enumerate() {
        if let Some(symbol) = parameter.symbol {
            let symbol = symbol.0 as usize;
            known[symbol] = true;
            solves.push(Solve {
                symbol,
                parameter: position,
                axis: None,
                factor: 1,
                rest: Dim::default(),
            });
        }
    }
    while let Some(next) = next_solve(&known, parameters) {
        known[next.symbol] = true;
        solves.push(next);
    }
    let open: Vec<usize> = (0..symbols).filter(|symbol| !known[*symbol]).collect();
    if open.is_empty() { Ok(solves) } else { Err(open) }
}

fn next_solve(known: &[bool], parameters: &[Parameter]) -> Option<Solve> {
    let axes = parameters.iter().enumerate().flat_map(|(parameter, leaf)| {
        leaf.ty.shape.iter().enumerate().map(move |(axis, extent)| (parameter, axis, extent))
    });
    axes.filter_map(|(parameter, axis, extent)| {
        let (symbol, factor, rest) = linear_unknown(known, extent)?;
        Some(Solve { symbol, parameter, axis: Some(axis), factor, rest })
    })
    // A symbol that stands alone is found without division, so those come first.
    .min_by_key(|solve| (solve.factor != 1 || !solve.rest.is(0), solve.parameter, solve.axis))
}

/// The only unknown symbol of an extent, if it stands there linearly with a constant factor.
fn linear_unknown(known: &[bool], extent: &Dim) -> Option<(usize, i64, Dim)> {
    let mut unknown = Vec::new();
    extent.for_each_symbol(&mut |symbol| {
        if !known[symbol.0 as usize] {
            unknown.push(symbol);
        }
    });
    let [symbol] = unknown.as_slice() else { return None };
    let alone = Dim::from(*symbol);
    let (monomial, _) = &alone.terms()[0];
    let (_, factor) = extent.terms().iter().find(|(candidate, _)| candidate == monomial)?;
    let rest = extent.clone() - alone * Dim::from(*factor);
    Some((symbol.0 as usize, *factor, rest))
}

impl Signature {
    /// The signature of a graph whose symbols can all be solved.
    pub fn of(graph: &Graph) -> Self {
        let solves = solve(graph.symbols.len(), &graph.parameters).unwrap_or_else(|open| {
            crate::bug!("signature", "symbols {open:?} of `{}` cannot be solved", graph.name)
        });
        Self {
            symbols: graph.symbols.clone(),
            parameters: graph.parameters.clone(),
            results: graph
                .results
                .iter()
                .filter(|result| result.updates.is_none())
                .map(|result| graph.ty(result.node).clone())
                .collect(),
            solves,
            checks: graph.checks.clone(),
        }
    }

    /// The values of the symbols for these shapes, or what disagrees. `value` reads a scalar parameter.
    pub fn bind(
        &self,
        shapes: &[Vec<i64>],
        value: &dyn Fn(usize) -> i64,
    ) -> Result<Vec<i64>, String> {
        let mut symbols = vec![0; self.symbols.len()];
        for solve in &self.solves {
            let found = match solve.axis {
                Some(axis) => shapes[solve.parameter][axis],
                None => value(solve.parameter),
            };
            let rest = found.wrapping_sub(solve.rest.evaluate(&symbols));
            if rest % solve.factor != 0 || rest / solve.factor < 0 {
                return Err(format!("`{}` has no value", self.symbols[solve.symbol]));
            }
            symbols[solve.symbol] = rest / solve.factor;
        }
        for (parameter, shape) in self.parameters.iter().zip(shapes) {
            let expected: Vec<i64> =
                parameter.ty.shape.iter().map(|extent| extent.evaluate(&symbols)).collect();
            if expected != *shape {
                return Err(format!(
                    "`{}` has shape {shape:?}, expected {expected:?}",
                    parameter.name
                ));
            }
        }
        Ok(symbols)
    }
}
