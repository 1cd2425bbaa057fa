//! Nothing says which floats are drawn.

use defn::prelude::*;

#[defn]
fn f(key: Key, n: usize) -> Tensor<f32, n> {
    uniform(key, n)
}

fn main() {}
