//! Parts of tensors: slices, positions, gather and scatter.

use crate::support::{floats, near, same, truths, whole};
use defn::prelude::*;

#[defn]
fn cuts(
    x: Tensor<f32, n, m>,
) -> (
    Tensor<f32, n<{ n - 1 }>, m>,
    Tensor<f32, n<2>, m>,
    Tensor<f32, n, m<{ m - 2 }>>,
    Tensor<f32, n, m>,
) {
    (x.slice(n, 1..), x.slice(n, ..2), x.slice(m, 1..m - 1), x.slice(axis = -1, ..))
}

#[test]
fn slices_between_extents() {
    for (n, m) in [(2, 2), (3, 5), (9, 17)] {
        let x = floats::<f32, 2>([n, m], 1);
        let found = cuts(&x);
        same(&found.0, |[i, j]| x[[i + 1, j]]);
        same(&found.1, |[i, j]| x[[i, j]]);
        same(&found.2, |[i, j]| x[[i, j + 1]]);
        assert_eq!(found.3, x);
    }
    let error = cuts::try_call(&Tensor::zeros([1, 4])).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "slice `0..2` of axis `n`: `2` must not exceed `n`, in the call of `cuts`"
        ),
        "{error}"
    );
}

#[defn]
fn computed(
    x: Tensor<f32, n, m>,
    at: i64,
) -> (Tensor<f32, n<2>, m>, Tensor<f32, m>, Tensor<f32, n>, Tensor<f32, n, m<{ m - 1 }>>) {
    (x.slice(n, at..at + 2), x.at(n, at), x.at(m, at - 1), x.slice(m, at..at + m - 1))
}

#[test]
fn computed_positions_are_clamped() {
    let x = floats::<f32, 2>([4, 3], 1);
    for at in [-5i64, 0, 1, 2, 3, 4, 100, i64::MAX, i64::MIN] {
        let found = computed(&x, at);
        let clamp = |at: i64, last: i64| at.clamp(0, last) as usize;
        same(&found.0, |[i, j]| x[[clamp(at, 2) + i, j]]);
        same(&found.1, |[j]| x[[clamp(at, 3), j]]);
        same(&found.2, |[i]| x[[i, clamp(at.wrapping_sub(1), 2)]]);
        same(&found.3, |[i, j]| x[[i, clamp(at, 1) + j]]);
    }
}

#[defn]
fn corners(
    x: Tensor<f32, n, m, k>,
    at: i64,
) -> (f32, Tensor<f32, m>, Tensor<f32, m, k>, Tensor<f32, n, k>, Tensor<f32, n<1>, m, k>) {
    (x[(0, n - 1, 1)], x[(n - 1, .., 0)], x[at], x[(.., 1)], x[..1])
}

#[test]
fn positions_in_brackets() {
    let x = floats::<f32, 3>([2, 3, 4], 1);
    let found = corners(&x, 1);
    assert_eq!(found.0, x[[0, 1, 1]]);
    same(&found.1, |[j]| x[[1, j, 0]]);
    same(&found.2, |[j, k]| x[[1, j, k]]);
    same(&found.3, |[i, k]| x[[i, 1, k]]);
    same(&found.4, |at| x[at]);
}

#[defn]
fn rows<T: Number>(
    table: Tensor<T, vocab, width>,
    ids: Tensor<i64, batch, time>,
    few: Tensor<i32, width>,
) -> (Tensor<T, batch, time, width>, Tensor<T, width>, Tensor<T, vocab, batch, time>) {
    (table.take(vocab, ids), table.take(vocab, few), table.take(width, ids))
}

