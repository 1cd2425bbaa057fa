//! Lanes that are two, three or four elements apart: the components of points, the channels of pixels.
//!
//! In:  a load at such a step, or stores of all components, by a full group.   Out: whole registers, and permutations of their lanes.
//!
//! ```text
//! load x[3*i + 1], 16 lanes        a, b, c = load x[3*i .. 3*i + 48], a register each
//!                                  the lanes 1, 4, 7, … of a, b, c in two permutations
//!
//! store r[3*i] = %0                lanes 0 to 5 of %0, %1, %2 in turn, then 5 to 10, then the others: a register each
//! store r[3*i + 1] = %1            store r[3*i .. 3*i + 48]
//! store r[3*i + 2] = %2
//! ```
//!
//! A gather takes a cycle for each lane, a scatter two. The other components use the same registers, which are loaded once.
//! Nothing behind the end of the buffer is touched: places at which a tuple of components begins are multiples of the step, and so is
//! the number of elements.

use std::collections::BTreeMap;

use super::ir::Value;
use super::walk::Walk;
use crate::graph::Dim;
use crate::loops::visit;
use crate::loops::{Address, BufferId, Statement};

/// Farther apart, a gather is as good as the permutations.
pub(super) const FARTHEST: i64 = 4;

/// A component of each of the tuples that a buffer consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// How many components a tuple has.
    pub(super) step: u32,
    /// Which of them.
    pub(super) position: u32,
}

/// The stores of a block to one tuple for each lane.
struct Tuple {
    buffer: BufferId,
    /// Where the first component is.
    begin: Address,
    step: u32,
    /// For each store its component, and its place in the block.
    stores: Vec<(u32, usize)>,
}

impl Tuple {
    /// The place of the last store, and of all in order of the components, if they may wait for the last.
    fn places(mut self, block: &[Statement]) -> Option<(usize, Vec<usize>)> {
        self.stores.sort_unstable();
        let complete = self.stores.iter().map(|(position, _)| *position).eq(0..self.step);
        let places: Vec<usize> = self.stores.iter().map(|(_, place)| *place).collect();
        let last = may_wait(block, self.buffer, &places)?;
        complete.then_some((last, places))
    }
}

/// The place of the last of some stores, if the others may wait for it: nothing between them touches the buffer, or is a loop.
pub(super) fn may_wait(block: &[Statement], buffer: BufferId, places: &[usize]) -> Option<usize> {
    let (first, last) = (*places.iter().min()?, *places.iter().max()?);
    let mut apart = true;
    for (place, statement) in block.iter().enumerate().take(last + 1).skip(first) {
        apart &= !matches!(statement, Statement::For(_) | Statement::If { .. });
        visit::addresses(std::slice::from_ref(statement), &mut |touched, _, written| {
            apart &= touched != buffer || written && places.contains(&place);
        });
    }
    apart.then_some(last)
}

impl Walk<'_, '_> {
    /// Which component an address is, if lanes walk over tuples.
    pub(super) fn component(&self, buffer: BufferId, address: &Address) -> Option<Component> {
        let group = self.group.filter(|group| group.active.is_none())?;
        let content = &self.loops.buffers[buffer];
        let step = address.coefficient(group.variable).as_constant();
        let step = step.filter(|step| (2..=FARTHEST).contains(step))?;
        let whole = |dim: &Dim| dim.terms().iter().all(|(_, factor)| factor % step == 0);
        let in_tuples = whole(&content.size())
            && content.lanes == 1
            && matches!(content.element.size(), 4 | 8)
            && address.computed.is_empty()
            && address.terms.iter().all(|(_, by)| whole(by));
        // Of the constant, what no symbol multiplies may be any component.
        let (known, symbolic): (Vec<_>, Vec<_>) =
            address.constant.terms().iter().partition(|(monomial, _)| monomial.is_empty());
        let known: i64 = known.into_iter().map(|(_, value)| value).sum();
        let in_tuples = in_tuples && symbolic.into_iter().all(|(_, factor)| factor % step == 0);
        let registers = self.width() >= self.in_register(content.element.size());
        (in_tuples && registers).then_some(Component {
            step: u32::try_from(step).ok()?,
            position: u32::try_from(known.rem_euclid(step)).ok()?,
        })
    }

