//! Users' programs: every operation of the language through the public crate, beside plain loops.
//!
//! A test calls a `#[defn]` function and its naive twin, an ordinary Rust loop, over the extents of [`support::EXTENTS`].
//! Gradients are compared with central differences in `f64`.

#![expect(
    clippy::float_cmp,
    reason = "naive twins compare as the language does, and exact values are exact"
)]

mod support;
mod arithmetic;
mod broadcast;
mod reduce;
mod scans;
mod solve;
mod determinants;
mod sorting;
mod contraction;
mod movement;
mod indexing;
mod windows;
mod extents;
mod containers;
mod calls;
mod branches;
mod loops;
mod rounds;
mod unbounded;
mod recurrences;
mod linear;
mod unrolled;
mod parts;
mod grad;
mod memory;
mod vmap;
mod requests;
mod families;
mod custom;
mod tested;
mod items;
mod programs;
mod newton;
mod kalman;
mod chains;
mod gamma;
mod idioms;
mod elements;
mod halves;
mod views;
mod errors;
mod hooks;
mod explain;
mod levels;
mod threads;
mod random;
