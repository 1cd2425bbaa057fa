//! A tuple struct has no names for its fields.

use defn::prelude::*;

#[defn]
struct Row(Tensor<f32, n>);

fn main() {}
