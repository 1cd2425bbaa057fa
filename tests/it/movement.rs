//! Operations that move elements and compute nothing.

use crate::support::{EXTENTS, floats, same, truths, whole};
use defn::prelude::*;

#[defn]
fn named<T: Number>(
    x: Tensor<T, a, b>,
) -> (Tensor<T, c<a>, b>, Tensor<T, b, a>, Tensor<T, b, a>, Tensor<T, a, b>) {
    (x.rename(a, c), x.order(b, a), x, x.order(axis = 1, axis = 0))
}

#[test]
fn rename_and_order() {
    for shape in [[0, 3], [1, 1], [3, 5], [17, 4]] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = whole::<$type, 2>(shape, 1);
                let found = named::<$type>(&x);
                same(&found.0, |at| x[at]);
                same(&found.1, |[j, i]| x[[i, j]]);
                same(&found.2, |[j, i]| x[[i, j]]);
                same(&found.3, |at| x[at]);
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
}

#[defn]
fn christened(x: Tensor<i32, { n }, { 4 }>) -> (Tensor<i32, row<n>>, Tensor<i32, { n }, width<4>>) {
    (x.name(0, row).name(-1, column).sum(column), x.name(-1, width))
}

#[test]
fn positions_get_names() {
    let x = whole::<i32, 2>([3, 4], 1);
    let found = christened(&x);
    same(&found.0, |[i]| (0..4).map(|j| x[[i, j]]).sum());
    same(&found.1, |at| x[at]);
}

#[defn]
fn parts(
    x: Tensor<i32, features<{ 4 * heads }>, time>,
) -> (
    Tensor<i32, head<heads>, dim<4>, time>,
    Tensor<i32, whole<{ 4 * heads * time }>>,
    Tensor<i32, back<{ 4 * heads * time }>>,
) {
    (
        x.split(features, (head = heads, dim = 4)),
        x.merge((features, time), whole),
        x.merge((time, features), back),
    )
}

#[defn]
fn divided(x: Tensor<f32, n, m>) -> Tensor<f32, n, m> {
    let x = x.split(n, (group, member = 3));
    (x - x.max(member)).merge((group, member), n)
}

#[test]
fn split_and_merge() {
    for (heads, time) in [(0, 2), (1, 1), (3, 5), (2, 0)] {
        let x = whole::<i32, 2>([4 * heads, time], 1);
        let found = parts(&x);
        assert_eq!(found.0.shape(), [heads, 4, time]);
        same(&found.0, |[h, d, t]| x[[4 * h + d, t]]);
        same(&found.1, |[i]| x[[i / time, i % time]]);
        same(&found.2, |[i]| x[[i % (4 * heads), i / (4 * heads)]]);
    }
    let x = whole::<f32, 2>([6, 2], 2);
    let found = divided(&x);
    same(&found, |[i, k]| {
        let group = i / 3 * 3;
        x[[i, k]] - (group..group + 3).fold(f32::NEG_INFINITY, |most, i| most.max(x[[i, k]]))
    });
    let error = divided::try_call(&Tensor::zeros([7, 2])).unwrap_err().to_string();
    assert_eq!(
        error,
        "split of axis `n`: `3` must divide `n`, in the call of `divided`\n  left:  3\n  right: 7\n  x:     f32[7, 2], axis 0 (`n`) is 7"
    );
}

#[defn]
fn joined<T: Number>(
    x: Tensor<T, time<n>, width>,
    y: Tensor<T, time<m>, width>,
    z: Tensor<T, width, time<m>>,
) -> (
    Tensor<T, time<{ n + m }>, width>,
    Tensor<T, time<{ n + 2 * m }>, width>,
    Tensor<T, pair<2>, time<m>, width>,
) {
    (concat(time, x, y), concat(time, x, y, z), stack(pair, y, z))
}

#[test]
fn concat_and_stack() {
    for (n, m, width) in [(0, 0, 1), (0, 3, 2), (3, 0, 2), (2, 3, 0), (1, 1, 1), (4, 9, 17)] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let (x, y) = (whole::<$type, 2>([n, width], 1), whole::<$type, 2>([m, width], 2));
                let z = whole::<$type, 2>([width, m], 3);
                let found = joined::<$type>(&x, &y, &z);
                same(&found.0, |[t, w]| if t < n { x[[t, w]] } else { y[[t - n, w]] });
                same(&found.1, |[t, w]| match t {
                    t if t < n => x[[t, w]],
                    t if t < n + m => y[[t - n, w]],
                    t => z[[w, t - n - m]],
                });
                assert_eq!(found.2.shape(), [2, m, width]);
                same(&found.2, |[p, t, w]| if p == 0 { y[[t, w]] } else { z[[w, t]] });
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
}

