//! Tensors that are seen through strides, as arguments and as places for results.

use crate::support::{floats, near, of_sums, same, truths, whole};
use defn::prelude::*;

#[defn]
fn rows(
    x: Tensor<f32, a, b>,
    y: Tensor<f32, b>,
) -> (Tensor<f32, a, b>, Tensor<f32, a>, Tensor<f32, b>) {
    (x * y + 1.0, x.sum(b), x.max(a))
}

#[defn]
fn product(x: Tensor<f32, a, b>, y: Tensor<f32, b, c>) -> Tensor<f32, a, c> {
    x.dot(y, b)
}

/// The same elements seen in several ways.
fn seen(x: &Tensor<f32, 2>) -> Vec<Tensor<f32, 2>> {
    let [rows, columns] = x.shape();
    let wide = Tensor::from_fn([2 * rows + 1, 3 * columns + 2], |[i, j]| {
        let inside = i % 2 == 1 && j >= 1 && (j - 1) % 3 == 0;
        if inside && i / 2 < rows && (j - 1) / 3 < columns {
            x[[i / 2, (j - 1) / 3]]
        } else {
            f32::NAN
        }
    });
    let cut =
        wide.slice(0, 1..).step(0, 2).slice(1, 1..).step(1, 3).slice(0, ..rows).slice(1, ..columns);
    vec![
        x.clone(),
        x.transposed().copied().transposed(),
        x.reversed(0).copied().reversed(0),
        x.reversed(1).copied().reversed(1),
        cut,
    ]
}

#[test]
fn strided_arguments_give_the_same_results() {
    for [a, b] in [[0, 3], [3, 0], [1, 1], [4, 7], [9, 17], [17, 33]] {
        let (x, y) = (floats::<f32, 2>([a, b], 1), floats::<f32, 1>([b], 2));
        let line = Tensor::from_fn([2 * b], |[i]| if i % 2 == 0 { y[[i / 2]] } else { f32::NAN });
        let line = line.step(0, 2);
        for view in seen(&x) {
            assert_eq!(view, x);
            let found = rows(&view, &line);
            same(&found.0, |[i, j]| x[[i, j]] * y[[j]] + 1.0);
            near(&found.1, of_sums::<f32>(), |[i]| (0..b).map(|j| f64::from(x[[i, j]])).sum());
            same(&found.2, |[j]| (0..a).fold(f32::NEG_INFINITY, |most, i| most.max(x[[i, j]])));
            let square = view.transposed();
            near(&product(&view, &square), of_sums::<f32>(), |[i, k]| {
                (0..b).map(|j| f64::from(x[[i, j]] * x[[k, j]])).sum()
            });
        }
    }
}

#[defn]
fn every_type(
    a: Tensor<f64, n>,
    b: Tensor<i32, n>,
    c: Tensor<i64, n>,
    d: Tensor<u8, n>,
    e: Tensor<bool, n>,
) -> (Tensor<f64, n>, Tensor<i32, n>, Tensor<i64, n>, Tensor<u8, n>, Tensor<bool, n>) {
    (a + 1.0, b + 1, c + 1, d + 1, !e)
}

#[test]
fn strided_arguments_of_every_element_type() {
    for n in [0, 1, 5, 33] {
        let (a, b, c) = (
            floats::<f64, 1>([2 * n], 1).step(0, 2),
            whole::<i32, 1>([3 * n], 2).step(0, 3),
            whole::<i64, 1>([n], 3).reversed(0),
        );
        let (d, e) =
            (whole::<u8, 1>([2 * n], 4).step(0, 2).reversed(0), truths([5 * n], 5).step(0, 5));
        let found = every_type(&a, &b, &c, &d, &e);
        same(&found.0, |at| a[at] + 1.0);
        same(&found.1, |at| b[at] + 1);
        same(&found.2, |at| c[at] + 1);
        same(&found.3, |at| d[at].wrapping_add(1));
        same(&found.4, |at| !e[at]);
    }
}

#[defn]
fn double(x: Tensor<f32, a, b>) -> Tensor<f32, a, b> {
    2.0 * x
}

#[test]
fn results_go_into_given_memory() {
    let x = floats::<f32, 2>([3, 5], 1);
    let mut place = Tensor::full([3, 5], f32::NAN);
    let before = place.as_slice().map(<[f32]>::as_ptr);
    double::into(&x, &mut place).unwrap();
    assert_eq!(place.as_slice().map(<[f32]>::as_ptr), before);
    same(&place, |at| 2.0 * x[at]);
    // A place that is a view of something else leaves that alone.
    let around = Tensor::full([5, 3], 7.0f32);
    let mut place = around.transposed();
    double::into(&x, &mut place).unwrap();
    same(&place, |at| 2.0 * x[at]);
    assert!(around.iter().all(|x| *x == 7.0));
    let error = double::into(&x, &mut Tensor::zeros([5, 3])).unwrap_err().to_string();
    assert_eq!(
        error,
        "the tensor given for the result of `double` has another shape\n  result: f32[3, 5]\n  given:  f32[5, 3]\n  help: give a tensor of shape [3, 5]"
    );
}

#[defn]
fn grow(x: &mut Tensor<f32, a, b>, y: Tensor<f32, b>) {
    *x = x * 2.0 + y;
}

#[test]
fn a_shared_or_strided_tensor_is_changed_alone() {
    let (x, y) = (floats::<f32, 2>([3, 5], 1), floats::<f32, 1>([5], 2));
    let mut copy = x.clone();
    let kept = x.copied();
    grow(&mut copy, &y);
    assert_eq!(x, kept);
    same(&copy, |[i, j]| 2.0 * x[[i, j]] + y[[j]]);
    let mut turned = x.transposed().copied().transposed();
    grow(&mut turned, &y);
    assert_eq!(turned, copy);
    // An argument that shares memory with what is changed keeps its elements until the call is over.
    let mut square = floats::<f32, 2>([5, 5], 3);
    let (row, old) = (square.index_axis(0, 2), square.copied());
    grow(&mut square, &row);
    same(&square, |[i, j]| 2.0 * old[[i, j]] + old[[2, j]]);
}

#[test]
fn arguments_may_be_repeated_elements() {
    let x = Tensor::full([1, 4], 3.0f32);
    near(&product(&x, &x.transposed()), 0.0, |_| 36.0);
}
