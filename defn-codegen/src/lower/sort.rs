//! `sort` and `argsort`: elements in order along an axis, by one of three ways that all give the same.
//!
//! Every element has a *key*, an integer that is smaller the earlier the element comes: the bits of a float, turned around below
//! zero, with one key for both zeros and the largest for NaN.
//!
//! A short row: each element counts those that come before it, in lanes, and goes to that place.
//!
//! ```text
//! for i in 0..n lanes 32 {
//!   var $0 = 0
//!   for j in 0..n { $0 = add($0, 1 if key j < key i, or they are equal and j < i) }
//!   store r[@($0)] = x i
//! }
//! ```
//!
//! A long row: radix sort from the lowest digit. One sweep counts the digits of all passes, a running sum makes the counts the places
//! where each digit begins, and each pass moves the elements to the place of their digit, which counts up.
//!
//! ```text
//! for i in 0..n { for each pass: h[pass, digit] += 1 }
//! for each pass { var $0 = 0; for d in 0..256 { let %0 = h[d]; h[d] = $0; $0 = add($0, %0) } }
//! for each pass { for i in 0..n { let %1 = h[digit]; to[%1] = from[i]; h[digit] = add(%1, 1) } }
//! ```
//!
//! The first few of a long row: they are kept in order, and whoever comes before the last of them is put in its place among them.
//! Almost all elements of a long row are refused with one comparison.
//!
//! Sorting rounds nothing, so it does not matter for the bits which way is taken, and that may depend on an extent at run time.

use super::emit::Emitter;
use super::pull::{address, binary, load, position, pull, shifted};
use crate::graph::{Binary, Comparison, Dim, Element, NodeId, Op, Scalar};
use crate::loops::{Address, BufferId, Expr, Manner, RegisterId, Statement};

/// Rows up to this length count; longer ones are worth the histograms.
const SHORT: i64 = 160;

/// Up to so many are kept in order while the row goes by.
const FEW: i64 = 256;

/// The values of a digit. So many lines are written at a time, and the first cache holds them: four passes with bytes take 5.1 ms for
/// a million `f32`, three with 11 bits 6.6.
const DIGITS: i64 = 256;

/// Writes the sorting along the axis, for all other axes.
pub(super) fn sort(emitter: &mut Emitter<'_, '_>, node: NodeId) {
    let Some(result) = emitter.lowering.homes[node] else {
        crate::bug!("lower", "{node:?} has no buffer")
    };
    let graph = emitter.graph();
    let operand = graph.operands(node)[0];
    let shape = graph.shape(operand);
    let (axis, descending, count) = if let Op::Sort { axis, descending } = graph.op(node) {
        (*axis, *descending, None)
    } else {
        let Op::Argsort { axis, descending, count } = graph.op(node) else {
            crate::bug!("lower", "{node:?} does not sort")
        };
        (*axis, *descending, Some(count.clone()))
    };
    let mut rows = Vec::new();
    let mut around = shape.to_vec();
    around.remove(axis);
    for (other, extent) in shape.iter().enumerate() {
        rows.push(if other == axis { Address::default() } else { emitter.open(extent) });
    }
    let keys = Digits::of(graph.element(operand)).keys;
    let extent = shape[axis].clone();
    let sorting = Sorting { operand, result, axis, descending, rows, around, extent, count, keys };
    emitter.choose(&shape[axis], SHORT, |emitter, is_short| {
        let few = sorting.count.as_ref().filter(|count| **count != sorting.extent);
        match few {
            _ if is_short => sorting.by_counting(emitter),
            None => sorting.by_digits(emitter),
            Some(count) => emitter.choose(count, FEW, |emitter, is_few| {
                if is_few { sorting.first_few(emitter) } else { sorting.by_digits(emitter) }
            }),
        }
    });
    for _ in 1..shape.len() {
        emitter.close(Manner::Parallel);
    }
}

impl Emitter<'_, '_> {
    /// Writes what is done if an extent is at most `most`, and what is done otherwise; only one of them if the extent is known.
    fn choose(&mut self, extent: &Dim, most: i64, write: impl Fn(&mut Self, bool)) {
        if let Some(extent) = extent.as_constant() {
            return write(self, extent <= most);
        }
        for (comparison, is_small) in [(Comparison::Le, true), (Comparison::Gt, false)] {
            self.open_condition();
            write(self, is_small);
            self.close_condition(compare(
                comparison,
                dim(extent.clone()),
                whole(Element::I64, most),
            ));
        }
    }

    /// Names a value in the innermost block.
    fn bind(&mut self, element: Element, expr: Expr) -> Expr {
        self.name(self.depth(), element, expr)
    }

