//! A verb folder has one public function, in its `mod.rs`.

use super::Fault;
use super::tree::{House, code, line, word};

/// Each verb and its door. A back end is named after its language, and its door after what runs the code.
const DOORS: [(&str, &str); 6] = [
    ("transform", "transform"),
    ("simplify", "simplify"),
    ("fuse", "fuse"),
    ("lower", "lower"),
    ("schedule", "schedule"),
    ("llvm", "embedded"),
];

/// The doors to devices, beside those to a host.
const DEVICES: [(&str, &str); 2] = [("schedule", "device"), ("llvm", "device")];

/// What tests look at through a wall: no room of the river imports it.
const WINDOWS: [(&str, &str); 3] = [("llvm", "host"), ("llvm", "assembly"), ("llvm", "jit")];

/// What a door may not be besides a function.
const OTHERS: [&str; 7] = ["mod", "use", "struct", "enum", "trait", "const", "type"];

/// Doors that are missing, and public items beside them.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    DOORS.iter().flat_map(|(verb, door)| of(house, verb, door)).collect()
}

fn of(house: &House, verb: &str, door: &str) -> Vec<Fault> {
    let path = format!("defn-codegen/src/{verb}/mod.rs");
    let code = code(&house.text(&path));
    let mut faults = Vec::new();
    let mut found = false;
    for (byte, _) in code.match_indices("\npub ") {
        let item = &code[byte + "\npub ".len()..];
        let (kind, rest) = item.split_once(' ').unwrap_or((item, ""));
        let name = word(rest);
        if WINDOWS.contains(&(verb, name)) || DEVICES.contains(&(verb, name)) {
            continue;
        }
        if kind == "fn" && name == door {
            found = true;
        } else if kind == "fn" || OTHERS.contains(&kind) {
            faults.push((
                format!("{path}:{}", line(&code, byte + 1)),
                format!("`{kind} {name}` is public beside `{door}`"),
            ));
        }
    }
    if !found {
        faults.push((path, format!("there is no `pub fn {door}`")));
    }
    faults
}