    /// A component of the tuples of all lanes; `first` is where that of the first lane is.
    pub(super) fn load_component(
        &mut self,
        buffer: BufferId,
        first: Value,
        Component { step, position }: Component,
    ) -> Value {
        let (ir, element) = (self.ir, self.loops.buffers[buffer].element);
        let (lanes, cell) = (self.in_register(element.size()), ir.element(element));
        let register = ir.vector(cell, lanes);
        let begin = ir.element_address(cell, first, ir.i64(-i64::from(position)));
        let part = |part: u32| {
            let load = |number: u32| {
                let offset = ir.i64(i64::from((part * step + number) * lanes));
                ir.load(register, ir.element_address(cell, begin, offset), element.size())
            };
            let mut picked = load(0);
            for number in 1..step {
                // Lane k stands at place `step * k + position` of all registers; those before this one are picked already.
                let source = |lane: u32| {
                    let place = step * lane + position;
                    let own = place / lanes == number;
                    match number {
                        1 if place < lanes => place,
                        _ if own => lanes + place % lanes,
                        _ => lane,
                    }
                };
                picked = ir.shuffle_pair(picked, load(number), (0..lanes).map(source));
            }
            picked
        };
        let mut parts: Vec<Value> = (0..self.width() / lanes).map(part).collect();
        let mut width = lanes;
        while parts.len() > 1 {
            width *= 2;
            parts =
                parts.chunks(2).map(|pair| ir.shuffle_pair(pair[0], pair[1], 0..width)).collect();
        }
        parts[0]
    }

    /// The stores of a block that together write all components of a tuple: where the last of them stands, and where all do, in order of
    /// the components. What stands between them neither touches the buffer otherwise nor is a loop.
    pub(super) fn woven(&self, block: &[Statement]) -> BTreeMap<usize, Vec<usize>> {
        let mut tuples: Vec<Tuple> = Vec::new();
        for (place, statement) in block.iter().enumerate() {
            let Statement::Store { buffer, address, expr: _ } = statement else { continue };
            let Some(Component { step, position }) = self.component(*buffer, address) else {
                continue;
            };
            let mut begin = address.clone();
            begin.constant = begin.constant - Dim::from(i64::from(position));
            let known = tuples.iter().position(|it| it.buffer == *buffer && it.begin == begin);
            let known = known.unwrap_or_else(|| {
                tuples.push(Tuple { buffer: *buffer, begin, step, stores: Vec::new() });
                tuples.len() - 1
            });
            tuples[known].stores.push((position, place));
        }
        tuples.into_iter().filter_map(|tuple| tuple.places(block)).collect()
    }

    /// Writes the tuples of all lanes; `first` is where the first component of the first lane is.
    pub(super) fn store_components(
        &mut self,
        buffer: BufferId,
        first: Value,
        components: &[Value],
    ) {
        let (ir, element) = (self.ir, self.loops.buffers[buffer].element);
        let (lanes, cell) = (self.in_register(element.size()), ir.element(element));
        let step = components.len() as u32;
        for part in 0..self.width() / lanes {
            let own = |component: &Value| ir.shuffle(*component, part * lanes..(part + 1) * lanes);
            let parts: Vec<Value> = components.iter().map(own).collect();
            for number in 0..step {
                let mut woven = parts[0];
                for (component, values) in (0..).zip(&parts).skip(1) {
                    // Place p of the tuples is component p % step of lane p / step.
                    let source = |lane: u32| {
                        let place = number * lanes + lane;
                        match place % step {
                            own if own == component => lanes + place / step,
                            0 if component == 1 => place / step,
                            _ => lane,
                        }
                    };
                    woven = ir.shuffle_pair(woven, *values, (0..lanes).map(source));
                }
                let offset = ir.i64(i64::from((part * step + number) * lanes));
                ir.store(woven, ir.element_address(cell, first, offset), element.size());
            }
        }
    }

    /// How many elements of a size a register holds.
    fn in_register(&self, size: usize) -> u32 {
        self.level().register_bytes() / size as u32
    }
}
