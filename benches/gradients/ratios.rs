//! What a gradient takes beside its function, for functions that are no long loops.
//!
//! In: nothing.   Out: a line of a table for each, with milliseconds of the function, of its gradient, and their ratio.
//!
//! Functions whose results are counts or bits (iterations until a point escapes, draws of random bits) have no derivative,
//! and a draw does not depend on anything but its key: they have no line.

use std::cell::RefCell;
use std::hint::black_box;

use defn::prelude::*;

/// The sum of the squares of the solutions of many systems.
#[defn]
fn solved(a: Tensor<f32, row<6>, column<6>>, b: Tensor<f32, row<6>>) -> f32 {
    a.solve(b, row, column).square().sum()
}

#[defn]
fn all_solved(
    a: Tensor<f32, system, row<6>, column<6>>,
    b: Tensor<f32, system, row<6>>,
) -> Tensor<f32, system> {
    vmap!(solved, over = system)(a, b)
}

#[defn]
fn one_solved_slope(
    a: Tensor<f32, row<6>, column<6>>,
    b: Tensor<f32, row<6>>,
) -> (Tensor<f32, row<6>, column<6>>, Tensor<f32, row<6>>) {
    grad!(solved, wrt = (a, b))(a, b)
}

#[defn]
fn all_solved_slope(
    a: Tensor<f32, system, row<6>, column<6>>,
    b: Tensor<f32, system, row<6>>,
) -> (Tensor<f32, system, row<6>, column<6>>, Tensor<f32, system, row<6>>) {
    vmap!(one_solved_slope, over = system)(a, b)
}

#[defn]
fn energy(x: Tensor<f32, body, xyz<3>>) -> f32 {
    let apart = x - x.rename(body, other);
    -(apart.square().sum(xyz) + 0.01).rsqrt().sum()
}

#[defn]
fn force(x: Tensor<f32, body, xyz<3>>) -> Tensor<f32, body, xyz<3>> {
    grad!(energy)(x)
}

/// The loss of a small network for each example.
#[defn]
fn loss(w: Tensor<f32, inp, hidden>, v: Tensor<f32, hidden>, x: Tensor<f32, inp>, y: f32) -> f32 {
    (x.dot(w, inp).tanh().dot(v, hidden) - y).square()
}

#[defn]
fn each_loss(
    w: Tensor<f32, inp<32>, hidden<64>>,
    v: Tensor<f32, hidden<64>>,
    x: Tensor<f32, batch, inp<32>>,
    y: Tensor<f32, batch>,
) -> Tensor<f32, batch> {
    vmap!(loss, over = batch, of = (x, y))(w, v, x, y)
}

#[defn]
fn loss_slope(
    w: Tensor<f32, inp, hidden>,
    v: Tensor<f32, hidden>,
    x: Tensor<f32, inp>,
    y: f32,
) -> (Tensor<f32, inp, hidden>, Tensor<f32, hidden>) {
    grad!(loss, wrt = (w, v))(w, v, x, y)
}

#[defn]
fn each_loss_slope(
    w: Tensor<f32, inp<32>, hidden<64>>,
    v: Tensor<f32, hidden<64>>,
    x: Tensor<f32, batch, inp<32>>,
    y: Tensor<f32, batch>,
) -> (Tensor<f32, batch, inp<32>, hidden<64>>, Tensor<f32, batch, hidden<64>>) {
    vmap!(loss_slope, over = batch, of = (x, y))(w, v, x, y)
}

/// Numbers between −1 and 1 without a pattern.
fn spread(at: usize) -> f32 {
    (at.wrapping_mul(2_654_435_761) >> 8 & 0xffff) as f32 / 32768.0 - 1.0
}

/// Prints nothing itself: gives the lines, for a clock that says how many seconds a call takes at least.
pub(crate) fn lines(seconds: &dyn Fn(&dyn Fn()) -> f64) -> Vec<String> {
    let line = |name: &str, function: &dyn Fn(), gradient: &dyn Fn()| {
        let (alone, slope) = (seconds(function), seconds(gradient));
        format!("| {name} | {:.3} ms | {:.3} ms | {:.2} |", alone * 1e3, slope * 1e3, slope / alone)
    };
    let a = Tensor::from_fn([10_000, 6, 6], |[system, row, column]| {
        spread(36 * system + 6 * row + column) + if row == column { 6.0 } else { 0.0 }
    });
    let b = Tensor::from_fn([10_000, 6], |[system, row]| spread(6 * system + row + 1));
    let x = Tensor::from_fn([1024, 3], |[body, axis]| spread(3 * body + axis));
    let w = Tensor::from_fn([32, 64], |[inp, hidden]| 0.1 * spread(64 * inp + hidden));
    let v = Tensor::from_fn([64], |[hidden]| 0.1 * spread(hidden));
    let examples = Tensor::from_fn([256, 32], |[batch, inp]| spread(32 * batch + inp));
    let wanted = Tensor::from_fn([256], |[batch]| spread(batch));
    let solutions = RefCell::new(all_solved(&a, &b));
    let slopes = RefCell::new(all_solved_slope(&a, &b));
    let forces = RefCell::new(force(&x));
    let losses = RefCell::new(each_loss(&w, &v, &examples, &wanted));
    let steps = RefCell::new(each_loss_slope(&w, &v, &examples, &wanted));
    let fits = "results have the shapes that they had";
    vec![
        line(
            "10,000 systems of 6, sum of squares of a solution",
            &|| all_solved::into(&a, &b, &mut solutions.borrow_mut()).expect(fits),
            &|| all_solved_slope::into(&a, &b, &mut slopes.borrow_mut()).expect(fits),
        ),
        line(
            "energy of 1024 bodies",
            &|| {
                black_box(energy(&x));
            },
            &|| force::into(&x, &mut forces.borrow_mut()).expect(fits),
        ),
        line(
            "256 losses of a network with 2112 weights, a gradient each",
            &|| each_loss::into(&w, &v, &examples, &wanted, &mut losses.borrow_mut()).expect(fits),
            &|| {
                let steps = &mut steps.borrow_mut();
                each_loss_slope::into(&w, &v, &examples, &wanted, steps).expect(fits);
            },
        ),
    ]
}
