//! Smooth functions: each is applied where it and its derivatives have values of reasonable size.
//!
//! Functions with kinks are smooth ones, and between them what has a slope almost everywhere: sizes, extremes, choices, orders.

use super::Case;
use super::generator::Generator;
use crate::graph::{Binary, Combine, Comparison, Element, NodeId, Op, Output, Scalar, Unary};

impl Generator {
    /// Adds one random smooth application.
    pub(super) fn smooth_step(&mut self) {
        let node = match self.random.below(10) {
            0..=3 => self.smooth_unary(),
            4 | 5 => self.smooth_binary(),
            6 => self.masked(),
            _ => self.movement(),
        };
        self.keep(node);
    }

    /// Adds one random application that is smooth almost everywhere.
    pub(super) fn kinked_step(&mut self) {
        let node = match self.random.below(16) {
            0..=3 => self.smooth_unary(),
            4 | 5 => self.smooth_binary(),
            6 => {
                let functions = [Unary::Abs, Unary::Sign, Unary::Floor, Unary::Ceil, Unary::Round];
                let (x, function) = (self.float(), self.random.pick(&functions));
                self.builder.unary(function, x)
            }
            7 | 8 => {
                let x = self.float();
                let y = self.other(x);
                let function = self.random.pick(&[Binary::Max, Binary::Min, Binary::Rem]);
                let y = if function == Binary::Rem { self.above_one(y) } else { y };
                self.builder.binary(function, x, y)
            }
            9 => self.random_compare(),
            10 | 11 => {
                let (looked_at, then) = (self.float(), self.float());
                let condition = self.random_compare();
                let is_same = self.builder.shape(condition) == self.builder.shape(then);
                let condition = if is_same { condition } else { self.above_zero(looked_at, then) };
                let otherwise = self.other(then);
                self.builder.select(condition, then, otherwise)
            }
            12 => {
                let (operand, element) = (self.any(), self.element());
                self.builder.convert(element, operand)
            }
            _ => self.movement(),
        };
        self.keep(node);
    }

    /// Whether the sum of a tensor is above zero, in every place of the shape of `like`.
    fn above_zero(&mut self, x: NodeId, like: NodeId) -> NodeId {
        let axes: Vec<usize> = (0..self.ty_of(x).rank()).collect();
        let sum = self.builder.reduce(Combine::Add, x, &axes);
        let zero = self.builder.number(Element::F64, 0.0);
        let holds = self.builder.compare(Comparison::Gt, sum, zero);
        let shape = self.builder.shape(like);
        self.builder.broadcast(holds, &shape, &[])
    }

    /// Any `f64`, or something as one.
    fn float(&mut self) -> NodeId {
        self.any_of(|ty| ty.element == Element::F64, Element::F64)
    }

    /// `number` in every place of the shape of `like`.
    fn constant_like(&mut self, number: f64, like: NodeId) -> NodeId {
        let shape = self.builder.shape(like);
        self.builder.splat(Scalar::from_f64(Element::F64, number), &shape)
    }

    /// 1 + x².
    fn above_one(&mut self, x: NodeId) -> NodeId {
        let square = self.builder.binary(Binary::Mul, x, x);
        let one = self.constant_like(1.0, x);
        self.builder.binary(Binary::Add, one, square)
    }

    /// tanh(x) / 2.
    fn below_half(&mut self, x: NodeId) -> NodeId {
        let squashed = self.builder.unary(Unary::Tanh, x);
        let half = self.constant_like(0.5, x);
        self.builder.binary(Binary::Mul, squashed, half)
    }

    fn smooth_unary(&mut self) -> NodeId {
        let x = self.float();
        let function = self.random.pick(Unary::ALL);
        let inside = match function {
            // Not smooth, or not of floats.
            Unary::Abs
            | Unary::Sign
            | Unary::Not
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::StopGrad => {
                return self.builder.unary(Unary::Atan, x);
            }
            Unary::Sqrt | Unary::Rsqrt | Unary::Cbrt | Unary::Log | Unary::Log2 | Unary::Log1p => {
                self.above_one(x)
            }
            Unary::Exp
            | Unary::Exp2
            | Unary::Expm1
            | Unary::Tan
            | Unary::Asin
            | Unary::ErfInv
            | Unary::Acos
            | Unary::Sinh
            | Unary::Cosh => self.below_half(x),
            Unary::Neg
            | Unary::Sin
            | Unary::Cos
            | Unary::Atan
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Erf => x,
        };
        self.builder.unary(function, inside)
    }

    fn smooth_binary(&mut self) -> NodeId {
        let x = self.float();
        let y = self.other(x);
        match self.random.below(6) {
            0 => self.builder.binary(Binary::Add, x, y),
            1 => self.builder.binary(Binary::Sub, x, y),
            2 => self.builder.binary(Binary::Mul, x, y),
            3 => {
                let divisor = self.above_one(y);
                self.builder.binary(Binary::Div, x, divisor)
            }
            4 => {
                let (base, exponent) = (self.above_one(x), self.below_half(y));
                self.builder.binary(Binary::Pow, base, exponent)
            }
            _ => {
                let right = self.above_one(x);
                self.builder.binary(Binary::Atan2, y, right)
            }
        }
    }

    /// A choice between two tensors that does not depend on their values.
    fn masked(&mut self) -> NodeId {
        let then = self.any();
        let otherwise = self.other(then);
        let shape = self.builder.shape(then);
        if shape.is_empty() {
            return self.builder.binary(Binary::Add, then, otherwise);
        }
        let axis = self.random.below(shape.len());
        let position = self.builder.iota(&shape, axis);
        let end = Scalar::from_i64(Element::I64, self.random.between(0, 3));
        let end = self.builder.splat(end, &shape);
        let condition = self.builder.compare(Comparison::Lt, position, end);
        self.builder.select(condition, then, otherwise)
    }

    /// At most four results: what is not used yet, of which the last is most.
    pub(super) fn finish_floats(self) -> Case {
        let is_float = |node: &&NodeId| self.builder.ty(**node).element == Element::F64;
        let uses = self.builder.graph().uses();
        let floats: Vec<NodeId> = self.pool.iter().rev().filter(is_float).copied().collect();
        let unused = floats.iter().copied().filter(|node| uses[*node] == 0);
        let mut nodes: Vec<NodeId> = unused.take(4).collect();
        if nodes.is_empty() {
            nodes.extend(floats.first());
        }
        let results = nodes.into_iter().map(|node| Output { node, updates: None }).collect();
        Case { graph: self.builder.finish(results), arguments: self.arguments }
    }

    /// The sum of the squashed sums of everything that is not used yet.
    pub(super) fn finish_smooth(mut self) -> Case {
        let uses = self.builder.graph().uses();
        let mut leaves: Vec<NodeId> =
            self.pool.iter().copied().filter(|node| uses[*node] == 0).collect();
        leaves.retain(|node| self.builder.ty(*node).element == Element::F64);
        let mut sum = self.builder.number(Element::F64, 0.0);
        for leaf in leaves {
            let squashed = self.builder.unary(Unary::Tanh, leaf);
            let axes: Vec<usize> = (0..self.ty_of(leaf).rank()).collect();
            let ty = self.ty_of(leaf);
            let op = Op::Reduce { combine: Combine::Add, axes };
            let total = self.builder.apply(op, &[squashed], ty);
            sum = self.builder.binary(Binary::Add, sum, total);
        }
        let result = Output { node: sum, updates: None };
        Case { graph: self.builder.finish(vec![result]), arguments: self.arguments }
    }
}
