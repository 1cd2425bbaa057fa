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
use crate::loops::visit;
use crate::loops::{
    Address, BufferId, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement, VariableId,
};

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
    let outer = chain(&loops.nests[start]);
    let groups = (1..=outer.len()).filter_map(|depth| {
        let extents: Vec<Dim> = outer[..depth].iter().map(|it| it.extent.clone()).collect();
        longest(loops, start, extents, begins)
    });
    groups.filter(has_products).max_by_key(|group| group.members.len())
}

/// The nested parallel loops that a nest consists of, outermost first.
fn chain(nest: &Nest) -> Vec<&For> {
    let mut chain = Vec::new();
    let mut body = nest.body.as_slice();
    while let [Statement::For(inner)] = body
        && inner.manner == Manner::Parallel
        && inner.clip.is_none()
    {
        chain.push(inner);
        body = &inner.body;
    }
    chain
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
    let mut behind = Effects::default();
    for (position, nest) in loops.nests.iter().enumerate().skip(start) {
        let effects = Effects::of(nest);
        if position > start && !effects.stores.is_disjoint(begins) {
            break;
        }
        let candidates = [each(nest, &extents), sum(nest, &extents)];
        let fits = candidates.into_iter().flatten().find_map(|member| {
            let mut all = touched.clone();
            all.extend(touches(nest, &member, members.len()));
            (agree(&all) && !behind.disturb(&effects)).then_some((member, all))
        });
        match fits {
            Some((member, all)) => {
                members.push(member);
                positions.push(position);
                touched = all;
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

fn each(nest: &Nest, extents: &[Dim]) -> Option<Member> {
    let chain = chain(nest);
    let rows = chain.get(..extents.len())?;
    if rows.iter().zip(extents).any(|(it, extent)| it.extent != *extent) {
        return None;
    }
    let body = rows[rows.len() - 1].body.clone();
    Some(Member { variables: rows.iter().map(|it| it.variable).collect(), kind: Kind::Each(body) })
}

fn sum(nest: &Nest, extents: &[Dim]) -> Option<Member> {
    let (rows, batches) = extents.split_last()?;
    let chain = chain(nest);
    if batches.is_empty() || chain.len() < batches.len() {
        return None;
    }
    let (outer, around) = chain.split_at(batches.len());
    if outer.iter().zip(batches).any(|(it, extent)| it.extent != *extent) {
        return None;
    }
    let body = chain[chain.len() - 1].body.as_slice();
    let at = body.iter().position(|it| matches!(it, Statement::For(_)))?;
    let Statement::For(over) = &body[at] else { return None };
    let (front, back) = (body[..at].to_vec(), body[at + 1..].to_vec());
    let is_row = over.extent == *rows && over.clip.is_none();
    let mut elements = BTreeMap::new();
    for statement in &front {
        match statement {
            Statement::Let { .. } => {}
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
    let header = |it: &&For| For { body: Vec::new(), ..(*it).clone() };
    Some(Member {
        variables: outer.iter().map(|it| it.variable).chain([over.variable]).collect(),
        kind: Kind::Sum(Sum {
            around: around.iter().map(header).collect(),
            front,
            registers: elements.into_iter().collect(),
            body: over.body.clone(),
            back,
        }),
    })
}

/// An access of a nest.
#[derive(Clone)]
struct Touched {
    nest: usize,
    buffer: BufferId,
    written: bool,
    /// How many elements a row has, if the access is to the row of the iteration.
    row: Option<Dim>,
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

/// How many elements a row has, if an address goes through one row of each iteration and nothing else.
fn row_of(
    address: &Address,
    rows: &[VariableId],
    extents: &BTreeMap<VariableId, Dim>,
) -> Option<Dim> {
    let mut expected = address.coefficient(*rows.last()?);
    let row = expected.clone();
    for pair in rows.windows(2).rev() {
        expected = expected * extents[&pair[1]].clone();
        if address.coefficient(pair[0]) != expected {
            return None;
        }
    }
    let mut end = Dim::from(1);
    for (variable, coefficient) in &address.terms {
        if !rows.contains(variable) {
            end = end + coefficient.clone() * (extents[variable].clone() - Dim::from(1));
        }
    }
    (address.constant.is(0) && address.computed.is_empty() && end == row).then_some(row)
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
        let Some(row) = row.clone().filter(|_| is_scratch) else {
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
fn has_products(group: &Group) -> bool {
    let is_batched = group.extents.len() > 1;
    let products = group.members.iter().filter(|it| is_product(it, is_batched)).count();
    products >= 2 && (is_batched || group.members.iter().any(takes_largest))
}

/// Whether a nest multiplies the rows with something else, of the same batch if there are batches.
fn is_product(member: &Member, is_batched: bool) -> bool {
    let body = match &member.kind {
        Kind::Each(body) => body,
        Kind::Sum(sum) => &sum.body,
    };
    let multiplies = |statement: &Statement| {
        matches!(statement, Statement::Set { register: _, expr: Expr::MultiplyAdd(..) })
    };
    let mut product = false;
    let of = |address: &Address, variable: VariableId| !address.coefficient(variable).is(0);
    let Some((row, batches)) = member.variables.split_last() else { return false };
    let is_operand = |address: &Address| {
        !of(address, *row) && (!is_batched || batches.iter().any(|batch| of(address, *batch)))
    };
    visit::statements(body, &mut |statement| {
        let Statement::For(inner) = statement else { return };
        if inner.body.iter().any(multiplies) {
            visit::addresses(&inner.body, &mut |_, address, _| {
                product |= is_operand(address) && of(address, inner.variable);
            });
        }
    });
    product
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
