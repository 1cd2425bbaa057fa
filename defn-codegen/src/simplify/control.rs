//! What runs bodies carries and reads no more than it needs.
//!
//! In:  a node that runs bodies, with simplified bodies and operands.   Out: for each of its results the value that stands for it.
//!
//! ```text
//! before                                                       after
//! %1 = repeat s, t, %0, w times=n state=3 sequences=0 {        %1 = repeat s, w times=n state=1 sequences=0 {
//!   graph body(i, s, t, c, w) {                                  graph body(i, s, w) {
//!     %0 = mul c, w                                                %0 = constant 2.0
//!     %1 = add s, %0                                               %1 = mul %0, w
//!     %2 = add t, s                                                %2 = add s, %1
//!     return %1, %2, c           nobody reads the second          return %2
//!   }                            %0 is the constant 2.0          }
//! }                                                            }
//! ```
//!
//! - A state or a collected value that nobody needs goes, and what only it needs.
//! - A state that never changes is no state.
//! - Constants and positions are made inside; what is read twice comes in once.
//! - A branch on a constant is its side; a loop that never runs gives its state back, and one that runs once is its body, unless it is there to run
//!   again: what it computes a second time must not be kept from the first.

use std::collections::BTreeSet;

use crate::graph::build::Builder;
use crate::graph::prune::prune;
use crate::graph::{
    Branch, Dim, Element, Graph, Keep, NodeId, Op, Output, Repeat, Scalar, TensorType, Times,
};

use super::invariant;
use super::share::Sharing;

/// The values of the results that are used; the node has these types.
pub(super) fn apply(
    sharing: &mut Sharing,
    (op, types): (&Op, &[TensorType]),
    operands: &[NodeId],
    used: &[bool],
) -> Vec<Option<NodeId>> {
    if let Op::Branch(branch) = op {
        return self::branch(sharing, branch, operands, used);
    }
    if let Op::Inspect(_) = op {
        let ty = sharing.ty(operands[0]).clone();
        let node = sharing.control(op.clone(), operands);
        return vec![Some(sharing.node(Op::Project(0), &[node], ty))];
    }
    let Op::Repeat(repeat) = op else { return Vec::new() };
    if let Times::Extent(extent) = &repeat.times {
        match extent.as_constant() {
            Some(0) => return never(sharing, (repeat, types), operands),
            Some(1) if repeat.keep != Keep::Again => return once(sharing, repeat, operands),
            _ => {}
        }
    }
    match invariant::apply(sharing, repeat, operands) {
        Some((repeat, operands)) => self::repeat(sharing, (&repeat, types), &operands, used),
        None => self::repeat(sharing, (repeat, types), operands, used),
    }
}

/// What a parameter of a body becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It stays, as a parameter of its kind.
    Same,
    /// It is a parameter of the rest, or made inside, from this operand.
    Rest(NodeId),
    /// Nobody needs it.
    Gone,
}

fn repeat(
    sharing: &mut Sharing,
    (repeat, types): (&Repeat, &[TensorType]),
    operands: &[NodeId],
    used: &[bool],
) -> Vec<Option<NodeId>> {
    let body = &repeat.body;
    let kept = kept(repeat, used);
    let roles = roles(repeat, operands, &kept);
    let rest = rest(sharing, &roles);
    let is_kept =
        |result: usize| kept[result] && (result >= repeat.state || !is_invariant(repeat, result));
    let results: Vec<usize> = (0..body.results.len()).filter(|it| is_kept(*it)).collect();
    let chosen = |from: usize, count: usize| -> Vec<NodeId> {
        let same = (from..from + count).filter(|at| roles[1 + at] == Role::Same);
        same.map(|at| operands[at]).collect()
    };
    let state = chosen(0, repeat.state);
    let sequences = chosen(repeat.state, repeat.sequences);
    let times = match &repeat.times {
        Times::Extent(extent) => Times::Extent(extent.clone()),
        Times::While(condition) => Times::While(rebuilt(sharing, condition, &roles, &rest, &[0])),
    };
    let other = Repeat {
        times,
        state: state.len(),
        sequences: sequences.len(),
        reverse: repeat.reverse,
        // Nothing is differentiated any more.
        keep: if repeat.keep == Keep::Again { Keep::Again } else { Keep::Residuals },
        body: rebuilt(sharing, body, &roles, &rest, &results),
    };
    let mut values: Vec<Option<NodeId>> = vec![None; types.len()];
    for k in 0..repeat.state {
        values[k] = is_invariant(repeat, k).then(|| operands[k]);
    }
    if results.is_empty() {
        return values;
    }
    let operands = [state, sequences, rest].concat();
    let node = sharing.control(Op::Repeat(Box::new(other)), &operands);
    for (position, result) in results.into_iter().enumerate() {
        let ty = types[result].clone();
        values[result] = Some(sharing.node(Op::Project(position), &[node], ty));
    }
    values
}

/// Whether a state is always what it was.
fn is_invariant(repeat: &Repeat, state: usize) -> bool {
    *repeat.body.op(repeat.body.results[state].node) == Op::Parameter(1 + state)
}

