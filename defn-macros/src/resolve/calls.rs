//! Calls: of free functions, of definitions, of requests; and container literals, which are bound like calls.

use super::Mode;
use super::binding::{Argument, Bound, Target};
use super::body::Body;
use super::hooks::{joined, status_type};
use super::lift::{lift, mapped};
use super::places::Place;
use super::signature::{Elements, Leaf, Signature, Tree};
use super::types::{Declare, Env, TypeReader, bound_mistake};
use super::value::{Kind, Value};
use super::world::Known;
use crate::requested::Requested;
use crate::surface::{
    Call, Callable, Definition, Element as Word, ElementParameter, Expr, ExprKind, Function, Name,
    Parameter, Request, StructLiteral, Type, TypeArgument, TypeKind, TypeParameter,
};
use crate::text::Callee;
use defn_codegen::diagnostic::catalogue::{CallMistake, Limit};
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Check, Element, Relation, Scalar, TensorType};
use defn_codegen::library::{self, Tensor, show_dim};
use proc_macro2::Span;
use std::rc::Rc;

/// Arguments as values, with the places of those that are updated.
pub(super) type Passed = Vec<(Value, Option<Place>, Span)>;

impl Body<'_, '_> {
    /// Any call.
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Value {
        match &call.function {
            Callable::Intrinsic(name) => self.free(name, &call.elements, &call.arguments),
            Callable::Definition(path, callee) => {
                let Some(callee) = self.env.callees.get(callee.0).cloned() else {
                    return Value::Poison;
                };
                let name = path.text();
                self.called(call, (&callee, None), &name, path.span())
            }
            Callable::Request(request) => self.request_call(call, request, span),
            Callable::Local(name) => {
                let local = self
                    .scope
                    .local(&name.text)
                    .map(|local| self.scope.locals[local].value.clone());
                match local {
                    Some(Value::Request(request)) => self.request_call(call, &request, span),
                    Some(Value::Poison) | None => Value::Poison,
                    Some(other) => {
                        let (name, kind) = (name.text.clone(), other.show(&self.b));
                        self.wrong(CallMistake::NotAFunction { name, kind }, span)
                    }
                }
            }
        }
    }

    fn request_call(&mut self, call: &Call, request: &Request, span: Span) -> Value {
        let (path, callee) = request.function();
        let Some(callee) = self.env.callees.get(callee.0).cloned() else { return Value::Poison };
        let name = format!("{}!({})", request.kind.word(), path.text());
        self.called(call, (&callee, Some(request)), &name, span)
    }

    /// A call of a definition, or of a request of one.
    fn called(
        &mut self,
        call: &Call,
        (callee, request): (&Callee, Option<&Request>),
        name: &str,
        span: Span,
    ) -> Value {
        let told = self.told();
        let passed = self.passed_arguments(&call.arguments);
        let Definition::Function(function) = &callee.definition else {
            let kind = super::kind_word(&callee.definition).to_owned();
            let target = request.map(|request| request.function().0);
            let (name, span) =
                target.map_or((name.to_owned(), span), |path| (path.text(), path.span()));
            return self.wrong(CallMistake::NotAFunction { name, kind }, span);
        };
        // Of a request with which something is wrong, `request` tells what.
        let requested = request
            .and_then(|request| Requested::of(request, function).ok())
            .map(|requested| requested.parameters);
        let parameters = match (request, requested) {
            (None, _) => function.parameters.clone(),
            (Some(_), Some(parameters)) => parameters,
            (Some(request), None) => {
                self.request_of(request, &Elements::new());
                return Value::Poison;
            }
        };
        if !self.counted_arguments(&parameters, passed.len(), (name, span)) {
            return Value::Poison;
        }
        let chosen = self.chosen_elements((function, &parameters), call, &passed, (name, span));
        let Some(elements) = chosen else { return Value::Poison };
        let known = match request {
            None => self.world.callee(callee, function, &elements),
            Some(request) => self.request_of(request, &elements),
        };
        let Some(known) = known else { return Value::Poison };
        self.check_mutability(&known.signature, &call.arguments, &passed);
        if self.told() > told || passed.iter().any(|(value, ..)| value.is_poisoned()) {
            return Value::Poison;
        }
        self.at(span);
        let passed = match request {
            Some(request) => self.in_place(request, &known.signature, passed),
            None => Some(passed),
        };
        let Some(passed) = passed else { return Value::Poison };
        if request.is_none() && lifts(&known.signature, &passed) {
            return self.lifted(&known, &passed, (name, span));
        }
        let target = Target { name, place: &callee.place, symbols: &known.signature.symbols };
        self.applied(&known, &target, passed, span).unwrap_or(Value::Poison)
    }

