//! Gamma numbers, and what is made of them.
//!
//! ```text
//! gamma(a)        d·v³·boost, where v = 1 + x/√(9 d) is accepted for a normal x and a uniform u    (Marsaglia and Tsang, 2000)
//!                 d = a − 1/3 and no boost; for a < 1 those of a + 1, and a boost of u'^(1/a)
//! chi_square(k)   2 gamma(k/2)
//! student_t(k)    normal · √(k/2 / gamma(k/2))
//! beta(a, b)      g / (g + h)                     g = gamma(a), h = gamma(b)
//! dirichlet(a)    g / Σ g                         g = gamma(a)
//! ```
//!
//! Each element has a key of its own and rejects until it accepts; the loop runs until all have. Keys and proposals are those of JAX.
//!
//! Derivatives are implicit ones: the share of numbers below the drawn one stays as it is (Figurnov, Mohamed and Mnih, 2018).
//!
//! ```text
//! d log(x) / da  =  −(dF/da) / (x f)  =  σ ∫ (log x − ψ(a) + σ s) exp(a σ s − x (exp(σ s) − 1)) ds        over s from 0 to ∞
//! ```
//!
//! F is the distribution and f its density; t = x exp(σ s) goes through everything below x (σ = −1) or above (σ = 1), whichever has one sign.

use super::random::{bell, constant, drawn, fraction, joined, made, mixed, threefry, words_of};
use super::wide::{widely, widely_drawn};
use super::{
    Axis, AxisRef, Draw, Result, Tensor, align, arithmetic, normal, softmax, split_key_in_two,
};
use crate::diagnostic::catalogue::ElementMistake;
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Combine, Comparison, Dim, Element, Equation, Keep, NodeId, Op, Output, Repeat, Scalar,
    TensorType, Times, Unary,
};

/// The smallest positive normal number.
pub fn smallest(element: Element) -> f64 {
    match element {
        Element::F16 => 1.0 / 16_384.0,
        Element::F32 | Element::Bf16 => f64::from(f32::MIN_POSITIVE),
        Element::F64
        | Element::I32
        | Element::I64
        | Element::U8
        | Element::U32
        | Element::U64
        | Element::Bool => f64::MIN_POSITIVE,
    }
}

/// Whether numbers or their logarithms are drawn: small shapes have numbers that are smaller than any float.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Log,
}

/// Gamma numbers of shape `a` and scale 1, in the axes and those that `a` has beyond them.
///
/// Follows `jax.random.gamma`. A shape that is not above 0 gives NaN or 0.
pub fn gamma(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    a: &Tensor,
) -> Result<Tensor> {
    widely_drawn(b, element, [a], |b, element, [a]| {
        in_form(b, draw, (element, axes), a, Form::Plain)
    })
}

/// Logarithms of gamma numbers.
///
/// Follows `jax.random.loggamma`.
pub fn log_gamma(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    a: &Tensor,
) -> Result<Tensor> {
    widely_drawn(b, element, [a], |b, element, [a]| in_form(b, draw, (element, axes), a, Form::Log))
}

/// Sums of the squares of `k` normal numbers, where `k` need not be whole.
///
/// Follows `jax.random.chisquare`.
pub fn chi_square(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    k: &Tensor,
) -> Result<Tensor> {
    widely_drawn(b, element, [k], |b, element, [k]| chi_square_of(b, draw, element, axes, k))
}

fn chi_square_of(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    k: &Tensor,
) -> Result<Tensor> {
    let half = scaled(b, 0.5, k)?;
    let log = in_form(b, draw, (element, axes), &half, Form::Log)?;
    let number = log.with(b.unary(Unary::Exp, log.node));
    scaled(b, 2.0, &number)
}

/// Student's t with `k` degrees of freedom.
///
/// Follows `jax.random.t`.
pub fn student_t(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    k: &Tensor,
) -> Result<Tensor> {
    widely_drawn(b, element, [k], |b, element, [k]| student_t_of(b, draw, element, axes, k))
}

