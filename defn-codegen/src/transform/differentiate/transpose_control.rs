//! Cotangents through linear loops and branches.
//!
//! ```text
//! before                                                  after
//! %0: (f32) = repeat d_s, d_w, %c times=n .. {            %1: (f32, f32) = repeat s̄, 0, %c times=n reverse .. {
//!   graph body(i: i64, d_s: f32, c: f32, d_w: f32)          graph body(i: i64, c_s: f32, sum: f32, c: f32)
//!     -> f32 {                                                -> (f32, f32) {
//!     %0: f32 = mul d_s, c                                    %0: f32 = mul c_s, c
//!     %1: f32 = add %0, d_w                                   %1: f32 = add sum, c_s
//!     return %1                                               return %0, %1
//!   }                                                       }
//! }                                                       }
//!                                                         the cotangents of d_s and of d_w
//! ```
//!
//! A loop runs the other way: its state is the cotangent of the state, and the sums of what every run gives to an operand that is the same
//! for all of them (or products behind the loop, see [`behind`](mod@super::behind)). The cotangent of what was collected is a sequence, and the cotangent of a sequence is collected.
//! Which states have a cotangent is a fixed point: those whose last value has one, or whose next value has one.
//! A branch runs the same side; what that side does not read has a cotangent of zeros.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::SideTable;
use crate::bug;
use crate::graph::{Branch, Graph, Keep, Node, NodeId, Op, Repeat, TensorType};

use super::behind::{Product, reordered, shares};
use super::body::{Input, extract, parameter_node, read};
use super::repeat::roles;
use super::residuals;
use super::transpose::{Seed, Transposition, transpose};
use super::{Draft, linear_nodes};

/// A body with the cotangents of its parameters.
pub(super) struct Backward {
    pub(super) draft: Draft,
    /// The parameters that are the cotangents of results; those that were asked for.
    pub(super) seeds: Vec<(usize, Input)>,
    /// The parameters that are what a parameter was given before.
    pub(super) sums: BTreeMap<usize, NodeId>,
    /// For each parameter its cotangent, with what it was given before.
    cotangents: Vec<Option<NodeId>>,
}

impl Backward {
    /// Of a body that is linear in some of its parameters, for cotangents of some of its results. What parameters that `goes_on` names
    /// were given before comes in, and their shares are added to it one after the other.
    pub(super) fn of(body: &Graph, linear: &[bool], given: &[bool], goes_on: &[bool]) -> Self {
        let mut draft = Draft::resume(body.clone());
        let nodes = |graph: &Graph| {
            let linear = (0..linear.len()).filter(|position| linear[*position]);
            linear.filter_map(|position| parameter_node(graph, position)).collect::<Vec<_>>()
        };
        let inputs = nodes(body);
        let flags = linear_nodes(body, inputs.iter().copied());
        let mut seeds = Vec::new();
        let mut shares = Vec::new();
        let mut sums = BTreeMap::new();
        for position in (0..linear.len()).filter(|it| linear[*it] && goes_on[*it]) {
            let Some(tangent) = parameter_node(body, position) else { continue };
            let ty = draft.ty(tangent);
            let cotangent = draft.parameter("sum", ty);
            sums.insert(position, cotangent);
            shares.push(Seed { tangent, cotangent });
        }
        for (position, result) in body.results.iter().enumerate().filter(|(it, _)| given[*it]) {
            let ty = draft.ty(result.node);
            let cotangent = draft.parameter(&format!("c_{position}"), ty);
            seeds.push((position, Input::Value(cotangent)));
            shares.push(Seed { tangent: result.node, cotangent });
        }
        let (draft, found) = transpose(draft, &flags, shares);
        let cotangent = |position: usize| {
            let node = parameter_node(body, position).filter(|_| linear[position]);
            node.and_then(|node| found[node.index()])
        };
        let cotangents = (0..linear.len()).map(cotangent).collect();
        Self { draft, seeds, sums, cotangents }
    }

    /// The cotangent of a parameter, if the body adds anything to it.
    pub(super) fn share(&self, parameter: usize) -> Option<NodeId> {
        let added = |node: &NodeId| self.sums.get(&parameter) != Some(node);
        self.cotangents[parameter].filter(added)
    }

    /// Adds what every run gives to the operands `same` up, as results: the sums so far, and the operands that they belong to.
    /// What is a product is left for later.
    fn sums(
        &mut self,
        same: &[usize],
        same_in_runs: &SideTable<Node, bool>,
        results: &mut Vec<NodeId>,
    ) -> (Vec<Input>, Vec<usize>, Vec<(usize, Product)>) {
        let (mut sums, mut summed, mut products) = (Vec::new(), Vec::new(), Vec::new());
        for operand in same {
            let Some(mut share) = self.share(operand + 1) else { continue };
            let Some(sum) = self.sums.get(&(operand + 1)).copied() else { continue };
            let found = shares(self.draft.graph(), same_in_runs, share);
            if !found.products.is_empty() {
                products.extend(found.products.into_iter().map(|product| (*operand, product)));
                let terms = found.summed.into_iter();
                share = terms.reduce(|sum, term| self.draft.add(sum, term)).unwrap_or(sum);
            }
            if share != sum {
                results.push(share);
                sums.push(Input::Value(sum));
                summed.push(*operand);
            }
        }
        (sums, summed, products)
    }

