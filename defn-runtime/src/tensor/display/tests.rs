//! What NumPy 2.4 prints for the same arrays.

use crate::tensor::Tensor;

fn check<T: std::fmt::Display>(value: &T, expected: &str) {
    assert_eq!(value.to_string(), expected, "\n{value}\n{expected}");
}

#[test]
fn floats_print_like_numpy() {
    check(&Tensor::from([1.0f32, 2.5, -3.0]), "[ 1.   2.5 -3. ]");
    check(&Tensor::from([[1.0f32, 2.5], [-3.0, f32::INFINITY]]), "[[ 1.   2.5]\n [-3.   inf]]");
    check(&Tensor::from([f32::NAN, f32::NEG_INFINITY]), "[ nan -inf]");
    check(&Tensor::from([f64::NAN, 1.0]), "[nan  1.]");
    check(&Tensor::from([f64::NEG_INFINITY, 1.0]), "[-inf   1.]");
    check(&Tensor::from([0.1f32, 0.2, 1.0 / 3.0]), "[0.1        0.2        0.33333334]");
    check(
        &Tensor::from([0.1f64, 0.2, 1.0 / 3.0, 2.0 / 3.0]),
        "[0.1        0.2        0.33333333 0.66666667]",
    );
    check(&Tensor::from([1e6f32, 1.0]), "[1.e+06 1.e+00]");
    check(&Tensor::from([999999.0f32, 1000.0]), "[999999.   1000.]");
    check(&Tensor::from([1e6f64, 1e5]), "[1000000.  100000.]");
    check(&Tensor::from([1e8f64, 1e7]), "[1.e+08 1.e+07]");
    check(&Tensor::from([0.0001f32, 0.0]), "[0.0001 0.    ]");
    check(&Tensor::from([0.00001f64, 0.5]), "[1.e-05 5.e-01]");
    check(&Tensor::from([1e100f64, 1e-5]), "[1.e+100 1.e-005]");
    check(&Tensor::from([1.0f64, 1000.5]), "[1.0000e+00 1.0005e+03]");
    check(&Tensor::from([1e-5f64, f64::NAN, -1.0]), "[ 1.e-05     nan -1.e+00]");
    check(&Tensor::from([0.001953125f64, 0.0009765625]), "[0.00195312 0.00097656]");
    check(&Tensor::from([-0.0f64, 0.0]), "[-0.  0.]");
    check(&Tensor::from([0.123456789f64, 12.5]), "[ 0.12345679 12.5       ]");
    check(&Tensor::from([1.23456789123e-7f64, 2e-7]), "[1.23456789e-07 2.00000000e-07]");
    check(&Tensor::from([0.999999999f64]), "[1.]");
    check(&Tensor::from([9.99999999999e-6f64]), "[1.e-05]");
    check(&Tensor::from([161266.63f32]), "[161266.62]");
    check(&Tensor::from([2.1545245e-11f32, -63742.03]), "[ 2.1545245e-11 -6.3742031e+04]");
}

#[test]
fn integers_truth_values_and_scalars_print_like_numpy() {
    check(&Tensor::from([1, -20, 300]), "[  1 -20 300]");
    check(&Tensor::from([[1u8, 20], [3, 255]]), "[[  1  20]\n [  3 255]]");
    check(&Tensor::from([[true, false], [false, false]]), "[[ True False]\n [False False]]");
    check(&Tensor::from([true]), "[ True]");
    check(&Tensor::from(true), "True");
    check(&Tensor::from(7i64), "7");
    check(&Tensor::from(0.1f64 + 0.2), "0.30000000000000004");
    check(&Tensor::from(1e16f64), "1e+16");
    check(&Tensor::from(1.5e-5f32), "1.5e-05");
    check(&Tensor::from(f32::NEG_INFINITY), "-inf");
    check(&Tensor::from(1e-4f32), "1e-04");
    check(&Tensor::from(999999.0f32), "999999.0");
    check(&Tensor::from(134217730.0f32), "1.3421773e+08");
}

