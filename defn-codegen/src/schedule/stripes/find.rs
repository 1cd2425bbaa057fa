//! Which nests share their rows.
//!
//! In: all nests.   Out: a run of them that may be joined, with what is stored between them.
//!
//! Rows are the iterations of the outermost loops, batches first. A nest belongs to the run if every buffer that one of them stores and another
//! touches is touched at the row of the iteration and nowhere else. Nests between them that have other rows may stand behind all of them,
//! unless one of the group needs what they store.

use std::collections::{BTreeMap, BTreeSet};

use super::super::blocks::folds;
use crate::graph::{Binary, Combine, Dim, Element};
use crate::loops::{
    Address, BufferId, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement, VariableId,
};
use crate::loops::{ask, visit};

/// Nests to be joined.
pub(super) struct Group {
    /// The extents of the batches, then the number of rows.
    pub(super) extents: Vec<Dim>,
    pub(super) members: Vec<Member>,
    /// Where the nests of the group stand, in order.
    pub(super) positions: Vec<usize>,
    /// What is stored between the nests and used by nobody else.
    pub(super) kept: Vec<Kept>,
    /// What is stored by the group, more than one element a row, and used by others too.
    pub(super) shared: Vec<BufferId>,
}

impl Group {
    /// How many rows there are.
    pub(super) fn rows(&self) -> &Dim {
        &self.extents[self.extents.len() - 1]
    }
}

/// A nest of the group.
pub(super) struct Member {
    /// The variables of the batches, then that of the rows.
    pub(super) variables: Vec<VariableId>,
    pub(super) kind: Kind,
}

/// What a nest does with the rows.
pub(super) enum Kind {
    /// This, for each.
    Each(Vec<Statement>),
    /// It adds up over them.
    Sum(Sum),
}

/// A nest that adds up over rows.
#[derive(Clone)]
pub(super) struct Sum {
    /// The loops around the sum, without batches and bodies.
    pub(super) around: Vec<For>,
    /// What stands in front of the loop over rows: values and registers.
    pub(super) front: Vec<Statement>,
    pub(super) registers: Vec<(RegisterId, Element)>,
    /// What is done for each row.
    pub(super) body: Vec<Statement>,
    /// What is done with the sums.
    pub(super) back: Vec<Statement>,
}

/// A buffer between nests.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) buffer: BufferId,
    /// How many elements a row has.
    pub(super) row: Dim,
    /// The batches.
    pub(super) batches: Vec<Dim>,
    /// The first and the last nest of the group that touch it.
    pub(super) first: usize,
    pub(super) last: usize,
}

/// The longest group that begins with a nest, if it is worth to be one.
pub(super) fn group(loops: &Loops, start: usize, begins: &BTreeSet<BufferId>) -> Option<Group> {
    let is_wide = |kept: &Kept| kept.row.as_constant().is_none_or(|row| row > 1);
    products(loops, start, begins).filter(|group| group.kept.iter().any(is_wide))
}

/// The longest group that begins with a nest, if there are products in it with something between.
///
/// What is in `begins` is stored first by a group of its own.
pub(super) fn products(loops: &Loops, start: usize, begins: &BTreeSet<BufferId>) -> Option<Group> {
    let (_, chain) = chain(&loops.nests[start])?;
    let groups = rows_of_product(&chain).into_iter().filter_map(|rows| {
        let extents = rows.iter().map(|at| chain[*at].extent.clone()).collect();
        longest(loops, start, extents, begins)
    });
    groups.filter(has_products).max_by_key(|group| (group.extents.len(), group.members.len()))
}

/// Which of the loops around a product may be batches and rows: both operands depend on batches, and one of them on rows.
fn rows_of_product(chain: &[&For]) -> Vec<Vec<usize>> {
    let Some(innermost) = chain.last() else { return Vec::new() };
    let mut operands: Vec<Vec<usize>> = Vec::new();
    visit::statements(&innermost.body, &mut |statement| {
        let Statement::For(reduction) = statement else { return };
        if !reduction.body.iter().any(ask::multiplies) {
            return;
        }
        visit::addresses(&reduction.body, &mut |_, address, _| {
            let depends = |at: &usize| !address.coefficient(chain[*at].variable).is(0);
            operands.push((0..chain.len()).filter(depends).collect());
        });
    });
    let [left, right] = operands.as_slice() else { return Vec::new() };
    let batches: Vec<usize> = left.iter().copied().filter(|at| right.contains(at)).collect();
    let rows = left.iter().chain(right).filter(|at| !batches.contains(at));
    rows.map(|row| batches.iter().chain([row]).copied().collect()).collect()
}

