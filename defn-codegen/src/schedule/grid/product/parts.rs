//! Long sums of few products, in parts that teams compute beside each other.
//!
//! In: a nest that is a product.   Out: a nest of the sums of parts, which is a product too, and one that adds those up.
//!
//! ```text
//! before                                         after, where P = floor(l / 256) and s = floor(l / P)
//! for i in 0..n parallel {                       for p in 0..P parallel {
//!   for j in 0..m lanes 64 {                       for i in 0..n parallel { for j in 0..m lanes 64 {
//!     var $0 = 0.0                                   var $1 = 0.0
//!     for k in 0..l {                                for k in 0..s { $1 = fma(load a[l*i + s*p + k], load b[…], $1) }
//!       $0 = fma(load a[…], load b[…], $0)           store t[n*m*p + m*i + j] = $1
//!     }                                          } } }
//!     store r0[m*i + j] = tanh($0)               for i in 0..n parallel { for j in 0..m lanes 64 {
//!   }                                              var $0 = 0.0
//! }                                                for p in 0..P { $0 = add($0, load t[n*m*p + m*i + j]) }
//!                                                  for k in 0..l - s*P { $0 = fma(…, …, $0) }
//!                                                  store r0[m*i + j] = tanh($0)
//!                                                } }
//! ```
//!
//! A product of few elements leaves most of a device without work, however long its sums are.
//! Which sums go in parts, and in how many, is said by extents alone, so that bits are the same on every device and from run to run;
//! but they are not those of a host, whose sums are one chain.

use super::find::{self, Sums};
use super::place::unused;
use crate::arena::Arena;
use crate::graph::{Binary, Comparison, Dim, Scalar};
use crate::loops::visit;
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Manner, Nest, Space, Statement, VariableId, ask,
};
use crate::options::Sizes;
use crate::schedule::collapse::Replace;
use crate::schedule::names::{Choice, Names, choice};

use super::{guarded, joined};

/// A product in two steps: its sums of parts, what adds them up, and what it is where it is not in parts.
pub(super) struct Parted {
    pub(super) parts: Nest,
    pub(super) rest: Vec<Nest>,
}

/// A product in parts; none if it stays whole, as one of some rows among many does.
pub(super) fn parts(
    (body, cut): (&[Statement], &Dim),
    sizes: Sizes,
    (names, buffers): (&mut Names, &mut Arena<Buffer>),
) -> Option<Parted> {
    let (around, inside) = match body {
        [Statement::If { condition, body }] if ask::is_of_extents(condition) => {
            (vec![condition.clone()], body.as_slice())
        }
        body => (Vec::new(), body),
    };
    if sizes.parts_from == i64::MAX {
        return None;
    }
    let sums = Sums::of(inside, buffers)?;
    let [outer, inner @ ..] = sums.steps.as_slice() else { return None };
    let together = inner.iter().fold(Dim::from(1), |all, it| all * it.extent.clone());
    let together = together.as_constant()?.max(1);
    let length = (sizes.part_steps / together).max(1);
    let results = sums.around.iter().fold(Dim::from(1), |all, it| all * it.extent.clone());
    let bounds = [
        (outer.extent.clone(), Comparison::Ge, (sizes.parts_from / together).max(length)),
        (results.clone(), Comparison::Le, sizes.part_results),
        // The sums of all rows have one order.
        (cut.clone(), Comparison::Le, 0),
    ];
    let (pays, not) = match choice(&bounds, &around) {
        Choice::Never => return None,
        Choice::Always => (around.clone(), None),
        Choice::If(pays, not) => (joined(&around, pays), Some(joined(&around, not))),
    };
    let count = outer.extent.floor_div(&Dim::from(length));
    let steps = outer.extent.floor_div(&count);
    let buffer = buffers.push(Buffer {
        name: format!("t{}", buffers.len()),
        element: sums.sum.element,
        shape: vec![count.clone(), results.clone()],
        lanes: 1,
        space: Space::Workspace(None),
    });
    let part = names.variable();
    let split = Split { sums: &sums, buffer, part, count, steps, results };
    let parts = vec![split.parts(inside, names)];
    let whole = split.whole(inside, names);
    let mut nest = |condition, body| Nest::new(names.copy(&guarded(condition, body)));
    let (parts, whole) = (nest(pays.clone(), parts), nest(pays, whole));
    let whole_sums = not.map(|not| nest(not, inside.to_vec()));
    Some(Parted { parts, rest: [whole].into_iter().chain(whole_sums).collect() })
}

