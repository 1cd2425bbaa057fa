//! `while` and `for` over ranges and axes: counting, leaving early, nesting, updating in place.

use crate::support::{
    EXTENTS, FUNCTION_ULPS, SUM_F32, SUM_F64, epsilon, floats, near, same, whole,
};
use defn::prelude::*;

#[defn]
fn newton(a: f64) -> (f64, i64) {
    let mut x = 1.0f64;
    let mut steps = 0i64;
    while (x * x - a).abs() > 1e-10 {
        x = 0.5 * (x + a / x);
        steps += 1;
    }
    (x, steps)
}

#[test]
fn newton_runs_until_it_stands() {
    for a in [1.0, 2.0, 4.0, 144.0] {
        let (mut x, mut steps) = (1.0f64, 0);
        while (x * x - a).abs() > 1e-10 {
            x = 0.5 * (x + a / x);
            steps += 1;
        }
        assert_eq!(newton(a), (x, steps));
    }
}

#[defn]
fn collatz(start: i64) -> i64 {
    let mut n = start;
    let mut steps = 0i64;
    while n > 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

#[test]
fn collatz_takes_as_many_steps() {
    for start in [0i64, 1, 2, 7, 27, 97] {
        let (mut n, mut steps) = (start, 0);
        while n > 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        assert_eq!(collatz(start), steps);
    }
}

#[defn]
fn power(x: Tensor<f64, n>, times: i64) -> Tensor<f64, n> {
    let mut y = x.ones_like();
    for _ in 0..times {
        y *= x;
    }
    y
}

#[defn]
fn positions(n: usize, from: i64, to: i64) -> (i64, i64, i64, i64) {
    let mut fixed = 0i64;
    let mut shifted = 0i64;
    let mut known = 1i64;
    let mut backwards = 0i64;
    for i in 0..n {
        fixed = fixed * 3 + i;
    }
    for i in (n..2 * n + 1).rev() {
        shifted = shifted * 2 - i;
    }
    for i in 2..7 {
        known *= i;
    }
    for i in (from..to).rev() {
        backwards = backwards * 3 + i;
    }
    (fixed, shifted, known, backwards)
}

#[test]
fn ranges() {
    for n in [0usize, 1, 2, 5, 9] {
        for (from, to) in [(0i64, 0i64), (3, 1), (-2, 4), (5, 9)] {
            let fixed = (0..n as i64).fold(0i64, |sum, i| sum.wrapping_mul(3).wrapping_add(i));
            let shifted = (n as i64..2 * n as i64 + 1).rev().fold(0, |sum, i| sum * 2 - i);
            let backwards = (from..to).rev().fold(0, |sum, i| sum * 3 + i);
            assert_eq!(positions(n, from, to), (fixed, shifted, 720, backwards));
        }
    }
    for n in EXTENTS {
        let x = floats::<f64, 1>([n], 1);
        for times in [-1i64, 0, 1, 5] {
            let found = power(&x, times);
            same(&found, |at| (0..times).fold(1.0, |y, _| y * x[at]));
        }
    }
}

#[defn]
fn from_one(x: Tensor<f32, n>) -> f32 {
    let mut best = f32::NEG_INFINITY;
    for i in 1..n {
        best = best.max(x.at(n, i));
    }
    best
}

#[test]
fn a_range_that_cannot_be_is_an_error() {
    let x = floats::<f32, 1>([4], 2);
    assert_eq!(from_one(&x), x.iter().copied().fold(f32::MIN, f32::max));
    let error = from_one::try_call(&Tensor::<f32, 1>::zeros([0])).expect_err("1..0 is no range");
    assert!(error.to_string().contains("loop over `1..n`"), "{error}");
}

#[defn]
fn first_above(x: Tensor<f32, n>, limit: f32) -> (i64, i64, f32) {
    let mut front = 0i64;
    for i in 0..n {
        if x.at(n, i) > limit {
            break;
        }
        front = i + 1;
    }
    let mut back = 0i64;
    let mut sum = 0.0f32;
    for v in x.along(n).rev() {
        back += 1;
        sum += v;
        if sum > limit {
            break;
        }
    }
    (front, back, sum)
}

#[test]
fn loops_that_are_left_early() {
    for n in EXTENTS {
        let x = whole::<f32, 1>([n], 5);
        for limit in [-20.0f32, 0.0, 5.0, 100.0] {
            let front = x.iter().position(|v| *v > limit).unwrap_or(n);
            let (mut back, mut sum) = (0, 0.0f32);
            for v in x.iter().collect::<Vec<_>>().into_iter().rev() {
                back += 1;
                sum += v;
                if sum > limit {
                    break;
                }
            }
            assert_eq!(first_above(&x, limit), (front as i64, back, sum));
        }
    }
}

#[defn]
fn both_exits(limit: i64) -> (i64, i64) {
    let mut a = 0i64;
    let mut b = 1i64;
    while a < 1000 {
        if b > limit {
            break;
        }
        let next = a + b;
        a = b;
        b = next;
        if a == 13 {
            break;
        }
    }
    (a, b)
}

#[test]
fn a_loop_with_two_exits() {
    for limit in [0i64, 1, 5, 20, 21, 5000] {
        let (mut a, mut b) = (0i64, 1i64);
        while a < 1000 && b <= limit {
            (a, b) = (b, a + b);
            if a == 13 {
                break;
            }
        }
        assert_eq!(both_exits(limit), (a, b));
    }
}

#[defn]
fn triangle(n: usize) -> (i64, i64) {
    let mut pairs = 0i64;
    let mut odd = 0i64;
    for i in 0..n {
        for j in i + 1..n {
            pairs += i * j;
            if (i + j) % 2 == 1 {
                odd += 1;
            }
        }
    }
    (pairs, odd)
}

#[test]
fn loops_in_loops() {
    for n in [0usize, 1, 2, 5, 11] {
        let (mut pairs, mut odd) = (0, 0);
        for i in 0..n as i64 {
            for j in i + 1..n as i64 {
                pairs += i * j;
                odd += (i + j) % 2;
            }
        }
        assert_eq!(triangle(n), (pairs, odd));
    }
}

#[defn]
fn product(x: Tensor<f32, i, k>, y: Tensor<f32, k, j>) -> Tensor<f32, i, j> {
    let z = for row in x.along(i) {
        let mut sum = zeros::<f32>(j);
        for (a, b) in (row, y).along(k) {
            sum += a * b;
        }
        sum
    };
    z
}

#[test]
fn a_matrix_product_written_out() {
    for [n, m, k] in [[1, 1, 1], [3, 5, 4], [8, 17, 9], [2, 3, 0]] {
        let (x, y) = (whole::<f32, 2>([n, k], 6), whole::<f32, 2>([k, m], 7));
        same(&product(&x, &y), |[i, j]| (0..k).map(|k| x[[i, k]] * y[[k, j]]).sum());
    }
}

#[defn]
fn diffuse(u: &mut Tensor<f64, x>, steps: i64, rate: f64) -> f64 {
    for _ in 0..steps {
        let left = u.roll(x, 1);
        let right = u.roll(x, -1);
        *u += rate * (left - 2.0 * *u + right);
    }
    u.sum()
}

#[test]
fn a_parameter_that_a_loop_updates() {
    for n in EXTENTS {
        for steps in [0i64, 1, 7] {
            let start = floats::<f64, 1>([n], 8);
            let mut u = start.copied();
            let sum = diffuse(&mut u, steps, 0.2);
            let mut twin: Vec<f64> = start.iter().copied().collect();
            for _ in 0..steps {
                let old = twin.clone();
                for (i, value) in twin.iter_mut().enumerate() {
                    let (left, right) = (old[(i + n - 1) % n], old[(i + 1) % n]);
                    *value = old[i] + 0.2 * (left - 2.0 * old[i] + right);
                }
            }
            let bound = |x: f64| epsilon::<f64>() * FUNCTION_ULPS * 8.0 * (1.0 + x.abs());
            for (found, expected) in u.iter().zip(&twin) {
                assert!((found - expected).abs() <= bound(*expected), "{found} {expected}");
            }
            assert!((sum - twin.iter().sum::<f64>()).abs() <= bound(n as f64));
        }
    }
}

#[defn]
fn stacked(
    x: Tensor<f32, time, n>,
) -> (Tensor<i64, time>, Tensor<f32, { 3 }, n>, Tensor<f32, { 2 }, time>) {
    let squares = for t in time {
        t * t
    };
    let scaled = for k in 0..3 {
        x.sum(time) * k as f32
    };
    let table = for i in 0..2 {
        for t in time.rev() {
            (i * 10 + t) as f32
        }
    };
    (squares, scaled, table)
}

#[test]
fn values_are_stacked() {
    for [time, n] in [[0, 2], [1, 1], [3, 0], [4, 9], [17, 8]] {
        let x = whole::<f32, 2>([time, n], 10);
        let (squares, scaled, table) = stacked(&x);
        same(&squares, |[t]| (t * t) as i64);
        same(&scaled, |[k, i]| (0..time).map(|t| x[[t, i]]).sum::<f32>() * k as f32);
        same(&table, |[i, t]| (i * 10 + t) as f32);
    }
}

#[defn]
fn steps_to_one(start: i64) -> i64 {
    let mut n = start;
    let mut steps = 0i64;
    while n > 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

#[defn]
fn horner(x: f64) -> f64 {
    let mut y = 0.0f64;
    for i in 0..6 {
        y = y * x + i as f64;
    }
    y
}

#[defn]
fn each(start: Tensor<i64, n>, x: Tensor<f64, n, m>) -> (Tensor<i64, n>, Tensor<f64, n, m>) {
    (steps_to_one(start), horner(x))
}

#[test]
fn loops_of_scalars_are_lifted() {
    for [n, m] in [[0, 2], [1, 1], [9, 3], [17, 8]] {
        let (start, x) = (whole::<i64, 1>([n], 12).map(|v| v * v), floats::<f64, 2>([n, m], 13));
        let (steps, values) = each(&start, &x);
        same(&steps, |at| collatz(start[at]));
        same(&values, |at| horner(x[at]));
    }
}

#[defn]
fn swapped(
    x: Tensor<i64, n>,
    y: Tensor<i64, n>,
    times: usize,
) -> (Tensor<i64, n>, Tensor<i64, n>, Tensor<i64, { times }, n>) {
    let mut a = x;
    let mut b = y;
    let same = for _ in 0..times {
        let old = a;
        a = b;
        b = old;
        x
    };
    (a, b, same)
}

#[test]
fn state_that_changes_places() {
    for times in [0usize, 1, 2, 5] {
        let (x, y) = (whole::<i64, 1>([5], 14), whole::<i64, 1>([5], 15));
        let (a, b, all) = swapped(&x, &y, times);
        let (first, second) = if times % 2 == 0 { (&x, &y) } else { (&y, &x) };
        assert_eq!((&a, &b), (first, second));
        same(&all, |[_, i]| x[[i]]);
    }
}

#[defn]
const STEPS: i64 = 4;

#[defn]
fn relax<T: Float>(x: &mut Tensor<T, n>, rate: T) -> T {
    let mean = x.mean();
    *x += rate * (mean - *x);
    mean
}

#[defn]
fn relaxed<T: Float>(x: &mut Tensor<T, n>, rate: T) -> (T, Tensor<T, { 4 }>) {
    let mut other = *x;
    let means = for i in 0..STEPS {
        let mean = relax(&mut other, rate);
        if i % 2 == 0 {
            relax(&mut x, rate);
        }
        mean
    };
    (other.sum() - x.sum(), means)
}

#[test]
fn calls_that_update_what_a_loop_carries() {
    for n in [1usize, 7, 17] {
        let start = floats::<f64, 1>([n], 16);
        let mut x = start.copied();
        let (apart, means) = relaxed(&mut x, 0.25);
        let relax = |x: &mut Vec<f64>| {
            let mean = x.iter().sum::<f64>() / n as f64;
            x.iter_mut().for_each(|x| *x += 0.25 * (mean - *x));
            mean
        };
        let (mut twin, mut other): (Vec<f64>, Vec<f64>) =
            (start.iter().copied().collect(), start.iter().copied().collect());
        for i in 0..4 {
            let mean = relax(&mut other);
            if i % 2 == 0 {
                relax(&mut twin);
            }
            assert!((means[[i]] - mean).abs() < SUM_F64);
        }
        near(&x, SUM_F64, |[i]| twin[i]);
        assert!(
            (apart - other.iter().sum::<f64>() + twin.iter().sum::<f64>()).abs() < SUM_F64 * 10.0
        );
        relaxed(&mut x.cast::<f32>(), 0.25);
    }
}

#[defn]
fn pooled(x: Tensor<f32, n>, rounds: i64) -> Tensor<f32, n> {
    let mut y = x;
    let mut round = 0i64;
    while round < rounds && y.max() > 0.0 {
        let seen = y.window(n, k = 3, padding = (1, 1), value = f32::NEG_INFINITY).max(k);
        for i in 0..2 {
            let shift = if i == 0 { 1.0f32 } else { seen.mean() };
            for _ in 0..round {
                y = y - 0.5 * shift;
            }
        }
        y = (y + seen.slice(n, 0..n)) / 2.0;
        round += 1;
    }
    y
}

#[test]
fn loops_and_branches_in_each_other() {
    for n in [1usize, 2, 7, 17] {
        for rounds in [0i64, 1, 3] {
            let x = whole::<f32, 1>([n], 17);
            let mut y: Vec<f32> = x.iter().copied().collect();
            let mut round = 0;
            while round < rounds && y.iter().any(|v| *v > 0.0) {
                let seen: Vec<f32> = (0..n)
                    .map(|i| {
                        y[i.saturating_sub(1)..(i + 2).min(n)]
                            .iter()
                            .fold(f32::MIN, |a, b| a.max(*b))
                    })
                    .collect();
                let mean = seen.iter().sum::<f32>() / n as f32;
                for shift in [1.0, mean] {
                    for _ in 0..round {
                        y.iter_mut().for_each(|v| *v -= 0.5 * shift);
                    }
                }
                y.iter_mut().zip(&seen).for_each(|(v, s)| *v = (*v + s) / 2.0);
                round += 1;
            }
            near(&pooled(&x, rounds), SUM_F32, |[i]| f64::from(y[i]));
        }
    }
}

#[defn]
fn hidden(x: Tensor<f32, n>) -> (f32, f32) {
    let mut v = 1.0f32;
    let w = x.sum();
    let mut total = 0.0f32;
    for mut v in x.along(n) {
        v += 1.0;
        let mut w = v * 2.0;
        w += 1.0;
        total += w;
    }
    v += 1.0;
    (v + w, total)
}

#[test]
fn what_a_loop_declares_is_its_own() {
    for n in EXTENTS {
        let x = whole::<f32, 1>([n], 19);
        let sum: f32 = x.iter().sum();
        assert_eq!(hidden(&x), (2.0 + sum, 2.0 * sum + 3.0 * n as f32));
    }
}

#[defn]
fn found(x: Tensor<i64, row, column>, wanted: i64) -> (i64, i64) {
    let mut at = (-1i64, -1i64);
    let mut i = 0i64;
    while i < row && at.0 < 0 {
        for j in 0..column {
            if x[(i, j)] == wanted {
                at = (i, j);
            }
            if at.0 >= 0 {
                break;
            }
        }
        i += 1;
    }
    at
}

#[test]
fn a_search_through_rows() {
    for shape in [[0, 4], [1, 1], [4, 7], [9, 3]] {
        let x = whole::<i64, 2>(shape, 20);
        for wanted in [-9, 0, 3, 50] {
            let places = (0..shape[0]).flat_map(|i| (0..shape[1]).map(move |j| (i, j)));
            let first = places.into_iter().find(|(i, j)| x[[*i, *j]] == wanted);
            let expected = first.map_or((-1, -1), |(i, j)| (i as i64, j as i64));
            assert_eq!(found(&x, wanted), expected);
        }
    }
}

#[defn]
fn halvings(x: Tensor<f64, n>, limit: f64) -> i64 {
    let mut y = x;
    let mut rounds = 0i64;
    while {
        let mut sum = 0.0f64;
        for v in y.along(n) {
            sum += v.abs();
        }
        sum > limit
    } {
        y /= 2.0;
        rounds += 1;
    }
    rounds
}

#[test]
fn a_condition_with_locals_of_its_own() {
    for n in EXTENTS {
        let x = whole::<f64, 1>([n], 21);
        let sum: f64 = x.iter().map(|v| v.abs()).sum();
        let rounds = (0..).find(|k| sum / f64::from(1 << k) <= 0.5).unwrap_or_default();
        assert_eq!(halvings(&x, 0.5), i64::from(rounds));
    }
}

#[defn]
struct Pair<n> {
    first: Tensor<f64, n>,
    second: f64,
}

#[defn]
fn both(x: f64) -> (f64, (f64, i64)) {
    (x + 1.0, (2.0 * x, 3))
}

/// Several places at once, of which each reads what was before.
#[defn]
fn taken_apart(times: i64, x: Tensor<f64, n>) -> (i64, Pair<n>, i64) {
    let (mut a, mut b) = (0i64, 1i64);
    let mut pair = Pair { first: x, second: 1.0 };
    let mut count = 0i64;
    for _ in 0..times {
        (a, b) = (b, a + b);
        (pair.second, (_, count)) = both(pair.second);
        (pair.first, _) = (pair.first + pair.second, 0);
    }
    (a, pair, count)
}

#[test]
fn several_places_are_assigned_at_once() {
    let x = floats::<f64, 1>([3], 1);
    let (a, pair, count) = taken_apart(5, &x);
    assert_eq!((a, pair.second, count), (5, 6.0, 3));
    same(&pair.first, |at| x[at] + 2.0 + 3.0 + 4.0 + 5.0 + 6.0);
}
