//! What runs bodies, if some of its operands are mapped.
//!
//! ```text
//! before                                          after, with x mapped
//! %0: (f32) = repeat x, n state=1 times=while {   %0: (f32[map], bool[map]) = repeat x, running, n state=2 times=while {
//!   graph condition(i, s: f32, n) -> bool           graph condition(i, s, running, n) -> bool   any(running)
//!   graph body(i, s: f32, n) -> f32                 graph body(i, s, running, n)                s' = select running, body(i, s, n), s
//! }                                                      -> (f32[map], bool[map])               running & condition(i + 1, s', n)
//!                                                 }
//! ```
//!
//! A loop over an extent is one loop over mapped state. A loop whose condition is mapped runs until all are done, and what is done
//! stays as it is. Of a branch whose condition is mapped both sides run, and a select chooses; dear sides run in parts, see [`super::partition`].
//!
//! See Note [Elements that are not wanted].

use super::spread::{self, Spread, may_run_on, spread};
use super::{Draft, Value};
use crate::bug;
use crate::graph::{
    Binary, Branch, Combine, Element, Graph, NodeId, Op, Repeat, Scalar, TensorType, Times, Unary,
};

impl Draft {
    /// What runs bodies; one value for each result.
    pub(super) fn control(&mut self, op: &Op, operands: &[Value]) -> Vec<Value> {
        if let Op::Branch(branch) = op {
            return match operands[0].is_mapped {
                true if self.parts_pay(branch) => self.in_parts(branch, operands),
                true => self.both_sides(branch, operands),
                false => self.one_side(op, branch, operands),
            };
        }
        if let Op::Inspect(_) = op {
            // The host sees all elements at once.
            let nodes: Vec<NodeId> = operands.iter().map(|operand| operand.node).collect();
            return values(self.builder.control(op.clone(), &nodes), &[operands[0].is_mapped]);
        }
        let Op::Repeat(repeat) = op else { bug!("transform", "{op:?} runs no bodies") };
        let flags: Vec<bool> = operands.iter().map(|operand| operand.is_mapped).collect();
        let found = spread::repeated(repeat, &flags);
        match &repeat.times {
            Times::Extent(_) => self.counted(repeat, operands, &found),
            Times::While(condition) if found.condition => {
                self.until_all_are_done(repeat, condition, operands)
            }
            Times::While(condition) => self.together(repeat, condition, operands, &found),
        }
    }

    /// Both sides, and then a choice for each element.
    fn both_sides(&mut self, branch: &Branch, operands: &[Value]) -> Vec<Value> {
        let (condition, arguments) = (operands[0].node, &operands[1..]);
        let around = self.active;
        self.active = Some(self.both(around, condition));
        let then = self.walk(&branch.then, arguments);
        let other = self.builder.unary(Unary::Not, condition);
        self.active = Some(self.both(around, other));
        let otherwise = self.walk(&branch.otherwise, arguments);
        self.active = around;
        let pairs = then.into_iter().zip(otherwise);
        pairs.map(|(then, otherwise)| self.choose(condition, then, otherwise)).collect()
    }

    /// The branch as it is, with mapped bodies.
    pub(super) fn one_side(&mut self, op: &Op, branch: &Branch, operands: &[Value]) -> Vec<Value> {
        let flags: Vec<bool> = operands.iter().map(|operand| operand.is_mapped).collect();
        let results = spread::control(op, &flags);
        let mut nodes: Vec<NodeId> = operands.iter().map(|operand| operand.node).collect();
        let active = self.active.filter(|_| op.bodies().iter().any(|(_, body)| may_run_on(body)));
        nodes.extend(active);
        let side = |body: &Graph| self.body(body, (&flags[1..], &results), active.is_some());
        let (then, otherwise) = (side(&branch.then), side(&branch.otherwise));
        let found = self.builder.control(Op::Branch(Box::new(Branch { then, otherwise })), &nodes);
        values(found, &results)
    }

    /// A loop over an extent. Its sequences and what it collects have their own axis before the mapped one.
    fn counted(&mut self, repeat: &Repeat, operands: &[Value], found: &Spread) -> Vec<Value> {
        let sequences = repeat.state..repeat.state + repeat.sequences;
        let mut nodes = Vec::new();
        for (position, operand) in operands.iter().enumerate() {
            nodes.push(if !found.operands[position] {
                operand.node
            } else if sequences.contains(&position) {
                self.move_first(operand.node, 1)
            } else {
                self.mapped(*operand)
            });
        }
        let active = self.active.filter(|_| may_run_on(&repeat.body));
        nodes.extend(active);
        let flags = [&[false], found.operands.as_slice()].concat();
        let body = self.body(&repeat.body, (&flags, &found.results), active.is_some());
        let op = Op::Repeat(Box::new(Repeat { body, ..repeat.clone() }));
        let mut results = values(self.builder.control(op, &nodes), &found.results);
        for collected in results.iter_mut().skip(repeat.state).filter(|it| it.is_mapped) {
            collected.node = self.put_first(collected.node, 1);
        }
        results
    }

