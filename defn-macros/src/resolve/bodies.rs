//! Bodies of branches and loops: graphs of their own, whose parameters are what they read from around.
//!
//! ```text
//! let mut y = x;                    %0: f32 = repeat x, a times=n state=1 sequences=0 {
//! for i in 0..n { y = y * a; }        graph body(position: i64 unused, y: f32, a: f32) -> f32 {
//!                                       %0: f32 = mul y, a
//!                                       return %0
//!                                     }
//!                                   }
//! ```
//!
//! While a body is walked, every local that it mentions holds parameters of the body, leaf by leaf, and constants once more.
//! Locals that it assigns to are state. What turns out to be unused is no parameter, and what turns out unchanged is no state.
//! Checks hold for the whole function, so they go to the graph around.

use super::body::Body;
use super::scope::{Binding, Local};
use super::signature::Tree;
use super::value::Value;
use super::words::Words;
use defn_codegen::arena::{Arena, Id};
use defn_codegen::diagnostic::catalogue::ElementMistake;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Element, Graph, Node, NodeId, Op, Output, TensorType};
use defn_codegen::library::Tensor;
use proc_macro2::Span;
use std::collections::{BTreeMap, BTreeSet};

/// A graph under construction, and what the locals are in it.
pub(super) struct Inside {
    b: Builder,
    padded: BTreeSet<NodeId>,
    locals: Vec<Local>,
}

impl Inside {
    /// The graph.
    pub(super) fn builder(&self) -> &Builder {
        &self.b
    }

    /// Which nodes are windows whose padding nobody wrote.
    pub(super) fn padding(&self, nodes: &[NodeId]) -> Vec<bool> {
        nodes.iter().map(|node| self.padded.contains(node)).collect()
    }
}

/// A local that a body assigns to.
pub(super) struct Carried {
    /// Which one.
    pub(super) local: usize,
    /// Its type, which it keeps (R28).
    tree: Tree,
    /// What it holds before.
    initial: Value,
}

/// What the bodies of one node take, in the graph around: a position, if it is a loop, the state, elements of sequences, the rest.
pub(super) struct Inputs {
    positions: usize,
    carried: Vec<Carried>,
    /// The leaves of what is carried.
    state: Vec<(String, Tensor)>,
    /// Nodes with the walked axis in front.
    sequences: Vec<(String, Tensor)>,
    /// Locals that are only read.
    read: Vec<usize>,
    /// Their leaves, each node once, without constants.
    rest: Vec<(String, Tensor)>,
}

/// Which parameters a node keeps.
pub(super) struct Kept {
    /// How many sequences are used.
    pub(super) sequences: usize,
    parameters: Vec<usize>,
    /// The operands, in the graph around.
    pub(super) operands: Vec<NodeId>,
}

impl Inputs {
    /// The same for a loop over sequences, whose leaves have the walked axis in front.
    pub(super) fn of_loop(self, sequences: Vec<(String, Tensor)>) -> Self {
        Self { positions: 1, sequences, ..self }
    }

    /// The parameter of the position.
    pub(super) fn position(&self) -> NodeId {
        Id::new(0)
    }

    /// The parameters of the elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = NodeId> + use<> {
        let first = self.positions + self.state.len();
        (first..first + self.sequences.len()).map(Id::new)
    }

    /// Which leaves of the state are not what they were.
    pub(super) fn changed(&self, state: &[NodeId]) -> Vec<bool> {
        let first = self.positions;
        state.iter().enumerate().map(|(k, node)| *node != Id::new(first + k)).collect()
    }

    /// The parameters that the graphs need, if `is_state` leaves of the state are carried.
    pub(super) fn kept(&self, graphs: &[&Graph], is_state: &[bool]) -> Kept {
        let count = self.positions + self.state.len() + self.sequences.len() + self.rest.len();
        let mut used = vec![false; count];
        for graph in graphs {
            let operands = graph.nodes.iter().flat_map(|(_, node)| &node.operands);
            let results = graph.results.iter().map(|result| &result.node);
            for node in operands.chain(results).filter(|node| node.index() < count) {
                used[node.index()] = true;
            }
        }
        let outer = [&self.state, &self.sequences, &self.rest].into_iter().flatten();
        let outer: Vec<NodeId> = outer.map(|(_, tensor)| tensor.node).collect();
        let state: Vec<usize> = (0..self.state.len()).filter(|k| is_state[*k]).collect();
        let first = self.positions + self.state.len();
        let sequences = first..first + self.sequences.len();
        let parameter = |k: &usize| self.positions + k;
        let mut parameters: Vec<usize> = (0..self.positions).collect();
        parameters.extend(state.iter().map(parameter));
        parameters.extend(sequences.clone().filter(|k| used[*k]));
        let walked = parameters.len() - self.positions - state.len();
        let constant = (0..self.state.len()).filter(|k| !is_state[*k]).map(|k| parameter(&k));
        parameters.extend(constant.chain(sequences.end..count).filter(|k| used[*k]));
        let operands = parameters[self.positions..].iter().map(|k| outer[k - self.positions]);
        Kept { sequences: walked, operands: operands.collect(), parameters }
    }
}

