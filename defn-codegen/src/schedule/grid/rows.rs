//! Few long rows: the blocks of a row are tasks.
//!
//! In: nests with a row for each team.   Out: where rows are few and long, a nest for each sweep over them.
//!
//! ```text
//! before                                          after
//! for i in 0..n parallel {                        for i in 0..n parallel {
//!   var $0 lanes 64 = -inf                          for b in 0..ceil(m / 4096) parallel {
//!   for j in 0..m lanes 64 {                          var $1 lanes 64 = -inf
//!     $0 = max($0, load x[m*i + j])                   for j in 0..min(4096, m - 4096*b) lanes 64 { $1 = max($1, …) }
//!   }                                                 for l in 0..64 lanes 64 { store p[…, b, l] = $1 }
//!   let %1 = combine.max $0                         }
//!   for j in 0..m lanes 64 {                      }
//!     store r0[m*i + j] = sub(…, %1)              for i in 0..n parallel {
//!   }                                               var $0 lanes 64 = -inf
//! }                                                 for b { for l in 0..64 lanes 64 { $0 = max($0, load p[…]) } }
//!                                                   let %1 = combine.max $0
//!                                                   store s[i] = %1
//!                                                 }
//!                                                 for i in 0..n parallel {
//!                                                   let %2 = load s[i]
//!                                                   for j in 0..m lanes 64 { store r0[m*i + j] = sub(…, %2) }
//!                                                 }
//! ```
//!
//! Sums keep the blocks, and the order, that they have already; what is not cut into blocks is cut where no order matters.
//! So no bit changes. Scratch of a row that several sweeps need is scratch of all rows then.
//!
//! This file is long because each kind of sweep, and each kind of what sweeps hand on, is cut by a rule of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::super::collapse::Replace;
use super::super::names::{Choice, Names, choice};
use super::super::tasks::Crossing;
use super::carries::guard;
use super::partials::count;
use crate::graph::{Combine, Comparison, Dim, Element};
use crate::loops::visit::{self, Rename};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement,
    VariableId, ask,
};

/// With more rows than this there is one for every team.
const ROWS: i64 = 1024;
/// Rows of fewer blocks are short.
const FEW: i64 = 4;
/// Elements of a block where nobody has cut yet.
const BLOCK: i64 = 4096;

/// Cuts the nests of few long rows.
pub(in crate::schedule) fn rows(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for mut nest in std::mem::take(&mut loops.nests) {
        let cut = if nest.threads == 1 { cut(loops, &mut names, &nest) } else { None };
        let Some((mut parts, chosen)) = cut else {
            loops.nests.push(nest);
            continue;
        };
        if let Choice::If(few, many) = &chosen {
            parts.iter_mut().for_each(|part| guard(part, few));
            guard(&mut nest, many);
        }
        loops.nests.extend(parts);
        if chosen != Choice::Always {
            loops.nests.push(nest);
        }
    }
}

/// A nest of rows.
struct Rows<'n> {
    conditions: Vec<&'n Expr>,
    outer: Vec<&'n For>,
    /// Values in front of the rows, and what is done for each.
    body: Vec<&'n Statement>,
}

impl<'n> Rows<'n> {
    fn of(nest: &'n Nest) -> Option<Self> {
        let (mut conditions, mut outer, mut front) = (Vec::new(), Vec::new(), Vec::new());
        let mut body = nest.body.as_slice();
        loop {
            let is_value = |it: &&Statement| matches!(it, Statement::Let { .. });
            let (values, rest) = body.split_at(body.iter().take_while(is_value).count());
            match rest {
                [Statement::If { condition, body: inner }] if ask::is_of_extents(condition) => {
                    conditions.push(condition);
                    body = inner;
                }
                [Statement::For(inner)]
                    if inner.clip.is_none() && inner.manner == Manner::Parallel =>
                {
                    outer.push(inner);
                    body = &inner.body;
                }
                _ => break,
            }
            front.extend(values);
        }
        front.extend(body);
        (!outer.is_empty()).then_some(Self { conditions, outer, body: front })
    }

