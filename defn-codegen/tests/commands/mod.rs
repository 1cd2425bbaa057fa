//! What a file test asks for: its command, its directives, and the order in which they are looked at.

mod cat;
mod verify;
mod pass;
mod transform;
mod stage;
mod ptx;
mod count;
mod has;
mod run;
mod value;

use std::path::Path;
use std::{env, fs};

use defn_codegen::graph::parse::parse;
use defn_codegen::hunt::hunt;

/// A file test, taken apart.
struct TestFile<'t> {
    text: &'t str,
    command: &'t str,
    /// What stands behind the name of a directive, with its line from 1.
    directives: Vec<(usize, &'t str, &'t str)>,
    /// The lines of `expect:`, without their comment marks.
    expected: Option<Vec<&'t str>>,
}

/// Runs one file; the error is what to tell a developer.
pub(crate) fn test(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file = take_apart(&text)?;
    let Some((command, argument)) = split_word(file.command) else {
        return Err("the first line names no command".to_owned());
    };
    if command == "verify" {
        return verify::check(&file);
    }
    if command == "ptx" {
        let text = ptx::text(&file, argument)?;
        count::words(&file, &text)?;
        return has::check(&file, &text);
    }
    let graph = match command {
        "transform" => transform::apply(&text)?,
        // What is run is the hunted graph, which has one result more.
        "hunt" => hunt(&parse(&text).map_err(|error| error.to_string())?, 0, false).0,
        _ => parse(&text).map_err(|error| error.to_string())?,
    };
    verify::refuse(&graph)?;
    run::check(&file, &graph)?;
    if let Some(text) = stage::text(command, argument, &graph) {
        count::words(&file, &text)?;
        return expect(path, &file, &text);
    }
    let result = match command {
        "cat" => cat::apply(&graph)?,
        "run" | "transform" | "hunt" => graph,
        "pass" => {
            let result = pass::apply(argument, &graph)?;
            verify::refuse(&result)?;
            run::check(&file, &result).map_err(|what| format!("after the pass, {what}"))?;
            result
        }
        _ => return Err(format!("no command is called `{command}`")),
    };
    count::check(&file, &result)?;
    expect(path, &file, &result.to_string())
}

/// Compares with `expect:`, or writes it anew.
fn expect(path: &Path, file: &TestFile<'_>, printed: &str) -> Result<(), String> {
    let Some(expected) = &file.expected else { return Ok(()) };
    let found: Vec<&str> = printed.lines().collect();
    if *expected == found {
        return Ok(());
    }
    if env::var_os("BLESS").is_some() {
        return fs::write(path, blessed(file.text, &found)).map_err(|error| error.to_string());
    }
    Err(format!("the text differs (BLESS=1 rewrites it)\n{}", difference(expected, &found)))
}

/// The file with other lines under `expect:`.
fn blessed(text: &str, found: &[&str]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_expected = false;
    for line in text.lines() {
        let is_new = directive(line).is_some();
        is_expected = line == "; expect:" || is_expected && !is_new;
        if !is_expected || line == "; expect:" {
            lines.push(line.to_owned());
        }
        if line == "; expect:" {
            lines.extend(found.iter().map(|line| format!("; {line}")));
        }
    }
    lines.join("\n") + "\n"
}

/// Lines of one side only, marked.
fn difference(expected: &[&str], found: &[&str]) -> String {
    let missing =
        expected.iter().filter(|line| !found.contains(line)).map(|line| format!("- {line}"));
    let extra =
        found.iter().filter(|line| !expected.contains(line)).map(|line| format!("+ {line}"));
    let lines: Vec<String> = missing.chain(extra).collect();
    if lines.is_empty() { "the same lines in another order".to_owned() } else { lines.join("\n") }
}

/// The name and the rest of a line that is a directive.
fn directive(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("; ")?.split_once(':')?;
    ["run", "count", "has", "lacks", "expect", "error"].contains(&name).then(|| (name, rest.trim()))
}

fn split_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(text.split_once(' ').unwrap_or((text, "")))
}

fn take_apart(text: &str) -> Result<TestFile<'_>, String> {
    let mut lines = text.lines();
    let command = lines.next().and_then(|line| line.strip_prefix("; test "));
    let command = command.ok_or("the first line is no `; test <command>`")?;
    let says_why =
        lines.next().is_some_and(|line| line.starts_with("; ") && directive(line).is_none());
    if !says_why {
        return Err("the second line says not why the file exists".to_owned());
    }
    let mut directives = Vec::new();
    let mut expected: Option<Vec<&str>> = None;
    let mut is_expected = false;
    for (number, line) in text.lines().enumerate() {
        if let Some((name, rest)) = directive(line) {
            is_expected = name == "expect";
            if is_expected {
                expected = Some(Vec::new());
            } else {
                directives.push((number + 1, name, rest));
            }
        } else if let Some((_, message)) = line.split_once("; error:") {
            directives.push((number + 1, "error", message.trim()));
        } else if let (true, Some(expected)) = (is_expected, &mut expected) {
            expected.push(line.strip_prefix("; ").unwrap_or(line));
        }
    }
    Ok(TestFile { text, command, directives, expected })
}
