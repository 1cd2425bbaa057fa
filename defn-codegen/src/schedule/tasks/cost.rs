//! About how long a nest takes.
//!
//! In:  a body.   Out: picoseconds, as a formula in the extents.
//!
//! The numbers are those of one core of a processor of 2022 at 3.7 GHz with data in its second cache; a factor of three
//! does no harm, since the formula only decides how much work is worth another thread, and how much a thread takes at once.

use std::collections::BTreeSet;

use crate::graph::{Binary, Comparison, Dim};
use crate::loops::visit;
use crate::loops::{Expr, For, Loops, Manner, Statement, ValueId, VariableId};

/// An operation of one cycle on one number, by itself.
const SCALAR: i64 = 250;
/// The same in lanes, for each byte of the number.
const LANE_BYTE: i64 = 3;
/// A byte that is read or written in order.
const BYTE: i64 = 4;
/// An access that stands alone, or whose lanes are anywhere.
const ACCESS: i64 = 400;
/// How many operations a function of mathematics takes.
const FUNCTION: i64 = 16;
/// How many operations a division takes, or a conversion between integers and floats.
const DIVISION: i64 = 8;

/// What a statement stands in.
struct Place<'l> {
    loops: &'l Loops,
    lanes: Option<VariableId>,
    /// What was computed outside of the lanes.
    shared: BTreeSet<ValueId>,
    /// The loops around, and how often each runs.
    around: Vec<(VariableId, Dim)>,
}

/// The cost of a whole nest.
pub(super) fn of_body(loops: &Loops, body: &[Statement]) -> Dim {
    Place { loops, lanes: None, shared: BTreeSet::new(), around: Vec::new() }.block(body)
}

/// The cost of what stands in front of the inner ones of shared loops, once.
pub(super) fn of_fronts(loops: &Loops, shared: &[&For]) -> Dim {
    let front = |position: usize| {
        let around = shared[position];
        let front = &around.body[..around.body.len() - 1];
        let lanes = shared[..=position].iter().find_map(|it| lanes_of(it));
        let known = BTreeSet::new();
        let once = Place { loops, lanes, shared: known, around: Vec::new() }.block(front);
        let widths: i64 = shared[..=position].iter().map(|it| i64::from(it.width())).product();
        once * Dim::from(widths)
    };
    (1..shared.len()).fold(Dim::default(), |all, inner| all + front(inner - 1))
}

fn lanes_of(repeated: &For) -> Option<VariableId> {
    matches!(repeated.manner, Manner::Lanes(width) if width > 1).then_some(repeated.variable)
}

