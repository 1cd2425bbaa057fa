//! `grad!` takes `wrt`.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    grad!(square, respect = x)(x)
}

#[defn]
fn square(x: f32) -> f32 {
    x * x
}

fn main() {}
