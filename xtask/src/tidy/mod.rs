//! `cargo xtask tidy`, also run as a test: the laws of the house that a reader of text can check.
//!
//! In: the tree.   Out: every place that breaks a rule of [`RULES`].
//!
//! A rule is a row here and a file beside this one; what it checks against is a table at the head of that file.

mod tree;
mod opening;
mod size;
mod arrows;
mod faces;
mod doors;
mod borders;
mod mistakes;
mod expansion;
mod map;
mod readme;
mod transforms;

use std::path::Path;

use crate::Outcome;
use tree::House;

/// A place and what is wrong there.
type Fault = (String, String);

/// The name of a rule, what it demands, and who checks it.
type Rule = (&'static str, &'static str, fn(&House) -> Vec<Fault>);

const RULES: [Rule; 11] = [
    ("opening", "every file opens with `//!`", opening::faults),
    ("size", "a file past 600 lines says why", size::faults),
    (
        "arrows",
        "rooms import only what `ARCHITECTURE.md` draws, and the drawing keeps the law",
        arrows::faults,
    ),
    ("faces", "a noun has its faces under the same names", faces::faults),
    ("doors", "a verb has one door, named like the folder", doors::faults),
    ("borders", "what is foreign is known in one place", borders::faults),
    (
        "mistakes",
        "every sentence to a user has a ui case and a heading in `docs/errors.md`",
        mistakes::faults,
    ),
    ("expansion", "expanded code has no `.unwrap()`", expansion::faults),
    ("map", "the code map of `ARCHITECTURE.md` names every folder and no other", map::faults),
    (
        "transforms",
        "every word of the language has a row in `docs/transforms.md`, and no other",
        transforms::faults,
    ),
    ("readme", "the Rust of `README.md` stands in an example", readme::faults),
];

/// Checks every rule.
pub(crate) fn tidy(root: &Path) -> Outcome {
    let house = House::read(root)?;
    let mut text = String::new();
    for (name, demand, faults) in RULES {
        let faults = faults(&house);
        if !faults.is_empty() {
            text.push_str(&format!("{name}: {demand}\n"));
        }
        for (place, what) in faults {
            text.push_str(&format!("  {place}: {what}\n"));
        }
    }
    if text.is_empty() { Ok(format!("tidy: {} rules hold", RULES.len())) } else { Err(text) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        if let Err(faults) = super::tidy(&crate::root()) {
            panic!("\n{faults}");
        }
    }
}
