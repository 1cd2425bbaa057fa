//! Where a function is tested: small extents that fit together, floats from a range, other numbers as given.
//!
//! In:  the signature and what the user says.   Out: symbols, points, cotangents.
//!
//! Floats lie on a grid of steps, so that what is added to them is exact. Integers are 2 where they are scalars, and 0, 1, 0, … in tensors,
//! which are positions of every axis that has two elements; truth values are `true`, and `true`, `false`, … in tensors.

use std::fmt::{self, Display};

use super::values::Results;
use super::{Given, Ruled, Tested, epsilon};
use crate::abi::{CheckKind, Leaf, Signature};
use crate::element::ElementKind;
use crate::error::Report;

/// How many choices of extents are tried.
const CHOICES: usize = 20_000;
/// More numbers are not shown.
const SHOWN: usize = 12;

/// Where the floats of a point lie if nobody says so.
const RANGE: (f64, f64) = (-1.0, 1.0);

/// One leaf that is passed to a call.
#[derive(Clone)]
pub(super) struct Argument {
    pub(super) element: ElementKind,
    pub(super) is_extent: bool,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

/// A point: what the function is called with.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) arguments: Vec<Argument>,
    /// The step of each leaf; not read for leaves that do not move.
    pub(super) steps: Vec<f64>,
    paths: Vec<&'static str>,
}

impl Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.paths.iter().zip(&self.arguments);
        let shown: Vec<String> =
            shown.map(|(path, argument)| format!("{path} = {argument}")).collect();
        f.write_str(&shown.join(", "))
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.values.as_slice() {
            [number] if self.shape.is_empty() => write!(f, "{number}")?,
            numbers if numbers.len() <= SHOWN => write!(f, "{numbers:?}")?,
            numbers => write!(f, "{:?} and {} more", &numbers[..SHOWN], numbers.len() - SHOWN)?,
        }
        if self.shape.len() > 1 {
            write!(f, " of shape {:?}", self.shape)?;
        }
        Ok(())
    }
}

/// Random numbers of a name: SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(name: &str) -> Self {
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 up to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// 1 or −1.
    pub(super) fn sign(&mut self) -> f64 {
        if self.next() >> 63 == 0 { 1.0 } else { -1.0 }
    }

    /// Below a bound that is not zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }
}

