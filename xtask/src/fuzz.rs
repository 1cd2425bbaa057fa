//! `cargo xtask fuzz`: random programs, each evaluated, compiled for every level, run and compared.
//!
//! The programs are made and compared by `defn-codegen/examples/fuzz.rs`, which links LLVM; the tasks link nothing,
//! so that `tidy` is built in a second. It is built with optimisation, since most of the time is the evaluators'.
//! With `--calculus` it is derivatives that are compared: forward, backward, mapped, and differences.
//! A difference is printed with the seed that makes the program again: `cargo xtask fuzz --seed S --programs 1`.

use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// The program that compares.
const PROGRAM: [&str; 7] =
    ["run", "--quiet", "--release", "--package", "defn-codegen", "--example", "fuzz"];

/// Runs `programs` programs, the first of them from `seed`.
pub(crate) fn fuzz(root: &Path, seed: u64, programs: u64, is_calculus: bool) -> Outcome {
    let mut command = Command::new("cargo");
    command.args(PROGRAM).args(["--", &seed.to_string(), &programs.to_string()]).current_dir(root);
    command.args(is_calculus.then_some("calculus"));
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("not all of {programs} programs from seed {seed} agree"));
    }
    Ok(format!("seeds {seed} to {}: all agree", seed + programs.saturating_sub(1)))
}
