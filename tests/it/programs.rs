//! Programs as users write them: attention, normalisation, convolution by slices, physics, statistics; and their gradients.

use crate::support::{SUM_F32, between, floats, near, of_sums, same, slopes, whole};
use defn::prelude::*;

#[defn]
fn attention<T: Float>(
    q: Tensor<T, head, query, dim>,
    k: Tensor<T, head, key, dim>,
    v: Tensor<T, head, key, value>,
) -> Tensor<T, head, query, value> {
    let score = q.dot(k, dim) / (dim as T).sqrt();
    let e = (score - score.max(key)).exp();
    (e / e.sum(key)).dot(v, key)
}

#[defn]
fn attended(
    q: Tensor<f64, head, query, dim>,
    k: Tensor<f64, head, key, dim>,
    v: Tensor<f64, head, key, value>,
) -> f64 {
    attention(q, k, v).square().sum()
}

#[test]
fn attention_and_its_gradient() {
    for [h, q, k, d, e] in [[1, 1, 1, 1, 1], [2, 3, 4, 5, 6], [3, 17, 9, 8, 4]] {
        let (query, key) = (floats::<f64, 3>([h, q, d], 1), floats::<f64, 3>([h, k, d], 2));
        let value = floats::<f64, 3>([h, k, e], 3);
        let twin = |h: usize, i: usize, c: usize| {
            let score = |j: usize| -> f64 {
                (0..d).map(|d| query[[h, i, d]] * key[[h, j, d]]).sum::<f64>() / (d as f64).sqrt()
            };
            let sum: f64 = (0..k).map(|j| score(j).exp()).sum();
            (0..k).map(|j| score(j).exp() / sum * value[[h, j, c]]).sum::<f64>()
        };
        near(&attention(&query, &key, &value), of_sums::<f64>(), |[h, i, c]| twin(h, i, c));
        let found = attention(&query.cast::<f32>(), &key.cast::<f32>(), &value.cast::<f32>());
        near(&found, SUM_F32, |[h, i, c]| twin(h, i, c));
        if q < 10 {
            let (dq, dk, dv) = grad!(attended, wrt = (q, k, v))(&query, &key, &value);
            slopes(&dq, &query, |x| attended(x, &key, &value));
            slopes(&dk, &key, |x| attended(&query, x, &value));
            slopes(&dv, &value, |x| attended(&query, &key, x));
        }
    }
}

#[defn]
fn convolution(
    x: Tensor<f64, time, inp>,
    k: Tensor<f64, tap<3>, inp, out>,
) -> Tensor<f64, time<{ time - 2 }>, out> {
    let shifted =
        stack(tap, x.slice(time, ..time - 2), x.slice(time, 1..time - 1), x.slice(time, 2..));
    shifted.dot(k, (tap, inp))
}

#[defn]
fn smooth(x: Tensor<f64, time, inp>, k: Tensor<f64, tap<3>, inp, out>) -> f64 {
    convolution(x, k).tanh().sum()
}

#[test]
fn a_convolution_by_slices() {
    let (x, k) = (floats::<f64, 2>([9, 2], 1), floats::<f64, 3>([3, 2, 4], 2));
    near(&convolution(&x, &k), of_sums::<f64>(), |[t, o]| {
        (0..3).map(|s| (0..2).map(|i| x[[t + s, i]] * k[[s, i, o]]).sum::<f64>()).sum()
    });
    slopes(&grad!(smooth)(&x, &k), &x, |x| smooth(x, &k));
    slopes(&grad!(smooth, wrt = k)(&x, &k), &k, |k| smooth(&x, k));
}

#[defn]
fn bodies(
    position: Tensor<f64, body, xyz<3>>,
    mass: Tensor<f64, body>,
) -> (f64, Tensor<f64, body, xyz<3>>) {
    let apart = position.rename(body, other) - position;
    let distance = (apart.square().sum(xyz) + 0.01).sqrt();
    let pairs = mass * mass.rename(body, other) / distance;
    let force = (apart * pairs / distance.square()).sum(other);
    (-pairs.sum() / 2.0, force)
}

#[test]
fn the_force_is_the_slope_of_the_energy() {
    for n in [1, 2, 5, 17] {
        let (x, m) = (floats::<f64, 2>([n, 3], 1), between::<f64, 1>([n], 2, (0.5, 1.5)));
        let (slope, force) = grad!(bodies)(&x, &m);
        near(&slope, of_sums::<f64>() * 1e4, |at| -force[at]);
    }
}

#[defn]
fn statistics(
    x: Tensor<f32, sample, feature>,
) -> (Tensor<f32, feature, feature_2<feature>>, Tensor<f32, feature>, Tensor<i64, feature>) {
    let centered = x - x.mean(sample);
    let other = centered.rename(feature, feature_2);
    let covariance = centered.dot(other, sample) / (sample - 1) as f32;
    (covariance, x.variance(sample).sqrt(), (centered > 0.0).count(sample))
}

#[test]
fn statistics_of_many_samples() {
    let x = floats::<f32, 2>([1001, 5], 1);
    let found = statistics(&x);
    let means =
        [0, 1, 2, 3, 4].map(|f| (0..1001).map(|s| f64::from(x[[s, f]])).sum::<f64>() / 1001.0);
    let mean = |f: usize| means[f];
    let cov = |f: usize, g: usize| {
        (0..1001)
            .map(|s| (f64::from(x[[s, f]]) - mean(f)) * (f64::from(x[[s, g]]) - mean(g)))
            .sum::<f64>()
    };
    near(&found.0, SUM_F32, |[f, g]| cov(f, g) / 1000.0);
    near(&found.1, SUM_F32, |[f]| (cov(f, f) / 1001.0).sqrt());
    same(&found.2, |[f]| (0..1001).filter(|s| f64::from(x[[*s, f]]) > mean(f)).count() as i64);
}

