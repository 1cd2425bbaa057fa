//! Containers are not compared.

use defn::prelude::*;

#[defn]
struct A { x: Tensor<f32, n> }

#[defn]
fn f(a: A, b: A) -> bool {
    a == b
}

fn main() {}
