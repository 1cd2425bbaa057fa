//! What is checked in most calls, in the form that is checked fastest.
//!
//! In:  a [`Signature`], when the program is compiled.   Out: a [`Plan`], a list of steps without a nesting.
//!
//! ```text
//! add(x: [n], y: [n, 3]) -> [n]        leaf 0 axis 0 is n
//!                                      leaf 1 axis 0 equals n, leaf 1 axis 1 equals 3
//!                                      leaf 2 axis 0 equals n
//! ```
//!
//! A signature is simple if each extent is a symbol or a constant, each symbol is some extent, and nothing else is to be checked.
//! For any other signature, and whenever a step fails, [`solve`](crate::solve) goes through the signature itself and says what is wrong.

use crate::abi::{Leaf, Signature};
use crate::solve::{Form, Found, Kind, Symbols};

/// A signature with more leaves is not simple.
const LEAVES: usize = 12;
/// A signature with more axes is not simple.
const STEPS: usize = 24;
/// A signature with more symbols is not simple.
const SYMBOLS: usize = 12;

/// The steps of a signature.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether the steps say all that the signature does.
    is_simple: bool,
    /// What each leaf is, parameters first: the words of its kind.
    kinds: [u32; LEAVES],
    /// How many leaves are parameters, and how many there are.
    parameters: usize,
    leaves: usize,
    /// The steps of parameters, then those of results.
    steps: [Step; STEPS],
    /// How many steps are those of parameters, and how many there are.
    given: usize,
    all: usize,
    symbols: usize,
    /// Bytes of scratch of a call, and of each thread, if they are constant.
    workspace: Option<usize>,
    private: Option<usize>,
}

/// What is done with the extent of an axis.
#[derive(Clone, Copy, Debug)]
struct Step {
    action: Action,
    leaf: u8,
    axis: u8,
    /// A symbol or a constant.
    operand: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    /// The symbol becomes the extent.
    Set,
    /// The extent must be that of the symbol.
    Symbol,
    /// The extent must be this.
    Constant,
}

impl Plan {
    /// The plan of a signature.
    pub(crate) const fn of(signature: &Signature) -> Self {
        let step = Step { action: Action::Constant, leaf: 0, axis: 0, operand: 0 };
        let mut plan = Self {
            is_simple: false,
            kinds: [0; LEAVES],
            parameters: signature.parameters.len(),
            leaves: signature.parameters.len() + signature.results.len(),
            steps: [step; STEPS],
            given: 0,
            all: 0,
            symbols: signature.symbols.len(),
            workspace: None,
            private: None,
        };
        let fits = plan.leaves <= LEAVES && plan.symbols <= SYMBOLS;
        if fits && signature.checks.is_empty() {
            plan.is_simple = plan.fill(signature);
        }
        plan
    }

    /// Writes all steps; `false` if something is not simple.
    const fn fill(&mut self, signature: &Signature) -> bool {
        self.workspace = bytes(signature.workspace.0);
        self.private = bytes(signature.private.0);
        // A symbol may be solved once, before it is compared with.
        let mut known = [false; SYMBOLS];
        let mut position = 0;
        while position < signature.solves.len() {
            let solve = &signature.solves[position];
            let is_plain = solve.factor == 1 && matches!(bytes(solve.rest.0), Some(0));
            if !is_plain || solve.axis > u8::MAX as usize || solve.symbol >= self.symbols {
                return false;
            }
            if solve.leaf >= self.parameters
                || solve.axis >= signature.parameters[solve.leaf].axes.len()
                || known[solve.symbol]
            {
                return false;
            }
            known[solve.symbol] = true;
            let at = (solve.leaf, solve.axis);
            if !self.step(Action::Set, at, solve.symbol as i64) {
                return false;
            }
            position += 1;
        }
        let mut symbol = 0;
        while symbol < self.symbols {
            if !known[symbol] {
                return false;
            }
            symbol += 1;
        }
        let mut leaf = 0;
        while leaf < self.leaves {
            if leaf == self.parameters {
                self.given = self.all;
            }
            let content = if leaf < self.parameters {
                &signature.parameters[leaf]
            } else {
                &signature.results[leaf - self.parameters]
            };
            if !self.leaf(leaf, content) {
                return false;
            }
            leaf += 1;
        }
        if self.leaves == self.parameters {
            self.given = self.all;
        }
        true
    }

