//! A mistake of a container is shown where it is, and not at its users.

use defn::prelude::*;

#[defn]
struct Row {
    w: Vec<f32>,
}

#[defn]
fn f(r: Row) -> f32 {
    r.w.sum()
}

fn main() {}
