//! The sums of a tile, block of steps by block of steps.
//!
//! ```text
//! for t lanes 256 { store s[…] = load a[…]; store s[…] = load b[…] }        the first block
//! sync
//! for q in 0..floor(k / 8) {
//!   let %0 = and(pos(q), 1)
//!   for t lanes 256 {
//!     var $0 = 0.0, …
//!     if lt(q + 1, floor(k / 8)) { $0 = load a[…], … }                      the next block comes meanwhile
//!     for kk in 0..2 {                                                      four steps, written out
//!       let %1 = load s[…], …                                               as many of each side as a thread has
//!       $8 = fma(%1, %9, $8), …                                             all pairs
//!     }
//!     if lt(q + 1, floor(k / 8)) { store s[…] = $0, … }                     into the other half of the fast memory
//!   }
//!   sync
//! }
//! ```
//!
//! The steps behind the last whole block are one that is shorter. What lies beyond the end of a side or of the steps is not read: the last element is
//! read again instead, and nobody looks at what it gives.

use super::find::{Operand, Side};
use super::place::{Places, number_of, place};
use super::tile::{Own, THREADS, named, with};
use super::write::{Writer, is_multiple, unless_none};
use crate::graph::{Binary, Comparison, Dim, Scalar};
use crate::loops::{Address, Expr, For, Manner, Statement, ValueId, VariableId};
use crate::schedule::names::{compare, number, position};

/// So many steps are written out.
const TOGETHER: i64 = 4;

/// An element that a thread brings into the fast memory.
struct Brought {
    /// What it is, by way of values in front.
    expr: Expr,
    /// Where it belongs in the panels.
    to: Address,
}

/// A block of steps.
struct Block {
    /// Where it begins.
    start: Address,
    /// Whether it may be shorter than others.
    is_last: bool,
}

impl Writer<'_, '_> {
    /// All steps.
    pub(super) fn steps(&mut self) -> Vec<Statement> {
        let (length, steps) = (Dim::from(self.tile.steps), &self.product.steps.extent);
        let blocks = steps.floor_div(&length);
        let whole = blocks.clone() * length;
        let rest = steps.clone() - whole.clone();
        let mut out = unless_none(&blocks, self.blocks(&blocks));
        let start = Address { constant: whole, ..Address::default() };
        let mut last = vec![self.first(&Block { start, is_last: true }), Statement::Sync];
        last.push(self.threads(THREADS, |it, thread| {
            let mut body = Vec::new();
            let own = Own::of(&it.tile, thread, (&mut body, it.names));
            body.push(it.sums((&own, None), rest.clone()));
            body
        }));
        last.push(Statement::Sync);
        out.extend(unless_none(&rest, last));
        out
    }

    /// The whole blocks, each of which comes while the one before it is added up.
    fn blocks(&mut self, blocks: &Dim) -> Vec<Statement> {
        let start = Block { start: Address::default(), is_last: false };
        let mut out = vec![self.first(&start), Statement::Sync];
        let block = self.names.variable();
        let here = position(Dim::default(), Some(block));
        let mut body = Vec::new();
        let half = named(&mut body, self.names, with(Binary::And, here.clone(), 1));
        let other = Expr::Binary(Binary::Xor, Box::new(Expr::Value(half)), Box::new(number(1)));
        let other = named(&mut body, self.names, other);
        let last = position(blocks.clone() - Dim::from(1), None);
        let has_next = compare(Comparison::Lt, here, last);
        let is_alone = blocks.is(1);
        body.push(self.threads(THREADS, |it, thread| {
            let mut body = Vec::new();
            let own = Own::of(&it.tile, thread, (&mut body, it.names));
            let length = it.tile.steps;
            let sums = it.sums((&own, Some(half)), Dim::from(length));
            if is_alone {
                body.push(sums);
                return body;
            }
            let next = Block { start: place(length, &[(block, length)], &[]), is_last: false };
            let (brings, keeps) = it.next(&next, other, (thread, &mut body));
            body.push(Statement::If { condition: has_next.clone(), body: brings });
            body.push(sums);
            body.push(Statement::If { condition: has_next, body: keeps });
            body
        }));
        body.push(Statement::Sync);
        let (extent, manner) = (blocks.clone(), Manner::Serial);
        out.push(Statement::For(For { variable: block, extent, clip: None, manner, body }));
        out
    }

