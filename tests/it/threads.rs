//! The same bits for every number of threads, whoever calls and whoever else does.

use crate::support::{floats, network};
use defn::prelude::*;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[defn]
fn sweeps(x: Tensor<f64, n, m>) -> (Tensor<f64, n, m>, Tensor<f64, m>, f64, Tensor<f64, n, m>) {
    let e = (x - x.max()).exp();
    let columns = (x - x.max(n)).exp();
    (e / e.sum(), x.square().sum(n), (x * x).sum(), columns / columns.sum(n))
}

#[defn]
fn lookup(table: Tensor<f32, row, column>, ids: Tensor<i64, n>) -> Tensor<f32, n, column> {
    table.take(row, ids).sin()
}

#[defn]
fn image(
    x: Tensor<f32, c, h, w>,
    k: Tensor<f32, filter, c, kh<3>, kw<3>>,
) -> Tensor<f32, filter, h, w> {
    let x = x.window(h, kh = 3, padding = (1, 1)).window(w, kw = 3, padding = (1, 1));
    x.dot(k, (c, kh, kw))
}

#[defn]
fn step(p: &mut Tensor<f32, n, m>, g: Tensor<f32, n, m>) {
    *p = *p - 0.1 * g.sigmoid();
}

/// The bits of all results of everything above.
fn digest(size: usize) -> Vec<u64> {
    let mut bits = Vec::new();
    let mut eat = |tensor: &[f32]| bits.extend(tensor.iter().map(|x| u64::from(x.to_bits())));
    let (x, w, v) =
        (floats([size, 70], 1), floats::<f32, 2>([70, 50], 2), floats::<f32, 2>([50, 10], 3));
    let (a, b, c) = network(&x, &w, &v);
    eat(&a.to_vec());
    eat(&[b]);
    eat(&c.to_vec());
    let ids = Tensor::from_fn([2 * size], |[at]| (at * 7919 % size) as i64);
    eat(&lookup(&x, &ids).to_vec());
    eat(&image(&floats([5, 11, size.div_ceil(7)], 5), &floats([70, 5, 3, 3], 6)).to_vec());
    let mut p = x.clone();
    step(&mut p, &x);
    eat(&p.to_vec());
    let (a, b, c, d) = sweeps(&floats([size, 33], 4));
    let all = a.iter().chain(b.iter()).chain([&c]).chain(d.iter());
    bits.extend(all.map(|x| x.to_bits()));
    bits
}

const SIZES: [usize; 5] = [1, 7, 64, 513, 3000];

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let digests = || SIZES.map(digest);
    defn::set_threads(1);
    let alone = digests();
    for count in [2, 3, 7, 0] {
        defn::set_threads(count);
        assert!(digests() == alone, "{count} threads");
    }
}

#[test]
fn calls_of_many_threads_at_once_do_not_meet() {
    let alone = digest(513);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let callers: Vec<_> =
            (0..5).map(|_| scope.spawn(|| (0..6).all(|_| digest(513) == alone))).collect();
        scope.spawn(|| {
            for count in (1..5).cycle() {
                defn::set_threads(count);
                thread::yield_now();
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let equal = callers.into_iter().all(|caller| caller.join().unwrap_or(false));
        done.store(true, Ordering::Relaxed);
        assert!(equal);
    });
}

/// The child half of the test below.
#[test]
fn the_environment_chooses_the_number_child() {
    let Ok(expected) = std::env::var("DEFN_TEST_THREADS") else { return };
    match expected.parse::<usize>() {
        Ok(expected) => assert_eq!(defn::threads(), expected),
        Err(_) => {
            let error = lookup::try_call(&floats([3, 2], 1), &Tensor::from([1i64])).unwrap_err();
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[test]
fn the_environment_chooses_the_number() {
    let processors = thread::available_parallelism().map_or(1, usize::from).to_string();
    for (word, expected) in
        [("3", "3"), ("", &processors), ("0", &processors), ("many", "DEFN_THREADS")]
    {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["the_environment_chooses_the_number_child", "--test-threads=1"])
            .env("DEFN_THREADS", word)
            .env("DEFN_TEST_THREADS", expected)
            .output()
            .unwrap();
        assert!(child.status.success(), "{word}: {}", String::from_utf8_lossy(&child.stdout));
    }
}
