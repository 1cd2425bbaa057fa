//! An extent is used without being declared.

use defn::prelude::*;

#[defn]
fn f<const N: usize>(x: Tensor<f32, i<N>>) -> f32 {
    x.sum()
}

fn main() {}