/// What each parameter of the body becomes.
fn roles(repeat: &Repeat, operands: &[NodeId], kept: &[bool]) -> Vec<Role> {
    let mut read = read_by(&repeat.body, kept);
    // A condition has no parameters for elements, and there are none where there is a condition.
    read.extend(condition(repeat).iter().flat_map(|condition| read_by(condition, &[true])));
    let role = |(at, operand): (usize, &NodeId)| {
        let is_read = read.contains(&(1 + at));
        let is_state = at < repeat.state;
        let stays = match is_state {
            true => kept[at] && !is_invariant(repeat, at),
            false => is_read && at < repeat.state + repeat.sequences,
        };
        match (stays, is_read) {
            (true, _) => Role::Same,
            (false, true) if !is_state || is_invariant(repeat, at) => Role::Rest(*operand),
            (false, _) => Role::Gone,
        }
    };
    [Role::Same].into_iter().chain(operands.iter().enumerate().map(role)).collect()
}

/// The results that are used, and the states that those need.
fn kept(repeat: &Repeat, used: &[bool]) -> Vec<bool> {
    let mut kept = used.to_vec();
    if let Some(condition) = condition(repeat) {
        for parameter in read_by(condition, &[true]) {
            if (1..=repeat.state).contains(&parameter) {
                kept[parameter - 1] = true;
            }
        }
    }
    loop {
        let read = read_by(&repeat.body, &kept);
        let more: Vec<usize> =
            (0..repeat.state).filter(|k| !kept[*k] && read.contains(&(1 + k))).collect();
        if more.is_empty() {
            return kept;
        }
        more.into_iter().for_each(|k| kept[k] = true);
    }
}

fn condition(repeat: &Repeat) -> Option<&Graph> {
    if let Times::While(condition) = &repeat.times { Some(condition) } else { None }
}

/// The parameters that some results of a body are computed from.
fn read_by(body: &Graph, results: &[bool]) -> BTreeSet<usize> {
    let mut open: Vec<NodeId> = body
        .results
        .iter()
        .zip(results)
        .filter(|(_, wanted)| **wanted)
        .map(|(result, _)| result.node)
        .collect();
    let (mut seen, mut read) = (BTreeSet::new(), BTreeSet::new());
    while let Some(node) = open.pop() {
        if !seen.insert(node) {
            continue;
        }
        if let Op::Parameter(position) = body.op(node) {
            read.insert(*position);
        }
        open.extend(body.operands(node));
    }
    read
}

/// The operands behind state and sequences, each once, without those that are made inside.
fn rest(sharing: &Sharing, roles: &[Role]) -> Vec<NodeId> {
    let mut rest = Vec::new();
    for role in roles {
        if let Role::Rest(operand) = role
            && !is_made_inside(sharing, *operand)
            && !rest.contains(operand)
        {
            rest.push(*operand);
        }
    }
    rest
}

/// Whether a value depends on extents and positions alone.
fn is_made_inside(sharing: &Sharing, node: NodeId) -> bool {
    let is_leaf = |node: NodeId| {
        matches!(sharing.op(node), Op::Constant(_) | Op::Extent(_) | Op::Iota { .. })
    };
    is_leaf(node) || sharing.as_broadcast(node).is_some_and(|(operand, _)| is_leaf(operand))
}

/// A body whose parameters have other roles, with some of its results.
fn rebuilt(
    sharing: &Sharing,
    body: &Graph,
    roles: &[Role],
    rest: &[NodeId],
    results: &[usize],
) -> Graph {
    let mut builder = Builder::new(&body.name);
    for symbol in &body.symbols {
        builder.symbol(symbol);
    }
    let mut inside: Vec<Option<NodeId>> = vec![None; body.parameters.len()];
    for (position, parameter) in body.parameters.iter().enumerate() {
        if roles[position] == Role::Same {
            inside[position] = Some(builder.parameter(&parameter.name, parameter.ty.clone()));
        }
    }
    let named: Vec<NodeId> = rest
        .iter()
        .map(|operand| {
            let first = roles.iter().position(|role| *role == Role::Rest(*operand));
            let name = first.map_or("c", |first| &body.parameters[first].name);
            builder.parameter(name, sharing.ty(*operand).clone())
        })
        .collect();
    for (position, role) in roles.iter().enumerate() {
        let Role::Rest(operand) = role else { continue };
        inside[position] = Some(match rest.iter().position(|known| known == operand) {
            Some(known) => named[known],
            None => made(&mut builder, sharing, *operand),
        });
    }
    let mut values: Vec<NodeId> = Vec::with_capacity(body.nodes.len());
    for (_, node) in body.nodes.iter() {
        builder.set_origin(node.origin);
        let operands: Vec<NodeId> =
            node.operands.iter().map(|operand| values[operand.index()]).collect();
        let Op::Parameter(position) = &node.op else {
            values.push(builder.again(node, &operands));
            continue;
        };
        // What nobody needs is replaced by anything, and dropped.
        values.push(inside[*position].unwrap_or_else(|| {
            let ty = &node.types[0];
            builder.splat(Scalar::from_i64(ty.element, 0), &ty.shape)
        }));
    }
    let output =
        |result: &usize| Output { node: values[body.results[*result].node.index()], updates: None };
    let results = results.iter().map(output).collect();
    prune(&builder.finish(results))
}

