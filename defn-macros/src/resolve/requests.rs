//! Requests as functions of their own: `grad!(f)` and `value_and_grad!(f)` (R33); other derivatives are in
//! [`derivatives`](super::derivatives), and `vmap!(f)` is in [`mapped`](super::mapped).
//!
//! ```text
//! loss(p: Mlp, x: …) -> (f32, State)
//! grad!(loss)                             ->  (Mlp, State)
//! value_and_grad!(loss, wrt = (p, x))     ->  ((f32, State), (Mlp, Tensor<…>))
//! ```
//!
//! A request is a function whose body is one call, so that requests nest in any order.

use super::Mode;
use super::hooks::{declare_status, status_type};
use super::signature::{AXES_OF_A_FIELD, Elements, Leaf, Signature, Tree};
use super::value::Value;
use super::world::{Known, World, declare};
use crate::report::Mistake;
use crate::surface::{Definition, Name, Request, RequestKind, RequestTarget};
use crate::text::Callee;
use defn_codegen::diagnostic::Mistake as Wrong;
use defn_codegen::diagnostic::catalogue::{CallMistake, Limit, nearest};
use defn_codegen::graph::Callable;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Dim, Graph, NodeId, Output, Symbol, TensorType};
use proc_macro2::Span;
use std::ops::Range;
use std::rc::Rc;

pub(super) fn wrong(wrong: impl Into<Wrong>, span: Span) -> Vec<Mistake> {
    vec![Mistake { message: wrong.into().message(), span }]
}

impl World {
    /// The function that a request is.
    pub(super) fn request(
        &mut self,
        request: &Request,
        callees: &[Rc<Callee>],
        elements: &Elements,
    ) -> Result<Rc<Known>, Vec<Mistake>> {
        let key = (key(request, callees), elements.values().copied().collect());
        if let Some(known) = self.known.get(&key) {
            return known.clone().ok_or_else(Vec::new);
        }
        let target = match &request.target {
            RequestTarget::Function(path, callee) => {
                let Some(callee) = callees.get(callee.0) else { return Err(Vec::new()) };
                let Definition::Function(function) = &callee.definition else {
                    let kind = super::kind_word(&callee.definition).to_owned();
                    let name = path.text();
                    return Err(wrong(CallMistake::NotAFunction { name, kind }, path.span()));
                };
                // A callee that is broken has told so itself.
                self.callee(callee, function, elements).ok_or_else(Vec::new)?
            }
            RequestTarget::Request(inner) => self.request(inner, callees, elements)?,
        };
        Self::can_go_forward(request, callees)?;
        let known = match request.kind {
            RequestKind::Grad | RequestKind::ValueAndGrad => self.gradient(request, &target),
            RequestKind::Jvp => self.jvp(request, &target),
            RequestKind::Vjp => self.vjp(request, &target),
            RequestKind::Jacobian => self.jacobian(request, &target),
            RequestKind::Hessian => self.hessian(request, &target),
            RequestKind::Vmap => self.map(request, &target),
        };
        let known = known.map(Rc::new);
        self.known.insert(key, known.as_ref().ok().cloned());
        known
    }

    /// A function that calls the gradient and puts its results in order.
    pub(super) fn gradient(
        &mut self,
        request: &Request,
        target: &Known,
    ) -> Result<Known, Vec<Mistake>> {
        let signature = &target.signature;
        let span = target_span(request);
        updates_nothing(signature, span)?;
        if !begins_with_float(&signature.result) {
            let (function, found) =
                (signature.name.clone(), signature.result.show(&signature.symbols));
            return Err(wrong(CallMistake::GradientResult { function, found }, span));
        }
        let chosen = chosen(request, signature)?;
        let gradients: Vec<Tree> =
            chosen.iter().map(|position| signature.parameters[*position].tree.clone()).collect();
        let gradients = match gradients.as_slice() {
            [only] => only.clone(),
            _ => Tree::Tuple(gradients),
        };
        let value = request.kind == RequestKind::ValueAndGrad;
        let result = result_tree(value, &signature.result, gradients);
        let own = Signature {
            name: format!("{}_{}", request.kind.word(), signature.name),
            parameters: signature.parameters.clone(),
            result,
            symbols: signature.symbols.clone(),
        };
        let graph = match self.mode {
            Mode::Check => wrapper(&own, target, None),
            Mode::Emit => wrapper(&own, target, Some((&chosen, value))),
        };
        let id = self.program.functions.push(graph);
        Ok(Known { id, signature: own, rules: None, has_status: target.has_status })
    }
}

