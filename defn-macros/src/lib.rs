//! The macros of `defn`: tokens in, tokens out.
//!
//! `expand` is the page to read first; the modules stand in the order in which tokens pass through them.

mod expand;
mod surface;
mod parse;
mod invocation;
mod uid;
mod facade;
mod table;
mod text;
mod announce;
mod wait;
mod export;
mod device;
mod pipeline;
mod resolve;
mod cache;
mod requested;
mod embed;
mod report;
mod fallback;

use proc_macro::TokenStream;

/// Compiles a function to machine code while your crate compiles.
///
/// ```text
/// #[defn]
/// pub fn softmax(x: Tensor<f32, batch, class>) -> Tensor<f32, batch, class> {
///     let e = (x - x.max(class)).exp();
///     e / e.sum(class)
/// }
/// ```
///
/// On a struct it makes a container of tensors, on a `const` or a `type` something that functions may mention.
///
/// # Options
/// - `bare`: no type beside the function, where a module or a type has the same name.
/// - `grad = path`: the function that computes gradients.
/// - `jvp = path`: the function that computes value and tangent.
/// - `test`, `test(x = 0.1..0.9)`: a test of these rules.
/// - `memory = "8 MiB"`: how much scratch a call, or a request for a derivative from Rust, may need beside its results. The compiler chooses
///   what derivatives compute again; where extents are fixed it refuses what cannot fit, and elsewhere the call does.
/// - `tf32`: on a GPU, products of `f32` matrices may see no more than 10 bits behind the point of what they multiply, which tensor cores
///   multiply many times as fast. It holds for all that the function calls, and for requests about it. On the processor it changes nothing.
/// - `crate = path`: where this crate is, if you renamed it.
///
/// # Rules of your own
/// A rule is another `#[defn]` function, which says how this one moves: where the derivative of the body is not the one that is meant,
/// or is dearer than need be. Types of rules are checked when the function is compiled.
///
/// ```text
/// f(x: X, k: K) -> Y                      where X and Y hold floats, and K does not
/// grad = rule     rule(x: X, k: K, result: Y, cotangent: Y) -> X
/// jvp = rule      rule(x: X, k: K, d_x: X) -> (Y, Y)
/// ```
///
/// `grad = rule` gets the parameters, the result and its cotangent c, and returns Jᵀ·c: the gradient of each parameter that holds floats,
/// one, or a tuple. It need not be linear, so that it may clip or turn around. `grad!`, `vjp!`, `jacobian!` and `hessian!` ask it, `jvp!` is
/// refused. `jvp = rule` gets the parameters and a tangent for each that holds floats, and returns the value and J·t, which must be linear
/// in the tangents: `jvp!` asks it, and reverse mode transposes it. With both, each mode has its own.
/// The value of a call is always that of the function, and a second derivative asks the rules again where the function stands.
/// Rules hold in loops and branches, under `vmap!`, and in other crates. What is no float has cotangents and tangents of zero, and what
/// a rule returns for it is not read. A rule cannot call its function, because that is made of it.
/// As `jax.custom_vjp`, without residuals but with the result, and as `jax.custom_jvp`.
///
/// ```text
/// #[defn(grad = implicit)]
/// fn root(a: f64) -> f64 {
///     let mut x = a.max(1.0);
///     while (x * x - a).abs() > 1e-14 { x = 0.5 * (x + a / x); }
///     x
/// }
///
/// #[defn]
/// fn implicit(a: f64, x: f64, c: f64) -> f64 {
///     c / (2.0 * x)                           // 2 x dx = da
/// }
/// ```
///
/// # Tests of rules
/// Types of rules are checked when compiling; whether they are right is asked by `test`, which stands beside a rule and makes a `#[test]`
/// named `rules_of_` and the function. At random points and for random cotangents c it compares
///
/// ```text
/// grad = rule     ⟨Jᵀ c, v⟩   with   ⟨c, D⟩           D = (f(x + h v) − f(x − h v)) / 2h
/// jvp = rule      J v         with   D                element by element
/// both            ⟨c, J v⟩    with   ⟨Jᵀ c, v⟩        closer than differences see
/// ```
///
/// where v moves one element, or all elements of a tensor up or down. What disagrees is told with both numbers and the point.
/// Points are the same on every machine and in every run.
///
/// - Floats lie between −1 and 1, or where `x = 0.1..0.9` says: for a parameter, or for what it holds, as in `p.w = 0.0..2.0`.
/// - Extents with names are small and differ, and `n = 8` chooses one; extents that are fixed stay so. Integers are 2, in tensors 0 and 1 in turn,
///   truth values `true`, in tensors `true` and `false` in turn, and `step = 3` or `on = false` chooses.
/// - The step is h = r ∛ε, rounded down to a power of two, where r is half of the range and ε the distance from 1 to the next number of the
///   element type. The two may differ by 2 |D(2h) − D(h)|, which is more than a difference cuts off, and 64 ε (S/h + |D|) for what is rounded, where S is the
///   largest number in the result: about 2e-9 for `f64` and 2e-3 for `f32` where numbers are about 1. Two rules may differ by 4096 ε.
/// - A function that is generic in its elements is tested with `f32` and with `f64`.
///
/// It stands where a test may stand: in a module, and not inside of a function. It makes nothing but in a test build.
///
/// ```text
/// #[defn(grad = implicit, test(a = 0.5..4.0))]
/// fn root(a: f64) -> f64 { … }                // cargo test: rules_of_root ... ok
/// ```
#[proc_macro_attribute]
pub fn defn(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::item(options.into(), item.into()).into()
}

/// A request from ordinary Rust, behind the facade's `grad!` and its like.
#[doc(hidden)]
#[proc_macro]
pub fn __request(tokens: TokenStream) -> TokenStream {
    expand::request(tokens.into()).into()
}

/// The second half of an expansion.
#[doc(hidden)]
#[proc_macro]
pub fn __compile(tokens: TokenStream) -> TokenStream {
    expand::compile(tokens.into()).into()
}

/// A callee has said who it is.
#[doc(hidden)]
#[proc_macro]
pub fn __met(tokens: TokenStream) -> TokenStream {
    export::met(tokens.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Another crate has answered.
#[doc(hidden)]
#[proc_macro]
pub fn __met_foreign(tokens: TokenStream) -> TokenStream {
    export::met_foreign(tokens.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
