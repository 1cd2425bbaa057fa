//! Values of a machine with the operators of ordinary notation.
//!
//! In:  a [`Machine`].   Out: [`F32`], [`F64`], [`I32`], [`I64`] and [`Mask`], `Copy` and with `+ - * / & | ^ << >>`.
//!
//! ```text
//! before                                          after
//! let t = m.mul_f64(x, y); m.add_f64(t, z)        x * y + z
//! ```
//!
//! Each operator is one operation of the machine, in the order in which Rust evaluates it; a plain number
//! on one side becomes a constant of the machine.

use super::machine::Machine;
use std::cell::RefCell;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Shl, Shr, Sub};

/// A machine that many values share.
pub(super) struct Desk<'d, M>(RefCell<&'d mut M>);

impl<'d, M> Desk<'d, M> {
    pub(super) fn new(machine: &'d mut M) -> Self {
        Desk(RefCell::new(machine))
    }

    fn ask<R>(&self, question: impl FnOnce(&mut M) -> R) -> R {
        question(&mut self.0.borrow_mut())
    }
}

/// Something that can stand beside a value: another value, or a plain number.
pub(super) trait Operand<V> {
    /// As a value on the desk of `beside`.
    fn beside(self, beside: V) -> V;
}

/// A type of value that a mask can choose between.
pub(super) trait Choice<'d, M: Machine>: Copy {
    /// `self` where the mask is true, else `other`.
    fn where_or(self, mask: Mask<'d, M>, other: Self) -> Self;
}

macro_rules! value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(super) struct $name<'d, M: Machine> {
            desk: &'d Desk<'d, M>,
            raw: M::$name,
        }

        impl<M: Machine> Clone for $name<'_, M> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<M: Machine> Copy for $name<'_, M> {}
    };
}

macro_rules! operator {
    ($name:ident, $plain:ty, $constant:ident, $trait:ident :: $method:ident, $op:ident) => {
        impl<'d, M: Machine> $trait for $name<'d, M> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                self.with(|m| m.$op(self.raw, other.raw))
            }
        }

        impl<'d, M: Machine> $trait<$plain> for $name<'d, M> {
            type Output = Self;
            fn $method(self, other: $plain) -> Self {
                $trait::$method(self, self.constant(other))
            }
        }

        impl<'d, M: Machine> $trait<$name<'d, M>> for $plain {
            type Output = $name<'d, M>;
            fn $method(self, other: $name<'d, M>) -> $name<'d, M> {
                $trait::$method(other.constant(self), other)
            }
        }
    };
}

macro_rules! number {
    ($name:ident, $plain:ident, $eq:ident, $lt:ident, $select:ident) => {
        impl<'d, M: Machine> $name<'d, M> {
            fn with(self, operation: impl FnOnce(&mut M) -> M::$name) -> Self {
                $name { desk: self.desk, raw: self.desk.ask(operation) }
            }

            fn judge(self, question: impl FnOnce(&mut M) -> M::Mask) -> Mask<'d, M> {
                Mask { desk: self.desk, raw: self.desk.ask(question) }
            }

            /// The same number in every lane.
            pub(super) fn constant(self, number: $plain) -> Self {
                self.with(|m| m.$plain(number))
            }

            /// Is it equal?
            pub(super) fn equals(self, other: impl Operand<Self>) -> Mask<'d, M> {
                let other = other.beside(self);
                self.judge(|m| m.$eq(self.raw, other.raw))
            }

            /// Is it less?
            pub(super) fn less(self, other: impl Operand<Self>) -> Mask<'d, M> {
                let other = other.beside(self);
                self.judge(|m| m.$lt(self.raw, other.raw))
            }
        }

        impl<'d, M: Machine> Operand<$name<'d, M>> for $name<'d, M> {
            fn beside(self, _: Self) -> Self {
                self
            }
        }

        impl<'d, M: Machine> Operand<$name<'d, M>> for $plain {
            fn beside(self, beside: $name<'d, M>) -> $name<'d, M> {
                beside.constant(self)
            }
        }

        impl<'d, M: Machine> Choice<'d, M> for $name<'d, M> {
            fn where_or(self, mask: Mask<'d, M>, other: Self) -> Self {
                self.with(|m| m.$select(mask.raw, self.raw, other.raw))
            }
        }
    };
}

