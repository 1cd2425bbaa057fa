//! From arguments to the entry, and back with the results.
//!
//! In:  a [`Function`] and a closure that passes the arguments.   Out: the results, or the facts that disagreed.
//!
//! 1. The closure passes every leaf; one that is read but not contiguous is compacted, one that is changed is made unique.
//! 2. [`solve`] finds the symbols and checks the shapes.
//! 3. The results are allocated, not written, and the workspace is taken from the thread.
//! 4. The entry runs, with the [team](crate::team) for its large loops, and the results are handed over.
//!
//! No aliasing: an argument that is read is borrowed until the call ends, one that is changed is borrowed mutably,
//! and its elements are nobody else's. The borrow checker sees all of it, because `Arguments<'a>` holds the borrows.
//! Nothing is allocated if the arguments are contiguous and the results are written into given tensors.
//!
//! Where a tensor is on a device, `call/device.rs` takes over after step 2.

#[cfg(any(feature = "cuda", test))]
mod device;
mod results;
mod transfer;
pub use results::Builder;
use results::Memory;
pub(crate) use transfer::moved;

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{ptr, slice};

use crate::abi::{Entry, Function, Hooks, Inspect, NONE_FAILED, Signature};
#[cfg(any(feature = "cuda", test))]
use crate::cuda::Caller;
use crate::cuda::{Passed, Remote};
use crate::element::{Element, ElementKind};
use crate::error::{ConditionFailed, Error, ResultShape};
use crate::hooks::{self, Inspected};
use crate::leaves::Leaves;
use crate::shape;
use crate::solve::{self, Form, Found, Kind, Symbols};
use crate::storage::{Inline, Shared, with_workspace};
use crate::team::{self, Call};
use crate::tensor::Tensor;

/// How many leaves a call may have before its lists move to the heap.
const LEAVES: usize = 32;
/// How many axes the results may have before their list moves to the heap.
const AXES: usize = 64;

/// Calls `function` and returns its results.
///
/// # Errors
/// The shapes must be what the signature says, and the processor must have a level that the function was compiled for.
#[inline]
#[cfg_attr(feature = "cuda", track_caller)]
pub fn run<'a, R: Leaves>(
    function: &'static Function,
    arguments: impl FnOnce(&mut Arguments<'a>),
) -> Result<R, Error> {
    let mut results = Builder::new(&function.signature);
    {
        let mut passed = Arguments::new();
        arguments(&mut passed);
        enter(function, &mut passed, &mut results)?;
    }
    let value = R::build(&mut results);
    // Nothing lives beside the value that could end this early, so that its words stay in registers until they are written
    // where it shall be: words that are written one by one and then copied several at a time wait for each other.
    if results.is_spent() {
        std::mem::forget(results);
        return Ok(value);
    }
    results.finish(value)
}

/// Calls `function` and writes its results into `result`, which must have their shapes.
///
/// # Errors
/// As [`run`], and the given tensors must have the shapes of the results.
#[inline]
#[cfg_attr(feature = "cuda", track_caller)]
pub fn run_into<'a, R: Leaves>(
    function: &'static Function,
    arguments: impl FnOnce(&mut Arguments<'a>),
    result: &'a mut R,
) -> Result<(), Error> {
    let mut passed = Arguments::new();
    arguments(&mut passed);
    let parameters = passed.found.as_slice().len();
    result.update(&mut passed);
    enter_into(function, &mut passed, parameters)
}

/// How many bytes of scratch memory a call with these arguments needs.
///
/// # Errors
/// The shapes must be what the signature says.
pub fn workspace_bytes<'a>(
    function: &'static Function,
    arguments: impl FnOnce(&mut Arguments<'a>),
) -> Result<usize, Error> {
    let mut passed = Arguments::new();
    arguments(&mut passed);
    let mut symbols = Symbols::new();
    solve::solve(&function.signature, passed.found.as_slice(), &mut symbols)?;
    #[cfg(any(feature = "cuda", test))]
    {
        if passed.remote.is_any() {
            return device::workspace_bytes(function, &mut passed, symbols.as_slice(), caller());
        }
    }
    solve::workspace(&function.signature, symbols.as_slice(), team::limit()?)
}