/// The token of what a request is made of.
pub(super) fn target_span(request: &Request) -> Span {
    match &request.target {
        RequestTarget::Function(path, _) => path.span(),
        RequestTarget::Request(inner) => inner.span,
    }
}

/// Which request it is, so that each is made once.
fn key(request: &Request, callees: &[Rc<Callee>]) -> String {
    let inner = match &request.target {
        RequestTarget::Function(_, callee) => {
            callees.get(callee.0).map_or_else(String::new, |callee| callee.uid.clone())
        }
        RequestTarget::Request(inner) => key(inner, callees),
    };
    let names =
        |names: &[Name]| names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(", ");
    let over = request.over.as_ref().map_or("", |name| name.text.as_str());
    let (word, wrt, of) = (request.kind.word(), names(&request.wrt), names(&request.of));
    format!("{word}({inner}; {wrt}; {over}; {of})")
}

/// A mistake if the function has `&mut` parameters.
pub(super) fn updates_nothing(signature: &Signature, span: Span) -> Result<(), Vec<Mistake>> {
    match signature.parameters.iter().find(|parameter| parameter.mutable) {
        Some(parameter) => {
            let (function, parameter) = (signature.name.clone(), parameter.name.clone());
            Err(wrong(CallMistake::GradientOfMutable { function, parameter }, span))
        }
        None => Ok(()),
    }
}

/// Whether containers of Rust can hold what goes in and out.
pub(super) fn axes_fit(signature: &Signature, request: &Request) -> Result<(), Vec<Mistake>> {
    let trees = signature.parameters.iter().map(|parameter| &parameter.tree);
    let axes = trees.chain([&signature.result]).map(Tree::rank_of_fields).max().unwrap_or(0);
    if axes > AXES_OF_A_FIELD {
        let limit = Limit::AxesOfAField { axes, most: AXES_OF_A_FIELD };
        return Err(wrong(limit, request.function().0.span()));
    }
    Ok(())
}

/// Whether the result is one float, or a tuple that begins with one.
fn begins_with_float(result: &Tree) -> bool {
    match result {
        Tree::Scalar(element) => element.is_float(),
        Tree::Tensor { element, names, .. } => names.is_empty() && element.is_float(),
        Tree::Tuple(parts) => parts
            .first()
            .is_some_and(|first| !matches!(first, Tree::Tuple(_)) && begins_with_float(first)),
        Tree::Extent(_) | Tree::Array(_) | Tree::Container(_) => false,
    }
}

/// The parameters with respect to which the gradient is taken; by default the first.
pub(super) fn chosen(request: &Request, signature: &Signature) -> Result<Vec<usize>, Vec<Mistake>> {
    let function = signature.name.clone();
    if signature.parameters.is_empty() {
        return Err(wrong(CallMistake::NoParameters { function }, target_span(request)));
    }
    let mut chosen = Vec::new();
    let mut mistakes = Vec::new();
    for name in &request.wrt {
        let position = signature.parameters.iter().position(|own| own.name == name.text);
        match position {
            Some(position) if chosen.contains(&position) => {
                let parameter = name.text.clone();
                mistakes.extend(wrong(CallMistake::ParameterTwice { parameter }, name.span()));
            }
            Some(position) => {
                mistakes.extend(floats(signature, position, name.span()).err());
                chosen.push(position);
            }
            None => {
                let known = signature.parameters.iter().map(|own| own.name.as_str());
                let nearest = nearest(&name.text, known);
                let (parameter, function) = (name.text.clone(), function.clone());
                let mistake = CallMistake::UnknownParameter { parameter, function, nearest };
                mistakes.extend(wrong(mistake, name.span()));
            }
        }
    }
    if request.wrt.is_empty() {
        mistakes.extend(floats(signature, 0, target_span(request)).err());
        chosen.push(0);
    }
    if mistakes.is_empty() { Ok(chosen) } else { Err(mistakes) }
}

/// A mistake if a parameter has nothing to differentiate.
fn floats(signature: &Signature, position: usize, span: Span) -> Result<(), Mistake> {
    let parameter = &signature.parameters[position];
    let leaves = parameter.tree.leaves(&parameter.name);
    if leaves.iter().any(|leaf| leaf.element.is_float()) {
        return Ok(());
    }
    let found = parameter.tree.show(&signature.symbols);
    let mistake =
        Wrong::from(CallMistake::GradientParameter { parameter: parameter.name.clone(), found });
    Err(Mistake { message: mistake.message(), span })
}

