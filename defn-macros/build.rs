//! Tells the macros apart from other versions of themselves, so that code that another version compiled is not taken for theirs.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    let mut hasher = DefaultHasher::new();
    hash_folder(Path::new("src"), &mut hasher);
    println!("cargo:rustc-env=DEFN_SOURCES={:016x}", hasher.finish());
    // A macro runs where it was built: its target is the host.
    let host = env::var("TARGET").expect("cargo sets TARGET for build scripts");
    println!("cargo:rustc-env=DEFN_HOST={host}");
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