/// What stands in front of the nested parallel loops that a nest consists of, and these loops, outermost first.
fn chain(nest: &Nest) -> Option<(&[Statement], Vec<&For>)> {
    let is_value = |it: &&Statement| matches!(it, Statement::Let { .. });
    let front = nest.body.iter().take_while(is_value).count();
    let (front, mut body) = nest.body.split_at(front);
    let mut chain = Vec::new();
    while let [Statement::For(inner)] = body
        && inner.manner == Manner::Parallel
        && inner.clip.is_none()
    {
        chain.push(inner);
        body = &inner.body;
    }
    (!chain.is_empty()).then_some((front, chain))
}

/// All ways to find loops of these extents among others.
fn choices(chain: &[&For], extents: &[Dim]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = extents.split_last() else { return vec![Vec::new()] };
    let mut found = Vec::new();
    for chosen in choices(chain, rest) {
        for (at, candidate) in chain.iter().enumerate() {
            if candidate.extent == *first && !chosen.contains(&at) {
                found.push(chosen.iter().copied().chain([at]).collect());
            }
        }
    }
    found
}

/// The loops that were not chosen, without bodies.
fn others(chain: &[&For], chosen: &[usize]) -> Vec<For> {
    let rest = (0..chain.len()).filter(|at| !chosen.contains(at));
    rest.map(|at| For { body: Vec::new(), ..chain[at].clone() }).collect()
}

/// As many nests from the first on as share these rows.
fn longest(
    loops: &Loops,
    start: usize,
    extents: Vec<Dim>,
    begins: &BTreeSet<BufferId>,
) -> Option<Group> {
    let mut touched: Vec<Touched> = Vec::new();
    let (mut members, mut positions) = (Vec::new(), Vec::new());
    let (mut behind, mut products) = (Effects::default(), 0);
    // What runs again and again, or perhaps never, is not moved.
    let together = |(_, nest): &(usize, &Nest)| nest.control.is_none();
    for (position, nest) in loops.nests.iter().enumerate().skip(start).take_while(together) {
        let effects = Effects::of(nest);
        if position > start && !effects.stores.is_disjoint(begins) {
            break;
        }
        let candidates = each(nest, &extents).into_iter().chain(sum(nest, &extents));
        let fits = candidates.into_iter().find_map(|member| {
            let mut all = touched.clone();
            all.extend(touches(nest, &member, members.len()));
            (agree(&all) && !behind.disturb(&effects)).then_some((member, all))
        });
        match fits {
            Some((member, all)) => {
                let is_product = !operands(&member, extents.len() > 1).is_empty();
                products += usize::from(is_product);
                members.push(member);
                positions.push(position);
                touched = all;
                // Without batches what follows is another layer, whose operand is large.
                if extents.len() == 1 && products == 2 {
                    break;
                }
            }
            None => behind.add(effects),
        }
    }
    if members.len() < 2 {
        return None;
    }
    let (kept, shared) = kept(loops, &positions, &touched, &extents);
    Some(Group { extents, members, positions, kept, shared })
}

/// What nests load and store.
#[derive(Default)]
struct Effects {
    loads: BTreeSet<BufferId>,
    stores: BTreeSet<BufferId>,
}

impl Effects {
    fn of(nest: &Nest) -> Self {
        let mut effects = Self::default();
        visit::addresses(&nest.body, &mut |buffer, _, written| {
            if written {
                effects.stores.insert(buffer)
            } else {
                effects.loads.insert(buffer)
            };
        });
        effects
    }

    fn add(&mut self, other: Self) {
        self.loads.extend(other.loads);
        self.stores.extend(other.stores);
    }

    /// Whether it matters which of them come first.
    fn disturb(&self, other: &Self) -> bool {
        !self.stores.is_disjoint(&other.loads)
            || !self.stores.is_disjoint(&other.stores)
            || !self.loads.is_disjoint(&other.stores)
    }
}

fn each(nest: &Nest, extents: &[Dim]) -> Vec<Member> {
    let Some((front, chain)) = chain(nest) else { return Vec::new() };
    let member = |chosen: Vec<usize>| {
        let mut body = chain[chain.len() - 1].body.clone();
        for outer in others(&chain, &chosen).into_iter().rev() {
            body = vec![Statement::For(For { body, ..outer })];
        }
        let body = front.iter().cloned().chain(body).collect();
        let variables = chosen.iter().map(|at| chain[*at].variable).collect();
        Member { variables, kind: Kind::Each(body) }
    };
    choices(&chain, extents).into_iter().map(member).collect()
}

