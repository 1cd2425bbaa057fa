//! A `loop`.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    loop {
        y = y * 2.0;
        if y > 100.0 {
            break;
        }
    }
    y
}

fn main() {}
