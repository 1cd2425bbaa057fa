//! `inspect!` and `check!`: what the host sees and hears of while the code runs.
//!
//! A function with hooks, of its own or of what it calls, has one more parameter and one more result behind all others: the status,
//! the number of the condition that failed first. A hidden local holds it, so that branches and loops carry it like any other.
//!
//! ```text
//! check!(x > 0.0, "positive");      status = select(status == none && !(x > 0.0), 0, status)
//! inspect!("x", x);                 status = inspect status, x
//! ```
//!
//! `inspect` gives the status back as it is: being computed from one another keeps hooks in order, and that the status is a result keeps
//! them alive. A function without hooks has no status, and nothing of it.

use super::body::Body;
use super::scope::{Binding, Local};
use super::signature::Signature;
use super::value::Value;
use super::world::{Known, World, declare};
use crate::surface::{Function, Hook as Written, HookId, HookKind};
use crate::text::Callee;
use defn_codegen::artifact::NONE_FAILED;
use defn_codegen::diagnostic::catalogue::LoopMistake;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{
    Binary, Callable, Combine, Comparison, Dim, Element, Graph, NodeId, Op, Output, Scalar, Symbol,
    TensorType, Unary,
};
use defn_codegen::library::Tensor;
use defn_codegen::origin::Site;
use proc_macro2::Span;
use std::rc::Rc;

/// What the host sees and hears of, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooks {
    /// Each condition, with what it says.
    pub(crate) conditions: Vec<Hook>,
    /// Each value that is shown, with its label and the names of its axes.
    pub(crate) shown: Vec<(Hook, Vec<Option<String>>)>,
}

/// An `inspect!` or a `check!`.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    /// The number of the definition that it stands in; none for the one that is compiled.
    pub(crate) uid: Option<String>,
    /// The name of that.
    pub(crate) function: String,
    /// Which one of that.
    pub(crate) id: HookId,
    /// The label or the message.
    pub(crate) text: String,
}

/// Where a body stands, as far as hooks care.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The number of the definition; none for the one that is compiled.
    pub(super) uid: Option<String>,
    /// Its name.
    pub(super) function: String,
    /// The local that holds the status.
    pub(super) status: usize,
}

/// Whether a function has hooks, or calls one that has.
pub(super) fn has_hooks(function: &Function, callees: &[Rc<Callee>]) -> bool {
    !function.hooks.is_empty() || callees.iter().any(|callee| callee.has_hooks)
}

/// The type of a status.
pub(super) fn status_type() -> TensorType {
    TensorType::scalar(Element::I64)
}

/// Declares the status behind all parameters.
pub(super) fn declare_status(b: &mut Builder) -> NodeId {
    let mut name = "status".to_owned();
    while b.graph().parameters.iter().any(|parameter| parameter.name == name) {
        name.push('_');
    }
    b.parameter(&name, status_type())
}

/// The status of a function that is called for each element: that of the condition that stands first, unless one failed before.
pub(super) fn joined(b: &mut Builder, before: NodeId, mapped: NodeId) -> NodeId {
    let axes: Vec<usize> = (0..b.ty(mapped).rank()).collect();
    let first = b.reduce(Combine::Min, mapped, &axes);
    let holds = none_failed(b, before);
    b.select(holds, first, before)
}

fn none_failed(b: &mut Builder, status: NodeId) -> NodeId {
    let none = b.constant(Scalar::from_i64(Element::I64, NONE_FAILED));
    b.compare(Comparison::Eq, status, none)
}

impl World {
    /// What is compiled: a call in which nothing has failed yet.
    pub(super) fn close(&mut self, known: &Known) -> Callable {
        self.program.has_status = known.has_status;
        self.program.hunts = self.hunts.then_some(self.hooks.conditions.len());
        if !known.has_status {
            return Callable::Function(known.id);
        }
        let graph = called(&known.signature, known);
        Callable::Function(self.program.functions.push(graph))
    }
}

