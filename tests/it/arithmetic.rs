//! Operators and functions of each element, for every element type that has them.

use crate::support::{EXTENTS, FUNCTION_ULPS, between, epsilon, floats, near, same, truths, whole};
use defn::prelude::*;

// A tuple as the result keeps one compiled function per family of operations.

#[defn]
fn operators<T: Number>(
    x: Tensor<T, n>,
    y: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x + y, x - y, x * y, x / y, x % y)
}

#[defn]
fn signs<T: Number>(
    x: Tensor<T, n>,
    y: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (-x, x.abs(), x.sign(), x.max(y), x.min(y), x.clamp(y, 3))
}

#[defn]
fn comparisons<T: Number>(
    x: Tensor<T, n>,
    y: Tensor<T, n>,
) -> (
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
) {
    (x == y, x != y, x < y, x <= y, x > y, x >= y)
}

/// What the language promises for numbers, in Rust.
trait Twin: Number + PartialOrd {
    fn operators(self, y: Self) -> [Self; 5];
    fn signs(self, y: Self) -> [Self; 6];
}

macro_rules! integer_twin {
    ($($type:ident $signum:expr;)*) => {$(
        impl Twin for $type {
            fn operators(self, y: Self) -> [Self; 5] {
                let (quotient, rest) =
                    if y == 0 { (0, self) } else { (self.wrapping_div(y), self.wrapping_rem(y)) };
                [self.wrapping_add(y), self.wrapping_sub(y), self.wrapping_mul(y), quotient, rest]
            }
            fn signs(self, y: Self) -> [Self; 6] {
                let sign: fn(Self) -> Self = $signum;
                let size = if sign(self) == 1 { self } else { self.wrapping_neg() };
                [self.wrapping_neg(), size, sign(self), self.max(y), self.min(y), self.max(y).min(3)]
            }
        }
    )*};
}

integer_twin! {
    i32 i32::signum; i64 i64::signum; u8 |x| u8::from(x > 0);
    u32 |x| u32::from(x > 0); u64 |x| u64::from(x > 0);
}

macro_rules! float_twin {
    ($($type:ident)*) => {$(
        impl Twin for $type {
            fn operators(self, y: Self) -> [Self; 5] {
                [self + y, self - y, self * y, self / y, self % y]
            }
            fn signs(self, y: Self) -> [Self; 6] {
                let sign = if self == 0.0 { self } else { self.signum() };
                [-self, self.abs(), sign, self.max(y), self.min(y), self.max(y).min(3.0)]
            }
        }
    )*};
}

float_twin! { f32 f64 }

macro_rules! compare_with_twin {
    ($type:ident, $x:expr, $y:expr) => {{
        let (x, y) = (&$x, &$y);
        let found = operators::<$type>(x, y);
        let found = [found.0, found.1, found.2, found.3, found.4];
        for (which, found) in found.iter().enumerate() {
            same(found, |at| x[at].operators(y[at])[which]);
        }
        let found = signs::<$type>(x, y);
        let found = [found.0, found.1, found.2, found.3, found.4, found.5];
        for (which, found) in found.iter().enumerate() {
            same(found, |at| x[at].signs(y[at])[which]);
        }
        let found = comparisons::<$type>(x, y);
        same(&found.0, |at| x[at] == y[at]);
        same(&found.1, |at| x[at] != y[at]);
        same(&found.2, |at| x[at] < y[at]);
        same(&found.3, |at| x[at] <= y[at]);
        same(&found.4, |at| x[at] > y[at]);
        same(&found.5, |at| x[at] >= y[at]);
    }};
}

#[test]
fn operators_of_every_number_type() {
    for n in EXTENTS {
        compare_with_twin!(f32, floats::<f32, 1>([n], 1), floats::<f32, 1>([n], 2));
        compare_with_twin!(f64, floats::<f64, 1>([n], 1), floats::<f64, 1>([n], 2));
        compare_with_twin!(i32, whole::<i32, 1>([n], 1), whole::<i32, 1>([n], 2));
        compare_with_twin!(i64, whole::<i64, 1>([n], 1), whole::<i64, 1>([n], 2));
        let bytes = |seed| between::<u8, 1>([n], seed, (0.0, 255.9));
        compare_with_twin!(u8, bytes(1), bytes(2));
        let words = |seed| between::<u32, 1>([n], seed, (0.0, 4.294e9));
        compare_with_twin!(u32, words(1), words(2));
        let long = |seed| between::<u64, 1>([n], seed, (0.0, 1.844e19));
        compare_with_twin!(u64, long(1), long(2));
    }
}

