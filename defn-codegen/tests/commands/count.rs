//! `count: exp = 1, reduce.add = 0`: how many nodes have these primitives.

use defn_codegen::graph::Graph;

use super::TestFile;

pub(crate) fn check(file: &TestFile<'_>, graph: &Graph) -> Result<(), String> {
    let printed = graph.to_string();
    let words: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix('%')?.split_once(" = ")?.1.split(' ').next())
        .collect();
    compare(file, &words, &printed)
}

/// Counts words of any text: what stands between blanks, brackets and commas.
pub(crate) fn words(file: &TestFile<'_>, text: &str) -> Result<(), String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "()[]{},:=".contains(c)).collect();
    compare(file, &words, text)
}

fn compare(file: &TestFile<'_>, words: &[&str], printed: &str) -> Result<(), String> {
    for (line, _, counts) in file.directives.iter().filter(|(_, name, _)| *name == "count") {
        for count in counts.split(',') {
            let (word, expected) = count.split_once('=').ok_or(format!("line {line}: no count"))?;
            let found = words.iter().filter(|found| **found == word.trim()).count();
            if expected.trim() != found.to_string() {
                return Err(format!(
                    "line {line}: {} occurs {found} times in\n{printed}",
                    word.trim()
                ));
            }
        }
    }
    Ok(())
}
