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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::parse::parse;
    use crate::options::Compute;

    const TEXT: &str = "loops f<n, m> workspace 64 private 128 {
  buffer x: f32[n, m] = parameter 0
  buffer s: f32[m] = updated 1
  buffer r0: f32[n, m] = result 0
  buffer t: f32[m] = workspace at 64*m
  buffer k: f32[m] = private at 64
  repeat i0 in 0..n {
    nest 0 threads 32 tasks 9 {
      if le(pos(n), pos(m)) {
        for i1 in 0..m lanes 64 {
          store k[i1] = load x[(m)*i0 + i1]
          store r0[(m)*i0 + i1] = load k[i1]
        }
      }
    }
  }
  nest 1 threads 64 {
    for i2 in 0..m lanes 64 {
      store s[i2] = load t[i2]
    }
  }
}";

    fn launches() -> Vec<Launch> {
        let loops = parse(TEXT).unwrap_or_else(|error| panic!("{error}"));
        crate::loops::verify::verify(&loops).unwrap();
        let code = crate::llvm::device(&loops, Compute::Sm80).expect("LLVM has code for devices");
        assert_eq!(code.steps.len(), 4);
        assert!(matches!(&code.steps[0], Step::Repeat { extent } if extent.as_symbol().is_some()));
        assert_eq!(code.steps[2], Step::End);
        let launches = code.steps.into_iter().filter_map(|step| match step {
            Step::Launch(launch) => Some(launch),
            Step::Repeat { .. }
            | Step::Loop
            | Step::Leave { .. }
            | Step::If { .. }
            | Step::Else
            | Step::End
            | Step::Inspect { .. } => None,
        });
        let launches: Vec<Launch> = launches.collect();
        for launch in &launches {
            assert!(code.ptx.contains(&format!(".visible .entry {}(", launch.kernel)));
        }
        launches
    }

    #[test]
    fn places_are_counted_as_on_the_host() {
        let [first, second] = launches().try_into().expect("there are two nests");
        let arguments = [Place::Private(Dim::from(64)), Place::Argument(0), Place::Argument(2)];
        assert_eq!(first.arguments, arguments);
        assert!(first.has_private && !second.has_private);
        assert!(matches!(&second.arguments[..], [Place::Argument(1), Place::Workspace(_)]));
    }

    #[test]
    fn a_round_is_a_number() {
        let [first, second] = launches().try_into().expect("there are two nests");
        assert!(first.numbers.contains(&Number::Round(0)));
        assert!(second.numbers.iter().all(|number| matches!(number, Number::Extent(_))));
    }

    #[test]
    fn without_its_condition_a_nest_has_no_tasks() {
        let [first, second] = launches().try_into().expect("there are two nests");
        let tasks = |n, m| first.tasks.evaluate(&[n, m]);
        assert_eq!((tasks(4, 65), tasks(65, 65), tasks(66, 65)), (2, 2, 0));
        assert_eq!((first.threads, first.teams), (32, 8));
        assert_eq!((second.tasks.evaluate(&[4, 65]), second.threads, second.teams), (1, 64, 1));
    }
}
