//! The memory of a device: blocks that tensors share, and blocks that wait for the next one.
//!
//! What a tensor leaves behind becomes the memory of a later one, under the rule of [`recycle`](crate::recycle): blocks in use and blocks
//! kept are together never more than were in use at one time. A device has one stream, so that whoever gets a block writes to it
//! after all that was begun with it before, and nobody waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::driver::{Address, Driver, Fault};
use super::gpu::Gpu;
use crate::recycle::{Bytes, Shelf, rounded};

/// Blocks are multiples of this.
const LEAST: usize = 512;
/// More blocks than this are never kept: a model has as many small ones.
const MOST: usize = 1024;

/// Memory that nobody owns yet, or any more.
pub(super) struct Chunk {
    address: Address,
    bytes: usize,
}

impl Bytes for Chunk {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The memory that a device has given us.
pub(super) struct Pool(Mutex<Shelf<Chunk>>);

impl Pool {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Shelf::new(MOST)))
    }

    fn lock(&self) -> MutexGuard<'_, Shelf<Chunk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block of at least so many bytes.
    fn take(&self, driver: &dyn Driver, bytes: usize) -> Result<Chunk, Fault> {
        let bytes = bytes.max(1).checked_next_multiple_of(LEAST).map(rounded);
        let bytes = bytes.ok_or(Fault::OutOfMemory)?;
        let mut shelf = self.lock();
        let found = shelf.take(bytes);
        let surplus = shelf.used(bytes);
        drop(shelf);
        give_back(driver, surplus);
        if let Some(chunk) = found {
            return Ok(chunk);
        }
        let mut address = driver.allocate(bytes);
        if address == Err(Fault::OutOfMemory) {
            self.trim(driver);
            address = driver.allocate(bytes);
        }
        match address {
            Ok(address) => Ok(Chunk { address, bytes }),
            Err(fault) => {
                self.lock().forget(bytes);
                Err(fault)
            }
        }
    }

    fn put(&self, driver: &dyn Driver, chunk: Chunk) {
        let surplus = self.lock().put(chunk);
        give_back(driver, surplus);
    }

    /// Gives back what nobody uses.
    pub(super) fn trim(&self, driver: &dyn Driver) {
        let kept = self.lock().clear();
        give_back(driver, kept);
    }
}

fn give_back(driver: &dyn Driver, chunks: Vec<Chunk>) {
    for Chunk { address, bytes } in chunks {
        // SAFETY: the pool got it from this driver, and it was on the shelf, where nobody uses it.
        unsafe { driver.free(address, bytes) };
    }
}

/// A block that is in use; it goes back to its pool.
struct Block {
    gpu: Gpu,
    chunk: Chunk,
}

impl Drop for Block {
    fn drop(&mut self) {
        let Chunk { address, bytes } = self.chunk;
        self.gpu.pool().put(self.gpu.driver(), Chunk { address, bytes });
    }
}

/// Memory of a device, which several may share.
#[derive(Clone)]
pub(crate) struct Remote(Arc<Block>);

impl Remote {
    /// At least so many bytes, which nobody has written.
    pub(super) fn allocate(gpu: &Gpu, bytes: usize) -> Result<Self, Fault> {
        let chunk = gpu.pool().take(gpu.driver(), bytes)?;
        Ok(Self(Arc::new(Block { gpu: gpu.clone(), chunk })))
    }

    /// Where it is.
    pub(crate) fn gpu(&self) -> &Gpu {
        &self.0.gpu
    }

    /// Its first byte.
    pub(super) fn address(&self) -> Address {
        self.0.chunk.address
    }

    /// Whether nobody else has it.
    pub(crate) fn is_alone(&mut self) -> bool {
        Arc::get_mut(&mut self.0).is_some()
    }
}
