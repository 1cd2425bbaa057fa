//! Which loop runs in lanes, and in how many.
//!
//! Two choices for each nest: the innermost loops (a reduction then has one part for each lane, folded at the end), or the last loop
//! over rows (every lane then has a row of its own). The one that touches memory more evenly wins.
//!
//! ```text
//! for i in 0..n parallel { var $0 = 0.0; for j in 0..m parallel { $0 = add($0, load x[m*i + j]) }; … }      j in lanes
//! for i in 0..n parallel { var $0 = 0.0; for j in 0..m parallel { $0 = add($0, load x[n*j + i]) }; … }      i in lanes
//! ```
//!
//! Afterwards: no loop inside a lanes loop is `parallel`.

use std::collections::BTreeMap;

use crate::arena::Arena;
use crate::graph::{Binary, Combine, Dim, Element, Unary};
use crate::loops::{Address, Buffer, Expr, For, Loops, Manner, RegisterId, Statement, VariableId};
use crate::loops::{ask, visit};

/// Gives every nest its lanes.
pub(super) fn lanes(loops: &mut Loops) {
    for nest in &mut loops.nests {
        let mut folds = Folds::new();
        block(&mut nest.body, &mut loops.buffers, &mut folds);
        combine_folds(&mut nest.body, &folds);
    }
}

/// What the parts of a register are folded with, and how many there are.
type Folds = BTreeMap<RegisterId, (Combine, u32)>;

fn block(statements: &mut [Statement], buffers: &mut Arena<Buffer>, folds: &mut Folds) {
    for statement in statements.iter_mut() {
        match statement {
            Statement::For(inner) => one_loop(inner, buffers, folds),
            Statement::If { condition: _, body } => block(body, buffers, folds),
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => {}
        }
    }
}

/// Lanes for a loop or for what is inside it. Registers that got parts are added to `folds`.
fn one_loop(outer: &mut For, buffers: &mut Arena<Buffer>, folds: &mut Folds) {
    let is_loop = |statement: &Statement| matches!(statement, Statement::For(_));
    let has_lanes = |statement: &Statement| {
        matches!(statement, Statement::For(For { manner: Manner::Lanes(_), .. }))
    };
    if outer.body.iter().any(has_lanes) {
        return;
    }
    let is_choice = |statement: &Statement| matches!(statement, Statement::If { .. });
    if !outer.body.iter().any(is_loop) && !outer.body.iter().any(is_choice) {
        innermost(outer, buffers, folds);
        return;
    }
    if may_hold_rows(outer) && rows_cost(outer) < columns_cost(outer) {
        rows(outer, buffers);
    } else {
        block(&mut outer.body, buffers, folds);
    }
}

/// Whether a loop folds registers that are declared further out.
pub(super) fn folds_inside(outer: &For) -> bool {
    let mut declared = Vec::new();
    let mut folds = false;
    visit::statements(&outer.body, &mut |statement| match statement {
        Statement::Declare { register, .. } => declared.push(*register),
        Statement::Set { register, expr: _ } => folds |= !declared.contains(register),
        Statement::For(_)
        | Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => {}
    });
    folds
}

fn innermost(inner: &mut For, buffers: &mut Arena<Buffer>, folds: &mut Folds) {
    if inner.manner != Manner::Parallel
        || inner.body.iter().any(|statement| matches!(statement, Statement::If { .. }))
    {
        return;
    }
    let Some(width) = width(inner, buffers, false) else { return };
    let mut own = Folds::new();
    let mut declared = Vec::new();
    for statement in &inner.body {
        if let Statement::Declare { register, .. } = statement {
            declared.push(*register);
        }
        if let Statement::Set { register, expr } = statement
            && !declared.contains(register)
        {
            let Some(combine) = ask::fold_of(*register, expr) else { return };
            own.insert(*register, (combine, width));
        }
    }
    let mut keeps = false;
    visit::addresses(&inner.body, &mut |_, address, written| {
        keeps |= written && address.coefficient(inner.variable).is(0);
    });
    // What an iteration keeps for itself has a part for each lane.
    if keeps {
        if own.is_empty() {
            rows(inner, buffers);
        }
        return;
    }
    folds.extend(own);
    inner.manner = Manner::Lanes(width);
}

