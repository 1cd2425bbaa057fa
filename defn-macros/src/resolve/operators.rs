//! Operators: on tensors, on literals, on extents, and leaf by leaf on containers.

use super::body::Body;
use super::value::Value;
use crate::surface::BinaryOp;
use defn_codegen::diagnostic::catalogue::{CallMistake, ElementMistake};
use defn_codegen::graph::{Binary, Comparison, Dim, NodeId};
use defn_codegen::library::{self, Literal, Logic, Tensor};
use proc_macro2::Span;

/// What an operator does.
#[derive(Clone, Copy)]
enum Meaning {
    Arithmetic(Binary),
    Comparison(Comparison),
    Logic(Logic),
}

/// Every operator with its word and its meaning.
fn meaning(op: BinaryOp) -> (&'static str, Meaning) {
    use Meaning::{Arithmetic, Comparison as Compared, Logic as Joined};
    match op {
        BinaryOp::Add => ("+", Arithmetic(Binary::Add)),
        BinaryOp::Sub => ("-", Arithmetic(Binary::Sub)),
        BinaryOp::Mul => ("*", Arithmetic(Binary::Mul)),
        BinaryOp::Div => ("/", Arithmetic(Binary::Div)),
        BinaryOp::Rem => ("%", Arithmetic(Binary::Rem)),
        BinaryOp::BitAnd => ("&", Arithmetic(Binary::And)),
        BinaryOp::BitOr => ("|", Arithmetic(Binary::Or)),
        BinaryOp::BitXor => ("^", Arithmetic(Binary::Xor)),
        BinaryOp::Shl => ("<<", Arithmetic(Binary::ShiftLeft)),
        BinaryOp::Shr => (">>", Arithmetic(Binary::ShiftRight)),
        BinaryOp::And => ("&&", Joined(Logic::And)),
        BinaryOp::Or => ("||", Joined(Logic::Or)),
        BinaryOp::Eq => ("==", Compared(Comparison::Eq)),
        BinaryOp::Ne => ("!=", Compared(Comparison::Ne)),
        BinaryOp::Lt => ("<", Compared(Comparison::Lt)),
        BinaryOp::Le => ("<=", Compared(Comparison::Le)),
        BinaryOp::Gt => (">", Compared(Comparison::Gt)),
        BinaryOp::Ge => (">=", Compared(Comparison::Ge)),
    }
}

impl Body<'_, '_> {
    /// `left op right`.
    pub(super) fn binary(&mut self, op: BinaryOp, left: Value, right: Value, span: Span) -> Value {
        if left.is_poisoned() || right.is_poisoned() {
            return Value::Poison;
        }
        if is_structure(&left) || is_structure(&right) {
            return self.structures(op, left, right, span);
        }
        match (&left, &right) {
            (Value::Literal(a), Value::Literal(b)) => {
                let (a, b) = (*a, *b);
                self.literals(op, a, b, span)
            }
            (Value::Extent(_), Value::Extent(_) | Value::Literal(Literal::Integer(_)))
            | (Value::Literal(Literal::Integer(_)), Value::Extent(_)) => {
                match extent_arithmetic(op, &left, &right) {
                    Some(dim) => Value::Extent(dim),
                    None => self.tensors(op, left, right, span),
                }
            }
            _ => self.tensors(op, left, right, span),
        }
    }

    fn tensors(&mut self, op: BinaryOp, left: Value, right: Value, span: Span) -> Value {
        let Some((left, right)) = self.typed_pair(left, right, span) else { return Value::Poison };
        self.at(span);
        let (_, meaning) = meaning(op);
        let answer = match meaning {
            Meaning::Arithmetic(binary) => library::arithmetic(&mut self.b, binary, &left, &right),
            Meaning::Comparison(comparison) => {
                library::compare(&mut self.b, comparison, &left, &right)
            }
            Meaning::Logic(logic) => library::logic(&mut self.b, logic, &left, &right),
        };
        Value::of(self.answer(answer, span))
    }

