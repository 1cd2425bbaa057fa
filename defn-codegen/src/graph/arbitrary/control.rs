//! Random bodies that run again and again, or perhaps never.
//!
//! ```text
//! before                 after
//! pool: x, y             %0: (f64[3], f64[n]) = repeat x, y times=n state=1 sequences=0 { graph body(..) .. }
//!                        %1: f64[3] = project %0 index=0
//!                        %2: f64[n] = project %0 index=1
//!                        pool: x, y, %1, %2
//! ```
//!
//! A body is made like a graph, over the symbols and the extents of the one around it, with arguments that only look random.
//! The next state is squashed, so that it stays in reason however often the body runs.

use super::Random;
use super::generator::{Generator, MOST_ELEMENTS, Mood};
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Branch, Combine, Comparison, Dim, Element, Graph, Keep, NodeId, Op, Output, Parameter,
    Repeat, Scalar, TensorType, Times, Unary,
};

/// Bodies in bodies in bodies are not made.
const DEEPEST: usize = 2;

impl Generator {
    /// Adds a random node that runs bodies, and its projections.
    pub(super) fn control_step(&mut self) {
        let results = match self.random.below(10) {
            0..=4 => self.repeated(),
            5 => self.checkpoint(),
            6 => self.unbounded(),
            _ => self.branched(),
        };
        self.evaluate();
        results.into_iter().for_each(|result| self.keep(result));
    }

    /// A loop that runs while the position is below an extent and below a number, and perhaps while something else holds.
    fn unbounded(&mut self) -> Vec<NodeId> {
        let state: Vec<NodeId> = (0..1 + self.random.below(2)).map(|_| self.any()).collect();
        let rest: Vec<NodeId> = (0..self.random.below(3)).map(|_| self.any()).collect();
        let mut body = self.inner("body");
        let position = body.parameter(TensorType::scalar(Element::I64));
        body.keep(position);
        let carried: Vec<NodeId> =
            state.iter().map(|node| body.parameter(self.ty_of(*node))).collect();
        for node in &rest {
            let parameter = body.parameter(self.ty_of(*node));
            body.keep(parameter);
        }
        carried.iter().for_each(|node| body.keep(*node));
        body.steps();
        let results: Vec<NodeId> = carried.iter().map(|node| body.next_state(*node)).collect();
        let (body, more) = self.leave(body, results, 1 + state.len() + rest.len());

        let mut condition = self.inner("condition");
        let types: Vec<TensorType> =
            body.parameters.iter().map(|parameter| parameter.ty.clone()).collect();
        let parameters: Vec<NodeId> = types.into_iter().map(|ty| condition.parameter(ty)).collect();
        let limits = [self.extent(), Dim::from(6)].map(|end| {
            let end = condition.builder.extent(end);
            condition.builder.compare(Comparison::Lt, parameters[0], end)
        });
        let mut holds = condition.builder.binary(Binary::And, limits[0], limits[1]);
        let looks_at_floats = self.mood == Mood::Kinked;
        let exact: Vec<NodeId> = parameters[1..]
            .iter()
            .copied()
            .filter(|it| looks_at_floats || !condition.ty_of(*it).element.is_float())
            .collect();
        if self.mood != Mood::Smooth && !exact.is_empty() {
            let looked_at = self.random.pick(&exact);
            let more = condition.largest_is_positive(looked_at);
            holds = condition.builder.binary(Binary::And, holds, more);
        }
        let (condition, _) = self.leave(condition, vec![holds], parameters.len());
        let repeat = Repeat {
            times: Times::While(condition),
            state: state.len(),
            sequences: 0,
            reverse: false,
            keep: Keep::Residuals,
            body,
        };
        let operands = [state, rest, more].concat();
        self.builder.control(Op::Repeat(Box::new(repeat)), &operands)
    }

    /// What a derivative keeps of a loop.
    fn kept_of_runs(&mut self) -> Keep {
        match self.random.below(6) {
            0 => Keep::Inputs { halvings: 2 },
            1 => Keep::Inputs { halvings: 1 },
            _ => Keep::Residuals,
        }
    }

