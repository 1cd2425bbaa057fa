//! `#[defn(grad = rule)]` and `#[defn(jvp = rule)]`: functions of users that say how another one moves.
//!
//! ```text
//! f(x: X, k: K) -> Y                      where X and Y hold floats, and K does not
//! grad = rule     rule(x: X, k: K, result: Y, cotangent: Y) -> X
//! jvp = rule      rule(x: X, k: K, d_x: X) -> (Y, Y)
//! ```
//!
//! A rule is called by a function that has the symbols of `f`, and whose leaves are only those that move: what the transform knows as
//! [`Rules`]. So the rule is checked as every call is, and its own names are its variables.

use super::binding::Target;
use super::body::{Body, Fit};
use super::calls::Passed;
use super::hooks;
use super::requests::wrong;
use super::signature::{Elements, Leaf, Signature, Tree};
use super::types::Env;
use super::value::{Value, leaf_value};
use super::world::{Opened, World, open};
use crate::report::Mistake;
use crate::surface::{CalleeId, Definition, Function, Path};
use crate::text::Callee;
use defn_codegen::diagnostic::catalogue::CallMistake;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{FunctionId, Output, Rules, Scalar, TensorType};
use proc_macro2::Span;
use std::rc::Rc;

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gradient,
    Tangent,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Gradient => "grad",
            Self::Tangent => "jvp",
        }
    }
}

/// A function with a rule.
struct Subject<'s> {
    function: &'s Function,
    callees: &'s [Rc<Callee>],
    elements: &'s Elements,
    blame: Option<Span>,
    signature: &'s Signature,
}

impl World {
    /// The rules of a function, each as a function that has its symbols; none if it has no rules.
    pub(super) fn rules(
        &mut self,
        function: &Function,
        callees: &[Rc<Callee>],
        (elements, blame): (&Elements, Option<Span>),
        signature: &Signature,
    ) -> Result<Option<Rules>, Vec<Mistake>> {
        let subject = Subject { function, callees, elements, blame, signature };
        subject.has_no_hooks()?;
        let mut rule = |kind: Kind, rule: &Option<(Path, CalleeId)>| match rule {
            Some((path, callee)) => self.rule(&subject, kind, (path, *callee)).map(Some),
            None => Ok(None),
        };
        let gradient = rule(Kind::Gradient, &function.options.grad)?;
        let jvp = rule(Kind::Tangent, &function.options.jvp)?;
        let rules = Rules { gradient, jvp };
        Ok((rules != Rules::default()).then_some(rules))
    }

    fn rule(
        &mut self,
        subject: &Subject<'_>,
        kind: Kind,
        (path, callee): (&Path, CalleeId),
    ) -> Result<FunctionId, Vec<Mistake>> {
        let span = subject.blame.unwrap_or_else(|| path.span());
        let Some(callee) = subject.callees.get(callee.0).cloned() else { return Err(Vec::new()) };
        let Definition::Function(rule) = &callee.definition else {
            let kind = super::kind_word(&callee.definition).to_owned();
            return Err(wrong(CallMistake::NotAFunction { name: path.text(), kind }, span));
        };
        if !subject.moves() {
            let (function, option) = (subject.signature.name.clone(), kind.word());
            return Err(wrong(CallMistake::RuleOfUnmoved { function, option }, span));
        }
        let opened = open(subject.function, subject.callees, subject.elements, subject.blame);
        let Opened { b, parameters, .. } = opened;
        let values = parameters.into_iter().map(|(_, value)| value).collect();
        let env = Env::new(subject.elements, subject.callees).blaming(subject.blame);
        let mut body = Body::new(self, b, env, Vec::new());
        let passed = subject.passed(&mut body.b, kind, values, span);
        let outputs = body.ruled((subject, kind), ((path, &callee), rule), passed, span);
        let (b, mistakes) = body.finish();
        match outputs {
            Some(outputs) if mistakes.is_empty() => {
                Ok(self.program.functions.push(b.finish(outputs)))
            }
            _ => Err(mistakes),
        }
    }
}

