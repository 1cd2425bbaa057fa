//! The nest that goes through all of a group, stripe by stripe, and what the nests apart still need.

use super::super::names::Names;
use super::find::{Group, Kept, Kind, Member, Sum};
use crate::arena::Arena;
use crate::graph::{Binary, Dim, Scalar};
use crate::loops::visit::{self, Rename};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Manner, Nest, Space, Statement, VariableId,
};
use crate::options::Stripes;

/// Rows of elements: two in a row of which fall into different sets of a cache.
const LINE: i64 = 16;

/// All nests of a group as one.
pub(super) fn joined(
    group: &Group,
    buffers: &mut Arena<Buffer>,
    names: &mut Names,
    sizes: Stripes,
) -> Nest {
    let length = group.rows().as_constant().map_or(sizes.rows, |rows| rows.min(sizes.rows));
    let kept = scratch(&group.kept, length, buffers);
    let batches = group.extents[..group.extents.len() - 1].iter();
    let batches: Vec<(VariableId, Dim)> =
        batches.map(|extent| (names.variable(), extent.clone())).collect();
    let mut writer = Writer {
        batches: batches.iter().map(|(variable, _)| *variable).collect(),
        stripe: names.variable(),
        rows: group.rows().clone(),
        length,
        kept,
        buffers,
        names,
    };
    let (mut front, mut inside, mut back) = (Vec::new(), Vec::new(), Vec::new());
    let mut adds = false;
    for member in &group.members {
        match &member.kind {
            Kind::Each(body) => inside.push(writer.each(member, body)),
            Kind::Sum(sum) => {
                let [before, within, behind] = writer.sum(member, sum);
                front.push(before);
                inside.push(within);
                back.push(behind);
                adds = true;
            }
        }
    }
    let count = (writer.rows.clone() + Dim::from(length - 1)).floor_div(&Dim::from(length));
    let stripes = For {
        variable: writer.stripe,
        extent: count,
        clip: None,
        manner: if adds { Manner::Serial } else { Manner::Parallel },
        body: inside,
    };
    let mut body = front;
    body.push(Statement::For(stripes));
    body.extend(back);
    for (variable, extent) in batches.into_iter().rev() {
        let manner = Manner::Parallel;
        body = vec![Statement::For(For { variable, extent, clip: None, manner, body })];
    }
    Nest::new(body)
}

/// Lets a nest run under a condition only.
pub(super) fn guard(nest: &mut Nest, condition: &Expr) {
    let body = std::mem::take(&mut nest.body);
    nest.body = vec![Statement::If { condition: condition.clone(), body }];
}

/// Buffers between the nests need no more than the few rows with which the nests stay apart.
pub(super) fn shrink(kept: &[Kept], buffers: &mut Arena<Buffer>, sizes: Stripes) {
    for Kept { buffer, row, batches, .. } in kept {
        let few = [Dim::from(sizes.from - 1), row.clone()];
        buffers[*buffer].shape = batches.iter().cloned().chain(few).collect();
    }
}

/// Scratch of a stripe for a buffer.
struct Scratch {
    from: BufferId,
    to: BufferId,
    /// From row to row.
    stride: Dim,
    last: usize,
}

/// Gives every buffer between nests rows of its own, or those of one that is not needed any more.
fn scratch(kept: &[Kept], length: i64, buffers: &mut Arena<Buffer>) -> Vec<Scratch> {
    let mut all: Vec<Scratch> = Vec::new();
    for Kept { buffer: from, row, first, last, .. } in kept {
        let stride = stride(row);
        let element = buffers[*from].element;
        let free = all.iter().map(|it| it.to).find(|to| {
            let mut users = all.iter().filter(|it| it.to == *to);
            buffers[*to].element == element
                && users.all(|it| it.last < *first && it.stride == stride)
        });
        let to = free.unwrap_or_else(|| {
            let name = format!("s{}", buffers.len());
            let shape = vec![Dim::from(length), stride.clone()];
            buffers.push(Buffer { name, element, shape, lanes: 1, space: Space::Private(None) })
        });
        all.push(Scratch { from: *from, to, stride, last: *last });
    }
    all
}

/// An odd number of lines, so that rows one after the other never lie in the same few sets of a cache.
fn stride(row: &Dim) -> Dim {
    if row.as_constant().is_some_and(|row| row <= LINE) {
        return row.clone();
    }
    let pair = Dim::from(2 * LINE);
    (row.clone() + Dim::from(LINE - 1)).floor_div(&pair) * pair + Dim::from(LINE)
}

struct Writer<'w> {
    batches: Vec<VariableId>,
    stripe: VariableId,
    rows: Dim,
    /// Rows of a stripe.
    length: i64,
    kept: Vec<Scratch>,
    buffers: &'w mut Arena<Buffer>,
    names: &'w mut Names,
}

