//! What the operations answer: types and sentences. Values are checked by file tests.

use super::{AxisRef, Bound, Literal, Result, Tensor};
use crate::graph::build::Builder;
use crate::graph::{Binary, Dim, Element, TensorType};

/// A builder, and a way to declare parameters such as `"batch features=4 _=3"`.
fn tensor(b: &mut Builder, element: Element, axes: &str) -> Tensor {
    let (mut names, mut shape) = (Vec::new(), Vec::new());
    for axis in axes.split_whitespace() {
        let (name, extent) = axis.split_once('=').unwrap_or((axis, axis));
        names.push((name != "_").then(|| name.to_owned()));
        shape.push(match extent.parse::<i64>() {
            Ok(value) => Dim::from(value),
            Err(_) => Dim::from(b.symbol(extent)),
        });
    }
    let node = b.parameter("x", TensorType::new(element, shape));
    Tensor::new(node, names)
}

fn name(axis: &str) -> AxisRef {
    AxisRef::Name(axis.to_owned())
}

/// The type of the result, or the rule that was broken.
fn check(b: &Builder, result: Result<Tensor>, expected: &str) {
    let found = match result {
        Ok(tensor) => super::show(b, &tensor),
        Err(mistake) => mistake.rule().to_owned(),
    };
    assert_eq!(found, expected);
}

#[test]
fn operands_align_by_name() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "batch features");
    let w = tensor(&mut b, Element::F32, "hidden features");
    let added = super::arithmetic(&mut b, Binary::Add, &x, &w);
    check(&b, added, "Tensor<f32, batch, features, hidden>");
    let other = tensor(&mut b, Element::F32, "features=4");
    let added = super::arithmetic(&mut b, Binary::Add, &x, &other);
    check(&b, added, "extents-unrelated");
    let double = tensor(&mut b, Element::F64, "batch");
    let added = super::arithmetic(&mut b, Binary::Add, &x, &double);
    check(&b, added, "elements-differ");
}

#[test]
fn unnamed_axes_align_by_position() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "_=4 _=1");
    let y = tensor(&mut b, Element::F32, "_=1 _=3");
    let named = tensor(&mut b, Element::F32, "n");
    let line = tensor(&mut b, Element::F32, "_=3");
    let sum = super::arithmetic(&mut b, Binary::Add, &x, &y);
    check(&b, sum, "Tensor<f32, {4}, {3}>");
    let sum = super::arithmetic(&mut b, Binary::Add, &x, &named);
    check(&b, sum, "named-meets-unnamed");
    let sum = super::arithmetic(&mut b, Binary::Add, &x, &line);
    check(&b, sum, "unnamed-count");
}

#[test]
fn dot_keeps_the_order_of_the_left_side() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "query head dim");
    let y = tensor(&mut b, Element::F32, "head key dim");
    let dot = super::dot(&mut b, &x, &y, &[name("dim")]);
    check(&b, dot, "Tensor<f32, query, head, key>");
    let square = tensor(&mut b, Element::F64, "i=n j=n");
    let dot = super::dot_pairs(&mut b, &square, &square, &[(name("j"), name("i"))]);
    check(&b, dot, "Tensor<f64, i<n>, j<n>>");
}

#[test]
fn reductions_refuse_what_would_overflow() {
    let mut b = Builder::new("f");
    let bytes = tensor(&mut b, Element::U8, "n");
    let truths = tensor(&mut b, Element::Bool, "n");
    let whole = tensor(&mut b, Element::I32, "n m");
    let result = super::sum(&mut b, &bytes, &[]);
    check(&b, result, "narrow-sum");
    let result = super::sum(&mut b, &truths, &[]);
    check(&b, result, "sum-of-bool");
    let result = super::mean(&mut b, &whole, &[]);
    check(&b, result, "integer-mean");
    let result = super::argmax(&mut b, &whole, &[name("m")]);
    check(&b, result, "Tensor<i64, n>");
    let result = super::softmax(&mut b, &whole, &[name("k")]);
    check(&b, result, "unknown-axis");
}

