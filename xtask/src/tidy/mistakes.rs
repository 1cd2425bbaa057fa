//! Every sentence to a user is shown by a case and explained in the index.

use std::collections::BTreeSet;

use super::Fault;
use super::tree::{House, code};

/// Where sentences stand: those about meaning, and those about syntax.
const CATALOGUES: [&str; 2] = ["defn-codegen/src/diagnostic/", "defn-macros/src/parse/refusals"];

/// The index of the rules: a heading for each.
const INDEX: &str = "docs/errors.md";

/// Rules without a case or without a heading.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let catalogues = CATALOGUES.iter().flat_map(|folder| house.under(folder));
    let catalogues: Vec<String> = catalogues.map(|(_, text)| code(text)).collect();
    let rules: BTreeSet<&str> = catalogues.iter().flat_map(|text| names(text)).collect();
    let index = house.text(INDEX);
    let headings: BTreeSet<&str> = index
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_matches(|c: char| matches!(c, '#' | '`' | '[' | ']' | ' ')))
        .collect();
    let has_case = |rule: &str| house.has(&format!("tests/ui/{}.rs", rule.replace('-', "_")));
    let lacks = |place: &str, what: &str, has: &dyn Fn(&str) -> bool| {
        let names: Vec<&str> = rules.iter().copied().filter(|rule| !has(rule)).collect();
        (!names.is_empty())
            .then(|| (place.to_owned(), format!("no {what} for {}", names.join(" "))))
    };
    let cases = lacks("tests/ui", "case `rule_name.rs`", &has_case);
    let headings = lacks(INDEX, "heading", &|rule| headings.contains(rule));
    cases.into_iter().chain(headings).collect()
}

/// The names of rules: what stands in quotes before the sentence of a row (`} "unknown-axis" =>`),
/// or behind it as the last argument (`say("…", "…", "no-closures")`).
fn names(code: &str) -> impl Iterator<Item = &str> {
    let quoted = code.split('"').zip(code.split('"').skip(1)).zip(code.split('"').skip(2));
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
    let is_row = |before: &str, after: &str| before.ends_with("} ") && after.starts_with(" =>");
    let is_last = |before: &str, after: &str| {
        let ends = after.trim_start_matches([',', ' ', '\n']).starts_with(')');
        ends && before.trim_end() != before && before.trim_end().ends_with(',')
    };
    quoted
        .filter(move |((before, text), after)| {
            is_name(text) && (is_row(before, after) || is_last(before, after))
        })
        .map(|((_, text), _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_before_or_behind_a_sentence() {
        let code = "say(\"a, b\", \"\", \"no-labels\"), say(\n  format!(\"`{word}`\"),\n  \"pattern\",\n) x.join(\"y\")";
        assert_eq!(names(code).collect::<Vec<_>>(), ["no-labels", "pattern"]);
        let code =
            "UnknownAxis { axis: String } \"unknown-axis\" =>\n say(\"x\").fact(\"tensor\", ty)";
        assert_eq!(names(code).collect::<Vec<_>>(), ["unknown-axis"]);
    }
}