#[test]
fn many_axes_print_like_numpy() {
    check(&Tensor::<f32, 1>::zeros([0]), "[]");
    check(&Tensor::<f32, 2>::zeros([0, 3]), "[]");
    check(&Tensor::<f32, 3>::zeros([2, 2, 2]), "[[[0. 0.]\n  [0. 0.]]\n\n [[0. 0.]\n  [0. 0.]]]");
    check(&Tensor::<i32, 4>::ones([2, 1, 2, 2]), "[[[[1 1]\n   [1 1]]]\n\n\n [[[1 1]\n   [1 1]]]]");
    check(
        &Tensor::from_fn([30], |[i]| i as f32 / 2.0),
        "[ 0.   0.5  1.   1.5  2.   2.5  3.   3.5  4.   4.5  5.   5.5  6.   6.5\n  7.   7.5  8.   8.5  9.   9.5 10.  10.5 11.  11.5 12.  12.5 13.  13.5\n 14.  14.5]",
    );
    check(
        &Tensor::from_fn([2, 40], |[i, j]| (i * j) as i64),
        "[[ 0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0\n   0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0]\n [ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n  24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39]]",
    );
    check(&Tensor::from_fn([1001], |[i]| i as i64), "[   0    1    2 ...  998  999 1000]");
    check(
        &Tensor::from_fn([1000], |[i]| i as i64).slice(0, ..20),
        "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19]",
    );
    check(
        &Tensor::from_fn([40, 40], |[i, j]| (i * 40 + j) as f32),
        "[[0.000e+00 1.000e+00 2.000e+00 ... 3.700e+01 3.800e+01 3.900e+01]\n [4.000e+01 4.100e+01 4.200e+01 ... 7.700e+01 7.800e+01 7.900e+01]\n [8.000e+01 8.100e+01 8.200e+01 ... 1.170e+02 1.180e+02 1.190e+02]\n ...\n [1.480e+03 1.481e+03 1.482e+03 ... 1.517e+03 1.518e+03 1.519e+03]\n [1.520e+03 1.521e+03 1.522e+03 ... 1.557e+03 1.558e+03 1.559e+03]\n [1.560e+03 1.561e+03 1.562e+03 ... 1.597e+03 1.598e+03 1.599e+03]]",
    );
    check(
        &Tensor::from_fn([2, 3, 500], |[i, j, k]| (i + j + k) as u8),
        "[[[  0   1   2 ... 241 242 243]\n  [  1   2   3 ... 242 243 244]\n  [  2   3   4 ... 243 244 245]]\n\n [[  1   2   3 ... 242 243 244]\n  [  2   3   4 ... 243 244 245]\n  [  3   4   5 ... 244 245 246]]]",
    );
    check(
        &Tensor::from_fn([300, 2, 2], |[i, j, k]| (i + j + k) as f64 * 0.25),
        "[[[ 0.    0.25]\n  [ 0.25  0.5 ]]\n\n [[ 0.25  0.5 ]\n  [ 0.5   0.75]]\n\n [[ 0.5   0.75]\n  [ 0.75  1.  ]]\n\n ...\n\n [[74.25 74.5 ]\n  [74.5  74.75]]\n\n [[74.5  74.75]\n  [74.75 75.  ]]\n\n [[74.75 75.  ]\n  [75.   75.25]]]",
    );
}

fn check_debug<T: std::fmt::Debug>(value: &T, expected: &str) {
    assert_eq!(format!("{value:?}"), expected, "\n{value:?}\n{expected}");
}

#[test]
fn debug_text_is_the_repr_of_numpy() {
    check_debug(
        &Tensor::from([[1.0f32, 2.5], [-3.0, f32::INFINITY]]),
        "tensor([[ 1. ,  2.5],\n        [-3. ,  inf]], f32)",
    );
    check_debug(&Tensor::from([1.0f32, 2.5, -3.0]), "tensor([ 1. ,  2.5, -3. ], f32)");
    check_debug(
        &Tensor::<f32, 3>::zeros([2, 2, 2]),
        "tensor([[[0., 0.],\n         [0., 0.]],\n\n        [[0., 0.],\n         [0., 0.]]], f32)",
    );
    check_debug(&Tensor::<f32, 1>::zeros([0]), "tensor([], f32)");
    check_debug(&Tensor::<f32, 2>::zeros([0, 3]), "tensor([], shape=[0, 3], f32)");
    check_debug(
        &Tensor::from_fn([30], |[i]| i as f32 / 2.0),
        "tensor([ 0. ,  0.5,  1. ,  1.5,  2. ,  2.5,  3. ,  3.5,  4. ,  4.5,  5. ,\n         5.5,  6. ,  6.5,  7. ,  7.5,  8. ,  8.5,  9. ,  9.5, 10. , 10.5,\n        11. , 11.5, 12. , 12.5, 13. , 13.5, 14. , 14.5], f32)",
    );
    check_debug(
        &Tensor::from_fn([2, 40], |[i, j]| (i * j) as i64),
        "tensor([[ 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,\n          0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,\n          0,  0,  0,  0,  0,  0,  0,  0],\n        [ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15,\n         16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,\n         32, 33, 34, 35, 36, 37, 38, 39]], i64)",
    );
    check_debug(
        &Tensor::from_fn([1001], |[i]| i as i64),
        "tensor([   0,    1,    2, ...,  998,  999, 1000], shape=[1001], i64)",
    );
    check_debug(
        &Tensor::from([[1u8, 20], [3, 255]]),
        "tensor([[  1,  20],\n        [  3, 255]], u8)",
    );
    check_debug(
        &Tensor::from([[true, false], [false, false]]),
        "tensor([[ True, False],\n        [False, False]], bool)",
    );
    check_debug(
        &Tensor::from([0.1f64, 0.2, 1.0 / 3.0, 2.0 / 3.0]),
        "tensor([0.1       , 0.2       , 0.33333333, 0.66666667], f64)",
    );
    check_debug(&Tensor::from(0.1f64 + 0.2), "tensor(0.3, f64)");
    check_debug(&Tensor::from([0.0001f32, 0.0]), "tensor([0.0001, 0.    ], f32)");
    check_debug(&Tensor::from(true), "tensor(True, bool)");
}

#[test]
fn a_precision_limits_the_digits() {
    assert_eq!(format!("{:.3}", Tensor::from([1.0f64 / 3.0, 2.5, 0.5])), "[0.333 2.5   0.5  ]");
    assert_eq!(format!("{:.2}", Tensor::from(1.0f32 / 3.0)), "0.33");
}
