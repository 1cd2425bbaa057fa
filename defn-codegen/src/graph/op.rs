//! The closed set of primitives.
//!
//! Everything else of the language is written from these, in `library/`.
//! Positions of axes are positions in the operand's or the result's shape; names of axes live above the graph.

use super::control::{Branch, Repeat};
use super::half;
use super::shape::Dim;
use super::ty::Element;
use crate::graph::Callable;
use crate::origin::Site;

/// A primitive. The operands stand in the node; what is here are the attributes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// The value of parameter `k` of the graph.
    Parameter(usize),
    /// A scalar.
    Constant(Scalar),
    /// An extent as an `i64` scalar.
    Extent(Dim),
    /// `i64`: the position along `axis` of the result.
    Iota {
        /// The axis that is counted.
        axis: usize,
    },
    /// A function of each element.
    Unary(Unary),
    /// A function of two elements at the same place; operands have the same type.
    Binary(Binary),
    /// A comparison of two elements at the same place; the result is `bool`. With NaN only `Ne` holds.
    Compare(Comparison),
    /// Operands: condition (`bool`), then, else; all of one shape.
    Select,
    /// Rust's `as`, element by element.
    Convert,
    /// Operand axis `i` becomes result axis `axes[i]` (strictly increasing); the value repeats along the others.
    Broadcast {
        /// Where each operand axis goes.
        axes: Vec<usize>,
    },
    /// Result axis `i` is operand axis `permutation[i]`.
    Transpose {
        /// For each result axis, the operand axis.
        permutation: Vec<usize>,
    },
    /// The same elements in row-major order under another shape of the same size.
    Reshape,
    /// Result element `i` is operand element `i + starts`; sizes are those of the result type.
    Slice {
        /// The first position, for each axis.
        starts: Vec<Dim>,
    },
    /// Operands: tensor, scalar. The scalar stands in front of and behind the tensor.
    Pad {
        /// How many in front, for each axis; not negative.
        low: Vec<Dim>,
        /// How many behind, for each axis; not negative.
        high: Vec<Dim>,
    },
    /// Counts backwards along each of `axes`.
    Reverse {
        /// The reversed axes, increasing.
        axes: Vec<usize>,
    },
    /// The operand seen through windows: result `[o.., t..]` is the operand at the place that [`Sliding`] gives; sizes are those of the
    /// result type.
    Window(Sliding),
    /// Each place of the result is the sum of all elements `[o.., t..]` of the operand that [`Sliding`] sends there, and zero if there are
    /// none; the shape is that of the result type. The adjoint of [`Op::Window`].
    OverlapAdd(Sliding),
    /// Operands one behind the other along `axis`.
    Concat {
        /// The axis along which they follow each other.
        axis: usize,
    },
    /// Operands: `x` of shape `[batch.., n, rest..]`, `i64` positions of shape `[batch.., index..]`.
    /// The result has shape `[batch.., index.., rest..]`; positions outside `0..n` are clamped into it.
    /// Of an `x` with `n = 0` the result is zero.
    Take {
        /// The number of leading axes that both share.
        batch: usize,
    },
    /// Operands: `x` of shape `[batch.., n, rest..]`, `i64` positions `[batch.., index..]`, `y` of shape `[batch.., index.., rest..]`.
    /// The result is `x` with every `y` added at its position, in row-major order of the positions; those outside are dropped.
    AddAt {
        /// The number of leading axes that all share.
        batch: usize,
    },
    /// Along `axis`, element `i` of the result combines the elements `0..=i` of the operand, or, in reverse, those from `i` to the end.
    Scan {
        /// What combines two elements.
        combine: Combine,
        /// The axis that is walked along.
        axis: usize,
        /// Whether from the end.
        reverse: bool,
    },
    /// The elements in order along `axis`: equal ones stay in theirs, zeros are equal, and NaN comes last.
    Sort {
        /// The axis along which they are put in order.
        axis: usize,
        /// Whether the largest comes first.
        descending: bool,
    },
    /// `i64`: the positions along `axis` of the elements that come first in the order of [`Op::Sort`].
    Argsort {
        /// The axis along which they are put in order.
        axis: usize,
        /// Whether the largest comes first.
        descending: bool,
        /// How many, at most as many as there are.
        count: Dim,
    },
    /// Reduces `axes` away. An empty reduction gives the identity (sum 0, product 1, max −inf or MIN or false, min +inf or MAX or true).
    Reduce {
        /// What combines two elements.
        combine: Combine,
        /// The reduced axes, increasing.
        axes: Vec<usize>,
    },
    /// Operands: `[batch.., left.., contracted..]` and `[batch.., right.., contracted..]` of one element type.
    /// The result `[batch.., left.., right..]` is the sum over `contracted` of the products, not rounded in between.
    Contract {
        /// The number of leading axes that both share.
        batch: usize,
        /// The number of trailing axes that are summed.
        contracted: usize,
    },
    /// Calls a function of the program or a transform of one; the node has one type for each result.
    /// Operands are the leaves of the arguments.
    Call {
        /// What is called.
        callee: Callable,
        /// The extent in the caller for each symbol of the called function.
        symbols: Vec<Dim>,
    },
    /// Runs a body again and again; the node has one type for each result.
    Repeat(Box<Repeat>),
    /// Runs one of two bodies; the node has one type for each result.
    Branch(Box<Branch>),
    /// The first operand, as the solution of an equation in all operands: its value is that of the operand, and how it moves follows from
    /// the equation. Floats of one element type.
    Implicit(Equation),
    /// Shows the host a value, and then gives back the first operand as it is. Operands: a number, and what is shown.
    /// The number goes from one to the next, so that they stand in one order and each is needed by what comes behind it.
    Inspect(Site),
    /// Result `k` of a call with several results, or of what runs bodies or shows values.
    Project(usize),
}