/// The leaves that are passed to a call.
pub struct Arguments<'a> {
    addresses: Inline<*mut u8, LEAVES>,
    found: Inline<Found<'a>, LEAVES>,
    /// The compacted copies, which live as long as their addresses are used.
    compacted: Option<Box<Compacted>>,
    /// The tensors that are on a device; their addresses are null.
    remote: Passed,
    /// Leaves that the call may change are borrowed mutably.
    borrow: PhantomData<&'a mut ()>,
}

/// A copy that is kept, and those before it: a list of one word, since there is nearly always none.
struct Compacted {
    _copy: Box<dyn Any>,
    _before: Option<Box<Compacted>>,
}

impl<'a> Arguments<'a> {
    #[inline]
    fn new() -> Self {
        Self {
            addresses: Inline::new(),
            found: Inline::new(),
            compacted: None,
            remote: Passed::new(),
            borrow: PhantomData,
        }
    }

    /// Passes a value to be read.
    #[inline]
    pub fn read<T: Leaves>(&mut self, value: &'a T) {
        value.read(self);
    }

    /// Passes a value to be changed in place.
    #[inline]
    pub fn update<T: Leaves>(&mut self, value: &'a mut T) {
        value.update(self);
    }

    #[inline]
    fn push(&mut self, address: *mut u8, kind: &'static Kind, extents: &'a [usize]) {
        self.addresses.push(address);
        self.found.push(Found { kind, extents });
    }

    #[inline]
    pub(crate) fn read_tensor<E: Element, const RANK: usize>(
        &mut self,
        tensor: &'a Tensor<E, RANK>,
    ) {
        if let Some(remote) = tensor.read_there() {
            return self.resident::<E, RANK>(remote, tensor.extents());
        }
        let address = match tensor.as_slice() {
            Some(elements) => elements.as_ptr(),
            None => self.compact(tensor),
        };
        self.push(address.cast_mut().cast(), tensor_of::<E, RANK>(), tensor.extents());
    }

    /// Passes a tensor on a device.
    #[cold]
    fn resident<E: Element, const RANK: usize>(
        &mut self,
        remote: Result<(Remote, usize), Error>,
        extents: &'a [usize],
    ) {
        self.remote.resident::<E>(self.found.as_slice().len(), remote);
        self.push(ptr::null_mut(), tensor_of::<E, RANK>(), extents);
    }

    /// The address of a contiguous copy, which is kept until the call ends.
    #[cold]
    fn compact<E: Element, const RANK: usize>(&mut self, tensor: &Tensor<E, RANK>) -> *const E {
        let copy = Box::new(Shared::new(tensor.packed()));
        let address = copy.as_slice().as_ptr();
        let before = self.compacted.take();
        self.compacted = Some(Box::new(Compacted { _copy: copy, _before: before }));
        address
    }

    /// Passes elements of a shape that is known when the program runs.
    pub(crate) fn read_elements<E: Element>(&mut self, elements: &'a [E], extents: &'a [usize]) {
        debug_assert_eq!(shape::length(extents), Some(elements.len()));
        self.push(elements.as_ptr().cast_mut().cast(), ranked::<E>(extents.len()), extents);
    }

    #[inline]
    pub(crate) fn update_tensor<E: Element, const RANK: usize>(
        &mut self,
        tensor: &'a mut Tensor<E, RANK>,
    ) {
        if let Some(remote) = tensor.changed_there() {
            return self.resident::<E, RANK>(remote, tensor.extents());
        }
        let (extents, elements) = tensor.parts_mut();
        self.push(elements.as_mut_ptr().cast(), tensor_of::<E, RANK>(), extents);
    }

