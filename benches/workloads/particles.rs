//! Bodies that attract each other: the gradient of their energy.

use defn::prelude::*;

use crate::inputs::normal;
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{Near, check, constant, exact, sum};

#[defn]
fn energy(x: Tensor<f32, body, xyz<3>>) -> f32 {
    let apart = x - x.rename(body, other);
    -(apart.square().sum(xyz) + 0.01).rsqrt().sum()
}

#[defn]
fn force(x: Tensor<f32, body, xyz<3>>) -> Tensor<f32, body, xyz<3>> {
    grad!(energy)(x)
}

pub(crate) fn nbody_1024_grad(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([1024, 3], 1);
    stopwatch.time(&x, |x| force(x), force::into, |y| check(y, &reference(&x)))
}

/// Each pair counts twice: the slope for body i is the sum over j of 2(x_i - x_j)/r³.
fn reference(x: &Tensor<f32, 2>) -> Vec<Near> {
    let bodies = x.shape()[0];
    let of_body = |i: usize| {
        let apart = |j: usize| [0, 1, 2].map(|a| exact(x[[i, a]]) - exact(x[[j, a]]));
        let pull = |j: usize| {
            let apart = apart(j);
            let scale = (sum(apart.map(|d| d * d)) + constant(0.01)).rsqrt();
            let cube = scale * scale * scale;
            apart.map(|d| exact(2.0) * d * cube)
        };
        let pulls: Vec<[Near; 3]> = (0..bodies).map(pull).collect();
        [0, 1, 2].map(|a| sum(pulls.iter().map(|pull| pull[a])))
    };
    (0..bodies).flat_map(of_body).collect()
}
