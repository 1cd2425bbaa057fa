//! Long scans: what blocks come to is computed apart, and so is what they are added to.
//!
//! In: nests with a loop whose iterations hand nothing on but what is folded at their end.   Out: where there are few such rows, four nests.
//!
//! ```text
//! before                                         after
//! var $0 = neutral                               for b in 0..B parallel {
//! for b in 0..B {                                  var $1 = neutral
//!   var $1 = neutral                               …
//!   … store r[…] = add($0, …) …                    store p[b] = $1
//!   $0 = add($0, $1)                             }
//! }                                              var $0 = neutral
//! store r[…] = add($0, …)                        for b in 0..B { store q[b] = $0; $0 = add($0, load p[b]) }
//!                                                store q[B] = $0
//!                                                for b in 0..B parallel {
//!                                                  var $0 = load q[b]
//!                                                  … store r[…] = add($0, …) …
//!                                                }
//!                                                var $0 = load q[B]
//!                                                store r[…] = add($0, …)
//! ```
//!
//! What is added in which order stays as it is, so that no bit changes. What is scanned is computed twice, which many threads do sooner
//! than one team does it once; where there are rows for all teams, they stay as they are.

use std::collections::BTreeSet;

use super::super::names::{Choice, Names, choice};
use super::WARP;
use crate::arena::Arena;
use crate::graph::{Comparison, Dim, Element};
use crate::loops::visit::{self, Name};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement,
    VariableId, ask,
};

/// With more rows than this there is one for every team.
const ROWS: i64 = 1024;
/// Scans of fewer blocks are short.
const FEW: i64 = 4;
/// So many steps of the scan of blocks are written out, so that their loads do not wait for each other.
const STEPS: i64 = 16;