    /// The steps of a leaf.
    const fn leaf(&mut self, position: usize, leaf: &Leaf) -> bool {
        if leaf.axes.len() > u8::MAX as usize {
            return false;
        }
        self.kinds[position] = Kind::new(leaf.element, Form::Tensor, leaf.axes.len()).word;
        let mut axis = 0;
        while axis < leaf.axes.len() {
            let fits = match *leaf.axes[axis].extent.0 {
                [0, constant] => self.step(Action::Constant, (position, axis), constant),
                [1, symbol] if symbol >= 0 && (symbol as usize) < self.symbols => {
                    self.step(Action::Symbol, (position, axis), symbol)
                }
                _ => false,
            };
            if !fits {
                return false;
            }
            axis += 1;
        }
        true
    }

    const fn step(&mut self, action: Action, (leaf, axis): (usize, usize), operand: i64) -> bool {
        if self.all == STEPS || operand < 0 || operand > u32::MAX as i64 {
            return false;
        }
        let (leaf, axis, operand) = (leaf as u8, axis as u8, operand as u32);
        self.steps[self.all] = Step { action, leaf, axis, operand };
        self.all += 1;
        true
    }

    /// Checks the leaves of parameters, and those of results if they are given behind them, and fills in the symbols.
    /// `false` says that something is wrong or not simple, and leaves `symbols` empty.
    #[inline]
    pub(crate) fn solve(
        &self,
        found: &[Found<'_>],
        has_results: bool,
        symbols: &mut Symbols,
    ) -> bool {
        let (leaves, steps) =
            if has_results { (self.leaves, self.all) } else { (self.parameters, self.given) };
        if !self.is_simple || found.len() != leaves {
            return false;
        }
        let mut values = [0; SYMBOLS];
        let mut agrees = true;
        for (kind, leaf) in self.kinds.iter().zip(found) {
            agrees &= leaf.kind.word == *kind;
        }
        if !agrees {
            return false;
        }
        for step in &self.steps[..steps] {
            let extent = found[step.leaf as usize].extents[step.axis as usize];
            let operand = step.operand as usize;
            let expected = match step.action {
                Action::Constant => operand,
                Action::Set | Action::Symbol => {
                    let value = &mut values[operand];
                    if step.action == Action::Set {
                        *value = extent;
                    }
                    *value
                }
            };
            agrees &= extent == expected;
        }
        if !agrees {
            return false;
        }
        // An extent of a tensor is at most `isize::MAX`.
        values[..self.symbols].iter().for_each(|&value| symbols.push(value as i64));
        true
    }

    /// The extents of all results, leaf by leaf, after [`solve`](Self::solve) has filled in the symbols.
    #[inline]
    pub(crate) fn extents(&self, symbols: &[i64]) -> impl Iterator<Item = usize> {
        self.steps[self.given..self.all].iter().map(|step| match step.action {
            Action::Constant => step.operand as usize,
            Action::Set | Action::Symbol => symbols[step.operand as usize] as usize,
        })
    }

    /// How many bytes of scratch a call with so many threads needs; none if that depends on extents or is too much.
    #[inline]
    pub(crate) fn workspace(&self, threads: usize) -> Option<usize> {
        self.workspace?.checked_add(self.private?.checked_mul(threads)?)
    }
}

/// More bytes than this for a thread are no constant, so that they can be multiplied.
const MOST: i64 = 1 << 40;

/// A constant number of bytes.
const fn bytes(code: &[i64]) -> Option<usize> {
    match *code {
        [0, constant] if constant >= 0 && constant <= MOST => Some(constant as usize),
        _ => None,
    }
}
