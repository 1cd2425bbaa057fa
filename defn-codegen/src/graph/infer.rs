//! Operand types to result type: one rule for each primitive.
//!
//! A rule answers with what is wrong in the words of the dump language; users never see these sentences,
//! because `library/` has looked at the operands before.

use super::{
    Binary, Combine, Comparison, Dim, Element, ElementKind, Equation, Op, Sliding, TensorType,
    Unary,
};

/// What a node looks like: everything but its type.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The primitive.
    pub op: &'a Op,
    /// The types of the operands.
    pub operands: &'a [&'a TensorType],
    /// The type that is claimed, for primitives whose attributes do not say it (`iota`, `broadcast`, `reshape`, `slice`, `window`, `overlap_add`, `convert`).
    pub claimed: &'a TensorType,
}

/// The type of the result, or what is wrong. Not for parameters, calls and projections, whose types stand elsewhere,
/// nor for what runs bodies, of which [`control`](super::control) knows.
pub fn infer(application: Application<'_>) -> Result<TensorType, String> {
    let Application { op, operands, claimed } = application;
    let arity = arity(op);
    if arity.is_some_and(|arity| arity != operands.len()) {
        return Err(format!("takes {} operands, has {}", arity.unwrap_or(0), operands.len()));
    }
    let shape = match op {
        Op::Parameter(_) | Op::Call { .. } | Op::Project(_) => return Ok(claimed.clone()),
        Op::Repeat(_) | Op::Branch(_) | Op::Inspect(_) => {
            return Err("has several results".to_owned());
        }
        Op::Constant(scalar) => return Ok(TensorType::scalar(scalar.element)),
        Op::Extent(_) => return Ok(TensorType::scalar(Element::I64)),
        Op::Iota { axis } => return iota(*axis, claimed),
        Op::Unary(unary) => return self::unary(*unary, operands[0]),
        Op::Binary(binary) => return self::binary(*binary, operands),
        Op::Compare(comparison) => return compare(*comparison, operands),
        Op::Select => return select(operands),
        Op::Convert => return Ok(TensorType::new(claimed.element, operands[0].shape.clone())),
        Op::Broadcast { axes } => broadcast(axes, &operands[0].shape, &claimed.shape)?,
        Op::Transpose { permutation } => transpose(permutation, &operands[0].shape)?,
        Op::Reshape => reshape(operands[0], claimed)?,
        Op::Slice { starts } => slice(starts, operands[0], claimed)?,
        Op::Pad { low, high } => pad(operands, low, high)?,
        Op::Reverse { axes } => {
            increasing_below(axes, operands[0].rank())?;
            operands[0].shape.clone()
        }
        Op::Window(sliding) => {
            slide(sliding, &operands[0].shape, &claimed.shape)?;
            claimed.shape.clone()
        }
        Op::OverlapAdd(sliding) => {
            slide(sliding, &claimed.shape, &operands[0].shape)?;
            if operands[0].element == Element::Bool {
                return Err("adds bool".to_owned());
            }
            claimed.shape.clone()
        }
        Op::Concat { axis } => concat(*axis, operands)?,
        Op::Take { batch } => take(*batch, operands)?,
        Op::AddAt { batch } => add_at(*batch, operands)?,
        Op::Scan { combine, axis, reverse: _ } => scan(*combine, *axis, operands[0])?,
        Op::Sort { axis, descending: _ } => below(*axis, operands[0])?.to_vec(),
        Op::Argsort { axis, descending: _, count } => {
            let mut shape = below(*axis, operands[0])?.to_vec();
            let rest = shape[*axis].clone() - count.clone();
            if [&rest, count].iter().any(|dim| dim.as_constant().is_some_and(|value| value < 0)) {
                return Err("more or less positions than there are".to_owned());
            }
            shape[*axis] = count.clone();
            return Ok(TensorType::new(Element::I64, shape));
        }
        Op::Reduce { combine, axes } => reduce(*combine, axes, operands[0])?,
        Op::Contract { batch, contracted } => contract(*batch, *contracted, operands)?,
        Op::Implicit(equation) => implicit(*equation, operands)?,
    };
    Ok(TensorType::new(operands[0].element, shape))
}

