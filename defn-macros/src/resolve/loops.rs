//! `while` and `for`: bodies that run again and again.
//!
//! A loop is counted if the number of its rounds is an extent and no `break` leaves it; only then does it collect.
//! Every other loop is a `while`: what it walks over is found from the position, and a `break` at its end is one more truth value of the state.
//!
//! ```text
//! for i in a..b { … }                   position < b - a, with i = a + position
//! for x in xs.along(time) { …;          position < time && go, with x = take(xs, position)
//!     if c { break } }                  go is true before, and !c after each round
//! ```

use super::bodies::Inputs;
use super::body::Body;
use super::exits::Round;
use super::operators::as_extent;
use super::scope::{Binding, Local};
use super::value::Value;
use super::walked::{Items, Walked};
use super::words::Words;
use crate::surface::{Block, Expr, ExprKind, For, Name, Pattern, Seen, walk_block};
use defn_codegen::diagnostic::catalogue::{AxisMistake, LoopMistake};
use defn_codegen::graph::{
    Binary, Comparison, Dim, Element, Keep, NodeId, Op, Repeat, Scalar, Times, Unary,
};
use defn_codegen::library::{self, Tensor};
use proc_macro2::Span;

/// One loop, with the locals that the user cannot name.
struct Loop<'s> {
    /// Behind `while`.
    condition: Option<&'s Expr>,
    /// Behind `for`.
    walked: Option<(&'s Pattern, Walked)>,
    /// What is done in it.
    round: Round<'s>,
    /// What a derivative keeps of it.
    keep: Keep,
    /// All of it.
    block: &'s Block,
    /// Its first word.
    span: Span,
}

/// Locals that the user cannot name: what is walked over, and whether `break` was met.
#[derive(Default)]
struct Hidden {
    start: Option<usize>,
    end: Option<usize>,
    elements: Option<usize>,
    goes_on: Option<usize>,
}

impl Hidden {
    fn all(&self) -> Vec<usize> {
        [self.start, self.end, self.elements, self.goes_on].into_iter().flatten().collect()
    }
}

impl Loop<'_> {
    /// How many rounds there are, if nothing but extents says so.
    fn rounds(&self) -> Option<&Dim> {
        let (_, walked) = self.walked.as_ref()?;
        walked.extent.as_ref().filter(|_| self.round.exit().is_none())
    }

    /// Why nothing can be collected.
    fn word(&self) -> &'static str {
        match &self.walked {
            None => "a `while` loop",
            Some(_) if self.round.exit().is_some() => "a loop with `break`",
            Some(_) => "a loop whose bounds depend on data",
        }
    }
}

impl Body<'_, '_> {
    /// `while condition { … }`.
    pub(super) fn while_loop(&mut self, condition: &Expr, block: &Block, span: Span) -> Value {
        let round = Round::of(block);
        let keep = Keep::Residuals;
        self.looped(&Loop { condition: Some(condition), walked: None, round, keep, block, span })
    }

    /// `for pattern in over { … }`.
    pub(super) fn for_loop(&mut self, walk: &For, keep: Keep, span: Span) -> Value {
        let (block, round) = (&walk.body, Round::of(&walk.body));
        let Some(walked) = self.walked(&walk.over) else {
            // Its mistakes are told all the same.
            let locals = self.scope.locals.len();
            self.bind_pattern(&walk.pattern, Value::Poison);
            self.round(&round);
            self.scope.locals.truncate(locals);
            return Value::Poison;
        };
        if let Items::Parts(mut parts) = walked.items {
            if walked.reverse {
                parts.reverse();
            }
            return self.unrolled(walk, parts);
        }
        let walked = Some((&walk.pattern, walked));
        self.looped(&Loop { condition: None, walked, round, keep, block, span })
    }

    /// One round after the other, written out.
    fn unrolled(&mut self, walk: &For, parts: Vec<Value>) -> Value {
        if let Some(condition) = Round::of(&walk.body).exit() {
            return self.wrong(LoopMistake::BreakOfArray {}, condition.span);
        }
        let mut collected = Vec::with_capacity(parts.len());
        let told = self.told();
        for part in parts {
            let locals = self.scope.locals.len();
            self.bind_pattern(&walk.pattern, part);
            collected.push(self.block(&walk.body));
            self.scope.locals.truncate(locals);
            // The next round would tell it again.
            if self.told() > told {
                return Value::Poison;
            }
        }
        match collected.iter().all(Value::is_unit) {
            true => Value::unit(),
            false => Value::Array(collected),
        }
    }

