//! `has: .v4, shfl.sync` and `lacks: bar.sync`: what occurs in a text, and what does not.

use super::TestFile;

pub(crate) fn check(file: &TestFile<'_>, text: &str) -> Result<(), String> {
    for (line, name, words) in &file.directives {
        let wanted = match *name {
            "has" => true,
            "lacks" => false,
            _ => continue,
        };
        for word in words.split(',').map(str::trim) {
            if text.contains(word) != wanted {
                return Err(format!("line {line}: {name} `{word}`, but not so\n{text}"));
            }
        }
    }
    Ok(())
}
