//! `cargo xtask prove-math`: the functions of mathematics on every `f32`, and on many `f64`, against correctly rounded ones.
//!
//! In: perhaps the name of one function, and how many `f64` and pairs are tried.   Out: `docs/math.md`; of one function only its rows.
//!
//! The code is compiled, run and judged by `defn-codegen/examples/prove.rs`, which links LLVM; the tasks link nothing.
//! All functions take about a quarter of an hour on two cores.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;

/// The program that judges.
const PROGRAM: [&str; 8] =
    ["run", "--quiet", "--release", "--package", "defn-codegen", "--example", "prove", "--"];

/// What stands above the rows.
const HEAD: &str = "\
# How exact the functions are

Compiled code at every level of the machine, against the correctly rounded functions of the CORE-MATH project.
Every bit is the same at every level; subnormal numbers, zeros with their signs, infinities and NaN included.
`cargo xtask prove-math` writes this page, and fails where an error is above 2 or a result leaves the range of its function.
`erf_inv` is the exception: at `f32` it has the bits that random streams have elsewhere, up to 48 units off near ±1.

An error is in units in the last place of the exact value; one half is what correct rounding costs.
Functions of one `f32` are run on all of them.
`f64` and functions of two arguments are run on samples: all magnitudes, the borders inside of the functions, multiples of a quarter turn,
powers all over their range.
References in `f64` are rounded themselves, so that an error of `f64` is known to half a unit: 1.50 means that a result may be the second
nearest number.
A function that rises or falls is monotone if its results never turn; that is looked at where all arguments are.

| type | function | largest error | arguments | monotone |
|---|---|---|---|---|
";

/// Runs the program; its rows become the page.
pub(crate) fn prove_math(root: &Path, only: Option<String>, samples: u64) -> Outcome {
    let mut command = Command::new("cargo");
    command.args(PROGRAM).args(["--samples", &samples.to_string()]).current_dir(root);
    if let Some(name) = &only {
        command.args(["--only", name]);
    }
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo does not start: {error}"))?;
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("{rows}\nnot every function keeps its bound"));
    }
    if only.is_some() {
        return Ok(rows);
    }
    let page = root.join("docs/math.md");
    fs::write(&page, format!("{HEAD}{rows}")).map_err(|error| error.to_string())?;
    Ok(format!("wrote {}", page.display()))
}
