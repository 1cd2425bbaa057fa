//! tanh.
//!
//! In:  any `x`.   Out: the hyperbolic tangent, odd and between -1 and 1.
//!
//! ```text
//! f64, |x| <  0.625   tanh x = x + x³ Q(x²)
//! f64, |x| >= 0.625   tanh x = 1 - 2 / (e^2x + 1)
//! f32                 tanh x = tanh b + u P(u),  u = |x| - b, one of twelve polynomials: two for each power of two from a quarter on
//! ```
//!
//! The two highest bits of a mantissa and the exponent are the place in the table. Each `b` is near the middle of its range, and such
//! that its tangent is a float but for a thousandth of a rounding; the lowest range has `b = 0`, where the sum is a product.
//! A quotient would take less of a table, but its chain of operations is twice as long.

use super::exponential::exp_moderate;
use super::machine::Machine;
use super::pieces::{
    at_most_f32, at_most_f64, flip_f32, flip_f64, polynomial_f64, sign_f32, sign_f64,
};
use super::value::{F32, F64};

/// Below this the tangent has a polynomial, above it `1 - 2 / (e^2x + 1)` loses nothing.
const TANH_BORDER: f64 = 0.625;

/// `(tanh x - x) / x³` in `x²` below the border, to 2^-61.
const TANH_F64: [f64; 12] = [
    -0.33333333333333315,
    0.13333333333329922,
    -0.05396825396611712,
    0.021869488469635084,
    -0.008863234320012731,
    0.003592114023111752,
    -0.0014557258533419064,
    0.0005894505731906833,
    -0.000237006419069235,
    9.154623593399072e-05,
    -3.017248063560548e-05,
    6.035029245476324e-06,
];

/// From here on the tangent of `f32` is one.
const ONE_F32: f32 = 9.1;

/// In the lowest range, and with the bits of the entry before that of a quarter.
const LOWEST_F32: f32 = 0.1875;

/// Behind a shift by so many bits, the lowest is the highest of the mantissa.
const HALF_POWERS: u32 = 22;

/// The middle `b` for each half power of two, counted modulo 16.
static MIDDLES: [f32; 16] = [
    2.499_717_2,
    3.499_931_3,
    4.999_77,
    6.999_046_3,
    8.601_908,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.312_523_42,
    0.437_508_52,
    0.625_106_63,
    0.875_061_5,
    1.249_769_4,
    1.749_765,
];

/// `tanh b`, and the coefficients of `(tanh (b + u) - tanh b) / u`, to 2^-24.5 of the tangent.
static TABLE: [[f32; 16]; 7] = [
    [
        0.986_606_8,
        0.998_177_65,
        0.999_909_16,
        0.999_998_33,
        0.999_999_94,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.302_731,
        0.411_577_14,
        0.554_673_55,
        0.703_936_64,
        0.848_219,
        0.941_348_8,
    ],
    [
        0.026_607_161,
        0.003_641_452,
        0.000_181_920_5,
        3.332_459_3e-6,
        1.350_633e-7,
        0.0,
        0.0,
        0.0,
        0.0,
        1.0,
        0.908_353_9,
        0.830_604_26,
        0.692_337_3,
        0.504_473_2,
        0.280_524_46,
        0.113_862_4,
    ],
    [
        -0.026_250_51,
        -0.003_634_791_8,
        -0.000_181_841_97,
        -3.297_961e-6,
        -5.280_808e-7,
        0.0,
        0.0,
        0.0,
        0.0,
        -1.090_904_1e-6,
        -0.274_986_95,
        -0.341_857_73,
        -0.384_021_13,
        -0.355_117_2,
        -0.237_946_27,
        -0.107_184_224,
    ],
    [
        0.017_026_747,
        0.002_412_093_8,
        0.000_118_953_41,
        2.207_057_4e-6,
        9.000_31e-8,
        0.0,
        0.0,
        0.0,
        0.0,
        -0.333_270_46,
        -0.219_524_85,
        -0.136_160_79,
        -0.017_782_65,
        0.081_821_464,
        0.108_336_91,
        0.062_950_23,
    ],
    [
        -0.008_055_831,
        -0.001_197_501_1,
        -5.959_164e-5,
        -1.176_518_7e-6,
        2.846_763_2e-6,
        0.0,
        0.0,
        0.0,
        0.0,
        -0.001_180_353_2,
        0.158_168_3,
        0.170_006_54,
        0.137_857_87,
        0.060_780_857,
        -0.012_563_1,
        -0.023_528_747,
    ],
    [
        0.002_888_026_9,
        0.000_490_329_7,
        2.844_028_3e-5,
        5.009_169e-7,
        1.862_618_1e-8,
        0.0,
        0.0,
        0.0,
        0.0,
        0.143_067_69,
        0.042_887_796,
        -0.007_351_107_4,
        -0.054_144_803,
        -0.058_617_696,
        -0.019_702_442,
        0.003_480_777_6,
    ],
    [
        -0.000_696_299_3,
        -0.000_157_687_7,
        -9.379_71e-6,
        -1.251_699_3e-7,
        -5.326_823e-6,
        0.0,
        0.0,
        0.0,
        0.0,
        -0.036_949_128,
        -0.081_337_705,
        -0.064_012_565,
        -0.023_597_695,
        0.012_819_858,
        0.015_104_257,
        0.002_100_443,
    ],
];

pub(super) fn tanh_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let a = at_most_f32(x.abs(), ONE_F32);
    let place = a.less(LOWEST_F32).select(a.constant(LOWEST_F32), a).bits() >> HALF_POWERS;
    let u = a - place.choose(&MIDDLES);
    let [rest @ .., highest] = &TABLE;
    let result =
        rest.iter().rev().fold(place.choose(highest), |p, row| p.fma(u, place.choose(row)));
    flip_f32(result, sign_f32(x))
}

pub(super) fn tanh_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let a = at_most_f64(x.abs(), 20.0);
    let z = a * a;
    let small = (a * z).fma(polynomial_f64(z, &TANH_F64), a);
    let large = 1.0 - 2.0 / (exp_moderate(a + a) + 1.0);
    flip_f64(a.less(TANH_BORDER).select(small, large), sign_f64(x))
}
