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

use std::collections::BTreeSet;

use crate::graph::Dim;
use crate::loops::live::Lifetime;

/// Which part of the row a temporary takes: slots from the first up to the last, which become one, or a new one in their place.
pub(super) type Home = (usize, usize);

/// Calls that plans are tried with.
const SAMPLES: usize = 48;

/// Some of them give a plan together: few enough to be alike, so that plans are different.
const ALIKE: usize = 4;

/// The parts of the row that the temporaries take, in order.
pub(super) fn plan(lifetimes: &[Lifetime], bytes: &[Dim], symbols: usize) -> Vec<Home> {
    let samples: [Vec<i64>; SAMPLES] = std::array::from_fn(|sample| extents(sample, symbols));
    let numbers = |bytes: &Dim| Bytes(samples.each_ref().map(|sample| bytes.evaluate(sample)));
    let bytes: Vec<Bytes<SAMPLES>> = bytes.iter().map(numbers).collect();
    let least = least(lifetimes, &bytes);
    let mut best: Option<(i64, Vec<Home>)> = None;
    let mut known = BTreeSet::new();
    let mut tried = |homes: Vec<Home>| {
        // Most samples lead to one of a few plans.
        if !known.insert(homes.clone()) {
            return;
        }
        let cost = total(&homes, &bytes).over(&least);
        if best.as_ref().is_none_or(|(known, _)| cost < *known) {
            best = Some((cost, homes));
        }
    };
    plans(lifetimes, &bytes, &mut tried);
    for start in 0..SAMPLES {
        plans(lifetimes, &some::<1>(&bytes, start), &mut tried);
        plans(lifetimes, &some::<ALIKE>(&bytes, start), &mut tried);
    }
    best.map(|(_, homes)| homes).unwrap_or_default()
}

/// The bytes for a few samples, from one on.
fn some<const COUNT: usize>(bytes: &[Bytes<SAMPLES>], start: usize) -> Vec<Bytes<COUNT>> {
    let chosen =
        |Bytes(all): &Bytes<SAMPLES>| Bytes(std::array::from_fn(|at| all[(start + at) % SAMPLES]));
    bytes.iter().map(chosen).collect()
}

/// The plans for some samples.
fn plans<const COUNT: usize>(
    lifetimes: &[Lifetime],
    bytes: &[Bytes<COUNT>],
    tried: &mut dyn FnMut(Vec<Home>),
) {
    tried(in_order(lifetimes, bytes));
    tried(by_size(lifetimes, bytes, false));
    tried(by_size(lifetimes, bytes, true));
}

/// How many bytes a plan needs.
fn total(homes: &[Home], bytes: &[Bytes<SAMPLES>]) -> Bytes<SAMPLES> {
    let mut slots: Vec<Bytes<SAMPLES>> = Vec::new();
    for ((start, end), bytes) in homes.iter().zip(bytes) {
        let held = sum(&slots[*start..*end]).largest(bytes);
        slots.splice(*start..*end, [held]);
    }
    sum(&slots)
}

fn sum<const COUNT: usize>(all: &[Bytes<COUNT>]) -> Bytes<COUNT> {
    all.iter().fold(Bytes::NONE, |sum, bytes| sum.plus(bytes))
}

/// Powers of two from 2 to 2048, as Steele, Lea and Flood's SplitMix64 of the position mixes them.
fn extents(sample: usize, symbols: usize) -> Vec<i64> {
    let extent = |symbol: usize| {
        let position = (64 * sample + symbol + 1) as u64;
        let state = position.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        2 << (mixed % 11)
    };
    (0..symbols).map(extent).collect()
}

/// What is alive at the most, which no plan can do without.
fn least(lifetimes: &[Lifetime], bytes: &[Bytes<SAMPLES>]) -> Bytes<SAMPLES> {
    let mut most = Bytes::NONE;
    for at in lifetimes.iter().map(|it| it.first) {
        let alive =
            lifetimes.iter().zip(bytes).filter(|(it, _)| (it.first..=it.last).contains(&at));
        most = most.largest(&alive.fold(Bytes::NONE, |sum, (_, bytes)| sum.plus(bytes)));
    }
    most
}

