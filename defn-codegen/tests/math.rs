//! The functions of mathematics against correctly rounded ones.
//!
//! Bounds are in ULP of the exact value and hold over the whole range; the contract is two.

#[path = "math/reference.rs"]
mod reference;
#[path = "math/counter.rs"]
mod counter;

use defn_codegen::math::sweep::{error_f32, steps_f64, worst_f32};
use defn_codegen::math::{
    Function, Function2, Scalar, binary_f32, binary_f64, unary_f32, unary_f64,
};
use reference::{
    Random, binary_reference, range, special_values, unary_reference, unary_reference_f32,
};

/// The bound of a function on `f32`, and where it comes from.
///
/// The last rounding costs 1/2.
/// What a sum carries from its larger summand costs less than what it carries from rounding the argument.
/// Functions that go through `f64` have nothing but the last rounding and the polynomial.
fn bound_f32(function: Function) -> f64 {
    match function {
        // 1/2 for the result, 1/4 for `r Q(r)` beside one, and the polynomial.
        Function::Exp2 | Function::Log => 0.92,
        // 1/2 for the result, 1/3 for the entry of the table as the nearest float, 0.3 for the polynomial.
        Function::Exp => 1.15,
        // The sum of a table's entry and the rest cancels by up to a binade.
        Function::Expm1 => 1.4,
        // `k + log2(1 + f)` has one more rounding where `k` is small, and cancels for `k = -1`.
        Function::Log2 => 1.9,
        // Above the border the roundings of a sum and of a quotient; below it what the power lacks, a binade down.
        Function::Tanh => 1.8,
        // As for exp, carried by a division that loses nothing.
        Function::Sigmoid => 1.8,
        // The argument after reduction is rounded to `f32`, up to one ULP of a smaller result.
        Function::Sin | Function::Cos => 1.8,
        // A root and a quotient, each half an ULP, and a binade where the first counts twice.
        Function::Rsqrt => 1.5,
        // The product of the table's constant and the argument is exact; the rest and the polynomial count half an ULP.
        Function::Erf => 1.1,
        // Its bits are those of random streams elsewhere: near the poles the square of the argument has been rounded.
        Function::ErfInv => 48.0,
        Function::Sinh
        | Function::Cosh
        | Function::Log1p
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Cbrt => 0.52,
    }
}

/// The bound of a function of two arguments on `f32`: one rounding and the polynomial.
const BINARY_BOUND_F32: f64 = 0.52;

/// How far a result may be from the correctly rounded one: one step is within 1.5 ULP.
fn steps_allowed(function: Function) -> u64 {
    // A logarithm, a root and a polynomial that no rest corrects.
    if function == Function::ErfInv { 8 } else { STEPS_F64 }
}

const STEPS_F64: u64 = 1;

#[test]
fn unary_f32_keeps_its_bound() {
    for &function in Function::ALL {
        let worst = worst_f32(function, 16_411, unary_reference_f32(function));
        assert!(
            worst.ulp <= bound_f32(function),
            "{} at {:e}: {}",
            function.name(),
            worst.at,
            worst.ulp
        );
    }
}

#[test]
fn unary_f32_keeps_its_bound_at_special_values() {
    for &function in Function::ALL {
        for x in special_values().iter().map(|&x| x as f32) {
            let result = unary_f32(&mut Scalar, function, x);
            let error = error_f32(result, unary_reference_f32(function)(x));
            assert!(
                error <= bound_f32(function),
                "{} {x:e} = {result:e}: {error}",
                function.name()
            );
        }
    }
}

fn check_unary_f64(function: Function, x: f64) {
    let result = unary_f64(&mut Scalar, function, x);
    let exact = unary_reference(function)(x);
    assert!(
        steps_f64(result, exact) <= steps_allowed(function),
        "{} {x:e} = {result:e}, not {exact:e}",
        function.name()
    );
}

#[test]
fn unary_f64_is_a_step_from_the_rounded_value() {
    for &function in Function::ALL {
        let mut random = Random::seeded(0);
        for round in 0..24_000 {
            check_unary_f64(function, random.number(round));
        }
    }
}

/// Near the multiples of a quarter turn the reduction loses most, at every magnitude.
#[test]
fn trigonometry_keeps_its_bound_near_quarter_turns() {
    let mut random = Random::seeded(0);
    for round in 0..8_000 {
        let turns = (random.between(0.0, 4.0) * 2f64.powi(round % 60)).round();
        let x = turns * std::f64::consts::FRAC_PI_2;
        for function in [Function::Sin, Function::Cos, Function::Tan] {
            check_unary_f64(function, x);
            let result = unary_f32(&mut Scalar, function, x as f32);
            let error = error_f32(result, unary_reference_f32(function)(x as f32));
            assert!(
                error <= bound_f32(function),
                "{} {x:e} = {result:e}: {error}",
                function.name()
            );
        }
    }
}

