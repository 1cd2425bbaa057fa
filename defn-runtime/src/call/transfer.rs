//! Values of many leaves on another device.
//!
//! In:  a container, and a device.   Out: the container with all its tensors there.
//!
//! The leaves are read as those of an argument and built as those of a result, so that a container needs nothing besides.

use std::{ptr, slice};

use super::Arguments;
use super::results::{Builder, Expected, Memory, On};
use crate::cuda::Remote;
use crate::device::{Device, Place};
use crate::error::Error;
use crate::leaves::Leaves;
use crate::solve::Form;
use crate::storage::{Block, Inline};

/// The same value with its tensors on `device`.
pub(crate) fn moved<C: Leaves>(value: &C, device: &Device) -> Result<C, Error> {
    let mut passed = Arguments::new();
    value.read(&mut passed);
    if let Some(error) = passed.remote.fault() {
        return Err(error);
    }
    let found = passed.found.as_slice();
    let mut results = Builder {
        leaves: Expected::Moved(
            found.iter().map(|leaf| (leaf.kind.element, leaf.kind.rank())).collect(),
        ),
        memory: Inline::new(),
        extents: Inline::new(),
        next: (0, 0),
        on: match device.place() {
            Place::Cpu => None,
            Place::Gpu(_) => Some(Box::new(On { device: device.clone(), fault: None })),
        },
    };
    for (leaf, shape) in found.iter().enumerate() {
        if shape.kind.form == Form::Tensor {
            shape.extents.iter().for_each(|&extent| results.extents.push(extent));
        }
        let memory = memory(&passed, leaf, device)?;
        results.memory.push(memory);
    }
    let value = C::build(&mut results);
    results.finish(value)
}

/// The memory of one leaf on the device.
fn memory(passed: &Arguments<'_>, leaf: usize, device: &Device) -> Result<Memory, Error> {
    let found = &passed.found.as_slice()[leaf];
    let is_number = found.kind.rank() == 0;
    let length: usize = if is_number { 1 } else { found.extents.iter().product() };
    let bytes = length * found.kind.element.size();
    let source = match passed.remote.at(leaf) {
        None => {
            let address = passed.addresses.as_slice()[leaf];
            // SAFETY: at the address of a leaf of the host stand so many bytes, which `passed` borrows.
            Ok(unsafe { slice::from_raw_parts(address.cast_const(), bytes) })
        }
        Some(resident) => Err(resident),
    };
    match (source, device.place()) {
        (Err(resident), Place::Gpu(gpu)) => Ok(Memory::Remote(resident.moved(gpu, bytes)?)),
        (Ok(source), Place::Gpu(gpu)) if !is_number => {
            let remote: Remote = gpu.upload(source)?;
            Ok(Memory::Remote(remote))
        }
        (source, _) if is_number => {
            let mut number = [0u64; 2];
            // SAFETY: every element type fits, and the list is ours.
            let place = unsafe {
                slice::from_raw_parts_mut(ptr::from_mut(&mut number).cast::<u8>(), bytes)
            };
            match source {
                Ok(source) => place.copy_from_slice(source),
                Err(resident) => resident.read(place)?,
            }
            Ok(Memory::Scalar(number))
        }
        (Ok(source), _) => {
            let block = Block::new(bytes);
            // SAFETY: the block was made for so many bytes, and is not shared.
            unsafe { ptr::copy_nonoverlapping(source.as_ptr(), block.start(), bytes) };
            Ok(Memory::Tensor(block))
        }
        (Err(resident), _) => {
            let mut elements = vec![0u8; bytes];
            resident.read(&mut elements)?;
            let block = Block::new(bytes);
            // SAFETY: as above.
            unsafe { ptr::copy_nonoverlapping(elements.as_ptr(), block.start(), bytes) };
            Ok(Memory::Tensor(block))
        }
    }
}