macro_rules! float {
    ($name:ident, $plain:ident, $bits:ident, [$add:ident $sub:ident $mul:ident $div:ident $neg:ident
      $fma:ident $abs:ident $sqrt:ident $le:ident $to_bits:ident]) => {
        operator!($name, $plain, $plain, Add::add, $add);
        operator!($name, $plain, $plain, Sub::sub, $sub);
        operator!($name, $plain, $plain, Mul::mul, $mul);
        operator!($name, $plain, $plain, Div::div, $div);

        impl<M: Machine> Neg for $name<'_, M> {
            type Output = Self;
            fn neg(self) -> Self {
                self.with(|m| m.$neg(self.raw))
            }
        }

        impl<'d, M: Machine> $name<'d, M> {
            pub(super) fn new(desk: &'d Desk<'d, M>, raw: M::$name) -> Self {
                $name { desk, raw }
            }

            pub(super) fn raw(self) -> M::$name {
                self.raw
            }

            /// `self * factor + term`, rounded once.
            pub(super) fn fma(self, factor: impl Operand<Self>, term: impl Operand<Self>) -> Self {
                let (factor, term) = (factor.beside(self), term.beside(self));
                self.with(|m| m.$fma(self.raw, factor.raw, term.raw))
            }

            /// Without its sign.
            pub(super) fn abs(self) -> Self {
                self.with(|m| m.$abs(self.raw))
            }

            /// The square root.
            pub(super) fn sqrt(self) -> Self {
                self.with(|m| m.$sqrt(self.raw))
            }

            /// Is it less or equal?
            pub(super) fn at_most(self, other: impl Operand<Self>) -> Mask<'d, M> {
                let other = other.beside(self);
                self.judge(|m| m.$le(self.raw, other.raw))
            }

            /// The bit pattern.
            pub(super) fn bits(self) -> $bits<'d, M> {
                $bits { desk: self.desk, raw: self.desk.ask(|m| m.$to_bits(self.raw)) }
            }
        }
    };
}

macro_rules! integer {
    ($name:ident, $plain:ident, $float:ident, [$add:ident $sub:ident $and:ident $xor:ident
      $shl:ident $shr:ident $to_float:ident]) => {
        operator!($name, $plain, $plain, Add::add, $add);
        operator!($name, $plain, $plain, Sub::sub, $sub);
        operator!($name, $plain, $plain, BitAnd::bitand, $and);
        operator!($name, $plain, $plain, BitXor::bitxor, $xor);

        impl<M: Machine> Shl<u32> for $name<'_, M> {
            type Output = Self;
            fn shl(self, amount: u32) -> Self {
                self.with(|m| m.$shl(self.raw, amount))
            }
        }

        /// Zeros enter from above.
        impl<M: Machine> Shr<u32> for $name<'_, M> {
            type Output = Self;
            fn shr(self, amount: u32) -> Self {
                self.with(|m| m.$shr(self.raw, amount))
            }
        }

        impl<'d, M: Machine> $name<'d, M> {
            /// The float with this bit pattern.
            pub(super) fn float(self) -> $float<'d, M> {
                $float { desk: self.desk, raw: self.desk.ask(|m| m.$to_float(self.raw)) }
            }
        }
    };
}

value!(/** Lanes of `f32`. */ F32);
value!(/** Lanes of `f64`. */ F64);
value!(/** Lanes of 32 bits. */ I32);
value!(/** Lanes of 64 bits. */ I64);
value!(/** Lanes of one bit. */ Mask);
number!(F32, f32, eq_f32, lt_f32, select_f32);
number!(F64, f64, eq_f64, lt_f64, select_f64);
number!(I32, i32, eq_i32, lt_i32, select_i32);
number!(I64, i64, eq_i64, lt_i64, select_i64);
float!(F32, f32, I32, [add_f32 sub_f32 mul_f32 div_f32 neg_f32 fma_f32 abs_f32 sqrt_f32 le_f32 bits_f32]);
float!(F64, f64, I64, [add_f64 sub_f64 mul_f64 div_f64 neg_f64 fma_f64 abs_f64 sqrt_f64 le_f64 bits_f64]);
integer!(I32, i32, F32, [add_i32 sub_i32 and_i32 xor_i32 shl_i32 shr_i32 float_i32]);
integer!(I64, i64, F64, [add_i64 sub_i64 and_i64 xor_i64 shl_i64 shr_i64 float_i64]);
operator!(I64, i64, i64, BitOr::bitor, or_i64);

impl<'d, M: Machine> F32<'d, M> {
    /// The machine's own way to `self · 2^⌊exponent⌋`.
    pub(super) fn scale_at_once(self, exponent: Self) -> Option<Self> {
        let raw = self.desk.ask(|m| m.scale_f32(self.raw, exponent.raw))?;
        Some(F32 { desk: self.desk, raw })
    }