    /// The function that a request is; what is wrong with it is told here.
    fn request_of(&mut self, request: &Request, elements: &Elements) -> Option<Rc<Known>> {
        match self.world.request(request, self.env.callees, elements) {
            Ok(known) => Some(known),
            Err(mut mistakes) => {
                for mistake in &mut mistakes {
                    mistake.span = self.env.blamed(mistake.span);
                }
                self.told_elsewhere(mistakes);
                None
            }
        }
    }

    /// Whether there are as many arguments as parameters.
    fn counted_arguments(
        &mut self,
        parameters: &[Parameter],
        found: usize,
        (name, span): (&str, Span),
    ) -> bool {
        if parameters.len() == found {
            return true;
        }
        let expected = match parameters.len() {
            1 => "1 argument".to_owned(),
            count => format!("{count} arguments"),
        };
        let names: Vec<&str> = parameters.iter().map(|it| it.name.text.as_str()).collect();
        let form = format!("{name}({})", names.join(", "));
        let function = name.to_owned();
        self.wrong(CallMistake::ArgumentCount { function, expected, found, form }, span);
        false
    }

    /// The arguments with mapped axes where the parameters of the request have them.
    fn in_place(
        &mut self,
        request: &Request,
        signature: &Signature,
        passed: Passed,
    ) -> Option<Passed> {
        let mut moved = Some(Vec::new());
        for (parameter, (value, place, span)) in signature.parameters.iter().zip(passed) {
            let value = self.with_mapped_axes_in_front(request, parameter, value, span);
            moved = match (moved, value) {
                (Some(mut moved), Some(value)) => {
                    moved.push((value, place, span));
                    Some(moved)
                }
                _ => None,
            };
        }
        moved
    }