/// The shape of a solution, whose equation fits.
fn implicit(equation: Equation, operands: &[&TensorType]) -> Result<Vec<Dim>, String> {
    let solution = operands[0];
    if !solution.element.is_float() || operands.iter().any(|it| it.element != solution.element) {
        return Err("an equation of anything but floats of one type".to_owned());
    }
    let fits = match equation {
        Equation::Gamma | Equation::LogGamma => operands[1].shape == solution.shape,
        Equation::Linear => {
            let (matrix, rank) = (&operands[1].shape, solution.rank());
            rank >= 2
                && matrix.len() == rank
                && matrix[..rank - 1] == solution.shape[..rank - 1]
                && matrix[rank - 1] == matrix[rank - 2]
                && operands[2].shape == solution.shape
        }
        Equation::Determinant | Equation::LogDeterminant => {
            let (matrix, rank) = (&operands[1].shape, solution.rank());
            matrix.len() == rank + 2
                && matrix[..rank] == solution.shape
                && matrix[rank] == matrix[rank + 1]
        }
    };
    match fits {
        true => Ok(solution.shape.clone()),
        false => Err("the shapes of an equation do not fit".to_owned()),
    }
}

/// How many operands a primitive takes; none if it varies.
pub fn arity(op: &Op) -> Option<usize> {
    match op {
        Op::Parameter(_) | Op::Constant(_) | Op::Extent(_) | Op::Iota { .. } => Some(0),
        Op::Unary(_)
        | Op::Convert
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Reverse { .. }
        | Op::Window(_)
        | Op::OverlapAdd(_)
        | Op::Scan { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Reduce { .. }
        | Op::Project(_) => Some(1),
        Op::Binary(_)
        | Op::Compare(_)
        | Op::Pad { .. }
        | Op::Take { .. }
        | Op::Contract { .. }
        | Op::Inspect(_) => Some(2),
        Op::Implicit(
            Equation::Gamma | Equation::LogGamma | Equation::Determinant | Equation::LogDeterminant,
        ) => Some(2),
        Op::Select | Op::AddAt { .. } | Op::Implicit(Equation::Linear) => Some(3),
        Op::Concat { .. } | Op::Call { .. } | Op::Repeat(_) | Op::Branch(_) => None,
    }
}

/// Whether a function of one element exists for this element type.
pub fn unary_accepts(unary: Unary, element: Element) -> bool {
    match unary {
        Unary::Neg | Unary::Abs | Unary::Sign => element != Element::Bool,
        Unary::Not => !element.is_float(),
        Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::StopGrad
        | Unary::Sqrt
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
        | Unary::ErfInv => element.is_float(),
    }
}

/// Whether a function of two elements exists for this element type.
pub fn binary_accepts(binary: Binary, element: Element) -> bool {
    match binary {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
            element != Element::Bool
        }
        Binary::Pow | Binary::Atan2 => element.is_float(),
        Binary::Max | Binary::Min => true,
        Binary::And | Binary::Or | Binary::Xor => !element.is_float(),
        Binary::ShiftLeft | Binary::ShiftRight => element.is_integer(),
    }
}

fn iota(axis: usize, claimed: &TensorType) -> Result<TensorType, String> {
    if axis >= claimed.rank() {
        return Err(format!("counts axis {axis} of rank {}", claimed.rank()));
    }
    Ok(TensorType::new(Element::I64, claimed.shape.clone()))
}

fn unary(unary: Unary, operand: &TensorType) -> Result<TensorType, String> {
    if !unary_accepts(unary, operand.element) {
        return Err(format!("{} of {}", unary.word(), operand.element));
    }
    Ok(operand.clone())
}

fn same(operands: &[&TensorType]) -> Result<(), String> {
    match operands {
        [left, right] if left == right => Ok(()),
        _ => Err("operands of different types".to_owned()),
    }
}

fn binary(binary: Binary, operands: &[&TensorType]) -> Result<TensorType, String> {
    same(operands)?;
    if !binary_accepts(binary, operands[0].element) {
        return Err(format!("{} of {}", binary.word(), operands[0].element));
    }
    Ok(operands[0].clone())
}

fn compare(_comparison: Comparison, operands: &[&TensorType]) -> Result<TensorType, String> {
    same(operands)?;
    Ok(TensorType::new(Element::Bool, operands[0].shape.clone()))
}

