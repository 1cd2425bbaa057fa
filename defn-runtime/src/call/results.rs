//! The memory of results, and how values are taken from it.
//!
//! In:  a signature and the symbols.   Out: a place for each leaf, and after the call the value that they are.
//!
//! A tensor is memory of the host or of a device; a number is always the host's.

use std::ptr;

use super::{AXES, LEAVES};
use crate::abi::{Leaf, Signature};
use crate::cuda::Remote;
use crate::device::Device;
use crate::element::{Element, ElementKind};
use crate::error::Error;
use crate::shape;
use crate::solve::{self, Found};
use crate::storage::{Block, HUGE, Inline, Shared, Storage};
use crate::tensor::Tensor;

/// The results of a call, taken leaf by leaf.
pub struct Builder {
    pub(super) leaves: Expected,
    pub(super) memory: Inline<Memory, LEAVES>,
    pub(super) extents: Inline<usize, AXES>,
    /// The next leaf, and the first of its extents.
    pub(super) next: (usize, usize),
    /// Set if the results are on a device.
    pub(super) on: Option<Box<On>>,
}

/// What the leaves are.
pub(super) enum Expected {
    /// The results of a function.
    Results(&'static Signature),
    /// Those of a value of the same type.
    Moved(Vec<(ElementKind, usize)>),
}

/// Where results are that are tensors.
pub(super) struct On {
    pub(super) device: Device,
    /// What went wrong while they were taken.
    pub(super) fault: Option<Error>,
}

/// Where one leaf of a result is written.
pub(super) enum Memory {
    /// A scalar, in place; every element type fits.
    Scalar([u64; 2]),
    /// A tensor, until it is taken.
    Tensor(Block),
    /// One on a device.
    Remote(Remote),
    /// Nothing: the leaf was taken.
    Taken,
}

impl Builder {
    #[inline]
    pub(super) fn new(signature: &'static Signature) -> Self {
        let leaves = Expected::Results(signature);
        Self { leaves, memory: Inline::new(), extents: Inline::new(), next: (0, 0), on: None }
    }