    /// A loop that ends for all elements at once.
    fn together(
        &mut self,
        repeat: &Repeat,
        condition: &Graph,
        operands: &[Value],
        found: &Spread,
    ) -> Vec<Value> {
        let mut nodes = Vec::new();
        for (operand, is_mapped) in operands.iter().zip(&found.operands) {
            nodes.push(if *is_mapped { self.mapped(*operand) } else { operand.node });
        }
        let flags = [&[false], found.operands.as_slice()].concat();
        let active = self.active;
        nodes.extend(active);
        let body = self.body(&repeat.body, (&flags, &found.results), active.is_some());
        let (mut inner, parameters) = self.begin(condition, &flags, active.is_some());
        let holds = inner.walk(condition, &parameters)[0].node;
        let holds = match inner.active {
            Some(active) => {
                let wanted = inner.builder.reduce(Combine::Max, active, &[0]);
                inner.builder.binary(Binary::And, holds, wanted)
            }
            None => holds,
        };
        let times = Times::While(inner.finish(vec![holds]));
        let op = Op::Repeat(Box::new(Repeat { times, body, ..repeat.clone() }));
        values(self.builder.control(op, &nodes), &found.results)
    }

    /// A loop that runs while some element does; the state of one that is done stays as it is.
    fn until_all_are_done(
        &mut self,
        repeat: &Repeat,
        condition: &Graph,
        operands: &[Value],
    ) -> Vec<Value> {
        let position = self.builder.constant(Scalar::from_i64(Element::I64, 0));
        let position = Value { node: position, is_mapped: false };
        let (state, rest) = operands.split_at(repeat.state);
        let state: Vec<Value> =
            state.iter().map(|it| Value { node: self.mapped(*it), is_mapped: true }).collect();
        let arguments = [&[position], state.as_slice(), rest].concat();
        let running = self.walk(condition, &arguments)[0];
        let running = self.mapped(running);
        let running = self.both(self.active, running);

        // Parameters: the position, the state, who is running, the rest.
        let known = 1 + repeat.state;
        let named = |declared: &Graph| -> Vec<(String, TensorType)> {
            let names = declared.parameters.iter().map(|parameter| parameter.name.clone());
            let types = arguments.iter().map(|value| self.builder.ty(value.node).clone());
            let mut all: Vec<_> = names.zip(types).collect();
            let ty = TensorType::new(Element::Bool, vec![self.extent.clone()]);
            all.insert(known, ("running".to_owned(), ty));
            all
        };
        let flags: Vec<bool> = arguments.iter().map(|value| value.is_mapped).collect();

        let (mut inner, nodes) = self.inner(&condition.name, named(condition));
        let some = inner.builder.reduce(Combine::Max, nodes[known], &[0]);
        let times = Times::While(inner.finish(vec![some]));

        let (mut inner, mut nodes) = self.inner(&repeat.body.name, named(&repeat.body));
        let runs = nodes.remove(known);
        inner.active = Some(runs);
        let mut parameters = values(nodes, &flags);
        let next = inner.walk(&repeat.body, &parameters);
        let mut results = Vec::new();
        for (next, before) in next.into_iter().zip(&mut parameters[1..]) {
            *before = inner.choose(runs, next, *before);
            results.push(before.node);
        }
        let one = inner.builder.constant(Scalar::from_i64(Element::I64, 1));
        parameters[0].node = inner.builder.binary(Binary::Add, parameters[0].node, one);
        let goes_on = inner.walk(condition, &parameters)[0];
        let goes_on = inner.mapped(goes_on);
        results.push(inner.both(Some(runs), goes_on));
        let body = inner.finish(results);

        let nodes: Vec<NodeId> = state.iter().chain(rest).map(|value| value.node).collect();
        let (state, rest) = nodes.split_at(repeat.state);
        let nodes = [state, &[running], rest].concat();
        let op = Repeat { times, state: repeat.state + 1, body, ..repeat.clone() };
        let mut found = self.builder.control(Op::Repeat(Box::new(op)), &nodes);
        found.truncate(repeat.state);
        values(found, &vec![true; repeat.state])
    }

    /// A body with mapped parameters and results, and one more parameter if it must know which elements are wanted.
    fn body(&self, body: &Graph, (parameters, results): (&[bool], &[bool]), masks: bool) -> Graph {
        let (mut inner, arguments) = self.begin(body, parameters, masks);
        let found = inner.walk(body, &arguments);
        debug_assert!(
            spread(body, parameters).iter().zip(&found).all(|(flag, it)| *flag == it.is_mapped),
            "what is mapped was foreseen"
        );
        let mut nodes = Vec::new();
        for (value, is_mapped) in found.into_iter().zip(results) {
            nodes.push(if *is_mapped { inner.mapped(value) } else { value.node });
        }
        inner.finish(nodes)
    }

