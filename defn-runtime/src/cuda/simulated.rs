//! A device of tests: the stream of a driver over a [`Machine`], which has memory and executes kernels.
//!
//! It does what a driver may do at its worst: copies and kernels run as late as possible, when somebody waits, so that whoever reuses memory
//! too early is found out; addresses are no addresses of the host; and every access outside of what was allocated is a fault,
//! as is one to memory that was given back.
//!
//! ```text
//! tests of the runtime      a kernel is a function of the test
//! tests of users            a kernel is the PTX of the compiler, executed thread by thread
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{ptr, slice};

use super::driver::{About, Address, Driver, Event, Fault, Grid, Kernel, Module};
use super::gpu::Gpu;
use crate::device::Device;

/// Memory, and what executes kernels. A fault is said in words.
pub trait Machine: Send {
    /// The address of new memory, a multiple of 256.
    fn allocate(&mut self, bytes: usize) -> u64;

    /// Gives memory back; how many bytes there were, if some were allocated there.
    fn free(&mut self, address: u64) -> Option<usize>;

    /// So many bytes from an address on.
    ///
    /// # Errors
    /// If they were not allocated.
    fn bytes(&mut self, address: u64, count: usize) -> Result<&mut [u8], String>;

    /// The number of a module.
    ///
    /// # Errors
    /// If it cannot be read.
    fn load(&mut self, ptx: &str) -> Result<usize, String>;

    /// The number of a kernel; those of different modules have different ones.
    fn kernel(&mut self, module: usize, name: &str) -> Option<usize>;

    /// Executes a kernel in so many blocks of so many threads, which have so many bytes of shared memory besides what it declares.
    ///
    /// # Errors
    /// If it does what no kernel may.
    fn launch(&mut self, kernel: usize, grid: [u32; 3], parameters: &[u64]) -> Result<(), String>;
}

/// A device, and a way to look at it from a test.
#[derive(Clone)]
pub struct Simulated(Arc<Inner>);

struct Inner {
    about: About,
    /// More bytes than this cannot be allocated at a time.
    limit: usize,
    state: Mutex<State>,
}

struct State {
    machine: Box<dyn Machine>,
    /// How many bytes are allocated.
    allocated: usize,
    /// What was begun and has not ended.
    queue: Vec<Begun>,
    /// By the number of the event.
    events: Vec<Recorded>,
    /// How many microseconds the device has worked: one for each thing that it did.
    clock: u64,
    /// What happened, for tests.
    counts: Counts,
    /// The first fault; after it nothing works, as on a device.
    fault: Option<Fault>,
}

/// What became of an event.
#[derive(Clone, Copy, Default)]
struct Recorded {
    /// How often it was recorded.
    recorded: u32,
    /// How often that was passed.
    passed: u32,
    /// The clock when that was last.
    at: u64,
}

/// What was asked of a device so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// How often memory was allocated.
    pub allocations: usize,
    /// How often it was given back.
    pub frees: usize,
    /// How many modules were loaded.
    pub loads: usize,
    /// How many kernels were launched.
    pub launches: usize,
    /// How often the host waited.
    pub waits: usize,
    /// How many copies went from the host to the device.
    pub uploads: usize,
}

enum Begun {
    In(Address, *const u8, usize),
    Out(*mut u8, Address, usize),
    Copy(Address, Address, usize),
    Launch(Kernel, Grid, Vec<u64>),
    Record(usize),
}

// SAFETY: the addresses are of staging memory, which lives as long as the process.
unsafe impl Send for Begun {}

impl Simulated {
    /// A device with a name and so many bytes.
    #[must_use]
    pub fn new(ordinal: usize, limit: usize, machine: Box<dyn Machine>) -> Self {
        let about = About {
            ordinal,
            name: "Simulated".to_owned(),
            capability: (8, 0),
            processors: 2,
            threads: 512,
        };
        let state = State {
            machine,
            allocated: 0,
            queue: Vec::new(),
            events: Vec::new(),
            clock: 0,
            counts: Counts::default(),
            fault: None,
        };
        Self(Arc::new(Inner { about, limit, state: Mutex::new(state) }))
    }

    /// Where tensors live that live on it.
    #[must_use]
    pub fn device(&self) -> Device {
        Device::gpu(Gpu::new(Box::new(self.clone())))
    }

    /// What was asked of it so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// How many bytes are allocated.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.state().allocated
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, begun: Begun) -> Result<(), Fault> {
        let mut state = self.state();
        state.works()?;
        state.queue.push(begun);
        Ok(())
    }
}

impl State {
    fn bytes(&mut self, address: Address, count: usize) -> Result<&mut [u8], Fault> {
        self.machine.bytes(address, count).map_err(Fault::Other)
    }

