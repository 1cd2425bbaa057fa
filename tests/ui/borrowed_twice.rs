//! One place cannot be updated twice at once.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let mut y = x;
    swap(&mut y, &mut y);
    y
}

#[defn]
fn swap(a: &mut Tensor<f32, n>, b: &mut Tensor<f32, n>) {
    let c = *a;
    *a = *b;
    *b = c;
}

fn main() {}
