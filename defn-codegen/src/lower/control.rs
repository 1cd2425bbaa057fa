//! Bodies that run again and again, or perhaps never.
//!
//! ```text
//! before                                          after
//! %0 = repeat s, x times=n state=1 sequences=1    nest 0 { store t0 = load s }
//!   graph body(i, s, x) -> (s, y)                 repeat i0 in 0..n {
//!                                                   nest 1 { store t1 = …; store y[i0] = … }    reads t0 and x[i0]
//!                                                   nest 2 { store t0 = load t1 }
//!                                                 }
//! ```
//!
//! A body reads its parameters where they are: the state in a buffer that lives from iteration to iteration, elements of sequences
//! in their rows, the rest in place. What is collected is written to its row.
//! The next state is computed beside the old one, unless [`places`](mod@super::places) are added to, and copied when nobody needs that any more; `schedule` overwrites it in place where it can.

use super::{Lowering, places};
use crate::graph::{Dim, Element, Graph, NodeId, Op, Repeat, TensorType, Times};
use crate::kernels::{self, Kernel, Kernels, Step};
use crate::loops::control::Control;
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Manner, Nest, Space, Statement, VariableId,
};
use crate::origin::Site;

/// Where a value is while a body runs.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// It is a position.
    Position(Address),
    /// It stands in a buffer, from here on.
    At(Row),
}

/// Part of a buffer without gaps.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) buffer: BufferId,
    /// Where it begins.
    pub(super) begin: Address,
    /// Whether it is all of the buffer.
    is_whole: bool,
}

impl Row {
    pub(super) fn whole(buffer: BufferId) -> Self {
        Self { buffer, begin: Address::default(), is_whole: true }
    }
}

impl Given {
    /// Whether it is all of a buffer.
    pub(super) fn is_all_of(&self, buffer: BufferId) -> bool {
        matches!(self, Self::At(row) if row.is_whole && row.buffer == buffer)
    }
}

