//! Parts of a graph that run again and again, or perhaps never; and what the host looks at between kernels.
//!
//! A body is a [`Graph`] over the symbols of the graph around it, without checks of its own: whatever it reads comes in as a parameter.
//! The node that runs it has one type for each result, and only [`Op::Project`] reads them.
//!
//! ```text
//! %0: (f32[3], f32[n, 3]) = repeat x, steps, w times=n state=1 sequences=1 {
//!   graph body(i: i64 unused, s: f32[3], step: f32, w: f32[3]) -> (f32[3], f32[3]) {
//!     %0: f32[3] = broadcast step axes=[]
//!     %1: f32[3] = mul w, %0
//!     %2: f32[3] = add s, %1
//!     return %2, s
//!   }
//! }
//! ```

use super::{Dim, Element, Graph, Op, TensorType};

/// A body that runs again and again.
///
/// Operands: the initial state, sequences, the rest. Parameters of the body: how often it has run (`i64`, a position from the end if
/// [`reverse`](Self::reverse)), the state, one element of each sequence, the rest. Its results: the next state, then what is collected.
/// Results of the node: the last state, then what was collected, each with a new first axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repeat {
    /// How often.
    pub times: Times,
    /// How many operands are state.
    pub state: usize,
    /// How many operands behind the state are sequences: the body sees one position of their first axis.
    pub sequences: usize,
    /// Whether positions run from the last to the first.
    pub reverse: bool,
    /// What a derivative keeps of the runs.
    pub keep: Keep,
    /// What is repeated.
    pub body: Graph,
}

/// How often a body runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Times {
    /// So often; the extent of sequences and of what is collected.
    Extent(Dim),
    /// While this gives `true`, from the position, the state and the rest. There are no sequences then, and nothing is collected.
    While(Graph),
}

/// What a derivative keeps of the runs of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Of every run what its linear part needs.
    #[default]
    Residuals,
    /// What goes into some runs; from there the others run again. Of a body that runs once and carries no state: what goes into it.
    Inputs {
        /// How often the loop is halved: of `n` runs about the root of `n` at 1, the fourth root at 2.
        halvings: u32,
    },
    /// As for a body that runs once and keeps its inputs. It is such a second run itself, and stays apart from what ran before.
    Again,
}

/// One of two bodies. Operands: a `bool`, then the parameters of both bodies. Results: those of the body that runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch {
    /// What runs if the condition holds.
    pub then: Graph,
    /// What runs otherwise.
    pub otherwise: Graph,
}

impl Repeat {
    /// Whether the body runs once, and all that comes out is collected: then each result of the node is that of the body with a first
    /// axis of one.
    pub fn is_once(&self) -> bool {
        let once = matches!(&self.times, Times::Extent(extent) if extent.is(1));
        once && self.state == 0 && self.sequences == 0
    }

    /// Runs a body once.
    pub fn once(body: Graph, keep: Keep) -> Self {
        let times = Times::Extent(Dim::from(1));
        Self { times, state: 0, sequences: 0, reverse: false, keep, body }
    }
}

impl Op {
    /// Whether it is done between kernels: it runs bodies, or shows a value to the host.
    /// Then it has one type for each result, and only projections read it.
    pub fn is_control(&self) -> bool {
        matches!(self, Self::Repeat(_) | Self::Branch(_) | Self::Inspect(_))
    }

    /// The bodies with their names in dumps; none of other primitives.
    pub fn bodies(&self) -> Vec<(&'static str, &Graph)> {
        if let Self::Branch(branch) = self {
            return vec![("then", &branch.then), ("otherwise", &branch.otherwise)];
        }
        let Self::Repeat(repeat) = self else { return Vec::new() };
        let condition = match &repeat.times {
            Times::Extent(_) => None,
            Times::While(condition) => Some(("condition", condition)),
        };
        condition.into_iter().chain([("body", &repeat.body)]).collect()
    }