#[test]
fn operators_at_the_edges_of_integers() {
    macro_rules! edges {
        ($($type:ident)*) => {$({
            let edges = [$type::MIN, $type::MIN + 1, 0, 1, 2, $type::MAX - 1, $type::MAX, 0u8.wrapping_sub(1) as $type];
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for x in edges {
                for y in edges {
                    left.push(x);
                    right.push(y);
                }
            }
            compare_with_twin!($type, Tensor::from(left), Tensor::from(right));
            let minus_one = Tensor::from(vec![(0 as $type).wrapping_sub(1); 8]);
            compare_with_twin!($type, Tensor::from(edges.to_vec()), minus_one);
        })*};
    }
    edges! { i32 i64 u8 u32 u64 }
}

#[defn]
fn bits<T: Number>(x: Tensor<T, n>, y: Tensor<T, n>) -> (Tensor<T, n>, Tensor<T, n>) {
    ((x + y).max(x), -(x - y))
}

#[defn]
fn bits_i32(
    x: Tensor<i32, n>,
    y: Tensor<i32, n>,
) -> (Tensor<i32, n>, Tensor<i32, n>, Tensor<i32, n>, Tensor<i32, n>, Tensor<i32, n>, Tensor<i32, n>)
{
    (x & y, x | y, x ^ y, !x, x << y, x >> y)
}

#[defn]
fn bits_i64(
    x: Tensor<i64, n>,
    y: Tensor<i64, n>,
) -> (Tensor<i64, n>, Tensor<i64, n>, Tensor<i64, n>, Tensor<i64, n>, Tensor<i64, n>, Tensor<i64, n>)
{
    (x & y, x | y, x ^ y, !x, x << y, x >> y)
}

#[defn]
fn bits_u8(
    x: Tensor<u8, n>,
    y: Tensor<u8, n>,
) -> (Tensor<u8, n>, Tensor<u8, n>, Tensor<u8, n>, Tensor<u8, n>, Tensor<u8, n>, Tensor<u8, n>) {
    (x & y, x | y, x ^ y, !x, x << y, x >> y)
}

#[defn]
fn bits_u32(
    x: Tensor<u32, n>,
    y: Tensor<u32, n>,
) -> (Tensor<u32, n>, Tensor<u32, n>, Tensor<u32, n>, Tensor<u32, n>, Tensor<u32, n>, Tensor<u32, n>)
{
    (x & y, x | y, x ^ y, !x, x << y, x >> y)
}

#[defn]
fn bits_u64(
    x: Tensor<u64, n>,
    y: Tensor<u64, n>,
) -> (Tensor<u64, n>, Tensor<u64, n>, Tensor<u64, n>, Tensor<u64, n>, Tensor<u64, n>, Tensor<u64, n>)
{
    (x & y, x | y, x ^ y, !x, x << y, x >> y)
}

#[test]
fn bits_of_every_integer_type() {
    macro_rules! check {
        ($($type:ident $function:ident;)*) => {$(
            for n in EXTENTS {
                let x = between::<$type, 1>([n], 3, (-128.0, 255.9));
                // Distances outside the width wrap, as those of Rust's `wrapping_shl`.
                let y = between::<$type, 1>([n], 4, (-3.0, 80.0));
                let found = $function(&x, &y);
                same(&found.0, |at| x[at] & y[at]);
                same(&found.1, |at| x[at] | y[at]);
                same(&found.2, |at| x[at] ^ y[at]);
                same(&found.3, |at| !x[at]);
                same(&found.4, |at| x[at].wrapping_shl(y[at] as u32));
                same(&found.5, |at| x[at].wrapping_shr(y[at] as u32));
            }
        )*};
    }
    check! { i32 bits_i32; i64 bits_i64; u8 bits_u8; u32 bits_u32; u64 bits_u64; }
    let (sum, apart) = bits::<i32>(&Tensor::from(vec![1, -5]), &Tensor::from(vec![2, 3]));
    assert_eq!((sum.to_vec(), apart.to_vec()), (vec![3, -2], vec![1, 8]));
}

#[defn]
fn logic(
    x: Tensor<bool, n>,
    y: Tensor<bool, n>,
) -> (
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
    Tensor<bool, n>,
) {
    (x & y, x | y, x ^ y, !x, x == y, x.max(y))
}

