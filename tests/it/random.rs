//! Random numbers, held against the bits that JAX draws.
//!
//! `data/random.txt` was written by JAX 0.12; its first line says how. Integers, decisions, and uniform and normal numbers of `f32` agree bit for bit;
//! what goes through a logarithm or an error function of its own is as near as that function is.

use crate::support::{epsilon, floats};
use defn::prelude::*;

/// The rows of the file for a function: seed, extents, and the bits of the elements.
fn rows(function: &str) -> Vec<(u64, Vec<usize>, Vec<u64>)> {
    let mut rows = Vec::new();
    for line in include_str!("data/random.txt").lines().skip(1) {
        let (head, bits) = line.split_once(" :").expect("a row has a colon");
        let words: Vec<&str> = head.split(' ').collect();
        if words[0] != function {
            continue;
        }
        let extents = words[2].split('x').filter(|extent| *extent != "-");
        let extents = extents.map(|extent| extent.parse().expect("an extent")).collect();
        let bits = bits.split_whitespace();
        let bits = bits.map(|bits| u64::from_str_radix(bits, 16).expect("bits")).collect();
        rows.push((words[1].parse().expect("a seed"), extents, bits));
    }
    assert!(rows.len() >= 10, "{function} is in the file");
    rows
}

/// Draws in shapes of every rank of the file.
macro_rules! functions {
    ($($module:ident $element:ident: $name:ident $(::<$of:ident>)? $(, $argument:literal)* ;)*) => {$(
        mod $module {
            use defn::prelude::*;

            #[defn]
            pub(super) fn none(key: Key) -> $element {
                $name $(::<$of>)? (key, () $(, $argument)*)
            }

            #[defn]
            pub(super) fn one(key: Key, n: usize) -> Tensor<$element, n> {
                $name $(::<$of>)? (key, n $(, $argument)*)
            }

            #[defn]
            pub(super) fn two(key: Key, n: usize, m: usize) -> Tensor<$element, n, m> {
                $name $(::<$of>)? (key, (n, m) $(, $argument)*)
            }

            #[defn]
            pub(super) fn three(key: Key) -> Tensor<$element, a<2>, b<3>, c<4>> {
                $name $(::<$of>)? (key, (a = 2, b = 3, c = 4) $(, $argument)*)
            }

            pub(super) fn drawn(seed: u64, extents: &[usize]) -> Vec<$element> {
                let key = Key::new(seed);
                match *extents {
                    [] => vec![none(key)],
                    [n] => one(key, n).to_vec(),
                    [n, m] => two(key, n, m).to_vec(),
                    _ => three(key).to_vec(),
                }
            }
        }
    )*};
}

functions! {
    bits8 u8: random_bits::<u8>;
    bits32 u32: random_bits::<u32>;
    bits64 u64: random_bits::<u64>;
    uniform32 f32: uniform::<f32>;
    uniform64 f64: uniform::<f64>;
    between32 f32: uniform::<f32>, -0.3, 2.7;
    normal32 f32: normal::<f32>;
    normal64 f64: normal::<f64>;
    randint8 u8: randint::<u8>, 3, 200;
    randint32 i32: randint::<i32>, -5, 1000;
    randint64 i64: randint::<i64>, -5, 1000000000000;
    exponential32 f32: exponential::<f32>;
    gumbel32 f32: gumbel::<f32>;
    truncated32 f32: truncated_normal::<f32>, -1.5, 0.75;
    gamma32 f32: gamma::<f32>, 2.5;
    gamma64 f64: gamma::<f64>, 2.5;
    small32 f32: gamma::<f32>, 0.3;
    log_gamma32 f32: log_gamma::<f32>, 0.3;
    chi32 f32: chi_square::<f32>, 3.0;
    student32 f32: student_t::<f32>, 4.0;
    beta32 f32: beta::<f32>, 2.0, 0.7;
}