#[defn]
fn joined_truths(
    x: Tensor<bool, n>,
    y: Tensor<bool, n>,
) -> (Tensor<bool, n<{ 2 * n }>>, Tensor<bool, p<2>, n>) {
    (concat(n, x, !y), stack(p, x, y))
}

#[test]
fn truth_values_are_joined() {
    for n in EXTENTS {
        let (x, y) = (truths([n], 1), truths([n], 2));
        let found = joined_truths(&x, &y);
        same(&found.0, |[i]| if i < n { x[[i]] } else { !y[[i - n]] });
        same(&found.1, |[p, i]| if p == 0 { x[[i]] } else { y[[i]] });
    }
}

#[defn]
fn padded<T: Number>(
    x: Tensor<T, n, m>,
) -> (Tensor<T, n<{ n + 3 }>, m>, Tensor<T, n, m<{ m + 2 }>>, Tensor<T, n, m<{ m + n }>>) {
    (x.pad(n, (1, 2)), pad(x, m, (2, 0), value = 7), x.pad(m, (0, n), 1))
}

#[defn]
fn padded_truths(x: Tensor<bool, n>) -> Tensor<bool, n<{ n + 2 }>> {
    x.pad(n, (1, 1))
}

#[test]
fn pad_puts_a_value_around() {
    for (n, m) in [(0, 0), (1, 0), (0, 2), (1, 1), (3, 17)] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = whole::<$type, 2>([n, m], 1);
                let found = padded::<$type>(&x);
                same(&found.0, |[i, j]| if (1..n + 1).contains(&i) { x[[i - 1, j]] } else { 0 as $type });
                same(&found.1, |[i, j]| if j < 2 { 7 as $type } else { x[[i, j - 2]] });
                same(&found.2, |[i, j]| if j < m { x[[i, j]] } else { 1 as $type });
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
        let x = truths([n], 1);
        same(&padded_truths(&x), |[i]| (1..n + 1).contains(&i) && x[[i - 1]]);
    }
}

#[defn]
fn turned(
    x: Tensor<f32, n, m>,
    by: i64,
) -> (Tensor<f32, n, m>, Tensor<f32, n, m>, Tensor<f32, n, m>, Tensor<f32, n, m>) {
    (x.reverse(n), x.reverse(n, m), x.roll(m, 2), x.roll(n, by))
}

#[test]
fn reverse_and_roll() {
    for (n, m) in [(0, 3), (1, 1), (3, 5), (17, 9)] {
        for by in [0, 1, -1, 40, -41] {
            let x = floats::<f32, 2>([n, m], 1);
            let found = turned(&x, by);
            same(&found.0, |[i, j]| x[[n - 1 - i, j]]);
            same(&found.1, |[i, j]| x[[n - 1 - i, m - 1 - j]]);
            let back = |at: usize, by: i64, extent: usize| {
                (at as i64 - by).rem_euclid(extent as i64) as usize
            };
            same(&found.2, |[i, j]| x[[i, back(j, 2, m)]]);
            same(&found.3, |[i, j]| x[[back(i, by, n), j]]);
        }
    }
}

#[defn]
fn made(
    n: usize,
    x: Tensor<f32, m>,
) -> (
    Tensor<i64, i<n>>,
    Tensor<f32, i<n>, j<n>>,
    Tensor<f32, i<n>, k<3>>,
    Tensor<i32, m>,
    Tensor<f64, i<n>>,
) {
    (
        iota(i = n),
        eye::<f32>(i = n, j = n),
        zeros::<f32>(i = n, k = 3),
        ones::<i32>(m),
        full(0.5f64, i = n),
    )
}

#[defn]
fn alike(x: Tensor<f32, n>) -> (Tensor<f32, n>, Tensor<f32, n>, Tensor<f32, n>, Tensor<i64, k<5>>) {
    (x.zeros_like(), x.ones_like(), iota(n) as f32 * x, iota(k = 5))
}

#[test]
fn tensors_from_nothing() {
    for n in EXTENTS {
        let found = made(n, &Tensor::zeros([2]));
        assert_eq!(found.0.to_vec(), (0..n as i64).collect::<Vec<_>>());
        same(&found.1, |[i, j]| f32::from(u8::from(i == j)));
        assert_eq!(found.2, Tensor::zeros([n, 3]));
        assert_eq!(found.3, Tensor::ones([2]));
        assert_eq!(found.4, Tensor::full([n], 0.5));
        let x = floats::<f32, 1>([n], 1);
        let found = alike(&x);
        assert_eq!((found.0, found.1), (Tensor::zeros([n]), Tensor::ones([n])));
        same(&found.2, |[i]| i as f32 * x[[i]]);
        assert_eq!(found.3.to_vec(), [0, 1, 2, 3, 4]);
    }
}
