//! Elements in order along an axis.
//!
//! ```text
//! sort([3, 1, 2])        =  [1, 2, 3]
//! argsort([3, 1, 2])     =  [1, 2, 0]
//! top_k([3, 1, 2], 2)    =  ([3, 2], [0, 2])
//! ```
//!
//! Equal elements stay in their order, also when the largest comes first; NaN comes last in both directions (R24).

use super::axes::{at_most, axis_word};
use super::movement::natural;
use super::{AxisRef, Result, Tensor, axis, show_dim};
use crate::diagnostic::catalogue::AxisMistake;
use crate::graph::build::Builder;
use crate::graph::{Dim, NodeId};

/// The elements in order.
pub fn sort(b: &mut Builder, x: &Tensor, of: &AxisRef, descending: bool) -> Result<Tensor> {
    let along = axis(b, x, of)?;
    let node = b.sort(x.node, along, descending);
    Ok(x.with(node))
}

/// The positions of the elements in order, `i64`.
pub fn argsort(b: &mut Builder, x: &Tensor, of: &AxisRef, descending: bool) -> Result<Tensor> {
    let along = axis(b, x, of)?;
    let extent = x.shape(b)[along].clone();
    let node = b.argsort(x.node, along, descending, &extent);
    Ok(x.with(node))
}

/// The largest elements and their positions, the largest first.
pub fn top_k(b: &mut Builder, x: &Tensor, of: &AxisRef, k: &Dim) -> Result<[Tensor; 2]> {
    let along = axis(b, x, of)?;
    natural(b, k)?;
    let (word, extent) = (axis_word(x, along), x.shape(b)[along].clone());
    let what = format!("top_k of axis `{word}`");
    if !at_most(b, k, &extent, &what) {
        let (count, extent) = (show_dim(b, k), show_dim(b, &extent));
        return Err(AxisMistake::TopKOutside { count, axis: word, extent }.into());
    }
    let positions = b.argsort(x.node, along, true, k);
    let values = taken(b, x.node, along, positions);
    Ok([x.with(values), x.with(positions)])
}

/// The elements at positions along an axis, all other axes walked together.
fn taken(b: &mut Builder, x: NodeId, along: usize, positions: NodeId) -> NodeId {
    let rank = b.shape(x).len();
    let last: Vec<usize> = (0..rank).filter(|other| *other != along).chain([along]).collect();
    let mut back = vec![0; rank];
    last.iter().enumerate().for_each(|(to, from)| back[*from] = to);
    let (moved, positions) = (b.transpose(x, &last), b.transpose(positions, &last));
    let taken = b.take(moved, positions, rank - 1);
    b.transpose(taken, &back)
}
