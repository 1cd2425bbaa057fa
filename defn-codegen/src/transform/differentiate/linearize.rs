//! Tangents: how each node moves when the parameters move.
//!
//! In:  a first-order graph.   Out: the same graph, and behind its nodes the nodes of the tangents of the results that are asked for.
//!
//! ```text
//! before                             after
//! graph f(x: f32, y: f32) -> f32 {   graph f(x: f32, y: f32, d_x: f32) -> f32 {
//!   %0: f32 = mul x, y                 %0: f32 = mul x, y
//!   %1: f32 = sin %0                   %1: f32 = sin %0
//!   return %1                          %2: f32 = mul d_x, y
//! }                                    %3: f32 = cos %0
//!                                      %4: f32 = mul %2, %3     the tangent of %1
//!                                      return %1
//!                                    }
//! ```
//!
//! Each parameter that is looked at gets a tangent parameter behind all others.
//! A node that does not move (see [`moves`](mod@super::moves)) has no tangent: `None` is zero.
//! What runs bodies becomes two nodes: [`repeat`](mod@super::repeat) and [`branch`](mod@super::branch) split it; or one that carries both, in
//! [`forward`](mod@super::forward).
//! Afterwards: a tangent node is linear in the tangents among its operands, and applies only what [`transpose`](mod@super::transpose)
//! has a rule for.
//!
//! Formulas: `x`, `y` are operands, `z` is the result, a `d` in front means the tangent.

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::bug;
use crate::graph::{Binary, Combine, Comparison, Graph, Node, NodeId, Op, Times, Unary};

use super::moves::{Flags, moves};
use super::slopes::{
    bell, one_minus_square, one_plus, one_plus_square, over_radius, power_in_base,
    power_in_exponent, scaled, winner,
};
use super::{
    Draft, Mode, body, branch, checkpoint, custom, forward, implicit, repeat, scan, segments,
    unbounded,
};

/// A graph with its tangents.
pub(super) struct Linearized {
    /// The graph.
    pub(super) draft: Draft,
    /// For each parameter that is looked at and used: the tangent parameter.
    pub(super) inputs: BTreeMap<usize, NodeId>,
    /// The values of the results.
    pub(super) values: Vec<NodeId>,
    /// The tangents of the results.
    pub(super) tangents: Vec<Option<NodeId>>,
}

/// `graph` with the tangents of the results `wanted`, for moving parameters `moving`.
pub(super) fn linearize(graph: &Graph, moving: &[bool], wanted: &[bool], mode: Mode) -> Linearized {
    if mode == Mode::Apart
        && let Some(other) = segments::segmented(graph, &moves(graph, moving, wanted))
    {
        return linearize(&other, moving, wanted, mode);
    }
    let mut linearization = Linearization {
        draft: Draft::new(graph),
        moves: moves(graph, moving, wanted),
        values: SideTable::new(&graph.nodes, Vec::new()),
        tangents: SideTable::new(&graph.nodes, Vec::new()),
        waiting: BTreeMap::new(),
        inputs: BTreeMap::new(),
    };
    for (id, node) in graph.nodes.iter() {
        linearization.value(id, node, mode);
        if mode == Mode::Together {
            linearization.tangent(graph, id, node, mode);
        }
    }
    if mode == Mode::Apart {
        for (id, node) in graph.nodes.iter() {
            linearization.tangent(graph, id, node, mode);
        }
    }
    let results = graph.results.iter().map(|result| result.node);
    Linearized {
        values: results.clone().map(|result| linearization.values[result][0]).collect(),
        tangents: results.map(|result| linearization.tangents[result][0]).collect(),
        draft: linearization.draft,
        inputs: linearization.inputs,
    }
}

/// The linear part of a node that runs bodies, which waits for the tangents of its operands.
pub(super) struct Linear {
    /// What runs.
    pub(super) op: Op,
    /// What it is applied to.
    pub(super) operands: Vec<Operand>,
    /// For each result of the node, which result of the linear part is its tangent.
    pub(super) results: Vec<Option<usize>>,
}

/// An operand of a linear part.
pub(super) enum Operand {
    /// The tangent of an operand of the node.
    Tangent(usize),
    /// A value.
    Value(NodeId),
}

/// What moves of a node that runs bodies.
pub(super) struct Moving {
    /// For each operand.
    pub(super) operands: Vec<bool>,
    /// For each result.
    pub(super) results: Vec<bool>,
}

/// What has to multiply the tangent of an operand.
enum Slope {
    /// It is constant almost everywhere.
    Zero,
    /// dz = −dx
    Minus,
    /// dz = dx · f
    Times(NodeId),
    /// dz = dx / f
    Over(NodeId),
}

