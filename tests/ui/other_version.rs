//! A definition that another version of `defn` wrote: two macros play the crate that it comes from.

use defn::prelude::*;

macro_rules! square {
    ([] [$($k:tt)*] $($rest:tt)*) => {
        $($k)* ! { [{$crate "elsewhere" "square_of_old" "square"}] $($rest)* }
    };
}

#[macro_export]
macro_rules! __defn_full_square_of_old {
    ([] [$($k:tt)*] $($rest:tt)*) => {
        $($k)* ! { [{$crate whole "of another version" []}] $($rest)* }
    };
}

#[defn]
fn f(x: f32) -> f32 {
    square(x)
}

fn main() {}
