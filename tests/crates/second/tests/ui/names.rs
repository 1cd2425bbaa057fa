//! What rustc says of names, it says at the user's token, once, and nothing follows from it.
use defn::prelude::*;
use defn_test_library::nn::Dense;

#[defn]
fn misspelled(x: f32) -> f32 {
    calls_plan(x) + misspeled(x)
}

#[defn]
fn calls_a_broken_one(x: f32) -> f32 {
    misspelled(x)
}

fn plain(x: f32) -> f32 {
    x
}

#[defn]
fn calls_plain(x: f32) -> f32 {
    plain(x)
}

#[defn]
fn reads_a_private_field(p: Dense<inp, out>) -> f64 {
    p.factor + p.w.sum()
}

#[defn]
fn even(x: f32) -> f32 {
    odd(x)
}

#[defn]
fn odd(x: f32) -> f32 {
    even(x)
}

#[defn]
fn calls_the_circle(x: f32) -> f32 {
    odd(x)
}

fn main() {
    let _ = grad!(calls_the_circle)(grad!(misspelled)(plain(calls_a_broken_one(1.0))));
}
