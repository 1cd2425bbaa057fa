//! `scan`: the running sum, product, maximum or minimum along an axis, in blocks.
//!
//! Along the last axis a block is 32 groups of lanes, and inside a group every lane takes in ever more lanes below it:
//!
//! ```text
//! var $0 = neutral
//! for b in 0..floor(n / 2048) {
//!   var $1 = neutral
//!   for g in 0..32 {
//!     for l in 0..64 lanes 64 {
//!       let %0 = load x[2048*b + 64*g + l]
//!       let %1 = add(shift.1(%0, neutral), %0)
//!       let %2 = add(shift.2(%1, neutral), %1)        then 4, 8, 16, 32
//!       let %7 = add($1, %6)
//!       store k[l] = %7
//!       store r[2048*b + 64*g + l] = add($0, %7)
//!     }
//!     $1 = load k[63]
//!   }
//!   $0 = add($0, $1)
//! }
//! …                                                    the rest of the axis, in groups
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
//! Blocks bound the error: a running sum of n elements rounds about n / 2048 + 40 times on the way, or n / 64 + 64 times, not n times.
//! What a block comes to does not depend on those before, so that blocks may be computed apart.
//! The lanes of a scan are chosen here and not in `schedule`, because they are its order of additions.
//! (Hillis and Steele: *Data Parallel Algorithms*, CACM 1986.)

use super::emit::Emitter;
use super::pull::{address, binary, load, mirror, pull};
use crate::graph::{Combine, Dim, Element, NodeId, Op, Scalar};
use crate::loops::{Address, Buffer, BufferId, Expr, Manner, RegisterId, Space, Statement};

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

/// The elements of a block of rows, and the most lanes of a group.
const BLOCK: i64 = 64;

/// The groups of lanes of a block.
const GROUPS: i64 = 32;

/// Groups of lanes that follow each other.
struct Line {
    start: Address,
    /// How many lanes a group has.
    width: i64,
    /// What the groups before have come to.
    carry: RegisterId,
    /// Scratch of a group, if what is in front of all groups is added to what these come to.
    inside: Option<BufferId>,
}

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

    /// Blocks of groups of lanes.
    fn in_lanes(&self, emitter: &mut Emitter<'_, '_>) {
        let element = emitter.graph().element(self.node);
        // Four registers of the widest machine keep its adders busy.
        let width = (256 / element.size() as i64).min(BLOCK);
        let (blocks, covered, rest) = self.parts(emitter, width * GROUPS);
        if blocks.is(0) {
            // What changes nothing needs not be added.
            let line = Line { start: Address::default(), width, carry: self.carry, inside: None };
            return self.rest(emitter, &line, &rest);
        }
        let scratch = Self::scratch(emitter, element, width);
        let mut start = Address::default();
        start.add_scaled(&emitter.open(&blocks), &Dim::from(width * GROUPS));
        let carry = emitter.declare(element, Expr::Constant(self.neutral));
        let line = Line { start, width, carry, inside: Some(scratch) };
        self.groups(emitter, &line, &Dim::from(GROUPS));
        let sum = self.combined(Expr::Register(self.carry), Expr::Register(carry));
        self.set(emitter, self.carry, sum);
        emitter.close(Manner::Serial);
        if rest.is(0) {
            return;
        }
        let carry = emitter.declare(element, Expr::Constant(self.neutral));
        let start = Address { constant: covered, ..Address::default() };
        self.rest(emitter, &Line { start, width, carry, inside: Some(scratch) }, &rest);
    }

    /// What a group of a block has come to, before all blocks before it are added.
    fn scratch(emitter: &mut Emitter<'_, '_>, element: Element, width: i64) -> BufferId {
        let buffers = &mut emitter.lowering.buffers;
        let (name, shape) = (format!("k{}", buffers.len()), vec![Dim::from(width)]);
        buffers.push(Buffer { name, element, shape, lanes: 1, space: Space::Private(None) })
    }

    /// `extent` elements: whole groups, and what is left.
    fn rest(&self, emitter: &mut Emitter<'_, '_>, line: &Line, extent: &Dim) {
        let width = Dim::from(line.width);
        let groups = extent.floor_div(&width);
        let covered = groups.clone() * width;
        let rest = extent.clone() - covered.clone();
        if !groups.is(0) {
            self.groups(emitter, line, &groups);
        }
        if rest.is(0) {
            return;
        }
        let mut start = line.start.clone();
        start.constant = start.constant + covered;
        // Beyond a short rest there is nothing to shift from.
        let short = rest.as_constant().and_then(|rest| u64::try_from(rest).ok());
        let width =
            short.map_or(line.width, |rest| line.width.min(rest.next_power_of_two() as i64));
        self.group(emitter, &Line { start, width, ..*line }, &rest);
    }

    /// Whole groups; behind each the carry is what its last element has become.
    fn groups(&self, emitter: &mut Emitter<'_, '_>, line: &Line, count: &Dim) {
        let mut start = line.start.clone();
        start.add_scaled(&emitter.open(count), &Dim::from(line.width));
        self.group(emitter, &Line { start: start.clone(), ..*line }, &Dim::from(line.width));
        let so_far = match line.inside {
            Some(scratch) => {
                let last = Address { constant: Dim::from(line.width - 1), ..Address::default() };
                Expr::Load(scratch, Box::new(last))
            }
            None => {
                start.constant = start.constant + Dim::from(line.width - 1);
                let last = self.place(emitter, &start);
                load(emitter, self.buffer, &last)
            }
        };
        self.set(emitter, line.carry, so_far);
        emitter.close(Manner::Serial);
    }

    /// `extent` elements, in one group of lanes.
    fn group(&self, emitter: &mut Emitter<'_, '_>, line: &Line, extent: &Dim) {
        let element = emitter.graph().element(self.node);
        let lane = emitter.open(extent);
        let mut step = lane.clone();
        step.add_scaled(&line.start, &Dim::from(1));
        let place = self.place(emitter, &step);
        let mut sum = self.operand(emitter, &place);
        let mut by = 1;
        let depth = emitter.depth();
        while i64::from(by) < line.width {
            let below = Expr::Shift { by, fill: self.neutral, operand: Box::new(sum.clone()) };
            sum = emitter.name(depth, element, self.combined(below, sum));
            by *= 2;
        }
        let mut expr = self.combined(Expr::Register(line.carry), sum);
        if let Some(buffer) = line.inside {
            let inside = emitter.name(depth, element, expr);
            let store = Statement::Store { buffer, address: lane, expr: inside.clone() };
            emitter.emit(store);
            expr = self.combined(Expr::Register(self.carry), inside);
        }
        self.store(emitter, &place, expr);
        emitter.close(Manner::Lanes(line.width as u32));
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
