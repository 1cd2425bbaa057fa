//! Loads and stores: one element, a row of lanes, lanes anywhere.
//!
//! In:  an address and the lanes that execute.   Out: the cheapest access that touches nothing outside of a buffer, and changes no element of an inactive lane.
//!
//! ```text
//! coefficient of the lane variable    full group             last group
//! 0, nothing computed                 scalar                 scalar (one lane at least is active)
//! 1                                   vector                 masked vector
//! 1, rows of whole groups, loads      vector                 vector
//! −1                                  vector and reversal    masked vector and reversal
//! 2, 3, 4, of whole tuples            vectors, permuted      masked gather
//! other, stores of neighbours         runs, turned           the same, where inactive lanes do no harm
//! other, loads of neighbours          pieces, turned         the same, inactive lanes with the last active one
//! other                               gathers, scatters of a register each, from where its first lane is
//! computed lane by lane               gather, scatter        masked gather, scatter
//! ```
//!
//! Scratch with lanes has a part of every element for each lane, so that its step between lanes is one more than that of its address,
//! and where all lanes are at one address, what an inactive lane touches is its own: the row is not masked.
//! Where the rows of a buffer are whole groups, as in panels, an inactive lane loads what is there, and what it computes nobody sees.
//! Where the processor has no such masked access, the lanes go one by one through the stack, in a loop:
//! LLVM would write a branch for each of the lanes instead. See Note [Lanes one by one].

use super::ir::{IntPredicate, Opcode, Type, Value};
use super::walk::{Active, Typed, Walk};
use crate::graph::{Dim, Element};
use crate::loops::{Address, BufferId};
use crate::options::Level;

/// Where the lanes of an access are.
enum Place {
    /// The same element for every lane.
    Uniform(Value),
    /// From this address up.
    Forward(Value),
    /// From this address down.
    Backward(Value),
    /// A base, and where the lanes are from there.
    Anywhere(Value, Indices),
}

/// Where lanes are, in elements.
#[derive(Clone, Copy)]
pub(super) enum Indices {
    /// An index for each lane.
    Each(Value),
    /// Each lane so far from the one before.
    Apart(Value),
}

/// What is at each address.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) element: Element,
    /// The type in memory.
    pub(super) ty: Type,
    /// How many of them an element of the buffer has.
    pub(super) parts: u32,
}

/// A part of an access to lanes anywhere: lanes from one on, with a mask.
struct Piece {
    first: u32,
    lanes: u32,
    addresses: Value,
    mask: Value,
}

/// The purposes of the places on the stack.
const STAGE_OF_VALUES: u32 = 0;
const STAGE_OF_INDICES: u32 = 1;

impl Walk<'_, '_> {
    pub(super) fn load(&mut self, buffer: BufferId, address: &Address) -> Typed {
        if self.team().is_some() {
            return self.load_of_team(buffer, address);
        }
        if let Some(staged) = self.staged(buffer, address) {
            return staged;
        }
        let cell = self.cell(buffer);
        let place = self.place(buffer, address, cell);
        let component = self.component(buffer, address);
        let lanes = if matches!(place, Place::Uniform(_)) { 1 } else { self.width() };
        let active = self.group.and_then(|group| group.active);
        let raw = match place {
            Place::Uniform(address) => self.ir.load(cell.ty, address, cell.element.size()),
            Place::Forward(first) => {
                self.ask_ahead(buffer, address, first);
                let is_harmless = cell.parts > 1 || self.is_whole(buffer, address);
                self.load_row(cell, first, active.filter(|_| !is_harmless))
            }
            Place::Backward(last) => {
                let first = self.first_of_backward(cell, last);
                let active = active.map(|active| self.reversed_active(active));
                let row = self.load_row(cell, first, active);
                self.reversed(row)
            }
            Place::Anywhere(base, indices) => match component {
                Some(component) => self.load_component(buffer, base, component),
                None => self.gather(cell, (base, indices), active),
            },
        };
        // A byte that is neither 0 nor 1 is never written; one is read as `true` all the same.
        let is_bool = cell.element == Element::Bool;
        let in_memory =
            Typed { raw, element: if is_bool { Element::U8 } else { cell.element }, lanes };
        if is_bool { self.convert(Element::Bool, in_memory) } else { in_memory }
    }

