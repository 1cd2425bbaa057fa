//! A container has no axes that could grow.

use defn::prelude::*;

#[defn]
struct Row {
    w: Tensor<f32, n>,
}

#[defn]
fn loss(r: Row) -> f32 {
    r.w.sum()
}

fn main() {
    let _ = hessian!(loss);
}
