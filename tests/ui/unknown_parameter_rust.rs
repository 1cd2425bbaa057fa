//! `wrt` names parameters, asked from Rust.

use defn::prelude::*;

#[defn]
fn loss(weight: f32, x: f32) -> f32 {
    weight * x
}

fn main() {
    let _ = grad!(loss, wrt = wieght);
}
