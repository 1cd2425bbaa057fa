//! Tests that `#[defn(grad = …, jvp = …, test)]` makes: right rules pass, and what is said of wrong ones.

#![expect(
    unnameable_test_items,
    reason = "wrong rules stand inside of tests, where no harness runs theirs"
)]
#![expect(clippy::too_many_arguments, reason = "a rule takes what its function takes, and more")]

use defn::prelude::*;

/// The square root of what is positive.
#[defn(grad = root_slope, jvp = root_moves, test(x = 0.1..0.9))]
fn root(x: f64) -> f64 {
    x.sqrt()
}

#[defn]
fn root_slope(x: f64, y: f64, c: f64) -> f64 {
    c / (2.0 * y) + 0.0 * x
}

#[defn]
fn root_moves(x: f64, v: f64) -> (f64, f64) {
    let y = x.sqrt();
    (y, v / (2.0 * y))
}

/// Generic: tested for `f32` and for `f64`, at extents of its own.
#[defn(grad = product_slopes, jvp = product_moves, test)]
fn product<T: Float>(a: Tensor<T, i, j>, b: Tensor<T, j, k>, s: T) -> Tensor<T, i, k> {
    s * a.dot(b, j)
}

#[defn]
fn product_slopes<T: Float>(
    a: Tensor<T, i, j>,
    b: Tensor<T, j, k>,
    s: T,
    y: Tensor<T, i, k>,
    c: Tensor<T, i, k>,
) -> (Tensor<T, i, j>, Tensor<T, j, k>, T) {
    (s * c.dot(b, k), s * a.dot(c, i), (c * y).sum() / s)
}

#[defn]
fn product_moves<T: Float>(
    a: Tensor<T, i, j>,
    b: Tensor<T, j, k>,
    s: T,
    da: Tensor<T, i, j>,
    db: Tensor<T, j, k>,
    ds: T,
) -> (Tensor<T, i, k>, Tensor<T, i, k>) {
    (s * a.dot(b, j), s * (da.dot(b, j) + a.dot(db, j)) + ds * a.dot(b, j))
}

#[defn]
#[derive(Clone)]
struct Layer<inp, out> {
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
    picked: Tensor<i32, out>,
}

/// A container, a tuple, an array, integers, a truth value, a key and an extent that is a number.
#[defn(grad = layered_slopes, test(p.w = -0.5..0.5, step = 3, m = 5))]
fn layered(
    p: Layer<pixel<7>, out>,
    x: Tensor<f32, batch, pixel<7>>,
    pair: (f32, [f32; 2]),
    step: i64,
    on: bool,
    m: usize,
    key: Key,
) -> (Tensor<f32, batch, out>, i64, f32) {
    let scale = if on { pair.0 * pair.1[0] } else { 0.0 };
    let noise = uniform::<f32>(key, (steps = m)).sum(steps);
    let y = scale * x.dot(p.w, pixel) + p.b * (p.picked as f32);
    (y, step + 1, pair.1[1] * noise * step as f32)
}

#[defn]
fn layered_slopes(
    p: Layer<pixel<7>, out>,
    x: Tensor<f32, batch, pixel<7>>,
    pair: (f32, [f32; 2]),
    step: i64,
    on: bool,
    m: usize,
    key: Key,
    y: (Tensor<f32, batch, out>, i64, f32),
    c: (Tensor<f32, batch, out>, i64, f32),
) -> (Layer<pixel<7>, out>, Tensor<f32, batch, pixel<7>>, (f32, [f32; 2])) {
    let scale = if on { pair.0 * pair.1[0] } else { 0.0 };
    let noise = uniform::<f32>(key, (steps = m)).sum(steps);
    let w = scale * x.dot(c.0, batch);
    let b = c.0.sum(batch) * (p.picked as f32);
    let by_scale = if on { (c.0 * x.dot(p.w, pixel)).sum() } else { 0.0 };
    let by_last = c.2 * noise * step as f32 + 0.0 * (y.2 + y.1 as f32);
    let pair = (by_scale * pair.1[0], [by_scale * pair.0, by_last]);
    (Layer { w: w, b: b, picked: p.picked }, scale * c.0.dot(p.w, out), pair)
}

/// A solver, which stops before the last bits.
#[defn(grad = implicit, jvp = implicit_moves, test(a = 0.5..4.0))]
fn solved(a: Tensor<f64, n>) -> Tensor<f64, n> {
    let mut x = a.max(1.0);
    while (x * x - a).abs().max() > 1e-13 {
        x = 0.5 * (x + a / x);
    }
    x
}

#[defn]
fn implicit(a: Tensor<f64, n>, x: Tensor<f64, n>, c: Tensor<f64, n>) -> Tensor<f64, n> {
    c / (2.0 * x) + 0.0 * a
}

#[defn]
fn implicit_moves(a: Tensor<f64, n>, v: Tensor<f64, n>) -> (Tensor<f64, n>, Tensor<f64, n>) {
    (a.sqrt(), v / (2.0 * a.sqrt()))
}

/// Extents that must fit together: one is a multiple of the other.
#[defn(jvp = pooled_moves, test)]
fn pooled(x: Tensor<f64, { 2 * n }>, w: Tensor<f64, n>) -> Tensor<f64, n> {
    x.split(axis = 0, (n = n, two = 2)).square().sum(two) * w
}

