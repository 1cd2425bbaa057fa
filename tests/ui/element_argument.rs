//! `Row` takes an element type.

use defn::prelude::*;

#[defn]
struct Row<T: Float> { w: Tensor<T, n> }

#[defn]
fn f(w: Tensor<f32, n>) -> f32 {
    let row: Row<n> = Row { w };
    row.w.sum()
}

fn main() {}