#[defn]
fn short(x: f32, y: f32) -> bool {
    x > 0.0 && y > 0.0 || !(x < y)
}

#[test]
fn logic_of_truth_values() {
    for n in EXTENTS {
        let (x, y) = (truths([n], 1), truths([n], 2));
        let found = logic(&x, &y);
        same(&found.0, |at| x[at] & y[at]);
        same(&found.1, |at| x[at] | y[at]);
        same(&found.2, |at| x[at] ^ y[at]);
        same(&found.3, |at| !x[at]);
        same(&found.4, |at| x[at] == y[at]);
        same(&found.5, |at| x[at] | y[at]);
    }
    assert!(short(1.0, 2.0) && short(-1.0, -2.0) && !short(-2.0, -1.0));
}

#[defn]
fn exponentials<T: Float>(
    x: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.exp(), x.exp2(), x.expm1(), x.sigmoid(), x.exp_m1())
}

#[defn]
fn logarithms<T: Float>(
    x: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.log(), x.log2(), x.log1p(), x.ln(), x.log10(), x.ln_1p())
}

#[defn]
fn roots<T: Float>(
    x: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.sqrt(), x.rsqrt(), x.cbrt(), x.recip(), x.square())
}

#[defn]
fn circle<T: Float>(
    x: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.sin(), x.cos(), x.tan(), x.asin(), x.acos(), x.atan())
}

#[defn]
fn hyperbola<T: Float>(
    x: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.sinh(), x.cosh(), x.tanh(), x.erf())
}

#[defn]
fn rounding<T: Float>(
    x: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.floor(), x.ceil(), x.round(), x.trunc(), x.fract())
}

#[defn]
fn pairs<T: Float>(
    x: Tensor<T, n>,
    y: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (x.abs().pow(y), y.atan2(x), x.hypot(y), x.mul_add(y, 0.5), x.abs().powf(0.5), x.powi(3))
}

/// The rounding errors of the 4,000 terms of [`erf`].
const INTEGRAL: f64 = 1e-13;

/// erf by its integral, with Simpson's rule.
fn erf(x: f64) -> f64 {
    let (parts, density) = (4000, |t: f64| (-t * t).exp());
    let step = x / f64::from(parts);
    let inner: f64 = (1..parts)
        .map(|part| if part % 2 == 1 { 4.0 } else { 2.0 } * density(f64::from(part) * step))
        .sum();
    (density(0.0) + inner + density(x)) * step / 3.0 * std::f64::consts::FRAC_2_SQRT_PI
}

fn functions<T: Float>()
where
    f64: From<T>,
{
    let tolerance = FUNCTION_ULPS * epsilon::<T>();
    for n in EXTENTS {
        macro_rules! check {
            ($function:ident on $domain:expr; $($part:tt $twin:expr),*) => {{
                let x = between::<T, 1>([n], 7, $domain);
                let found = $function(&x);
                $({
                    let twin: fn(f64) -> f64 = $twin;
                    near(&found.$part, tolerance, |at| twin(f64::from(x[at])));
                })*
            }};
        }
        check! { exponentials on (-20.0, 8.0);
        0 f64::exp, 1 f64::exp2, 2 f64::exp_m1, 3 |x| 1.0 / (1.0 + (-x).exp()), 4 f64::exp_m1 }
        check! { logarithms on (1e-3, 1e3);
        0 f64::ln, 1 f64::log2, 2 f64::ln_1p, 3 f64::ln, 4 f64::log10, 5 f64::ln_1p }
        check! { roots on (1e-2, 1e3);
        0 f64::sqrt, 1 |x| 1.0 / x.sqrt(), 2 f64::cbrt, 3 f64::recip, 4 |x| x * x }
        check! { circle on (-1.0, 1.0);
        0 f64::sin, 1 f64::cos, 2 f64::tan, 3 f64::asin, 4 f64::acos, 5 f64::atan }
        check! { hyperbola on (-4.0, 4.0); 0 f64::sinh, 1 f64::cosh, 2 f64::tanh }
        let x = between::<T, 1>([n], 10, (-4.0, 4.0));
        near(&hyperbola(&x).3, tolerance.max(INTEGRAL), |at| erf(f64::from(x[at])));
        check! { rounding on (-4.0, 4.0);
        0 f64::floor, 1 f64::ceil, 2 f64::round, 3 f64::trunc, 4 f64::fract }
        let (x, y) = (floats::<T, 1>([n], 8), floats::<T, 1>([n], 9));
        let found = pairs(&x, &y);
        let both = |at: [usize; 1]| (f64::from(x[at]), f64::from(y[at]));
        near(&found.0, tolerance, |at| both(at).0.abs().powf(both(at).1));
        near(&found.1, tolerance, |at| both(at).1.atan2(both(at).0));
        near(&found.2, tolerance, |at| both(at).0.hypot(both(at).1));
        near(&found.3, tolerance, |at| both(at).0 * both(at).1 + 0.5);
        near(&found.4, tolerance, |at| both(at).0.abs().sqrt());
        near(&found.5, tolerance, |at| both(at).0.powi(3));
    }
}