fn select(operands: &[&TensorType]) -> Result<TensorType, String> {
    same(&operands[1..])?;
    if operands[0].element != Element::Bool || operands[0].shape != operands[1].shape {
        return Err("the condition is no bool of the shape of the values".to_owned());
    }
    Ok(operands[1].clone())
}

fn increasing_below(axes: &[usize], rank: usize) -> Result<(), String> {
    let increasing = axes.windows(2).all(|pair| pair[0] < pair[1]);
    if increasing && axes.iter().all(|axis| *axis < rank) {
        Ok(())
    } else {
        Err(format!("axes {axes:?} are not increasing positions below {rank}"))
    }
}

fn broadcast(axes: &[usize], operand: &[Dim], result: &[Dim]) -> Result<Vec<Dim>, String> {
    increasing_below(axes, result.len())?;
    if axes.len() != operand.len()
        || axes.iter().zip(operand).any(|(axis, dim)| result[*axis] != *dim)
    {
        return Err("an axis changes its extent".to_owned());
    }
    Ok(result.to_vec())
}

fn transpose(permutation: &[usize], operand: &[Dim]) -> Result<Vec<Dim>, String> {
    let mut sorted = permutation.to_vec();
    sorted.sort_unstable();
    if sorted != (0..operand.len()).collect::<Vec<_>>() {
        return Err(format!("{permutation:?} is no permutation of {} axes", operand.len()));
    }
    Ok(permutation.iter().map(|axis| operand[*axis].clone()).collect())
}

fn reshape(operand: &TensorType, claimed: &TensorType) -> Result<Vec<Dim>, String> {
    if operand.size() != claimed.size() {
        return Err("the sizes differ".to_owned());
    }
    Ok(claimed.shape.clone())
}

fn slice(starts: &[Dim], operand: &TensorType, claimed: &TensorType) -> Result<Vec<Dim>, String> {
    if starts.len() != operand.rank() || claimed.rank() != operand.rank() {
        return Err("needs one start and one size for each axis".to_owned());
    }
    let outside = |axis: usize| {
        let rest = operand.shape[axis].clone() - starts[axis].clone() - claimed.shape[axis].clone();
        [&rest, &starts[axis], &claimed.shape[axis]]
            .iter()
            .any(|dim| dim.as_constant().is_some_and(|value| value < 0))
    };
    match (0..starts.len()).find(|axis| outside(*axis)) {
        Some(axis) => Err(format!("axis {axis} is cut outside of the operand")),
        None => Ok(claimed.shape.clone()),
    }
}

/// Whether what is seen through windows over `whole` has the shape `seen`.
fn slide(sliding: &Sliding, whole: &[Dim], seen: &[Dim]) -> Result<(), String> {
    let Sliding { strides, axes, dilations } = sliding;
    if strides.len() != whole.len()
        || axes.len() != dilations.len()
        || seen.len() != whole.len() + axes.len()
        || axes.iter().any(|axis| *axis >= whole.len())
    {
        return Err(
            "needs a stride for each axis, and an axis and a dilation for each tap".to_owned()
        );
    }
    let is_below = |dim: &Dim, least: i64| dim.as_constant().is_some_and(|value| value < least);
    if strides.iter().chain(dilations).any(|by| is_below(by, 1)) {
        return Err("strides and dilations are positive".to_owned());
    }
    if seen.iter().any(|extent| is_below(extent, 0)) {
        return Err("a negative extent".to_owned());
    }
    let outside = |axis: &usize| {
        // Along an axis where nothing is seen, nothing is outside.
        let mut taps = sliding.taps(*axis).map(|tap| &seen[whole.len() + tap]);
        if seen[*axis].is(0) || taps.any(|extent| extent.is(0)) {
            return false;
        }
        let rest = whole[*axis].clone() - Dim::from(1) - sliding.reach(*axis, seen);
        is_below(&rest, 0)
    };
    match (0..whole.len()).find(outside) {
        Some(axis) => Err(format!("axis {axis} is seen outside of its extent")),
        None => Ok(()),
    }
}

