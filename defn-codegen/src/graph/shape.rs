//! Extents: integer expressions over symbols, in a normal form.
//!
//! A [`Dim`] is a polynomial with integer coefficients over atoms; an atom is a symbol of the graph or a quotient.
//! Two extents are provably equal exactly if their normal forms are equal.
//! Segments of a loop are as long as the root of its extent.
//! How much memory a call needs has atoms more: the largest of several extents, and whether one reaches a bound.
//!
//! ```text
//! (n + 1) * (n - 1)  is  n*n - 1
//! 64 * exact(n / 64) is  n          (an exact quotient was checked on entry)
//! floor((n - 2) / 2) is  floor(n / 2) - 1
//! floor(n / 2) * 2   stays          (nothing says that n is even)
//! ```

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

/// An extent symbol: a position in the symbol table of its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// What a polynomial is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A symbol.
    Symbol(Symbol),
    /// `floor(numerator / divisor)`; with `exact`, a check on entry says that nothing remains.
    Quotient {
        /// What is divided.
        numerator: Dim,
        /// What it is divided by.
        divisor: Dim,
        /// Whether the division is known to leave no remainder.
        exact: bool,
    },
    /// The largest of several, sorted; none is surely at most another.
    Largest(Vec<Dim>),
    /// 1 if an extent is at least the bound, or else 0.
    Reaches {
        /// What is compared.
        extent: Dim,
        /// With what.
        bound: i64,
    },
    /// The largest whole number whose square is at most the extent; 0 if the extent is below 1.
    Root(Dim),
}

/// A product of powers of atoms, sorted by atom; empty is 1.
type Monomial = Vec<(Atom, u32)>;

/// An extent in normal form.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim {
    /// Sorted by monomial, no coefficient zero.
    terms: Vec<(Monomial, i64)>,
}

impl From<i64> for Dim {
    fn from(value: i64) -> Self {
        Self { terms: if value == 0 { Vec::new() } else { vec![(Vec::new(), value)] } }
    }
}

impl From<Symbol> for Dim {
    fn from(symbol: Symbol) -> Self {
        Self::from_atom(Atom::Symbol(symbol))
    }
}

impl Dim {
    fn from_atom(atom: Atom) -> Self {
        Self { terms: vec![(vec![(atom, 1)], 1)] }
    }

    /// A product of powers of atoms, as [`terms`](Self::terms) has them.
    pub fn product(monomial: &[(Atom, u32)]) -> Self {
        if monomial.is_empty() {
            return Self::from(1);
        }
        Self { terms: vec![(monomial.to_vec(), 1)] }
    }

    /// The number, if it is one.
    pub fn as_constant(&self) -> Option<i64> {
        match self.terms.as_slice() {
            [] => Some(0),
            [(monomial, value)] if monomial.is_empty() => Some(*value),
            _ => None,
        }
    }