#[test]
fn bits_are_those_of_other_libraries() {
    macro_rules! check {
        ($($function:ident |$x:ident| $bits:expr;)*) => {$(
            for (seed, extents, expected) in rows(stringify!($function)) {
                let found = $function::drawn(seed, &extents);
                let found: Vec<u64> = found.into_iter().map(|$x| $bits).collect();
                assert_eq!(found, expected, "{} of {seed} in {extents:?}", stringify!($function));
            }
        )*};
    }
    check! {
        bits8 |x| u64::from(x);
        bits32 |x| u64::from(x);
        bits64 |x| x;
        uniform32 |x| u64::from(x.to_bits());
        uniform64 |x| x.to_bits();
        between32 |x| u64::from(x.to_bits());
        normal32 |x| u64::from(x.to_bits());
        randint8 |x| u64::from(x);
        randint32 |x| u64::from(x.cast_unsigned());
        randint64 |x| x.cast_unsigned();
    }
}

#[test]
fn what_goes_through_other_functions_is_as_near_as_they_are() {
    macro_rules! check {
        ($($function:ident $steps:literal;)*) => {$(
            for (seed, extents, expected) in rows(stringify!($function)) {
                let found = $function::drawn(seed, &extents);
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.into_iter().zip(expected) {
                    let expected = f32::from_bits(expected as u32);
                    let error = f64::from((found - expected).abs());
                    let near = epsilon::<f32>() * f64::from(expected.abs()).max(1.0) * $steps;
                    assert!(error <= near, "{} of {seed} in {extents:?}: {found} is not {expected}", stringify!($function));
                }
            }
        )*};
    }
    // A gumbel number near 0 is the logarithm of one near 1, whose rounding counts in full.
    // The slope at the ends of a truncated one is 4, times the roundings of both error functions and of what lies between.
    check! { exponential32 1.0; gumbel32 2.0; truncated32 8.0; }
    // The same proposals are accepted, but the cube of 1 + x·c is rounded elsewhere, and what is boosted goes through a power or logarithms.
    check! { gamma32 8.0; small32 4.0; log_gamma32 4.0; chi32 8.0; student32 8.0; beta32 8.0; }
    for (seed, extents, expected) in rows("gamma64") {
        for (found, expected) in gamma64::drawn(seed, &extents).into_iter().zip(expected) {
            let expected = f64::from_bits(expected);
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} is not {expected}");
        }
    }
    let a = Tensor::from_fn([3, 5], |[i, j]| (((i * 5 + j) * 7) % 11) as f32 * 0.25 + 0.25);
    for (seed, _, expected) in rows("dirichlet32") {
        for (found, expected) in shares(Key::new(seed), &a).iter().zip(expected) {
            let expected = f32::from_bits(expected as u32);
            assert!((found - expected).abs() <= 16.0 * f32::EPSILON, "{found} is not {expected}");
        }
    }
    for (seed, extents, expected) in rows("normal64") {
        for (found, expected) in normal64::drawn(seed, &extents).into_iter().zip(expected) {
            // Near the ends theirs takes the logarithm of a rounded square.
            let expected = f64::from_bits(expected);
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} is not {expected}");
        }
    }
}

#[defn]
fn parts(key: Key) -> (Key, Key, Tensor<u64, worker<3>>, Key, Key) {
    let (a, b) = key.split();
    let several = key.split(worker = 3);
    (a, b, several, key.fold_in(1), key.fold_in(4275878552))
}

#[test]
fn keys_are_split() {
    let joined = |words: &[u64]| Key::from_words([words[0] as u32, words[1] as u32]);
    let (three, first, last) = (rows("split3"), rows("fold"), rows("fold9"));
    for (row, (seed, _, expected)) in rows("split").into_iter().enumerate() {
        let (a, b, several, folded, far) = parts(Key::new(seed));
        assert_eq!([a, b], [joined(&expected[..2]), joined(&expected[2..])]);
        for (at, word) in several.iter().enumerate() {
            assert_eq!(Key::new(*word), joined(&three[row].2[2 * at..]));
        }
        assert_eq!(folded, joined(&first[row].2));
        assert_eq!(far, joined(&last[row].2));
    }
}

#[defn]
fn coins(key: Key, n: usize) -> Tensor<bool, n> {
    bernoulli(key, 0.3, n)
}

#[defn]
fn chosen(key: Key, logits: Tensor<f32, batch, class>) -> Tensor<i64, batch> {
    categorical(key, logits, class)
}

#[defn]
fn shares(key: Key, a: Tensor<f32, batch, class>) -> Tensor<f32, batch, class> {
    dirichlet(key, a, class)
}