    /// Brings a block, which no other one is added up beside.
    fn first(&mut self, block: &Block) -> Statement {
        self.threads(THREADS, |it, thread| {
            let (mut body, mut loads) = (Vec::new(), Vec::new());
            let brought = it.bring(block, thread, (&mut body, &mut loads));
            body.append(&mut loads);
            for Brought { expr, to: address } in brought {
                body.push(Statement::Store { buffer: it.shared, address, expr });
            }
            body
        })
    }

    /// What brings the next block into registers, which are declared in front, and what keeps it in a half of the panels.
    fn next(
        &mut self,
        block: &Block,
        half: ValueId,
        (thread, front): (VariableId, &mut Vec<Statement>),
    ) -> (Vec<Statement>, Vec<Statement>) {
        let (mut brings, mut keeps) = (Vec::new(), Vec::new());
        let element = self.product.sum.element;
        for Brought { expr, mut to } in self.bring(block, thread, (front, &mut brings)) {
            let register = self.names.register();
            let initial = Expr::Constant(Scalar::from_f64(element, 0.0));
            front.push(Statement::Declare { register, element, lanes: 1, initial });
            brings.push(Statement::Set { register, expr });
            to.computed.push((Expr::Value(half), Dim::from(self.tile.panel())));
            let (buffer, expr) = (self.shared, Expr::Register(register));
            keeps.push(Statement::Store { buffer, address: to, expr });
        }
        (brings, keeps)
    }

    /// What a thread brings of a block; where it belongs is known in front.
    fn bring(
        &mut self,
        block: &Block,
        thread: VariableId,
        (front, out): (&mut Vec<Statement>, &mut Vec<Statement>),
    ) -> Vec<Brought> {
        let mut brought = Vec::new();
        let product = self.product;
        for (side, operand) in product.operands.iter().enumerate() {
            for chunk in 0..self.tile.chunks() {
                let chunk = number_of(place(chunk * THREADS, &[(thread, 1)], &[]));
                let corner = self.corner(operand, chunk, front);
                brought.extend(self.chunk(side, (corner, block), out));
            }
        }
        brought
    }

    /// Neighbours that one thread brings, and where in the panels each belongs.
    fn chunk(
        &mut self,
        side: usize,
        ((element, step), block): ((ValueId, ValueId), &Block),
        out: &mut Vec<Statement>,
    ) -> Vec<Brought> {
        let (vector, stride) = (self.tile.vector, self.tile.stride());
        let product = self.product;
        let (operand, of_side) = (&product.operands[side], &product.sides[side]);
        let corner = [(self.tiles[side], self.tile.length())];
        let (elements, steps) = if operand.along_steps { (1, vector) } else { (vector, 1) };
        let first_element = place(0, &corner, &[(element, elements)]);
        let mut first_step = block.start.clone();
        first_step.computed.push((Expr::Value(step), Dim::from(steps)));
        let begin = first_step.clone();
        let corner = [(step, steps * stride), (element, elements)];
        let reaches_over = !is_multiple(&of_side.extent, self.tile.length());
        let elements = self.neighbours(of_side, (first_element, elements), reaches_over, out);
        let steps = self.neighbours(&product.steps, (first_step, steps), block.is_last, out);
        let mut brought = Vec::new();
        for own in 0..vector {
            let (of_element, of_step, behind) = if operand.along_steps {
                (&elements[0], &steps[own as usize], own * stride)
            } else {
                (&elements[own as usize], &steps[0], own)
            };
            let mut places = of_element.clone();
            places.variables.extend(of_step.variables.clone());
            let mut expr = self.at_place(operand.expr, places, out);
            if self.tile.shape.is_some() {
                let mut at = begin.clone();
                at.constant = at.constant + Dim::from(if operand.along_steps { own } else { 0 });
                expr = self.for_tensor_cores(expr, block.is_last.then_some(at), out);
            }
            let to = place(self.panel(side) + behind, &[], &corner);
            brought.push(Brought { expr, to });
        }
        brought
    }

    /// Where the two blocks of a side are.
    pub(super) fn panel(&self, side: usize) -> i64 {
        side as i64 * 2 * self.tile.panel()
    }

    /// The first element and the first step of a chunk, counted from the corner of a panel; those that are neighbours in vectors.
    fn corner(
        &mut self,
        operand: &Operand<'_>,
        chunk: Expr,
        out: &mut Vec<Statement>,
    ) -> (ValueId, ValueId) {
        let (vector, length) = (self.tile.vector, self.tile.length());
        let shift = |expr: Expr, by: i64| with(Binary::ShiftRight, expr, i64::from(by.ilog2()));
        if !operand.along_steps {
            let row = length / vector;
            let element = with(Binary::And, chunk.clone(), row - 1);
            let element = named(out, self.names, element);
            return (element, named(out, self.names, shift(chunk, row)));
        }
        // Pairs of threads have the next steps of an element: eight numbers, which are all that a memory gives at once.
        let element = with(Binary::And, shift(chunk.clone(), 2), length - 1);
        let element = named(out, self.names, element);
        let low = with(Binary::And, chunk.clone(), 1);
        let high = with(Binary::Mul, shift(chunk, 2 * length), 2);
        let step = Expr::Binary(Binary::Add, Box::new(low), Box::new(high));
        (element, named(out, self.names, step))
    }

