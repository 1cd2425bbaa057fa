//! Every function that is reached, each once.

use super::body::Body;
use super::hooks::{Home, Hooks, declare_status, has_hooks};
use super::scope::Binding;
use super::signature::{Elements, Parameter, Signature, Tree};
use super::types::{Declare, Env, TypeReader};
use super::value::{Value, leaf_value};
use super::{Mode, Origins};
use crate::report::Mistake;
use crate::surface::{Function, Request, TypeKind};
use crate::text::Callee;
use defn_codegen::diagnostic::Mistake as Wrong;
use defn_codegen::diagnostic::catalogue::NameMistake;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::solve;
use defn_codegen::graph::{Callable, FunctionId, Rules};
use defn_codegen::graph::{Dim, Element, TensorType};
use defn_codegen::program::Program;
use proc_macro2::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The functions of one program.
pub(super) struct World {
    /// How much is resolved.
    pub(super) mode: Mode,
    /// The graphs; with [`Mode::Check`] a callee's has only parameters.
    pub(super) program: Program,
    /// Where the entry function's nodes come from.
    pub(super) origins: Origins,
    /// What the host sees and hears of.
    pub(super) hooks: Hooks,
    /// Whether NaNs are hunted.
    pub(super) hunts: bool,
    /// By what was called, with the choice of its elements.
    pub(super) known: BTreeMap<(String, Vec<Element>), Option<Rc<Known>>>,
}

/// A function that may be called.
pub(super) struct Known {
    /// Where it stands.
    pub(super) id: FunctionId,
    /// How it is called.
    pub(super) signature: Signature,
    /// What says how it moves, if not its body.
    pub(super) rules: Option<Rules>,
    /// Whether it has one more parameter and one more result: the status.
    pub(super) has_status: bool,
}

impl Known {
    /// What a call of it calls.
    pub(super) fn callable(&self) -> Callable {
        match self.rules {
            Some(rules) => Callable::Custom { of: self.id, rules },
            None => Callable::Function(self.id),
        }
    }
}

impl World {
    /// An empty program.
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            program: Program::default(),
            origins: Origins::default(),
            hooks: Hooks::default(),
            hunts: false,
            known: BTreeMap::new(),
        }
    }

    /// Resolves the function that is compiled.
    pub(super) fn entry(
        &mut self,
        function: &Function,
        callees: &[Rc<Callee>],
        elements: &Elements,
    ) -> Result<Signature, Vec<Mistake>> {
        self.hunts = function.options.nan_hunt;
        let known = self.function(function, (None, callees), elements, None)?;
        self.program.entry = Some(self.close(&known));
        Ok(known.signature)
    }

    /// Resolves a request that is compiled.
    pub(super) fn requested(
        &mut self,
        request: &Request,
        callees: &[Rc<Callee>],
        elements: &Elements,
    ) -> Result<Signature, Vec<Mistake>> {
        let target = callees.get(request.function().1.0);
        self.hunts = target.is_some_and(|callee| callee.definition.options().nan_hunt);
        let known = self.request(request, callees, elements)?;
        self.program.entry = Some(self.close(&known));
        Ok(known.signature.clone())
    }

    /// A callee; none if something is wrong with it, which its own expansion tells.
    pub(super) fn callee(
        &mut self,
        callee: &Callee,
        function: &Function,
        elements: &Elements,
    ) -> Option<Rc<Known>> {
        let chosen =
            function.elements.iter().filter_map(|own| elements.get(&own.name.text).copied());
        let key = (callee.uid.clone(), chosen.collect::<Vec<_>>());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let blame = Some(Span::call_site());
        let known = match self.mode {
            Mode::Emit => {
                let home = (Some(callee.uid.as_str()), callee.callees.as_slice());
                self.function(function, home, elements, blame).ok()
            }
            Mode::Check => self.stub(function, &callee.callees, elements, blame),
        };
        let known = known.map(Rc::new);
        self.known.insert(key, known.clone());
        known
    }

    /// A callee as its signature.
    fn stub(
        &mut self,
        function: &Function,
        callees: &[Rc<Callee>],
        elements: &Elements,
        blame: Option<Span>,
    ) -> Option<Known> {
        let opened = open(function, callees, elements, blame);
        if !opened.mistakes.is_empty() {
            return None;
        }
        let signature = opened.signature(function)?;
        let id = self.program.functions.push(opened.b.finish(Vec::new()));
        // Only the types matter, and the rules have no say in them.
        Some(Known { id, signature, rules: None, has_status: has_hooks(function, callees) })
    }

    /// A whole function: its signature and its body.
    fn function(
        &mut self,
        function: &Function,
        (uid, callees): (Option<&str>, &[Rc<Callee>]),
        elements: &Elements,
        blame: Option<Span>,
    ) -> Result<Known, Vec<Mistake>> {
        let opened = open(function, callees, elements, blame);
        let signature = opened.signature(function);
        let Opened { mut b, parameters, result, axes, mistakes } = opened;
        let status = has_hooks(function, callees).then(|| declare_status(&mut b));
        let env = Env::new(elements, callees).blaming(blame);
        let origin = uid.filter(|_| self.hunts);
        let origin = origin.map(|uid| self.origins.callee(uid, &function.name.text));
        let mut body = Body::new(self, b, env, mistakes);
        body.origin = origin;
        body.scope.axes = axes;
        for (parameter, (_, value)) in function.parameters.iter().zip(parameters) {
            let binding = if parameter.mutable { Binding::Reference } else { Binding::Parameter };
            body.bind(&parameter.name, value, binding);
        }
        if let Some(status) = status {
            let (uid, name) = (uid.map(str::to_owned), function.name.text.clone());
            let home = Home { uid, function: name, status: function.parameters.len() };
            body.begin_status(home, status);
        }
        let outputs = body.outputs(function, result.as_ref());
        let (b, mistakes) = body.finish();
        match (signature, outputs) {
            (Some(signature), Some(outputs)) if mistakes.is_empty() => {
                let id = self.program.functions.push(b.finish(outputs));
                let rules = self.rules(function, callees, (elements, blame), &signature)?;
                Ok(Known { id, signature, rules, has_status: status.is_some() })
            }
            _ => Err(mistakes),
        }
    }
}

