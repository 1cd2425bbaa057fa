//! What a crate does with the functions of another one, by all ways that Rust has to name them.
#![cfg(test)]
#![deny(missing_docs, warnings)]
#![forbid(unsafe_code)]

use defn::prelude::*;
use defn_test_library as lib;
use lib::all::*;
use lib::nn::{Mlp, model};
use lib::ops::softmax as shares;
use lib::renamed;

/// Rust's own loop, which the compiled code must agree with.
fn softmax_by_hand(x: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = x.iter().map(|x| x.exp()).collect();
    let total: f64 = e.iter().sum();
    e.into_iter().map(|e| e / total).collect()
}

fn wave(length: usize) -> Tensor<f64, 1> {
    Tensor::from_fn([length], |[i]| (1.7 * i as f64).sin())
}

/// Rounding of a few dozen operations on numbers near one.
const ROUNDING: f64 = 1e-13;

/// Central differences: half the step squared times a third derivative, and the rounding of a loss near one over the step.
const DIFFERENCES: f64 = 1e-7;
const STEP: f64 = 1e-5;

#[defn]
fn through_all_names(x: Tensor<f64, n>) -> f64 {
    let a = (shares(x) * square(x)).sum();
    a + same(x) + lib::first::same(x) + lib::visible(x) + renamed(x).sum()
}

#[test]
fn functions_arrive_by_every_name() {
    let x = wave(9);
    let (v, s) = (x.to_vec(), softmax_by_hand(&x.to_vec()));
    let sum: f64 = v.iter().sum();
    let squares: f64 = v.iter().map(|v| v * v).sum();
    let weighted: f64 = v.iter().zip(&s).map(|(v, s)| v * v * s).sum();
    let expected = weighted + 2.0 * sum + sum + 3.0 * sum + (3.0 * squares + sum);
    assert!((through_all_names(&x) - expected).abs() < ROUNDING);
    assert!(shares(&x).to_vec().iter().zip(&s).all(|(a, b)| (a - b).abs() < ROUNDING));
}

/// Changes one number of a model.
fn nudged(model: &Mlp, change: impl FnOnce(&mut Mlp)) -> Mlp {
    let mut model = model.clone();
    change(&mut model);
    model
}

#[test]
fn a_gradient_of_another_crates_loss_agrees_with_differences() {
    let p = model(4);
    let x = Tensor::from_fn([5, 6], |[i, j]| ((3 * i + 5 * j) as f64).cos());
    let y = Tensor::from_fn([5], |[i]| (i % 3) as i32);
    let slope = grad!(lib::nn::loss)(&p, &x, &y);
    let difference = |change: &dyn Fn(&mut Mlp, f64)| {
        let at = |step| lib::nn::loss(&nudged(&p, |p| change(p, step)), &x, &y);
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    };
    for (i, found) in slope.l1.w.to_vec().into_iter().enumerate() {
        let expected = difference(&|p, step| p.l1.w.as_mut_slice()[i] += step);
        assert!((found - expected).abs() < DIFFERENCES, "l1.w[{i}]: {found} {expected}");
    }
    for (i, found) in slope.l2.b.to_vec().into_iter().enumerate() {
        let expected = difference(&|p, step| p.l2.b.as_mut_slice()[i] += step);
        assert!((found - expected).abs() < DIFFERENCES, "l2.b[{i}]: {found} {expected}");
    }
    let (value, both) = value_and_grad!(lib::nn::loss, wrt = (p, x))(&p, &x, &y);
    assert_eq!(value.to_bits(), lib::nn::loss(&p, &x, &y).to_bits());
    for (i, found) in both.1.to_vec().into_iter().enumerate() {
        let at = |step: f64| {
            let mut x = x.clone();
            x.as_mut_slice()[i] += step;
            lib::nn::loss(&p, &x, &y)
        };
        let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        assert!((found - expected).abs() < DIFFERENCES, "x[{i}]: {found} {expected}");
    }
}

#[defn]
fn of_two_crates(p: Mlp, x: lib::nn::Images<batch>, y: Tensor<i32, batch>) -> f64 {
    let slope = grad!(lib::nn::loss)(p, x, y);
    (slope.l1.w * slope.l1.w).sum() + lib::nn::LEAK * lib::nn::doubled(p.l2).w.sum()
}