    /// A body that runs once, and once more where it is differentiated.
    fn checkpoint(&mut self) -> Vec<NodeId> {
        let rest: Vec<NodeId> = (0..1 + self.random.below(3)).map(|_| self.any()).collect();
        let mut body = self.inner("body");
        let position = body.parameter(TensorType::scalar(Element::I64));
        body.keep(position);
        for node in &rest {
            let parameter = body.parameter(self.ty_of(*node));
            body.keep(parameter);
        }
        body.steps();
        let results = (0..1 + self.random.below(2)).map(|_| body.any()).collect();
        let (body, more) = self.leave(body, results, 1 + rest.len());
        let once = Repeat::once(body, Keep::Inputs { halvings: 1 });
        let collected = self.builder.control(Op::Repeat(Box::new(once)), &[rest, more].concat());
        let only = |node: NodeId| {
            let shape = self.builder.shape(node);
            self.builder.reshape(node, &shape[1..])
        };
        collected.into_iter().map(only).collect()
    }

    /// Whether an element is above zero, or `true`.
    fn largest_is_positive(&mut self, node: NodeId) -> NodeId {
        let TensorType { element, shape } = self.ty_of(node);
        let axes: Vec<usize> = (0..shape.len()).collect();
        let largest = self.builder.reduce(Combine::Max, node, &axes);
        let zero = self.builder.constant(Scalar::from_i64(element, 0));
        self.builder.compare(Comparison::Gt, largest, zero)
    }

    /// A loop over a state, sequences and others.
    fn repeated(&mut self) -> Vec<NodeId> {
        let extent = self.extent();
        let is_short = (0..=8).contains(&self.value(&extent));
        let extent = if is_short { extent } else { Dim::from(3) };
        let state: Vec<NodeId> = (0..1 + self.random.below(2)).map(|_| self.any()).collect();
        let sequences: Vec<NodeId> =
            (0..self.random.below(3)).map(|_| self.sequence(&extent)).collect();
        let rest: Vec<NodeId> = (0..self.random.below(3)).map(|_| self.any()).collect();

        let mut body = self.inner("body");
        let position = body.parameter(TensorType::scalar(Element::I64));
        body.keep(position);
        let carried: Vec<NodeId> =
            state.iter().map(|node| body.parameter(self.ty_of(*node))).collect();
        for sequence in &sequences {
            let ty = self.ty_of(*sequence);
            let element = body.parameter(TensorType::new(ty.element, ty.shape[1..].to_vec()));
            body.keep(element);
        }
        for node in &rest {
            let parameter = body.parameter(self.ty_of(*node));
            body.keep(parameter);
        }
        carried.iter().for_each(|node| body.keep(*node));
        body.steps();
        let mut results: Vec<NodeId> = Vec::new();
        for node in &carried {
            let next = body.next_state(*node);
            results.push(body.stored(*node, position, next));
        }
        for _ in 0..self.random.below(3) {
            let node = body.any();
            let size = body.size(&body.builder.shape(node)) * self.value(&extent);
            results.extend(Some(node).filter(|_| size <= MOST_ELEMENTS));
        }
        let known = 1 + state.len() + sequences.len() + rest.len();
        let (body, more) = self.leave(body, results, known);
        let repeat = Repeat {
            times: Times::Extent(extent),
            state: state.len(),
            sequences: sequences.len(),
            reverse: self.random.chance(30),
            keep: self.kept_of_runs(),
            body,
        };
        let operands = [state, sequences, rest, more].concat();
        self.builder.control(Op::Repeat(Box::new(repeat)), &operands)
    }

    /// One of two bodies; the condition of a smooth function does not depend on floats.
    fn branched(&mut self) -> Vec<NodeId> {
        let position = self.extent();
        let left = self.builder.extent(position);
        let right = self.builder.extent(Dim::from(self.random.between(0, 4)));
        let mut condition = self.builder.compare(Comparison::Lt, left, right);
        if self.mood != Mood::Smooth && self.random.chance(50) {
            condition = self.like(&TensorType::scalar(Element::Bool));
        }
        if self.mood == Mood::Kinked && self.random.chance(60) {
            let looked_at = self.any();
            condition = self.largest_is_positive(looked_at);
        }
        let operands: Vec<NodeId> = (0..1 + self.random.below(3)).map(|_| self.any()).collect();
        let side = |around: &mut Self, name: &str| {
            let mut body = around.inner(name);
            for node in &operands {
                let parameter = body.parameter(around.ty_of(*node));
                body.keep(parameter);
            }
            body.steps();
            body
        };
        let (mut then, mut otherwise) = (side(self, "then"), side(self, "otherwise"));
        let mut results = [Vec::new(), Vec::new()];
        for _ in 0..1 + self.random.below(2) {
            let node = then.any();
            results[0].push(node);
            results[1].push(otherwise.like(&then.ty_of(node)));
        }
        let [then_results, otherwise_results] = results;
        let known = operands.len();
        let (mut then, more_then) = self.leave(then, then_results, known);
        let (mut otherwise, more_otherwise) = self.leave(otherwise, otherwise_results, known);
        let added = |graph: &Graph| graph.parameters[known..].to_vec();
        let (behind_then, behind_otherwise) = (added(&then), added(&otherwise));
        declare(&mut then, known + behind_then.len(), behind_otherwise);
        declare(&mut otherwise, known, behind_then);
        let operands = [vec![condition], operands, more_then, more_otherwise].concat();
        self.builder.control(Op::Branch(Box::new(Branch { then, otherwise })), &operands)
    }

