//! A draw needs axes, if only `()`.

use defn::prelude::*;

#[defn]
fn f(key: Key) -> f32 {
    normal::<f32>(key)
}

fn main() {}
