//! Determinants.
//!
//! ```text
//! det(a)                     det = 1
//!                            for k in 0..n {
//!                              p = the row from k on with the largest a[p, k]
//!                              rows k and p change places                  det changes its sign, if there are two
//!                              det *= a[k, k]
//!                              rows i > k: - a[i, k] / a[k, k] * a[k]
//!                            }
//! ```
//!
//! The elimination is that of [`solve`](super::solve), but a column of zeros leaves the rows behind as they are, so that the determinant is zero.
//!
//! No derivative goes through the elimination: Jacobi's formula says how a determinant moves.

use super::solve::{
    BLOCK, MOST_BLOCKS, SMALL, ZeroPivot, divided, largest, lower_inverse, pivoted, product,
    reduced, repeated, sifted, split_rows, square,
};
use super::{AxisRef, Result, Tensor};
use crate::graph::build::Builder;
use crate::graph::{Binary, Comparison, Dim, Equation, NodeId, Op, Scalar, TensorType, Unary};

/// The determinant of matrices over the axes `(row, column)`; that of a matrix without elements is 1.
///
/// Follows `numpy.linalg.det`. Its derivative is `det a · trace(a⁻¹·da)`, which is NaN where `a` is singular.
pub fn det(b: &mut Builder, a: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    over_matrices(b, (Form::Plain, "det"), a, over)
}

/// The logarithm of the size of the determinant, which is neither too large nor too small for a float where the determinant would be.
///
/// Follows the second of `numpy.linalg.slogdet`: −∞ for a singular matrix. Its derivative is `trace(a⁻¹·da)`.
pub fn logdet(b: &mut Builder, a: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    over_matrices(b, (Form::Log, "logdet"), a, over)
}

/// What is made of the pivots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Their product, with the sign of how the rows changed places.
    Plain,
    /// The sum of the logarithms of their sizes.
    Log,
}

impl Form {
    fn equation(self) -> Equation {
        match self {
            Self::Plain => Equation::Determinant,
            Self::Log => Equation::LogDeterminant,
        }
    }

    /// Of no pivots.
    fn none(self, b: &mut Builder, of: &TensorType) -> NodeId {
        let none = match self {
            Self::Plain => 1,
            Self::Log => 0,
        };
        b.splat(Scalar::from_i64(of.element, none), &of.shape)
    }

    /// With one more pivot, that of row `k`.
    fn joined(self, b: &mut Builder, so_far: NodeId, (x, k): (NodeId, NodeId)) -> NodeId {
        let axis = b.ty(x).rank() - 2;
        let batch = b.shape(x)[..axis].to_vec();
        let own = b.broadcast(k, &batch, &[]);
        let row = b.take(x, own, axis);
        let pivot = b.take(row, own, axis);
        match self {
            Self::Plain => b.binary(Binary::Mul, so_far, pivot),
            Self::Log => {
                let size = b.unary(Unary::Abs, pivot);
                let log = b.unary(Unary::Log, size);
                b.binary(Binary::Add, so_far, log)
            }
        }
    }

    /// Where two rows have changed places.
    fn turned(self, b: &mut Builder, so_far: NodeId, swapped: NodeId) -> NodeId {
        match self {
            Self::Plain => {
                let other = b.unary(Unary::Neg, so_far);
                b.select(swapped, other, so_far)
            }
            Self::Log => so_far,
        }
    }
}

fn over_matrices(
    b: &mut Builder,
    (form, operation): (Form, &str),
    a: &Tensor,
    over: &[AxisRef],
) -> Result<Tensor> {
    let [row, column] = square(b, operation, a, over)?;
    let others: Vec<usize> = (0..a.rank()).filter(|axis| ![row, column].contains(axis)).collect();
    let names = others.iter().map(|axis| a.names[*axis].clone()).collect();
    let order: Vec<usize> = others.into_iter().chain([row, column]).collect();
    let matrices = b.transpose(a.node, &order);
    let still = b.unary(Unary::StopGrad, matrices);
    let axis = order.len() - 2;
    let of = TensorType::new(b.ty(still).element, b.shape(still)[..axis].to_vec());
    let extent = b.shape(still)[axis].clone();
    let found = match extent.as_constant() {
        Some(extent) if extent > BLOCK => in_blocks(b, still, extent, form),
        _ => at_once(b, still, &extent, form),
    };
    let equation = Op::Implicit(form.equation());
    Ok(Tensor::new(b.apply(equation, &[found, matrices], of), names))
}

