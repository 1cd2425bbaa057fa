//! A function of extents alone has no tensors to map.

use defn::prelude::*;

#[defn]
fn counted(n: usize) -> Tensor<f32, i<n>> {
    iota(i = n) as f32
}

fn main() {
    let _ = vmap!(counted, over = b);
}
