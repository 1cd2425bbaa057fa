//! Random numbers: functions of a key and of positions, so that nothing has a state and everything fuses with what consumes it.
//!
//! ```text
//! bits[i]      =  a ^ b            (a, b) = threefry(key, (i >> 32, i))      i counts the elements in their order
//! uniform[i]   =  (bits[i] >> 9) / 2²³
//! normal[i]    =  √2 erf⁻¹(uniform[i] between -1 and 1)
//! split        =  (threefry(key, (0, 0)), threefry(key, (0, 1)))
//! ```
//!
//! A key is one `u64`: two words of 32 bits, the first in the high half. The functions are those of JAX, where its streams are
//! partitionable: integers, uniform and normal numbers of `f32` have the same bits.

use super::axes::at_most;
use super::movement::natural;
use super::wide::{rounded, widely};
use super::{Axis, AxisRef, Result, Tensor, argmax, arithmetic, compare, select, show};
use crate::diagnostic::catalogue::ElementMistake;
use crate::graph::build::Builder;
use crate::graph::{Binary, Comparison, Dim, Element, NodeId, Scalar, Unary};

/// What all draws need: whose they are, for sentences, and the key.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'d> {
    /// The name of the function.
    pub function: &'static str,
    /// One `u64`.
    pub key: &'d Tensor,
}

/// A mistake if it is no key.
fn checked(b: &Builder, draw: Draw<'_>) -> Result<()> {
    let key = draw.key;
    if key.rank() == 0 && key.element(b) == Element::U64 {
        return Ok(());
    }
    let (operation, ty) = (draw.function.to_owned(), show(b, key));
    Err(ElementMistake::NeedsKey { operation, ty }.into())
}

pub(super) fn constant(b: &mut Builder, element: Element, value: i64, shape: &[Dim]) -> NodeId {
    b.splat(Scalar::from_i64(element, value), shape)
}

/// The high and the low half of 64 bits, in a shape.
fn halves(b: &mut Builder, node: NodeId) -> [NodeId; 2] {
    let shape = b.shape(node);
    let by = constant(b, Element::U64, 32, &shape);
    let high = b.binary(Binary::ShiftRight, node, by);
    [high, node].map(|half| b.convert(Element::U32, half))
}

/// Both halves as 64 bits.
pub(super) fn joined(b: &mut Builder, [high, low]: [NodeId; 2]) -> NodeId {
    let shape = b.shape(high);
    let by = constant(b, Element::U64, 32, &shape);
    let [high, low] = [high, low].map(|half| b.convert(Element::U64, half));
    let high = b.binary(Binary::ShiftLeft, high, by);
    b.binary(Binary::Or, high, low)
}

