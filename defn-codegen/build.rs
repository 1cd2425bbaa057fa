//! Links this crate's own tests with rustc's LLVM.
//!
//! The macro needs nothing of this: it runs inside rustc, where the library is loaded already.
//! Link arguments reach only the targets of this package, never the crates that depend on it.

use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_SYSTEM_LLVM").is_some() {
        return;
    }
    let rustc = env::var("RUSTC").expect("cargo sets RUSTC for build scripts");
    let printed = Command::new(rustc).args(["--print", "sysroot"]).output().expect("rustc runs");
    let sysroot = String::from_utf8(printed.stdout).expect("the path of the sysroot is UTF-8");
    let folder = Path::new(sysroot.trim()).join("lib");
    let Ok(entries) = fs::read_dir(&folder) else { return };
    let library = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with("libLLVM.so"));
    let Some(library) = library else { return };
    println!("cargo:rustc-link-arg=-L{}", folder.display());
    println!("cargo:rustc-link-arg=-l:{library}");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
}
