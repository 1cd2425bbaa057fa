//! Requests and calls become one first-order graph.
//!
//! In:  a [`Program`] with an entry.   Out: a [`Graph`] without calls.
//!
//! ```text
//! before                                     after
//! graph square(x: f32) -> f32 {              graph square(x: f32) -> f32 {
//!   %0: f32 = mul x, x                         %0: f32 = constant 1.0
//!   return %0                                  %1: f32 = mul %0, x
//! }                                            %2: f32 = mul %0, x
//! entry: the gradient of square                %3: f32 = add %1, %2
//! with respect to x, grad[wrt=0](fn0)          return %3
//!                                            }
//! ```
//!
//! Requests are resolved innermost first, so that each rule book sees only first-order graphs; what one callable has become is kept,
//! because several calls may name it.
//!
//! Afterwards: no [`Op::Call`](crate::graph::Op::Call), and projections only of what runs bodies; every node is needed, but for unread
//! results of what runs bodies;
//! the checks of all callees stand in the caller, over its symbols.
//! Never here: making the result smaller (that is `simplify`), looking at targets.

mod inline;
mod differentiate;
mod vectorize;

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bug;
use crate::graph::Callable;
use crate::graph::Graph;
use crate::program::Program;

use differentiate::{differentiate, planned, with_tangents};
use inline::inline;
use vectorize::vectorize;

/// The first-order graph of the entry of `program`.
pub fn transform(program: &Program) -> Graph {
    let Some(entry) = &program.entry else { bug!("transform", "a program without an entry") };
    let mut flattening = Flattening { program, done: BTreeMap::new() };
    let graph = flattening.flatten(entry);
    drop(flattening);
    Rc::unwrap_or_clone(graph)
}

/// What the callables of a program have become.
struct Flattening<'p> {
    program: &'p Program,
    done: BTreeMap<Callable, Rc<Graph>>,
}

impl Flattening<'_> {
    fn flatten(&mut self, callable: &Callable) -> Rc<Graph> {
        if let Some(graph) = self.done.get(callable) {
            return Rc::clone(graph);
        }
        let program = self.program;
        let graph = Rc::new(match callable {
            Callable::Function(function) => {
                inline(&program.functions[*function], &mut |callee| self.flatten(callee))
            }
            Callable::Gradient { of, wrt, value } => {
                let graph = self.flatten(of);
                match planned(&graph, program.plan) {
                    Some(other) => differentiate(&other, wrt, *value),
                    None => differentiate(&graph, wrt, *value),
                }
            }
            Callable::Jvp { of, wrt } => with_tangents(&self.flatten(of), wrt),
            Callable::Map { of, mapped } => vectorize(&self.flatten(of), mapped),
        });
        self.done.insert(callable.clone(), Rc::clone(&graph));
        graph
    }
}
