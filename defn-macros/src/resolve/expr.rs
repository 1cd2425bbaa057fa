//! Expressions: what each form is as a value.

use super::body::Body;
use super::operators::is_structure;
use super::value::{Kind, Value};
use crate::surface::{
    Element as Word, Expr, ExprKind, Literal as Written, Name, StructLiteral, UnaryOp,
};
use defn_codegen::diagnostic::catalogue::{
    CallMistake, ElementMistake, Limit, LoopMistake, NameMistake, nearest,
};
use defn_codegen::graph::{Dim, Element, Keep};
use defn_codegen::library::{self, Literal};
use proc_macro2::Span;
use std::rc::Rc;

impl Body<'_, '_> {
    /// Any expression.
    pub(super) fn expr(&mut self, expr: &Expr) -> Value {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, span),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Constant(path, callee) => self.constant(path, *callee),
            ExprKind::StdConstant(path) => self.std_constant(path),
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (self.expr(left), self.expr(right));
                self.binary(*op, left, right, span)
            }
            ExprKind::Unary(op, operand) => self.unary(*op, operand, span),
            ExprKind::MethodCall(call) => self.method_call(call),
            ExprKind::Call(call) => self.call(call, span),
            ExprKind::Request(request) => Value::Request(Rc::new((**request).clone())),
            ExprKind::Field(base, field) => self.field(base, field),
            ExprKind::TupleIndex(base, position) => self.part(base, *position, span),
            ExprKind::Index(base, index) => self.index(base, index),
            ExprKind::Cast(operand, element) => self.cast(operand, element, span),
            ExprKind::Block(block) => self.block(block),
            ExprKind::Tuple(parts) => {
                Value::Tuple(parts.iter().map(|part| self.expr(part)).collect())
            }
            ExprKind::Array(parts) => {
                Value::Array(parts.iter().map(|part| self.expr(part)).collect())
            }
            ExprKind::Struct(literal) => self.struct_literal(literal),
            ExprKind::If(branch) => self.branch(branch, None, span),
            ExprKind::While(condition, block) => self.while_loop(condition, block, span),
            ExprKind::For(walk) => self.for_loop(walk, Keep::Residuals, span),
            ExprKind::Break => self.wrong(LoopMistake::BreakPlace {}, span),
            ExprKind::Range(..) => {
                let (expected, found) = ("a value".to_owned(), "a range".to_owned());
                self.wrong(ElementMistake::WrongKind { expected, found }, span)
            }
            ExprKind::Named(name, _) => {
                let (expected, found) = ("a value".to_owned(), format!("{} = …", name.text));
                self.wrong(ElementMistake::WrongKind { expected, found }, span)
            }
            ExprKind::Mutable(_) => {
                let (expected, found) = ("a value".to_owned(), "&mut …".to_owned());
                self.wrong(ElementMistake::WrongKind { expected, found }, span)
            }
            ExprKind::Hook(hook) => self.hook(hook, span),
            ExprKind::Refused => Value::Poison,
        }
    }

    fn literal(&mut self, literal: &Written, span: Span) -> Value {
        let (value, suffix) = match literal {
            Written::Bool(truth) => (Some(Literal::Bool(*truth)), None),
            Written::Integer(digits, suffix) => {
                (digits.parse().ok().map(Literal::Integer), suffix.as_ref())
            }
            Written::Float(digits, suffix) => {
                (digits.parse().ok().map(Literal::Float), suffix.as_ref())
            }
        };
        let Some(value) = value else {
            let (Written::Integer(digits, _) | Written::Float(digits, _)) = literal else {
                return Value::Poison;
            };
            let (literal, element) = (digits.clone(), "i64".to_owned());
            return self.wrong(ElementMistake::LiteralRange { literal, element }, span);
        };
        let Some(suffix) = suffix else { return Value::Literal(value) };
        let Some(element) = self.element(suffix, span) else { return Value::Poison };
        let answer = library::literal(&mut self.b, &value, element);
        Value::of(self.answer(answer, span))
    }

    /// The element type that a word stands for.
    pub(super) fn element(&mut self, word: &Word, span: Span) -> Option<Element> {
        let element = super::resolved_element(word, &self.env.elements);
        if element.is_none() {
            self.wrong(Limit::ElementType(word.word().to_owned()), span);
        }
        element
    }

    /// A bare word as a value: a parameter, a local, or an extent (R3).
    fn name(&mut self, name: &Name) -> Value {
        if let Some(local) = self.scope.local(&name.text) {
            return self.scope.locals[local].value.clone();
        }
        match self.extent_named(&name.text) {
            Some(Some(dim)) => Value::Extent(dim),
            Some(None) => {
                self.wrong(NameMistake::AxisAsValue { name: name.text.clone() }, name.span())
            }
            None => {
                let symbols = self.b.graph().symbols.iter().map(String::as_str);
                let nearest = nearest(&name.text, self.scope.words().chain(symbols));
                self.wrong(
                    NameMistake::UnknownName { name: name.text.clone(), nearest },
                    name.span(),
                )
            }
        }
    }

    /// The extent that an axis of the signature or a symbol stands for; `Some(None)` if the axis has several.
    pub(super) fn extent_named(&self, name: &str) -> Option<Option<Dim>> {
        if let Some(extents) = self.scope.axes.get(name) {
            let [only] = extents.as_slice() else { return Some(None) };
            return Some(Some(only.clone()));
        }
        let position = self.b.graph().symbols.iter().position(|symbol| symbol == name)?;
        Some(Some(Dim::from(defn_codegen::graph::Symbol(position as u32))))
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Value {
        if op == UnaryOp::Deref {
            return self.dereferenced(operand, span);
        }
        let value = self.expr(operand);
        self.at(span);
        match (op, value) {
            (UnaryOp::Neg, Value::Literal(literal)) => match literal.negated() {
                Some(literal) => Value::Literal(literal),
                None => {
                    let (operation, ty) = ("-".to_owned(), "bool".to_owned());
                    self.wrong(ElementMistake::NeedsNumber { operation, ty }, span)
                }
            },
            (UnaryOp::Neg, Value::Extent(dim)) => Value::Extent(-dim),
            (UnaryOp::Neg, value) if is_structure(&value) => {
                let negate = |body: &mut Self, leaf: &Value| match leaf {
                    Value::Tensor(tensor) if tensor.element(&body.b).is_float() => {
                        let answer = library::neg(&mut body.b, tensor);
                        Some(Value::of(body.answer(answer, span)))
                    }
                    other => Some(other.clone()),
                };
                self.mapped(&value, negate).unwrap_or(Value::Poison)
            }
            (UnaryOp::Not, Value::Literal(Literal::Bool(truth))) => {
                Value::Literal(Literal::Bool(!truth))
            }
            (op, value) => {
                let Some(tensor) = self.tensor(value, span) else { return Value::Poison };
                let answer = match op {
                    UnaryOp::Not => library::logical_not(&mut self.b, &tensor),
                    UnaryOp::Neg | UnaryOp::Deref => library::neg(&mut self.b, &tensor),
                };
                Value::of(self.answer(answer, span))
            }
        }
    }

    fn field(&mut self, base: &Expr, field: &Name) -> Value {
        match self.expr(base) {
            Value::Poison => Value::Poison,
            Value::Container(kind, values) => {
                match kind.fields.iter().position(|own| *own == field.text) {
                    Some(position) => values[position].clone(),
                    None => self.unknown_field(&kind, field),
                }
            }
            Value::Tensor(tensor) => {
                let (field, ty, span) =
                    (field.text.clone(), library::show(&self.b, &tensor), field.span());
                self.wrong(NameMistake::NoFields { field, ty }, span)
            }
            other => {
                let (expected, found) = ("a container".to_owned(), other.show(&self.b));
                self.wrong(ElementMistake::WrongKind { expected, found }, field.span())
            }
        }
    }

    /// A field that the container lacks.
    pub(super) fn unknown_field(&mut self, kind: &Kind, field: &Name) -> Value {
        let nearest = nearest(&field.text, kind.fields.iter().map(String::as_str));
        let (name, container) = (field.text.clone(), kind.path.clone());
        let fields = kind.fields.join(", ");
        let mistake = NameMistake::UnknownField { field: name, container, fields, nearest };
        self.wrong(mistake, field.span())
    }

    fn part(&mut self, base: &Expr, position: usize, span: Span) -> Value {
        match self.expr(base) {
            Value::Poison => Value::Poison,
            Value::Tuple(parts) if position < parts.len() => parts[position].clone(),
            other => {
                let found = other.show(&self.b);
                self.wrong(NameMistake::UnknownPart { position, found }, span)
            }
        }
    }

    fn cast(&mut self, operand: &Expr, word: &Word, span: Span) -> Value {
        let value = self.expr(operand);
        let Some(element) = self.element(word, span) else { return Value::Poison };
        self.at(span);
        match value {
            Value::Literal(Literal::Bool(truth)) => {
                let whole = Literal::Integer(i128::from(truth));
                let whole = if element == Element::Bool { Literal::Bool(truth) } else { whole };
                let answer = library::literal(&mut self.b, &whole, element);
                Value::of(self.answer(answer, span))
            }
            // As in Rust, a float literal loses its fraction here, and only here.
            Value::Literal(Literal::Float(number)) if element.is_integer() => {
                let scalar = defn_codegen::graph::Scalar::from_f64(element, number);
                Value::Tensor(library::Tensor::scalar(self.b.constant(scalar)))
            }
            Value::Literal(literal) => {
                let answer = library::literal(&mut self.b, &literal, element);
                Value::of(self.answer(answer, span))
            }
            Value::Extent(dim) if element == Element::I64 => Value::Extent(dim),
            value => {
                let Some(tensor) = self.tensor(value, span) else { return Value::Poison };
                let answer = library::convert(&mut self.b, &tensor, element);
                Value::of(self.answer(answer, span))
            }
        }
    }

    fn struct_literal(&mut self, literal: &StructLiteral) -> Value {
        let span = literal.path.span();
        let base = literal.base.as_ref().map(|base| self.expr(base));
        let values: Vec<(&Name, Value)> =
            literal.fields.iter().map(|(name, value)| (name, self.expr(value))).collect();
        let Some(kind) = self.container_kind(literal, &values) else { return Value::Poison };
        for (position, (name, _)) in values.iter().enumerate() {
            if !kind.fields.contains(&name.text) {
                return self.unknown_field(&kind, name);
            }
            if values[..position].iter().any(|(other, _)| other.text == name.text) {
                return self
                    .wrong(CallMistake::FieldTwice { field: name.text.clone() }, name.span());
            }
        }
        let mut fields = Vec::with_capacity(kind.fields.len());
        for (position, field) in kind.fields.iter().enumerate() {
            let given = values.iter().find(|(name, _)| name.text == *field);
            let from_base = match &base {
                Some(Value::Container(other, parts)) if other.uid == kind.uid => {
                    parts.get(position)
                }
                _ => None,
            };
            match given.map(|(_, value)| value).or(from_base) {
                Some(value) => fields.push(value.clone()),
                None if matches!(base, Some(Value::Poison)) => return Value::Poison,
                None => {
                    let (field, container) = (field.clone(), kind.path.clone());
                    return self.wrong(CallMistake::MissingField { field, container }, span);
                }
            }
        }
        self.checked_container(literal, kind, fields)
    }
}
