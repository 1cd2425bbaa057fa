//! Operators: arithmetic, comparison, logic and choice, element by element.
//!
//! Operands align by name; both sides of an operator have one element type, which the result keeps.

use super::{Result, Tensor, align, show};
use crate::diagnostic::Mistake;
use crate::diagnostic::catalogue::ElementMistake;
use crate::graph::build::Builder;
use crate::graph::infer::{binary_accepts, unary_accepts};
use crate::graph::{Binary, Comparison, Element, Unary};

/// `&&` and `||`: of one truth value each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// Both.
    And,
    /// At least one.
    Or,
}

/// The operator as the user writes it, or the method's name.
fn word(binary: Binary) -> &'static str {
    match binary {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Rem => "%",
        Binary::And => "&",
        Binary::Or => "|",
        Binary::Xor => "^",
        Binary::ShiftLeft => "<<",
        Binary::ShiftRight => ">>",
        Binary::Pow | Binary::Atan2 | Binary::Max | Binary::Min => binary.word(),
    }
}

fn comparison_word(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}

/// A mistake if the element types differ.
pub(super) fn same_element(
    b: &Builder,
    operation: &str,
    left: &Tensor,
    right: &Tensor,
) -> Result<()> {
    let element = left.element(b);
    if element == right.element(b) {
        return Ok(());
    }
    Err(ElementMistake::ElementsDiffer {
        operation: operation.to_owned(),
        left: show(b, left),
        right: show(b, right),
        // Nothing can be converted to `bool`.
        help: if element == Element::Bool {
            format!("convert the left side: `as {}`", right.element(b))
        } else {
            format!("convert the right side: `as {element}`")
        },
    }
    .into())
}

/// A function of two elements of one type.
pub fn arithmetic(
    b: &mut Builder,
    binary: Binary,
    left: &Tensor,
    right: &Tensor,
) -> Result<Tensor> {
    same_element(b, word(binary), left, right)?;
    accept(b, binary, left)?;
    let aligned = align(b, &[left, right])?;
    let node = b.binary(binary, aligned.nodes[0], aligned.nodes[1]);
    Ok(aligned.tensor(node))
}

fn accept(b: &Builder, binary: Binary, x: &Tensor) -> Result<()> {
    if binary_accepts(binary, x.element(b)) {
        return Ok(());
    }
    let (operation, ty) = (word(binary).to_owned(), show(b, x));
    Err(Mistake::from(match binary {
        Binary::Pow | Binary::Atan2 => ElementMistake::NeedsFloat { operation, ty },
        Binary::And | Binary::Or | Binary::Xor | Binary::ShiftLeft | Binary::ShiftRight => {
            ElementMistake::NeedsInteger { operation, ty }
        }
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::Rem
        | Binary::Max
        | Binary::Min => ElementMistake::NeedsNumber { operation, ty },
    }))
}

/// A comparison, element by element.
pub fn compare(
    b: &mut Builder,
    comparison: Comparison,
    left: &Tensor,
    right: &Tensor,
) -> Result<Tensor> {
    same_element(b, comparison_word(comparison), left, right)?;
    let aligned = align(b, &[left, right])?;
    let node = b.compare(comparison, aligned.nodes[0], aligned.nodes[1]);
    Ok(aligned.tensor(node))
}

/// `&&` and `||`.
pub fn logic(b: &mut Builder, logic: Logic, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (word, binary) = match logic {
        Logic::And => ("&&", Binary::And),
        Logic::Or => ("||", Binary::Or),
    };
    for operand in [left, right] {
        let (word, ty) = (word.to_owned(), show(b, operand));
        if operand.rank() > 0 {
            return Err(ElementMistake::TensorCondition { word, ty }.into());
        }
        if operand.element(b) != Element::Bool {
            return Err(ElementMistake::NumberCondition { word, ty }.into());
        }
    }
    arithmetic(b, binary, left, right)
}

/// `!x`: bitwise of integers.
pub fn logical_not(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    if !unary_accepts(Unary::Not, x.element(b)) {
        return Err(
            ElementMistake::NeedsInteger { operation: "!".to_owned(), ty: show(b, x) }.into()
        );
    }
    let node = b.unary(Unary::Not, x.node);
    Ok(x.with(node))
}

/// `-x`.
pub fn neg(b: &mut Builder, x: &Tensor) -> Result<Tensor> {
    if !unary_accepts(Unary::Neg, x.element(b)) {
        return Err(
            ElementMistake::NeedsNumber { operation: "-".to_owned(), ty: show(b, x) }.into()
        );
    }
    let node = b.unary(Unary::Neg, x.node);
    Ok(x.with(node))
}

/// `then` where `condition` holds, else `otherwise`.
pub fn select(
    b: &mut Builder,
    condition: &Tensor,
    then: &Tensor,
    otherwise: &Tensor,
) -> Result<Tensor> {
    if condition.element(b) != Element::Bool {
        let (operation, ty) = ("select".to_owned(), show(b, condition));
        return Err(ElementMistake::NeedsBool { operation, ty }.into());
    }
    same_element(b, "select", then, otherwise)?;
    let aligned = align(b, &[condition, then, otherwise])?;
    let node = b.select(aligned.nodes[0], aligned.nodes[1], aligned.nodes[2]);
    Ok(aligned.tensor(node))
}
