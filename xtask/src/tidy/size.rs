//! A file past [`LIMIT`] lines has a sentence in its head that says why it is one file.

use super::Fault;
use super::tree::House;

/// Lines, tests included.
const LIMIT: usize = 600;

/// How the sentence begins.
const MARKER: &str = "This file is long because ";

/// Long files that do not say why.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in &house.sources {
        let lines = text.lines().count();
        let says_why = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .any(|line| line.contains(MARKER));
        if lines > LIMIT && !says_why {
            faults.push((path.clone(), format!("{lines} lines, and no `//! {MARKER}…`")));
        }
    }
    faults
}
