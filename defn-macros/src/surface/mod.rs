//! The user's program as written: names, forms and places, nothing inferred.
//!
//! In: what `parse/` understood of the tokens.   Out: what `resolve/` gives a meaning to.
//!
//! Every name, type and expression carries the span of its smallest telling token:
//! an operator for `a + b`, the method's name for `x.sum(n)`, the field's name for `p.w`.
//! The tree is closed: whatever Rust has and the language has not was refused before.
//! Never here: types of `syn`, types of tensors, the meaning of a name.

mod ty;
mod expr;
mod request;
mod walk;

pub(crate) use self::{expr::*, request::*, ty::*, walk::*};

use proc_macro2::{Ident, Span};

/// One item under `#[defn]`.
#[derive(Clone, Debug)]
pub(crate) enum Definition {
    /// `fn`.
    Function(Function),
    /// `struct`: a container.
    Struct(Struct),
    /// `const`.
    Constant(Constant),
    /// `type`.
    Alias(TypeAlias),
}

impl Definition {
    /// The name it is declared with.
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Function(function) => &function.name,
            Self::Struct(container) => &container.name,
            Self::Constant(constant) => &constant.name,
            Self::Alias(alias) => &alias.name,
        }
    }

    /// The other definitions that it mentions, each once; [`CalleeId`] is the position here.
    pub(crate) fn callees(&self) -> &[Path] {
        match self {
            Self::Function(function) => &function.callees,
            Self::Struct(container) => &container.callees,
            Self::Constant(constant) => &constant.callees,
            Self::Alias(alias) => &alias.callees,
        }
    }

    /// What stands in the parentheses of its attribute.
    pub(crate) fn options(&self) -> &Options {
        match self {
            Self::Function(function) => &function.options,
            Self::Struct(container) => &container.options,
            Self::Constant(constant) => &constant.options,
            Self::Alias(alias) => &alias.options,
        }
    }

    /// The places of every `inspect!` and `check!`.
    pub(crate) fn hooks(&self) -> &[Span] {
        match self {
            Self::Function(function) => &function.hooks,
            Self::Struct(_) | Self::Constant(_) | Self::Alias(_) => &[],
        }
    }

    /// The element parameters that Rust sees too.
    pub(crate) fn elements(&self) -> Vec<&ElementParameter> {
        match self {
            Self::Function(function) => function.elements.iter().collect(),
            Self::Struct(Struct { parameters, .. }) | Self::Alias(TypeAlias { parameters, .. }) => {
                parameters.iter().filter_map(TypeParameter::element).collect()
            }
            Self::Constant(_) => Vec::new(),
        }
    }
}

/// A word of the user with its place.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// The word, without `r#`.
    pub(crate) text: String,
    /// The token, for speaking to rustc about it.
    pub(crate) ident: Ident,
}

impl Name {
    /// Where it stands.
    pub(crate) fn span(&self) -> Span {
        self.ident.span()
    }
}

/// `a`, `nn::loss`, `::liba::ops::sq`, without any arguments.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Whether it begins with `::`.
    pub(crate) leading: bool,
    /// At least one.
    pub(crate) segments: Vec<Ident>,
}

impl Path {
    /// As written, without spaces.
    pub(crate) fn text(&self) -> String {
        let words: Vec<String> = self.segments.iter().map(Ident::to_string).collect();
        format!("{}{}", if self.leading { "::" } else { "" }, words.join("::"))
    }

    /// The last word, which is the name of what is meant.
    pub(crate) fn last(&self) -> &Ident {
        self.segments.last().expect("a path has a segment")
    }

    /// The place of the last word.
    pub(crate) fn span(&self) -> Span {
        self.last().span()
    }
}

/// Which of the definitions that this one mentions: the position in its `callees`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CalleeId(pub(crate) usize);

/// Which `inspect!` or `check!` of a function: the position in its `hooks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HookId(pub(crate) usize);

/// `#[defn] fn`.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: Name,
    /// `T: Float`, in order.
    pub(crate) elements: Vec<ElementParameter>,
    /// In order.
    pub(crate) parameters: Vec<Parameter>,
    /// The empty tuple if nothing is written.
    pub(crate) result: Type,
    /// What it computes.
    pub(crate) body: Block,
    /// The other definitions that it mentions, each once, in order of appearance.
    pub(crate) callees: Vec<Path>,
    /// The places of every `inspect!` and `check!`, in order of appearance.
    pub(crate) hooks: Vec<Span>,
    /// `#[defn(…)]`.
    pub(crate) options: Options,
}

