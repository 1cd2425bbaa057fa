//! `sum` has the type of its operand.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f64 {
    x.sum::<f64>(n)
}

fn main() {}
