//! A mistake in a pattern is one mistake, although a `break` looks at it too.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut y = 0.0f32;
    for (a, b) in x.along(n) {
        if a > 3.0 {
            break;
        }
        y += a;
    }
    y
}

fn main() {}