fn pad(operands: &[&TensorType], low: &[Dim], high: &[Dim]) -> Result<Vec<Dim>, String> {
    let (operand, value) = (operands[0], operands[1]);
    if *value != TensorType::scalar(operand.element) {
        return Err("the value is no scalar of the element type".to_owned());
    }
    if low.len() != operand.rank() || high.len() != operand.rank() {
        return Err("needs a width for each side of each axis".to_owned());
    }
    let widths = low.iter().zip(high);
    Ok(operand
        .shape
        .iter()
        .zip(widths)
        .map(|(dim, (low, high))| dim.clone() + low.clone() + high.clone())
        .collect())
}

fn concat(axis: usize, operands: &[&TensorType]) -> Result<Vec<Dim>, String> {
    let Some(first) = operands.first() else { return Err("needs an operand".to_owned()) };
    if axis >= first.rank() {
        return Err(format!("axis {axis} of rank {}", first.rank()));
    }
    let mut shape = first.shape.clone();
    for operand in &operands[1..] {
        let mut expected = operand.shape.clone();
        if operand.element != first.element || expected.len() != shape.len() {
            return Err("operands of different element types or ranks".to_owned());
        }
        let sum = shape[axis].clone() + expected[axis].clone();
        shape[axis] = sum.clone();
        expected[axis] = sum;
        if expected != shape {
            return Err("operands differ along another axis".to_owned());
        }
    }
    Ok(shape)
}

fn positions(batch: usize, operands: &[&TensorType]) -> Result<(), String> {
    let (operand, index) = (operands[0], operands[1]);
    if index.element != Element::I64 {
        return Err("positions are i64".to_owned());
    }
    if operand.rank() <= batch
        || index.rank() < batch
        || operand.shape[..batch] != index.shape[..batch]
    {
        return Err(format!("the first {batch} axes differ"));
    }
    Ok(())
}

fn take(batch: usize, operands: &[&TensorType]) -> Result<Vec<Dim>, String> {
    positions(batch, operands)?;
    Ok(operands[1].shape.iter().chain(&operands[0].shape[batch + 1..]).cloned().collect())
}

fn add_at(batch: usize, operands: &[&TensorType]) -> Result<Vec<Dim>, String> {
    let expected = TensorType::new(operands[0].element, take(batch, operands)?);
    if *operands[2] != expected || operands[0].element == Element::Bool {
        return Err("the added values do not fit".to_owned());
    }
    Ok(operands[0].shape.clone())
}

/// Whether elements of a type can be combined.
fn combines(combine: Combine, element: Element) -> bool {
    element.kind() != ElementKind::Bool || matches!(combine, Combine::Max | Combine::Min)
}

/// The shape of an operand that has this axis.
fn below(axis: usize, operand: &TensorType) -> Result<&[Dim], String> {
    if axis < operand.rank() {
        Ok(&operand.shape)
    } else {
        Err(format!("axis {axis} of rank {}", operand.rank()))
    }
}

fn scan(combine: Combine, axis: usize, operand: &TensorType) -> Result<Vec<Dim>, String> {
    let shape = below(axis, operand)?;
    if !combines(combine, operand.element) {
        return Err(format!("scan.{} of bool", combine.word()));
    }
    Ok(shape.to_vec())
}

fn reduce(combine: Combine, axes: &[usize], operand: &TensorType) -> Result<Vec<Dim>, String> {
    increasing_below(axes, operand.rank())?;
    if !combines(combine, operand.element) {
        return Err(format!("reduce.{} of bool", combine.word()));
    }
    let kept = operand.shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    Ok(kept.map(|(_, dim)| dim.clone()).collect())
}

fn contract(batch: usize, contracted: usize, operands: &[&TensorType]) -> Result<Vec<Dim>, String> {
    let (left, right) = (operands[0], operands[1]);
    if left.element != right.element || left.element == Element::Bool {
        return Err("operands of different element types, or bool".to_owned());
    }
    if left.rank() < batch + contracted || right.rank() < batch + contracted {
        return Err("an operand has too few axes".to_owned());
    }
    let (left_free, right_free) = (left.rank() - contracted, right.rank() - contracted);
    if left.shape[..batch] != right.shape[..batch]
        || left.shape[left_free..] != right.shape[right_free..]
    {
        return Err("batch or contracted axes differ".to_owned());
    }
    Ok(left.shape[..left_free].iter().chain(&right.shape[batch..right_free]).cloned().collect())
}
