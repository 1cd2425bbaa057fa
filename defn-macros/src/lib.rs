//! The macros of `defn`: tokens in, tokens out.

mod surface;
mod parse;
mod report;
