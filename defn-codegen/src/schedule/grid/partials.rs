//! Long sums of columns: blocks of rows are tasks of their own.
//!
//! In: nests in which every lane adds up a column, block by block.   Out: a nest of the sums of blocks, and one that adds those up.
//!
//! ```text
//! before                                         after
//! for j in 0..m lanes 32 {                       for b in 0..B parallel {
//!   var $0 = 0.0                                   for j in 0..m lanes 32 {
//!   for b in 0..B {                                  var $1 = 0.0
//!     var $1 = 0.0                                   for i in 0..min(128, n - 128*b) { $1 = add($1, load x[128*m*b + m*i + j]) }
//!     for i in 0..min(128, n - 128*b) {              store p[m*b + j] = $1
//!       $1 = add($1, load x[128*m*b + m*i + j])    }
//!     }                                          }
//!     $0 = add($0, $1)                           for j in 0..m lanes 32 {
//!   }                                              var $0 = 0.0
//!   store y[j] = $0                                for b in 0..B { $0 = add($0, load p[m*b + j]) }
//! }                                                store y[j] = $0
//!                                                }
//! ```
//!
//! A device has more threads than there are columns. What is added in which order stays as it is, so that no bit changes.
//! What is computed beside the sums, from values alone, is computed again.

use std::collections::BTreeSet;

use super::super::collapse::Replace;
use super::super::names::Names;
use crate::graph::{Dim, Element};
use crate::loops::visit::{self, Name};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement,
    VariableId, ask,
};

/// Sums of fewer blocks are short.
const FEW: i64 = 8;

/// Makes nests of blocks.
pub(in crate::schedule) fn partials(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for mut nest in std::mem::take(&mut loops.nests) {
        let mut stored = BTreeSet::new();
        visit::addresses(&nest.body, &mut |buffer, _, written| {
            if written {
                stored.insert(buffer);
            }
        });
        let mut search =
            Search { loops, names: &mut names, stored, path: Vec::new(), found: Vec::new() };
        nest.body = search.block(nest.body);
        let found = search.found;
        loops.nests.extend(found);
        loops.nests.push(nest);
    }
}

/// What stands around a place, or in front of it.
#[derive(Clone, Debug)]
enum Around {
    /// A loop, without its body.
    Loop(For),
    /// A condition.
    If(Expr),
    /// A value.
    Let(Statement),
}

struct Search<'l> {
    loops: &'l mut Loops,
    names: &'l mut Names,
    /// What the nest stores.
    stored: BTreeSet<BufferId>,
    path: Vec<Around>,
    /// The nests of blocks.
    found: Vec<Nest>,
}

/// A sum over the rows of a block.
struct Sum<'s> {
    register: RegisterId,
    element: Element,
    declare: &'s Statement,
    rows: &'s For,
    fold: &'s Statement,
}

