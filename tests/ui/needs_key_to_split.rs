//! Many keys are not one.

use defn::prelude::*;

#[defn]
fn f(keys: Tensor<u64, n>) -> (Key, Key) {
    keys.split()
}

fn main() {}
