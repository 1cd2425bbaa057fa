//! The compiler of `defn`.

pub mod math;