    fn set(&mut self, register: RegisterId, expr: Expr) {
        self.emit(Statement::Set { register, expr });
    }

    fn put(&mut self, buffer: BufferId, address: Address, expr: Expr) {
        self.emit(Statement::Store { buffer, address, expr });
    }
}

/// One sorting along the axis.
struct Sorting {
    operand: NodeId,
    result: BufferId,
    axis: usize,
    descending: bool,
    /// The place along all other axes.
    rows: Vec<Address>,
    /// The extents of all other axes.
    around: Vec<Dim>,
    /// How many elements there are.
    extent: Dim,
    /// For positions: how many are wanted.
    count: Option<Dim>,
    /// The element type of keys.
    keys: Element,
}

impl Sorting {
    /// The place at a position along the axis.
    fn place(&self, position: &Address) -> Vec<Address> {
        let mut place = self.rows.clone();
        place[self.axis] = position.clone();
        place
    }

    /// The address of a position in the result.
    fn target(&self, emitter: &Emitter<'_, '_>, position: &Address) -> Address {
        address(emitter, self.result, &self.place(position))
    }

    fn element(&self, emitter: &mut Emitter<'_, '_>, position: &Address) -> Expr {
        pull(emitter, self.operand, &self.place(position))
    }

    /// What goes into the result for the element at a position: the element or the position.
    fn content(&self, emitter: &mut Emitter<'_, '_>, at: &Address) -> Expr {
        if self.count.is_some() { position(at) } else { self.element(emitter, at) }
    }

    /// The key of an element: signed, smaller for what comes first.
    fn key(&self, emitter: &mut Emitter<'_, '_>, x: &Expr) -> Expr {
        let (element, keys) = (emitter.graph().element(self.operand), self.keys);
        let mut key = if element == keys {
            x.clone()
        } else if element.is_float() {
            // −0 + 0 is +0.
            let zero = Expr::Constant(Scalar::from_i64(element, 0));
            let plain = emitter.bind(element, binary(Binary::Add, x.clone(), zero));
            let bits = emitter.bind(keys, Expr::Bits(Box::new(plain)));
            // Below zero the bits grow with the size; all but the sign turn around.
            let width = keys.size() as i64 * 8;
            let sign = binary(Binary::ShiftRight, bits.clone(), whole(keys, width - 1));
            let turned = binary(Binary::And, sign, Expr::Constant(largest(keys)));
            emitter.bind(keys, binary(Binary::Xor, bits, turned))
        } else {
            emitter.bind(keys, Expr::Convert(keys, Box::new(x.clone())))
        };
        if self.descending {
            // −1 − key
            key = emitter.bind(keys, binary(Binary::Xor, key, whole(keys, -1)));
        }
        if element.is_float() {
            let nan = compare(Comparison::Ne, x.clone(), x.clone());
            let last = Box::new(Expr::Constant(largest(keys)));
            key = emitter.bind(keys, Expr::Select(Box::new(nan), last, Box::new(key)));
        }
        key
    }

    fn key_at(&self, emitter: &mut Emitter<'_, '_>, position: &Address) -> Expr {
        let element = self.element(emitter, position);
        self.key(emitter, &element)
    }

    /// A group of lanes for elements of a size, of a loop that is often short.
    fn lanes(&self, extent: &Dim) -> Manner {
        let widest = 128 / self.keys.size() as u32;
        let short = extent.as_constant().and_then(|extent| u32::try_from(extent).ok());
        Manner::Lanes(short.map_or(widest, |extent| widest.min(extent.next_power_of_two())))
    }

