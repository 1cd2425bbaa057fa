//! Sums of products: over any axes, with batch axes, written in every way.

use crate::support::{floats, near, of_sums, same, whole};
use defn::prelude::*;

/// Small and odd ones, and ones around the tiles and blocks of a product.
const SHAPES: [[usize; 3]; 11] = [
    [0, 3, 2],
    [3, 0, 2],
    [3, 2, 0],
    [1, 1, 1],
    [1, 17, 33],
    [5, 7, 3],
    [16, 16, 16],
    [31, 9, 18],
    [2, 64, 65],
    [13, 33, 8],
    [9, 35, 131],
];

#[defn]
fn products<T: Float>(
    x: Tensor<T, i, k>,
    y: Tensor<T, k, j>,
) -> (Tensor<T, i, j>, Tensor<T, j, i>, Tensor<T, i, j>, T) {
    (x.dot(y, k), x.dot(y, k), (x * y).sum(k), x.dot(y).sum())
}

#[defn]
fn turned<T: Float>(
    x: Tensor<T, k, i>,
    y: Tensor<T, j, k>,
) -> (Tensor<T, i, j>, Tensor<T, j, i>, Tensor<T, i, j>) {
    (x.dot(y, k), y.dot(x, k), (y * x).sum(k))
}

fn products_of<T: Float>()
where
    f64: From<T>,
{
    for [m, k, n] in SHAPES {
        let (x, y) = (floats::<T, 2>([m, k], 1), floats::<T, 2>([k, n], 2));
        let twin = |i: usize, j: usize| {
            (0..k).map(|k| f64::from(x[[i, k]]) * f64::from(y[[k, j]])).sum::<f64>()
        };
        let found = products(&x, &y);
        near(&found.0, of_sums::<T>(), |[i, j]| twin(i, j));
        near(&found.1, of_sums::<T>(), |[j, i]| twin(i, j));
        near(&found.2, of_sums::<T>(), |[i, j]| twin(i, j));
        let found = turned(&x.transposed().copied(), &y.transposed());
        near(&found.0, of_sums::<T>(), |[i, j]| twin(i, j));
        near(&found.1, of_sums::<T>(), |[j, i]| twin(i, j));
        near(&found.2, of_sums::<T>(), |[i, j]| twin(i, j));
    }
}

#[test]
fn products_of_matrices() {
    products_of::<f32>();
    products_of::<f64>();
}

#[defn]
fn product(x: Tensor<f32, i, k>, y: Tensor<f32, k, j>) -> Tensor<f32, i, j> {
    x.dot(y, k)
}

/// The right operand is so large that it is copied into panels.
#[test]
fn a_product_with_a_large_operand() {
    let [m, k, n] = [50, 515, 516];
    let (x, y) = (floats::<f32, 2>([m, k], 1), floats::<f32, 2>([k, n], 2));
    let found = product(&x, &y);
    let (x, y) = (x.as_slice().unwrap(), y.as_slice().unwrap());
    for (i, row) in found.as_slice().unwrap().chunks(n).enumerate() {
        let mut twin = vec![0.0; n];
        for l in 0..k {
            for j in 0..n {
                twin[j] += f64::from(x[i * k + l]) * f64::from(y[l * n + j]);
            }
        }
        for (found, twin) in row.iter().zip(&twin) {
            assert!((f64::from(*found) - twin).abs() < 1e-3, "{found} against {twin}");
        }
    }
}

#[defn]
fn of_i32(x: Tensor<i32, i, k>, y: Tensor<i32, k, j>) -> Tensor<i32, i, j> {
    x.dot(y, k)
}

#[defn]
fn of_i64(x: Tensor<i64, i, k>, y: Tensor<i64, k, j>) -> Tensor<i64, i, j> {
    x.dot(y, k)
}

#[test]
fn products_of_integers_wrap() {
    for [m, k, n] in SHAPES {
        macro_rules! check {
            ($($type:ident $function:ident;)*) => {$({
                let x = whole::<$type, 2>([m, k], 1).map(|x| x.wrapping_mul($type::MAX / 7));
                let y = whole::<$type, 2>([k, n], 2);
                same(&$function(&x, &y), |[i, j]| {
                    (0..k).fold(0, |sum: $type, k| sum.wrapping_add(x[[i, k]].wrapping_mul(y[[k, j]])))
                });
            })*};
        }
        check! { i32 of_i32; i64 of_i64; }
    }
}

#[defn]
fn batched(
    x: Tensor<f32, head, query, dim>,
    y: Tensor<f32, key, head, dim>,
) -> (Tensor<f32, head, query, key>, Tensor<f32, query, key>, Tensor<f32, head>) {
    let score = x.dot(y, dim);
    (score, x.dot(y, (head, dim)), score.sum(query, key))
}

#[test]
fn shared_axes_that_stay_are_batches() {
    for [h, q, k, d] in
        [[1, 1, 1, 1], [2, 3, 5, 7], [3, 0, 2, 4], [0, 2, 2, 2], [2, 2, 2, 0], [3, 9, 17, 8]]
    {
        let (x, y) = (floats::<f32, 3>([h, q, d], 1), floats::<f32, 3>([k, h, d], 2));
        let twin = |h: usize, q: usize, k: usize| {
            (0..d).map(|d| f64::from(x[[h, q, d]] * y[[k, h, d]])).sum::<f64>()
        };
        let found = batched(&x, &y);
        near(&found.0, of_sums::<f32>(), |[h, q, k]| twin(h, q, k));
        near(&found.1, of_sums::<f32>(), |[q, k]| (0..h).map(|h| twin(h, q, k)).sum());
        near(&found.2, of_sums::<f32>(), |[h]| {
            (0..q).map(|q| (0..k).map(|k| twin(h, q, k)).sum::<f64>()).sum()
        });
    }
}