    fn looped(&mut self, looped: &Loop<'_>) -> Value {
        let locals = self.scope.locals.len();
        self.at(looped.span);
        let hidden = self.hide(looped);
        let value = match looped.rounds() {
            Some(extent) => self.counted(looped, &hidden, extent),
            None => self.uncounted(looped, &hidden),
        };
        self.scope.locals.truncate(locals);
        if value.as_ref().is_some_and(Value::is_unit) {
            self.shadowed(looped.block);
        }
        value.unwrap_or(Value::Poison)
    }

    /// A mistake if a loop assigns to nothing, but binds what could be: `let s = s + x;` for `s = s + x;`.
    fn shadowed(&mut self, block: &Block) {
        let (mut has_effect, mut bound) = (false, Vec::new());
        walk_block(block, &mut |seen| match seen {
            Seen::Place(_) => has_effect = true,
            Seen::Expr(expr) => has_effect |= matches!(expr.kind, ExprKind::Hook(..)),
            Seen::Pattern(pattern) => bound.extend(pattern.names()),
        });
        let outside = |name: &&Name| {
            let local = self.scope.local(&name.text);
            local.is_some_and(|local| self.scope.locals[local].binding == Binding::Mutable)
        };
        if let Some(name) = bound.into_iter().find(outside).filter(|_| !has_effect) {
            let (text, span) = (name.text.clone(), name.span());
            self.wrong(LoopMistake::Shadowed { name: text }, span);
        }
    }

    fn hide(&mut self, looped: &Loop<'_>) -> Hidden {
        let mut hidden = Hidden::default();
        let is_counted = looped.rounds().is_some();
        match looped.walked.as_ref().map(|(_, walked)| &walked.items) {
            Some(Items::Positions(start, end)) => {
                hidden.start = Some(self.hidden("#start", start.clone(), Binding::Fixed));
                hidden.end = Some(self.hidden("#end", end.clone(), Binding::Fixed));
            }
            Some(Items::Elements(value)) if !is_counted => {
                hidden.elements = Some(self.hidden("#sequence", value.clone(), Binding::Fixed));
            }
            Some(Items::Elements(_) | Items::Parts(_)) | None => {}
        }
        if looped.round.last.is_some() {
            let yes = Tensor::scalar(self.b.constant(Scalar::from_i64(Element::Bool, 1)));
            hidden.goes_on = Some(self.hidden("#goes_on", Value::Tensor(yes), Binding::Mutable));
        }
        hidden
    }

    fn hidden(&mut self, name: &str, value: Value, binding: Binding) -> usize {
        self.scope.locals.push(Local { name: name.to_owned(), value, binding });
        self.scope.locals.len() - 1
    }

    /// Rounds that an extent counts; their values are collected.
    fn counted(&mut self, looped: &Loop<'_>, hidden: &Hidden, extent: &Dim) -> Option<Value> {
        let (pattern, walked) = looped.walked.as_ref()?;
        let told = self.told();
        let sequences = match &walked.items {
            Items::Elements(value) => value.leaves("element"),
            Items::Positions(..) | Items::Parts(_) => Vec::new(),
        };
        let words = Words::default().block(looped.block);
        let inputs = self.inputs(&words, &hidden.all()).of_loop(sequences);
        let around = self.enter("body", &inputs);
        let item = self.item_of(looped, hidden, &inputs);
        self.bind_pattern(pattern, item);
        let value = self.round(&looped.round);
        let value = self.collected(value, (&walked.axis, extent), looped.round.span());
        let state = self.state(&inputs, looped.round.end);
        let inside = self.leave(around);
        if self.told() > told {
            self.spoil(&inputs, &inside);
            return None;
        }
        let state = state?;
        let nodes = [state.clone(), value.nodes()].concat();
        let padding = inside.padding(&nodes);
        let changed = inputs.changed(&state);
        let mut results: Vec<usize> = (0..state.len()).filter(|k| changed[*k]).collect();
        let count = results.len();
        results.extend(state.len()..nodes.len());
        let body = self.finished(inside, results.iter().map(|k| nodes[*k]).collect());
        let kept = inputs.kept(&[&body], &changed);
        let (body, reverse) = (kept.body(&body), walked.reverse);
        let (times, sequences) = (Times::Extent(extent.clone()), kept.sequences);
        let repeat = Repeat { times, state: count, sequences, reverse, keep: looped.keep, body };
        let new = self.run(Op::Repeat(Box::new(repeat)), &kept.operands, looped.span);
        self.pad(&new, &results.iter().map(|k| padding[*k]).collect::<Vec<_>>());
        self.rebind(&inputs, &changed, &new);
        let mut collected = new.into_iter().skip(count);
        Some(value.with_tensors(&mut |tensor| {
            let names = [vec![walked.axis.clone()], tensor.names.clone()].concat();
            Tensor::new(collected.next().unwrap_or(tensor.node), names)
        }))
    }

