//! Memory of a device: blocks that were allocated, with gaps between them.
//!
//! In: blocks of bytes, then accesses by address.   Out: what they hold.
//! An access outside of all blocks, or off its alignment, is a fault.

use std::ops::Range;

/// Where the first block begins: no small number is an address.
const FIRST: u64 = 1 << 32;
/// Bytes between blocks.
const GAP: u64 = 4096;
/// What stands where nothing was written.
const UNTOUCHED: u8 = 0xAB;

/// What happened to a byte in a launch: it was written …
const WRITTEN: u8 = 1;
/// … or loaded in a way that is only for what nobody writes.
const CONSTANT: u8 = 2;

#[derive(Debug)]
struct Block {
    start: u64,
    bytes: Vec<u8>,
    used: Vec<u8>,
}

/// All blocks.
#[derive(Debug, Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
    /// Where the last of all blocks ended that were given back.
    end: u64,
}

impl Memory {
    /// The address of a new block of so many bytes.
    pub(super) fn allocate(&mut self, bytes: usize) -> u64 {
        let last = self.blocks.last().map_or(FIRST, |last| last.start + last.bytes.len() as u64);
        let start = (last.max(self.end) + GAP).next_multiple_of(256);
        self.blocks.push(Block { start, bytes: vec![UNTOUCHED; bytes], used: vec![0; bytes] });
        start
    }

    /// The address of new bytes.
    pub(super) fn constant(&mut self, bytes: &[u8]) -> u64 {
        let address = self.allocate(bytes.len());
        if let Some(block) = self.blocks.last_mut() {
            block.bytes.copy_from_slice(bytes);
        }
        address
    }

    /// Gives a block back; how many bytes it had, if one begins there.
    pub(super) fn free(&mut self, address: u64) -> Option<usize> {
        let at = self.blocks.binary_search_by_key(&address, |block| block.start).ok()?;
        // Addresses are never used again: whoever still has one is found out.
        let block = self.blocks.remove(at);
        self.end = self.end.max(block.start + block.bytes.len() as u64);
        Some(block.bytes.len())
    }

    /// So many bytes from an address on, for the host.
    pub(super) fn bytes(&mut self, address: u64, count: usize) -> Result<&mut [u8], String> {
        let (block, offset) = self.find(address, count)?;
        Ok(&mut block.bytes[offset..offset + count])
    }

    fn find(&mut self, address: u64, bytes: usize) -> Result<(&mut Block, usize), String> {
        let nobody = || format!("{bytes} bytes at {address:#x} belong to nobody");
        // Blocks stand by their addresses.
        let behind = self.blocks.partition_point(|block| block.start <= address);
        let block = self.blocks[..behind].last_mut().ok_or_else(nobody)?;
        let offset = usize::try_from(address - block.start).map_err(|_| nobody())?;
        if offset + bytes > block.bytes.len() {
            return Err(nobody());
        }
        Ok((block, offset))
    }

    pub(super) fn load(
        &mut self,
        address: u64,
        bytes: usize,
        is_constant: bool,
    ) -> Result<u64, String> {
        let (block, offset) = self.find(address, bytes)?;
        block.note((address, offset..offset + bytes), if is_constant { CONSTANT } else { 0 })?;
        Ok(read(&block.bytes[offset..offset + bytes]))
    }

    pub(super) fn store(&mut self, address: u64, bytes: usize, bits: u64) -> Result<(), String> {
        let (block, offset) = self.find(address, bytes)?;
        block.note((address, offset..offset + bytes), WRITTEN)?;
        block.bytes[offset..offset + bytes].copy_from_slice(&bits.to_le_bytes()[..bytes]);
        Ok(())
    }

    /// A launch ends.
    pub(super) fn forget(&mut self) {
        self.blocks.iter_mut().for_each(|block| block.used.fill(0));
    }
}

impl Block {
    fn note(&mut self, (address, range): (u64, Range<usize>), what: u8) -> Result<(), String> {
        for used in &mut self.used[range] {
            *used |= what;
            if *used == WRITTEN | CONSTANT {
                return Err(format!("{address:#x} is written, and loaded as if it were not"));
            }
        }
        Ok(())
    }
}

pub(super) fn read(bytes: &[u8]) -> u64 {
    let mut bits = [0; 8];
    bits[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(bits)
}