    pub(super) fn store(&mut self, buffer: BufferId, address: &Address, value: Typed) {
        if self.team().is_some() {
            return self.store_of_team(buffer, address, value);
        }
        let cell = self.cell(buffer);
        let place = self.place(buffer, address, cell);
        let is_bool = cell.element == Element::Bool;
        let value = if is_bool { self.convert(Element::U8, value) } else { value };
        let active = self.group.and_then(|group| group.active);
        let wide = |walk: &Self| walk.widened(value, walk.width()).raw;
        match place {
            Place::Uniform(address) => {
                let raw = self.last_lane(value, active);
                self.ir.store(raw, address, cell.element.size());
            }
            Place::Forward(address) => {
                let row = wide(self);
                self.store_row(cell, address, row, active.filter(|_| cell.parts == 1));
            }
            Place::Backward(last) => {
                let first = self.first_of_backward(cell, last);
                let active = active.map(|active| self.reversed_active(active));
                let row = self.reversed(wide(self));
                self.store_row(cell, first, row, active);
            }
            Place::Anywhere(base, indices) => {
                let row = wide(self);
                self.scatter(cell, (base, indices), row, active);
            }
        }
    }

    /// Stores all components of tuples; `address` is that of the first.
    pub(super) fn store_tuples(
        &mut self,
        buffer: BufferId,
        address: &Address,
        components: &[Value],
    ) {
        let cell = self.cell(buffer);
        if let Place::Anywhere(first, _) = self.place(buffer, address, cell) {
            self.store_components(buffer, first, components);
        }
    }

    pub(super) fn cell(&self, buffer: BufferId) -> Cell {
        let content = &self.loops.buffers[buffer];
        let (element, parts) = (content.element, content.lanes);
        let is_bool = element == Element::Bool;
        Cell { element, ty: self.ir.element(if is_bool { Element::U8 } else { element }), parts }
    }

    /// The address of one element, outside of lanes.
    pub(super) fn first(&mut self, buffer: BufferId, address: &Address) -> Value {
        let cell = self.cell(buffer);
        match self.place(buffer, address, cell) {
            Place::Uniform(first)
            | Place::Forward(first)
            | Place::Backward(first)
            | Place::Anywhere(first, _) => first,
        }
    }

    fn place(&mut self, buffer: BufferId, address: &Address, cell: Cell) -> Place {
        let ir = self.ir;
        let parts = Dim::from(i64::from(cell.parts));
        let scaled = |by: &Dim| by.clone() * parts.clone();
        let terms: Vec<_> =
            address.terms.iter().map(|(variable, by)| (*variable, scaled(by))).collect();
        let mut base = self.affine(&scaled(&address.constant), &terms);
        let mut indices: Option<Value> = None;
        for (expr, coefficient) in &address.computed {
            let value = self.expr(expr);
            let by = self.dim(&scaled(coefficient));
            let by = ir.splat(by, value.lanes);
            let part = ir.binary(Opcode::LLVMMul, value.raw, by);
            if value.lanes == 1 {
                base = ir.binary(Opcode::LLVMAdd, base, part);
            } else {
                indices = Some(indices.map_or(part, |sum| ir.binary(Opcode::LLVMAdd, sum, part)));
            }
        }
        let first = ir.element_address(cell.ty, self.buffers[&buffer], base);
        // A loop over lanes takes the first ones, and those of a reversed row are the last.
        let is_full = self.group.is_some_and(|group| group.active.is_none());
        let reverses = is_full || self.masks_rows(cell.element);
        let part = Dim::from(i64::from(cell.parts > 1));
        let step = self.lane_coefficient(&terms).unwrap_or_default() + part;
        match (indices, (!step.is(0)).then_some(step)) {
            (None, None) => Place::Uniform(first),
            (None, Some(step)) if step.is(1) => Place::Forward(first),
            (None, Some(step)) if step.is(-1) && reverses => Place::Backward(first),
            (None, Some(step)) => Place::Anywhere(first, Indices::Apart(self.dim(&step))),
            (Some(indices), None) => Place::Anywhere(first, Indices::Each(indices)),
            (Some(indices), Some(step)) => {
                let indices = ir.binary(Opcode::LLVMAdd, indices, self.lane_steps(&step));
                Place::Anywhere(first, Indices::Each(indices))
            }
        }
    }

