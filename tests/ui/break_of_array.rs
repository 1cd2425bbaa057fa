//! The items of an array are written out, so there is no loop to leave.

use defn::prelude::*;

#[defn]
fn f(x: [f32; 3]) -> f32 {
    let mut sum = 0.0f32;
    for v in x {
        if sum > 1.0 {
            break;
        }
        sum += v;
    }
    sum
}

fn main() {}