/// Row by row.
fn at_once(b: &mut Builder, matrices: NodeId, extent: &Dim, form: Form) -> NodeId {
    let is_small = extent.as_constant().is_some_and(|extent| extent <= SMALL);
    let none = none(b, matrices, form);
    repeated(b, (&[matrices, none], &[]), (extent, false), |b, k, state, _| {
        let (next, turned) = match is_small {
            true => {
                let sifted = repeated(b, (state, &[k]), (extent, false), |b, i, state, rest| {
                    let [next, swapped] = sifted(b, state[0], [rest[0], i]);
                    vec![next, form.turned(b, state[1], swapped)]
                });
                (reduced(b, sifted[0], k, ZeroPivot::Stays), sifted[1])
            }
            false => {
                let (next, _) = pivoted(b, (state[0], None), k, ZeroPivot::Stays);
                let swapped = rises(b, state[0], k);
                (next, form.turned(b, state[1], swapped))
            }
        };
        vec![next, form.joined(b, turned, (next, k))]
    })[1]
}

/// Block column by block column, as in [`solve`](super::solve).
fn in_blocks(b: &mut Builder, matrices: NodeId, extent: i64, form: Form) -> NodeId {
    let axis = b.ty(matrices).rank() - 2;
    let widest = BLOCK * ((extent - 1) / (MOST_BLOCKS * BLOCK) + 1);
    let mut found = none(b, matrices, form);
    let mut rest = matrices;
    let mut begin = 0;
    while begin < extent {
        let width = widest.min(extent - begin);
        let [panel, beside] = divided(b, rest, &Dim::from(width));
        let rows = b.shape(panel)[..=axis].to_vec();
        let order = b.iota(&rows, axis);
        let (state, times) = ([panel, order, found], Dim::from(width));
        let factored = repeated(b, (&state, &[]), (&times, false), |b, k, state, _| {
            let (next, order) = pivoted(b, (state[0], Some(state[1])), k, ZeroPivot::Stays);
            let swapped = rises(b, state[0], k);
            let turned = form.turned(b, state[2], swapped);
            vec![next, order.unwrap_or(state[1]), form.joined(b, turned, (next, k))]
        });
        found = factored[2];
        begin += width;
        if begin < extent {
            let beside = b.take(beside, factored[1], axis);
            let [block, below] = split_rows(b, factored[0], width);
            let [above, others] = split_rows(b, beside, width);
            let lower = lower_inverse(b, block);
            let line = product(b, lower, above);
            let known = product(b, below, line);
            rest = b.binary(Binary::Sub, others, known);
        }
    }
    found
}

/// What there is without a pivot, for each matrix.
fn none(b: &mut Builder, matrices: NodeId, form: Form) -> NodeId {
    let ty = b.ty(matrices).clone();
    let shape = ty.shape[..ty.rank() - 2].to_vec();
    form.none(b, &TensorType::new(ty.element, shape))
}

/// Whether another row than row `k` comes to its place.
fn rises(b: &mut Builder, x: NodeId, k: NodeId) -> NodeId {
    let shape = b.shape(x);
    let axis = shape.len() - 2;
    let mut turned: Vec<usize> = (0..shape.len()).collect();
    turned.swap(axis, axis + 1);
    let columns = b.transpose(x, &turned);
    let own = b.broadcast(k, &shape[..axis], &[]);
    let column = b.take(columns, own, axis);
    let chosen = largest(b, column, k);
    b.compare(Comparison::Ne, chosen, own)
}
