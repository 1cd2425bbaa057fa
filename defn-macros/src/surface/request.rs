//! Requests as written: derivatives and batches of functions.

use super::{CalleeId, Name, Path};
use proc_macro2::Span;

/// `value_and_grad!(loss, wrt = (p, x))`.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which one.
    pub(crate) kind: RequestKind,
    /// The word before the `!`.
    pub(crate) span: Span,
    /// Of what.
    pub(crate) target: RequestTarget,
    /// `wrt = (p, x)`: names of parameters.
    pub(crate) wrt: Vec<Name>,
    /// `over = batch`: the new axis.
    pub(crate) over: Option<Name>,
    /// `of = (x, y)`: names of parameters.
    pub(crate) of: Vec<Name>,
}

impl Request {
    /// The function at the bottom of nested requests.
    pub(crate) fn function(&self) -> (&Path, CalleeId) {
        match &self.target {
            RequestTarget::Function(path, callee) => (path, *callee),
            RequestTarget::Request(inner) => inner.function(),
        }
    }
}

/// What a request is made of.
#[derive(Clone, Debug)]
pub(crate) enum RequestTarget {
    /// A `#[defn] fn`.
    Function(Path, CalleeId),
    /// `grad!(grad!(f))`.
    Request(Box<Request>),
}

/// The requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// `grad!`
    Grad,
    /// `value_and_grad!`
    ValueAndGrad,
    /// `jvp!`
    Jvp,
    /// `vjp!`
    Vjp,
    /// `vmap!`
    Vmap,
    /// `jacobian!`
    Jacobian,
    /// `hessian!`
    Hessian,
}

/// Every request with the word for it.
const REQUESTS: [(&str, RequestKind); 7] = [
    ("grad", RequestKind::Grad),
    ("value_and_grad", RequestKind::ValueAndGrad),
    ("jvp", RequestKind::Jvp),
    ("vjp", RequestKind::Vjp),
    ("vmap", RequestKind::Vmap),
    ("jacobian", RequestKind::Jacobian),
    ("hessian", RequestKind::Hessian),
];

impl RequestKind {
    /// The request that is written so.
    pub(crate) fn named(word: &str) -> Option<Self> {
        REQUESTS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        let entry = REQUESTS.iter().find(|(_, kind)| *kind == self);
        entry.expect("the table holds every request").0
    }
}