/// Gives registers their parts, and folds the parts where the register is read outside of lanes.
fn combine_folds(statements: &mut [Statement], folds: &Folds) {
    for statement in statements.iter_mut() {
        match statement {
            Statement::Declare { register, lanes, .. } => {
                if let Some((_, width)) = folds.get(register) {
                    *lanes = *width;
                }
            }
            Statement::Let { value: _, element: _, expr }
            | Statement::Set { register: _, expr } => {
                fold_reads(expr, folds);
            }
            Statement::Store { buffer: _, address: _, expr } => fold_reads(expr, folds),
            Statement::For(For { manner: Manner::Lanes(_), .. }) => {}
            Statement::For(inner) => combine_folds(&mut inner.body, folds),
            Statement::If { condition: _, body } => combine_folds(body, folds),
            Statement::Sync | Statement::Mma(_) => {}
        }
    }
}

fn fold_reads(expr: &mut Expr, folds: &Folds) {
    *expr = visit::replaced(expr, &mut |inner| {
        let Expr::Register(register) = inner else { return None };
        folds.get(register).map(|(combine, _)| Expr::Combine(*combine, *register))
    });
}

/// Whether every lane could have an iteration of its own.
fn may_hold_rows(outer: &For) -> bool {
    let mut possible = outer.manner == Manner::Parallel && !folds_inside(outer);
    visit::statements(&outer.body, &mut |statement| match statement {
        Statement::If { .. } => possible = false,
        Statement::For(inner) => {
            possible &= !matches!(inner.manner, Manner::Lanes(_));
            // Lanes that run differently often are no lanes.
            possible &= inner.clip.as_ref().is_none_or(|it| it.coefficient(outer.variable).is(0));
        }
        // Nor are lanes that count in tables of their own and write wherever these say.
        Statement::Store { buffer: _, address, expr: _ } => {
            possible &= address.computed.is_empty();
        }
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. } => {}
    });
    let deeper = outer.body.iter().any(|statement| {
        matches!(statement, Statement::For(inner) if inner.manner == Manner::Parallel && only_rows(inner))
    });
    possible && !deeper
}

/// Whether a loop is one over rows that holds everything else: then it is the one to ask.
fn only_rows(inner: &For) -> bool {
    inner
        .body
        .iter()
        .any(|statement| matches!(statement, Statement::Declare { .. } | Statement::For(_)))
        && !folds_inside(inner)
}

/// Runs the rows in lanes.
fn rows(outer: &mut For, buffers: &mut Arena<Buffer>) {
    let Some(width) = width(outer, buffers, true) else { return };
    spread_scratch(outer, width, buffers);
    outer.manner = Manner::Lanes(width);
    make_serial(&mut outer.body);
}

pub(super) fn make_serial(statements: &mut [Statement]) {
    for statement in statements {
        if let Statement::For(inner) = statement {
            inner.manner = Manner::Serial;
            make_serial(&mut inner.body);
        }
    }
}

/// Scratch for one row gets a part for each lane.
fn spread_scratch(outer: &For, width: u32, buffers: &mut Arena<Buffer>) {
    visit::addresses(&outer.body, &mut |buffer, address, written| {
        if written && address.coefficient(outer.variable).is(0) {
            buffers[buffer].lanes = width;
        }
    });
}

/// A body of more values than this is long.
const LONG: usize = 40;

