//! Addresses: which element of a buffer.

use super::Expr;
use crate::graph::Dim;

/// A loop variable; unique in its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u32);

/// The position of an element in its buffer, in elements:
/// `constant + Σ coefficient · variable + Σ coefficient · expression`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// What no variable changes.
    pub constant: Dim,
    /// Sorted by variable, no coefficient zero.
    pub terms: Vec<(VariableId, Dim)>,
    /// Computed parts: `i64` expressions, for gathers.
    pub computed: Vec<(Expr, Dim)>,
}

impl Address {
    /// The coefficient of a variable in the affine part.
    pub fn coefficient(&self, variable: VariableId) -> Dim {
        let found = self.terms.iter().find(|(candidate, _)| *candidate == variable);
        found.map(|(_, coefficient)| coefficient.clone()).unwrap_or_default()
    }

    /// Adds `coefficient · variable`.
    pub fn add_term(&mut self, variable: VariableId, coefficient: &Dim) {
        match self.terms.binary_search_by_key(&variable, |(candidate, _)| *candidate) {
            Ok(position) => {
                let sum = self.terms[position].1.clone() + coefficient.clone();
                if sum.is(0) {
                    self.terms.remove(position);
                } else {
                    self.terms[position].1 = sum;
                }
            }
            Err(_) if coefficient.is(0) => {}
            Err(position) => self.terms.insert(position, (variable, coefficient.clone())),
        }
    }

    /// Adds `scale · (constant + Σ coefficient · variable)` of another address; its computed parts too.
    pub fn add_scaled(&mut self, other: &Self, scale: &Dim) {
        self.constant = self.constant.clone() + other.constant.clone() * scale.clone();
        for (variable, coefficient) in &other.terms {
            self.add_term(*variable, &(coefficient.clone() * scale.clone()));
        }
        for (expr, coefficient) in &other.computed {
            self.computed.push((expr.clone(), coefficient.clone() * scale.clone()));
        }
    }
}