    /// A row of at most [`SHORT`] elements.
    fn by_counting(&self, emitter: &mut Emitter<'_, '_>) {
        let keys = emitter.lowering.scratch_of(self.keys, vec![short(&self.extent)], &self.around);
        let at = emitter.open(&self.extent);
        let key = self.key_at(emitter, &at);
        emitter.put(keys, at, key);
        emitter.close(self.lanes(&self.extent));
        // Positions that are not wanted have a place, too.
        let part = self.count.as_ref().filter(|count| **count != self.extent);
        let all = part.map(|_| {
            emitter.lowering.scratch_of(Element::I64, vec![short(&self.extent)], &self.around)
        });

        let at = emitter.open(&self.extent);
        let own = emitter.bind(self.keys, at_scratch(keys, &at));
        let own_position = Expr::Convert(self.keys, Box::new(position(&at)));
        let own_position = if self.keys == Element::I64 { position(&at) } else { own_position };
        let own_position = emitter.bind(self.keys, own_position);
        let rank = emitter.declare(self.keys, whole(self.keys, 0));
        let other_at = emitter.open(&self.extent);
        let other = emitter.bind(self.keys, at_scratch(keys, &other_at));
        let other_position = Expr::Convert(self.keys, Box::new(position(&other_at)));
        let other_position =
            if self.keys == Element::I64 { position(&other_at) } else { other_position };
        let comes_first = before((other, other_position), (own, own_position));
        let one = Expr::Select(
            Box::new(comes_first),
            Box::new(whole(self.keys, 1)),
            Box::new(whole(self.keys, 0)),
        );
        emitter.set(rank, binary(Binary::Add, Expr::Register(rank), one));
        emitter.close(Manner::Serial);
        let rank = wide(emitter, self.keys, Expr::Register(rank));
        let rank = computed(rank);
        let content = self.content(emitter, &at);
        match all {
            Some(all) => emitter.put(all, rank, content),
            None => {
                let target = self.target(emitter, &rank);
                emitter.put(self.result, target, content);
            }
        }
        emitter.close(self.lanes(&self.extent));
        if let (Some(all), Some(count)) = (all, part) {
            self.copy(emitter, all, count);
        }
    }

    /// The first positions of scratch.
    fn copy(&self, emitter: &mut Emitter<'_, '_>, from: BufferId, count: &Dim) {
        let at = emitter.open(count);
        let position = emitter.bind(Element::I64, at_scratch(from, &at));
        let target = self.target(emitter, &at);
        emitter.put(self.result, target, position);
        emitter.close(self.lanes(count));
    }

    /// A row of any length, by its digits.
    fn by_digits(&self, emitter: &mut Emitter<'_, '_>) {
        let element = emitter.graph().element(self.operand);
        let digits = Digits::of(element);
        let table = vec![Dim::from(DIGITS * i64::from(digits.passes))];
        let table = emitter.lowering.scratch_of(Element::I64, table, &self.around);
        self.histograms(emitter, table, digits);
        let moves_positions = self.count.is_some();
        let part = self.count.as_ref().filter(|count| **count != self.extent);
        let row = |emitter: &mut Emitter<'_, '_>, element| {
            Home::Scratch(emitter.lowering.scratch_of(
                element,
                vec![self.extent.clone()],
                &self.around,
            ))
        };
        let last = if part.is_some() { row(emitter, Element::I64) } else { Home::Result };
        let moved = if moves_positions { Element::I64 } else { element };
        let several = digits.passes > 1;
        let other = if several { row(emitter, moved) } else { last };
        let mut content = Ends { at: None, homes: [last, other] };
        let mut elements = (moves_positions && several)
            .then(|| Ends { at: None, homes: [row(emitter, element), row(emitter, element)] });
        for pass in 0..digits.passes {
            self.pass(emitter, (table, digits, pass), (&mut elements, &mut content));
        }
        if let (Home::Scratch(all), Some(count)) = (last, part) {
            self.copy(emitter, all, count);
        }
    }

    /// For every digit of every pass where its elements begin.
    fn histograms(&self, emitter: &mut Emitter<'_, '_>, table: BufferId, digits: Digits) {
        let at = emitter.open(&Dim::from(DIGITS * i64::from(digits.passes)));
        emitter.put(table, at, whole(Element::I64, 0));
        emitter.close(Manner::Lanes(32));

        let at = emitter.open(&self.extent);
        let key = self.key_at(emitter, &at);
        for pass in 0..digits.passes {
            let slot = digits.slot(emitter, key.clone(), pass);
            let seen = emitter.bind(Element::I64, Expr::Load(table, Box::new(slot.clone())));
            let seen = binary(Binary::Add, seen, whole(Element::I64, 1));
            emitter.put(table, slot, seen);
        }
        emitter.close(Manner::Serial);

        for pass in 0..digits.passes {
            let sum = emitter.declare(Element::I64, whole(Element::I64, 0));
            let at = emitter.open(&Dim::from(DIGITS));
            let at = shifted(&at, &Dim::from(DIGITS * i64::from(pass)));
            let seen = emitter.bind(Element::I64, Expr::Load(table, Box::new(at.clone())));
            emitter.put(table, at, Expr::Register(sum));
            emitter.set(sum, binary(Binary::Add, Expr::Register(sum), seen));
            emitter.close(Manner::Serial);
        }
    }

