//! Operands that meet by name, by position, and with scalars.

use crate::support::{floats, same, whole};
use defn::prelude::*;

#[defn]
fn rows_and_columns(
    x: Tensor<f32, row, column>,
    r: Tensor<f32, row>,
    c: Tensor<f32, column>,
) -> Tensor<f32, row, column> {
    x - r + c * 2.0
}

#[test]
fn names_meet_names() {
    for (rows, columns) in [(0, 3), (3, 0), (1, 1), (1, 9), (9, 1), (5, 17), (7, 33)] {
        let (x, r, c) = (floats([rows, columns], 1), floats([rows], 2), floats([columns], 3));
        let found = rows_and_columns(&x, &r, &c);
        assert_eq!(found.shape(), [rows, columns]);
        same(&found, |[i, j]| x[[i, j]] - r[[i]] + c[[j]] * 2.0);
    }
}

#[defn]
fn table(x: Tensor<i32, a>, y: Tensor<i32, b>) -> Tensor<i32, a, b> {
    x * y
}

#[defn]
fn table_turned(x: Tensor<i32, a>, y: Tensor<i32, b>) -> Tensor<i32, b, a> {
    x * 10 + y
}

#[test]
fn new_names_go_last_and_a_wanted_order_is_kept() {
    for (a, b) in [(0, 2), (1, 1), (4, 3), (17, 5)] {
        let (x, y) = (whole([a], 1), whole([b], 2));
        same(&table(&x, &y), |[i, j]| x[[i]] * y[[j]]);
        let found = table_turned(&x, &y);
        assert_eq!(found.shape(), [b, a]);
        same(&found, |[j, i]| x[[i]] * 10 + y[[j]]);
    }
}

#[defn]
fn three(x: Tensor<f64, a>, y: Tensor<f64, b>, z: Tensor<f64, c>) -> Tensor<f64, c, a, b> {
    x + y * z
}

#[test]
fn three_names_from_three_operands() {
    let (x, y, z) = (floats([3], 1), floats([5], 2), floats([2], 3));
    same(&three(&x, &y, &z), |[c, a, b]| x[[a]] + y[[b]] * z[[c]]);
}

#[defn]
fn positions(
    x: Tensor<f32, { n }, { 3 }>,
    y: Tensor<f32, { 1 }, { 3 }>,
    z: Tensor<f32, { n }, { 1 }>,
) -> Tensor<f32, { n }, { 3 }> {
    x * y + z
}

#[test]
fn unnamed_axes_meet_by_position_and_ones_stretch() {
    for n in [0, 1, 2, 9] {
        let (x, y, z) = (floats([n, 3], 1), floats([1, 3], 2), floats([n, 1], 3));
        same(&positions(&x, &y, &z), |[i, j]| x[[i, j]] * y[[0, j]] + z[[i, 0]]);
    }
}

#[defn]
fn named_and_unnamed(
    x: Tensor<f32, batch, { 2 }>,
    y: Tensor<f32, { 2 }>,
    s: f32,
) -> Tensor<f32, batch, { 2 }> {
    s * x + y
}

#[test]
fn unnamed_axes_beside_named_ones() {
    let (x, y) = (floats([5, 2], 1), floats([2], 2));
    same(&named_and_unnamed(&x, &y, 3.0), |[i, j]| 3.0 * x[[i, j]] + y[[j]]);
}

#[defn]
fn scalars(x: f64, y: f64, k: i64, b: bool, u: u8) -> (f64, i64, bool, u8) {
    (x * y + k as f64, k - 1, !b, u + 250)
}

#[test]
fn scalars_alone() {
    assert_eq!(scalars(2.0, 3.0, 4, true, 7), (10.0, 3, false, 1));
}

#[defn]
fn spread(x: Tensor<f32, n>) -> Tensor<f32, n, k<4>, m<2>> {
    x.broadcast(k = 4, m = 2)
}

#[test]
fn broadcast_repeats_along_new_axes() {
    for n in [0, 1, 5] {
        let x = floats([n], 1);
        same(&spread(&x), |[i, _, _]| x[[i]]);
    }
}
