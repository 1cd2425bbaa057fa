//! `cargo xtask bless`: what the tests print becomes what they expect.
//!
//! Read the difference before you commit it: it is the review.

use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// The tests that hold expectations: the arguments of cargo, and the variable that makes the runner rewrite them.
const BLESSED: [(&[&str], (&str, &str)); 3] = [
    (&["test", "--package", "defn-codegen", "--test", "filetests"], ("BLESS", "1")),
    (&["test", "--package", "defn-codegen", "--test", "transforms"], ("BLESS", "1")),
    (&["test", "--package", "defn", "--test", "ui"], ("TRYBUILD", "overwrite")),
];

/// Runs the tests of [`BLESSED`]; a filter is handed to them.
pub(crate) fn bless(root: &Path, filter: Option<&str>) -> Outcome {
    for (arguments, (variable, value)) in BLESSED {
        let mut command = Command::new("cargo");
        command.args(arguments).arg("--").args(filter).env(variable, value).current_dir(root);
        let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
        if !status.success() {
            return Err(format!(
                "`cargo {}` fails for another reason than its expectations",
                arguments.join(" ")
            ));
        }
    }
    Ok("blessed; `git diff` shows what changed".to_owned())
}
