//! An implementation as bad as the bounds allow: tests hold the bounds against it.
//!
//! Elementary functions are off by up to 3 units beside their rounding, sums and products run backwards in the element type,
//! contractions are fused or not as the bits will have it.

use crate::graph::arbitrary::{Case, Random, generate, generate_differentiable, shrink};
use crate::graph::bounds::bounds;
use crate::graph::eval::walk::{Item, Tensor, walk};
use crate::graph::eval::{self, Value, bind};
use crate::graph::{Binary, Combine, Comparison, Element, Scalar, Unary};

#[derive(Clone, Copy)]
struct Worst(Scalar);

/// The float a few units away; zeros, infinities and NaN stay, as do results that a limit makes exact.
fn nudged(scalar: Scalar, seed: u64) -> Scalar {
    let value = scalar.to_f64();
    if !value.is_finite() || value == 0.0 {
        return scalar;
    }
    let ulps = Random::new(seed ^ scalar.bits).between(-3, 3);
    let moved = Scalar { bits: scalar.bits.wrapping_add_signed(ulps), ..scalar };
    let same_sign = moved.to_f64().is_sign_negative() == value.is_sign_negative();
    if moved.to_f64().is_finite() && same_sign { moved } else { scalar }
}

/// Of floats of 16 bits the same as `f32`, rounded once.
fn widely(element: Element, f: impl FnOnce() -> Worst) -> Worst {
    Worst::convert(element, &f())
}

fn wide(items: &[Worst]) -> Vec<Worst> {
    items.iter().map(|item| Worst::convert(Element::F32, item)).collect()
}

impl Item for Worst {
    fn constant(scalar: Scalar) -> Self {
        Self(scalar)
    }
    fn unary(function: Unary, operand: &Self) -> Self {
        let element = operand.0.element;
        if element.is_half() {
            return widely(element, || Self::unary(function, &wide(&[*operand])[0]));
        }
        let result = eval::unary(function, operand.0);
        Self(if function.is_exact() { result } else { nudged(result, operand.0.bits) })
    }
    fn binary(function: Binary, left: &Self, right: &Self) -> Self {
        let element = left.0.element;
        if element.is_half() {
            let operands = wide(&[*left, *right]);
            return widely(element, || Self::binary(function, &operands[0], &operands[1]));
        }
        let result = eval::binary(function, left.0, right.0);
        let is_exact = !matches!(function, Binary::Pow | Binary::Atan2);
        Self(if is_exact { result } else { nudged(result, left.0.bits ^ right.0.bits) })
    }
    fn compare(comparison: Comparison, left: &Self, right: &Self) -> Self {
        Self(eval::compare(comparison, left.0, right.0))
    }
    fn select(condition: &Self, then: &Self, otherwise: &Self) -> Self {
        if condition.0.bits == 0 { *otherwise } else { *then }
    }
    fn convert(element: Element, operand: &Self) -> Self {
        Self(eval::convert(element, operand.0))
    }
    fn reduce(combine: Combine, element: Element, items: &[Self]) -> Self {
        if element.is_half() {
            return widely(element, || Self::reduce(combine, Element::F32, &wide(items)));
        }
        let identity = Self(combine.identity(element));
        items.iter().rev().fold(identity, |sum, item| Self::binary(combine.binary(), &sum, item))
    }
    fn contract(element: Element, pairs: &[(Self, Self)]) -> Self {
        if element.is_half() {
            let convert = |item: &Self| Self::convert(Element::F32, item);
            let pairs: Vec<(Self, Self)> =
                pairs.iter().map(|(left, right)| (convert(left), convert(right))).collect();
            return widely(element, || Self::contract(Element::F32, &pairs));
        }
        let zero = Self(Scalar::from_i64(element, 0));
        pairs.iter().rev().fold(zero, |sum, (left, right)| {
            let is_fused = element.is_float() && Random::new(left.0.bits ^ right.0.bits).chance(50);
            if is_fused {
                let pairs = [(left.0, right.0), (sum.0, Scalar::from_i64(element, 1))];
                return Self(eval::contract(element, &pairs));
            }
            Self::binary(Binary::Add, &sum, &Self::binary(Binary::Mul, left, right))
        })
    }
    fn position(&self) -> Option<i64> {
        Some(self.0.to_i64())
    }
    fn unknown(element: Element) -> Self {
        Self(Scalar::from_i64(element, 0))
    }
}

fn worst(Case { graph, arguments }: &Case) -> Result<Vec<Value>, String> {
    let symbols = bind(graph, arguments)?;
    let items = |value: &Value| value.scalars().into_iter().map(Worst).collect();
    let parameters = arguments.iter().map(|value| Tensor::new(&value.shape, items(value)));
    let results = walk(graph, &symbols, parameters.collect())?;
    let values = results.into_iter().zip(&graph.results).map(|(tensor, result)| {
        let data = tensor.items.iter().map(|item| item.0.bits).collect();
        Value::from_bits(graph.element(result.node), &tensor.shape, data)
    });
    Ok(values.collect())
}

fn admitted(case: &Case) -> Result<(), String> {
    for (bounded, value) in bounds(&case.graph, &case.arguments)?.iter().zip(worst(case)?) {
        bounded.admits(&value).map_err(|mismatch| mismatch.to_string())?;
    }
    Ok(())
}

#[test]
fn bounds_admit_the_worst() {
    let plain = (0..3000).map(|seed| generate(seed, 2 + (seed % 24) as usize));
    let smooth = (0..1000).map(|seed| generate_differentiable(seed, 2 + (seed % 24) as usize));
    for case in plain.chain(smooth) {
        if admitted(&case).is_err() {
            let small = shrink(&case, |case| admitted(case).is_err());
            let arguments: Vec<String> = small.arguments.iter().map(Value::to_string).collect();
            panic!("{:?}\n{}\nof ({})", admitted(&small), small.graph, arguments.join(", "));
        }
    }
}