    fn passed_arguments(&mut self, arguments: &[Expr]) -> Passed {
        let mut passed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            passed.push(match &argument.kind {
                ExprKind::Mutable(place) => match self.changeable(place) {
                    Some(place) => {
                        let value = self.stored(&place).unwrap_or(Value::Poison);
                        (value, Some(place), argument.span)
                    }
                    None => (Value::Poison, None, argument.span),
                },
                _ => (self.expr(argument), None, argument.span),
            });
        }
        passed
    }

    /// `&mut` stands exactly where the parameter has it (R15).
    fn check_mutability(&mut self, signature: &Signature, arguments: &[Expr], passed: &Passed) {
        for ((parameter, argument), (_, place, span)) in
            signature.parameters.iter().zip(arguments).zip(passed)
        {
            let is_mutable = matches!(argument.kind, ExprKind::Mutable(_));
            let name = parameter.name.clone();
            if parameter.mutable && !is_mutable {
                self.wrong(CallMistake::MissingMutable { parameter: name }, *span);
            } else if !parameter.mutable && is_mutable {
                self.wrong(CallMistake::UnexpectedMutable { parameter: name }, *span);
            } else if let Some(place) = place {
                let others = passed.iter().filter_map(|(_, other, at)| Some((other.as_ref()?, at)));
                let overlaps = |other: &Place| {
                    let depth = place.steps.len().min(other.steps.len());
                    other.local == place.local && other.steps[..depth] == place.steps[..depth]
                };
                if others.into_iter().filter(|(other, _)| overlaps(other)).count() > 1 {
                    let place = place.text.clone();
                    self.wrong(CallMistake::BorrowedTwice { place }, *span);
                    return;
                }
            }
        }
    }

    /// What the element parameters of the callee stand for.
    fn chosen_elements(
        &mut self,
        (function, parameters): (&Function, &[Parameter]),
        call: &Call,
        passed: &Passed,
        (name, span): (&str, Span),
    ) -> Option<Elements> {
        if call.elements.len() > function.elements.len() {
            let at = call.elements[function.elements.len()].1;
            self.wrong(CallMistake::UnusedElements { function: name.to_owned() }, at);
            return None;
        }
        let mut elements = Elements::new();
        for (own, (word, at)) in function.elements.iter().zip(&call.elements) {
            let element = self.element(word, *at)?;
            elements.insert(own.name.text.clone(), element);
        }
        let types = parameters.iter().map(|parameter| &parameter.ty);
        let values = passed.iter().map(|(value, _, at)| (value, *at));
        self.inferred_elements(
            &function.elements,
            elements,
            types.zip(values).collect(),
            (name, span),
        )
    }

    /// Element parameters from the values at their places.
    pub(super) fn inferred_elements(
        &mut self,
        parameters: &[ElementParameter],
        mut elements: Elements,
        pairs: Vec<(&Type, (&Value, Span))>,
        (name, span): (&str, Span),
    ) -> Option<Elements> {
        if parameters.is_empty() {
            return Some(elements);
        }
        for (ty, (value, at)) in &pairs {
            let mut found = Vec::new();
            occurrences(&self.b, ty, value, &mut found);
            for (parameter, element) in found {
                let first = *elements.entry(parameter.clone()).or_insert(element);
                if first != element {
                    let (first, second) = (first.name().to_owned(), element.name().to_owned());
                    self.wrong(CallMistake::ElementTwice { parameter, first, second }, *at);
                    return None;
                }
            }
        }
        for parameter in parameters {
            match elements.get(&parameter.name.text) {
                Some(element) if super::allowed(parameter.bound).contains(element) => {}
                Some(element) => {
                    let mistake = bound_mistake(parameter, *element);
                    self.wrong(mistake, span);
                    return None;
                }
                None if pairs.iter().any(|(_, (value, _))| value.is_poisoned()) => return None,
                None => {
                    let (function, parameter) = (name.to_owned(), parameter.name.text.clone());
                    self.wrong(CallMistake::ElementUnknown { function, parameter }, span);
                    return None;
                }
            }
        }
        Some(elements)
    }

    /// Binds the arguments, calls, and puts updated parameters back.
    pub(super) fn applied(
        &mut self,
        known: &Known,
        target: &Target<'_>,
        passed: Passed,
        span: Span,
    ) -> Option<Value> {
        let signature = &known.signature;
        let arguments: Vec<Argument<'_>> = signature
            .parameters
            .iter()
            .zip(&passed)
            .map(|(parameter, (value, _, span))| Argument {
                parameter: &parameter.name,
                tree: &parameter.tree,
                value: value.clone(),
                span: *span,
            })
            .collect();
        let bound = self.bind_arguments(target, &arguments)?;
        self.possible(known, target, &bound, span)?;
        let mut leaves: Vec<Leaf> = signature.result.leaves("");
        let updated = signature.parameters.iter().filter(|parameter| parameter.mutable);
        leaves.extend(updated.flat_map(|parameter| parameter.tree.leaves(&parameter.name)));
        let translated: Option<Vec<_>> =
            leaves.iter().map(|leaf| self.result_leaf(leaf, &bound, span)).collect();
        let (mut types, names): (Vec<TensorType>, Vec<_>) = translated?.into_iter().unzip();
        let mut operands = bound.operands.clone();
        let status = self.status().filter(|_| known.has_status);
        operands.extend(status);
        types.extend(status.map(|_| status_type()));
        let symbols = bound.symbols.iter().map(|dim| dim.clone().unwrap_or_default()).collect();
        let mut nodes = self.b.call(known.callable(), symbols, &operands, types);
        if status.is_some() {
            nodes.pop().into_iter().for_each(|status| self.set_status(status));
        }
        let tensors = nodes.into_iter().zip(names).map(|(node, names)| Tensor::new(node, names));
        let mut values = tensors.map(Value::Tensor);
        let result = Value::fill(&signature.result, &mut values);
        for (parameter, (_, place, _)) in signature.parameters.iter().zip(&passed) {
            if let (true, Some(place)) = (parameter.mutable, place) {
                let new = Value::fill(&parameter.tree, &mut values);
                self.store(place, new);
            }
        }
        Some(result)
    }

    /// A mistake if an entry check of the callee is known to fail here.
    fn possible(
        &mut self,
        known: &Known,
        target: &Target<'_>,
        bound: &Bound,
        span: Span,
    ) -> Option<()> {
        let symbols: Option<Vec<_>> = bound.symbols.iter().cloned().collect();
        let symbols = symbols?;
        for Check { relation, left, right, text } in
            self.world.program.functions[known.id].checks.clone()
        {
            let (left, right) = (left.substitute(&symbols), right.substitute(&symbols));
            let holds = match (relation, left.as_constant(), right.as_constant()) {
                (Relation::Equal, Some(left), Some(right)) => left == right,
                (Relation::AtMost, Some(left), Some(right)) => left <= right,
                (Relation::Divides, Some(left), Some(right)) => left != 0 && right % left == 0,
                _ => true,
            };
            if !holds {
                let (left, right) = (show_dim(&self.b, &left), show_dim(&self.b, &right));
                let check = format!("{text}; here they are {left} and {right}");
                let place = format!("{} ({})", target.name, target.place);
                self.wrong(CallMistake::ImpossibleCheck { check, place }, span);
                return None;
            }
        }
        Some(())
    }

    /// A function of scalars over tensors: element by element, aligned by name (R13).
    fn lifted(&mut self, known: &Known, passed: &Passed, (name, span): (&str, Span)) -> Value {
        let mut tensors = Vec::new();
        for (parameter, (value, _, at)) in known.signature.parameters.iter().zip(passed) {
            let Tree::Scalar(element) = parameter.tree else { return Value::Poison };
            let Some(tensor) = self.tensor_of(value.clone(), element, *at) else {
                return Value::Poison;
            };
            if tensor.element(&self.b) != element {
                let mistake = CallMistake::ArgumentType {
                    function: name.to_owned(),
                    parameter: parameter.name.clone(),
                    expected: element.name().to_owned(),
                    found: library::show(&self.b, &tensor),
                    help: Some(format!("convert it: `as {element}`")),
                };
                return self.wrong(mistake, *at);
            }
            tensors.push(tensor);
        }
        let operands: Vec<&Tensor> = tensors.iter().collect();
        let answer = library::align(&mut self.b, &operands);
        let Some(aligned) = self.answer(answer, span) else { return Value::Poison };
        let Some(first) = aligned.nodes.first() else { return Value::Poison };
        let shape = self.b.shape(*first);
        let leaves = known.signature.result.leaves("");
        let before = self.status().filter(|_| known.has_status);
        let nodes = match self.world.mode {
            Mode::Emit if known.rules.is_some() => {
                let elements = leaves.iter().map(|leaf| leaf.element);
                Some(mapped(&mut self.b, &known.callable(), (&aligned.nodes, &shape), elements))
            }
            Mode::Emit => {
                let mut arguments = aligned.nodes.clone();
                arguments.extend(before.map(|it| self.b.broadcast(it, &shape, &[])));
                lift(&mut self.b, &self.world.program, known.id, (&arguments, &shape))
            }
            // Only the types matter.
            Mode::Check => Some(
                leaves
                    .iter()
                    .map(|leaf| self.b.splat(Scalar::from_i64(leaf.element, 0), &shape))
                    .collect(),
            ),
        };
        let Some(mut nodes) = nodes else {
            return self.wrong(Limit::Lifting(name.to_owned()), span);
        };
        if let (Some(before), Some(each)) = (before, nodes.get(leaves.len()).copied()) {
            let after = joined(&mut self.b, before, each);
            self.set_status(after);
            nodes.truncate(leaves.len());
        }
        let mut values =
            nodes.into_iter().map(|node| Value::Tensor(Tensor::new(node, aligned.names.clone())));
        Value::fill(&known.signature.result, &mut values)
    }

    /// The container that a literal makes, with its element parameters found from the fields.
    pub(super) fn container_kind(
        &mut self,
        literal: &StructLiteral,
        values: &[(&Name, Value)],
    ) -> Option<Rc<Kind>> {
        let callee = self.env.callees.get(literal.callee.0).cloned()?;
        let (name, span) = (literal.path.text(), literal.path.span());
        let Definition::Struct(container) = &callee.definition else {
            let kind = super::kind_word(&callee.definition).to_owned();
            self.wrong(CallMistake::NotAType { name, kind }, span);
            return None;
        };
        let parameters: Vec<ElementParameter> =
            container.parameters.iter().filter_map(TypeParameter::element).cloned().collect();
        let pairs = container.fields.iter().filter_map(|field| {
            let (_, value) = values.iter().find(|(name, _)| name.text == field.name.text)?;
            Some((&field.ty, (value, span)))
        });
        let pairs = pairs.collect();
        let chosen = self.inferred_elements(&parameters, Elements::new(), pairs, (&name, span))?;
        Some(Rc::new(Kind {
            path: name,
            uid: callee.uid.clone(),
            elements: parameters.iter().map(|own| chosen[&own.name.text]).collect(),
            fields: container.fields.iter().map(|field| field.name.text.clone()).collect(),
        }))
    }

    /// A container of these fields, if they fit its definition together.
    pub(super) fn checked_container(
        &mut self,
        literal: &StructLiteral,
        kind: Rc<Kind>,
        fields: Vec<Value>,
    ) -> Value {
        let Some(callee) = self.env.callees.get(literal.callee.0).cloned() else {
            return Value::Poison;
        };
        let Definition::Struct(container) = &callee.definition else { return Value::Poison };
        let parameters = container.parameters.iter().filter_map(TypeParameter::element);
        let elements: Elements = parameters
            .map(|own| own.name.text.clone())
            .zip(kind.elements.iter().copied())
            .collect();
        let mut scratch = Builder::new(&kind.path);
        let env = Env::new(&elements, &callee.callees).blaming(Some(literal.path.span()));
        let mut reader = TypeReader::new(&mut scratch, Declare::Symbols);
        let trees: Option<Vec<Tree>> =
            container.fields.iter().map(|field| reader.read(&field.ty, &env)).collect();
        let Some(trees) = trees else { return Value::Poison };
        let symbols = scratch.graph().symbols.clone();
        let target = Target { name: &kind.path, place: &callee.place, symbols: &symbols };
        let span_of = |field: &String| {
            let given = literal.fields.iter().find(|(name, _)| name.text == *field);
            given.map_or(literal.path.span(), |(_, value)| value.span)
        };
        let mut arguments = Vec::with_capacity(fields.len());
        for ((field, tree), value) in kind.fields.iter().zip(&trees).zip(fields) {
            let span = span_of(field);
            let value = self.typed_like(value, tree, span);
            arguments.push(Argument { parameter: field, tree, value, span });
        }
        if self.bind_arguments(&target, &arguments).is_none() {
            return Value::Poison;
        }
        let values = arguments.into_iter().map(|argument| argument.value).collect();
        Value::Container(Rc::clone(&kind), values)
    }

    /// A literal or an extent with the element type that stands there.
    fn typed_like(&mut self, value: Value, tree: &Tree, span: Span) -> Value {
        match (value, tree) {
            (value @ (Value::Literal(_) | Value::Extent(_)), Tree::Scalar(element)) => {
                Value::of(self.tensor_of(value, *element, span))
            }
            (value, _) => value,
        }
    }

    /// A request where a value must stand.
    pub(super) fn uncalled(&mut self, request: &Request, span: Span) -> Value {
        let request = request.kind.word().to_owned();
        self.wrong(CallMistake::UncalledRequest { request }, span)
    }
}

