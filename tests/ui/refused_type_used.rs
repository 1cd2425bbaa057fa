//! A function with a type of Rust is still there for its callers.

use defn::prelude::*;

#[defn]
fn f(x: Tensor, y: &str) -> Vec<f32> {
    y
}

fn main() {
    let y: Vec<f32> = f(&Tensor::<f32, 1>::zeros([2]), "y");
    drop(y);
}
