//! Sums beside which nothing else is to do: several at a time, added up at the end.
//!
//! ```text
//! before                                        after
//! for i in 0..32 lanes 32 {                     for i in 0..32 lanes 32 {
//!   var $0: f32 = f32(0.0)                        var $0: f32 = f32(0.0)
//!   for k in 0..64 {                              var $1: f32 = f32(0.0)
//!     $0 = fma(load x[k], load w[32*k + i], $0)   for k in 0..32 {
//!   }                                               $0 = fma(load x[2*k], load w[64*k + i], $0)
//!   ...                                             $1 = fma(load x[2*k + 1], load w[64*k + i + 32], $1)
//!                                                 }
//!                                                 $0 = add($0, $1)
//!                                                 ...
//! ```
//!
//! An addition waits for the one before it, and a processor could begin eight meanwhile. A loop over many columns has those of the next
//! columns; a vector times a small matrix, as recurrent cells have it, has none.
//! A processor with few registers has the columns in two parts.
//! How many sums there are depends on extents and element types alone, because the order of a sum is its bits.
//! Never here: sums that many columns have, or that several rows of a product share.

use super::collapse::Replace;
use super::names::{Fresh, Names};
use crate::arena::Arena;
use crate::graph::{Combine, Dim, Element};
use crate::loops::visit;
use crate::loops::{Buffer, Expr, For, Loops, Manner, RegisterId, Statement, ask};
use crate::options::Level;

/// So many bytes of sums keep a processor busy.
const BUSY: i64 = 512;
/// More bytes than this in all columns are busy enough.
const COLUMNS: i64 = 1024;
/// So many bytes of registers hold them all, and what is added.
const ENOUGH: u32 = 1024;
/// More sums at a time than this make the end of a short one dear.
const MOST: i64 = 4;

/// Writes such sums as several.
pub(super) fn chains(loops: &mut Loops, level: Level) {
    let mut names = Names::of(loops);
    for nest in loops.nests.iter_mut().filter(|nest| nest.control.is_none()) {
        for statement in &mut nest.body {
            let Statement::For(columns) = statement else { continue };
            let Some(lanes) = few(columns) else { continue };
            let body = block(columns.body.clone(), lanes, &mut names);
            let is_several = body.len() > columns.body.len();
            if let Manner::Lanes(width) = columns.manner
                && is_several
                && level.registers() * level.register_bytes() < ENOUGH
                && i64::from(width / 2) < lanes
                && keep_to_themselves(&body, &loops.buffers)
            {
                columns.manner = Manner::Lanes(width / 2);
            }
            columns.body = body;
        }
    }
}

/// Whether no lane reads another, nor scratch of its own.
fn keep_to_themselves(body: &[Statement], buffers: &Arena<Buffer>) -> bool {
    let mut alone = true;
    visit::addresses(body, &mut |buffer, _, _| alone &= buffers[buffer].lanes == 1);
    visit::statements(body, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| alone &= !matches!(expr, Expr::Shift { .. }));
        });
    });
    alone
}

/// How many lanes are used at a time, if there are few columns.
fn few(columns: &For) -> Option<i64> {
    let Manner::Lanes(width) = columns.manner else { return None };
    let extent = columns.extent.as_constant().filter(|_| columns.clip.is_none())?;
    (extent * 4 <= COLUMNS).then_some(extent.min(i64::from(width)))
}

fn block(body: Vec<Statement>, lanes: i64, names: &mut Names) -> Vec<Statement> {
    let mut out: Vec<Statement> = Vec::with_capacity(body.len());
    for statement in body {
        match statement {
            Statement::For(sum) => match several(&sum, &out, lanes) {
                Some((folds, chains)) => out.extend(apart(&sum, &folds, chains, names)),
                None => out.push(Statement::For(sum)),
            },
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => out.push(statement),
        }
    }
    out
}

/// A register that a loop folds.
struct Fold {
    register: RegisterId,
    element: Element,
    initial: Expr,
    combine: Combine,
}

