//! `if` and `else`: values, locals that are assigned in one of the two, containers, literals, nesting.

use crate::support::{EXTENTS, floats, same, whole};
use defn::prelude::*;

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Pair<n> {
    a: Tensor<f32, n>,
    b: f32,
}

#[defn]
fn magnitude(x: f64) -> f64 {
    if x < 0.0 { -x } else { x }
}

#[defn]
fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

#[test]
fn values_of_numbers() {
    for x in [-2.5, -0.0, 0.0, 3.0] {
        assert_eq!(magnitude(x), x.abs());
        assert_eq!(sign(x), if x == 0.0 { 0.0 } else { x.signum() });
    }
}

#[defn]
fn assigned(x: Tensor<f32, n>, up: bool) -> (Tensor<f32, n>, i64, f32) {
    let mut y = x;
    let mut count = 0i64;
    let untouched = x.sum();
    if up {
        y = y + 1.0;
        count += 2;
    } else {
        let y = x * 3.0;
        count -= y.extent(n);
    }
    (y, count, untouched)
}

#[test]
fn locals_that_are_assigned() {
    for n in EXTENTS {
        let x = whole::<f32, 1>([n], 1);
        let (y, count, sum) = assigned(&x, true);
        same(&y, |at| x[at] + 1.0);
        assert_eq!((count, sum), (2, x.iter().sum()));
        let (y, count, _) = assigned(&x, false);
        same(&y, |at| x[at]);
        assert_eq!(count, -(n as i64));
    }
}

#[defn]
fn reordered(x: Tensor<f32, row, column>, turn: bool) -> Tensor<f32, row, column> {
    let y = if turn { x * 2.0 } else { (x - 1.0).order(column, row) };
    y
}

#[test]
fn both_sides_have_one_order_of_axes() {
    for shape in [[0, 3], [1, 1], [3, 5], [17, 8]] {
        let x = floats::<f32, 2>(shape, 2);
        same(&reordered(&x, true), |at| x[at] * 2.0);
        same(&reordered(&x, false), |at| x[at] - 1.0);
    }
}

#[defn]
fn chosen(p: Pair<n>, q: Pair<n>, first: bool) -> (Pair<n>, (f32, bool)) {
    let best = if first { p } else { Pair { b: q.b * 2.0, ..q } };
    let parts = if best.b > 0.0 { (best.b, true) } else { (0.5, false) };
    (best, parts)
}

#[test]
fn containers_and_tuples() {
    let pair = |seed, b| Pair { a: floats([5], seed), b };
    let (p, q) = (pair(1, 1.5), pair(2, -3.0));
    assert_eq!(chosen(&p, &q, true), (p.clone(), (1.5, true)));
    let (best, parts) = chosen(&p, &q, false);
    assert_eq!((best.a, best.b, parts), (q.a, -6.0, (0.5, false)));
}

#[defn]
fn fields(p: &mut Pair<n>, x: f32) -> f32 {
    if x > 0.0 {
        p.b += x;
        if x > 10.0 {
            p.a = p.a * x;
        }
    } else if x < -10.0 {
        *p = Pair { a: p.a - 1.0, b: x };
    }
    p.b
}

#[test]
fn parameters_that_are_updated() {
    for x in [0.5f32, 11.0, 0.0, -3.0, -20.0] {
        let mut p = Pair { a: floats([9], 3), b: 4.0 };
        let before = p.clone();
        let b = fields(&mut p, x);
        let (scale, shift) = (if x > 10.0 { x } else { 1.0 }, if x < -10.0 { 1.0 } else { 0.0 });
        same(&p.a, |at| before.a[at] * scale - shift);
        let expected = if x > 0.0 {
            4.0 + x
        } else if x < -10.0 {
            x
        } else {
            4.0
        };
        assert_eq!((p.b, b), (expected, expected));
    }
}

#[defn]
fn shadowed(x: f32) -> f32 {
    let mut y = x;
    if x > 1.0 {
        let mut y = 5.0f32;
        y += x;
        if y > 7.0 {
            y = 7.0;
        }
    } else {
        y += 0.25;
    }
    y
}

#[test]
fn locals_of_a_block_are_gone_behind_it() {
    assert_eq!(shadowed(3.0), 3.0);
    assert_eq!(shadowed(0.5), 0.75);
}

#[defn]
fn wide(x: Tensor<i32, n>) -> i32 {
    if n > 8 { x.max() } else { x.sum() }
}

#[test]
fn conditions_on_extents() {
    for n in EXTENTS {
        let x = whole::<i32, 1>([n], 4);
        let expected =
            if n > 8 { x.iter().copied().max().unwrap_or(i32::MIN) } else { x.iter().sum() };
        assert_eq!(wide(&x), expected);
    }
}

#[defn]
fn lifted(x: Tensor<f64, n>) -> Tensor<f64, n> {
    sign(x) * magnitude(x)
}

#[test]
fn branches_of_scalars_are_lifted() {
    for n in EXTENTS {
        let x = floats::<f64, 1>([n], 5);
        same(&lifted(&x), |at| x[at]);
    }
}