    fn variables(&self) -> Vec<(VariableId, Dim)> {
        self.outer.iter().map(|it| (it.variable, it.extent.clone())).collect()
    }

    /// A nest of statements for each row.
    fn nest(&self, mut body: Vec<Statement>, names: &mut Names) -> Nest {
        for outer in self.outer.iter().rev() {
            body = vec![Statement::For(For { body, ..(*outer).clone() })];
        }
        for condition in self.conditions.iter().rev() {
            body = vec![Statement::If { condition: (*condition).clone(), body }];
        }
        Nest::new(names.copy(&body))
    }
}

/// The nests of sweeps, and when they are to be taken; none if that is never, or cannot be done.
fn cut(loops: &mut Loops, names: &mut Names, nest: &Nest) -> Option<(Vec<Nest>, Choice)> {
    let rows = Rows::of(nest)?;
    let mut pieces = Pieces {
        loops,
        names,
        rows: &rows,
        parts: Vec::new(),
        row: Vec::new(),
        counts: Vec::new(),
    };
    let cut = pieces.all();
    let Pieces { parts, counts, .. } = pieces;
    let chosen = counts.first().filter(|_| cut.is_some()).map(|count| chosen(&rows, count));
    let parts = match chosen {
        Some(Choice::Always | Choice::If(..)) => declared(&rows, parts),
        Some(Choice::Never) | None => None,
    };
    // Scratch of what is not done is used by nobody, and goes.
    let (mut parts, chosen) = parts.zip(chosen)?;
    let fresh = Scratch::of(loops, &rows, &parts)?;
    for part in &mut parts {
        *part = part.iter().map(|it| visit::rename_statement(it, &fresh)).collect();
    }
    let parts = Crossing { loops, names, parts, rows: rows.variables() }.resolve();
    let acts = |it: &Statement| !matches!(it, Statement::Let { .. } | Statement::Declare { .. });
    let parts = parts.into_iter().filter(|part| part.iter().any(acts));
    Some((parts.map(|part| rows.nest(part, names)).collect(), chosen))
}

/// Whether rows are few, and have many blocks.
fn chosen(rows: &Rows<'_>, blocks: &Dim) -> Choice {
    let count = rows.outer.iter().fold(Dim::from(1), |count, it| count * it.extent.clone());
    // Bounds from below say what scratch takes.
    let few = (Dim::from(ROWS) - count, Comparison::Ge, 0);
    let known: Vec<Expr> = rows.conditions.iter().map(|it| (*it).clone()).collect();
    choice(&[few, (blocks.clone(), Comparison::Ge, FEW)], &known)
}

/// The parts, each with the registers that it uses; none if two use the same.
fn declared(rows: &Rows<'_>, parts: Vec<Vec<Statement>>) -> Option<Vec<Vec<Statement>>> {
    let mut declares: BTreeMap<RegisterId, &Statement> = BTreeMap::new();
    for statement in &rows.body {
        if let Statement::Declare { register, .. } = statement {
            declares.insert(*register, statement);
        }
    }
    let mut out = Vec::new();
    for part in parts {
        let mut used = BTreeSet::new();
        registers(&part, &mut used);
        let mut all = Vec::new();
        for (register, declare) in std::mem::take(&mut declares) {
            if used.contains(&register) {
                all.push(declare.clone());
            } else {
                declares.insert(register, declare);
            }
        }
        // Whose declaration another part has taken.
        let own: BTreeSet<RegisterId> = declared_in(&all).chain(declared_in(&part)).collect();
        if !used.is_subset(&own) {
            return None;
        }
        all.extend(part);
        out.push(all);
    }
    Some(out)
}

/// The registers that statements read or set.
fn registers(statements: &[Statement], used: &mut BTreeSet<RegisterId>) {
    visit::statements(statements, &mut |statement| {
        if let Statement::Set { register, .. } = statement {
            used.insert(*register);
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Register(register) | Expr::Combine(_, register) = expr {
                    used.insert(*register);
                }
            });
        });
    });
}

