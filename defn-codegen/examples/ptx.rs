//! The kernels of graphs, for every kind of device: what `cargo xtask ptxas` assembles.
//!
//! In: a folder of graphs or loops, of which some begin with a comment that ends in `tf32`, and one for modules.   Out: `MODULES/sm_80/NAME.ptx` and so on, and nothing else.
//!
//! ```text
//! cargo run -p defn-codegen --example ptx -- GRAPHS MODULES
//! ```

use std::path::{Path, PathBuf};
use std::{env, fs};

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::parse;
use defn_codegen::llvm;
use defn_codegen::loops;
use defn_codegen::options::{Compute, Dump, Options, Sizes};
use defn_codegen::simplify::simplify;

fn main() {
    let folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [graphs, modules] = folders.as_slice() else {
        panic!("two folders are needed: of graphs, and of modules")
    };
    let entries = fs::read_dir(graphs).expect("the folder of graphs can be read");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files {
        write(&file, modules);
    }
}

/// Writes the modules of a graph.
fn write(file: &Path, modules: &Path) {
    let text = fs::read_to_string(file).expect("a graph can be read");
    let name = file.file_stem().expect("a graph has a name").to_string_lossy();
    let options = Options {
        levels: Vec::new(),
        devices: Compute::ALL.to_vec(),
        triple: String::new(),
        dump: Dump::default(),
        verify: false,
        sizes: Sizes::USUAL,
        tf32: text.lines().next().is_some_and(|line| line.ends_with("tf32")),
    };
    for compute in &options.devices {
        let loops = if text.lines().any(|line| line.starts_with("loops ")) {
            loops::parse::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
        } else {
            let graph = parse::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            schedule_graph(&simplify(graph), *compute, &options)
        };
        let code = llvm::device(&loops, *compute)
            .unwrap_or_else(|limitation| panic!("{name}: {}", limitation.what));
        let folder = modules.join(compute.name());
        fs::create_dir_all(&folder).expect("the folder of modules can be made");
        fs::write(folder.join(format!("{name}.ptx")), code.ptx).expect("a module can be written");
    }
}
