//! Functions with rules of their users: how they move is what the rules say.
//!
//! ```text
//! before                              tangent, to be transposed             cotangent of d_x
//! %0: f32 = call custom[grad=fn1]     %1: f32 = call tangent[..](..)        %2: f32 = call fn1(x, %0, c)
//!   (fn0)(x)                            (x, %0, d_x)
//! ```
//!
//! Forward mode calls the rule for tangents. Reverse mode puts a linear call in the place of the tangent, which nobody computes: its
//! transpose calls the rule for gradients, or, if there is none, the gradient of the rule for tangents where these are zero, since a
//! tangent is linear in tangents. The value stays a call with rules, so that a second derivative asks the rules again.
//! A map of such a function has the maps of its rules as rules; what is not mapped gets the sum of what each element gives.
//!
//! Afterwards: calls of rules stand in the graph, which inlining resolves.

use crate::bug;
use crate::graph::{Callable, Dim, Node, NodeId, Op, Rules, TensorType};

use super::transpose::Transposition;
use super::{Draft, Mode};

/// The tangents of the results of a call of a function with rules, for its arguments and results and the tangents of the arguments.
pub(super) fn tangents(
    draft: &mut Draft,
    node: &Node,
    (arguments, results): (&[NodeId], &[NodeId]),
    moving: &[Option<NodeId>],
    mode: Mode,
) -> Vec<Option<NodeId>> {
    let Op::Call { callee, symbols } = &node.op else {
        bug!("transform", "{:?} has no rule", node.op)
    };
    let is_float = |ty: &TensorType| ty.element.is_float();
    let floats = (0..arguments.len()).filter(|it| is_float(&draft.ty(arguments[*it])));
    let floats: Vec<usize> = floats.collect();
    let given: Vec<NodeId> =
        floats.iter().map(|it| draft.or_zero(moving[*it], arguments[*it])).collect();
    let (callee, operands) = match mode {
        Mode::Together => {
            let rule = tangent_rule(callee, arguments.len(), &floats);
            (rule, [arguments, &given].concat())
        }
        Mode::Apart => {
            let of = Box::new(callee.clone());
            let (parameters, values) = (arguments.len(), results.len());
            let linear = Callable::Tangent { of, parameters, results: values };
            (linear, [arguments, results, &given].concat())
        }
    };
    let types = node.types.iter().filter(|ty| is_float(ty)).cloned().collect();
    let mut found = draft.builder.call(callee, symbols.clone(), &operands, types).into_iter();
    node.types.iter().map(|ty| is_float(ty).then(|| found.next()).flatten()).collect()
}

impl Transposition {
    /// Gives the tangents of a linear call their cotangents.
    pub(super) fn by_rule(
        &mut self,
        node: &Node,
        (callee, symbols): (&Callable, &[Dim]),
        cotangents: &[Option<NodeId>],
    ) {
        let Callable::Tangent { of, parameters, results } = callee else {
            bug!("transform", "{callee:?} is not linear")
        };
        let (values, tangents) = node.operands.split_at(parameters + results);
        let (arguments, values) = values.split_at(*parameters);
        let draft = &mut self.draft;
        let given = cotangents.iter().zip(&node.types);
        let given: Vec<NodeId> =
            given.map(|(given, ty)| given.unwrap_or_else(|| draft.zero(ty))).collect();
        let floats = (0..*parameters).filter(|it| draft.ty(arguments[*it]).element.is_float());
        let floats: Vec<usize> = floats.collect();
        let extents = symbols[symbols.len() - mapped(of).len()..].iter().rev();
        let extents: Vec<Dim> = extents.cloned().collect();
        let missing: Vec<Vec<usize>> = floats.iter().map(|leaf| unmapped(of, *leaf)).collect();
        // Of every argument that is not mapped, each element has a gradient.
        let mut types = Vec::new();
        for (leaf, missing) in floats.iter().zip(&missing) {
            let mut ty = draft.ty(arguments[*leaf]);
            missing.iter().for_each(|axis| ty.shape.insert(*axis, extents[*axis].clone()));
            types.push(ty);
        }
        let has_gradient = of.rules().is_some_and(|rules| rules.gradient.is_some());
        let gradients = if has_gradient {
            let rule = gradient_rule(of, (*parameters, results + given.len()));
            let operands = [arguments, values, &given].concat();
            draft.builder.call(rule, symbols.to_vec(), &operands, types)
        } else {
            let rule = transposed_rule(of, *parameters, &floats, given.len());
            let zeros = floats.iter().map(|leaf| {
                let mut ty = draft.ty(arguments[*leaf]);
                ty.shape.drain(..mapped(of).len() - unmapped(of, *leaf).len());
                draft.zero(&ty)
            });
            let zeros: Vec<NodeId> = zeros.collect();
            let operands = [arguments, &zeros, &given].concat();
            let all = [node.types.clone(), types].concat();
            let mut found = draft.builder.call(rule, symbols.to_vec(), &operands, all);
            found.split_off(node.types.len())
        };
        for ((tangent, gradient), missing) in tangents.iter().zip(gradients).zip(missing) {
            if self.is_linear(*tangent) {
                let gradient = match missing.is_empty() {
                    true => gradient,
                    false => self.draft.sum(gradient, &missing),
                };
                self.give(*tangent, gradient);
            }
        }
    }
}

