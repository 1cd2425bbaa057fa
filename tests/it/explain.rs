//! What a function says about itself.

use defn::prelude::*;

#[defn]
fn softmax(x: Tensor<f32, batch, class>) -> Tensor<f32, batch, class> {
    let e = (x - x.max(class)).exp();
    e / e.sum(class)
}

#[defn]
fn plain(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x + 1.0
}

#[defn]
fn staged<T: Float>(x: Tensor<T, n, m>, w: Tensor<T, m, k>) -> Tensor<T, n, k> {
    let y = x.dot(w, m).tanh();
    y / y.sum(n)
}

#[test]
fn softmax_is_one_kernel() {
    let text = softmax::explain();
    assert!(text.contains("softmax"), "{text}");
    assert_eq!(text.matches("kernel ").count(), 1, "{text}");
    // Each element: the larger, minus it, its exponential, the sum, divided by it; none of them counted for every form of a loop.
    assert!(text.contains(" 5*batch*class operations"), "{text}");
}

#[test]
fn workspace_is_known_before_the_call() {
    let x = Tensor::<f32, 1>::zeros([1000]);
    assert_eq!(plain::workspace_bytes(&x).unwrap(), 0);
    let (x, w) = (Tensor::<f64, 2>::zeros([100, 7]), Tensor::zeros([7, 50]));
    let many = staged::workspace_bytes(&x, &w).unwrap();
    let few = staged::workspace_bytes(&x.slice(0, ..10), &w).unwrap();
    assert!(few <= many, "{few} {many}");
    assert!(staged::workspace_bytes(&x, &Tensor::zeros([8, 50])).is_err());
    // What is planned is all that is alive at one time, rounded up to whole lines of the cache.
    let text = staged::explain();
    assert!(text.contains("workspace 64*floor((8*n*k + 63) / 64)"), "{text}");
    assert!(text.contains("(live at once: "), "{text}");
    assert!(!plain::explain().contains("live at once"), "{}", plain::explain());
}
