//! Products of matrices: of symbolic and of fixed extents, with what follows them; distances and convolutions by them.

use defn::prelude::*;

use crate::inputs::normal;
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{Near, all, check, exact, plus_row, product, sampled, sum, transposed};

#[defn]
fn matmul(a: Tensor<f32, m, k>, b: Tensor<f32, k, n>) -> Tensor<f32, m, n> {
    a.dot(b, k)
}

/// A workload of square matrices, by a function of its own or by [`matmul`].
macro_rules! square {
    ($($name:ident $extent:literal $function:ident;)*) => {$(
        pub(crate) fn $name(stopwatch: &Stopwatch) -> Verdict<Times> {
            let (a, b) = (normal([$extent, $extent], 1), normal([$extent, $extent], 2));
            stopwatch.time(
                &(a.clone(), b.clone()),
                |(a, b)| $function(a, b),
                |(a, b), y| $function::into(a, b, y),
                |y| check(y, &product(&all(&a), &all(&b), [$extent; 3])),
            )
        }
    )*};
}

#[defn]
fn fixed_8(a: Tensor<f32, m<8>, k<8>>, b: Tensor<f32, k<8>, n<8>>) -> Tensor<f32, m<8>, n<8>> {
    a.dot(b, k)
}

#[defn]
fn fixed_16(
    a: Tensor<f32, m<16>, k<16>>,
    b: Tensor<f32, k<16>, n<16>>,
) -> Tensor<f32, m<16>, n<16>> {
    a.dot(b, k)
}

#[defn]
fn fixed_32(
    a: Tensor<f32, m<32>, k<32>>,
    b: Tensor<f32, k<32>, n<32>>,
) -> Tensor<f32, m<32>, n<32>> {
    a.dot(b, k)
}

square! {
    matmul_8 8 fixed_8;
    matmul_16 16 fixed_16;
    matmul_32 32 fixed_32;
    matmul_64 64 matmul;
    matmul_256 256 matmul;
    matmul_512 512 matmul;
    matmul_1024 1024 matmul;
    matmul_2048 2048 matmul;
}

pub(crate) fn matmul_4096(stopwatch: &Stopwatch) -> Verdict<Times> {
    of_extents([4096; 3], stopwatch)
}

pub(crate) fn matmul_8192(stopwatch: &Stopwatch) -> Verdict<Times> {
    of_extents([8192; 3], stopwatch)
}

/// The extents that `product_MxKxN` names.
pub(crate) fn extents(name: &str) -> Option<[usize; 3]> {
    let extents = name.strip_prefix("product_")?.split('x').map(|extent| extent.parse().ok());
    extents.collect::<Option<Vec<usize>>>()?.try_into().ok()
}

/// Products of more multiply-adds than this are compared in a sample of their rows.
const ALL: usize = 1 << 31;
const SAMPLE: usize = 16;

/// The product of two matrices of any extents.
pub(crate) fn of_extents([m, k, n]: [usize; 3], stopwatch: &Stopwatch) -> Verdict<Times> {
    let (a, b) = (normal([m, k], 1), normal([k, n], 2));
    let rows = sampled(m, if m * k * n <= ALL { m } else { SAMPLE });
    let of_rows =
        |x: &Tensor<f32, 2>, width| Tensor::from_fn([rows.len(), width], |[i, j]| x[[rows[i], j]]);
    stopwatch.time(
        &(a.clone(), b.clone()),
        |(a, b)| matmul(a, b),
        |(a, b), y| matmul::into(a, b, y),
        |y| {
            let expected = product(&all(&of_rows(&a, k)), &all(&b), [rows.len(), k, n]);
            check(&of_rows(y, n), &expected)
        },
    )
}

#[defn]
fn layer(
    x: Tensor<f32, batch, inp>,
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
) -> Tensor<f32, batch, out> {
    (x.dot(w, inp) + b).max(0.0)
}

pub(crate) fn matmul_bias_relu_512x1024x1024(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (x, w, b) = (normal([512, 1024], 1), normal([1024, 1024], 2), normal([1024], 3));
    let expected = || {
        let affine = plus_row(&product(&all(&x), &all(&w), [512, 1024, 1024]), &all(&b));
        affine.into_iter().map(Near::relu).collect::<Vec<_>>()
    };
    stopwatch.time(
        &(x.clone(), w.clone(), b.clone()),
        |(x, w, b)| layer(x, w, b),
        |(x, w, b), y| layer::into(x, w, b, y),
        |y| check(y, &expected()),
    )
}

/// The distance of every point from every point.
#[defn]
fn distances(x: Tensor<f32, point, dim>) -> Tensor<f32, point, other<point>> {
    let size = x.square().sum(dim);
    let y = x.rename(point, other);
    (size + size.rename(point, other) - 2.0 * x.dot(y, dim)).max(0.0).sqrt()
}

pub(crate) fn pairwise_dist_2048x64(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (points, width) = (2048, 64);
    let x = normal([points, width], 1);
    let expected = || {
        let all = all(&x);
        let sizes: Vec<Near> =
            all.chunks(width).map(|row| sum(row.iter().map(|x| *x * *x))).collect();
        let products = product(&all, &transposed(&all, [points, width]), [points, width, points]);
        let distance = |(position, product): (usize, Near)| {
            let sizes = sizes[position / points] + sizes[position % points];
            (sizes - exact(2.0) * product).relu().sqrt()
        };
        products.into_iter().enumerate().map(distance).collect::<Vec<_>>()
    };
    stopwatch.time(&x, |x| distances(x), distances::into, |y| check(y, &expected()))
}

/// A convolution of the same extent: three by three, with zeros around.
#[defn]
fn convolution(
    x: Tensor<f32, batch, channel, h, w>,
    filters: Tensor<f32, filter, channel, kh<3>, kw<3>>,
) -> Tensor<f32, batch, filter, h, w> {
    let x = x.window(h, kh = 3, padding = (1, 1)).window(w, kw = 3, padding = (1, 1));
    x.dot(filters, (channel, kh, kw))
}

pub(crate) fn conv2d_3x3_c64_56(stopwatch: &Stopwatch) -> Verdict<Times> {
    const SIDE: usize = 56;
    let (x, filters) = (normal([1, 64, SIDE, SIDE], 1), normal([64, 64, 3, 3], 2));
    // A column for each pixel: what every filter is multiplied with there.
    let columns = || {
        let mut columns = Vec::with_capacity(64 * 9 * SIDE * SIDE);
        for (channel, down, across) in (0..64 * 9).map(|row| (row / 9, row / 3 % 3, row % 3)) {
            for (i, j) in (0..SIDE * SIDE).map(|pixel| (pixel / SIDE, pixel % SIDE)) {
                let (i, j) = ((i + down).wrapping_sub(1), (j + across).wrapping_sub(1));
                let inside = i < SIDE && j < SIDE;
                columns.push(exact(if inside { x[[0, channel, i, j]] } else { 0.0 }));
            }
        }
        columns
    };
    stopwatch.time(
        &(x.clone(), filters.clone()),
        |(x, filters)| convolution(x, filters),
        |(x, filters), y| convolution::into(x, filters, y),
        |y| check(y, &product(&all(&filters), &columns(), [64, 64 * 9, SIDE * SIDE])),
    )
}