#[test]
fn unary_f64_is_a_step_from_the_rounded_value_at_special_values() {
    for &function in Function::ALL {
        for x in special_values() {
            check_unary_f64(function, x);
        }
    }
}

fn check_binary(function: Function2, a: f64, b: f64) {
    let result = binary_f64(&mut Scalar, function, a, b);
    let exact = binary_reference(function)(a, b);
    assert!(
        steps_f64(result, exact) <= STEPS_F64,
        "{} {a:e} {b:e} = {result:e}, not {exact:e}",
        function.name()
    );
    let (a, b) = (a as f32, b as f32);
    let result = binary_f32(&mut Scalar, function, a, b);
    let error = error_f32(result, binary_reference(function)(f64::from(a), f64::from(b)));
    assert!(error <= BINARY_BOUND_F32, "{} {a:e} {b:e} = {result:e}: {error}", function.name());
}

#[test]
fn binary_keeps_its_bound() {
    for &function in Function2::ALL {
        let mut random = Random::seeded(0);
        for round in 0..48_000 {
            let a = random.number(round);
            let b = random.number(round / 8);
            check_binary(function, a, b);
            check_binary(function, a, b.trunc());
        }
    }
}

/// Quotients of every size between numbers of every size.
#[test]
fn atan2_keeps_its_bound_at_every_magnitude() {
    let mut random = Random::seeded(0);
    for _ in 0..48_000 {
        let large =
            random.between(1.0, 2.0) * core_math::exp2(random.between(-1074.0, 1023.0).round());
        let small = large * core_math::exp2(random.between(-60.0, 1.0));
        check_binary(Function2::Atan2, small, large);
        check_binary(Function2::Atan2, large, -small);
    }
}

/// Exponents that bring the power all over its range, not only to its ends.
#[test]
fn pow_keeps_its_bound_inside_of_its_range() {
    let mut random = Random::seeded(0);
    for round in 0..48_000 {
        let base = random.number(round).abs();
        let logarithm = core_math::log2(base);
        if logarithm.abs() > 1e-15 && logarithm.is_finite() {
            check_binary(Function2::Pow, base, random.between(-1080.0, 1030.0) / logarithm);
            check_binary(Function2::Pow, base, random.between(-151.0, 128.5) / logarithm);
        }
    }
}

#[test]
fn binary_keeps_its_bound_at_special_values() {
    for &function in Function2::ALL {
        for a in special_values() {
            for b in special_values() {
                check_binary(function, a, b);
            }
        }
    }
}

#[test]
fn results_stay_in_the_range_of_their_function() {
    for &function in Function::ALL {
        let (least, greatest) = range(function);
        let mut random = Random::seeded(0);
        for round in 0..8_000 {
            let x = random.number(round);
            let wide = unary_f64(&mut Scalar, function, x);
            let narrow = f64::from(unary_f32(&mut Scalar, function, x as f32));
            for y in [wide, narrow].into_iter().filter(|y| !y.is_nan()) {
                // The pole of the reciprocal root at minus zero is minus infinity.
                let pole = function == Function::Rsqrt && x as f32 == 0.0;
                assert!(
                    pole || (least..=greatest).contains(&y),
                    "{} {x:e} = {y:e}",
                    function.name()
                );
            }
        }
    }
}

#[test]
fn rising_functions_never_fall() {
    use Function::{
        Asin, Atan, Cbrt, Erf, Exp, Exp2, Expm1, Log, Log1p, Log2, Sigmoid, Sinh, Tanh,
    };
    for function in [Asin, Atan, Cbrt, Erf, Exp, Exp2, Expm1, Log, Log1p, Log2, Sigmoid, Sinh, Tanh]
    {
        let mut before = f64::NEG_INFINITY;
        for step in -20_000..=20_000 {
            let x = f64::from(step) / 1600.0;
            let y = unary_f64(&mut Scalar, function, x);
            assert!(y.is_nan() || y >= before, "{} {x:e}", function.name());
            before = if y.is_nan() { before } else { y };
        }
    }
}

#[test]
fn exact_values_are_exact() {
    for k in -1074..1024 {
        let power = core_math::exp2(f64::from(k));
        assert_eq!(unary_f64(&mut Scalar, Function::Exp2, f64::from(k)).to_bits(), power.to_bits());
        assert_eq!(unary_f64(&mut Scalar, Function::Log2, power).to_bits(), f64::from(k).to_bits());
    }
    for k in -149..128i16 {
        let power = core_math::exp2f(f32::from(k));
        assert_eq!(unary_f32(&mut Scalar, Function::Exp2, f32::from(k)).to_bits(), power.to_bits());
        assert_eq!(unary_f32(&mut Scalar, Function::Log2, power).to_bits(), f32::from(k).to_bits());
    }
    for n in 0..2000 {
        let n = f64::from(n);
        assert_eq!(unary_f64(&mut Scalar, Function::Cbrt, n * n * n).to_bits(), n.to_bits());
    }
}
