//! Which temporaries have memory one after the other.
//!
//! In: lifetimes and bytes.   Out: a row of slots side by side, and the slot of each temporary.
//!
//! ```text
//! t0 of nests 0 to 2, t1 of nests 1 to 2, t2 of nest 3, t3 of nests 4 to 5
//!
//! | t0      | t1      |
//! | t2      |         |           t2 has the slot of t0
//! | t3                |           t3 has both: they are one slot from then on
//! ```
//!
//! A slot is as large as the largest that it ever holds, which only the call tells. So which slots are best is found out for a few
//! extents that a call could have: every few of them give a plan, and so do all together; what needs the least memory over all is taken.
//! No result depends on it.

use crate::graph::Dim;
use crate::loops::live::Lifetime;

/// Which part of the row a temporary takes: slots from the first up to the last, which become one, or a new one in their place.
pub(super) type Home = (usize, usize);

/// Calls that plans are tried with.
const SAMPLES: usize = 32;

/// Some of them give a plan together: few enough to be alike, so that plans are different.
const ALIKE: usize = 4;

/// The parts of the row that the temporaries take, in order.
pub(super) fn plan(lifetimes: &[Lifetime], bytes: &[Dim], symbols: usize) -> Vec<Home> {
    let samples: [Vec<i64>; SAMPLES] = std::array::from_fn(|sample| extents(sample, symbols));
    let numbers = |bytes: &Dim| Bytes(samples.each_ref().map(|sample| bytes.evaluate(sample)));
    let bytes: Vec<Bytes> = bytes.iter().map(numbers).collect();
    let least = least(lifetimes, &bytes);
    let alike = (ALIKE..=SAMPLES).map(|end| (end - ALIKE, end));
    let weights = std::iter::once((0, SAMPLES)).chain(alike);
    let plans = weights.map(|weight| planned(lifetimes, &bytes, weight));
    let best = plans.min_by_key(|(_, total)| total.over(&least));
    best.map(|(homes, _)| homes).unwrap_or_default()
}

/// Powers of two from 8 to 1024, as Steele, Lea and Flood's SplitMix64 of the position mixes them.
fn extents(sample: usize, symbols: usize) -> Vec<i64> {
    let extent = |symbol: usize| {
        let position = (64 * sample + symbol + 1) as u64;
        let state = position.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        8 << (mixed >> 61)
    };
    (0..symbols).map(extent).collect()
}

/// What is alive at the most, which no plan can do without.
fn least(lifetimes: &[Lifetime], bytes: &[Bytes]) -> Bytes {
    let mut most = Bytes::default();
    for at in lifetimes.iter().map(|it| it.first) {
        let alive =
            lifetimes.iter().zip(bytes).filter(|(it, _)| (it.first..=it.last).contains(&at));
        most = most.largest(&alive.fold(Bytes::default(), |sum, (_, bytes)| sum.plus(bytes)));
    }
    most
}

/// A plan that grows as little as possible at every step for some of the samples, and how many bytes it needs for all.
fn planned(lifetimes: &[Lifetime], bytes: &[Bytes], weight: (usize, usize)) -> (Vec<Home>, Bytes) {
    let mut slots: Vec<(Bytes, usize)> = Vec::new();
    let mut homes = Vec::with_capacity(lifetimes.len());
    for (lifetime, bytes) in lifetimes.iter().zip(bytes) {
        let mut best: Option<((i64, usize, i64), Home, Bytes)> = None;
        for start in 0..slots.len() {
            let mut held = Bytes::default();
            let free = slots[start..].iter().take_while(|(_, busy)| *busy < lifetime.first);
            for (length, (slot, _)) in (1..).zip(free) {
                held = held.plus(slot);
                // What grows the least is best, then what is shortest, then what is filled best.
                let cost = (bytes.beyond(&held, weight), length, held.beyond(bytes, weight));
                if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                    best = Some((cost, (start, start + length), held));
                }
            }
        }
        let end = (slots.len(), slots.len());
        let (home, held) = best.map_or((end, Bytes::default()), |(_, home, held)| (home, held));
        slots.splice(home.0..home.1, [(held.largest(bytes), lifetime.last)]);
        homes.push(home);
    }
    (homes, slots.iter().fold(Bytes::default(), |sum, (slot, _)| sum.plus(slot)))
}

/// Bytes for each of the samples.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes([i64; SAMPLES]);

impl Bytes {
    fn with(&self, other: &Self, of: fn(i64, i64) -> i64) -> Self {
        Self(std::array::from_fn(|at| of(self.0[at], other.0[at])))
    }

    fn plus(&self, other: &Self) -> Self {
        self.with(other, i64::saturating_add)
    }

    fn largest(&self, other: &Self) -> Self {
        self.with(other, i64::max)
    }

    /// How many more there are than others, in a range of the samples.
    fn beyond(&self, other: &Self, (start, end): (usize, usize)) -> i64 {
        let more = self.with(other, |a, b| a.saturating_sub(b).max(0));
        more.0[start..end].iter().copied().fold(0, i64::saturating_add)
    }

    /// The sum over all samples of how many times as many there are, in thousandths.
    fn over(&self, least: &Self) -> i64 {
        let times = self.with(least, |a, b| a.saturating_mul(1000) / b.max(1));
        times.0.into_iter().fold(0, i64::saturating_add)
    }
}

/// Slots side by side.
pub(super) struct Row {
    /// Those that no other took in, in order.
    outer: Vec<usize>,
    /// Of each: its bytes, and the slot that took it in, with the bytes in front of it there.
    slots: Vec<(Dim, Option<(usize, Dim)>)>,
}

impl Row {
    /// The slots of a plan: the slot `k` is that of temporary `k`.
    pub(super) fn of(homes: &[Home], bytes: &[Dim]) -> Self {
        let mut row = Self { outer: Vec::new(), slots: Vec::new() };
        for (own, ((start, end), bytes)) in homes.iter().zip(bytes).enumerate() {
            for at in *start..*end {
                row.slots[row.outer[at]].1 = Some((own, row.between(*start, at)));
            }
            let bytes = Dim::largest([row.between(*start, *end), bytes.clone()]);
            row.slots.push((bytes, None));
            row.outer.splice(*start..*end, [own]);
        }
        row
    }

    /// The bytes of all of them.
    pub(super) fn bytes(&self) -> Dim {
        self.between(0, self.outer.len())
    }

    /// The bytes in front of a slot.
    pub(super) fn offset(&self, slot: usize) -> Dim {
        if let Some((around, offset)) = &self.slots[slot].1 {
            return self.offset(*around) + offset.clone();
        }
        self.between(0, self.outer.iter().position(|it| *it == slot).unwrap_or_default())
    }

    fn between(&self, start: usize, end: usize) -> Dim {
        let outer = self.outer[start..end].iter();
        outer.fold(Dim::default(), |sum, slot| sum + self.slots[*slot].0.clone())
    }
}
