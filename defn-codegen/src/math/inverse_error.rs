//! erf⁻¹.
//!
//! In:  any `x`.   Out: what the error function takes to `x`; infinite at ±1, NaN beyond.
//!
//! ```text
//! w = -log(1 - x²)       erf⁻¹ x = x P(w)          w small
//!                        erf⁻¹ x = x Q(√w)         else
//! ```
//!
//! The polynomials are those of Giles. A normal number is `√2 erf⁻¹ u`, and streams of random numbers shall be the same wherever
//! they are drawn. So the `f32` function is, operation by operation, the one that XLA draws with, down to its logarithm,
//! and takes over that `x²` is rounded, which costs digits near ±1. The `f64` function multiplies `1 - x` by `1 + x` and loses none.

use super::logarithm::log_f64;
use super::machine::Machine;
use super::pieces::polynomial_f32;
use super::value::{F32, F64};

/// In `w - 2.5` for `w < 5`, and in `√w - 3`.
const CENTRE_F32: [f32; 9] = [
    1.5014094,
    0.24664073,
    -0.0041776816,
    -0.001253725,
    0.00021858087,
    -4.3915065e-06,
    -3.5233877e-06,
    3.4327394e-07,
    2.8102264e-08,
];
const TAIL_F32: [f32; 9] = [
    2.8329768,
    1.001674,
    0.0094388705,
    -0.0076224613,
    0.0057395077,
    -0.0036734284,
    0.0013493432,
    0.00010095056,
    -0.00020021426,
];

/// In `w - 3.125` for `w < 6.25`, in `√w - 3.25` for `w < 16`, and in `√w - 5`.
const CENTRE_F64: [f64; 23] = [
    1.6536545626831027,
    0.24015818242558962,
    -0.006033670871430149,
    -0.000740702534166267,
    0.00018673420803405714,
    -1.3882523362786469e-05,
    -1.3654692000834679e-06,
    4.2347877827932404e-07,
    -2.9070369957882005e-08,
    -4.112633980346984e-09,
    1.0512122733215323e-09,
    -5.415412054294628e-11,
    -1.2975133253453532e-11,
    2.6335093153082323e-12,
    -8.151934197605472e-14,
    -4.054566272975207e-14,
    6.637638134358324e-15,
    2.0972767875968562e-17,
    -1.333171662854621e-16,
    1.1157877678025181e-17,
    1.28584807152564e-18,
    -1.6850591381820166e-19,
    -3.64441206401782e-21,
];
const MIDDLE_F64: [f64; 19] = [
    3.0838856104922208,
    1.0052589676941592,
    0.005370914553590064,
    -0.003751208507569241,
    0.002491442096107851,
    -0.0016882755560235047,
    0.0009532893797373805,
    -0.0003550375203628475,
    2.4031110387097894e-05,
    6.828485145957318e-05,
    -4.7318229009055734e-05,
    1.2475304481671779e-05,
    2.9234449089955446e-06,
    -4.013867526981546e-06,
    1.5027403968909828e-06,
    1.8239629214389228e-08,
    -2.7517406297064545e-07,
    9.075656193888539e-08,
    2.2137376921775787e-09,
];
const TAIL_F64: [f64; 17] = [
    4.849906401408584,
    1.0103004648645344,
    -0.00013871931833623122,
    -0.00021503011930044477,
    7.599527703001776e-05,
    -1.968177810553167e-05,
    4.526062597223154e-06,
    -9.9298272942317e-07,
    2.2900482228026655e-07,
    -6.771199775845234e-08,
    2.914795345090108e-08,
    -1.496002662714924e-08,
    7.61570120807834e-09,
    -3.789465440126737e-09,
    1.5076572693500548e-09,
    -2.555641816996525e-10,
    -2.7109920616438573e-11,
];