/// A value that depends on extents and positions alone, inside of a body.
fn made(builder: &mut Builder, sharing: &Sharing, node: NodeId) -> NodeId {
    let original = sharing.get(node);
    let operands: Vec<NodeId> =
        original.operands.iter().map(|operand| made(builder, sharing, *operand)).collect();
    builder.apply(original.op.clone(), &operands, original.types[0].clone())
}

/// A loop that does not run.
fn never(
    sharing: &mut Sharing,
    (repeat, types): (&Repeat, &[TensorType]),
    operands: &[NodeId],
) -> Vec<Option<NodeId>> {
    let nothing = types[repeat.state..].iter();
    let nothing = nothing.map(|ty| Some(sharing.splat(Scalar::from_i64(ty.element, 0), &ty.shape)));
    let nothing: Vec<Option<NodeId>> = nothing.collect();
    operands[..repeat.state].iter().map(|operand| Some(*operand)).chain(nothing).collect()
}

/// A loop that runs once.
fn once(sharing: &mut Sharing, repeat: &Repeat, operands: &[NodeId]) -> Vec<Option<NodeId>> {
    let first = Scalar::from_i64(Element::I64, 0);
    let mut arguments = vec![sharing.constant(first)];
    for (at, operand) in operands.iter().enumerate() {
        let is_sequence = (repeat.state..repeat.state + repeat.sequences).contains(&at);
        arguments.push(match is_sequence {
            true => {
                let shape = sharing.shape(*operand);
                sharing.reshape(*operand, &shape[1..])
            }
            false => *operand,
        });
    }
    let mut values = inlined(sharing, &repeat.body, &arguments);
    for value in &mut values[repeat.state..] {
        let mut shape = sharing.shape(*value);
        shape.insert(0, Dim::from(1));
        *value = sharing.reshape(*value, &shape);
    }
    values.into_iter().map(Some).collect()
}

/// The results of a body that runs here.
fn inlined(sharing: &mut Sharing, body: &Graph, arguments: &[NodeId]) -> Vec<NodeId> {
    let mut values: Vec<NodeId> = Vec::with_capacity(body.nodes.len());
    for (_, node) in body.nodes.iter() {
        sharing.set_origin(node.origin);
        let operands: Vec<NodeId> =
            node.operands.iter().map(|operand| values[operand.index()]).collect();
        values.push(if let Op::Parameter(position) = &node.op {
            arguments[*position]
        } else if node.op.is_control() {
            sharing.control(node.op.clone(), &operands)
        } else {
            sharing.node(node.op.clone(), &operands, node.types[0].clone())
        });
    }
    body.results.iter().map(|result| values[result.node.index()]).collect()
}

fn branch(
    sharing: &mut Sharing,
    branch: &Branch,
    operands: &[NodeId],
    used: &[bool],
) -> Vec<Option<NodeId>> {
    let (condition, rest_operands) = (operands[0], &operands[1..]);
    if let Op::Constant(decided) = sharing.op(condition) {
        let side = if decided.bits == 0 { &branch.otherwise } else { &branch.then };
        return inlined(sharing, side, rest_operands).into_iter().map(Some).collect();
    }
    let sides = [&branch.then, &branch.otherwise];
    // What both sides pass on is no result.
    let passed = |result: usize| -> Option<NodeId> {
        let parameter = |side: &Graph| {
            let op = side.op(side.results[result].node);
            if let Op::Parameter(position) = op { Some(*position) } else { None }
        };
        let (then, otherwise) = (parameter(sides[0])?, parameter(sides[1])?);
        (rest_operands[then] == rest_operands[otherwise]).then(|| rest_operands[then])
    };
    let results: Vec<usize> =
        (0..used.len()).filter(|result| used[*result] && passed(*result).is_none()).collect();
    let mut values: Vec<Option<NodeId>> = (0..used.len()).map(passed).collect();
    if results.is_empty() {
        return values;
    }
    let wanted: Vec<bool> = (0..used.len()).map(|result| results.contains(&result)).collect();
    let read: BTreeSet<usize> = sides.iter().flat_map(|side| read_by(side, &wanted)).collect();
    let roles: Vec<Role> = rest_operands
        .iter()
        .enumerate()
        .map(|(at, operand)| if read.contains(&at) { Role::Rest(*operand) } else { Role::Gone })
        .collect();
    let rest = rest(sharing, &roles);
    let [then, otherwise] = sides.map(|side| rebuilt(sharing, side, &roles, &rest, &results));
    let operands = [vec![condition], rest].concat();
    let types: Vec<TensorType> =
        branch.then.results.iter().map(|result| branch.then.ty(result.node).clone()).collect();
    let node = sharing.control(Op::Branch(Box::new(Branch { then, otherwise })), &operands);
    for (position, result) in results.into_iter().enumerate() {
        let ty = types[result].clone();
        values[result] = Some(sharing.node(Op::Project(position), &[node], ty));
    }
    values
}
