//! `scan`: the running sum, product, maximum or minimum along an axis, in blocks.
//!
//! Along the last axis a block is one group of lanes, and inside it every lane takes in ever more lanes below it:
//!
//! ```text
//! var $0 = neutral
//! for g in 0..floor(n / 64) {
//!   for l in 0..64 lanes 64 {
//!     let %0 = load x[64*g + l]
//!     let %1 = add(shift.1(%0, neutral), %0)
//!     let %2 = add(shift.2(%1, neutral), %1)        then 4, 8, 16, 32
//!     store r[64*g + l] = add($0, %6)
//!   }
//!   $0 = load r[64*g + 63]
//! }
//! for l in 0..n - 64*floor(n / 64) lanes 64 { … }   the rest of the axis
//! ```
//!
//! Along any other axis the rows behind it can have lanes, and a block is a loop:
//!
//! ```text
//! var $0 = neutral
//! for b in 0..floor(n / 64) {
//!   var $1 = neutral
//!   for i in 0..64 { $1 = add($1, load x[…]); store r[…] = add($0, $1) }
//!   $0 = add($0, $1)
//! }
//! ```
//!
//! Blocks bound the error: a running sum of n elements rounds about n / 64 + 64 times on the way, not n times.
//! The lanes of a scan are chosen here and not in `schedule`, because they are its order of additions.
//! (Hillis and Steele: *Data Parallel Algorithms*, CACM 1986.)

use super::emit::Emitter;
use super::pull::{address, binary, load, mirror, pull};
use crate::graph::{Combine, Dim, Element, NodeId, Op, Scalar};
use crate::loops::{Address, BufferId, Expr, Manner, RegisterId, Statement};

/// Writes the walk along the axis, for all other axes.
pub(super) fn scan(emitter: &mut Emitter<'_, '_>, node: NodeId) {
    let Some(buffer) = emitter.lowering.homes[node] else {
        crate::bug!("lower", "{node:?} has no buffer")
    };
    let graph = emitter.graph();
    let Op::Scan { combine, axis, reverse } = graph.op(node) else {
        crate::bug!("lower", "{node:?} does not scan")
    };
    let shape = graph.shape(node);
    let others =
        (0..shape.len()).map(|other| if other == *axis { None } else { Some(&shape[other]) });
    let rows: Vec<Address> = others
        .map(|extent| extent.map_or_else(Address::default, |extent| emitter.open(extent)))
        .collect();
    let element = graph.element(node);
    let neutral = neutral(*combine, element);
    let carry = emitter.declare(element, Expr::Constant(neutral));
    let walk = Walk {
        node,
        buffer,
        combine: *combine,
        axis: *axis,
        reverse: *reverse,
        rows,
        neutral,
        carry,
    };
    let is_innermost = shape[axis + 1..].iter().all(|extent| extent.is(1));
    if is_innermost {
        walk.in_lanes(emitter);
    } else {
        walk.in_rows(emitter);
    }
    for _ in 1..shape.len() {
        emitter.close(Manner::Parallel);
    }
}

/// What changes nothing, not even the sign of a zero.
fn neutral(combine: Combine, element: Element) -> Scalar {
    if combine == Combine::Add && element.is_float() {
        Scalar::from_f64(element, -0.0)
    } else {
        combine.identity(element)
    }
}

/// The elements of a block.
const BLOCK: i64 = 64;

/// One walk along the axis.
struct Walk {
    node: NodeId,
    buffer: BufferId,
    combine: Combine,
    axis: usize,
    reverse: bool,
    /// The place along all other axes.
    rows: Vec<Address>,
    neutral: Scalar,
    /// What all blocks before have come to.
    carry: RegisterId,
}

impl Walk {
    /// The place of a step.
    fn place(&self, emitter: &Emitter<'_, '_>, step: &Address) -> Vec<Address> {
        let extent = &emitter.graph().shape(self.node)[self.axis];
        let mut place = self.rows.clone();
        place[self.axis] = if self.reverse { mirror(step, extent) } else { step.clone() };
        place
    }

    /// The operand at a place.
    fn operand(&self, emitter: &mut Emitter<'_, '_>, place: &[Address]) -> Expr {
        let operand = emitter.graph().operands(self.node)[0];
        pull(emitter, operand, place)
    }

    fn combined(&self, left: Expr, right: Expr) -> Expr {
        binary(self.combine.binary(), left, right)
    }

    fn set(&self, emitter: &mut Emitter<'_, '_>, register: RegisterId, expr: Expr) {
        emitter.emit(Statement::Set { register, expr });
    }

