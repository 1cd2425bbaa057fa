//! All mistakes of a body are shown, and none that follows from another.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f64, n>) -> f32 {
    let a = x.sotfmax(n);
    let b = a + y;
    let c = x + y;
    let d = x.sum(m);
    b.sum() + c.sum() + d
}

fn main() {}
