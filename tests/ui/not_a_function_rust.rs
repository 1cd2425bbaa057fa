//! A container has no gradient.

use defn::prelude::*;

#[defn]
struct Row {
    w: Tensor<f32, n>,
}

fn main() {
    let _ = grad!(Row);
}
