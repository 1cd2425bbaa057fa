//! What no round of a loop changes is computed once, and what it changes at some places stays where it is.

use crate::support::{SUM_F64, floats, near, same, slopes};
use defn::prelude::*;

/// A product and a norm that no round changes.
#[defn]
fn settled(
    w: Tensor<f64, a, b>,
    x: Tensor<f64, b>,
    s: Tensor<f64, a>,
    rounds: usize,
) -> Tensor<f64, a> {
    let mut s = s;
    for _ in 0..rounds {
        s = 0.5 * s * w.dot(x, b).tanh() + x.square().sum();
    }
    while s.abs().max() > 2.0 * x.abs().max() {
        s = s * w.sum(b).cos();
    }
    s
}

#[defn]
fn settled_sum(w: Tensor<f64, a, b>, x: Tensor<f64, b>, s: Tensor<f64, a>, rounds: usize) -> f64 {
    settled(w, x, s, rounds).sum()
}

#[test]
fn what_no_round_changes_is_computed_once() {
    let (w, s) = (floats::<f64, 2>([5, 3], 1), floats::<f64, 1>([5], 2));
    let xs = floats::<f64, 2>([4, 3], 3);
    let plain = |x: &Tensor<f64, 1>, rounds: usize| -> Vec<f64> {
        let most = 2.0 * (0..3).map(|b| x[[b]].abs()).fold(0.0, f64::max);
        let by = |a: usize| (0..3).map(|b| w[[a, b]] * x[[b]]).sum::<f64>().tanh();
        let norm: f64 = (0..3).map(|b| x[[b]] * x[[b]]).sum();
        let mut s: Vec<f64> = (0..5).map(|a| s[[a]]).collect();
        for _ in 0..rounds {
            s = (0..5).map(|a| 0.5 * s[a] * by(a) + norm).collect();
        }
        while s.iter().map(|s| s.abs()).fold(0.0, f64::max) > most {
            let turn = |a: usize| (0..3).map(|b| w[[a, b]]).sum::<f64>().cos();
            s = (0..5).map(|a| s[a] * turn(a)).collect();
        }
        s
    };
    for rounds in [0, 1, 7] {
        let found = vmap!(settled, over = row, of = x)(&w, &xs, &s, rounds);
        for row in 0..4 {
            let x = Tensor::from_fn([3], |[b]| xs[[row, b]]);
            let expected = plain(&x, rounds);
            near(&settled(&w, &x, &s, rounds), SUM_F64, |[a]| expected[a]);
            near(&Tensor::from_fn([5], |[a]| found[[row, a]]), SUM_F64, |[a]| expected[a]);
            slopes(&grad!(settled_sum, wrt = x)(&w, &x, &s, rounds), &x, |x| {
                settled_sum(&w, x, &s, rounds)
            });
            slopes(&grad!(settled_sum)(&w, &x, &s, rounds), &w, |w| settled_sum(w, &x, &s, rounds));
        }
    }
    // The product stands in front of the loop.
    let explained = settled::explain();
    let product = explained.find("sum of products").unwrap_or(usize::MAX);
    assert!(Some(product) < explained.find("repeat"), "{explained}");
}

#[defn]
#[derive(Clone)]
struct Counts<bin, c> {
    rows: Tensor<f64, bin, c>,
    hits: Tensor<i64, bin>,
}

/// Adds rows and numbers at places, in a parameter that is updated.
#[defn]
fn counted(counts: &mut Counts<bin, c>, at: Tensor<i64, t>, xs: Tensor<f64, t, c>) -> f64 {
    let mut weight = 0.0f64;
    for (k, x) in (at, xs).along(t) {
        counts.rows[(k, ..)] += x;
        counts.rows[(k / 2, ..)] += 0.5 * x;
        counts.hits[k] += counts.hits[k] + 1;
        weight = 0.5 * weight + counts.rows.sum();
    }
    weight
}

/// Adds to the same row in every round, and to one number.
#[defn]
fn gathered(
    rows: Tensor<f64, bin<40>, c>,
    hits: Tensor<i64, bin<40>>,
    xs: Tensor<f64, t, c>,
) -> (Tensor<f64, bin<40>, c>, Tensor<i64, bin<40>>) {
    let (mut rows, mut hits) = (rows, hits);
    for x in xs.along(t) {
        rows[(3, ..)] += x;
        hits[7] += hits[7] + 1;
    }
    (rows, hits)
}

#[test]
fn a_row_that_is_known_changes_where_it_is() {
    for c in [0, 1, 4, 17] {
        let (rows, xs) = (floats::<f64, 2>([40, c], 1), floats::<f64, 2>([6, c], 2));
        let (found, hits) = gathered(&rows, &Tensor::zeros([40]), &xs);
        let expected = |[bin, c]: [usize; 2]| match bin {
            3 => (0..6).fold(rows[[bin, c]], |sum, t| sum + xs[[t, c]]),
            _ => rows[[bin, c]],
        };
        same(&found, expected);
        same(&hits, |[bin]| if bin == 7 { 63 } else { 0 });
        // No second state.
        let bytes = gathered::workspace_bytes(&rows, &Tensor::zeros([40]), &xs).unwrap();
        assert_eq!(bytes, 0, "{}", gathered::explain());
    }
}

/// Reads what was there before the sum.
#[defn]
fn doubled_before(x: Tensor<f64, n>, rounds: i64) -> (Tensor<f64, n>, f64) {
    let mut x = x;
    let mut before = 0.0f64;
    let mut k = 0i64;
    while k < rounds {
        let old = x[k];
        x[k] += old;
        before += old;
        k += 1;
    }
    (x, before)
}

#[test]
fn what_is_added_at_places_is_not_copied() {
    let (rows, xs) = (floats::<f64, 2>([3, 4], 1), floats::<f64, 2>([5, 4], 2));
    let at = Tensor::from([2i64, 0, 1, 1, 2]);
    let mut counts = Counts { rows: rows.clone(), hits: Tensor::from([1i64, 2, 3]) };
    let (mut expected, mut hits, mut weight) = (rows, [1i64, 2, 3], 0.0);
    let found = counted(&mut counts, &at, &xs);
    for t in 0..5 {
        let k = at[[t]] as usize;
        for c in 0..4 {
            expected[[k, c]] += xs[[t, c]];
            expected[[k / 2, c]] += 0.5 * xs[[t, c]];
        }
        hits[k] = 2 * hits[k] + 1;
        weight = 0.5 * weight + expected.iter().sum::<f64>();
    }
    assert!((found - weight).abs() < SUM_F64 * (1.0 + weight.abs()));
    near(&counts.rows, SUM_F64, |at| expected[at]);
    same(&counts.hits, |[bin]| hits[bin]);
    // Less than a tenth of what is updated.
    let mut large = Counts { rows: Tensor::zeros([64, 64]), hits: Tensor::zeros([64]) };
    let bytes = counted::workspace_bytes(&mut large, &at, &Tensor::zeros([5, 64])).unwrap();
    assert!(bytes < 3000, "{bytes}\n{}", counted::explain());

    let x = floats::<f64, 1>([6], 3);
    let (found, before) = doubled_before(&x, 4);
    same(&found, |[n]| if n < 4 { x[[n]] + x[[n]] } else { x[[n]] });
    assert!((before - (0..4).map(|n| x[[n]]).sum::<f64>()).abs() < SUM_F64);
}
