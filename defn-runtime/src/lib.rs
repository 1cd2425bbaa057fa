//! The runtime of `defn`.
