//! Long rows are sorted by the digits of their keys.
//!
//! What moves is an *item*: the key, from which the element can be told; for positions the key with the position in the low half,
//! or the key and the position side by side where both have eight bytes. Only digits in which the keys of a row differ are looked at.
//!
//! A row, or what is left of one, moves to and fro, from its lowest digit:
//!
//! ```text
//! for i in 0..n { h[digit] += 1 }
//! var $0 = 0; for d in 0..2048 { let %0 = h[d]; h[d] = $0; $0 = add($0, %0) }
//! for i in 0..n { let %1 = h[digit]; to[%1] = from[i]; h[digit] = add(%1, 1) }
//! ```
//!
//! That is fast as long as everything stays in the cache. A row that is longer is parted first, by its highest digit:
//!
//! 1. The least and the greatest item of each part of the row say where the highest digit begins.
//! 2. Every part of the row counts its digits.
//! 3. Digits that follow each other become one of at most 256 buckets, about equally full.
//! 4. Every part moves its items to the places that it has in each bucket.
//! 5. Every bucket is sorted by the other digits.
//!
//! Where numbers are all that moves, and have as many bits as their keys, a row or a bucket that is in the cache may also be sorted by comparing:
//! what moves the digits is then one of two ways ([`sort`](crate::loops::sort)).
//!
//! Parts and buckets are independent, so that threads share them. Two parts are walked at a time,
//! because counting one digit twice in a row waits for the memory.
//!
//! The keys of values keep all bits: −0 comes before +0 then, and NaN with a sign behind NaN. If there are any, they are put
//! in the order in which they came once everything else is sorted.

mod digits;
mod parts;

use super::emit::Emitter;
use super::pull::{address, binary, load, position};
use super::sort::{
    Sorting, at_scratch, compare, computed, is_natural, largest, smallest, whole, wide,
};
use crate::graph::{Binary, Combine, Comparison, Dim, Element, ElementKind};
use crate::loops::{Address, Buffer, BufferId, Expr, Manner, RegisterId, Space};

/// The values of a digit, and its bits. A table of them and what is moved stay in the first cache.
const DIGITS: i64 = 1 << WIDEST;
const WIDEST: i64 = 11;
/// Fewer items than this are not worth so large a table, and those of rows that would be parted do not stay in the cache.
const MANY: i64 = 1024;
const NARROW: i64 = 8;

/// The values of the highest digit of a row that is parted, and its bits.
const HIGHEST: i64 = 1 << HIGHEST_BITS;
const HIGHEST_BITS: i64 = 12;
/// So many buckets at most, so that a byte names one; the first cache has lines for them, and for what else is read.
const BUCKETS: i64 = 256;
/// A row is parted if it is so many times longer than a table.
const SHARE: i64 = 24;
/// The parts of a row that is parted; threads share them in pairs.
const PARTS: i64 = 16;

/// Rows up to this length are not parted.
pub(super) const LARGE: i64 = SHARE * HIGHEST;
/// Positions up to this one fit into half of a number, and into a counter of four bytes.
pub(super) const HUGE: i64 = i32::MAX as i64;

/// What is moved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Keys from which elements can be told.
    Values,
    /// Key and position in one number.
    Packed,
    /// Keys, and positions beside them.
    Pairs,
}

/// Where items, or positions beside them, stand.
#[derive(Clone, Copy)]
enum Home {
    Result,
    Scratch(BufferId),
}

/// A row that moves from one home to the other and back.
#[derive(Clone, Copy)]
struct Homes {
    items: Home,
    positions: Option<Home>,
}

/// Items in a row.
struct Region {
    /// Where they begin; at the beginning of the row, if nothing is said.
    start: Option<Expr>,
    /// How many there are; as many as the row has, if nothing is said.
    length: Option<Expr>,
    /// What no item is below.
    base: Expr,
    /// In how many bits they differ.
    bits: Expr,
}

/// The sorting of long rows.
pub(super) struct Radix<'s> {
    sorting: &'s Sorting,
    form: Form,
    /// The type of items.
    item: Element,
    /// The type of counters.
    count: Element,
}

impl<'s> Radix<'s> {
    /// `is_small` says that positions fit into 31 bits.
    pub(super) fn new(sorting: &'s Sorting, is_small: bool) -> Self {
        let form = match sorting.count {
            None => Form::Values,
            Some(_) if sorting.keys == Element::I32 && is_small => Form::Packed,
            Some(_) => Form::Pairs,
        };
        let item = if form == Form::Packed { Element::I64 } else { sorting.keys };
        let count = if is_small { Element::I32 } else { Element::I64 };
        Self { sorting, form, item, count }
    }

    /// How many of the lowest bits of an item are no bits of its key.
    fn skip(&self) -> i64 {
        if self.form == Form::Packed { 32 } else { 0 }
    }