    /// The positions of so many neighbours from a place on, none of which is beyond the end.
    fn neighbours(
        &mut self,
        side: &Side<'_>,
        (mut first, count): (Address, i64),
        reaches_over: bool,
        out: &mut Vec<Statement>,
    ) -> Vec<Places> {
        // All are beyond the end, or none.
        let together = is_multiple(&side.extent, count);
        let clamped = |it: &mut Self, place: &Address, width: i64, out: &mut Vec<Statement>| {
            let whole = Dim::from(width);
            let last = side.extent.exact_div(&whole) - Dim::from(1);
            let (at, last) = (number_of(in_vectors(place, width)), position(last, None));
            let least = Expr::Binary(Binary::Min, Box::new(at), Box::new(last));
            self::place(0, &[], &[(named(out, it.names, least), width)])
        };
        if reaches_over && together {
            first = clamped(self, &first, count, out);
        }
        let mut places = Vec::new();
        for own in 0..count {
            let mut at = first.clone();
            at.constant = at.constant + Dim::from(own);
            if reaches_over && !together {
                at = clamped(self, &at, 1, out);
            }
            places.push(self.places(side, at, out));
        }
        places
    }

    /// Adds up the steps of a block that is in the panels. Some of them are written out, so that what the next one needs comes early.
    fn sums(&mut self, own: (&Own, Option<ValueId>), steps: Dim) -> Statement {
        let variable = self.names.variable();
        if let Some(shape) = self.tile.shape {
            let together = shape.steps() as i64;
            let body = self.products(own, shape, &place(0, &[(variable, together)], &[]));
            let together = Dim::from(together);
            let extent = (steps + together.clone() - Dim::from(1)).floor_div(&together);
            let manner = Manner::Serial;
            return Statement::For(For { variable, extent, clip: None, manner, body });
        }
        let together = if is_multiple(&steps, TOGETHER) { TOGETHER } else { 1 };
        let each = 0..together;
        let body = each.flat_map(|step| self.step(own, place(step, &[(variable, together)], &[])));
        let body = body.collect();
        let (extent, manner) = (steps.exact_div(&Dim::from(together)), Manner::Serial);
        Statement::For(For { variable, extent, clip: None, manner, body })
    }

    /// All pairs of what a thread has of both sides.
    fn step(&mut self, (own, half): (&Own, Option<ValueId>), step: Address) -> Vec<Statement> {
        let (tile, element) = (self.tile, self.product.sum.element);
        let mut body = Vec::new();
        let [rows, columns] = [0, 1].map(|side| {
            let mut load = |number: i64| {
                let at = self.panel(side) + tile.behind(side, number);
                let mut from = place(at, &[], &[(own.first[side], tile.vector)]);
                from.add_scaled(&step, &Dim::from(tile.stride()));
                let half = half.map(|half| (Expr::Value(half), Dim::from(tile.panel())));
                from.computed.extend(half);
                let expr = Expr::Load(self.shared, Box::new(from));
                let value = self.names.value();
                body.push(Statement::Let { value, element, expr });
                value
            };
            (0..tile.own).map(&mut load).collect::<Vec<ValueId>>()
        });
        let pairs = rows.iter().flat_map(|row| columns.iter().map(|column| [*row, *column]));
        for (mut pair, register) in pairs.zip(&self.sums) {
            if self.product.first == 1 {
                pair.reverse();
            }
            let [left, right] = pair.map(|value| Box::new(Expr::Value(value)));
            let expr = Expr::MultiplyAdd(left, right, Box::new(Expr::Register(*register)));
            body.push(Statement::Set { register: *register, expr });
        }
        body
    }
}

/// The number of the vector that begins at a place.
fn in_vectors(at: &Address, width: i64) -> Address {
    let part = |by: &Dim| by.exact_div(&Dim::from(width));
    Address {
        constant: part(&at.constant),
        terms: at.terms.iter().map(|(variable, by)| (*variable, part(by))).collect(),
        computed: at.computed.iter().map(|(expr, by)| (expr.clone(), part(by))).collect(),
    }
}