#[test]
fn another_crates_request_container_constant_and_alias_stand_in_a_body() {
    let p = model(3);
    let x = Tensor::from_fn([2, 6], |[i, j]| ((i + 2 * j) as f64).sin());
    let y = Tensor::from_slice([2], &[2, 0]).unwrap();
    let slope = grad!(lib::nn::loss)(&p, &x, &y);
    let squares: f64 = slope.l1.w.to_vec().iter().map(|w| w * w).sum();
    let expected = squares + 0.125 * 2.0 * p.l2.w.to_vec().iter().sum::<f64>();
    assert!((of_two_crates(&p, &x, &y) - expected).abs() < ROUNDING);
}

#[test]
fn a_model_of_another_crate_learns_in_place() {
    let mut p = model(8);
    let x = Tensor::from_fn([6, 6], |[i, j]| ((i * j) as f64).cos());
    let y = Tensor::from_fn([6], |[i]| (i % 3) as i32);
    let losses: Vec<f64> = (0..200).map(|_| lib::nn::step(&mut p, &x, &y, 0.5)).collect();
    assert!(losses[199] < 0.5 * losses[0], "{} {}", losses[0], losses[199]);
}

#[test]
fn generic_functions_are_called_from_generic_rust() {
    fn mean<T: Float>(x: &Tensor<T, 1>) -> T {
        lib::nn::weighted(&lib::nn::Weights { w: Tensor::ones([4]) }, x)
    }
    assert!((mean(&Tensor::from_fn([4], |[i]| i as f32)) - 1.5f32).abs() < f32::EPSILON);
    assert!((mean(&Tensor::from_fn([4], |[i]| i as f64)) - 1.5f64).abs() < f64::EPSILON);
}

#[test]
fn crates_of_other_kinds_work_beside_this_one() {
    let x = wave(4);
    assert_eq!(defn_test_bare::slope(&x), x.map(|x| 2.0 * x));
    let scale = defn_test_renamed::Scale { by: Tensor::ones([4]) };
    let share = softmax_by_hand(&x.to_vec());
    let expected: f64 = share.iter().map(|s| -s * s.ln()).sum();
    assert!((defn_test_renamed::entropy(&scale, &x) - expected).abs() < ROUNDING);
}

#[test]
fn shapes_that_disagree_are_an_error_that_names_them() {
    let (p, y) = (model(3), Tensor::zeros([4]));
    let error = lib::nn::loss::try_call(&p, &Tensor::zeros([5, 6]), &y).unwrap_err().to_string();
    assert!(error.contains('5') && error.contains('4') && error.contains("batch"), "{error}");
}

#[defn]
fn watches(x: Tensor<f64, n>) -> f64 {
    lib::watched(x).sum(n)
}

#[test]
fn hooks_of_another_crate_have_their_places() {
    let mut places = Vec::new();
    let look = |value: &defn::Inspected<'_>| {
        places.push((value.function(), value.line(), value.to_tensor::<f64, 1>()));
    };
    let sum = defn::Hooks::new().on("root", look).run(|| watches(&Tensor::from([1.0, 4.0])));
    assert_eq!((sum, places.len()), (3.0, 1));
    assert_eq!(places[0], ("root", lib::CHECK + 1, Some(Tensor::from([1.0, 2.0]))));
    let error = watches::try_call(&Tensor::from([1.0, -4.0])).unwrap_err().to_string();
    let place = format!("tests/crates/library/src/lib.rs:{}, in `root`", lib::CHECK);
    assert!(error.contains(&place), "{error}");
}

#[defn]
fn turned_inside(x: Tensor<f64, n>) -> f64 {
    (lib::ops::turned(x) * x).sum()
}

#[test]
fn requests_and_rules_of_another_crate() {
    let x = wave(3);
    let square = jacobian!(square)(&x);
    assert_eq!(square, Tensor::from_fn([3, 3], |[i, j]| if i == j { 2.0 * x[[i]] } else { 0.0 }));
    assert_eq!(vjp!(lib::ops::turned)(&x, &x).1, Tensor::from_fn([3], |at| -x[at]));
    // x · x, of which one half is turned around.
    assert_eq!(grad!(turned_inside)(&x), Tensor::zeros([3]));
}
