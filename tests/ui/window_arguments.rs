//! What `window` is given instead of its arguments.

use defn::prelude::*;

#[defn]
fn unknown(x: Tensor<f32, time>) -> f32 {
    x.window(tim, tap = 3).sum()
}

#[defn]
fn taken(x: Tensor<f32, time, tap>) -> f32 {
    x.window(time, tap = 3).sum()
}

#[defn]
fn missing(x: Tensor<f32, time>) -> f32 {
    x.window(time, stride = 3).sum()
}

#[defn]
fn open(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap).sum()
}

#[defn]
fn fraction(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, stride = 1.5).sum()
}

#[defn]
fn data(x: Tensor<f32, time>, by: i64) -> f32 {
    x.window(time, tap = 3, dilation = by).sum()
}

#[defn]
fn negative(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, padding = (-1, 0)).sum()
}

#[defn]
fn single(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, padding = 1).sum()
}

#[defn]
fn other(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, step = 2).sum()
}

#[defn]
fn position(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, 2).sum()
}

#[defn]
fn around(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, padding = (1, 1), value = x).sum()
}

fn main() {}
