//! A call whose arguments are on a device.
//!
//! In:  what was passed, and the symbols.   Out: the results, on the device.
//!
//! Tensors must all be there. Numbers are the host's: they go to the device in one copy, and come back in one, which waits until
//! the function has ended. A call without results that are numbers, and without `check!`, returns while the device still works.

use std::ptr;

use super::driver::Address;
use super::gpu::{Caller, Gpu};
use super::launch::{Look, Plan};
use super::memory::Remote;
use crate::abi::{Function, Leaf};
use crate::element::Element;
use crate::error::{DeviceMismatch, Error, Placed};
use crate::solve::Found;
use crate::storage::Inline;

/// What was passed to a call besides addresses of the host.
pub(crate) struct Passed {
    residents: Vec<Resident>,
    /// Numbers that the call may change, by the position of the leaf.
    changing: Inline<usize, 32>,
    /// What went wrong while arguments were passed.
    error: Option<Error>,
}

/// A tensor on a device.
pub(crate) struct Resident {
    /// The position of the leaf.
    leaf: usize,
    remote: Remote,
    address: Address,
}

impl Passed {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { residents: Vec::new(), changing: Inline::new(), error: None }
    }

    /// Whether some tensor is on a device.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        !self.residents.is_empty() || self.error.is_some()
    }

    /// Passes a contiguous tensor on a device.
    pub(crate) fn resident<E: Element>(
        &mut self,
        leaf: usize,
        remote: Result<(Remote, usize), Error>,
    ) {
        match remote {
            Ok((remote, offset)) => {
                let address = remote.address() + (offset * size_of::<E>()) as u64;
                self.residents.push(Resident { leaf, remote, address });
            }
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    /// Notes that a number may be changed.
    #[inline]
    pub(crate) fn changing(&mut self, leaf: usize) {
        self.changing.push(leaf);
    }

    /// The tensor at the position of a leaf.
    pub(crate) fn at(&self, leaf: usize) -> Option<&Resident> {
        self.residents.iter().find(|resident| resident.leaf == leaf)
    }

    /// What went wrong while arguments were passed.
    pub(crate) fn fault(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// The device of the first tensor.
    fn gpu(&self) -> Option<&Gpu> {
        self.residents.first().map(|resident| resident.remote.gpu())
    }
}

impl Resident {
    /// A copy of so many bytes on another device, or the same memory on this one.
    pub(crate) fn moved(&self, gpu: &Gpu, bytes: usize) -> Result<Remote, Error> {
        let begins = self.remote.address() == self.address;
        if self.remote.gpu() == gpu && begins {
            return Ok(self.remote.clone());
        }
        let mut elements = vec![0u8; bytes];
        self.read(&mut elements)?;
        gpu.upload(&elements)
    }

    /// Its bytes, on the host.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let gpu = self.remote.gpu();
        // SAFETY: whoever passed the tensor knows how many bytes it has, and asks for no more.
        let read = unsafe { gpu.read(bytes.as_mut_ptr(), self.address, bytes.len()) };
        gpu.told("for elements", read)
    }
}

/// The bytes that a number has in the memory of a device: buffers begin at multiples of this.
const SLOT: usize = 64;

/// A number, in the memory of the host.
type Slot = [u64; SLOT / size_of::<u64>()];

/// A call on a device.
pub(crate) struct Call<'c> {
    gpu: Gpu,
    function: &'static Function,
    caller: Caller,
    symbols: &'c [i64],
    /// The buffers; those of numbers hold the position of their slot until [`run`](Self::run).
    buffers: Vec<Buffer>,
    /// The numbers, in the memory of the host.
    slots: Vec<Slot>,
    /// Numbers that are the host's to read again: the slot, its address there, and its size.
    returns: Vec<(usize, *mut u8, usize)>,
}

enum Buffer {
    Tensor(Address),
    Number(usize),
}

