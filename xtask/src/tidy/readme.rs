//! The Rust that `README.md` shows stands in an example word for word, so it compiles.

use super::Fault;
use super::tree::House;

const README: &str = "README.md";

/// Blocks of Rust that no example has.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let text = house.text(README);
    let blocks = text.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
    let shown =
        |block: &&str| house.under("examples/").any(|(_, source)| source.contains(block.trim()));
    let strays = blocks.filter(|block| !shown(block));
    strays
        .map(|block| {
            (
                README.to_owned(),
                format!("no example has `{}…`", block.lines().next().unwrap_or_default()),
            )
        })
        .collect()
}