impl Search<'_> {
    fn block(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        let depth = self.path.len();
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            match statement {
                Statement::For(mut inner) => {
                    let body = std::mem::take(&mut inner.body);
                    self.path.push(Around::Loop(inner.clone()));
                    inner.body = match sum(&body).and_then(|sum| self.replaced(&sum)) {
                        Some(body) => body,
                        None => self.block(body),
                    };
                    self.path.pop();
                    out.push(Statement::For(inner));
                }
                Statement::If { condition, body } => {
                    self.path.push(Around::If(condition.clone()));
                    let body = self.block(body);
                    self.path.pop();
                    out.push(Statement::If { condition, body });
                }
                Statement::Let { .. } => {
                    self.path.push(Around::Let(statement.clone()));
                    out.push(statement);
                }
                Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. }
                | Statement::Sync
                | Statement::Mma(_) => out.push(statement),
            }
        }
        self.path.truncate(depth);
        out
    }

    /// What the body of a loop over blocks becomes, if the sums of blocks can be a nest.
    fn replaced(&mut self, sum: &Sum<'_>) -> Option<Vec<Statement>> {
        let place = Place::of(&self.path)?;
        let count = place.count(sum)?;
        if count.as_constant().is_some_and(|count| count < FEW) {
            return None;
        }
        let values = self.values(sum)?;
        let mut extents: Vec<Dim> = place.outer.iter().map(|it| it.extent.clone()).collect();
        extents.extend([count.clone(), place.lanes.extent.clone()]);
        let buffer = self.loops.buffers.push(Buffer {
            name: format!("p{}", self.loops.buffers.len()),
            element: sum.element,
            shape: extents,
            lanes: 1,
            space: Space::Workspace(None),
        });
        let nest = place.nest((sum, &values), (buffer, count.clone()), self.names);
        self.found.push(nest);
        let value = self.names.value();
        let mut address = place.address(&count, &[]);
        for (variable, by) in place.number() {
            address.add_term(variable, &(by * place.lanes.extent.clone()));
        }
        let load = Expr::Load(buffer, Box::new(address));
        let Statement::Set { register, expr } = sum.fold else { return None };
        let own = Expr::Register(sum.register);
        let expr = visit::replaced(expr, &mut |it| (*it == own).then_some(Expr::Value(value)));
        Some(vec![
            Statement::Let { value, element: sum.element, expr: load },
            Statement::Set { register: *register, expr },
        ])
    }

    /// The values that a sum reads, in order; none if it reads what only this nest knows.
    fn values(&self, sum: &Sum<'_>) -> Option<Vec<Statement>> {
        let mut values = Vec::new();
        let rows = [Statement::For(sum.rows.clone())];
        let mut needed = self.needs(&rows, sum.register)?;
        for around in self.path.iter().rev() {
            let Around::Let(statement) = around else { continue };
            let Statement::Let { value, .. } = statement else { continue };
            if needed.remove(&Name::Value(*value)) {
                needed.extend(self.needs(std::slice::from_ref(statement), sum.register)?);
                values.push(statement.clone());
            }
        }
        values.reverse();
        needed.iter().all(|name| matches!(name, Name::Variable(_))).then_some(values)
    }

    /// The names that statements read and do not declare; none if they do more than compute values and sums of their own.
    fn needs(&self, statements: &[Statement], own: RegisterId) -> Option<BTreeSet<Name>> {
        let (mut declared, mut read) = (BTreeSet::from([Name::Register(own)]), BTreeSet::new());
        let mut is_pure = true;
        visit::statements(statements, &mut |statement| {
            match statement {
                Statement::For(inner) => {
                    declared.insert(Name::Variable(inner.variable));
                }
                Statement::Let { value, .. } => {
                    declared.insert(Name::Value(*value));
                }
                Statement::Declare { register, .. } => {
                    declared.insert(Name::Register(*register));
                }
                Statement::Set { register, .. } => {
                    read.insert(Name::Register(*register));
                }
                Statement::Store { .. }
                | Statement::If { .. }
                | Statement::Sync
                | Statement::Mma(_) => {
                    is_pure = false;
                }
            }
            visit::own_expressions(statement, &mut |expr| {
                visit::names(expr, &mut |name| {
                    read.insert(name);
                });
                visit::expressions(expr, &mut |expr| {
                    is_pure &= !matches!(expr, Expr::Combine(..) | Expr::Shift { .. });
                });
            });
        });
        visit::addresses(statements, &mut |buffer, _, _| {
            is_pure &= !self.stored.contains(&buffer) && self.loops.buffers[buffer].lanes == 1;
        });
        let needed: BTreeSet<Name> = read.difference(&declared).copied().collect();
        let has_registers = needed.iter().any(|name| matches!(name, Name::Register(_)));
        (is_pure && !has_registers).then_some(needed)
    }
}

/// The sum that a loop over blocks consists of.
fn sum(body: &[Statement]) -> Option<Sum<'_>> {
    let [declare, Statement::For(rows), fold] = body else { return None };
    let Statement::Declare { register, element, lanes: 1, initial: Expr::Constant(_) } = declare
    else {
        return None;
    };
    let Statement::Set { register: total, expr } = fold else { return None };
    ask::fold_of(*total, expr)?;
    // Blocks of blocks are sums too, but of fewer tasks.
    let is_innermost = rows.width() == 1 && sum(&rows.body).is_none();
    is_innermost.then_some(Sum { register: *register, element: *element, declare, rows, fold })
}

/// The loops around a sum.
struct Place<'p> {
    conditions: Vec<&'p Expr>,
    /// Loops over rows of sums.
    outer: Vec<&'p For>,
    /// The loop over columns.
    lanes: &'p For,
    /// One loop over blocks, or one over blocks of blocks and one over blocks.
    blocks: Vec<&'p For>,
}