/// Threefry 2x32 in 20 rounds (Salmon, Moraes, Dror and Shaw, 2011) of counters, with a key for all of them or one for each.
pub(super) fn threefry(b: &mut Builder, key: NodeId, [mut x, mut y]: [NodeId; 2]) -> [NodeId; 2] {
    const ROTATIONS: [[i64; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    const PARITY: i64 = 0x1bd1_1bda;
    let shape = b.shape(x);
    let words = halves(b, key);
    let of_key = b.shape(key);
    let parity = constant(b, Element::U32, PARITY, &of_key);
    let both = b.binary(Binary::Xor, words[0], words[1]);
    let third = b.binary(Binary::Xor, both, parity);
    let words = [words[0], words[1], third].map(|word| b.broadcast(word, &shape, &[]));
    x = b.binary(Binary::Add, x, words[0]);
    y = b.binary(Binary::Add, y, words[1]);
    for group in 0..5 {
        for by in ROTATIONS[group % 2] {
            x = b.binary(Binary::Add, x, y);
            let [up, down] = [by, 32 - by].map(|by| constant(b, Element::U32, by, &shape));
            let up = b.binary(Binary::ShiftLeft, y, up);
            let down = b.binary(Binary::ShiftRight, y, down);
            let turned = b.binary(Binary::Or, up, down);
            y = b.binary(Binary::Xor, x, turned);
        }
        let count = constant(b, Element::U32, group as i64 + 1, &shape);
        let last = b.binary(Binary::Add, words[(group + 2) % 3], count);
        x = b.binary(Binary::Add, x, words[(group + 1) % 3]);
        y = b.binary(Binary::Add, y, last);
    }
    [x, y]
}

/// What threefry makes of the positions of a shape, counted in the order of elements.
pub(super) fn drawn(b: &mut Builder, draw: Draw<'_>, shape: &[Dim]) -> Result<[NodeId; 2]> {
    checked(b, draw)?;
    let size = shape.iter().fold(Dim::from(1), |size, extent| size * extent.clone());
    let counted = b.iota(std::slice::from_ref(&size), 0);
    let positions = b.reshape(counted, shape);
    let low = b.convert(Element::U32, positions);
    let high = if size.as_constant().is_some_and(|size| size <= 1 << 32) {
        constant(b, Element::U32, 0, shape)
    } else {
        let by = constant(b, Element::I64, 32, shape);
        let high = b.binary(Binary::ShiftRight, positions, by);
        b.convert(Element::U32, high)
    };
    Ok(threefry(b, draw.key.node, [high, low]))
}

pub(super) fn made(b: &mut Builder, axes: &[Axis]) -> Result<(Vec<Dim>, Vec<Option<String>>)> {
    for axis in axes {
        natural(b, &axis.extent)?;
        at_most(b, &Dim::from(0), &axis.extent, "an extent");
    }
    Ok(axes.iter().map(|axis| (axis.extent.clone(), axis.name.clone())).unzip())
}

/// A key from a number: the number.
pub fn key(b: &mut Builder, seed: &Tensor) -> Result<Tensor> {
    if seed.rank() != 0 || !seed.element(b).is_integer() {
        let (operation, ty) = ("key".to_owned(), show(b, seed));
        return Err(ElementMistake::NeedsInteger { operation, ty }.into());
    }
    Ok(seed.with(b.convert(Element::U64, seed.node)))
}

/// Keys along an axis.
pub fn split_key(b: &mut Builder, key: &Tensor, axis: &Axis) -> Result<Tensor> {
    let (shape, names) = made(b, std::slice::from_ref(axis))?;
    let halves = drawn(b, Draw { function: "split", key }, &shape)?;
    Ok(Tensor::new(joined(b, halves), names))
}

/// Two keys.
pub fn split_key_in_two(b: &mut Builder, key: &Tensor) -> Result<[Tensor; 2]> {
    let [first, second] = [0, 1].map(|number| b.constant(Scalar::from_i64(Element::U32, number)));
    Ok([folded(b, "split", key, first)?, folded(b, "split", key, second)?])
}

/// A key that depends on a number as well, of which 32 bits count.
pub fn fold_in(b: &mut Builder, key: &Tensor, number: &Tensor) -> Result<Tensor> {
    if number.rank() != 0 || !number.element(b).is_integer() {
        let (operation, ty) = ("fold_in".to_owned(), show(b, number));
        return Err(ElementMistake::NeedsInteger { operation, ty }.into());
    }
    let word = b.convert(Element::U32, number.node);
    folded(b, "fold_in", key, word)
}

fn folded(b: &mut Builder, function: &'static str, key: &Tensor, word: NodeId) -> Result<Tensor> {
    checked(b, Draw { function, key })?;
    let zero = constant(b, Element::U32, 0, &[]);
    let halves = threefry(b, key.node, [zero, word]);
    Ok(Tensor::scalar(joined(b, halves)))
}

/// Integers without a sign, all of them equally likely.
pub fn bits(b: &mut Builder, draw: Draw<'_>, element: Element, axes: &[Axis]) -> Result<Tensor> {
    if !matches!(element, Element::U8 | Element::U32 | Element::U64) {
        let operation = draw.function.to_owned();
        return Err(ElementMistake::BitsOf { operation, element: element.name().to_owned() }.into());
    }
    let (shape, names) = made(b, axes)?;
    let node = raw(b, draw, element, &shape)?;
    Ok(Tensor::new(node, names))
}

fn raw(b: &mut Builder, draw: Draw<'_>, element: Element, shape: &[Dim]) -> Result<NodeId> {
    let halves = drawn(b, draw, shape)?;
    Ok(mixed(b, halves, element))
}

/// What threefry gives as one number.
pub(super) fn mixed(b: &mut Builder, halves: [NodeId; 2], element: Element) -> NodeId {
    if element == Element::U64 {
        return joined(b, halves);
    }
    let mixed = b.binary(Binary::Xor, halves[0], halves[1]);
    b.convert(element, mixed)
}

/// Floats from 0 to 1, without 1.
fn unit(b: &mut Builder, draw: Draw<'_>, element: Element, shape: &[Dim]) -> Result<NodeId> {
    if !element.is_float() {
        let operation = draw.function.to_owned();
        return Err(ElementMistake::NeedsFloat { operation, ty: element.name().to_owned() }.into());
    }
    let words = words_of(element);
    let raw = raw(b, draw, words, shape)?;
    Ok(fraction(b, raw, element))
}

/// Random bits as floats from 0 to 1, without 1.
pub(super) fn fraction(b: &mut Builder, raw: NodeId, element: Element) -> NodeId {
    let shape = b.shape(raw);
    let (signed, spare, step) = match element {
        Element::F16 => (Element::I32, 22, 1.0 / 1024.0),
        Element::Bf16 => (Element::I32, 25, 1.0 / 128.0),
        Element::F32 => (Element::I32, 9, f64::from(f32::EPSILON)),
        Element::F64
        | Element::I32
        | Element::I64
        | Element::U8
        | Element::U32
        | Element::U64
        | Element::Bool => (Element::I64, 12, f64::EPSILON),
    };
    let words = b.ty(raw).element;
    let by = constant(b, words, spare, &shape);
    // As many bits as a mantissa stores; numbers with a sign are converted by one instruction.
    let mantissa = b.binary(Binary::ShiftRight, raw, by);
    let whole = b.convert(signed, mantissa);
    let number = b.convert(element, whole);
    let step = b.splat(Scalar::from_f64(element, step), &shape);
    b.binary(Binary::Mul, number, step)
}

/// The bits that a float is made of.
pub(super) fn words_of(element: Element) -> Element {
    if element.size() <= 4 { Element::U32 } else { Element::U64 }
}

/// Floats from `low` to `high`, without `high`; from 0 to 1 if there are no bounds.
pub fn uniform(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    bounds: Option<(&Tensor, &Tensor)>,
) -> Result<Tensor> {
    let (shape, names) = made(b, axes)?;
    let node = unit(b, draw, element, &shape)?;
    let unit = Tensor::new(node, names);
    match bounds {
        None => Ok(unit),
        Some((low, high)) if element == Element::F32 => rounded_once(b, &unit, low, high),
        Some((low, high)) => {
            widely(b, [&unit, low, high], |b, [x, low, high]| between(b, x, low, high))
        }
    }
}

/// As [`between`], where the product is not rounded before the sum: it is exact in `f64`.
fn rounded_once(b: &mut Builder, unit: &Tensor, low: &Tensor, high: &Tensor) -> Result<Tensor> {
    let span = arithmetic(b, Binary::Sub, high, low)?;
    let [wide, span, least] = [unit, &span, low].map(|x| x.with(b.convert(Element::F64, x.node)));
    let stretched = arithmetic(b, Binary::Mul, &wide, &span)?;
    let moved = arithmetic(b, Binary::Add, &stretched, &least)?;
    let moved = moved.with(b.convert(Element::F32, moved.node));
    arithmetic(b, Binary::Max, &moved, low)
}

fn between(b: &mut Builder, unit: &Tensor, low: &Tensor, high: &Tensor) -> Result<Tensor> {
    let span = arithmetic(b, Binary::Sub, high, low)?;
    let stretched = arithmetic(b, Binary::Mul, unit, &span)?;
    let moved = arithmetic(b, Binary::Add, &stretched, low)?;
    arithmetic(b, Binary::Max, &moved, low)
}

/// The number beside −1, towards 0.
fn above_minus_one(element: Element) -> f64 {
    if element == Element::F32 { f64::from((-1.0_f32).next_up()) } else { (-1.0_f64).next_up() }
}

/// Normal floats around 0, of variance 1.
pub fn normal(b: &mut Builder, draw: Draw<'_>, element: Element, axes: &[Axis]) -> Result<Tensor> {
    if element.is_half() {
        return normal(b, draw, Element::F32, axes).map(|it| rounded(b, element, &it));
    }
    let (shape, names) = made(b, axes)?;
    let node = unit(b, draw, element, &shape)?;
    bell(b, &Tensor::new(node, names))
}

/// Normal floats from floats between 0 and 1.
pub(super) fn bell(b: &mut Builder, unit: &Tensor) -> Result<Tensor> {
    let element = unit.element(b);
    let [low, high] =
        [above_minus_one(element), 1.0].map(|bound| Tensor::scalar(b.number(element, bound)));
    let spread = between(b, unit, &low, &high)?;
    deviate(b, &spread)
}

/// √2 erf⁻¹ x.
fn deviate(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    let element = x.element(b);
    let inverse = b.unary(Unary::ErfInv, x.node);
    let root = Tensor::scalar(b.number(element, std::f64::consts::SQRT_2));
    arithmetic(b, Binary::Mul, &root, &x.with(inverse))
}

/// Normal floats of which none is outside of `low` and `high`.
pub fn truncated_normal(
    b: &mut Builder,
    draw: Draw<'_>,
    axes: &[Axis],
    (low, high): (&Tensor, &Tensor),
) -> Result<Tensor> {
    widely(b, [low, high], |b, [low, high]| truncated_normal_of(b, draw, axes, (low, high)))
}

fn truncated_normal_of(
    b: &mut Builder,
    draw: Draw<'_>,
    axes: &[Axis],
    (low, high): (&Tensor, &Tensor),
) -> Result<Tensor> {
    let element = low.element(b);
    let root = Tensor::scalar(b.number(element, std::f64::consts::SQRT_2));
    let mut ends = Vec::with_capacity(2);
    for end in [low, high] {
        let scaled = arithmetic(b, Binary::Div, end, &root)?;
        let node = b.unary(Unary::Erf, scaled.node);
        ends.push(scaled.with(node));
    }
    let (shape, names) = made(b, axes)?;
    let node = unit(b, draw, element, &shape)?;
    let spread = between(b, &Tensor::new(node, names), &ends[0], &ends[1])?;
    let drawn = deviate(b, &spread)?;
    let raised = arithmetic(b, Binary::Max, &drawn, low)?;
    arithmetic(b, Binary::Min, &raised, high)
}

/// `true` with the probability `p`.
pub fn bernoulli(b: &mut Builder, draw: Draw<'_>, p: &Tensor, axes: &[Axis]) -> Result<Tensor> {
    let (shape, names) = made(b, axes)?;
    let node = unit(b, draw, p.element(b), &shape)?;
    compare(b, Comparison::Lt, &Tensor::new(node, names), p)
}

/// Floats of mean 1 that decay exponentially.
pub fn exponential(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
) -> Result<Tensor> {
    if element.is_half() {
        return exponential(b, draw, Element::F32, axes).map(|it| rounded(b, element, &it));
    }
    let (shape, names) = made(b, axes)?;
    let node = unit(b, draw, element, &shape)?;
    let opposite = b.unary(Unary::Neg, node);
    let log = b.unary(Unary::Log1p, opposite);
    Ok(Tensor::new(b.unary(Unary::Neg, log), names))
}

/// Floats whose largest is where a category is drawn.
pub fn gumbel(b: &mut Builder, draw: Draw<'_>, element: Element, axes: &[Axis]) -> Result<Tensor> {
    if element.is_half() {
        return gumbel(b, draw, Element::F32, axes).map(|it| rounded(b, element, &it));
    }
    let (shape, names) = made(b, axes)?;
    let node = unit(b, draw, element, &shape)?;
    let least =
        if element == Element::F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let [low, high] = [least, 1.0].map(|bound| Tensor::scalar(b.number(element, bound)));
    let mut x = between(b, &Tensor::new(node, names), &low, &high)?;
    for _ in 0..2 {
        let log = b.unary(Unary::Log, x.node);
        x = x.with(b.unary(Unary::Neg, log));
    }
    Ok(x)
}

/// Positions along an axis, as likely as the exponentials of `logits`.
pub fn categorical(
    b: &mut Builder,
    draw: Draw<'_>,
    logits: &Tensor,
    along: &AxisRef,
) -> Result<Tensor> {
    if logits.element(b).is_half() {
        let wide = rounded(b, Element::F32, logits);
        return categorical(b, draw, &wide, along);
    }
    let element = logits.element(b);
    let shape = logits.shape(b);
    let named = shape.into_iter().zip(&logits.names);
    let axes: Vec<Axis> = named.map(|(extent, name)| Axis { name: name.clone(), extent }).collect();
    let noise = gumbel(b, draw, element, &axes)?;
    let scores = arithmetic(b, Binary::Add, &noise, logits)?;
    argmax(b, &scores, std::slice::from_ref(along))
}

/// Integers from `low` to `high`, without `high`; `low` if there are none. From twice as many bits as they have.
pub fn randint(
    b: &mut Builder,
    draw: Draw<'_>,
    axes: &[Axis],
    (low, high): (&Tensor, &Tensor),
) -> Result<Tensor> {
    let element = low.element(b);
    let words = match element {
        Element::I32 | Element::U32 => Element::U32,
        Element::I64 | Element::U64 => Element::U64,
        Element::U8 => {
            // So few bits would favour some.
            let [low, high] = [low, high].map(|end| end.with(b.convert(Element::I32, end.node)));
            let wide = randint(b, draw, axes, (&low, &high))?;
            return Ok(wide.with(b.convert(element, wide.node)));
        }
        Element::F32 | Element::F64 | Element::F16 | Element::Bf16 | Element::Bool => {
            let (operation, ty) = (draw.function.to_owned(), show(b, low));
            return Err(ElementMistake::NeedsInteger { operation, ty }.into());
        }
    };
    let (shape, names) = made(b, axes)?;
    checked(b, draw)?;
    let keys = split_key_in_two(b, draw.key)?;
    let mut parts = Vec::with_capacity(2);
    for key in &keys {
        let node = raw(b, Draw { key, ..draw }, words, &shape)?;
        parts.push(Tensor::new(node, names.clone()));
    }
    let width = arithmetic(b, Binary::Sub, high, low)?;
    let width = width.with(b.convert(words, width.node));
    let nothing = compare(b, Comparison::Le, high, low)?;
    let one = Tensor::scalar(b.number(words, 1.0));
    let span = select(b, &nothing, &one, &width)?;
    // 2^bits modulo the span, so that both parts are digits of one number.
    let half = Scalar::from_i64(words, 1 << (4 * words.size()));
    let half = Tensor::scalar(b.constant(half));
    let rest = arithmetic(b, Binary::Rem, &half, &span)?;
    let square = arithmetic(b, Binary::Mul, &rest, &rest)?;
    let factor = arithmetic(b, Binary::Rem, &square, &span)?;
    let high_rest = arithmetic(b, Binary::Rem, &parts[0], &span)?;
    let low_rest = arithmetic(b, Binary::Rem, &parts[1], &span)?;
    let scaled = arithmetic(b, Binary::Mul, &high_rest, &factor)?;
    let sum = arithmetic(b, Binary::Add, &scaled, &low_rest)?;
    let offset = arithmetic(b, Binary::Rem, &sum, &span)?;
    let offset = offset.with(b.convert(element, offset.node));
    arithmetic(b, Binary::Add, &offset, low)
}

/// The numbers below an extent in a random order, `i64`: sorted by random keys, in as many rounds as make ties harmless.
pub fn permutation(b: &mut Builder, draw: Draw<'_>, axis: &Axis) -> Result<Tensor> {
    let (shape, names) = made(b, std::slice::from_ref(axis))?;
    checked(b, draw)?;
    let known = axis.extent.as_constant();
    let mut order = b.iota(&shape, 0);
    let mut key = draw.key.clone();
    for (round, least) in ROUNDS.into_iter().enumerate() {
        if known.is_some_and(|extent| extent < least) {
            break;
        }
        let [next, own] = split_key_in_two(b, &key)?;
        key = next;
        let keys = raw(b, Draw { key: &own, ..draw }, Element::U32, &shape)?;
        let sorted = b.argsort(keys, 0, false, &axis.extent);
        let moved = b.take(order, sorted, 0);
        order = if known.is_some() || round == 0 {
            moved
        } else {
            let extent = b.extent(axis.extent.clone());
            let least = b.constant(Scalar::from_i64(Element::I64, least));
            let enough = b.compare(Comparison::Lt, extent, least);
            let enough = b.broadcast(enough, &shape, &[]);
            b.select(enough, order, moved)
        };
    }
    Ok(Tensor::new(order, names))
}

/// From which extents on there is another round: 3 ln n / ln 2³², rounded up.
const ROUNDS: [i64; 3] = [2, 1_626, 2_642_246];

/// The elements along an axis in a random order.
pub fn shuffle(b: &mut Builder, draw: Draw<'_>, x: &Tensor, of: &AxisRef) -> Result<Tensor> {
    let along = super::axis(b, x, of)?;
    let axis = Axis { name: x.names[along].clone(), extent: x.shape(b)[along].clone() };
    let order = permutation(b, draw, &axis)?;
    super::take(b, x, of, &order)
}
