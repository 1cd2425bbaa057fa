//! Loads and stores of a thread: its lanes one by one, or several at once.
//!
//! In:  an address and the lanes of the thread.   Out: accesses that touch nothing for a lane that is beyond the extent.
//!
//! ```text
//! outside of lanes                         every thread loads, the first one stores
//! consecutive lanes, one behind the other  one access of up to 16 bytes
//! other lanes                              an access for each; of the only lane of a thread it says where vectors begin,
//!                                          so that LLVM makes one of several
//! a lane beyond the extent                 loads the first element of the buffer, stores behind a branch
//! ```
//!
//! A buffer that lanes load from has a first element, since one lane at least is active. Lanes that store to one element would be a race.

use super::super::ir::{IntPredicate, Opcode, Value};
use super::super::memory::Cell;
use super::super::walk::{Typed, Walk};
use super::team::{Layout, WIDEST, is_row};
use crate::graph::{Dim, Element};
use crate::loops::{Address, BufferId, Expr, visit};

/// Where the lanes of a thread access memory.
enum Place {
    /// All at one element.
    One(Value),
    /// One behind the other.
    Row(Value),
    /// Each somewhere.
    Each(Vec<Value>),
}

impl Walk<'_, '_> {
    pub(in crate::llvm) fn load_of_team(&mut self, buffer: BufferId, address: &Address) -> Typed {
        let cell = self.cell(buffer);
        let (size, width) = (cell.element.size(), self.width());
        let (raw, lanes) = match self.place_of_team(buffer, address, cell) {
            Place::One(address) => (self.load_from(buffer, cell, (address, 1, size)), 1),
            Place::Row(first) if self.mask().is_none() => {
                let align = WIDEST.min(width as usize * size);
                (self.load_from(buffer, cell, (first, width, align)), width)
            }
            Place::Row(first) => {
                let each = self.each_of_row(cell, first);
                (self.load_each(buffer, (cell, size), &each), width)
            }
            Place::Each(each) => {
                let align = self.alignment(address, cell);
                (self.load_each(buffer, (cell, align), &each), width)
            }
        };
        let is_bool = cell.element == Element::Bool;
        let in_memory =
            Typed { raw, element: if is_bool { Element::U8 } else { cell.element }, lanes };
        if is_bool { self.convert(Element::Bool, in_memory) } else { in_memory }
    }

    pub(in crate::llvm) fn store_of_team(
        &mut self,
        buffer: BufferId,
        address: &Address,
        value: Typed,
    ) {
        let (ir, cell) = (self.ir, self.cell(buffer));
        let (size, width) = (cell.element.size(), self.width());
        let place = self.place_of_team(buffer, address, cell);
        let is_bool = cell.element == Element::Bool;
        let value = if is_bool { self.convert(Element::U8, value) } else { value };
        let value = self.widened(value, width);
        match place {
            Place::One(address) if self.group.is_none() => ir.store(value.raw, address, size),
            Place::One(address) => {
                self.store_each(size, &vec![address; width as usize], value);
            }
            Place::Row(first) if self.mask().is_none() => {
                ir.store(value.raw, first, WIDEST.min(width as usize * size));
            }
            Place::Row(first) => {
                let each = self.each_of_row(cell, first);
                self.store_each(size, &each, value);
            }
            Place::Each(each) => {
                let align = self.alignment(address, cell);
                self.store_each(align, &each, value);
            }
        }
    }

    /// Of how many bytes the place of the only lane of a thread is a multiple: neighbours are then accessed at once.
    fn alignment(&self, address: &Address, cell: Cell) -> usize {
        let size = cell.element.size();
        if self.width() > 1 || cell.parts > 1 {
            return size;
        }
        let by = address.terms.iter().map(|(_, by)| by);
        let all = by.chain(address.computed.iter().map(|(_, by)| by)).chain([&address.constant]);
        let factors =
            all.flat_map(|by| by.terms().iter().map(|(_, factor)| factor.trailing_zeros()));
        let zeros = factors.min().unwrap_or(u32::BITS).min(WIDEST.ilog2());
        WIDEST.min(size << zeros)
    }

    /// Whether only the first thread of a team stores.
    pub(in crate::llvm) fn is_for_first_thread(&self) -> bool {
        self.threads() > 1 && self.group.is_none()
    }

    /// A store of the first thread. It alone loads what it needs for that: what it stored before, the others do not see yet,
    /// and would take for a place.
    pub(in crate::llvm) fn store_by_first_thread(
        &mut self,
        buffer: BufferId,
        address: &Address,
        expr: &Expr,
    ) {
        let mut folds = Vec::new();
        for computed in address.computed.iter().map(|(computed, _)| computed).chain([expr]) {
            visit::expressions(computed, &mut |expr| {
                if let Expr::Combine(combine, register) = expr {
                    folds.push((*combine, *register));
                }
            });
        }
        for (combine, register) in folds {
            let folded = self.combine(combine, register);
            self.combined.insert((combine, register), folded);
        }
        let zero = self.ir.constant(self.ir.int(32), 0);
        let is_first = self.ir.compare_int(IntPredicate::LLVMIntEQ, self.thread(), zero);
        self.when(is_first, |walk| {
            let value = walk.expr(expr);
            walk.store(buffer, address, value);
        });
        self.combined.clear();
    }

    /// Which lanes of the thread are active, if not all are.
    fn mask(&self) -> Option<Value> {
        let active = self.group.and_then(|group| group.active);
        active.map(|active| active.mask)
    }

    /// The same for each lane.
    fn masks(&self) -> Option<Vec<Value>> {
        let mask = self.mask()?;
        Some(self.split(Typed { raw: mask, element: Element::Bool, lanes: self.width() }))
    }