    /// Both as tensors; a literal takes the element type of the other (R25).
    pub(super) fn typed_pair(
        &mut self,
        left: Value,
        right: Value,
        span: Span,
    ) -> Option<(Tensor, Tensor)> {
        match (left, right) {
            (left @ Value::Literal(_), right) => {
                let right = self.tensor(right, span)?;
                let element = right.element(&self.b);
                Some((self.tensor_of(left, element, span)?, right))
            }
            (left, right) => {
                let left = self.tensor(left, span)?;
                let element = left.element(&self.b);
                let right = self.tensor_of(right, element, span)?;
                Some((left, right))
            }
        }
    }

    fn literals(&mut self, op: BinaryOp, left: Literal, right: Literal, span: Span) -> Value {
        let value = match meaning(op).1 {
            Meaning::Arithmetic(binary) => literal_arithmetic(binary, left, right),
            Meaning::Comparison(comparison) => left.compare(comparison, right).map(Literal::Bool),
            Meaning::Logic(logic) => match (left, right) {
                (Literal::Bool(left), Literal::Bool(right)) => Some(Literal::Bool(match logic {
                    Logic::And => left && right,
                    Logic::Or => left || right,
                })),
                _ => None,
            },
        };
        match value {
            Some(value) => Value::Literal(value),
            None => self.untyped(left, span),
        }
    }

    /// Arithmetic on containers: float leaves are computed, other leaves keep the left value (R32).
    fn structures(&mut self, op: BinaryOp, left: Value, right: Value, span: Span) -> Value {
        let (word, meaning) = meaning(op);
        if !matches!(meaning, Meaning::Arithmetic(_)) {
            let found = if is_structure(&left) { left.show(&self.b) } else { right.show(&self.b) };
            return self
                .wrong(CallMistake::ContainerOperator { operator: word.to_owned(), found }, span);
        }
        let shown = (left.show(&self.b), right.show(&self.b));
        match self.leafwise(op, &left, &right, span) {
            Some(value) => value,
            None => {
                let (left, right) = shown;
                self.wrong(CallMistake::StructuresDiffer { left, right }, span)
            }
        }
    }

    /// None if the structures differ.
    fn leafwise(&mut self, op: BinaryOp, left: &Value, right: &Value, span: Span) -> Option<Value> {
        match (left, right) {
            (Value::Container(kind, a), Value::Container(other, b)) => {
                if kind.uid != other.uid || kind.elements != other.elements {
                    return None;
                }
                let parts = self.pairwise(op, a, b, span)?;
                Some(Value::Container(std::rc::Rc::clone(kind), parts))
            }
            (Value::Tuple(a), Value::Tuple(b)) => {
                Some(Value::Tuple(self.pairwise(op, a, b, span)?))
            }
            (Value::Array(a), Value::Array(b)) => {
                Some(Value::Array(self.pairwise(op, a, b, span)?))
            }
            (Value::Tensor(tensor), Value::Tensor(_)) if !tensor.element(&self.b).is_float() => {
                Some(left.clone())
            }
            (structure, _) if is_structure(structure) => {
                if !self.is_one_number(right) {
                    return None;
                }
                let each =
                    |body: &mut Self, leaf: &Value| body.scaled(op, (leaf, right), leaf, span);
                self.mapped(structure, each)
            }
            (_, structure) if is_structure(structure) => {
                if !self.is_one_number(left) {
                    return None;
                }
                let each =
                    |body: &mut Self, leaf: &Value| body.scaled(op, (left, leaf), leaf, span);
                self.mapped(structure, each)
            }
            _ => Some(self.binary(op, left.clone(), right.clone(), span)),
        }
    }

    fn pairwise(
        &mut self,
        op: BinaryOp,
        left: &[Value],
        right: &[Value],
        span: Span,
    ) -> Option<Vec<Value>> {
        if left.len() != right.len() {
            return None;
        }
        left.iter().zip(right).map(|(left, right)| self.leafwise(op, left, right, span)).collect()
    }

    /// A leaf and a number; leaves that are no floats stay.
    fn scaled(
        &mut self,
        op: BinaryOp,
        (left, right): (&Value, &Value),
        leaf: &Value,
        span: Span,
    ) -> Option<Value> {
        if let Value::Tensor(tensor) = leaf
            && !tensor.element(&self.b).is_float()
        {
            return Some(leaf.clone());
        }
        Some(self.binary(op, left.clone(), right.clone(), span))
    }

