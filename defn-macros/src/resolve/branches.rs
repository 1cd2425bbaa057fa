//! `if`: one of two bodies runs (R30).
//!
//! ```text
//! let mut y = x;                             %1: (f32, f32) = branch %0, x then … otherwise …
//! let z = if x > 0.0 { y = 1.0; x }          the value comes first, then what either side assigned
//!         else { -x };
//! ```
//!
//! A side that is a literal takes the type of the other one, or of what the whole stands for.

use super::bodies::{Inputs, Inside};
use super::body::{Body, Fit};
use super::signature::{Container, Tree};
use super::value::Value;
use super::words::Words;
use crate::surface::{Block, Expr, ExprKind, If};
use defn_codegen::diagnostic::catalogue::LoopMistake;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Branch, Element, NodeId, Op};
use defn_codegen::library::Literal;
use proc_macro2::Span;

/// One side, walked.
struct Side {
    inside: Inside,
    value: Value,
    /// The leaves of what is carried.
    state: Option<Vec<NodeId>>,
    /// The place of its value.
    span: Span,
}

impl Body<'_, '_> {
    /// An expression that stands for a value of a known type, which literals at the ends of branches take.
    pub(super) fn expr_as(&mut self, expr: &Expr, tree: &Tree) -> Value {
        match &expr.kind {
            ExprKind::If(branch) => self.branch(branch, Some(tree), expr.span),
            ExprKind::Block(block) => self.block_as(block, Some(tree)),
            _ => self.expr(expr),
        }
    }

    /// `if condition { … } else { … }`.
    pub(super) fn branch(&mut self, branch: &If, tree: Option<&Tree>, span: Span) -> Value {
        let told = self.told();
        let condition = self.truth("if", &branch.condition);
        let words = Words::default().block(&branch.then);
        let words = branch.otherwise.iter().fold(words, Words::expr);
        let inputs = self.inputs(&words, &[]);
        let then = self.side("then", &inputs, |body| {
            (body.block_as(&branch.then, tree), value_span(&branch.then))
        });
        let otherwise = self.side("otherwise", &inputs, |body| match &branch.otherwise {
            Some(otherwise) => {
                let value = match tree {
                    Some(tree) => body.expr_as(otherwise, tree),
                    None => body.expr(otherwise),
                };
                (value, expr_span(otherwise))
            }
            None => (Value::unit(), span),
        });
        if self.told() > told {
            self.spoil(&inputs, &then.inside);
            self.spoil(&inputs, &otherwise.inside);
            return Value::Poison;
        }
        if then.value.is_poisoned() || otherwise.value.is_poisoned() {
            return Value::Poison;
        }
        if branch.otherwise.is_none() && !then.value.is_unit() {
            let found = then.value.show(&self.b);
            return self.wrong(LoopMistake::MissingElse { found }, then.span);
        }
        let joined = self.joined_sides(then, otherwise, tree);
        let (Some(sides), Some(condition)) = (joined, condition) else { return Value::Poison };
        self.merged(&inputs, sides, (condition, span)).unwrap_or(Value::Poison)
    }

    fn side(
        &mut self,
        name: &str,
        inputs: &Inputs,
        walk: impl FnOnce(&mut Self) -> (Value, Span),
    ) -> Side {
        let around = self.enter(name, inputs);
        let (value, span) = walk(self);
        let state = self.state(inputs, span);
        Side { inside: self.leave(around), value, state, span }
    }

    /// Both sides with values of one type.
    fn joined_sides(
        &mut self,
        mut then: Side,
        mut otherwise: Side,
        tree: Option<&Tree>,
    ) -> Option<(Side, Side)> {
        let tree = {
            let (left, right) = (then.inside.builder(), otherwise.inside.builder());
            common((&then.value, left), (&otherwise.value, right), tree)
        };
        let Some(tree) = tree else {
            self.untyped_side(&then.value, then.span);
            return None;
        };
        self.fit_side(&mut then, &tree, None)?;
        let first = tree.show(&self.b.graph().symbols);
        self.fit_side(&mut otherwise, &tree, Some(first))?;
        Some((then, otherwise))
    }

    /// A side whose type nothing says.
    fn untyped_side(&mut self, value: &Value, span: Span) {
        match value {
            Value::Literal(literal) => drop(self.untyped(*literal, span)),
            Value::Request(request) => drop(self.uncalled(request, span)),
            Value::Tuple(parts) | Value::Array(parts) | Value::Container(_, parts) => {
                let untyped = |part: &&Value| {
                    matches!(part, Value::Literal(_) | Value::Request(_))
                        || super::operators::is_structure(part)
                };
                if let Some(part) = parts.iter().find(untyped) {
                    self.untyped_side(part, span);
                }
            }
            Value::Tensor(_) | Value::Extent(_) | Value::Poison => {}
        }
    }

