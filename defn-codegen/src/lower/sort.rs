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
//! A long row: by the digits of its keys, which [`radix`](super::radix) writes.
//!
//! The first few of a long row: they are kept in order, and whoever comes before the last of them is put in its place among them.
//! Almost all elements of a long row are refused with one comparison.
//!
//! Sorting rounds nothing, so it does not matter for the bits which way is taken, and that may depend on an extent at run time.

use super::emit::Emitter;
use super::pull::{address, binary, load, position, pull, shifted};
use super::radix::{self, Radix};
use crate::graph::{Binary, Comparison, Dim, Element, ElementKind, NodeId, Op, Scalar};
use crate::loops::{Address, BufferId, Expr, Manner, RegisterId, Statement};

/// Rows up to this length count; longer ones are worth the histograms.
const SHORT: i64 = 160;

/// Up to so many are kept in order while the row goes by.
const FEW: i64 = 256;

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
    around.retain(|extent| !extent.is(1));
    for (other, extent) in shape.iter().enumerate() {
        let stays = other == axis || extent.is(1);
        rows.push(if stays { Address::default() } else { emitter.open(extent) });
    }
    let keys = if graph.element(operand).size() == 8 { Element::I64 } else { Element::I32 };
    let extent = shape[axis].clone();
    let sorting = Sorting { operand, result, axis, descending, rows, around, extent, count, keys };
    let depth = sorting.around.len();
    emitter.choose(&sorting.extent, SHORT, |emitter, is_short| match sorting.few() {
        _ if is_short => sorting.by_counting(emitter),
        None => sorting.by_digits(emitter),
        Some(count) => emitter.choose(count, FEW, |emitter, is_few| {
            if is_few { sorting.first_few(emitter) } else { sorting.by_digits(emitter) }
        }),
    });
    sorting.in_parts(emitter);
    for _ in 0..depth {
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
    pub(super) fn bind(&mut self, element: Element, expr: Expr) -> Expr {
        self.name(self.depth(), element, expr)
    }

    pub(super) fn set(&mut self, register: RegisterId, expr: Expr) {
        self.emit(Statement::Set { register, expr });
    }

    pub(super) fn put(&mut self, buffer: BufferId, address: Address, expr: Expr) {
        self.emit(Statement::Store { buffer, address, expr });
    }
}

/// One sorting along the axis.
pub(super) struct Sorting {
    pub(super) operand: NodeId,
    pub(super) result: BufferId,
    pub(super) axis: usize,
    pub(super) descending: bool,
    /// The place along all other axes.
    rows: Vec<Address>,
    /// The extents of all other axes.
    pub(super) around: Vec<Dim>,
    /// How many elements there are.
    pub(super) extent: Dim,
    /// For positions: how many are wanted.
    pub(super) count: Option<Dim>,
    /// The element type of keys.
    pub(super) keys: Element,
}

impl Sorting {
    /// The place at a position along the axis.
    pub(super) fn place(&self, position: &Address) -> Vec<Address> {
        let mut place = self.rows.clone();
        place[self.axis] = position.clone();
        place
    }

    /// The address of a position in the result.
    pub(super) fn target(&self, emitter: &Emitter<'_, '_>, position: &Address) -> Address {
        address(emitter, self.result, &self.place(position))
    }

    pub(super) fn element(&self, emitter: &mut Emitter<'_, '_>, position: &Address) -> Expr {
        pull(emitter, self.operand, &self.place(position))
    }

    /// What goes into the result for the element at a position: the element or the position.
    fn content(&self, emitter: &mut Emitter<'_, '_>, at: &Address) -> Expr {
        if self.count.is_some() { position(at) } else { self.element(emitter, at) }
    }

