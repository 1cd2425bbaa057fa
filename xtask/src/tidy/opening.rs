//! Every file opens with `//!`: what enters, what leaves, what is never done there.

use super::Fault;
use super::tree::House;

/// Folders whose files are what users write, with a line that says what is wrong with them instead.
const USERS: [&str; 1] = ["tests/ui/"];

/// Files without a first line for the reader.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let is_users = |path: &str| USERS.iter().any(|folder| path.starts_with(folder));
    let silent =
        house.sources.iter().filter(|(path, text)| !text.starts_with("//!") && !is_users(path));
    silent.map(|(path, _)| (path.clone(), "the first line is no `//!`".to_owned())).collect()
}