/// Cuts the nests of long scans.
pub(in crate::schedule) fn carries(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for mut nest in std::mem::take(&mut loops.nests) {
        let scan = if nest.threads == 1 { Scan::of(&loops.buffers, &nest) } else { None };
        let chosen = scan.as_ref().map_or(Choice::Never, Scan::chosen);
        let mut parts = match (scan, &chosen) {
            (Some(scan), Choice::Always | Choice::If(..)) => {
                scan.parts(&mut loops.buffers, &mut names)
            }
            (_, Choice::Never) | (None, _) => Vec::new(),
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

/// Lets a nest run under a condition only.
pub(super) fn guard(nest: &mut Nest, condition: &Expr) {
    let (condition, body) = (condition.clone(), std::mem::take(&mut nest.body));
    nest.body = vec![Statement::If { condition, body }];
}

/// A nest whose rows are scanned block by block.
struct Scan<'n> {
    conditions: Vec<&'n Expr>,
    /// Values from which every part may begin.
    front: Vec<&'n Statement>,
    /// Loops over rows.
    outer: Vec<&'n For>,
    /// The loop over columns that are scanned side by side.
    lanes: Option<&'n For>,
    /// What is handed on, from which number on, and how.
    carry: RegisterId,
    element: Element,
    neutral: &'n Expr,
    fold: &'n Expr,
    /// What a block comes to.
    own: RegisterId,
    blocks: &'n For,
    /// What is done in a block, without handing on.
    body: &'n [Statement],
    /// What is done behind all blocks.
    rest: &'n [Statement],
}

impl<'n> Scan<'n> {
    fn of(buffers: &Arena<Buffer>, nest: &'n Nest) -> Option<Self> {
        let (mut conditions, mut front) = (Vec::new(), Vec::new());
        let (mut outer, mut lanes) = (Vec::new(), None);
        let mut body = nest.body.as_slice();
        loop {
            let is_value = |it: &&Statement| matches!(it, Statement::Let { .. });
            let (values, rest) = body.split_at(body.iter().take_while(is_value).count());
            front.extend(values);
            body = rest;
            match rest {
                [Statement::If { condition, body: inner }] if ask::is_of_extents(condition) => {
                    conditions.push(condition);
                    body = inner;
                }
                [Statement::For(inner)] if inner.clip.is_none() && lanes.is_none() => {
                    match inner.manner {
                        Manner::Parallel => outer.push(inner),
                        Manner::Lanes(_) => lanes = Some(inner),
                        Manner::Serial | Manner::Sorted => return None,
                    }
                    body = &inner.body;
                }
                _ => break,
            }
        }
        let [declare, Statement::For(blocks), rest @ ..] = body else { return None };
        let Statement::Declare { register: carry, element, lanes: 1, initial } = declare else {
            return None;
        };
        let (last, body) = blocks.body.split_last()?;
        let Statement::Set { register, expr: fold } = last else { return None };
        ask::fold_of(*carry, fold)?;
        let Expr::Binary(_, _, own) = fold else { return None };
        let Expr::Register(own) = **own else { return None };
        let scan = Self {
            conditions,
            front,
            outer,
            lanes,
            carry: *carry,
            element: *element,
            neutral: initial,
            fold,
            own,
            blocks,
            body,
            rest,
        };
        let is_plain = matches!(initial, Expr::Constant(_))
            && register == carry
            && blocks.manner == Manner::Serial
            && blocks.clip.is_none();
        (is_plain && scan.is_sound(buffers, nest)).then_some(scan)
    }

    /// Whether nothing but the carry goes from block to block, and to what is behind them, and blocks store what it is part of.
    fn is_sound(&self, buffers: &Arena<Buffer>, nest: &Nest) -> bool {
        let mut stored = BTreeSet::new();
        visit::addresses(&nest.body, &mut |buffer, _, written| {
            if written {
                stored.insert(buffer);
            }
        });
        let mut sound = true;
        visit::addresses(&nest.body, &mut |buffer, address, written| {
            let Buffer { lanes, space, .. } = &buffers[buffer];
            let is_fixed = address.coefficient(self.blocks.variable).is(0);
            sound &= *lanes == 1;
            sound &= match space.is_private() {
                // Scratch is of one block.
                true => is_fixed && address.computed.is_empty(),
                false => written || !stored.contains(&buffer),
            };
        });
        let is_private = |buffer: BufferId| buffers[buffer].space.is_private();
        let begins = |part: &[Statement]| stores_first(part, &is_private);
        sound &= begins(self.body) && begins(self.rest);
        for value in &self.front {
            let value = std::slice::from_ref(*value);
            visit::addresses(value, &mut |buffer, _, _| sound &= !is_private(buffer));
            sound &= is_closed(value, self.own);
        }
        let (all, stores) = reads(self.body, self.carry, &is_private);
        let is_scan = stores > 0 && all == stores;
        sound && is_scan && is_closed(self.body, self.carry) && is_closed(self.rest, self.carry)
    }

    /// Whether rows are few and long enough.
    fn chosen(&self) -> Choice {
        let rows: Dim = self.outer.iter().fold(Dim::from(1), |rows, it| rows * it.extent.clone());
        let teams = match self.lanes {
            None => rows,
            Some(lanes) => {
                let group = Dim::from(i64::from(WARP));
                rows * (lanes.extent.clone() + Dim::from(i64::from(WARP) - 1)).floor_div(&group)
            }
        };
        let is_single = teams.is(1);
        let mut bounds = vec![(teams, Comparison::Le, ROWS)];
        // One row of unknown length is worth nothing else.
        if !is_single || self.blocks.extent.as_constant().is_some() {
            bounds.push((self.blocks.extent.clone(), Comparison::Ge, FEW));
        }
        choice(&bounds, &[])
    }

    fn parts(&self, buffers: &mut Arena<Buffer>, names: &mut Names) -> Vec<Nest> {
        let sums = self.scratch(buffers, self.blocks.extent.clone());
        let carries = self.scratch(buffers, self.blocks.extent.clone() + Dim::from(1));
        let at_block = vec![(self.blocks.variable, Dim::from(1))];
        let mut sum = without_stores(self.body, &|buffer| buffers[buffer].space.is_private());
        let address = self.address(Dim::default(), &at_block, &self.blocks.extent);
        sum.push(Statement::Store { buffer: sums, address, expr: Expr::Register(self.own) });
        let count = self.blocks.extent.clone() + Dim::from(1);
        let begin = |constant: Dim, terms: &[(VariableId, Dim)]| Statement::Declare {
            register: self.carry,
            element: self.element,
            lanes: 1,
            initial: Expr::Load(carries, Box::new(self.address(constant, terms, &count))),
        };
        let mut blocks = vec![begin(Dim::default(), &at_block)];
        blocks.extend_from_slice(self.body);
        let mut rest = vec![begin(self.blocks.extent.clone(), &[])];
        rest.extend_from_slice(self.rest);
        let mut parts = vec![
            self.over_blocks(sum),
            self.of_rows(self.scanned((sums, carries), names)),
            self.over_blocks(blocks),
        ];
        if !self.rest.is_empty() {
            parts.push(self.of_rows(rest));
        }
        parts.into_iter().map(|body| Nest::new(names.copy(&body))).collect()
    }

    /// Scratch for something of every block of every row.
    fn scratch(&self, buffers: &mut Arena<Buffer>, count: Dim) -> BufferId {
        let mut shape: Vec<Dim> = self.outer.iter().map(|it| it.extent.clone()).collect();
        shape.push(count);
        shape.extend(self.lanes.map(|it| it.extent.clone()));
        let name = format!("p{}", buffers.len());
        let (element, space) = (self.element, Space::Workspace(None));
        buffers.push(Buffer { name, element, shape, lanes: 1, space })
    }

    /// The place of a block in scratch of so many.
    fn address(&self, constant: Dim, terms: &[(VariableId, Dim)], count: &Dim) -> Address {
        let mut address = Address::default();
        let mut step = Dim::from(1);
        if let Some(lanes) = self.lanes {
            address.add_term(lanes.variable, &step);
            step = lanes.extent.clone();
        }
        address.constant = constant * step.clone();
        for (variable, by) in terms {
            address.add_term(*variable, &(by.clone() * step.clone()));
        }
        step = step * count.clone();
        for outer in self.outer.iter().rev() {
            address.add_term(outer.variable, &step);
            step = step * outer.extent.clone();
        }
        address
    }

    /// The scan of what blocks come to.
    fn scanned(&self, (from, to): (BufferId, BufferId), names: &mut Names) -> Vec<Statement> {
        let extent = &self.blocks.extent;
        let (block, step, last) = (names.variable(), names.variable(), names.variable());
        let whole = extent.floor_div(&Dim::from(STEPS));
        let covered = whole.clone() * Dim::from(STEPS);
        let left = extent.clone() - covered.clone();
        let inner = vec![(block, Dim::from(STEPS)), (step, Dim::from(1))];
        let over = |variable, extent, body| {
            Statement::For(For { variable, extent, clip: None, manner: Manner::Serial, body })
        };
        let steps = self.step((from, to), (Dim::default(), &inner), names);
        let steps = over(step, Dim::from(STEPS), steps);
        let rest = self.step((from, to), (covered, &[(last, Dim::from(1))]), names);
        let all = self.address(extent.clone(), &[], &(extent.clone() + Dim::from(1)));
        vec![
            Statement::Declare {
                register: self.carry,
                element: self.element,
                lanes: 1,
                initial: self.neutral.clone(),
            },
            over(block, whole, vec![steps]),
            over(last, left, rest),
            Statement::Store { buffer: to, address: all, expr: Expr::Register(self.carry) },
        ]
    }

    /// One step of that.
    fn step(
        &self,
        (from, to): (BufferId, BufferId),
        (constant, terms): (Dim, &[(VariableId, Dim)]),
        names: &mut Names,
    ) -> Vec<Statement> {
        let value = names.value();
        let count = self.blocks.extent.clone() + Dim::from(1);
        let read = self.address(constant.clone(), terms, &self.blocks.extent);
        let address = self.address(constant, terms, &count);
        let own = Expr::Register(self.own);
        let expr = visit::replaced(self.fold, &mut |it| (*it == own).then_some(Expr::Value(value)));
        vec![
            Statement::Let { value, element: self.element, expr: Expr::Load(from, Box::new(read)) },
            Statement::Store { buffer: to, address, expr: Expr::Register(self.carry) },
            Statement::Set { register: self.carry, expr },
        ]
    }

    /// A body for each block of each row.
    fn over_blocks(&self, body: Vec<Statement>) -> Vec<Statement> {
        let blocks = For { manner: Manner::Parallel, body: Vec::new(), ..self.blocks.clone() };
        self.around(body, Some(&blocks))
    }

    /// A body for each row.
    fn of_rows(&self, body: Vec<Statement>) -> Vec<Statement> {
        self.around(body, None)
    }

    fn around(&self, body: Vec<Statement>, blocks: Option<&For>) -> Vec<Statement> {
        let mut body: Vec<Statement> =
            self.front.iter().map(|it| (*it).clone()).chain(body).collect();
        let loops = self.outer.iter().copied().chain(blocks).chain(self.lanes);
        let loops: Vec<&For> = loops.collect();
        for over in loops.into_iter().rev() {
            body = vec![Statement::For(For { body, ..over.clone() })];
        }
        for condition in self.conditions.iter().rev() {
            body = vec![Statement::If { condition: (*condition).clone(), body }];
        }
        body
    }
}

/// How often a register is read, and how often by stores to other buffers than these.
fn reads(
    statements: &[Statement],
    register: RegisterId,
    is_private: &dyn Fn(BufferId) -> bool,
) -> (usize, usize) {
    let (mut all, mut stores) = (0, 0);
    visit::statements(statements, &mut |statement| {
        let is_kept = matches!(statement, Statement::Store { buffer, .. } if !is_private(*buffer));
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                let found = usize::from(*expr == Expr::Register(register));
                all += found;
                stores += if is_kept { found } else { 0 };
            });
        });
    });
    (all, stores)
}

