//! A type alias is not a value.

use defn::prelude::*;

#[defn]
type ROW<n> = Tensor<f32, n>;

#[defn]
fn f(x: f32) -> f32 {
    x + ROW
}

fn main() {}
