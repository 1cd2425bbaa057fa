//! `jvp!(f)`, `vjp!(f)`, `jacobian!(f)` and `hessian!(f)` as functions of their own (R34).
//!
//! ```text
//! f(x: Tensor<f64, n>, s: f64) -> Tensor<f64, m>
//! jvp!(f)         ->  (x, s, d_x: Tensor<f64, n>) -> (Tensor<f64, m>, Tensor<f64, m>)
//! vjp!(f)         ->  (x, s, cotangent: Tensor<f64, m>) -> (Tensor<f64, m>, Tensor<f64, n>)
//! jacobian!(f)    ->  (x, s) -> Tensor<f64, m, d_n<n>>
//! hessian!(g)     ->  jacobian!(grad!(g))
//! ```
//!
//! Tangents and cotangents have the types of what they belong to. Leaves that are no floats do not move: what is passed for them is
//! not read, and what comes out for them is zero. A Jacobian has no such leaves.

use super::Mode;
use super::hooks::{declare_status, status_type};
use super::requests::{
    begun, chosen, ended, leaf_ranges, leaf_type, operands, parameter_leaves, same_symbols,
    target_span, updates_nothing, wrong,
};
use super::signature::{Container, Leaf, Parameter, Signature, Tree};
use super::world::{Known, World};
use crate::report::Mistake;
use crate::requested::{cotangent_name, tangent_name};
use crate::surface::{Definition, Request, RequestKind};
use crate::text::Callee;
use defn_codegen::diagnostic::catalogue::CallMistake;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Callable, NodeId, Scalar, TensorType};
use std::collections::BTreeSet;
use std::rc::Rc;

impl World {
    /// A function with the tangents of its results.
    pub(super) fn jvp(&mut self, request: &Request, target: &Known) -> Result<Known, Vec<Mistake>> {
        let signature = &target.signature;
        moves(request, signature)?;
        let chosen = chosen(request, signature)?;
        let mut parameters = signature.parameters.clone();
        for position in &chosen {
            let names: Vec<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
            let name = tangent_name(&names, *position);
            let tree = parameters[*position].tree.clone();
            parameters.push(Parameter { name, tree, mutable: false });
        }
        let result = Tree::Tuple(vec![signature.result.clone(); 2]);
        let own = named(request, signature, parameters, result);
        let leaves: Vec<usize> = wrt(signature, &chosen);
        self.derived(own, target, |own| {
            let (mut b, values) = begun(own);
            let mut operands: Vec<NodeId> =
                values.iter().flat_map(|value| operands(&mut b, value)).collect();
            let behind = operands.len() - leaves.len();
            with_status(&mut b, target, &mut operands, behind);
            let results = signature.result.leaves("");
            let floats = results.iter().filter(|leaf| leaf.element.is_float());
            let types = value_types(target).into_iter().chain(floats.map(leaf_type)).collect();
            let callee = Callable::Jvp { of: Box::new(target.callable()), wrt: leaves };
            let mut called = b.call(callee, same_symbols(own), &operands, types);
            let status = target.has_status.then(|| called.remove(results.len()));
            let (values, tangents) = called.split_at(results.len());
            let mut nodes = [values, &with_zeros(&mut b, &results, tangents)].concat();
            nodes.extend(status);
            ended(b, nodes)
        })
    }

    /// A mistake if something that the request reaches says only which gradients it has.
    pub(super) fn can_go_forward(
        request: &Request,
        callees: &[Rc<Callee>],
    ) -> Result<(), Vec<Mistake>> {
        let (path, callee) = request.function();
        let mut seen = BTreeSet::new();
        let found = callees.get(callee.0).and_then(|it| only_gradients(it, &mut seen));
        match (request.kind, found) {
            (RequestKind::Jvp, Some((rule_of, place))) => {
                let function = path.text();
                let mistake = CallMistake::ForwardThroughRule { function, rule_of, place };
                Err(wrong(mistake, target_span(request)))
            }
            _ => Ok(()),
        }
    }

