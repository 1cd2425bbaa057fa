//! Functions on devices, beside themselves on the processor.
//!
//! Each test calls a function with tensors of the host and with the same tensors on a device, and compares.
//! There always is a simulated one, which executes PTX; without a GPU a test says so on the standard error, past the capture of the test runner.
//!
//! A binary of its own, so that devices are tested without compiling all other programs of users for them.

mod programs;
mod simulated;

use crate::simulated::{devices, is_simulated};
use defn::prelude::*;
use defn::{Error, Hooks, at, stack};

const CPU: Device = Device::cpu();

/// Numbers between -2 and 2 that look like noise.
fn floats<T: Float, const RANK: usize>(shape: [usize; RANK], seed: u32) -> Tensor<T, RANK> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let noise = Tensor::from_fn(shape, |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(1u32 << 30) - 2.0
    });
    noise.cast()
}

/// The same without what stands behind the point.
fn whole<const RANK: usize>(shape: [usize; RANK], seed: u32) -> Tensor<f32, RANK> {
    floats::<f32, RANK>(shape, seed).map(|x| (4.0 * x).floor())
}

#[defn]
fn arithmetic(x: Tensor<f32, n, m>, y: Tensor<f32, m>, a: f32) -> Tensor<f32, n, m> {
    ((x * a + y).exp() - x.abs().sqrt()) / (1.0 + y.square())
}

#[defn]
fn softmax(x: Tensor<f64, batch, class>) -> Tensor<f64, batch, class> {
    let e = (x - x.max(class)).exp();
    e / e.sum(class)
}

#[defn]
fn energy(x: Tensor<f64, n>, a: Tensor<f64, n, m>) -> f64 {
    x.dot(a, n).tanh().square().sum() + x.log1p().sum()
}

#[defn]
fn network(
    x: Tensor<f32, batch, pixel>,
    w: Tensor<f32, pixel, hidden>,
    v: Tensor<f32, hidden, class>,
) -> (Tensor<f32, batch, class>, f32) {
    let z = x.dot(w, pixel).tanh().dot(v, hidden);
    (z.softmax(class), z.logsumexp(class).mean())
}

#[test]
fn the_bits_are_those_of_the_processor() {
    for gpu in devices("the_bits_are_those_of_the_processor") {
        let sizes = [[0, 3], [1, 1], [3, 7], [37, 64], [300, 1000]];
        for [n, m] in sizes.into_iter().filter(|[n, _]| *n < 100 || !is_simulated(&gpu)) {
            let (x, y) = (floats::<f32, 2>([n, m], 1), floats([m], 2));
            let there = arithmetic(&x.to(&gpu), &y.to(&gpu), 0.5);
            assert_eq!(there.device(), gpu);
            assert_eq!(there.to(&CPU), arithmetic(&x, &y, 0.5));
            // Views, whose elements are made contiguous there.
            let (turned, reversed) = (x.transposed().to(&gpu), y.to(&gpu).reversed(0));
            let there = arithmetic(&turned.transposed(), &reversed, 2.0);
            assert_eq!(there.to(&CPU), arithmetic(&x, &y.reversed(0), 2.0));
            let z = floats([n, m], 3);
            assert_eq!(softmax(&z.to(&gpu)).to(&CPU), softmax(&z));
        }
    }
}

#[test]
fn gradients_and_numbers_come_back() {
    for gpu in devices("gradients_and_numbers_come_back") {
        let (x, a) = (floats::<f64, 1>([40], 4).map(f64::abs), floats([40, 17], 5));
        let (value, slope) = value_and_grad!(energy)(&x.to(&gpu), &a.to(&gpu));
        let (expected, slope_there) = value_and_grad!(energy)(&x, &a);
        assert!((value - expected).abs() <= 1e-12 * expected.abs());
        assert!(slope.to(&CPU).is_close(&slope_there, 1e-12, 1e-12));
        let (x, w, v) = (floats([33, 17], 1), floats([17, 40], 2), floats([40, 10], 3));
        let there = network(&x.to(&gpu), &w.to(&gpu), &v.to(&gpu));
        let here = network(&x, &w, &v);
        assert!(there.0.to(&CPU).is_close(&here.0, 1e-5, 1e-6));
        assert!((there.1 - here.1).abs() <= 1e-5 * here.1.abs().max(1.0));
    }
}

