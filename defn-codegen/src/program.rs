//! Functions as graphs, and requests for derivatives among them: what the front end hands over.
//!
//! A [`Program`] holds every function that the compiled one reaches; graphs call each other by [`Op::Call`](crate::graph::Op::Call).
//! Everything is typed already: a mistake of the user was found before a program exists.

use crate::arena::{Arena, Id};
use crate::graph::{Graph, TensorType};

/// The position of a function in its program.
pub type FunctionId = Id<Graph>;

/// Functions, and the one that is compiled.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Every function once; a function stands behind those it calls.
    pub functions: Arena<Graph>,
    /// What becomes the entry point.
    pub entry: Option<Callable>,
}

/// A function, or a transform of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callable {
    /// A function of the program.
    Function(FunctionId),
    /// The gradient of a callable whose first result is a float scalar.
    /// Its parameters are those of `of`; its results are all results of `of`, without the first unless `value`, then the gradient
    /// with respect to each parameter leaf of `wrt`, of the type of that leaf (zeros where it is not a float).
    Gradient {
        /// What is differentiated.
        of: Box<Callable>,
        /// The parameter leaves, in the order of the results.
        wrt: Vec<usize>,
        /// Whether the first result of `of` is a result too.
        value: bool,
    },
}

impl Callable {
    /// The function at the bottom.
    pub fn function(&self) -> FunctionId {
        match self {
            Self::Function(function) => *function,
            Self::Gradient { of, wrt: _, value: _ } => of.function(),
        }
    }
}

impl Program {
    /// The types of the parameter leaves, over the symbols of the function at the bottom.
    pub fn parameter_types(&self, callable: &Callable) -> Vec<TensorType> {
        let graph = &self.functions[callable.function()];
        graph.parameters.iter().map(|parameter| parameter.ty.clone()).collect()
    }

    /// The types of the result leaves, over the symbols of the function at the bottom.
    pub fn result_types(&self, callable: &Callable) -> Vec<TensorType> {
        match callable {
            Callable::Function(function) => {
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
        }
    }
}
