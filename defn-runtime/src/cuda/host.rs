//! A machine whose memory is a list of byte vectors, and whose kernels are functions of a test.
//!
//! ```text
//! .visible .entry axpy(      the function that the test has under this name, whatever the module says besides
//! ```

use std::collections::BTreeMap;

use super::driver::{Address, Fault, Grid};
use super::simulated::Machine;

/// What a kernel does, with its grid and its parameters; it sees memory through [`Memory`] only.
pub(super) type HostKernel = fn(&mut Memory, Grid, &[u64]) -> Result<(), Fault>;

/// Memory, modules, and the kernels that they may have.
pub(super) struct Host {
    memory: Memory,
    next: Address,
    modules: Vec<String>,
    kernels: Vec<(String, HostKernel)>,
}

impl Host {
    /// A machine that knows these kernels, and addresses of its own.
    pub(super) fn new(ordinal: usize, kernels: &[(&str, HostKernel)]) -> Self {
        let mut known: Vec<(String, HostKernel)> =
            kernels.iter().map(|(name, kernel)| ((*name).to_owned(), *kernel)).collect();
        known.push((super::gather::name(1), gather::<1>));
        known.push((super::gather::name(4), gather::<4>));
        known.push((super::gather::name(8), gather::<8>));
        let next = 0x7f00_0000_0000 + ((ordinal as u64) << 36);
        Self { memory: Memory::default(), next, modules: Vec::new(), kernels: known }
    }
}

impl Machine for Host {
    fn allocate(&mut self, bytes: usize) -> u64 {
        let address = self.next;
        // Between two blocks is nothing.
        self.next += (bytes as u64).next_multiple_of(256) + 256;
        // What nobody has written is no zero.
        self.memory.0.insert(address, vec![0xa5; bytes]);
        address
    }

    fn free(&mut self, address: u64) -> Option<usize> {
        self.memory.0.remove(&address).map(|block| block.len())
    }

    fn bytes(&mut self, address: u64, count: usize) -> Result<&mut [u8], String> {
        self.memory.bytes(address, count).map_err(|fault| fault.to_string())
    }

    fn load(&mut self, ptx: &str) -> Result<usize, String> {
        self.modules.push(ptx.to_owned());
        Ok(self.modules.len() - 1)
    }

    fn kernel(&mut self, module: usize, name: &str) -> Option<usize> {
        let has = self.modules[module].contains(&format!(".entry {name}("));
        let known = self.kernels.iter().position(|(kernel, _)| kernel == name);
        known.filter(|_| has)
    }

    fn launch(&mut self, kernel: usize, grid: [u32; 3], parameters: &[u64]) -> Result<(), String> {
        let [blocks, threads, shared] = grid;
        let grid = Grid { blocks, threads, shared };
        self.kernels[kernel].1(&mut self.memory, grid, parameters)
            .map_err(|fault| fault.to_string())
    }
}

/// The memory of a device.
#[derive(Default)]
pub(super) struct Memory(BTreeMap<Address, Vec<u8>>);

impl Memory {
    /// So many bytes from an address on.
    pub(super) fn bytes(&mut self, at: Address, count: usize) -> Result<&mut [u8], Fault> {
        let illegal = || Fault::Other(format!("an illegal address: {count} bytes at {at:#x}"));
        let (start, block) = self.0.range_mut(..=at).next_back().ok_or_else(illegal)?;
        let begin = usize::try_from(at - start).map_err(|_| illegal())?;
        block.get_mut(begin..begin + count).ok_or_else(illegal)
    }

    /// A number.
    pub(super) fn get<const BYTES: usize>(&mut self, at: Address) -> Result<[u8; BYTES], Fault> {
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(self.bytes(at, BYTES)?);
        Ok(bytes)
    }

    /// Writes a number.
    pub(super) fn put<const BYTES: usize>(
        &mut self,
        at: Address,
        bytes: [u8; BYTES],
    ) -> Result<(), Fault> {
        self.bytes(at, BYTES)?.copy_from_slice(&bytes);
        Ok(())
    }
}

/// The kernel of [`gather`](super::gather) as Rust.
fn gather<const BYTES: usize>(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let (to, from, count) = (words[0], words[1], words[2]);
    for position in 0..count {
        let (mut rest, mut at) = (position, from);
        for axis in words[3..].chunks(2) {
            let (extent, stride) = (axis[0], axis[1]);
            at = at.wrapping_add((rest % extent).wrapping_mul(stride));
            rest /= extent;
        }
        let element = memory.get::<BYTES>(at)?;
        memory.put(to + position * BYTES as u64, element)?;
    }
    Ok(())
}
