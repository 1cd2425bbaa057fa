//! Functions that call functions: across modules, over element types, over tensors, with constants and aliases.

use crate::support::{floats, near, of_sums, same, whole};
use defn::prelude::*;

mod layers {
    //! A library inside the crate.

    use defn::prelude::*;

    /// Keeps denominators away from zero.
    #[defn]
    pub(crate) const EPS: f32 = 1e-3;

    #[defn]
    pub(crate) const HALF: f64 = 1.0 / 2.0;

    #[defn]
    pub(crate) type Matrix<rows, columns> = Tensor<f32, rows, columns>;

    #[defn]
    pub(crate) fn norm(x: Tensor<f32, row, column>) -> Tensor<f32, row, column> {
        let centered = x - x.mean(column);
        centered / (x.variance(column) + EPS).sqrt()
    }

    pub(crate) mod deep {
        //! One level further.

        use defn::prelude::*;

        #[defn]
        pub(crate) fn swish<T: Float>(x: T) -> T {
            x * x.sigmoid()
        }
    }
}

use layers::{EPS, Matrix, deep::swish, norm};

#[defn]
fn block(x: Matrix<batch, width>) -> Tensor<f32, batch, width> {
    swish(norm(x)) + EPS + layers::deep::swish(0.5f32)
}

#[test]
fn calls_between_modules_bind_by_position() {
    for (batch, width) in [(0, 3), (1, 1), (3, 17)] {
        let x = floats::<f32, 2>([batch, width], 1);
        let swish = |x: f64| x / (1.0 + (-x).exp());
        near(&block(&x), of_sums::<f32>(), |[i, j]| {
            let row = || (0..width).map(|j| f64::from(x[[i, j]]));
            let mean = row().sum::<f64>() / width as f64;
            let variance = row().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            swish((f64::from(x[[i, j]]) - mean) / (variance + 1e-3).sqrt()) + 1e-3 + swish(0.5)
        });
    }
}

#[defn]
fn lifted(x: Tensor<f64, a>, y: Tensor<f64, b>) -> (Tensor<f64, a, b>, Tensor<f64, a>) {
    (mixed(x, y), swish(x) * layers::HALF)
}

#[defn]
fn mixed(x: f64, y: f64) -> f64 {
    select(x < y, x * y, x - y).clamp(-1.0, 1.0)
}

#[test]
fn functions_of_scalars_are_lifted() {
    let (x, y) = (floats::<f64, 1>([5], 1), floats::<f64, 1>([3], 2));
    let found = lifted(&x, &y);
    same(&found.0, |[i, j]| mixed(x[[i]], y[[j]]));
    assert_eq!(mixed(0.5, 0.75), 0.375);
    assert_eq!(mixed(0.75, 0.5), 0.25);
    near(&found.1, of_sums::<f64>(), |at| 0.5 * x[at] / (1.0 + (-x[at]).exp()));
}

#[defn]
fn chain(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let x = link(x, 2.0);
    let x = link(x, 3.0);
    link(link(x, x.max()), -1)
}

#[defn]
fn link(x: Tensor<f32, m>, s: f32) -> Tensor<f32, m> {
    x * s + m as f32
}

#[test]
fn one_function_is_called_many_times() {
    let x = floats::<f32, 1>([5], 1);
    let link = |x: Tensor<f32, 1>, s: f32| x.map(|x| x * s + 5.0);
    let expected = link(link(x.clone(), 2.0), 3.0);
    let most = expected.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let expected = link(link(expected, most), -1.0);
    near(&chain(&x), of_sums::<f32>(), |at| f64::from(expected[at]));
}

#[defn]
fn both_ways(x: Tensor<f32, a, b>) -> (Tensor<f32, b>, Tensor<f32, a>) {
    (total(x), total(x.order(b, a)))
}

#[defn]
fn total(x: Tensor<f32, rows, columns>) -> Tensor<f32, columns> {
    x.sum(rows)
}

#[test]
fn axes_of_the_callee_take_the_callers_names() {
    let x = whole::<f32, 2>([3, 5], 1);
    let found = both_ways(&x);
    same(&found.0, |[j]| (0..3).map(|i| x[[i, j]]).sum());
    same(&found.1, |[i]| (0..5).map(|j| x[[i, j]]).sum());
}

