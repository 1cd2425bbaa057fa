//! `checkpoint(…)`: what a derivative computes once more instead of keeping it.
//!
//! ```text
//! let y = checkpoint(x.sin().exp());    %0: f32[1, n] = repeat x times=1 inputs=1 { graph body(i, x) { exp sin x } }
//!                                       %1: f32[n] = reshape %0
//! ```
//!
//! The expression is a body that runs once. Of a loop that an extent counts it is the loop itself that keeps some of its states.

use super::body::Body;
use super::value::Value;
use super::words::Words;
use crate::surface::{Expr, ExprKind};
use defn_codegen::graph::{Keep, NodeId, Op, Repeat};
use proc_macro2::Span;

/// What goes in.
const INPUTS: Keep = Keep::Inputs { halvings: 1 };

impl Body<'_, '_> {
    /// `checkpoint(expression)`.
    pub(super) fn checkpoint(&mut self, inner: &Expr, span: Span) -> Value {
        if let ExprKind::For(walk) = &inner.kind {
            return self.for_loop(walk, INPUTS, inner.span);
        }
        let told = self.told();
        let words = Words::default().expr(inner);
        let inputs = self.inputs(&words, &[]).of_loop(Vec::new());
        let around = self.enter("body", &inputs);
        let value = self.expr(inner);
        let state = self.state(&inputs, inner.span);
        let inside = self.leave(around);
        if let Value::Request(request) = &value {
            return self.uncalled(request, inner.span);
        }
        let Some(state) = state.filter(|_| self.told() == told && !value.is_poisoned()) else {
            return Value::Poison;
        };
        let changed = inputs.changed(&state);
        let mut results = value.nodes();
        let count = results.len();
        let assigned = state.iter().zip(&changed).filter(|(_, changed)| **changed);
        results.extend(assigned.map(|(node, _)| *node));
        let padding = inside.padding(&results);
        let body = self.finished(inside, results);
        let kept = inputs.kept(&[&body], &vec![false; changed.len()]);
        let once = Repeat::once(kept.body(&body), INPUTS);
        let collected = self.run(Op::Repeat(Box::new(once)), &kept.operands, span);
        let nodes: Vec<NodeId> = collected.into_iter().map(|node| self.only(node)).collect();
        self.pad(&nodes, &padding);
        let mut values = nodes.iter().copied();
        let value = value.with_nodes(|node| values.next().unwrap_or(node));
        self.rebind(&inputs, &changed, &nodes[count..]);
        value
    }

    /// The one element along the first axis.
    fn only(&mut self, collected: NodeId) -> NodeId {
        let shape = self.b.shape(collected);
        self.b.reshape(collected, &shape[1..])
    }
}
