//! A device that executes PTX thread by thread.
//!
//! In: texts of modules, bytes, launches.   Out: bytes, or what no device would do in silence.
//!
//! Its faces are those of a driver, without a stream: what is asked is done at once.

use std::collections::BTreeMap;

use super::machine::{Launch, WARP, launch};
use super::memory::Memory;
use super::module::{Kernel, kernels};

/// Memory, and the kernels that were loaded.
#[derive(Debug, Default)]
pub struct Simulator {
    memory: Memory,
    kernels: Vec<Kernel>,
    /// The number of each kernel by its name, for each module.
    modules: Vec<BTreeMap<String, usize>>,
}

impl Simulator {
    /// The address of new memory, which nobody has written; a multiple of 256.
    pub fn allocate(&mut self, bytes: usize) -> u64 {
        self.memory.allocate(bytes)
    }

    /// Gives memory back; how many bytes there were, if some were allocated there.
    pub fn free(&mut self, address: u64) -> Option<usize> {
        self.memory.free(address)
    }

    /// So many bytes from an address on, for the host.
    pub fn bytes(&mut self, address: u64, count: usize) -> Result<&mut [u8], String> {
        self.memory.bytes(address, count)
    }

    /// The number of a module.
    pub fn load(&mut self, ptx: &str) -> Result<usize, String> {
        let mut names = BTreeMap::new();
        for (name, kernel) in kernels(ptx, &mut self.memory)? {
            names.insert(name, self.kernels.len());
            self.kernels.push(kernel);
        }
        self.modules.push(names);
        Ok(self.modules.len() - 1)
    }

    /// The number of a kernel.
    pub fn kernel(&self, module: usize, name: &str) -> Option<usize> {
        self.modules.get(module)?.get(name).copied()
    }

    /// Executes a kernel in so many blocks of so many threads, which have so many bytes of shared memory besides what it declares.
    pub fn launch(
        &mut self,
        kernel: usize,
        [blocks, threads, shared]: [u32; 3],
        parameters: &[u64],
    ) -> Result<(), String> {
        if blocks == 0 || threads == 0 || !(threads as usize).is_multiple_of(WARP) {
            return Err(format!("a launch of {blocks} blocks of {threads} threads"));
        }
        let how =
            Launch { blocks, threads, shared: shared as usize, parameters: parameters.to_vec() };
        launch(&self.kernels[kernel], &how, &mut self.memory)
    }
}
