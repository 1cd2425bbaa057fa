//! A device of the process: its driver, its memory, and the code that it has loaded.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::driver::{About, Address, Driver, Event, Fault, Kernel};
use super::gather;
use super::load::Loaded;
use super::memory::{Pool, Remote};
use super::transfer::Staging;
use crate::abi::{DeviceCode, Function};
use crate::element::Element;
use crate::error::{DeviceFailed, Error};
use crate::storage::Storage;

/// A device; whoever clones it has the same one.
#[derive(Clone)]
pub(crate) struct Gpu(Arc<State>);

struct State {
    driver: Box<dyn Driver>,
    pool: Pool,
    staging: Mutex<Staging>,
    /// By the address of the code.
    loaded: Mutex<BTreeMap<usize, Arc<Loaded>>>,
    gatherers: OnceLock<[Kernel; 3]>,
    /// Pairs of events that nobody measures by now.
    timers: Mutex<Vec<[Event; 2]>>,
    /// The last call.
    last: Mutex<Option<(&'static str, Caller)>>,
}

/// Where a call stands.
pub(crate) type Caller = &'static Location<'static>;

impl Drop for State {
    fn drop(&mut self) {
        self.pool.trim(&*self.driver);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// The device of a driver.
    pub(crate) fn new(driver: Box<dyn Driver>) -> Self {
        Self(Arc::new(State {
            driver,
            pool: Pool::new(),
            staging: Mutex::default(),
            loaded: Mutex::default(),
            gatherers: OnceLock::new(),
            timers: Mutex::default(),
            last: Mutex::default(),
        }))
    }

    pub(super) fn driver(&self) -> &dyn Driver {
        &*self.0.driver
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// What it is.
    pub(super) fn about(&self) -> &About {
        self.driver().about()
    }

    /// Its number among those of the machine.
    #[cfg(feature = "cuda")]
    pub(super) fn ordinal(&self) -> usize {
        self.about().ordinal
    }

    /// The name that its maker gave it.
    pub(crate) fn name(&self) -> &str {
        &self.about().name
    }

    /// The compute capability.
    pub(crate) fn capability(&self) -> (u32, u32) {
        self.about().capability
    }

    /// Waits until all that was begun has ended.
    pub(crate) fn synchronize(&self) -> Result<(), Error> {
        self.told("to end what was begun", self.driver().synchronize())
    }

    /// What some work gives, and how long the device did what it asked.
    pub(crate) fn time<R>(&self, work: impl FnOnce() -> R) -> Result<(R, Duration), Error> {
        let driver = self.driver();
        let begin = || {
            let kept = lock(&self.0.timers).pop();
            let timers = match kept {
                Some(timers) => timers,
                None => [driver.timer()?, driver.timer()?],
            };
            driver.record(timers[0]).map(|()| timers)
        };
        let timers = self.told("to note the time", begin())?;
        let result = work();
        let end = || {
            driver.record(timers[1])?;
            driver.wait(timers[1])?;
            driver.elapsed(timers[0], timers[1])
        };
        let took = self.told("to note the time", end())?;
        lock(&self.0.timers).push(timers);
        Ok((result, took))
    }

    /// Gives memory back that nobody uses.
    pub(crate) fn trim(&self) {
        self.pool().trim(self.driver());
    }

    /// A fault as the user hears of it.
    pub(super) fn told<T>(&self, doing: &'static str, done: Result<T, Fault>) -> Result<T, Error> {
        done.map_err(|fault| {
            let last = *lock(&self.0.last);
            Error::DeviceFailed(Box::new(DeviceFailed {
                device: self.to_string(),
                doing,
                reason: fault.to_string(),
                function: last.map(|(function, _)| function),
                place: last.map(|(_, caller)| (caller.file(), caller.line())),
            }))
        })
    }

    /// Notes which function is called.
    pub(super) fn called(&self, function: &'static str, caller: Caller) {
        *lock(&self.0.last) = Some((function, caller));
    }

    /// The code of a function for this device, loaded when it is called first.
    pub(super) fn loaded(
        &self,
        function: &'static Function,
    ) -> Result<(&'static DeviceCode, Arc<Loaded>), Error> {
        let Some(code) = Loaded::best(function.devices, self.capability()) else {
            return Err(Error::NoDeviceCode {
                function: function.signature.name,
                device: self.to_string(),
                capability: self.capability(),
            });
        };
        let key = std::ptr::from_ref(code).addr();
        let mut all = lock(&self.0.loaded);
        if let Some(loaded) = all.get(&key) {
            return Ok((code, Arc::clone(loaded)));
        }
        let loaded = self.told("to load code", Loaded::load(self.driver(), code))?;
        let loaded = Arc::new(loaded);
        all.insert(key, Arc::clone(&loaded));
        Ok((code, loaded))
    }

    /// The kernel that makes views of elements of so many bytes contiguous.
    pub(super) fn gatherer(&self, bytes: usize) -> Result<Kernel, Fault> {
        let kernels = match self.0.gatherers.get() {
            Some(kernels) => kernels,
            None => {
                let module = self.driver().load(&gather::ptx())?;
                let kernel = |bytes| self.driver().kernel(module, &gather::name(bytes), 0);
                let kernels = [kernel(1)?, kernel(4)?, kernel(8)?];
                self.0.gatherers.get_or_init(|| kernels)
            }
        };
        Ok(kernels[match bytes {
            1 => 0,
            4 => 1,
            _ => 2,
        }])
    }

    /// Begins to copy bytes to the device.
    ///
    /// # Safety
    /// - There is room for as many bytes.
    pub(super) unsafe fn write(&self, to: Address, bytes: &[u8]) -> Result<(), Fault> {
        // SAFETY: the caller's promise.
        unsafe { lock(&self.0.staging).upload(self.driver(), to, bytes) }
    }

    /// Copies bytes from the device, when all that was begun before has ended.
    ///
    /// # Safety
    /// - Both places have so many bytes, and nobody else sees those of the host.
    pub(super) unsafe fn read(
        &self,
        to: *mut u8,
        from: Address,
        bytes: usize,
    ) -> Result<(), Fault> {
        // SAFETY: the caller's promise.
        unsafe { lock(&self.0.staging).download(self.driver(), to, from, bytes) }
    }

    /// Elements in memory of the device.
    pub(crate) fn upload<E: Element>(&self, elements: &[E]) -> Result<Remote, Error> {
        let bytes = size_of_val(elements);
        let remote = self.told("for memory", Remote::allocate(self, bytes))?;
        // SAFETY: elements are plain numbers without padding, and are borrowed as long as their bytes are.
        let bytes = unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), bytes) };
        // SAFETY: the memory was made for as many bytes.
        self.told("to take elements", unsafe { self.write(remote.address(), bytes) })?;
        Ok(remote)
    }
}