impl Op {
    /// Whether it folds many elements into one: a reduction or a contraction.
    pub fn folds(&self) -> bool {
        matches!(self, Self::Reduce { .. } | Self::Contract { .. })
    }

    /// Whether it writes parts of its result one after the other: it then needs a buffer, and is never computed where it is used.
    pub fn assembles(&self) -> bool {
        matches!(
            self,
            Self::AddAt { .. }
                | Self::Scan { .. }
                | Self::Sort { .. }
                | Self::Argsort { .. }
                | Self::Concat { .. }
                | Self::Pad { .. }
                | Self::OverlapAdd(_)
        )
    }
}

/// What a solution `x` solves. How it moves is differentiated like any other graph, so that a derivative of any order is that of the
/// equation, and nobody asks how the solution was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Equation {
    /// Operands: `x`, `a`, of one shape. The share of gamma numbers of shape `a` that are below `x` stays as it is.
    Gamma,
    /// The same where `x` is the logarithm of such a number.
    LogGamma,
    /// Operands: `x` of shape `[batch.., n, k]`, `a` of shape `[batch.., n, n]`, `b` of the shape of `x`; and `a·x = b`.
    Linear,
    /// Operands: `x` of shape `[batch..]`, `a` of shape `[batch.., n, n]`; and `x` is the determinant of `a`.
    Determinant,
    /// The same where `x` is the logarithm of the size of the determinant.
    LogDeterminant,
}

impl Equation {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Gamma, Self::LogGamma, Self::Linear, Self::Determinant, Self::LogDeterminant];

    /// The word in dumps.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gamma => "gamma",
            Self::LogGamma => "log_gamma",
            Self::Linear => "linear",
            Self::Determinant => "determinant",
            Self::LogDeterminant => "log_determinant",
        }
    }
}

/// How windows lie on the axes of a tensor of shape `[n..]`: they have a place on each axis, and inside of them there are taps.
/// What is seen through them has the shape `[o.., t..]`: the places along each axis, then an axis for each tap.
///
/// ```text
/// n[a] = strides[a]·o[a] + Σ dilations[k]·t[k]      over the taps k with axes[k] = a
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sliding {
    /// For each axis the distance of neighbouring windows; positive.
    pub strides: Vec<Dim>,
    /// For each tap the axis that it runs along.
    pub axes: Vec<usize>,
    /// For each tap the distance of neighbouring elements in the window; positive.
    pub dilations: Vec<Dim>,
}