struct Linearization {
    draft: Draft,
    moves: Flags,
    values: SideTable<Node, Vec<NodeId>>,
    tangents: SideTable<Node, Vec<Option<NodeId>>>,
    waiting: BTreeMap<NodeId, Linear>,
    inputs: BTreeMap<usize, NodeId>,
}

impl Linearization {
    /// Copies a node; of what runs bodies that move, what becomes of it depends on the mode.
    fn value(&mut self, id: NodeId, node: &Node, mode: Mode) {
        if !node.op.is_control() || !self.moves[id].contains(&true) {
            self.values[id] = body::apply(&mut self.draft.builder, node, &self.values);
            return;
        }
        self.draft.builder.set_origin(node.origin);
        let operands: Vec<NodeId> =
            node.operands.iter().map(|operand| self.values[*operand][0]).collect();
        let moving = Moving {
            operands: node.operands.iter().map(|operand| self.moves[*operand][0]).collect(),
            results: self.moves[id].clone(),
        };
        let draft = &mut self.draft;
        if mode == Mode::Together {
            let pairs = node.operands.iter().zip(&moving.operands);
            let tangents: Vec<Option<NodeId>> = pairs
                .map(|(operand, moves)| moves.then(|| self.tangents[*operand][0]).flatten())
                .collect();
            let found = forward::together(draft, &node.op, &operands, &tangents, &moving);
            (self.values[id], self.tangents[id]) = found;
            return;
        }
        let (values, linear) = if let Op::Repeat(repeat) = &node.op {
            match repeat.times {
                Times::Extent(_) if checkpoint::keeps_inputs(repeat) => {
                    checkpoint::split(draft, repeat, &operands, &moving)
                }
                Times::Extent(_) => repeat::split(draft, repeat, &operands, &moving),
                Times::While(_) => unbounded::split(draft, repeat, &operands, &moving),
            }
        } else if let Op::Branch(branch) = &node.op {
            branch::split(draft, branch, &operands, &moving)
        } else {
            bug!("transform", "{:?} runs no bodies", node.op)
        };
        self.values[id] = values;
        self.waiting.insert(id, linear);
    }

    /// The tangents of a node, behind all values.
    fn tangent(&mut self, graph: &Graph, id: NodeId, node: &Node, mode: Mode) {
        if !self.tangents[id].is_empty() {
            return;
        }
        self.draft.builder.set_origin(node.origin);
        self.tangents[id] = if !self.moves[id].contains(&true) {
            vec![None; node.types.len()]
        } else if let Op::Parameter(parameter) = &node.op {
            vec![Some(self.input(graph, *parameter))]
        } else if let Op::Project(position) = &node.op {
            vec![self.tangents[node.operands[0]][*position]]
        } else if node.op.is_control() {
            self.linear_part(id, node)
        } else if let Op::Call { .. } = node.op {
            self.by_rule(id, node, mode)
        } else {
            vec![self.node(id, node)]
        };
    }

    /// The tangent of a parameter.
    fn input(&mut self, graph: &Graph, parameter: usize) -> NodeId {
        let declared = &graph.parameters[parameter];
        let input = self.draft.parameter(&format!("d_{}", declared.name), declared.ty.clone());
        self.inputs.insert(parameter, input);
        input
    }

    /// Runs the linear part of a node that runs bodies.
    fn linear_part(&mut self, id: NodeId, node: &Node) -> Vec<Option<NodeId>> {
        let Some(Linear { op, operands, results }) = self.waiting.remove(&id) else {
            bug!("transform", "a loop without a linear part")
        };
        let operands: Vec<NodeId> = operands
            .into_iter()
            .map(|operand| match operand {
                Operand::Value(node) => node,
                Operand::Tangent(position) => {
                    let operand = node.operands[position];
                    self.draft.or_zero(self.tangents[operand][0], self.values[operand][0])
                }
            })
            .collect();
        let tangents = self.draft.builder.control(op, &operands);
        results.into_iter().map(|result| result.map(|result| tangents[result])).collect()
    }

    /// The tangents of a function with rules.
    fn by_rule(&mut self, id: NodeId, node: &Node, mode: Mode) -> Vec<Option<NodeId>> {
        let operands = &node.operands;
        let tangents: Vec<_> = operands.iter().map(|it| self.tangents[*it][0]).collect();
        let arguments: Vec<NodeId> = operands.iter().map(|it| self.values[*it][0]).collect();
        custom::tangents(&mut self.draft, node, (&arguments, &self.values[id]), &tangents, mode)
    }

