//! `vmap!(f, over = b)` as a function of its own (R35).
//!
//! ```text
//! dot(x: Tensor<f32, n>, y: Tensor<f32, n>) -> f32
//! vmap!(dot, over = b)            ->  (x: Tensor<f32, b, n>, y: Tensor<f32, b, n>) -> Tensor<f32, b>
//! vmap!(dot, over = b, of = x)    ->  (x: Tensor<f32, b, n>, y: Tensor<f32, n>) -> Tensor<f32, b>
//! ```
//!
//! In a body the axis of an argument is where its name is; it is moved to the front before the call.

use super::Mode;
use super::body::Body;
use super::hooks::{declare_status, joined, status_type};
use super::requests::{
    begun, ended, leaf_ranges, leaf_type, operands, same_symbols, target_span, wrong,
};
use super::signature::{Container, Parameter, Signature, Tree};
use super::value::Value;
use super::world::{Known, World};
use crate::report::Mistake;
use crate::surface::{Name, Request, RequestTarget};
use defn_codegen::diagnostic::catalogue::{CallMistake, Limit, nearest};
use defn_codegen::graph::{Callable, Dim, Graph, NodeId, Symbol, TensorType};
use defn_codegen::library::{AxisRef, front};
use proc_macro2::Span;

impl World {
    /// A function that calls the map.
    pub(super) fn map(&mut self, request: &Request, target: &Known) -> Result<Known, Vec<Mistake>> {
        let signature = &target.signature;
        let (span, function) = (target_span(request), signature.name.clone());
        // Where it is missing, the parser has told so.
        let Some(over) = &request.over else { return Err(Vec::new()) };
        if let Some(parameter) = signature.parameters.iter().find(|parameter| parameter.mutable) {
            let parameter = parameter.name.clone();
            return Err(wrong(Limit::MapOfMutable { function, parameter }, span));
        }
        if uses(signature, &over.text) {
            let axis = over.text.clone();
            return Err(wrong(CallMistake::MappedName { function, axis }, over.span()));
        }
        let mapped = mapped(request, signature)?;
        let extent = Dim::from(Symbol(signature.symbols.len() as u32));
        let parameters = signature.parameters.iter().enumerate().map(|(position, parameter)| {
            let tree = match mapped.contains(&position) {
                true => with_axis(&parameter.tree, &over.text, &extent),
                false => parameter.tree.clone(),
            };
            Parameter { tree, ..parameter.clone() }
        });
        let own = Signature {
            name: format!("vmap_{function}"),
            parameters: parameters.collect(),
            result: with_axis(&signature.result, &over.text, &extent),
            symbols: [signature.symbols.as_slice(), std::slice::from_ref(&over.text)].concat(),
        };
        let calls = self.mode == Mode::Emit;
        let graph = wrapper(&own, calls.then_some((target, mapped.as_slice())));
        let id = self.program.functions.push(graph);
        Ok(Known { id, signature: own, rules: None, has_status: target.has_status })
    }
}

/// Whether an axis or an extent of the function has this name.
fn uses(signature: &Signature, axis: &str) -> bool {
    let parameters = signature.parameters.iter().map(|parameter| &parameter.tree);
    let mut leaves = parameters.chain([&signature.result]).flat_map(|tree| tree.leaves(""));
    let is_it = |name: &Option<String>| name.as_deref() == Some(axis);
    signature.symbols.iter().any(|symbol| symbol == axis)
        || leaves.any(|leaf| leaf.names.iter().any(is_it))
}

/// The positions of the parameters that have the axis; by default all that hold tensors.
fn mapped(request: &Request, signature: &Signature) -> Result<Vec<usize>, Vec<Mistake>> {
    let is_extent =
        |position: usize| matches!(signature.parameters[position].tree, Tree::Extent(_));
    if request.of.is_empty() {
        let all = (0..signature.parameters.len()).filter(|position| !is_extent(*position));
        let all: Vec<usize> = all.collect();
        if all.is_empty() {
            let function = signature.name.clone();
            return Err(wrong(CallMistake::NothingMapped { function }, target_span(request)));
        }
        return Ok(all);
    }
    let (mut chosen, mut mistakes) = (Vec::new(), Vec::new());
    for name in &request.of {
        let parameter = name.text.clone();
        let position = signature.parameters.iter().position(|own| own.name == name.text);
        let mistake = match position {
            Some(position) if chosen.contains(&position) => {
                CallMistake::ParameterTwice { parameter }
            }
            Some(position) if is_extent(position) => CallMistake::MappedParameter { parameter },
            Some(position) => {
                chosen.push(position);
                continue;
            }
            None => {
                let known = signature.parameters.iter().map(|own| own.name.as_str());
                let nearest = nearest(&name.text, known);
                let function = signature.name.clone();
                CallMistake::UnknownParameter { parameter, function, nearest }
            }
        };
        mistakes.extend(wrong(mistake, name.span()));
    }
    if mistakes.is_empty() { Ok(chosen) } else { Err(mistakes) }
}

