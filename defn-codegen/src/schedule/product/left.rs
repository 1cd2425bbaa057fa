//! A left operand that lies column by column is turned before a large product.
//!
//! ```text
//! before                                   after
//! for i in 0..n parallel {                 for k in 0..l lanes 16 {
//!   for j in 0..m lanes 64 {                 for i in 0..n { store t[l*i + k] = load a[n*k + i] }
//!     var $0: f32 = 0.0                    }
//!     for k in 0..l {                      for i in 0..n parallel {
//!       let %0 = load a[n*k + i]             … as before, with load t[l*i + k]
//!       …                                  }
//!     } … } }
//! ```
//!
//! Each step of a tile would touch another line of the cache and another page, and use six numbers of it.
//! What is moved is not computed with, so that no bit changes.

use super::{Product, Target};
use crate::graph::{Dim, Element};
use crate::loops::{Address, Buffer, BufferId, Expr, For, Manner, Nest, Space, Statement};

/// As many lanes as a register of the largest level has numbers of four bytes.
const LANES: u32 = 16;

/// A load of a left operand, and the loops that it depends on.
pub(super) struct Left<'s> {
    pub(super) buffer: BufferId,
    address: &'s Address,
    element: Element,
    /// Outermost first: loops around the product, rows, reduction.
    loops: Vec<&'s For>,
}

impl<'s> Left<'s> {
    /// The left operand, if its rows lie side by side and its steps are apart.
    pub(super) fn of(
        (around, product): (&[&'s For], &Product<'s>),
        reduction: &[&'s For],
    ) -> Option<Self> {
        let innermost = reduction.last()?;
        let mut found = innermost.body.iter().filter_map(|statement| match statement {
            Statement::Let { value: _, element, expr: Expr::Load(buffer, address) } => {
                let is_left = address.computed.is_empty()
                    && address.coefficient(product.lanes.variable).is(0)
                    && address.coefficient(product.rows.variable).is(1);
                let step = address.coefficient(innermost.variable);
                let is_apart = step.as_constant().is_none_or(|step| step.abs() > 1);
                (is_left && is_apart).then_some((*buffer, &**address, *element))
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::For(_)
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => None,
        });
        let (buffer, address, element) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let outside = around.iter().filter(|it| !address.coefficient(it.variable).is(0));
        let loops: Vec<&For> = outside.chain([&product.rows]).chain(reduction).copied().collect();
        let is_known = |(variable, _): &(_, Dim)| loops.iter().any(|it| it.variable == *variable);
        address.terms.iter().all(is_known).then_some(Self { buffer, address, element, loops })
    }

    /// Turns the operand in front of the product; the loop over rows then loads what was turned.
    pub(super) fn turn(&self, pays: Option<Expr>, rows: &For, target: &mut Target<'_>) -> For {
        let turned = target.buffers.push(Buffer {
            name: format!("t{}", target.buffers.len()),
            element: self.element,
            shape: self.loops.iter().map(|it| it.extent.clone()).collect(),
            lanes: 1,
            space: Space::Workspace(None),
        });
        let copy = vec![self.copy(turned, rows, target)];
        let copy = match pays {
            None => copy,
            Some(condition) => vec![Statement::If { condition, body: copy }],
        };
        target.front.push(Nest::new(copy));
        For { body: self.loads(&rows.body, turned), ..rows.clone() }
    }

    /// The place in what is turned.
    fn place(&self) -> Address {
        let mut place = Address::default();
        let mut stride = Dim::from(1);
        for it in self.loops.iter().rev() {
            place.add_term(it.variable, &stride);
            stride = stride * it.extent.clone();
        }
        place
    }

    /// The loops that turn: lanes along the reduction, and the rows innermost.
    fn copy(&self, turned: BufferId, rows: &For, target: &mut Target<'_>) -> Statement {
        let value = target.names.value();
        let expr = Expr::Load(self.buffer, Box::new(self.address.clone()));
        let store =
            Statement::Store { buffer: turned, address: self.place(), expr: Expr::Value(value) };
        let mut body = vec![Statement::Let { value, element: self.element, expr }, store];
        let inside = |body, it: &For, manner| {
            vec![Statement::For(For { manner, body, clip: None, ..it.clone() })]
        };
        body = inside(body, rows, Manner::Serial);
        let others = self.loops.iter().filter(|it| it.variable != rows.variable);
        for (position, it) in others.rev().enumerate() {
            let manner = if position == 0 { Manner::Lanes(LANES) } else { Manner::Parallel };
            body = inside(body, it, manner);
        }
        target.names.copy(&body).remove(0)
    }

    fn loads(&self, statements: &[Statement], turned: BufferId) -> Vec<Statement> {
        let load = |statement: &Statement| match statement {
            Statement::For(inner) => {
                Statement::For(For { body: self.loads(&inner.body, turned), ..inner.clone() })
            }
            Statement::Let { value, element, expr: Expr::Load(buffer, address) }
                if *buffer == self.buffer && **address == *self.address =>
            {
                let expr = Expr::Load(turned, Box::new(self.place()));
                Statement::Let { value: *value, element: *element, expr }
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => statement.clone(),
        };
        statements.iter().map(load).collect()
    }
}
