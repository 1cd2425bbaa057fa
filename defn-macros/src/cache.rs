//! Compiled code on disk: rustc caches no expansion, so without it every build would compile every function.
//!
//! `<out-dir>/../defn/<hash>.s`, where the hash is of everything that the code depends on.
//! Written under another name and renamed, so that builds beside this one never see half a file.
//! A file that is not what was written is as good as none, and a disk that is full costs only time.
//! Every edit leaves a file behind that nobody reads again, so the oldest go when there is more than [`MOST`].

use crate::{
    device, invocation,
    pipeline::{Axis, Check, Emitted, Hook, Instance, Leaf, Level, Signature, Solve},
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process,
    sync::Once,
    time::SystemTime,
};

/// The first line of a file, before the length of the rest.
const HEAD: &str = "# defn";

/// Bytes in the folder before the oldest half goes.
const MOST: u64 = 1 << 30;

/// Once in a process is often enough.
static PRUNED: Once = Once::new();

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
    debug_assert_eq!(parse(&body).as_ref(), Some(emitted), "what is kept is what was compiled");
    PRUNED.call_once(|| prune(folder));
    let beside = file.with_extension(format!("{}.tmp", process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&beside, format!("{}\n{body}", header(&body))))
        .and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // There may be nothing to remove.
        let _ = fs::remove_file(&beside);
    }
}

