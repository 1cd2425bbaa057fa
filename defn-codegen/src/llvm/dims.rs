//! Extents as `i64` values, each computed once, at the entry of a function.
//!
//! In:  a [`Dim`].   Out: instructions in the block of entry that compute [`Dim::evaluate`].
//!
//! ```text
//! before              after
//! n*m + floor(n/2)    %a = mul %n, %m; %b = ashr %n, 1; %c = add %a, %b
//! ```
//!
//! Costs and places in memory are long sums of the same few products, so a product is computed once, without its coefficient.

use std::collections::BTreeMap;

use super::ir::{Block, IntPredicate, Ir, Opcode, Value};
use crate::graph::{Atom, Dim, Element, Symbol};

/// Where the values of the symbols are.
pub(super) enum Symbols {
    /// In memory.
    Table(Value),
    /// In registers.
    Values(Vec<Value>),
}

/// The extents that are known in a function.
pub(super) struct Dims<'a, 'c> {
    ir: &'a Ir<'c>,
    entry: Block,
    symbols: Symbols,
    known: BTreeMap<Dim, Value>,
    /// Products of powers of atoms.
    products: BTreeMap<Vec<(Atom, u32)>, Value>,
}

impl<'a, 'c> Dims<'a, 'c> {
    /// No extent is known; `entry` has no end yet.
    pub(super) fn new(ir: &'a Ir<'c>, entry: Block, symbols: Symbols) -> Self {
        Self { ir, entry, symbols, known: BTreeMap::new(), products: BTreeMap::new() }
    }

    /// The block in which extents are computed.
    pub(super) fn entry(&self) -> Block {
        self.entry
    }

    /// The value of an extent. Leaves the builder at the end of the entry.
    pub(super) fn value(&mut self, dim: &Dim) -> Value {
        if let Some(constant) = dim.as_constant() {
            return self.ir.i64(constant);
        }
        if let Some(value) = self.known.get(dim) {
            return *value;
        }
        self.ir.position(self.entry);
        let value = match dim.as_symbol() {
            Some(symbol) => self.symbol(symbol),
            None => self.sum(dim),
        };
        self.known.insert(dim.clone(), value);
        value
    }

    fn symbol(&self, symbol: Symbol) -> Value {
        let table = match &self.symbols {
            Symbols::Table(table) => *table,
            Symbols::Values(values) => return values[symbol.0 as usize],
        };
        let ty = self.ir.int(64);
        let slot = self.ir.element_address(ty, table, self.ir.i64(i64::from(symbol.0)));
        self.ir.load(ty, slot, 8)
    }

    fn sum(&mut self, dim: &Dim) -> Value {
        let ir = self.ir;
        let mut sum = None;
        for (monomial, coefficient) in dim.terms() {
            let factor = ir.i64(*coefficient);
            let term = match (monomial.as_slice(), coefficient) {
                ([], _) => factor,
                (monomial, 1) => self.product(monomial),
                (monomial, _) => ir.binary(Opcode::LLVMMul, self.product(monomial), factor),
            };
            sum = Some(sum.map_or(term, |sum| ir.binary(Opcode::LLVMAdd, sum, term)));
        }
        sum.unwrap_or_else(|| ir.i64(0))
    }

    /// A product of powers of atoms, at least one; what it begins with is a product too.
    fn product(&mut self, monomial: &[(Atom, u32)]) -> Value {
        if let Some(value) = self.products.get(monomial) {
            return *value;
        }
        let mut front = monomial.to_vec();
        let last = front.last_mut().expect("constants are no products");
        last.1 -= 1;
        let atom = last.0.clone();
        if last.1 == 0 {
            front.pop();
        }
        let atom = self.atom(&atom);
        let value = if front.is_empty() {
            atom
        } else {
            let front = self.product(&front);
            self.ir.binary(Opcode::LLVMMul, front, atom)
        };
        self.products.insert(monomial.to_vec(), value);
        value
    }