    /// Whether the machine has a way of its own to keep to a distance from zero.
    pub(super) fn bounds_at_once(self) -> bool {
        self.desk.ask(|m| m.bounds_f32())
    }

    /// The machine's own way to keep to a distance from zero; NaN becomes a number.
    pub(super) fn bound_at_once(self, bound: f32) -> Self {
        self.with(|m| m.bound_f32(self.raw, bound))
    }

    /// The machine's own way to exponent and mantissa.
    pub(super) fn split_at_once(self) -> Option<(Self, Self)> {
        let (k, mantissa) = self.desk.ask(|m| m.split_f32(self.raw))?;
        Some((F32 { desk: self.desk, raw: k }, F32 { desk: self.desk, raw: mantissa }))
    }

    /// `self`, but what `unusual` makes where the mask is true; it is made only where there are such lanes.
    pub(super) fn but_rarely(
        self,
        mask: Mask<'d, M>,
        unusual: impl FnOnce() -> F32<'d, M>,
    ) -> Self {
        let rare = self.desk.ask(|m| m.begin_rare(mask.raw));
        let unusual = unusual();
        self.with(|m| m.end_rare_f32(rare, mask.raw, unusual.raw, self.raw))
    }

    /// The same number in twice the width.
    pub(super) fn widen(self) -> F64<'d, M> {
        F64 { desk: self.desk, raw: self.desk.ask(|m| m.f32_to_f64(self.raw)) }
    }
}

impl<'d, M: Machine> F64<'d, M> {
    /// The machine's own way to `self · 2^⌊exponent⌋`.
    pub(super) fn scale_at_once(self, exponent: Self) -> Option<Self> {
        let raw = self.desk.ask(|m| m.scale_f64(self.raw, exponent.raw))?;
        Some(F64 { desk: self.desk, raw })
    }

    /// The nearest `f32`.
    pub(super) fn narrow(self) -> F32<'d, M> {
        F32 { desk: self.desk, raw: self.desk.ask(|m| m.f64_to_f32(self.raw)) }
    }

    /// The nearest integer, ties to even.
    pub(super) fn round_even(self) -> Self {
        self.with(|m| m.round_even_f64(self.raw))
    }
}

impl<'d, M: Machine> I32<'d, M> {
    /// The number as a float.
    pub(super) fn number(self) -> F32<'d, M> {
        F32 { desk: self.desk, raw: self.desk.ask(|m| m.i32_to_f32(self.raw)) }
    }

    /// The entries of a table at these places, modulo its length: 8 or 16.
    pub(super) fn choose(self, table: &'static [f32]) -> F32<'d, M> {
        F32 { desk: self.desk, raw: self.desk.ask(|m| m.choose_f32(table, self.raw)) }
    }

    /// Below 32 zeros.
    pub(super) fn widen(self) -> I64<'d, M> {
        I64 { desk: self.desk, raw: self.desk.ask(|m| m.i32_to_i64(self.raw)) }
    }
}

impl<'d, M: Machine> I64<'d, M> {
    /// The low half.
    pub(super) fn low(self) -> I32<'d, M> {
        I32 { desk: self.desk, raw: self.desk.ask(|m| m.i64_to_i32(self.raw)) }
    }

    /// The entries of a table at these places, as floats.
    pub(super) fn lookup(self, table: &'static [u64]) -> F64<'d, M> {
        self.with(|m| m.lookup_i64(table, self.raw)).float()
    }
}

impl<'d, M: Machine> Mask<'d, M> {
    /// `yes` where true, else `no`.
    pub(super) fn select<V: Choice<'d, M>>(self, yes: V, no: impl Operand<V>) -> V {
        yes.where_or(self, no.beside(yes))
    }
}

impl<M: Machine> BitAnd for Mask<'_, M> {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Mask { desk: self.desk, raw: self.desk.ask(|m| m.and_mask(self.raw, other.raw)) }
    }
}

impl<M: Machine> BitOr for Mask<'_, M> {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Mask { desk: self.desk, raw: self.desk.ask(|m| m.or_mask(self.raw, other.raw)) }
    }
}

impl<M: Machine> Not for Mask<'_, M> {
    type Output = Self;
    fn not(self) -> Self {
        Mask { desk: self.desk, raw: self.desk.ask(|m| m.not_mask(self.raw)) }
    }
}
