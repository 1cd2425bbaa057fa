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
//! A function may say itself how it moves, where the derivative of its body is not the one that is meant.
//!
//! ```
//! use defn::prelude::*;
//!
//! /// Newton's method, whose derivative is taken at the solution and not of the steps.
//! #[defn(grad = implicit)]
//! fn root(a: f64) -> f64 {
//!     let mut x = a.max(1.0);
//!     while (x * x - a).abs() > 1e-14 {
//!         x = 0.5 * (x + a / x);
//!     }
//!     x
//! }
//!
//! /// From the parameters, the result and its cotangent: 2 x dx = da.
//! #[defn]
//! fn implicit(a: f64, x: f64, c: f64) -> f64 {
//!     c / (2.0 * x)
//! }
//!
//! assert!((grad!(root)(4.0) - 0.25).abs() < 1e-14);
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
    Device, Element, ElementKind, Error, Float, Hooks, Inspected, Jacobian, Key, Level, Mappable,
    Mapped, Number, OnDevice, Tensor, at, bf16, f16, set_threads, stack, threads, trim,
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

/// A function and its directional derivative, forward mode: `jvp!(f)(x, d_x)` is `(f(x), J·d_x)`.
///
/// Behind the arguments of `f` stands a tangent for the first parameter, or one for each of `wrt = (p, x)`, in that order. A tangent has
/// the type of its parameter, and in a `#[defn]` body it is named `d_x`. What comes out has twice the type of the result: the value, and
/// how it moves. The result may be anything that holds a float. Leaves that are no floats do not move: their tangents are not read,
/// and come out as zero.
///
/// The cost is about that of `f`, twice, and no memory grows with the length of loops: where there are fewer parameters than results
/// it is the way to go. As `jax.jvp`, but with tangents as arguments.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn waves(x: Tensor<f64, n>, speed: f64) -> Tensor<f64, n> {
///     (speed * x).sin()
/// }
///
/// let (x, v) = (Tensor::from([0.0, 0.0]), Tensor::from([1.0, 10.0]));
/// let (value, tangent) = jvp!(waves)(&x, 3.0, &v);
/// assert_eq!((value, tangent), (Tensor::from([0.0, 0.0]), Tensor::from([3.0, 30.0])));
///
/// // With respect to both: a tangent for each.
/// let (_, tangent) = jvp!(waves, wrt = (x, speed))(&x, 3.0, &v, 1.0);
/// assert_eq!(tangent, Tensor::from([3.0, 30.0]));
/// ```
///
/// # Errors
/// Of `cargo check`, at the token: a function that updates `&mut` parameters, that returns no float, or whose parameter holds none;
/// a tangent that is missing or of another type.
#[macro_export]
macro_rules! jvp {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate jvp $($tokens)* } };
}

/// A function, and what a cotangent of its result says of its parameters, reverse mode: `vjp!(f)(x, c)` is `(f(x), Jᵀ·c)`.
///
/// Behind the arguments of `f` stands the cotangent, which has the type of the result; in a `#[defn]` body it is named `cotangent`.
/// What comes out is the value, and the gradient with respect to the first parameter, or a tuple with one for each of `wrt = (p, x)`.
/// A gradient has the type of its parameter. The result may be anything that holds a float. Leaves that are no floats do not move: their
/// cotangents are not read, and their gradients are zero.
///
/// `grad!(f)` is `vjp!(f)` with the cotangent 1. As `jax.vjp`, but with the cotangent as an argument.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn linear(w: Tensor<f64, i, o>, x: Tensor<f64, i>) -> Tensor<f64, o> {
///     x.dot(w, i)
/// }
///
/// let (w, x) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([1.0, 1.0]));
/// let (value, gradient) = vjp!(linear, wrt = x)(&w, &x, &Tensor::from([1.0, 10.0]));
/// assert_eq!((value, gradient), (Tensor::from([4.0, 6.0]), Tensor::from([21.0, 43.0])));
/// ```
///
/// # Errors
/// Of `cargo check`, at the token: a function that updates `&mut` parameters, that returns no float, or whose parameter holds none;
/// a cotangent of another type.
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
/// A container with one more axis is [`Mapped<Model>`](Mapped), which [`stack`] makes of many and of which [`at`] picks one; one with
/// two, for `vmap!(vmap!(f, over = a), over = b)`, is `Mapped<Mapped<Model>>`, which `stack` makes of those. Keys with one more axis
/// are numbers.
///
/// A `while` runs until it is done for every position, and of an `if` whose condition differs both sides run; both give what
/// they give alone. The derivative of a function that maps such an `if` is NaN where the side that is not taken has an infinite slope;
/// `vmap!` of the derivative is not.
#[macro_export]
macro_rules! vmap {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate vmap $($tokens)* } };
}

