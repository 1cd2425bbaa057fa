//! A limitation is shown at the function, asked from Rust.

use defn::prelude::*;

#[defn]
fn square(x: f32) -> f32 {
    x * x
}

fn main() {
    let _ = hessian!(square);
}
