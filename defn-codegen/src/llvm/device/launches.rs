//! What the host does: a launch for each nest, and the markers between them.
//!
//! In:  the nests of a function, and their kernels.   Out: steps.
//!
//! ```text
//! repeat i0 in 0..n {                   Repeat n
//!   nest 0 tasks … { if le(n, m) … }      Launch f_0, tasks times 1 if m - n reaches 0
//! }                                     End
//! ```
//!
//! A condition on extents is a factor of the number of tasks, because extents can say it.

use super::super::alike::Read;
use super::super::parts::{Call, Functions};
use super::super::walk::groups;
use super::kernel::Kernel;
use crate::artifact::{Launch, Number, Place, Step};
use crate::graph::{Binary, Comparison, Dim, Unary};
use crate::loops::{BufferId, Control, Expr, Loops, Nest, Space, VariableId};

/// The steps of a function.
pub(super) fn steps(functions: &Functions<'_>, kernels: &[Kernel]) -> Vec<Step> {
    let loops = functions.loops;
    // The variable of each marker that is open; none of a condition.
    let mut open: Vec<Option<VariableId>> = Vec::new();
    let (mut steps, mut shown) = (Vec::new(), 0);
    for (nest, call) in loops.nests.iter().zip(&functions.calls) {
        if let Some(control) = &nest.control {
            if control.opens() {
                open.push(control.variable());
            }
            steps.push(marker(loops, control, shown));
            shown += usize::from(matches!(control, Control::Inspect { .. }));
            if *control == Control::End {
                open.pop();
            }
        }
        let Some(call) = call else { continue };
        let rounds: Vec<VariableId> = open.iter().flatten().copied().collect();
        steps.push(Step::Launch(launch(loops, nest, (call, &kernels[call.function]), &rounds)));
    }
    steps
}

fn marker(loops: &Loops, control: &Control, number: usize) -> Step {
    let place = |buffer: &BufferId| place(loops, *buffer);
    match control {
        Control::Repeat { variable: _, extent } => Step::Repeat { extent: extent.clone() },
        Control::Loop { variable: _ } => Step::Loop,
        Control::Leave { unless } => Step::Leave { unless: place(unless) },
        Control::If { condition } => Step::If { condition: place(condition) },
        Control::Else => Step::Else,
        Control::End => Step::End,
        Control::Inspect { buffer, site: _ } => Step::Inspect { number, place: place(buffer) },
    }
}

fn launch(
    loops: &Loops,
    nest: &Nest,
    (call, kernel): (&Call, &Kernel),
    rounds: &[VariableId],
) -> Launch {
    let tasks = nest.shared().into_iter().fold(Dim::from(1), |tasks, it| tasks * groups(it));
    let holds = call.condition.as_ref().map_or(Dim::from(1), |condition| holds(loops, condition));
    let is_argument = |id: &&BufferId| !loops.buffers[**id].space.is_shared();
    let number = |read: &Read| match read {
        Read::Product(product) => Number::Extent(Dim::product(product)),
        Read::Variable(variable) => {
            let round = rounds.iter().position(|round| round == variable);
            Number::Round(round.unwrap_or_else(|| {
                crate::bug!("llvm", "`{}` reads a variable of nobody", loops.name)
            }))
        }
    };
    Launch {
        kernel: kernel.name.clone(),
        tasks: tasks * holds,
        threads: kernel.threads,
        teams: kernel.teams,
        shared: kernel.shared,
        arguments: call.buffers.iter().filter(is_argument).map(|id| place(loops, *id)).collect(),
        numbers: call.extents.iter().map(number).collect(),
        has_private: kernel.has_private,
    }
}

/// Where a buffer is.
fn place(loops: &Loops, buffer: BufferId) -> Place {
    let planned = |offset: &Option<Dim>| {
        let unplanned = || crate::bug!("llvm", "the memory of `{}` is not planned", loops.name);
        offset.clone().unwrap_or_else(unplanned)
    };
    let is_parameter = |space: &Space| matches!(space, Space::Parameter(_) | Space::Updated(_));
    match &loops.buffers[buffer].space {
        Space::Parameter(position) | Space::Updated(position) => Place::Argument(*position),
        Space::Result(position) => {
            let all = loops.buffers.iter();
            let parameters = all.filter(|(_, buffer)| is_parameter(&buffer.space)).count();
            Place::Argument(parameters + position)
        }
        Space::Workspace(offset) => Place::Workspace(planned(offset)),
        Space::Private(offset) => Place::Private(planned(offset)),
        Space::Shared(_) => crate::bug!("llvm", "shared scratch of `{}` is nowhere", loops.name),
    }
}

/// 1 if a condition on extents holds, or else 0.
fn holds(loops: &Loops, condition: &Expr) -> Dim {
    let one = Dim::from(1);
    let reaches = |more: Dim, less: Dim, by: i64| (more - less).reaches(by);
    match condition {
        Expr::Compare(comparison, left, right) => {
            let (left, right) = (number(loops, left), number(loops, right));
            let equal = |left: Dim, right: Dim| {
                reaches(left.clone(), right.clone(), 0) * reaches(right, left, 0)
            };
            match comparison {
                Comparison::Lt => reaches(right, left, 1),
                Comparison::Le => reaches(right, left, 0),
                Comparison::Gt => reaches(left, right, 1),
                Comparison::Ge => reaches(left, right, 0),
                Comparison::Eq => equal(left, right),
                Comparison::Ne => one - equal(left, right),
            }
        }
        Expr::Binary(Binary::And, left, right) => holds(loops, left) * holds(loops, right),
        Expr::Unary(Unary::Not, operand) => one - holds(loops, operand),
        Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. }
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Convert(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Load(..) => unknown(loops),
    }
}

/// A number in such a condition.
fn number(loops: &Loops, expr: &Expr) -> Dim {
    match expr {
        Expr::Position { constant, terms: _ } => constant.clone(),
        Expr::Constant(scalar) => Dim::from(scalar.to_i64()),
        Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Compare(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Convert(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Load(..) => unknown(loops),
    }
}

fn unknown(loops: &Loops) -> ! {
    crate::bug!("llvm", "`{}` has a condition on more than extents", loops.name)
}