/// All derivatives of all results: `jacobian!(f)(x)[i, j]` is ∂fᵢ / ∂xⱼ.
///
/// The axes of the result come first, then those of the parameter, whose names have a `d_` in front (and another one where that name is
/// taken): of `Tensor<f64, m>` with respect to `Tensor<f64, n>` it is `Tensor<f64, m, d_n<n>>`. Axes without names stay so. The element
/// type is that of the result. `wrt = (x, y)` makes a tuple, of tuples and arrays there is a Jacobian for each leaf: those of the result
/// outside, those of the parameters inside. Containers are no different: with respect to a `Model` each tensor of the result becomes a
/// container with the fields of `Model`, and of a result that is a container each field becomes one. To Rust its type is
/// [`Jacobian<R, Model>`](Jacobian), as the pytrees of `jax.jacobian`.
///
/// It is computed by tangents along all elements of the parameters at once, or by cotangents of all elements of the results,
/// whatever are fewer; at equal numbers by tangents. Where the extents do not tell, the compiled function has both ways and compares at
/// each call. What does not depend on the direction is computed once. As `jax.jacfwd` and `jax.jacrev`, with the choice made.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn polar(r: f64, angle: f64) -> (f64, f64) {
///     (r * angle.cos(), r * angle.sin())
/// }
///
/// #[defn]
/// fn squares(x: Tensor<f64, n>) -> Tensor<f64, n> {
///     x * x
/// }
///
/// #[defn]
/// fn trace(x: Tensor<f64, n>) -> f64 {
///     let j = jacobian!(squares)(x);          // Tensor<f64, n, d_n<n>>
///     (j * eye::<f64>(n, d_n = n)).sum()
/// }
///
/// let x = Tensor::from([1.0, 2.0]);
/// assert_eq!(jacobian!(squares)(&x), Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
/// assert_eq!(jacobian!(polar, wrt = (r, angle))(2.0, 0.0), ((1.0, -0.0), (0.0, 2.0)));
/// assert_eq!(trace(&x), 6.0);
///
/// #[defn]
/// struct Line {
///     slope: f64,
///     at: f64,
/// }
///
/// #[defn]
/// fn heights(line: Line, x: Tensor<f64, n>) -> Tensor<f64, n> {
///     line.slope * x + line.at
/// }
///
/// let j = jacobian!(heights)(&Line { slope: 0.5, at: 3.0 }, &x);
/// assert_eq!((j.slope, j.at), (x, Tensor::from([1.0, 1.0])));
/// ```
///
/// # Errors
/// Of `cargo check`, at the token: a function that updates `&mut` parameters, a result or a parameter that holds something else than
/// floats.
#[macro_export]
macro_rules! jacobian {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate jacobian $($tokens)* } };
}

/// All second derivatives of one number: `hessian!(f)(x)[i, j]` is ∂²f / ∂xᵢ∂xⱼ.
///
/// It is `jacobian!(grad!(f))`: the axes of the parameter, then the same with `d_` before each name. With `wrt = (x, y)` it is a tuple of
/// tuples, `((xx, xy), (yx, yy))`; of a container it is one of containers, [`Jacobian<Model, Model>`](Jacobian). Tangents of the gradient along all elements at once, forward over reverse, as `jax.hessian`.
///
/// ```
/// use defn::prelude::*;
///
/// #[defn]
/// fn bowl(x: Tensor<f64, n>, a: Tensor<f64, n, d_n<n>>) -> f64 {
///     let ax = (a * x.rename(n, d_n)).sum(d_n);
///     0.5 * (x * ax).sum(n)
/// }
///
/// let (x, a) = (Tensor::from([5.0, 6.0]), Tensor::from([[2.0, 1.0], [1.0, 4.0]]));
/// assert_eq!(hessian!(bowl)(&x, &a), a);
/// ```
///
/// # Errors
/// Of `cargo check`, at the token: as [`jacobian!`], and a function that does not return one float.
#[macro_export]
macro_rules! hessian {
    ($($tokens:tt)*) => { $crate::__private::__request! { $crate hessian $($tokens)* } };
}

/// The examples of `docs/debugging.md`, as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/debugging.md")]
pub struct Debugging;

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
