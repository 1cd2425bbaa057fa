//! Bits are given out as integers without a sign.

use defn::prelude::*;

#[defn]
fn f(key: Key) -> Tensor<f32, n<8>> {
    random_bits::<f32>(key, n = 8)
}

fn main() {}
