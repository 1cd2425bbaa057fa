//! Products whose right operand lies in memory column by column.
//!
//! With few rows or few columns such a product is a handful of dot products, and its lanes run along the reduction.
//! With many the right operand is worth turning: then the columns are the lanes, as in any product, and `product` copies them into panels.
//!
//! ```text
//! before                                              after
//! for i in 0..n parallel {                            if n >= 8 and m >= 8 {
//!   for j in 0..m parallel {                            for i in 0..n parallel { for j in 0..m lanes 64 { … } }
//!     var $0 = 0.0                                    }
//!     for k in 0..l parallel {                        if not(n >= 8 and m >= 8) {
//!       $0 = fma(load a[l*i + k], load b[l*j + k], $0)  as before
//!     } … } }                                         }
//! ```
//!
//! The two forms add up in different orders, so the choice looks at nothing but extents.

use super::lanes::{folds_inside, make_serial};
use super::names::{Choice, Names, choice};
use crate::graph::Comparison;
use crate::loops::visit;
use crate::loops::{Expr, For, Loops, Manner, Statement};

/// From so many rows and columns on the right operand is turned: it costs about as much as two rows.
const MANY: i64 = 8;
/// Enough lanes for every level; `product` takes as many as its tile has.
const LANES: u32 = 64;

/// Writes both forms of all such products.
pub(super) fn forms(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for nest in &mut loops.nests {
        nest.body = block(std::mem::take(&mut nest.body), &mut names);
    }
}

fn block(statements: Vec<Statement>, names: &mut Names) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::For(inner) => out.extend(one_loop(inner, names)),
            Statement::If { condition, body } => {
                out.push(Statement::If { condition, body: block(body, names) });
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => out.push(statement),
        }
    }
    out
}

fn one_loop(mut rows: For, names: &mut Names) -> Vec<Statement> {
    let Some(columns) = columns(&rows) else {
        rows.body = block(rows.body, names);
        return vec![Statement::For(rows)];
    };
    let many = choice(&[
        (rows.extent.clone(), Comparison::Ge, MANY),
        (columns.extent.clone(), Comparison::Ge, MANY),
    ]);
    match many {
        Choice::Never => vec![Statement::For(rows)],
        Choice::Always => vec![Statement::For(turned(rows))],
        Choice::If(many, few) => {
            let dots = names.copy(&[Statement::For(rows.clone())]);
            vec![
                Statement::If { condition: many, body: vec![Statement::For(turned(rows))] },
                Statement::If { condition: few, body: dots },
            ]
        }
    }
}

/// The product with its columns in lanes.
fn turned(mut rows: For) -> For {
    if let Some(Statement::For(columns)) = rows.body.last_mut() {
        columns.manner = Manner::Lanes(LANES);
        make_serial(&mut columns.body);
    }
    rows
}

/// The loop over columns, if the loop over rows is a product whose right operand lies column by column.
fn columns(rows: &For) -> Option<&For> {
    let (Statement::For(columns), before) = rows.body.split_last()? else { return None };
    if rows.clip.is_some() || columns.clip.is_some() {
        return None;
    }
    let both_parallel = rows.manner == Manner::Parallel && columns.manner == Manner::Parallel;
    let plain = before.iter().all(|statement| matches!(statement, Statement::Let { .. }));
    if !both_parallel || !plain || folds_inside(columns) {
        return None;
    }
    let mut reductions = columns.body.iter().filter_map(|statement| match statement {
        Statement::For(inner) => Some(inner),
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => None,
    });
    let mut reduction = reductions.next()?;
    if reductions.next().is_some() {
        return None;
    }
    while let [Statement::For(inner)] = reduction.body.as_slice() {
        reduction = inner;
    }
    let multiplies = |statement: &Statement| {
        matches!(statement, Statement::Set { register: _, expr: Expr::MultiplyAdd(..) })
    };
    if !reduction.body.iter().any(multiplies) {
        return None;
    }
    let (mut left, mut right) = (false, false);
    visit::addresses(&reduction.body, &mut |_, address, _| {
        let of_row = !address.coefficient(rows.variable).is(0);
        let of_column = address.coefficient(columns.variable);
        let along = address.coefficient(reduction.variable).is(1) && address.computed.is_empty();
        left |= of_row && of_column.is(0);
        right |= !of_row && along && !of_column.is(0) && !of_column.is(1);
    });
    (left && right).then_some(columns)
}