impl Kept {
    /// The graph with these parameters alone.
    pub(super) fn body(&self, graph: &Graph) -> Graph {
        let kept = |position: usize| self.parameters.iter().position(|k| *k == position);
        let mut ids: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
        let mut nodes: Arena<Node> = Arena::default();
        for position in &self.parameters {
            let node = graph.nodes[Id::new(*position)].clone();
            nodes.push(Node { op: Op::Parameter(nodes.len()), ..node });
        }
        for (id, node) in graph.nodes.iter() {
            if let Op::Parameter(position) = node.op {
                // Nothing refers to one that is not kept.
                ids.push(Id::new(kept(position).unwrap_or(0)));
                continue;
            }
            let operands = node.operands.iter().map(|operand| ids[operand.index()]).collect();
            debug_assert_eq!(id.index(), ids.len());
            ids.push(nodes.push(Node { operands, ..node.clone() }));
        }
        let results = graph
            .results
            .iter()
            .map(|result| Output { node: ids[result.node.index()], updates: result.updates });
        let parameters = self.parameters.iter().map(|k| graph.parameters[*k].clone()).collect();
        Graph { parameters, results: results.collect(), nodes, ..graph.clone() }
    }
}

impl Body<'_, '_> {
    /// What bodies with these words take; `hidden` are locals that the user cannot name.
    pub(super) fn inputs(&mut self, words: &Words<'_>, hidden: &[usize]) -> Inputs {
        let named = words.assigned.iter();
        let mut assigned: BTreeMap<usize, Option<Span>> = named
            .filter_map(|(word, place)| Some((self.scope.local(word)?, Some(*place))))
            .collect();
        assigned
            .extend(hidden.iter().copied().chain(self.status_local()).map(|local| (local, None)));
        assigned.retain(|local, _| {
            matches!(self.scope.locals[*local].binding, Binding::Mutable | Binding::Reference)
        });
        let mut carried = Vec::with_capacity(assigned.len());
        for (local, place) in &assigned {
            carried.extend(self.carried(*local, *place));
        }
        let leaves =
            carried.iter().flat_map(|it| it.initial.leaves(&self.scope.locals[it.local].name));
        let state = leaves.collect();
        let read = words.read.iter().filter_map(|word| self.scope.local(word));
        let read: BTreeSet<usize> = read.chain(hidden.iter().copied()).collect();
        let read: Vec<usize> =
            read.into_iter().filter(|local| !assigned.contains_key(local)).collect();
        let rest = self.rest(&read);
        Inputs { positions: 0, carried, state, sequences: Vec::new(), read, rest }
    }

    /// What a local holds that is assigned to; none if it has no type.
    fn carried(&mut self, local: usize, place: Option<Span>) -> Option<Carried> {
        let value = self.scope.locals[local].value.clone();
        match (value.tree(&self.b), place) {
            (Some(tree), _) => {
                let initial = self.expected(value, &tree, "the state", Span::call_site())?;
                Some(Carried { local, tree, initial })
            }
            (None, Some(place)) if !value.is_poisoned() => {
                let (expected, found) = ("a tensor".to_owned(), value.show(&self.b));
                self.wrong(ElementMistake::WrongKind { expected, found }, place);
                None
            }
            (None, _) => None,
        }
    }

    /// The leaves of locals, each node once, without what a body can make itself.
    fn rest(&self, locals: &[usize]) -> Vec<(String, Tensor)> {
        let mut seen = BTreeSet::new();
        let locals = locals.iter().map(|local| &self.scope.locals[*local]);
        let leaves = locals.flat_map(|local| local.value.leaves(&local.name));
        let fresh = leaves.filter(|(_, tensor)| {
            let is_constant =
                matches!(self.b.graph().op(tensor.node), Op::Constant(_) | Op::Extent(_));
            !is_constant && seen.insert(tensor.node)
        });
        fresh.collect()
    }

