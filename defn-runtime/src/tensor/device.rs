//! Tensors on devices.
//!
//! A view of a tensor on a device is as cheap as on the host, and shares its elements likewise.
//! Whoever looks at an element on the host gets a panic that says where it is.

use crate::cuda::Remote;
use crate::device::{Device, Place};
use crate::element::Element;
use crate::error::Error;
use crate::shape;
use crate::storage::{Shared, Storage};
use crate::tensor::Tensor;

/// Kernels read a tensor from a multiple of this many bytes on.
const ALIGNMENT: usize = 64;

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// A row-major tensor over memory of a device.
    pub(crate) fn resident(shape: [usize; RANK], remote: Remote) -> Self {
        let strides = shape::row_major(&shape);
        Self { storage: Shared::Remote(remote), offset: 0, shape, strides }
    }

    /// Where the elements are.
    #[must_use]
    pub fn device(&self) -> Device {
        match self.storage.remote() {
            Some(remote) => Device::gpu(remote.gpu().clone()),
            None => Device::cpu(),
        }
    }

    /// The same elements on another device: a copy, or a clone if they are there already.
    ///
    /// The copy begins behind all that the devices were asked before.
    ///
    /// # Panics
    /// As [`try_to`](Self::try_to) fails.
    #[must_use]
    #[track_caller]
    pub fn to(&self, device: &Device) -> Self {
        match self.try_to(device) {
            Ok(tensor) => tensor,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`to`](Self::to).
    ///
    /// # Errors
    /// If a device has failed or has no memory left.
    pub fn try_to(&self, device: &Device) -> Result<Self, Error> {
        match (self.storage.remote(), device.place()) {
            (None, Place::Cpu) => Ok(self.clone()),
            (Some(remote), Place::Gpu(gpu)) if remote.gpu() == gpu => Ok(self.clone()),
            (None, Place::Gpu(gpu)) => {
                let host = self.contiguous();
                let remote = gpu.upload(host.as_slice().unwrap_or_default())?;
                Ok(Self::resident(self.shape, remote))
            }
            (Some(_), Place::Gpu(_)) => self.fetched()?.try_to(device),
            (Some(_), Place::Cpu) => self.fetched(),
        }
    }

    /// The elements of a tensor on a device, on the host.
    fn fetched(&self) -> Result<Self, Error> {
        let (remote, offset) = self.placed(1)?;
        Ok(Self::row_major(self.shape, fetch(&remote, offset, self.len())?))
    }

    /// The memory of a tensor on a device and where it begins there, after a copy if the elements do not lie one behind the other,
    /// or not at a multiple of so many bytes.
    fn placed(&self, alignment: usize) -> Result<(Remote, usize), Error> {
        let Some(remote) = self.storage.remote() else {
            panic!("defn bug: a tensor of the host was asked for memory of a device")
        };
        let is_aligned = (self.offset * size_of::<E>()).is_multiple_of(alignment);
        if self.is_empty() || (self.is_contiguous() && is_aligned) {
            let offset = if self.is_empty() { 0 } else { self.offset };
            return Ok((remote.clone(), offset));
        }
        Ok((remote.gather((size_of::<E>(), self.offset), &self.shape, &self.strides)?, 0))
    }

    /// What a kernel reads, if the tensor is on a device.
    pub(crate) fn read_there(&self) -> Option<Result<(Remote, usize), Error>> {
        self.storage.remote().map(|_| self.placed(ALIGNMENT))
    }

    /// What a kernel changes, if the tensor is on a device: nobody else sees it.
    pub(crate) fn changed_there(&mut self) -> Option<Result<(Remote, usize), Error>> {
        let is_alone = self.storage.remote_mut()?.is_alone();
        let is_aligned = (self.offset * size_of::<E>()).is_multiple_of(ALIGNMENT);
        if is_alone && self.is_contiguous() && is_aligned {
            return Some(self.placed(ALIGNMENT));
        }
        let copied = self.copied_there();
        Some(copied.and_then(|tensor| {
            *self = tensor;
            self.placed(ALIGNMENT)
        }))
    }

    /// A copy on the same device.
    pub(super) fn copied_there(&self) -> Result<Self, Error> {
        let Some(remote) = self.storage.remote() else { return Ok(self.copied()) };
        let copy = remote.gather((size_of::<E>(), self.offset), &self.shape, &self.strides)?;
        Ok(Self::resident(self.shape, copy))
    }
}

fn fetch<E: Element>(remote: &Remote, offset: usize, length: usize) -> Result<Storage<E>, Error> {
    remote.download(offset, length)
}
