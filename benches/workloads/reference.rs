//! What workloads should compute: arithmetic in `f64` that carries along how far `f32` arithmetic may be from it.
//!
//! Before: plain loops over [`Near`] values.   Afterwards: an element is right if it lies within its own error.
//!
//! | operation | what it adds to the errors of its operands |
//! |---|---|
//! | `+ - * /` and square roots | half a unit in the last place of the result |
//! | `exp`, `tanh` and their like | 2 units in the last place, as the library of functions promises |
//! | sums and products of matrices | see Note [Sums] |
//!
//! Errors of operands are passed on by the slope of the operation.
//!
//! # Note [Sums]
//!
//! A sum of n terms t rounds each of its partial sums s by at most u|s|, u being half a unit in the last place.
//! In which order the terms are added is free, so these roundings are taken as independent, with mean zero:
//! by Hoeffding's inequality their sum is past λu√Σs² with probability 2exp(-λ²/2), which for λ = 8 is 10⁻¹⁴
//! (Higham and Mary, A new approach to probabilistic rounding error analysis, 2019).
//! For terms in random order, the mean of s² after k of them is at most k·mean(t²) + k²·mean(t)²,
//! so Σs² is n·Σt²/2 + n·(Σt)²/3; rounding the terms themselves, if they are products, adds Σt².
//! Several sums side by side have smaller partial sums.
//!
//! The errors e of the terms have a part that is independent, which adds up to √Σe²,
//! and a part that all terms share, such as that of a common divisor: it is at most the share √Σe²/√Σt² of the sum.

use std::ops::{Add, Div, Mul, Neg, Sub};

use defn::Tensor;

use crate::measure::Verdict;

/// Half a unit in the last place of 1.
const UNIT: f64 = f32::EPSILON as f64 / 2.0;

/// What functions promise: 2 units in the last place, of which each is at most twice [`UNIT`].
const FUNCTION: f64 = 4.0 * UNIT;

/// λ of Note [Sums].
const SIGMAS: f64 = 8.0;

/// A number, and how far from it a right result may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Near {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

/// An exact value.
pub(crate) fn exact(value: f32) -> Near {
    Near { value: f64::from(value), error: 0.0 }
}

/// All elements, exact, in their order.
pub(crate) fn all<const RANK: usize>(x: &Tensor<f32, RANK>) -> Vec<Near> {
    x.iter().copied().map(exact).collect()
}

/// So many positions of `count` from the first to the last, or all of them if there are no more.
pub(crate) fn sampled(count: usize, sample: usize) -> Vec<usize> {
    if count <= sample {
        return (0..count).collect();
    }
    (0..sample).map(|at| at * (count - 1) / (sample - 1).max(1)).collect()
}

/// A value that may be off by an error that was found in another way.
pub(crate) fn within(value: f64, error: f64) -> Near {
    Near { value, error }
}

/// A number of the program, which is rounded to `f32` there.
pub(crate) fn constant(value: f64) -> Near {
    Near { value, error: UNIT * value.abs() }
}

impl Near {
    /// One rounding more.
    fn rounded(value: f64, error: f64) -> Self {
        Self { value, error: error + UNIT * value.abs() }
    }

    /// The rounding of a function more.
    fn of_function(value: f64, error: f64) -> Self {
        Self { value, error: error + FUNCTION * value.abs() }
    }

    pub(crate) fn exp(self) -> Self {
        let value = self.value.exp();
        Self::of_function(value, value * self.error.exp_m1())
    }

    pub(crate) fn ln(self) -> Self {
        Self::of_function(self.value.ln(), self.error / (self.value - self.error))
    }

    pub(crate) fn sin(self) -> Self {
        Self::of_function(self.value.sin(), self.error)
    }

    pub(crate) fn tanh(self) -> Self {
        Self::of_function(self.value.tanh(), self.error)
    }

    /// The slope of the error function is at most 2/√π.
    pub(crate) fn erf(self) -> Self {
        Self::of_function(core_math::erf(self.value), std::f64::consts::FRAC_2_SQRT_PI * self.error)
    }