    /// Gives a side the common type; `first` is the type of the other one, if that is to be told.
    fn fit_side(&mut self, side: &mut Side, tree: &Tree, first: Option<String>) -> Option<()> {
        self.swap(&mut side.inside);
        let fit = self.fitted(&side.value, tree, side.span);
        let found = side.value.show(&self.b);
        self.swap(&mut side.inside);
        match fit {
            Fit::Yes(value) => {
                side.value = value;
                return Some(());
            }
            Fit::Told => {}
            Fit::No(help) => {
                let (then, otherwise) = (first.unwrap_or_default(), found);
                self.wrong(LoopMistake::BranchesDiffer { then, otherwise, help }, side.span);
            }
        }
        None
    }

    /// The node that runs one side.
    fn merged(
        &mut self,
        inputs: &Inputs,
        (then, otherwise): (Side, Side),
        (condition, span): (NodeId, Span),
    ) -> Option<Value> {
        let (left, right) = (then.state.as_ref()?, otherwise.state.as_ref()?);
        let changed = either(inputs.changed(left), inputs.changed(right));
        let results = |side: &Side, state: &[NodeId]| -> Vec<NodeId> {
            let state = state.iter().zip(&changed).filter(|(_, changed)| **changed);
            side.value.nodes().into_iter().chain(state.map(|(node, _)| *node)).collect()
        };
        let (left, right) = (results(&then, left), results(&otherwise, right));
        let padding = either(then.inside.padding(&left), otherwise.inside.padding(&right));
        let names = then.value.clone();
        let (then, otherwise) =
            (self.finished(then.inside, left), self.finished(otherwise.inside, right));
        let kept = inputs.kept(&[&then, &otherwise], &vec![false; changed.len()]);
        let branch = Branch { then: kept.body(&then), otherwise: kept.body(&otherwise) };
        let operands = [vec![condition], kept.operands].concat();
        let nodes = self.run(Op::Branch(Box::new(branch)), &operands, span);
        self.pad(&nodes, &padding);
        let count = names.nodes().len();
        let mut values = nodes.iter().copied();
        let value = names.with_nodes(|node| values.next().unwrap_or(node));
        self.rebind(inputs, &changed, &nodes[count..]);
        Some(value)
    }
}

fn either(left: Vec<bool>, right: Vec<bool>) -> Vec<bool> {
    left.into_iter().zip(right).map(|(left, right)| left || right).collect()
}

/// Where the value of a block stands.
fn value_span(block: &Block) -> Span {
    block.value.as_ref().map_or(block.span, |value| expr_span(value))
}

/// Where a value stands: in a block, at its end.
fn expr_span(expr: &Expr) -> Span {
    match &expr.kind {
        ExprKind::Block(block) => value_span(block),
        _ => expr.span,
    }
}

/// The type of both sides; none if both are literals or have no type at all.
fn common(
    (then, left): (&Value, &Builder),
    (otherwise, right): (&Value, &Builder),
    tree: Option<&Tree>,
) -> Option<Tree> {
    let parts = |a: &[Value], b: &[Value], trees: &[Tree]| -> Option<Vec<Tree>> {
        let pairs = a.iter().zip(b).enumerate();
        pairs.map(|(k, (a, b))| common((a, left), (b, right), trees.get(k))).collect()
    };
    match (then, otherwise) {
        (Value::Literal(Literal::Bool(_)), Value::Literal(Literal::Bool(_))) => {
            Some(Tree::Scalar(Element::Bool))
        }
        (Value::Literal(_), Value::Literal(_)) => match tree? {
            Tree::Scalar(element) => Some(Tree::Scalar(*element)),
            Tree::Tensor { element, names, .. } if names.is_empty() => Some(Tree::Scalar(*element)),
            _ => None,
        },
        (Value::Literal(_), other) => other.tree(right),
        (Value::Tuple(a), Value::Tuple(b)) if a.len() == b.len() => {
            let trees = match tree {
                Some(Tree::Tuple(trees)) => trees.as_slice(),
                _ => &[],
            };
            Some(Tree::Tuple(parts(a, b, trees)?))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let trees = match tree {
                Some(Tree::Array(trees)) => trees.as_slice(),
                _ => &[],
            };
            Some(Tree::Array(parts(a, b, trees)?))
        }
        (Value::Container(kind, a), Value::Container(other, b)) if kind == other => {
            let trees = parts(a, b, &[])?;
            Some(Tree::Container(Container {
                path: kind.path.clone(),
                uid: kind.uid.clone(),
                elements: kind.elements.clone(),
                fields: kind.fields.iter().cloned().zip(trees).collect(),
            }))
        }
        (value, _) => value.tree(left),
    }
}
