//! Links this crate's own tests with rustc's LLVM, and tells this compiler apart from other versions of itself.
//!
//! The macro needs nothing of this: it runs inside rustc, where the library is loaded already.
//! Link arguments reach only the targets of this package, never the crates that depend on it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src");
    let rustc = env::var("RUSTC").expect("cargo sets RUSTC for build scripts");
    let version =
        Command::new(&rustc).arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    hash_folder(Path::new("src"), &mut hasher);
    println!("cargo:rustc-env=DEFN_SOURCES={:016x}", hasher.finish());
    if env::var_os("CARGO_FEATURE_SYSTEM_LLVM").is_some() {
        return;
    }
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

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            hash_folder(&path, hasher);
        } else {
            (path.to_string_lossy(), fs::read(&path).unwrap_or_default()).hash(hasher);
        }
    }
}
