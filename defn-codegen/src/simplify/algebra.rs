//! Laws of functions of elements.
//!
//! In:  a candidate.   Out: a simpler node with the same bits, if a law applies.
//!
//! ```text
//! before                                after
//! %0: f32[n] = neg x                    x
//! %1: f32[n] = neg %0
//! ```
//!
//! The laws of floats hold for signed zeros and infinities too, so several laws of the real numbers are absent:
//! x + 0 turns −0 into +0, x · 0 is NaN for infinite x, x − x too. NaN is one value: its sign and payload have no meaning.
//! Never here: anything that needs to look past the operands of the operands.

use crate::graph::{
    Binary, Combine, Comparison, Element, ElementKind, NodeId, Op, Scalar, Unary, eval,
};

use super::Candidate;
use super::share::Sharing;

/// A simpler node.
pub(super) fn apply(sharing: &mut Sharing, candidate: &Candidate<'_>) -> Option<NodeId> {
    let operands = candidate.operands;
    match candidate.op {
        Op::Unary(op) => unary(sharing, *op, operands[0]),
        Op::Binary(op) => binary(sharing, *op, operands[0], operands[1]),
        Op::Compare(op) => compare(sharing, *op, operands[0], operands[1]),
        Op::Select => select(sharing, operands[0], operands[1], operands[2]),
        Op::Convert => convert(sharing, candidate.ty.element, operands[0]),
        // All derivatives have been taken.
        Op::Implicit(_) => Some(operands[0]),
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Reverse { .. }
        | Op::Window(_)
        | Op::OverlapAdd(_)
        | Op::Concat { .. }
        | Op::Take { .. }
        | Op::AddAt { .. }
        | Op::Scan { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Reduce { .. }
        | Op::Contract { .. }
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => None,
    }
}

fn unary(sharing: &mut Sharing, unary: Unary, x: NodeId) -> Option<NodeId> {
    let inner = |inner: Unary| sharing.as_unary(x, inner);
    match unary {
        // −(−x) = x, !(!x) = x
        Unary::Neg => inner(Unary::Neg).or_else(|| scaled_by_opposite(sharing, x)),
        Unary::Not => inner(Unary::Not).or_else(|| not_compared(sharing, x)),
        // |−x| = |x|, ||x|| = |x|; what has no sign is its own size, and −x is another number.
        Unary::Abs if sharing.element(x).kind() == ElementKind::Unsigned => Some(x),
        Unary::Abs => match inner(Unary::Neg) {
            Some(inner) => Some(sharing.unary(Unary::Abs, inner)),
            None => inner(Unary::Abs).map(|_| x),
        },
        Unary::Sign => inner(Unary::Sign).map(|_| x),
        // All derivatives have been taken.
        Unary::StopGrad => Some(x),
        // What is whole stays.
        Unary::Floor | Unary::Ceil | Unary::Round => {
            inner(Unary::Floor).or(inner(Unary::Ceil)).or(inner(Unary::Round)).map(|_| x)
        }
        Unary::Sqrt
        | Unary::Rsqrt
        | Unary::Cbrt
        | Unary::Exp
        | Unary::Exp2
        | Unary::Expm1
        | Unary::Log
        | Unary::Log2
        | Unary::Log1p
        | Unary::Sin
        | Unary::Cos
        | Unary::Tan
        | Unary::Asin
        | Unary::Acos
        | Unary::Atan
        | Unary::Sinh
        | Unary::Cosh
        | Unary::Tanh
        | Unary::Sigmoid
        | Unary::Erf
        | Unary::ErfInv => None,
    }
}

/// −(c · x) = (−c) · x
fn scaled_by_opposite(sharing: &mut Sharing, product: NodeId) -> Option<NodeId> {
    if *sharing.op(product) != Op::Binary(Binary::Mul) {
        return None;
    }
    let [x, y] = sharing.get(product).operands[..] else { return None };
    let (factor, x) = match (sharing.splat_value(x), sharing.splat_value(y)) {
        (Some(factor), _) => (factor, y),
        (None, factor) => (factor?, x),
    };
    let opposite = eval::unary(Unary::Neg, factor);
    let shape = sharing.shape(x);
    let opposite = sharing.splat(opposite, &shape);
    Some(sharing.binary(Binary::Mul, opposite, x))
}

/// !(x = y) is x ≠ y; an order has its opposite only without NaN.
fn not_compared(sharing: &mut Sharing, x: NodeId) -> Option<NodeId> {
    let Op::Compare(comparison) = *sharing.op(x) else { return None };
    let [left, right] = sharing.get(x).operands[..] else { return None };
    let ordered = !sharing.element(left).is_float();
    let opposite = match comparison {
        Comparison::Eq => Comparison::Ne,
        Comparison::Ne => Comparison::Eq,
        Comparison::Lt if ordered => Comparison::Ge,
        Comparison::Le if ordered => Comparison::Gt,
        Comparison::Gt if ordered => Comparison::Le,
        Comparison::Ge if ordered => Comparison::Lt,
        Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => return None,
    };
    Some(sharing.compare(opposite, left, right))
}

fn binary(sharing: &mut Sharing, binary: Binary, x: NodeId, y: NodeId) -> Option<NodeId> {
    let element = sharing.element(x);
    let float = element.is_float();
    let same = x == y;
    match binary {
        // x + (−0) = x for floats, x + 0 = x for integers
        Binary::Add if sharing.is_splat(y, -0.0) => Some(x),
        Binary::Add if sharing.is_splat(x, -0.0) => Some(y),
        Binary::Add => sum_of_negated(sharing, x, y),

        Binary::Sub if sharing.is_splat(y, 0.0) => Some(x),
        Binary::Sub if same && !float => Some(sharing.splat_like(0.0, x)),
        // −0 − x = −x for floats, 0 − x = −x for integers
        Binary::Sub if sharing.is_splat(x, -0.0) => Some(sharing.unary(Unary::Neg, y)),
        // x − (−y) = x + y
        Binary::Sub => match sharing.as_unary(y, Unary::Neg) {
            Some(y) => Some(sharing.binary(Binary::Add, x, y)),
            None => less_opposite(sharing, x, y),
        },

        Binary::Mul if sharing.is_splat(y, 1.0) => Some(x),
        Binary::Mul if sharing.is_splat(x, 1.0) => Some(y),
        Binary::Mul if is_minus_one(sharing, y) => Some(sharing.unary(Unary::Neg, x)),
        Binary::Mul if is_minus_one(sharing, x) => Some(sharing.unary(Unary::Neg, y)),
        Binary::Mul if !float && sharing.is_splat(y, 0.0) => Some(y),
        Binary::Mul if !float && sharing.is_splat(x, 0.0) => Some(x),
        // (−x) · (−y) = x · y
        Binary::Mul => {
            let (x, y) = (sharing.as_unary(x, Unary::Neg)?, sharing.as_unary(y, Unary::Neg)?);
            Some(sharing.binary(Binary::Mul, x, y))
        }

        Binary::Div if sharing.is_splat(y, 1.0) => Some(x),
        Binary::Div if !float && sharing.is_splat(y, 0.0) => Some(y),
        Binary::Div => {
            let reciprocal = exact_reciprocal(sharing.splat_value(y)?)?;
            let shape = sharing.shape(y);
            let factor = sharing.splat(reciprocal, &shape);
            Some(sharing.binary(Binary::Mul, x, factor))
        }
        // x % 1 = 0, x % 0 = x
        Binary::Rem if !float && sharing.is_splat(y, 1.0) => Some(sharing.splat_like(0.0, x)),
        Binary::Rem => (!float && sharing.is_splat(y, 0.0)).then_some(x),
        // x¹ = x, x⁰ = 1, 1ʸ = 1, of NaN too
        Binary::Pow if sharing.is_splat(y, 1.0) => Some(x),
        Binary::Pow => (sharing.is_splat(y, 0.0) || sharing.is_splat(x, 1.0))
            .then(|| sharing.splat_like(1.0, x)),
        Binary::Atan2 => None,

        Binary::Max => same.then_some(x).or_else(|| beside_identity(sharing, Combine::Max, x, y)),
        Binary::Min => same.then_some(x).or_else(|| beside_identity(sharing, Combine::Min, x, y)),

        Binary::And | Binary::Or if same => Some(x),
        Binary::And if sharing.is_splat(y, 0.0) || all_ones(sharing, x) => Some(y),
        Binary::And => (sharing.is_splat(x, 0.0) || all_ones(sharing, y)).then_some(x),
        Binary::Or if sharing.is_splat(x, 0.0) || all_ones(sharing, y) => Some(y),
        Binary::Or => (sharing.is_splat(y, 0.0) || all_ones(sharing, x)).then_some(x),
        Binary::Xor if same => Some(sharing.splat_like(0.0, x)),
        Binary::Xor if sharing.is_splat(y, 0.0) => Some(x),
        Binary::Xor if sharing.is_splat(x, 0.0) => Some(y),
        Binary::Xor if all_ones(sharing, y) => Some(sharing.unary(Unary::Not, x)),
        Binary::Xor => all_ones(sharing, x).then(|| sharing.unary(Unary::Not, y)),
        Binary::ShiftLeft | Binary::ShiftRight => sharing.is_splat(y, 0.0).then_some(x),
    }
}

/// x + (−y) = x − y, (−x) + y = y − x.
fn sum_of_negated(sharing: &mut Sharing, x: NodeId, y: NodeId) -> Option<NodeId> {
    if let Some(y) = sharing.as_unary(y, Unary::Neg) {
        return Some(sharing.binary(Binary::Sub, x, y));
    }
    let x = sharing.as_unary(x, Unary::Neg)?;
    Some(sharing.binary(Binary::Sub, y, x))
}

/// x − (0 − y) = x + y, if no zero that it makes has another sign: if x is a sum, which never is −0.
fn less_opposite(sharing: &mut Sharing, x: NodeId, y: NodeId) -> Option<NodeId> {
    if *sharing.op(y) != Op::Binary(Binary::Sub) {
        return None;
    }
    let [zero, opposite] = sharing.get(y).operands[..] else { return None };
    let is_sum = matches!(sharing.op(x), Op::Reduce { combine: Combine::Add, axes: _ });
    let whole = is_sum || !sharing.element(x).is_float();
    (whole && sharing.is_splat(zero, 0.0)).then(|| sharing.binary(Binary::Add, x, opposite))
}

fn is_minus_one(sharing: &Sharing, node: NodeId) -> bool {
    let minus_one = |value: Scalar| value == Scalar::from_i64(value.element, -1);
    sharing.splat_value(node).is_some_and(minus_one)
}

/// Whether every bit is one: `true`, or −1.
fn all_ones(sharing: &Sharing, node: NodeId) -> bool {
    sharing.splat_value(node).is_some_and(|value| match value.element.kind() {
        ElementKind::Float => false,
        ElementKind::Signed | ElementKind::Unsigned | ElementKind::Bool => {
            value == Scalar { element: value.element, bits: all_bits(value.element) }
        }
    })
}

fn all_bits(element: Element) -> u64 {
    match element {
        Element::F64 | Element::I64 | Element::U64 => u64::MAX,
        Element::F32 | Element::I32 | Element::U32 => u64::from(u32::MAX),
        Element::F16 | Element::Bf16 => u64::from(u16::MAX),
        Element::U8 => u64::from(u8::MAX),
        Element::Bool => 1,
    }
}

/// 1 / value, if value is a power of two whose reciprocal is a number: then x / value and x · (1 / value) are the same
/// real number, rounded once.
fn exact_reciprocal(value: Scalar) -> Option<Scalar> {
    if !value.element.is_float() {
        return None;
    }
    let reciprocal = Scalar::from_f64(value.element, 1.0 / value.to_f64());
    let exact = is_power_of_two(value.to_f64()) && is_power_of_two(reciprocal.to_f64());
    exact.then_some(reciprocal)
}

fn is_power_of_two(value: f64) -> bool {
    const MANTISSA: u64 = (1 << 52) - 1;
    value.is_normal() && value.to_bits() & MANTISSA == 0
}

/// The other operand, if one is the value that changes nothing.
fn beside_identity(sharing: &Sharing, combine: Combine, x: NodeId, y: NodeId) -> Option<NodeId> {
    let identity = combine.identity(sharing.element(x));
    if sharing.splat_value(y) == Some(identity) {
        return Some(x);
    }
    (sharing.splat_value(x) == Some(identity)).then_some(y)
}

fn compare(sharing: &mut Sharing, comparison: Comparison, x: NodeId, y: NodeId) -> Option<NodeId> {
    let element = sharing.element(x);
    let truth = match comparison {
        Comparison::Lt | Comparison::Gt => false,
        Comparison::Ne => false,
        Comparison::Eq | Comparison::Le | Comparison::Ge => true,
    };
    // x < x is false even of NaN; the others need x = x.
    let decided = matches!(comparison, Comparison::Lt | Comparison::Gt) || !element.is_float();
    if x == y && decided {
        let shape = sharing.shape(x);
        return Some(sharing.splat(Scalar::from_i64(Element::Bool, i64::from(truth)), &shape));
    }
    if element != Element::Bool {
        return None;
    }
    // (x = true) is x, (x = false) is !x
    let expected = sharing.splat_value(y)?.bits == 1;
    match comparison {
        Comparison::Eq if expected => Some(x),
        Comparison::Ne if !expected => Some(x),
        Comparison::Eq | Comparison::Ne => Some(sharing.unary(Unary::Not, x)),
        Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => None,
    }
}

fn select(
    sharing: &mut Sharing,
    condition: NodeId,
    then: NodeId,
    otherwise: NodeId,
) -> Option<NodeId> {
    if then == otherwise {
        return Some(then);
    }
    if let Some(value) = sharing.splat_value(condition) {
        return Some(if value.bits == 1 { then } else { otherwise });
    }
    if let Some(opposite) = sharing.as_unary(condition, Unary::Not) {
        return Some(sharing.select(opposite, otherwise, then));
    }
    if sharing.element(then) == Element::Bool {
        if sharing.is_splat(then, 1.0) && sharing.is_splat(otherwise, 0.0) {
            return Some(condition);
        }
        if sharing.is_splat(then, 0.0) && sharing.is_splat(otherwise, 1.0) {
            return Some(sharing.unary(Unary::Not, condition));
        }
    }
    // An arm that asks the same again has its answer.
    if let Some((_, inner, _)) = same_question(sharing, condition, then) {
        return Some(sharing.select(condition, inner, otherwise));
    }
    let (_, _, inner) = same_question(sharing, condition, otherwise)?;
    Some(sharing.select(condition, then, inner))
}

fn same_question(
    sharing: &Sharing,
    condition: NodeId,
    arm: NodeId,
) -> Option<(NodeId, NodeId, NodeId)> {
    let node = sharing.get(arm);
    if node.op != Op::Select || node.operands[0] != condition {
        return None;
    }
    Some((node.operands[0], node.operands[1], node.operands[2]))
}

fn convert(sharing: &mut Sharing, to: Element, x: NodeId) -> Option<NodeId> {
    let through = sharing.element(x);
    if through == to {
        return Some(x);
    }
    if *sharing.op(x) != Op::Convert {
        return None;
    }
    let source = sharing.get(x).operands[0];
    let from = sharing.element(source);
    // Integers wrap when they shrink and floats saturate, so that a way through floats is not the straight way.
    let saturates = from.is_integer() && through.is_float() && to.is_integer();
    let straight = holds_all(through, from) && (!saturates || holds_all(to, from));
    straight.then(|| sharing.convert(to, source))
}

/// Whether every value of `narrow` is a value of `wide`.
fn holds_all(wide: Element, narrow: Element) -> bool {
    match narrow {
        Element::Bool => true,
        Element::U8 => wide != Element::Bool,
        Element::I32 => matches!(wide, Element::I32 | Element::I64 | Element::F64),
        Element::U32 => {
            matches!(wide, Element::U32 | Element::U64 | Element::I64 | Element::F64)
        }
        Element::I64 => wide == Element::I64,
        Element::U64 => wide == Element::U64,
        Element::F16 => matches!(wide, Element::F16 | Element::F32 | Element::F64),
        Element::Bf16 => matches!(wide, Element::Bf16 | Element::F32 | Element::F64),
        Element::F32 => matches!(wide, Element::F32 | Element::F64),
        Element::F64 => wide == Element::F64,
    }
}
