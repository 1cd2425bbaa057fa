//! The tree as the rules see it: its folders, its Rust files, and the code in them.
//!
//! Paths are relative to the root and written with `/`. Hidden folders and build outputs are not part of the house.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that is read, once.
#[derive(Debug)]
pub(crate) struct House {
    root: PathBuf,
    /// Every folder that holds a file.
    pub(crate) folders: Vec<String>,
    /// Every Rust file by path.
    pub(crate) sources: BTreeMap<String, String>,
}

impl House {
    /// Reads the tree under `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut house =
            Self { root: root.to_owned(), folders: Vec::new(), sources: BTreeMap::new() };
        house.enter("")?;
        house.folders.sort();
        Ok(house)
    }

    /// The text of a file of the house; empty if there is none.
    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The Rust files under a folder, with their path below it.
    pub(crate) fn under<'h>(&'h self, folder: &'h str) -> impl Iterator<Item = (&'h str, &'h str)> {
        self.sources
            .iter()
            .filter_map(move |(path, text)| Some((path.strip_prefix(folder)?, text.as_str())))
    }

    fn enter(&mut self, folder: &str) -> Result<(), String> {
        let path = self.root.join(folder);
        let entries = fs::read_dir(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let mut holds_files = false;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let child = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_folder = entry.path().is_dir();
            if is_folder && !name.starts_with('.') && name != "target" {
                self.enter(&child)?;
            }
            holds_files |= !is_folder;
            if name.ends_with(".rs") {
                let text = self.text(&child);
                self.sources.insert(child, text);
            }
        }
        if holds_files && !folder.is_empty() {
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }
}

/// A file without its comments and without its tests, which stand last; lines keep their numbers.
pub(crate) fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..tests].lines().map(|line| line.split("//").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a whole file is tests.
pub(crate) fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.starts_with("tests/") || path.contains("/tests/")
}

/// The number of the line that holds the byte.
pub(crate) fn line(text: &str, byte: usize) -> usize {
    1 + text[..byte].matches('\n').count()
}

/// The identifier at the beginning of `text`.
pub(crate) fn word(text: &str) -> &str {
    let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

/// What stands between the first opening bracket of `text` and its partner.
pub(crate) fn group(text: &str) -> &str {
    let mut depth = 0;
    let mut start = 0;
    for (byte, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '{' => {
                depth += 1;
                start = if depth == 1 { byte + 1 } else { start };
            }
            ')' | ']' | '}' if depth == 1 => return &text[start..byte],
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    &text[start..]
}

/// The body of the first fenced block below a heading.
pub(crate) fn block<'t>(text: &'t str, heading: &str) -> &'t str {
    let section = text.split_once(&format!("\n## {heading}\n")).map_or("", |(_, below)| below);
    let section = section.split("\n## ").next().unwrap_or(section);
    section
        .split("```")
        .nth(1)
        .and_then(|block| block.split_once('\n'))
        .map_or("", |(_, body)| body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_no_comments_and_no_tests() {
        let text = "//! Doc.\nuse crate::a; // why\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(code(text).trim(), "use crate::a;");
        assert_eq!(line(&code(text), code(text).find("use").unwrap()), 2);
    }

    #[test]
    fn groups_and_blocks_end_with_their_partner() {
        assert_eq!(group("! { a(b[1]) } c"), " a(b[1]) ");
        assert_eq!(word("shape::Dim"), "shape");
        assert_eq!(
            block("# t\n\n## Arrows\nwords\n```text\na ->\n```\n## Next\n", "Arrows"),
            "a ->\n"
        );
    }
}