    /// A node that runs bodies; none if nothing comes out.
    pub(super) fn run(&mut self, op: Op, operands: &[NodeId], span: Span) -> Vec<NodeId> {
        let empty = match &op {
            Op::Branch(branch) => branch.then.results.is_empty(),
            Op::Repeat(repeat) => repeat.body.results.is_empty(),
            _ => true,
        };
        self.at(span);
        if empty { Vec::new() } else { self.b.control(op, operands) }
    }

    /// The value of a round where it is collected: every leaf gets the axis.
    fn collected(
        &mut self,
        value: Value,
        (axis, extent): (&Option<String>, &Dim),
        span: Span,
    ) -> Value {
        let value = self.settled(value, span);
        for (_, leaf) in value.leaves("") {
            let Some(name) = axis.as_ref().filter(|name| leaf.position(name).is_some()) else {
                continue;
            };
            let names = [vec![axis.clone()], leaf.names.clone()].concat();
            let shape = [vec![extent.clone()], leaf.shape(&self.b)].concat();
            let symbols = &self.b.graph().symbols;
            let ty = library::show_type(leaf.element(&self.b), &names, &shape, symbols);
            return self.wrong(AxisMistake::NameTwice { name: name.clone(), ty }, span);
        }
        if let Value::Request(request) = &value {
            return self.uncalled(request, span);
        }
        value
    }

    /// Rounds until a condition fails.
    fn uncounted(&mut self, looped: &Loop<'_>, hidden: &Hidden) -> Option<Value> {
        let told = self.told();
        let words = Words::default().block(looped.block);
        let words = looped.condition.into_iter().fold(words, Words::expr);
        let inputs = self.inputs(&words, &hidden.all()).of_loop(Vec::new());
        let around = self.enter("condition", &inputs);
        let holds = self.holds(looped, hidden, &inputs);
        let condition = self.leave(around);
        let around = self.enter("body", &inputs);
        if let Some((pattern, _)) = &looped.walked {
            let item = self.item_of(looped, hidden, &inputs);
            self.bind_pattern(pattern, item);
        }
        let value = self.round_with_exit(&looped.round, hidden);
        if !value.is_unit() && !value.is_poisoned() {
            let what = looped.word().to_owned();
            self.wrong(LoopMistake::CollectsNothing { what }, looped.round.span());
        }
        let state = self.state(&inputs, looped.round.end);
        let body = self.leave(around);
        if self.told() > told {
            self.spoil(&inputs, &body);
            return None;
        }
        let state = state?;
        let padding = body.padding(&state);
        let changed = inputs.changed(&state);
        let new: Vec<usize> = (0..state.len()).filter(|k| changed[*k]).collect();
        let body = self.finished(body, new.iter().map(|k| state[*k]).collect());
        let condition = self.finished(condition, vec![holds?]);
        let kept = inputs.kept(&[&body, &condition], &changed);
        let times = Times::While(kept.body(&condition));
        let body = kept.body(&body);
        let repeat = Repeat {
            times,
            state: new.len(),
            sequences: 0,
            reverse: false,
            keep: Keep::Residuals,
            body,
        };
        let after = self.run(Op::Repeat(Box::new(repeat)), &kept.operands, looped.span);
        self.pad(&after, &new.iter().map(|k| padding[*k]).collect::<Vec<_>>());
        self.rebind(&inputs, &changed, &after);
        Some(Value::unit())
    }

    /// Whether there is another round.
    fn holds(&mut self, looped: &Loop<'_>, hidden: &Hidden, inputs: &Inputs) -> Option<NodeId> {
        let mut tests = Vec::new();
        if let Some(goes_on) = hidden.goes_on {
            tests.extend(self.scope.locals[goes_on].value.nodes());
        }
        if let Some(test) = self.is_inside(looped, hidden, inputs.position()) {
            tests.push(test);
        }
        if let Some(condition) = looped.condition {
            tests.push(self.asked("while", condition, inputs)?);
        }
        if let Some(first) = looped.round.first {
            let locals = self.scope.locals.len();
            if let Some((pattern, _)) = &looped.walked {
                let told = self.told();
                let item = self.item_of(looped, hidden, inputs);
                self.bind_pattern(pattern, item);
                // The body binds it too, and tells.
                self.untell(told);
            }
            let leaves = self.asked("if", first, inputs);
            self.scope.locals.truncate(locals);
            tests.push(self.not(leaves?));
        }
        let tests = tests.into_iter();
        tests.reduce(|all, test| self.b.binary(Binary::And, all, test))
    }

    /// A condition that is asked between rounds, where nothing can be changed.
    fn asked(&mut self, word: &str, condition: &Expr, inputs: &Inputs) -> Option<NodeId> {
        let status = self.status();
        let truth = self.truth(word, condition);
        let state = self.state(inputs, condition.span)?;
        if self.status() != status {
            self.refuse_hooks(condition.span);
            return None;
        }
        if !inputs.changed(&state).contains(&true) {
            return truth;
        }
        let mut assigned = Words::default().expr(condition).assigned.into_iter();
        let place = assigned.find(|(word, _)| self.scope.local(word).is_some());
        let place = place.map_or(condition.span, |(_, place)| place);
        self.wrong(LoopMistake::ConditionAssigns {}, place);
        None
    }