fn student_t_of(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    k: &Tensor,
) -> Result<Tensor> {
    let (axes, _) = common(b, draw.function, (element, axes), &[k])?;
    let [of_normal, of_gamma] = split_key_in_two(b, draw.key)?;
    let bell = normal(b, Draw { key: &of_normal, ..draw }, element, &axes)?;
    let half = scaled(b, 0.5, k)?;
    let draw = Draw { key: &of_gamma, ..draw };
    let gamma = in_form(b, draw, (element, &axes), &half, Form::Plain)?;
    let ratio = arithmetic(b, Binary::Div, &half, &gamma)?;
    let root = ratio.with(b.unary(Unary::Sqrt, ratio.node));
    arithmetic(b, Binary::Mul, &bell, &root)
}

/// Numbers between 0 and 1 with the density x^(p−1)·(1−x)^(q−1), but for a factor.
///
/// Follows `jax.random.beta`.
pub fn beta(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    (p, q): (&Tensor, &Tensor),
) -> Result<Tensor> {
    widely_drawn(b, element, [p, q], |b, element, [p, q]| beta_of(b, draw, element, axes, (p, q)))
}

fn beta_of(
    b: &mut Builder,
    draw: Draw<'_>,
    element: Element,
    axes: &[Axis],
    (p, q): (&Tensor, &Tensor),
) -> Result<Tensor> {
    let (axes, _) = common(b, draw.function, (element, axes), &[p, q])?;
    let keys = split_key_in_two(b, draw.key)?;
    let mut logs = Vec::with_capacity(2);
    for (key, shape) in keys.iter().zip([p, q]) {
        let draw = Draw { key, ..draw };
        logs.push(in_form(b, draw, (element, &axes), shape, Form::Log)?);
    }
    let largest = arithmetic(b, Binary::Max, &logs[0], &logs[1])?;
    // Both are divided by the larger, which cancels.
    let largest = largest.with(b.unary(Unary::StopGrad, largest.node));
    let mut parts = Vec::with_capacity(2);
    for log in &logs {
        let part = arithmetic(b, Binary::Sub, log, &largest)?;
        parts.push(part.with(b.unary(Unary::Exp, part.node)));
    }
    let whole = arithmetic(b, Binary::Add, &parts[0], &parts[1])?;
    arithmetic(b, Binary::Div, &parts[0], &whole)
}

/// Positive numbers of sum 1 along an axis of `a`, which says how much of each.
///
/// Follows `jax.random.dirichlet`.
pub fn dirichlet(b: &mut Builder, draw: Draw<'_>, a: &Tensor, along: &AxisRef) -> Result<Tensor> {
    widely(b, [a], |b, [a]| dirichlet_of(b, draw, a, along))
}

fn dirichlet_of(b: &mut Builder, draw: Draw<'_>, a: &Tensor, along: &AxisRef) -> Result<Tensor> {
    let log = in_form(b, draw, (a.element(b), &[]), a, Form::Log)?;
    softmax(b, &log, std::slice::from_ref(along))
}

fn scaled(b: &mut Builder, by: f64, x: &Tensor) -> Result<Tensor> {
    let by = Tensor::scalar(b.number(x.element(b), by));
    arithmetic(b, Binary::Mul, &by, x)
}

/// The axes that are made, with those of parameters, and the parameters over all of them.
fn common(
    b: &mut Builder,
    function: &str,
    (element, axes): (Element, &[Axis]),
    parameters: &[&Tensor],
) -> Result<(Vec<Axis>, Vec<NodeId>)> {
    if !element.is_float() {
        let operation = function.to_owned();
        return Err(ElementMistake::NeedsFloat { operation, ty: element.name().to_owned() }.into());
    }
    let (shape, names) = made(b, axes)?;
    let drawn = Tensor::new(b.splat(Scalar::from_f64(element, 0.0), &shape), names);
    let mut all = vec![&drawn];
    all.extend(parameters);
    let aligned = align(b, &all)?;
    let shape = b.shape(aligned.nodes[0]);
    let axes = aligned.names.into_iter().zip(shape);
    let axes = axes.map(|(name, extent)| Axis { name, extent }).collect();
    Ok((axes, aligned.nodes[1..].to_vec()))
}

