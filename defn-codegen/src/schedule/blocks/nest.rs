//! Sums of floats inside of rows, block by block.
//!
//! ```text
//! before                                       after
//! for j in 0..m lanes 64 {                     for b in 0..floor((m + 4095) / 4096) {
//!   $0 = add($0, load x[m*i + j])                var $1: f32 lanes 64 = 0.0
//! }                                              for j in 0..min(4096, m - 4096*b) lanes 64 { $1 = add($1, …) }
//!                                                for l in 0..64 lanes 64 { $0 = add($0, $1) }
//!                                              }
//! ```
//!
//! Where each lane has a row, a block is shorter. There are blocks of blocks: rows may be summed by the million.

use std::collections::BTreeMap;

use super::super::names::Names;
use super::{BLOCK, Part, Registers, folds};
use crate::graph::{Binary, Combine, Dim, Element, Scalar};
use crate::loops::visit;
use crate::loops::{Expr, For, Loops, Manner, RegisterId, Statement};

/// How many numbers are added one after the other: iterations of a block, and blocks of a block of blocks.
const BLOCKS: i64 = 128;

/// Nests the sums of all rows.
pub(in super::super) fn nest(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for position in 0..loops.nests.len() {
        let body = std::mem::take(&mut loops.nests[position].body);
        let mut rows = Rows { names: &mut names, elements: BTreeMap::new(), width: 1, depth: 0 };
        loops.nests[position].body = rows.block(body);
    }
}

struct Rows<'n> {
    names: &'n mut Names,
    /// The registers that are declared so far, with their parts.
    elements: BTreeMap<RegisterId, (Element, u32)>,
    /// How many lanes there are here.
    width: u32,
    /// How many loops are around.
    depth: usize,
}

impl Rows<'_> {
    fn block(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            match statement {
                Statement::For(inner) => out.push(self.repeated(inner)),
                Statement::If { condition, body } => {
                    out.push(Statement::If { condition, body: self.block(body) });
                }
                Statement::Declare { register, element, lanes, initial } => {
                    self.elements.insert(register, (element, lanes));
                    out.push(Statement::Declare { register, element, lanes, initial });
                }
                Statement::Sync
                | Statement::Mma(_)
                | Statement::Let { .. }
                | Statement::Set { .. }
                | Statement::Store { .. } => {
                    out.push(statement);
                }
            }
        }
        out
    }

    fn repeated(&mut self, mut inner: For) -> Statement {
        // At the top stand the reductions of what blocks gave, which are short.
        let sums = if self.depth == 0 { Vec::new() } else { self.sums(&inner) };
        let outside = self.width;
        if let Manner::Lanes(width) = inner.manner {
            self.width = width;
        }
        self.depth += 1;
        inner.body = self.block(std::mem::take(&mut inner.body));
        self.depth -= 1;
        self.width = outside;
        let lengths: &[i64] = match inner.manner {
            Manner::Lanes(_) => &[BLOCK, BLOCKS],
            Manner::Serial | Manner::Sorted | Manner::Parallel => &[BLOCKS, BLOCKS],
        };
        let mut sums = sums;
        for length in lengths {
            let is_longer = inner.extent.as_constant().is_none_or(|extent| extent > *length);
            if sums.is_empty() || !is_longer || inner.clip.is_some() {
                break;
            }
            inner = self.blocks(&inner, &mut sums, *length);
        }
        Statement::For(inner)
    }

    /// The registers of floats that a loop adds to.
    fn sums(&self, inner: &For) -> Vec<Sum> {
        let folds = folds(&inner.body).unwrap_or_default();
        let is_product = |register: RegisterId| {
            let mut product = false;
            visit::statements(&inner.body, &mut |statement| {
                product |= matches!(
                    statement,
                    Statement::Set { register: set, expr: Expr::MultiplyAdd(..) } if *set == register
                );
            });
            product
        };
        let sum = |(register, combine): (RegisterId, Combine)| {
            let (element, parts) = *self.elements.get(&register)?;
            // Where lanes run along another axis than the sum, a product has an order of its own.
            let has_order = parts == 1 && is_product(register);
            let is_sum = combine == Combine::Add && element.is_float() && !has_order;
            is_sum.then_some(Sum { register, element, parts })
        };
        folds.into_iter().filter_map(sum).collect()
    }

    /// A loop over blocks of a loop; what it adds to is what the loop added to.
    fn blocks(&mut self, whole: &For, sums: &mut [Sum], length: i64) -> For {
        let part = Part {
            block: self.names.variable(),
            inside: self.names.variable(),
            length: Dim::from(length),
        };
        let renamed: Vec<(RegisterId, RegisterId)> =
            sums.iter().map(|sum| (sum.register, self.names.register())).collect();
        let inside = whole.body.iter().map(|it| visit::rename_statement(it, &Registers(&renamed)));
        let inside = part.of(whole, inside.collect());
        let mut body = Vec::new();
        for (Sum { element, parts, .. }, (_, register)) in sums.iter().zip(&renamed) {
            let initial = Expr::Constant(Scalar::from_f64(*element, 0.0));
            // Inside of lanes every register has a part for each.
            let lanes = if self.width == 1 { *parts } else { 1 };
            let (register, element) = (*register, *element);
            body.push(Statement::Declare { register, element, lanes, initial });
        }
        body.push(Statement::For(inside));
        body.extend(
            renamed.iter().zip(sums.iter()).map(|((to, from), sum)| self.add(*to, *from, sum)),
        );
        let (variable, extent) = (part.block, part.count(whole));
        For { variable, extent, clip: None, manner: Manner::Serial, body }
    }

    /// `to = add(to, from)`, for each part.
    fn add(&mut self, to: RegisterId, from: RegisterId, sum: &Sum) -> Statement {
        let (so_far, next) = (Box::new(Expr::Register(to)), Box::new(Expr::Register(from)));
        let expr = Expr::Binary(Binary::Add, so_far, next);
        let set = Statement::Set { register: to, expr };
        if sum.parts == 1 || sum.parts == self.width {
            return set;
        }
        Statement::For(For {
            variable: self.names.variable(),
            extent: Dim::from(i64::from(sum.parts)),
            clip: None,
            manner: Manner::Lanes(sum.parts),
            body: vec![set],
        })
    }
}

/// A register that is added to.
#[derive(Clone, Copy)]
struct Sum {
    register: RegisterId,
    element: Element,
    parts: u32,
}
