//! Which Rust types may sit in a tensor.
//!
//! In:  one row of the table for each type.   Out: the sealed traits [`Element`], [`Number`] and [`Float`], and [`ElementKind`].
//!
//! The set is closed because the compiler must know every element type.
//! A new element type is one more row of the table, and one arm in each `match` that then no longer compiles.
//! Never here: arithmetic, which is the compiler's.

use std::cmp::Ordering;
use std::fmt::{self, Debug, Display};

use half::{bf16, f16};

use crate::leaves::Leaves;
use crate::mapped::Mappable;

mod sealed {
    /// Keeps the set of element types closed.
    pub trait Sealed {}
}

/// A type that may sit in a tensor.
///
/// The trait is sealed.
/// Its types are plain numbers: they are copied as bytes, need no drop, and the pattern of zero bytes is one of their values.
/// Each is also a leaf of its own, so that a generic function takes and returns it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an element type",
    label = "a tensor holds `f32`, `f64`, `f16`, `bf16`, `i32`, `i64`, `u8`, `u32`, `u64` or `bool`"
)]
pub trait Element:
    sealed::Sealed
    + Leaves
    + Mappable
    + Copy
    + Default
    + PartialEq
    + Debug
    + Display
    + Send
    + Sync
    + 'static
{
    /// The name of the type as a value.
    const KIND: ElementKind;

    /// One, or `true`.
    #[doc(hidden)]
    const ONE: Self;

    /// The element with its type known only at run time.
    #[doc(hidden)]
    fn value(self) -> Value;

    /// The element nearest to `value` by the rules of `as`; a `bool` asks whether the value differs from zero.
    #[doc(hidden)]
    fn cast_from(value: Value) -> Self;
}

/// An element type with arithmetic that a generic function may be written over: every one but `bool` and the floats of 16 bits.
///
/// A generic function over `T: Number` is compiled once for each of these types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number type",
    label = "`f32`, `f64`, `i32`, `i64`, `u8`, `u32` or `u64` expected here"
)]
pub trait Number: Element {
    /// Position among the number types, which picks the entry of a generic function.
    #[doc(hidden)]
    const NUMBER: usize;
}

/// A floating-point element type that a generic function may be written over.
///
/// A generic function over `T: Float` is compiled once for each of these types. `f16` and `bf16` are none of them:
/// functions of those are written for the type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a floating-point element type",
    label = "`f32` or `f64` expected here",
    note = "convert first, for example `x.cast::<f32>()`"
)]
pub trait Float: Number {
    /// Position among the floating-point types, which picks the entry of a generic function.
    #[doc(hidden)]
    const FLOAT: usize;

    /// Whether `self` is within `absolute + relative * |other|` of `other`.
    #[doc(hidden)]
    fn is_close(self, other: Self, relative: f64, absolute: f64) -> bool;
}

/// An element whose type is known only at run time.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A 32-bit float.
    Single(f32),
    /// A 64-bit float.
    Double(f64),
    /// An IEEE float of 16 bits.
    Half(f16),
    /// The upper half of a 32-bit float.
    Brain(bf16),
    /// An integer that `i64` holds.
    Integer(i64),
    /// An integer without a sign.
    Natural(u64),
    /// A truth value.
    Bool(bool),
}