    /// The same primitive with other bodies.
    #[must_use]
    pub fn with_bodies(&self, mut other: impl FnMut(&Graph) -> Graph) -> Self {
        if let Self::Branch(branch) = self {
            let (then, otherwise) = (other(&branch.then), other(&branch.otherwise));
            return Self::Branch(Box::new(Branch { then, otherwise }));
        }
        let Self::Repeat(repeat) = self else { return self.clone() };
        let times = match &repeat.times {
            Times::Extent(extent) => Times::Extent(extent.clone()),
            Times::While(condition) => Times::While(other(condition)),
        };
        let body = other(&repeat.body);
        Self::Repeat(Box::new(Repeat { times, body, ..Repeat::clone(repeat) }))
    }
}

/// The types of the results of a primitive that runs bodies, or what is wrong.
pub fn infer(op: &Op, operands: &[&TensorType]) -> Result<Vec<TensorType>, String> {
    if let Op::Branch(branch) = op {
        let Some((condition, rest)) = operands.split_first() else {
            return Err("a branch needs a condition".to_owned());
        };
        if **condition != TensorType::scalar(Element::Bool) {
            return Err("the condition is no bool".to_owned());
        }
        let rest = owned(rest);
        takes(&branch.then, &rest)?;
        takes(&branch.otherwise, &rest)?;
        let results = results(&branch.then);
        return match results == self::results(&branch.otherwise) {
            true => Ok(results),
            false => Err("the bodies have different results".to_owned()),
        };
    }
    if let Op::Inspect(_) = op {
        return match operands {
            [number, _] if number.element == Element::I64 => Ok(vec![(*number).clone()]),
            _ => Err("takes a number and what is shown".to_owned()),
        };
    }
    let Op::Repeat(repeat) = op else { return Err("no body runs".to_owned()) };
    repeated(repeat, operands)
}

fn repeated(repeat: &Repeat, operands: &[&TensorType]) -> Result<Vec<TensorType>, String> {
    let Repeat { times, state, sequences, reverse: _, keep, body } = repeat;
    if let (Times::While(_), Keep::Inputs { .. } | Keep::Again) = (times, keep) {
        return Err("what may run any number of times has its own way to keep states".to_owned());
    }
    if *keep == Keep::Again && !repeat.is_once() {
        return Err("what is run again runs once, and carries nothing".to_owned());
    }
    if operands.len() < state + sequences {
        return Err("there are fewer operands than state and sequences".to_owned());
    }
    let (state, rest) = operands.split_at(*state);
    let (sequences, rest) = rest.split_at(*sequences);
    let position = TensorType::scalar(Element::I64);
    let (state, rest) = (owned(state), owned(rest));
    let mut elements = Vec::new();
    for ty in sequences {
        let fits = match (times, ty.shape.first()) {
            (Times::Extent(extent), Some(first)) => extent == first,
            (Times::While(_), _) | (_, None) => false,
        };
        if !fits {
            return Err("a sequence has another extent".to_owned());
        }
        elements.push(TensorType::new(ty.element, ty.shape[1..].to_vec()));
    }
    takes(body, &[std::slice::from_ref(&position), &state, &elements, &rest].concat())?;
    let mut results = results(body);
    if results.len() < state.len() || results[..state.len()] != state {
        return Err("the state changes its type".to_owned());
    }
    match times {
        Times::Extent(extent) => {
            if extent.as_constant().is_some_and(|extent| extent < 0) {
                return Err("runs less than never".to_owned());
            }
            for collected in &mut results[state.len()..] {
                collected.shape.insert(0, extent.clone());
            }
        }
        Times::While(condition) => {
            takes(condition, &[std::slice::from_ref(&position), &state, &rest].concat())?;
            if self::results(condition) != [TensorType::scalar(Element::Bool)] {
                return Err("the condition gives no bool".to_owned());
            }
            if results.len() > state.len() {
                return Err("what may run any number of times collects nothing".to_owned());
            }
        }
    }
    Ok(results)
}

fn owned(types: &[&TensorType]) -> Vec<TensorType> {
    types.iter().copied().cloned().collect()
}

fn takes(body: &Graph, expected: &[TensorType]) -> Result<(), String> {
    let found = body.parameters.iter().map(|parameter| &parameter.ty);
    match found.eq(expected) {
        true => Ok(()),
        false => Err(format!("the parameters of `{}` do not fit", body.name)),
    }
}

fn results(body: &Graph) -> Vec<TensorType> {
    body.results.iter().flat_map(|result| body.nodes[result.node].types.clone()).collect()
}
