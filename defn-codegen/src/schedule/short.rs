//! Loops of a few iterations are written out.
//!
//! ```text
//! before                                                  after
//! for i in 0..n parallel {                                for i in 0..n parallel {
//!   for a in 0..3 parallel {                                var $0 = 0.0; var $1 = 0.0; var $2 = 0.0
//!     var $0 = 0.0                                          for j in 0..m parallel {
//!     for j in 0..m parallel {                                let %0 = rsqrt(…)
//!       let %0 = rsqrt(…)                                     $0 = add($0, mul(%0, load x[3*j]))
//!       $0 = add($0, mul(%0, load x[3*j + a]))                $1 = add($1, mul(%0, load x[3*j + 1]))
//!     }                                                       $2 = add($2, mul(%0, load x[3*j + 2]))
//!     store r[3*i + a] = $0                                 }
//! } }                                                       store r[3*i] = $0; store r[3*i + 1] = $1; store r[3*i + 2] = $2
//!                                                         }
//! ```
//!
//! A loop around others is written out if they compute something that is the same in all its iterations; then that is done once.
//! So are all loops inside of a longer one, if they only go through the components of points or pixels: lanes then run over those.
//! Never here: loops whose iterations use the same scratch one after the other, or whose order has a meaning.

use std::collections::BTreeSet;

use super::lanes::folds_inside;
use super::names::Names;
use super::product::tile::side_by_side;
use crate::arena::Arena;
use crate::graph::Dim;
use crate::loops::visit::{self, Name};
use crate::loops::{Buffer, Expr, For, Loops, Manner, Statement, ValueId, VariableId};

/// Longer loops stay.
const SHORT: i64 = 4;

/// Writes out short loops of all nests.
pub(super) fn short(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for nest in &mut loops.nests {
        nest.body = block(std::mem::take(&mut nest.body), None, &loops.buffers, &mut names);
    }
}

fn block(
    statements: Vec<Statement>,
    around: Option<VariableId>,
    buffers: &Arena<Buffer>,
    names: &mut Names,
) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::For(mut inner) if goes_over_tuples(&inner, around, buffers) => {
                inner.body = written_out(inner.body, names);
                out.push(Statement::For(inner));
            }
            Statement::For(mut inner) => {
                let body = std::mem::take(&mut inner.body);
                inner.body = block(body, Some(inner.variable), buffers, names);
                match iterations(&inner) {
                    Some(count) if shares_work(&inner) => {
                        out.extend(side_by_side(&inner, count, names));
                    }
                    _ => out.push(Statement::For(inner)),
                }
            }
            Statement::If { condition, body } => {
                out.push(Statement::If { condition, body: block(body, around, buffers, names) });
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => out.push(statement),
        }
    }
    out
}

/// More statements than this are not written out.
const LONGEST: i64 = 64;

/// Whether a loop goes over tuples of components, and all loops inside through the components.
fn goes_over_tuples(outer: &For, around: Option<VariableId>, buffers: &Arena<Buffer>) -> bool {
    let is_short = outer.extent.as_constant().is_some_and(|extent| extent <= SHORT);
    let is_loop = |statement: &Statement| matches!(statement, Statement::For(_));
    if is_short
        || outer.manner != Manner::Parallel
        || outer.clip.is_some()
        || !outer.body.iter().any(is_loop)
        || folds_inside(outer)
        || around.is_some_and(|rows| is_product(rows, outer))
    {
        return false;
    }
    let mut components = Vec::new();
    if size(&outer.body, &mut components).is_none_or(|size| size > LONGEST) {
        return false;
    }
    let mut fits = true;
    visit::addresses(&outer.body, &mut |buffer, address, _| {
        let content = &buffers[buffer];
        fits &= address.computed.is_empty()
            && match address.coefficient(outer.variable).as_constant() {
                Some(0 | 1) => true,
                Some(step @ 2..=SHORT) => {
                    let whole = |dim: &Dim| dim.terms().iter().all(|(_, by)| by % step == 0);
                    let mut others = address.terms.iter();
                    matches!(content.element.size(), 4 | 8)
                        && whole(&content.size())
                        && others.all(|(it, by)| components.contains(it) || whole(by))
                }
                _ => false,
            };
    });
    fits
}