/// What stands in the parentheses of `#[defn(…)]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `grad = my_rule`: the function that gives the gradients.
    pub(crate) grad: Option<(Path, CalleeId)>,
    /// `jvp = my_rule`: the function that gives value and tangent.
    pub(crate) jvp: Option<(Path, CalleeId)>,
    /// `test(x = 0.1..0.9)`: whether there is a test of the rules.
    pub(crate) test: Option<RuleTest>,
    /// `memory = "8 MiB"`: bytes of scratch that a call may need, with the place.
    pub(crate) memory: Option<(u64, Span)>,
    /// `nan_hunt`: a call fails where the first NaN comes up.
    pub(crate) nan_hunt: bool,
    /// `tf32`: a device may round what products of `f32` multiply.
    pub(crate) tf32: bool,
    /// `bare`: no type of the function's name, so `try_call` and its like are missing.
    pub(crate) bare: bool,
    /// `crate = ::tensors`: where the facade is, if not at `::defn`.
    pub(crate) facade: Option<Path>,
}

/// `test` or `test(x = 0.1..0.9, n = 4)`: a test of rules, with what is said of points.
#[derive(Clone, Debug)]
pub(crate) struct RuleTest {
    /// In order.
    pub(crate) given: Vec<GivenPoint>,
}

/// `x = 0.1..0.9`.
#[derive(Clone, Debug)]
pub(crate) struct GivenPoint {
    /// A parameter, what it holds as in `p.w`, or an extent.
    pub(crate) path: String,
    /// The last word of it.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) is: GivenNumbers,
}

/// What a parameter of a test is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GivenNumbers {
    /// Floats between two numbers, of which the first is less.
    Range(f64, f64),
    /// An integer or an extent; `true` is 1.
    Number(i64),
}

/// A Rust type parameter that stands for an element type.
#[derive(Clone, Debug)]
pub(crate) struct ElementParameter {
    /// `T`.
    pub(crate) name: Name,
    /// What it may be.
    pub(crate) bound: Bound,
}

/// What an element parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// `T: Float`: `f32` or `f64`.
    Float,
    /// `T: Number`: any element type that has arithmetic.
    Number,
}

/// One parameter of a function.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: Name,
    /// Its type, without the `&mut`.
    pub(crate) ty: Type,
    /// Whether it is `&mut`: updated in place.
    pub(crate) mutable: bool,
}

/// `#[defn] struct`.
#[derive(Clone, Debug)]
pub(crate) struct Struct {
    /// Its name.
    pub(crate) name: Name,
    /// In order.
    pub(crate) parameters: Vec<TypeParameter>,
    /// In order.
    pub(crate) fields: Vec<Field>,
    /// The other definitions that it mentions.
    pub(crate) callees: Vec<Path>,
    /// `#[defn(…)]`.
    pub(crate) options: Options,
}

/// One parameter of a container or of an alias.
#[derive(Clone, Debug)]
pub(crate) enum TypeParameter {
    /// `n`: without a bound, erased for Rust.
    Axis(Name),
    /// `T: Float`.
    Element(ElementParameter),
}

impl TypeParameter {
    /// The element parameter, if it is one.
    pub(crate) fn element(&self) -> Option<&ElementParameter> {
        match self {
            Self::Axis(_) => None,
            Self::Element(element) => Some(element),
        }
    }
}

/// One field of a container.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: Name,
    /// Its type.
    pub(crate) ty: Type,
}

/// `#[defn] const`.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    /// Its name.
    pub(crate) name: Name,
    /// Its type.
    pub(crate) ty: Type,
    /// Its value.
    pub(crate) value: Expr,
    /// The other definitions that it mentions.
    pub(crate) callees: Vec<Path>,
    /// `#[defn(…)]`.
    pub(crate) options: Options,
}

/// `#[defn] type`.
#[derive(Clone, Debug)]
pub(crate) struct TypeAlias {
    /// Its name.
    pub(crate) name: Name,
    /// In order.
    pub(crate) parameters: Vec<TypeParameter>,
    /// What it stands for.
    pub(crate) ty: Type,
    /// The other definitions that it mentions.
    pub(crate) callees: Vec<Path>,
    /// `#[defn(…)]`.
    pub(crate) options: Options,
}