fn sum(nest: &Nest, extents: &[Dim]) -> Vec<Member> {
    let Some((rows, batches)) = extents.split_last().filter(|(_, batches)| !batches.is_empty())
    else {
        return Vec::new();
    };
    let Some((values, chain)) = chain(nest) else { return Vec::new() };
    let Some((over, sum)) = sum_over(values, &chain, rows) else { return Vec::new() };
    let member = |chosen: Vec<usize>| {
        let batches = chosen.iter().map(|at| chain[*at].variable);
        let sum = Sum { around: others(&chain, &chosen), ..sum.clone() };
        Member { variables: batches.chain([over]).collect(), kind: Kind::Sum(sum) }
    };
    choices(&chain, batches).into_iter().map(member).collect()
}

/// The variable of the loop over rows that a nest adds up over, and the sum.
fn sum_over(values: &[Statement], chain: &[&For], rows: &Dim) -> Option<(VariableId, Sum)> {
    let body = chain[chain.len() - 1].body.as_slice();
    let at = body.iter().position(|it| matches!(it, Statement::For(_)))?;
    let Statement::For(over) = &body[at] else { return None };
    let front: Vec<Statement> = values.iter().chain(&body[..at]).cloned().collect();
    let back = body[at + 1..].to_vec();
    let is_row = over.extent == *rows && over.clip.is_none();
    let mut elements = BTreeMap::new();
    for statement in &front {
        match statement {
            Statement::Sync | Statement::Mma(_) | Statement::Let { .. } => {}
            Statement::Declare { register, element, lanes: 1, initial }
                if *initial == Expr::Constant(Combine::Add.identity(*element)) =>
            {
                elements.insert(*register, *element);
            }
            Statement::Declare { .. }
            | Statement::For(_)
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => return None,
        }
    }
    let is_plain = |it: &Statement| matches!(it, Statement::Let { .. } | Statement::Store { .. });
    let folds = folds(&over.body)?;
    let adds = folds
        .iter()
        .all(|(register, combine)| *combine == Combine::Add && elements.contains_key(register));
    let mut stores = false;
    visit::addresses(&over.body, &mut |_, _, written| stores |= written);
    if !is_row || !adds || stores || folds.is_empty() || !back.iter().all(is_plain) {
        return None;
    }
    let sum = Sum {
        around: Vec::new(),
        front,
        registers: elements.into_iter().collect(),
        body: over.body.clone(),
        back,
    };
    Some((over.variable, sum))
}

/// An access of a nest.
#[derive(Clone)]
struct Touched {
    nest: usize,
    buffer: BufferId,
    written: bool,
    /// The row, if the access is to that of the iteration.
    row: Option<Row>,
}

/// All accesses of a nest.
fn touches(nest: &Nest, member: &Member, position: usize) -> Vec<Touched> {
    let mut extents = BTreeMap::new();
    visit::statements(&nest.body, &mut |statement| {
        if let Statement::For(inner) = statement {
            extents.insert(inner.variable, inner.extent.clone());
        }
    });
    let mut found = Vec::new();
    let mut note = |statements: &[Statement], is_row: bool| {
        visit::addresses(statements, &mut |buffer, address, written| {
            let row = row_of(address, &member.variables, &extents).filter(|_| is_row);
            found.push(Touched { nest: position, buffer, written, row });
        });
    };
    match &member.kind {
        Kind::Each(body) => note(body, true),
        Kind::Sum(sum) => {
            // Around the sum no row is known.
            note(&sum.front, false);
            note(&sum.body, true);
            note(&sum.back, false);
        }
    }
    found
}

/// Rows of a buffer, each without a gap.
#[derive(Clone, PartialEq, Eq)]
struct Row {
    /// How many elements one has.
    length: Dim,
    /// From batch to batch, and from row to row.
    steps: Vec<Dim>,
}

/// The row that an address goes through in each iteration, if it goes nowhere else.
fn row_of(
    address: &Address,
    rows: &[VariableId],
    extents: &BTreeMap<VariableId, Dim>,
) -> Option<Row> {
    // A loop around the nests moves all of them.
    if address.terms.iter().any(|(it, _)| !extents.contains_key(it)) {
        return None;
    }
    let mut inside: Vec<VariableId> = Vec::new();
    inside.extend(address.terms.iter().map(|(it, _)| *it).filter(|it| !rows.contains(it)));
    let mut outside = rows.to_vec();
    let mut length = Dim::from(1);
    // The variables are digits of the position: each counts what all below it make.
    let digits = |all: &mut Vec<VariableId>, size: &mut Dim| {
        while let Some(at) = all.iter().position(|it| address.coefficient(*it) == *size) {
            *size = size.clone() * extents[&all.remove(at)].clone();
        }
        all.is_empty()
    };
    let is_dense = digits(&mut inside, &mut length);
    let mut size = length.clone();
    let is_whole = digits(&mut outside, &mut size);
    let is_affine = address.constant.is(0) && address.computed.is_empty();
    let steps = rows.iter().map(|row| address.coefficient(*row)).collect();
    (is_dense && is_whole && is_affine).then_some(Row { length, steps })
}

