//! A body, statement by statement.

use super::hooks::Home;
use super::scope::{Binding, Local, Scope};
use super::signature::Tree;
use super::types::{Declare, Env, TypeReader};
use super::value::Value;
use super::world::World;
use crate::report::Mistake;
use crate::surface::{
    Block, Expr, ExprKind, Function, Name, Pattern, PatternKind, Statement, Type, TypeKind,
};
use defn_codegen::diagnostic::Mistake as Wrong;
use defn_codegen::diagnostic::catalogue::{ElementMistake, LoopMistake, NameMistake};
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Dim, Element, NodeId, Output};
use defn_codegen::library::{self, Literal, Tensor};
use defn_codegen::origin::Origin;
use proc_macro2::Span;
use std::collections::BTreeSet;

/// The walk over one body.
pub(super) struct Body<'w, 'e> {
    /// What else is known.
    pub(super) world: &'w mut World,
    /// The graph.
    pub(super) b: Builder,
    /// What words mean.
    pub(super) scope: Scope,
    /// What the definition mentions, and its element parameters.
    pub(super) env: Env<'e>,
    /// Windows whose padding holds zeros that nobody wrote.
    pub(super) padded: BTreeSet<NodeId>,
    /// Where it stands, if it has hooks.
    pub(super) home: Option<Home>,
    /// Where all nodes come from, if it is a callee and that matters.
    pub(super) origin: Option<Origin>,
    mistakes: Vec<Mistake>,
}

impl<'w, 'e> Body<'w, 'e> {
    /// A walk that begins.
    pub(super) fn new(
        world: &'w mut World,
        b: Builder,
        env: Env<'e>,
        mistakes: Vec<Mistake>,
    ) -> Self {
        let (scope, padded) = (Scope::default(), BTreeSet::new());
        Self { world, b, scope, env, padded, home: None, origin: None, mistakes }
    }

    /// What was built, and what is wrong.
    pub(super) fn finish(self) -> (Builder, Vec<Mistake>) {
        (self.b, self.mistakes)
    }

    /// Notes a mistake, and gives the value that silences what depends on it.
    pub(super) fn wrong(&mut self, wrong: impl Into<Wrong>, span: Span) -> Value {
        let span = self.env.blamed(span);
        self.mistakes.push(Mistake { message: wrong.into().message(), span });
        Value::Poison
    }

    /// How many mistakes were noted.
    pub(super) fn told(&self) -> usize {
        self.mistakes.len()
    }

    /// Takes back what was noted since.
    pub(super) fn untell(&mut self, told: usize) {
        self.mistakes.truncate(told);
    }

    /// Takes over mistakes that another reader noted.
    pub(super) fn told_elsewhere(&mut self, mistakes: Vec<Mistake>) {
        self.mistakes.extend(mistakes);
    }

