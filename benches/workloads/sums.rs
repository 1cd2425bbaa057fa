//! Sums: of a long vector, of all its beginnings, and scattered by position; and a vector in order.

use defn::prelude::*;

use crate::inputs::{normal, positions};
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{all, check, exact, running_sum, sum};

#[defn]
pub(crate) fn total(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

pub(crate) fn sum_64m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([16 * 1024 * 1024], 1);
    stopwatch.time(
        &x,
        |x| total(x),
        total::into,
        |y| check(&Tensor::<f32, 0>::from(*y), &[sum(x.iter().copied().map(exact))]),
    )
}

#[defn]
fn running(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.cumsum(n)
}

pub(crate) fn cumsum_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([1_000_000], 1);
    stopwatch.time(
        &x,
        |x| running(x),
        running::into,
        |y| check(y, &running_sum(all(&x)).collect::<Vec<_>>()),
    )
}

#[defn]
fn sorted(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.sort(n)
}

pub(crate) fn sort_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([1_000_000], 1);
    let expected = || {
        let mut items: Vec<f32> = x.iter().copied().collect();
        items.sort_unstable_by(f32::total_cmp);
        items.into_iter().map(exact).collect::<Vec<_>>()
    };
    stopwatch.time(&x, |x| sorted(x), sorted::into, |y| check(y, &expected()))
}

#[defn]
fn scatter_add(
    table: Tensor<f32, bin>,
    place: Tensor<i32, n>,
    value: Tensor<f32, n>,
) -> Tensor<f32, bin> {
    table.add_at(bin, place, value)
}

pub(crate) fn scatter_add_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (bins, count) = (65536, 1_000_000);
    let (table, value) = (normal([bins], 1), normal([count], 2));
    let place = positions(count, 3, bins);
    let expected = || {
        let mut terms: Vec<_> = all(&table).into_iter().map(|start| vec![start]).collect();
        for (place, value) in place.iter().zip(&value) {
            terms[*place as usize].push(exact(*value));
        }
        terms.into_iter().map(sum).collect::<Vec<_>>()
    };
    stopwatch.time(
        &(table.clone(), place.clone(), value.clone()),
        |(table, place, value)| scatter_add(table, place, value),
        |(table, place, value), y| scatter_add::into(table, place, value, y),
        |y| check(y, &expected()),
    )
}
