//! `cargo xtask ptxas`: every kernel for devices, assembled by NVIDIA's assembler, which needs no device.
//!
//! In: perhaps which graphs.   Out: how many kernels there are, what the largest need, and a failure if one of the hot ones spills.
//!
//! The graphs are those of the file tests that begin with `; test ptx`, and those of the benchmark, as a build with dumps writes them.
//! Their kernels are written by `defn-codegen/examples/ptx.rs`, which links LLVM; the tasks link nothing.

mod install;
mod report;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use report::Kernel;

/// The program that writes PTX.
const PROGRAM: [&str; 7] =
    ["run", "--quiet", "--package", "defn-codegen", "--example", "ptx", "--"];

/// Where everything of this task is, below the root.
const FOLDER: &str = "target/ptx";

/// How the file tests begin whose kernels are assembled.
const MARK: &str = "; test ptx";

/// The stage of the benchmark's graphs.
const STAGE: &str = "-simplify.graph";

/// Collects graphs, has their kernels written and assembles them.
pub(crate) fn ptxas(root: &Path, only: &[String]) -> Outcome {
    let folder = root.join(FOLDER);
    let assembler = install::ptxas(&folder)?;
    let (graphs, modules) = (folder.join("graphs"), folder.join("modules"));
    for emptied in [&graphs, &modules] {
        let _ = fs::remove_dir_all(emptied);
        fs::create_dir_all(emptied).map_err(|error| error.to_string())?;
    }
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|part| name.contains(part));
    let mut all = marked(&root.join("defn-codegen/filetests"))?;
    // Building the benchmark takes minutes.
    if only.iter().all(|part| !all.iter().any(|(name, _)| name.contains(part))) {
        all.extend(workloads(root, &folder.join("workloads"))?);
    }
    all.retain(|(name, _)| is_wanted(name));
    if all.is_empty() {
        return Err("no graph has such a name".to_owned());
    }
    for (name, text) in &all {
        let file = graphs.join(format!("{name}.graph"));
        fs::write(file, text).map_err(|error| error.to_string())?;
    }
    let status = Command::new("cargo")
        .args(PROGRAM)
        .args([&graphs, &modules])
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err("not every graph has kernels".to_owned());
    }
    let mut kernels = Vec::new();
    for architecture in entries(&modules)? {
        for module in entries(&architecture)? {
            kernels.extend(assemble(&assembler, &architecture, &module)?);
        }
    }
    report::report(&kernels)
}

/// The file tests that say so: name and text.
fn marked(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            found.extend(marked(&path)?);
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        if text.starts_with(MARK) {
            found.push((format!("test_{}", stem(&path)), text));
        }
    }
    Ok(found)
}

/// The graphs of the benchmark, as a build writes them: name and text.
fn workloads(root: &Path, dumps: &Path) -> Result<Vec<(String, String)>, String> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--bench", "workloads"])
        .env("DEFN_DUMP_DIR", dumps)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err("the benchmark does not build".to_owned());
    }
    let mut found = Vec::new();
    for function in entries(dumps)? {
        for file in entries(&function)? {
            if file.to_string_lossy().ends_with(STAGE) {
                let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
                found.push((stem(&function), text));
            }
        }
    }
    Ok(found)
}

/// The kernels of a module.
fn assemble(assembler: &Path, architecture: &Path, module: &Path) -> Result<Vec<Kernel>, String> {
    let architecture = stem(architecture);
    let output = Command::new(assembler)
        .args(["--verbose", "--gpu-name", &architecture, "--output-file", "/dev/null"])
        .arg(module)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not start: {error}", assembler.display()))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} is refused:\n{said}", module.display()));
    }
    let text = fs::read_to_string(module).map_err(|error| error.to_string())?;
    let kernels = report::kernels(&said, &architecture, &stem(module));
    // What the assembler says has no promised form.
    let found: BTreeSet<&str> = kernels.iter().map(|kernel| kernel.name.as_str()).collect();
    let written: BTreeSet<&str> = text.lines().filter_map(report::entry).collect();
    if found != written {
        return Err(format!("{} says something else than it did:\n{said}", assembler.display()));
    }
    Ok(kernels)
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot = |error| format!("{} cannot be read: {error}", folder.display());
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).map_err(cannot)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    Ok(entries)
}

/// The name of a file without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
