//! A field has one value.

use defn::prelude::*;

#[defn]
struct Row<n> { w: Tensor<f32, n> }

#[defn]
fn f(w: Tensor<f32, n>) -> Row<n> {
    Row { w, w: w * 2.0 }
}

fn main() {}