    fn store(&self, emitter: &mut Emitter<'_, '_>, place: &[Address], expr: Expr) {
        let address = address(emitter, self.buffer, place);
        emitter.emit(Statement::Store { buffer: self.buffer, address, expr });
    }

    /// Whole blocks, then the rest; `size` elements each.
    fn parts(&self, emitter: &Emitter<'_, '_>, size: i64) -> (Dim, Dim, Dim) {
        let extent = emitter.graph().shape(self.node)[self.axis].clone();
        let blocks = extent.floor_div(&Dim::from(size));
        let covered = blocks.clone() * Dim::from(size);
        (blocks, covered.clone(), extent - covered)
    }

    /// Blocks as groups of lanes.
    fn in_lanes(&self, emitter: &mut Emitter<'_, '_>) {
        let element = emitter.graph().element(self.node);
        // Four registers of the widest machine keep its adders busy.
        let width = (256 / element.size() as i64).min(BLOCK);
        let (blocks, covered, rest) = self.parts(emitter, width);
        if !blocks.is(0) {
            self.groups(emitter, &blocks, width);
        }
        if rest.is(0) {
            return;
        }
        let start = Address { constant: covered, ..Address::default() };
        // Beyond a short rest there is nothing to shift from.
        let short = rest.as_constant().and_then(|rest| u64::try_from(rest).ok());
        let width = short.map_or(width, |rest| width.min(rest.next_power_of_two() as i64));
        self.group(emitter, &start, (&rest, width));
    }

    /// Whole groups; behind each the carry is what its last element has become.
    fn groups(&self, emitter: &mut Emitter<'_, '_>, blocks: &Dim, width: i64) {
        let mut start = Address::default();
        start.add_scaled(&emitter.open(blocks), &Dim::from(width));
        self.group(emitter, &start, (&Dim::from(width), width));
        let mut last = start;
        last.constant = last.constant + Dim::from(width - 1);
        let last = self.place(emitter, &last);
        let so_far = load(emitter, self.buffer, &last);
        self.set(emitter, self.carry, so_far);
        emitter.close(Manner::Serial);
    }

    /// `extent` elements from `start`, in one group of `width` lanes.
    fn group(&self, emitter: &mut Emitter<'_, '_>, start: &Address, (extent, width): (&Dim, i64)) {
        let element = emitter.graph().element(self.node);
        let mut step = emitter.open(extent);
        step.add_scaled(start, &Dim::from(1));
        let place = self.place(emitter, &step);
        let mut sum = self.operand(emitter, &place);
        let mut by = 1;
        while i64::from(by) < width {
            let below = Expr::Shift { by, fill: self.neutral, operand: Box::new(sum.clone()) };
            let depth = emitter.depth();
            sum = emitter.name(depth, element, self.combined(below, sum));
            by *= 2;
        }
        let expr = self.combined(Expr::Register(self.carry), sum);
        self.store(emitter, &place, expr);
        emitter.close(Manner::Lanes(width as u32));
    }

    /// Blocks as loops, for rows that may be lanes.
    fn in_rows(&self, emitter: &mut Emitter<'_, '_>) {
        let (blocks, covered, rest) = self.parts(emitter, BLOCK);
        if !blocks.is(0) {
            let mut start = Address::default();
            start.add_scaled(&emitter.open(&blocks), &Dim::from(BLOCK));
            let block = self.block(emitter, &start, &Dim::from(BLOCK));
            let sum = self.combined(Expr::Register(self.carry), Expr::Register(block));
            self.set(emitter, self.carry, sum);
            emitter.close(Manner::Serial);
        }
        if !rest.is(0) {
            self.block(emitter, &Address { constant: covered, ..Address::default() }, &rest);
        }
    }

    /// `extent` elements from `start`, one after the other; the register that combines them.
    fn block(&self, emitter: &mut Emitter<'_, '_>, start: &Address, extent: &Dim) -> RegisterId {
        let element = emitter.graph().element(self.node);
        let block = emitter.declare(element, Expr::Constant(self.neutral));
        let mut step = emitter.open(extent);
        step.add_scaled(start, &Dim::from(1));
        let place = self.place(emitter, &step);
        let operand = self.operand(emitter, &place);
        let sum = self.combined(Expr::Register(block), operand);
        self.set(emitter, block, sum);
        let expr = self.combined(Expr::Register(self.carry), Expr::Register(block));
        self.store(emitter, &place, expr);
        emitter.close(Manner::Serial);
        block
    }
}
