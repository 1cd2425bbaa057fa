//! erf.
//!
//! In:  any `x`.   Out: the error function, odd and between -1 and 1.
//!
//! ```text
//! |x| <  0.92    erf x = x + x P(x²)
//! |x| >= 0.92    erf x = 1 - e^L(x),  L near log(1 - erf x)
//! ```
//!
//! The exponent `L` needs no more than an absolute error, which shrinks with `1 - erf x` on its way out.

use super::exponential::{exp_moderate, exp_near_one_f32};
use super::machine::Machine;
use super::pieces::{
    at_most_f32, at_most_f64, flip_f32, flip_f64, polynomial_f32, polynomial_f64, sign_f32,
    sign_f64,
};
use super::value::{F32, F64};

/// Where the two formulas meet.
const BORDER: f64 = 0.925;

/// `erf x / x - 1` in `x²` below the border, to 2^-28 and 2^-56.
const SMALL_F32: [f32; 7] = [
    1.283_791_7e-1,
    -3.761_263e-1,
    1.128_362_6e-1,
    -2.685_573_9e-2,
    5.192_426e-3,
    -8.050_031_6e-4,
    7.997_792e-5,
];
const SMALL_F64: [f64; 12] = [
    0.12837916709551256,
    -0.3761263890318332,
    0.11283791670934934,
    -0.026866170641427,
    0.0052239775903594795,
    -0.0008548325068334873,
    0.00012055264237550935,
    -1.4924070167313488e-05,
    1.6438105152878628e-06,
    -1.6127557594871246e-07,
    1.3322866796126699e-08,
    -6.954054880068612e-10,
];

/// `log(1 - erf x)` from the border to 4 and 6; relative to the error function, 2^-27 and 2^-56.
const LARGE_F32: [f32; 8] = [
    1.746_871_4e-4,
    -1.129_514_9,
    -6.333_468_6e-1,
    -1.082_801_2e-1,
    2.511_945_2e-2,
    -4.171_074_4e-3,
    4.344_655e-4,
    -2.109_538e-5,
];
const LARGE_F64: [f64; 19] = [
    -8.422705841955542e-08,
    -1.1283782777956333,
    -0.6366240941218352,
    -0.10275985629090692,
    0.019103224196957397,
    0.0002437757409728992,
    -0.0017279793451390267,
    0.0006054211229285735,
    -2.0187643531989963e-05,
    -8.388619210881694e-05,
    5.096021659677588e-05,
    -1.8580260845085245e-05,
    4.896834580069987e-06,
    -9.73078730744578e-07,
    1.4578886736632473e-07,
    -1.6049449065956048e-08,
    1.2282138623788793e-09,
    -5.842818109074325e-11,
    1.3014550603515425e-12,
];

pub(super) fn erf_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let a = at_most_f32(x.abs(), 4.0);
    let small = polynomial_f32(a * a, &SMALL_F32).fma(a, a);
    let (power, exponent) = exp_near_one_f32(polynomial_f32(a, &LARGE_F32));
    let large = (-power).fma(exponent.power(), 1.0);
    flip_f32(a.less(BORDER as f32).select(small, large), sign_f32(x))
}

pub(super) fn erf_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let a = at_most_f64(x.abs(), 6.0);
    let small = polynomial_f64(a * a, &SMALL_F64).fma(a, a);
    let large = 1.0 - exp_moderate(polynomial_f64(a, &LARGE_F64));
    flip_f64(a.less(BORDER).select(small, large), sign_f64(x))
}