    /// A node whose first axis has this extent.
    fn sequence(&mut self, extent: &Dim) -> NodeId {
        let fits = |node: &&NodeId| self.builder.shape(**node).first() == Some(extent);
        let there: Vec<NodeId> = self.pool.iter().filter(fits).copied().collect();
        if !there.is_empty() {
            return self.random.pick(&there);
        }
        let mut shape = vec![extent.clone()];
        if self.random.chance(50) {
            shape.push(Dim::from(self.random.between(1, 3)));
        }
        let ty = TensorType::new(self.element(), shape);
        self.like(&ty)
    }

    /// A generator of a body, over the same symbols.
    fn inner(&mut self, name: &str) -> Self {
        let mut inner = Self::new(Random::new(self.random.bits()), self.mood);
        inner.builder = Builder::new(name);
        for symbol in &self.builder.graph().symbols {
            inner.builder.symbol(symbol);
        }
        inner.symbols = self.symbols.clone();
        inner.depth = self.depth + 1;
        inner
    }

    fn steps(&mut self) {
        for _ in 0..1 + self.random.below(4) {
            if self.depth < DEEPEST && self.random.chance(15) {
                self.control_step();
            } else {
                match self.mood {
                    Mood::Smooth => self.smooth_step(),
                    Mood::Kinked => self.kinked_step(),
                    Mood::Sane | Mood::Wild => self.step(),
                }
            }
        }
    }

    /// What follows on a state: of its type, and not far from zero.
    fn next_state(&mut self, state: NodeId) -> NodeId {
        let ty = self.ty_of(state);
        let node = self.like(&ty);
        if ty.element == Element::Bool {
            return node;
        }
        let sum = self.builder.binary(Binary::Add, state, node);
        let squashes = ty.element.is_float() && self.mood != Mood::Wild;
        let next = if squashes { self.builder.unary(Unary::Tanh, sum) } else { sum };
        self.evaluate();
        next
    }

    /// Sometimes the old state but for one position of an axis, as where a row is stored.
    fn stored(&mut self, state: NodeId, position: NodeId, next: NodeId) -> NodeId {
        let shape = self.builder.shape(state);
        if shape.is_empty() || !self.random.chance(30) {
            return next;
        }
        let axis = self.random.below(shape.len());
        let places = self.builder.iota(&shape, axis);
        let here = self.builder.broadcast(position, &shape, &[]);
        let is_here = self.builder.compare(Comparison::Eq, places, here);
        let stored = self.builder.select(is_here, next, state);
        self.evaluate();
        stored
    }

    /// The body with its results, and operands for the parameters that it declared beyond those that are known.
    fn leave(&mut self, body: Self, results: Vec<NodeId>, known: usize) -> (Graph, Vec<NodeId>) {
        for check in body.builder.graph().checks.clone() {
            self.builder.check(check);
        }
        let outputs = results.into_iter().map(|node| Output { node, updates: None }).collect();
        let mut graph = body.builder.finish(outputs);
        graph.checks.clear();
        let types: Vec<TensorType> =
            graph.parameters[known..].iter().map(|parameter| parameter.ty.clone()).collect();
        let operands = types.iter().map(|ty| self.like(ty)).collect();
        (graph, operands)
    }
}

/// Parameters that only the other side reads, from position `place` on.
fn declare(body: &mut Graph, place: usize, parameters: Vec<Parameter>) {
    let count = parameters.len();
    let ids = body.nodes.ids();
    for id in ids {
        if let Op::Parameter(position) = &mut body.nodes[id].op
            && *position >= place
        {
            *position += count;
        }
    }
    for (distance, mut parameter) in parameters.into_iter().enumerate() {
        parameter.name = format!("other{distance}");
        body.parameters.insert(place + distance, parameter);
    }
}
