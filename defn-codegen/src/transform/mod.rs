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
//! because several calls may name it. A function with rules stays a call until all derivatives are taken, because they ask for the rules.
//!
//! Afterwards: no [`Op::Call`], and projections only of what runs bodies; every node is needed, but for unread
//! results of what runs bodies;
//! the checks of all callees stand in the caller, over its symbols.
//! Never here: making the result smaller (that is `simplify`), looking at targets.

mod inline;
mod differentiate;
mod vectorize;
mod jacobian;

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bug;
use crate::graph::build::Builder;
use crate::graph::{Callable, Dim, Graph, Op, Output, Rules, Symbol};
use crate::program::Program;

use differentiate::{differentiate, planned, silent, with_cotangents, with_tangents};
use inline::{Kept, inline};
use jacobian::{Jacobian, Modes};
use vectorize::vectorize;

/// The first-order graph of the entry of `program`.
pub fn transform(program: &Program) -> Graph {
    let Some(entry) = &program.entry else { bug!("transform", "a program without an entry") };
    let mut flattening = Flattening { program, done: BTreeMap::new() };
    let mut graph = flattening.flatten(entry);
    // Derivatives are taken, so that rules are not asked for any more.
    while calls(&graph, &mut |_| true) {
        let opened = inline(&graph, Kept::Nothing, &mut |callee| flattening.flatten(callee));
        graph = Rc::new(opened);
    }
    drop(flattening);
    Rc::unwrap_or_clone(graph)
}

/// Whether a call stands in the graph, or in a body of it, of which this is true.
fn calls(graph: &Graph, is_it: &mut dyn FnMut(&Callable) -> bool) -> bool {
    graph.nodes.iter().any(|(_, node)| {
        let called = if let Op::Call { callee, .. } = &node.op { is_it(callee) } else { false };
        called || node.op.bodies().iter().any(|(_, body)| calls(body, is_it))
    })
}

/// What the callables of a program have become: graphs without calls but those of functions with rules.
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
        let graph = match callable {
            Callable::Function(function) | Callable::Custom { of: function, rules: _ } => {
                self.inlined(&program.functions[*function])
            }
            Callable::Gradient { of, wrt, value } => {
                let graph = differentiate(&self.planned(of), wrt, *value);
                self.inlined(&graph)
            }
            Callable::Jvp { of, wrt } => {
                let graph = with_tangents(&self.differentiated(of), wrt);
                self.inlined(&graph)
            }
            Callable::Vjp { of, wrt } => {
                let graph = with_cotangents(&self.planned(of), wrt);
                self.inlined(&graph)
            }
            Callable::Jacobian { of, wrt } => {
                let graph = self.planned(of);
                let modes = if self.has_tangents(&graph) { Modes::Both } else { Modes::Reverse };
                let jacobian = Jacobian { of, graph: &graph, wrt }.graph(modes);
                // What the function itself gives is shown, and what its derivatives compute again is not.
                inline(&jacobian, Kept::Rules, &mut |callee| {
                    let graph = self.flatten(callee);
                    if callee == &**of {
                        graph
                    } else {
                        Rc::new(silent(Rc::unwrap_or_clone(graph), 0))
                    }
                })
            }
            Callable::Map { of, mapped } => vectorize(&self.flatten(of), mapped),
            Callable::Tangent { .. } => bug!("transform", "{callable:?} was not transposed"),
        };
        let graph = Rc::new(graph);
        self.done.insert(callable.clone(), Rc::clone(&graph));
        graph
    }

    fn inlined(&mut self, graph: &Graph) -> Graph {
        inline(graph, Kept::Rules, &mut |callee| self.flatten(callee))
    }

    /// What a derivative sees: of a function with rules, the call that asks for them.
    fn differentiated(&mut self, callable: &Callable) -> Rc<Graph> {
        let graph = self.flatten(callable);
        match callable.rules() {
            Some(_) => Rc::new(called(callable, &graph)),
            None => graph,
        }
    }

    /// What a derivative that runs backwards sees: the same, where what the plan says is computed again.
    fn planned(&mut self, callable: &Callable) -> Rc<Graph> {
        let graph = self.differentiated(callable);
        planned(&graph, self.program.plan).map_or(graph, Rc::new)
    }

    /// Whether every rule that tangents of the graph ask for is there.
    fn has_tangents(&mut self, graph: &Graph) -> bool {
        let mut lacks = |callee: &Callable| match callee.rules() {
            Some(Rules { gradient: _, jvp: Some(rule) }) => {
                let rule = self.flatten(&Callable::Function(rule));
                !self.has_tangents(&rule)
            }
            Some(Rules { gradient: _, jvp: None }) => true,
            None => false,
        };
        !calls(graph, &mut lacks)
    }
}

/// A graph with the head of `graph` that only calls it.
fn called(callable: &Callable, graph: &Graph) -> Graph {
    let mut builder = Builder::resume(Graph {
        name: graph.name.clone(),
        symbols: graph.symbols.clone(),
        checks: graph.checks.clone(),
        ..Graph::default()
    });
    let parameters = graph.parameters.iter();
    let operands: Vec<_> =
        parameters.map(|it| builder.parameter(&it.name, it.ty.clone())).collect();
    let symbols = (0..graph.symbols.len()).map(|symbol| Dim::from(Symbol(symbol as u32)));
    let results = graph.results.iter();
    let types = results.map(|result| graph.ty(result.node).clone()).collect();
    let results = builder.call(callable.clone(), symbols.collect(), &operands, types);
    let results = results.into_iter().map(|node| Output { node, updates: None });
    let mut found = builder.finish(results.collect());
    found.parameters.clone_from(&graph.parameters);
    found
}
