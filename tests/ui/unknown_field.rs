//! The field is misspelled.

use defn::prelude::*;

#[defn]
struct Dense { weight: Tensor<f32, inp, out> }

#[defn]
fn f(p: Dense) -> f32 {
    p.wieght.sum()
}

fn main() {}
