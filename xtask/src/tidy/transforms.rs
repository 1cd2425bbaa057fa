//! Every word of the language has a row on the page of transforms, and every row there is a word.
//!
//! The page is written by a test that runs its rows; which words there are is known to the front end alone.

use std::collections::BTreeSet;

use super::Fault;
use super::tree::{House, code};

/// Where words stand, each at the beginning of a row.
const WORDS: &str = "defn-macros/src/resolve/intrinsics.rs";

/// The page: words in the first column of its tables.
const PAGE: &str = "docs/transforms.md";

/// What makes a row no operation: it cannot be compiled, its shape would depend on data, or it only stands behind `for`.
const REFUSED: [&str; 4] = ["Form::Limited", "Form::DataShape", "Form::Walk", "None"];

/// What is no operation of its own: the rows are those of what it is around.
const AROUND: [&str; 1] = ["checkpoint"];

/// Operators, and what can be compiled under a request before it has a word of its own.
const OTHERS: [&str; 22] = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "!",
    "as",
    "x[..] = y",
    "stop_grad",
];

/// Words without a row, and rows without a word.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let source = code(&house.text(WORDS));
    let words: BTreeSet<&str> = words(&source).chain(OTHERS).collect();
    let page = house.text(PAGE);
    let rows: BTreeSet<String> = page.lines().flat_map(row).collect();
    let without_row = words.iter().filter(|word| !rows.contains(**word));
    let without_row = without_row.map(|word| (PAGE.to_owned(), format!("no row for `{word}`")));
    let without_word = rows.iter().filter(|row| !words.contains(row.as_str()));
    let without_word =
        without_word.map(|row| (PAGE.to_owned(), format!("`{row}` is no word of the language")));
    without_row.chain(without_word).collect()
}

/// The words of rows `("sum", Form::Axes(library::sum), …)`.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split('(').filter_map(|row| {
        let (word, rest) = row.trim_start().strip_prefix('"')?.split_once('"')?;
        let rest = rest.strip_prefix(',')?.trim_start();
        let is_refused = REFUSED.iter().any(|form| rest.starts_with(form));
        (!is_refused && !AROUND.contains(&word)).then_some(word)
    })
}

/// The words in the first column of a line.
fn row(line: &str) -> Vec<String> {
    let unescaped = line.replace("\\|", "\u{0}");
    let Some(first) = unescaped.strip_prefix("| `").and_then(|line| line.split(" | ").next())
    else {
        return Vec::new();
    };
    let words = first.split('`').filter(|word| !matches!(word.trim(), "" | ","));
    words.map(|word| word.replace('\u{0}', "|")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_rows() {
        let code = "[(\"sum\", Form::Axes(library::sum), \"x.sum(a)\"), (\"along\", Form::Walk, \"\"),\n(\n  \"key\",\n  Some(\"key(7)\")), (\"later\", None)]";
        assert_eq!(words(code).collect::<Vec<_>>(), ["sum", "key"]);
    }

    #[test]
    fn rows_begin_with_words() {
        assert_eq!(row("| `exp_m1`, `expm1` | `x.exp_m1()` | yes |"), ["exp_m1", "expm1"]);
        assert_eq!(row("| `\\|\\|` | `p \\|\\| q` | – |"), ["||"]);
        assert!(row("| operation | written |").is_empty());
    }
}