    /// Begins a body: from here on, nodes and locals are its own. What was around comes back with [`Body::leave`].
    pub(super) fn enter(&mut self, name: &str, inputs: &Inputs) -> Inside {
        let symbols = self.b.graph().symbols.clone();
        let mut inner =
            Builder::resume(Graph { name: name.to_owned(), symbols, ..Graph::default() });
        let mut names = BTreeSet::new();
        let mut parameter = |inner: &mut Builder, name: &str, ty: TensorType| {
            let name = name.trim_start_matches('#');
            let others = (2..).map(|k| format!("{name}_{k}"));
            let mut fresh = std::iter::once(name.to_owned()).chain(others);
            let name = fresh.find(|name| names.insert(name.clone())).unwrap_or_default();
            inner.parameter(&name, ty)
        };
        for _ in 0..inputs.positions {
            parameter(&mut inner, "position", TensorType::scalar(Element::I64));
        }
        let mut padded = BTreeSet::new();
        let mut state = Vec::with_capacity(inputs.state.len());
        for (name, tensor) in &inputs.state {
            let node = parameter(&mut inner, name, self.b.ty(tensor.node).clone());
            state.push(node);
            padded.extend(self.padded.contains(&tensor.node).then_some(node));
        }
        for (name, tensor) in &inputs.sequences {
            let ty = self.b.ty(tensor.node);
            let ty = TensorType::new(ty.element, ty.shape[1..].to_vec());
            let node = parameter(&mut inner, name, ty);
            padded.extend(self.padded.contains(&tensor.node).then_some(node));
        }
        let mut known = BTreeMap::new();
        for (name, tensor) in &inputs.rest {
            let node = parameter(&mut inner, name, self.b.ty(tensor.node).clone());
            known.insert(tensor.node, node);
            padded.extend(self.padded.contains(&tensor.node).then_some(node));
        }
        let locals = self.locals_inside(inputs, &mut inner, (&state, known));
        let mut inside = Inside { b: inner, padded, locals };
        self.swap(&mut inside);
        inside
    }

    /// The locals, with the parameters of a body in those that it mentions.
    fn locals_inside(
        &self,
        inputs: &Inputs,
        inner: &mut Builder,
        (state, mut known): (&[NodeId], BTreeMap<NodeId, NodeId>),
    ) -> Vec<Local> {
        let mut locals = self.scope.locals.clone();
        let mut state = state.iter().copied();
        for carried in &inputs.carried {
            let inside = carried.initial.with_nodes(|node| state.next().unwrap_or(node));
            locals[carried.local].value = inside;
        }
        for local in &inputs.read {
            let inside = locals[*local].value.with_nodes(|node| {
                *known.entry(node).or_insert_with(|| match self.b.graph().op(node) {
                    Op::Constant(scalar) => inner.constant(*scalar),
                    Op::Extent(dim) => inner.extent(dim.clone()),
                    _ => node,
                })
            });
            locals[*local].value = inside;
        }
        locals
    }

    /// Ends a body, and gives it to be finished.
    pub(super) fn leave(&mut self, mut around: Inside) -> Inside {
        self.swap(&mut around);
        around
    }

    /// What a body left broken is broken behind it too, so that its readers are told nothing more.
    pub(super) fn spoil(&mut self, inputs: &Inputs, inside: &Inside) {
        for Carried { local, .. } in &inputs.carried {
            if inside.locals[*local].value.is_poisoned() {
                self.scope.locals[*local].value = Value::Poison;
            }
        }
    }

    /// Exchanges what is built with what stands aside.
    pub(super) fn swap(&mut self, other: &mut Inside) {
        std::mem::swap(&mut self.b, &mut other.b);
        std::mem::swap(&mut self.padded, &mut other.padded);
        std::mem::swap(&mut self.scope.locals, &mut other.locals);
    }

    /// What the body that is walked leaves in its state, leaf by leaf.
    pub(super) fn state(&mut self, inputs: &Inputs, span: Span) -> Option<Vec<NodeId>> {
        let mut nodes = Vec::with_capacity(inputs.state.len());
        for carried in &inputs.carried {
            let value = self.scope.locals[carried.local].value.clone();
            nodes.extend(self.expected(value, &carried.tree, "the state", span)?.nodes());
        }
        Some(nodes)
    }

    /// Says of nodes that they are windows whose padding nobody wrote.
    pub(super) fn pad(&mut self, nodes: &[NodeId], padding: &[bool]) {
        let padded = nodes.iter().zip(padding).filter(|(_, is_padded)| **is_padded);
        self.padded.extend(padded.map(|(node, _)| *node));
    }

    /// A body with these results; its checks become those of the graph around.
    pub(super) fn finished(&mut self, inside: Inside, results: Vec<NodeId>) -> Graph {
        let results = results.into_iter().map(|node| Output { node, updates: None });
        let mut graph = inside.b.finish(results.collect());
        std::mem::take(&mut graph.checks).into_iter().for_each(|check| self.b.check(check));
        graph
    }

    /// Puts what comes out into the locals: `new` are the leaves of the state that changed.
    pub(super) fn rebind(&mut self, inputs: &Inputs, is_new: &[bool], new: &[NodeId]) {
        let (mut leaves, mut new) = (is_new.iter(), new.iter().copied());
        for carried in &inputs.carried {
            self.scope.locals[carried.local].value = carried.initial.with_nodes(|node| {
                let is_new = leaves.next().is_some_and(|is_new| *is_new);
                let after = if is_new { new.next() } else { None };
                after.unwrap_or(node)
            });
        }
    }
}
