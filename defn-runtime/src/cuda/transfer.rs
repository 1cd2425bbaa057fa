//! Copies between the host and a device, by way of memory that the device reads and writes itself.
//!
//! ```text
//! upload    elements -> a ring of pieces -> device      returns when the elements are in the ring
//! download  device -> two halves -> elements            returns when the elements are there
//! ```
//!
//! Small uploads share a piece of the ring, so that the arguments of thousands of calls go on their way before anyone waits.
//! Of a large transfer one half is copied by the processor while the device copies the other.

use std::ptr;

use super::driver::{Address, Driver, Event, Fault};

/// Bytes of a piece of the ring.
const PIECE: usize = 1 << 20;
/// How many pieces the ring has.
const PIECES: usize = 8;
/// Bytes of each of the two halves.
const HALF: usize = 4 << 20;
/// Uploads begin at multiples of this in the ring.
const LINE: usize = 64;

/// The memory between host and device; there is none before the first transfer of each kind.
#[derive(Default)]
pub(super) struct Staging {
    ring: Vec<Slot>,
    /// Where the next upload goes: the piece, and its first free byte.
    next: (usize, usize),
    halves: Vec<Slot>,
}

/// Memory that the device copies from or to.
struct Slot {
    start: *mut u8,
    /// Recorded behind the last copy.
    event: Event,
    /// Whether that copy may be under way.
    is_pending: bool,
}

// SAFETY: the memory of a slot belongs to nobody else.
unsafe impl Send for Slot {}

impl Slot {
    fn several(driver: &dyn Driver, count: usize, bytes: usize) -> Result<Vec<Self>, Fault> {
        let start = driver.allocate_host(count * bytes)?;
        (0..count)
            .map(|position| {
                let start = start.wrapping_add(position * bytes);
                Ok(Self { start, event: driver.event()?, is_pending: false })
            })
            .collect()
    }

    fn settle(&mut self, driver: &dyn Driver) -> Result<(), Fault> {
        if self.is_pending {
            driver.wait(self.event)?;
            self.is_pending = false;
        }
        Ok(())
    }
}

impl Staging {
    /// Begins to copy bytes to the device; they may change when this returns.
    ///
    /// # Safety
    /// - At `to` there is room for as many bytes.
    pub(super) unsafe fn upload(
        &mut self,
        driver: &dyn Driver,
        to: Address,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        if self.ring.is_empty() {
            self.ring = Slot::several(driver, PIECES, PIECE)?;
        }
        let mut done = 0;
        while done < bytes.len() {
            let (start, room) = self.room(driver)?;
            let now = room.min(bytes.len() - done);
            let part = &bytes[done..done + now];
            // SAFETY: the room lies in a piece that no copy is reading there, and the device has as many bytes behind `to` by the caller's promise.
            // What is in the ring stays until its piece is used again, which waits for the event behind this copy.
            unsafe {
                ptr::copy_nonoverlapping(part.as_ptr(), start, now);
                driver.copy_in(to + done as u64, start, now)?;
            }
            self.next.1 += now.next_multiple_of(LINE);
            done += now;
        }
        Ok(())
    }

    /// The free part of the ring's piece; there is some.
    fn room(&mut self, driver: &dyn Driver) -> Result<(*mut u8, usize), Fault> {
        let (mut piece, mut used) = self.next;
        if used >= PIECE {
            let full = &mut self.ring[piece];
            driver.record(full.event)?;
            full.is_pending = true;
            (piece, used) = ((piece + 1) % PIECES, 0);
            self.ring[piece].settle(driver)?;
            self.next = (piece, used);
        }
        Ok((self.ring[piece].start.wrapping_add(used), PIECE - used))
    }

    /// Copies bytes from the device, and returns when they are there.
    ///
    /// # Safety
    /// - Both places have so many bytes, and nobody else sees those of the host.
    pub(super) unsafe fn download(
        &mut self,
        driver: &dyn Driver,
        to: *mut u8,
        from: Address,
        bytes: usize,
    ) -> Result<(), Fault> {
        if self.halves.is_empty() {
            self.halves = Slot::several(driver, 2, HALF)?;
        }
        let parts = bytes.div_ceil(HALF);
        // Each round begins one part, and ends the one before.
        for part in 0..=parts {
            if part < parts {
                let (begin, slot) = (part * HALF, &mut self.halves[part % 2]);
                let now = HALF.min(bytes - begin);
                // SAFETY: the half was emptied two rounds ago, and the device has so many bytes there by the caller's promise.
                unsafe { driver.copy_out(slot.start, from + begin as u64, now)? };
                driver.record(slot.event)?;
                slot.is_pending = true;
            }
            let Some(before) = part.checked_sub(1) else { continue };
            let (begin, slot) = (before * HALF, &mut self.halves[before % 2]);
            slot.settle(driver)?;
            // SAFETY: the copy to the half has ended, and the caller has so many bytes there.
            unsafe {
                ptr::copy_nonoverlapping(
                    slot.start,
                    to.wrapping_add(begin),
                    HALF.min(bytes - begin),
                );
            }
        }
        Ok(())
    }
}
