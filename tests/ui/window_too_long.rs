//! A window with no place on its axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time<8>>) -> f32 {
    x.window(time, tap = 3, dilation = 5, padding = (1, 1)).sum()
}

fn main() {}