    /// The factors that no sequence has.
    fn factors(&self, products: &[(usize, Product)], repeat: &Repeat) -> Vec<NodeId> {
        let sequences = 1 + repeat.state..1 + repeat.state + repeat.sequences;
        let mut found: Vec<NodeId> = Vec::new();
        for factor in products.iter().flat_map(|(_, product)| product.factors) {
            let (node, _) = reordered(self.draft.graph(), factor);
            let is_there = matches!(
                self.draft.graph().op(node),
                Op::Parameter(parameter) if sequences.contains(parameter)
            );
            if !is_there && !found.contains(&node) {
                found.push(node);
            }
        }
        found
    }

    /// The parameters of the body that these results read.
    pub(super) fn read(&self, results: &[NodeId]) -> BTreeSet<usize> {
        let mut found = read(self.draft.graph(), &BTreeSet::new(), results);
        found.retain(|position| *position < self.cotangents.len());
        found
    }
}

impl Transposition {
    /// Gives the operands of a linear branch their cotangents.
    pub(super) fn branch(&mut self, node: &Node, branch: &Branch, cotangents: &[Option<NodeId>]) {
        let linear: Vec<bool> =
            node.operands[1..].iter().map(|operand| self.is_linear(*operand)).collect();
        let given: Vec<bool> = cotangents.iter().map(Option::is_some).collect();
        let none = vec![false; linear.len()];
        let mut sides = [&branch.then, &branch.otherwise]
            .map(|body| Backward::of(body, &linear, &given, &none));
        let moved: Vec<usize> = (0..linear.len())
            .filter(|it| sides.iter().any(|side| side.cotangents[*it].is_some()))
            .collect();
        let types: Vec<TensorType> =
            moved.iter().map(|it| branch.then.parameters[*it].ty.clone()).collect();
        let results = sides.each_mut().map(|side| {
            let pairs = moved.iter().zip(&types);
            let found: Vec<NodeId> = pairs
                .map(|(it, ty)| side.cotangents[*it].unwrap_or_else(|| side.draft.zero(ty)))
                .collect();
            found
        });
        let mut reads = BTreeSet::new();
        for (side, results) in sides.iter().zip(&results) {
            reads.extend(side.read(results));
        }
        let bodies = sides.iter().zip(&results).map(|(side, results)| {
            let values = reads.iter().copied().map(Input::Parameter);
            let seeds = side.seeds.iter().map(|(_, input)| input.clone());
            let inputs: Vec<Input> = values.chain(seeds).collect();
            extract(side.draft.graph(), &inputs, results)
        });
        let mut bodies = bodies.collect::<Vec<_>>().into_iter();
        let (Some(then), Some(otherwise)) = (bodies.next(), bodies.next()) else { return };
        let values = reads.iter().map(|position| node.operands[position + 1]);
        let operands = [node.operands[0]].into_iter().chain(values);
        let operands: Vec<NodeId> = operands.chain(cotangents.iter().copied().flatten()).collect();
        let op = Op::Branch(Box::new(Branch { then, otherwise }));
        let shares = self.draft.builder.control(op, &operands);
        for (position, share) in moved.into_iter().zip(shares) {
            self.give(node.operands[position + 1], share);
        }
    }

    /// Gives the operands of a linear loop their cotangents.
    pub(super) fn repeat(&mut self, node: &Node, repeat: &Repeat, cotangents: &[Option<NodeId>]) {
        let operands = &node.operands;
        // Every state is a tangent, also one that begins as a zero.
        let is_linear = |(position, operand): (usize, &NodeId)| {
            position < repeat.state || self.is_linear(*operand)
        };
        let linear = operands.iter().enumerate().map(is_linear);
        let linear: Vec<bool> = [false].into_iter().chain(linear).collect();
        let mut reversed = Reversed::of(repeat, &linear, cotangents);

        let mut given = Vec::new();
        for operand in &reversed.states {
            given.push(self.draft.or_zero(cotangents[*operand], operands[*operand]));
        }
        for operand in &reversed.summed {
            // The sum goes on from what the operand was given before.
            let before = self.taken(operands[*operand]);
            given.push(self.draft.or_zero(before, operands[*operand]));
        }
        let state = given.len();
        given.extend(reversed.sequences.iter().map(|it| operands[*it]));
        given.extend(cotangents[repeat.state..].iter().flatten());
        let sequences = given.len() - state;
        given.extend(reversed.rest.iter().map(|it| operands[*it]));
        let op = Repeat {
            times: repeat.times.clone(),
            state,
            sequences,
            reverse: !repeat.reverse,
            keep: Keep::Residuals,
            body: std::mem::take(&mut reversed.body),
        };
        let shares = self.draft.builder.control(Op::Repeat(Box::new(op)), &given);
        let moved = [&reversed.states, &reversed.summed, &reversed.elements].map(Vec::as_slice);
        let moved = moved.concat();
        let collected = shares[moved.len()..].to_vec();
        for (operand, share) in moved.into_iter().zip(shares) {
            if self.is_linear(operands[operand]) {
                self.give(operands[operand], share);
            }
        }
        for (operand, product) in &reversed.products {
            let factors = product.factors.map(|factor| {
                let (node, order) = reordered(&reversed.graph, factor);
                let runs = reversed.kept.iter().position(|kept| *kept == node);
                let runs = runs.map(|place| collected[place]);
                (runs.unwrap_or_else(|| operands[reversed.sequence(node)]), order)
            });
            let share = product.over_runs(&mut self.draft.builder, &reversed.graph, factors);
            self.give(operands[*operand], share);
        }
    }
}

