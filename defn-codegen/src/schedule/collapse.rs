//! Two loops that together walk through memory without a gap become one.
//!
//! ```text
//! for i in 0..n parallel { for j in 0..m parallel { store r[m*i + j] = neg(load x[m*i + j]) } }
//! for k in 0..n*m parallel { store r[k] = neg(load x[k]) }
//! ```
//!
//! Legal if in every address and position the coefficient of the outer variable is that of the inner one times the inner extent.
//! Loops that run zero times are removed on the way, and so is the variable of a loop that runs once.
//! If that was an outermost loop, what was private to its only iteration is private to nobody.

use crate::graph::Dim;
use crate::loops::visit::{self, Rename};
use crate::loops::{BufferId, Expr, For, Loops, Manner, Space, Statement, VariableId};

/// Collapses all loops of all nests.
pub(super) fn collapse(loops: &mut Loops) {
    for nest in &mut loops.nests {
        nest.body = block(std::mem::take(&mut nest.body));
    }
    share(loops);
}

/// Puts private scratch that outlives an iteration of an outermost loop into the workspace.
fn share(loops: &mut Loops) {
    let mut shared: Vec<BufferId> = Vec::new();
    for nest in &loops.nests {
        outside(&nest.body, &mut shared);
    }
    for buffer in shared {
        if matches!(loops.buffers[buffer].space, Space::Private(_)) {
            loops.buffers[buffer].space = Space::Workspace(None);
        }
    }
}

/// The buffers that are used outside of loops, or loaded in an outermost loop that does not store them.
fn outside(statements: &[Statement], found: &mut Vec<BufferId>) {
    for statement in statements {
        if let Statement::If { condition: _, body } = statement {
            outside(body, found);
            continue;
        }
        let (mut stored, mut loaded) = (Vec::new(), Vec::new());
        visit::addresses(std::slice::from_ref(statement), &mut |buffer, _, written| {
            if written { stored.push(buffer) } else { loaded.push(buffer) }
        });
        if matches!(statement, Statement::For(_)) {
            found.extend(loaded.into_iter().filter(|buffer| !stored.contains(buffer)));
        } else {
            found.extend(stored.into_iter().chain(loaded));
        }
    }
}

pub(super) fn block(statements: Vec<Statement>) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::For(mut inner) => {
                inner.body = block(std::mem::take(&mut inner.body));
                match inner.extent.as_constant() {
                    Some(extent) if extent <= 0 => {}
                    // What a lanes loop holds may need its lanes, and one that sorts is more than its body.
                    Some(1)
                        if inner.clip.is_none()
                            && !matches!(inner.manner, Manner::Lanes(_) | Manner::Sorted) =>
                    {
                        let first = Replace {
                            variable: inner.variable,
                            constant: Dim::default(),
                            terms: Vec::new(),
                        };
                        out.extend(
                            inner
                                .body
                                .iter()
                                .map(|statement| visit::rename_statement(statement, &first)),
                        );
                    }
                    _ => out.push(Statement::For(merged(inner))),
                }
            }
            Statement::If { condition, body } => {
                out.push(Statement::If { condition, body: block(body) });
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => {
                out.push(statement);
            }
        }
    }
    out
}

/// The loop itself, or one loop for it and the only one inside.
fn merged(outer: For) -> For {
    let [Statement::For(inner)] = outer.body.as_slice() else { return outer };
    if outer.manner != Manner::Parallel
        || inner.manner != Manner::Parallel
        || outer.clip.is_some()
        || inner.clip.is_some()
        || !is_gapless(&outer, inner)
    {
        return outer;
    }
    let extent = outer.extent.clone() * inner.extent.clone();
    let variable = inner.variable;
    // The outer variable vanishes: its part is in the coefficient of the inner one.
    let replace = Replace { variable: outer.variable, constant: Dim::default(), terms: Vec::new() };
    let body =
        inner.body.iter().map(|statement| visit::rename_statement(statement, &replace)).collect();
    For { variable, extent, clip: None, manner: Manner::Parallel, body }
}

fn is_gapless(outer: &For, inner: &For) -> bool {
    let fits = |terms: &[(VariableId, Dim)]| {
        let coefficient = |variable| {
            let found = terms.iter().find(|(candidate, _)| *candidate == variable);
            found.map(|(_, coefficient)| coefficient.clone()).unwrap_or_default()
        };
        coefficient(outer.variable) == coefficient(inner.variable) * inner.extent.clone()
    };
    let mut gapless = true;
    visit::addresses(&inner.body, &mut |_, address, _| gapless &= fits(&address.terms));
    visit::statements(&inner.body, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Position { constant: _, terms } = expr {
                    gapless &= fits(terms);
                }
            });
        });
    });
    gapless
}

/// A variable that becomes an affine position.
pub(super) struct Replace {
    pub(super) variable: VariableId,
    pub(super) constant: Dim,
    pub(super) terms: Vec<(VariableId, Dim)>,
}

impl Rename for Replace {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        (variable == self.variable).then(|| (self.constant.clone(), self.terms.clone()))
    }
}
