//! `cargo xtask river`: one function of an example at every stage, on one page.
//!
//! In: the name of the function and of its example.   Out: Markdown, a heading and a dump for each stage, in river order.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// Builds the example with dumps on, and prints those of the function.
pub(crate) fn river(root: &Path, name: &str, example: &str) -> Outcome {
    let folder = root.join("target/river");
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet", "--example", example])
        .env("DEFN_DUMP_DIR", &folder)
        .current_dir(root);
    let status = build.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("the example `{example}` does not build"));
    }
    let mut page = format!("# `{name}` at every stage\n");
    for (stage, text) in stages(&folder.join(name))? {
        page.push_str(&format!("\n## {stage}\n```text\n{}\n```\n", text.trim_end()));
    }
    Ok(page)
}

/// The dumps of a folder in river order, which is the order of their names.
fn stages(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let missing = |error| format!("no dumps in {}: {error}", folder.display());
    let mut files: Vec<_> =
        fs::read_dir(folder).map_err(missing)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let stage = file.file_stem()?.to_str()?.to_owned();
        Some((stage, fs::read_to_string(file).ok()?))
    };
    Ok(files.iter().filter_map(read).collect())
}
