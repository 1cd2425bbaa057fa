//! The compiler of `defn`: a typed tensor graph goes in, machine code comes out.
//!
//! [`compile::compile`] is the page to read first; the modules stand in the order of the river.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod compile;
pub mod stages;
pub mod options;
pub mod graph;
pub mod library;
pub mod program;
pub mod transform;
pub mod hunt;
pub mod simplify;
pub mod fuse;
pub mod kernels;
pub mod lower;
pub mod loops;
pub mod schedule;
pub mod llvm;
pub mod artifact;
pub mod explain;

pub mod arena;
pub mod origin;
pub mod text;

pub mod math;
pub mod diagnostic;
#[cfg(feature = "testing")]
pub mod testing;

/// Tells this compiler apart from other versions of itself: code that is kept between builds carries it.
pub const SOURCES: &str = env!("DEFN_SOURCES");