    #[inline]
    pub(crate) fn read_scalar<E: Element>(&mut self, value: &'a E) {
        self.push(ptr::from_ref(value).cast_mut().cast(), tensor_of::<E, 0>(), &[]);
    }

    #[inline]
    pub(crate) fn update_scalar<E: Element>(&mut self, value: &'a mut E) {
        self.remote.changing(self.found.as_slice().len());
        self.push(ptr::from_mut(value).cast(), tensor_of::<E, 0>(), &[]);
    }

    #[inline]
    pub(crate) fn read_extent(&mut self, value: &'a usize) {
        let address = ptr::from_ref(value).cast_mut().cast();
        const NUMBER: &Kind = &Kind::new(ElementKind::I64, Form::Number, 0);
        self.push(address, NUMBER, slice::from_ref(value));
    }
}

/// What a tensor or a scalar is.
#[inline]
const fn tensor_of<E: Element, const RANK: usize>() -> &'static Kind {
    const { &Kind::new(E::KIND, Form::Tensor, RANK) }
}

/// What a tensor of such a rank is.
fn ranked<E: Element>(rank: usize) -> &'static Kind {
    const RANKS: usize = 64;
    const fn all<E: Element>() -> [Kind; RANKS] {
        let mut all = [const { Kind::new(ElementKind::Bool, Form::Tensor, 0) }; RANKS];
        let mut rank = 0;
        while rank < RANKS {
            all[rank] = Kind::new(E::KIND, Form::Tensor, rank);
            rank += 1;
        }
        all
    }
    let all: &'static [Kind; RANKS] = const { &all::<E>() };
    &all[rank]
}
/// Checks the arguments, and runs the entry with memory for the results.
#[cfg_attr(feature = "cuda", track_caller)]
fn enter(
    function: &'static Function,
    passed: &mut Arguments<'_>,
    results: &mut Builder,
) -> Result<(), Error> {
    let signature = &function.signature;
    let mut symbols = Symbols::new();
    let is_planned = function.plan.solve(passed.found.as_slice(), false, &mut symbols);
    if !is_planned {
        solve::solve(signature, passed.found.as_slice(), &mut symbols)?;
    }
    #[cfg(any(feature = "cuda", test))]
    {
        if passed.remote.is_any() {
            return device::enter(function, passed, symbols.as_slice(), results, caller());
        }
    }
    let entry = function.entry()?;
    if is_planned {
        function.plan.extents(symbols.as_slice()).for_each(|extent| results.extents.push(extent));
    } else {
        results.solve(signature, passed.found.as_slice(), symbols.as_slice())?;
    }
    results.allocate(signature)?;
    for memory in results.memory.as_mut_slice() {
        passed.addresses.push(match memory {
            Memory::Scalar(bytes) => ptr::from_mut(bytes).cast(),
            Memory::Tensor(block) => block.start(),
            Memory::Remote(_) | Memory::Taken => ptr::null_mut(),
        });
    }
    start(entry, function, passed, &symbols)
}

/// As [`enter`], where the results are written to the leaves behind so many parameters.
#[cfg_attr(feature = "cuda", track_caller)]
fn enter_into(
    function: &'static Function,
    passed: &mut Arguments<'_>,
    parameters: usize,
) -> Result<(), Error> {
    let mut symbols = Symbols::new();
    // The plan looks at the given tensors, too.
    let is_complete = parameters == function.signature.parameters.len();
    if !is_complete || !function.plan.solve(passed.found.as_slice(), true, &mut symbols) {
        fit_into(&function.signature, passed.found.as_slice().split_at(parameters), &mut symbols)?;
    }
    #[cfg(any(feature = "cuda", test))]
    {
        if passed.remote.is_any() {
            return device::enter_into(function, passed, symbols.as_slice(), caller());
        }
    }
    start(function.entry()?, function, passed, &symbols)
}

/// Where the call stands in the user's source.
#[cfg(any(feature = "cuda", test))]
#[track_caller]
fn caller() -> Caller {
    std::panic::Location::caller()
}

