//! Numbers to compute with: the same in every run.

use std::f64::consts::TAU;

use defn::Tensor;

/// Steele, Lea and Flood's SplitMix64 of a position, as a number from 0 up to 1.
fn unit(seed: u64, position: u64) -> f64 {
    let state = seed.wrapping_add(position.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Seeds far apart, so that two tensors share no numbers.
const APART: u64 = 0x5851_f42d_4c95_7f2d;

/// What `value` makes of the positions in memory.
fn filled<const RANK: usize>(
    shape: [usize; RANK],
    value: impl Fn(u64) -> f64,
) -> Tensor<f32, RANK> {
    let mut positions = 0..;
    Tensor::from_fn(shape, |_| positions.next().map_or(0.0, |position| value(position) as f32))
}

/// Numbers of the standard normal distribution times `scale`, by Box and Muller.
pub(crate) fn scaled<const RANK: usize>(
    shape: [usize; RANK],
    seed: u64,
    scale: f64,
) -> Tensor<f32, RANK> {
    let seed = seed.wrapping_mul(APART);
    filled(shape, |position| {
        let (radius, turn) = (unit(seed, 2 * position), unit(seed, 2 * position + 1));
        scale * (-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * turn).cos()
    })
}

/// Numbers of the standard normal distribution.
pub(crate) fn normal<const RANK: usize>(shape: [usize; RANK], seed: u64) -> Tensor<f32, RANK> {
    scaled(shape, seed, 1.0)
}

/// Numbers evenly from `low` up to `high`.
pub(crate) fn between<const RANK: usize>(
    shape: [usize; RANK],
    seed: u64,
    (low, high): (f64, f64),
) -> Tensor<f32, RANK> {
    let seed = seed.wrapping_mul(APART);
    filled(shape, |position| low + (high - low) * unit(seed, position))
}

/// Positions below `end`.
pub(crate) fn positions(count: usize, seed: u64, end: usize) -> Tensor<i32, 1> {
    let seed = seed.wrapping_mul(APART);
    Tensor::from_fn([count], |[position]| (unit(seed, position as u64) * end as f64) as i32)
}
