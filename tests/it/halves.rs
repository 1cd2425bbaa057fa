//! Floats of 16 bits: each function is that of the numbers as `f32`, rounded; sums are rounded once.

use crate::support::EXTENTS;
use defn::prelude::*;

/// Numbers of every size, with both zeros, infinities and NaN.
fn bits(n: usize, seed: u32) -> impl Iterator<Item = u16> {
    let scatter = move |k: u32| (k ^ seed).wrapping_mul(0x9e37_79b9).rotate_left(13) as u16;
    (0..n as u32).map(move |k| if k % 7 == 6 { scatter(k) | 0x7c00 } else { scatter(k) })
}

/// Every test stands for both types.
macro_rules! halves {
    ($module:ident $half:ident) => {
        mod $module {
            use super::*;

            fn some(n: usize, seed: u32) -> Tensor<$half, 1> {
                Tensor::from_vec([n], bits(n, seed).map($half::from_bits).collect()).unwrap()
            }

            /// Numbers between -4 and 4.
            fn small<const RANK: usize>(shape: [usize; RANK], seed: u32) -> Tensor<$half, RANK> {
                let count = shape.iter().product();
                let number = |bits: u16| $half::from_f32((f32::from(bits) - 32_768.0) / 8_192.0);
                Tensor::from_vec(shape, bits(count, seed).map(number).collect()).unwrap()
            }

            #[track_caller]
            fn same(found: &Tensor<$half, 1>, expected: impl Fn(usize) -> $half) {
                for (at, found) in found.iter().enumerate() {
                    let expected = expected(at);
                    let equal = found.to_bits() == expected.to_bits();
                    assert!(
                        equal || found.is_nan() && expected.is_nan(),
                        "{at}: {found} {expected}"
                    );
                }
            }

            #[defn]
            fn arithmetic(
                x: Tensor<$half, n>,
                y: Tensor<$half, n>,
            ) -> (Tensor<$half, n>, Tensor<$half, n>, Tensor<$half, n>, Tensor<$half, n>) {
                (x + y, x - y, x * y, x / y)
            }

            #[test]
            fn arithmetic_is_that_of_the_crate() {
                for n in EXTENTS.into_iter().chain([5000]) {
                    let (x, y) = (some(n, 1), some(n, 2));
                    let found = arithmetic(&x, &y);
                    same(&found.0, |at| x[[at]] + y[[at]]);
                    same(&found.1, |at| x[[at]] - y[[at]]);
                    same(&found.2, |at| x[[at]] * y[[at]]);
                    same(&found.3, |at| x[[at]] / y[[at]]);
                }
            }

            #[defn]
            fn chain(x: Tensor<$half, n>, y: Tensor<$half, n>) -> Tensor<$half, n> {
                (x * y + 1.5) * x - y.sqrt()
            }

            #[test]
            fn each_step_is_rounded() {
                let one_half = $half::from_f32(1.5);
                for n in EXTENTS {
                    let (x, y) = (some(n, 3), some(n, 4));
                    same(&chain(&x, &y), |at| {
                        let root = $half::from_f32(y[[at]].to_f32().sqrt());
                        (x[[at]] * y[[at]] + one_half) * x[[at]] - root
                    });
                }
            }

            #[defn]
            fn to_all(
                x: Tensor<$half, n>,
            ) -> (Tensor<f32, n>, Tensor<f64, n>, Tensor<i32, n>, Tensor<u8, n>, Tensor<i64, n>)
            {
                (x as f32, x as f64, x as i32, x as u8, x as i64)
            }

            #[defn]
            fn from_all(
                a: Tensor<f32, n>,
                b: Tensor<f64, n>,
                c: Tensor<i32, n>,
                d: Tensor<u64, n>,
                e: Tensor<bool, n>,
            ) -> (
                Tensor<$half, n>,
                Tensor<$half, n>,
                Tensor<$half, n>,
                Tensor<$half, n>,
                Tensor<$half, n>,
            ) {
                (a as $half, b as $half, c as $half, d as $half, e as $half)
            }

            #[test]
            fn casts_are_those_of_tensors() {
                for n in EXTENTS {
                    let x = some(n, 5);
                    let (a, b, c, d, e) = to_all(&x);
                    for (at, half) in x.iter().enumerate() {
                        let number = half.to_f32();
                        assert!(a[[at]].to_bits() == number.to_bits() || number.is_nan());
                        assert!(
                            b[[at]].to_bits() == f64::from(number).to_bits() || number.is_nan()
                        );
                        assert_eq!(
                            (c[[at]], d[[at]], e[[at]]),
                            (number as i32, number as u8, number as i64)
                        );
                    }
                    let whole = Tensor::from_fn([n], |[at]| {
                        (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    });
                    let real = whole.map(|it| it.cast_signed() as f64 * 1e-15);
                    let (single, int) = (real.cast::<f32>(), whole.cast::<i32>());
                    let truth = whole.map(|it| it % 2 == 1);
                    let found = from_all(&single, &real, &int, &whole, &truth);
                    same(&found.0, |at| $half::from_f32(single[[at]]));
                    assert_eq!(found.1, real.cast::<$half>());
                    assert_eq!(found.2, int.cast::<$half>());
                    assert_eq!(found.3, whole.cast::<$half>());
                    assert_eq!(found.4, truth.cast::<$half>());
                }
            }

            #[defn]
            fn product(x: Tensor<$half, i, k>, y: Tensor<$half, k, j>) -> Tensor<$half, i, j> {
                x.dot(y, k)
            }

            #[defn]
            fn product_as_f32(x: Tensor<$half, i, k>, y: Tensor<$half, k, j>) -> Tensor<f32, i, j> {
                (x as f32).dot(y as f32, k)
            }

            #[test]
            fn products_are_rounded_once() {
                for (i, k, j) in
                    [(1, 1, 1), (3, 40, 5), (17, 130, 33), (0, 3, 2), (2, 0, 3), (1, 300, 70)]
                {
                    let (x, y) = (small([i, k], 6), small([k, j], 7));
                    let wide = product_as_f32(&x, &y);
                    assert_eq!(product(&x, &y), wide.cast::<$half>());
                    let exact = |[a, b]: [usize; 2]| -> f64 {
                        (0..k).map(|c| x[[a, c]].to_f64() * y[[c, b]].to_f64()).sum()
                    };
                    assert!(wide.cast::<f64>().is_close(
                        &Tensor::from_fn([i, j], exact),
                        1e-4,
                        1e-3
                    ));
                }
            }

            #[defn]
            fn folds(x: Tensor<$half, n>) -> ($half, $half, $half, i64, Tensor<$half, n>) {
                (x.sum(), x.mean(), x.max(), x.argmax(), x.sort(n))
            }

            #[test]
            fn sums_are_rounded_once() {
                let ones = Tensor::full([4096], $half::ONE);
                let (sum, mean, max, first, _) = folds(&ones);
                assert_eq!((sum, mean), ($half::from_f32(4096.0), $half::ONE));
                assert_eq!((max, first), ($half::ONE, 0));
                let x = small([40], 8);
                let (.., sorted) = folds(&x);
                let mut expected = x.to_vec();
                expected.sort_by(|a, b| a.total_cmp(b));
                assert_eq!(sorted, Tensor::from_vec([40], expected).unwrap());
            }

            #[defn]
            fn moved(
                x: Tensor<$half, n, m>,
                ids: Tensor<i64, k>,
            ) -> (Tensor<$half, k, m>, Tensor<$half, n<{ 2 * n }>, m>, Tensor<$half, n, m>) {
                let zero = select(x > 0.0, x, -x * 0.5);
                (x.take(n, ids), concat(n, x, zero), x.cumsum(m))
            }

            #[test]
            fn moved_elements_keep_their_bits() {
                let x =
                    Tensor::from_fn([3, 5], |[a, b]| $half::from_bits((a * 9000 + b * 77) as u16));
                let (taken, joined, sums) = moved(&x, &Tensor::from([2i64, 0]));
                assert_eq!(taken[[0, 4]].to_bits(), x[[2, 4]].to_bits());
                assert_eq!(joined[[1, 3]].to_bits(), x[[1, 3]].to_bits());
                assert_eq!(joined[[3, 0]].to_bits(), 0x8000);
                let wide: f32 = (0..5).map(|b| x[[1, b]].to_f32()).sum();
                assert_eq!(sums[[1, 4]], $half::from_f32(wide));
            }

            #[defn]
            fn loss(w: Tensor<$half, i, o>, x: Tensor<$half, n, i>) -> $half {
                let h = x.dot(w, i).tanh();
                (h * h).mean()
            }

            #[defn]
            fn loss_as_f32(w: Tensor<f32, i, o>, x: Tensor<f32, n, i>) -> f32 {
                let h = x.dot(w, i).tanh();
                (h * h).mean()
            }

            #[test]
            fn gradients_are_near_those_of_f32() {
                let (w, x) =
                    (small([6, 3], 9).map(|it| it * $half::from_f32(0.1)), small([5, 6], 10));
                let found = grad!(loss)(&w, &x).cast::<f32>();
                let expected = grad!(loss_as_f32)(&w.cast(), &x.cast());
                assert!(found.is_close(&expected, 0.05, 0.02), "{found}\n{expected}");
            }

            #[defn]
            fn square(x: $half) -> $half {
                x * x
            }

            #[defn]
            fn mapped(x: Tensor<$half, n>) -> Tensor<$half, n> {
                vmap!(square, over = n)(x)
            }

            #[defn]
            struct Layer<inp, out> {
                w: Tensor<$half, inp, out>,
                scale: $half,
            }

            #[defn]
            fn steps(p: &mut Layer<i, j>, x: Tensor<$half, i>, count: i64) -> Tensor<$half, i> {
                let mut y = x;
                for _ in 0..count {
                    y = p.scale * y + x;
                }
                let mut left = p.scale * 0.0 + 3.0;
                while left > 0.0 {
                    left = left - 1.0;
                }
                p.scale = p.scale + left;
                y
            }

            #[test]
            fn maps_containers_and_loops() {
                let x = some(37, 11);
                same(&mapped(&x), |at| x[[at]] * x[[at]]);
                let mut p = Layer { w: small([3, 3], 12), scale: $half::from_f32(0.5) };
                let x = Tensor::from([1.0f32, -2.0, 0.25]).cast::<$half>();
                let found = steps(&mut p, &x, 2);
                same(&found, |at| x[[at]] * $half::from_f32(1.75));
                assert_eq!(p.scale, $half::from_f32(0.5));
            }

            #[defn]
            fn drawn(key: Key) -> (Tensor<$half, n<1000>>, Tensor<$half, n<1000>>) {
                let (a, b) = key.split();
                (uniform::<$half>(a, n = 1000), normal::<$half>(b, n = 1000))
            }

            #[defn]
            fn drawn_as_f32(key: Key) -> Tensor<f32, n<1000>> {
                let (a, b) = key.split();
                normal::<f32>(b, n = 1000)
            }

            #[test]
            fn draws() {
                let (uniform, normal) = drawn(Key::new(3));
                assert!(uniform.iter().all(|it| (0.0..1.0).contains(&it.to_f32())));
                let mean = uniform.iter().map(|it| it.to_f32()).sum::<f32>() / 1000.0;
                assert!((mean - 0.5).abs() < 0.05, "{mean}");
                assert_eq!(normal, drawn_as_f32(Key::new(3)).cast::<$half>());
            }
        }
    };
}

halves!(of_f16 f16);
halves!(of_bf16 bf16);

#[defn]
fn literals(x: Tensor<f16, n>) -> (Tensor<f16, n>, bf16, f16) {
    (x * 2.5_f16 + 1, 3.0_bf16, f16::MAX)
}

#[test]
fn literals_and_limits() {
    let (sum, three, most) = literals(&Tensor::from([f16::ONE]));
    assert_eq!(sum[[0]], f16::from_f32(3.5));
    assert_eq!((three, most), (bf16::from_f32(3.0), f16::MAX));
}

#[test]
fn they_print_as_few_digits_as_tell_them_apart() {
    let text =
        |x: &[f32]| Tensor::from_vec([x.len()], x.to_vec()).unwrap().cast::<f16>().to_string();
    // As NumPy 2.5 prints its `float16`.
    assert_eq!(text(&[0.1, 2.5, 100.0]), "[  0.1   2.5 100. ]");
    assert_eq!(text(&[65_504.0, 1.0]), "[6.55e+04 1.00e+00]");
    assert_eq!(text(&[999.0, 1.0]), "[999.   1.]");
    assert_eq!(text(&[0.001, 2.5]), "[1.0e-03 2.5e+00]");
    assert_eq!(text(&[6e-8]), "[6.e-08]");
    let brain = Tensor::from([0.1f32, 3.16, f32::NAN]).cast::<bf16>();
    assert_eq!(brain.to_string(), "[0.1  3.16  nan]");
}
