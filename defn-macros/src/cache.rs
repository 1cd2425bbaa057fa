//! Compiled code on disk: rustc caches no expansion, so without it every build would compile every function.
//!
//! `<out-dir>/../defn/<hash>.s`, where the hash is of everything that the code depends on.
//! Written under another name and renamed, so that builds beside this one never see half a file.
//! A file that is not what was written is as good as none, and a disk that is full costs only time.

use crate::{
    invocation,
    pipeline::{Check, Emitted, Instance, Level},
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    process,
};

/// The first line of a file, before the hash of the rest.
const HEAD: &str = "# defn";

/// What was compiled before for the same fingerprint.
pub(crate) fn load(fingerprint: &str) -> Option<Emitted> {
    let text = fs::read_to_string(file(fingerprint)?).ok()?;
    let (head, body) = text.split_once('\n')?;
    if head != header(body) {
        return None;
    }
    parse(body)
}

/// Keeps what was compiled.
pub(crate) fn store(fingerprint: &str, emitted: &Emitted) {
    let Some(file) = file(fingerprint) else { return };
    let Some(folder) = file.parent() else { return };
    let body = print(emitted);
    let beside = file.with_extension(format!("{}.tmp", process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&beside, format!("{}\n{body}", header(&body))))
        .and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // There may be nothing to remove.
        let _ = fs::remove_file(&beside);
    }
}

/// 128 bits, so that no two functions share a file.
pub(crate) fn hash(parts: &[&str]) -> String {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, parts).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

fn header(body: &str) -> String {
    format!("{HEAD} {}", hash(&[body]))
}

fn file(fingerprint: &str) -> Option<PathBuf> {
    let invocation = invocation::get();
    let key = [defn_codegen::SOURCES, env!("DEFN_SOURCES"), &invocation.target, fingerprint];
    Some(invocation.cache.as_ref()?.join(format!("{}.s", hash(&key))))
}

/// Numbers with spaces between.
fn join(words: &[i64]) -> String {
    words.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

fn split(words: &str) -> Option<Vec<i64>> {
    words.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()
}

/// Each text is preceded by its length, so that it may hold anything.
fn print(emitted: &Emitted) -> String {
    let mut text = String::new();
    let mut part = |word: &str, name: &str, body: &str| {
        text.push_str(&format!("{word} {name} {}\n{body}\n", body.len()));
    };
    part("explanation", "-", &emitted.explanation);
    for instance in &emitted.instances {
        part("instance", "-", &join(&instance.workspace));
        for Check { kind, left, right, text } in &instance.checks {
            part("check", kind, &format!("{};{};{text}", join(left), join(right)));
        }
        for level in &instance.levels {
            part("level", &level.name, &level.assembly);
        }
    }
    text
}

fn parse(mut text: &str) -> Option<Emitted> {
    let mut emitted = Emitted::default();
    while !text.is_empty() {
        let (line, rest) = text.split_once('\n')?;
        let mut words = line.split(' ');
        let (word, name, length) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        let body = rest.get(..length)?;
        text = rest.get(length..)?.strip_prefix('\n')?;
        match word {
            "explanation" => body.clone_into(&mut emitted.explanation),
            "instance" => {
                emitted.instances.push(Instance { workspace: split(body)?, ..Instance::default() });
            }
            "check" => {
                let mut parts = body.splitn(3, ';');
                let (left, right) = (split(parts.next()?)?, split(parts.next()?)?);
                let (kind, text) = (name.to_owned(), parts.next()?.to_owned());
                emitted.instances.last_mut()?.checks.push(Check { kind, left, right, text });
            }
            "level" => {
                let level = Level { name: name.to_owned(), assembly: body.to_owned() };
                emitted.instances.last_mut()?.levels.push(level);
            }
            _ => return None,
        }
    }
    Some(emitted)
}
