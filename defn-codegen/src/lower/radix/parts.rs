//! A row that is parted into buckets.

use super::super::emit::Emitter;
use super::super::pull::{binary, position};
use super::super::sort::{at_scratch, compare, computed, dim, whole, wide};
use super::{
    BUCKETS, Bounds, DIGITS, Digit, HIGHEST, HIGHEST_BITS, Homes, PARTS, Radix, Region, SHARE,
    one_if,
};
use crate::graph::{Binary, Comparison, Dim, Element};
use crate::loops::{Address, BufferId, Expr, Manner};

/// The scratch of a row that is parted.
struct Parting {
    homes: [Homes; 2],
    /// Counters of one bucket at a time.
    table: BufferId,
    /// What every task has to know: see the constants below.
    facts: BufferId,
    /// Least and greatest item and specials of each part.
    bounds: BufferId,
    /// How often a part has a digit, part by part.
    seen: BufferId,
    /// How often all have it.
    all: BufferId,
    /// The bucket of a digit.
    buckets: BufferId,
    /// Where a part puts the next item of a bucket, part by part.
    next: BufferId,
    /// Of each bucket the first digit, the last one, where it begins and where it ends.
    extents: [BufferId; 4],
    /// The items of a part, but for the few that are left over and belong to the last one.
    share: Dim,
}

/// What no item is below, where the highest digit begins, and how many elements are special.
const BASE: i64 = 0;
const SHIFT: i64 = 1;
const SPECIALS: i64 = 2;

/// What is done for a part.
type Prepare<'p> = &'p dyn Fn(&mut Emitter<'_, '_>, &Address);
/// What is done with the element of a part at a position.
type Step<'s> = &'s dyn Fn(&mut Emitter<'_, '_>, &Digit, (&Address, &Address));

fn fixed(at: i64) -> Address {
    Address { constant: Dim::from(at), ..Address::default() }
}

