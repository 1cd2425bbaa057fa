//! An enum has no fixed fields.

use defn::prelude::*;

#[defn]
enum Layer {
    Dense,
    Conv,
}

fn main() {}