    /// A function with the gradients for a cotangent of its results.
    pub(super) fn vjp(&mut self, request: &Request, target: &Known) -> Result<Known, Vec<Mistake>> {
        let signature = &target.signature;
        moves(request, signature)?;
        let chosen = chosen(request, signature)?;
        let names: Vec<&str> = signature.parameters.iter().map(|it| it.name.as_str()).collect();
        let name = cotangent_name(&names);
        let cotangent = Parameter { name, tree: signature.result.clone(), mutable: false };
        let parameters = [signature.parameters.as_slice(), &[cotangent]].concat();
        let gradients = chosen.iter().map(|it| signature.parameters[*it].tree.clone()).collect();
        let result = Tree::Tuple(vec![signature.result.clone(), one_or_tuple(gradients)]);
        let own = named(request, signature, parameters, result);
        let leaves = wrt(signature, &chosen);
        self.derived(own, target, |own| {
            let (mut b, values) = begun(own);
            let all: Vec<NodeId> =
                values.iter().flat_map(|value| operands(&mut b, value)).collect();
            let results = signature.result.leaves("");
            let (arguments, cotangents) = all.split_at(all.len() - results.len());
            let floats = cotangents.iter().zip(&results).filter(|(_, it)| it.element.is_float());
            let floats: Vec<NodeId> = floats.map(|(node, _)| *node).collect();
            let parameters = parameter_leaves(signature);
            let gradients = leaves.iter().map(|leaf| &parameters[*leaf]);
            let types = value_types(target).into_iter().chain(gradients.map(leaf_type)).collect();
            let callee = Callable::Vjp { of: Box::new(target.callable()), wrt: leaves };
            let mut operands = [arguments, &floats].concat();
            with_status(&mut b, target, &mut operands, arguments.len());
            let mut nodes = b.call(callee, same_symbols(own), &operands, types);
            let status = target.has_status.then(|| nodes.remove(results.len()));
            nodes.extend(status);
            ended(b, nodes)
        })
    }

    /// A function that gives all derivatives.
    pub(super) fn jacobian(
        &mut self,
        request: &Request,
        target: &Known,
    ) -> Result<Known, Vec<Mistake>> {
        let signature = &target.signature;
        moves(request, signature)?;
        let chosen = chosen(request, signature)?;
        if signature.result.leaves("").iter().any(|leaf| !leaf.element.is_float()) {
            let found = signature.result.show(&signature.symbols);
            let (request_word, function) = (request.kind.word().to_owned(), signature.name.clone());
            let mistake = CallMistake::JacobianResult { request: request_word, function, found };
            return Err(wrong(mistake, target_span(request)));
        }
        only_floats(request, signature, &chosen)?;
        let parameters: Vec<&Tree> =
            chosen.iter().map(|position| &signature.parameters[*position].tree).collect();
        let result = outer(&signature.result, &parameters);
        let own = named(request, signature, signature.parameters.clone(), result);
        let leaves = wrt(signature, &chosen);
        self.derived(own, target, |own| {
            let (mut b, values) = begun(own);
            let mut operands: Vec<NodeId> =
                values.iter().flat_map(|value| operands(&mut b, value)).collect();
            let behind = operands.len();
            with_status(&mut b, target, &mut operands, behind);
            let results = own.result.leaves("");
            let status = target.has_status.then(status_type);
            let types = results.iter().map(leaf_type).chain(status).collect();
            let callee = Callable::Jacobian { of: Box::new(target.callable()), wrt: leaves };
            let nodes = b.call(callee, same_symbols(own), &operands, types);
            ended(b, nodes)
        })
    }

    /// A function that gives all second derivatives: all derivatives of the gradient.
    pub(super) fn hessian(
        &mut self,
        request: &Request,
        target: &Known,
    ) -> Result<Known, Vec<Mistake>> {
        let signature = &target.signature;
        updates_nothing(signature, target_span(request))?;
        let leaves = signature.result.leaves("");
        if !matches!(leaves.as_slice(), [leaf] if is_number(leaf)) {
            let (function, found) =
                (signature.name.clone(), signature.result.show(&signature.symbols));
            let mistake = CallMistake::HessianResult { function, found };
            return Err(wrong(mistake, target_span(request)));
        }
        let chosen = chosen(request, signature)?;
        only_floats(request, signature, &chosen)?;
        let gradient = Request { kind: RequestKind::Grad, ..request.clone() };
        let gradient = self.gradient(&gradient, target)?;
        self.jacobian(request, &gradient)
    }

    /// A function of this signature; its body only if something is compiled.
    fn derived(
        &mut self,
        own: Signature,
        target: &Known,
        body: impl FnOnce(&Signature) -> defn_codegen::graph::Graph,
    ) -> Result<Known, Vec<Mistake>> {
        let graph = match self.mode {
            Mode::Check => begun(&own).0.finish(Vec::new()),
            Mode::Emit => body(&own),
        };
        let id = self.program.functions.push(graph);
        Ok(Known { id, signature: own, rules: None, has_status: target.has_status })
    }
}

/// Puts the status, which stands behind the parameters of the target, in its place among the operands.
fn with_status(b: &mut Builder, target: &Known, operands: &mut Vec<NodeId>, place: usize) {
    if target.has_status {
        operands.insert(place, declare_status(b));
    }
}

/// The types of what the target gives, with the status behind it.
fn value_types(target: &Known) -> Vec<TensorType> {
    let results = target.signature.result.leaves("");
    let status = target.has_status.then(status_type);
    results.iter().map(leaf_type).chain(status).collect()
}

/// A mistake if the function updates something, or returns no float.
fn moves(request: &Request, signature: &Signature) -> Result<(), Vec<Mistake>> {
    updates_nothing(signature, target_span(request))?;
    if signature.result.leaves("").iter().any(|leaf| leaf.element.is_float()) {
        return Ok(());
    }
    let (function, found) = (signature.name.clone(), signature.result.show(&signature.symbols));
    Err(wrong(CallMistake::DerivativeResult { function, found }, target_span(request)))
}