impl Lowering<'_> {
    /// Gives what runs bodies the buffers of its results: an updated parameter that is the state of one loop is the state in place.
    pub(super) fn share_homes(&mut self, parameters: &[BufferId]) {
        let graph = &self.kernels.graph;
        let uses = graph.uses();
        for result in &graph.results {
            let (Op::Project(position), Some(updated)) = (graph.op(result.node), result.updates)
            else {
                continue;
            };
            let control = graph.operands(result.node)[0];
            let operand = state_operand(graph, control, *position);
            let Some(operand) = operand.filter(|operand| uses[*operand] == 1) else { continue };
            if *graph.op(operand) == Op::Parameter(updated) {
                self.homes[result.node] = Some(parameters[updated]);
                self.updates.retain(|(_, to)| *to != parameters[updated]);
            }
        }
        for id in graph.nodes.ids() {
            let Op::Project(position) = graph.op(id) else { continue };
            if self.homes[id].is_none() {
                self.homes[id] = Some(self.temporary(id));
            }
            // The initial state is computed where the state will be.
            let operand = state_operand(graph, graph.operands(id)[0], *position);
            let Some(operand) = operand.filter(|operand| uses[*operand] == 1) else { continue };
            let is_given = matches!(graph.op(operand), Op::Parameter(_));
            if self.homes[operand].is_none() && !is_given {
                self.homes[operand] = self.homes[id];
            }
        }
    }

    /// The nests and markers of a node that runs bodies, or shows a value.
    pub(super) fn control(&mut self, node: NodeId) -> Vec<Nest> {
        let kernels = self.kernels;
        let graph = &kernels.graph;
        if let Op::Inspect(site) = graph.op(node) {
            return self.inspect(node, *site);
        }
        let Some(bodies) = kernels.bodies.get(&node) else {
            crate::bug!("lower", "{node:?} has no bodies")
        };
        if let Op::Repeat(repeat) = graph.op(node) {
            return self.repeat(node, repeat, bodies);
        }
        let mut nests = Vec::new();
        let condition = self.given(graph.operands(node)[0]);
        let truth = TensorType::scalar(Element::Bool);
        let condition = self.alone(&condition, &truth, &mut nests);
        let rest: Vec<Given> =
            graph.operands(node)[1..].iter().map(|operand| self.given(*operand)).collect();
        let targets: Vec<Row> = (0..graph.node(node).types.len())
            .map(|position| Row::whole(self.result_buffer(node, position)))
            .collect();
        nests.push(Nest::marker(Control::If { condition }));
        nests.extend(self.body(&bodies[0], &rest, &targets));
        nests.push(Nest::marker(Control::Else));
        nests.extend(self.body(&bodies[1], &rest, &targets));
        nests.push(Nest::marker(Control::End));
        nests
    }

    /// What is shown stands in a buffer of its own; the number that goes from one to the next is copied.
    fn inspect(&mut self, node: NodeId, site: Site) -> Vec<Nest> {
        let graph = &self.kernels.graph;
        let [number, shown] = [0, 1].map(|operand| graph.operands(node)[operand]);
        let mut nests = Vec::new();
        let given = self.given(shown);
        let buffer = self.alone(&given, graph.ty(shown), &mut nests);
        nests.push(Nest::marker(Control::Inspect { buffer, site }));
        let (from, to) = (self.given(number), Row::whole(self.result_buffer(node, 0)));
        nests.extend(self.copy_given(&from, &to, graph.ty(number)));
        nests
    }

    fn repeat(&mut self, node: NodeId, repeat: &Repeat, bodies: &[Kernels]) -> Vec<Nest> {
        if repeat.is_once() {
            return self.once(node, &bodies[0]);
        }
        let graph = &self.kernels.graph;
        let types = &graph.node(node).types;
        let operands = graph.operands(node);
        let (initial, others) = operands.split_at(repeat.state);
        let (sequences, rest) = others.split_at(repeat.sequences);
        let mut nests = Vec::new();
        let mut state: Vec<Given> = Vec::new();
        for (position, operand) in initial.iter().enumerate() {
            let home = Row::whole(self.result_buffer(node, position));
            let from = self.given(*operand);
            nests.extend(self.copy_given(&from, &home, &types[position]));
            state.push(Given::At(home));
        }
        let variable = self.names.variable();
        let position = self.position(repeat, variable);
        let rest: Vec<Given> = rest.iter().map(|operand| self.given(*operand)).collect();
        nests.push(Nest::marker(match &repeat.times {
            Times::Extent(extent) => Control::Repeat { variable, extent: extent.clone() },
            Times::While(_) => Control::Loop { variable },
        }));
        let counted = [Given::Position(position.clone())];
        if let [condition, _] = bodies {
            let flag = self.scalar(Element::Bool);
            let given = [&counted[..], &state, &rest].concat();
            nests.extend(self.body(condition, &given, &[Row::whole(flag)]));
            nests.push(Nest::marker(Control::Leave { unless: flag }));
        }
        let elements: Vec<Given> = sequences
            .iter()
            .map(|sequence| row_of(&self.given(*sequence), &position, graph.shape(*sequence)))
            .collect();
        let given = [&counted[..], &state, &elements, &rest].concat();
        let Some(body) = bodies.last() else { return nests };
        let next = self.next(&state, &places::overwritten(repeat, &body.graph), types);
        let collected = (repeat.state..types.len()).map(|result| {
            let home = Given::At(Row::whole(self.result_buffer(node, result)));
            match row_of(&home, &position, &types[result].shape) {
                Given::At(row) => row,
                Given::Position(_) => crate::bug!("lower", "{node:?} collects into a position"),
            }
        });
        let targets: Vec<Row> = next.iter().cloned().chain(collected).collect();
        nests.extend(self.body(body, &given, &targets));
        for ((from, to), ty) in next.iter().zip(&state).zip(types) {
            if let Given::At(to) = to
                && from.buffer != to.buffer
            {
                nests.push(self.copy_row(from, to, ty));
            }
        }
        nests.push(Nest::marker(Control::End));
        nests
    }

    /// Where the next state is computed: beside the old one, or over it.
    fn next(&mut self, state: &[Given], overwritten: &[bool], types: &[TensorType]) -> Vec<Row> {
        let mut next = Vec::new();
        for ((state, overwritten), ty) in state.iter().zip(overwritten).zip(types) {
            next.push(if let (Given::At(state), true) = (state, overwritten) {
                state.clone()
            } else {
                Row::whole(self.buffer_of(ty.clone()))
            });
        }
        next
    }

    /// A body that runs once: its nests, and no marker.
    fn once(&mut self, node: NodeId, body: &Kernels) -> Vec<Nest> {
        let graph = &self.kernels.graph;
        let rest = graph.operands(node).iter().map(|operand| self.given(*operand));
        let given: Vec<Given> =
            [Given::Position(Address::default())].into_iter().chain(rest).collect();
        let targets: Vec<Row> = (0..graph.node(node).types.len())
            .map(|position| self.result_buffer(node, position))
            // The buffer has one axis more than what comes out.
            .map(|buffer| Row { buffer, begin: Address::default(), is_whole: false })
            .collect();
        self.body(body, &given, &targets)
    }

    /// The position that a body sees.
    fn position(&self, repeat: &Repeat, variable: VariableId) -> Address {
        let mut position = Address::default();
        match (&repeat.times, repeat.reverse) {
            (Times::Extent(extent), true) => {
                position.constant = extent.clone() - Dim::from(1);
                position.add_term(variable, &Dim::from(-1));
            }
            (Times::Extent(_) | Times::While(_), _) => {
                position.add_term(variable, &Dim::from(1));
            }
        }
        position
    }

    /// The nests of a body, whose parameters are given and whose results go to rows of these buffers.
    fn body(&mut self, kernels: &Kernels, given: &[Given], targets: &[Row]) -> Vec<Nest> {
        let mut inner = Lowering::of_body(kernels, given, self);
        let mut copies = Vec::new();
        for (result, target) in kernels.graph.results.iter().zip(targets) {
            let op = kernels.graph.op(result.node);
            let is_projection = matches!(op, Op::Project(_));
            if target.is_whole && !is_projection {
                inner.homes[result.node] = Some(target.buffer);
            } else if op.assembles() || is_projection {
                let home = inner.temporary(result.node);
                inner.homes[result.node] = Some(home);
                copies.push((Row::whole(home), target.clone(), result.node));
            } else {
                inner.rows.insert(result.node, Given::At(target.clone()));
            }
        }
        inner.share_sums();
        inner.share_homes(&[]);
        inner.give_temporaries();
        let mut nests = inner.body_nests();
        for (from, to, node) in copies {
            nests.push(inner.copy_row(&from, &to, kernels.graph.ty(node)));
        }
        self.buffers = inner.buffers;
        self.names = inner.names;
        nests
    }

    /// All nests of a body. What is a copy of something given is copied first, so that the next state can be written over the last one.
    fn body_nests(&mut self) -> Vec<Nest> {
        let kernels = self.kernels;
        let copies = |kernel: &&Kernel| {
            kernel.steps.iter().all(|step| {
                let Step::Store { node, .. } = step else { return false };
                let graph = &kernels.graph;
                let is_given = |operand: &NodeId| matches!(graph.op(*operand), Op::Parameter(_));
                *graph.op(*node) == Op::Convert && graph.operands(*node).iter().all(is_given)
            })
        };
        let (first, others): (Vec<_>, Vec<_>) = kernels.kernels.iter().partition(copies);
        first.into_iter().chain(others).flat_map(|kernel| self.nests(kernel)).collect()
    }

    /// Where a stored node is.
    fn given(&self, node: NodeId) -> Given {
        if let Some(given) = self.elsewhere(node) {
            return given.clone();
        }
        match self.homes[node] {
            Some(buffer) => Given::At(Row::whole(buffer)),
            None => self.part(node),
        }
    }

    /// Where a value is that is part of a stored node.
    fn part(&self, node: NodeId) -> Given {
        let (base, before) = kernels::part(&self.kernels.graph, node);
        if base == node {
            crate::bug!("lower", "{node:?} is read by a body and not stored")
        }
        let mut given = self.given(base);
        if let Given::At(row) = &mut given {
            row.begin.constant = row.begin.constant.clone() + before;
            row.is_whole = false;
        }
        given
    }

    /// The buffer of a result of a node that runs bodies, also if nobody reads it.
    fn result_buffer(&mut self, node: NodeId, position: usize) -> BufferId {
        let graph = &self.kernels.graph;
        let read = graph
            .nodes
            .iter()
            .find(|(_, other)| other.op == Op::Project(position) && other.operands[0] == node);
        match read.and_then(|(id, _)| self.homes[id]) {
            Some(buffer) => buffer,
            None => self.buffer_of(graph.node(node).types[position].clone()),
        }
    }

    fn buffer_of(&mut self, ty: TensorType) -> BufferId {
        let name = format!("t{}", self.buffers.len());
        let TensorType { element, shape } = ty;
        self.buffers.push(Buffer { name, element, shape, lanes: 1, space: Space::Workspace(None) })
    }

    fn scalar(&mut self, element: Element) -> BufferId {
        self.buffer_of(TensorType::scalar(element))
    }

    /// A value in a buffer of its own, which a marker can read.
    fn alone(&mut self, given: &Given, ty: &TensorType, nests: &mut Vec<Nest>) -> BufferId {
        if let Given::At(row) = given
            && row.is_whole
        {
            return row.buffer;
        }
        let alone = self.buffer_of(ty.clone());
        nests.extend(self.copy_given(given, &Row::whole(alone), ty));
        alone
    }

    /// A copy, unless it is there already.
    fn copy_given(&mut self, from: &Given, to: &Row, ty: &TensorType) -> Option<Nest> {
        match from {
            Given::At(row) if row.buffer == to.buffer => None,
            Given::At(row) => Some(self.copy_row(row, to, ty)),
            Given::Position(position) => {
                let expr = super::pull::position(position);
                let (buffer, address) = (to.buffer, to.begin.clone());
                Some(Nest::new(vec![Statement::Store { buffer, address, expr }]))
            }
        }
    }

    /// A copy of all elements.
    pub(super) fn copy_row(&mut self, from: &Row, to: &Row, ty: &TensorType) -> Nest {
        let extent = ty.size();
        if extent.is(1) {
            let expr = Expr::Load(from.buffer, Box::new(from.begin.clone()));
            let (buffer, address) = (to.buffer, to.begin.clone());
            return Nest::new(vec![Statement::Store { buffer, address, expr }]);
        }
        let variable = self.names.variable();
        let at = |row: &Row| {
            let mut address = row.begin.clone();
            address.add_term(variable, &Dim::from(1));
            address
        };
        let expr = Expr::Load(from.buffer, Box::new(at(from)));
        let store = Statement::Store { buffer: to.buffer, address: at(to), expr };
        let (clip, manner) = (None, Manner::Parallel);
        Nest::new(vec![Statement::For(For { variable, extent, clip, manner, body: vec![store] })])
    }
}

impl Lowering<'_> {
    /// Where a node is that has no buffer of its own: a row, or what a body is given.
    pub(super) fn elsewhere(&self, node: NodeId) -> Option<&Given> {
        let Op::Parameter(position) = self.kernels.graph.op(node) else {
            return self.rows.get(&node);
        };
        self.given.as_ref().map(|given| &given[*position])
    }
}

/// The operand that is the initial value of a state, if the result `position` of a node is one.
fn state_operand(graph: &Graph, control: NodeId, position: usize) -> Option<NodeId> {
    let Op::Repeat(repeat) = graph.op(control) else { return None };
    (position < repeat.state).then(|| graph.operands(control)[position])
}

/// A position of the first axis of something.
fn row_of(whole: &Given, position: &Address, shape: &[Dim]) -> Given {
    let Given::At(Row { buffer, begin, .. }) = whole else {
        crate::bug!("lower", "a position has no rows")
    };
    let length = shape[1..].iter().fold(Dim::from(1), |size, dim| size * dim.clone());
    let mut begin = begin.clone();
    begin.add_scaled(position, &length);
    Given::At(Row { buffer: *buffer, begin, is_whole: false })
}
