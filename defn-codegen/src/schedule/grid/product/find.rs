//! Which nests are products.
//!
//! In: a nest with lanes.   Out: its sides, the steps of its sums, and what is done with them; none if it is anything else.
//!
//! ```text
//! for b parallel {                  batches: the loops that both operands change with
//!   for y, for x parallel {         one side: the loops that the right operand does not know
//!     for j lanes 64 {              the other side
//!       var $0 = 0.0
//!       for c, for u, for v {       steps
//!         $0 = fma(load image[b, c, y + u, x + v], load filters[j, c, u, v], $0)
//!       }
//!       store r0[b, j, y, x] = max($0, 0.0)
//! } } }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::Arena;
use crate::graph::{Dim, Element};
use crate::loops::visit::{self, Name};
use crate::loops::{
    Address, Buffer, Expr, For, Manner, RegisterId, Statement, ValueId, VariableId, ask,
};

/// A product, however it was written.
pub(super) struct Product<'s> {
    /// Loops that both operands change with, outermost first.
    pub(super) batches: Vec<&'s For>,
    /// Whose elements lie apart in the result, and whose lie side by side.
    pub(super) sides: [Side<'s>; 2],
    /// Every value, in the order of the text.
    pub(super) values: Vec<Named<'s>>,
    pub(super) steps: Side<'s>,
    /// What each side brings to a multiply-add.
    pub(super) operands: [Operand<'s>; 2],
    /// What both bring, where it is made of floats of 16 bits.
    pub(super) halves: Option<Halves<'s>>,
    /// Which side stands first in a multiply-add.
    pub(super) first: usize,
    pub(super) sum: Sum,
    /// The values around, and what is done for each pair but for adding up.
    pub(super) rest: Vec<&'s Statement>,
    /// How many of `rest` stand around the lanes.
    pub(super) around: usize,
}

/// Loops that are one behind the other, as one.
pub(super) struct Side<'s> {
    pub(super) loops: Vec<&'s For>,
    pub(super) extent: Dim,
}

impl<'s> Side<'s> {
    fn new(loops: Vec<&'s For>) -> Self {
        let extent = loops.iter().fold(Dim::from(1), |all, it| all * it.extent.clone());
        Self { loops, extent }
    }

    fn last(&self) -> VariableId {
        self.loops[self.loops.len() - 1].variable
    }
}

/// A value.
pub(super) struct Named<'s> {
    pub(super) value: ValueId,
    pub(super) element: Element,
    pub(super) expr: &'s Expr,
}

/// What one side brings to a multiply-add.
pub(super) struct Operand<'s> {
    pub(super) expr: &'s Expr,
    /// Whether its steps lie side by side, rather than its elements of a step.
    pub(super) along_steps: bool,
}

/// What both sides bring, before it is made an `f32`.
pub(super) struct Halves<'s> {
    pub(super) element: Element,
    pub(super) factors: [&'s Expr; 2],
}

