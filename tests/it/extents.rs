//! Extents: symbols, expressions, values, and what is checked on entry.

use crate::support::{EXTENTS, floats, same};
use defn::prelude::*;

#[defn]
fn average(x: Tensor<f32, batch, width>) -> Tensor<f32, width> {
    x.sum(batch) / batch as f32
}

#[defn]
fn sizes(x: Tensor<f32, n, m<3>>, k: usize) -> (i64, i64, i64, i64, f64) {
    (n, m, x.extent(n) * 2, k + n, (n * m) as f64 / 2.0)
}

#[test]
fn an_extent_is_a_value() {
    for n in EXTENTS {
        let x = floats::<f32, 2>([n, 3], 1);
        let found = average(&x);
        if n == 0 {
            assert!(found.iter().all(|x| x.is_nan()));
        }
        if n == 1 {
            same(&found, |[j]| x[[0, j]]);
        }
        let size = n as i64;
        assert_eq!(sizes(&x, 5), (size, 3, 2 * size, 5 + size, 1.5 * n as f64));
    }
}

#[defn]
fn grown(
    x: Tensor<f32, n>,
    y: Tensor<f32, m<{ 2 * n + 1 }>>,
    z: Tensor<f32, { n + k }>,
) -> (Tensor<f32, m<{ 2 * n + 1 }>>, Tensor<f32, { k }>, i64) {
    (concat(m, x.rename(n, m), x.pad(n, (0, 1)).rename(n, m)) + y, z.slice(axis = 0, n..), k)
}

#[test]
fn symbols_are_solved_from_expressions() {
    for (n, k) in [(0, 0), (0, 3), (1, 0), (4, 5)] {
        let (x, y) = (floats([n], 1), floats([2 * n + 1], 2));
        let z = floats([n + k], 3);
        let found = grown(&x, &y, &z);
        same(&found.0, |[i]| {
            let twice = if i < n {
                x[[i]]
            } else if i < 2 * n {
                x[[i - n]]
            } else {
                0.0
            };
            twice + y[[i]]
        });
        same(&found.1, |[i]| z[[n + i]]);
        assert_eq!(found.2, k as i64);
    }
    let error = grown::try_call(&Tensor::zeros([2]), &Tensor::zeros([4]), &Tensor::zeros([2]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "extents disagree in the call of `grown`\n  y: f32[4], axis 0 (`m`) is 4, but `2*n + 1` = 5 is needed\n  x: f32[2], axis 0 (`n`) is 2"
    );
    let error = grown::try_call(&Tensor::zeros([2]), &Tensor::zeros([5]), &Tensor::zeros([1]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "no `k` fits in the call of `grown`\n  z: f32[1], axis 0 is 1 and must be `n + k`\n  x: f32[2], axis 0 (`n`) is 2"
    );
}

#[defn]
fn identity(n: usize) -> Tensor<f32, i<n>, j<n>> {
    (iota(i = n) == iota(j = n)) as f32
}

#[test]
fn a_usize_parameter_is_an_extent() {
    for n in EXTENTS {
        same(&identity(n), |[i, j]| f32::from(u8::from(i == j)));
    }
}

#[defn]
fn parted(
    x: Tensor<f32, token, width<{ count * dim }>>,
    count: usize,
    dim: usize,
) -> Tensor<f32, head<count>, token> {
    x.split(width, (head = count, part = dim)).max(part)
}

#[test]
fn a_product_of_known_extents_is_checked() {
    for (count, dim, token) in [(1, 1, 1), (3, 4, 2), (2, 9, 0)] {
        let x = floats::<f32, 2>([token, count * dim], 1);
        same(&parted(&x, count, dim), |[h, t]| {
            (0..dim).fold(f32::NEG_INFINITY, |most, d| most.max(x[[t, h * dim + d]]))
        });
    }
    let error = parted::try_call(&Tensor::zeros([1, 7]), 2, 3).unwrap_err().to_string();
    assert_eq!(
        error,
        "extents disagree in the call of `parted`\n  x:     f32[1, 7], axis 1 (`width`) is 7, but `count*dim` = 6 is needed\n  count: usize, is 2\n  dim:   usize, is 3"
    );
}

#[defn]
fn grouped(x: Tensor<f32, n<{ 3 * groups }>>) -> Tensor<f32, group<groups>> {
    x.split(n, (group, member = 3)).max(member)
}

#[defn]
fn twice_grouped(
    x: Tensor<f32, n<{ 6 * g }>>,
    y: Tensor<f32, { 2 * g }>,
) -> Tensor<f32, group<{ 2 * g }>> {
    grouped(x) + grouped(2.0 * x) - y.name(0, group)
}

#[test]
fn a_split_gives_the_factor_of_a_product() {
    for g in [0, 1, 5] {
        let (x, y) = (floats::<f32, 1>([6 * g], 1), floats::<f32, 1>([2 * g], 2));
        let most = |g: usize| (0..3).fold(f32::NEG_INFINITY, |most, m| most.max(x[[3 * g + m]]));
        same(&grouped(&x), |[g]| most(g));
        same(&twice_grouped(&x, &y), |[g]| most(g) + 2.0 * most(g) - y[[g]]);
    }
    assert_eq!(
        grouped::try_call(&Tensor::zeros([4])).unwrap_err().to_string(),
        "no `groups` fits in the call of `grouped`\n  x: f32[4], axis 0 (`n`) is 4 and must be `3*groups`"
    );
}
