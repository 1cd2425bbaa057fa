//! Gamma numbers, as the language draws them, and as a user would: a `while` that rejects, for many keys at once.
//! Both are held against moments and the distribution, and derivatives against differences of the distribution.
//!
//! Marsaglia and Tsang, *A simple method for generating gamma variables*, 2000.

use defn::prelude::*;

/// One number of shape `a`, and how many proposals it took.
#[defn]
fn rejected(key: Key, a: f64) -> (f64, i64) {
    let (proposals, boost) = key.split();
    // Below 1 the number of shape a + 1 is multiplied by a power of a uniform one.
    let raised = if a < 1.0 { a + 1.0 } else { a };
    let d = raised - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    let mut found = 0.0_f64;
    let mut count = 0i64;
    while found == 0.0 {
        let (bell, coin) = proposals.fold_in(count).split();
        let x = normal::<f64>(bell, ());
        let v = (1.0 + c * x).powi(3);
        let likely = 0.5 * x * x + d * (1.0 - v + v.max(1e-300).ln());
        if v > 0.0 && uniform::<f64>(coin, ()).ln() < likely {
            found = d * v;
        }
        count += 1;
    }
    if a < 1.0 {
        found *= (1.0 - uniform::<f64>(boost, ())).pow(1.0 / a);
    }
    (found, count)
}

#[defn]
fn gammas(key: Key, a: f64, count: usize) -> (Tensor<f64, n<count>>, Tensor<i64, n<count>>) {
    vmap!(rejected, over = n, of = key)(key.split(n = count), a)
}