/// Whether statements set and read no register but their own, and this one, which they do not set.
fn is_closed(statements: &[Statement], carry: RegisterId) -> bool {
    let (mut declared, mut used) = (BTreeSet::new(), BTreeSet::new());
    visit::statements(statements, &mut |statement| {
        if let Statement::Declare { register, .. } = statement {
            declared.insert(*register);
        }
        if let Statement::Set { register, .. } = statement {
            used.insert(*register);
        }
    });
    let sets_carry = used.contains(&carry);
    visit::statements(statements, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| {
            visit::names(expr, &mut |name| {
                if let Name::Register(register) = name {
                    used.insert(register);
                }
            });
        });
    });
    used.remove(&carry);
    !sets_carry && used.is_subset(&declared)
}

/// Whether scratch that statements touch is stored before it is loaded.
fn stores_first(statements: &[Statement], is_private: &dyn Fn(BufferId) -> bool) -> bool {
    let (mut stored, mut sound) = (BTreeSet::new(), true);
    visit::statements(statements, &mut |statement| {
        let mut store = None;
        visit::own_addresses(statement, &mut |buffer, _, written| match written {
            true => store = Some(buffer),
            false => sound &= !is_private(buffer) || stored.contains(&buffer),
        });
        stored.extend(store);
    });
    sound
}

/// Statements without what they store, but for scratch.
fn without_stores(
    statements: &[Statement],
    is_private: &dyn Fn(BufferId) -> bool,
) -> Vec<Statement> {
    let kept = statements.iter().filter_map(|statement| match statement {
        Statement::Store { buffer, .. } if !is_private(*buffer) => None,
        Statement::For(inner) => {
            let body = without_stores(&inner.body, is_private);
            Some(Statement::For(For { body, ..inner.clone() }))
        }
        Statement::If { condition, body } => {
            let body = without_stores(body, is_private);
            Some(Statement::If { condition: condition.clone(), body })
        }
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::Sync
        | Statement::Mma(_) => Some(statement.clone()),
    });
    kept.collect()
}