    /// The symbol, if it is a lone one.
    pub fn as_symbol(&self) -> Option<Symbol> {
        match self.terms.as_slice() {
            [(monomial, 1)] => match monomial.as_slice() {
                [(Atom::Symbol(symbol), 1)] => Some(*symbol),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is the number `value`.
    pub fn is(&self, value: i64) -> bool {
        self.as_constant() == Some(value)
    }

    /// The terms: monomials with their coefficients, sorted.
    pub fn terms(&self) -> &[(Vec<(Atom, u32)>, i64)] {
        &self.terms
    }

    /// `floor(self / divisor)`. Division by zero gives zero, as everywhere in the language.
    pub fn floor_div(&self, divisor: &Self) -> Self {
        self.quotient(divisor, false)
    }

    /// `self / divisor` where a check on entry says that nothing remains.
    pub fn exact_div(&self, divisor: &Self) -> Self {
        self.quotient(divisor, true)
    }

    /// The largest of some extents; 0 if there are none.
    pub fn largest(all: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for one in all.into_iter().flat_map(|one| one.candidates()) {
            if !kept.iter().any(|other| one.is_surely_at_most(other)) {
                kept.retain(|other| !other.is_surely_at_most(&one));
                kept.push(one);
            }
        }
        kept.sort();
        if kept.len() > 1 {
            return Self::from_atom(Atom::Largest(kept));
        }
        kept.pop().unwrap_or_default()
    }

    /// The extents of which it is the largest.
    fn candidates(&self) -> Vec<Self> {
        if let [(monomial, 1)] = self.terms.as_slice()
            && let [(Atom::Largest(all), 1)] = monomial.as_slice()
        {
            return all.clone();
        }
        vec![self.clone()]
    }

    /// 1 if it is at least `bound`, or else 0.
    pub fn reaches(&self, bound: i64) -> Self {
        match self.as_constant() {
            Some(constant) => Self::from(i64::from(constant >= bound)),
            None if bound <= 0 && self.is_surely_natural() => Self::from(1),
            None => Self::from_atom(Atom::Reaches { extent: self.clone(), bound }),
        }
    }

    /// The largest whole number whose square is at most this; 0 below 1.
    pub fn root(&self) -> Self {
        match self.as_constant() {
            Some(constant) => Self::from(root(constant)),
            None => Self::from_atom(Atom::Root(self.clone())),
        }
    }

    fn quotient(&self, divisor: &Self, exact: bool) -> Self {
        if let (Some(left), Some(right)) = (self.as_constant(), divisor.as_constant()) {
            return Self::from(floor_div(left, right));
        }
        if let Some((whole, rest)) = divisor.as_constant().and_then(|by| self.split_by(by)) {
            return whole + rest.quotient(divisor, exact);
        }
        self.divide_terms(divisor).unwrap_or_else(|| {
            Self::from_atom(Atom::Quotient {
                numerator: self.clone(),
                divisor: divisor.clone(),
                exact,
            })
        })
    }

    /// What comes out of a division by a positive number in front, and what is left to divide: `(2*n - 1) / 2 = n - 1 + 1 / 2`.
    /// All coefficients of the rest lie in `0..divisor`, so that equal quotients have one form; none if nothing comes out.
    fn split_by(&self, divisor: i64) -> Option<(Self, Self)> {
        let part = |of: fn(i64, i64) -> i64| {
            // Another coefficient may make an exact quotient whole.
            Self::from_terms(self.terms.iter().map(|(m, c)| (m.clone(), of(*c, divisor))).collect())
        };
        let outside = |c: i64| divisor > 0 && !(0..divisor).contains(&c);
        let splits = self.terms.iter().any(|(_, c)| outside(*c));
        splits.then(|| (part(i64::wrapping_div_euclid), part(i64::wrapping_rem_euclid)))
    }

    /// The quotient if every term of `self` is a multiple of `divisor`, a single term.
    fn divide_terms(&self, divisor: &Self) -> Option<Self> {
        let [(by, factor)] = divisor.terms.as_slice() else { return None };
        // Only a constant or a product of symbols that is not zero may be cancelled; a symbol may be zero, and
        // `x / 0 = 0`, so that cancelling it is sound only when it is a number.
        if !by.is_empty() {
            return None;
        }
        let terms: Option<Vec<_>> = self
            .terms
            .iter()
            .map(|(m, c)| {
                (c.wrapping_rem(*factor) == 0).then(|| (m.clone(), c.wrapping_div(*factor)))
            })
            .collect();
        terms.map(|terms| Self { terms })
    }

    /// The value for these values of the symbols, in wrapping arithmetic.
    pub fn evaluate(&self, symbols: &[i64]) -> i64 {
        self.terms.iter().fold(0, |sum: i64, (monomial, coefficient)| {
            let product = monomial.iter().fold(*coefficient, |product, (atom, power)| {
                product.wrapping_mul(atom.evaluate(symbols).wrapping_pow(*power))
            });
            sum.wrapping_add(product)
        })
    }

    /// The same expression with `symbols[k]` in place of symbol `k`.
    pub fn substitute(&self, symbols: &[Self]) -> Self {
        self.terms.iter().fold(Self::default(), |sum, (monomial, coefficient)| {
            let product =
                monomial.iter().fold(Self::from(*coefficient), |product, (atom, power)| {
                    let value = atom.substitute(symbols);
                    (0..*power).fold(product, |product, _| product * value.clone())
                });
            sum + product
        })
    }

    /// Whether it is at least 0 for all extents, as far as signs tell: symbols are never negative.
    pub fn is_surely_natural(&self) -> bool {
        self.terms.iter().all(|(monomial, coefficient)| {
            *coefficient > 0 && monomial.iter().all(|(atom, _)| atom.is_surely_natural())
        })
    }

    /// Whether it is at most `other` for all extents, as far as signs tell.
    pub fn is_surely_at_most(&self, other: &Self) -> bool {
        (other.clone() - self.clone()).is_surely_natural()
    }

    /// Whether it is at least 1 for all extents, as far as signs tell.
    pub fn is_surely_positive(&self) -> bool {
        (self.clone() - Self::from(1)).is_surely_natural()
    }

    /// Calls `visit` for every symbol in it, also inside quotients.
    pub fn for_each_symbol(&self, visit: &mut dyn FnMut(Symbol)) {
        for (atom, _) in self.terms.iter().flat_map(|(monomial, _)| monomial) {
            match atom {
                Atom::Symbol(symbol) => visit(*symbol),
                Atom::Quotient { numerator, divisor, exact: _ } => {
                    numerator.for_each_symbol(visit);
                    divisor.for_each_symbol(visit);
                }
                Atom::Largest(all) => all.iter().for_each(|one| one.for_each_symbol(visit)),
                Atom::Reaches { extent, bound: _ } | Atom::Root(extent) => {
                    extent.for_each_symbol(visit);
                }
            }
        }
    }

    /// The form with the names of the symbols: `2*n + 1`.
    pub fn display<'d>(&'d self, names: &'d [String]) -> impl fmt::Display + 'd {
        DisplayDim { dim: self, names }
    }

    fn from_terms(mut terms: Vec<(Monomial, i64)>) -> Self {
        terms.sort();
        let mut merged: Vec<(Monomial, i64)> = Vec::with_capacity(terms.len());
        for (monomial, coefficient) in terms {
            match merged.last_mut() {
                Some((last, sum)) if *last == monomial => *sum = sum.wrapping_add(coefficient),
                _ => merged.push((monomial, coefficient)),
            }
        }
        merged.retain(|(_, coefficient)| *coefficient != 0);
        // Two terms may together be a multiple of the divisor that neither is alone.
        let position = merged.iter().position(|(m, c)| Self::cancelled(m, *c).is_some());
        match position.map(|position| merged.remove(position)) {
            Some((monomial, coefficient)) => {
                Self { terms: merged } + Self::from_monomial(monomial, coefficient)
            }
            None => Self { terms: merged },
        }
    }

    /// `coefficient * monomial` with `divisor * exact(n / divisor) = n` applied.
    fn from_monomial(monomial: Monomial, coefficient: i64) -> Self {
        match Self::cancelled(&monomial, coefficient) {
            Some((rest, coefficient, numerator)) => {
                Self::from_monomial(rest, coefficient) * numerator
            }
            None => Self { terms: vec![(monomial, coefficient)] },
        }
    }

    /// What is left of a term beside the numerator of an exact quotient whose divisor it holds.
    fn cancelled(monomial: &Monomial, coefficient: i64) -> Option<(Monomial, i64, Self)> {
        monomial.iter().enumerate().find_map(|(position, (atom, _))| {
            let Atom::Quotient { numerator, divisor, exact: true } = atom else { return None };
            let [(by, factor)] = divisor.terms.as_slice() else { return None };
            if coefficient.wrapping_rem(*factor) != 0 {
                return None;
            }
            let mut rest = monomial.clone();
            take_power(&mut rest, position);
            remove_all(&mut rest, by)
                .then(|| (rest, coefficient.wrapping_div(*factor), numerator.clone()))
        })
    }
}

/// Division as the language has it: rounds down, and by zero gives zero.
pub fn floor_div(left: i64, right: i64) -> i64 {
    if right == 0 {
        0
    } else {
        left.wrapping_div_euclid(right)
            - i64::from(right < 0 && left.wrapping_rem_euclid(right) != 0)
    }
}

/// The root of a whole number, rounded down; 0 of what is negative.
fn root(of: i64) -> i64 {
    of.max(0).isqrt()
}

fn take_power(monomial: &mut Monomial, position: usize) {
    if monomial[position].1 == 1 {
        monomial.remove(position);
    } else {
        monomial[position].1 -= 1;
    }
}

/// Removes every factor of `by`; false if one is missing.
fn remove_all(monomial: &mut Monomial, by: &Monomial) -> bool {
    by.iter().all(|(atom, power)| {
        (0..*power).all(|_| match monomial.iter().position(|(candidate, _)| candidate == atom) {
            Some(position) => {
                take_power(monomial, position);
                true
            }
            None => false,
        })
    })
}

impl Atom {
    fn is_surely_natural(&self) -> bool {
        match self {
            Self::Symbol(_) => true,
            Self::Quotient { numerator, divisor, exact: _ } => {
                numerator.is_surely_natural() && divisor.is_surely_natural()
            }
            Self::Largest(all) => all.iter().any(Dim::is_surely_natural),
            Self::Reaches { .. } | Self::Root(_) => true,
        }
    }

    fn evaluate(&self, symbols: &[i64]) -> i64 {
        match self {
            Self::Symbol(symbol) => symbols[symbol.0 as usize],
            Self::Quotient { numerator, divisor, exact: _ } => {
                floor_div(numerator.evaluate(symbols), divisor.evaluate(symbols))
            }
            Self::Largest(all) => {
                all.iter().map(|one| one.evaluate(symbols)).max().unwrap_or_default()
            }
            Self::Reaches { extent, bound } => i64::from(extent.evaluate(symbols) >= *bound),
            Self::Root(extent) => root(extent.evaluate(symbols)),
        }
    }

    fn substitute(&self, symbols: &[Dim]) -> Dim {
        match self {
            Self::Symbol(symbol) => symbols[symbol.0 as usize].clone(),
            Self::Quotient { numerator, divisor, exact } => {
                numerator.substitute(symbols).quotient(&divisor.substitute(symbols), *exact)
            }
            Self::Largest(all) => Dim::largest(all.iter().map(|one| one.substitute(symbols))),
            Self::Reaches { extent, bound } => extent.substitute(symbols).reaches(*bound),
            Self::Root(extent) => extent.substitute(symbols).root(),
        }
    }
}

impl Add for Dim {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        // Zero is what most sums begin with.
        if other.terms.is_empty() {
            return self;
        }
        if self.terms.is_empty() {
            return other;
        }
        let mut terms = self.terms;
        terms.extend(other.terms);
        Self::from_terms(terms)
    }
}

impl Neg for Dim {
    type Output = Self;
    fn neg(mut self) -> Self {
        for (_, coefficient) in &mut self.terms {
            *coefficient = coefficient.wrapping_neg();
        }
        self
    }
}

impl Sub for Dim {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Dim {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        // One is what most products begin with.
        if self.is(1) {
            return other;
        }
        if other.is(1) {
            return self;
        }
        let mut sum = Self::default();
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                let mut monomial = left.clone();
                for (atom, power) in right {
                    match monomial.iter_mut().find(|(candidate, _)| candidate == atom) {
                        Some((_, sum)) => *sum += power,
                        None => monomial.push((atom.clone(), *power)),
                    }
                }
                monomial.sort();
                sum = sum + Self::from_monomial(monomial, a.wrapping_mul(*b));
            }
        }
        sum
    }
}