#[defn]
fn large(
    x: Tensor<f32, i, k>,
    y: Tensor<f32, k, j>,
    b: Tensor<f32, j>,
) -> (Tensor<f32, i, j>, Tensor<f32, j>, f32) {
    let z = (x.dot(y, k) + b).max(0.0);
    (z, z.sum(i), z.max())
}

#[test]
fn larger_extents_than_a_tile() {
    for [i, k, j] in [[70, 130, 200], [257, 65, 33], [5, 1000, 7]] {
        let (x, y, b) =
            (floats::<f32, 2>([i, k], 1), floats::<f32, 2>([k, j], 2), floats::<f32, 1>([j], 3));
        let z = Tensor::<f64, 2>::from_fn([i, j], |[i, j]| {
            let sum = (0..k).map(|k| f64::from(x[[i, k]]) * f64::from(y[[k, j]])).sum::<f64>();
            (sum + f64::from(b[[j]])).max(0.0)
        });
        let found = large(&x, &y, &b);
        near(&found.0, SUM_F32 * 10.0, |at| z[at]);
        near(&found.1, SUM_F32, |[j]| (0..i).map(|i| z[[i, j]]).sum());
        near(&Tensor::<f32, 0>::from(found.2), SUM_F32, |_| z.iter().copied().fold(0.0, f64::max));
    }
}

#[defn]
fn five(
    x: Tensor<i32, a, b, c, d, e>,
) -> (Tensor<i32, e, c, a>, Tensor<i64, a, e>, Tensor<i32, abc<{ a * b * c }>, de<{ d * e }>>) {
    let flat = x.merge((a, b, c), abc).merge((d, e), de);
    (x.sum(b, d), x.argmax(d, b, c), flat)
}

#[test]
fn five_axes() {
    let [a, b, c, d, e] = [2, 3, 4, 5, 6];
    let x = whole::<i32, 5>([a, b, c, d, e], 1);
    let found = five(&x);
    same(&found.0, |[k, j, i]| {
        (0..b).map(|b| (0..d).map(|d| x[[i, b, j, d, k]]).sum::<i32>()).sum()
    });
    // The position counts in the order in which the axes are named.
    same(&found.1, |[i, m]| {
        let mut best = (i32::MIN, 0);
        for l in 0..d {
            for j in 0..b {
                for k in 0..c {
                    if x[[i, j, k, l, m]] > best.0 {
                        best = (x[[i, j, k, l, m]], (l * b + j) * c + k);
                    }
                }
            }
        }
        best.1 as i64
    });
    same(&found.2, |[p, q]| x[[p / (b * c), p / c % b, p % c, q / e, q % e]]);
}

#[defn]
fn histogram(x: Tensor<f32, n>, bins: usize) -> Tensor<i64, bin<bins>> {
    let place = (x * bins as f32).floor() as i64;
    zeros::<i64>(bin = bins).add_at(bin, place, 1)
}

#[test]
fn a_histogram() {
    let x = between::<f32, 1>([1000], 1, (-0.1, 1.1));
    let found = histogram(&x, 7);
    same(&found, |[bin]| {
        x.iter().filter(|x| (*x * 7.0).floor() as i64 == bin as i64).count() as i64
    });
}

#[defn]
fn nearest(
    x: Tensor<f32, point, dim>,
    centers: Tensor<f32, center, dim>,
) -> (Tensor<i64, point>, Tensor<f32, center, dim>) {
    let distance = (x - centers).square().sum(dim);
    let own = distance.argmin(center);
    let members = zeros::<f32>(center).add_at(center, own, 1.0);
    let sums = centers.zeros_like().add_at(center, own, x);
    (own, sums / members.max(1.0))
}

#[test]
fn a_step_of_k_means() {
    let (x, centers) = (floats::<f32, 2>([50, 3], 1), floats::<f32, 2>([4, 3], 2));
    let (own, moved) = nearest(&x, &centers);
    let distance =
        |p: usize, c: usize| (0..3).map(|d| (x[[p, d]] - centers[[c, d]]).powi(2)).sum::<f32>();
    same(&own, |[p]| {
        (0..4).min_by(|a, b| distance(p, *a).total_cmp(&distance(p, *b))).unwrap() as i64
    });
    near(&moved, SUM_F32, |[c, d]| {
        let members: Vec<usize> = (0..50).filter(|p| own[[*p]] == c as i64).collect();
        members.iter().map(|p| f64::from(x[[*p, d]])).sum::<f64>() / members.len().max(1) as f64
    });
}

#[defn]
fn cumulative(x: Tensor<f64, n>) -> Tensor<f64, n> {
    let before = iota(m = n) <= iota(n);
    (x.rename(n, m) * before as f64).sum(m)
}

#[test]
fn running_sums_by_a_mask() {
    for n in [0, 1, 9, 33] {
        let x = floats::<f64, 1>([n], 1);
        near(&cumulative(&x), of_sums::<f64>(), |[i]| (0..=i).map(|j| x[[j]]).sum());
    }
}
