//! Integers that are put in order on their way from one buffer to another.
//!
//! ```text
//! for i in 0..1 sorted {
//!   for j in 0..n { store r0[j] = load k1[j] }      as it stands, and then what has come to r0 in ascending order
//!   …                                               or this, which gives the same
//! }
//! ```
//!
//! What was moved are integers with a sign, of four bytes or of eight; the other buffer may take the bits for another type.
//! Both places move by one element from one iteration to the next, and are those of two buffers.
//! What is in the buffer that was read is not known afterwards.
//! Which way is better depends on the processor: `schedule` keeps one of them, and behind it the first loop is alone or nothing is left
//! of the loop around it.

use super::visit;
use super::{Address, BufferId, For, Manner, ask};

/// The parts of a loop that sorts.
pub struct Sort<'l> {
    /// The loop that moves the integers.
    pub moves: &'l For,
    /// From where.
    pub from: (BufferId, &'l Address),
    /// To where.
    pub to: (BufferId, &'l Address),
}

impl<'l> Sort<'l> {
    /// The parts of a loop, if it sorts.
    pub fn of(sorted: &'l For) -> Option<Self> {
        let moves = ask::as_loop(sorted.body.first()?)?;
        let (mut read, mut written) = (Vec::new(), Vec::new());
        visit::addresses(&moves.body, &mut |buffer, address, is_written| {
            if is_written { written.push((buffer, address)) } else { read.push((buffer, address)) }
        });
        let ([from], [to]) = (read.as_slice(), written.as_slice()) else { return None };
        let is_beside = |address: &Address| address.coefficient(moves.variable).is(1);
        let are_beside = is_beside(from.1) && is_beside(to.1) && from.0 != to.0;
        let is_move = are_beside && matches!(moves.manner, Manner::Serial);
        is_move.then_some(Self { moves, from: *from, to: *to })
    }
}
