//! What a derivative keeps: `checkpoint` of layers, of loops and in loops, beside the same functions without it.

use crate::support::{SUM_F64, floats, near, slopes};
use defn::prelude::*;

#[defn]
#[derive(Clone)]
struct Layer<width> {
    w: Tensor<f32, width, out<width>>,
    v: Tensor<f32, width, out<width>>,
    b: Tensor<f32, width>,
}

#[defn]
#[derive(Clone)]
struct Deep<width> {
    layers: [Layer<width>; 32],
}

#[defn]
fn layer(p: Layer<width>, h: Tensor<f32, batch, width>) -> Tensor<f32, batch, width> {
    let z = h.dot(p.w, width).rename(out, width) + p.b;
    let gate = z.dot(p.v, width).rename(out, width).sigmoid();
    (z.tanh() * gate).exp()
}

#[defn]
fn kept(p: Deep<width>, x: Tensor<f32, batch, width>) -> f32 {
    let mut h = x;
    for l in p.layers {
        h = layer(l, h);
    }
    h.square().sum()
}

#[defn]
fn again(p: Deep<width>, x: Tensor<f32, batch, width>) -> f32 {
    let mut h = x;
    for l in p.layers {
        h = checkpoint(layer(l, h));
    }
    h.square().sum()
}

#[defn]
fn slopes_kept(
    p: Deep<width>,
    x: Tensor<f32, batch, width>,
) -> (Deep<width>, Tensor<f32, batch, width>) {
    grad!(kept, wrt = (p, x))(p, x)
}

#[defn]
fn slopes_again(
    p: Deep<width>,
    x: Tensor<f32, batch, width>,
) -> (Deep<width>, Tensor<f32, batch, width>) {
    grad!(again, wrt = (p, x))(p, x)
}

fn deep(width: usize) -> Deep {
    let scaled = |shape, seed| floats::<f32, 2>(shape, seed).map(|w| w / width as f32);
    let layer = |k: u64| Layer {
        w: scaled([width, width], 3 * k),
        v: scaled([width, width], 3 * k + 1),
        b: floats([width], 3 * k + 2),
    };
    Deep { layers: std::array::from_fn(|k| layer(k as u64)) }
}

#[test]
fn layers_that_run_again_have_the_same_gradient_in_less_memory() {
    for (batch, width) in [(5, 7), (64, 16), (0, 3)] {
        let (p, x) = (deep(width), floats([batch, width], 1));
        assert_eq!(kept(&p, &x).to_bits(), again(&p, &x).to_bits());
        let ((kept, kept_x), (again, again_x)) = (slopes_kept(&p, &x), slopes_again(&p, &x));
        assert_eq!(kept_x, again_x);
        for (kept, again) in kept.layers.iter().zip(&again.layers) {
            assert_eq!((&kept.w, &kept.v, &kept.b), (&again.w, &again.v, &again.b));
        }
    }
    let (p, x) = (deep(16), floats([4096, 16], 1));
    let bytes = 4 * x.len();
    let all = slopes_kept::workspace_bytes(&p, &x).unwrap();
    let some = slopes_again::workspace_bytes(&p, &x).unwrap();
    // Each layer keeps several tensors of its size, or the one that goes in; and a layer that runs has a few.
    assert!(all > 90 * bytes, "{all}");
    assert!(some < 44 * bytes, "{some}");
    assert_eq!(kept::workspace_bytes(&p, &x).unwrap(), again::workspace_bytes(&p, &x).unwrap());
}

#[defn]
struct Pair<n> {
    left: Tensor<f64, n>,
    right: f64,
}

/// Tuples, containers, scalars, calls, loops and assignments inside.
#[defn]
fn many(p: Pair<n>, x: Tensor<f64, n>, y: f64) -> f64 {
    let (a, b) = checkpoint((x.sin() * p.left, y.exp() * p.right));
    let q = checkpoint(Pair { left: a.tanh() * b, right: (a * x).sum() });
    let mut s = q.left;
    let n_steps = checkpoint({
        for i in 0..3 {
            s = (s * p.left + i as f64).cos();
        }
        3
    });
    let mut k = 0.0f64;
    let scaled = checkpoint({
        k += y.sin();
        let mut t = s;
        while (t * t).sum() > 0.1 {
            t *= 0.5;
        }
        if k > 0.0 { t * k } else { t - k }
    });
    (scaled * q.right).sum() + k * y + n_steps as f64
}