    fn load_from(
        &self,
        buffer: BufferId,
        cell: Cell,
        (address, lanes, align): (Value, u32, usize),
    ) -> Value {
        let ty = self.ir.vector(cell.ty, lanes);
        if self.team().is_some_and(|team| team.read_only.contains(&buffer)) {
            return self.ir.load_constant(ty, address, align);
        }
        self.ir.load(ty, address, align)
    }

    fn load_each(&self, buffer: BufferId, (cell, align): (Cell, usize), each: &[Value]) -> Value {
        let (masks, first) = (self.masks(), self.buffers[&buffer]);
        let load = |(part, address): (usize, &Value)| {
            let address = match &masks {
                Some(masks) => self.ir.select(masks[part], *address, first),
                None => *address,
            };
            self.load_from(buffer, cell, (address, 1, align))
        };
        let parts: Vec<Value> = each.iter().enumerate().map(load).collect();
        self.ir.vector_of(&parts)
    }

    fn store_each(&mut self, align: usize, each: &[Value], value: Typed) {
        let (masks, parts) = (self.masks(), self.split(value));
        for (part, (address, value)) in each.iter().zip(parts).enumerate() {
            match &masks {
                Some(masks) => {
                    self.when(masks[part], |walk| walk.ir.store(value, *address, align));
                }
                None => self.ir.store(value, *address, align),
            }
        }
    }

    fn each_of_row(&self, cell: Cell, first: Value) -> Vec<Value> {
        let part = |part| self.ir.element_address(cell.ty, first, self.ir.i64(i64::from(part)));
        (0..self.width()).map(part).collect()
    }

    fn place_of_team(&mut self, buffer: BufferId, address: &Address, cell: Cell) -> Place {
        let ir = self.ir;
        let parts = Dim::from(i64::from(cell.parts));
        let scaled = |by: &Dim| by.clone() * parts.clone();
        let terms: Vec<_> =
            address.terms.iter().map(|(variable, by)| (*variable, scaled(by))).collect();
        // A number comes last, behind the same place for all neighbours: LLVM sees so that they are neighbours.
        let behind = scaled(&address.constant);
        let behind = behind.as_constant().filter(|behind| *behind != 0);
        let constant = if behind.is_some() { Dim::default() } else { scaled(&address.constant) };
        let mut base = self.affine(&constant, &terms);
        let (uniform, indices) = self.computed_places(address, &scaled);
        for part in uniform {
            base = ir.binary(Opcode::LLVMAdd, base, part);
        }
        let pointer = self.buffers[&buffer];
        let at = |pointer, index| {
            let place = ir.element_address(cell.ty, pointer, index);
            behind.map_or(place, |behind| ir.element_address(cell.ty, place, ir.i64(behind)))
        };
        let Some(group) = self.group else {
            return Place::One(at(pointer, base));
        };
        let step = self.lane_coefficient(&terms).unwrap_or_default()
            + Dim::from(i64::from(cell.parts > 1));
        // In a thread of one lane, what is computed may differ from thread to thread.
        if indices.is_none() && step.is(0) && (address.computed.is_empty() || group.width > 1) {
            return Place::One(at(pointer, base));
        }
        let base = ir.element_address(cell.ty, pointer, base);
        let first = self.lanes_at(&step);
        let base = ir.element_address(cell.ty, base, first);
        let consecutive = self.team().is_some_and(|team| team.layout == Layout::Consecutive);
        let is_row = is_row(address, (group.variable, group.width), cell.parts);
        if group.width > 1 && consecutive && is_row {
            return Place::Row(at(base, ir.i64(0)));
        }
        let stride = self.team().map_or(1, |team| i64::from(team.stride()));
        let each = (0..group.width).map(|part| {
            let offset = self.dim(&(step.clone() * Dim::from(stride * i64::from(part))));
            match &indices {
                Some(indices) => {
                    let place = ir.element_address(cell.ty, base, offset);
                    at(place, indices[part as usize])
                }
                None => at(base, offset),
            }
        });
        Place::Each(each.collect())
    }

    /// The computed parts of an address: those that all lanes of a thread share, and the sum of the others for each lane.
    fn computed_places(
        &mut self,
        address: &Address,
        scaled: &dyn Fn(&Dim) -> Dim,
    ) -> (Vec<Value>, Option<Vec<Value>>) {
        let ir = self.ir;
        let (mut uniform, mut indices): (Vec<Value>, Option<Vec<Value>>) = (Vec::new(), None);
        for (expr, coefficient) in &address.computed {
            let value = self.expr(expr);
            let by = self.dim(&scaled(coefficient));
            let times = |it| ir.binary(Opcode::LLVMMul, it, by);
            let own: Vec<Value> = self.split(value).into_iter().map(times).collect();
            if value.lanes == 1 {
                uniform.push(own[0]);
                continue;
            }
            indices = Some(match indices {
                Some(known) => {
                    let sum = |(a, b)| ir.binary(Opcode::LLVMAdd, a, b);
                    known.into_iter().zip(own).map(sum).collect()
                }
                None => own,
            });
        }
        (uniform, indices)
    }

    /// How far the first lane of the thread is from that of the group.
    fn lanes_at(&mut self, step: &Dim) -> Value {
        let (ir, width) = (self.ir, self.width());
        let by = self.dim(step);
        let index = ir.int(64);
        let first = self.team().map(|team| team.lane_number(ir, index, (0, width)));
        first.map_or_else(|| ir.i64(0), |first| ir.binary(Opcode::LLVMMul, first, by))
    }
}