/// Every tensor with one more axis, first.
fn with_axis(tree: &Tree, axis: &str, extent: &Dim) -> Tree {
    let all = |parts: &[Tree]| parts.iter().map(|part| with_axis(part, axis, extent)).collect();
    match tree {
        Tree::Scalar(element) => Tree::Tensor {
            element: *element,
            names: vec![Some(axis.to_owned())],
            shape: vec![extent.clone()],
        },
        Tree::Tensor { element, names, shape } => Tree::Tensor {
            element: *element,
            names: [&[Some(axis.to_owned())], names.as_slice()].concat(),
            shape: [std::slice::from_ref(extent), shape.as_slice()].concat(),
        },
        Tree::Extent(symbol) => Tree::Extent(*symbol),
        Tree::Tuple(parts) => Tree::Tuple(all(parts)),
        Tree::Array(parts) => Tree::Array(all(parts)),
        Tree::Container(container) => {
            let fields = container.fields.iter();
            let fields = fields.map(|(name, field)| (name.clone(), with_axis(field, axis, extent)));
            Tree::Container(Container { fields: fields.collect(), ..container.clone() })
        }
    }
}

/// The graph: parameters, and one call.
fn wrapper(own: &Signature, call: Option<(&Known, &[usize])>) -> Graph {
    let (mut b, values) = begun(own);
    let Some((target, mapped)) = call else { return b.finish(Vec::new()) };
    let mut operands: Vec<NodeId> =
        values.iter().flat_map(|value| operands(&mut b, value)).collect();
    let before = target.has_status.then(|| declare_status(&mut b));
    operands.extend(before);
    let symbols = same_symbols(own);
    let ranges = leaf_ranges(own).into_iter().enumerate();
    let leaves = ranges.filter(|(position, _)| mapped.contains(position)).flat_map(|(_, it)| it);
    let of = Box::new(target.callable());
    let callee = Callable::Map { of, mapped: leaves.collect() };
    let results = own.result.leaves("");
    let each = before.map(|_| {
        let extent = Dim::from(Symbol(target.signature.symbols.len() as u32));
        TensorType::new(status_type().element, vec![extent])
    });
    let types = results.iter().map(leaf_type).chain(each).collect();
    let mut nodes = b.call(callee, symbols, &operands, types);
    if let (Some(before), Some(each)) = (before, nodes.last().copied()) {
        nodes.pop();
        nodes.push(joined(&mut b, before, each));
    }
    ended(b, nodes)
}

/// The new axes of a request and of those in it, the outermost first.
fn axes(request: &Request) -> Vec<&Name> {
    let inner = match &request.target {
        RequestTarget::Request(inner) => axes(inner),
        RequestTarget::Function(..) => Vec::new(),
    };
    request.over.iter().chain(inner).collect()
}

impl Body<'_, '_> {
    /// An argument with the mapped axes of its parameter in front; none if it lacks one.
    pub(super) fn with_mapped_axes_in_front(
        &mut self,
        request: &Request,
        parameter: &Parameter,
        argument: Value,
        span: Span,
    ) -> Option<Value> {
        let axes: Vec<&str> = axes(request).into_iter().map(|axis| axis.text.as_str()).collect();
        if axes.is_empty() {
            return Some(argument);
        }
        self.in_front(&axes, (&parameter.name, &parameter.tree), argument, span)
    }

    fn in_front(
        &mut self,
        axes: &[&str],
        (parameter, tree): (&str, &Tree),
        value: Value,
        span: Span,
    ) -> Option<Value> {
        let (trees, values): (Vec<&Tree>, Vec<Value>) = match (tree, &value) {
            (Tree::Tuple(trees), Value::Tuple(values))
            | (Tree::Array(trees), Value::Array(values))
                if trees.len() == values.len() =>
            {
                (trees.iter().collect(), values.clone())
            }
            (Tree::Container(container), Value::Container(kind, values))
                if container.uid == kind.uid =>
            {
                (container.fields.iter().map(|(_, tree)| tree).collect(), values.clone())
            }
            (Tree::Tensor { names, .. }, _) => {
                let is_new = |name: &&Option<String>| {
                    name.as_deref().is_some_and(|name| axes.contains(&name))
                };
                let new: Vec<&String> = names.iter().take_while(is_new).flatten().collect();
                return self.leaf_in_front(&new, parameter, value, span);
            }
            // What does not fit is told where arguments are bound.
            _ => return Some(value),
        };
        let mut parts = Vec::new();
        for (tree, part) in trees.into_iter().zip(values) {
            parts.push(self.in_front(axes, (parameter, tree), part, span)?);
        }
        Some(match value {
            Value::Tuple(_) => Value::Tuple(parts),
            Value::Array(_) => Value::Array(parts),
            Value::Container(kind, _) => Value::Container(kind, parts),
            Value::Tensor(_)
            | Value::Literal(_)
            | Value::Extent(_)
            | Value::Request(_)
            | Value::Poison => value,
        })
    }

    fn leaf_in_front(
        &mut self,
        axes: &[&String],
        parameter: &str,
        value: Value,
        span: Span,
    ) -> Option<Value> {
        let mut value = value;
        for axis in axes.iter().rev() {
            let tensor = match &value {
                Value::Tensor(tensor) if tensor.position(axis).is_some() => tensor,
                other => {
                    let (parameter, found) = (parameter.to_owned(), other.show(&self.b));
                    let axis = (*axis).clone();
                    self.wrong(CallMistake::MappedAxis { axis, parameter, found }, span);
                    return None;
                }
            };
            let moved = front(&mut self.b, tensor, &AxisRef::Name((*axis).clone()));
            value = Value::Tensor(self.answer(moved, span)?);
        }
        Some(value)
    }
}
