//! erf.
//!
//! In:  any `x`.   Out: the error function, odd and between -1 and 1.
//!
//! ```text
//! f64, |x| <  0.92    erf x = x + x P(x²)
//! f64, |x| >= 0.92    erf x = 1 - e^L(x),  L near log(1 - erf x)
//! f32                 erf x = x P(u),  one of eight polynomials for |x| = (i + u) / 1.9
//! ```
//!
//! The exponent `L` needs no more than an absolute error, which shrinks with `1 - erf x` on its way out.

use super::exponential::exp_moderate;
use super::machine::Machine;
use super::pieces::{
    at_most_f32, at_most_f64, flip_f32, flip_f64, polynomial_f64, sign_f32, sign_f64,
};
use super::value::{F32, F64};

/// Where the two formulas meet.
const BORDER: f64 = 0.925;

/// `erf x / x - 1` in `x²` below the border, to 2^-56.
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

/// The cells of `f32` to a unit.
const CELLS: f32 = 1.9;

/// `erf x / x` in `u` for each cell, to 2^-26: the constant as the nearest float, what that lacks, and the higher coefficients.
static TABLE: [[f32; 8]; 8] = [
    [
        std::f32::consts::FRAC_2_SQRT_PI,
        1.032_305_8,
        0.820_248_37,
        0.617_151,
        0.473_618_66,
        0.379_924_77,
        0.316_664_13,
        0.271_428_53,
    ],
    [
        -6.049_491e-8,
        6.369_952e-9,
        1.296_957_7e-8,
        3.027_379_5e-9,
        3.535_839_8e-9,
        -1.053_667_2e-9,
        8.779_486e-9,
        -8.608_496e-9,
    ],
    [
        0.0,
        -0.176_939_86,
        -0.223_824_47,
        -0.174_628_18,
        -0.115_050_8,
        -0.075_763_17,
        -0.052_768_577,
        -0.038_775_3,
    ],
    [
        -0.104_189_955,
        -0.060_003_355,
        0.008_698_910_5,
        0.032_373_738,
        0.025_046_542,
        0.014_845_473,
        0.008_780_172,
        0.005_538_929_7,
    ],
    [
        0.0,
        0.024_772_815,
        0.016_571_27,
        0.000_653_544_73,
        -0.003_826_670_6,
        -0.002_706_277_2,
        -0.001_448_030_9,
        -0.000_790_767_5,
    ],
    [
        0.008_655_382,
        0.001_978_120_5,
        -0.004_547_380_4,
        -0.002_586_513_8,
        -4.985_718e-5,
        0.000_387_376_6,
        0.000_229_945_01,
        0.000_112_525_45,
    ],
    [
        0.0,
        -0.001_965_285_7,
        -0.000_306_045_14,
        0.000_682_324_8,
        0.000_259_659_98,
        -1.148_071_9e-5,
        -3.182_451_5e-5,
        -1.587_120_8e-5,
    ],
    [
        -0.000_553_990_13,
        3.946_071_2e-5,
        0.000_334_956_57,
        -9.496_538e-6,
        -7.831_772_4e-5,
        -1.555_67e-5,
        2.541_605_2e-6,
        2.090_088_4e-6,
    ],
];

/// `1.5 · 2²³`: adding it leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `log(1 - erf x)` from the border to 6; relative to the error function, 2^-56.
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

/// The constant meets the argument last, so that only its product is rounded with the weight of the result.
pub(super) fn erf_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let a = at_most_f32(x.abs(), 3.93);
    let shifted = a.fma(CELLS, ROUND);
    let u = a.fma(CELLS, -(shifted - ROUND));
    let cell = shifted.bits();
    let [constant, rest, higher @ ..] = &TABLE;
    let mut p = cell.choose(&higher[higher.len() - 1]);
    for row in higher.iter().rev().skip(1) {
        p = p.fma(u, cell.choose(row));
    }
    let small = p.fma(u, cell.choose(rest));
    let result = a.fma(cell.choose(constant), a * small);
    flip_f32(at_most_f32(result, 1.0), sign_f32(x))
}

pub(super) fn erf_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let a = at_most_f64(x.abs(), 6.0);
    let small = polynomial_f64(a * a, &SMALL_F64).fma(a, a);
    let large = 1.0 - exp_moderate(polynomial_f64(a, &LARGE_F64));
    flip_f64(a.less(BORDER).select(small, large), sign_f64(x))
}