    /// A row that ends at `last`, of a full group.
    fn first_of_backward(&self, cell: Cell, last: Value) -> Value {
        self.ir.element_address(cell.ty, last, self.ir.i64(1 - i64::from(self.width())))
    }

    fn reversed(&self, row: Value) -> Value {
        self.ir.shuffle(row, (0..self.width()).rev())
    }

    /// In a reversed row the active lanes are the last ones.
    fn reversed_active(&self, active: Active) -> Active {
        Active { mask: self.reversed(active.mask), ..active }
    }

    /// Lanes write one after the other, so the last active one stays.
    fn last_lane(&self, value: Typed, active: Option<Active>) -> Value {
        if value.lanes == 1 {
            return value.raw;
        }
        let last = match active {
            Some(active) => self.ir.binary(Opcode::LLVMSub, active.count, self.ir.i64(1)),
            None => self.ir.i64(i64::from(value.lanes) - 1),
        };
        self.ir.extract(value.raw, last)
    }

    /// Whether a row of lanes is a whole part of the rows of its buffer, so that even inactive lanes are inside of it.
    fn is_whole(&self, buffer: BufferId, address: &Address) -> bool {
        let Some(group) = self.group else { return false };
        let width = i64::from(group.width);
        let divides = |dim: &Dim| dim.terms().iter().all(|(_, factor)| factor % width == 0);
        let steps = |(variable, by): &(_, Dim)| *variable == group.variable || divides(by);
        self.loops.buffers[buffer].shape.last().is_some_and(divides)
            && address.computed.is_empty()
            && divides(&address.constant)
            && address.terms.iter().all(steps)
    }

    fn load_row(&mut self, cell: Cell, address: Value, active: Option<Active>) -> Value {
        let (ir, align) = (self.ir, cell.element.size());
        let ty = ir.vector(cell.ty, self.width());
        let Some(active) = active else { return ir.load(ty, address, align) };
        if !self.masks_rows(cell.element) {
            let indices = Indices::Apart(ir.i64(1));
            return self.gather_one_by_one(cell, (address, indices), Some(active));
        }
        let arguments = [address, active.mask, ir.zero(ty)];
        let row = ir.intrinsic("llvm.masked.load", &[ty, ir.pointer()], &arguments);
        ir.align_argument(row, 0, align);
        row
    }

    fn store_row(&mut self, cell: Cell, address: Value, row: Value, active: Option<Active>) {
        let (ir, align) = (self.ir, cell.element.size());
        let Some(active) = active else { return ir.store(row, address, align) };
        if !self.masks_rows(cell.element) {
            let indices = Indices::Apart(ir.i64(1));
            return self.scatter_one_by_one(cell, (address, indices), row, Some(active));
        }
        let overloads = [ir.type_of(row), ir.pointer()];
        let call = ir.intrinsic("llvm.masked.store", &overloads, &[row, address, active.mask]);
        ir.align_argument(call, 1, align);
    }

