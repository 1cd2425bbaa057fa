//! A container is made whole.

use defn::prelude::*;

#[defn]
struct Dense<inp, out> { w: Tensor<f32, inp, out>, b: Tensor<f32, out> }

#[defn]
fn f(w: Tensor<f32, i, o>) -> Dense<i, o> {
    Dense { w }
}

fn main() {}
