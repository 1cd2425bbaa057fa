//! What is large enough for a GPU: elements by the gibibyte. References are those of a sample.

use defn::prelude::*;

use crate::elementwise::exp;
use crate::inputs::normal;
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{self, by_rows, check, exact, sampled, sum};
use crate::rows::softmax;
use crate::sums::total;

/// A gibibyte of elements.
const COUNT: usize = 1 << 28;

/// How many of them are compared.
const SAMPLE: usize = 10_007;

/// Reads and writes as much as a copy.
#[defn]
fn negative(x: Tensor<f32, n>) -> Tensor<f32, n> {
    -x
}

pub(crate) fn negative_1g(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([COUNT], 1);
    stopwatch.time(&x, negative, negative::into, |y| {
        let at = sampled(COUNT, SAMPLE);
        let expected: Vec<_> = at.iter().map(|&at| -exact(x[[at]])).collect();
        check(&Tensor::from_fn([at.len()], |[i]| y[[at[i]]]), &expected)
    })
}

pub(crate) fn exp_1g(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([COUNT], 1);
    stopwatch.time(&x, exp, exp::into, |y| {
        let at = sampled(COUNT, SAMPLE);
        let expected: Vec<_> = at.iter().map(|&at| exact(x[[at]]).exp()).collect();
        check(&Tensor::from_fn([at.len()], |[i]| y[[at[i]]]), &expected)
    })
}

pub(crate) fn sum_1g(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([COUNT], 1);
    stopwatch.time(&x, total, total::into, |y| {
        check(&Tensor::<f32, 0>::from(*y), &[sum(x.iter().copied().map(exact))])
    })
}

pub(crate) fn softmax_rows_1g(stopwatch: &Stopwatch) -> Verdict<Times> {
    const WIDTH: usize = 1024;
    let x = normal([COUNT / WIDTH, WIDTH], 1);
    stopwatch.time(&x, softmax, softmax::into, |y| {
        let rows = sampled(COUNT / WIDTH, SAMPLE / WIDTH);
        let of_rows =
            |x: &Tensor<f32, 2>| Tensor::from_fn([rows.len(), WIDTH], |[i, j]| x[[rows[i], j]]);
        let expected = by_rows(&reference::all(&of_rows(&x)), WIDTH, reference::softmax);
        check(&of_rows(y), &expected)
    })
}