fn in_form(
    b: &mut Builder,
    draw: Draw<'_>,
    (element, axes): (Element, &[Axis]),
    a: &Tensor,
    form: Form,
) -> Result<Tensor> {
    let (axes, nodes) = common(b, draw.function, (element, axes), &[a])?;
    let (shape, names) = made(b, &axes)?;
    let keys = drawn(b, draw, &shape)?;
    let keys = joined(b, keys);
    // One loop over all elements, whatever their axes.
    let flat = match shape.as_slice() {
        [] => Vec::new(),
        _ => vec![shape.iter().fold(Dim::from(1), |size, extent| size * extent.clone())],
    };
    let keys = b.reshape(keys, &flat);
    let still = b.unary(Unary::StopGrad, nodes[0]);
    let still = b.reshape(still, &flat);
    let found = sampled(b, keys, still, form);
    let found = b.reshape(found, &shape);
    let equation = match form {
        Form::Plain => Equation::Gamma,
        Form::Log => Equation::LogGamma,
    };
    let ty = b.ty(found).clone();
    Ok(Tensor::new(b.apply(Op::Implicit(equation), &[found, nodes[0]], ty), names))
}

fn number(b: &mut Builder, value: f64, like: NodeId) -> NodeId {
    let ty = b.ty(like).clone();
    b.splat(Scalar::from_f64(ty.element, value), &ty.shape)
}

/// A key of those that a key is split into.
fn part(b: &mut Builder, key: NodeId, position: i64) -> NodeId {
    let shape = b.shape(key);
    let counters = [0, position].map(|it| constant(b, Element::U32, it, &shape));
    let halves = threefry(b, key, counters);
    joined(b, halves)
}

/// A float from 0 to 1 for each key, without 1.
fn unit(b: &mut Builder, key: NodeId, element: Element) -> NodeId {
    let zero = constant(b, Element::U32, 0, &b.shape(key));
    let halves = threefry(b, key, [zero, zero]);
    let bits = mixed(b, halves, words_of(element));
    fraction(b, bits, element)
}

/// A number for each key and shape.
fn sampled(b: &mut Builder, keys: NodeId, a: NodeId, form: Form) -> NodeId {
    let element = b.ty(a).element;
    let [one, third] = [1.0, 1.0 / 3.0].map(|it| number(b, it, a));
    let is_large = b.compare(Comparison::Ge, a, one);
    let more = b.binary(Binary::Add, a, one);
    let raised = b.select(is_large, a, more);
    let d = b.binary(Binary::Sub, raised, third);
    let root = b.unary(Unary::Sqrt, d);
    let c = b.binary(Binary::Div, third, root);
    let [proposals, boost] = [0, 1].map(|it| part(b, keys, it));
    let cube = accepted(b, proposals, [c, d]);
    let inverse = b.binary(Binary::Div, one, a);
    let unit = unit(b, boost, element);
    match form {
        Form::Plain => {
            let rest = b.binary(Binary::Sub, one, unit);
            let power = b.binary(Binary::Pow, rest, inverse);
            let boost = b.select(is_large, one, power);
            let number = b.binary(Binary::Mul, d, cube);
            b.binary(Binary::Mul, number, boost)
        }
        Form::Log => {
            let opposite = b.unary(Unary::Neg, unit);
            let rest = b.unary(Unary::Log1p, opposite);
            let zero = number(b, 0.0, a);
            let none = b.compare(Comparison::Eq, rest, zero);
            let none = b.binary(Binary::Or, is_large, none);
            let power = b.binary(Binary::Mul, rest, inverse);
            let boost = b.select(none, zero, power);
            let [d, cube] = [d, cube].map(|it| b.unary(Unary::Log, it));
            let number = b.binary(Binary::Add, d, cube);
            b.binary(Binary::Add, number, boost)
        }
    }
}

/// The cubes that are accepted.
///
/// State: the key of the next proposals; that of the next normal number, which counts unless the proposal is fresh; what was accepted;
/// who goes on.
fn accepted(b: &mut Builder, keys: NodeId, [c, d]: [NodeId; 2]) -> NodeId {
    let symbols = b.graph().symbols.clone();
    let cubes = number(b, 1.0, d);
    let shape = b.shape(d);
    let everywhere = b.splat(Scalar::from_i64(Element::Bool, 1), &shape);
    let operands = [keys, keys, everywhere, cubes, everywhere, c, d];
    let names = ["keys", "again", "fresh", "cubes", "running", "c", "d"];
    let types = operands.map(|operand| b.ty(operand).clone());
    let open = |name: &str| {
        let mut body = Builder::new(name);
        for symbol in &symbols {
            body.symbol(symbol);
        }
        body.parameter("i", TensorType::scalar(Element::I64));
        let parameters = names.iter().zip(&types);
        let nodes: Vec<NodeId> =
            parameters.map(|(name, ty)| body.parameter(name, ty.clone())).collect();
        (body, nodes)
    };
    let output = |node| Output { node, updates: None };
    let (mut condition, nodes) = open("condition");
    let axes: Vec<usize> = (0..shape.len()).collect();
    let some = condition.reduce(Combine::Max, nodes[4], &axes);
    let condition = condition.finish(vec![output(some)]);
    let (mut body, nodes) = open("body");
    let results = proposed(&mut body, &nodes);
    let body = body.finish(results.map(output).to_vec());
    let (times, keep) = (Times::While(condition), Keep::Residuals);
    let repeat = Repeat { times, state: 5, sequences: 0, reverse: false, keep, body };
    b.control(Op::Repeat(Box::new(repeat)), &operands)[3]
}