/// The rule for tangents. The tangent of a leaf that is mapped is mapped.
fn tangent_rule(of: &Callable, parameters: usize, floats: &[usize]) -> Callable {
    mapped_rule(
        of,
        |rules| rules.jvp.map(Callable::Function),
        |mapped| {
            let position = |leaf: &usize| floats.iter().position(|float| float == leaf);
            let tangents = mapped.iter().filter_map(position).map(|it| parameters + it);
            mapped.iter().copied().chain(tangents).collect()
        },
    )
}

/// The rule for gradients, whose `behind` operands behind the parameters are mapped wherever one of these is.
fn gradient_rule(of: &Callable, (parameters, behind): (usize, usize)) -> Callable {
    mapped_rule(
        of,
        |rules| rules.gradient.map(Callable::Function),
        |mapped| mapped.iter().copied().chain(parameters..parameters + behind).collect(),
    )
}

/// The gradient of the rule for tangents with respect to these, which are not mapped.
fn transposed_rule(
    of: &Callable,
    parameters: usize,
    floats: &[usize],
    cotangents: usize,
) -> Callable {
    let first = parameters + floats.len();
    let gradient = |rule| Callable::Vjp {
        of: Box::new(Callable::Function(rule)),
        wrt: (parameters..first).collect(),
    };
    mapped_rule(
        of,
        |rules| rules.jvp.map(gradient),
        |mapped| mapped.iter().copied().chain(first..first + cotangents).collect(),
    )
}

/// A rule of the function at the bottom, mapped as that is.
fn mapped_rule(
    of: &Callable,
    rule: impl Fn(&Rules) -> Option<Callable>,
    leaves: impl Fn(&[usize]) -> Vec<usize>,
) -> Callable {
    let found = of.rules().and_then(|rules| rule(&rules));
    let Some(found) = found else { bug!("transform", "{of:?} lacks the rule that is asked for") };
    let map = |of, mapped: &Vec<usize>| Callable::Map { of: Box::new(of), mapped: leaves(mapped) };
    mapped(of).into_iter().rev().fold(found, map)
}

/// The leaves that each map maps, the outermost map first.
fn mapped(of: &Callable) -> Vec<&Vec<usize>> {
    let mut of = of;
    let mut found = Vec::new();
    while let Callable::Map { of: inner, mapped } = of {
        found.push(mapped);
        of = inner;
    }
    found
}

/// The maps, by their axes, that do not map a leaf.
fn unmapped(of: &Callable, leaf: usize) -> Vec<usize> {
    let maps = mapped(of).into_iter().enumerate();
    maps.filter(|(_, mapped)| !mapped.contains(&leaf)).map(|(axis, _)| axis).collect()
}