impl Sliding {
    /// The taps along an axis.
    pub fn taps(&self, axis: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.axes.len()).filter(move |tap| self.axes[*tap] == axis)
    }

    /// Whether the places along `axis` are those of the tensor: windows one wide, side by side.
    pub fn keeps(&self, axis: usize) -> bool {
        self.strides[axis].is(1) && !self.axes.contains(&axis)
    }

    /// How many elements of `axis` lie between the first and the last that are seen, if the windows have `seen` places and taps.
    pub fn reach(&self, axis: usize, seen: &[Dim]) -> Dim {
        let last = |extent: &Dim| extent.clone() - Dim::from(1);
        let windows = last(&seen[axis]) * self.strides[axis].clone();
        self.taps(axis).fold(windows, |reach, tap| {
            reach + last(&seen[self.strides.len() + tap]) * self.dilations[tap].clone()
        })
    }

    /// What is seen through these windows over what is seen through `inner` ones.
    pub fn over(&self, inner: &Self) -> Self {
        let rank = inner.strides.len();
        let (windows, taps) = self.strides.split_at(rank);
        let product = |(left, right): (&Dim, &Dim)| left.clone() * right.clone();
        let mut axes = inner.axes.clone();
        let mut dilations: Vec<Dim> = inner.dilations.iter().zip(taps).map(product).collect();
        for (axis, by) in self.axes.iter().zip(&self.dilations) {
            let (along, step) = match axis.checked_sub(rank) {
                None => (*axis, &inner.strides[*axis]),
                Some(tap) => (inner.axes[tap], &inner.dilations[tap]),
            };
            axes.push(along);
            dilations.push(by.clone() * step.clone());
        }
        let strides = inner.strides.iter().zip(windows).map(product).collect();
        Self { strides, axes, dilations }
    }

    /// The same with another extent in place of each.
    pub fn map(&self, mut extent: impl FnMut(&Dim) -> Dim) -> Self {
        let strides = self.strides.iter().map(&mut extent).collect();
        let dilations = self.dilations.iter().map(extent).collect();
        Self { strides, axes: self.axes.clone(), dilations }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$row:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$row])* $variant,)* }

        impl $name {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in dumps.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What this word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|candidate| candidate.word() == word)
            }
        }
    };
}

words! {
    /// Functions of one element. Floats only, unless the row says otherwise.
    Unary {
        /// −x; integers wrap. Every number.
        Neg "neg",
        /// |x|; integers wrap. Every number.
        Abs "abs",
        /// −1, 0 or 1 as for integers in Rust; for floats the sign of x, 0 for ±0, NaN for NaN. Every number.
        Sign "sign",
        /// Bitwise for integers, logical for `bool`. Integers and `bool` only.
        Not "not",
        /// The largest whole number that is not above x.
        Floor "floor",
        /// The smallest whole number that is not below x.
        Ceil "ceil",
        /// The nearest whole number, halves away from zero, as in Rust.
        Round "round",
        /// x, as if it depended on nothing: its derivative is zero.
        StopGrad "stop_grad",
        /// √x, correctly rounded.
        Sqrt "sqrt",
        /// 1 / √x.
        Rsqrt "rsqrt",
        /// ∛x.
        Cbrt "cbrt",
        /// eˣ.
        Exp "exp",
        /// 2ˣ.
        Exp2 "exp2",
        /// eˣ − 1 without cancellation.
        Expm1 "expm1",
        /// ln x.
        Log "log",
        /// log₂ x.
        Log2 "log2",
        /// ln(1 + x) without cancellation.
        Log1p "log1p",
        /// sin x.
        Sin "sin",
        /// cos x.
        Cos "cos",
        /// tan x.
        Tan "tan",
        /// arcsin x.
        Asin "asin",
        /// arccos x.
        Acos "acos",
        /// arctan x.
        Atan "atan",
        /// sinh x.
        Sinh "sinh",
        /// cosh x.
        Cosh "cosh",
        /// tanh x.
        Tanh "tanh",
        /// 1 / (1 + e⁻ˣ).
        Sigmoid "sigmoid",
        /// The error function.
        Erf "erf",
        /// The x whose error function this is.
        ErfInv "erf_inv",
    }
}

