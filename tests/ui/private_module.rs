//! The function is in a private module: rustc says it, once.

use defn::prelude::*;

mod layers {
    mod inner {
        use defn::prelude::*;

        #[defn]
        pub(crate) fn square(x: f32) -> f32 {
            x * x
        }
    }
}

#[defn]
fn f(x: f32) -> f32 {
    layers::inner::square(x)
}

fn main() {}
