//! Links this crate's own tests with rustc's LLVM, and tells this compiler apart from other versions of itself.
//!
//! The macro needs nothing of this: it runs inside rustc, where the library is loaded already.
//! Link arguments reach only the targets of this package, never the crates that depend on it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

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
        return link_system_llvm();
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

/// Links an installed LLVM 22 into whatever this crate becomes a part of.
///
/// `llvm-sys` could do it, but only for who turns its other feature off; features of cargo add up, so that any library
/// between the user and us would turn it on again.
fn link_system_llvm() {
    println!("cargo:rerun-if-env-changed={PREFIX}");
    println!("cargo:rerun-if-env-changed=PATH");
    let prefix = env::var_os(PREFIX).map(|prefix| Path::new(&prefix).join("bin/llvm-config"));
    let candidates = prefix.into_iter().chain(["llvm-config-22".into(), "llvm-config".into()]);
    let is_tried = |candidate: &PathBuf| {
        ask(candidate, &["--version"]).is_some_and(|version| version.starts_with("22."))
    };
    let Some(config) = candidates.into_iter().find(is_tried) else {
        println!(
            "cargo::error=the feature `system-llvm` needs LLVM 22: install its development files, or set `{PREFIX}` to its folder"
        );
        return;
    };
    let ask = |question: &[&str]| ask(&config, question).unwrap_or_default();
    println!("cargo:rustc-link-search=native={}", ask(&["--libdir"]).trim());
    for library in ask(&["--link-static", "--libnames"]).split_whitespace() {
        let name = library.strip_prefix("lib").unwrap_or(library);
        let name = name.rsplit_once('.').map_or(name, |(name, _ending)| name);
        println!("cargo:rustc-link-lib=static={name}");
    }
    for library in ask(&["--link-static", "--system-libs"]).split_whitespace() {
        // Either `-lz` or a path to a file.
        let file = Path::new(library).file_stem().and_then(|stem| stem.to_str()).unwrap_or(library);
        let name = library.strip_prefix("-l").or_else(|| file.strip_prefix("lib")).unwrap_or(file);
        println!("cargo:rustc-link-lib=dylib={name}");
    }
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => println!("cargo:rustc-link-lib=dylib=c++"),
        Ok("windows") => {}
        _ => println!("cargo:rustc-link-lib=dylib=stdc++"),
    }
}

/// Where LLVM is installed; the name is that of `llvm-sys`.
const PREFIX: &str = "LLVM_SYS_221_PREFIX";

/// What the program answers, if it is there.
fn ask(config: &Path, question: &[&str]) -> Option<String> {
    let output = Command::new(config).args(question).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
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
