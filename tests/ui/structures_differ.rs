//! Arithmetic on containers needs one structure.

use defn::prelude::*;

#[defn]
struct A { x: Tensor<f32, n> }

#[defn]
struct B { x: Tensor<f32, n> }

#[defn]
fn f(a: A, b: B) -> A {
    a + b
}

fn main() {}
