//! What a graph may call: another function of its program, or a transform of one.

use super::Graph;
use crate::arena::Id;

/// The position of a function in its program.
pub type FunctionId = Id<Graph>;

/// A function, or a transform of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callable {
    /// A function of the program.
    Function(FunctionId),
    /// A function whose derivatives are those of rules, which have the same symbols.
    Custom {
        /// The function.
        of: FunctionId,
        /// What says how it moves; at least one.
        rules: Rules,
    },
    /// How a function with rules moves: linear in the last operands, and only its transpose can be computed.
    /// Its parameters are those of `of`, its results, and the tangent of each parameter leaf that is a float; its results are the tangent
    /// of each result that is a float.
    Tangent {
        /// A function with rules, or a map of one.
        of: Box<Callable>,
        /// How many parameter leaves that has.
        parameters: usize,
        /// How many results that has.
        results: usize,
    },
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
    /// A callable with its tangents, which are carried along: forward mode.
    /// Its parameters are those of `of`, then the tangent of each parameter leaf of `wrt`, of the type of that leaf (one that is not
    /// a float does not move); its results are all results of `of`, then the tangent of each that is a float.
    Jvp {
        /// What is differentiated.
        of: Box<Callable>,
        /// The parameter leaves that move, each once, in the order of their tangents.
        wrt: Vec<usize>,
    },
    /// A callable with the gradients that belong to given cotangents of its results: reverse mode.
    /// Its parameters are those of `of`, then the cotangent of each result that is a float; its results are all results of `of`, then
    /// the gradient with respect to each parameter leaf of `wrt`, of the type of that leaf (zeros where it is not a float).
    Vjp {
        /// What is differentiated.
        of: Box<Callable>,
        /// The parameter leaves, in the order of the results.
        wrt: Vec<usize>,
    },
    /// All derivatives of all results of a callable, which are floats.
    /// Its parameters are those of `of`. Its results are, for each result of `of` and each parameter leaf of `wrt`, which are floats too,
    /// a tensor of the result's element type with the axes of the result and then those of the leaf.
    Jacobian {
        /// What is differentiated.
        of: Box<Callable>,
        /// The parameter leaves, each once.
        wrt: Vec<usize>,
    },
    /// A callable on many arguments at once, each alone.
    /// Its parameters are those of `of`, the leaves of `mapped` with one more axis, which is the first; its results are those of `of`,
    /// each with that axis. The extent of the axis is one more symbol behind those of `of`.
    Map {
        /// What is called with each element.
        of: Box<Callable>,
        /// The parameter leaves that have the axis, increasing.
        mapped: Vec<usize>,
    },
}

/// The derivatives of a function, as other functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rules {
    /// From the parameters of the function, its results, and the cotangent of each result that is a float, to the gradient of each
    /// parameter leaf that is a float.
    pub gradient: Option<FunctionId>,
    /// From the parameters of the function and the tangent of each leaf that is a float, to the tangent of each result that is a float.
    pub jvp: Option<FunctionId>,
}

impl Callable {
    /// The rules of a function that has some, also if it is mapped.
    pub fn rules(&self) -> Option<Rules> {
        match self {
            Self::Custom { of: _, rules } => Some(*rules),
            Self::Map { of, mapped: _ } => of.rules(),
            Self::Function(_)
            | Self::Tangent { .. }
            | Self::Gradient { .. }
            | Self::Jvp { .. }
            | Self::Vjp { .. }
            | Self::Jacobian { .. } => None,
        }
    }

    /// The function at the bottom.
    pub fn function(&self) -> FunctionId {
        match self {
            Self::Function(function) | Self::Custom { of: function, rules: _ } => *function,
            Self::Tangent { of, parameters: _, results: _ } => of.function(),
            Self::Gradient { of, wrt: _, value: _ }
            | Self::Jvp { of, wrt: _ }
            | Self::Vjp { of, wrt: _ }
            | Self::Jacobian { of, wrt: _ }
            | Self::Map { of, mapped: _ } => of.function(),
        }
    }

    /// How many symbols it has beyond those of the function at the bottom: the extents of mapped axes, the innermost first.
    pub fn mapped_extents(&self) -> usize {
        match self {
            Self::Function(_) | Self::Custom { of: _, rules: _ } => 0,
            Self::Tangent { of, parameters: _, results: _ } => of.mapped_extents(),
            Self::Gradient { of, wrt: _, value: _ }
            | Self::Jvp { of, wrt: _ }
            | Self::Vjp { of, wrt: _ }
            | Self::Jacobian { of, wrt: _ } => of.mapped_extents(),
            Self::Map { of, mapped: _ } => of.mapped_extents() + 1,
        }
    }
}