/// A signature that was read, with the builder that holds its parameters.
pub(super) struct Opened {
    pub(super) b: Builder,
    /// For each parameter its type, unless a mistake was told, and its value.
    pub(super) parameters: Vec<(Option<Tree>, Value)>,
    result: Option<Tree>,
    axes: BTreeMap<String, Vec<Dim>>,
    mistakes: Vec<Mistake>,
}

impl Opened {
    fn signature(&self, function: &Function) -> Option<Signature> {
        let parameters = function.parameters.iter().zip(&self.parameters);
        let parameters: Option<Vec<Parameter>> = parameters
            .map(|(parameter, (tree, _))| {
                Some(Parameter {
                    name: parameter.name.text.clone(),
                    tree: tree.clone()?,
                    mutable: parameter.mutable,
                })
            })
            .collect();
        Some(Signature {
            name: function.name.text.clone(),
            parameters: parameters?,
            result: self.result.clone()?,
            symbols: self.b.graph().symbols.clone(),
        })
    }
}

/// Declares the parameters, and reads the result.
pub(super) fn open(
    function: &Function,
    callees: &[Rc<Callee>],
    elements: &Elements,
    blame: Option<Span>,
) -> Opened {
    let mut b = Builder::new(&function.name.text);
    let env = Env::new(elements, callees).blaming(blame);
    let mut reader = TypeReader::new(&mut b, Declare::Symbols);
    let trees: Vec<Option<Tree>> = function
        .parameters
        .iter()
        .map(|parameter| match &parameter.ty.kind {
            TypeKind::Extent if !parameter.mutable => {
                let name = &parameter.name;
                Some(Tree::Extent(reader.extent_parameter(&name.text, name.span())))
            }
            _ => reader.read(&parameter.ty, &env),
        })
        .collect();
    reader.declare = Declare::Nothing;
    let mut axes = reader.axes.clone();
    let whole = trees.iter().all(Option::is_some);
    let told = reader.mistakes.len();
    let result = reader.read(&function.result, &env);
    if !whole {
        // A name that only a broken parameter tells is not unknown.
        reader.mistakes.truncate(told);
    }
    // An axis stands for the extent that the parameters give it; the result only adds names.
    for (name, extents) in std::mem::take(&mut reader.axes) {
        axes.entry(name).or_insert(extents);
    }
    let seen = reader.seen;
    let mut mistakes = reader.mistakes;
    let declared = function.parameters.iter().zip(trees);
    let parameters: Vec<(Option<Tree>, Value)> = declared
        .map(|(parameter, tree)| {
            let value = match &tree {
                Some(tree) => declare(&mut b, &parameter.name.text, tree),
                None => Value::Poison,
            };
            (tree, value)
        })
        .collect();
    if whole {
        mistakes.extend(unsolvable(&b, &seen));
    }
    Opened { b, parameters, result, axes, mistakes }
}

/// Declares the leaves of a parameter.
pub(super) fn declare(b: &mut Builder, name: &str, tree: &Tree) -> Value {
    let mut values = Vec::new();
    for leaf in tree.leaves(name) {
        let node = match leaf.symbol {
            Some(symbol) => b.extent_parameter(&leaf.path, symbol),
            None => b.parameter(&leaf.path, TensorType::new(leaf.element, leaf.shape.clone())),
        };
        values.push(leaf_value(&leaf, node));
    }
    Value::fill(tree, &mut values.into_iter())
}

/// The symbols that stand nowhere so that they can be found from the arguments (R5).
fn unsolvable(b: &Builder, seen: &BTreeMap<String, Span>) -> Vec<Mistake> {
    let graph = b.graph();
    let Err(open) = solve(graph.symbols.len(), &graph.parameters) else { return Vec::new() };
    let mut told = BTreeSet::new();
    open.into_iter()
        .filter_map(|symbol| {
            let name = graph.symbols[symbol].clone();
            let mentions = |dim: &&Dim| {
                let mut found = false;
                dim.for_each_symbol(&mut |other| found |= other.0 as usize == symbol);
                found
            };
            let extents = graph.parameters.iter().flat_map(|parameter| &parameter.ty.shape);
            let stands = extents.into_iter().find(mentions);
            let found = stands
                .map_or_else(String::new, |dim| format!("{{{}}}", dim.display(&graph.symbols)));
            // The factors of a product are one mistake.
            if !told.insert(found.clone()) {
                return None;
            }
            let span = seen.get(&name).copied().unwrap_or_else(Span::call_site);
            let wrong = Wrong::from(NameMistake::UnsolvableExtent { name, found });
            Some(Mistake { message: wrong.message(), span })
        })
        .collect()
}
