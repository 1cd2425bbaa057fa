//! What nests have in common, whatever they work on: nests that are alike have one function.
//!
//! In:  a nest.   Out: the same nest over buffers and extents without names, with the buffers and extents that stand for them.
//!
//! ```text
//! for i7 in 0..rows {                           for i0 in 0..s0 {
//!   for j9 in 0..4*rows*columns {                 for i1 in 0..4*s1 {       s0 = rows, s1 = rows*columns
//!     store y[i7] = load x[j9]                      store b0[i0] = load b1[i1]      b0 = y, b1 = x
//! ```
//!
//! A gradient has the same product for every layer, over other extents. Code generation is most of what compiling takes,
//! so what differs in names only is compiled once.
//! A product of extents is one extent here: the code of a nest adds and scales extents, and everything that is multiplied or divided
//! reaches it as a number, which saves LLVM a long look at polynomials.
//!
//! Afterwards: two nests that are equal differ in buffers and extents only.
//! What the code of a nest may look at besides is kept: element types, how many parts an element has, which buffers each worker has for
//! itself, and the constant factors of extents.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::arena::Arena;
use crate::graph::{Atom, Dim, Symbol};
use crate::loops::visit::{self, Rename};
use crate::loops::{
    Buffer, BufferId, Loops, Nest, RegisterId, Space, Statement, Tasks, ValueId, VariableId,
};

/// A nest without names.
pub(super) struct Alike {
    /// The nest alone: equal for all that are alike.
    pub(super) loops: Loops,
    /// What its buffers stand for.
    pub(super) buffers: Vec<BufferId>,
    /// What the symbols of its body stand for.
    pub(super) extents: Vec<Read>,
}

/// A number that a nest reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Read {
    /// A product of extents.
    Product(Vec<(Atom, u32)>),
    /// The variable of a marker around.
    Variable(VariableId),
}

/// A nest with this body, without names.
pub(super) fn alike(loops: &Loops, nest: &Nest, body: &[Statement]) -> Alike {
    let mut declared = BTreeSet::new();
    visit::statements(body, &mut |statement| {
        if let Statement::For(inner) = statement {
            declared.insert(inner.variable);
        }
    });
    let unnamed = Unnamed { numbers: RefCell::new(Numbers::default()), declared };
    let body = body.iter().map(|it| visit::rename_statement(it, &unnamed)).collect();
    // How long it takes is the caller's concern.
    let tasks = nest.tasks.as_ref().map(|tasks| Tasks {
        loops: tasks.loops,
        whole: Dim::default(),
        front: Dim::default(),
    });
    // Shapes may have symbols that the code does not read; those come behind.
    let (ids, read) = {
        let numbers = unnamed.numbers.borrow();
        (numbers.buffers.order.clone(), numbers.reads.order.len())
    };
    let mut buffers = Arena::default();
    for id in &ids {
        let buffer = &loops.buffers[*id];
        buffers.push(Buffer {
            name: String::new(),
            element: buffer.element,
            shape: shape(&buffer.shape).iter().map(|extent| unnamed.extent(extent)).collect(),
            lanes: buffer.lanes,
            space: match buffer.space {
                Space::Private(_) => Space::Private(None),
                Space::Shared(_) => buffer.space.clone(),
                Space::Parameter(_)
                | Space::Updated(_)
                | Space::Result(_)
                | Space::Workspace(_) => Space::Workspace(None),
            },
        });
    }
    let mut extents = unnamed.numbers.into_inner().reads.order;
    extents.truncate(read);
    let loops = Loops {
        name: String::new(),
        symbols: Vec::new(),
        buffers,
        nests: vec![Nest { tasks, threads: nest.threads, ..Nest::new(body) }],
        workspace: Dim::default(),
        private: Dim::default(),
    };
    Alike { loops, buffers: ids, extents }
}

/// As many elements as the axes in front have for any extents, and the last axis: of rows the code looks at where the next one begins,
/// and at what divides the size.
fn shape(axes: &[Dim]) -> Vec<Dim> {
    let [front @ .., last] = axes else { return Vec::new() };
    let front = front.iter().fold(Dim::from(1), |size, axis| size * axis.clone());
    let common = front.terms().iter().fold(0, |common, (_, factor)| gcd(common, factor.abs()));
    vec![Dim::from(common), last.clone()]
}

/// The greatest common divisor.
fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Numbers in the order in which names are met.
#[derive(Default)]
struct Numbers {
    variables: Order<VariableId>,
    values: Order<ValueId>,
    registers: Order<RegisterId>,
    buffers: Order<BufferId>,
    reads: Order<Read>,
}

/// The names of one kind.
struct Order<K> {
    order: Vec<K>,
    numbers: BTreeMap<K, usize>,
}

impl<K: Ord + Clone> Order<K> {
    fn number(&mut self, name: &K) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.order.push(name.clone());
        self.numbers.insert(name.clone(), self.order.len() - 1);
        self.order.len() - 1
    }
}

impl<K> Default for Order<K> {
    fn default() -> Self {
        Self { order: Vec::new(), numbers: BTreeMap::new() }
    }
}

/// Every name is a number instead.
struct Unnamed {
    numbers: RefCell<Numbers>,
    /// The variables of the loops of the nest; the others are those of markers around, and numbers like extents.
    declared: BTreeSet<VariableId>,
}

impl Rename for Unnamed {
    fn extent(&self, extent: &Dim) -> Dim {
        if extent.as_constant().is_some() {
            return extent.clone();
        }
        let reads = &mut self.numbers.borrow_mut().reads;
        extent.terms().iter().fold(Dim::default(), |sum, (monomial, factor)| {
            let factor = Dim::from(*factor);
            if monomial.is_empty() {
                return sum + factor;
            }
            let read = reads.number(&Read::Product(monomial.clone()));
            sum + Dim::from(Symbol(read as u32)) * factor
        })
    }
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        if self.declared.contains(&variable) {
            return Some((Dim::default(), vec![(self.counter(variable), Dim::from(1))]));
        }
        let read = self.numbers.borrow_mut().reads.number(&Read::Variable(variable));
        Some((Dim::from(Symbol(read as u32)), Vec::new()))
    }
    fn counter(&self, variable: VariableId) -> VariableId {
        VariableId(self.numbers.borrow_mut().variables.number(&variable) as u32)
    }
    fn value(&self, value: ValueId) -> ValueId {
        ValueId(self.numbers.borrow_mut().values.number(&value) as u32)
    }
    fn register(&self, register: RegisterId) -> RegisterId {
        RegisterId(self.numbers.borrow_mut().registers.number(&register) as u32)
    }
    fn buffer(&self, buffer: BufferId) -> BufferId {
        BufferId::new(self.numbers.borrow_mut().buffers.number(&buffer))
    }
}