/// Whether the nests may go through the rows together.
fn agree(all: &[Touched]) -> bool {
    let stored: BTreeSet<BufferId> =
        all.iter().filter(|it| it.written).map(|it| it.buffer).collect();
    stored.into_iter().all(|buffer| {
        let mut of = all.iter().filter(|it| it.buffer == buffer);
        let Some(first) = of.next() else { return true };
        let rest: Vec<&Touched> = of.collect();
        let is_alone = rest.iter().all(|it| it.nest == first.nest);
        is_alone || (first.row.is_some() && rest.iter().all(|it| it.row == first.row))
    })
}

/// The buffers that nobody else needs, and those that others need.
fn kept(
    loops: &Loops,
    positions: &[usize],
    touched: &[Touched],
    extents: &[Dim],
) -> (Vec<Kept>, Vec<BufferId>) {
    let mut outside = BTreeSet::new();
    for (position, nest) in loops.nests.iter().enumerate() {
        if !positions.contains(&position) {
            visit::addresses(&nest.body, &mut |buffer, _, _| {
                outside.insert(buffer);
            });
        }
    }
    let mut kept: Vec<Kept> = Vec::new();
    for Touched { nest, buffer, written: _, row } in touched {
        let is_scratch = matches!(loops.buffers[*buffer].space, Space::Workspace(_));
        let Some(row) = row.clone().filter(|_| is_scratch).map(|row| row.length) else {
            continue;
        };
        match kept.iter_mut().find(|it| it.buffer == *buffer) {
            Some(known) => known.last = *nest,
            None => kept.push(Kept {
                buffer: *buffer,
                row,
                batches: extents[..extents.len() - 1].to_vec(),
                first: *nest,
                last: *nest,
            }),
        }
    }
    // What one nest keeps for itself has no row of the group in every access.
    kept.retain(|it| {
        touched.iter().filter(|other| other.buffer == it.buffer).all(|other| other.row.is_some())
    });
    let is_stored =
        |it: &Kept| touched.iter().any(|other| other.buffer == it.buffer && other.written);
    kept.retain(is_stored);
    let (shared, kept): (Vec<Kept>, Vec<Kept>) =
        kept.into_iter().partition(|it| outside.contains(&it.buffer));
    let is_wide = |it: &Kept| it.row.as_constant().is_none_or(|row| row > 1);
    (kept, shared.into_iter().filter(is_wide).map(|it| it.buffer).collect())
}

/// Whether there are two products, of batches or around the shares of a softmax.
///
/// Without batches, a network that learns to classify looks like attention to its weights: it multiplies with them, takes a softmax,
/// and multiplies its slope with the same weights again. Nothing large is between, so that the two operands must not be the same.
fn has_products(group: &Group) -> bool {
    let is_batched = group.extents.len() > 1;
    let operands: Vec<BTreeSet<BufferId>> =
        group.members.iter().map(|member| operands(member, is_batched)).collect();
    let mut products = (0..operands.len()).filter(|at| !operands[*at].is_empty());
    let (Some(first), Some(second)) = (products.next(), products.next()) else { return false };
    is_batched
        || (group.members[first..second].iter().any(takes_largest)
            && operands[first].is_disjoint(&operands[second]))
}

/// What a nest multiplies the rows with, of the same batch if there are batches.
fn operands(member: &Member, is_batched: bool) -> BTreeSet<BufferId> {
    let body = match &member.kind {
        Kind::Each(body) => body,
        Kind::Sum(sum) => &sum.body,
    };
    let mut found = BTreeSet::new();
    let of = |address: &Address, variable: VariableId| !address.coefficient(variable).is(0);
    let Some((row, batches)) = member.variables.split_last() else { return found };
    let is_operand = |address: &Address| {
        !of(address, *row) && (!is_batched || batches.iter().any(|batch| of(address, *batch)))
    };
    visit::statements(body, &mut |statement| {
        let Statement::For(inner) = statement else { return };
        if inner.body.iter().any(ask::multiplies) {
            visit::addresses(&inner.body, &mut |buffer, address, _| {
                if is_operand(address) && of(address, inner.variable) {
                    found.insert(buffer);
                }
            });
        }
    });
    found
}

/// Whether a nest finds the largest element of a row.
fn takes_largest(member: &Member) -> bool {
    let mut found = false;
    let Kind::Each(body) = &member.kind else { return false };
    visit::statements(body, &mut |statement| {
        found |= matches!(
            statement,
            Statement::Set { register: _, expr: Expr::Binary(Binary::Max, ..) }
        );
    });
    found
}