/// What a loop folds, and into how many parts at a time; `front` stands before it.
fn several(sum: &For, front: &[Statement], lanes: i64) -> Option<(Vec<Fold>, i64)> {
    if sum.manner != Manner::Serial || sum.clip.is_some() {
        return None;
    }
    let mut folds: Vec<Fold> = Vec::new();
    for statement in &sum.body {
        match statement {
            Statement::Let { value: _, element: _, expr } if !reads_registers(expr) => {}
            Statement::Set { register, expr } => {
                let fold = fold(*register, expr, front)?;
                if folds.iter().any(|other| other.register == *register) {
                    return None;
                }
                folds.push(fold);
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::For(_)
            | Statement::Declare { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => return None,
        }
    }
    let bytes: i64 = folds.iter().map(|fold| lanes * fold.element.size() as i64).sum();
    let times = sum.extent.as_constant()?;
    let mut chains = MOST;
    while chains > 1 && (bytes * chains > BUSY || times < 2 * chains) {
        chains /= 2;
    }
    (chains > 1 && !folds.is_empty()).then_some((folds, chains))
}

/// The fold of a register that begins with what changes nothing.
fn fold(register: RegisterId, expr: &Expr, front: &[Statement]) -> Option<Fold> {
    let combine = ask::fold_of(register, expr)?;
    let mut reads = 0;
    visit::expressions(expr, &mut |expr| reads += usize::from(matches!(expr, Expr::Register(_))));
    let declared = front.iter().rev().find_map(|statement| match statement {
        Statement::Declare { register: found, element, lanes: 1, initial } => {
            (*found == register).then(|| (*element, initial.clone()))
        }
        Statement::Declare { .. }
        | Statement::For(_)
        | Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => None,
    });
    let (element, initial) = declared?;
    let begins = initial == Expr::Constant(combine.identity(element));
    (begins && reads == 1).then_some(Fold { register, element, initial, combine })
}

fn reads_registers(expr: &Expr) -> bool {
    let mut reads = false;
    visit::expressions(expr, &mut |expr| {
        reads |= matches!(expr, Expr::Register(_) | Expr::Combine(..));
    });
    reads
}

/// The loop with so many parts of each fold, and what puts them together.
fn apart(sum: &For, folds: &[Fold], chains: i64, names: &mut Names) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut parts: Vec<Fresh> = vec![Fresh::default()];
    for _ in 1..chains {
        let mut part = Fresh::default();
        for fold in folds {
            let register = names.register();
            part.registers.insert(fold.register, register);
            let (element, initial) = (fold.element, fold.initial.clone());
            out.push(Statement::Declare { register, element, lanes: 1, initial });
        }
        parts.push(part);
    }
    let mut copy = |at: Replace, part: &Fresh| -> Vec<Statement> {
        let body: Vec<Statement> =
            sum.body.iter().map(|it| visit::rename_statement(it, &at)).collect();
        names.copy(&body).iter().map(|it| visit::rename_statement(it, part)).collect()
    };
    let (variable, times) = (sum.variable, sum.extent.as_constant().unwrap_or_default());
    let mut body = Vec::new();
    for (constant, part) in (0..chains).zip(&parts) {
        let terms = vec![(variable, Dim::from(chains))];
        body.extend(copy(Replace { variable, constant: Dim::from(constant), terms }, part));
    }
    out.push(Statement::For(For { extent: Dim::from(times / chains), body, ..sum.clone() }));
    for (constant, part) in (times - times % chains..times).zip(&parts) {
        let constant = Dim::from(constant);
        out.extend(copy(Replace { variable, constant, terms: Vec::new() }, part));
    }
    for fold in folds {
        out.extend(together(fold, &parts));
    }
    out
}

/// Neighbours are added, then what they gave, and so on.
fn together(fold: &Fold, parts: &[Fresh]) -> Vec<Statement> {
    let own = |part: &Fresh| part.registers.get(&fold.register).copied();
    let all = parts.iter().map(|part| own(part).unwrap_or(fold.register));
    let mut values: Vec<Expr> = all.map(Expr::Register).collect();
    while values.len() > 1 {
        let pairs = values.chunks(2).map(|pair| match pair {
            [left, right] => {
                Expr::Binary(fold.combine.binary(), Box::new(left.clone()), Box::new(right.clone()))
            }
            _ => pair[0].clone(),
        });
        values = pairs.collect();
    }
    let expr = values.remove(0);
    vec![Statement::Set { register: fold.register, expr }]
}
