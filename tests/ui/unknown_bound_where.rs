//! A condition on something else than a parameter.

use defn::prelude::*;

#[defn]
fn f<T: Float>(x: Tensor<T, n>) -> Tensor<T, n>
where
    Vec<T>: Clone,
 {
    x + x
}

fn main() {}
