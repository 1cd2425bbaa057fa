//! LLVM's assembly made fit for a naked function.
//!
//! ```text
//! defn_entry:                    defn_entry_\@:
//!     jmp .LBB0_1         ->         jmp .LBB0_1_\@
//! ```
//!
//! `\@` is the assembler's own counter: inside a macro it differs at each use,
//! so the same text may occur any number of times in one object file, merged by link-time optimisation too.
//! What would make a symbol visible outside, or belongs to a file of its own, is dropped.

use std::collections::BTreeSet;

/// Directives that speak of a whole file, or show a symbol to others.
const DROPPED: [&str; 6] = [".file", ".ident", ".globl", ".addrsig", ".weak", ".hidden"];

/// The text with every label made unique to its use.
pub(crate) fn unique_labels(assembly: &str) -> String {
    let lines: Vec<&str> =
        assembly.lines().filter(|line| is_kept(line)).map(without_comment).collect();
    let labels: BTreeSet<&str> = lines.iter().filter_map(|line| label(line)).collect();
    let mut text = String::with_capacity(assembly.len() + assembly.len() / 8);
    for line in lines {
        mark(line, &labels, &mut text);
        text.push('\n');
    }
    text
}

fn is_kept(line: &str) -> bool {
    let line = line.trim_start();
    let is_dropped = DROPPED.iter().any(|directive| line.starts_with(directive));
    !(line.is_empty() || line.starts_with('#') || is_dropped || line.contains(".note.GNU-stack"))
}

/// Comments of LLVM stand behind the code; a line with text in it has none.
fn without_comment(line: &str) -> &str {
    if line.contains('"') {
        return line;
    }
    line.split('#').next().unwrap_or(line).trim_end()
}

/// What a line defines.
fn label(line: &str) -> Option<&str> {
    let (label, _) = line.split_once(':')?;
    (!label.is_empty() && label.chars().all(is_of_symbol)).then_some(label)
}

fn is_of_symbol(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '$')
}

/// Copies a line; each known label gets the counter.
fn mark(line: &str, labels: &BTreeSet<&str>, text: &mut String) {
    let mut rest = line;
    while let Some(start) = rest.find(is_of_symbol) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character| !is_of_symbol(character)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        text.push_str(before);
        text.push_str(word);
        // A register such as `%r8` is no label, whatever the labels are called.
        if labels.contains(word) && !before.ends_with('%') {
            text.push_str("_\\@");
        }
        rest = after;
    }
    text.push_str(rest);
}
