//! The functions of mathematics, as plain operations on lanes.
//!
//! In:  a [`Machine`] and a value of it.   Out: the function of that value, made on the machine.
//!
//! ```text
//! before          after
//! exp(x)          k = round(x / ln 2); r = x - k ln 2; 2^k (1 + r + r² Q(r))
//! ```
//!
//! Every function is written once and runs on every machine: as vector code where the machine builds code,
//! as numbers where it is [`Scalar`].
//! The operations are those of IEEE 754 and nothing is reordered, so the two agree on every bit.
//!
//! Afterwards: the result is within two ULP of the exact one over the whole range of the type, subnormal
//! numbers included; zeros, infinities, NaN and poles are those of C's library; a result never leaves the
//! range of its function.
//! Never here: branches on values, fast-math, calls into a library of the host.

pub mod machine;
pub mod scalar;
mod value;
mod pieces;
mod exponential;
mod hyperbolic_tangent;
mod logarithm;
mod trigonometry;
mod two_over_pi;
mod inverse_error;
mod inverse_trigonometry;
mod power;
mod error_function;
pub mod sweep;

pub use machine::Machine;
pub use scalar::Scalar;

use value::{Desk, F32, F64};

/// One row a function of one argument: variant, name, the function on `f32`, the function on `f64`.
macro_rules! unary {
    ($($(#[$doc:meta])* $variant:ident $name:literal $f32:path, $f64:path;)*) => {
        /// A function of one argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function {
            $($(#[$doc])* $variant,)*
        }

        impl Function {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Function] = &[$(Function::$variant),*];

            /// The name in dumps.
            pub fn name(self) -> &'static str {
                match self {
                    $(Function::$variant => $name,)*
                }
            }
        }

        /// The function of an `f32`.
        pub fn unary_f32<M: Machine>(machine: &mut M, function: Function, x: M::F32) -> M::F32 {
            let desk = Desk::new(machine);
            let x = F32::new(&desk, x);
            match function {
                $(Function::$variant => $f32(x).raw(),)*
            }
        }

        /// The function of an `f64`.
        pub fn unary_f64<M: Machine>(machine: &mut M, function: Function, x: M::F64) -> M::F64 {
            let desk = Desk::new(machine);
            let x = F64::new(&desk, x);
            match function {
                $(Function::$variant => $f64(x).raw(),)*
            }
        }
    };
}

unary! {
    /// The exponential.
    Exp "exp" exponential::exp_f32, exponential::exp_f64;
    /// The power of two.
    Exp2 "exp2" exponential::exp2_f32, exponential::exp2_f64;
    /// The exponential less one.
    Expm1 "expm1" exponential::expm1_f32, exponential::expm1_f64;
    /// The hyperbolic sine.
    Sinh "sinh" exponential::sinh_f32, exponential::sinh_f64;
    /// The hyperbolic cosine.
    Cosh "cosh" exponential::cosh_f32, exponential::cosh_f64;
    /// The hyperbolic tangent.
    Tanh "tanh" hyperbolic_tangent::tanh_f32, hyperbolic_tangent::tanh_f64;
    /// `1 / (1 + e^-x)`.
    Sigmoid "sigmoid" exponential::sigmoid_f32, exponential::sigmoid_f64;
    /// The natural logarithm.
    Log "log" logarithm::log_f32, logarithm::log_f64;
    /// The logarithm to the base two.
    Log2 "log2" logarithm::log2_f32, logarithm::log2_f64;
    /// The natural logarithm of `1 + x`.
    Log1p "log1p" logarithm::log1p_f32, logarithm::log1p_f64;
    /// The sine.
    Sin "sin" trigonometry::sin_f32, trigonometry::sin_f64;
    /// The cosine.
    Cos "cos" trigonometry::cos_f32, trigonometry::cos_f64;
    /// The tangent.
    Tan "tan" trigonometry::tan_f32, trigonometry::tan_f64;
    /// The arc sine.
    Asin "asin" inverse_trigonometry::asin_f32, inverse_trigonometry::asin_f64;
    /// The arc cosine.
    Acos "acos" inverse_trigonometry::acos_f32, inverse_trigonometry::acos_f64;
    /// The arc tangent.
    Atan "atan" inverse_trigonometry::atan_f32, inverse_trigonometry::atan_f64;
    /// The cube root.
    Cbrt "cbrt" power::cbrt_f32, power::cbrt_f64;
    /// The reciprocal of the square root.
    Rsqrt "rsqrt" power::rsqrt_f32, power::rsqrt_f64;
    /// The error function.
    Erf "erf" error_function::erf_f32, error_function::erf_f64;
    /// What the error function takes to the argument.
    ErfInv "erf_inv" inverse_error::erf_inv_f32, inverse_error::erf_inv_f64;
}

/// One row a function of two arguments: variant, name, the function on `f32`, the function on `f64`.
macro_rules! binary {
    ($($(#[$doc:meta])* $variant:ident $name:literal $f32:path, $f64:path;)*) => {
        /// A function of two arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function2 {
            $($(#[$doc])* $variant,)*
        }

        impl Function2 {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Function2] = &[$(Function2::$variant),*];

            /// The name in dumps.
            pub fn name(self) -> &'static str {
                match self {
                    $(Function2::$variant => $name,)*
                }
            }
        }

        /// The function of two `f32`, in the order of the name's definition.
        pub fn binary_f32<M: Machine>(
            machine: &mut M,
            function: Function2,
            a: M::F32,
            b: M::F32,
        ) -> M::F32 {
            let desk = Desk::new(machine);
            let (a, b) = (F32::new(&desk, a), F32::new(&desk, b));
            match function {
                $(Function2::$variant => $f32(a, b).raw(),)*
            }
        }

        /// The function of two `f64`, in the order of the name's definition.
        pub fn binary_f64<M: Machine>(
            machine: &mut M,
            function: Function2,
            a: M::F64,
            b: M::F64,
        ) -> M::F64 {
            let desk = Desk::new(machine);
            let (a, b) = (F64::new(&desk, a), F64::new(&desk, b));
            match function {
                $(Function2::$variant => $f64(a, b).raw(),)*
            }
        }
    };
}

binary! {
    /// `atan2(y, x)`, the angle of the point `(x, y)`.
    Atan2 "atan2" inverse_trigonometry::atan2_f32, inverse_trigonometry::atan2_f64;
    /// `pow(x, y)`, `x` to the power `y`.
    Pow "pow" power::pow_f32, power::pow_f64;
}