/// Values of the symbols for which all checks hold: 2, 3, 4, … if they do, otherwise small ones by chance.
pub(super) fn symbols(
    signature: &Signature,
    given: &[(&'static str, Given)],
    draw: &mut Draw,
) -> Result<Vec<i64>, Report> {
    let fixed = |symbol: usize| {
        let found = given.iter().find(|(name, _)| *name == signature.symbols[symbol]);
        found.and_then(|(_, given)| match given {
            Given::Number(number) => Some(*number),
            Given::Range(..) => None,
        })
    };
    let count = signature.symbols.len();
    let mut values: Vec<i64> = (0..count).map(|it| fixed(it).unwrap_or(it as i64 + 2)).collect();
    for _ in 0..CHOICES {
        if fits(signature, &values) {
            return Ok(values);
        }
        values = (0..count).map(|it| fixed(it).unwrap_or(draw.below(9) as i64 + 1)).collect();
    }
    let report = Report::new(format!("no small extents fit together in `{}`", signature.name));
    let report = signature
        .checks
        .iter()
        .fold(report, |report, check| report.fact("needed", check.text.to_owned()));
    Err(report.help("give some of them, as in `test(n = 8)`".to_owned()))
}

fn fits(signature: &Signature, symbols: &[i64]) -> bool {
    let holds = |check: &crate::abi::Check| {
        let sides = check.left.value(symbols).zip(check.right.value(symbols));
        sides.is_some_and(|(left, right)| match check.kind {
            CheckKind::Equal => left == right,
            CheckKind::AtMost => left <= right,
            CheckKind::Divides => left != 0 && right % left == 0,
        })
    };
    let leaves = signature.parameters.iter().chain(signature.results);
    let mut extents = leaves.flat_map(|leaf| leaf.axes).map(|axis| axis.extent.value(symbols));
    signature.checks.iter().all(holds) && extents.all(|it| it.is_some_and(|extent| extent >= 0))
}

fn shape(leaf: &Leaf, symbols: &[i64]) -> Vec<usize> {
    let extent = |axis: &crate::abi::Axis| axis.extent.value(symbols).unwrap_or(0);
    leaf.axes.iter().map(|axis| usize::try_from(extent(axis)).unwrap_or(0)).collect()
}

/// Whether a leaf has no elements.
pub(super) fn is_empty(leaf: &Leaf, symbols: &[i64]) -> bool {
    shape(leaf, symbols).contains(&0)
}

/// A point by chance.
pub(super) fn draw(
    ruled: &Ruled<'_>,
    signature: &'static Signature,
    symbols: &[i64],
    draw: &mut Draw,
) -> Point {
    let of_parameter =
        |parameter: &Tested| std::iter::repeat_n(parameter.is_extent, parameter.leaves);
    let is_extent: Vec<bool> = ruled.parameters.iter().flat_map(of_parameter).collect();
    let mut point = Point { arguments: Vec::new(), steps: Vec::new(), paths: Vec::new() };
    for (leaf, is_extent) in signature.parameters.iter().zip(is_extent) {
        let shape = shape(leaf, symbols);
        let length: usize = shape.iter().product();
        let range = range(ruled.given, leaf.path);
        let step = epsilon(leaf.element).map_or(0.0, |epsilon| step(epsilon, range));
        let number = match is_extent {
            true => symbol(signature, leaf.path, symbols),
            false => number(ruled.given, leaf.path),
        };
        let value = |position: usize| match (epsilon(leaf.element), number) {
            (Some(_), _) => on_grid(draw.unit(), range, step),
            (None, Some(number)) => number,
            (None, None) if shape.is_empty() => 2.0,
            (None, None) if leaf.element == ElementKind::Bool => (position as f64 + 1.0) % 2.0,
            (None, None) => position as f64 % 2.0,
        };
        let values = (0..length).map(value).collect();
        point.arguments.push(Argument { element: leaf.element, is_extent, shape, values });
        point.steps.push(step);
        point.paths.push(leaf.path);
    }
    point
}

/// The value of a `usize` parameter, which has the name of its symbol.
fn symbol(signature: &Signature, name: &str, symbols: &[i64]) -> Option<f64> {
    let symbol = signature.symbols.iter().position(|symbol| *symbol == name);
    symbol.map(|symbol| symbols[symbol] as f64)
}

/// The largest power of two up to r·∛ε, and not less than neighbours in the range are apart, eight times.
fn step(epsilon: f64, (low, high): (f64, f64)) -> f64 {
    let power = |number: f64| number.log2().floor().exp2();
    let apart = 8.0 * epsilon * power(low.abs().max(high.abs()));
    power(epsilon.cbrt() * (high - low) / 2.0).max(apart)
}

/// A multiple of the step that is two steps away from the ends, if there is room.
fn on_grid(unit: f64, (low, high): (f64, f64), step: f64) -> f64 {
    let (first, last) = ((low / step).ceil() + 2.0, (high / step).floor() - 2.0);
    (first + (unit * (last - first + 1.0).max(1.0)).floor()) * step
}

/// What is said of a leaf, or of what it is part of: the most special.
fn said<'g>(given: &'g [(&'static str, Given)], path: &'g str) -> impl Iterator<Item = Given> + 'g {
    let mut all: Vec<_> = given
        .iter()
        .filter(|(name, _)| {
            path.strip_prefix(name).is_some_and(|it| it.is_empty() || it.starts_with('.'))
        })
        .collect();
    all.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    all.into_iter().map(|(_, given)| *given)
}

fn range(given: &[(&'static str, Given)], path: &str) -> (f64, f64) {
    let range = said(given, path).find_map(|given| match given {
        Given::Range(low, high) => Some((low, high)),
        Given::Number(_) => None,
    });
    range.unwrap_or(RANGE)
}

fn number(given: &[(&'static str, Given)], path: &str) -> Option<f64> {
    said(given, path).find_map(|given| match given {
        Given::Number(number) => Some(number as f64),
        Given::Range(..) => None,
    })
}

/// A cotangent by chance, up to 1 and not small; nothing for what is no float.
pub(super) fn cotangent(signature: &Signature, value: &Results, draw: &mut Draw) -> Vec<Argument> {
    let results = signature.results.iter().zip(&value.0);
    let cotangent = results.map(|(leaf, (shape, values))| {
        let is_float = epsilon(leaf.element).is_some();
        let mut number = || if is_float { draw.sign() * (1.0 + draw.unit()) / 2.0 } else { 0.0 };
        let values = values.iter().map(|_| number()).collect();
        Argument { element: leaf.element, is_extent: false, shape: shape.clone(), values }
    });
    cotangent.collect()
}

/// `[2, 0]` of the element at a position.
pub(super) fn place(shape: &[usize], mut position: usize) -> String {
    let mut indices: Vec<usize> = Vec::new();
    for extent in shape.iter().rev() {
        indices.push(position % extent);
        position /= extent;
    }
    indices.reverse();
    if shape.is_empty() { String::new() } else { format!("{indices:?}") }
}
