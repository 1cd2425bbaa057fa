//! What is foreign is known in one place.

use super::Fault;
use super::tree::{House, code, line};

/// The crates, and the only folders whose code may name them.
const BORDERS: [(&[&str], &[&str]); 3] = [
    (&["syn", "quote", "proc_macro", "proc_macro2"], &["defn-macros/"]),
    (&["inkwell", "llvm_sys"], &["defn-codegen/src/llvm/"]),
    (&["cudarc"], &["defn-runtime/src/cuda/"]),
];

/// Code that names a foreign crate on the wrong side.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in &house.sources {
        let code = code(text);
        for (crates, homes) in BORDERS {
            if homes.iter().any(|home| path.starts_with(home)) {
                continue;
            }
            for name in crates {
                let place =
                    mentions(&code, name).map(|byte| format!("{path}:{}", line(&code, byte)));
                faults.extend(place.map(|place| (place, format!("names `{name}`"))));
            }
        }
    }
    faults
}

/// Where `name::` stands as the beginning of a path.
fn mentions(code: &str, name: &str) -> Option<usize> {
    let path = format!("{name}::");
    let is_start = |byte: usize| {
        !code[..byte].ends_with(|c: char| c == '_' || c == '"' || c.is_ascii_alphanumeric())
    };
    code.match_indices(&path).map(|(byte, _)| byte).find(|byte| is_start(*byte))
}
