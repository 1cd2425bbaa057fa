//! What is done with the sums of a tile.
//!
//! ```text
//! for h in 0..2 { for i in 0..2 { for j in 0..2 {
//!   if eq(h, 0) { if eq(i, 0) { if eq(j, 0) { for t lanes 256 { store s[…] = $0, … } } … } }    one row of every thread: a slice
//!   sync
//!   if the tile is whole { for e in 0..16*128 lanes 256 { … store r0[…] } }   all threads go over the slice
//!   if it is not { for each row in the tile { for c in 0..min(128, m - 128*j) lanes 128 { … } } }
//!   sync
//! } } }
//! ```

use super::place::{Places, number_of, place, unused};
use super::tile::{Own, THREADS, named, with};
use super::write::{Writer, is_multiple};
use crate::graph::{Binary, Comparison, Dim, Unary};
use crate::loops::{Address, Expr, For, Manner, Statement, VariableId};
use crate::schedule::names::{compare, number, position};

impl Writer<'_, '_> {
    /// All slices, one after the other.
    pub(super) fn results(&mut self) -> Vec<Statement> {
        let counters = [(); 3].map(|()| self.names.variable());
        let [vectors, pairs, one_of_two] = counters;
        let (slice, counts) = if self.tile.neighbours(0) == 1 {
            let row = place(0, &[(vectors, 4), (pairs, 2), (one_of_two, 1)], &[]);
            ([row, Address::default()], [self.tile.own / 4, 2, 2])
        } else {
            let vector = self.tile.vector;
            let own = place(0, &[(pairs, 2), (one_of_two, 1)], &[]);
            ([one(vectors), own], [self.tile.own / vector, vector / 2, 2])
        };
        let mut body = self.stored(&counters, &counts, 0);
        body.push(Statement::Sync);
        match self.is_whole() {
            Whole::Always => body.push(self.all(&slice)),
            Whole::Never => body.push(self.row_by_row(&slice)),
            Whole::If(condition) => {
                let not = Expr::Unary(Unary::Not, Box::new(condition.clone()));
                body.push(Statement::If { condition, body: vec![self.all(&slice)] });
                body.push(Statement::If { condition: not, body: vec![self.row_by_row(&slice)] });
            }
        }
        body.push(Statement::Sync);
        for (variable, extent) in counters.into_iter().zip(counts).rev() {
            let (extent, manner) = (Dim::from(extent), Manner::Serial);
            body = vec![Statement::For(For { variable, extent, clip: None, manner, body })];
        }
        body
    }

    /// Stores the row that the counters say. One condition for each of them is a few branches, and no table of where to go.
    fn stored(&mut self, counters: &[VariableId], counts: &[i64], before: i64) -> Vec<Statement> {
        let ([counter, inner @ ..], [count, counts @ ..]) = (counters, counts) else {
            return vec![self.slice(before)];
        };
        let mut out = Vec::new();
        for at in 0..*count {
            let here = position(Dim::default(), Some(*counter));
            let condition = compare(Comparison::Eq, here, number(at));
            let body = self.stored(inner, counts, before * count + at);
            out.push(Statement::If { condition, body });
        }
        out
    }

    /// Stores one row of every thread.
    fn slice(&mut self, row: i64) -> Statement {
        self.threads(THREADS, |it, thread| {
            let mut body = Vec::new();
            let own = Own::of(&it.tile, thread, (&mut body, it.names));
            for column in 0..it.tile.own {
                let vector = it.tile.neighbours(1);
                let values = [(own.slice, it.tile.slice_stride()), (own.first[1], vector)];
                let address = place(it.tile.behind(1, column), &[], &values);
                let expr = Expr::Register(it.sums[(row * it.tile.own + column) as usize]);
                body.push(Statement::Store { buffer: it.shared, address, expr });
            }
            body
        })
    }

    /// All of a slice at once.
    fn all(&mut self, slice: &[Address; 2]) -> Statement {
        let length = self.tile.length();
        self.threads(self.tile.slice() * length, |it, element| {
            let mut body = Vec::new();
            let here = || position(Dim::default(), Some(element));
            let bits = i64::from(length.ilog2());
            let row = named(&mut body, it.names, with(Binary::ShiftRight, here(), bits));
            let column = named(&mut body, it.names, with(Binary::And, here(), length - 1));
            let warp = named(&mut body, it.names, with(Binary::ShiftRight, Expr::Value(row), 3));
            let thread = named(&mut body, it.names, with(Binary::And, Expr::Value(row), 7));
            let [warp, thread] = [warp, thread].map(|value| place(0, &[], &[(value, 1)]));
            let [vector, own] = slice.clone();
            let at_row = it.of_tile(0, it.tile.row([warp, thread, vector, own]));
            let at_column = it.of_tile(1, place(0, &[], &[(column, 1)]));
            let product = it.product;
            let mut places = it.places(&product.sides[0], at_row, &mut body);
            places.variables.extend(it.places(&product.sides[1], at_column, &mut body).variables);
            let from = place(0, &[], &[(row, it.tile.slice_stride()), (column, 1)]);
            let rest = product.rest.iter().copied().cloned().collect();
            body.extend(it.finished(rest, &places, from));
            body
        })
    }