impl Writer<'_> {
    /// What a nest does for each row, for the rows of a stripe.
    fn each(&mut self, member: &Member, body: &[Statement]) -> Statement {
        let row = self.names.variable();
        let all = self.over_rows(row, Manner::Parallel, body.to_vec());
        self.moved(member, row, &all)
    }

    /// A statement of a nest where it stands in the joined one, under names of its own.
    fn moved(&mut self, member: &Member, row: VariableId, statement: &Statement) -> Statement {
        let moved = visit::rename_statement(statement, &Moved { member, row, writer: self });
        self.names.copy(&[moved]).remove(0)
    }

    fn over_rows(&self, variable: VariableId, manner: Manner, body: Vec<Statement>) -> Statement {
        let mut clip = Address { constant: self.rows.clone(), ..Address::default() };
        clip.add_term(self.stripe, &Dim::from(-self.length));
        let is_even = self.rows.as_constant().is_some_and(|rows| rows % self.length == 0);
        let extent = Dim::from(self.length);
        Statement::For(For { variable, extent, clip: (!is_even).then_some(clip), manner, body })
    }

    /// The clearing of the sums, what a stripe adds to them, and what is done with them.
    fn sum(&mut self, member: &Member, sum: &Sum) -> [Statement; 3] {
        let extents: Vec<Dim> = sum.around.iter().map(|it| it.extent.clone()).collect();
        let totals: Vec<BufferId> = sum
            .registers
            .iter()
            .map(|(_, element)| {
                let name = format!("s{}", self.buffers.len());
                let (element, shape) = (*element, extents.clone());
                let space = Space::Private(None);
                self.buffers.push(Buffer { name, element, shape, lanes: 1, space })
            })
            .collect();
        let mut place = Address::default();
        let mut step = Dim::from(1);
        for inner in sum.around.iter().rev() {
            place.add_term(inner.variable, &step);
            step = step * inner.extent.clone();
        }
        let clear = totals.iter().zip(&sum.registers).map(|(total, (_, element))| {
            let expr = Expr::Constant(Scalar::from_f64(*element, 0.0));
            Statement::Store { buffer: *total, address: place.clone(), expr }
        });
        let clear = clear.collect();
        let row = self.names.variable();
        let mut within: Vec<Statement> = sum.front.clone();
        within.push(self.over_rows(row, Manner::Parallel, sum.body.clone()));
        let mut behind = Vec::new();
        for ((register, element), total) in sum.registers.iter().zip(&totals) {
            let value = self.names.value();
            let expr = Expr::Load(*total, Box::new(place.clone()));
            let load = Statement::Let { value, element: *element, expr };
            let so_far = Box::new(Expr::Value(value));
            let expr = Expr::Binary(Binary::Add, so_far, Box::new(Expr::Register(*register)));
            within.push(load.clone());
            within.push(Statement::Store { buffer: *total, address: place.clone(), expr });
            behind.push(load);
            let initial = Expr::Value(value);
            let (register, element) = (*register, *element);
            behind.push(Statement::Declare { register, element, lanes: 1, initial });
        }
        let is_value = |it: &&Statement| matches!(it, Statement::Let { .. });
        behind.extend(sum.front.iter().filter(is_value).cloned());
        behind.extend(sum.back.iter().cloned());
        [clear, within, behind].map(|body| self.moved(member, row, &nested(&sum.around, body)))
    }
}

/// Loops around a body.
fn nested(around: &[For], mut body: Vec<Statement>) -> Statement {
    for outer in around.iter().rev() {
        body = vec![Statement::For(For { body, ..outer.clone() })];
    }
    body.remove(0)
}

/// Statements of a nest where they stand in the joined one.
struct Moved<'m> {
    member: &'m Member,
    row: VariableId,
    writer: &'m Writer<'m>,
}

impl Rename for Moved<'_> {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        let (row, batches) = self.member.variables.split_last()?;
        if variable == *row {
            let mut terms =
                vec![(self.writer.stripe, Dim::from(self.writer.length)), (self.row, Dim::from(1))];
            terms.sort_by_key(|(variable, _)| *variable);
            return Some((Dim::default(), terms));
        }
        let position = batches.iter().position(|batch| *batch == variable)?;
        Some((Dim::default(), vec![(self.writer.batches[position], Dim::from(1))]))
    }

    fn place(&self, buffer: BufferId, address: &Address) -> Option<(BufferId, Address)> {
        let scratch = self.writer.kept.iter().find(|it| it.from == buffer)?;
        let mut place = Address::default();
        for (variable, coefficient) in &address.terms {
            if !self.member.variables.contains(variable) {
                place.add_term(*variable, coefficient);
            }
        }
        place.add_term(self.row, &scratch.stride);
        Some((scratch.to, place))
    }
}