/// Where the parts of sums are.
struct Split<'s> {
    sums: &'s Sums<'s>,
    buffer: BufferId,
    /// The variable that counts parts.
    part: VariableId,
    count: Dim,
    /// How many iterations of the outermost loop of steps a part has.
    steps: Dim,
    /// How many sums there are.
    results: Dim,
}

impl Split<'_> {
    /// The sums of all parts.
    fn parts(&self, body: &[Statement], names: &mut Names) -> Statement {
        let sum = &self.sums.sum;
        let body = around_sum(body, &mut |statements, at| {
            let mut out: Vec<Statement> = statements[..at].to_vec();
            for statement in &mut out {
                if let Statement::Declare { register, initial, .. } = statement
                    && *register == sum.register
                {
                    *initial = Expr::Constant(Scalar::from_f64(sum.element, 0.0));
                }
            }
            let begin = (Dim::default(), vec![(self.part, self.steps.clone())]);
            out.push(self.some_steps(self.steps.clone(), begin, names));
            let (buffer, address) = (self.buffer, self.place());
            out.push(Statement::Store { buffer, address, expr: Expr::Register(sum.register) });
            unused(&mut out);
            out
        });
        let (extent, manner) = (self.count.clone(), Manner::Parallel);
        Statement::For(For { variable: self.part, extent, clip: None, manner, body })
    }

    /// What adds up the parts, and the steps behind them; and then does what was done with a sum.
    fn whole(&self, body: &[Statement], names: &mut Names) -> Vec<Statement> {
        let sum = &self.sums.sum;
        around_sum(body, &mut |statements, at| {
            let mut out: Vec<Statement> = statements[..at].to_vec();
            let load = Expr::Load(self.buffer, Box::new(self.place()));
            let own = Box::new(Expr::Register(sum.register));
            let expr = Expr::Binary(Binary::Add, own, Box::new(load));
            out.push(Statement::For(For {
                variable: self.part,
                extent: self.count.clone(),
                clip: None,
                manner: Manner::Serial,
                body: vec![Statement::Set { register: sum.register, expr }],
            }));
            let done = self.steps.clone() * self.count.clone();
            let left = self.sums.steps[0].extent.clone() - done.clone();
            if !left.is(0) {
                out.push(self.some_steps(left, (done, Vec::new()), names));
            }
            out.extend_from_slice(&statements[at + 1..]);
            out
        })
    }

    /// So many steps from one on.
    fn some_steps(
        &self,
        extent: Dim,
        (constant, mut terms): (Dim, Vec<(VariableId, Dim)>),
        names: &mut Names,
    ) -> Statement {
        let (outer, variable) = (self.sums.steps[0], names.variable());
        terms.push((variable, Dim::from(1)));
        let replace = Replace { variable: outer.variable, constant, terms };
        let body = outer.body.iter().map(|it| visit::rename_statement(it, &replace)).collect();
        let steps = For { variable, extent, body, ..For::clone(outer) };
        // Loops inside have names of their own in both copies.
        names.copy(&[Statement::For(steps)]).remove(0)
    }

    /// Where the sum of a part is.
    fn place(&self) -> Address {
        let mut place = Address::default();
        place.add_term(self.part, &self.results);
        let mut step = Dim::from(1);
        for inner in self.sums.around.iter().rev() {
            place.add_term(inner.variable, &step);
            step = step * inner.extent.clone();
        }
        place
    }
}

/// Statements, with other ones in the loop of lanes, which gets all of its own and where the loop of steps is.
fn around_sum(
    statements: &[Statement],
    write: &mut dyn FnMut(&[Statement], usize) -> Vec<Statement>,
) -> Vec<Statement> {
    let mut out = statements.to_vec();
    if let Some(Statement::For(inner)) = out.last_mut() {
        inner.body = match inner.manner {
            Manner::Lanes(_) => {
                let at = inner.body.iter().position(find::is_loop).unwrap_or(inner.body.len());
                write(&inner.body, at)
            }
            Manner::Serial | Manner::Sorted | Manner::Parallel => around_sum(&inner.body, write),
        };
    }
    out
}