impl Subject<'_> {
    /// A mistake if the host is to see or hear of something while the function or a rule runs: what a derivative computes by rules
    /// has no status.
    fn has_no_hooks(&self) -> Result<(), Vec<Mistake>> {
        let options = &self.function.options;
        let rules = || options.grad.iter().chain(&options.jvp);
        let Some((first, _)) = rules().next() else { return Ok(()) };
        let function = self.signature.name.clone();
        let has_hooks = |id: &CalleeId| self.callees.get(id.0).is_some_and(|it| it.has_hooks);
        let (mistake, path) = match rules().find(|(_, rule)| has_hooks(rule)) {
            Some((path, _)) => (CallMistake::RuleWithHooks { rule: path.text(), function }, path),
            None if hooks::has_hooks(self.function, self.callees) => {
                (CallMistake::RuledWithHooks { function }, first)
            }
            None => return Ok(()),
        };
        Err(wrong(mistake, self.blame.unwrap_or_else(|| path.span())))
    }

    /// Whether there is something for a rule to say.
    fn moves(&self) -> bool {
        let updates = self.signature.parameters.iter().any(|parameter| parameter.mutable);
        !updates && holds_floats(&self.signature.result) && !self.moving().is_empty()
    }

    /// The parameters that hold floats.
    fn moving(&self) -> Vec<&Tree> {
        let trees = self.signature.parameters.iter().map(|parameter| &parameter.tree);
        trees.filter(|tree| holds_floats(tree)).collect()
    }

    /// What the rule is called with, behind the parameters of the function.
    fn passed(&self, b: &mut Builder, kind: Kind, values: Vec<Value>, span: Span) -> Passed {
        let mut values = values;
        let result = &self.signature.result;
        match kind {
            Kind::Gradient => {
                values.push(declared(b, "result", result, &|_| true));
                values.push(declared(b, "cotangent", result, &is_float));
            }
            Kind::Tangent => {
                for (position, tree) in self.moving().into_iter().enumerate() {
                    values.push(declared(b, &format!("tangent_{position}"), tree, &is_float));
                }
            }
        }
        values.into_iter().map(|value| (value, None, span)).collect()
    }

    /// What the rule takes, and what it returns.
    fn expected(&self, kind: Kind) -> (Vec<Tree>, Tree) {
        let result = self.signature.result.clone();
        let mut parameters: Vec<Tree> =
            self.signature.parameters.iter().map(|parameter| parameter.tree.clone()).collect();
        let moving: Vec<Tree> = self.moving().into_iter().cloned().collect();
        match kind {
            Kind::Gradient => {
                parameters.extend([result.clone(), result]);
                let gradient = match moving.as_slice() {
                    [only] => only.clone(),
                    _ => Tree::Tuple(moving),
                };
                (parameters, gradient)
            }
            Kind::Tangent => {
                parameters.extend(moving);
                (parameters, Tree::Tuple(vec![result; 2]))
            }
        }
    }
}

impl Body<'_, '_> {
    /// Calls the rule, and gives the leaves that move of what it returns.
    fn ruled(
        &mut self,
        (subject, kind): (&Subject<'_>, Kind),
        ((path, callee), rule): ((&Path, &Callee), &Function),
        passed: Passed,
        span: Span,
    ) -> Option<Vec<Output>> {
        let (name, symbols) = (path.text(), &subject.signature.symbols);
        let (parameters, result) = subject.expected(kind);
        let types: Vec<_> = rule.parameters.iter().map(|parameter| &parameter.ty).collect();
        let pairs = types.into_iter().zip(passed.iter().map(|(value, _, at)| (value, *at)));
        let elements = self.inferred_elements(
            &rule.elements,
            Elements::new(),
            pairs.collect(),
            (&name, span),
        )?;
        let known = self.world.callee(callee, rule, &elements)?;
        let signature = known.signature.clone();
        if !takes(&signature, parameters.len()) {
            let shown: Vec<String> = parameters.iter().map(|tree| tree.show(symbols)).collect();
            let mistake = CallMistake::RuleParameters {
                rule: name,
                function: subject.signature.name.clone(),
                option: kind.word(),
                expected: format!("({})", shown.join(", ")),
                found: shown_parameters(&signature),
            };
            self.wrong(mistake, span);
            return None;
        }
        let target = Target { name: &name, place: &callee.place, symbols: &signature.symbols };
        let value = self.applied(&known, &target, passed, span)?;
        let value = match self.fitted(&value, &result, span) {
            Fit::Yes(value) => value,
            Fit::Told => return None,
            Fit::No(_) => {
                let (expected, found) = (result.show(symbols), value.show(&self.b));
                let (rule, function) = (name, subject.signature.name.clone());
                let option = kind.word();
                let mistake = CallMistake::RuleResult { rule, function, option, expected, found };
                self.wrong(mistake, span);
                return None;
            }
        };
        let value = match (kind, value) {
            (Kind::Tangent, Value::Tuple(parts)) => parts.last()?.clone(),
            (_, value) => value,
        };
        let floats = value.nodes().into_iter().filter(|node| self.b.ty(*node).element.is_float());
        Some(floats.map(|node| Output { node, updates: None }).collect())
    }
}

/// Whether so many values can be passed.
fn takes(rule: &Signature, count: usize) -> bool {
    rule.parameters.len() == count && !rule.parameters.iter().any(|it| it.mutable)
}

fn shown_parameters(rule: &Signature) -> String {
    let shown = rule.parameters.iter().map(|parameter| {
        let ty = parameter.tree.show(&rule.symbols);
        if parameter.mutable { format!("&mut {ty}") } else { ty }
    });
    format!("({})", shown.collect::<Vec<_>>().join(", "))
}

fn holds_floats(tree: &Tree) -> bool {
    tree.leaves("").iter().any(is_float)
}

fn is_float(leaf: &Leaf) -> bool {
    leaf.element.is_float()
}

/// Declares the leaves of which it is true; the others are zero.
fn declared(b: &mut Builder, name: &str, tree: &Tree, is_given: &dyn Fn(&Leaf) -> bool) -> Value {
    let mut values = Vec::new();
    for leaf in tree.leaves(name) {
        let node = match is_given(&leaf) {
            true => b.parameter(&leaf.path, TensorType::new(leaf.element, leaf.shape.clone())),
            false => b.splat(Scalar::from_i64(leaf.element, 0), &leaf.shape),
        };
        values.push(leaf_value(&leaf, node));
    }
    Value::fill(tree, &mut values.into_iter())
}
