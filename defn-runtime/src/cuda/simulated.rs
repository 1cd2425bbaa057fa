//! A device that is a list of byte vectors, for tests.
//!
//! It does what a driver may do at its worst: copies and kernels run as late as possible, when somebody waits, so that whoever reuses memory
//! too early is found out; addresses are no addresses of the host; and every access outside of what was allocated is a fault,
//! as is one to memory that was given back. A kernel is a function of the test, which sees memory through [`Memory`] only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{ptr, slice};

use super::driver::{About, Address, Driver, Event, Fault, Grid, Kernel, Module};

/// What a kernel does, with its grid and its parameters.
pub(super) type HostKernel = fn(&mut Memory, Grid, &[u64]) -> Result<(), Fault>;

/// A device, and a way to look at it from a test.
#[derive(Clone)]
pub(super) struct Simulated(Arc<Inner>);

struct Inner {
    about: About,
    kernels: Vec<(String, HostKernel)>,
    /// More bytes than this cannot be allocated at a time.
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    memory: Memory,
    /// What was begun and has not ended.
    queue: Vec<Begun>,
    /// By the number of the event.
    events: Vec<Recorded>,
    /// How many microseconds the device has worked: one for each thing that it did.
    clock: u64,
    next: Address,
    modules: Vec<String>,
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
pub(super) struct Counts {
    pub(super) allocations: usize,
    pub(super) frees: usize,
    pub(super) loads: usize,
    pub(super) launches: usize,
    /// How often the host waited.
    pub(super) waits: usize,
    pub(super) uploads: usize,
}

enum Begun {
    In(Address, *const u8, usize),
    Out(*mut u8, Address, usize),
    Copy(Address, Address, usize),
    Launch(HostKernel, Grid, Vec<u64>),
    Record(usize),
}

// SAFETY: the addresses are of staging memory, which lives as long as the process.
unsafe impl Send for Begun {}

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

impl Simulated {
    /// A device with so many bytes that knows these kernels.
    pub(super) fn new(ordinal: usize, limit: usize, kernels: &[(&str, HostKernel)]) -> Self {
        let about = About {
            ordinal,
            name: "Simulated".to_owned(),
            capability: (8, 0),
            processors: 2,
            threads: 512,
        };
        let mut known: Vec<(String, HostKernel)> =
            kernels.iter().map(|(name, kernel)| ((*name).to_owned(), *kernel)).collect();
        known.push((super::gather::name(1), gather::<1>));
        known.push((super::gather::name(4), gather::<4>));
        known.push((super::gather::name(8), gather::<8>));
        let next = 0x7f00_0000_0000 + ((ordinal as u64) << 36);
        let state = Mutex::new(State { next, ..State::default() });
        Self(Arc::new(Inner { about, kernels: known, limit, state }))
    }

    /// What was asked of it so far.
    pub(super) fn counts(&self) -> Counts {
        self.state().counts
    }

    /// How many bytes are allocated.
    pub(super) fn allocated(&self) -> usize {
        self.state().memory.0.values().map(Vec::len).sum()
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
                self.memory.bytes(to, bytes)?.copy_from_slice(from);
            }
            Begun::Out(to, from, bytes) => {
                let from = self.memory.bytes(from, bytes)?;
                // SAFETY: whoever began it promised that there is room, which nobody looks at.
                unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, bytes) };
            }
            Begun::Copy(to, from, bytes) => {
                let from = self.memory.bytes(from, bytes)?.to_vec();
                self.memory.bytes(to, bytes)?.copy_from_slice(&from);
            }
            Begun::Launch(kernel, grid, words) => kernel(&mut self.memory, grid, &words)?,
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
        let used = self.allocated();
        let mut state = self.state();
        state.works()?;
        if used + bytes > self.0.limit {
            return Err(Fault::OutOfMemory);
        }
        let address = state.next;
        // Between two blocks is nothing.
        state.next += (bytes as u64).next_multiple_of(256) + 256;
        // What nobody has written is no zero.
        state.memory.0.insert(address, vec![0xa5; bytes]);
        state.counts.allocations += 1;
        Ok(address)
    }

    unsafe fn free(&self, address: Address, bytes: usize) {
        let mut state = self.state();
        // A device that has failed is not waited for.
        let _ = state.catch_up(None);
        let freed = state.memory.0.remove(&address).map(|block| block.len());
        assert_eq!(freed, Some(bytes), "what is given back was allocated");
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
        state.modules.push(ptx.to_owned());
        Ok(Module(state.modules.len() - 1))
    }

    fn kernel(&self, module: Module, name: &str, _: u32) -> Result<Kernel, Fault> {
        let has = self.state().modules[module.0].contains(&format!(".entry {name}("));
        let known = self.0.kernels.iter().position(|(kernel, _)| kernel == name);
        let missing = || Fault::Other(format!("named symbol not found: {name}"));
        known.filter(|_| has).map(Kernel).ok_or_else(missing)
    }

    unsafe fn launch(&self, kernel: Kernel, grid: Grid, words: &[u64]) -> Result<(), Fault> {
        assert!(grid.blocks > 0 && grid.threads > 0, "a launch has threads");
        self.state().counts.launches += 1;
        self.begin(Begun::Launch(self.0.kernels[kernel.0].1, grid, words.to_vec()))
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