    fn whole(&self, value: i64) -> Expr {
        whole(self.item, value)
    }

    fn bind(&self, emitter: &mut Emitter<'_, '_>, expr: Expr) -> Expr {
        emitter.bind(self.item, expr)
    }

    /// As many lanes as fill two registers of the widest kind.
    fn lanes(&self) -> u32 {
        128 / self.item.size() as u32
    }

    /// The item of an element of the operand.
    fn item(&self, emitter: &mut Emitter<'_, '_>, at: &Address) -> Expr {
        let sorting = self.sorting;
        let x = sorting.element(emitter, at);
        match self.form {
            Form::Values => self.lossless(emitter, &x),
            Form::Pairs => sorting.key(emitter, &x),
            Form::Packed => {
                let key = sorting.key(emitter, &x);
                let key = wide(emitter, sorting.keys, key);
                let high = binary(Binary::ShiftLeft, key, self.whole(32));
                self.bind(emitter, binary(Binary::Or, high, position(at)))
            }
        }
    }

    /// The bits of a float in the order of integers; NaN with a sign comes first.
    fn turned(&self, emitter: &mut Emitter<'_, '_>, bits: Expr) -> Expr {
        let sign = binary(Binary::ShiftRight, bits.clone(), self.whole(self.item_bits() - 1));
        let all_but_sign = binary(Binary::And, sign, Expr::Constant(largest(self.item)));
        self.bind(emitter, binary(Binary::Xor, bits, all_but_sign))
    }

    fn item_bits(&self) -> i64 {
        self.item.size() as i64 * 8
    }

    /// In how many bits keys may differ.
    fn key_bits(&self, emitter: &Emitter<'_, '_>) -> i64 {
        emitter.graph().element(self.sorting.operand).size() as i64 * 8
    }

    /// How many floats are NaN with one sign: the numbers move down by so many, and NaN with a sign comes behind all others.
    fn nans(&self) -> i64 {
        if self.item == Element::I64 { (1 << 52) - 1 } else { (1 << 23) - 1 }
    }

    /// A key that is another one for every element.
    fn lossless(&self, emitter: &mut Emitter<'_, '_>, x: &Expr) -> Expr {
        let element = emitter.graph().element(self.sorting.operand);
        let mut key = if element.is_float() {
            let bits = self.bind(emitter, Expr::Bits(Box::new(x.clone())));
            self.turned(emitter, bits)
        } else if element == self.item {
            x.clone()
        } else {
            let bits = self.bind(emitter, Expr::Convert(self.item, Box::new(x.clone())));
            self.natural(emitter, element, bits)
        };
        if self.sorting.descending {
            key = self.bind(emitter, binary(Binary::Xor, key, self.whole(-1)));
        }
        if element.is_float() {
            key = self.bind(emitter, binary(Binary::Sub, key, self.whole(self.nans())));
        }
        key
    }

    /// What an item becomes in the result.
    fn content(&self, emitter: &mut Emitter<'_, '_>, item: Expr) -> Expr {
        match self.form {
            Form::Pairs => return item,
            Form::Packed => return binary(Binary::And, item, self.whole(i64::from(u32::MAX))),
            Form::Values => {}
        }
        let element = emitter.graph().element(self.sorting.operand);
        let mut key = item;
        if element.is_float() {
            key = self.bind(emitter, binary(Binary::Add, key, self.whole(self.nans())));
        }
        if self.sorting.descending {
            key = self.bind(emitter, binary(Binary::Xor, key, self.whole(-1)));
        }
        if element.is_float() {
            let bits = self.turned(emitter, key);
            Expr::Bits(Box::new(bits))
        } else if element == self.item {
            key
        } else {
            let bits = self.natural(emitter, element, key);
            Expr::Convert(element, Box::new(bits))
        }
    }

    /// The highest bit is turned where it is no sign in the elements, there and back.
    fn natural(&self, emitter: &mut Emitter<'_, '_>, element: Element, bits: Expr) -> Expr {
        if !is_natural(element, self.item) {
            return bits;
        }
        let least = Expr::Constant(smallest(self.item));
        self.bind(emitter, binary(Binary::Xor, bits, least))
    }

    /// Whether an element is −0 or NaN, as 1 or 0.
    fn special(&self, emitter: &mut Emitter<'_, '_>, x: &Expr) -> Expr {
        let nan = compare(Comparison::Ne, x.clone(), x.clone());
        let bits = self.bind(emitter, Expr::Bits(Box::new(x.clone())));
        let minus_zero = compare(Comparison::Eq, bits, Expr::Constant(smallest(self.item)));
        self.one_if(binary(Binary::Or, nan, minus_zero))
    }

    fn one_if(&self, condition: Expr) -> Expr {
        one_if(self.item, condition)
    }

