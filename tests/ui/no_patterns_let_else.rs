//! `let … else` has nothing to match.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let y = x else { x };
    y
}

fn main() {}
