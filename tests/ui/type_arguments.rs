//! `Dense` has two axes.

use defn::prelude::*;

#[defn]
struct Dense<inp, out> { w: Tensor<f32, inp, out> }

#[defn]
fn f(p: Dense<pixel>) -> f32 {
    p.w.sum()
}

fn main() {}