    /// Whether elements may be equal and have different bits.
    fn has_specials(&self, emitter: &Emitter<'_, '_>) -> bool {
        self.form == Form::Values && emitter.graph().element(self.sorting.operand).is_float()
    }

    /// Scratch of a row.
    fn scratch(&self, emitter: &mut Emitter<'_, '_>, element: Element, length: Dim) -> BufferId {
        emitter.lowering.scratch_of(element, vec![length], &self.sorting.around)
    }

    /// Scratch of an iteration of the outermost loop.
    fn private(emitter: &mut Emitter<'_, '_>, element: Element, length: i64) -> BufferId {
        let buffers = &mut emitter.lowering.buffers;
        let name = format!("k{}", buffers.len());
        let shape = vec![Dim::from(length)];
        let space = Space::Private(None);
        buffers.push(Buffer { name, element, shape, lanes: 1, space })
    }

    /// Where the items of a row begin, and where they can go: to the result, if it has the right size and they lie side by side.
    fn homes(&self, emitter: &mut Emitter<'_, '_>) -> [Homes; 2] {
        let sorting = self.sorting;
        let extent = sorting.extent.clone();
        let shape = &emitter.lowering.buffers[sorting.result].shape;
        let is_row = shape[sorting.axis + 1..].iter().all(|extent| extent.is(1));
        let is_whole = sorting.count.as_ref().is_none_or(|count| *count == extent);
        let home = |emitter: &mut Emitter<'_, '_>, element: Element, may_be_result: bool| {
            let fits = emitter.lowering.buffers[sorting.result].element.size() == element.size();
            if may_be_result && is_row && is_whole && fits {
                return Home::Result;
            }
            Home::Scratch(self.scratch(emitter, element, extent.clone()))
        };
        let is_pairs = self.form == Form::Pairs;
        [false, true].map(|is_second| Homes {
            items: home(emitter, self.item, is_second && !is_pairs),
            positions: is_pairs.then(|| home(emitter, Element::I64, is_second)),
        })
    }

    /// What stands in a home.
    fn at_home(
        &self,
        emitter: &mut Emitter<'_, '_>,
        (home, element): (Home, Element),
        at: &Address,
    ) -> Expr {
        let expr = self.stands_at((home, element), emitter, at);
        emitter.bind(element, expr)
    }

    /// What stands in a home, without a name.
    fn stands_at(
        &self,
        (home, element): (Home, Element),
        emitter: &Emitter<'_, '_>,
        at: &Address,
    ) -> Expr {
        let result = self.sorting.result;
        match home {
            Home::Scratch(buffer) => at_scratch(buffer, at),
            Home::Result => {
                let found = load(emitter, result, &self.sorting.place(at));
                same_bits(emitter.lowering.buffers[result].element, element, found)
            }
        }
    }

    fn put(&self, emitter: &mut Emitter<'_, '_>, home: Home, at: &Address, expr: Expr) {
        let result = self.sorting.result;
        match home {
            Home::Scratch(buffer) => emitter.put(buffer, at.clone(), expr),
            Home::Result => {
                let own = emitter.lowering.buffers[result].element;
                let expr = same_bits(own, own, expr);
                let target = address(emitter, result, &self.sorting.place(at));
                emitter.put(result, target, expr);
            }
        }
    }

    /// The same bits as a number without a sign.
    fn without_sign(&self, emitter: &mut Emitter<'_, '_>, expr: Expr) -> Expr {
        let unsigned = unsigned(self.item);
        emitter.bind(unsigned, Expr::Convert(unsigned, Box::new(expr)))
    }

    /// In how many bits numbers up to this one differ.
    fn bit_length(&self, emitter: &mut Emitter<'_, '_>, most: &Expr) -> Expr {
        let lanes = self.lanes();
        let count = emitter.declare_lanes(self.item, lanes, self.whole(0));
        let at = emitter.open(&Dim::from(self.item_bits()));
        let by = self.narrow(position(&at));
        let rest = binary(Binary::ShiftRight, most.clone(), by);
        let one = self.one_if(compare(Comparison::Ne, rest, self.whole(0)));
        emitter.set(count, binary(Binary::Add, Expr::Register(count), one));
        emitter.close(Manner::Lanes(lanes));
        self.bind(emitter, Expr::Combine(Combine::Add, count))
    }

    /// An `i64` as large as an item.
    fn narrow(&self, expr: Expr) -> Expr {
        narrow(self.item, expr)
    }

