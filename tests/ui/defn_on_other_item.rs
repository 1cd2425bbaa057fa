//! A module is no definition.

use defn::prelude::*;

#[defn]
mod layers {}

fn main() {}
