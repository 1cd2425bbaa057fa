//! Arguments against parameters: extents and axis names of the callee get their meaning in the caller (R12).
//!
//! ```text
//! f(x: Tensor<f32, row, column>) -> Tensor<f32, row>      row    is  batch
//! f(image)  with  image: Tensor<f32, batch, pixel<784>>   column is  pixel, its extent 784
//! ```
//!
//! The names of a callee are its own variables, bound by position; its extents are found as on entry of a call from Rust,
//! and what is found must be provably equal everywhere.

use super::body::Body;
use super::signature::{Leaf, Tree};
use super::value::Value;
use defn_codegen::diagnostic::catalogue::{AxisMistake, CallMistake};
use defn_codegen::graph::solve;
use defn_codegen::graph::{self, Check, Dim, Element, NodeId, Relation, TensorType};
use defn_codegen::library::{Tensor, show, show_dim, show_type};
use proc_macro2::Span;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is called, for sentences.
pub(super) struct Target<'t> {
    /// Its name.
    pub(super) name: &'t str,
    /// Where it is defined.
    pub(super) place: &'t str,
    /// The names of its symbols.
    pub(super) symbols: &'t [String],
}

/// One argument with its parameter.
pub(super) struct Argument<'t> {
    /// The parameter's name.
    pub(super) parameter: &'t str,
    /// The parameter's type.
    pub(super) tree: &'t Tree,
    /// What is passed.
    pub(super) value: Value,
    /// The argument's token.
    pub(super) span: Span,
}

/// What the names of the callee mean in the caller.
pub(super) struct Bound {
    /// The extent for each symbol; none for those that stand nowhere alone.
    pub(super) symbols: Vec<Option<Dim>>,
    /// The axis for each axis name.
    pub(super) names: BTreeMap<String, Option<String>>,
    /// The operands, leaf by leaf.
    pub(super) operands: Vec<NodeId>,
}

/// A leaf of a parameter with what is passed for it.
struct Pair {
    leaf: Leaf,
    passed: Passed,
    span: Span,
}

enum Passed {
    Tensor(Tensor),
    Extent(Dim),
}

