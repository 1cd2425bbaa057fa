//! `State` declares no axis, so that the one of its field is that of the signature.

use defn::prelude::*;

#[defn]
struct State { h: Tensor<f32, n> }

#[defn]
fn f(s: State<n>) -> f32 {
    s.h.sum()
}

fn main() {}