    fn atom(&mut self, atom: &Atom) -> Value {
        match atom {
            Atom::Symbol(symbol) => self.value(&Dim::from(*symbol)),
            Atom::Quotient { numerator, divisor, exact: _ } => {
                let left = self.value(numerator);
                let by = divisor.as_constant();
                match by {
                    Some(0) => self.ir.i64(0),
                    Some(by) if by > 0 && by.count_ones() == 1 => {
                        let shift = self.ir.i64(i64::from(by.trailing_zeros()));
                        self.ir.binary(Opcode::LLVMAShr, left, shift)
                    }
                    Some(_) | None => {
                        let right = self.value(divisor);
                        self.floor_division(left, right)
                    }
                }
            }
            Atom::Largest(all) => {
                let mut all = all.iter().map(|one| self.value(one)).collect::<Vec<_>>().into_iter();
                let first = all.next().unwrap_or_else(|| self.ir.i64(0));
                all.fold(first, |largest, one| {
                    let is_larger = self.ir.compare_int(IntPredicate::LLVMIntSGT, one, largest);
                    self.ir.select(is_larger, one, largest)
                })
            }
            Atom::Reaches { extent, bound } => {
                let (extent, bound) = (self.value(extent), self.ir.i64(*bound));
                let reaches = self.ir.compare_int(IntPredicate::LLVMIntSGE, extent, bound);
                self.ir.select(reaches, self.ir.i64(1), self.ir.i64(0))
            }
            Atom::Root(extent) => {
                let extent = self.value(extent);
                self.root(extent)
            }
        }
    }

    /// Rounds down. The root of a number of more than 53 bits may be rounded up, to one whose square is above the number.
    fn root(&self, of: Value) -> Value {
        let ir = self.ir;
        let (zero, one) = (ir.i64(0), ir.i64(1));
        let is_negative = ir.compare_int(IntPredicate::LLVMIntSLT, of, zero);
        let natural = ir.select(is_negative, zero, of);
        let float = ir.element(Element::F64);
        let exact = ir.cast(Opcode::LLVMSIToFP, natural, float);
        let exact = ir.intrinsic("llvm.sqrt", &[float], &[exact]);
        let root = ir.cast(Opcode::LLVMFPToSI, exact, ir.int(64));
        let square = ir.binary(Opcode::LLVMMul, root, root);
        let is_above = ir.compare_int(IntPredicate::LLVMIntUGT, square, natural);
        ir.select(is_above, ir.binary(Opcode::LLVMSub, root, one), root)
    }

    /// Rounds down; by zero gives zero, and MIN / −1 wraps.
    fn floor_division(&self, left: Value, right: Value) -> Value {
        let ir = self.ir;
        let [zero, one] = [0, 1].map(|constant| ir.i64(constant));
        let is = |a, b| ir.compare_int(IntPredicate::LLVMIntEQ, a, b);
        let by_zero = is(right, zero);
        let overflows =
            ir.binary(Opcode::LLVMAnd, is(left, ir.i64(i64::MIN)), is(right, ir.i64(-1)));
        let unsafe_divisor = ir.binary(Opcode::LLVMOr, by_zero, overflows);
        let divisor = ir.select(unsafe_divisor, one, right);
        let quotient = ir.binary(Opcode::LLVMSDiv, left, divisor);
        let rest = ir.binary(Opcode::LLVMSRem, left, divisor);
        let signs = ir.binary(Opcode::LLVMXor, rest, divisor);
        let differ = ir.compare_int(IntPredicate::LLVMIntSLT, signs, zero);
        let remains = ir.compare_int(IntPredicate::LLVMIntNE, rest, zero);
        let below = ir.binary(Opcode::LLVMAnd, differ, remains);
        let lower = ir.binary(Opcode::LLVMSub, quotient, one);
        let floor = ir.select(below, lower, quotient);
        ir.select(by_zero, zero, floor)
    }
}