    /// The tangent of a node with one result.
    fn node(&mut self, id: NodeId, node: &Node) -> Option<NodeId> {
        let operands = node.operands.iter();
        let tangents: Vec<_> = operands.clone().map(|operand| self.tangents[*operand][0]).collect();
        if tangents.iter().all(Option::is_none) {
            return None;
        }
        let operands: Vec<NodeId> = operands.map(|operand| self.values[*operand][0]).collect();
        self.rule(node, &operands, self.values[id][0], &tangents)
    }

    /// The rule of each primitive.
    fn rule(
        &mut self,
        node: &Node,
        operands: &[NodeId],
        z: NodeId,
        tangents: &[Option<NodeId>],
    ) -> Option<NodeId> {
        let builder = &mut self.draft.builder;
        match &node.op {
            // Linear in their operands: the same primitive, applied to the tangents.
            Op::Convert
            | Op::Broadcast { .. }
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Slice { .. }
            | Op::Reverse { .. }
            | Op::Window(_)
            | Op::OverlapAdd(_)
            | Op::Reduce { combine: Combine::Add, .. } => {
                Some(builder.apply(node.op.clone(), &[tangents[0]?], node.types[0].clone()))
            }
            Op::Pad { .. } | Op::Concat { .. } => Some(self.same_op(node, operands, tangents)),
            Op::Take { batch } => Some(builder.take(tangents[0]?, operands[1], *batch)),
            Op::AddAt { batch } => self.added(*batch, operands, tangents),
            Op::Select => {
                let then = self.draft.or_zero(tangents[1], operands[1]);
                let otherwise = self.draft.or_zero(tangents[2], operands[2]);
                Some(self.draft.select(operands[0], then, otherwise))
            }

            Op::Contract { batch, contracted } => {
                self.contraction([*batch, *contracted], operands, tangents)
            }
            Op::Reduce { combine: Combine::Mul, axes } => {
                let others = self.product_of_others(operands[0], z, axes);
                let moved = self.draft.mul(tangents[0]?, others);
                Some(self.draft.sum(moved, axes))
            }
            Op::Reduce { combine: Combine::Max | Combine::Min, axes } => {
                Some(self.extreme(operands[0], z, axes, tangents[0]?))
            }
            Op::Scan { combine, axis, reverse } => {
                let along = (*axis, *reverse);
                Some(scan::scan(&mut self.draft, *combine, [operands[0], z], along, tangents[0]?))
            }
            Op::Sort { axis, descending } => {
                Some(scan::sort(&mut self.draft, operands[0], (*axis, *descending), tangents[0]?))
            }
            Op::Unary(unary) => {
                let slope = self.unary(*unary, operands[0], z);
                self.along(tangents[0], slope)
            }
            Op::Binary(binary) => {
                self.binary(*binary, [operands[0], operands[1], z], [tangents[0], tangents[1]])
            }

            Op::Implicit(equation) => {
                implicit::solution(&mut self.draft, *equation, (operands, z), tangents)
            }

            // Without floats among the operands, or with a result that is none.
            Op::Parameter(_)
            | Op::Constant(_)
            | Op::Extent(_)
            | Op::Iota { .. }
            | Op::Argsort { .. }
            | Op::Compare(_) => None,
            Op::Call { .. } | Op::Repeat(_) | Op::Branch(_) | Op::Inspect(_) | Op::Project(_) => {
                bug!("transform", "{:?} has several results", node.op)
            }
        }
    }

    /// x is passed on, so that its tangent needs no scatter of zeros.
    fn added(
        &mut self,
        batch: usize,
        operands: &[NodeId],
        tangents: &[Option<NodeId>],
    ) -> Option<NodeId> {
        let Some(dy) = tangents[2] else { return tangents[0] };
        let dx = self.draft.or_zero(tangents[0], operands[0]);
        Some(self.draft.builder.add_at(dx, operands[1], dy, batch))
    }

    /// d(x · y) = dx · y + x · dy
    fn contraction(
        &mut self,
        [batch, contracted]: [usize; 2],
        operands: &[NodeId],
        tangents: &[Option<NodeId>],
    ) -> Option<NodeId> {
        let builder = &mut self.draft.builder;
        let (x, y) = (operands[0], operands[1]);
        let dx = tangents[0].map(|dx| builder.contract(dx, y, batch, contracted));
        let dy = tangents[1].map(|dy| builder.contract(x, dy, batch, contracted));
        self.sum(dx, dy)
    }

    fn same_op(&mut self, node: &Node, operands: &[NodeId], tangents: &[Option<NodeId>]) -> NodeId {
        let pairs = tangents.iter().zip(operands);
        let operands: Vec<NodeId> =
            pairs.map(|(tangent, operand)| self.draft.or_zero(*tangent, *operand)).collect();
        self.draft.builder.apply(node.op.clone(), &operands, node.types[0].clone())
    }

