//! Devices of NVIDIA: memory, copies, and launch plans.
//!
//! ```text
//! Device, Tensor::to -> gpu -> memory, transfer, gather -> driver -> nvidia (cudarc), or a simulated device
//! call               -> call -> load, launch            ->
//! ```
//!
//! Only `nvidia` knows the driver's library. Everything else is proven on a simulated device, whose memory is its own, whose copies and
//! kernels run late, and which refuses every address outside of what it gave out.

mod driver;
mod gpu;
mod memory;
mod transfer;
mod gather;
mod load;
mod launch;
mod call;
#[cfg(feature = "cuda")]
mod nvidia;
#[cfg(any(test, feature = "simulated"))]
pub(crate) mod simulated;
#[cfg(test)]
mod host;
#[cfg(test)]
mod tests;

pub(crate) use call::{Call, Passed, Shown};
pub(crate) use gpu::{Caller, Gpu};
pub(crate) use memory::Remote;

use crate::error::{Absence, Error};

/// How many devices there are, or why there are none.
#[cfg(feature = "cuda")]
pub(crate) fn presence() -> Result<usize, Absence> {
    nvidia::presence()
}

/// One of them; the same for whoever asks.
#[cfg(feature = "cuda")]
pub(crate) fn open(ordinal: usize) -> Result<Gpu, Error> {
    use std::sync::{Mutex, PoisonError};
    static OPEN: Mutex<Vec<Gpu>> = Mutex::new(Vec::new());
    let count = presence().map_err(|reason| Error::NoDevice { wanted: ordinal, reason })?;
    if ordinal >= count {
        return Err(Error::NoDevice { wanted: ordinal, reason: Absence::Count(count) });
    }
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = open.iter().find(|gpu| gpu.ordinal() == ordinal) {
        return Ok(known.clone());
    }
    let opened = nvidia::Nvidia::open(ordinal);
    let driver = opened.map_err(|fault| {
        let reason = Absence::Driver(fault.to_string());
        Error::NoDevice { wanted: ordinal, reason }
    })?;
    let gpu = Gpu::new(Box::new(driver));
    open.push(gpu.clone());
    Ok(gpu)
}

/// Without the driver's library there are none.
#[cfg(not(feature = "cuda"))]
pub(crate) fn presence() -> Result<usize, Absence> {
    Err(Absence::FeatureOff)
}

/// As [`presence`] says.
#[cfg(not(feature = "cuda"))]
pub(crate) fn open(ordinal: usize) -> Result<Gpu, Error> {
    Err(Error::NoDevice { wanted: ordinal, reason: Absence::FeatureOff })
}
