//! `DEFN_LEVEL`, which is read once for a process, so that each case runs in a process of its own.

use std::process::Command;

use defn_runtime::Level;

/// What `Level::current` says in a process where `DEFN_LEVEL` is `word`.
fn current(word: &str) -> String {
    let program = std::env::current_exe().expect("a running program has a path");
    let arguments = ["--exact", "say_the_level", "--nocapture"];
    let output = Command::new(program)
        .args(arguments)
        .env("DEFN_LEVEL", word)
        .env("DEFN_SAY", "1")
        .output()
        .expect("the same program starts again");
    String::from_utf8(output.stdout).expect("tests print text")
}

/// Prints the level where [`current`] has started this process, and nothing otherwise.
#[test]
fn say_the_level() {
    if std::env::var_os("DEFN_SAY").is_none() {
        return;
    }
    match Level::current() {
        Ok(level) => println!("level {level}"),
        Err(error) => println!("error {error}"),
    }
}

#[test]
fn an_unknown_word_is_an_error() {
    assert!(current("fast").contains("error DEFN_LEVEL names an unknown level\n  found: fast"));
}

#[test]
fn a_level_is_forced() {
    let lowest = if cfg!(target_arch = "x86_64") { "v3" } else { "neon" };
    assert!(current(lowest).contains(&format!("level {lowest}")));
    let foreign = if cfg!(target_arch = "x86_64") { "neon" } else { "v3" };
    assert!(
        current(foreign)
            .contains("error this processor cannot run the level that DEFN_LEVEL forces")
    );
    assert!(current("").contains("level "));
}