#[defn]
fn pooled_moves(
    x: Tensor<f64, { 2 * n }>,
    w: Tensor<f64, n>,
    dx: Tensor<f64, { 2 * n }>,
    dw: Tensor<f64, n>,
) -> (Tensor<f64, n>, Tensor<f64, n>) {
    let squares = x.split(axis = 0, (n = n, two = 2)).square().sum(two);
    let moved = (2.0 * x * dx).split(axis = 0, (n = n, two = 2)).sum(two);
    (squares * w, moved * w + squares * dw)
}

#[test]
fn a_wrong_gradient_is_told_with_the_point_and_both_numbers() {
    #[defn(grad = slope, test(s = 2.0..3.0))]
    fn scaled(x: Tensor<f64, n>, s: f64) -> Tensor<f64, n> {
        s * x * x
    }
    // The 2 is missing.
    #[defn]
    fn slope(
        x: Tensor<f64, n>,
        s: f64,
        y: Tensor<f64, n>,
        c: Tensor<f64, n>,
    ) -> (Tensor<f64, n>, f64) {
        (s * x * c, (c * y).sum() / s)
    }
    let text = scaled::__rules().unwrap_err();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "the rule `slope` of `scaled` disagrees with differences");
    assert_eq!(lines[1], "  moved:       x[0]");
    assert!(lines[2].starts_with("  compared:    ⟨c, J v⟩ with c = ["), "{text}");
    let number = |line: &str| -> f64 {
        line.split_whitespace().nth(1).unwrap().trim_end_matches(',').parse().unwrap()
    };
    let (rule, differences) = (number(lines[3]), number(lines[4]));
    assert!((2.0 * rule - differences).abs() < 1e-8 * rule.abs(), "{text}");
    assert!(
        lines[5].starts_with("  point:       x = [") && lines[5].contains("], s = 2."),
        "{text}"
    );
}

#[test]
fn a_wrong_element_of_a_large_parameter_is_found() {
    #[defn(grad = slope, test)]
    fn first(x: Tensor<f32, n<1000>>) -> f32 {
        (x * x).sum(n)
    }
    #[defn]
    fn slope(x: Tensor<f32, n<1000>>, y: f32, c: f32) -> Tensor<f32, n<1000>> {
        2.0 * c * x + 0.0 * y + select(iota(n) == 777, 1.0f32, 0.0f32)
    }
    let text = first::__rules().unwrap_err();
    assert!(text.contains("moved:       x, all elements up or down"), "{text}");
}

#[test]
fn a_wrong_tangent_is_told() {
    #[defn(jvp = moves, test)]
    fn waves<T: Float>(x: Tensor<T, n>) -> (T, Tensor<T, n>) {
        (x.sum(), x.sin())
    }
    #[defn]
    fn moves<T: Float>(x: Tensor<T, n>, v: Tensor<T, n>) -> ((T, Tensor<T, n>), (T, Tensor<T, n>)) {
        ((x.sum(), x.sin()), (v.sum(), -v * x.cos()))
    }
    let text = waves::__rules().unwrap_err();
    assert!(text.starts_with("the rule `moves` of `waves` disagrees with differences"), "{text}");
    assert!(text.contains("compared:    J v at result.1, element 0"), "{text}");
}

#[test]
fn rules_that_both_fit_differences_may_disagree() {
    #[defn(grad = slope, jvp = moves, test)]
    fn square(x: f64) -> f64 {
        x * x
    }
    #[defn]
    fn slope(x: f64, y: f64, c: f64) -> f64 {
        2.0 * c * x + 0.0 * y
    }
    // Closer than differences can see.
    #[defn]
    fn moves(x: f64, v: f64) -> (f64, f64) {
        (x * x, 2.0 * v * x * (1.0 + 1e-11))
    }
    let text = square::__rules().unwrap_err();
    assert!(text.starts_with("the rules `slope` and `moves` of `square` disagree"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    #[defn(grad = slope, test)]
    fn root(x: f64) -> f64 {
        x.sqrt()
    }
    #[defn]
    fn slope(x: f64, y: f64, c: f64) -> f64 {
        c / (2.0 * y) + 0.0 * x
    }
    let text = root::__rules().unwrap_err();
    assert!(text.starts_with("`root` is not finite at a point"), "{text}");
    assert!(text.contains("help: say where it is, as in `test(x = 0.1..0.9)`"), "{text}");

    #[defn(grad = none, test)]
    fn jumps(x: f64) -> f64 {
        (1e9 * x).sin()
    }
    #[defn]
    fn none(x: f64, y: f64, c: f64) -> f64 {
        0.0 * (x + y + c)
    }
    let text = jumps::__rules().unwrap_err();
    assert!(text.starts_with("differences of `jumps` say nothing about `x`"), "{text}");

    #[defn(grad = same, test(n = 4))]
    fn folded(x: Tensor<f64, n>) -> Tensor<f64, k<3>> {
        x.split(n, (k = 3, m)).sum(m)
    }
    #[defn]
    fn same(x: Tensor<f64, n>, y: Tensor<f64, k<3>>, c: Tensor<f64, k<3>>) -> Tensor<f64, n> {
        c.sum() + 0.0 * (x + y.sum())
    }
    let text = folded::__rules().unwrap_err();
    assert!(text.starts_with("no small extents fit together in `folded`"), "{text}");
    assert!(text.contains("help: give some of them, as in `test(n = 8)`"), "{text}");
}
