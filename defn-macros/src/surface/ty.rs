//! Types, element types, axes and extents as written.

use super::{CalleeId, Name, Path};
use proc_macro2::{Span, TokenStream};

/// A type as written.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    /// What it is.
    pub(crate) kind: TypeKind,
    /// Its telling word.
    pub(crate) span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug)]
pub(crate) enum TypeKind {
    /// `f32`, `T`: a tensor of rank 0.
    Scalar(Element),
    /// `usize`: an extent that the caller gives.
    Extent,
    /// `Key`: the state of a random stream.
    Key,
    /// `Tensor<f32, batch, features<784>>`.
    Tensor {
        /// What it holds.
        element: Element,
        /// Its axes, in order.
        axes: Vec<Axis>,
    },
    /// `Mlp`, `Dense<inp, out>`, `Gen<T, n>`: a container or an alias, its definition says which.
    Named {
        /// As written.
        path: Path,
        /// Which definition.
        callee: CalleeId,
        /// In order.
        arguments: Vec<TypeArgument>,
    },
    /// `(A, B)`, and `()`.
    Tuple(Vec<Type>),
    /// `[Block<d>; 12]`.
    Array {
        /// Of what.
        item: Box<Type>,
        /// How many.
        length: Extent,
    },
    /// A container whose tensors have more axes: in the signature of a request alone.
    With(Box<Type>, MoreAxes),
    /// A type that was refused: only the fallback, which must still declare the function, looks at it.
    /// Without tokens, Rust has no such type either.
    Refused(TokenStream),
}

impl Type {
    /// Whether some part of it was refused.
    pub(crate) fn is_refused(&self) -> bool {
        match &self.kind {
            TypeKind::Refused(_) => true,
            TypeKind::Tuple(parts) => parts.iter().any(Self::is_refused),
            TypeKind::Array { item, .. } => item.is_refused(),
            _ => false,
        }
    }
}

/// Which axes the tensors of a container have besides their own.
#[derive(Clone, Debug)]
pub(crate) enum MoreAxes {
    /// One in front.
    One,
    /// Those of a result in front, whose element type is theirs as well: how many there are.
    Of(Element, usize),
    /// Each tensor is a value of this type instead, whose tensors have the axes of that one and then their own.
    Each(Box<Type>),
}

/// One argument of a container or of an alias.
#[derive(Clone, Debug)]
pub(crate) enum TypeArgument {
    /// An element type.
    Element(Element, Span),
    /// An axis.
    Axis(Axis),
}

/// An element type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// IEEE half.
    F16,
    /// Brain float.
    Bf16,
    /// 8-bit integer.
    I8,
    /// 16-bit integer.
    I16,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit unsigned integer.
    U64,
    /// Truth values.
    Bool,
    /// Complex of two `f32`.
    C64,
    /// Complex of two `f64`.
    C128,
    /// An element parameter, by name.
    Parameter(String),
}

/// Every element type with the word for it.
const ELEMENTS: [(&str, Element); 15] = [
    ("f64", Element::F64),
    ("f32", Element::F32),
    ("f16", Element::F16),
    ("bf16", Element::Bf16),
    ("i8", Element::I8),
    ("i16", Element::I16),
    ("i32", Element::I32),
    ("i64", Element::I64),
    ("u8", Element::U8),
    ("u16", Element::U16),
    ("u32", Element::U32),
    ("u64", Element::U64),
    ("bool", Element::Bool),
    ("c64", Element::C64),
    ("c128", Element::C128),
];

impl Element {
    /// The element type that is written so, parameters left aside.
    pub(crate) fn named(word: &str) -> Option<Self> {
        ELEMENTS.iter().find(|(name, _)| *name == word).map(|(_, element)| element.clone())
    }

    /// The word for it.
    pub(crate) fn word(&self) -> &str {
        if let Self::Parameter(name) = self {
            return name;
        }
        let entry = ELEMENTS.iter().find(|(_, element)| element == self);
        entry.expect("the table holds every element type").0
    }
}

/// One axis of a type.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Its form.
    pub(crate) kind: AxisKind,
    /// Its name, or the brace.
    pub(crate) span: Span,
}

/// The forms of an axis in a type.
#[derive(Clone, Debug)]
pub(crate) enum AxisKind {
    /// `batch`: the extent is the symbol of the same name.
    Named(Name),
    /// `features<784>`, `i<n>`, `x<{2 * n + 1}>`.
    NamedExtent(Name, Extent),
    /// `{784}`, `{2 * n}`.
    Unnamed(Extent),
}

/// A length, as an expression over symbols.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// Its form.
    pub(crate) kind: ExtentKind,
    /// Its telling token.
    pub(crate) span: Span,
}

/// The forms of an extent.
#[derive(Clone, Debug)]
pub(crate) enum ExtentKind {
    /// `784`.
    Integer(u64),
    /// `n`.
    Symbol(Name),
    /// `n + m` and its like.
    Binary(ExtentOp, Box<Extent>, Box<Extent>),
}

/// What extents are combined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtentOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`, rounded down.
    Div,
}
