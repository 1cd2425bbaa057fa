//! Random numbers: a million uniform ones and a million normal ones.
//!
//! The plain implementation counts through the same generator in order; a normal number is inverted in `f64`, and its bits are the tests' matter.

use defn::prelude::*;

use crate::measure::{Stopwatch, Times, Verdict};

const SEED: u64 = 1;
const COUNT: usize = 1_000_000;

#[defn]
fn uniforms(key: Key) -> Tensor<f32, n<1_000_000>> {
    uniform::<f32>(key, n = 1_000_000)
}

#[defn]
fn normals(key: Key) -> Tensor<f32, n<1_000_000>> {
    normal::<f32>(key, n = 1_000_000)
}

pub(crate) fn uniform_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let key = Key::new(SEED);
    stopwatch.only_here("a call without tensors runs on the processor")?;
    stopwatch.time(
        &(),
        |()| uniforms(key),
        |(), y| uniforms::into(key, y),
        |y| agree(y, |drawn, unit| (drawn - unit).abs() * f64::from(1 << 24)),
    )
}

pub(crate) fn normal_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let key = Key::new(SEED);
    stopwatch.only_here("a call without tensors runs on the processor")?;
    stopwatch.time(
        &(),
        |()| normals(key),
        |(), y| normals::into(key, y),
        |y| agree(y, |drawn, unit| share_error(drawn, 2.0 * unit - 1.0)),
    )
}

/// The largest error, by a measure that is below one where an element is right; a mistake if one is off.
fn agree(drawn: &Tensor<f32, 1>, error: impl Fn(f64, f64) -> f64) -> Verdict<f64> {
    let mut worst: f64 = 0.0;
    if drawn.shape() != [COUNT] {
        return Err(format!("the shape is {:?}", drawn.shape()));
    }
    for (at, &found) in drawn.iter().enumerate() {
        let unit = f64::from(word(SEED, at as u64) >> 9) / f64::from(1_u32 << 23);
        let off = error(f64::from(found), unit);
        worst = worst.max(off);
        if off.is_nan() || off >= 1.0 {
            return Err(format!("element {at} is {found} for {unit}"));
        }
    }
    Ok(worst)
}

/// How far the share of normal numbers between ±`x` is from `share`, in units of what a rounded square and a rounded result may change.
fn share_error(x: f64, share: f64) -> f64 {
    // The end of the range that is no share: −1 is replaced by its neighbour.
    let share = share.max(f64::from((-1.0_f32).next_up()));
    let found = core_math::erf(x / std::f64::consts::SQRT_2);
    (found - share).abs() / (4.0 * f64::from(f32::EPSILON))
}

/// Threefry 2x32 of a counter: both words, one over the other.
fn word(key: u64, counter: u64) -> u32 {
    let halves = |long: u64| [(long >> 32) as u32, long as u32];
    let [first, second] = halves(key);
    let keys = [first, second, first ^ second ^ 0x1bd1_1bda];
    let [mut x, mut y] = halves(counter);
    x = x.wrapping_add(keys[0]);
    y = y.wrapping_add(keys[1]);
    for group in 0..5 {
        let rotations = if group % 2 == 0 { [13, 15, 26, 6] } else { [17, 29, 16, 24] };
        for by in rotations {
            x = x.wrapping_add(y);
            y = y.rotate_left(by) ^ x;
        }
        x = x.wrapping_add(keys[(group + 1) % 3]);
        y = y.wrapping_add(keys[(group + 2) % 3]).wrapping_add(group as u32 + 1);
    }
    x ^ y
}
