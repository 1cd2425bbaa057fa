//! What is asked of a device: the one thing that a simulated device does otherwise.
//!
//! ```text
//! everything else here  ->  Driver  ->  nvidia: the driver's library, through cudarc
//!                                   ->  simulated: a machine of the tests
//! ```
//!
//! A device has one stream: what is begun later begins when all that was begun before has ended, whichever thread began it.
//! Functions that begin something return at once; nothing is known of its outcome before someone waits.
//!
//! Never here: who owns memory ([`memory`](super::memory)), and which copies are made ([`transfer`](super::transfer)).

use std::fmt::{self, Display};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

/// Where a byte of the device's memory is.
pub(crate) type Address = u64;

/// What a device is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct About {
    /// Its position among the devices of the machine.
    pub(crate) ordinal: usize,
    /// The name that its maker gave it.
    pub(crate) name: String,
    /// The compute capability: 9 and 0.
    pub(crate) capability: (u32, u32),
    /// How many multiprocessors it has.
    pub(crate) processors: u32,
    /// How many threads each of them holds at a time.
    pub(crate) threads: u32,
}

/// Why a device did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// It has no memory left.
    OutOfMemory,
    /// The driver is older than the language that the code is written in.
    OldDriver,
    /// Anything else, in the driver's words.
    Other(String),
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "it has no memory left",
            Self::OldDriver => "its driver is older than the code: CUDA 12.0 or later is needed",
            Self::Other(words) => words,
        })
    }
}

/// Code that a device has loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Module(pub(crate) usize);

/// A function of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kernel(pub(crate) usize);

/// A point in the stream that somebody can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Event(pub(crate) usize);

/// How many threads execute a kernel, in one dimension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Grid {
    /// How many blocks.
    pub(crate) blocks: u32,
    /// How many threads are a block.
    pub(crate) threads: u32,
    /// How many bytes of shared memory a block has besides what the kernel declares.
    pub(crate) shared: u32,
}

/// A device. A panic of whoever uses it leaves nothing half done in it.
pub(crate) trait Driver: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// What it is.
    fn about(&self) -> &About;

    /// New memory, aligned to 256 bytes, that nobody has written.
    fn allocate(&self, bytes: usize) -> Result<Address, Fault>;

    /// Gives memory back, after all that was begun has ended.
    ///
    /// # Safety
    /// - It came from [`allocate`](Self::allocate), of so many bytes, and nobody uses it any more.
    unsafe fn free(&self, address: Address, bytes: usize);

    /// Memory of the host that the device copies from and to by itself. It is never given back.
    fn allocate_host(&self, bytes: usize) -> Result<*mut u8, Fault>;

    /// Begins a copy from memory of [`allocate_host`](Self::allocate_host).
    ///
    /// # Safety
    /// - Both places have so many bytes, and nobody changes those of the host until the copy has ended.
    unsafe fn copy_in(&self, to: Address, from: *const u8, bytes: usize) -> Result<(), Fault>;

    /// Begins a copy to memory of [`allocate_host`](Self::allocate_host).
    ///
    /// # Safety
    /// - Both places have so many bytes, and nobody looks at those of the host until the copy has ended.
    unsafe fn copy_out(&self, to: *mut u8, from: Address, bytes: usize) -> Result<(), Fault>;

    /// Begins a copy inside of the device.
    ///
    /// # Safety
    /// - Both places have so many bytes, and they do not overlap.
    unsafe fn copy(&self, to: Address, from: Address, bytes: usize) -> Result<(), Fault>;

    /// An event that nothing was recorded in.
    fn event(&self) -> Result<Event, Fault>;

    /// The event is where the stream is now.
    fn record(&self, event: Event) -> Result<(), Fault>;

    /// Waits until the device has come to where the event was recorded.
    fn wait(&self, event: Event) -> Result<(), Fault>;

    /// An event that remembers when the stream came to it.
    fn timer(&self) -> Result<Event, Fault>;

    /// How long the stream took from one timer to another, both of which it has passed.
    fn elapsed(&self, from: Event, to: Event) -> Result<Duration, Fault>;

    /// Waits until all that was begun has ended.
    fn synchronize(&self) -> Result<(), Fault>;

    /// Loads code, which is PTX.
    fn load(&self, ptx: &str) -> Result<Module, Fault>;

    /// A function of a module, which is launched with so many bytes of shared memory.
    fn kernel(&self, module: Module, name: &str, shared: u32) -> Result<Kernel, Fault>;

    /// Begins a kernel, whose parameters are these words.
    ///
    /// # Safety
    /// - The kernel has as many parameters of 8 bytes each, and with these values it stays within memory of the device that is
    ///   not given back before it ends.
    unsafe fn launch(&self, kernel: Kernel, grid: Grid, words: &[u64]) -> Result<(), Fault>;
}