/// Checks the arguments, and the tensors given for the results.
#[inline(never)]
fn fit_into(
    signature: &Signature,
    (found, given): (&[Found<'_>], &[Found<'_>]),
    symbols: &mut Symbols,
) -> Result<(), Error> {
    solve::solve(signature, found, symbols)?;
    assert!(
        given.len() == signature.results.len(),
        "defn bug: `{}` has another number of results",
        signature.name
    );
    for (position, place) in given.iter().enumerate() {
        takes_result(signature, found, symbols.as_slice(), (position, place))?;
    }
    Ok(())
}

/// Compares one given tensor with the shape of the result that it shall take.
fn takes_result(
    signature: &Signature,
    found: &[Found<'_>],
    symbols: &[i64],
    (position, place): (usize, &Found<'_>),
) -> Result<(), Error> {
    let leaf = &signature.results[position];
    let same = leaf.element == place.kind.element
        && leaf.axes.len() == place.extents.len()
        && place.kind.form == Form::Tensor;
    assert!(same, "defn bug: `{}` was given another type of result", signature.name);
    let extent = |axis| solve::result_extent(signature, found, symbols, (leaf, axis));
    for (axis, &given) in place.extents.iter().enumerate() {
        if extent(axis)? == given {
            continue;
        }
        return Err(Error::ResultShape(Box::new(ResultShape {
            function: signature.name,
            path: leaf.path,
            element: leaf.element,
            expected: (0..leaf.axes.len()).map(extent).collect::<Result<_, _>>()?,
            found: place.extents.to_vec(),
        })));
    }
    Ok(())
}

/// Runs the entry, with what its hooks need.
#[inline]
fn start(
    entry: Entry,
    function: &Function,
    passed: &mut Arguments<'_>,
    symbols: &Symbols,
) -> Result<(), Error> {
    match &function.hooks {
        None => execute(entry, function, passed, symbols),
        Some(hooks) => watch(entry, function, (passed, symbols), hooks),
    }
}

/// What the code shows values to.
#[repr(C)]
struct Host<'c> {
    show: unsafe extern "C" fn(*const Host<'_>, i64, *const u8),
    hooks: &'c Hooks,
    symbols: &'c [i64],
    /// What a hook has thrown; after that no hook is called.
    panic: Cell<Option<Box<dyn Any + Send>>>,
    panicked: Cell<bool>,
}

impl<'c> Host<'c> {
    fn new(hooks: &'c Hooks, symbols: &'c [i64]) -> Self {
        hooks::called(hooks.inspects);
        Self { show, hooks, symbols, panic: Cell::new(None), panicked: Cell::new(false) }
    }

    /// Whether nobody looks any more.
    fn is_blind(&self) -> bool {
        self.panicked.get()
    }

    /// What the hook of a number shows.
    fn inspect(&self, number: usize) -> (&'static Inspect, Vec<usize>) {
        let inspect = &self.hooks.inspects[number];
        let extent = |axis: &crate::abi::Axis| {
            usize::try_from(axis.extent.value(self.symbols).unwrap_or(0)).unwrap_or(0)
        };
        (inspect, inspect.leaf.axes.iter().map(extent).collect())
    }

    /// Hands a value to whoever wants to see it; what they throw is kept.
    fn look(&self, look: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(look)) {
            self.panicked.set(true);
            self.panic.set(Some(panic));
        }
    }

    /// The call is over: what was thrown goes on, and the first condition that failed is an error.
    fn end(&self, function: &Function, status: i64) -> Result<(), Error> {
        if let Some(panic) = self.panic.take() {
            resume_unwind(panic);
        }
        // The high half is a round, counted from one.
        let (number, round) = (status & 0xffff_ffff, status >> 32);
        let conditions = self.hooks.conditions;
        let failed = usize::try_from(number).ok().and_then(|number| conditions.get(number));
        match failed.filter(|_| status != NONE_FAILED) {
            None => Ok(()),
            Some(condition) => Err(Error::ConditionFailed(Box::new(ConditionFailed {
                called: function.signature.name,
                text: condition.text,
                function: condition.spot.function,
                file: condition.spot.file,
                line: condition.spot.line,
                round: round.checked_sub(1).filter(|round| *round >= 0),
            }))),
        }
    }
}

/// Runs the entry, shows what it inspects, and asks for its status.
#[inline(never)]
fn watch(
    entry: Entry,
    function: &Function,
    (passed, symbols): (&mut Arguments<'_>, &Symbols),
    hooks: &Hooks,
) -> Result<(), Error> {
    let host = Host::new(hooks, symbols.as_slice());
    let mut status = NONE_FAILED;
    passed.addresses.push(ptr::from_mut(&mut status).cast());
    passed.addresses.push(ptr::from_ref(&host).cast_mut().cast());
    execute(entry, function, passed, symbols)?;
    host.end(function, status)
}

/// Hands a value to whoever wants to see it.
///
/// # Safety
/// - `host` is what the entry was given, and lives.
/// - `number` is one of its hooks, and at `elements` stand as many as that says for these symbols, which nobody changes meanwhile.
unsafe extern "C" fn show(host: *const Host<'_>, number: i64, elements: *const u8) {
    // SAFETY: the caller's promise.
    let host = unsafe { &*host };
    if host.is_blind() {
        return;
    }
    host.look(|| {
        let (inspect, shape) = host.inspect(usize::try_from(number).unwrap_or(usize::MAX));
        let (kind, length) = (inspect.leaf.element, shape.iter().product());
        let elements = Elements { kind, address: elements, length, borrow: PhantomData };
        hooks::show(&Inspected::new(inspect, &shape, elements));
    });
}

/// Elements of a type that is known when the program runs.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'v> {
    kind: ElementKind,
    address: *const u8,
    length: usize,
    borrow: PhantomData<&'v [u8]>,
}

impl<'v> Elements<'v> {
    /// The elements, if they are of this type.
    pub(crate) fn as_slice<E: Element>(self) -> Option<&'v [E]> {
        // SAFETY: whoever makes this has so many elements of this type at an address that is aligned for them.
        let elements = || unsafe { slice::from_raw_parts(self.address.cast::<E>(), self.length) };
        (self.kind == E::KIND).then(elements)
    }
}

