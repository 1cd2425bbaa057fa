//! Sums of products over shared axes.
//!
//! ```text
//! dot(x: [batch, features], w: [features, hidden], features)  ->  [batch, hidden]
//! ```
//!
//! Shared names that are not summed are batch axes (R19). The products are not rounded in between (R20).

use super::arithmetic::same_element;
use super::axes::axis_word;
use super::reduce::summable;
use super::{AxisRef, Result, Tensor, axis, relate, show};
use crate::diagnostic::catalogue::AxisMistake;
use crate::graph::NodeId;
use crate::graph::build::Builder;

/// `(x * y).sum(over)`; over all shared axes if none is named.
pub fn dot(b: &mut Builder, x: &Tensor, y: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let mut pairs = Vec::new();
    for one in over {
        let left = axis(b, x, one)?;
        let name = axis_word(x, left);
        let right = match &x.names[left] {
            Some(shared) => y.position(shared).ok_or_else(|| AxisMistake::ContractedAxis {
                axis: shared.clone(),
                left: show(b, x),
                right: show(b, y),
            })?,
            None => axis(b, y, one)?,
        };
        if pairs.contains(&(left, right)) {
            return Err(AxisMistake::RepeatedAxis { axis: name }.into());
        }
        pairs.push((left, right));
    }
    if over.is_empty() {
        pairs = shared(x, y);
    }
    contract(b, x, y, &pairs)
}

/// `a.dot(b, j = i)`: sums a's `j` against b's `i`, and aligns what is left.
pub fn dot_pairs(
    b: &mut Builder,
    x: &Tensor,
    y: &Tensor,
    over: &[(AxisRef, AxisRef)],
) -> Result<Tensor> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (left, right) in over {
        let pair = (axis(b, x, left)?, axis(b, y, right)?);
        if pairs.iter().any(|known| known.0 == pair.0 || known.1 == pair.1) {
            return Err(AxisMistake::RepeatedAxis { axis: axis_word(x, pair.0) }.into());
        }
        pairs.push(pair);
    }
    contract(b, x, y, &pairs)
}

/// The axes that both have, by name.
fn shared(x: &Tensor, y: &Tensor) -> Vec<(usize, usize)> {
    let named = x.names.iter().enumerate();
    named.filter_map(|(left, name)| Some((left, y.position(name.as_deref()?)?))).collect()
}

fn contract(b: &mut Builder, x: &Tensor, y: &Tensor, pairs: &[(usize, usize)]) -> Result<Tensor> {
    same_element(b, "dot", x, y)?;
    summable(b, "dot", x)?;
    let left_over = |axis: &usize| !pairs.iter().any(|pair| pair.0 == *axis);
    let right_over = |axis: &usize| !pairs.iter().any(|pair| pair.1 == *axis);
    let left: Vec<usize> = (0..x.rank()).filter(left_over).collect();
    let right: Vec<usize> = (0..y.rank()).filter(right_over).collect();
    let mut batch: Vec<(usize, usize)> =
        shared(x, y).into_iter().filter(|(l, r)| left.contains(l) && right.contains(r)).collect();
    batch.extend(unnamed_pairs(b, (x, &left), (y, &right))?);
    for (l, r) in pairs.iter().chain(&batch) {
        same_extent(b, (x, *l), (y, *r))?;
    }
    let left: Vec<usize> =
        left.into_iter().filter(|axis| !batch.iter().any(|pair| pair.0 == *axis)).collect();
    let right: Vec<usize> =
        right.into_iter().filter(|axis| !batch.iter().any(|pair| pair.1 == *axis)).collect();
    let firsts = |pairs: &[(usize, usize)]| pairs.iter().map(|pair| pair.0).collect::<Vec<_>>();
    let seconds = |pairs: &[(usize, usize)]| pairs.iter().map(|pair| pair.1).collect::<Vec<_>>();
    let left_node = arranged(b, x, &[&firsts(&batch), &left, &firsts(pairs)]);
    let right_node = arranged(b, y, &[&seconds(&batch), &right, &seconds(pairs)]);
    let node = b.contract(left_node, right_node, batch.len(), pairs.len());
    Ok(ordered(b, node, (x, &firsts(&batch), &left), (y, &right)))
}

/// The operand with its axes in groups.
fn arranged(b: &mut Builder, x: &Tensor, groups: &[&[usize]]) -> NodeId {
    let permutation: Vec<usize> = groups.iter().flat_map(|group| group.iter().copied()).collect();
    b.transpose(x.node, &permutation)
}

/// The result with the left operand's axes in their order, then the right's (R10).
fn ordered(
    b: &mut Builder,
    node: NodeId,
    (x, batch, left): (&Tensor, &[usize], &[usize]),
    (y, right): (&Tensor, &[usize]),
) -> Tensor {
    let mut stands: Vec<usize> = batch.iter().chain(left).copied().collect();
    let mut permutation: Vec<usize> = (0..stands.len()).collect();
    permutation.sort_by_key(|position| stands[*position]);
    stands.sort_unstable();
    let count = permutation.len();
    permutation.extend(count..count + right.len());
    let mut names: Vec<_> = stands.iter().map(|axis| x.names[*axis].clone()).collect();
    names.extend(right.iter().map(|axis| y.names[*axis].clone()));
    let node = b.transpose(node, &permutation);
    Tensor::new(node, names)
}

fn same_extent(
    b: &Builder,
    (x, left): (&Tensor, usize),
    (y, right): (&Tensor, usize),
) -> Result<()> {
    let (left_extent, right_extent) = (&x.shape(b)[left], &y.shape(b)[right]);
    if left_extent == right_extent {
        return Ok(());
    }
    Err(relate(b, &axis_word(x, left), (x, left_extent), (y, right_extent)).into())
}

/// Unnamed axes that are left over are walked together, by position, as in the product.
fn unnamed_pairs(
    b: &Builder,
    (x, left): (&Tensor, &[usize]),
    (y, right): (&Tensor, &[usize]),
) -> Result<Vec<(usize, usize)>> {
    let unnamed = |x: &Tensor, axes: &[usize]| -> Vec<usize> {
        axes.iter().copied().filter(|axis| x.names[*axis].is_none()).collect()
    };
    let (left, right) = (unnamed(x, left), unnamed(y, right));
    if left.is_empty() || right.is_empty() {
        return Ok(Vec::new());
    }
    let pairs: Vec<(usize, usize)> = left.iter().copied().zip(right.iter().copied()).collect();
    let (own, other) = (x.shape(b), y.shape(b));
    let same = pairs.iter().all(|(l, r)| own[*l] == other[*r]);
    let (left_text, right_text) = (show(b, x), show(b, y));
    if left.len() != right.len() {
        return Err(AxisMistake::UnnamedCount { left: left_text, right: right_text }.into());
    }
    if !same {
        return Err(AxisMistake::UnnamedExtents { left: left_text, right: right_text }.into());
    }
    Ok(pairs)
}