    /// Moves every element to the next place of its digit.
    fn pass(
        &self,
        emitter: &mut Emitter<'_, '_>,
        (table, digits, pass): (BufferId, Digits, u32),
        (elements, content): (&mut Option<Ends>, &mut Ends),
    ) {
        let element = emitter.graph().element(self.operand);
        let rest = digits.passes - 1 - pass;
        let at = emitter.open(&self.extent);
        let source = if self.count.is_some() {
            elements.as_ref().and_then(|elements| elements.at)
        } else {
            content.at
        };
        let x = self.moving(emitter, source, (&at, element));
        let key = self.key(emitter, &x);
        let slot = digits.slot(emitter, key, pass);
        let place = emitter.bind(Element::I64, Expr::Load(table, Box::new(slot.clone())));
        let to = computed(place.clone());
        let moved = match (&self.count, content.at) {
            (None, _) => x.clone(),
            (Some(_), None) => position(&at),
            (Some(_), home) => self.moving(emitter, home, (&at, Element::I64)),
        };
        let home = content.next(rest);
        self.store(emitter, home, &to, moved);
        if let Some(elements) = elements
            && rest > 0
        {
            let home = elements.next(rest);
            self.store(emitter, home, &to, x);
        }
        emitter.put(table, slot, binary(Binary::Add, place, whole(Element::I64, 1)));
        emitter.close(Manner::Serial);
    }

    /// What stands at a place of a row that moves; before it moved, the operand.
    fn moving(
        &self,
        emitter: &mut Emitter<'_, '_>,
        home: Option<Home>,
        (at, element): (&Address, Element),
    ) -> Expr {
        let load = match home {
            None => return self.element(emitter, at),
            Some(Home::Result) => load(emitter, self.result, &self.place(at)),
            Some(Home::Scratch(buffer)) => at_scratch(buffer, at),
        };
        emitter.bind(element, load)
    }

    fn store(&self, emitter: &mut Emitter<'_, '_>, home: Home, at: &Address, expr: Expr) {
        let (buffer, address) = match home {
            Home::Result => (self.result, self.target(emitter, at)),
            Home::Scratch(buffer) => (buffer, at.clone()),
        };
        emitter.put(buffer, address, expr);
    }

    /// The first positions of a row that is longer than them.
    fn first_few(&self, emitter: &mut Emitter<'_, '_>) {
        let Some(count) = self.count.clone().filter(|count| !count.is(0)) else { return };
        let is_sure = count.is_surely_positive();
        if !is_sure {
            emitter.open_condition();
        }
        let keys = emitter.lowering.scratch_of(self.keys, vec![few(&count)], &self.around);
        let nobody = (Expr::Constant(largest(self.keys)), whole(Element::I64, i64::MAX));
        let at = emitter.open(&count);
        let target = self.target(emitter, &at);
        emitter.put(keys, at, nobody.0.clone());
        emitter.put(self.result, target, nobody.1.clone());
        emitter.close(self.lanes(&count));
        let worst = emitter.declare(self.keys, nobody.0);
        let worst_at = emitter.declare(Element::I64, nobody.1);

        let at = emitter.open(&self.extent);
        let key = self.key_at(emitter, &at);
        let own = (key, position(&at));
        let last = (Expr::Register(worst), Expr::Register(worst_at));
        emitter.open_condition();
        self.insert(emitter, keys, (&count, &own));
        let end = Address { constant: count.clone() - Dim::from(1), ..Address::default() };
        emitter.set(worst, at_scratch(keys, &end));
        let end = load(emitter, self.result, &self.place(&end));
        emitter.set(worst_at, end);
        emitter.close_condition(before(own, last));
        emitter.close(Manner::Serial);
        if !is_sure {
            emitter.close_condition(compare(Comparison::Gt, dim(count), whole(Element::I64, 0)));
        }
    }

    /// Puts an element into its place among the first, from the last of them on, so that everyone is read before they are overwritten.
    fn insert(
        &self,
        emitter: &mut Emitter<'_, '_>,
        keys: BufferId,
        (count, own): (&Dim, &(Expr, Expr)),
    ) {
        let steps = count.clone() - Dim::from(1);
        let step = emitter.open(&steps);
        let mut here = Address { constant: steps.clone(), ..Address::default() };
        here.add_scaled(&step, &Dim::from(-1));
        let below = shifted(&here, &Dim::from(-1));
        let lower = self.kept(emitter, keys, &below);
        let old = self.kept(emitter, keys, &here);
        let moves = emitter.bind(Element::Bool, before(own.clone(), lower.clone()));
        let enters = emitter.bind(Element::Bool, before(own.clone(), old.clone()));
        let chosen = |lower: Expr, own: Expr, old: Expr| {
            let stays = Expr::Select(Box::new(enters.clone()), Box::new(own), Box::new(old));
            Expr::Select(Box::new(moves.clone()), Box::new(lower), Box::new(stays))
        };
        let key = chosen(lower.0, own.0.clone(), old.0);
        let place = chosen(lower.1, own.1.clone(), old.1);
        let target = self.target(emitter, &here);
        emitter.put(keys, here, key);
        emitter.put(self.result, target, place);
        emitter.close(self.lanes(&steps));

        let first = Address::default();
        let old = self.kept(emitter, keys, &first);
        let target = self.target(emitter, &first);
        emitter.open_condition();
        emitter.put(keys, first, own.0.clone());
        emitter.put(self.result, target, own.1.clone());
        emitter.close_condition(before(own.clone(), old));
    }

