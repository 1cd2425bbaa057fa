//! Python counts from the end, Rust does not.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> f32 {
    x.slice(time, -3..).sum()
}

fn main() {}