    fn works(&self) -> Result<(), Fault> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    /// Does all that was begun, up to the last record of an event if there is one.
    fn catch_up(&mut self, event: Option<usize>) -> Result<(), Fault> {
        self.works()?;
        while !self.queue.is_empty() {
            if let Some(event) = event.map(|event| self.events[event])
                && event.passed == event.recorded
            {
                return Ok(());
            }
            let begun = self.queue.remove(0);
            if let Err(fault) = self.perform(begun) {
                self.fault = Some(fault.clone());
                return Err(fault);
            }
        }
        Ok(())
    }

    fn perform(&mut self, begun: Begun) -> Result<(), Fault> {
        match begun {
            Begun::In(to, from, bytes) => {
                // SAFETY: whoever began it promised that the bytes stay.
                let from = unsafe { slice::from_raw_parts(from, bytes) };
                self.bytes(to, bytes)?.copy_from_slice(from);
            }
            Begun::Out(to, from, bytes) => {
                let from = self.bytes(from, bytes)?;
                // SAFETY: whoever began it promised that there is room, which nobody looks at.
                unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, bytes) };
            }
            Begun::Copy(to, from, bytes) => {
                let from = self.bytes(from, bytes)?.to_vec();
                self.bytes(to, bytes)?.copy_from_slice(&from);
            }
            Begun::Launch(kernel, Grid { blocks, threads, shared }, words) => {
                let grid = [blocks, threads, shared];
                self.machine.launch(kernel.0, grid, &words).map_err(Fault::Other)?;
            }
            Begun::Record(event) => {
                let event = &mut self.events[event];
                (event.passed, event.at) = (event.passed + 1, self.clock);
                return Ok(());
            }
        }
        self.clock += 1;
        Ok(())
    }
}

impl Driver for Simulated {
    fn about(&self) -> &About {
        &self.0.about
    }

    fn allocate(&self, bytes: usize) -> Result<Address, Fault> {
        let mut state = self.state();
        state.works()?;
        if state.allocated + bytes > self.0.limit {
            return Err(Fault::OutOfMemory);
        }
        state.allocated += bytes;
        state.counts.allocations += 1;
        Ok(state.machine.allocate(bytes))
    }

    unsafe fn free(&self, address: Address, bytes: usize) {
        let mut state = self.state();
        // A device that has failed is not waited for.
        let _ = state.catch_up(None);
        assert_eq!(state.machine.free(address), Some(bytes), "what is given back was allocated");
        state.allocated -= bytes;
        state.counts.frees += 1;
    }

    fn allocate_host(&self, bytes: usize) -> Result<*mut u8, Fault> {
        Ok(Box::leak(vec![0u8; bytes].into_boxed_slice()).as_mut_ptr())
    }

    unsafe fn copy_in(&self, to: Address, from: *const u8, bytes: usize) -> Result<(), Fault> {
        self.state().counts.uploads += 1;
        self.begin(Begun::In(to, from, bytes))
    }

    unsafe fn copy_out(&self, to: *mut u8, from: Address, bytes: usize) -> Result<(), Fault> {
        self.begin(Begun::Out(to, from, bytes))
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: usize) -> Result<(), Fault> {
        self.begin(Begun::Copy(to, from, bytes))
    }

    fn event(&self) -> Result<Event, Fault> {
        let mut state = self.state();
        state.events.push(Recorded::default());
        Ok(Event(state.events.len() - 1))
    }

    fn record(&self, event: Event) -> Result<(), Fault> {
        self.state().events[event.0].recorded += 1;
        self.begin(Begun::Record(event.0))
    }

    fn wait(&self, event: Event) -> Result<(), Fault> {
        let mut state = self.state();
        state.counts.waits += 1;
        state.catch_up(Some(event.0))
    }

    fn timer(&self) -> Result<Event, Fault> {
        self.event()
    }

    fn elapsed(&self, from: Event, to: Event) -> Result<Duration, Fault> {
        let state = self.state();
        let [from, to] = [from, to].map(|event| {
            let Recorded { recorded, passed, at } = state.events[event.0];
            assert_eq!(recorded, passed, "the stream has passed a timer that is read");
            at
        });
        Ok(Duration::from_micros(to - from))
    }

    fn synchronize(&self) -> Result<(), Fault> {
        let mut state = self.state();
        state.counts.waits += 1;
        state.catch_up(None)
    }

    fn load(&self, ptx: &str) -> Result<Module, Fault> {
        if ptx.contains(".version 99") {
            return Err(Fault::OldDriver);
        }
        let mut state = self.state();
        state.counts.loads += 1;
        state.machine.load(ptx).map(Module).map_err(Fault::Other)
    }

    fn kernel(&self, module: Module, name: &str, _: u32) -> Result<Kernel, Fault> {
        let missing = || Fault::Other(format!("named symbol not found: {name}"));
        self.state().machine.kernel(module.0, name).map(Kernel).ok_or_else(missing)
    }

    unsafe fn launch(&self, kernel: Kernel, grid: Grid, words: &[u64]) -> Result<(), Fault> {
        assert!(grid.blocks > 0 && grid.threads > 0, "a launch has threads");
        self.state().counts.launches += 1;
        self.begin(Begun::Launch(kernel, grid, words.to_vec()))
    }
}