    /// The key and the position of one of the first.
    fn kept(&self, emitter: &mut Emitter<'_, '_>, keys: BufferId, at: &Address) -> (Expr, Expr) {
        let key = emitter.bind(self.keys, at_scratch(keys, at));
        let place = load(emitter, self.result, &self.place(at));
        (key, emitter.bind(Element::I64, place))
    }
}

/// The digits of a key, which are bytes.
#[derive(Clone, Copy)]
struct Digits {
    passes: u32,
    keys: Element,
}

impl Digits {
    fn of(element: Element) -> Self {
        let keys = if element.size() == 8 { Element::I64 } else { Element::I32 };
        Self { passes: element.size() as u32, keys }
    }

    /// Where the table holds the digit of a key.
    fn slot(self, emitter: &mut Emitter<'_, '_>, key: Expr, pass: u32) -> Address {
        let mut digit = key;
        if pass > 0 {
            digit = binary(Binary::ShiftRight, digit, whole(self.keys, i64::from(8 * pass)));
        }
        // The highest digit of a key begins with its sign, which is one for what comes first.
        if pass + 1 == self.keys.size() as u32 {
            digit = binary(Binary::Xor, digit, whole(self.keys, 1 << 7));
        }
        let digit = binary(Binary::And, digit, whole(self.keys, DIGITS - 1));
        let digit = emitter.bind(self.keys, digit);
        let mut slot = computed(wide(emitter, self.keys, digit));
        slot.constant = Dim::from(DIGITS * i64::from(pass));
        slot
    }
}

/// Where a row stands.
#[derive(Clone, Copy)]
enum Home {
    Result,
    Scratch(BufferId),
}

/// A row that moves to and fro until it is in its last home.
struct Ends {
    /// Where it is; nowhere before the first pass.
    at: Option<Home>,
    /// The last one first.
    homes: [Home; 2],
}

impl Ends {
    /// Where it goes when so many passes are left.
    fn next(&mut self, rest: u32) -> Home {
        let next = self.homes[rest as usize % 2];
        self.at = Some(next);
        next
    }
}

/// Whether one key and position comes before another.
fn before(left: (Expr, Expr), right: (Expr, Expr)) -> Expr {
    let earlier = compare(Comparison::Lt, left.1, right.1);
    let equal = compare(Comparison::Eq, left.0.clone(), right.0.clone());
    let tie = binary(Binary::And, equal, earlier);
    binary(Binary::Or, compare(Comparison::Lt, left.0, right.0), tie)
}

fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    Expr::Compare(comparison, Box::new(left), Box::new(right))
}

fn whole(element: Element, value: i64) -> Expr {
    Expr::Constant(Scalar::from_i64(element, value))
}

fn dim(dim: Dim) -> Expr {
    Expr::Position { constant: dim, terms: Vec::new() }
}

fn largest(keys: Element) -> Scalar {
    let value = if keys == Element::I64 { i64::MAX } else { i64::from(i32::MAX) };
    Scalar::from_i64(keys, value)
}

/// A place that is computed.
fn computed(position: Expr) -> Address {
    Address { computed: vec![(position, Dim::from(1))], ..Address::default() }
}

/// An integer as `i64`.
fn wide(emitter: &mut Emitter<'_, '_>, element: Element, expr: Expr) -> Expr {
    let wide =
        if element == Element::I64 { expr } else { Expr::Convert(Element::I64, Box::new(expr)) };
    emitter.bind(Element::I64, wide)
}

fn at_scratch(buffer: BufferId, at: &Address) -> Expr {
    Expr::Load(buffer, Box::new(at.clone()))
}

/// The extent of scratch for a row that is short.
fn short(extent: &Dim) -> Dim {
    extent.as_constant().map_or(Dim::from(SHORT), Dim::from)
}

/// The extent of scratch for a few.
fn few(count: &Dim) -> Dim {
    count.as_constant().map_or(Dim::from(FEW), Dim::from)
}
