//! Functions as graphs, and requests for derivatives among them: what the front end hands over.
//!
//! A [`Program`] holds every function that the compiled one reaches; graphs call each other by [`Op::Call`](crate::graph::Op::Call).
//! Everything is typed already: a mistake of the user was found before a program exists.

use std::fmt;

use crate::arena::Arena;
use crate::graph::{Callable, Dim, Graph, Symbol, TensorType};

/// Functions, and the one that is compiled.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Every function once; a function stands behind those it calls.
    pub functions: Arena<Graph>,
    /// What becomes the entry point.
    pub entry: Option<Callable>,
    /// Whether the last result of the entry is the number of the condition that failed first, or
    /// [`NONE_FAILED`](crate::artifact::NONE_FAILED).
    pub has_status: bool,
    /// If NaNs are hunted: the first number that no condition has.
    pub hunts: Option<usize>,
    /// What its derivatives compute again.
    pub plan: Plan,
}

/// What derivatives compute again, beside what the user says with `checkpoint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// How often every loop that an extent counts is halved: of `n` states the root of `n` at 1, the fourth root at 2.
    pub halvings: u32,
    /// Into how many segments of about the same size the nodes of a function are cut, each of which runs again; fewer than two are none.
    pub segments: usize,
}

impl Plan {
    /// All that may be tried, the cheapest first: nothing runs again, everything once, everything about three times.
    pub const ALL: &'static [Self] = &[
        Self { halvings: 0, segments: 0 },
        Self { halvings: 0, segments: 2 },
        Self { halvings: 0, segments: 4 },
        Self { halvings: 0, segments: 8 },
        Self { halvings: 0, segments: 16 },
        Self { halvings: 0, segments: 32 },
        Self { halvings: 1, segments: 0 },
        Self { halvings: 1, segments: 4 },
        Self { halvings: 1, segments: 16 },
        Self { halvings: 2, segments: 0 },
        Self { halvings: 2, segments: 4 },
        Self { halvings: 2, segments: 16 },
    ];
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loops = match self.halvings {
            0 => "loops keep what their derivatives need",
            1 => "loops keep about two roots of their states",
            _ => "loops keep about four fourth roots of their states",
        };
        formatter.write_str(loops)?;
        match self.segments {
            0 | 1 => Ok(()),
            segments => {
                write!(formatter, ", and what is between runs again in {segments} segments")
            }
        }
    }
}

impl Program {
    /// The types of the parameter leaves, over the symbols of the function at the bottom, and behind them the mapped extents.
    pub fn parameter_types(&self, callable: &Callable) -> Vec<TensorType> {
        match callable {
            Callable::Function(function) | Callable::Custom { of: function, rules: _ } => {
                let graph = &self.functions[*function];
                graph.parameters.iter().map(|parameter| parameter.ty.clone()).collect()
            }
            Callable::Gradient { of, wrt: _, value: _ } | Callable::Jacobian { of, wrt: _ } => {
                self.parameter_types(of)
            }
            Callable::Tangent { of, parameters: _, results: _ } => {
                let (mut types, results) = (self.parameter_types(of), self.result_types(of));
                let floats = types.iter().filter(|ty| ty.element.is_float());
                let floats: Vec<TensorType> = floats.cloned().collect();
                types.extend(results.into_iter().chain(floats));
                types
            }
            Callable::Jvp { of, wrt } => {
                let mut types = self.parameter_types(of);
                types.extend(wrt.iter().map(|leaf| types[*leaf].clone()).collect::<Vec<_>>());
                types
            }
            Callable::Vjp { of, wrt: _ } => {
                let mut types = self.parameter_types(of);
                types.extend(self.result_types(of).into_iter().filter(|ty| ty.element.is_float()));
                types
            }
            Callable::Map { of, mapped } => {
                let (mut types, extent) = (self.parameter_types(of), self.mapped_extent(of));
                mapped.iter().for_each(|leaf| types[*leaf].shape.insert(0, extent.clone()));
                types
            }
        }
    }

    /// The types of the result leaves, over the symbols of the function at the bottom, and behind them the mapped extents.
    pub fn result_types(&self, callable: &Callable) -> Vec<TensorType> {
        match callable {
            Callable::Function(function) | Callable::Custom { of: function, rules: _ } => {
                let graph = &self.functions[*function];
                graph.results.iter().map(|result| graph.ty(result.node).clone()).collect()
            }
            Callable::Gradient { of, wrt, value } => {
                let skipped = usize::from(!*value);
                let mut types = self.result_types(of).split_off(skipped);
                let parameters = self.parameter_types(of);
                types.extend(wrt.iter().map(|leaf| parameters[*leaf].clone()));
                types
            }
            Callable::Tangent { of, parameters: _, results: _ } => {
                let mut types = self.result_types(of);
                types.retain(|ty| ty.element.is_float());
                types
            }
            Callable::Jvp { of, wrt: _ } => {
                let types = self.result_types(of);
                let floats = types.iter().filter(|ty| ty.element.is_float());
                types.iter().chain(floats).cloned().collect()
            }
            Callable::Vjp { of, wrt } => {
                let (mut types, parameters) = (self.result_types(of), self.parameter_types(of));
                types.extend(wrt.iter().map(|leaf| parameters[*leaf].clone()));
                types
            }
            Callable::Jacobian { of, wrt } => {
                let (results, parameters) = (self.result_types(of), self.parameter_types(of));
                let of_result = |result: &TensorType| {
                    wrt.iter().map(|leaf| result.outer(&parameters[*leaf])).collect::<Vec<_>>()
                };
                let (floats, others): (Vec<_>, Vec<_>) =
                    results.iter().partition(|ty| ty.element.is_float());
                let derivatives = floats.into_iter().flat_map(of_result);
                derivatives.chain(others.into_iter().cloned()).collect()
            }
            Callable::Map { of, mapped: _ } => {
                let (mut types, extent) = (self.result_types(of), self.mapped_extent(of));
                types.iter_mut().for_each(|ty| ty.shape.insert(0, extent.clone()));
                types
            }
        }
    }

    /// The extent that a map of `of` has.
    fn mapped_extent(&self, of: &Callable) -> Dim {
        let symbols = self.functions[of.function()].symbols.len() + of.mapped_extents();
        Dim::from(Symbol(symbols as u32))
    }
}
