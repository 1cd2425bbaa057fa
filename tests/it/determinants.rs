//! `det` and `logdet` beside an elimination in Rust, and their derivatives.

use crate::support::{SUM_F64, floats, near, slopes};
use defn::prelude::*;

#[defn]
fn det(a: Tensor<f64, i<n>, j<n>>) -> f64 {
    a.det(i, j)
}

#[defn]
fn logdet(a: Tensor<f64, i<n>, j<n>>) -> f64 {
    a.logdet(i, j)
}

#[defn]
fn small(a: Tensor<f64, k, i<5>, j<5>>) -> (Tensor<f64, k>, Tensor<f64, k>) {
    (a.det(i, j), a.logdet(i, j))
}

#[defn]
fn large(a: Tensor<f64, i<70>, k, j<70>>) -> (Tensor<f64, k>, Tensor<f64, k>) {
    (a.det(i, j), a.logdet(i, j))
}

/// The determinant by elimination with the largest pivot, and the logarithm of its size.
fn expected(n: usize, a: impl Fn(usize, usize) -> f64) -> (f64, f64) {
    let mut rows: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| a(i, j)).collect()).collect();
    let (mut det, mut log) = (1.0, 0.0);
    for k in 0..n {
        let largest = (k..n).max_by(|i, j| rows[*i][k].abs().total_cmp(&rows[*j][k].abs()));
        let largest = largest.expect("a row is left");
        if largest != k {
            rows.swap(k, largest);
            det = -det;
        }
        let pivot = rows[k].clone();
        det *= pivot[k];
        log += pivot[k].abs().ln();
        for row in rows.iter_mut().skip(k + 1).filter(|_| pivot[k] != 0.0) {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(entry, pivot)| *entry -= factor * pivot);
        }
    }
    (det, log)
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= SUM_F64 * expected.abs().max(1.0), "{found} {expected}");
}

#[test]
fn the_product_of_the_pivots() {
    for n in [0, 1, 2, 3, 5, 8, 9, 17, 40] {
        let a = floats::<f64, 2>([n, n], n as u64);
        let (value, log) = expected(n, |i, j| a[[i, j]]);
        close(det(&a), value);
        close(logdet(&a), log);
    }
    let a = floats::<f64, 3>([6, 5, 5], 3);
    let (dets, logs) = small(&a);
    near(&dets, SUM_F64, |[k]| expected(5, |i, j| a[[k, i, j]]).0);
    near(&logs, SUM_F64, |[k]| expected(5, |i, j| a[[k, i, j]]).1);
    // By blocks, whose rows change places in each.
    let a = floats::<f64, 3>([70, 3, 70], 6);
    let (dets, logs) = large(&a);
    for k in 0..3 {
        let (value, log) = expected(70, |i, j| a[[i, k, j]]);
        assert!((dets[[k]] / value - 1.0).abs() <= 70.0 * SUM_F64, "{} {value}", dets[[k]]);
        close(logs[[k]], log);
    }
    assert_eq!(large(&Tensor::zeros([70, 0, 70])).0.shape(), [0]);
}

