//! `defn`: an ahead-of-time tensor compiler inside rustc.
//!
//! ```
//! use defn::prelude::*;
//!
//! /// The shares of each class: positive, and 1 in sum.
//! #[defn]
//! fn softmax(x: Tensor<f32, batch, class>) -> Tensor<f32, batch, class> {
//!     let e = (x - x.max(class)).exp();
//!     e / e.sum(class)
//! }
//!
//! let x = Tensor::from([[1.0f32, 1.0], [0.0, 0.0]]);
//! assert_eq!(softmax(&x), Tensor::from([[0.5f32, 0.5], [0.5, 0.5]]));
//! ```
//!
//! `#[defn]` compiles the body while your crate compiles: every mistake about element types, axes and extents
//! is an error of `cargo check` at the guilty token, and the binary holds machine code, nothing else.
//!
//! Random numbers are functions of a key. A key is used once; whoever needs several splits it.
//!
//! ```
//! use defn::prelude::*;
//!
//! #[defn]
//! fn noisy(x: Tensor<f32, n>, key: Key) -> (Tensor<f32, n>, Tensor<bool, n>) {
//!     let (a, b) = key.split();
//!     (x + 0.1 * normal::<f32>(a, n), bernoulli(b, 0.5, n))
//! }
//!
//! let x = Tensor::from([1.0f32, 2.0, 3.0]);
//! assert_eq!(noisy(&x, Key::new(7)), noisy(&x, Key::new(7)));
//! assert_ne!(noisy(&x, Key::new(7)), noisy(&x, Key::new(8)));
//! ```
//!
//! Users' macros are built without optimisation, so large programs compile faster with
//! ```toml
//! [profile.dev.build-override]
//! opt-level = 3
//! ```

pub mod prelude;

pub use defn_macros::defn;
pub use defn_runtime::{
    Element, ElementKind, Error, Float, Key, Level, Mappable, Mapped, Number, Tensor, at,
    set_threads, stack, threads, trim,
};

// One hidden macro does the work; these keep `$crate`, so that requests work under any name of this crate.

/// The gradient of a function with respect to its first parameter, or to those of `wrt = (p, x)`.
///
/// The result of the function must be a float scalar, or a tuple that begins with one: then the rest comes behind the gradient.
/// The gradient has the type of the parameter; leaves that are no floats are zero. Requests nest: `grad!(grad!(f))`.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn energy(x: Tensor<f64, n>) -> f64 {
///     0.5 * (x * x).sum(n)
/// }
///
/// let x = Tensor::from([1.0f64, 2.0, 3.0]);
/// assert_eq!(grad!(energy)(&x), x);
/// ```
#[macro_export]
macro_rules! grad {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate grad $($tokens)* } };
}

/// The value of a function, and its gradient as [`grad!`] has it.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn product(slope: f64, at: f64) -> f64 {
///     slope * at
/// }
///
/// assert_eq!(value_and_grad!(product, wrt = (slope, at))(3.0, 2.0), (6.0, (2.0, 3.0)));
/// ```
#[macro_export]
macro_rules! value_and_grad {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate value_and_grad $($tokens)* } };
}

/// A function and its directional derivative.
#[macro_export]
macro_rules! jvp {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate jvp $($tokens)* } };
}

/// A function, and the gradient that belongs to a given gradient of its result.
#[macro_export]
macro_rules! vjp {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate vjp $($tokens)* } };
}

/// A function over one more axis, each position alone: `vmap!(f, over = batch)`, or only of some parameters: `of = (x, y)`.
///
/// The new axis is the first of every mapped parameter and of all results; in a `#[defn]` body it may be any axis of the arguments,
/// and is found by its name, which the function must not use itself. Without `of` every tensor is mapped, and every leaf of a
/// container. Requests nest in any order.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn error(w: Tensor<f64, n>, x: Tensor<f64, n>) -> f64 {
///     w.dot(x, n).square()
/// }
///
/// let w = Tensor::from([1.0f64, 2.0]);
/// let x = Tensor::from([[1.0f64, 0.0], [0.5, 1.0]]);
/// assert_eq!(vmap!(error, over = example, of = x)(&w, &x), Tensor::from([1.0, 6.25]));
///
/// // The gradient of each example.
/// let gradients = vmap!(grad!(error), over = example, of = x)(&w, &x);
/// assert_eq!(gradients, Tensor::from([[2.0, 0.0], [2.5, 5.0]]));
/// ```
///
/// A container with one more axis is [`Mapped<Model>`](Mapped), which [`stack`] makes of many and of which [`at`] picks one;
/// keys with one more axis are numbers.
///
/// A `while` runs until it is done for every position, and of an `if` whose condition differs both sides run; both give what
/// they give alone. The derivative of a function that maps such an `if` is NaN where the side that is not taken has an infinite slope;
/// `vmap!` of the derivative is not.
#[macro_export]
macro_rules! vmap {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate vmap $($tokens)* } };
}

/// All derivatives of all results.
#[macro_export]
macro_rules! jacobian {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate jacobian $($tokens)* } };
}

/// All second derivatives of a scalar.
#[macro_export]
macro_rules! hessian {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate hessian $($tokens)* } };
}

/// The examples of `docs/language.md`, as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/language.md")]
pub struct Language;

/// What expanded code names, and nobody else.
#[doc(hidden)]
pub mod __private {
    pub use defn_macros::{__compile, __met, __met_foreign, __request};
    pub use defn_runtime::__private::*;

    /// The code of a function that has none: what `#[defn]` implements wins over it.
    ///
    /// It depends on its type parameter, so that rustc evaluates it only where it is called:
    /// then the definition was lost without an error, and the build must not pass.
    pub trait LastResort {
        /// What was fused, planned and vectorized.
        const __EXPLANATION: &'static str = "";

        /// The code.
        fn __function<E, Call>(_: E, _: Call) -> &'static Function {
            const {
                assert!(
                    size_of::<Call>() != 0,
                    "defn bug: a function was not compiled, yet no mistake was reported"
                );
            }
            broken()
        }
    }

    impl<T> LastResort for T {}
}