impl<'p> Place<'p> {
    fn of(path: &'p [Around]) -> Option<Self> {
        let (mut conditions, mut outer, mut lanes, mut blocks) =
            (Vec::new(), Vec::new(), None, Vec::new());
        for around in path {
            match around {
                Around::Let(_) => {}
                Around::If(condition) => conditions.push(condition),
                Around::Loop(inner) if lanes.is_some() => blocks.push(inner),
                Around::Loop(inner) if inner.clip.is_some() => return None,
                Around::Loop(inner) => match inner.manner {
                    Manner::Parallel => outer.push(inner),
                    Manner::Lanes(_) => lanes = Some(inner),
                    Manner::Serial | Manner::Sorted => return None,
                },
            }
        }
        let are_of_extents = conditions.iter().all(|condition| ask::is_of_extents(condition));
        let place = Self { conditions, outer, lanes: lanes?, blocks };
        ((1..=2).contains(&place.blocks.len()) && are_of_extents).then_some(place)
    }

    /// How many blocks there are, if those of all blocks of blocks follow each other.
    fn count(&self, sum: &Sum<'_>) -> Option<Dim> {
        count(&self.blocks, sum.rows)
    }

    /// The number of a block, as a sum over the variables of the loops over blocks.
    fn number(&self) -> Vec<(VariableId, Dim)> {
        match self.blocks.as_slice() {
            [outer, inner] => {
                vec![(outer.variable, inner.extent.clone()), (inner.variable, Dim::from(1))]
            }
            blocks => blocks.iter().map(|it| (it.variable, Dim::from(1))).collect(),
        }
    }

    /// Where the sums of a column are, with these terms for the block.
    fn address(&self, count: &Dim, block: &[(VariableId, Dim)]) -> Address {
        let mut address = Address::default();
        address.add_term(self.lanes.variable, &Dim::from(1));
        let mut step = self.lanes.extent.clone();
        for (variable, by) in block {
            address.add_term(*variable, &(by.clone() * step.clone()));
        }
        step = step * count.clone();
        for outer in self.outer.iter().rev() {
            address.add_term(outer.variable, &step);
            step = step * outer.extent.clone();
        }
        address
    }

    /// The nest of the sums of blocks.
    fn nest(
        &self,
        (sum, values): (&Sum<'_>, &[Statement]),
        (buffer, count): (BufferId, Dim),
        names: &mut Names,
    ) -> Nest {
        let block = names.variable();
        let mut body = values.to_vec();
        body.extend([sum.declare.clone(), Statement::For(sum.rows.clone())]);
        for (at, inner) in self.blocks.iter().enumerate() {
            let is_last = at + 1 == self.blocks.len();
            let terms = if is_last { vec![(block, Dim::from(1))] } else { Vec::new() };
            let replace = Replace { variable: inner.variable, constant: Dim::default(), terms };
            body = body.iter().map(|it| visit::rename_statement(it, &replace)).collect();
        }
        let address = self.address(&count, &[(block, Dim::from(1))]);
        body.push(Statement::Store { buffer, address, expr: Expr::Register(sum.register) });
        let around = |over: &For, body| vec![Statement::For(For { body, ..over.clone() })];
        body = around(self.lanes, body);
        let blocks = For {
            variable: block,
            extent: count,
            clip: None,
            manner: Manner::Parallel,
            body: Vec::new(),
        };
        body = around(&blocks, body);
        for outer in self.outer.iter().rev() {
            body = around(outer, body);
        }
        for condition in self.conditions.iter().rev() {
            body = vec![Statement::If { condition: (*condition).clone(), body }];
        }
        Nest::new(names.copy(&body))
    }
}

/// How many blocks loops over blocks have, of these rows each, if those of all blocks of blocks follow each other.
pub(super) fn count(blocks: &[&For], rows: &For) -> Option<Dim> {
    let [outer, inner] = blocks else {
        let [only] = blocks else { return None };
        return only.clip.is_none().then(|| only.extent.clone());
    };
    let clip = inner.clip.as_ref()?;
    let follows = |by: &Dim, outer_by: &Dim| *outer_by == by.clone() * inner.extent.clone();
    let is_line = clip.computed.is_empty()
        && clip.terms.len() == 1
        && follows(&Dim::from(-1), &clip.coefficient(outer.variable));
    let mut fits = is_line && outer.clip.is_none();
    let mut note = |address: &Address| {
        fits &= follows(&address.coefficient(inner.variable), &address.coefficient(outer.variable));
    };
    rows.clip.iter().for_each(&mut note);
    let rows = [Statement::For(rows.clone())];
    visit::addresses(&rows, &mut |_, address, _| note(address));
    visit::statements(&rows, &mut |statement| {
        if let Statement::For(For { clip: Some(clip), .. }) = statement {
            note(clip);
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Position { constant, terms } = expr {
                    let computed = Vec::new();
                    note(&Address { constant: constant.clone(), terms: terms.clone(), computed });
                }
            });
        });
    });
    fits.then(|| clip.constant.clone())
}
