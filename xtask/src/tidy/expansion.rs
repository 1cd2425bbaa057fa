//! Expanded code has no `.unwrap()`: its panic would speak of a line that the user never wrote.

use super::Fault;
use super::tree::{House, code, group, line};

/// What makes tokens.
const MAKERS: [&str; 5] =
    ["quote!", "quote_spanned!", "parse_quote!", "parse_quote_spanned!", "macro_rules!"];

/// Where such code lives.
const HOMES: [&str; 2] = ["defn-macros/src/", "src/"];

/// `.unwrap()` in what a macro writes.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in &house.sources {
        let code = code(text);
        if !HOMES.iter().any(|home| path.starts_with(home)) {
            continue;
        }
        for maker in MAKERS {
            for (byte, _) in code.match_indices(maker) {
                if group(&code[byte..]).contains(".unwrap()") {
                    faults.push((
                        format!("{path}:{}", line(&code, byte)),
                        "expands to `.unwrap()`".to_owned(),
                    ));
                }
            }
        }
    }
    faults
}
