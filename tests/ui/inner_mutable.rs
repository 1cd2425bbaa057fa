//! `&mut` stands around a whole parameter.

use defn::prelude::*;

#[defn]
fn f(x: (&mut f32, f32)) -> f32 {
    x.1
}

fn main() {}
