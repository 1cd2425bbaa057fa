//! The loops of a tiled product.
//!
//! In: a product and a tile.   Out: one loop over everything, whose innermost iterations are tiles, and what holds around.

use super::find::{Product, Side, Sum, needed};
use super::place::{Places, number_of, place, unused};
use super::tile::{THREADS, Tile, named};
use crate::arena::Arena;
use crate::graph::{Binary, Comparison, Dim, Element};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Manner, RegisterId, Space, Statement, VariableId,
};
use crate::schedule::names::{Names, compare, number, position};

/// What the parts of a tile share.
pub(super) struct Writer<'w, 's> {
    pub(super) product: &'w Product<'s>,
    pub(super) tile: Tile,
    pub(super) names: &'w mut Names,
    /// What is multiplied, of each side.
    pub(super) factors: [&'w Expr; 2],
    /// What it is.
    pub(super) element: Element,
    /// The fast memory of the panels.
    pub(super) panels: BufferId,
    /// The fast memory of a slice of the results; the same, if elements are as large.
    pub(super) slice: BufferId,
    /// The variables that count tiles along each side.
    pub(super) tiles: [VariableId; 2],
    /// The sums of a thread, row by row.
    pub(super) sums: Vec<RegisterId>,
}

/// All loops.
pub(super) fn tiles(
    product: &Product<'_>,
    tile: Tile,
    (names, buffers): (&mut Names, &mut Arena<Buffer>),
) -> Statement {
    let halves = tile.shape.and(product.halves.as_ref());
    let factors = match halves {
        Some(halves) => halves.factors,
        None => [0, 1].map(|side| product.operands[side].expr),
    };
    let sum = product.sum.element;
    let element = halves.map_or(sum, |halves| halves.element);
    let mut shared = |element, count: i64| {
        let (name, space) = (format!("s{}", buffers.len()), Space::Shared(None));
        buffers.push(Buffer { name, element, shape: vec![Dim::from(count)], lanes: 1, space })
    };
    let (panels, slice) = if element == sum {
        let both = shared(element, tile.panels().max(tile.results()));
        (both, both)
    } else {
        (shared(element, tile.panels()), shared(sum, tile.results()))
    };
    let tiles = [names.variable(), names.variable()];
    let sums: Vec<RegisterId> = (0..tile.own * tile.own).map(|_| names.register()).collect();
    let mut writer = Writer { product, tile, names, factors, element, panels, slice, tiles, sums };
    let mut body = writer.declared();
    body.extend(writer.steps());
    body.extend(writer.results());
    let count = |side: usize| {
        let length = Dim::from(tile.length());
        let extent = product.sides[side].extent.clone() + length.clone() - Dim::from(1);
        extent.floor_div(&length)
    };
    let manner = Manner::Parallel;
    let [rows, columns] = [0, 1].map(count);
    let inner = For { variable: tiles[1], extent: columns, clip: None, manner, body };
    let body = vec![Statement::For(inner)];
    let mut whole = For { variable: tiles[0], extent: rows, clip: None, manner, body };
    for batch in product.batches.iter().rev() {
        whole = For { body: vec![Statement::For(whole)], ..For::clone(batch) };
    }
    Statement::For(whole)
}

/// Whether an extent is sure to be so many times something.
pub(super) fn is_multiple(extent: &Dim, of: i64) -> bool {
    extent.terms().iter().all(|(_, factor)| factor % of == 0)
}

/// A body that runs if an extent is not 0.
pub(super) fn unless_none(extent: &Dim, body: Vec<Statement>) -> Vec<Statement> {
    match extent.as_constant() {
        Some(0) => Vec::new(),
        Some(_) => body,
        None => {
            let condition = compare(Comparison::Ge, position(extent.clone(), None), number(1));
            vec![Statement::If { condition, body }]
        }
    }
}

impl Writer<'_, '_> {
    /// A loop of as many lanes as the team has threads.
    pub(super) fn threads(
        &mut self,
        extent: i64,
        body: impl FnOnce(&mut Self, VariableId) -> Vec<Statement>,
    ) -> Statement {
        let variable = self.names.variable();
        let mut body = body(self, variable);
        unused(&mut body);
        let (extent, manner) = (Dim::from(extent), Manner::Lanes(THREADS as u32));
        Statement::For(For { variable, extent, clip: None, manner, body })
    }

    /// The positions of the loops of a side, where they are one behind the other at a place.
    pub(super) fn places(
        &mut self,
        side: &Side<'_>,
        at: Address,
        out: &mut Vec<Statement>,
    ) -> Places {
        let mut places = Places::default();
        let (first, others) = (side.loops[0], &side.loops[1..]);
        if others.is_empty() {
            places.variables.insert(first.variable, at);
            return places;
        }
        let mut left = named(out, self.names, number_of(at));
        for inner in others.iter().rev() {
            let extent = || Box::new(position(inner.extent.clone(), None));
            let (whole, of) = (Expr::Value(left), Binary::Div);
            let outer = named(out, self.names, Expr::Binary(of, Box::new(whole.clone()), extent()));
            let before = Expr::Binary(Binary::Mul, Box::new(Expr::Value(outer)), extent());
            let rest = Expr::Binary(Binary::Sub, Box::new(whole), Box::new(before));
            let rest = named(out, self.names, rest);
            places.variables.insert(inner.variable, place(0, &[], &[(rest, 1)]));
            left = outer;
        }
        places.variables.insert(first.variable, place(0, &[], &[(left, 1)]));
        places
    }

    /// Computes an expression at a place, with all the values that it is made of.
    pub(super) fn at_place(
        &mut self,
        expr: &Expr,
        mut places: Places,
        out: &mut Vec<Statement>,
    ) -> Expr {
        for named in needed(&self.product.values, expr) {
            let value = self.names.value();
            let expr = places.expr(named.expr);
            out.push(Statement::Let { value, element: named.element, expr });
            places.values.insert(named.value, value);
        }
        places.expr(expr)
    }

    /// The sums of all threads, which begin.
    fn declared(&self) -> Vec<Statement> {
        let Sum { element, initial, .. } = &self.product.sum;
        let declare = |register: &RegisterId| Statement::Declare {
            register: *register,
            element: *element,
            lanes: THREADS as u32,
            initial: initial.clone(),
        };
        self.sums.iter().map(declare).collect()
    }
}
