//! Loops over arrays, whose items are gone through one after the other: numbers, containers, inside of other loops.

use crate::support::{EXTENTS, SUM_F64, floats, near, same, whole};
use defn::prelude::*;

#[defn]
fn unrolled(x: Tensor<f32, n>, steps: [f32; 3]) -> (Tensor<f32, n>, [f32; 3]) {
    let mut y = x;
    let halves = for step in steps {
        y = y * step;
        step / 2.0
    };
    for (k, step) in [(1.0, steps[0]), (2.0, steps[2])] {
        y += step * k;
    }
    (y, halves)
}

#[test]
fn arrays_are_walked_item_by_item() {
    for n in EXTENTS {
        let (x, steps) = (whole::<f32, 1>([n], 9), [2.0f32, 0.5, 4.0]);
        let (y, halves) = unrolled(&x, &steps);
        same(&y, |at| x[at] * 4.0 + 2.0 + 8.0);
        assert_eq!(halves, [1.0, 0.25, 2.0]);
    }
}

#[defn]
#[derive(Clone)]
struct Block<n> {
    w: Tensor<f64, n, m<n>>,
    b: Tensor<f64, n>,
}

#[defn]
#[derive(Clone)]
struct Tower<n> {
    blocks: [Block<n>; 3],
}

#[defn]
fn tower(p: Tower<n>, x: Tensor<f64, n>, rounds: i64) -> (Tensor<f64, n>, [Tensor<f64, n>; 3]) {
    let mut h = x;
    for _ in 0..rounds {
        for block in p.blocks {
            h = (h.dot(block.w, n).rename(m, n) + block.b).tanh();
        }
    }
    let all = for block in p.blocks {
        block.b * h
    };
    (h, all)
}

#[test]
fn an_array_of_containers_in_a_loop() {
    let n = 5;
    let block = |seed| Block { w: floats([n, n], seed), b: floats([n], seed + 1) };
    let p = Tower { blocks: [block(1), block(3), block(5)] };
    let x = floats::<f64, 1>([n], 18);
    for rounds in [0i64, 1, 4] {
        let mut h: Vec<f64> = x.iter().copied().collect();
        for _ in 0..rounds {
            for block in &p.blocks {
                let dot = |j: usize| (0..n).map(|i| h[i] * block.w[[i, j]]).sum::<f64>();
                h = (0..n).map(|j| (dot(j) + block.b[[j]]).tanh()).collect();
            }
        }
        let (found, all) = tower(&p, &x, rounds);
        near(&found, SUM_F64 * 100.0, |[i]| h[i]);
        for (found, block) in all.iter().zip(&p.blocks) {
            near(found, SUM_F64 * 100.0, |[i]| block.b[[i]] * h[i]);
        }
    }
}