impl<'s> Halves<'s> {
    fn of(
        sum: &Sum,
        operands: &[Operand<'s>; 2],
        (values, buffers): (&[Named<'s>], &Arena<Buffer>),
    ) -> Option<Self> {
        if sum.element != Element::F32 {
            return None;
        }
        let known = |value: ValueId| {
            let named = values.iter().find(|named| named.value == value)?;
            Some((named.element, named.expr))
        };
        let half = |operand: &Operand<'s>| ask::widened(operand.expr, &known, buffers);
        let [first, second] = operands.each_ref().map(half);
        let ((element, first), (other, second)) = (first?, second?);
        (element == other).then_some(Self { element, factors: [first, second] })
    }
}

/// The register that products are added to.
pub(super) struct Sum {
    pub(super) register: RegisterId,
    pub(super) element: Element,
    pub(super) initial: Expr,
}

/// Sums of products, whatever their sides are.
pub(super) struct Sums<'s> {
    /// The loops around, outermost first, with that of lanes behind them.
    pub(super) around: Vec<&'s For>,
    /// Outermost first.
    pub(super) steps: Vec<&'s For>,
    pub(super) sum: Sum,
}

impl<'s> Sums<'s> {
    /// The sums that a body computes.
    pub(super) fn of(body: &'s [Statement], buffers: &Arena<Buffer>) -> Option<Self> {
        let mut found = Reader::default();
        let columns = found.around(body)?;
        let Fold { steps, sum, factors: _ } = found.lanes(&columns.body)?;
        let mut around = found.loops;
        around.push(columns);
        keeps_to_memory(body, buffers).then_some(Self { around, steps, sum })
    }
}

impl<'s> Product<'s> {
    /// The product that a body is.
    pub(super) fn of(body: &'s [Statement], buffers: &Arena<Buffer>) -> Option<Self> {
        let mut found = Reader::default();
        let columns = found.around(body)?;
        let around = found.rest.len();
        let Fold { steps, sum, factors } = found.lanes(&columns.body)?;
        let [left, right] = factors.map(|factor| depends(&found.values, factor));
        let (left, right) = (left?, right?);
        let of_columns = match [&left, &right].map(|it| it.contains(&columns.variable)) {
            [false, true] => &right,
            [true, false] => &left,
            [false, false] | [true, true] => return None,
        };
        let (batches, rows): (Vec<_>, Vec<_>) =
            found.loops.iter().copied().partition(|it| of_columns.contains(&it.variable));
        if rows.is_empty() || !keeps_to_memory(body, buffers) {
            return None;
        }
        let steps = Side::new(steps);
        let mut sides = [Side::new(rows), Side::new(vec![columns])];
        if lies_along(&sides[0], &sides[1], &found.rest) {
            sides.reverse();
        }
        let is_in = |side: usize, depends: &BTreeSet<VariableId>| {
            sides[side].loops.iter().any(|it| depends.contains(&it.variable))
        };
        let first = usize::from(is_in(1, &left) || is_in(0, &right));
        let [left, right] = factors.map(|expr| (expr, &found.values));
        let (of_first, of_second) = if first == 0 { (left, right) } else { (right, left) };
        let operands =
            [Operand::new(of_first, &sides[0], &steps), Operand::new(of_second, &sides[1], &steps)];
        let (values, rest) = (found.values, found.rest);
        let halves = Halves::of(&sum, &operands, (&values, buffers));
        Some(Self { batches, sides, values, steps, operands, halves, first, sum, rest, around })
    }
}

pub(super) fn is_loop(statement: &Statement) -> bool {
    matches!(statement, Statement::For(_))
}

/// Whether what is stored lies side by side along the rows, and not along the columns.
fn lies_along(rows: &Side<'_>, columns: &Side<'_>, statements: &[&Statement]) -> bool {
    let stored = statements.iter().filter_map(|statement| match statement {
        Statement::Store { address, .. } => Some(address),
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::For(_)
        | Statement::If { .. }
        | Statement::Sync
        | Statement::Mma(_) => None,
    });
    let is_along = |address: &Address, side: &Side<'_>| address.coefficient(side.last()).is(1);
    let mut along = stored.map(|address| is_along(address, rows) && !is_along(address, columns));
    along.next().is_some_and(|first| first) && along.all(|it| it)
}

impl<'s> Operand<'s> {
    fn new((expr, values): (&'s Expr, &Vec<Named<'s>>), side: &Side<'_>, steps: &Side<'_>) -> Self {
        let mut along_steps = None;
        let mut note = |expr: &Expr| {
            visit::expressions(expr, &mut |expr| {
                let Expr::Load(_, address) = expr else { return };
                let [of_side, of_steps] =
                    [side, steps].map(|it| address.coefficient(it.last()).is(1));
                if along_steps.is_none() && (of_side || of_steps) {
                    along_steps = Some(!of_side);
                }
            });
        };
        note(expr);
        needed(values, expr).into_iter().for_each(|named| note(named.expr));
        Self { expr, along_steps: along_steps.unwrap_or(false) }
    }
}

/// The values that an expression is made of, in the order of the text.
pub(super) fn needed<'v, 's>(values: &'v [Named<'s>], expr: &Expr) -> Vec<&'v Named<'s>> {
    let mut used = BTreeSet::new();
    let note = |expr: &Expr, used: &mut BTreeSet<ValueId>| {
        visit::names(expr, &mut |name| {
            if let Name::Value(value) = name {
                used.insert(value);
            }
        });
    };
    note(expr, &mut used);
    let mut found = Vec::new();
    for named in values.iter().rev() {
        if used.contains(&named.value) {
            note(named.expr, &mut used);
            found.push(named);
        }
    }
    found.reverse();
    found
}

/// The variables that an expression changes with; none if it changes with a register.
fn depends(values: &[Named<'_>], expr: &Expr) -> Option<BTreeSet<VariableId>> {
    let mut found = Some(BTreeSet::new());
    let mut note = |expr: &Expr| {
        visit::names(expr, &mut |name| match name {
            Name::Variable(variable) => {
                if let Some(found) = &mut found {
                    found.insert(variable);
                }
            }
            Name::Register(_) => found = None,
            Name::Value(_) => {}
        });
    };
    note(expr);
    needed(values, expr).into_iter().for_each(|named| note(named.expr));
    found
}

/// Whether all that a body touches is memory of all, and no lane looks at another.
fn keeps_to_memory(body: &[Statement], buffers: &Arena<Buffer>) -> bool {
    let mut keeps = true;
    visit::addresses(body, &mut |buffer, _, _| {
        let content = &buffers[buffer];
        keeps &= content.lanes == 1 && !content.space.is_private() && !content.space.is_shared();
    });
    visit::statements(body, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                keeps &= !matches!(expr, Expr::Shift { .. } | Expr::Combine(..));
            });
        });
    });
    keeps
}