    /// What an operation of the library answered.
    pub(super) fn answer<T>(&mut self, result: library::Result<T>, span: Span) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.wrong(wrong, span);
                None
            }
        }
    }

    /// Nodes from here on come from this place.
    pub(super) fn at(&mut self, span: Span) {
        if self.env.is_entry() {
            let origin = self.world.origins.number(span);
            self.b.set_origin(origin);
        } else if let Some(origin) = self.origin {
            self.b.set_origin(origin);
        }
    }

    /// The results of the whole function: those of its type, then its updated parameters, then the status.
    pub(super) fn outputs(
        &mut self,
        function: &Function,
        result: Option<&Tree>,
    ) -> Option<Vec<Output>> {
        let body = &function.body;
        let value = self.sequence(&body.statements, body.value.as_deref(), result);
        let span = function.body.value.as_ref().map_or(function.body.span, |value| value.span);
        let result = result?;
        let is_unit = matches!(&function.result.kind, TypeKind::Tuple(parts) if parts.is_empty());
        if function.body.value.is_none() && !is_unit {
            let expected = result.show(&self.b.graph().symbols);
            self.wrong(NameMistake::MissingValue { expected }, span);
            return None;
        }
        let value = self.expected(value, result, "the result", span)?;
        let mut outputs: Vec<Output> =
            value.nodes().into_iter().map(|node| Output { node, updates: None }).collect();
        let mut leaf = 0;
        for (position, parameter) in function.parameters.iter().enumerate() {
            let local = &self.scope.locals[position];
            let count = local.value.nodes().len();
            let nodes = local.value.nodes();
            if parameter.mutable {
                let updated = nodes.into_iter().enumerate();
                outputs.extend(updated.map(|(k, node)| Output { node, updates: Some(leaf + k) }));
            }
            // A `usize` is a leaf too, though its value is no node.
            leaf += if matches!(local.value, Value::Extent(_)) { 1 } else { count };
        }
        outputs.extend(self.status().map(|node| Output { node, updates: None }));
        Some(outputs)
    }

    /// A block with a scope of its own.
    pub(super) fn block(&mut self, block: &Block) -> Value {
        self.block_as(block, None)
    }

    /// The same, where a type is known.
    pub(super) fn block_as(&mut self, block: &Block, tree: Option<&Tree>) -> Value {
        let locals = self.scope.locals.len();
        let value = self.sequence(&block.statements, block.value.as_deref(), tree);
        self.scope.locals.truncate(locals);
        value
    }

    /// Statements and the value behind them.
    pub(super) fn sequence(
        &mut self,
        statements: &[Statement],
        value: Option<&Expr>,
        tree: Option<&Tree>,
    ) -> Value {
        for statement in statements {
            match statement {
                Statement::Let { pattern, ty, value } => self.declare(pattern, ty.as_ref(), value),
                Statement::Assign { place, op, value, span } => {
                    self.assign(place, *op, value, *span);
                }
                Statement::Expr(expr) => {
                    let value = self.expr(expr);
                    if matches!(expr.kind, ExprKind::For(_))
                        && !value.is_unit()
                        && !value.is_poisoned()
                    {
                        self.wrong(LoopMistake::UnusedValue {}, expr.span);
                    }
                }
            }
        }
        match (value, tree) {
            (Some(value), Some(tree)) => self.expr_as(value, tree),
            (Some(value), None) => self.expr(value),
            (None, _) => Value::unit(),
        }
    }

    fn declare(&mut self, pattern: &Pattern, ty: Option<&Type>, value: &Expr) {
        let span = value.span;
        let tree = ty.map(|ty| self.read_type(ty));
        let mut value = match &tree {
            Some(Some(tree)) => {
                let value = self.expr_as(value, tree);
                self.expected(value, tree, "the value", span).unwrap_or(Value::Poison)
            }
            _ => self.expr(value),
        };
        if let Some(None) = tree {
            value = Value::Poison;
        }
        if matches!(pattern.kind, PatternKind::Name { mutable: true, .. }) {
            value = self.settled(value, span);
        }
        self.bind_pattern(pattern, value);
    }

    /// A type in a body: all its names must be known.
    fn read_type(&mut self, ty: &Type) -> Option<Tree> {
        let mut reader = TypeReader::new(&mut self.b, Declare::Nothing);
        reader.axes.clone_from(&self.scope.axes);
        let tree = if matches!(ty.kind, TypeKind::Extent) {
            // An extent is an `i64` in a body.
            Some(Tree::Scalar(Element::I64))
        } else {
            reader.read(ty, &self.env)
        };
        let mistakes = reader.mistakes;
        self.mistakes.extend(mistakes);
        tree
    }

    /// Binds the names of a pattern.
    pub(super) fn bind_pattern(&mut self, pattern: &Pattern, value: Value) {
        match &pattern.kind {
            PatternKind::Name { name, mutable } => {
                let binding = if *mutable { Binding::Mutable } else { Binding::Fixed };
                let value = if *mutable { self.settled(value, name.span()) } else { value };
                self.bind(name, value, binding);
            }
            PatternKind::Wildcard => {}
            PatternKind::Tuple(patterns) => {
                let values = self.parts(value, patterns.len(), pattern.span);
                for (pattern, value) in patterns.iter().zip(values) {
                    self.bind_pattern(pattern, value);
                }
            }
        }
    }

    fn parts(&mut self, value: Value, expected: usize, span: Span) -> Vec<Value> {
        match value {
            Value::Tuple(parts) | Value::Array(parts) if parts.len() == expected => parts,
            Value::Poison => vec![Value::Poison; expected],
            other => {
                let found = other.show(&self.b);
                self.wrong(NameMistake::PatternParts { expected, found }, span);
                vec![Value::Poison; expected]
            }
        }
    }

    /// From here on the name is a local; a name means one thing in the whole function (R1).
    pub(super) fn bind(&mut self, name: &Name, value: Value, binding: Binding) {
        let is_extent = matches!(&value, Value::Extent(dim) if dim.as_symbol().is_some_and(
            |symbol| self.b.graph().symbols[symbol.0 as usize] == name.text));
        let symbols = &self.b.graph().symbols;
        // A `usize` parameter is the extent of its name, so an axis of that extent may have the name too.
        let is_same = |extents: &Vec<Dim>| matches!((&value, extents.as_slice()), (Value::Extent(dim), [only]) if dim == only);
        let axis = self.scope.axes.get(&name.text);
        let first = if axis.is_some_and(|extents| !is_same(extents)) {
            Some("an axis")
        } else if symbols.contains(&name.text) && !(is_extent && binding == Binding::Parameter) {
            Some("an extent")
        } else {
            None
        };
        if let Some(first) = first {
            let (name_text, first) = (name.text.clone(), first.to_owned());
            let second = binding.word().to_owned();
            self.wrong(NameMistake::NameClash { name: name_text, first, second }, name.span());
        }
        self.scope.locals.push(Local { name: name.text.clone(), value, binding });
    }

    /// A value that may change needs a type of its own (R25).
    pub(super) fn settled(&mut self, value: Value, span: Span) -> Value {
        match value {
            Value::Literal(Literal::Bool(truth)) => {
                let answer = library::literal(&mut self.b, &Literal::Bool(truth), Element::Bool);
                Value::of(self.answer(answer, span))
            }
            Value::Literal(literal) => self.untyped(literal, span),
            Value::Extent(dim) => Value::Tensor(Tensor::scalar(self.b.extent(dim))),
            Value::Tuple(parts) => {
                Value::Tuple(parts.into_iter().map(|part| self.settled(part, span)).collect())
            }
            Value::Array(parts) => {
                Value::Array(parts.into_iter().map(|part| self.settled(part, span)).collect())
            }
            value @ (Value::Tensor(_)
            | Value::Container(..)
            | Value::Request(_)
            | Value::Poison) => value,
        }
    }

    /// Nothing says which type a literal has.
    pub(super) fn untyped(&mut self, literal: Literal, span: Span) -> Value {
        let example = match literal {
            Literal::Integer(_) => "i64",
            Literal::Float(_) | Literal::Bool(_) => "f32",
        };
        let (literal, example) = (literal.to_string(), example.to_owned());
        self.wrong(ElementMistake::UntypedLiteral { literal, example }, span)
    }

    /// The value where a type stands: literals take it, axes take its order (R10), nothing else changes.
    pub(super) fn expected(
        &mut self,
        value: Value,
        tree: &Tree,
        what: &str,
        span: Span,
    ) -> Option<Value> {
        if value.is_poisoned() {
            return None;
        }
        match self.fitted(&value, tree, span) {
            Fit::Yes(value) => Some(value),
            Fit::Told => None,
            Fit::No(help) => {
                let keeps = || {
                    "assignment keeps element type, names and extents; `let` binds anything"
                        .to_owned()
                };
                let help = help.or_else(|| (what == "the new value").then(keeps));
                let expected = tree.show(&self.b.graph().symbols);
                let (what, found) = (what.to_owned(), value.show(&self.b));
                self.wrong(NameMistake::TypesDiffer { what, expected, found, help }, span);
                None
            }
        }
    }

    /// The value with the type, if it can have it.
    pub(super) fn fitted(&mut self, value: &Value, tree: &Tree, span: Span) -> Fit {
        match (value, tree) {
            (Value::Literal(literal), Tree::Scalar(element)) => {
                self.fitted_literal(literal, *element, span)
            }
            (Value::Literal(literal), Tree::Tensor { element, names, .. }) if names.is_empty() => {
                self.fitted_literal(literal, *element, span)
            }
            (Value::Literal(literal), Tree::Tensor { element, names, .. }) => {
                let words: Option<Vec<&str>> = names.iter().map(|name| name.as_deref()).collect();
                Fit::No(words.map(|words| {
                    format!("repeat it: `full({literal}{element}, {})`", words.join(", "))
                }))
            }
            (Value::Extent(dim), Tree::Scalar(_) | Tree::Tensor { .. }) => {
                let node = self.b.extent(dim.clone());
                self.fitted(&Value::Tensor(Tensor::scalar(node)), tree, span)
            }
            (Value::Tensor(tensor), Tree::Scalar(element)) => {
                let fits = tensor.rank() == 0 && tensor.element(&self.b) == *element;
                if fits {
                    Fit::Yes(value.clone())
                } else {
                    Fit::No(self.hint(tensor, *element, &[]))
                }
            }
            (Value::Tensor(tensor), Tree::Tensor { element, names, shape }) => {
                let ordered = library::reorder(&mut self.b, tensor, names);
                match ordered {
                    Some(ordered)
                        if ordered.element(&self.b) == *element
                            && ordered.shape(&self.b) == *shape =>
                    {
                        Fit::Yes(Value::Tensor(ordered))
                    }
                    _ => Fit::No(self.hint(tensor, *element, names)),
                }
            }
            (Value::Tuple(values), Tree::Tuple(trees)) => {
                self.fitted_parts(values, trees, span, Value::Tuple)
            }
            (Value::Array(values), Tree::Array(trees)) => {
                self.fitted_parts(values, trees, span, Value::Array)
            }
            (Value::Container(kind, values), Tree::Container(container))
                if kind.uid == container.uid && kind.elements == container.elements =>
            {
                let trees: Vec<Tree> =
                    container.fields.iter().map(|(_, tree)| tree.clone()).collect();
                let kind = std::rc::Rc::clone(kind);
                self.fitted_parts(values, &trees, span, |parts| Value::Container(kind, parts))
            }
            _ => Fit::No(None),
        }
    }

    fn fitted_literal(&mut self, literal: &Literal, element: Element, span: Span) -> Fit {
        let answer = library::literal(&mut self.b, literal, element);
        self.answer(answer, span).map_or(Fit::Told, |tensor| Fit::Yes(Value::Tensor(tensor)))
    }

    fn fitted_parts(
        &mut self,
        values: &[Value],
        trees: &[Tree],
        span: Span,
        whole: impl FnOnce(Vec<Value>) -> Value,
    ) -> Fit {
        if values.len() != trees.len() {
            return Fit::No(None);
        }
        let mut parts = Vec::with_capacity(values.len());
        for (value, tree) in values.iter().zip(trees) {
            match self.fitted(value, tree, span) {
                Fit::Yes(part) => parts.push(part),
                other => return other,
            }
        }
        Fit::Yes(whole(parts))
    }

    /// One thing to try when a tensor does not fit.
    fn hint(&self, tensor: &Tensor, element: Element, names: &[Option<String>]) -> Option<String> {
        if tensor.element(&self.b) != element {
            return Some(format!("convert it: `as {element}`"));
        }
        let surplus: Vec<&String> = tensor
            .names
            .iter()
            .flatten()
            .filter(|name| !names.contains(&Some((*name).clone())))
            .collect();
        let missing = names.iter().flatten().any(|name| tensor.position(name).is_none());
        match (surplus.as_slice(), missing) {
            ([], false) => None,
            ([], true) if tensor.names.contains(&None) => {
                Some("give the axis its name: `name(0, features)`".to_owned())
            }
            ([], true) => Some("repeat it along the missing axes with `broadcast`".to_owned()),
            (_, true) => Some("`rename` gives an axis another name".to_owned()),
            (surplus, false) => {
                let words: Vec<&str> = surplus.iter().map(|name| name.as_str()).collect();
                Some(format!("reduce the other axes, for example with `sum({})`", words.join(", ")))
            }
        }
    }

    /// The tensor that a value is; a literal alone has no type, and structures are none.
    pub(super) fn tensor(&mut self, value: Value, span: Span) -> Option<Tensor> {
        match value {
            Value::Tensor(tensor) => Some(tensor),
            Value::Extent(dim) => Some(Tensor::scalar(self.b.extent(dim))),
            Value::Literal(Literal::Bool(truth)) => {
                let answer = library::literal(&mut self.b, &Literal::Bool(truth), Element::Bool);
                self.answer(answer, span)
            }
            Value::Literal(literal) => {
                self.untyped(literal, span);
                None
            }
            Value::Poison => None,
            Value::Request(request) => {
                self.uncalled(&request, span);
                None
            }
            other => {
                let (expected, found) = ("a tensor".to_owned(), other.show(&self.b));
                self.wrong(ElementMistake::WrongKind { expected, found }, span);
                None
            }
        }
    }

    /// The tensor that a value is beside others of `element`.
    pub(super) fn tensor_of(
        &mut self,
        value: Value,
        element: Element,
        span: Span,
    ) -> Option<Tensor> {
        match value {
            Value::Literal(literal) => {
                let answer = library::literal(&mut self.b, &literal, element);
                self.answer(answer, span)
            }
            value => self.tensor(value, span),
        }
    }

    /// A name for a new axis, which nothing else may have (R1).
    pub(super) fn new_axis(&mut self, name: &Name) -> Option<String> {
        let Some(local) = self.scope.local(&name.text) else { return Some(name.text.clone()) };
        let local = &self.scope.locals[local];
        if matches!(local.value, Value::Extent(_)) {
            return Some(name.text.clone());
        }
        let (first, second) = (local.binding.word().to_owned(), "an axis".to_owned());
        self.wrong(NameMistake::NameClash { name: name.text.clone(), first, second }, name.span());
        None
    }
}

/// Whether a value fits a type.
pub(super) enum Fit {
    /// It does, so.
    Yes(Value),
    /// It does not; one thing to try.
    No(Option<String>),
    /// A mistake was told.
    Told,
}