#[defn]
fn many_kept(p: Pair<n>, x: Tensor<f64, n>, y: f64) -> f64 {
    let (a, b) = (x.sin() * p.left, y.exp() * p.right);
    let q = Pair { left: a.tanh() * b, right: (a * x).sum() };
    let mut s = q.left;
    for i in 0..3 {
        s = (s * p.left + i as f64).cos();
    }
    let k = y.sin();
    let mut t = s;
    while (t * t).sum() > 0.1 {
        t *= 0.5;
    }
    let scaled = if k > 0.0 { t * k } else { t - k };
    (scaled * q.right).sum() + k * y + 3.0
}

#[test]
fn anything_may_stand_in_it() {
    for n in [1, 5, 8, 17] {
        let p = Pair { left: floats([n], 1), right: 0.75 };
        let (x, y) = (floats::<f64, 1>([n], 2), 0.5);
        assert!((many(&p, &x, y) - many_kept(&p, &x, y)).abs() < SUM_F64);
        let found = grad!(many, wrt = (p, x, y))(&p, &x, y);
        let kept = grad!(many_kept, wrt = (p, x, y))(&p, &x, y);
        near(&found.0.left, 1e-9, |at| kept.0.left[at]);
        near(&found.1, 1e-9, |at| kept.1[at]);
        assert!((found.0.right - kept.0.right).abs() < 1e-9 * kept.0.right.abs().max(1.0));
        assert!((found.2 - kept.2).abs() < 1e-9 * kept.2.abs().max(1.0));
        slopes(&found.1, &x, |x| many_kept(&p, x, y));
    }
}

#[defn]
fn bump(x: f64, w: f64) -> f64 {
    checkpoint((x * w).sin().exp()) * x
}

#[defn]
fn bump_kept(x: f64, w: f64) -> f64 {
    (x * w).sin().exp() * x
}

#[defn]
fn bumps(x: Tensor<f64, n>, w: f64) -> Tensor<f64, n> {
    bump(x, w)
}

#[defn]
fn curved(x: f64, w: f64) -> f64 {
    grad!(grad!(bump))(x, w)
}

#[defn]
fn curved_kept(x: f64, w: f64) -> f64 {
    grad!(grad!(bump_kept))(x, w)
}

#[defn]
fn each(x: Tensor<f64, n>, w: f64) -> Tensor<f64, n> {
    vmap!(grad!(bump), over = n, of = x)(x, w)
}

#[test]
fn scalars_maps_and_higher_derivatives() {
    let x = floats::<f64, 1>([9], 3);
    near(&bumps(&x, 0.75), SUM_F64, |at| bump_kept(x[at], 0.75));
    near(&each(&x, 0.75), SUM_F64, |at| grad!(bump_kept)(x[at], 0.75));
    for at in 0..9 {
        let (found, kept) = (curved(x[[at]], 0.75), curved_kept(x[[at]], 0.75));
        assert!((found - kept).abs() < SUM_F64 * kept.abs().max(1.0), "{found} {kept}");
    }
}

/// A cell whose weights are numbers, and what it gives on the way.
#[defn]
fn walk(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = h;
    let seen = for x in xs.along(time) {
        h = (h * w + x).tanh();
        h * h * w
    };
    seen.sum() + h.sum()
}

#[defn]
fn walk_by_roots(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = h;
    let seen = checkpoint(for x in xs.along(time) {
        h = (h * w + x).tanh();
        h * h * w
    });
    seen.sum() + h.sum()
}

#[defn]
fn walk_back(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = h;
    let seen = for (x, t) in (xs, iota(time)).along(time).rev() {
        h = (h * w + x * t as f64).tanh();
        h * h
    };
    seen.sum() + h.sum()
}