    /// The key of an element: signed, smaller for what comes first.
    pub(super) fn key(&self, emitter: &mut Emitter<'_, '_>, x: &Expr) -> Expr {
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
            let bits = emitter.bind(keys, Expr::Convert(keys, Box::new(x.clone())));
            if is_natural(element, keys) {
                // What has the highest bit comes behind, as what has no sign does.
                let least = Expr::Constant(smallest(keys));
                emitter.bind(keys, binary(Binary::Xor, bits, least))
            } else {
                bits
            }
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

    /// For positions: how many are wanted, if these are not all.
    fn few(&self) -> Option<&Dim> {
        self.count.as_ref().filter(|count| **count != self.extent)
    }

    /// A long row by its digits; one that is parted is left to [`Self::in_parts`].
    fn by_digits(&self, emitter: &mut Emitter<'_, '_>) {
        let compared = |comparison, number| {
            compare(comparison, dim(self.extent.clone()), whole(Element::I64, number))
        };
        let is_short = compared(Comparison::Le, radix::LARGE);
        let is_huge = compared(Comparison::Gt, radix::HUGE);
        if let Some(extent) = self.extent.as_constant() {
            if extent <= radix::LARGE || extent > radix::HUGE {
                Radix::new(self, extent <= radix::HUGE).row(emitter);
            }
            return;
        }
        let row = |emitter: &mut Emitter<'_, '_>, is_small, condition| {
            emitter.open_condition();
            Radix::new(self, is_small).row(emitter);
            emitter.close_condition(condition);
        };
        if self.count.is_some() && self.keys == Element::I32 {
            row(emitter, true, is_short);
            row(emitter, false, is_huge);
        } else {
            row(emitter, false, binary(Binary::Or, is_short, is_huge));
        }
    }

    /// A row that is parted. Its steps stand beside each other, so that each can have tasks.
    fn in_parts(&self, emitter: &mut Emitter<'_, '_>) {
        let mut conditions = Vec::new();
        let extents = [(Some(&self.extent), radix::LARGE), (self.few(), FEW)];
        for (extent, least) in extents {
            match extent.map(|extent| (extent, extent.as_constant())) {
                None => {}
                Some((_, Some(extent))) if extent > least => {}
                Some((_, Some(_))) => return,
                Some((extent, None)) => conditions.push(compare(
                    Comparison::Gt,
                    dim(extent.clone()),
                    whole(Element::I64, least),
                )),
            }
        }
        match self.extent.as_constant() {
            Some(extent) if extent > radix::HUGE => return,
            Some(_) => {}
            None => conditions.push(compare(
                Comparison::Le,
                dim(self.extent.clone()),
                whole(Element::I64, radix::HUGE),
            )),
        }
        let guard = conditions.into_iter().reduce(|all, one| binary(Binary::And, all, one));
        Radix::new(self, true).parted(emitter, guard.as_ref());
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

/// Whether one key and position comes before another.
fn before(left: (Expr, Expr), right: (Expr, Expr)) -> Expr {
    let earlier = compare(Comparison::Lt, left.1, right.1);
    let equal = compare(Comparison::Eq, left.0.clone(), right.0.clone());
    let tie = binary(Binary::And, equal, earlier);
    binary(Binary::Or, compare(Comparison::Lt, left.0, right.0), tie)
}

pub(super) fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    Expr::Compare(comparison, Box::new(left), Box::new(right))
}

/// Whether keys of this type have the highest bit of elements where their own sign is.
pub(super) fn is_natural(element: Element, keys: Element) -> bool {
    element.kind() == ElementKind::Unsigned && element.size() == keys.size()
}

pub(super) fn whole(element: Element, value: i64) -> Expr {
    Expr::Constant(Scalar::from_i64(element, value))
}

pub(super) fn dim(dim: Dim) -> Expr {
    Expr::Position { constant: dim, terms: Vec::new() }
}

pub(super) fn largest(keys: Element) -> Scalar {
    let value = if keys == Element::I64 { i64::MAX } else { i64::from(i32::MAX) };
    Scalar::from_i64(keys, value)
}

pub(super) fn smallest(keys: Element) -> Scalar {
    let value = if keys == Element::I64 { i64::MIN } else { i64::from(i32::MIN) };
    Scalar::from_i64(keys, value)
}

/// A place that is computed.
pub(super) fn computed(position: Expr) -> Address {
    Address { computed: vec![(position, Dim::from(1))], ..Address::default() }
}

/// An integer as `i64`.
pub(super) fn wide(emitter: &mut Emitter<'_, '_>, element: Element, expr: Expr) -> Expr {
    let wide =
        if element == Element::I64 { expr } else { Expr::Convert(Element::I64, Box::new(expr)) };
    emitter.bind(Element::I64, wide)
}

pub(super) fn at_scratch(buffer: BufferId, at: &Address) -> Expr {
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