    /// The rows of a slice that there are, and in each the columns that there are.
    fn row_by_row(&mut self, slice: &[Address; 2]) -> Statement {
        let product = self.product;
        let (warp, thread) = (self.names.variable(), self.names.variable());
        let [vector, own] = slice.clone();
        let row = self.of_tile(0, self.tile.row([one(warp), one(thread), vector, own]));
        let end = position(product.sides[0].extent.clone(), None);
        let condition = compare(Comparison::Lt, number_of(row.clone()), end);
        let mut front = Vec::new();
        let mut places = self.places(&product.sides[0], row, &mut front);
        let around = product.rest[..product.around].iter().map(|it| places.statement(it));
        front.extend(around);
        let variable = self.names.variable();
        let mut body = Vec::new();
        let column = self.of_tile(1, one(variable));
        places.variables.extend(self.places(&product.sides[1], column, &mut body).variables);
        let mut from = one(variable);
        let stride = self.tile.slice_stride();
        from.add_term(warp, &Dim::from(8 * stride));
        from.add_term(thread, &Dim::from(stride));
        let rest = product.rest[product.around..].iter().copied().cloned().collect();
        body.extend(self.finished(rest, &places, from));
        let length = self.tile.length();
        let constant = product.sides[1].extent.clone();
        let is_even = is_multiple(&constant, length);
        let mut clip = Address { constant, ..Address::default() };
        clip.add_term(self.tiles[1], &Dim::from(-length));
        let clip = (!is_even).then_some(clip);
        let (extent, manner) = (Dim::from(length), Manner::Lanes(length as u32));
        front.push(Statement::For(For { variable, extent, clip, manner, body }));
        unused(&mut front);
        let mut body = vec![Statement::If { condition, body: front }];
        for (variable, extent) in [(thread, 8), (warp, 2)] {
            let (extent, manner) = (Dim::from(extent), Manner::Serial);
            body = vec![Statement::For(For { variable, extent, clip: None, manner, body })];
        }
        self.names.copy(&body).remove(0)
    }

    /// What is done for a pair, whose sum lies somewhere in the slice.
    fn finished(&mut self, rest: Vec<Statement>, places: &Places, from: Address) -> Vec<Statement> {
        let mut body: Vec<Statement> = rest.iter().map(|it| places.statement(it)).collect();
        for statement in &mut body {
            if let Statement::Declare { register, initial, .. } = statement
                && *register == self.product.sum.register
            {
                *initial = Expr::Load(self.shared, Box::new(from.clone()));
            }
        }
        unused(&mut body);
        self.names.copy(&body)
    }

    /// A place in a tile as one of a side.
    fn of_tile(&self, side: usize, mut place: Address) -> Address {
        place.add_term(self.tiles[side], &Dim::from(self.tile.length()));
        place
    }

    /// Whether all of a tile is inside of both sides.
    fn is_whole(&self) -> Whole {
        let length = self.tile.length();
        let mut holds: Option<Expr> = None;
        for side in [0, 1] {
            let extent = &self.product.sides[side].extent;
            if extent.as_constant().is_some_and(|extent| extent < length) {
                return Whole::Never;
            }
            if is_multiple(extent, length) {
                continue;
            }
            let mut left = Address { constant: extent.clone(), ..Address::default() };
            left.add_term(self.tiles[side], &Dim::from(-length));
            let inside = compare(Comparison::Ge, number_of(left), number(length));
            holds = Some(match holds {
                None => inside,
                Some(other) => Expr::Binary(Binary::And, Box::new(other), Box::new(inside)),
            });
        }
        holds.map_or(Whole::Always, Whole::If)
    }
}

/// The place that a variable counts.
fn one(variable: VariableId) -> Address {
    place(0, &[(variable, 1)], &[])
}

/// Whether tiles are whole.
enum Whole {
    Always,
    Never,
    If(Expr),
}