/// Whether a function of scalars is called with a tensor.
fn lifts(signature: &Signature, passed: &Passed) -> bool {
    fn is_scalar(tree: &Tree) -> bool {
        match tree {
            Tree::Scalar(_) => true,
            Tree::Tuple(parts) => !parts.is_empty() && parts.iter().all(is_scalar),
            Tree::Tensor { .. } | Tree::Extent(_) | Tree::Array(_) | Tree::Container(_) => false,
        }
    }
    let scalars = signature
        .parameters
        .iter()
        .all(|parameter| matches!(parameter.tree, Tree::Scalar(_)) && !parameter.mutable);
    let is_tensor = |value: &Value| matches!(value, Value::Tensor(tensor) if tensor.rank() > 0);
    scalars && is_scalar(&signature.result) && passed.iter().any(|(value, ..)| is_tensor(value))
}

/// Where a type has element parameters, and what the value has there.
fn occurrences(b: &Builder, ty: &Type, value: &Value, found: &mut Vec<(String, Element)>) {
    match (&ty.kind, value) {
        (
            TypeKind::Scalar(Word::Parameter(name))
            | TypeKind::Tensor { element: Word::Parameter(name), .. },
            Value::Tensor(tensor),
        ) => found.push((name.clone(), tensor.element(b))),
        (TypeKind::Tuple(types), Value::Tuple(values)) => {
            for (ty, value) in types.iter().zip(values) {
                occurrences(b, ty, value, found);
            }
        }
        (TypeKind::Array { item, length: _ }, Value::Array(values)) => {
            for value in values {
                occurrences(b, item, value, found);
            }
        }
        (TypeKind::Named { arguments, .. }, Value::Container(kind, _)) => {
            let words = arguments.iter().filter_map(|argument| match argument {
                TypeArgument::Element(word, _) => Some(word),
                TypeArgument::Axis(_) => None,
            });
            for (word, element) in words.zip(&kind.elements) {
                if let Word::Parameter(name) = word {
                    found.push((name.clone(), *element));
                }
            }
        }
        _ => {}
    }
}
