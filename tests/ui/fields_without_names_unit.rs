//! A unit struct holds nothing.

use defn::prelude::*;

#[defn]
struct Nothing;

fn main() {}