#[defn]
fn square(
    a: Tensor<f64, i<n>, j<n>>,
    b: Tensor<f64, i<n>, j<n>>,
) -> (Tensor<f64, i<n>, j<n>>, f64, Tensor<f64, i<n>>) {
    let trace_of_product = (a * b).sum();
    (a.dot(b, j = i), trace_of_product, a.dot(b, j))
}

#[test]
fn square_matrices_by_pairs_of_axes() {
    for n in [0, 1, 2, 5, 16, 33] {
        let (a, b) = (floats::<f64, 2>([n, n], 1), floats::<f64, 2>([n, n], 2));
        let found = square(&a, &b);
        near(&found.0, of_sums::<f64>(), |[i, j]| (0..n).map(|k| a[[i, k]] * b[[k, j]]).sum());
        let all: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        near(&Tensor::<f64, 0>::from(found.1), of_sums::<f64>(), |_| all);
        near(&found.2, of_sums::<f64>(), |[i]| (0..n).map(|j| a[[i, j]] * b[[i, j]]).sum());
    }
}

#[defn]
fn three(
    x: Tensor<f64, i, a>,
    y: Tensor<f64, a, b>,
    z: Tensor<f64, b, j>,
) -> (Tensor<f64, i, j>, f64) {
    ((x * y * z).sum(a, b), (x * y * z).sum())
}

#[test]
fn products_of_three_factors() {
    for [i, a, b, j] in [[2, 3, 4, 5], [1, 1, 1, 1], [0, 2, 2, 2], [2, 0, 3, 2], [7, 9, 3, 17]] {
        let (x, y, z) =
            (floats::<f64, 2>([i, a], 1), floats::<f64, 2>([a, b], 2), floats::<f64, 2>([b, j], 3));
        let twin = |i: usize, j: usize| -> f64 {
            (0..a).map(|a| (0..b).map(|b| x[[i, a]] * y[[a, b]] * z[[b, j]]).sum::<f64>()).sum()
        };
        let found = three(&x, &y, &z);
        near(&found.0, of_sums::<f64>(), |[i, j]| twin(i, j));
        let all = (0..i).map(|i| (0..j).map(|j| twin(i, j)).sum::<f64>()).sum::<f64>();
        near(&Tensor::<f64, 0>::from(found.1), of_sums::<f64>(), |_| all);
    }
}

#[defn]
fn layers(
    x: Tensor<f32, batch, pixel<6>>,
    w: Tensor<f32, pixel<6>, hidden>,
    b: Tensor<f32, hidden>,
    v: Tensor<f32, hidden, { 3 }>,
) -> Tensor<f32, batch, { 3 }> {
    (x.dot(w, pixel) + b).max(0.0).dot(v, hidden)
}

#[test]
fn a_layer_behind_a_layer() {
    for [batch, hidden] in [[0, 3], [4, 0], [1, 1], [9, 17]] {
        let (x, w) = (floats::<f32, 2>([batch, 6], 1), floats::<f32, 2>([6, hidden], 2));
        let (b, v) = (floats::<f32, 1>([hidden], 3), floats::<f32, 2>([hidden, 3], 4));
        near(&layers(&x, &w, &b, &v), of_sums::<f32>(), |[i, j]| {
            let active =
                |h: usize| ((0..6).map(|p| x[[i, p]] * w[[p, h]]).sum::<f32>() + b[[h]]).max(0.0);
            (0..hidden).map(|h| f64::from(active(h) * v[[h, j]])).sum()
        });
    }
}

#[defn]
fn outer(x: Tensor<f32, i>, y: Tensor<f32, j>, s: f32) -> (Tensor<f32, i, j>, f32) {
    (x.dot(y) * s, x.dot(x))
}

#[test]
fn a_product_without_a_common_axis_is_the_outer_one() {
    let (x, y) = (floats::<f32, 1>([5], 1), floats::<f32, 1>([3], 2));
    let found = outer(&x, &y, 2.0);
    near(&found.0, of_sums::<f32>(), |[i, j]| f64::from(x[[i]] * y[[j]] * 2.0));
    let all = x.iter().map(|x| f64::from(x * x)).sum::<f64>();
    near(&Tensor::<f32, 0>::from(found.1), of_sums::<f32>(), |_| all);
}

#[defn]
fn unnamed(x: Tensor<f32, { n }, { m }>, y: Tensor<f32, { n }, { m }>) -> Tensor<f32, { n }> {
    (x * y).sum(axis = 1)
}

#[test]
fn products_over_positions() {
    let (x, y) = (floats::<f32, 2>([5, 9], 1), floats::<f32, 2>([5, 9], 2));
    near(&unnamed(&x, &y), of_sums::<f32>(), |[i]| {
        (0..9).map(|j| f64::from(x[[i, j]] * y[[i, j]])).sum()
    });
}

#[defn]
fn plain(x: Tensor<f32, n, k>, w: Tensor<f32, k, m>) -> Tensor<f32, n, m> {
    x.dot(w, k).tanh()
}

#[defn(tf32)]
fn short(x: Tensor<f32, n, k>, w: Tensor<f32, k, m>) -> Tensor<f32, n, m> {
    plain(x, w)
}

#[test]
fn what_a_device_may_round_a_processor_does_not() {
    let number = |at: usize| (at % 37) as f32 * 0.137 - 2.0;
    let x = Tensor::from_fn([9, 33], |[i, j]| number(i * 33 + j));
    let w = Tensor::from_fn([33, 17], |[i, j]| number(i * 17 + 3 * j));
    assert_eq!(short(&x, &w), plain(&x, &w));
}