/// Removes the files that were compiled longest ago, if there are too many bytes.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok()?;
            Some((about.modified().ok()?, about.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
    let keep = if bytes > MOST { MOST / 2 } else { MOST };
    for (_, length, file) in files {
        if bytes <= keep {
            return;
        }
        bytes -= length;
        // Another build may have been faster.
        let _ = fs::remove_file(file);
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

/// A length tells half a file; hashing megabytes without optimisation would take longer than all else here.
fn header(body: &str) -> String {
    format!("{HEAD} {}", body.len())
}

fn file(fingerprint: &str) -> Option<PathBuf> {
    let invocation = invocation::get();
    let devices: Vec<&str> = invocation.devices().iter().map(|device| device.name()).collect();
    let (target, devices) = (&invocation.target, devices.join(" "));
    let key = [defn_codegen::SOURCES, env!("DEFN_SOURCES"), target, &devices, fingerprint];
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
        let scratch = format!("{};{}", join(&instance.workspace), join(&instance.private));
        part("instance", "-", &scratch);
        part("signature", "-", &print_signature(&instance.signature));
        for Check { kind, left, right, text } in &instance.checks {
            part("check", kind, &format!("{};{};{text}", join(left), join(right)));
        }
        if instance.has_hooks {
            part("hooks", "-", "");
        }
        for hook in &instance.conditions {
            part("condition", &hook.function, &print_hook(hook));
        }
        for (hook, leaf) in &instance.inspects {
            part("inspect", &hook.function, &print_hook(hook));
            part("shown", &leaf.element, &print_axes(leaf));
        }
        for level in &instance.levels {
            part("level", &level.name, &level.assembly);
        }
        for device in &instance.devices {
            part("device", "-", &device::print(device));
            part("ptx", "-", &device.ptx);
        }
    }
    text
}

fn parse(mut text: &str) -> Option<Emitted> {
    let mut emitted = Emitted::default();
    let mut plan = "";
    while !text.is_empty() {
        let (line, rest) = text.split_once('\n')?;
        let mut words = line.split(' ');
        let (word, name, length) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        let body = rest.get(..length)?;
        text = rest.get(length..)?.strip_prefix('\n')?;
        match word {
            "explanation" => body.clone_into(&mut emitted.explanation),
            "instance" => {
                let (workspace, private) = body.split_once(';')?;
                let (workspace, private) = (split(workspace)?, split(private)?);
                emitted.instances.push(Instance { workspace, private, ..Instance::default() });
            }
            "signature" => emitted.instances.last_mut()?.signature = parse_signature(body)?,
            "check" => {
                let mut parts = body.splitn(3, ';');
                let (left, right) = (split(parts.next()?)?, split(parts.next()?)?);
                let (kind, text) = (name.to_owned(), parts.next()?.to_owned());
                emitted.instances.last_mut()?.checks.push(Check { kind, left, right, text });
            }
            "hooks" => emitted.instances.last_mut()?.has_hooks = true,
            "condition" => {
                emitted.instances.last_mut()?.conditions.push(parse_hook(name, body)?);
            }
            "inspect" => {
                let inspects = &mut emitted.instances.last_mut()?.inspects;
                inspects.push((parse_hook(name, body)?, Leaf::default()));
            }
            "shown" => {
                let (_, leaf) = emitted.instances.last_mut()?.inspects.last_mut()?;
                *leaf = parse_axes(name, body)?;
            }
            "device" => plan = body,
            "ptx" => {
                let device = device::parse(plan, body)?;
                emitted.instances.last_mut()?.devices.push(device);
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

/// The way, the position, and the text, which may hold anything.
fn print_hook(Hook { path, position, function: _, text, place: _ }: &Hook) -> String {
    let path: Vec<String> = path.iter().map(usize::to_string).collect();
    format!("{};{position};{text}", path.join(" "))
}

fn parse_hook(function: &str, body: &str) -> Option<Hook> {
    let mut parts = body.splitn(3, ';');
    let path = parts.next()?.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let position = parts.next()?.parse().ok()?;
    let (function, text) = (function.to_owned(), parts.next()?.to_owned());
    Some(Hook { path, position, function, text, ..Hook::default() })
}

/// A line for each axis.
fn print_axes(leaf: &Leaf) -> String {
    let line = |axis: &Axis| {
        [axis.name.as_str(), &axis.text, &join(&axis.extent)].join(&SEPARATOR.to_string())
    };
    leaf.axes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn parse_axes(element: &str, body: &str) -> Option<Leaf> {
    let axes: Option<Vec<Axis>> = body
        .lines()
        .map(|line| {
            let [name, text, extent] = *line.split(SEPARATOR).collect::<Vec<_>>().as_slice() else {
                return None;
            };
            let extent = split(extent)?;
            Some(Axis { name: name.to_owned(), text: text.to_owned(), extent })
        })
        .collect();
    Some(Leaf { path: String::new(), element: element.to_owned(), axes: axes? })
}

/// What stands between the parts of a line; neither names nor extents have it.
const SEPARATOR: char = '\t';

/// A line for each symbol, leaf, axis and solve, with a word in front that says what it is.
fn print_signature(signature: &Signature) -> String {
    let Signature { name, symbols, parameters, results, solves } = signature;
    let mut text = String::new();
    let mut line = |parts: &[&str]| {
        text.push_str(&parts.join(&SEPARATOR.to_string()));
        text.push('\n');
    };
    line(&["name", name]);
    symbols.iter().for_each(|symbol| line(&["symbol", symbol]));
    for (word, leaves) in [("parameter", parameters), ("result", results)] {
        for Leaf { path, element, axes } in leaves {
            line(&[word, path, element]);
            for Axis { name, text, extent } in axes {
                line(&["axis", name, text, &join(extent)]);
            }
        }
    }
    for Solve { symbol, leaf, axis, factor, rest } in solves {
        let axis = axis.map_or_else(String::new, |axis| axis.to_string());
        let (symbol, leaf, factor) = (symbol.to_string(), leaf.to_string(), factor.to_string());
        line(&["solve", &symbol, &leaf, &axis, &factor, &join(rest)]);
    }
    text
}

fn parse_signature(text: &str) -> Option<Signature> {
    let mut signature = Signature::default();
    let mut has_results = false;
    for line in text.lines() {
        let parts: Vec<&str> = line.split(SEPARATOR).collect();
        match *parts.as_slice() {
            ["name", name] => name.clone_into(&mut signature.name),
            ["symbol", symbol] => signature.symbols.push(symbol.to_owned()),
            [word @ ("parameter" | "result"), path, element] => {
                has_results = word == "result";
                let leaves =
                    if has_results { &mut signature.results } else { &mut signature.parameters };
                let (path, element) = (path.to_owned(), element.to_owned());
                leaves.push(Leaf { path, element, axes: Vec::new() });
            }
            ["axis", name, text, extent] => {
                let leaves =
                    if has_results { &mut signature.results } else { &mut signature.parameters };
                let (name, text, extent) = (name.to_owned(), text.to_owned(), split(extent)?);
                leaves.last_mut()?.axes.push(Axis { name, text, extent });
            }
            ["solve", symbol, leaf, axis, factor, rest] => signature.solves.push(Solve {
                symbol: symbol.parse().ok()?,
                leaf: leaf.parse().ok()?,
                axis: if axis.is_empty() { None } else { Some(axis.parse().ok()?) },
                factor: factor.parse().ok()?,
                rest: split(rest)?,
            }),
            _ => return None,
        }
    }
    Some(signature)
}
