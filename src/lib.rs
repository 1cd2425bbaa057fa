//! `defn`: an ahead-of-time tensor compiler inside rustc.
