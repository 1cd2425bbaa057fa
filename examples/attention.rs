//! The function of `README.md`: a few numbers through it, and what the compiler made of it.
//!
//! ```text
//! cargo run --release --example attention
//! ```

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use defn::prelude::*;

/// Scaled dot-product attention.
#[defn]
fn attention(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, value>,
) -> Tensor<f32, head, query, value> {
    let score = q.dot(k, dim) / (dim as f32).sqrt();
    let e = (score - score.max(key)).exp();
    (e / e.sum(key)).dot(v, key)
}

fn main() {
    let q = Tensor::from([[[1.0f32, 0.0], [0.0, 1.0], [1.0, 1.0]]]);
    let k = Tensor::from([[[2.0f32, 0.0], [0.0, 2.0]]]);
    let v = Tensor::from([[[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0]]]);

    println!("{}", attention(&q, &k, &v));
    println!("{}", attention::explain());
}