/// Whether a loop goes over the columns of a product, which has tiles of its own.
fn is_product(rows: VariableId, columns: &For) -> bool {
    let (mut left, mut right) = (false, false);
    for statement in columns.body.iter().filter(|it| matches!(it, Statement::For(_))) {
        visit::addresses(visit::body(statement), &mut |_, address, _| {
            let of_row = !address.coefficient(rows).is(0);
            let of_column = !address.coefficient(columns.variable).is(0);
            left |= of_row && !of_column;
            right |= of_column && !of_row;
        });
    }
    left && right
}

/// How many statements there are when all loops are written out, and the variables of those; none if one must stay.
fn size(statements: &[Statement], components: &mut Vec<VariableId>) -> Option<i64> {
    statements.iter().try_fold(0, |sum: i64, statement| match statement {
        Statement::For(inner) => {
            components.push(inner.variable);
            Some(sum + iterations(inner)? * size(&inner.body, components)?)
        }
        Statement::If { .. } => None,
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => Some(sum + 1),
    })
}

/// Statements whose loops are all written out.
fn written_out(statements: Vec<Statement>, names: &mut Names) -> Vec<Statement> {
    let mut out = Vec::new();
    for statement in statements {
        match statement {
            Statement::For(mut inner) => {
                inner.body = written_out(inner.body, names);
                let count = inner.extent.as_constant().unwrap_or_default();
                out.extend(side_by_side(&inner, count, names));
            }
            other @ (Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. }) => out.push(other),
        }
    }
    out
}

/// How many iterations a loop has that may be written side by side.
fn iterations(inner: &For) -> Option<i64> {
    let count = inner.extent.as_constant().filter(|extent| (2..=SHORT).contains(extent))?;
    let mut possible = inner.manner == Manner::Parallel && inner.clip.is_none();
    visit::statements(&inner.body, &mut |statement| match statement {
        Statement::If { .. } => possible = false,
        Statement::For(deeper) => {
            possible &= deeper.manner == Manner::Parallel && deeper.clip.is_none();
        }
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => {}
    });
    visit::addresses(&inner.body, &mut |_, address, written| {
        let apart = !address.coefficient(inner.variable).is(0) && address.computed.is_empty();
        possible &= !written || apart;
    });
    possible.then_some(count)
}

/// Whether loops inside compute something dear in every iteration alike.
fn shares_work(outer: &For) -> bool {
    let mut bound: BTreeSet<ValueId> = BTreeSet::new();
    let mut shares = false;
    let mut look = |statement: &Statement, inside: bool| {
        let Statement::Let { value, element: _, expr } = statement else { return };
        if depends(expr, outer.variable, &bound) {
            bound.insert(*value);
        } else {
            shares |= inside && is_dear(expr);
        }
    };
    for statement in &outer.body {
        look(statement, false);
        visit::statements(visit::body(statement), &mut |deeper| look(deeper, true));
    }
    shares
}

/// Whether an expression changes with a variable, or with what is folded; `bound` are the values that do.
fn depends(expr: &Expr, variable: VariableId, bound: &BTreeSet<ValueId>) -> bool {
    let mut depends = false;
    visit::names(expr, &mut |name| {
        depends |= match name {
            Name::Value(value) => bound.contains(&value),
            Name::Register(_) => true,
            Name::Variable(it) => it == variable,
        };
    });
    depends
}

/// Whether an expression takes longer than the load of its value.
fn is_dear(expr: &Expr) -> bool {
    let mut dear = false;
    visit::expressions(expr, &mut |expr| {
        dear |= matches!(expr, Expr::Unary(unary, _) if !unary.is_plain());
    });
    dear
}