/// How many lanes: a fixed number of bytes, fewer for a short loop of known length. None if lanes do not pay.
fn width(inner: &For, buffers: &Arena<Buffer>, rows: bool) -> Option<u32> {
    let (mut size, mut heavy, mut values) = (1, rows, 0);
    let mut note = |element: Element| size = size.max(element.size());
    visit::addresses(&inner.body, &mut |buffer, _, _| note(buffers[buffer].element));
    visit::statements(&inner.body, &mut |statement| {
        if let Statement::Let { value: _, element, expr: _ } = statement {
            note(*element);
            values += 1;
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| heavy |= is_heavy(expr));
        });
    });
    // A long body has enough independent work of its own, and each of its values needs a register.
    let bytes = match (heavy, values > LONG) {
        (_, true) => 64,
        (true, false) => 128,
        (false, false) => 256,
    };
    let width = (bytes / size as u32).min(64);
    match inner.extent.as_constant() {
        Some(extent) if extent <= 1 => None,
        // No more lanes than a short loop has iterations; what does not fit into 32 bits is not short.
        Some(extent) => {
            let short = u32::try_from(extent).ok().and_then(u32::checked_next_power_of_two);
            Some(short.map_or(width, |short| width.min(short)))
        }
        None => Some(width),
    }
}

/// Whether an expression needs many registers.
fn is_heavy(expr: &Expr) -> bool {
    if let Expr::Unary(unary, _) = expr {
        return !unary.is_plain() && *unary != Unary::Sqrt;
    }
    matches!(expr, Expr::Binary(Binary::Pow | Binary::Atan2 | Binary::Rem | Binary::Div, _, _))
}

/// How much more often a statement in a sweep runs than one beside it, for the comparison of costs.
const SWEEP: f64 = 16.0;

/// The cost of one access for each element, by the step between lanes. A component of tuples is picked from registers;
/// where each lane is on a line of the cache of its own, to write it is dearer than to read it.
fn access_cost(address: &Address, variable: VariableId, written: bool) -> f64 {
    let coefficient = address.coefficient(variable);
    let data = !address.computed.is_empty();
    match coefficient.as_constant() {
        _ if data => 1.0,
        Some(0) => 1.0 / 16.0,
        Some(1) => 1.0 / 8.0,
        Some(step) if !written && is_component(address, step) => 1.0 / 2.0,
        Some(step) if step.abs() < NEAR => 1.0,
        _ if written => 2.0,
        _ => 1.0,
    }
}

/// Lanes that are closer lie on a few lines of the cache together.
const NEAR: i64 = 16;

/// Whether lanes read the same component of one small tuple each.
fn is_component(address: &Address, step: i64) -> bool {
    let whole = |by: &Dim| by.terms().iter().all(|(_, factor)| factor % step == 0);
    (2..=4).contains(&step) && address.terms.iter().all(|(_, by)| whole(by))
}

/// A short loop leaves lanes idle.
fn idle(extent: &Dim) -> f64 {
    match extent.as_constant() {
        Some(extent) if (1..8).contains(&extent) => 8.0 / extent as f64,
        _ => 1.0,
    }
}

fn rows_cost(outer: &For) -> f64 {
    cost(&outer.body, 1.0, &|address, written| access_cost(address, outer.variable, written))
        * idle(&outer.extent)
}

fn columns_cost(outer: &For) -> f64 {
    outer.body.iter().map(|statement| columns_cost_of(statement, 1.0)).sum()
}

fn columns_cost_of(statement: &Statement, weight: f64) -> f64 {
    let Statement::For(inner) = statement else {
        return cost(std::slice::from_ref(statement), weight, &|_, _| 1.0);
    };
    if inner.body.iter().any(|statement| matches!(statement, Statement::For(_))) {
        return inner.body.iter().map(|statement| columns_cost_of(statement, weight * SWEEP)).sum();
    }
    if inner.manner != Manner::Parallel {
        // Its iterations wait for each other, so that they will not be lanes.
        return cost(&inner.body, weight * SWEEP, &|_, _| 1.0);
    }
    cost(&inner.body, weight * SWEEP, &|address, written| {
        access_cost(address, inner.variable, written)
    }) * idle(&inner.extent)
}

/// The cost of all accesses, where deeper loops count more.
fn cost(statements: &[Statement], weight: f64, of: &dyn Fn(&Address, bool) -> f64) -> f64 {
    let mut sum = 0.0;
    for statement in statements {
        if let Statement::For(inner) = statement {
            sum += cost(&inner.body, weight * SWEEP, of);
        } else {
            visit::addresses(std::slice::from_ref(statement), &mut |_, address, written| {
                sum += weight * of(address, written);
            });
        }
    }
    sum
}