impl<'c> Call<'c> {
    /// A call with what was passed, which must be on one device.
    ///
    /// # Safety
    /// - Each address is that of its leaf, where that is a number; of those that the call may change nobody else has one.
    pub(crate) unsafe fn new(
        function: &'static Function,
        (found, addresses): (&[Found<'_>], &[*mut u8]),
        passed: &mut Passed,
        symbols: &'c [i64],
        caller: Caller,
    ) -> Result<Self, Error> {
        if let Some(error) = passed.fault() {
            return Err(error);
        }
        let gpu = passed.gpu().expect("defn bug: nothing is on a device").clone();
        let mut call = Self {
            gpu,
            function,
            caller,
            symbols,
            buffers: Vec::with_capacity(found.len() + function.signature.results.len() + 1),
            slots: Vec::new(),
            returns: Vec::new(),
        };
        for (position, (leaf, &address)) in found.iter().zip(addresses).enumerate() {
            if let Some(resident) = passed.at(position) {
                if *resident.remote.gpu() != call.gpu {
                    return Err(mismatch(function, found, passed, position));
                }
                call.buffers.push(Buffer::Tensor(resident.address));
                continue;
            }
            if leaf.kind.rank() > 0 {
                return Err(mismatch(function, found, passed, position));
            }
            let bytes = leaf.kind.element.size();
            let mut slot: Slot = [0; _];
            // SAFETY: the caller promises a number of this type there, and a slot has room for every element type.
            unsafe { ptr::copy_nonoverlapping(address, slot.as_mut_ptr().cast::<u8>(), bytes) };
            if passed.changing.as_slice().contains(&position) {
                call.returns.push((call.slots.len(), address, bytes));
            }
            call.buffers.push(Buffer::Number(call.slots.len()));
            call.slots.push(slot);
        }
        Ok(call)
    }

    /// Memory for a tensor that is a result.
    pub(crate) fn memory(&self, bytes: usize) -> Result<Remote, Error> {
        self.gpu.told("for memory", Remote::allocate(&self.gpu, bytes))
    }

    /// The buffer of a result that is a tensor.
    pub(crate) fn tensor(&mut self, remote: &Remote) {
        self.buffers.push(Buffer::Tensor(remote.address()));
    }

    /// The place of a number that is a result.
    ///
    /// # Safety
    /// - There is room for a number of so many bytes until the call has [run](Self::run), and nobody else has its address.
    pub(crate) unsafe fn number(&mut self, place: *mut u8, bytes: usize) {
        self.returns.push((self.slots.len(), place, bytes));
        self.buffers.push(Buffer::Number(self.slots.len()));
        self.slots.push([0; _]);
    }

    /// Where it runs.
    pub(crate) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// How many bytes of scratch memory the call needs there.
    pub(crate) fn scratch(&self) -> Result<usize, Error> {
        let (code, loaded) = self.gpu.loaded(self.function)?;
        let (name, gpu) = (self.function.signature.name, &self.gpu);
        let plan = Plan { gpu, name, code, loaded: &loaded, symbols: self.symbols, arguments: &[] };
        let (shared, private) = plan.scratch()?;
        let too_large = Error::TooLarge { function: name, what: "the workspace" };
        shared.checked_add(private).ok_or(too_large)
    }

    /// Executes the function, shows what it inspects, and reads the numbers that it returns.
    ///
    /// # Safety
    /// - There is a buffer for each leaf, and for the status if there is one, as the signature has them for these symbols.
    pub(crate) unsafe fn run(
        mut self,
        look: &mut dyn FnMut(usize, &Shown<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (code, loaded) = self.gpu.loaded(self.function)?;
        self.gpu.called(self.function.signature.name, self.caller);
        let numbers = self.send()?;
        let base = numbers.as_ref().map_or(0, Remote::address);
        let address = |buffer: &Buffer| match buffer {
            Buffer::Tensor(address) => *address,
            Buffer::Number(slot) => base + (slot * SLOT) as u64,
        };
        let arguments: Vec<Address> = self.buffers.iter().map(address).collect();
        let (name, gpu) = (self.function.signature.name, &self.gpu);
        let (loaded, symbols) = (&*loaded, self.symbols);
        let plan = Plan { gpu, name, code, loaded, symbols, arguments: &arguments };
        let look: Look<'_> = &mut |number, address| look(number, &Shown { gpu, address });
        // SAFETY: the caller promises the buffers, those of numbers were made here, and what is dropped goes back to a pool
        // whose next user comes behind what was begun.
        unsafe { plan.run(look)? };
        match numbers {
            Some(numbers) if !self.returns.is_empty() => self.receive(&numbers),
            _ => Ok(()),
        }
    }

    /// Copies the numbers to the device, if there are any.
    fn send(&self) -> Result<Option<Remote>, Error> {
        if self.slots.is_empty() {
            return Ok(None);
        }
        self.gpu.upload(self.slots.as_flattened()).map(Some)
    }

    /// Copies the numbers back, when the function has ended.
    fn receive(&mut self, numbers: &Remote) -> Result<(), Error> {
        let (to, bytes) = (self.slots.as_mut_ptr().cast(), self.slots.len() * SLOT);
        // SAFETY: the memory was made for the slots.
        let read = unsafe { self.gpu.read(to, numbers.address(), bytes) };
        self.gpu.told("for numbers", read)?;
        for &(slot, place, bytes) in &self.returns {
            // SAFETY: whoever gave the place promised room for a number of this size.
            unsafe { ptr::copy_nonoverlapping(self.slots[slot].as_ptr().cast(), place, bytes) };
        }
        Ok(())
    }
}

/// A value of a hook, on a device.
pub(crate) struct Shown<'g> {
    gpu: &'g Gpu,
    address: Address,
}

impl Shown<'_> {
    /// Its bytes, in words that are aligned for every element type.
    ///
    /// # Safety
    /// - It has so many bytes.
    pub(crate) unsafe fn read(&self, bytes: usize) -> Result<Vec<u64>, Error> {
        let mut words = vec![0u64; bytes.div_ceil(size_of::<u64>())];
        if bytes > 0 {
            // SAFETY: the caller's promise, and the list was made for as many bytes.
            let read = unsafe { self.gpu.read(words.as_mut_ptr().cast(), self.address, bytes) };
            self.gpu.told("for a value to look at", read)?;
        }
        Ok(words)
    }
}

/// Two tensors of a call that are on different devices: the first on a GPU, and another.
#[cold]
fn mismatch(
    function: &'static Function,
    found: &[Found<'_>],
    passed: &Passed,
    other: usize,
) -> Error {
    let signature = &function.signature;
    let placed = |leaf: usize| {
        let parameters = signature.parameters.len();
        let known: Option<&Leaf> = match leaf.checked_sub(parameters) {
            None => signature.parameters.get(leaf),
            Some(result) => signature.results.get(result),
        };
        let device = match passed.at(leaf) {
            Some(resident) => resident.remote.gpu().to_string(),
            None => "cpu".to_owned(),
        };
        let (path, element) = (known.map_or("", |leaf| leaf.path), found[leaf].kind.element);
        Placed { path, element, shape: found[leaf].extents.to_vec(), device }
    };
    let first = passed.residents.first().map_or(other, |resident| resident.leaf);
    Error::DeviceMismatch(Box::new(DeviceMismatch {
        function: signature.name,
        first: placed(first),
        other: placed(other),
    }))
}
