//! The macros of `defn`: tokens in, tokens out.