/// The body of a linear loop that runs the other way, and which operands of the loop stand where.
struct Reversed {
    body: Graph,
    /// States with a cotangent.
    states: Vec<usize>,
    /// Operands that are the same in every run, with a cotangent: a sum.
    summed: Vec<usize>,
    /// Sequences with a cotangent, which is collected.
    elements: Vec<usize>,
    /// Sequences that are read.
    sequences: Vec<usize>,
    /// What else is read.
    rest: Vec<usize>,
    /// Operands that are the same in every run, with a share that is added up behind the loop.
    products: Vec<(usize, Product)>,
    /// The graph that the factors of products are nodes of.
    graph: Graph,
    /// Factors that are collected, behind the cotangents of sequences.
    kept: Vec<NodeId>,
}

impl Reversed {
    fn of(repeat: &Repeat, linear: &[bool], cotangents: &[Option<NodeId>]) -> Self {
        let (mut backward, given) = backward(repeat, linear, cotangents);
        let (operands, last) = (linear.len() - 1, repeat.state + repeat.sequences);
        let states: Vec<usize> = (0..repeat.state).filter(|it| given[*it]).collect();
        let moved = |from: usize, to: usize| -> Vec<usize> {
            (from..to).filter(|it| backward.share(it + 1).is_some()).collect()
        };
        let (elements, same) = (moved(repeat.state, last), moved(last, operands));

        let mut results = Vec::new();
        for state in &states {
            let ty = &repeat.body.parameters[state + 1].ty;
            let next = backward.cotangents[state + 1];
            results.push(next.unwrap_or_else(|| backward.draft.zero(ty)));
        }
        let same_in_runs = residuals::same(backward.draft.graph(), &roles(repeat, operands));
        let (sums, summed, products) = backward.sums(&same, &same_in_runs, &mut results);
        results.extend(elements.iter().filter_map(|it| backward.cotangents[it + 1]));
        let kept = backward.factors(&products, repeat);
        results.extend(&kept);

        let reads = backward.read(&results);
        let reads = |from: usize, to: usize| -> Vec<usize> {
            (from..to).filter(|it| reads.contains(&(it + 1))).collect()
        };
        let (sequences, rest) = (reads(repeat.state, last), reads(last, operands));
        let seeds = |states: bool| -> Vec<Input> {
            let seeds = backward.seeds.iter().filter(|(it, _)| (*it < repeat.state) == states);
            seeds.map(|(_, input)| input.clone()).collect()
        };
        let parameters =
            |of: &[usize]| -> Vec<Input> { of.iter().map(|it| Input::Parameter(it + 1)).collect() };
        let (first, values) = (vec![Input::Parameter(0)], parameters(&sequences));
        let inputs = [first, seeds(true), sums, values, seeds(false), parameters(&rest)].concat();
        let body = extract(backward.draft.graph(), &inputs, &results);
        let graph = backward.draft.builder.finish(Vec::new());
        Self { body, states, summed, elements, sequences, rest, products, graph, kept }
    }

    /// The operand whose element is a parameter of the body.
    fn sequence(&self, node: NodeId) -> usize {
        let Op::Parameter(parameter) = self.graph.op(node) else {
            bug!("transform", "a factor that is not kept")
        };
        parameter - 1
    }
}

/// The body backward, and which results have a cotangent in some run.
fn backward(
    repeat: &Repeat,
    linear: &[bool],
    cotangents: &[Option<NodeId>],
) -> (Backward, Vec<bool>) {
    let mut given: Vec<bool> = cotangents.iter().map(Option::is_some).collect();
    let first = 1 + repeat.state + repeat.sequences;
    let same: Vec<bool> = (0..linear.len()).map(|position| position >= first).collect();
    loop {
        let backward = Backward::of(&repeat.body, linear, &given, &same);
        let mut before = given.clone();
        for (state, given) in before.iter_mut().enumerate().take(repeat.state) {
            *given |= backward.cotangents[state + 1].is_some();
        }
        if before == given {
            return (backward, given);
        }
        given = before;
    }
}
