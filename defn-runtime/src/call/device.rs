//! A call whose tensors are on a device.
//!
//! In:  arguments of which some are on a device, and the symbols.   Out: results on that device.
//!
//! What the host's way has in addresses, [`cuda::Call`](crate::cuda::Call) has in its own; results, hooks and the status are the same.

use std::marker::PhantomData;
use std::ptr;

use super::results::{Builder, Memory, On};
use super::{Arguments, Elements, Host};
use crate::abi::{Function, NONE_FAILED};
use crate::cuda::{Call, Caller, Shown};
use crate::device::Device;
use crate::error::Error;
use crate::hooks::{self, Inspected};

/// Runs the function with memory for the results.
#[cold]
pub(super) fn enter(
    function: &'static Function,
    passed: &mut Arguments<'_>,
    symbols: &[i64],
    results: &mut Builder,
    caller: Caller,
) -> Result<(), Error> {
    let mut call = begin(function, passed, symbols, caller)?;
    results.on = Some(Box::new(On { device: Device::gpu(call.gpu().clone()), fault: None }));
    let signature = &function.signature;
    results.solve(signature, passed.found.as_slice(), symbols)?;
    let mut first = 0;
    for leaf in signature.results {
        if leaf.axes.is_empty() {
            results.memory.push(Memory::Scalar([0; 2]));
            continue;
        }
        let bytes = results.measure(signature, leaf, &mut first)?;
        results.memory.push(Memory::Remote(call.memory(bytes)?));
    }
    // The list moves no more, so that the places of numbers stay where they are.
    for (memory, leaf) in results.memory.as_mut_slice().iter_mut().zip(signature.results) {
        match memory {
            // SAFETY: every element type fits a scalar, and the builder keeps its place until the results are taken.
            Memory::Scalar(place) => unsafe {
                call.number(ptr::from_mut(place).cast(), leaf.element.size());
            },
            Memory::Remote(remote) => call.tensor(remote),
            Memory::Tensor(_) | Memory::Taken => {}
        }
    }
    run(function, call, symbols)
}

/// As [`enter`], where the results are passed behind the parameters.
#[cold]
pub(super) fn enter_into(
    function: &'static Function,
    passed: &mut Arguments<'_>,
    symbols: &[i64],
    caller: Caller,
) -> Result<(), Error> {
    let call = begin(function, passed, symbols, caller)?;
    run(function, call, symbols)
}

/// How many bytes of scratch memory a call needs on the device.
#[cold]
pub(super) fn workspace_bytes(
    function: &'static Function,
    passed: &mut Arguments<'_>,
    symbols: &[i64],
    caller: Caller,
) -> Result<usize, Error> {
    begin(function, passed, symbols, caller)?.scratch()
}

fn begin<'c>(
    function: &'static Function,
    passed: &mut Arguments<'_>,
    symbols: &'c [i64],
    caller: Caller,
) -> Result<Call<'c>, Error> {
    let (found, addresses) = (passed.found.as_slice(), passed.addresses.as_slice());
    // SAFETY: each address is that of a number that is borrowed by `passed`, mutably if it is changed, or of a tensor.
    unsafe { Call::new(function, (found, addresses), &mut passed.remote, symbols, caller) }
}

/// Executes the call, with what its hooks need.
fn run(function: &'static Function, mut call: Call<'_>, symbols: &[i64]) -> Result<(), Error> {
    let Some(hooks) = &function.hooks else {
        // SAFETY: `solve` found the shapes and checks to hold, and there is a buffer for each leaf.
        return unsafe { call.run(&mut |_, _| Ok(())) };
    };
    let host = Host::new(hooks, symbols);
    let mut status = NONE_FAILED;
    let place = ptr::from_mut(&mut status).cast();
    // SAFETY: the status is a number of this size, which nobody looks at before the call has run.
    unsafe { call.number(place, size_of::<i64>()) };
    // SAFETY: as above, and the buffer of the status stands behind those of the leaves.
    unsafe { call.run(&mut |number, shown| show(&host, number, shown))? };
    host.end(function, status)
}

/// Shows a value that is on the device.
fn show(host: &Host<'_>, number: usize, shown: &Shown<'_>) -> Result<(), Error> {
    if host.is_blind() {
        return Ok(());
    }
    let (inspect, shape) = host.inspect(number);
    let (kind, length) = (inspect.leaf.element, shape.iter().product::<usize>());
    // SAFETY: the code promises that the buffer holds what the hook says for these symbols.
    let words = unsafe { shown.read(length * kind.size())? };
    let address = words.as_ptr().cast();
    let elements = Elements { kind, address, length, borrow: PhantomData };
    host.look(|| hooks::show(&Inspected::new(inspect, &shape, elements)));
    Ok(())
}
