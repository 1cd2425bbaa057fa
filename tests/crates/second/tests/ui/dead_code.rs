//! What is dead, rustc says as of any function: exactly what nobody calls, in Rust or in the language.
#![deny(dead_code, deprecated)]
use defn::prelude::*;

#[defn]
fn dead(x: Tensor<f32, n>) -> f32 {
    below_the_dead(x)
}

#[defn]
fn below_the_dead(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

#[defn]
fn alive(x: Tensor<f32, n>) -> f32 {
    below_the_living(x) + old(x)
}

#[defn]
fn below_the_living(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

#[defn]
#[deprecated(note = "it is old")]
fn old(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

fn main() {
    let _ = alive(&Tensor::ones([1]));
    let _ = alive::explain();
}
