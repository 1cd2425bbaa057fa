//! Random extents and shapes of few elements.

use super::generator::{Generator, MOST_ELEMENTS};
use crate::graph::{Check, Dim, Relation};

impl Generator {
    /// The value of an extent.
    pub(super) fn value(&self, dim: &Dim) -> i64 {
        dim.evaluate(&self.symbols)
    }

    pub(super) fn size(&self, shape: &[Dim]) -> i64 {
        shape.iter().map(|dim| self.value(dim)).product()
    }

    /// A random extent: a number, a symbol or an expression of symbols.
    pub(super) fn extent(&mut self) -> Dim {
        let number = Dim::from(self.random.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9]));
        if self.symbols.is_empty() || self.random.chance(40) {
            return number;
        }
        let symbol = self.symbol();
        match self.random.below(10) {
            0 => symbol + Dim::from(1),
            1 => symbol * Dim::from(2),
            2 => symbol * self.symbol(),
            3 => symbol.floor_div(&Dim::from(2)),
            4 => self.half_or_whole(symbol),
            5 => symbol + self.symbol() + number,
            _ => symbol,
        }
    }

    fn symbol(&mut self) -> Dim {
        let position = self.random.below(self.symbols.len());
        let name = self.builder.graph().symbols[position].clone();
        Dim::from(self.builder.symbol(&name))
    }

    /// Half of an extent, if a check may say that it is even.
    fn half_or_whole(&mut self, dim: Dim) -> Dim {
        if self.value(&dim) % 2 != 0 {
            return dim;
        }
        self.builder.check(Check {
            relation: Relation::Divides,
            left: Dim::from(2),
            right: dim.clone(),
            text: "an extent must be even".to_owned(),
        });
        dim.exact_div(&Dim::from(2))
    }

    /// A random shape of few elements.
    pub(super) fn shape(&mut self, rank: usize) -> Vec<Dim> {
        let mut shape: Vec<Dim> = Vec::new();
        for _ in 0..rank {
            let extent = self.extent();
            shape.push(self.fitting(&shape, extent));
        }
        shape
    }

    /// `extent` if it leaves the shape small enough, else 1.
    pub(super) fn fitting(&self, shape: &[Dim], extent: Dim) -> Dim {
        let size = shape.iter().map(|dim| self.value(dim).max(1)).product::<i64>();
        if size * self.value(&extent) > MOST_ELEMENTS { Dim::from(1) } else { extent }
    }

    /// States that `small` is at most `large`, unless that is known.
    pub(super) fn check_at_most(&mut self, small: i64, large: &Dim) {
        if small > 0 {
            self.check_below(&Dim::from(small), large);
        }
    }

    /// States that `small` is at most `large`, unless both are numbers.
    pub(super) fn check_below(&mut self, small: &Dim, large: &Dim) {
        if (large.clone() - small.clone()).as_constant().is_none() {
            let symbols = &self.builder.graph().symbols;
            let text = format!("an axis must have {} places", small.display(symbols));
            let (left, right) = (small.clone(), large.clone());
            self.builder.check(Check { relation: Relation::AtMost, left, right, text });
        }
    }
}
