//! Which room of `defn-codegen` imports which.
//!
//! The arrows are drawn in `ARCHITECTURE.md` under "Arrows", a room a line. The drawing must keep the law of [`may_know`],
//! so that a new arrow can be added there, but not a wrong one; the code must keep the drawing.

use std::collections::BTreeMap;

use super::Fault;
use super::tree::{House, block, code, group, is_test, line, word};

/// In the order of the tree: a noun knows only those above it.
const NOUNS: [&str; 6] = ["graph", "library", "program", "kernels", "loops", "artifact"];
/// A verb knows nouns, never a verb.
const VERBS: [&str; 7] = ["transform", "hunt", "simplify", "fuse", "lower", "schedule", "llvm"];
/// Everyone knows the banks, and they know only each other.
const BANKS: [&str; 6] = ["arena", "origin", "text", "math", "diagnostic", "options"];
/// Readers know all nouns.
const READERS: [&str; 2] = ["stages", "explain"];
/// Conductors know everything.
const CONDUCTORS: [&str; 2] = ["compile", "testing"];

const DRAWING: &str = "ARCHITECTURE.md";
const SOURCES: &str = "defn-codegen/src/";

/// Arrows against the law, and imports that are not drawn.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let drawing = house.text(DRAWING);
    let arrows: BTreeMap<&str, Vec<&str>> = block(&drawing, "Arrows")
        .lines()
        .filter_map(|row| row.split_once("->"))
        .map(|(room, known)| (room.trim(), known.split_whitespace().collect()))
        .collect();
    let mut faults = unlawful(&arrows);
    for (file, text) in house.under(SOURCES) {
        let room = word(file);
        if room == "lib" || CONDUCTORS.contains(&room) || is_test(file) {
            continue;
        }
        faults.extend(undrawn(&arrows, room, file, &code(text)));
    }
    faults
}

fn unlawful(arrows: &BTreeMap<&str, Vec<&str>>) -> Vec<Fault> {
    let all =
        arrows.iter().flat_map(|(room, known)| known.iter().map(move |other| (*room, *other)));
    let wrong = all.filter(|(room, other)| !may_know(room, other));
    wrong
        .map(|(room, other)| (DRAWING.to_owned(), format!("`{room}` must not know `{other}`")))
        .collect()
}

/// The law: verbs know nouns, nouns know nouns above them, and the banks are everyone's.
fn may_know(room: &str, other: &str) -> bool {
    let place = |room: &str| NOUNS.iter().position(|noun| *noun == room);
    match (place(room), place(other)) {
        _ if BANKS.contains(&other) => true,
        (Some(below), Some(above)) => above < below,
        (None, Some(_)) => VERBS.contains(&room) || READERS.contains(&room),
        (_, None) => false,
    }
}

fn undrawn(arrows: &BTreeMap<&str, Vec<&str>>, room: &str, file: &str, code: &str) -> Vec<Fault> {
    let Some(known) = arrows.get(room) else {
        return vec![(
            format!("{SOURCES}{file}"),
            format!("`{room}` has no row under \"Arrows\" in {DRAWING}"),
        )];
    };
    let is_drawn = |other: &str| other == room || known.contains(&other) || BANKS.contains(&other);
    let is_free = |other: &str| {
        is_drawn(other) && (!BANKS.contains(&room) || known.contains(&other) || other == room)
    };
    let wrong = imports(code).into_iter().filter(|(_, other)| !is_free(other));
    wrong
        .map(|(byte, other)| {
            (format!("{SOURCES}{file}:{}", line(code, byte)), format!("`{room}` imports `{other}`"))
        })
        .collect()
}

/// The rooms that stand behind `crate::`, and where.
fn imports(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (byte, _) in code.match_indices("crate::") {
        let rest = &code[byte + "crate::".len()..];
        if rest.starts_with('{') {
            found.extend(parts(group(rest)).map(|part| (byte, room(part))));
        } else {
            found.push((byte, room(word(rest))));
        }
    }
    found
}

/// `bug!` stands at the root of the crate, as exported macros do.
fn room(word: &str) -> &str {
    if word == "bug" { "diagnostic" } else { word }
}

/// The first words of the parts of `{a::b, c::{d, e}}`.
fn parts(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = group.split(move |letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    parts.map(|part| word(part.trim())).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_in_every_form() {
        let rooms = |code| imports(code).into_iter().map(|(_, room)| room).collect::<Vec<_>>();
        assert_eq!(rooms("use crate::graph::{Dim, Op};"), ["graph"]);
        assert_eq!(
            rooms("use crate::{arena::{Id, Arena}, bug, loops::Expr,\n};"),
            ["arena", "diagnostic", "loops"]
        );
        assert_eq!(rooms("let x = crate::fuse::fuse(g);"), ["fuse"]);
    }

    #[test]
    fn the_law() {
        assert!(
            may_know("lower", "kernels")
                && may_know("loops", "graph")
                && may_know("explain", "loops")
        );
        assert!(
            !may_know("lower", "fuse")
                && !may_know("graph", "program")
                && !may_know("text", "graph")
        );
    }
}