/// The registers that statements declare.
fn declared_in(statements: &[Statement]) -> impl Iterator<Item = RegisterId> {
    let mut found = Vec::new();
    visit::statements(statements, &mut |statement| {
        if let Statement::Declare { register, .. } = statement {
            found.push(*register);
        }
    });
    found.into_iter()
}

/// A register that a block folds into.
#[derive(Clone, Copy)]
struct Fold {
    register: RegisterId,
    element: Element,
    width: u32,
    combine: Combine,
}

struct Pieces<'l, 'n> {
    loops: &'l mut Loops,
    names: &'l mut Names,
    rows: &'n Rows<'n>,
    /// What is done for each row, nest by nest.
    parts: Vec<Vec<Statement>>,
    /// What is done by one team, so far.
    row: Vec<Statement>,
    /// How many blocks each sweep that folds has.
    counts: Vec<Dim>,
}

impl Pieces<'_, '_> {
    /// Cuts the body into parts.
    fn all(&mut self) -> Option<()> {
        let elements: BTreeMap<RegisterId, (Element, u32)> = self
            .rows
            .body
            .iter()
            .filter_map(|statement| {
                let Statement::Declare { register, element, lanes, .. } = statement else {
                    return None;
                };
                Some((*register, (*element, *lanes)))
            })
            .collect();
        for statement in self.rows.body.clone() {
            match statement {
                Statement::Declare { initial: Expr::Constant(_), .. } => {}
                Statement::Declare { .. }
                | Statement::Sync
                | Statement::Mma(_)
                | Statement::If { .. } => return None,
                Statement::Let { .. } | Statement::Set { .. } | Statement::Store { .. } => {
                    self.row.push(statement.clone());
                }
                Statement::For(inner) => match inner.manner {
                    Manner::Parallel | Manner::Sorted => return None,
                    Manner::Lanes(_) => self.sweep(inner, &elements)?,
                    Manner::Serial => self.sums(inner, &elements)?,
                },
            }
        }
        self.close();
        Some(())
    }

    fn close(&mut self) {
        if !self.row.is_empty() {
            self.parts.push(std::mem::take(&mut self.row));
        }
    }

    /// A sweep over a row; what it folds into must not depend on the order.
    fn sweep(
        &mut self,
        inner: &For,
        elements: &BTreeMap<RegisterId, (Element, u32)>,
    ) -> Option<()> {
        if inner.clip.is_some() || looks_aside(&inner.body) {
            return None;
        }
        let folds = super::super::blocks::folds(&inner.body)?;
        if folds.is_empty() {
            self.close();
            self.parts.push(vec![Statement::For(inner.clone())]);
            return Some(());
        }
        let folds: Vec<Fold> =
            folds.into_iter().map(|it| free(it, inner, elements)).collect::<Option<_>>()?;
        let block = self.names.variable();
        let count = (inner.extent.clone() + Dim::from(BLOCK - 1)).floor_div(&Dim::from(BLOCK));
        let replace = Replace {
            variable: inner.variable,
            constant: Dim::default(),
            terms: terms(&[(block, BLOCK), (inner.variable, 1)]),
        };
        let body = inner.body.iter().map(|it| visit::rename_statement(it, &replace)).collect();
        let mut clip = Address { constant: inner.extent.clone(), ..Address::default() };
        clip.add_term(block, &Dim::from(-BLOCK));
        let lanes = For { extent: Dim::from(BLOCK), clip: Some(clip), body, ..inner.clone() };
        let again = self.names.variable();
        let stored = self.block((block, &count), &folds, lanes);
        let number = [(again, Dim::from(1))];
        let back = folds.iter().zip(stored).map(|it| self.folded(it, &number, &count));
        let body = back.collect();
        let manner = Manner::Serial;
        self.row.push(Statement::For(For {
            variable: again,
            extent: count.clone(),
            clip: None,
            manner,
            body,
        }));
        self.counts.push(count);
        Some(())
    }