#[test]
fn rows_that_change_places_change_the_sign() {
    let turned = Tensor::from([[0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [5.0, 0.0, 0.0]]);
    assert_eq!(det(&turned), 30.0);
    assert_eq!(det(&Tensor::from([[0.0, 2.0], [3.0, 0.0]])), -6.0);
    assert_eq!(logdet(&Tensor::from([[0.0, 2.0], [3.0, 0.0]])), 3.0_f64.ln() + 2.0_f64.ln());
    assert_eq!((det(&Tensor::zeros([0, 0])), logdet(&Tensor::zeros([0, 0]))), (1.0, 0.0));
}

#[test]
fn singular_matrices_have_none() {
    for a in [
        Tensor::from([[1.0, 2.0], [2.0, 4.0]]),
        // A column of zeros in front leaves the others.
        Tensor::from([[0.0, 1.0], [0.0, 2.0]]),
        Tensor::zeros([4, 4]),
        Tensor::zeros([12, 12]),
    ] {
        assert_eq!((det(&a), logdet(&a)), (0.0, f64::NEG_INFINITY));
    }
    let of_zeros =
        Tensor::from_fn([5, 5, 5], |[k, i, j]| if j == k { 0.0 } else { (i * j) as f64 });
    assert_eq!(small(&of_zeros).0, Tensor::zeros([5]));
    assert_eq!(large(&Tensor::zeros([70, 2, 70])).1, Tensor::from([f64::NEG_INFINITY; 2]));
    assert!(det(&Tensor::from([[0.0, 1.0], [0.0, f64::NAN]])).is_nan());
}

#[defn]
fn scaled<T: Float>(a: Tensor<T, i<n>, j<n>>, by: T) -> (T, T) {
    ((a * by).det(i, j), (a * by).logdet(i, j))
}

#[test]
fn the_logarithm_neither_overflows_nor_vanishes() {
    let unit = Tensor::<f32, 2>::from_fn([40, 40], |[i, j]| if i == j { 1.0 } else { 0.0 });
    for (by, value) in [(1e4, f32::INFINITY), (1e-4, 0.0)] {
        let (det, log) = scaled(&unit, by);
        let exact = 40.0 * by.ln();
        assert_eq!(det, value);
        // Each of 40 sums rounds.
        assert!((log - exact).abs() <= 40.0 * f32::EPSILON * exact.abs(), "{log} {exact}");
    }
}

#[test]
fn derivatives_are_those_of_jacobis_formula() {
    for n in [1, 2, 4, 11] {
        let a = Tensor::from_fn([n, n], |[i, j]| {
            floats::<f64, 2>([n, n], 5)[[i, j]] + if i == j { 3.0 } else { 0.0 }
        });
        let found = grad!(logdet)(&a);
        slopes(&found, &a, logdet);
        let value = det(&a);
        let plain = grad!(det)(&a);
        near(&plain, SUM_F64 * value.abs(), |at| value * found[at]);
        let (_, moved) = jvp!(logdet)(&a, &a);
        close(moved, n as f64);
    }
    // The second derivative by the diagonal of a matrix of two rows is 1, and by the elements beside it −1.
    let bend = hessian!(det)(&Tensor::from([[1.0, 2.0], [3.0, 5.0]]));
    close(bend[[0, 0, 1, 1]], 1.0);
    close(bend[[0, 1, 1, 0]], -1.0);
    close(bend[[0, 0, 0, 0]], 0.0);
    assert_eq!(grad!(det)(&Tensor::zeros([0, 0])).shape(), [0, 0]);
}

/// The logarithm of the density of a normal distribution, whose covariance grows in a loop.
#[defn]
fn density(x: Tensor<f64, t, i<n>>, covariance: Tensor<f64, i<n>, j<n>>) -> f64 {
    let mut c = covariance;
    let mut sum = 0.0_f64;
    for row in x.along(t) {
        let solved = c.solve(row, i, j);
        sum -= 0.5 * (row.rename(i, j).dot(solved, j) + c.logdet(i, j));
        c = c * 1.5;
    }
    sum
}

#[test]
fn in_loops_and_maps() {
    let a = Tensor::from([[2.0, 0.5], [0.5, 1.0]]);
    let x = floats::<f64, 2>([3, 2], 4);
    let found = grad!(density, wrt = covariance)(&x, &a);
    slopes(&found, &a, |a| density(&x, a));
    let many = floats::<f64, 3>([4, 3, 3], 9);
    let (mapped, gradients) = vmap!(value_and_grad!(det), over = b)(&many);
    for k in 0..4 {
        let one = Tensor::from_fn([3, 3], |[i, j]| many[[k, i, j]]);
        close(mapped[[k]], det(&one));
        near(&grad!(det)(&one), SUM_F64, |[i, j]| gradients[[k, i, j]]);
    }
}
