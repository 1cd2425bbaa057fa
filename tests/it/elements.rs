//! Conversions between element types, as Rust's `as`.

use crate::support::{EXTENTS, between, same, truths};
use defn::prelude::*;

#[defn]
fn from_number<T: Number>(
    x: Tensor<T, n>,
) -> (
    Tensor<f32, n>,
    Tensor<f64, n>,
    Tensor<i32, n>,
    Tensor<i64, n>,
    Tensor<u8, n>,
    Tensor<u32, n>,
    Tensor<u64, n>,
) {
    (x as f32, x as f64, x as i32, x as i64, x as u8, x as u32, x as u64)
}

#[defn]
fn from_truth(
    x: Tensor<bool, n>,
) -> (
    Tensor<f32, n>,
    Tensor<f64, n>,
    Tensor<i32, n>,
    Tensor<i64, n>,
    Tensor<u8, n>,
    Tensor<u32, n>,
    Tensor<u64, n>,
) {
    (x as f32, x as f64, x as i32, x as i64, x as u8, x as u32, x as u64)
}

#[test]
fn conversions_of_every_pair() {
    for n in EXTENTS {
        macro_rules! check {
            ($($type:ident $domain:expr;)*) => {$({
                let x = between::<$type, 1>([n], 1, $domain);
                let found = from_number::<$type>(&x);
                same(&found.0, |at| x[at] as f32);
                same(&found.1, |at| x[at] as f64);
                same(&found.2, |at| x[at] as i32);
                same(&found.3, |at| x[at] as i64);
                same(&found.4, |at| x[at] as u8);
                same(&found.5, |at| x[at] as u32);
                same(&found.6, |at| x[at] as u64);
            })*};
        }
        check! {
            f32 (-400.0, 400.0); f64 (-4e10, 4e10); i32 (-4e9, 4e9); i64 (-9e18, 9e18); u8 (0.0, 255.9);
            u32 (0.0, 4.294e9); u64 (0.0, 1.844e19);
        }
        let x = truths([n], 1);
        let found = from_truth(&x);
        same(&found.0, |at| f32::from(u8::from(x[at])));
        same(&found.1, |at| f64::from(u8::from(x[at])));
        same(&found.2, |at| i32::from(x[at]));
        same(&found.3, |at| i64::from(x[at]));
        same(&found.4, |at| u8::from(x[at]));
        same(&found.5, |at| u32::from(x[at]));
        same(&found.6, |at| u64::from(x[at]));
    }
}

#[test]
fn conversions_saturate_at_the_edges() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.99, -0.99, 255.5, 256.0, -1.0]
        .into_iter()
        .chain([
            2147483647.0,
            2147483648.0,
            -2147483648.0,
            -2147483649.0,
            9.3e18,
            -9.3e18,
            4294967295.0,
            4294967296.0,
            1.8446744073709552e19,
            1e300,
            16777217.0,
        ])
        .collect::<Vec<f64>>();
    let x = Tensor::from(odd);
    let found = from_number(&x);
    assert_eq!(
        found.0.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        x.iter().map(|x| (*x as f32).to_bits()).collect::<Vec<_>>()
    );
    same(&found.2, |at| x[at] as i32);
    same(&found.3, |at| x[at] as i64);
    same(&found.4, |at| x[at] as u8);
    same(&found.5, |at| x[at] as u32);
    same(&found.6, |at| x[at] as u64);
    let x = x.cast::<f32>();
    let found = from_number(&x);
    same(&found.2, |at| x[at] as i32);
    same(&found.3, |at| x[at] as i64);
    same(&found.4, |at| x[at] as u8);
    same(&found.5, |at| x[at] as u32);
    same(&found.6, |at| x[at] as u64);
    let x = Tensor::from(vec![i64::MIN, i64::MAX, -1, 256, 1 << 53 | 1, (1 << 62) - 1]);
    let found = from_number(&x);
    same(&found.0, |at| x[at] as f32);
    same(&found.1, |at| x[at] as f64);
    same(&found.2, |at| x[at] as i32);
    same(&found.4, |at| x[at] as u8);
    same(&found.5, |at| x[at] as u32);
    same(&found.6, |at| x[at] as u64);
}

#[defn]
fn scalar_casts(x: f32, k: i64, b: bool) -> (i32, f32, f64, u8) {
    (x as i32, k as f32, x as f64 * 2.0, b as u8)
}

#[test]
fn conversions_of_scalars() {
    assert_eq!(scalar_casts(-2.7, 16777217, true), (-2, 16777216.0, f64::from(-2.7f32) * 2.0, 1));
}
