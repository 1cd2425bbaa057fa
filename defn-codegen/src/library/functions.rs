//! Functions of each element.

use super::arithmetic::{arithmetic, compare, select};
use super::wide::widely;
use super::{Literal, Result, Tensor, literal, show};
use crate::diagnostic::catalogue::ElementMistake;
use crate::graph::build::Builder;
use crate::graph::infer::unary_accepts;
use crate::graph::{Binary, Comparison, Element, ElementKind, Scalar, Unary};

/// A method without arguments that is no primitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A primitive.
    Primitive(Unary),
    /// log₁₀ x.
    Log10,
    /// 1 / x.
    Recip,
    /// Towards zero.
    Truncate,
    /// What truncation takes away.
    Fractional,
    /// Whether it is no number.
    IsNan,
    /// Whether it is neither infinite nor NaN.
    IsFinite,
    /// x².
    Square,
}

impl Method {
    /// The word in sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Primitive(unary) => unary.word(),
            Self::Log10 => "log10",
            Self::Recip => "recip",
            Self::Truncate => "trunc",
            Self::Fractional => "fract",
            Self::IsNan => "is_nan",
            Self::IsFinite => "is_finite",
            Self::Square => "square",
        }
    }
}

/// Applies a method without arguments.
pub fn unary(b: &mut Builder, method: Method, x: &Tensor) -> Result<Tensor> {
    accept(b, method, x)?;
    match method {
        Method::Primitive(unary) => {
            let node = b.unary(unary, x.node);
            Ok(x.with(node))
        }
        Method::Log10 => widely(b, [x], |b, [x]| log10(b, x)),
        Method::Recip => recip(b, x),
        Method::Truncate => truncate(b, x),
        Method::Fractional => fractional(b, x),
        Method::IsNan => compare(b, Comparison::Ne, x, x),
        Method::IsFinite => {
            let size = b.unary(Unary::Abs, x.node);
            let infinite = b.number(x.element(b), f64::INFINITY);
            compare(b, Comparison::Lt, &x.with(size), &Tensor::scalar(infinite))
        }
        Method::Square => arithmetic(b, Binary::Mul, x, x),
    }
}

fn accept(b: &Builder, method: Method, x: &Tensor) -> Result<()> {
    let element = x.element(b);
    let operation = method.word().to_owned();
    let (accepted, any_number) = match method {
        Method::Primitive(unary) => {
            (unary_accepts(unary, element), matches!(unary, Unary::Neg | Unary::Abs | Unary::Sign))
        }
        Method::Square => (element != Element::Bool, true),
        Method::Log10
        | Method::Recip
        | Method::Truncate
        | Method::Fractional
        | Method::IsNan
        | Method::IsFinite => (element.is_float(), false),
    };
    match (accepted, any_number) {
        (true, _) => Ok(()),
        (false, true) => Err(ElementMistake::NeedsNumber { operation, ty: show(b, x) }.into()),
        (false, false) => Err(ElementMistake::NeedsFloat { operation, ty: show(b, x) }.into()),
    }
}

fn log10(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    let log = b.unary(Unary::Log, x.node);
    let scale = b.number(x.element(b), std::f64::consts::LOG10_E);
    arithmetic(b, Binary::Mul, &x.with(log), &Tensor::scalar(scale))
}

/// 1 / x.
pub(super) fn recip(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    let one = b.number(x.element(b), 1.0);
    arithmetic(b, Binary::Div, &Tensor::scalar(one), x)
}

/// The whole part.
pub(super) fn truncate(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    let zero = Tensor::scalar(b.number(x.element(b), 0.0));
    let negative = compare(b, Comparison::Lt, x, &zero)?;
    let (floor, ceil) = (b.unary(Unary::Floor, x.node), b.unary(Unary::Ceil, x.node));
    select(b, &negative, &x.with(ceil), &x.with(floor))
}