    /// The nest of a sweep that folds, block by block; where it stores what each lane of each block has come to.
    fn block(
        &mut self,
        (block, count): (VariableId, &Dim),
        folds: &[Fold],
        lanes: For,
    ) -> Vec<BufferId> {
        self.close();
        let (mut body, mut stores, mut buffers) = (Vec::new(), Vec::new(), Vec::new());
        let mut renamed = BTreeMap::new();
        for Fold { register, element, width, combine } in folds {
            let own = self.names.register();
            renamed.insert(*register, own);
            let initial = Expr::Constant(combine.identity(*element));
            body.push(Statement::Declare {
                register: own,
                element: *element,
                lanes: *width,
                initial,
            });
            let mut shape: Vec<Dim> = self.rows.outer.iter().map(|it| it.extent.clone()).collect();
            shape.extend([count.clone(), Dim::from(i64::from(*width))]);
            let name = format!("p{}", self.loops.buffers.len());
            let (element, space) = (*element, Space::Workspace(None));
            let buffer = self.loops.buffers.push(Buffer { name, element, shape, lanes: 1, space });
            let lane = self.names.variable();
            let address = self.place(&[(block, Dim::from(1))], count, (lane, *width));
            let store = Statement::Store { buffer, address, expr: Expr::Register(own) };
            stores.push(lanes_of(lane, *width, store));
            buffers.push(buffer);
        }
        let lanes = Statement::For(lanes);
        body.push(visit::rename_statement(&lanes, &Registers(&renamed)));
        body.extend(stores);
        let (extent, manner) = (count.clone(), Manner::Parallel);
        self.parts.push(vec![Statement::For(For {
            variable: block,
            extent,
            clip: None,
            manner,
            body,
        })]);
        buffers
    }

    /// Where the parts of blocks are.
    fn place(
        &self,
        block: &[(VariableId, Dim)],
        count: &Dim,
        (lane, width): (VariableId, u32),
    ) -> Address {
        let mut address = Address::default();
        address.add_term(lane, &Dim::from(1));
        let mut step = Dim::from(i64::from(width));
        for (variable, by) in block {
            address.add_term(*variable, &(by.clone() * step.clone()));
        }
        step = step * count.clone();
        for outer in self.rows.outer.iter().rev() {
            address.add_term(outer.variable, &step);
            step = step * outer.extent.clone();
        }
        address
    }

    /// What a block has come to, folded into the register of the row.
    fn folded(
        &mut self,
        (fold, buffer): (&Fold, BufferId),
        number: &[(VariableId, Dim)],
        count: &Dim,
    ) -> Statement {
        let lane = self.names.variable();
        let place = self.place(number, count, (lane, fold.width));
        let load = Expr::Load(buffer, Box::new(place));
        let so_far = Box::new(Expr::Register(fold.register));
        let expr = Expr::Binary(fold.combine.binary(), so_far, Box::new(load));
        lanes_of(lane, fold.width, Statement::Set { register: fold.register, expr })
    }