macro_rules! elements {
    ($($type:ident $kind:ident $value:ident $(as $wide:ident)? $(, $class:ident)* ;)*) => {
        /// The element types by name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum ElementKind {
            $(#[doc = concat!("`", stringify!($type), "`")] $kind,)*
        }

        impl ElementKind {
            /// The Rust name of the type.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($type),)* }
            }

            /// Bytes of one element, which is also its alignment.
            #[must_use]
            pub const fn size(self) -> usize {
                match self { $(Self::$kind => size_of::<$type>(),)* }
            }
        }

        $(
            impl sealed::Sealed for $type {}
            impl Element for $type {
                const KIND: ElementKind = ElementKind::$kind;
                const ONE: Self = elements!(@one $type);
                fn value(self) -> Value { Value::$value(self $(as $wide)?) }
                fn cast_from(value: Value) -> Self { elements!(@cast $type value) }
            }
            $(elements!(@class $class $type);)*
        )*
    };
    (@one bool) => { true };
    (@one f16) => { f16::ONE };
    (@one bf16) => { bf16::ONE };
    (@one $type:ident) => { 1 as $type };
    (@cast bool $value:ident) => {
        match $value {
            Value::Single(x) => x != 0.0,
            Value::Double(x) => x != 0.0,
            Value::Half(x) => x.to_f32() != 0.0,
            Value::Brain(x) => x.to_f32() != 0.0,
            Value::Integer(x) => x != 0,
            Value::Natural(x) => x != 0,
            Value::Bool(x) => x,
        }
    };
    (@cast f16 $value:ident) => { f16::from_f32(rounds_alike($value)) };
    (@cast bf16 $value:ident) => { bf16::from_f32(rounds_alike($value)) };
    (@cast $type:ident $value:ident) => {
        match $value {
            Value::Single(x) => x as $type,
            Value::Double(x) => x as $type,
            Value::Half(x) => x.to_f32() as $type,
            Value::Brain(x) => x.to_f32() as $type,
            Value::Integer(x) => x as $type,
            Value::Natural(x) => x as $type,
            Value::Bool(x) => u8::from(x) as $type,
        }
    };
    (@class number_0 $type:ident) => { elements!(@number 0 $type); };
    (@class number_1 $type:ident) => { elements!(@number 1 $type); };
    (@class number_2 $type:ident) => { elements!(@number 2 $type); };
    (@class number_3 $type:ident) => { elements!(@number 3 $type); };
    (@class number_4 $type:ident) => { elements!(@number 4 $type); };
    (@class number_5 $type:ident) => { elements!(@number 5 $type); };
    (@class number_6 $type:ident) => { elements!(@number 6 $type); };
    (@number $position:literal $type:ident) => {
        impl Number for $type {
            const NUMBER: usize = $position;
        }
    };
    (@class float_0 $type:ident) => { elements!(@float 0 $type); };
    (@class float_1 $type:ident) => { elements!(@float 1 $type); };
    (@float $position:literal $type:ident) => {
        impl Float for $type {
            const FLOAT: usize = $position;
            fn is_close(self, other: Self, relative: f64, absolute: f64) -> bool {
                let (left, right) = (f64::from(self), f64::from(other));
                // This way round equal infinities are close, and NaN is not.
                self.eq(&other) || (right.is_finite() && (left - right).abs() <= absolute + relative * right.abs())
            }
        }
    };
}

elements! {
    f32  F32  Single, number_0, float_0;
    f64  F64  Double, number_1, float_1;
    i32  I32  Integer as i64, number_2;
    i64  I64  Integer, number_3;
    u8   U8   Integer as i64, number_4;
    u32  U32  Integer as i64, number_5;
    u64  U64  Natural, number_6;
    bool Bool Bool;
    f16  F16  Half;
    bf16 Bf16 Brain;
}

/// The value, if it is an `f32`; else the one of its two neighbours there whose last bit is odd: that rounds to 16 bits as the value does.
fn rounds_alike(value: Value) -> f32 {
    let (nearest, size) = match value {
        Value::Single(x) => (x, Ordering::Equal),
        Value::Half(x) => (x.to_f32(), Ordering::Equal),
        Value::Brain(x) => (x.to_f32(), Ordering::Equal),
        Value::Bool(x) => (f32::from(u8::from(x)), Ordering::Equal),
        Value::Double(x) => {
            let nearest = x as f32;
            let order = f64::from(nearest).abs().partial_cmp(&x.abs());
            (nearest, order.unwrap_or(Ordering::Equal))
        }
        Value::Integer(x) => {
            let nearest = x as f32;
            (nearest, (nearest.abs() as u128).cmp(&u128::from(x.unsigned_abs())))
        }
        Value::Natural(x) => (x as f32, (x as f32 as u128).cmp(&u128::from(x))),
    };
    match size {
        Ordering::Equal => nearest,
        Ordering::Less => f32::from_bits(nearest.to_bits() | 1),
        Ordering::Greater => f32::from_bits((nearest.to_bits() - 1) | 1),
    }
}

