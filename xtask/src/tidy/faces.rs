//! A noun folder holds data and its faces: `print`, `parse`, `verify`, `eval`.

use super::Fault;
use super::tree::House;

/// The two IRs have all faces; what lies between them has as many as there is to say and to break.
const FACES: [(&str, &[&str]); 3] = [
    ("graph", &["print", "parse", "verify", "eval"]),
    ("kernels", &["print", "verify"]),
    ("loops", &["print", "parse", "verify", "eval"]),
];

/// Faces that are missing.
pub(crate) fn faults(house: &House) -> Vec<Fault> {
    let all = FACES.iter().flat_map(|(noun, faces)| faces.iter().map(move |face| (*noun, *face)));
    let path = |noun: &str, face: &str| format!("defn-codegen/src/{noun}/{face}");
    let missing = all.filter(|(noun, face)| {
        let path = path(noun, face);
        !house.has(&format!("{path}.rs")) && !house.has(&format!("{path}/mod.rs"))
    });
    missing.map(|(noun, face)| (path(noun, face), format!("`{noun}` has no `{face}`"))).collect()
}