/// What is left without the whole part.
pub(super) fn fractional(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    let whole = truncate(b, x)?;
    arithmetic(b, Binary::Sub, x, &whole)
}

/// √(x² + y²).
pub fn hypot(b: &mut Builder, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    widely(b, [x, y], |b, [x, y]| hypot_of(b, x, y))
}

fn hypot_of(b: &mut Builder, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let squares = [arithmetic(b, Binary::Mul, x, x)?, arithmetic(b, Binary::Mul, y, y)?];
    let sum = arithmetic(b, Binary::Add, &squares[0], &squares[1])?;
    unary(b, Method::Primitive(Unary::Sqrt), &sum)
}

/// x · y + z.
pub fn mul_add(b: &mut Builder, x: &Tensor, y: &Tensor, z: &Tensor) -> Result<Tensor> {
    widely(b, [x, y, z], |b, [x, y, z]| mul_add_of(b, x, y, z))
}

fn mul_add_of(b: &mut Builder, x: &Tensor, y: &Tensor, z: &Tensor) -> Result<Tensor> {
    let product = arithmetic(b, Binary::Mul, x, y)?;
    arithmetic(b, Binary::Add, &product, z)
}

/// The larger of two.
pub fn maximum(b: &mut Builder, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    arithmetic(b, Binary::Max, x, y)
}

/// The smaller of two.
pub fn minimum(b: &mut Builder, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    arithmetic(b, Binary::Min, x, y)
}

/// Between `low` and `high`.
pub fn clamp(b: &mut Builder, x: &Tensor, low: &Tensor, high: &Tensor) -> Result<Tensor> {
    let raised = maximum(b, x, low)?;
    minimum(b, &raised, high)
}

/// xʸ of floats.
pub fn pow(b: &mut Builder, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    if x.element(b).is_integer() {
        return Err(ElementMistake::IntegerExponent { ty: show(b, y) }.into());
    }
    arithmetic(b, Binary::Pow, x, y)
}

/// Exponents up to this one are multiplied out; beyond it rounding errors add up and `pow` is as fast.
const LARGEST_PRODUCT: u64 = 64;

/// xᵏ for an integer literal: by repeated squaring, so that integers are exact and floats have simple derivatives.
pub fn power(b: &mut Builder, x: &Tensor, exponent: i64) -> Result<Tensor> {
    widely(b, [x], |b, [x]| power_of(b, x, exponent))
}

fn power_of(b: &mut Builder, x: &Tensor, exponent: i64) -> Result<Tensor> {
    let element = x.element(b);
    if element == Element::Bool || (element.is_integer() && exponent < 0) {
        return Err(ElementMistake::IntegerExponent { ty: show(b, x) }.into());
    }
    if element.is_float() && exponent.unsigned_abs() > LARGEST_PRODUCT {
        let exponent = literal(b, &Literal::Integer(i128::from(exponent)), element)?;
        return pow(b, x, &exponent);
    }
    let mut product: Option<Tensor> = None;
    let (mut rest, mut square) = (exponent.unsigned_abs(), x.clone());
    while rest > 0 {
        if rest & 1 == 1 {
            product = Some(match product {
                Some(product) => arithmetic(b, Binary::Mul, &product, &square)?,
                None => square.clone(),
            });
        }
        rest >>= 1;
        if rest > 0 {
            square = arithmetic(b, Binary::Mul, &square, &square)?;
        }
    }
    let product = match product {
        Some(product) => product,
        None => x.with(b.splat(Scalar::from_i64(element, 1), &x.shape(b))),
    };
    if exponent < 0 { recip(b, &product) } else { Ok(product) }
}

/// Rust's `as`.
pub fn convert(b: &mut Builder, x: &Tensor, element: Element) -> Result<Tensor> {
    if element == Element::Bool && x.element(b).kind() != ElementKind::Bool {
        return Err(ElementMistake::CastToBool { ty: show(b, x) }.into());
    }
    let node = b.convert(element, x.node);
    Ok(x.with(node))
}