#[defn]
fn shadowed(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let y = x;
    let y = y * 2.0;
    let mut z = {
        let inner = y + 1.0;
        inner * x
    };
    let (a, b) = (z, y);
    z += a - b;
    z -= 1;
    z *= 2.0;
    z /= 4.0;
    z
}

#[test]
fn locals_shadow_and_change() {
    let x = floats::<f32, 1>([9], 1);
    same(&shadowed(&x), |at| {
        let y = x[at] * 2.0;
        let z = (y + 1.0) * x[at];
        (z + (z - y) - 1.0) * 2.0 / 4.0
    });
}

#[defn]
fn numbers(x: Tensor<f32, n>) -> (Tensor<f32, n>, f32, i32, f64, u8) {
    (x * std::f32::consts::PI, f32::MAX, i32::MIN, std::f64::consts::E, u8::MAX)
}

#[test]
fn constants_of_std_are_known() {
    let x = floats::<f32, 1>([3], 1);
    let found = numbers(&x);
    same(&found.0, |at| x[at] * std::f32::consts::PI);
    assert_eq!(
        (found.1, found.2, found.3, found.4),
        (f32::MAX, i32::MIN, std::f64::consts::E, 255)
    );
}

#[defn]
const TAPS: i64 = 3;

#[defn]
fn taps(x: Tensor<f32, n>) -> (Tensor<f32, n, tap<3>>, Tensor<f32, n<{ n + 3 }>>) {
    (x.broadcast(tap = TAPS), x.pad(n, (TAPS, 0)))
}

#[test]
fn a_constant_is_an_extent() {
    let x = floats::<f32, 1>([4], 1);
    let found = taps(&x);
    same(&found.0, |[i, _]| x[[i]]);
    same(&found.1, |[i]| if i < 3 { 0.0 } else { x[[i - 3]] });
}

#[defn]
fn over_numbers<T: Number>(x: Tensor<T, n>, y: T) -> (Tensor<T, n>, T) {
    (x * y + 1, y + y)
}

#[defn]
fn over_both(x: Tensor<i32, n>, y: Tensor<f64, n>) -> (Tensor<i32, n>, Tensor<f64, n>) {
    (over_numbers(x, 3).0, over_numbers(y, 0.5).0)
}

#[defn]
fn two_types<A: Float, B: Number>(x: Tensor<A, n>, y: Tensor<B, n>) -> Tensor<A, n> {
    x * (y as A)
}

#[defn]
fn number_first<B: Number, A: Float>(x: Tensor<A, n>, y: Tensor<B, n>) -> Tensor<A, n> {
    x * (y as A)
}

#[test]
fn generic_functions_over_element_types() {
    let (x, y) = (whole::<i32, 1>([4], 1), floats::<f64, 1>([4], 2));
    let found = over_both(&x, &y);
    same(&found.0, |at| x[at] * 3 + 1);
    same(&found.1, |at| y[at] * 0.5 + 1.0);
    let bytes = whole::<u8, 1>([3], 1);
    let (found, twice) = over_numbers(&bytes, 200);
    same(&found, |at| bytes[at].wrapping_mul(200).wrapping_add(1));
    assert_eq!(twice, 144);
    same(&two_types(&y, &x), |at| y[at] * f64::from(x[at]));
    let single = y.cast::<f32>();
    let long = x.cast::<i64>();
    same(&two_types(&single, &long), |at| single[at] * long[at] as f32);
    same(&number_first(&single, &long), |at| single[at] * long[at] as f32);
    let natural = whole::<u64, 1>([4], 3);
    same(&number_first(&single, &natural), |at| single[at] * natural[at] as f32);
    same(&number_first(&y, &natural), |at| y[at] * natural[at] as f64);
}

#[test]
fn a_function_may_stand_inside_a_function() {
    #[defn]
    fn local(x: Tensor<f32, n>) -> Tensor<f32, n> {
        link(x, 2.0)
    }
    assert_eq!(local(&Tensor::from(vec![1.0, 2.0])).to_vec(), [4.0, 6.0]);
}

struct Host;

impl Host {
    fn call(&self, x: f32) -> f32 {
        // A compiled function is an ordinary value.
        let f: fn(f32) -> f32 = swish::<f32>;
        f(x)
    }
}

#[test]
fn functions_are_values_in_rust() {
    assert_eq!(Host.call(0.0), 0.0);
    let many: Vec<f64> = [0.0, 1.0].into_iter().map(swish).collect();
    assert_eq!(many[0], 0.0);
}