/// One more proposal of each that goes on.
fn proposed(b: &mut Builder, state: &[NodeId]) -> [NodeId; 5] {
    let [keys, again, fresh, cubes, running, c, d] = *state else {
        crate::bug!("library", "a proposal of {} values", state.len())
    };
    let element = b.ty(d).element;
    let [next, first, coin] = [0, 1, 2].map(|it| part(b, keys, it));
    let own = b.select(fresh, first, again);
    let [later, of_normal] = [0, 1].map(|it| part(b, own, it));
    let unit_of_normal = unit(b, of_normal, element);
    let x = match bell(b, &Tensor::new(unit_of_normal, vec![None; b.ty(d).rank()])) {
        Ok(x) => x.node,
        Err(mistake) => crate::bug!("library", "a normal number: {mistake:?}"),
    };
    let [zero, half, one, squeeze] = [0.0, 0.5, 1.0, 0.0331].map(|it| number(b, it, d));
    let step = b.binary(Binary::Mul, x, c);
    let v = b.binary(Binary::Add, one, step);
    let square = b.binary(Binary::Mul, x, x);
    let cube = b.binary(Binary::Mul, v, v);
    let cube = b.binary(Binary::Mul, cube, v);
    let u = unit(b, coin, element);
    // Rejected are those above a parabola, unless the density itself takes them.
    let fourth = b.binary(Binary::Mul, square, square);
    let bound = b.binary(Binary::Mul, squeeze, fourth);
    let bound = b.binary(Binary::Sub, one, bound);
    let above = b.compare(Comparison::Ge, u, bound);
    let [log, log_cube] = [u, cube].map(|it| b.unary(Unary::Log, it));
    let rest = b.binary(Binary::Sub, one, cube);
    let rest = b.binary(Binary::Add, rest, log_cube);
    let rest = b.binary(Binary::Mul, d, rest);
    let exponent = b.binary(Binary::Mul, square, half);
    let exponent = b.binary(Binary::Add, exponent, rest);
    let dense = b.compare(Comparison::Ge, log, exponent);
    let rejected = b.binary(Binary::And, above, dense);
    let nothing = b.compare(Comparison::Le, v, zero);
    let kept = b.select(nothing, keys, next);
    let goes_on = b.binary(Binary::Or, nothing, rejected);
    let goes_on = b.binary(Binary::And, running, goes_on);
    let taken = b.select(running, cube, cubes);
    let fresh = b.unary(Unary::Not, nothing);
    [kept, later, fresh, taken, goes_on]
}

/// So many places have the integral to 12 digits.
const PLACES: i64 = 128;
/// The first place and the distance of places, as u in s = w·exp(u − exp(−u)), which goes from 0 to ∞ twice exponentially.
const FIRST: f64 = -4.2;
const STEP: f64 = 0.0685;