    /// Sums in blocks, or in blocks of blocks, and what is folded beside them in any order.
    fn sums(&mut self, whole: &For, elements: &BTreeMap<RegisterId, (Element, u32)>) -> Option<()> {
        let mut path = vec![whole];
        let mut blocks = Blocks::of(whole)?;
        if let Some(inner) = Blocks::of(blocks.lanes) {
            path.push(blocks.lanes);
            blocks = inner;
        }
        if looks_aside(&blocks.lanes.body) || blocks.lanes.width() == 1 {
            return None;
        }
        let is_sum = |(register, _): &(RegisterId, Combine)| {
            blocks.folds.iter().any(|fold| fold.register == *register)
        };
        let known = super::super::blocks::folds(&blocks.lanes.body)?;
        let beside = known.into_iter().filter(|it| !is_sum(it));
        let beside: Vec<Fold> =
            beside.map(|it| free(it, blocks.lanes, elements)).collect::<Option<_>>()?;
        let folds: Vec<Fold> = blocks.folds.iter().chain(&beside).copied().collect();
        let count = count(&path, blocks.lanes)?;
        let block = self.names.variable();
        let mut lanes = Statement::For(blocks.lanes.clone());
        for (at, over) in path.iter().enumerate() {
            let is_last = at + 1 == path.len();
            let terms = if is_last { terms(&[(block, 1)]) } else { Vec::new() };
            let replace = Replace { variable: over.variable, constant: Dim::default(), terms };
            lanes = visit::rename_statement(&lanes, &replace);
        }
        let Statement::For(lanes) = lanes else { return None };
        let stored = self.block((block, &count), &folds, lanes);
        let number: Vec<(VariableId, Dim)> = match path.as_slice() {
            [outer, inner] => {
                vec![(outer.variable, inner.extent.clone()), (inner.variable, Dim::from(1))]
            }
            path => path.iter().map(|it| (it.variable, Dim::from(1))).collect(),
        };
        let loads: BTreeMap<RegisterId, (BufferId, Fold)> =
            folds.iter().zip(stored).map(|(fold, it)| (fold.register, (it, *fold))).collect();
        let back = blocks.back.iter().map(|statement| {
            let Statement::For(adds) = statement else { return None };
            let body = adds.body.iter().map(|statement| {
                let Statement::Set { register, expr } = statement else { return None };
                let expr = visit::replaced(expr, &mut |expr| {
                    let Expr::Register(read) = expr else { return None };
                    let (buffer, fold) = loads.get(read)?;
                    let address = self.place(&number, &count, (adds.variable, fold.width));
                    Some(Expr::Load(*buffer, Box::new(address)))
                });
                Some(Statement::Set { register: *register, expr })
            });
            let body = body.collect::<Option<_>>()?;
            Some(Statement::For(For { body, ..adds.clone() }))
        });
        let mut body: Vec<Statement> = back.collect::<Option<_>>()?;
        for fold in &beside {
            body.push(self.folded((fold, loads[&fold.register].0), &number, &count));
        }
        let body = around(&path, body)?;
        self.row.extend(body);
        self.counts.push(count);
        Some(())
    }
}

/// Loops over blocks around what is done for each of them.
fn around(path: &[&For], mut body: Vec<Statement>) -> Option<Vec<Statement>> {
    for (at, over) in path.iter().enumerate().rev() {
        if at + 1 < path.len() {
            let blocks = Blocks::of(over)?;
            body.splice(0..0, blocks.declares.iter().cloned());
            body.extend_from_slice(blocks.back);
        }
        body = vec![Statement::For(For { body, ..(*over).clone() })];
    }
    Some(body)
}

/// A fold of a row whose order does not matter.
fn free(
    (register, combine): (RegisterId, Combine),
    lanes: &For,
    elements: &BTreeMap<RegisterId, (Element, u32)>,
) -> Option<Fold> {
    let (element, width) = *elements.get(&register)?;
    let is_free = !element.is_float() || matches!(combine, Combine::Max | Combine::Min);
    (is_free && width == lanes.width()).then_some(Fold { register, element, width, combine })
}

/// A loop over blocks: registers, the loop inside, and what is added to the registers around.
struct Blocks<'b> {
    declares: &'b [Statement],
    lanes: &'b For,
    back: &'b [Statement],
    folds: Vec<Fold>,
}

impl<'b> Blocks<'b> {
    fn of(over: &'b For) -> Option<Self> {
        let is_declared = |it: &&Statement| matches!(it, Statement::Declare { .. });
        let count = over.body.iter().take_while(is_declared).count();
        let (declares, rest) = over.body.split_at(count);
        let (Statement::For(lanes), back) = rest.split_first()? else { return None };
        let fold = |statement: &Statement| {
            let Statement::Declare { register, element, lanes, initial } = statement else {
                return None;
            };
            let identity = Expr::Constant(Combine::Add.identity(*element));
            let (register, element, width) = (*register, *element, *lanes);
            let fold = Fold { register, element, width, combine: Combine::Add };
            (*initial == identity && width > 1).then_some(fold)
        };
        let folds: Vec<Fold> = declares.iter().map(fold).collect::<Option<_>>()?;
        let is_set = |it: &Statement| matches!(it, Statement::Set { .. });
        let is_add = |statement: &Statement| {
            ask::as_loop(statement)
                .is_some_and(|adds| adds.width() > 1 && adds.body.iter().all(is_set))
        };
        let is_serial = over.manner == Manner::Serial;
        let known = super::super::blocks::folds(&lanes.body).unwrap_or_default();
        let is_inner = lanes.manner == Manner::Serial;
        let sums_all = folds.iter().all(|fold| known.contains(&(fold.register, Combine::Add)));
        let is_sound =
            is_serial && !folds.is_empty() && !back.is_empty() && back.iter().all(is_add);
        (is_sound && (is_inner || sums_all)).then_some(Self { declares, lanes, back, folds })
    }
}

