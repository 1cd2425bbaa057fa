//! Where tensors live, and where functions run.
//!
//! ```text
//! let gpu = Device::cuda(0)?;
//! let x = x.to(&gpu);          the elements are in the memory of the GPU
//! let y = f(&x);               so `f` runs there, and `y` stays there
//! let y = y.to(&Device::cpu());
//! ```
//!
//! Afterwards: a call has all its tensors on one device, or is an error that names two that are apart.

use std::fmt::{self, Debug, Display};
use std::time::{Duration, Instant};

use crate::call;
use crate::cuda::{self, Gpu};
use crate::error::Error;
use crate::leaves::Leaves;

/// The processor of the host, or a GPU.
///
/// A tensor is [on](crate::Tensor::device) one device. A call runs where its tensors are, and its results stay there;
/// numbers such as an `f32` are the host's, wherever it runs. Devices are compared by what they are: `Device::cuda(0)? == Device::cuda(0)?`.
///
/// A GPU executes what it is asked in the order of the program, whichever thread asks, and calls do not wait for it unless they
/// return numbers. So a GPU that fails says so in a later call, which names the function that was called last.
///
/// # Examples
/// ```
/// use defn_runtime::{Device, Tensor};
///
/// // The first GPU, where there is one.
/// let device = Device::cuda(0).unwrap_or_default();
/// let x = Tensor::from([1.0f32, 2.0]).to(&device);
/// assert_eq!(x.device(), device);
/// assert_eq!(x.to(&Device::cpu()).to_vec(), [1.0, 2.0]);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Device(Place);

/// Which device it is.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) enum Place {
    #[default]
    Cpu,
    Gpu(Gpu),
}

impl Device {
    /// The processor of the host.
    #[must_use]
    pub const fn cpu() -> Self {
        Self(Place::Cpu)
    }

    /// A GPU of NVIDIA, by its number among those of the machine.
    ///
    /// The first call for a number makes the GPU ready; all later ones give the same device.
    ///
    /// # Errors
    /// If the feature `cuda` is off, if the machine has no driver or one that does not work, or fewer GPUs.
    pub fn cuda(ordinal: usize) -> Result<Self, Error> {
        cuda::open(ordinal).map(Self::gpu)
    }

    /// How many GPUs there are for [`cuda`](Self::cuda): none without the feature or without a driver.
    #[must_use]
    pub fn count() -> usize {
        cuda::presence().unwrap_or(0)
    }

    pub(crate) const fn gpu(gpu: Gpu) -> Self {
        Self(Place::Gpu(gpu))
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.0
    }

    /// Whether it is the processor of the host.
    #[must_use]
    pub const fn is_cpu(&self) -> bool {
        matches!(self.0, Place::Cpu)
    }

    /// The name that its maker gave it, such as `NVIDIA H100 80GB HBM3`; `cpu` for the processor of the host.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.0 {
            Place::Cpu => "cpu",
            Place::Gpu(gpu) => gpu.name(),
        }
    }

    /// The compute capability of a GPU, such as `(9, 0)`.
    #[must_use]
    pub fn capability(&self) -> Option<(u32, u32)> {
        match &self.0 {
            Place::Cpu => None,
            Place::Gpu(gpu) => Some(gpu.capability()),
        }
    }

    /// Waits until the device has done all that it was asked. On the host a call ends when it returns.
    ///
    /// # Errors
    /// If the device has failed.
    pub fn synchronize(&self) -> Result<(), Error> {
        match &self.0 {
            Place::Cpu => Ok(()),
            Place::Gpu(gpu) => gpu.synchronize(),
        }
    }

    /// How long the device did what `work` asked of it, and what `work` gives.
    ///
    /// On a GPU the time lies between two events of its stream, so that it has what the device did and not what the host waited,
    /// unless the device waited for the host; what other threads ask meanwhile counts, too. On the host it is the time by the clock.
    ///
    /// # Errors
    /// If the device has failed.
    ///
    /// # Examples
    /// ```
    /// use defn_runtime::{Device, Tensor};
    ///
    /// let (x, took) = Device::cpu().time(|| Tensor::<f32, 1>::full([1024], 1.0))?;
    /// println!("{} elements took {took:?}", x.len());
    /// # Ok::<(), defn_runtime::Error>(())
    /// ```
    pub fn time<R>(&self, work: impl FnOnce() -> R) -> Result<(R, Duration), Error> {
        match &self.0 {
            Place::Cpu => {
                let start = Instant::now();
                let result = work();
                Ok((result, start.elapsed()))
            }
            Place::Gpu(gpu) => gpu.time(work),
        }
    }

    /// Gives back the memory that the device keeps for later tensors, as [`trim`](crate::trim) does on the host.
    pub fn trim(&self) {
        match &self.0 {
            Place::Cpu => crate::trim(),
            Place::Gpu(gpu) => gpu.trim(),
        }
    }
}

/// `cpu`, `cuda:0`.
impl Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Cpu => f.write_str("cpu"),
            Place::Gpu(gpu) => Display::fmt(gpu, f),
        }
    }
}

/// With the name and the compute capability of a GPU.
impl Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Cpu => f.write_str("cpu"),
            Place::Gpu(gpu) => Debug::fmt(gpu, f),
        }
    }
}

/// Containers, tuples and arrays on another device; also containers that are [`Mapped`](crate::Mapped).
///
/// ```
/// use defn_runtime::{Device, OnDevice, Tensor};
///
/// let parameters = (Tensor::from([1.0f32, 2.0]), 0.5f32);
/// assert_eq!(parameters.to(&Device::cpu()), parameters);
/// ```
pub trait OnDevice: Leaves + Sized {
    /// The same value with all its tensors on `device`; numbers stay the host's.
    ///
    /// # Panics
    /// As [`try_to`](Self::try_to) fails.
    #[must_use]
    #[track_caller]
    fn to(&self, device: &Device) -> Self {
        match self.try_to(device) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`to`](Self::to).
    ///
    /// # Errors
    /// If a device has failed or has no memory left.
    fn try_to(&self, device: &Device) -> Result<Self, Error> {
        call::moved(self, device)
    }
}

impl<C: Leaves> OnDevice for C {}