impl Unary {
    /// Whether it takes about one instruction.
    pub fn is_plain(self) -> bool {
        match self {
            Self::Neg
            | Self::Abs
            | Self::Sign
            | Self::Not
            | Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::StopGrad => true,
            Self::Sqrt
            | Self::Rsqrt
            | Self::Cbrt
            | Self::Exp
            | Self::Exp2
            | Self::Expm1
            | Self::Log
            | Self::Log2
            | Self::Log1p
            | Self::Sin
            | Self::Cos
            | Self::Tan
            | Self::Asin
            | Self::Acos
            | Self::Atan
            | Self::Sinh
            | Self::Cosh
            | Self::Tanh
            | Self::Sigmoid
            | Self::Erf
            | Self::ErfInv => false,
        }
    }

    /// Whether IEEE 754 leaves no choice in the result.
    pub fn is_exact(self) -> bool {
        self.is_plain() || self == Self::Sqrt
    }
}

words! {
    /// Functions of two elements of one type. Every number, unless the row says otherwise.
    Binary {
        /// x + y; integers wrap.
        Add "add",
        /// x − y; integers wrap.
        Sub "sub",
        /// x · y; integers wrap.
        Mul "mul",
        /// x / y; integers truncate, x / 0 = 0, MIN / −1 = MIN.
        Div "div",
        /// Rust's remainder; of integers x % 0 = x, MIN % −1 = 0.
        Rem "rem",
        /// xʸ; floats only.
        Pow "pow",
        /// The angle of the point (y, x), where x is the second operand; floats only.
        Atan2 "atan2",
        /// The larger; NaN if one is NaN; +0 above −0. Also `bool`.
        Max "max",
        /// The smaller; NaN if one is NaN; −0 below +0. Also `bool`.
        Min "min",
        /// Bitwise and, integers and `bool` only.
        And "and",
        /// Bitwise or, integers and `bool` only.
        Or "or",
        /// Bitwise exclusive or, integers and `bool` only.
        Xor "xor",
        /// x << (y modulo the width), integers only.
        ShiftLeft "shl",
        /// x >> (y modulo the width), arithmetic if signed, integers only.
        ShiftRight "shr",
    }
}

words! {
    /// Comparisons, on every element type; `false < true`.
    Comparison {
        /// x = y.
        Eq "eq",
        /// x ≠ y.
        Ne "ne",
        /// x < y.
        Lt "lt",
        /// x ≤ y.
        Le "le",
        /// x > y.
        Gt "gt",
        /// x ≥ y.
        Ge "ge",
    }
}

words! {
    /// What a reduction or a scan combines two elements with. Numbers, and for `Max` and `Min` also `bool` (any, all).
    Combine {
        /// Sum; identity 0.
        Add "add",
        /// Product; identity 1.
        Mul "mul",
        /// As [`Binary::Max`].
        Max "max",
        /// As [`Binary::Min`].
        Min "min",
    }
}

impl Combine {
    /// The same function of two elements.
    pub fn binary(self) -> Binary {
        match self {
            Self::Add => Binary::Add,
            Self::Mul => Binary::Mul,
            Self::Max => Binary::Max,
            Self::Min => Binary::Min,
        }
    }

    /// The value that changes nothing.
    pub fn identity(self, element: Element) -> Scalar {
        match (self, element) {
            (Self::Add, _) => Scalar::from_i64(element, 0),
            (Self::Mul, _) => Scalar::from_i64(element, 1),
            (Self::Max, Element::F64 | Element::F32 | Element::F16 | Element::Bf16) => {
                Scalar::from_f64(element, f64::NEG_INFINITY)
            }
            (Self::Min, Element::F64 | Element::F32 | Element::F16 | Element::Bf16) => {
                Scalar::from_f64(element, f64::INFINITY)
            }
            (Self::Max, Element::I32) => Scalar::from_i64(element, i64::from(i32::MIN)),
            (Self::Min, Element::I32) => Scalar::from_i64(element, i64::from(i32::MAX)),
            (Self::Max, Element::I64) => Scalar::from_i64(element, i64::MIN),
            (Self::Min, Element::I64) => Scalar::from_i64(element, i64::MAX),
            (Self::Max, Element::U8 | Element::U32 | Element::U64 | Element::Bool) => {
                Scalar::from_i64(element, 0)
            }
            (Self::Min, Element::U8 | Element::U32 | Element::U64) => Scalar::from_i64(element, -1),
            (Self::Min, Element::Bool) => Scalar::from_i64(element, 1),
        }
    }
}