/// `(log(1 + f) - f + f²/2) / f³` as nine coefficients in three polynomials of `f`, the lowest first.
const LOG: [[f32; 3]; 3] = [
    [0.3333333, -0.24999994, 0.20000714],
    [-0.16668057, 0.14249323, -0.12420141],
    [0.116769984, -0.1151461, 0.070376836],
];
/// `ln 2` in two parts.
const LN_2_HEAD: f32 = 0.6933594;
const LN_2_TAIL: f32 = -0.00021219444;

/// `(log(1 + y) - y + y²/2) / y³` as a quotient.
const LOG1P_TOP: [f32; 7] =
    [20.039553, 57.112965, 60.94967, 29.911919, 6.5787325, 0.49854103, 4.527e-05];
const LOG1P_BOTTOM: [f32; 7] = [60.11866, 216.42789, 309.09872, 221.7624, 83.04757, 15.062909, 1.0];
/// Up to here the quotient is used.
const SMALL: f32 = 0.41421357;
/// `√½`.
const ROOT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;

pub(super) fn erf_inv_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let y = -(x * x);
    let log = log1p(y);
    let central = x.constant(-5.0).less(log);
    let p = polynomial_f32(-2.5 - log, &CENTRE_F32);
    // One of three hundred uniform numbers is in the tails, and whatever has no finite logarithm.
    let p = p.but_rarely(!central, || {
        let tail = polynomial_f32((-log).sqrt() - 3.0, &TAIL_F32);
        let tail = x.constant(-1.0).less(y).select(tail, f32::NAN);
        x.abs().equals(1.0).select(x.constant(f32::INFINITY), tail)
    });
    p * x
}

/// The logarithm of `1 + y`, as XLA rounds it; a number below -80 where it is infinite, or where there is none.
fn log1p<M: Machine>(y: F32<'_, M>) -> F32<'_, M> {
    let square = y * y;
    let quotient = polynomial_f32(y, &LOG1P_TOP) / polynomial_f32(y, &LOG1P_BOTTOM);
    let rest = square.fma(-0.5, (y * square) * quotient);
    y.abs().less(SMALL).select(y + rest, log(y + 1.0))
}

/// The logarithm, as XLA rounds it; `x` is below two, and whatever is below the normal numbers has the logarithm of the least of them.
fn log<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    const SIGN_AND_MANTISSA: i32 = 0x807f_ffff_u32.cast_signed();
    const HALF: i32 = 0x3f00_0000;
    let least = x.less(f32::MIN_POSITIVE).select(x.constant(f32::MIN_POSITIVE), x);
    let exponent = (least.bits() >> 23) - 126;
    let m = ((least.bits() & SIGN_AND_MANTISSA) ^ HALF).float();
    let low = m.less(ROOT_HALF);
    let f = (m - 1.0) + low.select(m, 0.0);
    let k = exponent.number();
    let k = low.select(k - 1.0, k);
    let (square, cube) = (f * f, (f * f) * f);
    let [low, middle, high] = LOG.map(|coefficients| polynomial_f32(f, &coefficients));
    let rest = cube.fma(cube.fma(cube.fma(high, middle), low), k * LN_2_TAIL);
    k.fma(LN_2_HEAD, square.fma(-0.5, f) + rest)
}

pub(super) fn erf_inv_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let w = -log_f64((1.0 - x) * (1.0 + x));
    let (central, middle) = (w.less(6.25), w.less(16.0));
    let root = w.sqrt();
    let at = central.select(w - 3.125, root - middle.select(x.constant(3.25), 5.0));
    let coefficient = |power: usize| {
        let of = |coefficients: &[f64]| coefficients.get(power).copied().unwrap_or(0.0);
        let outer = middle.select(x.constant(of(&MIDDLE_F64)), of(&TAIL_F64));
        central.select(x.constant(of(&CENTRE_F64)), outer)
    };
    let highest = coefficient(CENTRE_F64.len() - 1);
    let p = (0..CENTRE_F64.len() - 1).rev().fold(highest, |p, power| p.fma(at, coefficient(power)));
    x.abs().equals(1.0).select(x * f64::INFINITY, p * x)
}
