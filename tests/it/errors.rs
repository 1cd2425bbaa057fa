//! What a call says when shapes disagree.

use defn::prelude::*;

#[defn]
struct Layer<inp, out> {
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
}

#[defn]
fn layer(p: Layer<inp, out<3>>, x: Tensor<f32, batch, inp>) -> Tensor<f32, batch, out<3>> {
    x.dot(p.w, inp) + p.b
}

fn good() -> (Layer, Tensor<f32, 2>) {
    (Layer { w: Tensor::zeros([2, 3]), b: Tensor::zeros([3]) }, Tensor::zeros([4, 2]))
}

#[test]
fn one_symbol_in_two_places() {
    let (p, _) = good();
    let error = layer::try_call(&p, &Tensor::zeros([4, 5])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "extents disagree in the call of `layer`\n  x:   f32[4, 5], axis 1 (`inp`) is 5\n  p.w: f32[2, 3], axis 0 (`inp`) is 2\n  help: `inp` must be the same in both"
    );
    assert!(matches!(error, defn::Error::ExtentMismatch(_)));
}

#[test]
fn a_fixed_extent() {
    let (mut p, x) = good();
    p.b = Tensor::zeros([4]);
    assert_eq!(
        layer::try_call(&p, &x).unwrap_err().to_string(),
        "extents disagree in the call of `layer`\n  p.b: f32[4], axis 0 (`out`) is 4, but 3 is needed"
    );
}

#[test]
fn the_call_itself_panics_with_the_same_words() {
    let (p, _) = good();
    let caught = std::panic::catch_unwind(|| layer(&p, &Tensor::zeros([4, 5])));
    let payload = caught.err().unwrap();
    let text = payload.downcast_ref::<String>().unwrap();
    assert!(text.starts_with("extents disagree in the call of `layer`\n"), "{text}");
}

#[defn]
fn shorter(x: Tensor<f32, n>, y: Tensor<f32, m>) -> Tensor<f32, k<{ n - m }>> {
    x.slice(n, m..).rename(n, k)
}

#[test]
fn a_slice_that_is_not_inside() {
    assert_eq!(shorter(&Tensor::zeros([5]), &Tensor::zeros([5])).shape(), [0]);
    assert_eq!(
        shorter::try_call(&Tensor::zeros([2]), &Tensor::zeros([5])).unwrap_err().to_string(),
        "slice `m..n` of axis `n`: `m` must not exceed `n`, in the call of `shorter`\n  left:  5\n  right: 2\n  x:     f32[2], axis 0 (`n`) is 2\n  y:     f32[5], axis 0 (`m`) is 5"
    );
}

#[defn]
fn less(x: Tensor<f32, n>) -> Tensor<f32, k<{ n - 3 }>> {
    zeros::<f32>(k = n - 3)
}

#[test]
fn a_result_of_negative_extent() {
    assert_eq!(less(&Tensor::zeros([3])).shape(), [0]);
    let error = less::try_call(&Tensor::zeros([2])).unwrap_err().to_string();
    assert!(error.contains("in the call of `less`"), "{error}");
}

#[defn]
fn outer(x: Tensor<f32, n>) -> Tensor<f32, k<{ n - 2 }>> {
    shorter(x, zeros::<f32>(m = 2))
}

#[test]
fn checks_of_a_callee_are_those_of_the_caller() {
    assert_eq!(outer(&Tensor::zeros([5])).shape(), [3]);
    let error = outer::try_call(&Tensor::zeros([1])).unwrap_err().to_string();
    assert!(error.contains("in the call of `outer`"), "{error}");
}

#[test]
fn errors_are_values() {
    fn fails() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        less::try_call(&Tensor::zeros([0]))?;
        Ok(())
    }
    assert!(fails().is_err());
}

#[defn]
fn square(n: usize) -> Tensor<f32, i<n>, j<n>> {
    zeros::<f32>(i = n, j = n)
}

#[defn]
fn cubed(x: Tensor<f32, n>) -> f32 {
    let table = x.exp() * x.rename(n, m) + x.rename(n, k);
    (table / table.sum(n)).sum()
}

#[test]
fn what_no_memory_could_hold() {
    assert_eq!(square(0).shape(), [0, 0]);
    for n in [1 << 31, 1 << 40, usize::MAX / 2, usize::MAX] {
        assert!(square::try_call(n).is_err(), "{n}");
    }
    // Repeated elements: the argument is small, whatever would be computed from it is not.
    let x = Tensor::<f32, 1>::full([1], 1.0);
    assert_eq!(cubed(&x), 1.0);
    let many = Tensor::<f32, 1>::full([5000], 0.0);
    assert_eq!(cubed::workspace_bytes(&many).unwrap() % 4, 0);
}