    /// The base of items and the bits in which they differ, from the least and the greatest.
    fn base_and_bits(
        &self,
        emitter: &mut Emitter<'_, '_>,
        (least, greatest): (Expr, Expr),
    ) -> (Expr, Expr) {
        let low = self.whole(i64::from(u32::MAX));
        let is_packed = self.form == Form::Packed;
        let base = if is_packed {
            let high = binary(Binary::Xor, low.clone(), self.whole(-1));
            binary(Binary::And, least, high)
        } else {
            least
        };
        let base = self.bind(emitter, base);
        let mut most = binary(Binary::Sub, greatest, base.clone());
        if is_packed {
            most = binary(Binary::And, binary(Binary::ShiftRight, most, self.whole(32)), low);
        }
        let most = self.bind(emitter, most);
        let bits = self.bit_length(emitter, &most);
        (base, bits)
    }
}

/// The least and the greatest item, and how many elements are special.
struct Bounds {
    least: RegisterId,
    greatest: RegisterId,
    specials: RegisterId,
}

impl Bounds {
    fn declare(radix: &Radix<'_>, emitter: &mut Emitter<'_, '_>, lanes: u32) -> Self {
        let (most, least) = (largest(radix.item), smallest(radix.item));
        Self {
            least: emitter.declare_lanes(radix.item, lanes, Expr::Constant(most)),
            greatest: emitter.declare_lanes(radix.item, lanes, Expr::Constant(least)),
            specials: emitter.declare_lanes(radix.item, lanes, radix.whole(0)),
        }
    }

    fn registers(&self) -> [(Combine, RegisterId); 3] {
        let Self { least, greatest, specials } = *self;
        [(Combine::Min, least), (Combine::Max, greatest), (Combine::Add, specials)]
    }

    /// Takes in an element of the operand, and gives its item.
    fn take(&self, radix: &Radix<'_>, emitter: &mut Emitter<'_, '_>, at: &Address) -> Expr {
        let item = radix.item(emitter, at);
        let specials = if radix.has_specials(emitter) {
            let x = radix.sorting.element(emitter, at);
            radix.special(emitter, &x)
        } else {
            radix.whole(0)
        };
        for ((combine, register), taken) in
            self.registers().into_iter().zip([item.clone(), item.clone(), specials])
        {
            emitter.set(register, binary(combine.binary(), Expr::Register(register), taken));
        }
        item
    }
}

/// A digit of items. What is above the base has no sign, so that the highest digit needs no mask and a digit is a place as it is.
struct Digit {
    base: Expr,
    shift: Expr,
    /// The bits of the digit; nothing if there are no higher ones.
    mask: Option<Expr>,
    /// Where its table begins; at the beginning, if nothing is said.
    table: Option<Expr>,
}

impl Digit {
    /// The digit of an item, as a place in a table.
    fn of(&self, radix: &Radix<'_>, emitter: &mut Emitter<'_, '_>, item: Expr) -> Address {
        let above = radix.bind(emitter, binary(Binary::Sub, item, self.base.clone()));
        let above = radix.without_sign(emitter, above);
        let mut digit = binary(Binary::ShiftRight, above, self.shift.clone());
        if let Some(mask) = &self.mask {
            digit = binary(Binary::And, digit, mask.clone());
        }
        let unsigned = unsigned(radix.item);
        let digit = emitter.bind(unsigned, digit);
        let mut slot = computed(wide(emitter, unsigned, digit));
        slot.computed.extend(self.table.clone().map(|table| (table, Dim::from(1))));
        slot
    }
}

impl Region {
    /// A position of the region in the row.
    fn at(&self, position: &Address) -> Address {
        let mut at = position.clone();
        if let Some(start) = &self.start {
            at.computed.push((start.clone(), Dim::from(1)));
        }
        at
    }

    /// Closes a loop over the items.
    fn close(&self, emitter: &mut Emitter<'_, '_>, manner: Manner) {
        match &self.length {
            Some(length) => emitter.close_below(manner, length.clone()),
            None => emitter.close(manner),
        }
    }
}

fn one_if(element: Element, condition: Expr) -> Expr {
    let (one, zero) = (Box::new(whole(element, 1)), Box::new(whole(element, 0)));
    Expr::Select(Box::new(condition), one, zero)
}

/// The type without a sign that is as large as that of items.
fn unsigned(item: Element) -> Element {
    if item == Element::I64 { Element::U64 } else { Element::U32 }
}

/// An `i64` as a number of some type.
fn narrow(element: Element, expr: Expr) -> Expr {
    if element == Element::I64 { expr } else { Expr::Convert(element, Box::new(expr)) }
}

/// A number that is kept in a result of type `own`, as the type `to` of the same size, one of which is that of items.
fn same_bits(own: Element, to: Element, expr: Expr) -> Expr {
    match own.kind() {
        ElementKind::Float => Expr::Bits(Box::new(expr)),
        ElementKind::Unsigned => Expr::Convert(to, Box::new(expr)),
        ElementKind::Signed | ElementKind::Bool => expr,
    }
}