/// A plan that grows as little as possible at every step.
fn in_order<const COUNT: usize>(lifetimes: &[Lifetime], bytes: &[Bytes<COUNT>]) -> Vec<Home> {
    let mut slots: Vec<(Bytes<COUNT>, usize)> = Vec::new();
    let mut homes = Vec::with_capacity(lifetimes.len());
    for (lifetime, bytes) in lifetimes.iter().zip(bytes) {
        let mut best: Option<((i64, usize, i64), Home, Bytes<COUNT>)> = None;
        for start in 0..slots.len() {
            let mut held = Bytes::NONE;
            let free = slots[start..].iter().take_while(|(_, busy)| *busy < lifetime.first);
            for (length, (slot, _)) in (1..).zip(free) {
                held = held.plus(slot);
                // What grows the least is best, then what is shortest, then what is filled best.
                let cost = (bytes.beyond(&held), length, held.beyond(bytes));
                if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                    best = Some((cost, (start, start + length), held));
                }
            }
        }
        let end = (slots.len(), slots.len());
        let (home, held) = best.map_or((end, Bytes::NONE), |(_, home, held)| (home, held));
        slots.splice(home.0..home.1, [(held.largest(bytes), lifetime.last)]);
        homes.push(home);
    }
    homes
}

/// A plan in which the largest chooses first, and takes the first or, if that is to be tight, the smallest slot
/// whose content is alive at other times.
fn by_size<const COUNT: usize>(
    lifetimes: &[Lifetime],
    bytes: &[Bytes<COUNT>],
    tight: bool,
) -> Vec<Home> {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(bytes[*at].beyond(&Bytes::NONE)));
    let mut slots: Vec<Vec<usize>> = Vec::new();
    let mut slot_of = vec![0; lifetimes.len()];
    for at in order {
        let is_apart = |other: &usize| {
            let (one, other) = (&lifetimes[at], &lifetimes[*other]);
            one.last < other.first || other.last < one.first
        };
        let mut free = (0..slots.len()).filter(|slot| slots[*slot].iter().all(is_apart));
        // Slots were begun by what is larger, so the last of them is the smallest.
        let found = if tight { free.next_back() } else { free.next() };
        let slot = found.unwrap_or(slots.len());
        if slot == slots.len() {
            slots.push(Vec::new());
        }
        slots[slot].push(at);
        slot_of[at] = slot;
    }
    // In the row, slots stand in the order in which they are first used.
    let mut places: Vec<usize> = Vec::with_capacity(slots.len());
    let home = |slot: usize| match places.iter().position(|known| *known == slot) {
        Some(place) => (place, place + 1),
        None => {
            places.push(slot);
            (places.len() - 1, places.len() - 1)
        }
    };
    slot_of.into_iter().map(home).collect()
}

/// Bytes for each of some samples.
#[derive(Clone, Copy, Debug)]
struct Bytes<const COUNT: usize>([i64; COUNT]);

impl<const COUNT: usize> Bytes<COUNT> {
    const NONE: Self = Self([0; COUNT]);

    fn with(&self, other: &Self, of: fn(i64, i64) -> i64) -> Self {
        let mut numbers = self.0;
        // A plain loop: plans are tried by the hundred, and the macro is built without optimisation.
        for (number, other) in numbers.iter_mut().zip(&other.0) {
            *number = of(*number, *other);
        }
        Self(numbers)
    }

    fn plus(&self, other: &Self) -> Self {
        self.with(other, i64::saturating_add)
    }

    fn largest(&self, other: &Self) -> Self {
        self.with(other, i64::max)
    }

    /// How many more there are than others.
    fn beyond(&self, other: &Self) -> i64 {
        let more = |at: usize| self.0[at].saturating_sub(other.0[at]).max(0);
        (0..COUNT).fold(0, |sum: i64, at| sum.saturating_add(more(at)))
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