#[test]
fn take_replaces_an_axis_and_clamps() {
    for (vocab, width, batch, time) in [(5, 3, 2, 4), (1, 1, 1, 1), (7, 9, 0, 2), (3, 17, 5, 1)] {
        let ids = whole::<i64, 2>([batch, time], 4);
        let few = whole::<i32, 1>([width], 5);
        let clamp = |at: i64, extent: usize| at.clamp(0, extent as i64 - 1) as usize;
        macro_rules! check {
            ($($type:ident)*) => {$({
                let table = whole::<$type, 2>([vocab, width], 1);
                let found = rows::<$type>(&table, &ids, &few);
                same(&found.0, |[b, t, w]| table[[clamp(ids[[b, t]], vocab), w]]);
                same(&found.1, |[w]| table[[clamp(i64::from(few[[w]]), vocab), w]]);
                same(&found.2, |[v, b, t]| table[[v, clamp(ids[[b, t]], width)]]);
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
}

#[defn]
fn rows_of_bytes(
    table: Tensor<bool, vocab, width>,
    ids: Tensor<u8, batch>,
) -> Tensor<bool, batch, width> {
    table.take(vocab, ids)
}

#[test]
fn bytes_are_positions_too() {
    let table = truths([6, 5], 1);
    let ids = whole::<u8, 1>([9], 2);
    same(&rows_of_bytes(&table, &ids), |[b, w]| table[[usize::from(ids[[b]]).min(5), w]]);
}

#[defn]
fn scattered<T: Number>(
    x: Tensor<T, vocab, width>,
    ids: Tensor<i64, batch>,
    values: Tensor<T, batch, width>,
    line: Tensor<T, width>,
) -> (Tensor<T, vocab, width>, Tensor<T, vocab, width>, Tensor<T, vocab, width>) {
    (x.add_at(vocab, ids, values), x.add_at(vocab, ids, line), x.add_at(vocab, ids, 1))
}

#[test]
fn add_at_adds_repeatedly_and_drops_what_is_outside() {
    for (vocab, width, batch) in
        [(5, 3, 20), (1, 1, 1), (0, 2, 3), (4, 0, 3), (3, 9, 0), (6, 17, 40)]
    {
        let ids = whole::<i64, 1>([batch], 4);
        macro_rules! check {
            ($($type:ident)*) => {$({
                // Whole numbers, so that sums are exact in every order.
                let x = whole::<$type, 2>([vocab, width], 1).map(|x| x / (2 as $type) * (2 as $type));
                let values = whole::<$type, 2>([batch, width], 2);
                let line = whole::<$type, 1>([width], 3);
                let found = scattered::<$type>(&x, &ids, &values, &line);
                let twin = |value: &dyn Fn(usize, usize) -> $type| {
                    let mut sum = x.cast::<i64>();
                    for b in 0..batch {
                        if let Some(v) = usize::try_from(ids[[b]]).ok().filter(|v| *v < vocab) {
                            for w in 0..width {
                                sum[[v, w]] += value(b, w) as i64;
                            }
                        }
                    }
                    sum.map(|x| x as $type)
                };
                assert_eq!(found.0, twin(&|b, w| values[[b, w]]));
                assert_eq!(found.1, twin(&|_, w| line[[w]]));
                assert_eq!(found.2, twin(&|_, _| 1 as $type));
            })*};
        }
        check! { i32 i64 u8 u32 u64 }
        let (x, values) = (whole::<f32, 2>([vocab, width], 1), whole::<f32, 2>([batch, width], 2));
        let found = scattered(&x, &ids, &values, &Tensor::zeros([width])).0;
        near(&found, 0.0, |[v, w]| {
            let hits = (0..batch).filter(|b| ids[[*b]] == v as i64);
            f64::from(x[[v, w]]) + hits.map(|b| f64::from(values[[b, w]])).sum::<f64>()
        });
    }
}

#[defn]
fn picked(z: Tensor<f64, batch, class>, y: Tensor<i32, batch>) -> Tensor<f64, batch> {
    z.take(class, y)
}

#[test]
fn a_shared_axis_is_walked_together() {
    for (batch, class) in [(0, 3), (1, 1), (7, 4), (33, 10)] {
        let (z, y) = (floats::<f64, 2>([batch, class], 1), whole::<i32, 1>([batch], 2));
        same(&picked(&z, &y), |[b]| z[[b, (y[[b]].max(0) as usize).min(class - 1)]]);
    }
}
