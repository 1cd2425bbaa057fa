//! `Row` takes an axis.

use defn::prelude::*;

#[defn]
struct Row<n> { w: Tensor<f32, n> }

#[defn]
fn f(w: Tensor<f32, n>) -> f32 {
    let row: Row<f64> = Row { w };
    row.w.sum()
}

fn main() {}