/// The share of gamma numbers below `x`: the series for small `x`, the continued fraction of Lentz for large ones.
fn below(a: f64, x: f64) -> f64 {
    let scale = (a * x.ln() - x - core_math::lgamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..2000 {
            term *= x / (a + f64::from(n));
            sum += term;
        }
        return scale * sum;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut h = d;
    for n in 1..2000 {
        let by = -f64::from(n) * (f64::from(n) - a);
        b += 2.0;
        d = 1.0 / (by * d + b);
        c = b + by / c;
        h *= d * c;
    }
    1.0 - scale * h
}

const COUNT: usize = 20_000;

/// The distance of Kolmogorov and Smirnov, times the root of the count, exceeds this once in a hundred thousand draws.
const FAR: f64 = 2.47;

/// A mean of so many numbers is off by more than this many of its errors once in a million draws.
const ERRORS: f64 = 5.0;

#[test]
fn they_have_the_distribution() {
    for (seed, a) in [(1, 0.3), (2, 0.9), (3, 1.0), (4, 2.5), (5, 40.0)] {
        let (numbers, proposals) = gammas(Key::new(seed), a, COUNT);
        follows(numbers.to_vec(), a);
        // Few are rejected, and one at a time draws what many at once draw.
        let most = proposals.iter().copied().max().unwrap_or(0);
        let average = proposals.iter().sum::<i64>() as f64 / COUNT as f64;
        assert!(most < 12 && average < 1.06, "shape {a}: {average} proposals, at most {most}");
    }
}

/// Numbers of shape `a`, in any order.
fn follows(mut sorted: Vec<f64>, a: f64) {
    sorted.sort_by(f64::total_cmp);
    assert!(sorted[0] >= 0.0);
    let count = COUNT as f64;
    let apart = sorted.iter().enumerate().map(|(i, x)| {
        let share = below(a, *x);
        (share - i as f64 / count).abs().max((share - (i + 1) as f64 / count).abs())
    });
    let apart = apart.fold(0.0, f64::max) * count.sqrt();
    assert!(apart < FAR, "shape {a}: the distribution is off by {apart}");
    // Mean a, variance a; the fourth moment around the mean is 3 a² + 6 a.
    let mean = sorted.iter().sum::<f64>() / count;
    assert!((mean - a).abs() < ERRORS * (a / count).sqrt(), "shape {a}: mean {mean}");
    let variance = sorted.iter().map(|x| (x - a).powi(2)).sum::<f64>() / count;
    let error = ((2.0 * a * a + 6.0 * a) / count).sqrt();
    assert!((variance - a).abs() < ERRORS * error, "shape {a}: variance {variance}");
}

#[defn]
fn split_in(key: Key, n: usize) -> Tensor<u64, n> {
    key.split(n)
}

#[test]
fn one_alone_is_the_same() {
    let key = Key::new(9);
    let (numbers, proposals) = gammas(key, 0.7, 50);
    let keys = split_in(key, 50);
    for k in 0..50 {
        let (number, count) = rejected(defn::at::<Key>(&keys, k), 0.7);
        assert_eq!((number, count), (numbers[[k]], proposals[[k]]));
    }
    assert!(gammas(key, 1.0, 0).0.is_empty());
}

#[defn]
fn drawn(key: Key, a: f64, n: usize) -> Tensor<f64, n> {
    gamma::<f64>(key, n, a)
}

#[defn]
fn logs(key: Key, a: f64, n: usize) -> Tensor<f64, n> {
    log_gamma::<f64>(key, n, a)
}

/// Many shapes, each with as many numbers as there are samples.
#[defn]
fn table(key: Key, a: Tensor<f32, shape>, samples: usize) -> Tensor<f32, sample<samples>, shape> {
    gamma::<f32>(key, sample = samples, a)
}

#[test]
fn what_the_language_draws_has_the_distribution() {
    for (seed, a) in [(1, 0.05), (2, 0.9), (3, 1.0), (4, 2.5), (5, 4000.0)] {
        follows(drawn(Key::new(seed), a, COUNT).to_vec(), a);
    }
    let shapes = Tensor::from([0.5_f32, 1.0, 7.0]);
    let numbers = table(Key::new(6), &shapes, COUNT);
    for (at, a) in shapes.iter().enumerate() {
        let own = (0..COUNT).map(|sample| f64::from(numbers[[sample, at]]));
        follows(own.collect(), f64::from(*a));
    }
    assert!(table(Key::new(6), &shapes, 0).is_empty());
}

#[test]
fn logarithms_reach_below_the_smallest_float() {
    let (plain, log) = (drawn(Key::new(1), 0.7, 99), logs(Key::new(1), 0.7, 99));
    for (plain, log) in plain.iter().zip(log.iter()) {
        assert!((plain.ln() - log).abs() < 1e-13 * (1.0 + log.abs()));
    }
    let tiny = logs(Key::new(2), 1e-4, COUNT);
    assert!(tiny.iter().all(|log| log.is_finite()));
    // -1/a, with the deviation 1/a.
    let mean = tiny.iter().sum::<f64>() / COUNT as f64;
    assert!((mean * 1e-4 + 1.0).abs() < ERRORS / (COUNT as f64).sqrt(), "{mean}");
}

#[defn]
fn moved(key: Key, a: f64, v: f64) -> (f64, f64) {
    jvp!(one, wrt = a)(key, a, v)
}

#[defn]
fn one(key: Key, a: f64) -> f64 {
    gamma::<f64>(key, (), a)
}

#[defn]
fn one_log(key: Key, a: f64) -> f64 {
    log_gamma::<f64>(key, (), a)
}

/// The slope of a number x is -(dF/da) / f: how far it goes so that the share below it stays.
#[test]
fn derivatives_are_those_of_the_distribution() {
    const STEP: f64 = 1e-5;
    for a in [0.2, 0.9, 1.0, 1.4, 3.0, 30.0, 900.0] {
        for seed in 0..20 {
            let key = Key::new(seed);
            let (x, slope) = moved(key, a, 1.0);
            let density = ((a - 1.0) * x.ln() - x - core_math::lgamma(a)).exp();
            let rise = (below(a + STEP * a, x) - below(a - STEP * a, x)) / (2.0 * STEP * a);
            // The share is known to 13 digits or so; in the tails differences say little of a small density.
            let near = 1e-8 * slope.abs() + 1e-12 / (STEP * a * density);
            assert!((slope + rise / density).abs() < near, "{a} {x}: {slope} {}", -rise / density);
            assert_eq!(grad!(one, wrt = a)(key, a), slope);
            let log = grad!(one_log, wrt = a)(key, a);
            assert!((log - slope / x).abs() < 1e-10 * log.abs(), "{a} {x}: {log} {}", slope / x);
        }
    }
}

#[defn]
fn slope_at(key: Key, a: f64) -> f64 {
    grad!(one, wrt = a)(key, a)
}

/// A second derivative moves the number with the shape: y'' = dg/da + g dg/dx, where g(a, x) is the slope.
#[test]
fn second_derivatives_follow_the_number() {
    for (seed, a) in [(0, 0.7), (1, 1.2), (2, 5.0), (3, 60.0)] {
        let key = Key::new(seed);
        let second = grad!(slope_at, wrt = a)(key, a);
        let (x, slope) = (one(key, a), slope_at(key, a));
        // Of the number at a + h that has the same share below, which Newton finds.
        let at = |h: f64| {
            let (share, mut y) = (below(a, x), x + slope * h);
            for _ in 0..4 {
                let density = ((a + h - 1.0) * y.ln() - y - core_math::lgamma(a + h)).exp();
                y += (share - below(a + h, y)) / density;
            }
            y
        };
        let h = 1e-3 * a;
        let expected = (at(h) - 2.0 * x + at(-h)) / (h * h);
        assert!(
            (second - expected).abs() < 1e-4 * (1.0 / a + expected.abs()),
            "{second} {expected}"
        );
    }
}

#[defn]
fn pathwise(key: Key, a: Tensor<f32, n>, samples: usize) -> Tensor<f32, n> {
    // The mean of x² is a² + a, and its slope 2 a + 1.
    vmap!(grad!(mean_square, wrt = a), over = n, of = a)(key, a, samples)
}

#[defn]
fn mean_square(key: Key, a: f32, samples: usize) -> f32 {
    gamma::<f32>(key, sample = samples, a).square().mean(sample)
}

#[test]
fn gradients_of_means_are_those_of_the_moments() {
    let a = Tensor::from([0.4_f32, 1.0, 6.0]);
    let found = pathwise(Key::new(3), &a, COUNT);
    for (a, found) in a.iter().zip(found.iter()) {
        let expected = 2.0 * a + 1.0;
        assert!((found - expected).abs() < 0.06 * expected, "{a}: {found} {expected}");
    }
}