/// A loop of as many iterations as it has lanes.
fn lanes_of(variable: VariableId, width: u32, statement: Statement) -> Statement {
    let (extent, manner) = (Dim::from(i64::from(width)), Manner::Lanes(width));
    Statement::For(For { variable, extent, clip: None, manner, body: vec![statement] })
}

fn terms(terms: &[(VariableId, i64)]) -> Vec<(VariableId, Dim)> {
    let mut terms: Vec<(VariableId, Dim)> =
        terms.iter().map(|(variable, by)| (*variable, Dim::from(*by))).collect();
    terms.sort_by_key(|(variable, _)| *variable);
    terms
}

/// Whether a lane looks at another, or does not do what the others do.
fn looks_aside(body: &[Statement]) -> bool {
    let mut found = false;
    visit::statements(body, &mut |statement| {
        found |= matches!(statement, Statement::If { .. } | Statement::Sync);
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                found |= matches!(expr, Expr::Shift { .. } | Expr::Combine(..));
            });
        });
    });
    found
}

/// One register for another.
struct Registers<'r>(&'r BTreeMap<RegisterId, RegisterId>);

impl Rename for Registers<'_> {
    fn register(&self, register: RegisterId) -> RegisterId {
        self.0.get(&register).copied().unwrap_or(register)
    }
}

/// Scratch of all rows for that of one.
struct Scratch {
    moved: BTreeMap<BufferId, BufferId>,
    /// How far apart rows are, for each.
    rows: BTreeMap<BufferId, Vec<(VariableId, Dim)>>,
}

impl Scratch {
    /// For what several parts touch; none if it has a part for each lane.
    fn of(loops: &mut Loops, rows: &Rows<'_>, parts: &[Vec<Statement>]) -> Option<Self> {
        let mut users: BTreeMap<BufferId, BTreeSet<usize>> = BTreeMap::new();
        for (at, part) in parts.iter().enumerate() {
            visit::addresses(part, &mut |buffer, _, _| {
                if loops.buffers[buffer].space.is_private() {
                    users.entry(buffer).or_default().insert(at);
                }
            });
        }
        let mut scratch = Self { moved: BTreeMap::new(), rows: BTreeMap::new() };
        for (buffer, _) in users.into_iter().filter(|(_, users)| users.len() > 1) {
            let Buffer { element, shape, lanes, .. } = loops.buffers[buffer].clone();
            if lanes > 1 {
                return None;
            }
            let mut step = shape.iter().fold(Dim::from(1), |size, extent| size * extent.clone());
            let mut steps = Vec::new();
            for outer in rows.outer.iter().rev() {
                steps.push((outer.variable, step.clone()));
                step = step * outer.extent.clone();
            }
            let outer = rows.outer.iter().map(|it| it.extent.clone());
            let shape = outer.chain(shape).collect();
            let name = format!("k{}", loops.buffers.len());
            let space = Space::Workspace(None);
            let moved = loops.buffers.push(Buffer { name, element, shape, lanes, space });
            scratch.moved.insert(buffer, moved);
            scratch.rows.insert(buffer, steps);
        }
        Some(scratch)
    }
}

impl Rename for Scratch {
    fn place(&self, buffer: BufferId, address: &Address) -> Option<(BufferId, Address)> {
        let moved = self.moved.get(&buffer)?;
        let mut address = visit::rename_address(address, self);
        for (variable, by) in &self.rows[&buffer] {
            address.add_term(*variable, by);
        }
        Some((*moved, address))
    }
}
