//! From the shapes of the arguments to the values of the symbols.
//!
//! In:  a [`Signature`] and what was found of each argument.   Out: [`Symbols`] filled in, or the facts that disagreed.
//!
//! ```text
//! x: [batch, 2 * n] found [8, 6]      batch = 8, n = 3
//! y: [n]            found [3]         agrees
//! ```
//!
//! Afterwards: every axis of every parameter has the extent that the signature gives it, and every check holds.
//! The way without an error allocates nothing for signatures of the usual size; the errors are made in cold functions.

use crate::abi::{Check, CheckKind, Extent, Leaf, Signature, Solve};
use crate::element::ElementKind;
use crate::error::{
    CheckFailed, Error, ExtentMismatch, NegativeExtent, NotSolvable, Place, Source,
};
use crate::storage::Inline;

/// The values of the symbols of one call.
pub(crate) type Symbols = Inline<i64, 16>;

/// What was found of one leaf of the arguments.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    /// An address, because a word is copied faster than two bytes that were just written.
    pub(crate) kind: &'static Kind,
    /// The shape, or the value of the number alone.
    pub(crate) extents: &'a [usize],
}

/// What a leaf is besides its extents.
pub(crate) struct Kind {
    pub(crate) element: ElementKind,
    pub(crate) form: Form,
    /// All of it, and how many axes there are, as one number.
    pub(crate) word: u32,
}

impl Kind {
    pub(crate) const fn new(element: ElementKind, form: Form, rank: usize) -> Self {
        assert!(rank <= u16::MAX as usize, "a tensor has fewer axes");
        let word = (rank as u32) << 16 | (form as u32) << 8 | element as u32;
        Self { element, form, word }
    }

    /// How many axes a tensor has.
    pub(crate) const fn rank(&self) -> usize {
        (self.word >> 16) as usize
    }
}

/// Whether a leaf has a shape or is itself an extent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Tensor,
    Number,
}

/// Puts the values of the symbols into `symbols`, which is empty, after all that the signature requires was found to hold.
///
/// The list is the caller's, because moving it out of here would copy its places on the stack.
#[inline]
pub(crate) fn solve(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &mut Symbols,
) -> Result<(), Error> {
    fits(signature, found);
    for _ in signature.symbols {
        symbols.push(0);
    }
    for step in signature.solves {
        let value = solve_one(signature, found, step, symbols.as_slice())?;
        symbols.as_mut_slice()[step.symbol] = value;
    }
    let values = symbols.as_slice();
    for (position, (leaf, argument)) in signature.parameters.iter().zip(found).enumerate() {
        agree(signature, found, values, (position, leaf, argument))?;
    }
    for check in signature.checks {
        hold(signature, found, values, check)?;
    }
    Ok(())
}

