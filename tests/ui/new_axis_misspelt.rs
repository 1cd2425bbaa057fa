//! The axis is called `channel`.

use defn::prelude::*;

#[defn]
fn f(image: Tensor<f32, channel, pixel>) -> Tensor<f32, channel> {
    image.sum(pixel) + zeros::<f32>(chanel)
}

fn main() {}
