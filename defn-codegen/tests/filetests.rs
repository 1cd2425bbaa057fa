//! Runs every file under `filetests/`: one test a file, named after its path.
//!
//! A file holds a graph, and in comments what is done with it and what must come out:
//!
//! ```text
//! ; test <command>          cat, verify, run, transform, pass <name>, a stage, or ptx <device>
//! ; One sentence that says why the file exists.
//! graph f(x: f32[2]) -> f32[2] {
//!   %0: f32[2] = neg x      ; error: what the verifier says of this line
//!   return %0
//! }
//! ; run: f([1, 2]) == [-1, -2]
//! ; run: f([1]) fails "shape"
//! ; count: neg = 1, exp = 0
//! ; has: .v4                of text that is not kept whole
//! ; lacks: bar.sync
//! ; expect:
//! ; the text that comes out, rewritten under BLESS=1
//! ```

mod commands;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let trials = files.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        Trial::test(name, move || commands::test(&path).map_err(Into::into))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder of file tests can be read") {
        let path = entry.expect("the folder of file tests can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "graph" || ending == "loops") {
            files.push(path);
        }
    }
}
