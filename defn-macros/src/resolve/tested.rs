//! What the test of a rule must know of its function: which parameters move, and whether what is said of points makes sense.
//!
//! In:  a function without mistakes whose attribute has `test`.   Out: [`Tested`] for each parameter, or the mistakes.

use super::signature::{Leaf, Signature, Tree};
use crate::report::Mistake;
use crate::surface::{GivenNumbers, GivenPoint};
use defn_codegen::diagnostic::catalogue::{self, CallMistake, nearest};

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct Tested {
    /// How many leaves it has.
    pub(crate) leaves: usize,
    /// Whether it holds floats.
    pub(crate) moves: bool,
    /// Whether it is a `usize`.
    pub(crate) is_extent: bool,
}

/// The parameters, if all that is given speaks of them.
pub(crate) fn tested(
    signature: &Signature,
    given: &[GivenPoint],
) -> Result<Vec<Tested>, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    for point in given {
        if let Some(mistake) = mistake(signature, point) {
            let message = catalogue::Mistake::from(mistake).message();
            mistakes.push(Mistake { message, span: point.span });
        }
    }
    let parameters = signature.parameters.iter().map(|parameter| {
        let leaves = parameter.tree.leaves(&parameter.name);
        Tested {
            moves: leaves.iter().any(|leaf| leaf.element.is_float()),
            leaves: leaves.len(),
            is_extent: matches!(parameter.tree, Tree::Extent(_)),
        }
    });
    if mistakes.is_empty() { Ok(parameters.collect()) } else { Err(mistakes) }
}

fn mistake(signature: &Signature, point: &GivenPoint) -> Option<CallMistake> {
    let name = point.path.clone();
    let range = matches!(point.is, GivenNumbers::Range(..));
    if signature.symbols.contains(&name) {
        return range.then_some(CallMistake::TestedNumbers { name, range });
    }
    let leaves: Vec<Leaf> = signature
        .parameters
        .iter()
        .flat_map(|parameter| parameter.tree.leaves(&parameter.name))
        .filter(|leaf| is_in(&leaf.path, &name))
        .collect();
    if leaves.is_empty() {
        let parameters = signature.parameters.iter().map(|parameter| parameter.name.as_str());
        let known = parameters.chain(signature.symbols.iter().map(String::as_str));
        let (nearest, function) = (nearest(&name, known), signature.name.clone());
        return Some(CallMistake::TestedName { name, function, nearest });
    }
    let fits = leaves.iter().any(|leaf| leaf.element.is_float() == range);
    (!fits).then_some(CallMistake::TestedNumbers { name, range })
}

/// Whether a leaf is what a path names, or is in it.
fn is_in(leaf: &str, path: &str) -> bool {
    leaf.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
