//! Products of small matrices whose elements the lanes of a warp hold: what tensor cores multiply.
//!
//! 32 neighbouring lanes hold three matrices together, each lane a few elements: of `rows · steps`, of `steps · 8` and of `rows · 8`.
//! With `g = lane / 4` and `t = lane mod 4`, number `r` of what a lane holds is
//!
//! | matrix | row | column |
//! |---|---|---|
//! | left | `g + 8 · (r mod rows / 8)` | `t + 4 · (r / (rows / 8))` |
//! | right | `t + 4 · r` | `g` |
//! | sums | `g + 8 · (r / 2)` | `2 · t + r mod 2` |
//!
//! ```text
//! mma.m16n8k8.tf32 ($0, $1, $2, $3) += (%0, %1, %2, %3) * (%4, %5)
//! ```
//!
//! Every sum is a chain of multiply-adds, step by step. A device may add in another order, and with a few more bits or less.

use super::{Expr, RegisterId};
use crate::graph::Element;

/// One product of each warp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mma {
    /// How large the matrices are.
    pub shape: Shape,
    /// What is added to: registers of lanes.
    pub sums: Vec<RegisterId>,
    /// Elements of the left matrix.
    pub left: Vec<Expr>,
    /// Elements of the right matrix.
    pub right: Vec<Expr>,
}

/// Which matrices are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 16 rows, 8 columns and 8 steps of `f32`, of whose 23 bits behind the point a product sees the first 10.
    Tf32,
}

/// Lanes that hold matrices together.
pub const WARP: usize = 32;
/// Columns of every shape.
pub const COLUMNS: usize = 8;

impl Mma {
    /// The same with other operands.
    pub fn with(&self, operand: &dyn Fn(&Expr) -> Expr) -> Self {
        let [left, right] = [&self.left, &self.right].map(|all| all.iter().map(operand).collect());
        Self { shape: self.shape, sums: self.sums.clone(), left, right }
    }
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 1] = [Self::Tf32];

    /// The name in dumps.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tf32 => "m16n8k8.tf32",
        }
    }

    /// What is multiplied, and what sums are.
    pub fn element(self) -> Element {
        match self {
            Self::Tf32 => Element::F32,
        }
    }

    /// How many rows there are.
    pub fn rows(self) -> usize {
        match self {
            Self::Tf32 => 16,
        }
    }

    /// How many products a sum gets.
    pub fn steps(self) -> usize {
        match self {
            Self::Tf32 => 8,
        }
    }

    /// How many sums, elements of the left and of the right matrix a lane holds.
    pub fn held(self) -> [usize; 3] {
        [self.rows() * COLUMNS, self.rows() * self.steps(), self.steps() * COLUMNS]
            .map(|all| all / WARP)
    }

    /// The row and the step of an element of the left matrix.
    pub fn left(self, lane: usize, number: usize) -> (usize, usize) {
        let eights = self.rows() / 8;
        (lane / 4 + 8 * (number % eights), lane % 4 + 4 * (number / eights))
    }

    /// The step and the column of an element of the right matrix.
    pub fn right(self, lane: usize, number: usize) -> (usize, usize) {
        (lane % 4 + 4 * number, lane / 4)
    }

    /// The row and the column of a sum.
    pub fn sum(self, lane: usize, number: usize) -> (usize, usize) {
        (lane / 4 + 8 * (number / 2), 2 * (lane % 4) + number % 2)
    }

    /// What a product sees of an element, as bits.
    pub fn seen(self, bits: u64) -> u64 {
        match self {
            Self::Tf32 => bits & !0x1FFF,
        }
    }
}

/// What the sums of a warp are afterwards, of what its lanes hold: bits by number and lane, and so is what comes out.
pub fn multiplied(
    shape: Shape,
    sums: &[Vec<u64>],
    left: &[Vec<u64>],
    right: &[Vec<u64>],
) -> Vec<Vec<u64>> {
    let (rows, steps) = (shape.rows(), shape.steps());
    let mut matrices = [vec![0; rows * steps], vec![0; steps * COLUMNS]];
    for lane in 0..WARP {
        for (number, held) in left.iter().enumerate() {
            let (row, step) = shape.left(lane, number);
            matrices[0][row * steps + step] = shape.seen(held[lane]);
        }
        for (number, held) in right.iter().enumerate() {
            let (step, column) = shape.right(lane, number);
            matrices[1][step * COLUMNS + column] = shape.seen(held[lane]);
        }
    }
    let [left, right] = matrices;
    let mut out = sums.to_vec();
    for (number, held) in out.iter_mut().enumerate() {
        for (lane, sum) in held.iter_mut().enumerate() {
            let (row, column) = shape.sum(lane, number);
            for step in 0..steps {
                let (a, b) = (left[row * steps + step], right[step * COLUMNS + column]);
                *sum = multiply_add([a, b, *sum]);
            }
        }
    }
    out
}

fn multiply_add(bits: [u64; 3]) -> u64 {
    let [a, b, c] = bits.map(|bits| f32::from_bits(bits as u32));
    u64::from(a.mul_add(b, c).to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of matrices of whole numbers, by the definition.
    fn check(shape: Shape, bits: fn(f64) -> u64) {
        let [sums, left, right] = shape.held();
        let a = |row: usize, step: usize| (row * 3 + step * 5) % 7;
        let b = |step: usize, column: usize| (step * 2 + column * 11) % 5;
        let hold = |count: usize, element: &dyn Fn(usize, usize) -> usize| -> Vec<Vec<u64>> {
            let lanes = |number| (0..WARP).map(|lane| bits(element(lane, number) as f64)).collect();
            (0..count).map(lanes).collect()
        };
        let left = hold(left, &|lane, number| {
            let (row, step) = shape.left(lane, number);
            a(row, step)
        });
        let right = hold(right, &|lane, number| {
            let (step, column) = shape.right(lane, number);
            b(step, column)
        });
        let before = hold(sums, &|lane, number| lane + number);
        let found = multiplied(shape, &before, &left, &right);
        let expected = hold(sums, &|lane, number| {
            let (row, column) = shape.sum(lane, number);
            lane + number
                + (0..shape.steps()).map(|step| a(row, step) * b(step, column)).sum::<usize>()
        });
        assert_eq!(found, expected, "{shape:?}");
    }

    #[test]
    fn every_element_has_a_place() {
        check(Shape::Tf32, |number| u64::from((number as f32).to_bits()));
    }

    #[test]
    fn short_floats_lose_their_last_bits() {
        let seen = |number: f32| Shape::Tf32.seen(number.to_bits().into());
        let bits = |number: f32| u64::from(number.to_bits());
        assert_eq!(seen(1.0 + 1.0 / 1024.0), bits(1.0 + 1.0 / 1024.0));
        assert_eq!(seen(1.0 + 1.0 / 2048.0), bits(1.0));
    }
}