#[defn]
fn product(x: Tensor<f32, n, k>, w: Tensor<f32, k, m>) -> Tensor<f32, n, m> {
    x.dot(w, k)
}

#[defn(tf32)]
fn short_product(x: Tensor<f32, n, k>, w: Tensor<f32, k, m>) -> Tensor<f32, n, m> {
    product(x, w)
}

/// Sums in parts are those of the processor but for roundings, and so exact where nothing is rounded.
#[test]
fn long_sums_go_in_parts() {
    for gpu in devices("long_sums_go_in_parts") {
        for [n, k, m] in [[1, 1024, 70], [3, 2500, 17], [9, 2049, 8]] {
            let (x, w) = (whole([n, k], 1), whole([k, m], 2));
            assert_eq!(product(&x.to(&gpu), &w.to(&gpu)).to(&CPU), product(&x, &w));
            let (x, w) = (floats([n, k], 3).to(&gpu), floats([k, m], 4).to(&gpu));
            assert_eq!(product(&x, &w).to(&CPU), product(&x, &w).to(&CPU));
            let here = product(&x.to(&CPU), &w.to(&CPU));
            // Each of `k` products of at most 4 is rounded about so often.
            let bound = 4.0 * k as f64 * f64::from(f32::EPSILON) * (k as f64).sqrt();
            assert!(product(&x, &w).to(&CPU).is_close(&here, 0.0, bound));
        }
    }
}

/// Whole numbers have few bits, and others are rounded to 11 of them.
#[test]
fn tensor_cores_round_where_they_may() {
    for gpu in devices("tensor_cores_round_where_they_may") {
        for [n, k, m] in [[8, 16, 8], [65, 33, 70], [30, 20, 26], [8, 1030, 9]] {
            let (x, w) = (whole([n, k], 1), whole([k, m], 2));
            let there = short_product(&x.to(&gpu), &w.to(&gpu)).to(&CPU);
            assert_eq!(there, product(&x, &w));
            let (x, w) = (floats([n, k], 3), floats([k, m], 4));
            let there = short_product(&x.to(&gpu), &w.to(&gpu)).to(&CPU);
            let here = product(&x, &w);
            // Both factors of each of `k` products of at most 4 lose half of the eleventh bit.
            let bound = 4.0 * k as f64 / 1024.0 + 1e-3;
            assert!(there.is_close(&here, 0.0, bound));
            assert_ne!(there, here);
        }
    }
}

/// Parameters of a line.
#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Line {
    slope: Tensor<f32, feature>,
    offset: f32,
}

#[defn]
fn moved(p: &mut Line, x: Tensor<f32, row, feature>, rate: f32) -> Tensor<f32, row> {
    let y = x.dot(p.slope, feature) + p.offset;
    p.slope = p.slope - rate * x.mean(row);
    p.offset = p.offset - rate;
    y
}

#[test]
fn containers_are_updated_in_place() {
    for gpu in devices("containers_are_updated_in_place") {
        let (mut here, x) = (Line { slope: whole([5], 6), offset: 3.0 }, whole([4, 5], 7));
        let mut there = here.to(&gpu);
        let kept = there.clone();
        for _ in 0..3 {
            let y = moved(&mut there, &x.to(&gpu), 0.5);
            assert_eq!(y.to(&CPU), moved(&mut here, &x, 0.5));
        }
        assert_eq!(there.slope.device(), gpu);
        assert_eq!(there.to(&CPU), here);
        assert_eq!(kept.to(&CPU).slope, whole([5], 6));
    }
}

#[defn]
fn collatz(start: i64, most: i64) -> (i64, i64) {
    let mut x = start;
    let mut steps = 0i64;
    let mut highest = start;
    while x != 1 && steps < most {
        x = if x % 2 == 0 { x / 2 } else { 3 * x + 1 };
        highest = highest.max(x);
        steps = steps + 1;
    }
    (steps, highest)
}