    /// Finds the extents of every result.
    #[inline(never)]
    pub(super) fn solve(
        &mut self,
        signature: &Signature,
        found: &[Found<'_>],
        symbols: &[i64],
    ) -> Result<(), Error> {
        for leaf in signature.results {
            for axis in 0..leaf.axes.len() {
                let at = (leaf, axis);
                self.extents.push(solve::result_extent(signature, found, symbols, at)?);
            }
        }
        Ok(())
    }

    /// Gets memory for every result, whose extents are known; not written.
    #[inline]
    pub(super) fn allocate(&mut self, signature: &Signature) -> Result<(), Error> {
        let mut first = 0;
        for leaf in signature.results {
            if leaf.axes.is_empty() {
                self.memory.push(Memory::Scalar([0; 2]));
                continue;
            }
            let bytes = self.measure(signature, leaf, &mut first)?;
            let block = Block::new(bytes);
            self.memory.push_with(|| Memory::Tensor(block));
        }
        Ok(())
    }

    /// How many bytes a result has whose extents begin at `first`, and steps over them.
    #[inline]
    pub(super) fn measure(
        &self,
        signature: &Signature,
        leaf: &Leaf,
        first: &mut usize,
    ) -> Result<usize, Error> {
        let extents = &self.extents.as_slice()[*first..*first + leaf.axes.len()];
        *first += extents.len();
        let bytes =
            shape::length(extents).and_then(|length| length.checked_mul(leaf.element.size()));
        // Beyond this size no allocation can succeed, and aligning it could overflow.
        let bytes = bytes.filter(|&bytes| bytes <= isize::MAX as usize - HUGE);
        let Some(bytes) = bytes else {
            return Err(Error::TooLarge { function: signature.name, what: "a result" });
        };
        Ok(bytes)
    }

    /// The position of the next leaf, which must have this type, and of its extents.
    #[inline]
    fn take(&mut self, element: ElementKind, rank: usize) -> (usize, usize) {
        let (position, first) = self.next;
        let same = match &self.leaves {
            Expected::Results(signature) => {
                let leaf = signature.results.get(position);
                leaf.is_some_and(|leaf| leaf.element == element && leaf.axes.len() == rank)
            }
            Expected::Moved(leaves) => leaves.get(position) == Some(&(element, rank)),
        };
        assert!(same, "defn bug: {} was declared with another type of result", self.name());
        self.next = (position + 1, first + rank);
        (position, first)
    }

    #[inline]
    pub(crate) fn take_scalar<E: Element>(&mut self) -> E {
        const {
            assert!(
                size_of::<E>() <= size_of::<[u64; 2]>() && align_of::<E>() <= align_of::<u64>()
            );
        };
        let (position, _) = self.take(E::KIND, 0);
        let Memory::Scalar(bytes) = &self.memory.as_slice()[position] else {
            panic!("defn bug: a scalar was taken twice")
        };
        // SAFETY: a builder is handed out only after the entry has written every result, and the leaf has this type.
        unsafe { ptr::from_ref(bytes).cast::<E>().read() }
    }

    // Always inlined, so that the words of the tensor are written once, where it shall be: see [`storage`](crate::storage).
    #[inline(always)]
    pub(crate) fn take_tensor<E: Element, const RANK: usize>(&mut self) -> Tensor<E, RANK> {
        if RANK == 0 && !matches!(self.memory.as_slice().get(self.next.0), Some(Memory::Remote(_)))
        {
            let value = self.take_scalar();
            return self.placed(Tensor::row_major([0; RANK], Storage::collect(1, [value])));
        }
        let (position, first) = self.take(E::KIND, RANK);
        let extents = &self.extents.as_slice()[first..first + RANK];
        let shape: [usize; RANK] = std::array::from_fn(|axis| extents[axis]);
        let memory = &mut self.memory.as_mut_slice()[position];
        let block = match std::mem::replace(memory, Memory::Taken) {
            Memory::Tensor(block) => block,
            Memory::Remote(remote) => return Tensor::resident(shape, remote),
            Memory::Scalar(_) | Memory::Taken => panic!("defn bug: a result was taken twice"),
        };
        // SAFETY: the block was made for these extents and this element type,
        // and a builder is handed out only after the entry has written every result.
        let storage = unsafe { block.into_storage(shape.iter().product()) };
        Tensor::row_major(shape, storage)
    }

    /// A tensor of one element where the others are.
    #[inline]
    fn placed<E: Element, const RANK: usize>(
        &mut self,
        tensor: Tensor<E, RANK>,
    ) -> Tensor<E, RANK> {
        let Some(on) = &mut self.on else { return tensor };
        match tensor.try_to(&on.device) {
            Ok(tensor) => tensor,
            Err(error) => {
                on.fault = Some(error);
                tensor
            }
        }
    }

    /// The element type of the next leaf; none if all are taken.
    pub(crate) fn next_element(&self) -> Option<ElementKind> {
        match &self.leaves {
            Expected::Results(signature) => {
                signature.results.get(self.next.0).map(|leaf| leaf.element)
            }
            Expected::Moved(leaves) => leaves.get(self.next.0).map(|(element, _)| *element),
        }
    }

    /// The next leaf, of a shape that is known when the program runs. A value that moves, and one on a device, is no such leaf.
    pub(crate) fn take_elements<E: Element>(&mut self) -> (Vec<usize>, Vec<E>) {
        let Expected::Results(signature) = &self.leaves else {
            panic!("defn bug: elements of a value that moves")
        };
        let rank = signature.results[self.next.0].axes.len();
        if rank == 0 {
            return (Vec::new(), vec![self.take_scalar()]);
        }
        let (position, first) = self.take(E::KIND, rank);
        let shape = self.extents.as_slice()[first..first + rank].to_vec();
        let memory = &mut self.memory.as_mut_slice()[position];
        let Memory::Tensor(block) = std::mem::replace(memory, Memory::Taken) else {
            panic!("defn bug: a result was taken twice, or is on a device")
        };
        // SAFETY: the block was made for these extents and this element type,
        // and a builder is handed out only after the entry has written every result.
        let storage = unsafe { block.into_storage(shape.iter().product()) };
        (shape, Shared::new(storage).as_slice().to_vec())
    }

    /// Whether every result was taken, and nothing is left to be dropped.
    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        let Expected::Results(signature) = &self.leaves else { return false };
        let is_here = self.on.is_none() && self.memory.is_near() && self.extents.is_near();
        is_here && self.next.0 == signature.results.len()
    }

    /// The value that was made of all results, if they could be made. Panics if one was not taken.
    #[cold]
    #[inline(never)]
    pub(super) fn finish<R>(&mut self, value: R) -> Result<R, Error> {
        let count = match &self.leaves {
            Expected::Results(signature) => signature.results.len(),
            Expected::Moved(leaves) => leaves.len(),
        };
        let is_complete = self.next.0 == count;
        assert!(is_complete, "defn bug: {} was declared with fewer results", self.name());
        match self.on.as_mut().and_then(|on| on.fault.take()) {
            None => Ok(value),
            Some(fault) => Err(fault),
        }
    }

    #[cold]
    fn name(&self) -> String {
        match &self.leaves {
            Expected::Results(signature) => format!("`{}`", signature.name),
            Expected::Moved(_) => "a value that moves".to_owned(),
        }
    }
}