    /// One truth value.
    pub(super) fn truth(&mut self, word: &str, condition: &Expr) -> Option<NodeId> {
        let value = self.expr(condition);
        if value.is_poisoned() {
            return None;
        }
        self.condition(word, value, condition.span)
    }

    fn not(&mut self, truth: NodeId) -> NodeId {
        self.b.unary(Unary::Not, truth)
    }

    /// Whether the position is one of those that are walked over.
    fn is_inside(
        &mut self,
        looped: &Loop<'_>,
        hidden: &Hidden,
        position: NodeId,
    ) -> Option<NodeId> {
        let (_, walked) = looped.walked.as_ref()?;
        let (place, end) = match (hidden.start, hidden.end) {
            (Some(start), Some(end)) => (self.after_start(start, position), self.bound_of(end)?),
            _ => (position, self.b.extent(walked.extent.clone()?)),
        };
        Some(self.b.compare(Comparison::Lt, place, end))
    }

    fn bound_of(&mut self, hidden: usize) -> Option<NodeId> {
        let value = self.scope.locals[hidden].value.clone();
        self.tensor(value, Span::call_site()).map(|tensor| tensor.node)
    }

    fn after_start(&mut self, start: usize, position: NodeId) -> NodeId {
        let is_zero = as_extent(&self.scope.locals[start].value).is_some_and(|dim| dim.is(0));
        match self.bound_of(start) {
            Some(start) if !is_zero => self.b.binary(Binary::Add, start, position),
            _ => position,
        }
    }

    /// What the pattern of a `for` is bound to in this round.
    fn item_of(&mut self, looped: &Loop<'_>, hidden: &Hidden, inputs: &Inputs) -> Value {
        let Some((_, walked)) = &looped.walked else { return Value::unit() };
        let is_counted = looped.rounds().is_some();
        let position = match walked.reverse && !is_counted {
            true => self.before_end(walked, hidden, inputs.position()),
            false => Some(inputs.position()),
        };
        let Some(position) = position else { return Value::Poison };
        match &walked.items {
            Items::Positions(..) if walked.reverse && !is_counted => {
                Value::Tensor(Tensor::scalar(position))
            }
            Items::Positions(..) => {
                let start = hidden.start.unwrap_or_default();
                Value::Tensor(Tensor::scalar(self.after_start(start, position)))
            }
            Items::Elements(value) if is_counted => {
                let mut elements = inputs.elements();
                value.with_tensors(&mut |tensor| {
                    let node = elements.next().unwrap_or(tensor.node);
                    Tensor::new(node, tensor.names[1..].to_vec())
                })
            }
            Items::Elements(_) => {
                let hidden = hidden.elements.unwrap_or_default();
                let sequences = self.scope.locals[hidden].value.clone();
                sequences.with_tensors(&mut |tensor| {
                    let element = self.b.take(tensor.node, position, 0);
                    if self.padded.contains(&tensor.node) {
                        self.padded.insert(element);
                    }
                    Tensor::new(element, tensor.names[1..].to_vec())
                })
            }
            Items::Parts(_) => Value::Poison,
        }
    }

    /// The place that is as far from the end as the position from the start.
    fn before_end(&mut self, walked: &Walked, hidden: &Hidden, position: NodeId) -> Option<NodeId> {
        let end = match hidden.end {
            Some(end) => self.bound_of(end)?,
            None => self.b.extent(walked.extent.clone()?),
        };
        let one = self.b.extent(Dim::from(1));
        let last = self.b.binary(Binary::Sub, end, one);
        Some(self.b.binary(Binary::Sub, last, position))
    }

    fn round(&mut self, round: &Round<'_>) -> Value {
        let locals = self.scope.locals.len();
        let value = self.sequence(round.statements, round.value, None);
        self.scope.locals.truncate(locals);
        value
    }

    /// A round, with the `break` at its end.
    fn round_with_exit(&mut self, round: &Round<'_>, hidden: &Hidden) -> Value {
        let locals = self.scope.locals.len();
        let value = self.sequence(round.statements, round.value, None);
        if let (Some(last), Some(goes_on)) = (round.last, hidden.goes_on)
            && let Some(leaves) = self.truth("if", last)
        {
            let goes_on_then = Tensor::scalar(self.not(leaves));
            self.scope.locals[goes_on].value = Value::Tensor(goes_on_then);
        }
        self.scope.locals.truncate(locals);
        value
    }
}
