//! A row, or a bucket of one, by all of its digits.

use super::super::emit::Emitter;
use super::super::pull::{binary, position};
use super::super::sort::{at_scratch, compare, computed, dim, whole, wide};
use super::{
    Bounds, DIGITS, Digit, Form, Home, Homes, LARGE, MANY, NARROW, Radix, Region, WIDEST, one_if,
};
use crate::graph::{Binary, Comparison, Dim, Element};
use crate::loops::{Address, BufferId, Expr, Manner, RegisterId};

impl Radix<'_> {
    /// Sorts a row of any length.
    pub(in crate::lower) fn row(&self, emitter: &mut Emitter<'_, '_>) {
        let homes = self.homes(emitter);
        let table = self.scratch(emitter, self.count, Dim::from(2 * DIGITS));
        let lanes = self.lanes();
        let bounds = Bounds::declare(self, emitter, lanes);
        let at = emitter.open(&self.sorting.extent);
        let item = bounds.take(self, emitter, &at);
        self.put(emitter, homes[0].items, &at, item);
        if let Some(home) = homes[0].positions {
            self.put(emitter, home, &at, position(&at));
        }
        emitter.close(Manner::Lanes(lanes));
        let [least, greatest, specials] =
            bounds.registers().map(|(combine, register)| Expr::Combine(combine, register));
        let specials = self.bind(emitter, specials);
        let (base, bits) = self.base_and_bits(emitter, (least, greatest));
        let region = Region { start: None, length: None, base, bits };
        self.region(emitter, &region, (homes, table), false);
        self.restore_specials(emitter, specials);
    }

    /// Sorts a region that stands in the first home, and writes it to the result.
    pub(super) fn region(
        &self,
        emitter: &mut Emitter<'_, '_>,
        region: &Region,
        (homes, table): ([Homes; 2], BufferId),
        is_cold: bool,
    ) {
        if !self.compares(emitter) {
            let odd = self.by_digits(emitter, region, (homes, table), is_cold);
            for (home, parity) in homes.into_iter().zip([0, 1]) {
                emitter.open_condition();
                self.finish(emitter, region, home);
                emitter.close_condition(is_equal(&odd, parity));
            }
            return;
        }
        let _once = emitter.open(&Dim::from(1));
        let at = emitter.open(&self.sorting.extent);
        self.move_item(emitter, &region.at(&at), homes);
        region.close(emitter, Manner::Serial);
        let odd = self.by_digits(emitter, region, (homes, table), is_cold);
        emitter.open_condition();
        let at = emitter.open(&self.sorting.extent);
        self.move_item(emitter, &region.at(&at), homes);
        region.close(emitter, Manner::Lanes(self.lanes()));
        emitter.close_condition(is_equal(&odd, 0));
        emitter.close(Manner::Sorted);
        if !self.is_finished(emitter, homes[1].items) {
            self.finish(emitter, region, homes[1]);
        }
    }

    /// Whether all that is known of elements is in the items, which have as many bytes.
    /// Keys of fewer bytes have so few digits that comparing does not pay.
    fn compares(&self, emitter: &Emitter<'_, '_>) -> bool {
        self.form == Form::Values && self.key_bits(emitter) == self.item_bits()
    }

    /// Whether items in a home are the result.
    fn is_finished(&self, emitter: &Emitter<'_, '_>, home: Home) -> bool {
        let element = emitter.graph().element(self.sorting.operand);
        matches!(home, Home::Result) && element == self.item && !self.sorting.descending
    }

    fn move_item(&self, emitter: &mut Emitter<'_, '_>, at: &Address, [from, to]: [Homes; 2]) {
        let item = self.stands_at((from.items, self.item), emitter, at);
        self.put(emitter, to.items, at, item);
    }

    /// Moves a region to and fro, and gives 1 if it stands in the second home in the end, or else 0.
    fn by_digits(
        &self,
        emitter: &mut Emitter<'_, '_>,
        region: &Region,
        (homes, table): ([Homes; 2], BufferId),
        is_cold: bool,
    ) -> Expr {
        let number = |emitter: &mut Emitter<'_, '_>, expr| emitter.bind(Element::I64, expr);
        let i64_of = |value| whole(Element::I64, value);
        let bits = wide(emitter, self.item, region.bits.clone());
        let length = region.length.clone().unwrap_or_else(|| dim(self.sorting.extent.clone()));
        let is_many = binary(
            Binary::And,
            compare(Comparison::Ge, length.clone(), i64_of(MANY)),
            compare(Comparison::Le, length, i64_of(LARGE)),
        );
        let widest = [i64_of(WIDEST), i64_of(NARROW)].map(Box::new);
        let [most, least] = widest;
        let widest = number(emitter, Expr::Select(Box::new(is_many), most, least));
        let above =
            binary(Binary::Add, bits.clone(), binary(Binary::Sub, widest.clone(), i64_of(1)));
        let passes = number(emitter, binary(Binary::Div, above, widest));
        let some = number(emitter, binary(Binary::Max, passes.clone(), i64_of(1)));
        let above = binary(Binary::Add, bits, binary(Binary::Sub, some.clone(), i64_of(1)));
        let width = number(emitter, binary(Binary::Div, above, some));
        if is_cold {
            // Whoever writes in order brings lines sooner than whoever jumps.
            let at = emitter.open(&self.sorting.extent);
            let there = region.at(&at);
            self.put(emitter, homes[1].items, &there, self.whole(0));
            region.close(emitter, Manner::Lanes(self.lanes()));
        }
        let most = self.key_bits(emitter) / NARROW;
        let pairs = binary(Binary::Add, passes.clone(), i64_of(1));
        let pairs = number(emitter, binary(Binary::ShiftRight, pairs, i64_of(1)));
        let pair = emitter.open(&Dim::from((most + 1) / 2));
        let first = number(emitter, binary(Binary::Mul, position(&pair), i64_of(2)));
        let mut digits = vec![self.digit(emitter, region, (&first, &width))];
        let second = number(emitter, binary(Binary::Add, first, i64_of(1)));
        if most > 1 {
            digits.push(self.digit(emitter, region, (&second, &width)));
        }
        let values = number(emitter, binary(Binary::ShiftLeft, i64_of(1), width));
        self.count_all(emitter, region, table, (homes[0], &digits, &values));
        self.pass(emitter, region, table, (&homes, &digits[0]));
        if let Some(digit) = digits.get(1) {
            emitter.open_condition();
            self.pass(emitter, region, table, (&[homes[1], homes[0]], digit));
            emitter.close_condition(compare(Comparison::Lt, second, passes.clone()));
        }
        emitter.close_below(Manner::Serial, pairs);

        number(emitter, binary(Binary::And, passes, i64_of(1)))
    }

    /// The digit that a pass looks at.
    fn digit(
        &self,
        emitter: &mut Emitter<'_, '_>,
        region: &Region,
        (pass, width): (&Expr, &Expr),
    ) -> Digit {
        let number = |value| whole(Element::I64, value);
        let shift = binary(Binary::Mul, pass.clone(), width.clone());
        let shift = binary(Binary::Add, shift, number(self.skip()));
        let shift = self.without_sign(emitter, shift);
        let mask = binary(Binary::ShiftLeft, number(1), width.clone());
        let mask = binary(Binary::Sub, mask, number(1));
        let mask = Some(self.without_sign(emitter, mask));
        // Each pass of a pair has a table of its own.
        let table = binary(Binary::And, pass.clone(), number(1));
        let table = binary(Binary::Mul, table, number(DIGITS));
        let table = Some(emitter.bind(Element::I64, table));
        Digit { base: region.base.clone(), shift, mask, table }
    }

    /// Counts the digits of two passes in one sweep: items change their places and not their digits.
    /// Behind the last pass the other digit is any, but inside of its table.
    fn count_all(
        &self,
        emitter: &mut Emitter<'_, '_>,
        region: &Region,
        table: BufferId,
        (from, digits, values): (Homes, &[Digit], &Expr),
    ) {
        let slot = |digit: &Digit, at: &Address| {
            let mut slot = at.clone();
            slot.computed.extend(digit.table.clone().map(|table| (table, Dim::from(1))));
            slot
        };
        let at = emitter.open(&Dim::from(DIGITS));
        for digit in digits {
            emitter.put(table, slot(digit, &at), whole(self.count, 0));
        }
        emitter.close_below(Manner::Lanes(32), values.clone());

        let at = emitter.open(&self.sorting.extent);
        let item = self.at_home(emitter, (from.items, self.item), &region.at(&at));
        for digit in digits {
            let slot = digit.of(self, emitter, item.clone());
            self.count_up(emitter, table, &slot);
        }
        region.close(emitter, Manner::Serial);

        let sums: Vec<RegisterId> =
            digits.iter().map(|_| emitter.declare(self.count, whole(self.count, 0))).collect();
        let at = emitter.open(&Dim::from(DIGITS));
        for (digit, sum) in digits.iter().zip(sums) {
            self.begin_at(emitter, table, &slot(digit, &at), sum);
        }
        emitter.close_below(Manner::Serial, values.clone());
    }

    /// Moves every item of a region to the next place of its digit.
    fn pass(
        &self,
        emitter: &mut Emitter<'_, '_>,
        region: &Region,
        table: BufferId,
        ([from, to], digit): (&[Homes; 2], &Digit),
    ) {
        let at = emitter.open(&self.sorting.extent);
        let there = region.at(&at);
        let item = self.at_home(emitter, (from.items, self.item), &there);
        let slot = digit.of(self, emitter, item.clone());
        let place = self.count_up(emitter, table, &slot);
        let place = region.at(&computed(wide(emitter, self.count, place)));
        self.put(emitter, to.items, &place, item);
        if let (Some(from), Some(to)) = (from.positions, to.positions) {
            let moved = self.at_home(emitter, (from, Element::I64), &there);
            self.put(emitter, to, &place, moved);
        }
        region.close(emitter, Manner::Serial);
    }

    /// Adds one to a counter, and gives what it was.
    pub(super) fn count_up(
        &self,
        emitter: &mut Emitter<'_, '_>,
        table: BufferId,
        slot: &Address,
    ) -> Expr {
        let seen = emitter.bind(self.count, at_scratch(table, slot));
        let next = binary(Binary::Add, seen.clone(), whole(self.count, 1));
        emitter.put(table, slot.clone(), next);
        seen
    }

    /// Replaces a count by the sum of all before.
    pub(super) fn begin_at(
        &self,
        emitter: &mut Emitter<'_, '_>,
        table: BufferId,
        slot: &Address,
        sum: RegisterId,
    ) {
        let seen = emitter.bind(self.count, at_scratch(table, slot));
        emitter.put(table, slot.clone(), Expr::Register(sum));
        emitter.set(sum, binary(Binary::Add, Expr::Register(sum), seen));
    }

    /// Writes a sorted region to the result.
    fn finish(&self, emitter: &mut Emitter<'_, '_>, region: &Region, home: Homes) {
        let sorting = self.sorting;
        let (home, element) = match home.positions {
            Some(positions) => (positions, Element::I64),
            None => (home.items, self.item),
        };
        if self.form != Form::Values && self.form != Form::Packed && matches!(home, Home::Result) {
            return;
        }
        let part = sorting.count.as_ref().filter(|count| **count != sorting.extent);
        let wanted = part.map(|count| {
            let length = region.length.clone().unwrap_or_else(|| dim(sorting.extent.clone()));
            let rest = match &region.start {
                Some(start) => binary(Binary::Sub, dim(count.clone()), start.clone()),
                None => dim(count.clone()),
            };
            emitter.bind(Element::I64, binary(Binary::Min, length, rest))
        });
        let at = emitter.open(&sorting.extent);
        let there = region.at(&at);
        let item = self.at_home(emitter, (home, element), &there);
        let content = self.content(emitter, item);
        let target = sorting.target(emitter, &there);
        emitter.put(sorting.result, target, content);
        match wanted {
            Some(wanted) => emitter.close_below(Manner::Lanes(self.lanes()), wanted),
            None => region.close(emitter, Manner::Lanes(self.lanes())),
        }
    }

    /// Puts zeros and NaN in the order in which they came, if their bits have changed it.
    pub(super) fn restore_specials(&self, emitter: &mut Emitter<'_, '_>, specials: Expr) {
        if !self.has_specials(emitter) {
            return;
        }
        let sorting = self.sorting;
        let element = emitter.graph().element(sorting.operand);
        let number = |value| whole(Element::I64, value);
        let zero = whole(element, 0);
        let is_nan = |x: &Expr| compare(Comparison::Ne, x.clone(), x.clone());
        emitter.open_condition();
        let before = emitter.declare(Element::I64, number(0));
        let nans = emitter.declare(Element::I64, dim(sorting.extent.clone()));
        let at = emitter.open(&sorting.extent);
        let x = sorting.element(emitter, &at);
        let earlier = if sorting.descending { Comparison::Gt } else { Comparison::Lt };
        let one = one_if(Element::I64, compare(earlier, x.clone(), zero.clone()));
        emitter.set(before, binary(Binary::Add, Expr::Register(before), one));
        let one = one_if(Element::I64, is_nan(&x));
        emitter.set(nans, binary(Binary::Sub, Expr::Register(nans), one));
        emitter.close(Manner::Serial);

        let at = emitter.open(&sorting.extent);
        let x = sorting.element(emitter, &at);
        let is_zero = compare(Comparison::Eq, x.clone(), zero);
        for (next, condition) in [(before, is_zero), (nans, is_nan(&x))] {
            emitter.open_condition();
            let to = emitter.bind(Element::I64, Expr::Register(next));
            let target = sorting.target(emitter, &computed(to.clone()));
            emitter.put(sorting.result, target, x.clone());
            emitter.set(next, binary(Binary::Add, to, number(1)));
            emitter.close_condition(condition);
        }
        emitter.close(Manner::Serial);
        emitter.close_condition(compare(Comparison::Gt, specials, self.whole(0)));
    }
}

fn is_equal(number: &Expr, to: i64) -> Expr {
    compare(Comparison::Eq, number.clone(), whole(Element::I64, to))
}