impl Remote {
    /// The elements from the one at `offset` on, on the host.
    pub(crate) fn download<E: Element>(
        &self,
        offset: usize,
        length: usize,
    ) -> Result<Storage<E>, Error> {
        let bytes = length * size_of::<E>();
        let block = crate::storage::Block::new(bytes);
        let from = self.address() + (offset * size_of::<E>()) as u64;
        if bytes > 0 {
            // SAFETY: the tensor that asks sees so many elements in this memory, and the block was made for them.
            let read = unsafe { self.gpu().read(block.start(), from, bytes) };
            self.gpu().told("for elements", read)?;
        }
        // SAFETY: all were read, and are what kernels wrote or what was uploaded: values of `E`.
        Ok(unsafe { block.into_storage(length) })
    }

    /// The elements of a view, one after the other: each has so many bytes, and `offset` says how many are in front of the first.
    pub(crate) fn gather(
        &self,
        (bytes, offset): (usize, usize),
        shape: &[usize],
        strides: &[isize],
    ) -> Result<Self, Error> {
        let first = self.address() + (offset * bytes) as u64;
        let apart = |stride: &isize| *stride as i64 * bytes as i64;
        let axes: Vec<(usize, i64)> =
            shape.iter().zip(strides).map(|(extent, stride)| (*extent, apart(stride))).collect();
        let gathered = gather::gather(self.gpu(), first, bytes, &axes);
        self.gpu().told("to copy the elements of a view", gathered)
    }
}

impl PartialEq for Gpu {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gpu {}

impl Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{}", self.about().ordinal)
    }
}

impl Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.capability();
        write!(f, "{self} ({}, compute capability {major}.{minor})", self.name())
    }
}