/// A graph of one call, with the status behind the results.
fn called(signature: &Signature, known: &Known) -> Graph {
    let mut b = Builder::new(&signature.name);
    for symbol in &signature.symbols {
        b.symbol(symbol);
    }
    let parameters = signature.parameters.iter();
    let values: Vec<Value> =
        parameters.map(|parameter| declare(&mut b, &parameter.name, &parameter.tree)).collect();
    let mut operands: Vec<NodeId> =
        values.iter().flat_map(|value| super::requests::operands(&mut b, value)).collect();
    operands.push(b.constant(Scalar::from_i64(Element::I64, NONE_FAILED)));
    let symbols = (0..signature.symbols.len()).map(|symbol| Dim::from(Symbol(symbol as u32)));
    let mut leaves = signature.result.leaves("");
    let mut updates: Vec<Option<usize>> = vec![None; leaves.len()];
    let mut position = 0;
    for parameter in &signature.parameters {
        let own = parameter.tree.leaves(&parameter.name);
        if parameter.mutable {
            updates.extend((position..position + own.len()).map(Some));
            leaves.extend(own.iter().cloned());
        }
        position += own.len();
    }
    let types = leaves.iter().map(|leaf| TensorType::new(leaf.element, leaf.shape.clone()));
    let types = types.chain([status_type()]).collect();
    let nodes = b.call(Callable::Function(known.id), symbols.collect(), &operands, types);
    let updates = updates.into_iter().chain([None]);
    let outputs = nodes.into_iter().zip(updates).map(|(node, updates)| Output { node, updates });
    let outputs = outputs.collect();
    b.finish(outputs)
}

impl Body<'_, '_> {
    /// From here on there is a status, behind the parameters.
    pub(super) fn begin_status(&mut self, home: Home, status: NodeId) {
        let value = Value::Tensor(Tensor::scalar(status));
        debug_assert_eq!(
            home.status,
            self.scope.locals.len(),
            "the status stands behind parameters"
        );
        let (name, binding) = ("#status".to_owned(), Binding::Mutable);
        self.scope.locals.push(Local { name, value, binding });
        self.home = Some(home);
    }

    /// The local that holds the status.
    pub(super) fn status_local(&self) -> Option<usize> {
        self.home.as_ref().map(|home| home.status)
    }

    /// The status so far; none in a function without hooks.
    pub(super) fn status(&self) -> Option<NodeId> {
        let local = &self.scope.locals[self.status_local()?];
        local.value.nodes().first().copied()
    }

    /// The status from here on.
    pub(super) fn set_status(&mut self, node: NodeId) {
        if let Some(local) = self.status_local() {
            self.scope.locals[local].value = Value::Tensor(Tensor::scalar(node));
        }
    }

    fn hooked(&self, id: HookId, text: &str) -> Option<Hook> {
        let home = self.home.as_ref()?;
        let (uid, function) = (home.uid.clone(), home.function.clone());
        Some(Hook { uid, function, id, text: text.to_owned() })
    }

    /// `inspect!("label", x)`, `check!(condition, "message")`.
    pub(super) fn hook(&mut self, hook: &Written, span: Span) -> Value {
        match hook.kind {
            HookKind::Inspect => self.inspect(hook, span),
            HookKind::Check => self.check(hook, span),
        }
    }

    fn check(&mut self, check: &Written, span: Span) -> Value {
        let Some(truth) = self.truth("check!", &check.value) else { return Value::Poison };
        let (Some(before), Some(hook)) = (self.status(), self.hooked(check.id, &check.text)) else {
            return Value::unit();
        };
        self.at(span);
        let conditions = &mut self.world.hooks.conditions;
        conditions.push(hook);
        let number = Scalar::from_i64(Element::I64, conditions.len() as i64 - 1);
        let holds = none_failed(&mut self.b, before);
        let fails = self.b.unary(Unary::Not, truth);
        let is_first = self.b.binary(Binary::And, holds, fails);
        let number = self.b.constant(number);
        let after = self.b.select(is_first, number, before);
        self.set_status(after);
        Value::unit()
    }

    /// Every leaf of the value is shown, and the value goes on.
    fn inspect(&mut self, inspect: &Written, span: Span) -> Value {
        let shown = &inspect.value;
        let value = self.expr(shown);
        let value = match value {
            Value::Literal(_) | Value::Extent(_) => Value::of(self.tensor(value, shown.span)),
            Value::Request(request) => self.uncalled(&request, shown.span),
            value @ (Value::Tensor(_)
            | Value::Tuple(_)
            | Value::Array(_)
            | Value::Container(..)
            | Value::Poison) => value,
        };
        self.at(span);
        for (path, tensor) in value.leaves(&inspect.text) {
            let (Some(before), Some(hook)) = (self.status(), self.hooked(inspect.id, &path)) else {
                continue;
            };
            let shown = &mut self.world.hooks.shown;
            shown.push((hook, tensor.names.clone()));
            let site = Site(shown.len() as u32 - 1);
            let after = self.b.control(Op::Inspect(site), &[before, tensor.node]);
            after.into_iter().for_each(|after| self.set_status(after));
        }
        value
    }

    /// A mistake if a condition between rounds has hooks, which would be asked once more than the rounds.
    pub(super) fn refuse_hooks(&mut self, span: Span) {
        self.wrong(LoopMistake::HookInCondition {}, span);
    }
}
