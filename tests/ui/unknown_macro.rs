//! Nothing is printed from a body.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    println!("{}", x);
    x
}

fn main() {}