fn result_tree(value: bool, result: &Tree, gradients: Tree) -> Tree {
    match (value, result) {
        (true, result) => Tree::Tuple(vec![result.clone(), gradients]),
        (false, Tree::Tuple(parts)) if parts.len() > 1 => {
            Tree::Tuple([vec![gradients], parts[1..].to_vec()].concat())
        }
        (false, _) => gradients,
    }
}

/// The leaves of each parameter, as positions among all leaves.
pub(super) fn leaf_ranges(signature: &Signature) -> Vec<Range<usize>> {
    let mut start = 0;
    let ranges = signature.parameters.iter().map(|parameter| {
        let count = parameter.tree.leaves(&parameter.name).len();
        start += count;
        start - count..start
    });
    ranges.collect()
}

/// A graph that will be one call: a builder with the parameters, and the nodes of their leaves.
pub(super) fn begun(own: &Signature) -> (Builder, Vec<Value>) {
    let mut b = Builder::new(&own.name);
    for symbol in &own.symbols {
        b.symbol(symbol);
    }
    let parameters = own.parameters.iter();
    let values =
        parameters.map(|parameter| declare(&mut b, &parameter.name, &parameter.tree)).collect();
    (b, values)
}

/// The symbols of the function at the bottom, each for itself.
pub(super) fn same_symbols(own: &Signature) -> Vec<Dim> {
    (0..own.symbols.len()).map(|symbol| Dim::from(Symbol(symbol as u32))).collect()
}

/// The type of a leaf.
pub(super) fn leaf_type(leaf: &Leaf) -> TensorType {
    TensorType::new(leaf.element, leaf.shape.clone())
}

/// The leaves of all parameters.
pub(super) fn parameter_leaves(signature: &Signature) -> Vec<Leaf> {
    let parameters = signature.parameters.iter();
    parameters.flat_map(|parameter| parameter.tree.leaves(&parameter.name)).collect()
}

/// The graph with these results.
pub(super) fn ended(b: Builder, nodes: Vec<NodeId>) -> Graph {
    b.finish(nodes.into_iter().map(|node| Output { node, updates: None }).collect())
}

/// The graph: parameters, one call, results in the order of the tree.
fn wrapper(own: &Signature, target: &Known, gradient: Option<(&[usize], bool)>) -> Graph {
    let (mut b, values) = begun(own);
    let Some((chosen, value)) = gradient else { return b.finish(Vec::new()) };
    let symbols = same_symbols(own);
    let mut operands: Vec<NodeId> =
        values.iter().flat_map(|value| operands(&mut b, value)).collect();
    operands.extend(target.has_status.then(|| declare_status(&mut b)));
    let ranges = leaf_ranges(own);
    let wrt: Vec<usize> = chosen.iter().flat_map(|position| ranges[*position].clone()).collect();
    let parameters = parameter_leaves(own);
    let results = target.signature.result.leaves("");
    let kept = usize::from(!value);
    let gradients = wrt.iter().map(|leaf| &parameters[*leaf]);
    let mut types: Vec<TensorType> =
        results[kept..].iter().chain(gradients).map(leaf_type).collect();
    // The status stands behind the results of the target, of which the first may be missing.
    let behind = results.len() - kept;
    if target.has_status {
        types.insert(behind, status_type());
    }
    let of = Box::new(target.callable());
    let count = wrt.len();
    let callee = Callable::Gradient { of, wrt, value };
    let mut nodes = b.call(callee, symbols, &operands, types);
    let status = target.has_status.then(|| nodes.remove(behind));
    if !value {
        // The rest of the results stands behind the gradients in the tree, and before them in the call.
        let rest = nodes.len() - count;
        nodes.rotate_left(rest);
    }
    nodes.extend(status);
    ended(b, nodes)
}

/// The nodes of a parameter, extents among them.
pub(super) fn operands(b: &mut Builder, value: &Value) -> Vec<NodeId> {
    match value {
        Value::Extent(dim) => vec![b.extent(dim.clone())],
        Value::Tuple(parts) | Value::Array(parts) | Value::Container(_, parts) => {
            parts.iter().flat_map(|part| operands(b, part)).collect()
        }
        Value::Tensor(tensor) => vec![tensor.node],
        Value::Literal(_) | Value::Request(_) | Value::Poison => Vec::new(),
    }
}
