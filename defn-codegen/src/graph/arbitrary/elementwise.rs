//! Random applications of the primitives, and those that work element by element.

use super::generator::{Generator, Mood};
use crate::graph::infer::{binary_accepts, unary_accepts};
use crate::graph::{Binary, Comparison, Element, NodeId, Op, TensorType, Unary};

impl Generator {
    /// Adds one random application.
    pub(super) fn step(&mut self) {
        let node = match self.random.below(24) {
            0 => {
                let element = self.element();
                let scalar = self.scalar(element);
                self.builder.constant(scalar)
            }
            1 => {
                let dim = self.extent();
                self.builder.extent(dim)
            }
            2 => {
                let rank = 1 + self.random.below(3);
                let shape = self.shape(rank);
                let axis = self.random.below(rank);
                self.builder.iota(&shape, axis)
            }
            3..=6 => self.random_unary(),
            7..=9 => self.random_binary(),
            10 => self.random_compare(),
            11 => self.random_select(),
            12 => {
                let (operand, element) = (self.any(), self.element());
                self.builder.convert(element, operand)
            }
            _ => self.movement(),
        };
        self.keep(node);
    }

    fn random_unary(&mut self) -> NodeId {
        let function = self.random.pick(Unary::ALL);
        let fallback = if function == Unary::Not { Element::I32 } else { Element::F32 };
        let mut operand = self.any_of(|ty| unary_accepts(function, ty.element), fallback);
        if self.mood == Mood::Sane && self.random.chance(80) {
            operand = self.inside_domain(function, operand);
        }
        self.builder.unary(function, operand)
    }

    /// The operand, moved to where the function has a value.
    fn inside_domain(&mut self, function: Unary, operand: NodeId) -> NodeId {
        match function {
            Unary::Sqrt | Unary::Rsqrt | Unary::Log | Unary::Log2 | Unary::Log1p => {
                let size = self.builder.unary(Unary::Abs, operand);
                let ty = self.ty_of(operand);
                let small = crate::graph::Scalar::from_f64(ty.element, 0.25);
                let small = self.builder.splat(small, &ty.shape);
                self.builder.binary(Binary::Add, size, small)
            }
            Unary::Asin | Unary::Acos | Unary::ErfInv => self.builder.unary(Unary::Tanh, operand),
            Unary::Exp | Unary::Exp2 | Unary::Expm1 | Unary::Sinh | Unary::Cosh
                if self.random.chance(50) =>
            {
                self.builder.unary(Unary::Sin, operand)
            }
            Unary::Neg
            | Unary::Abs
            | Unary::Sign
            | Unary::Not
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::StopGrad
            | Unary::Cbrt
            | Unary::Exp
            | Unary::Exp2
            | Unary::Expm1
            | Unary::Sin
            | Unary::Cos
            | Unary::Tan
            | Unary::Atan
            | Unary::Sinh
            | Unary::Cosh
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Erf => operand,
        }
    }

    fn random_binary(&mut self) -> NodeId {
        let function = self.random.pick(Binary::ALL);
        let needs_float = matches!(function, Binary::Pow | Binary::Atan2);
        let fallback = if needs_float { Element::F32 } else { Element::I32 };
        let left = self.any_of(|ty| binary_accepts(function, ty.element), fallback);
        let right = self.other(left);
        let (left, right) = if self.random.chance(50) { (left, right) } else { (right, left) };
        self.builder.binary(function, left, right)
    }

    /// A node of the same type, sometimes the same.
    pub(super) fn other(&mut self, node: NodeId) -> NodeId {
        if self.random.chance(10) {
            return node;
        }
        let ty = self.ty_of(node);
        self.like(&ty)
    }

    pub(super) fn random_compare(&mut self) -> NodeId {
        let comparison = self.random.pick(Comparison::ALL);
        let left = self.any();
        let right = self.other(left);
        self.builder.compare(comparison, left, right)
    }

    fn random_select(&mut self) -> NodeId {
        let then = self.any();
        let otherwise = self.other(then);
        let ty = self.ty_of(then);
        let condition = self.like(&TensorType::new(Element::Bool, ty.shape.clone()));
        let op = Op::Select;
        self.builder.apply(op, &[condition, then, otherwise], ty)
    }
}
