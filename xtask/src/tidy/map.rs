//! The code map of `ARCHITECTURE.md` is the tree: every folder that holds a file, and no other.
//!
//! A row begins with the folder, as in `tests/ui/**`: the stars stand for the folder and all below it.

use super::Fault;
use super::tree::{House, block};

const MAP: &str = "ARCHITECTURE.md";

/// Folders without a row, and rows without a folder.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let text = house.text(MAP);
    let rows: Vec<&str> =
        block(&text, "Code map").lines().filter_map(|row| row.split_whitespace().next()).collect();
    let names = |row: &str, folder: &str| match row.strip_suffix("/**") {
        Some(above) => folder == above || folder.starts_with(&format!("{above}/")),
        None => row.strip_suffix('/') == Some(folder),
    };
    let unnamed = house.folders.iter().filter(|folder| !rows.iter().any(|row| names(row, folder)));
    let unnamed =
        unnamed.map(|folder| (folder.clone(), format!("no row in the code map of {MAP}")));
    let absent = rows.iter().filter(|row| !house.folders.iter().any(|folder| names(row, folder)));
    let absent = absent.map(|row| (MAP.to_owned(), format!("there is no folder `{row}`")));
    unnamed.chain(absent).collect()
}