    pub(crate) fn sqrt(self) -> Self {
        let (low, high) = ((self.value - self.error).max(0.0), self.value + self.error);
        Self::rounded(self.value.sqrt(), high.sqrt() - low.sqrt())
    }

    pub(crate) fn rsqrt(self) -> Self {
        let slope = 0.5 * (self.value - self.error).powf(-1.5);
        Self::of_function(self.value.sqrt().recip(), slope * self.error)
    }

    /// The larger of two.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { value: self.value.max(other.value), error: self.error.max(other.error) }
    }

    /// `max(0)`.
    pub(crate) fn relu(self) -> Self {
        self.max(exact(0.0))
    }

    /// This gradient before `max(0)` of `x`; which side of zero `x` lies on may be unclear.
    pub(crate) fn through_relu(self, x: Self) -> Self {
        let value = if x.value > 0.0 { self.value } else { 0.0 };
        let unclear = if x.value.abs() <= x.error { self.value.abs() } else { 0.0 };
        Self { value, error: self.error + unclear }
    }
}

impl Neg for Near {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, error: self.error }
    }
}

impl Add for Near {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::rounded(self.value + other.value, self.error + other.error)
    }
}

impl Sub for Near {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Near {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let errors =
            self.value.abs() * other.error + (other.value.abs() + other.error) * self.error;
        Self::rounded(self.value * other.value, errors)
    }
}

impl Div for Near {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let errors = self.error + value.abs() * other.error;
        Self::rounded(value, errors / (other.value.abs() - other.error))
    }
}

/// The sum of terms in any order: see Note [Sums].
pub(crate) fn sum(terms: impl IntoIterator<Item = Near>) -> Near {
    running_sum(terms).last().unwrap_or(Near { value: 0.0, error: 0.0 })
}

/// The sums of the first terms, from one to all, in any order: see Note [Sums].
pub(crate) fn running_sum(terms: impl IntoIterator<Item = Near>) -> impl Iterator<Item = Near> {
    let (mut count, mut value, mut squares, mut errors) = (0.0, 0.0, 0.0, 0.0);
    let next = move |term: Near| {
        count += 1.0;
        value += term.value;
        squares += term.value * term.value;
        errors += term.error * term.error;
        let passed = f64::sqrt(errors) + share(errors, squares) * f64::abs(value);
        Near { value, error: passed + of_sum(count, value, squares) }
    };
    terms.into_iter().map(next)
}

/// The share of the values that their errors have, both by their squares.
fn share(errors: f64, values: f64) -> f64 {
    if values > 0.0 { (errors / values).sqrt() } else { 0.0 }
}

/// What adding up `count` terms adds to their errors: see Note [Sums].
fn of_sum(count: f64, value: f64, squares: f64) -> f64 {
    SIGMAS * UNIT * (count * (squares / 2.0 + value * value / 3.0) + squares).sqrt()
}

/// The sum of terms divided by their number.
pub(crate) fn mean(terms: &[Near]) -> Near {
    sum(terms.iter().copied()) / exact(terms.len() as f32)
}

/// The exponentials of a row divided by their sum.
pub(crate) fn softmax(row: &[Near]) -> Vec<Near> {
    let most = row.iter().copied().reduce(Near::max).expect("a row has elements");
    let powers: Vec<Near> = row.iter().map(|x| (*x - most).exp()).collect();
    let total = sum(powers.iter().copied());
    powers.into_iter().map(|power| power / total).collect()
}

/// The rows of a matrix, each changed by itself.
pub(crate) fn by_rows(x: &[Near], width: usize, row: impl Fn(&[Near]) -> Vec<Near>) -> Vec<Near> {
    x.chunks(width).flat_map(row).collect()
}

/// A row added to every row of a matrix.
pub(crate) fn plus_row(x: &[Near], row: &[Near]) -> Vec<Near> {
    x.iter().zip(row.iter().cycle()).map(|(x, b)| *x + *b).collect()
}

