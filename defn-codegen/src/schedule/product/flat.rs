//! Rows of an image one behind the other, so that tiles go over their ends.
//!
//! ```text
//! before                                               after
//! for y in 0..h parallel {                             for p in 0..h*w parallel {
//!   for x in 0..w parallel {                             let %9 = div(pos(p), pos(w))
//!     for j in 0..m lanes 64 {                           for j in 0..m lanes 64 {
//!       … load a[(w + 2)*y + x + k] …                      … load a[p + 2*@(%9) + k] …
//!       store r[h*w*j + w*y + x] = $0                      store r[h*w*j + p] = $0
//!     } } }                                              } }
//! ```
//!
//! With 56 pixels in a row, tiles of six would leave two over in each, and with seven the last pixel would take as long as the others.
//! What is stored has to lie without a gap, so that a tile still writes neighbours.

use crate::graph::{Binary, Dim, Element};
use crate::loops::visit::{self, Rename};
use crate::loops::{Address, BufferId, Expr, For, Manner, Statement, ValueId, VariableId};
use crate::schedule::names::{Names, position};

/// One loop over the rows of both; none if a row is more than a part of an address, or what is stored has gaps.
pub(super) fn flat(outer: &For, rows: &For, names: &mut Names) -> Option<For> {
    let is_free = |it: &For| it.manner == Manner::Parallel && it.clip.is_none();
    let names_row = |terms: &[(VariableId, Dim)]| {
        terms.iter().any(|(it, _)| *it == outer.variable || *it == rows.variable)
    };
    let mut fits = is_free(outer) && is_free(rows);
    visit::addresses(&rows.body, &mut |_, address, is_written| {
        let gap = gap(address, outer, rows);
        fits &= gap.is(0) || !is_written;
    });
    visit::statements(&rows.body, &mut |statement| {
        if let Statement::For(For { clip: Some(clip), .. }) = statement {
            fits &= !names_row(&clip.terms);
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Position { constant: _, terms } = expr {
                    fits &= !names_row(terms);
                }
            });
        });
    });
    if !fits {
        return None;
    }
    let (variable, value) = (names.variable(), names.value());
    let place = position(Dim::default(), Some(variable));
    let length = position(rows.extent.clone(), None);
    let expr = Expr::Binary(Binary::Div, Box::new(place), Box::new(length));
    let flattened = Flat { outer, rows, variable, value };
    let mut body = vec![Statement::Let { value, element: Element::I64, expr }];
    body.extend(rows.body.iter().map(|it| visit::rename_statement(it, &flattened)));
    let extent = outer.extent.clone() * rows.extent.clone();
    Some(For { variable, extent, body, ..rows.clone() })
}

/// How much further the next row begins than this one ends.
fn gap(address: &Address, outer: &For, rows: &For) -> Dim {
    address.coefficient(outer.variable) - address.coefficient(rows.variable) * rows.extent.clone()
}

/// Places by the number of a pixel, and by that of its row.
struct Flat<'s> {
    outer: &'s For,
    rows: &'s For,
    variable: VariableId,
    value: ValueId,
}

impl Rename for Flat<'_> {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        // What is left of a row is in the gap, see `place`.
        let terms = || (Dim::default(), vec![(self.variable, Dim::from(1))]);
        let is_outer = (variable == self.outer.variable).then(|| (Dim::default(), Vec::new()));
        (variable == self.rows.variable).then(terms).or(is_outer)
    }

    fn place(&self, buffer: BufferId, address: &Address) -> Option<(BufferId, Address)> {
        let gap = gap(address, self.outer, self.rows);
        let mut flattened = visit::rename_address(address, self);
        if !gap.is(0) {
            flattened.computed.push((Expr::Value(self.value), gap));
        }
        Some((buffer, flattened))
    }
}
