//! Gradients of loops whose number of steps nobody knows before they have run, from none to a hundred thousand.
//!
//! The twin is the same loop as a `for`, which keeps all of its states.

use crate::support::{SLOPE, STEP, SUM_F64};
use defn::prelude::*;

/// A step of a pendulum.
#[defn]
fn swing(s: [f64; 2], pull: f64) -> [f64; 2] {
    let v = s[1] - 1e-3 * pull * s[0].sin();
    [s[0] + 1e-3 * v, v]
}

#[defn]
fn swung(angle: f64, pull: f64, steps: i64) -> f64 {
    let (mut s, mut k) = ([angle, 0.0f64], 0i64);
    while k < steps {
        s = swing(s, pull);
        k += 1;
    }
    s[0] * s[1] + s[0]
}

#[defn]
fn counted(angle: f64, pull: f64, steps: usize) -> f64 {
    let mut s = [angle, 0.0f64];
    for _ in 0..steps {
        s = swing(s, pull);
    }
    s[0] * s[1] + s[0]
}

#[defn]
fn slope(angle: f64, pull: f64, steps: i64) -> (f64, f64) {
    grad!(swung, wrt = (angle, pull))(angle, pull, steps)
}

/// A slope that many steps are summed for, in another order than that of the twin.
fn close(found: f64, expected: f64, steps: i64) {
    let most = f64::EPSILON * (8 * steps + 8) as f64 * (1.0 + expected.abs());
    assert!((found - expected).abs() <= most, "{found} is not {expected} after {steps} steps");
}

#[test]
fn any_number_of_steps() {
    let before = slope::workspace_bytes(0.0, 0.0, 0).unwrap();
    for steps in [0i64, 1, 3, 31, 32, 33, 2048, 2049, 4097, 5000, 10_000, 100_000, 140_000] {
        let (by_angle, by_pull) = slope(0.9, 1.3, steps);
        let twin = grad!(counted, wrt = (angle, pull))(0.9, 1.3, steps as usize);
        close(by_angle, twin.0, steps);
        close(by_pull, twin.1, steps);
        assert_eq!(slope::workspace_bytes(0.9, 1.3, steps).unwrap(), before);
    }
}

/// Interest until there is enough, for tensors.
#[defn]
fn grown(x: Tensor<f64, n>, rate: f64, goal: f64) -> (f64, i64) {
    let (mut x, mut steps) = (x, 0i64);
    while x.sum() < goal {
        x = x * (1.0 + rate);
        steps += 1;
    }
    (x.square().sum(), steps)
}

#[test]
fn the_slope_of_growth_is_known() {
    let x = Tensor::from([1.0, 2.0, 0.5]);
    for goal in [1.0, 3.6, 8.0, 30.0, 2e4] {
        let (value, steps) = grown(&x, 1e-3, goal);
        let ((by_x, by_rate), _) = grad!(grown, wrt = (x, rate))(&x, 1e-3, goal);
        let (n, all) = (steps as f64, 1.001f64.powf(2.0 * steps as f64));
        for at in 0..3 {
            let expected = 2.0 * x[[at]] * all;
            assert!((by_x[[at]] - expected).abs() < 1e3 * SUM_F64 * (1.0 + expected));
        }
        let expected = 2.0 * n * value / 1.001;
        assert!(
            (by_rate - expected).abs() < 1e3 * SUM_F64 * (1.0 + expected),
            "{by_rate} {expected}"
        );
    }
}

#[test]
fn as_many_steps_as_each_of_many_needs() {
    let steps = Tensor::from([3i64, 5000, 0, 2049, 70]);
    let angles = Tensor::from([0.1, 0.2, 0.3, 0.4, 0.5]);
    let (by_angle, by_pull) = vmap!(slope, over = b, of = (angle, steps))(&angles, 1.3, &steps);
    for at in 0..5 {
        let (angle, pull) = slope(angles[[at]], 1.3, steps[[at]]);
        assert_eq!((by_angle[[at]], by_pull[[at]]), (angle, pull));
    }
}

#[defn]
fn bent(angle: f64, pull: f64, steps: i64) -> f64 {
    grad!(swung)(angle, pull, steps)
}

#[test]
fn slopes_of_slopes() {
    for steps in [3i64, 2049, 5000] {
        let found = grad!(bent)(0.9, 1.3, steps);
        let value = |angle: f64| bent(angle, 1.3, steps);
        let expected = (value(0.9 + STEP) - value(0.9 - STEP)) / (2.0 * STEP);
        assert!(
            (found - expected).abs() < 100.0 * SLOPE * (1.0 + expected.abs()),
            "{found} {expected}"
        );
    }
}

/// Each round runs longer than the one before.
#[defn]
fn rounds(angle: f64, pull: f64, times: usize) -> f64 {
    let mut s = [angle, 0.0f64];
    for i in 0..times {
        let mut k = 0i64;
        while k < 1500 * i as i64 {
            s = swing(s, pull);
            k += 1;
        }
    }
    s[0]
}

#[defn]
fn all_at_once(angle: f64, pull: f64, steps: usize) -> f64 {
    let mut s = [angle, 0.0f64];
    for _ in 0..steps {
        s = swing(s, pull);
    }
    s[0]
}

#[test]
fn inside_of_a_loop() {
    let found = grad!(rounds, wrt = (angle, pull))(0.9, 1.3, 5);
    let twin = grad!(all_at_once, wrt = (angle, pull))(0.9, 1.3, 15_000);
    close(found.0, twin.0, 15_000);
    close(found.1, twin.1, 15_000);
}