/// Steps, and what they add up.
struct Fold<'s> {
    steps: Vec<&'s For>,
    sum: Sum,
    /// In the order of the text.
    factors: [&'s Expr; 2],
}

/// What has been seen of a body.
#[derive(Default)]
struct Reader<'s> {
    loops: Vec<&'s For>,
    values: Vec<Named<'s>>,
    rest: Vec<&'s Statement>,
    registers: BTreeMap<RegisterId, (Element, &'s Expr)>,
}

impl<'s> Reader<'s> {
    /// The loops down to the one of lanes, and the values between.
    fn around(&mut self, mut body: &'s [Statement]) -> Option<&'s For> {
        loop {
            let (Statement::For(inner), front) = body.split_last()? else { return None };
            for statement in front {
                self.value(statement)?;
                self.rest.push(statement);
            }
            match inner.manner {
                Manner::Parallel if inner.clip.is_none() => self.loops.push(inner),
                Manner::Lanes(_) if inner.clip.is_none() => return Some(inner),
                Manner::Parallel | Manner::Serial | Manner::Sorted | Manner::Lanes(_) => {
                    return None;
                }
            }
            body = &inner.body;
        }
    }

    fn value(&mut self, statement: &'s Statement) -> Option<()> {
        let Statement::Let { value, element, expr } = statement else { return None };
        self.values.push(Named { value: *value, element: *element, expr });
        Some(())
    }

    /// The sum of the lanes; what else is done goes to the rest.
    fn lanes(&mut self, body: &'s [Statement]) -> Option<Fold<'s>> {
        let at = body.iter().position(is_loop)?;
        let mut found = None;
        for (position, statement) in body.iter().enumerate() {
            match statement {
                Statement::For(sum) if position == at => {
                    found = self.sum(sum);
                    continue;
                }
                Statement::Let { expr, .. } if position < at => {
                    self.value(statement)?;
                    depends(&self.values, expr)?;
                }
                Statement::Declare { register, element, lanes: _, initial }
                    if position < at && matches!(initial, Expr::Constant(_)) =>
                {
                    self.registers.insert(*register, (*element, initial));
                }
                Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. }
                    if position > at => {}
                Statement::Let { .. }
                | Statement::For(_)
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. }
                | Statement::If { .. }
                | Statement::Sync
                | Statement::Mma(_) => return None,
            }
            self.rest.push(statement);
        }
        found
    }

    fn sum(&mut self, outer: &'s For) -> Option<Fold<'s>> {
        let (mut steps, mut inner) = (Vec::new(), outer);
        let last = loop {
            if inner.manner != Manner::Serial || inner.clip.is_some() || inner.extent.is(0) {
                return None;
            }
            steps.push(inner);
            let (last, front) = inner.body.split_last()?;
            front.iter().try_for_each(|statement| self.value(statement))?;
            let Statement::For(deeper) = last else { break last };
            inner = deeper;
        };
        let Statement::Set { register, expr: Expr::MultiplyAdd(left, right, so_far) } = last else {
            return None;
        };
        let (element, initial) = self.registers.get(register)?;
        let sum = Sum { register: *register, element: *element, initial: Expr::clone(initial) };
        let is_fold = **so_far == Expr::Register(*register);
        is_fold.then_some(Fold { steps, sum, factors: [left, right] })
    }
}
