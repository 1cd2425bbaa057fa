//! A mistake before a loop is one mistake.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut y = x.sun(n);
    for v in x.along(n) {
        y = y * 2.0 + v;
        if y > 3.0 {
            y = 0.0;
        }
    }
    y
}

fn main() {}