#[defn]
fn settled(a: Tensor<f64, n>, x: Tensor<f64, n>, count: usize) -> Tensor<f64, n> {
    let mut y = x;
    for i in 0..count {
        y = (0.5 * y + a).sin() / (1.0 + 0.1 * (i as f64));
        if y.abs().max(n) < 0.3 {
            break;
        }
    }
    y
}

#[test]
fn loops_run_on_the_device() {
    for gpu in devices("loops_run_on_the_device") {
        let (a, x) = (floats([9], 8), floats([9], 9));
        for count in [0, 1, 5, 100] {
            let there = settled(&a.to(&gpu), &x.to(&gpu), count);
            assert_eq!(there.to(&CPU), settled(&a, &x, count));
        }
        // Without a tensor a call has no device but the processor.
        assert_eq!(collatz(27, 1000), (111, 9232));
    }
}

#[defn]
fn watched(x: Tensor<f32, n>) -> Tensor<f32, n> {
    check!((x > 0.0).all(), "x must be positive");
    inspect!("root", x.sqrt())
}

#[test]
fn hooks_and_checks_work_there() {
    for gpu in devices("hooks_and_checks_work_there") {
        let (x, mut seen) = (Tensor::from([1.0f32, 4.0, 9.0]), Vec::new());
        let looking = Hooks::new().on("root", |root| seen.extend(root.to_tensor::<f32, 1>()));
        let there = looking.run(|| watched(&x.to(&gpu)));
        assert_eq!(there.to(&CPU), Tensor::from([1.0f32, 2.0, 3.0]));
        assert_eq!(seen, [Tensor::from([1.0f32, 2.0, 3.0])]);
        let failed = Hooks::new()
            .on("root", |_| {})
            .run(|| watched::try_call(&Tensor::from([1.0f32, -1.0]).to(&gpu)));
        assert!(matches!(failed, Err(Error::ConditionFailed(_))), "{failed:?}");
    }
}

#[test]
fn tensors_that_are_apart_are_named() {
    for gpu in devices("tensors_that_are_apart_are_named") {
        let (x, y) = (Tensor::from([[1.0f32, 2.0]]), Tensor::from([3.0f32, 4.0]));
        let error = arithmetic::try_call(&x.to(&gpu), &y, 1.0).expect_err("they are apart");
        assert_eq!(
            error.to_string(),
            "tensors are on different devices in the call of `arithmetic`\n  \
         x: f32[1, 2] on cuda:0\n  y: f32[2] on cpu\n  \
         help: move one, for example `y.to(&device)` with the device of `x`"
        );
    }
}

/// This one needs no GPU: on the processor everything is there already.
#[test]
fn the_processor_is_a_device() {
    let line = Line { slope: whole([5], 6), offset: 3.0 };
    assert_eq!(line.to(&CPU), line);
    assert_eq!(line.slope.device(), CPU);
    let several = stack(&[line.to(&CPU), line.to(&CPU)]);
    assert_eq!(at::<Line>(&several.to(&CPU), 1), line);
    let none = Device::cuda(Device::count()).expect_err("there are no more");
    assert!(matches!(none, Error::NoDevice { .. }), "{none}");
}

/// A program with devices starts on a machine without a driver, so that nothing of CUDA may be linked.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn nothing_of_cuda_is_linked() {
    use object::elf::{DT_NEEDED, FileHeader64};
    use object::read::elf::{Dyn, FileHeader};
    let program = std::env::current_exe().expect("a running program has a path");
    let data = std::fs::read(program).expect("a running program can be read");
    let header = FileHeader64::<object::Endianness>::parse(&*data).expect("it is ELF");
    let endian = header.endian().expect("it has an order of bytes");
    let sections = header.sections(endian, &*data).expect("it has sections");
    let dynamic = sections.dynamic(endian, &*data).expect("sections are sound");
    let (entries, link) = dynamic.expect("it links the C library at least");
    let strings = sections.strings(endian, &*data, link).expect("names are there");
    let needed: Vec<String> = entries
        .iter()
        .filter(|entry| entry.tag(endian) == DT_NEEDED)
        .map(|entry| entry.string(endian, strings).expect("a library has a name"))
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    assert!(!needed.is_empty());
    let of_cuda = |name: &&String| name.contains("cu") || name.contains("nv");
    assert_eq!(needed.iter().find(of_cuda), None, "of {needed:?}");
}