/// One element: its type and its bits, zero-extended to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalar {
    /// The element type.
    pub element: Element,
    /// The bits of the value.
    pub bits: u64,
}

impl Scalar {
    /// The nearest value of `element`, converted as by Rust's `as`.
    pub fn from_f64(element: Element, value: f64) -> Self {
        let bits = match element {
            Element::F64 => value.to_bits(),
            Element::F32 => u64::from((value as f32).to_bits()),
            Element::F16 => u64::from(half::f16_from_f32(half::odd_f32(value))),
            Element::Bf16 => u64::from(half::bf16_from_f32(half::odd_f32(value))),
            Element::I32 => u64::from((value as i32).cast_unsigned()),
            Element::I64 => (value as i64).cast_unsigned(),
            Element::U8 => u64::from(value as u8),
            Element::U32 => u64::from(value as u32),
            Element::U64 => value as u64,
            Element::Bool => u64::from(value != 0.0),
        };
        Self { element, bits }
    }

    /// The value of `element`, converted as by Rust's `as`.
    pub fn from_u64(element: Element, value: u64) -> Self {
        match element {
            Element::F64 => Self { element, bits: (value as f64).to_bits() },
            Element::F32 => Self { element, bits: u64::from((value as f32).to_bits()) },
            Element::F16 | Element::Bf16 => Self::from_f64(element, half::odd_u64(value)),
            Element::I32
            | Element::I64
            | Element::U8
            | Element::U32
            | Element::U64
            | Element::Bool => Self::from_i64(element, value.cast_signed()),
        }
    }

    /// The value of `element`, converted as by Rust's `as`; any number but zero is `true`.
    pub fn from_i64(element: Element, value: i64) -> Self {
        let bits = match element {
            Element::F64 => (value as f64).to_bits(),
            Element::F32 => u64::from((value as f32).to_bits()),
            Element::F16 | Element::Bf16 => Self::from_f64(element, half::odd_i64(value)).bits,
            Element::I32 => u64::from((value as i32).cast_unsigned()),
            Element::I64 => value.cast_unsigned(),
            Element::U8 => u64::from(value as u8),
            Element::U32 => u64::from(value as u32),
            Element::U64 => value.cast_unsigned(),
            Element::Bool => u64::from(value != 0),
        };
        Self { element, bits }
    }

    /// The value as `f64`: exact for every type but `i64` and `u64`.
    pub fn to_f64(self) -> f64 {
        match self.element {
            Element::F64 => f64::from_bits(self.bits),
            Element::F32 => f64::from(f32::from_bits(self.bits as u32)),
            Element::F16 => f64::from(half::f16_to_f32(self.bits as u16)),
            Element::Bf16 => f64::from(half::bf16_to_f32(self.bits as u16)),
            Element::I32 => f64::from((self.bits as u32).cast_signed()),
            Element::I64 => self.bits.cast_signed() as f64,
            Element::U8 | Element::U32 | Element::U64 | Element::Bool => self.bits as f64,
        }
    }

    /// The value as `i64`, converted as by Rust's `as`.
    pub fn to_i64(self) -> i64 {
        match self.element {
            Element::F64 | Element::F32 | Element::F16 | Element::Bf16 => self.to_f64() as i64,
            Element::I32 => i64::from((self.bits as u32).cast_signed()),
            Element::I64 | Element::U8 | Element::U32 | Element::U64 | Element::Bool => {
                self.bits.cast_signed()
            }
        }
    }
}
