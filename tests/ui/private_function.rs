//! The function is private to its module: rustc says it, once.

use defn::prelude::*;

mod layers {
    use defn::prelude::*;

    #[defn]
    fn square(x: f32) -> f32 {
        x * x
    }
}

#[defn]
fn f(x: f32) -> f32 {
    layers::square(x)
}

fn main() {}
