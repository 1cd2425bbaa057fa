//! The sums of a tile, by tensor cores.
//!
//! ```text
//! store s[…] = select(ne(%0, %0), nan, bits(and(add(bits(%0), 4096), -8192)))       rounded to 10 bits behind the point
//! for kk in 0..2 {                                                                  eight steps at a time
//!   let %1 = load s[…], …                                                           what the thread holds of 16 rows and 8 columns
//!   mma.m16n8k8.tf32 ($0, $1, $8, $9) += (%1, %2, %3, %4) * (%17, %18), …           all pairs
//! }
//! ```
//!
//! Halves are rounded away from zero, as `cvt.rna` does. Steps beyond the last one are zeros on both sides.

use super::place::{number_of, place};
use super::tile::Own;
use super::write::Writer;
use crate::graph::{Binary, Comparison, Dim, Element, Scalar};
use crate::loops::mma::Shape;
use crate::loops::{Address, Expr, Mma, Statement, ValueId};
use crate::schedule::names::{compare, position};

/// Half of the last bit that is kept, and which bits are.
const HALF: i64 = 0x1000;
const KEPT: i64 = -0x2000;

impl Writer<'_, '_> {
    /// An element as tensor cores want it; zero, if it is of a step beyond the last.
    pub(super) fn for_tensor_cores(
        &mut self,
        expr: Expr,
        step: Option<Address>,
        out: &mut Vec<Statement>,
    ) -> Expr {
        let (value, element) = (self.names.value(), self.product.sum.element);
        out.push(Statement::Let { value, element, expr });
        let whole = || Box::new(Expr::Value(value));
        let number = |number| Box::new(Expr::Constant(Scalar::from_i64(Element::I32, number)));
        let bits = Box::new(Expr::Bits(whole()));
        let up = Box::new(Expr::Binary(Binary::Add, bits, number(HALF)));
        let rounded = Expr::Bits(Box::new(Expr::Binary(Binary::And, up, number(KEPT))));
        let constant = |number| Box::new(Expr::Constant(Scalar::from_f64(element, number)));
        let is_nan = compare(Comparison::Ne, Expr::Value(value), Expr::Value(value));
        let seen = Expr::Select(Box::new(is_nan), constant(f64::NAN), Box::new(rounded));
        let Some(step) = step else { return seen };
        let end = position(self.product.steps.extent.clone(), None);
        let is_step = compare(Comparison::Lt, number_of(step), end);
        Expr::Select(Box::new(is_step), Box::new(seen), constant(0.0))
    }

    /// The products of what a warp has of both sides, from a step on.
    pub(super) fn products(
        &mut self,
        own: (&Own, Option<ValueId>),
        shape: Shape,
        step: &Address,
    ) -> Vec<Statement> {
        let (mut body, of_thread) = (Vec::new(), self.tile.own);
        let eights = (shape.rows() / 8) as i64;
        let mut matrices = |side: usize, eights: i64, count: i64| -> Vec<Vec<Expr>> {
            let first = (0..count).map(|at| (side, eights * at, eights));
            first.map(|which| self.matrix(own, (shape, step), which, &mut body)).collect()
        };
        let rows = matrices(0, eights, of_thread / eights);
        let columns = matrices(1, 1, of_thread / 2);
        for (at, left) in rows.iter().enumerate() {
            for (column, right) in columns.iter().enumerate() {
                let sum = |number: usize| {
                    let row = at as i64 * eights + number as i64 / 2;
                    self.sums[(row * of_thread) as usize + 2 * column + number % 2]
                };
                let sums = (0..shape.held()[0]).map(sum).collect();
                let (left, right) = (left.clone(), right.clone());
                body.push(Statement::Mma(Mma { shape, sums, left, right }));
            }
        }
        body
    }

    /// What a thread holds of so many times eight neighbours, from those on: one of eight, and one of every four steps.
    fn matrix(
        &mut self,
        (own, half): (&Own, Option<ValueId>),
        (shape, step): (Shape, &Address),
        (side, first, eights): (usize, i64, i64),
        out: &mut Vec<Statement>,
    ) -> Vec<Expr> {
        let (stride, element) = (self.tile.stride(), shape.element());
        let mut held = Vec::new();
        for four in 0..shape.steps() as i64 / 4 {
            for eight in first..first + eights {
                let at = self.panel(side) + 8 * eight + 4 * four * stride;
                let mut from = place(at, &[], &[(own.lane[0], 1), (own.lane[1], stride)]);
                from.add_scaled(&own.corner[side], &Dim::from(1));
                from.add_scaled(step, &Dim::from(stride));
                let half = half.map(|half| (Expr::Value(half), Dim::from(self.tile.panel())));
                from.computed.extend(half);
                let expr = Expr::Load(self.shared, Box::new(from));
                let value = self.names.value();
                out.push(Statement::Let { value, element, expr });
                held.push(Expr::Value(value));
            }
        }
        held
    }
}