/// A row that is parted.
impl Radix<'_> {
    /// Sorts a row that is longer than [`LARGE`].
    /// Where there is only one, everything stands at the top, and loops become tasks.
    pub(in crate::lower) fn parted(&self, emitter: &mut Emitter<'_, '_>, guard: Option<&Expr>) {
        let parting = self.parting(emitter);
        let step = |emitter: &mut Emitter<'_, '_>, write: &dyn Fn(&mut Emitter<'_, '_>)| {
            let Some(guard) = guard else { return write(emitter) };
            emitter.open_condition();
            write(emitter);
            emitter.close_condition(guard.clone());
        };
        step(emitter, &|emitter| self.bounds(emitter, &parting));
        step(emitter, &|emitter| self.facts(emitter, &parting));
        step(emitter, &|emitter| self.count_digits(emitter, &parting));
        step(emitter, &|emitter| self.count_rest(emitter, &parting));
        step(emitter, &|emitter| self.add_parts(emitter, &parting));
        step(emitter, &|emitter| self.choose_buckets(emitter, &parting));
        step(emitter, &|emitter| self.count_buckets(emitter, &parting));
        step(emitter, &|emitter| self.begin_buckets(emitter, &parting));
        step(emitter, &|emitter| self.scatter(emitter, &parting));
        step(emitter, &|emitter| self.scatter_rest(emitter, &parting));
        step(emitter, &|emitter| self.sort_buckets(emitter, &parting));
        if self.has_specials(emitter) {
            step(emitter, &|emitter| {
                let specials = self.fact(emitter, &parting, SPECIALS);
                self.restore_specials(emitter, specials);
            });
        }
    }

    fn parting(&self, emitter: &mut Emitter<'_, '_>) -> Parting {
        let extent = &self.sorting.extent;
        // Short rows are not parted, but pay for the scratch: so tables are as long as a share of the row, which is long enough.
        let long = extent.floor_div(&Dim::from(SHARE));
        let count = self.count;
        let table = |emitter: &mut Emitter<'_, '_>, element: Element, length: Dim| {
            self.scratch(emitter, element, length)
        };
        Parting {
            homes: self.homes(emitter),
            table: Self::private(emitter, count, 2 * DIGITS),
            facts: table(emitter, self.item, Dim::from(3)),
            bounds: table(emitter, self.item, Dim::from(3 * PARTS)),
            seen: table(emitter, count, long.clone() * Dim::from(PARTS)),
            all: table(emitter, count, long.clone()),
            buckets: table(emitter, Element::U8, long.clone()),
            next: table(emitter, count, long),
            extents: [(); 4].map(|()| table(emitter, Element::I64, Dim::from(BUCKETS))),
            share: extent.floor_div(&Dim::from(PARTS)),
        }
    }

    fn fact(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting, fact: i64) -> Expr {
        self.bind(emitter, at_scratch(parting.facts, &fixed(fact)))
    }

    /// The highest digit.
    fn highest(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) -> Digit {
        let [base, shift] = [BASE, SHIFT].map(|fact| self.fact(emitter, parting, fact));
        let shift = self.without_sign(emitter, shift);
        Digit { base, shift, mask: None, table: None }
    }

    /// Step 1, for each part.
    fn bounds(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let extent = &self.sorting.extent;
        let length = (extent.clone() + Dim::from(PARTS - 1)).floor_div(&Dim::from(PARTS));
        let part = emitter.open(&Dim::from(PARTS));
        let lanes = self.lanes();
        let bounds = Bounds::declare(self, emitter, lanes);
        let at = emitter.open(&length);
        let mut there = at;
        there.add_scaled(&part, &length);
        bounds.take(self, emitter, &there);
        // Fresh memory that is first written in order gets neighbouring pages, which the processor remembers as one,
        // and whoever jumps about in it later finds its lines nearer.
        self.put(emitter, parting.homes[0].items, &there, self.whole(0));
        let mut rest = Address { constant: extent.clone(), ..Address::default() };
        rest.add_scaled(&part, &-length);
        emitter.close_clipped(Manner::Lanes(lanes), Some(rest));
        for (place, (combine, register)) in (0..).zip(bounds.registers()) {
            let mut to = fixed(place);
            to.add_scaled(&part, &Dim::from(3));
            emitter.put(parting.bounds, to, Expr::Combine(combine, register));
        }
        emitter.close(Manner::Parallel);
    }

    /// Step 1, for all parts.
    fn facts(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let bounds = Bounds::declare(self, emitter, 1);
        let part = emitter.open(&Dim::from(PARTS));
        for (place, (combine, register)) in (0..).zip(bounds.registers()) {
            let mut from = fixed(place);
            from.add_scaled(&part, &Dim::from(3));
            let found = self.bind(emitter, at_scratch(parting.bounds, &from));
            emitter.set(register, binary(combine.binary(), Expr::Register(register), found));
        }
        emitter.close(Manner::Serial);
        let [least, greatest, specials] =
            bounds.registers().map(|(_, register)| self.bind(emitter, Expr::Register(register)));
        let (base, bits) = self.base_and_bits(emitter, (least, greatest));
        let below = binary(Binary::Sub, bits, self.whole(HIGHEST_BITS));
        let below = binary(Binary::Max, below, self.whole(0));
        let shift = binary(Binary::Add, below, self.whole(self.skip()));
        for (fact, expr) in [(BASE, base), (SHIFT, shift), (SPECIALS, specials)] {
            emitter.put(parting.facts, fixed(fact), expr);
        }
        for extents in parting.extents {
            let at = emitter.open(&Dim::from(BUCKETS));
            emitter.put(extents, at, whole(Element::I64, 0));
            emitter.close(Manner::Lanes(16));
        }
    }

    /// A loop over pairs of parts, walked together.
    fn each_pair(
        &self,
        emitter: &mut Emitter<'_, '_>,
        parting: &Parting,
        (prepare, step): (Prepare<'_>, Step<'_>),
    ) {
        let pair = emitter.open(&Dim::from(PARTS / 2));
        let parts = [0, 1].map(|second| {
            let mut part = fixed(second);
            part.add_scaled(&pair, &Dim::from(2));
            part
        });
        parts.iter().for_each(|part| prepare(emitter, part));
        let digit = self.highest(emitter, parting);
        let at = emitter.open(&parting.share);
        for part in &parts {
            let mut there = at.clone();
            there.add_scaled(part, &parting.share);
            step(emitter, &digit, (part, &there));
        }
        emitter.close(Manner::Serial);
        emitter.close(Manner::Parallel);
    }

    /// What is left over when all parts are equal belongs to the last one.
    fn each_rest(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting, step: Step<'_>) {
        let digit = self.highest(emitter, parting);
        let covered = parting.share.clone() * Dim::from(PARTS);
        let at = emitter.open(&(self.sorting.extent.clone() - covered.clone()));
        let mut there = at;
        there.constant = there.constant + covered;
        step(emitter, &digit, (&fixed(PARTS - 1), &there));
        emitter.close(Manner::Serial);
    }

    /// A place in the table of a part.
    fn in_table(place: &Address, part: &Address, length: i64) -> Address {
        let mut at = place.clone();
        at.add_scaled(part, &Dim::from(length));
        at
    }

    fn clear(&self, emitter: &mut Emitter<'_, '_>, table: BufferId, part: &Address, length: i64) {
        let at = emitter.open(&Dim::from(length));
        emitter.put(table, Self::in_table(&at, part, length), whole(self.count, 0));
        emitter.close(Manner::Lanes(32));
    }

    /// Counts the highest digit of an element.
    fn count_one(
        &self,
        emitter: &mut Emitter<'_, '_>,
        parting: &Parting,
        (digit, part, at): (&Digit, &Address, &Address),
    ) {
        let item = self.item(emitter, at);
        let slot = digit.of(self, emitter, item);
        self.count_up(emitter, parting.seen, &Self::in_table(&slot, part, HIGHEST));
    }

    /// Step 2.
    fn count_digits(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        self.each_pair(
            emitter,
            parting,
            (
                &|emitter, part| self.clear(emitter, parting.seen, part, HIGHEST),
                &|emitter, digit, (part, at)| self.count_one(emitter, parting, (digit, part, at)),
            ),
        );
    }

    fn count_rest(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        self.each_rest(emitter, parting, &|emitter, digit, (part, at)| {
            self.count_one(emitter, parting, (digit, part, at));
        });
    }

    /// Step 3: how often all parts have a digit.
    fn add_parts(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let at = emitter.open(&Dim::from(HIGHEST));
        let sum = emitter.declare(self.count, whole(self.count, 0));
        let part = emitter.open(&Dim::from(PARTS));
        let slot = Self::in_table(&at, &part, HIGHEST);
        let seen = emitter.bind(self.count, at_scratch(parting.seen, &slot));
        emitter.set(sum, binary(Binary::Add, Expr::Register(sum), seen));
        emitter.close(Manner::Serial);
        emitter.put(parting.all, at, Expr::Register(sum));
        emitter.close(Manner::Lanes(32));
    }

    /// Step 3: a bucket is closed when the next digit would make it too full.
    fn choose_buckets(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let number = |value| whole(Element::I64, value);
        let zero = || number(0);
        let full = self.sorting.extent.floor_div(&Dim::from(BUCKETS * 3 / 4)) + Dim::from(1);
        let [bucket, first, begin, end] = [(); 4].map(|()| emitter.declare(Element::I64, zero()));
        let at = emitter.open(&Dim::from(HIGHEST));
        let seen = emitter.bind(self.count, at_scratch(parting.all, &at));
        let seen = wide(emitter, self.count, seen);
        let here = emitter.bind(Element::I64, Expr::Register(end));
        let filled = binary(Binary::Sub, here.clone(), Expr::Register(begin));
        let filled = emitter.bind(Element::I64, filled);
        let next = emitter.bind(Element::I64, binary(Binary::Add, here.clone(), seen.clone()));
        let together = binary(Binary::Add, filled.clone(), seen);
        let is_filled = compare(Comparison::Gt, filled, zero());
        let is_full = compare(Comparison::Gt, together, dim(full));
        let may_close = compare(Comparison::Lt, Expr::Register(bucket), number(BUCKETS - 1));
        let closes = binary(Binary::And, binary(Binary::And, is_filled, is_full), may_close);
        let closes = emitter.bind(Element::Bool, closes);
        let chosen = |then: Expr, otherwise: Expr| {
            Expr::Select(Box::new(closes.clone()), Box::new(then), Box::new(otherwise))
        };
        let one = one_if(Element::I64, closes.clone());
        emitter.set(bucket, binary(Binary::Add, Expr::Register(bucket), one));
        emitter.set(first, chosen(position(&at), Expr::Register(first)));
        emitter.set(begin, chosen(here, Expr::Register(begin)));
        emitter.set(end, next);
        let slot = emitter.bind(Element::I64, Expr::Register(bucket));
        let small = Expr::Convert(Element::U8, Box::new(slot.clone()));
        emitter.put(parting.buckets, at.clone(), small);
        let known =
            [Expr::Register(first), position(&at), Expr::Register(begin), Expr::Register(end)];
        for (extents, expr) in parting.extents.into_iter().zip(known) {
            emitter.put(extents, computed(slot.clone()), expr);
        }
        emitter.close(Manner::Serial);
    }

    fn bucket_of(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting, at: &Address) -> Expr {
        let bucket = emitter.bind(Element::U8, at_scratch(parting.buckets, at));
        wide(emitter, Element::U8, bucket)
    }

    /// Step 3: how many items of each bucket a part has. The digits of a bucket follow each other, so that a register adds them up.
    fn count_buckets(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let part = emitter.open(&Dim::from(PARTS));
        self.clear(emitter, parting.next, &part, BUCKETS);
        let sum = emitter.declare(self.count, whole(self.count, 0));
        let last = emitter.declare(Element::I64, whole(Element::I64, 0));
        let at = emitter.open(&Dim::from(HIGHEST));
        let bucket = self.bucket_of(emitter, parting, &at);
        let slot = Self::in_table(&at, &part, HIGHEST);
        let seen = emitter.bind(self.count, at_scratch(parting.seen, &slot));
        let is_same = compare(Comparison::Eq, bucket.clone(), Expr::Register(last));
        let before = Expr::Select(
            Box::new(is_same),
            Box::new(Expr::Register(sum)),
            Box::new(whole(self.count, 0)),
        );
        emitter.set(sum, binary(Binary::Add, before, seen));
        emitter.set(last, bucket.clone());
        let slot = Self::in_table(&computed(bucket), &part, BUCKETS);
        emitter.put(parting.next, slot, Expr::Register(sum));
        emitter.close(Manner::Serial);
        emitter.close(Manner::Parallel);
    }

    /// Step 4: where each part begins in each bucket.
    fn begin_buckets(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let sum = emitter.declare(self.count, whole(self.count, 0));
        let bucket = emitter.open(&Dim::from(BUCKETS));
        let part = emitter.open(&Dim::from(PARTS));
        let slot = Self::in_table(&bucket, &part, BUCKETS);
        self.begin_at(emitter, parting.next, &slot, sum);
        emitter.close(Manner::Serial);
        emitter.close(Manner::Serial);
    }

    /// Moves an element to the next place of its part in its bucket.
    fn scatter_one(
        &self,
        emitter: &mut Emitter<'_, '_>,
        parting: &Parting,
        (digit, part, at): (&Digit, &Address, &Address),
    ) {
        let item = self.item(emitter, at);
        let slot = digit.of(self, emitter, item.clone());
        let bucket = self.bucket_of(emitter, parting, &slot);
        let slot = Self::in_table(&computed(bucket), part, BUCKETS);
        let place = self.count_up(emitter, parting.next, &slot);
        let place = computed(wide(emitter, self.count, place));
        let Homes { items, positions } = parting.homes[0];
        self.put(emitter, items, &place, item);
        if let Some(positions) = positions {
            self.put(emitter, positions, &place, position(at));
        }
    }

    /// Step 4.
    fn scatter(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        self.each_pair(
            emitter,
            parting,
            (&|_, _| {}, &|emitter, digit, (part, at)| {
                self.scatter_one(emitter, parting, (digit, part, at));
            }),
        );
    }

    fn scatter_rest(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        self.each_rest(emitter, parting, &|emitter, digit, (part, at)| {
            self.scatter_one(emitter, parting, (digit, part, at));
        });
    }

    /// Step 5.
    fn sort_buckets(&self, emitter: &mut Emitter<'_, '_>, parting: &Parting) {
        let bucket = emitter.open(&Dim::from(BUCKETS));
        let [first, last, begin, end] =
            parting.extents.map(|it| emitter.bind(Element::I64, at_scratch(it, &bucket)));
        let length = binary(Binary::Sub, end, begin.clone());
        let length = emitter.bind(Element::I64, length);
        emitter.open_condition();
        let [base, shift] = [BASE, SHIFT].map(|fact| self.fact(emitter, parting, fact));
        let more = binary(Binary::Sub, last, first.clone());
        let more = self.bind(emitter, self.narrow(more));
        let more = self.bit_length(emitter, &more);
        let first = self.bind(emitter, self.narrow(first));
        let above = binary(Binary::ShiftLeft, first, shift.clone());
        let base = self.bind(emitter, binary(Binary::Add, base, above));
        let below = binary(Binary::Sub, shift, self.whole(self.skip()));
        let bits = self.bind(emitter, binary(Binary::Add, below, more));
        let region = Region { start: Some(begin), length: Some(length.clone()), base, bits };
        self.region(emitter, &region, (parting.homes, parting.table), true);
        emitter.close_condition(compare(Comparison::Gt, length, whole(Element::I64, 0)));
        emitter.close(Manner::Parallel);
    }
}
