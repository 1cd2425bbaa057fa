//! `wrt` names parameters.

use defn::prelude::*;

#[defn]
fn loss(w: f32, x: f32) -> f32 {
    w * x
}

fn main() {
    let _ = grad!(loss, wrt = y);
}