/// The sum of the rows of a matrix.
pub(crate) fn sum_of_rows(x: &[Near], width: usize) -> Vec<Near> {
    (0..width).map(|j| sum(x.iter().skip(j).step_by(width).copied())).collect()
}

/// The transposed matrix.
pub(crate) fn transposed(x: &[Near], [rows, columns]: [usize; 2]) -> Vec<Near> {
    (0..columns).flat_map(|j| (0..rows).map(move |i| x[i * columns + j])).collect()
}

/// The product of an `m` by `k` and a `k` by `n` matrix.
///
/// Sums of squares of products come from rows and columns, by Cauchy and Schwarz: Σa²b² ≤ √(Σa⁴Σb⁴).
pub(crate) fn product(a: &[Near], b: &[Near], [m, k, n]: [usize; 3]) -> Vec<Near> {
    assert_eq!((a.len(), b.len()), (m * k, k * n));
    let values = product_of_values(a, b, [m, k, n]);
    let columns = transposed(b, [k, n]);
    let of_rows: Vec<Line> = (0..m).map(|i| Line::of(&a[i * k..][..k])).collect();
    let of_columns: Vec<Line> = (0..n).map(|j| Line::of(&columns[j * k..][..k])).collect();
    let element = |(position, value): (usize, f64)| {
        let (row, column) = (&of_rows[position / n], &of_columns[position % n]);
        let independent = row.values * column.errors + row.errors * column.values;
        let shared = (row.share + column.share) * value.abs();
        let error = independent.sqrt() + shared;
        Near { value, error: error + of_sum(k as f64, value, row.values * column.values) }
    };
    values.into_iter().enumerate().map(element).collect()
}

/// What a row or a column adds to the errors of a product.
struct Line {
    /// The norm of the squares of the values.
    values: f64,
    /// The norm of the squares of the errors.
    errors: f64,
    share: f64,
}

impl Line {
    fn of(line: &[Near]) -> Self {
        let total = |of: fn(&Near) -> f64| line.iter().map(of).sum::<f64>();
        Self {
            values: total(|x| x.value.powi(4)).sqrt(),
            errors: total(|x| x.error.powi(4)).sqrt(),
            share: share(total(|x| x.error.powi(2)), total(|x| x.value.powi(2))),
        }
    }
}

/// Rows of the product that are in flight at once, so that a row of `b` is read once for all of them.
const ROWS: usize = 4;

fn product_of_values(a: &[Near], b: &[Near], [m, k, n]: [usize; 3]) -> Vec<f64> {
    let b: Vec<f64> = b.iter().map(|b| b.value).collect();
    let mut product = vec![0.0; m * n];
    if k == 0 || n == 0 {
        return product;
    }
    for (a, rows) in a.chunks(ROWS * k).zip(product.chunks_mut(ROWS * n)) {
        for (inner, b) in b.chunks(n).enumerate() {
            for (a, row) in a.chunks(k).zip(rows.chunks_mut(n)) {
                let a = a[inner].value;
                row.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
            }
        }
    }
    product
}

/// Whether each element is near; if so, how far off the worst is, as a share of what is tolerated.
pub(crate) fn check<const RANK: usize>(
    found: &Tensor<f32, RANK>,
    expected: &[Near],
) -> Verdict<f64> {
    if found.len() != expected.len() {
        return Err(format!("{} elements instead of {}", found.len(), expected.len()));
    }
    let mut worst = 0.0f64;
    for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
        let Near { value, error } = *expected;
        let apart = (f64::from(*found) - value).abs();
        // The result is rounded once more, to a number that may be below the normal ones.
        let tolerated = error + UNIT * value.abs() + f64::from(f32::MIN_POSITIVE);
        // False for NaN, too, on either side.
        let is_near = apart <= tolerated && tolerated.is_finite();
        if !is_near {
            return Err(format!(
                "element {position} is {found:e}, should be {value:e}, apart by {apart:e}, tolerated {tolerated:e}"
            ));
        }
        worst = worst.max(apart / tolerated);
    }
    Ok(worst)
}
