//! The fields of a container fit together.

use defn::prelude::*;

#[defn]
struct Dense<inp, out> { w: Tensor<f32, inp, out>, b: Tensor<f32, out> }

#[defn]
fn f(w: Tensor<f32, i<3>, o<4>>, b: Tensor<f32, o<5>>) -> Dense<i<3>, o<4>> {
    Dense { w, b }
}

fn main() {}