/// A mistake if a chosen parameter holds something else than floats.
fn only_floats(
    request: &Request,
    signature: &Signature,
    chosen: &[usize],
) -> Result<(), Vec<Mistake>> {
    for (position, parameter) in chosen.iter().map(|it| (it, &signature.parameters[*it])) {
        if parameter.tree.leaves("").iter().all(|leaf| leaf.element.is_float()) {
            continue;
        }
        let found = parameter.tree.show(&signature.symbols);
        let (word, name) = (request.kind.word().to_owned(), parameter.name.clone());
        let index = chosen.iter().position(|it| it == position);
        let span = index.and_then(|index| request.wrt.get(index)).map(|name| name.span());
        let mistake = CallMistake::JacobianParameter { request: word, parameter: name, found };
        return Err(wrong(mistake, span.unwrap_or_else(|| target_span(request))));
    }
    Ok(())
}

/// A function that has a rule for gradients and none for tangents, and its place: this one, or one that it mentions.
fn only_gradients(callee: &Callee, seen: &mut BTreeSet<String>) -> Option<(String, String)> {
    if !seen.insert(callee.uid.clone()) {
        return None;
    }
    if let Definition::Function(function) = &callee.definition
        && let (Some(_), None) = (&function.options.grad, &function.options.jvp)
    {
        return Some((function.name.text.clone(), callee.place.clone()));
    }
    callee.callees.iter().find_map(|inner| only_gradients(inner, seen))
}

fn is_number(leaf: &Leaf) -> bool {
    leaf.element.is_float() && leaf.names.is_empty()
}

fn named(
    request: &Request,
    signature: &Signature,
    parameters: Vec<Parameter>,
    result: Tree,
) -> Signature {
    let name = format!("{}_{}", request.kind.word(), signature.name);
    Signature { name, parameters, result, symbols: signature.symbols.clone() }
}

/// The leaves of the chosen parameters.
fn wrt(signature: &Signature, chosen: &[usize]) -> Vec<usize> {
    let ranges = leaf_ranges(signature);
    chosen.iter().flat_map(|position| ranges[*position].clone()).collect()
}

/// The tangent of each leaf: that of a float, or zero.
fn with_zeros(b: &mut Builder, leaves: &[Leaf], tangents: &[NodeId]) -> Vec<NodeId> {
    let mut tangents = tangents.iter().copied();
    let mut found = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let tangent = leaf.element.is_float().then(|| tangents.next()).flatten();
        found.push(
            tangent.unwrap_or_else(|| b.splat(Scalar::from_i64(leaf.element, 0), &leaf.shape)),
        );
    }
    found
}

fn one_or_tuple(mut trees: Vec<Tree>) -> Tree {
    if trees.len() == 1 { trees.remove(0) } else { Tree::Tuple(trees) }
}

/// For each leaf of a result, the leaves of parameters with the axes of both.
fn outer(result: &Tree, parameters: &[&Tree]) -> Tree {
    on_leaves(result, &mut |leaf| {
        let parts = parameters.iter().map(|tree| on_leaves(tree, &mut |of| behind(leaf, of)));
        one_or_tuple(parts.collect())
    })
}

/// The tree with something else in place of each tensor.
fn on_leaves(tree: &Tree, leaf: &mut dyn FnMut(&Tree) -> Tree) -> Tree {
    match tree {
        Tree::Scalar(_) | Tree::Tensor { .. } | Tree::Extent(_) => leaf(tree),
        Tree::Tuple(parts) => Tree::Tuple(parts.iter().map(|it| on_leaves(it, leaf)).collect()),
        Tree::Array(parts) => Tree::Array(parts.iter().map(|it| on_leaves(it, leaf)).collect()),
        Tree::Container(container) => {
            let fields = container.fields.iter();
            let fields = fields.map(|(name, field)| (name.clone(), on_leaves(field, leaf)));
            Tree::Container(Container { fields: fields.collect(), ..container.clone() })
        }
    }
}

/// The axes of a result, then those of a parameter, whose names have `d_` in front, as often as it takes to be new (R9, R34).
fn behind(result: &Tree, parameter: &Tree) -> Tree {
    let [result, parameter] = [result, parameter].map(|tree| tree.leaves("").remove(0));
    let (element, mut names) = (result.element, result.names);
    for name in parameter.names {
        let new = name.map(|name| {
            let mut name = format!("d_{name}");
            while names.iter().flatten().any(|known| *known == name) {
                name.insert_str(0, "d_");
            }
            name
        });
        names.push(new);
    }
    let shape = [result.shape, parameter.shape].concat();
    match names.is_empty() {
        true => Tree::Scalar(element),
        false => Tree::Tensor { element, names, shape },
    }
}
