//! The compiler of `defn`.
