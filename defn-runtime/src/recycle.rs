//! Large blocks that nobody uses, kept for the next one who does.
//!
//! The first write to a fresh page costs more than the work on it: a page fault is a microsecond, and the elements of a page
//! are computed in a fifth of that. So the memory of a large tensor that was dropped becomes the memory of the next large result.
//!
//! What is kept is bounded by what was used: blocks in use and blocks kept are together never larger than the blocks that were
//! in use at one time, so that no program needs more memory than at its peak without this. [`trim`] gives everything back.
//!
//! Sizes are rounded up to one of eight for each power of two, so that nearly equal ones meet; blocks below [`LARGE`] are the
//! allocator's business, which keeps them itself.

use std::sync::{Mutex, MutexGuard};

use crate::storage::{self, Memory};

/// Something with a size.
pub(crate) trait Bytes {
    /// How many bytes it has.
    fn bytes(&self) -> usize;
}

impl Bytes for Memory {
    fn bytes(&self) -> usize {
        self.bytes()
    }
}

/// From this size on, blocks are kept.
pub(crate) const LARGE: usize = 64 << 10;
/// Sizes between two powers of two.
const STEPS: usize = 8;
/// More blocks of the host than this are never kept.
const MOST: usize = 64;

/// The blocks of the process.
static SHELF: Mutex<Shelf<Memory>> = Mutex::new(Shelf::new(MOST));

/// The blocks that are kept, and the sums that bound them; in bytes.
pub(crate) struct Shelf<M> {
    /// The one that was used last is last.
    kept: Vec<M>,
    /// More blocks than this are never kept.
    most: usize,
    kept_bytes: usize,
    used: usize,
    peak: usize,
}

/// Gives back all memory that is kept for future results, and that of this thread's workspace.
///
/// Large tensors that are dropped leave their memory to later ones, up to the most that was in use at one time.
/// Call this after a phase that needed much more memory than what follows.
///
/// # Examples
/// ```
/// drop(defn_runtime::Tensor::<f32, 1>::zeros([1 << 20]));
/// defn_runtime::trim();
/// ```
pub fn trim() {
    storage::drop_workspace();
    let mut shelf = lock();
    let released = shelf.clear();
    // Memory is given back without the lock.
    drop(shelf);
    drop(released);
}

/// What is asked of the allocator for a large block: at least `bytes`, and often the same.
pub(crate) fn rounded(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / (2 * STEPS)).max(1);
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

/// A block of exactly this size, if one is kept; counts it as used, and if there is none, the one that the caller gets elsewhere.
pub(crate) fn take(bytes: usize) -> Option<Memory> {
    let mut shelf = lock();
    let found = shelf.take(bytes);
    let surplus = shelf.used(bytes);
    drop(shelf);
    drop(surplus);
    found
}

/// Counts a block as used that the caller got elsewhere.
pub(crate) fn count(bytes: usize) {
    let surplus = lock().used(bytes);
    drop(surplus);
}

/// Keeps a block that nobody uses any more, or gives it back.
pub(crate) fn put(memory: Memory) {
    let surplus = lock().put(memory);
    drop(surplus);
}

fn lock() -> MutexGuard<'static, Shelf<Memory>> {
    SHELF.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl<M: Bytes> Shelf<M> {
    /// Nothing is kept, and later never more blocks than this.
    pub(crate) const fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most, kept_bytes: 0, used: 0, peak: 0 }
    }

    /// A block of exactly this size, if one is kept.
    pub(crate) fn take(&mut self, bytes: usize) -> Option<M> {
        let found = self.kept.iter().rposition(|memory| memory.bytes() == bytes)?;
        self.kept_bytes -= bytes;
        Some(self.kept.remove(found))
    }

    /// Counts a block as used, and takes away what is kept beyond the bound.
    pub(crate) fn used(&mut self, bytes: usize) -> Vec<M> {
        self.used += bytes;
        self.peak = self.peak.max(self.used);
        self.surplus()
    }

    /// Counts a block as used no more that could not be had.
    #[cfg(any(feature = "cuda", test))]
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.used -= bytes;
    }

    /// Keeps a block that is used no more, and takes away what is kept beyond the bound.
    pub(crate) fn put(&mut self, memory: M) -> Vec<M> {
        self.used -= memory.bytes();
        self.kept_bytes += memory.bytes();
        self.kept.push(memory);
        self.surplus()
    }

    /// Takes the oldest blocks away until what is left is within the bound.
    fn surplus(&mut self) -> Vec<M> {
        let mut count = 0;
        while self.used + self.kept_bytes > self.peak || self.kept.len() - count > self.most {
            let Some(memory) = self.kept.get(count) else { break };
            self.kept_bytes -= memory.bytes();
            count += 1;
        }
        // Nearly always none, and an empty list is no allocation.
        self.kept.drain(..count).collect()
    }

    /// Takes away all that is kept.
    pub(crate) fn clear(&mut self) -> Vec<M> {
        self.peak = self.used;
        self.kept_bytes = 0;
        // The list keeps its places: dropping a tensor shall not allocate.
        self.kept.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(bytes: usize) -> Memory {
        Memory::allocate(bytes, false)
    }

    #[test]
    fn what_is_used_and_kept_is_at_most_what_was_used_at_once() {
        let mut shelf = Shelf::new(MOST);
        let (a, b) = (memory(100), memory(50));
        assert!(shelf.used(100).is_empty() && shelf.used(50).is_empty());
        let address = a.start();
        assert!(shelf.put(a).is_empty() && shelf.put(b).is_empty());
        assert_eq!((shelf.used, shelf.kept_bytes, shelf.peak), (0, 150, 150));
        assert!(shelf.take(60).is_none(), "only what was asked for fits");
        let again = shelf.take(100).expect("it is kept");
        assert_eq!(again.start(), address);
        assert!(shelf.used(100).is_empty());
        // Another size drives out what is kept.
        assert_eq!(shelf.used(60).iter().map(Memory::bytes).collect::<Vec<_>>(), [50]);
        assert_eq!((shelf.used, shelf.kept_bytes, shelf.peak), (160, 0, 160));
        assert!(shelf.put(again).is_empty());
        assert_eq!(shelf.clear().len(), 1);
        assert_eq!((shelf.used, shelf.kept_bytes, shelf.peak), (60, 0, 60));
    }

    #[test]
    fn few_blocks_are_kept_and_the_oldest_goes_first() {
        let mut shelf = Shelf::new(MOST);
        for bytes in 1..=MOST + 1 {
            assert!(shelf.used(bytes).is_empty());
        }
        for bytes in 1..=MOST {
            assert!(shelf.put(memory(bytes)).is_empty());
        }
        let gone: Vec<usize> = shelf.put(memory(MOST + 1)).iter().map(Memory::bytes).collect();
        assert_eq!(gone, [1]);
    }

    #[test]
    fn sizes_are_rounded_up_by_an_eighth_at_most() {
        for bytes in [LARGE, LARGE + 1, 100_000, 1 << 20, (1 << 20) + 1, 123_456_789] {
            let rounded = rounded(bytes);
            assert!((bytes..=bytes + bytes / 8 + 1).contains(&rounded), "{bytes} {rounded}");
            assert_eq!(super::rounded(rounded), rounded);
        }
    }
}
