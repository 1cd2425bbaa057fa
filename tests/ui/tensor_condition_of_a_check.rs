//! A check is of one truth value, and shows nothing that has no type.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    check!(x > 0.0, "positive");
    check!(x.sum(n), "not empty");
    inspect!("one", 1.0);
    x
}

fn main() {}
