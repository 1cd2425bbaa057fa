//! Which axes of a reshape hold the same elements on both sides.
//!
//! ```text
//! [n, 6, m] to [n, 2, 3*m]     blocks  [n] = [n],  [6, m] = [2, 3*m]
//! ```

use crate::graph::Dim;

/// Axes of the operand and of the result that hold the same elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Axes of the operand that are longer than 1.
    pub operand: Vec<usize>,
    /// Axes of the result that are longer than 1.
    pub result: Vec<usize>,
}

/// Splits a reshape into blocks of equal size, from the left; none if sizes do not meet provably.
pub fn blocks(operand: &[Dim], result: &[Dim]) -> Option<Vec<Block>> {
    let long = |shape: &[Dim]| -> Vec<usize> {
        (0..shape.len()).filter(|axis| !shape[*axis].is(1)).collect()
    };
    let (left, right) = (long(operand), long(result));
    let (mut i, mut j) = (0, 0);
    let mut blocks = Vec::new();
    while i < left.len() || j < right.len() {
        blocks.push(block((operand, &left), (result, &right), (&mut i, &mut j))?);
    }
    Some(blocks)
}

/// The shortest next block: one axis on one side, several on the other.
fn block(
    left: (&[Dim], &[usize]),
    right: (&[Dim], &[usize]),
    at: (&mut usize, &mut usize),
) -> Option<Block> {
    let product = |(shape, axes): (&[Dim], &[usize]), from: usize, to: usize| {
        axes[from..to].iter().fold(Dim::from(1), |product, axis| product * shape[*axis].clone())
    };
    let (i, j) = (*at.0, *at.1);
    let (rest_left, rest_right) = (left.1.len() - i, right.1.len() - j);
    for total in 1..=rest_left + rest_right {
        for taken in (0..=total.min(rest_left)).filter(|taken| total - taken <= rest_right) {
            let (to_left, to_right) = (i + taken, j + total - taken);
            if product(left, i, to_left) == product(right, j, to_right) {
                (*at.0, *at.1) = (to_left, to_right);
                return Some(Block {
                    operand: left.1[i..to_left].to_vec(),
                    result: right.1[j..to_right].to_vec(),
                });
            }
        }
    }
    None
}