#[defn]
fn order(key: Key, n: usize) -> Tensor<i64, n> {
    permutation(key, n)
}

#[defn]
fn long_order(key: Key) -> Tensor<i64, n<2000>> {
    permutation(key, n = 2000)
}

#[test]
fn decisions_are_the_same() {
    for (seed, extents, expected) in rows("bernoulli") {
        if let [n] = *extents {
            let found = coins(Key::new(seed), n);
            assert!(found.iter().map(|coin| u64::from(*coin)).eq(expected));
        }
    }
    let logits = Tensor::from_fn([3, 5], |[i, j]| (((i * 5 + j) * 7) % 11) as f32 * 0.25);
    for (seed, _, expected) in rows("categorical") {
        let found = chosen(Key::new(seed), &logits);
        assert!(found.iter().map(|at| at.cast_unsigned()).eq(expected));
    }
    for (seed, extents, expected) in rows("permutation") {
        let found = order(Key::new(seed), extents[0]);
        assert!(found.iter().map(|at| at.cast_unsigned()).eq(expected.iter().copied()));
        if extents[0] == 2000 {
            assert_eq!(long_order(Key::new(seed)), found);
        }
    }
}

#[defn]
fn shuffled(key: Key, x: Tensor<f32, n, m>) -> (Tensor<f32, n, m>, Tensor<i64, n>) {
    (shuffle(key, x, n), permutation(key, n))
}

#[test]
fn elements_are_shuffled_together() {
    let x = floats::<f32, 2>([17, 3], 1);
    let (found, order) = shuffled(Key::new(5), &x);
    assert_eq!(found, Tensor::from_fn([17, 3], |[i, j]| x[[order[[i]] as usize, j]]));
}

#[defn]
pub(crate) struct State {
    key: Key,
    weights: Tensor<f32, n>,
}

/// A key as state of a loop, and one for each row of a batch.
#[defn]
fn stepped(state: &mut State, steps: usize) -> Tensor<f32, row<4>> {
    for i in 0..steps {
        let (next, own) = state.key.split();
        state.key = next;
        state.weights = state.weights + normal::<f32>(own.fold_in(i), n);
    }
    for k in state.key.split(row = 4).along(row) {
        uniform::<f32>(k, ())
    }
}

#[test]
fn keys_are_state() {
    let key = Key::new(9);
    let mut state = State { key, weights: Tensor::full([5], 0.0) };
    let rows = stepped(&mut state, 3);
    let mut now = key;
    let mut expected = vec![0.0_f32; 5];
    for i in 0..3 {
        let (next, own, _, _, _) = parts(now);
        now = next;
        for (sum, noise) in expected.iter_mut().zip(normal_step(own, i, 5).iter()) {
            *sum += noise;
        }
    }
    assert_eq!(state.key, now);
    assert_eq!(state.weights.to_vec(), expected);
    assert!(rows.iter().all(|x| (0.0..1.0).contains(x)));
}

#[defn]
fn normal_step(key: Key, i: i64, n: usize) -> Tensor<f32, n> {
    normal::<f32>(key.fold_in(i), n)
}

#[defn]
fn noisy(low: f64, high: f64, key: Key) -> f64 {
    let x = uniform::<f64>(key, k = 10, low, high);
    (x * x).sum(k)
}

#[test]
fn gradients_go_through_the_bounds() {
    let key = Key::new(3);
    let at = |low: f64, high: f64| noisy(low, high, key);
    let (low, high) = grad!(noisy, wrt = (low, high))(0.5, 2.0, key);
    let step = 1e-6;
    let rise = |up: f64, down: f64| (up - down) / (2.0 * step);
    assert!((low - rise(at(0.5 + step, 2.0), at(0.5 - step, 2.0))).abs() < 1e-6);
    assert!((high - rise(at(0.5, 2.0 + step), at(0.5, 2.0 - step))).abs() < 1e-6);
}

#[defn]
fn seeded(n: usize) -> Tensor<f32, n> {
    normal::<f32>(key(7), n)
}

#[test]
fn a_key_may_be_written_in_the_body() {
    assert_eq!(seeded(33).to_vec(), normal32::drawn(7, &[33]));
}
