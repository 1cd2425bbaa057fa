//! Newton's method with derivatives of derivatives: roots, and minima through products with the Hessian, which is never stored.

use crate::support::floats;
use defn::prelude::*;

/// `x - cos(x)`, which is 0 at the number of Dottie.
#[defn]
fn apart_from_cosine(x: f64) -> f64 {
    x - x.cos()
}

/// A root, and after how many steps.
#[defn]
fn root(start: f64) -> (f64, i64) {
    let mut x = start;
    let mut moved = 1.0_f64;
    let mut steps = 0i64;
    while moved.abs() > 1e-12 && steps < 50 {
        moved = apart_from_cosine(x) / grad!(apart_from_cosine)(x);
        x -= moved;
        steps += 1;
    }
    (x, steps)
}

/// Where a function is least its derivative is 0: this one has its least value at ln 2.
#[defn]
fn exponential_bowl(x: f64) -> f64 {
    x.exp() - 2.0 * x
}

#[defn]
fn lowest(start: f64) -> f64 {
    let mut x = start;
    for _ in 0..8 {
        x -= grad!(exponential_bowl)(x) / grad!(grad!(exponential_bowl))(x);
    }
    x
}

/// The fixed point of the cosine, which no formula gives.
const DOTTIE: f64 = 0.739_085_133_215_160_6;

/// What the last step may leave: it moves by less than 1e-12, and rounds.
const NEAR: f64 = 1e-12;

#[test]
fn roots_and_lowest_points() {
    for start in [0.0, 0.5, 1.0, 2.0] {
        let (x, steps) = root(start);
        assert!((x - DOTTIE).abs() < NEAR && steps < 10, "{x} after {steps} steps from {start}");
    }
    assert!((lowest(0.0) - 2.0_f64.ln()).abs() < NEAR);
    // One value of the slope with respect to the start: where it ends does not depend on it.
    assert!(grad!(lowest)(0.0).abs() < NEAR);
    let starts = Tensor::from_fn([4], |[i]| i as f64 / 2.0);
    let (found, _) = vmap!(root, over = start)(&starts);
    assert!(found.iter().all(|x| (x - DOTTIE).abs() < NEAR));
}

/// Rosenbrock's valley, which is 0 where all are 1 and nowhere else below 4.
#[defn]
fn valley(x: Tensor<f64, n>) -> f64 {
    let here = x.slice(n, ..n - 1);
    let next = x.slice(n, 1..);
    (100.0 * (next - here.square()).square() + (1.0 - here).square()).sum()
}

/// The slope in a direction: its gradient is the Hessian times that direction.
#[defn]
fn slope_along(x: Tensor<f64, n>, v: Tensor<f64, n>) -> f64 {
    (grad!(valley)(x) * v).sum()
}

/// The step of Newton by conjugate gradients, down the slope where the valley is not convex.
#[defn]
fn newton_step(x: Tensor<f64, n>, slope: Tensor<f64, n>) -> Tensor<f64, n> {
    let mut step = x.zeros_like();
    let mut rest = -slope;
    let mut direction = rest;
    let mut size = rest.square().sum();
    let goal = 1e-16 * size;
    let mut convex = true;
    let mut count = 0i64;
    while convex && size > goal && count < 2 * n {
        let turned = grad!(slope_along)(x, direction);
        let curvature = (direction * turned).sum();
        convex = curvature > 0.0;
        if convex {
            let by = size / curvature;
            step += by * direction;
            rest -= by * turned;
            let before = size;
            size = rest.square().sum();
            direction = rest + size / before * direction;
        }
        count += 1;
    }
    if count == 1 && !convex { -slope } else { step }
}

/// The lowest point, and after how many steps.
#[defn]
fn lowest_point(start: Tensor<f64, n>) -> (Tensor<f64, n>, i64) {
    let mut x = start;
    let mut steps = 0i64;
    let (mut height, mut slope) = value_and_grad!(valley)(x);
    while slope.square().sum() > 1e-20 && steps < 200 {
        let step = newton_step(x, slope);
        let falls = (slope * step).sum();
        // As far as it really falls (Armijo).
        let mut by = 1.0_f64;
        while valley(x + by * step) > height + 1e-4 * by * falls && by > 1e-9 {
            by *= 0.5;
        }
        x += by * step;
        (height, slope) = value_and_grad!(valley)(x);
        steps += 1;
    }
    (x, steps)
}

/// The Hessian of the valley is at least 0.4 there, so that a slope of 1e-10 is as near as this.
const AT_THE_BOTTOM: f64 = 1e-9;

#[test]
fn the_bottom_of_the_valley() {
    for n in [2, 3, 5, 12] {
        let start = floats::<f64, 1>([n], 3).map(|x| 1.0 + 0.5 * x);
        let (found, steps) = lowest_point(&start);
        // From some places it runs into the other low point, where the first is -1.
        assert!(steps < 200, "{n}: {steps} steps to {found}");
        let slope = grad!(valley)(&found);
        assert!(slope.iter().all(|x| x.abs() < AT_THE_BOTTOM));
        if found[[0]] > 0.0 {
            assert!(found.iter().all(|x| (x - 1.0).abs() < AT_THE_BOTTOM), "{n}: {found}");
        }
    }
    let (found, steps) = lowest_point(&Tensor::from([-1.2, 1.0]));
    assert!(found.iter().all(|x| (x - 1.0).abs() < AT_THE_BOTTOM), "{found}");
    assert!(steps < 40, "Newton takes {steps} steps from the classical start");
}