impl Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_know_their_rust_type() {
        assert_eq!(<f32 as Element>::KIND.name(), "f32");
        assert_eq!(<i64 as Element>::KIND.size(), 8);
        assert_eq!(<bool as Element>::KIND.size(), 1);
        assert_eq!((f32::FLOAT, f64::FLOAT), (0, 1));
        assert_eq!(
            [f32::NUMBER, f64::NUMBER, i32::NUMBER, i64::NUMBER, u8::NUMBER],
            [0, 1, 2, 3, 4]
        );
        assert_eq!((u32::NUMBER, u64::NUMBER), (5, 6));
        assert_eq!(format!("{:>5}", ElementKind::U8), "   u8");
    }

    #[test]
    fn casts_follow_the_rules_of_as() {
        assert_eq!(u8::cast_from(300.7f32.value()), 255);
        assert_eq!(i32::cast_from((-1.9f64).value()), -1);
        assert_eq!(i32::cast_from(f32::NAN.value()), 0);
        assert_eq!(u8::cast_from((-1i64).value()), 255);
        assert_eq!(f32::cast_from(i64::MAX.value()).to_bits(), (i64::MAX as f32).to_bits());
        assert_eq!(i64::cast_from(true.value()), 1);
        assert_eq!(f32::cast_from(u64::MAX.value()).to_bits(), (u64::MAX as f32).to_bits());
        assert_eq!(i32::cast_from(u64::MAX.value()), -1);
        assert_eq!(u32::cast_from((-1.0f32).value()), 0);
        assert!(bool::cast_from(0.5f32.value()));
        assert!(!bool::cast_from(0u8.value()));
    }

    #[test]
    fn casts_to_16_bits_round_once() {
        // Rounded to f32 first, each would be a tie that goes the other way.
        assert_eq!(
            f16::cast_from((1.0 + 2f64.powi(-11) + 2f64.powi(-40)).value()).to_bits(),
            0x3c01
        );
        assert_eq!(
            bf16::cast_from((1.0 + 2f64.powi(-8) + 2f64.powi(-40)).value()).to_bits(),
            0x3f81
        );
        assert_eq!(bf16::cast_from(((0x101_i64 << 40) + 1).value()).to_bits(), 0x5781);
        assert_eq!(bf16::cast_from(((0x101_u64 << 40) + 1).value()).to_bits(), 0x5781);
        assert_eq!(bf16::cast_from((-(0x103_i64 << 40) + 1).value()).to_bits(), 0xd781);
        assert_eq!(f16::cast_from(65_520i32.value()), f16::INFINITY);
        assert_eq!(f16::cast_from(65_519.99f64.value()), f16::MAX);
        assert!(bf16::cast_from(f64::NAN.value()).is_nan());
        assert_eq!(u8::cast_from(f16::from_f32(300.0).value()), 255);
        assert!(bool::cast_from(bf16::from_f32(-1e-30).value()));
        assert!(!bool::cast_from(f16::NEG_ZERO.value()));
    }

    #[test]
    fn closeness_treats_what_is_not_finite_exactly() {
        assert!(1.0f32.is_close(1.0 + 1e-7, 1e-6, 0.0));
        assert!(!1.0f32.is_close(1.1, 1e-6, 0.0));
        assert!(f64::INFINITY.is_close(f64::INFINITY, 0.0, 0.0));
        assert!(!1.0f64.is_close(f64::INFINITY, 1.0, 1.0));
        assert!(!f64::NAN.is_close(f64::NAN, 1.0, 1.0));
    }
}