/// Runs the entry with workspace of the thread.
#[inline]
fn execute(
    entry: Entry,
    function: &Function,
    passed: &Arguments<'_>,
    symbols: &Symbols,
) -> Result<(), Error> {
    let threads = team::limit()?;
    let bytes = match function.plan.workspace(threads) {
        Some(bytes) => bytes,
        None => solve::workspace(&function.signature, symbols.as_slice(), threads)?,
    };
    let call = Call::new(threads);
    let team = if threads > 1 { call.team() } else { ptr::null() };
    let (buffers, values) = (passed.addresses.as_slice().as_ptr(), symbols.as_slice().as_ptr());
    // SAFETY: `Function::new` promises that the entry may be called under the conditions that have been established here:
    // `solve` found the shapes and checks to hold, `entry` is of this processor's level,
    // there is one address for each leaf, of memory as large as its shape and element type,
    // what the entry changes is borrowed mutably by `passed` or was allocated for it, and the workspace has the size asked for, for each thread that the team may use.
    with_workspace(bytes, |workspace| unsafe { entry(buffers, values, workspace, team) });
    Ok(())
}

/// Panics with an error in the name of the caller.
#[cold]
#[track_caller]
pub fn fail(error: Error) -> ! {
    panic!("{error}")
}

/// Stands for the code of a function where `cargo check` asked for none.
#[cold]
#[track_caller]
pub fn checked_only<T>() -> T {
    panic!("`cargo check` emits no code: build the program to call this function")
}

/// Stands for the code of a function that the compiler refused.
#[cold]
#[track_caller]
pub fn broken<T>() -> T {
    panic!("this function did not compile")
}