struct DisplayDim<'d> {
    dim: &'d Dim,
    names: &'d [String],
}

impl fmt::Display for DisplayDim<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dim.terms.is_empty() {
            return formatter.write_str("0");
        }
        // Constants come last, as people write them; the normal form keeps them first.
        let (constants, others): (Vec<_>, Vec<_>) =
            self.dim.terms.iter().partition(|(m, _)| m.is_empty());
        for (position, (monomial, coefficient)) in others.into_iter().chain(constants).enumerate() {
            let sign = match (position, *coefficient < 0) {
                (0, true) => "-",
                (0, false) => "",
                (_, true) => " - ",
                (_, false) => " + ",
            };
            formatter.write_str(sign)?;
            self.term(formatter, monomial, coefficient.unsigned_abs())?;
        }
        Ok(())
    }
}

impl DisplayDim<'_> {
    fn term(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        monomial: &Monomial,
        coefficient: u64,
    ) -> fmt::Result {
        let mut separator = "";
        if coefficient != 1 || monomial.is_empty() {
            write!(formatter, "{coefficient}")?;
            separator = "*";
        }
        for (atom, power) in monomial {
            for _ in 0..*power {
                formatter.write_str(separator)?;
                self.atom(formatter, atom)?;
                separator = "*";
            }
        }
        Ok(())
    }

    /// An extent, in parentheses if it is a sum.
    fn grouped(&self, formatter: &mut fmt::Formatter<'_>, dim: &Dim) -> fmt::Result {
        if dim.terms.len() > 1 {
            write!(formatter, "({})", dim.display(self.names))
        } else {
            write!(formatter, "{}", dim.display(self.names))
        }
    }

    /// What stands behind a `/`, in parentheses if it is a sum or a product.
    fn divisor(&self, formatter: &mut fmt::Formatter<'_>, dim: &Dim) -> fmt::Result {
        let is_product = match dim.terms.as_slice() {
            [(monomial, factor)] => {
                let factors = monomial.iter().map(|(_, power)| *power).sum::<u32>();
                factors + u32::from(*factor != 1) > 1 && !monomial.is_empty()
            }
            _ => true,
        };
        if is_product && !dim.terms.is_empty() {
            write!(formatter, "({})", dim.display(self.names))
        } else {
            write!(formatter, "{}", dim.display(self.names))
        }
    }

    fn atom(&self, formatter: &mut fmt::Formatter<'_>, atom: &Atom) -> fmt::Result {
        match atom {
            Atom::Symbol(symbol) => match self.names.get(symbol.0 as usize) {
                Some(name) => formatter.write_str(name),
                None => write!(formatter, "?{}", symbol.0),
            },
            Atom::Quotient { numerator, divisor, exact } => {
                formatter.write_str(if *exact { "exact(" } else { "floor(" })?;
                self.grouped(formatter, numerator)?;
                formatter.write_str(" / ")?;
                self.divisor(formatter, divisor)?;
                formatter.write_str(")")
            }
            Atom::Largest(all) => {
                formatter.write_str("largest(")?;
                for (position, one) in all.iter().enumerate() {
                    formatter.write_str(if position == 0 { "" } else { ", " })?;
                    write!(formatter, "{}", one.display(self.names))?;
                }
                formatter.write_str(")")
            }
            Atom::Reaches { extent, bound } => {
                write!(formatter, "reaches({}, {bound})", extent.display(self.names))
            }
            Atom::Root(extent) => write!(formatter, "root({})", extent.display(self.names)),
        }
    }
}