    fn gather(
        &mut self,
        cell: Cell,
        (base, indices): (Value, Indices),
        active: Option<Active>,
    ) -> Value {
        if !self.gathers(cell.element) {
            return self.gather_one_by_one(cell, (base, indices), active);
        }
        let ir = self.ir;
        let pieces = self.pieces_of(cell, (base, indices), active);
        let mut parts = Vec::with_capacity(pieces.len());
        for Piece { lanes, addresses, mask, .. } in pieces {
            let ty = ir.vector(cell.ty, lanes);
            let overloads = [ty, ir.type_of(addresses)];
            let part =
                ir.intrinsic("llvm.masked.gather", &overloads, &[addresses, mask, ir.zero(ty)]);
            ir.align_argument(part, 0, cell.element.size());
            parts.push(part);
        }
        let mut lanes = self.width() / parts.len() as u32;
        while parts.len() > 1 {
            parts = parts.chunks(2).map(|pair| ir.join(pair[0], pair[1], lanes)).collect();
            lanes *= 2;
        }
        parts[0]
    }

    fn scatter(
        &mut self,
        cell: Cell,
        (base, indices): (Value, Indices),
        row: Value,
        active: Option<Active>,
    ) {
        if !self.scatters(cell.element) {
            return self.scatter_one_by_one(cell, (base, indices), row, active);
        }
        let ir = self.ir;
        let pieces = self.pieces_of(cell, (base, indices), active);
        let whole = pieces.len() == 1;
        for Piece { first, lanes, addresses, mask } in pieces {
            let part = if whole { row } else { ir.shuffle(row, first..first + lanes) };
            let overloads = [ir.type_of(part), ir.type_of(addresses)];
            let call = ir.intrinsic("llvm.masked.scatter", &overloads, &[part, addresses, mask]);
            ir.align_argument(call, 1, cell.element.size());
        }
    }

    /// The parts of an access to lanes anywhere. Lanes that are apart are one register after the other, so that all have the same
    /// indices: for 64 lanes these would be as many multiplications as there are registers of them, each kept on the stack.
    fn pieces_of(
        &self,
        cell: Cell,
        (base, indices): (Value, Indices),
        active: Option<Active>,
    ) -> Vec<Piece> {
        let (ir, width) = (self.ir, self.width());
        let step = match indices {
            Indices::Each(indices) => {
                let addresses = ir.element_address(cell.ty, base, indices);
                let mask = self.mask_of(active);
                return vec![Piece { first: 0, lanes: width, addresses, mask }];
            }
            Indices::Apart(step) => step,
        };
        let lanes = width.min(self.level().register_bytes() / cell.element.size() as u32);
        let wide = ir.int(64);
        let indices = ir.binary(Opcode::LLVMMul, ir.iota(wide, lanes), ir.splat(step, lanes));
        let piece = |first: u32| {
            let offset = ir.binary(Opcode::LLVMMul, step, ir.i64(i64::from(first)));
            let begin = ir.element_address(cell.ty, base, offset);
            let addresses = ir.element_address(cell.ty, begin, indices);
            let mask = match active {
                None => ir.constant_splat(ir.constant(ir.int(1), 1), lanes),
                Some(active) if lanes == width => active.mask,
                Some(active) => self.active_from(first, lanes, active),
            };
            Piece { first, lanes, addresses, mask }
        };
        (0..width).step_by(lanes as usize).map(piece).collect()
    }

    /// Which of some lanes are active, from one on.
    fn active_from(&self, first: u32, lanes: u32, active: Active) -> Value {
        let (ir, narrow) = (self.ir, self.ir.int(32));
        let number = ir.constant_splat(ir.constant(narrow, i64::from(first)), lanes);
        let numbers = ir.binary(Opcode::LLVMAdd, ir.iota(narrow, lanes), number);
        let bound = ir.splat(ir.cast(Opcode::LLVMTrunc, active.count, narrow), lanes);
        ir.compare_int(IntPredicate::LLVMIntULT, numbers, bound)
    }

    fn mask_of(&self, active: Option<Active>) -> Value {
        let all = self.ir.constant_splat(self.ir.constant(self.ir.int(1), 1), self.width());
        active.map_or(all, |active| active.mask)
    }