impl Place<'_> {
    /// The cost of a block, times how often it is executed.
    fn block(&mut self, statements: &[Statement]) -> Dim {
        let mut whole = Dim::default();
        let mut once = 0;
        for (position, statement) in statements.iter().enumerate() {
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |expr| once += operation(self, expr));
            });
            match statement {
                Statement::Store { buffer, address, expr: _ } => {
                    once += operation(self, &Expr::Load(*buffer, Box::new(address.clone())));
                }
                Statement::For(inner) => whole = whole + self.repeated(inner),
                Statement::If { condition, body } => {
                    let before = position.checked_sub(1).map(|before| &statements[before]);
                    whole = whole + self.when(before, (condition, body));
                }
                Statement::Let { value, .. } if self.lanes.is_none() => {
                    self.shared.insert(*value);
                }
                Statement::Sync
                | Statement::Mma(_)
                | Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. } => {}
            }
        }
        whole + self.turns() * Dim::from(once)
    }

    fn repeated(&mut self, inner: &For) -> Dim {
        let (lanes, around) = (self.lanes, self.around.clone());
        self.lanes = lanes.or(lanes_of(inner));
        let is_block = |variable: VariableId| {
            inner.clip.as_ref().is_some_and(|clip| !clip.coefficient(variable).is(0))
        };
        match &inner.clip {
            // All blocks together are as long as the loop that was cut, however long a block is.
            Some(clip) if self.around.iter().any(|(variable, _)| is_block(*variable)) => {
                self.around.retain(|(variable, _)| !is_block(*variable));
                self.around.push((inner.variable, clip.constant.clone()));
            }
            _ => self.around.push((inner.variable, inner.extent.clone())),
        }
        let turn = if self.lanes.is_some() { LANE_BYTE } else { SCALAR };
        let whole = self.block(&inner.body) + self.turns() * Dim::from(turn);
        (self.lanes, self.around) = (lanes, around);
        whole
    }

    /// The cost of a branch. What the iterations from a bound on do is counted for these alone,
    /// unless the others do the same in another way: that is counted for all.
    fn when(
        &mut self,
        before: Option<&Statement>,
        (condition, body): (&Expr, &[Statement]),
    ) -> Dim {
        let Some((Comparison::Ge, variable, bound)) = bound_of(condition) else {
            return self.block(body);
        };
        let first = match before {
            Some(Statement::If { condition, body: _ }) => bound_of(condition),
            _ => None,
        };
        if first == Some((Comparison::Lt, variable, bound)) {
            return Dim::default();
        }
        let around = self.around.clone();
        for (candidate, extent) in &mut self.around {
            if *candidate == variable {
                *extent = extent.clone() - bound.clone();
            }
        }
        let whole = self.block(body);
        self.around = around;
        whole
    }

    fn turns(&self) -> Dim {
        self.around.iter().fold(Dim::from(1), |turns, (_, extent)| turns * extent.clone())
    }
}

/// The bound of `lt(pos(i), pos(bound))` or `ge(pos(i), pos(bound))`.
fn bound_of(condition: &Expr) -> Option<(Comparison, VariableId, &Dim)> {
    let Expr::Compare(comparison @ (Comparison::Lt | Comparison::Ge), left, right) = condition
    else {
        return None;
    };
    let Expr::Position { constant, terms: left } = &**left else { return None };
    let Expr::Position { constant: bound, terms: right } = &**right else { return None };
    match left.as_slice() {
        [(variable, factor)] if factor.is(1) && constant.is(0) && right.is_empty() => {
            Some((*comparison, *variable, bound))
        }
        _ => None,
    }
}

/// The cost of an operation without its operands, for one lane.
fn operation(place: &Place<'_>, expr: &Expr) -> i64 {
    // Lanes are counted as if all numbers had four bytes: which have eight is not written at every operation.
    let simple = if place.lanes.is_some() { 4 * LANE_BYTE } else { SCALAR };
    match expr {
        Expr::Constant(_) | Expr::Value(_) | Expr::Register(_) | Expr::Position { .. } => 0,
        Expr::Combine(..) => 16 * SCALAR,
        Expr::Unary(unary, _) if unary.is_plain() => simple,
        Expr::Unary(..) => FUNCTION * simple,
        Expr::Binary(Binary::Pow | Binary::Atan2, ..) => 2 * FUNCTION * simple,
        Expr::Binary(Binary::Rem, ..) => FUNCTION * simple,
        Expr::Binary(Binary::Div, ..) => DIVISION * simple,
        Expr::Binary(..) | Expr::Compare(..) | Expr::Select(..) | Expr::MultiplyAdd(..) => simple,
        Expr::Convert(..) | Expr::Bits(_) | Expr::Shift { .. } => simple,
        Expr::Load(buffer, address) => {
            let bytes = place.loops.buffers[*buffer].element.size() as i64;
            let is_shared =
                |expr: &Expr| matches!(expr, Expr::Value(it) if place.shared.contains(it));
            match place.lanes.map(|lane| address.coefficient(lane)) {
                _ if !address.computed.iter().all(|(expr, _)| is_shared(expr)) => ACCESS,
                None => ACCESS,
                Some(step) if step.is(0) => 0,
                Some(step) if step.is(1) || step.is(-1) => BYTE * bytes,
                Some(_) => ACCESS,
            }
        }
    }
}
