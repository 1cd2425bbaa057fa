//! Gamma numbers as a user draws them: a `while` that rejects, for many keys at once, held against moments and the distribution.
//!
//! Marsaglia and Tsang, *A simple method for generating gamma variables*, 2000.

use defn::prelude::*;

/// One number of shape `a`, and how many proposals it took.
#[defn]
fn gamma(key: Key, a: f64) -> (f64, i64) {
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
    vmap!(gamma, over = n, of = key)(key.split(n = count), a)
}

/// The share of gamma numbers below `x`: the series for small `x`, the continued fraction of Lentz for large ones.
fn below(a: f64, x: f64) -> f64 {
    let scale = (a * x.ln() - x - core_math::lgamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..300 {
            term *= x / (a + f64::from(n));
            sum += term;
        }
        return scale * sum;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut h = d;
    for n in 1..300 {
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
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted[0] > 0.0);
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
        // Few are rejected, and one at a time draws what many at once draw.
        let most = proposals.iter().copied().max().unwrap_or(0);
        let average = proposals.iter().sum::<i64>() as f64 / count;
        assert!(most < 12 && average < 1.06, "shape {a}: {average} proposals, at most {most}");
    }
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
        let (number, count) = gamma(defn::at::<Key>(&keys, k), 0.7);
        assert_eq!((number, count), (numbers[[k]], proposals[[k]]));
    }
    assert!(gammas(key, 1.0, 0).0.is_empty());
}
