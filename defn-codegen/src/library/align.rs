//! Broadcasting: operands aligned by name, and by position where there are no names.
//!
//! ```text
//! left   [batch, features]          result [batch, features, hidden]
//! right  [features, hidden]         left's axes, then the right's new ones (R10)
//! ```
//!
//! Named axes never stretch (R7). Unnamed axes meet the same number of unnamed axes, and one of extent 1 stretches (R8).

use super::{Axis, Result, Tensor, relate, show};
use crate::diagnostic::catalogue::AxisMistake;
use crate::graph::build::Builder;
use crate::graph::{Dim, NodeId};

/// Operands of one shape.
#[derive(Clone, Debug)]
pub struct Aligned {
    /// One for each operand.
    pub nodes: Vec<NodeId>,
    /// The names of all of them.
    pub names: Vec<Option<String>>,
}

impl Aligned {
    /// A result of the common shape.
    pub(super) fn tensor(self, node: NodeId) -> Tensor {
        Tensor::new(node, self.names)
    }
}

/// Brings operands to their common shape.
pub fn align(b: &mut Builder, operands: &[&Tensor]) -> Result<Aligned> {
    let common = common_axes(b, operands)?;
    let nodes = operands.iter().map(|operand| place(b, operand, &common)).collect();
    Ok(Aligned { nodes, names: common.into_iter().map(|axis| axis.name).collect() })
}

fn unnamed(x: &Tensor) -> usize {
    x.names.iter().filter(|name| name.is_none()).count()
}

/// The axes of the result.
fn common_axes(b: &Builder, operands: &[&Tensor]) -> Result<Vec<Axis>> {
    let mut common: Vec<Axis> = Vec::new();
    let mut seen: Vec<&Tensor> = Vec::new();
    for operand in operands {
        if operand.rank() == 0 {
            continue;
        }
        if let Some(first) = seen.first() {
            same_unnamed(b, first, operand)?;
        }
        let mut position = 0;
        for (name, extent) in operand.names.iter().zip(operand.shape(b)) {
            match name {
                Some(name) => meet_name(b, &mut common, &seen, (operand, name, extent))?,
                None if seen.is_empty() => common.push(Axis { name: None, extent }),
                None => {
                    meet_position(b, &mut common, (seen[0], operand), (position, extent))?;
                    position += 1;
                }
            }
        }
        seen.push(operand);
    }
    Ok(common)
}

fn same_unnamed(b: &Builder, left: &Tensor, right: &Tensor) -> Result<()> {
    let (in_left, in_right) = (unnamed(left), unnamed(right));
    if in_left == in_right {
        return Ok(());
    }
    let (left, right) = (show(b, left), show(b, right));
    if in_left == 0 || in_right == 0 {
        return Err(AxisMistake::NamedMeetsUnnamed { left, right }.into());
    }
    Err(AxisMistake::UnnamedCount { left, right }.into())
}

fn meet_name(
    b: &Builder,
    common: &mut Vec<Axis>,
    seen: &[&Tensor],
    (operand, name, extent): (&Tensor, &String, Dim),
) -> Result<()> {
    let Some(known) = common.iter().find(|axis| axis.name.as_ref() == Some(name)) else {
        common.push(Axis { name: Some(name.clone()), extent });
        return Ok(());
    };
    if known.extent == extent {
        return Ok(());
    }
    let first = seen.iter().find(|tensor| tensor.position(name).is_some()).unwrap_or(&operand);
    Err(relate(b, name, (first, &known.extent), (operand, &extent)).into())
}

fn meet_position(
    b: &Builder,
    common: &mut [Axis],
    (left, right): (&Tensor, &Tensor),
    (position, extent): (usize, Dim),
) -> Result<()> {
    let mut unnamed = common.iter_mut().filter(|axis| axis.name.is_none());
    let Some(known) = unnamed.nth(position) else { return Ok(()) };
    if known.extent.is(1) {
        known.extent = extent;
    } else if known.extent != extent && !extent.is(1) {
        let (left, right) = (show(b, left), show(b, right));
        return Err(AxisMistake::UnnamedExtents { left, right }.into());
    }
    Ok(())
}

/// One operand in the common shape.
fn place(b: &mut Builder, x: &Tensor, common: &[Axis]) -> NodeId {
    let mut unnamed = common.iter().enumerate().filter(|(_, axis)| axis.name.is_none());
    let targets: Vec<usize> = x
        .names
        .iter()
        .map(|name| match name {
            Some(_) => common.iter().position(|axis| axis.name == *name),
            None => unnamed.next().map(|(position, _)| position),
        })
        .map(|target| target.expect("the common axes hold those of every operand"))
        .collect();
    let shape: Vec<Dim> = common.iter().map(|axis| axis.extent.clone()).collect();
    spread(b, x.node, &targets, &shape)
}

/// Operand axis `i` becomes axis `targets[i]` of `shape`; an axis of extent 1 stretches.
pub(super) fn spread(b: &mut Builder, node: NodeId, targets: &[usize], shape: &[Dim]) -> NodeId {
    let own = b.shape(node);
    let kept: Vec<usize> =
        (0..own.len()).filter(|axis| own[*axis] == shape[targets[*axis]]).collect();
    let squeezed: Vec<Dim> = kept.iter().map(|axis| own[*axis].clone()).collect();
    let node = b.reshape(node, &squeezed);
    let targets: Vec<usize> = kept.iter().map(|axis| targets[*axis]).collect();
    let mut permutation: Vec<usize> = (0..targets.len()).collect();
    permutation.sort_by_key(|axis| targets[*axis]);
    let node = b.transpose(node, &permutation);
    let targets: Vec<usize> = permutation.iter().map(|axis| targets[*axis]).collect();
    if targets.len() == shape.len() {
        return node;
    }
    b.broadcast(node, shape, &targets)
}
