//! Devices of this machine, of which one is always there: it executes the compiler's PTX thread by thread, below the runtime's own driver.
//!
//! In: the name of a test.   Out: its devices.
//!
//! ```text
//! #[defn] -> PTX and launch plan in this binary -> the runtime -> Driver -> Simulated -> Simulator
//!                                                              -> Driver -> a GPU, if there is one
//! ```
//!
//! So what the compiler wrote and what the runtime expects of it are held against each other without a GPU: order and number of
//! parameters, places in scratch memory, rounds of loops, and every address that a kernel touches.

use std::io::{self, Write};

use defn::prelude::*;
use defn_codegen::testing::ptx::Simulator;
use defn_runtime::simulated::{Machine, Simulated};

/// Bytes of a simulated device.
const PLENTY: usize = 256 << 20;

/// PTX, executed.
struct Executed(Simulator);

impl Machine for Executed {
    fn allocate(&mut self, bytes: usize) -> u64 {
        self.0.allocate(bytes)
    }

    fn free(&mut self, address: u64) -> Option<usize> {
        self.0.free(address)
    }

    fn bytes(&mut self, address: u64, count: usize) -> Result<&mut [u8], String> {
        self.0.bytes(address, count)
    }

    fn load(&mut self, ptx: &str) -> Result<usize, String> {
        self.0.load(ptx)
    }

    fn kernel(&mut self, module: usize, name: &str) -> Option<usize> {
        self.0.kernel(module, name)
    }

    fn launch(&mut self, kernel: usize, grid: [u32; 3], parameters: &[u64]) -> Result<(), String> {
        self.0.launch(kernel, grid, parameters)
    }
}

/// A device without a GPU, and what looks at it.
pub(crate) fn simulated(ordinal: usize) -> (Device, Simulated) {
    let driver = Simulated::new(ordinal, PLENTY, Box::new(Executed(Simulator::default())));
    (driver.device(), driver)
}

/// A simulated device, and the first GPU; without one, it is told that the test has no part there.
pub(crate) fn devices(test: &str) -> Vec<Device> {
    let mut devices = vec![simulated(0).0];
    match Device::cuda(0) {
        Ok(gpu) => devices.push(gpu),
        Err(error) => {
            // What tests print by macros is captured.
            let line =
                format!("device::{test} is skipped on a GPU, and simulated alone: {error}\n");
            io::stderr().write_all(line.as_bytes()).expect("the standard error takes a line");
        }
    }
    devices
}

/// Whether it is no GPU.
pub(crate) fn is_simulated(device: &Device) -> bool {
    device.name() == "Simulated"
}