    /// A structure with every leaf replaced.
    pub(super) fn mapped(
        &mut self,
        value: &Value,
        mut each: impl FnMut(&mut Self, &Value) -> Option<Value>,
    ) -> Option<Value> {
        self.mapped_by(value, &mut each)
    }

    fn mapped_by(
        &mut self,
        value: &Value,
        each: &mut dyn FnMut(&mut Self, &Value) -> Option<Value>,
    ) -> Option<Value> {
        let mut parts = |parts: &[Value]| -> Option<Vec<Value>> {
            parts.iter().map(|part| self.mapped_by(part, each)).collect()
        };
        match value {
            Value::Tuple(values) => Some(Value::Tuple(parts(values)?)),
            Value::Array(values) => Some(Value::Array(parts(values)?)),
            Value::Container(kind, values) => {
                Some(Value::Container(std::rc::Rc::clone(kind), parts(values)?))
            }
            leaf => each(self, leaf),
        }
    }

    fn is_one_number(&self, value: &Value) -> bool {
        match value {
            Value::Literal(_) => true,
            Value::Tensor(tensor) => tensor.rank() == 0,
            Value::Extent(_)
            | Value::Tuple(_)
            | Value::Array(_)
            | Value::Container(..)
            | Value::Request(_)
            | Value::Poison => false,
        }
    }

    /// One truth value, for `if` and its like (R27).
    pub(super) fn condition(&mut self, word: &str, value: Value, span: Span) -> Option<NodeId> {
        let tensor = self.tensor(value, span)?;
        let (word, ty) = (word.to_owned(), library::show(&self.b, &tensor));
        if tensor.rank() > 0 {
            self.wrong(ElementMistake::TensorCondition { word, ty }, span);
            return None;
        }
        if tensor.element(&self.b) != defn_codegen::graph::Element::Bool {
            self.wrong(ElementMistake::NumberCondition { word, ty }, span);
            return None;
        }
        Some(tensor.node)
    }
}

/// Whether a value has parts.
pub(super) fn is_structure(value: &Value) -> bool {
    matches!(value, Value::Tuple(_) | Value::Array(_) | Value::Container(..))
}

/// Extents stay extents under `+ - * /`; division rounds down, as in types (R6).
fn extent_arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Option<Dim> {
    let (left, right) = (as_extent(left)?, as_extent(right)?);
    match op {
        BinaryOp::Add => Some(left + right),
        BinaryOp::Sub => Some(left - right),
        BinaryOp::Mul => Some(left * right),
        BinaryOp::Div => Some(left.floor_div(&right)),
        _ => None,
    }
}

/// The extent that a value is, if it does not depend on data.
pub(super) fn as_extent(value: &Value) -> Option<Dim> {
    match value {
        Value::Extent(dim) => Some(dim.clone()),
        Value::Literal(literal) => literal.as_integer().map(Dim::from),
        Value::Tensor(_)
        | Value::Tuple(_)
        | Value::Array(_)
        | Value::Container(..)
        | Value::Request(_)
        | Value::Poison => None,
    }
}

fn literal_arithmetic(binary: Binary, left: Literal, right: Literal) -> Option<Literal> {
    if let (Literal::Integer(a), Literal::Integer(b)) = (left, right) {
        return Some(Literal::Integer(match binary {
            Binary::Add => a.checked_add(b)?,
            Binary::Sub => a.checked_sub(b)?,
            Binary::Mul => a.checked_mul(b)?,
            Binary::Div => a.checked_div(b).unwrap_or(0),
            Binary::Rem => a.checked_rem(b).unwrap_or(a),
            Binary::And => a & b,
            Binary::Or => a | b,
            Binary::Xor => a ^ b,
            Binary::ShiftLeft => a.checked_shl(u32::try_from(b).ok()?)?,
            Binary::ShiftRight => a.checked_shr(u32::try_from(b).ok()?)?,
            Binary::Pow | Binary::Atan2 | Binary::Max | Binary::Min => return None,
        }));
    }
    let (a, b) = (left.as_float()?, right.as_float()?);
    Some(Literal::Float(match binary {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Rem => a % b,
        _ => return None,
    }))
}