    fn sum(&mut self, left: Option<NodeId>, right: Option<NodeId>) -> Option<NodeId> {
        match (left, right) {
            (Some(left), Some(right)) => Some(self.draft.add(left, right)),
            (one, other) => one.or(other),
        }
    }

    fn along(&mut self, tangent: Option<NodeId>, slope: Slope) -> Option<NodeId> {
        match slope {
            Slope::Zero => None,
            Slope::Minus => Some(self.draft.neg(tangent?)),
            Slope::Times(factor) => Some(self.draft.mul(tangent?, factor)),
            Slope::Over(divisor) => Some(self.draft.div(tangent?, divisor)),
        }
    }

    /// The derivative of z = f(x).
    fn unary(&mut self, unary: Unary, x: NodeId, z: NodeId) -> Slope {
        let draft = &mut self.draft;
        match unary {
            Unary::Neg => Slope::Minus,
            Unary::Abs => Slope::Times(draft.unary(Unary::Sign, x)),
            Unary::Sign
            | Unary::Not
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::StopGrad => Slope::Zero,
            // 1 / (2√x)
            Unary::Sqrt => Slope::Over(draft.add(z, z)),
            // −½ z³
            Unary::Rsqrt => {
                let half = draft.number(-0.5, x);
                let square = draft.mul(z, z);
                let cube = draft.mul(square, z);
                Slope::Times(draft.mul(half, cube))
            }
            // 1 / (3z²)
            Unary::Cbrt => {
                let square = draft.mul(z, z);
                Slope::Over(scaled(draft, 3.0, square))
            }
            Unary::Exp => Slope::Times(z),
            Unary::Exp2 => Slope::Times(scaled(draft, std::f64::consts::LN_2, z)),
            Unary::Expm1 => Slope::Times(one_plus(draft, z)),
            Unary::Log => Slope::Over(x),
            Unary::Log2 => Slope::Over(scaled(draft, std::f64::consts::LN_2, x)),
            Unary::Log1p => Slope::Over(one_plus(draft, x)),
            Unary::Sin => Slope::Times(draft.unary(Unary::Cos, x)),
            Unary::Cos => {
                let sin = draft.unary(Unary::Sin, x);
                Slope::Times(draft.neg(sin))
            }
            Unary::Tan => Slope::Times(one_plus_square(draft, z)),
            // 1 / √(1 − x²)
            Unary::Asin => {
                let rest = one_minus_square(draft, x);
                Slope::Over(draft.unary(Unary::Sqrt, rest))
            }
            Unary::Acos => {
                let rest = one_minus_square(draft, x);
                let root = draft.unary(Unary::Sqrt, rest);
                Slope::Over(draft.neg(root))
            }
            Unary::Atan => Slope::Over(one_plus_square(draft, x)),
            Unary::Sinh => Slope::Times(draft.unary(Unary::Cosh, x)),
            Unary::Cosh => Slope::Times(draft.unary(Unary::Sinh, x)),
            Unary::Tanh => Slope::Times(one_minus_square(draft, z)),
            // z (1 − z)
            Unary::Sigmoid => {
                let one = draft.number(1.0, z);
                let rest = draft.sub(one, z);
                Slope::Times(draft.mul(z, rest))
            }
            Unary::Erf => Slope::Times(bell(draft, x)),
            // The slope of erf at z is the one that x would divide by.
            Unary::ErfInv => Slope::Over(bell(draft, z)),
        }
    }