impl Body<'_, '_> {
    /// Binds all arguments; none if a mistake was told.
    pub(super) fn bind_arguments(
        &mut self,
        target: &Target<'_>,
        arguments: &[Argument<'_>],
    ) -> Option<Bound> {
        let mut pairs = Some(Vec::new());
        for argument in arguments {
            let found = self.pair(target, argument);
            pairs = match (pairs, found) {
                (Some(mut pairs), Some(found)) => {
                    pairs.extend(found);
                    Some(pairs)
                }
                _ => None,
            };
        }
        let pairs = pairs?;
        let told = self.told();
        let names = self.bind_names(&pairs);
        if self.told() > told {
            return None;
        }
        let symbols = self.bind_symbols(target, &pairs);
        for pair in &pairs {
            self.same_extents(target, pair, &symbols);
        }
        if self.told() > told {
            return None;
        }
        let operands = pairs.iter().map(|pair| match &pair.passed {
            Passed::Tensor(tensor) => tensor.node,
            Passed::Extent(dim) => self.b.extent(dim.clone()),
        });
        let operands = operands.collect();
        Some(Bound { symbols, names, operands })
    }

    /// The leaves of one argument beside those of its parameter.
    fn pair(&mut self, target: &Target<'_>, argument: &Argument<'_>) -> Option<Vec<Pair>> {
        if argument.value.is_poisoned() {
            return None;
        }
        let mut leaves = argument.tree.leaves(argument.parameter).into_iter();
        let mut pairs = Vec::new();
        match self.walk((argument.tree, &argument.value), argument.span, (&mut leaves, &mut pairs))
        {
            Walk::Same => Some(pairs),
            Walk::Told => None,
            Walk::Different => {
                let mistake = CallMistake::ArgumentType {
                    function: target.name.to_owned(),
                    parameter: argument.parameter.to_owned(),
                    expected: argument.tree.show(target.symbols),
                    found: argument.value.show(&self.b),
                    help: self.argument_hint(argument),
                };
                self.wrong(mistake, argument.span);
                None
            }
        }
    }

    /// How the argument may become what the parameter is.
    fn argument_hint(&self, argument: &Argument<'_>) -> Option<String> {
        let (element, rank) = match argument.tree {
            Tree::Scalar(element) => (*element, 0),
            Tree::Tensor { element, names, .. } => (*element, names.len()),
            _ => return None,
        };
        let Value::Tensor(tensor) = &argument.value else { return None };
        if tensor.element(&self.b) != element {
            return Some(format!("convert it: `as {element}`"));
        }
        let help = match tensor.rank().cmp(&rank) {
            Ordering::Less => "repeat it along the missing axis with `broadcast`",
            Ordering::Greater => "reduce an axis first, for example with `sum`",
            Ordering::Equal => return None,
        };
        Some(help.to_owned())
    }

    fn walk(
        &mut self,
        (tree, value): (&Tree, &Value),
        span: Span,
        (leaves, pairs): (&mut std::vec::IntoIter<Leaf>, &mut Vec<Pair>),
    ) -> Walk {
        let parts: Vec<(&Tree, &Value)> = match (tree, value) {
            (Tree::Tuple(trees), Value::Tuple(values))
            | (Tree::Array(trees), Value::Array(values))
                if trees.len() == values.len() =>
            {
                trees.iter().zip(values).collect()
            }
            (Tree::Container(container), Value::Container(kind, values))
                if container.uid == kind.uid && container.elements == kind.elements =>
            {
                container.fields.iter().map(|(_, tree)| tree).zip(values).collect()
            }
            (Tree::Scalar(_) | Tree::Tensor { .. } | Tree::Extent(_), value) => {
                let Some(leaf) = leaves.next() else { return Walk::Different };
                return match self.passed(&leaf, value, span) {
                    Ok(passed) => {
                        pairs.push(Pair { leaf, passed, span });
                        Walk::Same
                    }
                    Err(walk) => walk,
                };
            }
            _ => return Walk::Different,
        };
        for (tree, value) in parts {
            match self.walk((tree, value), span, (leaves, pairs)) {
                Walk::Same => {}
                other => return other,
            }
        }
        Walk::Same
    }

    fn passed(&mut self, leaf: &Leaf, value: &Value, span: Span) -> Result<Passed, Walk> {
        if leaf.symbol.is_some() {
            return match super::operators::as_extent(value) {
                Some(dim) if dim.as_constant().is_none_or(|value| value >= 0) => {
                    Ok(Passed::Extent(dim))
                }
                _ => Err(Walk::Different),
            };
        }
        let is_structure = super::operators::is_structure(value);
        if is_structure
            || (leaf.names.is_empty() != is_scalar(value))
            || matches!(value, Value::Request(_))
        {
            return Err(Walk::Different);
        }
        let tensor = self.tensor_of(value.clone(), leaf.element, span).ok_or(Walk::Told)?;
        if tensor.element(&self.b) != leaf.element || tensor.rank() != leaf.names.len() {
            return Err(Walk::Different);
        }
        Ok(Passed::Tensor(tensor))
    }

    /// Binds axis names by position; refuses swapped axes and one name for two axes.
    fn bind_names(&mut self, pairs: &[Pair]) -> BTreeMap<String, Option<String>> {
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        for pair in pairs {
            let Passed::Tensor(tensor) = &pair.passed else { continue };
            if let Some(axis) = swapped(&pair.leaf.names, &tensor.names) {
                let leaf = &pair.leaf;
                let (expected, found) =
                    (show_names(leaf.element, &leaf.names), show(&self.b, tensor));
                self.wrong(CallMistake::SwappedAxes { axis, expected, found }, pair.span);
                continue;
            }
            for (own, given) in pair.leaf.names.iter().zip(&tensor.names) {
                let Some(own) = own else { continue };
                match names.get(own).cloned() {
                    Some(Some(first)) => {
                        if let Some(second) = given
                            && *second != first
                        {
                            let (axis, second) = (own.clone(), second.clone());
                            self.wrong(CallMistake::TwoNames { axis, first, second }, pair.span);
                        }
                    }
                    Some(None) | None => {
                        names.insert(own.clone(), given.clone());
                    }
                }
            }
        }
        names
    }

    /// Finds the extents of the callee's symbols, in the order in which a call from Rust would.
    fn bind_symbols(&mut self, target: &Target<'_>, pairs: &[Pair]) -> Vec<Option<Dim>> {
        let parameters: Vec<graph::Parameter> = pairs
            .iter()
            .map(|pair| graph::Parameter {
                name: pair.leaf.path.clone(),
                ty: TensorType::new(pair.leaf.element, pair.leaf.shape.clone()),
                symbol: pair.leaf.symbol,
            })
            .collect();
        let mut symbols: Vec<Option<Dim>> = vec![None; target.symbols.len()];
        // A container alone need not tell all its extents; what it does not tell is not compared.
        let solves = solve(target.symbols.len(), &parameters).unwrap_or_default();
        for step in solves {
            let pair = &pairs[step.parameter];
            let found = match (&pair.passed, step.axis) {
                (Passed::Extent(dim), _) => dim.clone(),
                (Passed::Tensor(tensor), Some(axis)) => tensor.shape(&self.b)[axis].clone(),
                (Passed::Tensor(_), None) => continue,
            };
            let known: Vec<Dim> =
                symbols.iter().map(|dim| dim.clone().unwrap_or_default()).collect();
            let rest = found - step.rest.substitute(&known);
            let factor = Dim::from(step.factor);
            let value = rest.exact_div(&factor);
            if rest.as_constant().is_none() && rest.floor_div(&factor) != value {
                let (left, right) = (show_dim(&self.b, &factor), show_dim(&self.b, &rest));
                let text = format!("call of `{}`: `{left}` must divide `{right}`", target.name);
                self.b.check(Check {
                    relation: Relation::Divides,
                    left: factor,
                    right: rest,
                    text,
                });
            }
            symbols[step.symbol] = Some(value);
        }
        symbols
    }

    fn same_extents(&mut self, target: &Target<'_>, pair: &Pair, symbols: &[Option<Dim>]) {
        let Passed::Tensor(tensor) = &pair.passed else { return };
        let known: Vec<Dim> = symbols.iter().map(|dim| dim.clone().unwrap_or_default()).collect();
        for (axis, own) in pair.leaf.shape.iter().enumerate() {
            let mut open = false;
            own.for_each_symbol(&mut |symbol| open |= symbols[symbol.0 as usize].is_none());
            let expected = own.substitute(&known);
            let found = tensor.shape(&self.b)[axis].clone();
            if open || expected == found {
                continue;
            }
            let word = tensor.names[axis].clone().unwrap_or_else(|| axis.to_string());
            let apart = (expected.clone() - found).as_constant().is_some();
            let (expected, found) = (show_dim(&self.b, &expected), show(&self.b, tensor));
            let expected = match own.as_constant() {
                Some(_) => expected,
                None => format!("{expected}, which is `{}`", own.display(target.symbols)),
            };
            let place = format!("{} ({})", target.name, target.place);
            self.wrong(
                if apart {
                    CallMistake::ArgumentExtent { axis: word, expected, found, place }
                } else {
                    CallMistake::ArgumentUnrelated { axis: word, expected, found, place }
                },
                pair.span,
            );
            return;
        }
    }

    /// A leaf of the result in the caller's names and extents.
    pub(super) fn result_leaf(
        &mut self,
        leaf: &Leaf,
        bound: &Bound,
        span: Span,
    ) -> Option<(TensorType, Vec<Option<String>>)> {
        let known: Vec<Dim> =
            bound.symbols.iter().map(|dim| dim.clone().unwrap_or_default()).collect();
        let shape: Vec<Dim> = leaf.shape.iter().map(|dim| dim.substitute(&known)).collect();
        let translated = |name: &Option<String>| match name {
            Some(name) => bound.names.get(name).cloned().unwrap_or_else(|| Some(name.clone())),
            None => None,
        };
        let names: Vec<Option<String>> = leaf.names.iter().map(translated).collect();
        for (position, name) in names.iter().enumerate() {
            if let Some(name) = name
                && names[..position].contains(&Some(name.clone()))
            {
                let ty = show_type(leaf.element, &names, &shape, &self.b.graph().symbols);
                self.wrong(AxisMistake::NameTwice { name: name.clone(), ty }, span);
                return None;
            }
        }
        Some((TensorType::new(leaf.element, shape), names))
    }
}

/// How a value and a type compare.
enum Walk {
    Same,
    Different,
    Told,
}

fn is_scalar(value: &Value) -> bool {
    match value {
        Value::Tensor(tensor) => tensor.rank() == 0,
        _ => true,
    }
}

/// A name of the argument that is the parameter's name of another axis.
fn swapped(own: &[Option<String>], given: &[Option<String>]) -> Option<String> {
    given.iter().enumerate().find_map(|(position, name)| {
        let name = name.as_ref()?;
        let elsewhere = own.iter().position(|other| other.as_ref() == Some(name))?;
        (elsewhere != position).then(|| name.clone())
    })
}

/// A type of which only the names matter.
fn show_names(element: Element, names: &[Option<String>]) -> String {
    let words: Vec<&str> = names.iter().map(|name| name.as_deref().unwrap_or("{_}")).collect();
    format!("Tensor<{element}, {}>", words.join(", "))
}