/// Panics unless the arguments have the leaves, element types and ranks of the signature.
///
/// The types of the user's function make sure of it, so that only a mistake of ours comes here.
#[inline]
fn fits(signature: &Signature, found: &[Found<'_>]) {
    let name = signature.name;
    assert!(
        signature.parameters.len() == found.len(),
        "defn bug: `{name}` was called with a wrong number of leaves"
    );
    for (leaf, argument) in signature.parameters.iter().zip(found) {
        let rank = if argument.kind.form == Form::Number { 0 } else { argument.extents.len() };
        let same = leaf.element == argument.kind.element && leaf.axes.len() == rank;
        assert!(same, "defn bug: `{name}` was called with a wrong type for `{}`", leaf.path);
    }
}

/// The extent that a solve or an error speaks of.
#[inline]
fn extent(argument: &Found<'_>, axis: usize) -> Option<i64> {
    let position = match argument.kind.form {
        Form::Tensor => axis,
        Form::Number => 0,
    };
    i64::try_from(argument.extents[position]).ok()
}

#[inline]
fn solve_one(
    signature: &Signature,
    found: &[Found<'_>],
    step: &Solve,
    symbols: &[i64],
) -> Result<i64, Error> {
    let solution = extent(&found[step.leaf], step.axis).and_then(|whole| {
        let product = whole.checked_sub(step.rest.value(symbols)?)?;
        let exact = step.factor == 1 || product.checked_rem(step.factor)? == 0;
        let symbol = if step.factor == 1 { product } else { product.checked_div(step.factor)? };
        (exact && symbol >= 0).then_some(symbol)
    });
    solution.ok_or_else(|| not_solvable(signature, found, step, symbols))
}

/// Compares every axis of one argument with what the signature says of it.
#[inline]
fn agree(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    (position, leaf, argument): (usize, &Leaf, &Found<'_>),
) -> Result<(), Error> {
    for (axis, declared) in leaf.axes.iter().enumerate() {
        let expected = declared.extent.value(symbols).ok_or_else(|| too_large(signature))?;
        if usize::try_from(expected) != Ok(argument.extents[axis]) {
            return Err(disagree(signature, found, symbols, (position, axis, expected)));
        }
    }
    Ok(())
}

fn hold(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    check: &Check,
) -> Result<(), Error> {
    let left = check.left.value(symbols).ok_or_else(|| too_large(signature))?;
    let right = check.right.value(symbols).ok_or_else(|| too_large(signature))?;
    let holds = match check.kind {
        CheckKind::Equal => left == right,
        CheckKind::AtMost => left <= right,
        CheckKind::Divides if left == 0 => right == 0,
        CheckKind::Divides => right.checked_rem(left) == Some(0),
    };
    if holds { Ok(()) } else { Err(check_failed(signature, found, symbols, (check, left, right))) }
}

/// The extent of one axis of a result.
#[inline]
pub(crate) fn result_extent(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    (leaf, axis): (&Leaf, usize),
) -> Result<usize, Error> {
    let declared = &leaf.axes[axis];
    let value = declared.extent.value(symbols).ok_or_else(|| too_large(signature))?;
    usize::try_from(value).map_err(|_| {
        let sources = sources(signature, found, symbols, &[declared.extent]);
        let (function, path, text) = (signature.name, leaf.path, declared.text);
        Error::NegativeExtent(Box::new(NegativeExtent { function, path, text, value, sources }))
    })
}

/// How many bytes of scratch memory the call needs with so many threads.
#[inline]
pub(crate) fn workspace(
    signature: &Signature,
    symbols: &[i64],
    threads: usize,
) -> Result<usize, Error> {
    let all = |shared: i64, private: i64| {
        let private = private.max(0).checked_mul(i64::try_from(threads).ok()?)?;
        shared.max(0).checked_add(private)
    };
    let shared = signature.workspace.value(symbols);
    let private = signature.private.value(symbols);
    let bytes = shared.zip(private).and_then(|(shared, private)| all(shared, private));
    let bytes = bytes.ok_or_else(|| too_large(signature))?;
    // Beyond this size no allocation can succeed, and aligning it could overflow.
    let limit = isize::MAX as usize - crate::storage::HUGE;
    let bytes = usize::try_from(bytes).ok().filter(|&bytes| bytes <= limit);
    bytes.ok_or_else(|| too_large(signature))
}

#[cold]
fn too_large(signature: &Signature) -> Error {
    Error::TooLarge { function: signature.name, what: "an extent or the workspace" }
}

impl Extent {
    /// The value, or `None` if it does not fit an `i64`.
    ///
    /// # Panics
    /// If the code is not a well-formed expression over `symbols`.
    #[inline]
    pub(crate) fn value(self, symbols: &[i64]) -> Option<i64> {
        match *self.0 {
            [0, constant] => Some(constant),
            [1, symbol] => Some(symbols[symbol as usize]),
            ref code => run(code, symbols),
        }
    }
}

/// Runs postfix code with a stack.
fn run(code: &[i64], symbols: &[i64]) -> Option<i64> {
    let mut stack = [0; 16];
    // What the compiler writes is never this deep, however long it is: a term after the other, each a factor after the other.
    let depth = depth(code);
    if depth <= stack.len() {
        return run_on(code, symbols, &mut stack);
    }
    run_on(code, symbols, &mut vec![0; depth])
}

/// The one operation that takes one operand.
const ROOT: i64 = 7;

/// How many places postfix code needs on its stack.
fn depth(code: &[i64]) -> usize {
    let (mut height, mut most) = (0usize, 0);
    let mut words = code.iter();
    while let Some(word) = words.next() {
        if *word <= 1 {
            words.next();
            height += 1;
            most = most.max(height);
        } else if *word != ROOT {
            height = height.saturating_sub(1);
        }
    }
    most
}

fn run_on(code: &[i64], symbols: &[i64], stack: &mut [i64]) -> Option<i64> {
    let mut height = 0;
    let mut words = code.iter().copied();
    while let Some(word) = words.next() {
        if word <= 1 {
            let operand = words.next().expect("a constant or a symbol is followed by its operand");
            stack[height] = if word == 0 { operand } else { symbols[operand as usize] };
            height += 1;
            continue;
        }
        if word == ROOT {
            stack[height - 1] = stack[height - 1].max(0).isqrt();
            continue;
        }
        let (left, right) = (stack[height - 2], stack[height - 1]);
        height -= 1;
        stack[height - 1] = match word {
            2 => left.checked_add(right)?,
            3 => left.checked_mul(right)?,
            4 => floor_divide(left, right)?,
            5 => left.max(right),
            6 => left.min(right),
            _ => panic!("defn bug: {word} is no operation of an extent"),
        };
    }
    assert!(height == 1, "defn bug: the code of an extent leaves {height} values");
    Some(stack[0])
}

/// The quotient rounded down; zero if the divisor is.
fn floor_divide(left: i64, right: i64) -> Option<i64> {
    if right == 0 {
        return Some(0);
    }
    let quotient = left.checked_div(right)?;
    let rounded_up = left % right != 0 && (left < 0) != (right < 0);
    Some(quotient - i64::from(rounded_up))
}

#[cold]
fn not_solvable(
    signature: &Signature,
    found: &[Found<'_>],
    step: &Solve,
    symbols: &[i64],
) -> Error {
    let axis = signature.parameters[step.leaf].axes.get(step.axis);
    Error::NotSolvable(Box::new(NotSolvable {
        function: signature.name,
        symbol: signature.symbols[step.symbol],
        place: place(signature, found, step.leaf, step.axis),
        text: axis.map_or("", |axis| axis.text),
        sources: sources(signature, found, symbols, &[step.rest]),
    }))
}

#[cold]
fn disagree(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    (leaf, axis, expected): (usize, usize, i64),
) -> Error {
    let declared = &signature.parameters[leaf].axes[axis];
    Error::ExtentMismatch(Box::new(ExtentMismatch {
        function: signature.name,
        place: place(signature, found, leaf, axis),
        text: declared.text,
        expected,
        sources: sources(signature, found, symbols, &[declared.extent]),
    }))
}

#[cold]
fn check_failed(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    (check, left, right): (&Check, i64, i64),
) -> Error {
    let sources = sources(signature, found, symbols, &[check.left, check.right]);
    Error::CheckFailed(Box::new(CheckFailed {
        function: signature.name,
        text: check.text,
        left,
        right,
        sources,
    }))
}

fn place(signature: &Signature, found: &[Found<'_>], leaf: usize, axis: usize) -> Place {
    let (declared, argument) = (&signature.parameters[leaf], &found[leaf]);
    let is_axis = argument.kind.form == Form::Tensor;
    Place {
        path: declared.path,
        element: declared.element,
        shape: if is_axis { argument.extents.to_vec() } else { Vec::new() },
        axis: is_axis.then_some(axis),
        name: declared.axes.get(axis).map_or("", |axis| axis.name),
        found: extent(argument, axis).unwrap_or(i64::MAX),
    }
}

/// The symbols in some expressions, each with its value and the axis that fixed it, in the order of their solving.
fn sources(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    extents: &[Extent],
) -> Vec<Source> {
    let is_used = |symbol: usize| extents.iter().any(|extent| mentions(extent.0, symbol));
    let steps = signature.solves.iter().filter(|step| is_used(step.symbol));
    let source = |step: &Solve| Source {
        symbol: signature.symbols[step.symbol],
        value: symbols[step.symbol],
        place: place(signature, found, step.leaf, step.axis),
    };
    steps.map(source).collect()
}

fn mentions(code: &[i64], symbol: usize) -> bool {
    let mut words = code.iter();
    while let Some(&word) = words.next() {
        let operand = if word <= 1 { words.next() } else { None };
        if word == 1 && operand.copied() == i64::try_from(symbol).ok() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(code: &'static [i64], symbols: &[i64]) -> Option<i64> {
        Extent(code).value(symbols)
    }

    #[test]
    fn expressions_have_the_values_of_ordinary_arithmetic() {
        assert_eq!(value(&[0, 7], &[]), Some(7));
        assert_eq!(value(&[1, 1], &[3, 4]), Some(4));
        assert_eq!(value(&[0, 2, 1, 0, 3, 0, 1, 2], &[5]), Some(11));
        assert_eq!(value(&[1, 0, 0, -2, 4], &[5]), Some(-3));
        assert_eq!(value(&[1, 0, 0, 0, 4], &[5]), Some(0));
        assert_eq!(value(&[1, 0, 0, 3, 5], &[5]), Some(5));
        assert_eq!(value(&[1, 0, 0, 3, 6], &[5]), Some(3));
    }

    #[test]
    fn depth_does_not_grow_with_length() {
        assert_eq!(depth(&[0, 7]), 1);
        // n + 2 * (n + (n + n))
        assert_eq!(depth(&[1, 0, 0, 2, 1, 0, 1, 0, 1, 0, 2, 2, 3, 2]), 5);
        let terms = (0..100).flat_map(|_| [0, 2, 1, 0, 3, 2]);
        let sum: Vec<i64> = [0, 1].into_iter().chain(terms).collect();
        assert_eq!(depth(&sum), 3);
        assert_eq!(run(&sum, &[5]), Some(1001));
    }

    #[test]
    fn what_does_not_fit_has_no_value() {
        assert_eq!(value(&[1, 0, 1, 0, 3], &[i64::MAX]), None);
        assert_eq!(value(&[1, 0, 0, 1, 2], &[i64::MAX]), None);
        assert_eq!(value(&[1, 0, 0, -1, 4], &[i64::MIN]), None);
    }

    #[test]
    fn a_deep_expression_has_a_longer_stack() {
        let mut code = [1, 0].repeat(40);
        code.extend([2; 39]);
        assert_eq!(value(code.leak(), &[3]), Some(120));
    }

    #[test]
    fn a_constant_that_looks_like_a_symbol_is_none() {
        assert!(!mentions(&[0, 1, 0, 0, 2], 0));
        assert!(mentions(&[0, 1, 1, 0, 2], 0));
    }

    proptest! {
        #[test]
        fn quotients_are_rounded_down(left in any::<i32>(), right in any::<i32>()) {
            let expected = if right == 0 { 0.0 } else { (f64::from(left) / f64::from(right)).floor() };
            prop_assert_eq!(floor_divide(left.into(), right.into()), Some(expected as i64));
        }
    }
}