    /// The tangent of z = f(x, y).
    fn binary(
        &mut self,
        binary: Binary,
        [x, y, z]: [NodeId; 3],
        [dx, dy]: [Option<NodeId>; 2],
    ) -> Option<NodeId> {
        let draft = &mut self.draft;
        let (from_x, from_y) = match binary {
            Binary::Add => (dx, dy),
            Binary::Sub => (dx, dy.map(|dy| draft.neg(dy))),
            Binary::Mul => (dx.map(|dx| draft.mul(dx, y)), dy.map(|dy| draft.mul(x, dy))),
            // dx / y − dy · z / y
            Binary::Div => {
                let from_x = dx.map(|dx| draft.div(dx, y));
                let from_y = dy.map(|dy| {
                    let slope = draft.div(z, y);
                    let moved = draft.mul(dy, slope);
                    draft.neg(moved)
                });
                (from_x, from_y)
            }
            // x − trunc(x / y) · y. The quotient is recovered from the remainder: x / y itself may round up to a whole number.
            Binary::Rem => {
                let from_y = dy.map(|dy| {
                    let whole = draft.sub(x, z);
                    let quotient = draft.div(whole, y);
                    let quotient = draft.unary(Unary::Round, quotient);
                    let moved = draft.mul(dy, quotient);
                    draft.neg(moved)
                });
                (dx, from_y)
            }
            Binary::Pow => (
                dx.map(|dx| power_in_base(draft, x, y, dx)),
                dy.map(|dy| power_in_exponent(draft, [x, z], dy)),
            ),
            // (dx · y − dy · x) / (x² + y²)
            Binary::Atan2 => (
                dx.map(|dx| over_radius(draft, [x, y], y, dx)),
                dy.map(|dy| {
                    let moved = over_radius(draft, [x, y], x, dy);
                    draft.neg(moved)
                }),
            ),
            Binary::Max => (
                dx.map(|dx| winner(draft, Comparison::Gt, [x, y], dx)),
                dy.map(|dy| winner(draft, Comparison::Gt, [y, x], dy)),
            ),
            Binary::Min => (
                dx.map(|dx| winner(draft, Comparison::Lt, [x, y], dx)),
                dy.map(|dy| winner(draft, Comparison::Lt, [y, x], dy)),
            ),
            Binary::And | Binary::Or | Binary::Xor | Binary::ShiftLeft | Binary::ShiftRight => {
                (None, None)
            }
        };
        self.sum(from_x, from_y)
    }

    /// The tangent of z = max x: the mean of the tangents of all elements that are the largest.
    /// The count is at least one in the division, so that an empty maximum does not move instead of being 0 / 0.
    fn extreme(&mut self, x: NodeId, z: NodeId, axes: &[usize], dx: NodeId) -> NodeId {
        let draft = &mut self.draft;
        let element = draft.ty(z).element;
        let extreme = draft.repeat(z, axes, x);
        let chosen = draft.compare(Comparison::Eq, x, extreme);
        let ones = draft.builder.convert(element, chosen);
        let count = draft.sum(ones, axes);
        let one = draft.number(1.0, count);
        let count = draft.builder.binary(Binary::Max, count, one);
        let nothing = draft.number(0.0, x);
        let moved = draft.select(chosen, dx, nothing);
        let moved = draft.sum(moved, axes);
        draft.div(moved, count)
    }

    /// For z = product x: at each place the product of all other elements. See Note [Products with zeros].
    fn product_of_others(&mut self, x: NodeId, z: NodeId, axes: &[usize]) -> NodeId {
        let draft = &mut self.draft;
        let element = draft.ty(x).element;
        let (zero, one) = (draft.number(0.0, x), draft.number(1.0, x));
        let is_zero = draft.compare(Comparison::Eq, x, zero);
        let nonzero = draft.select(is_zero, one, x);

        let ones = draft.builder.convert(element, is_zero);
        let zeros = draft.sum(ones, axes);
        let zeros = draft.repeat(zeros, axes, x);
        let rest = draft.builder.reduce(Combine::Mul, nonzero, axes);
        let rest = draft.repeat(rest, axes, x);
        let only_zeros = draft.select(is_zero, x, zero);
        let sum = draft.sum(only_zeros, axes);
        let sum = draft.repeat(sum, axes, x);

        let two = draft.number(2.0, x);
        let alone = draft.compare(Comparison::Eq, zeros, one);
        let paired = draft.compare(Comparison::Eq, zeros, two);
        let partner = draft.sub(sum, x);
        let beside_partner = draft.mul(rest, partner);
        let at_zero = draft.select(paired, beside_partner, zero);
        let at_zero = draft.select(alone, rest, at_zero);
        let product = draft.repeat(z, axes, x);
        let elsewhere = draft.div(product, nonzero);
        draft.select(is_zero, at_zero, elsewhere)
    }
}

// Note [Products with zeros]
//
// The slope of a product along one element is the product of all others, and that must be right where elements are zero, in value
// and in its own derivatives. Dividing the product z by x is right wherever x ≠ 0: if another element is zero, z is zero, and z
// carries the right derivative. Where x = 0, let `rest` be the product of all elements that are not zero.
// If x is the only zero, the others multiply to `rest`. If there is exactly one other zero, they multiply to `rest` times that one,
// which is the sum of all zeros less x: it has the value 0, but the slope `rest` along the partner. With more zeros the value and
// the first derivative of the slope are 0. So derivatives of the product are right up to the second order everywhere, and of every
// order where fewer than three elements are zero. The divisor is 1 where it is not used, so that no 0 / 0 spoils what is not chosen.
