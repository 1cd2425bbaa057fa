//! Element types and tensor types.

use std::fmt;

use super::shape::Dim;

macro_rules! elements {
    ($($variant:ident $name:literal $size:literal $kind:ident;)*) => {
        /// The type of one element of a tensor.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Element {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Element {
            /// Every element type, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the language and in dumps.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Bytes of one element in memory.
            pub fn size(self) -> usize {
                match self { $(Self::$variant => $size,)* }
            }

            /// What kind of number it is.
            pub fn kind(self) -> ElementKind {
                match self { $(Self::$variant => ElementKind::$kind,)* }
            }
        }
    };
}

/// What kind of number an element is; the rules of the language speak of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementKind {
    /// IEEE floating point.
    Float,
    /// Two's complement.
    Signed,
    /// Natural numbers modulo a power of two.
    Unsigned,
    /// `false` or `true`, one byte in memory.
    Bool,
}

elements! {
    F64 "f64" 8 Float;
    F32 "f32" 4 Float;
    F16 "f16" 2 Float;
    Bf16 "bf16" 2 Float;
    I32 "i32" 4 Signed;
    I64 "i64" 8 Signed;
    U8 "u8" 1 Unsigned;
    U32 "u32" 4 Unsigned;
    U64 "u64" 8 Unsigned;
    Bool "bool" 1 Bool;
}

impl Element {
    /// The element type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|element| element.name() == name)
    }

    /// Whether it is floating point.
    pub fn is_float(self) -> bool {
        self.kind() == ElementKind::Float
    }

    /// Whether it is a float of 16 bits. Such elements are kept and moved as they are; each function of them is that of the numbers
    /// as `f32`, rounded to the nearest value, ties to even. A sum of many is rounded once.
    pub fn is_half(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16)
    }

    /// The element type that arithmetic is done in.
    pub fn widened(self) -> Self {
        if self.is_half() { Self::F32 } else { self }
    }

    /// Whether it is an integer, signed or not; `bool` is none.
    pub fn is_integer(self) -> bool {
        matches!(self.kind(), ElementKind::Signed | ElementKind::Unsigned)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An element type and the extents of all axes; rank 0 is a scalar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorType {
    /// The type of each element.
    pub element: Element,
    /// The extent of each axis.
    pub shape: Vec<Dim>,
}

impl TensorType {
    /// A tensor type.
    pub fn new(element: Element, shape: Vec<Dim>) -> Self {
        Self { element, shape }
    }

    /// The type of a scalar.
    pub fn scalar(element: Element) -> Self {
        Self { element, shape: Vec::new() }
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The type with the axes of another behind its own.
    #[must_use]
    pub fn outer(&self, other: &Self) -> Self {
        Self::new(self.element, [self.shape.as_slice(), &other.shape].concat())
    }

    /// The number of elements.
    pub fn size(&self) -> Dim {
        self.shape.iter().fold(Dim::from(1), |size, dim| size * dim.clone())
    }
}
