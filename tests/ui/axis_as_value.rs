//! Two extents, one name: which one?

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, i<3>>, y: Tensor<f32, i<4>>) -> f32 {
    (x.sum() + y.sum()) / i as f32
}

fn main() {}