#[test]
fn split_computes_one_part() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "batch features");
    let parts = [("head".to_owned(), None), ("dim".to_owned(), Some(Dim::from(64)))];
    let split = super::split(&mut b, &x, &name("features"), &parts).unwrap();
    assert_eq!(b.graph().checks.len(), 1);
    let merged = super::merge(&mut b, &split, &[name("head"), name("dim")], "features");
    check(&b, merged, "Tensor<f32, batch, features>");
    let fixed = tensor(&mut b, Element::F32, "features=100");
    let split = super::split(&mut b, &fixed, &name("features"), &parts);
    check(&b, split, "split-extents");
}

#[test]
fn slices_between_extents() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "time");
    let n = Dim::from(b.symbol("time"));
    let one = Bound::Extent(Dim::from(1));
    let rest = super::slice(&mut b, &x, &name("time"), &one, None);
    check(&b, rest, "Tensor<f32, time<{time - 1}>>");
    assert_eq!(b.graph().checks.len(), 1, "1 <= time is not known");
    let beyond = Bound::Extent(n + Dim::from(1));
    let outside = super::slice(&mut b, &x, &name("time"), &one, Some(&beyond));
    check(&b, outside, "slice-outside");
}

#[test]
fn slices_from_a_computed_start_have_a_known_length() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "batch time");
    let i = tensor(&mut b, Element::I64, "");
    let three = Tensor::scalar(b.number(Element::I64, 3.0));
    let end = super::arithmetic(&mut b, Binary::Add, &i, &three).unwrap();
    let (start, end) = (Bound::Value(i.clone()), Bound::Value(end));
    let part = super::slice(&mut b, &x, &name("time"), &start, Some(&end));
    check(&b, part, "Tensor<f32, batch, time<3>>");
    let part = super::slice(&mut b, &x, &name("time"), &start, None);
    check(&b, part, "slice-length");
}

#[test]
fn shared_names_of_positions_are_walked_together() {
    let mut b = Builder::new("f");
    let table = tensor(&mut b, Element::F32, "vocab width");
    let ids = tensor(&mut b, Element::I32, "batch time");
    let taken = super::take(&mut b, &table, &name("vocab"), &ids);
    check(&b, taken, "Tensor<f32, batch, time, width>");
    let logits = tensor(&mut b, Element::F32, "class batch");
    let labels = tensor(&mut b, Element::I32, "batch");
    let taken = super::take(&mut b, &logits, &name("class"), &labels);
    check(&b, taken, "Tensor<f32, batch>");
    let values = tensor(&mut b, Element::F32, "width batch time");
    let added = super::add_at(&mut b, &table, &name("vocab"), (&ids, &values));
    check(&b, added, "Tensor<f32, vocab, width>");
    let values = tensor(&mut b, Element::F32, "batch");
    let added = super::add_at(&mut b, &logits, &name("class"), (&labels, &values));
    check(&b, added, "Tensor<f32, class, batch>");
}

#[test]
fn joined_tensors_have_the_same_axes() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::F32, "batch time");
    let y = tensor(&mut b, Element::F32, "time=3 batch");
    let joined = super::concat(&mut b, &name("time"), &[&x, &y]);
    check(&b, joined, "Tensor<f32, batch, time<{time + 3}>>");
    let stacked = super::stack(&mut b, "pair", &[&x, &x]);
    check(&b, stacked, "Tensor<f32, pair<2>, batch, time>");
    let stacked = super::stack(&mut b, "pair", &[&x, &y]);
    check(&b, stacked, "extents-unrelated");
}

#[test]
fn literals_are_exact_until_they_meet_a_type() {
    let mut b = Builder::new("f");
    let three = super::literal(&mut b, &Literal::Integer(3), Element::F32);
    check(&b, three, "f32");
    let half = super::literal(&mut b, &Literal::Float(0.5), Element::I32);
    check(&b, half, "float-literal");
    let large = super::literal(&mut b, &Literal::Integer(300), Element::U8);
    check(&b, large, "literal-range");
}

#[test]
fn powers_of_integers_are_products() {
    let mut b = Builder::new("f");
    let x = tensor(&mut b, Element::I32, "n");
    let cube = super::power(&mut b, &x, 3);
    check(&b, cube, "Tensor<i32, n>");
    let one = super::power(&mut b, &x, 0);
    check(&b, one, "Tensor<i32, n>");
    let inverse = super::power(&mut b, &x, -1);
    check(&b, inverse, "integer-exponent");
}