#[defn]
fn walk_back_by_roots(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = h;
    let seen = checkpoint(for (x, t) in (xs, iota(time)).along(time).rev() {
        h = (h * w + x * t as f64).tanh();
        h * h
    });
    seen.sum() + h.sum()
}

#[test]
fn loops_that_keep_some_states_have_the_bits_of_those_that_keep_all() {
    for time in [0, 1, 2, 3, 4, 5, 16, 17, 35, 36, 37, 100] {
        for n in [1, 3, 20] {
            let w = floats::<f64, 1>([n], 1).map(|w| w / 2.0);
            let (h, xs) = (floats([n], 2), floats([time, n], 3));
            let kept = grad!(walk, wrt = (w, h, xs))(&w, &h, &xs);
            assert_eq!(grad!(walk_by_roots, wrt = (w, h, xs))(&w, &h, &xs), kept);
            let kept = grad!(walk_back, wrt = (w, h, xs))(&w, &h, &xs);
            assert_eq!(grad!(walk_back_by_roots, wrt = (w, h, xs))(&w, &h, &xs), kept);
        }
    }
}

#[defn]
fn slope_of_walk(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> Tensor<f64, n> {
    grad!(walk)(w, h, xs)
}

#[defn]
fn slope_by_roots(
    w: Tensor<f64, n>,
    h: Tensor<f64, n>,
    xs: Tensor<f64, time, n>,
) -> Tensor<f64, n> {
    grad!(walk_by_roots)(w, h, xs)
}

#[test]
fn a_loop_that_keeps_some_states_needs_about_two_roots_of_them() {
    let (n, time) = (64, 2500);
    let (w, h, xs) = (floats([n], 1), floats([n], 2), Tensor::zeros([time, n]));
    let state = 8 * n;
    let all = slope_of_walk::workspace_bytes(&w, &h, &xs).unwrap();
    let some = slope_by_roots::workspace_bytes(&w, &h, &xs).unwrap();
    assert!(all >= 2 * time * state, "{all}");
    assert!(some <= 4 * 50 * state + time * state, "{some}");
}

/// A loop whose body runs again keeps what it carries.
#[defn]
fn walk_of_checkpoints(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = h;
    for x in xs.along(time) {
        h = checkpoint(((h * w).sin().exp() + (x - h).cos().tanh()).sigmoid());
    }
    h.sum()
}

#[defn]
fn walk_of_residuals(w: Tensor<f64, n>, h: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = h;
    for x in xs.along(time) {
        h = ((h * w).sin().exp() + (x - h).cos().tanh()).sigmoid();
    }
    h.sum()
}

#[defn]
fn slope_of_checkpoints(
    w: Tensor<f64, n>,
    h: Tensor<f64, n>,
    xs: Tensor<f64, time, n>,
) -> Tensor<f64, n> {
    grad!(walk_of_checkpoints)(w, h, xs)
}

#[defn]
fn slope_of_residuals(
    w: Tensor<f64, n>,
    h: Tensor<f64, n>,
    xs: Tensor<f64, time, n>,
) -> Tensor<f64, n> {
    grad!(walk_of_residuals)(w, h, xs)
}

#[test]
fn a_body_that_runs_again_leaves_its_state() {
    let (n, time) = (40, 300);
    let (w, h, xs) = (floats([n], 1), floats([n], 2), floats([time, n], 3));
    assert_eq!(slope_of_checkpoints(&w, &h, &xs), slope_of_residuals(&w, &h, &xs));
    let state = 8 * n;
    let states = slope_of_checkpoints::workspace_bytes(&w, &h, &xs).unwrap();
    let residuals = slope_of_residuals::workspace_bytes(&w, &h, &xs).unwrap();
    assert!((time * state..(time + 20) * state).contains(&states), "{states}");
    assert!(residuals > 3 * time * state, "{residuals}");
}

#[defn]
fn swing(x: Tensor<f64, n<500>>, steps: Tensor<f64, time<10000>>) -> f64 {
    let mut h = x;
    for s in steps.along(time) {
        h = (h * s).sin() + x;
    }
    h.sum()
}

#[defn]
fn swing_slope(x: Tensor<f64, n<500>>, steps: Tensor<f64, time<10000>>) -> Tensor<f64, n<500>> {
    grad!(swing)(x, steps)
}

#[defn(memory = "2 MB")]
fn swing_slope_in(x: Tensor<f64, n<500>>, steps: Tensor<f64, time<10000>>) -> Tensor<f64, n<500>> {
    grad!(swing)(x, steps)
}

/// As little as there is.
#[defn(memory = "400 kB")]
fn swing_slope_in_less(
    x: Tensor<f64, n<500>>,
    steps: Tensor<f64, time<10000>>,
) -> Tensor<f64, n<500>> {
    grad!(swing)(x, steps)
}

#[test]
fn a_budget_chooses_what_runs_again() {
    let (x, steps) = (floats([500], 1), floats([10_000], 2));
    let slope = swing_slope(&x, &steps);
    assert_eq!(swing_slope_in(&x, &steps), slope);
    assert_eq!(swing_slope_in_less(&x, &steps), slope);
    assert!(swing_slope::workspace_bytes(&x, &steps).unwrap() > 40_000_000);
    assert!(swing_slope_in::workspace_bytes(&x, &steps).unwrap() <= 2_000_000);
    assert!(swing_slope_in_less::workspace_bytes(&x, &steps).unwrap() <= 400_000);
    assert!(!swing_slope::explain().contains("memory is short"));
    assert!(swing_slope_in::explain().contains("loops keep about two roots of their states"));
    assert!(swing_slope_in_less::explain().contains("four fourth roots"));
}

#[defn]
fn chain(x: Tensor<f32, b<96>, n<64>>, w: Tensor<f32, n<64>, m<64>>) -> f32 {
    let mut h = x;
    for step in [1.0, 0.5, 0.25, 2.0, 1.5, 1.0, 0.5, 0.25, 2.0, 1.5, 0.75, 0.125] {
        let g = h.dot(w, n).rename(m, n) * step;
        h = g.tanh() * (g + x).sigmoid();
    }
    h.sum()
}

#[defn]
fn chain_slope(
    x: Tensor<f32, b<96>, n<64>>,
    w: Tensor<f32, n<64>, m<64>>,
) -> Tensor<f32, b<96>, n<64>> {
    grad!(chain)(x, w)
}

#[defn(memory = "400 kB")]
fn chain_slope_in(
    x: Tensor<f32, b<96>, n<64>>,
    w: Tensor<f32, n<64>, m<64>>,
) -> Tensor<f32, b<96>, n<64>> {
    grad!(chain)(x, w)
}

#[test]
fn what_is_no_loop_runs_again_in_segments() {
    let (x, w) = (floats([96, 64], 1), floats::<f32, 2>([64, 64], 2).map(|w| w / 8.0));
    assert_eq!(chain_slope_in(&x, &w), chain_slope(&x, &w));
    assert!(chain_slope::workspace_bytes(&x, &w).unwrap() > 500_000);
    assert!(chain_slope_in::workspace_bytes(&x, &w).unwrap() <= 400_000);
    assert!(chain_slope_in::explain().contains("segments"));
}

#[defn(memory = "64 KiB")]
fn swings(x: Tensor<f64, n>, steps: Tensor<f64, time>) -> f64 {
    let mut h = x;
    for s in steps.along(time) {
        h = (h * s).sin() + x;
    }
    h.sum()
}

#[defn(memory = "64 KiB")]
fn swings_slope(x: Tensor<f64, n>, steps: Tensor<f64, time>) -> Tensor<f64, n> {
    grad!(swings)(x, steps)
}

#[test]
fn a_call_that_needs_more_than_its_budget_says_so() {
    let (x, steps) = (floats::<f64, 1>([100], 1), floats::<f64, 1>([300], 2));
    // So many states would take four times as much.
    let slope = swings_slope::try_call(&x, &steps).unwrap();
    assert_eq!(grad!(swings)(&x, &steps), slope);
    let (x, steps) = (floats::<f64, 1>([10_000], 1), floats::<f64, 1>([300], 2));
    let error = swings_slope::try_call(&x, &steps).unwrap_err().to_string();
    assert!(error.contains("must not exceed `memory = 65536`"), "{error}");
}
