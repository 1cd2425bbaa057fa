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
/// - `grad = path`: the function that computes the derivative.
/// - `memory = "8 MiB"`: how much scratch a call, or a request for a derivative from Rust, may need beside its results. The compiler chooses
///   what derivatives compute again; where extents are fixed it refuses what cannot fit, and elsewhere the call does.
/// - `crate = path`: where this crate is, if you renamed it.
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