#[test]
fn functions_of_both_float_types() {
    functions::<f32>();
    functions::<f64>();
}

#[test]
fn halves_round_away_from_zero() {
    let x = Tensor::from(vec![-2.5f32, -1.5, -0.5, 0.5, 1.5, 2.5, 0.499_999_97, -0.0]);
    let (_, _, round, ..) = rounding(&x);
    same(&round, |at| x[at].round());
    assert!(round[[7]].is_sign_negative());
}

#[defn]
fn finite<T: Float>(x: Tensor<T, n>) -> (Tensor<bool, n>, Tensor<bool, n>) {
    (x.is_nan(), x.is_finite())
}

#[defn]
fn propagated<T: Float>(x: Tensor<T, n>, y: Tensor<T, n>) -> (Tensor<T, n>, Tensor<T, n>) {
    (x.max(y), x.min(y))
}

#[test]
fn nan_is_seen_and_propagates() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0, f32::MAX, 1e-45];
    let x = Tensor::from(odd.to_vec());
    let (nan, is_finite) = finite(&x);
    same(&nan, |at| x[at].is_nan());
    same(&is_finite, |at| x[at].is_finite());
    for y in odd {
        let (max, min) = propagated(&x, &Tensor::full([8], y));
        for at in 0..8 {
            let either = odd[at].is_nan() || y.is_nan();
            assert_eq!(max[[at]].is_nan(), either);
            assert_eq!(min[[at]].is_nan(), either);
            if !either {
                assert_eq!((max[[at]], min[[at]]), (odd[at].max(y), odd[at].min(y)));
            }
        }
    }
    let (nan, is_finite) = finite(&Tensor::from(vec![f64::NAN, 1.0]));
    assert_eq!((nan.to_vec(), is_finite.to_vec()), (vec![true, false], vec![false, true]));
}

#[defn]
fn chosen<T: Number>(
    mask: Tensor<bool, n>,
    x: Tensor<T, n>,
    y: Tensor<T, n>,
) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>) {
    (select(mask, x, y), mask.select(x, 1), select(x < y, 0, y))
}

#[test]
fn choice_by_a_mask() {
    for n in EXTENTS {
        let mask = truths([n], 5);
        macro_rules! check {
            ($($type:ident)*) => {$({
                let (x, y) = (whole::<$type, 1>([n], 1), whole::<$type, 1>([n], 2));
                let found = chosen(&mask, &x, &y);
                same(&found.0, |at| if mask[at] { x[at] } else { y[at] });
                same(&found.1, |at| if mask[at] { x[at] } else { 1 as $type });
                same(&found.2, |at| if x[at] < y[at] { 0 as $type } else { y[at] });
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
}

#[defn]
fn literals(
    x: Tensor<f32, n>,
    k: Tensor<i32, n>,
) -> (Tensor<f32, n>, Tensor<i32, n>, Tensor<f32, n>) {
    let half = x / 2 + 1e-1 - 0.5 * x;
    let shifted = 3 + k * -2 - 0x10;
    (half, shifted, 2.0 * (1.0 + 2.0) * x.max(0) + 1_000.0)
}

#[test]
fn literals_take_the_type_of_the_other_side() {
    for n in EXTENTS {
        let (x, k) = (floats::<f32, 1>([n], 1), whole::<i32, 1>([n], 2));
        let found = literals(&x, &k);
        same(&found.0, |at| x[at] / 2.0 + 0.1 - 0.5 * x[at]);
        same(&found.1, |at| 3 + k[at] * -2 - 16);
        same(&found.2, |at| 6.0 * x[at].max(0.0) + 1000.0);
    }
}
