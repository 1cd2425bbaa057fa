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
use super::names::{Choice, Names, choice, is_below};
use crate::graph::{Comparison, Dim};
use crate::loops::{Expr, For, Loops, Manner, Statement};
use crate::loops::{ask, visit};

/// From so many rows and columns on the right operand is turned: it costs about as much as two rows.
const MANY: i64 = 8;
/// Enough lanes for every level; `product` takes as many as its tile has.
const LANES: u32 = 64;

/// Writes both forms of all such products.
pub(super) fn forms(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for nest in &mut loops.nests {
        nest.body = block(std::mem::take(&mut nest.body), &mut Vec::new(), &mut names);
    }
}

fn block(statements: Vec<Statement>, known: &mut Vec<Expr>, names: &mut Names) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::For(inner) => out.extend(one_loop(inner, known, names)),
            Statement::If { condition, body } => {
                known.push(condition.clone());
                let body = block(body, known, names);
                known.pop();
                out.push(Statement::If { condition, body });
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

fn one_loop(mut outer: For, known: &mut Vec<Expr>, names: &mut Names) -> Vec<Statement> {
    let Some((rows, columns)) = rows_and_columns(&outer) else {
        outer.body = block(outer.body, known, names);
        return vec![Statement::For(outer)];
    };
    // The rows of a stripe are many, and their product reads panels that are there for all stripes.
    if outer.clip.is_some() {
        return vec![Statement::For(turned(outer))];
    }
    // Where rows are known to be few, the other form is not worth its code.
    if is_below(&rows, 2 * MANY, known) {
        return vec![Statement::For(outer)];
    }
    let many = choice(&[(rows, Comparison::Ge, MANY), (columns, Comparison::Ge, MANY)], known);
    match many {
        Choice::Never => vec![Statement::For(outer)],
        Choice::Always => vec![Statement::For(turned(outer))],
        Choice::If(many, few) => {
            let dots = names.copy(&[Statement::For(outer.clone())]);
            vec![
                Statement::If { condition: many, body: vec![Statement::For(turned(outer))] },
                Statement::If { condition: few, body: dots },
            ]
        }
    }
}

/// The product with its columns in lanes.
fn turned(mut outer: For) -> For {
    let is_product = columns(&outer).is_some();
    if let Some(Statement::For(inner)) = outer.body.last_mut() {
        if is_product {
            inner.manner = Manner::Lanes(LANES);
            make_serial(&mut inner.body);
        } else {
            *inner = turned(inner.clone());
        }
    }
    outer
}

/// How many rows and columns the product has that stands alone in a loop; none if there is no such product.
fn rows_and_columns(outer: &For) -> Option<(Dim, Dim)> {
    let mut around = vec![outer];
    while let [Statement::For(inner)] = around[around.len() - 1].body.as_slice()
        && columns(around[around.len() - 1]).is_none()
    {
        around.push(inner);
    }
    let columns = columns(around[around.len() - 1])?;
    let reduction = ask::only_loop(&columns.body)?;
    if around.iter().any(|it| it.manner != Manner::Parallel) {
        return None;
    }
    // A loop that changes the right operand too is one over batches.
    let turned = |variable| {
        let mut depends = false;
        visit::addresses(&reduction.body, &mut |_, address, _| {
            let of_column = !address.coefficient(columns.variable).is(0);
            depends |= of_column && !address.coefficient(variable).is(0);
        });
        depends
    };
    let rows = around.iter().filter(|it| !turned(it.variable));
    let rows = rows.fold(Dim::from(1), |rows, it| rows * it.extent.clone());
    Some((rows, columns.extent.clone()))
}

/// The loop over columns, if the loop over rows is a product whose right operand lies column by column.
fn columns(rows: &For) -> Option<&For> {
    let (columns, reduction) = product(rows)?;
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

/// The loop over columns and the innermost of the reduction, if a loop over rows is a product.
fn product(rows: &For) -> Option<(&For, &For)> {
    let (Statement::For(columns), before) = rows.body.split_last()? else { return None };
    if columns.clip.is_some() {
        return None;
    }
    let both_parallel = rows.manner == Manner::Parallel && columns.manner == Manner::Parallel;
    let plain = before.iter().all(|statement| matches!(statement, Statement::Let { .. }));
    if !both_parallel || !plain || folds_inside(columns) {
        return None;
    }
    let mut reduction = ask::only_loop(&columns.body)?;
    while let [Statement::For(inner)] = reduction.body.as_slice() {
        reduction = inner;
    }
    reduction.body.iter().any(ask::multiplies).then_some((columns, reduction))
}