    /// Whether the processor loads and stores rows of such elements under a mask.
    fn masks_rows(&self, element: Element) -> bool {
        match self.level() {
            Level::V3 => element.size() >= 4,
            Level::V4 => true,
            Level::Neon => false,
        }
    }

    /// Whether the processor gathers such elements.
    fn gathers(&self, element: Element) -> bool {
        match self.level() {
            Level::V3 | Level::V4 => element.size() >= 4,
            Level::Neon => false,
        }
    }

    /// Whether the processor scatters such elements.
    fn scatters(&self, element: Element) -> bool {
        match self.level() {
            Level::V4 => element.size() >= 4,
            Level::V3 | Level::Neon => false,
        }
    }

    fn gather_one_by_one(
        &mut self,
        cell: Cell,
        (base, indices): (Value, Indices),
        active: Option<Active>,
    ) -> Value {
        let (ir, align) = (self.ir, cell.element.size());
        let ty = ir.vector(cell.ty, self.width());
        let values = self.stage(cell, STAGE_OF_VALUES);
        ir.store(ir.zero(ty), values, align);
        self.each_lane(cell, (base, indices), active, |walk, lane, address| {
            let value = walk.ir.load(cell.ty, address, align);
            walk.ir.store(value, walk.ir.element_address(cell.ty, values, lane), align);
        });
        ir.load(ty, values, align)
    }

    pub(super) fn scatter_one_by_one(
        &mut self,
        cell: Cell,
        (base, indices): (Value, Indices),
        row: Value,
        active: Option<Active>,
    ) {
        let align = cell.element.size();
        let values = self.stage(cell, STAGE_OF_VALUES);
        self.ir.store(row, values, align);
        self.each_lane(cell, (base, indices), active, |walk, lane, address| {
            let value = walk.ir.element_address(cell.ty, values, lane);
            let value = walk.ir.load(cell.ty, value, align);
            walk.ir.store(value, address, align);
        });
    }

    /// A loop over the active lanes, with the address of each.
    fn each_lane(
        &mut self,
        cell: Cell,
        (base, indices): (Value, Indices),
        active: Option<Active>,
        body: impl FnOnce(&mut Self, Value, Value),
    ) {
        let (ir, index) = (self.ir, self.ir.int(64));
        let count = active.map_or(ir.i64(i64::from(self.width())), |active| active.count);
        let indices = match indices {
            Indices::Each(indices) => {
                let position = Cell { element: Element::I64, ty: index, parts: 1 };
                let stage = self.stage(position, STAGE_OF_INDICES);
                ir.store(indices, stage, 8);
                Indices::Each(stage)
            }
            apart @ Indices::Apart(_) => apart,
        };
        self.counted((ir.i64(0), count), 1, |walk, lane| {
            let position = match indices {
                Indices::Each(stage) => ir.load(index, ir.element_address(index, stage, lane), 8),
                Indices::Apart(step) => ir.binary(Opcode::LLVMMul, lane, step),
            };
            let address = walk.ir.element_address(cell.ty, base, position);
            body(walk, lane, address);
        });
    }

    /// A place on the stack for the lanes of a group; used and left again within one access.
    fn stage(&mut self, cell: Cell, purpose: u32) -> Value {
        let key = (cell.element.size(), self.width(), purpose);
        if let Some(stage) = self.stages.get(&key) {
            return *stage;
        }
        let element = match cell.element.size() {
            1 => Element::U8,
            4 => Element::I32,
            _ => Element::I64,
        };
        let stage = self.stack(element, self.width());
        self.stages.insert(key, stage);
        stage
    }
}

// Note [Lanes one by one]
// -----------------------
// AVX2 masks rows of 4 and 8 bytes and gathers them, but not bytes, and it scatters nothing; NEON does none of it.
// What a processor lacks LLVM writes as a branch, an access and an insertion for each lane: 64 lanes of bytes are 600 lines.
// A loop over the active lanes that goes through the stack is 15 lines, and in a tail it runs once.