    /// A graph with the parameters of a body.
    fn begin(&self, body: &Graph, is_mapped: &[bool], masks: bool) -> (Self, Vec<Value>) {
        let mut parameters = Vec::new();
        for (parameter, is_mapped) in body.parameters.iter().zip(is_mapped) {
            let ty = &parameter.ty;
            let ty = if *is_mapped { self.mapped_type(ty) } else { ty.clone() };
            parameters.push((parameter.name.clone(), ty));
        }
        if masks {
            let ty = TensorType::new(Element::Bool, vec![self.extent.clone()]);
            parameters.push(("active".to_owned(), ty));
        }
        let (mut inner, nodes) = self.inner(&body.name, parameters);
        inner.active = nodes.last().copied().filter(|_| masks);
        (inner, values(nodes, is_mapped))
    }

    /// A call of what may run for ever on an element that is not wanted: such an element gets the arguments of one that is.
    /// If none is, nothing is called.
    pub(super) fn where_wanted(
        &mut self,
        call: Op,
        operands: &[Value],
        types: Vec<TensorType>,
    ) -> Vec<NodeId> {
        let Op::Call { callee, symbols } = call else {
            bug!("transform", "{call:?} calls nothing")
        };
        let nodes: Vec<NodeId> = operands.iter().map(|operand| operand.node).collect();
        let Some(active) = self.active else {
            return self.builder.call(callee, symbols, &nodes, types);
        };
        let b = &mut self.builder;
        let positions = b.iota(std::slice::from_ref(&self.extent), 0);
        let first = b.splat(Scalar::from_i64(Element::I64, 0), std::slice::from_ref(&self.extent));
        let wanted = b.select(active, positions, first);
        let wanted = b.reduce(Combine::Max, wanted, &[0]);
        let any = b.reduce(Combine::Max, active, &[0]);
        let mut given = vec![any];
        for operand in operands {
            given.push(if operand.is_mapped {
                let shape = b.shape(operand.node);
                let axes: Vec<usize> = (1..shape.len()).collect();
                let other = b.take(operand.node, wanted, 0);
                let other = b.broadcast(other, &shape, &axes);
                let active = b.broadcast(active, &shape, &[0]);
                b.select(active, operand.node, other)
            } else {
                operand.node
            });
        }
        let parameters = given[1..].iter().enumerate();
        let parameters: Vec<(String, TensorType)> =
            parameters.map(|(it, node)| (format!("v{it}"), b.ty(*node).clone())).collect();
        let (mut then, arguments) = self.inner("wanted", parameters.clone());
        let results = then.builder.call(callee, symbols, &arguments, types.clone());
        let then = then.finish(results);
        let (mut otherwise, _) = self.inner("unwanted", parameters);
        let nothing = types
            .iter()
            .map(|ty| otherwise.builder.splat(Scalar::from_i64(ty.element, 0), &ty.shape));
        let nothing: Vec<NodeId> = nothing.collect();
        let otherwise = otherwise.finish(nothing);
        self.builder.control(Op::Branch(Box::new(Branch { then, otherwise })), &given)
    }

    /// Where both hold; without the first, where the second does.
    pub(super) fn both(&mut self, left: Option<NodeId>, right: NodeId) -> NodeId {
        match left {
            Some(left) => self.builder.binary(Binary::And, left, right),
            None => right,
        }
    }

    /// For each element one of two values.
    pub(super) fn choose(&mut self, condition: NodeId, then: Value, otherwise: Value) -> Value {
        let (then, otherwise) = (self.mapped(then), self.mapped(otherwise));
        let shape = self.builder.shape(then);
        let condition = self.builder.broadcast(condition, &shape, &[0]);
        Value { node: self.builder.select(condition, then, otherwise), is_mapped: true }
    }
}

/// Nodes with what is mapped of them.
fn values(nodes: Vec<NodeId>, is_mapped: &[bool]) -> Vec<Value> {
    let pairs = nodes.into_iter().zip(is_mapped);
    pairs.map(|(node, is_mapped)| Value { node, is_mapped: *is_mapped }).collect()
}

// Note [Elements that are not wanted]
//
// Both sides of a branch run where its condition is mapped, and a body runs on for elements that are done. What they compute is not
// chosen, so that it may be anything; but a loop among it might never end: `if x > 0 { while … }` where x is negative. So every place
// knows which elements are wanted, and a loop of unknown length runs only while one of these does. A loop that ends for each element
// alone then ends for all, after as many runs as the longest of them. Of a function with rules it is not known what runs in it: an element
// that is not wanted there gets the arguments of one that is.