/// How the logarithm `y` of a gamma number of shape `a` moves with `a`; both have one type.
pub fn log_gamma_slope(b: &mut Builder, a: NodeId, y: NodeId) -> NodeId {
    let element = b.ty(a).element;
    let [a, y] = [a, y].map(|it| b.convert(Element::F64, it));
    let digamma = digamma(b, a);
    let level = b.binary(Binary::Sub, y, digamma);
    let x = b.unary(Unary::Exp, y);
    let (sign, width) = side(b, [a, x, level]);

    let mut wide = b.shape(a);
    let axes: Vec<usize> = (0..wide.len()).collect();
    wide.push(Dim::from(PLACES));
    let [place, weight] = places(b);
    let [place, weight] = [place, weight].map(|it| b.broadcast(it, &wide, &[axes.len()]));
    let reach = b.binary(Binary::Mul, sign, width);
    let [reach, a, x, level] = [reach, a, x, level].map(|it| b.broadcast(it, &wide, &axes));
    let s = b.binary(Binary::Mul, reach, place);
    let grown = b.binary(Binary::Mul, a, s);
    let shrunk = b.unary(Unary::Expm1, s);
    let shrunk = b.binary(Binary::Mul, x, shrunk);
    let exponent = b.binary(Binary::Sub, grown, shrunk);
    let density = b.unary(Unary::Exp, exponent);
    let height = b.binary(Binary::Add, level, s);
    let height = b.binary(Binary::Mul, height, weight);
    let share = b.binary(Binary::Mul, height, density);
    let share = b.binary(Binary::Mul, share, reach);
    let slope = b.reduce(Combine::Add, share, &[axes.len()]);
    b.convert(element, slope)
}

/// On which side of x the integral is, as a sign, and about how far what counts goes there.
fn side(b: &mut Builder, [a, x, level]: [NodeId; 3]) -> (NodeId, NodeId) {
    let [zero, one, minus] = [0.0, 1.0, -1.0].map(|it| number(b, it, x));
    let is_high = b.compare(Comparison::Gt, level, zero);
    let is_large = b.compare(Comparison::Gt, x, one);
    let above = b.binary(Binary::And, is_high, is_large);
    let sign = b.select(above, one, minus);
    let away = b.binary(Binary::Sub, x, a);
    let away = b.binary(Binary::Mul, away, sign);
    let away = b.binary(Binary::Max, away, zero);
    let root = b.unary(Unary::Sqrt, x);
    let less = b.binary(Binary::Min, root, a);
    let spread = b.select(above, root, less);
    let rate = b.binary(Binary::Add, away, spread);
    let width = b.binary(Binary::Div, one, rate);
    // The integral is the same for all of them.
    (sign, b.unary(Unary::StopGrad, width))
}

/// Places from 0 to ∞, and what each stands for.
fn places(b: &mut Builder) -> [NodeId; 2] {
    let shape = [Dim::from(PLACES)];
    let position = b.iota(&shape, 0);
    let position = b.convert(Element::F64, position);
    let [first, step, one] = [FIRST, STEP, 1.0].map(|it| number(b, it, position));
    let u = b.binary(Binary::Mul, position, step);
    let u = b.binary(Binary::Add, first, u);
    let opposite = b.unary(Unary::Neg, u);
    let shrunk = b.unary(Unary::Exp, opposite);
    let exponent = b.binary(Binary::Sub, u, shrunk);
    let place = b.unary(Unary::Exp, exponent);
    let faster = b.binary(Binary::Add, one, shrunk);
    let weight = b.binary(Binary::Mul, place, faster);
    [place, b.binary(Binary::Mul, weight, step)]
}

/// ψ(a) = ln z − 1/2z − Σ B₂ₖ/(2k z²ᵏ) − Σ 1/(a + k), where z = a + 10.
fn digamma(b: &mut Builder, a: NodeId) -> NodeId {
    const SHIFT: i64 = 10;
    const TERMS: [f64; 6] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0];
    let one = number(b, 1.0, a);
    let ten = number(b, SHIFT as f64, a);
    let z = b.binary(Binary::Add, a, ten);
    let inverse = b.binary(Binary::Div, one, z);
    let square = b.binary(Binary::Mul, inverse, inverse);
    let mut rest = number(b, 0.0, a);
    for term in TERMS.into_iter().rev() {
        let term = number(b, term, a);
        let sum = b.binary(Binary::Add, rest, term);
        rest = b.binary(Binary::Mul, sum, square);
    }
    let half = number(b, 0.5, a);
    let half = b.binary(Binary::Mul, half, inverse);
    rest = b.binary(Binary::Add, rest, half);
    for k in 0..SHIFT {
        let k = number(b, k as f64, a);
        let from = b.binary(Binary::Add, a, k);
        let term = b.binary(Binary::Div, one, from);
        rest = b.binary(Binary::Add, rest, term);
    }
    let log = b.unary(Unary::Log, z);
    b.binary(Binary::Sub, log, rest)
}
