//! What stands for devices in a program without them: types without values, so that every branch that asks for one is gone.
//!
//! The faces are those of `cuda/mod.rs`.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::element::Element;
use crate::error::{Absence, Error};
use crate::storage::Storage;

/// What does not exist. Types that hold it have no values either, which only the optimiser needs to see.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Never {}

/// A device; there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Gpu(Never);

/// Memory of a device.
#[derive(Clone)]
pub(crate) struct Remote(Never);

/// What was passed to a call besides addresses of the host: nothing.
pub(crate) struct Passed;

/// A tensor on a device that was passed.
pub(crate) struct Resident(Never);

pub(crate) fn presence() -> Result<usize, Absence> {
    Err(Absence::FeatureOff)
}

pub(crate) fn open(ordinal: usize) -> Result<Gpu, Error> {
    Err(Error::NoDevice { wanted: ordinal, reason: Absence::FeatureOff })
}

impl Gpu {
    pub(crate) fn name(&self) -> &str {
        match self.0 {}
    }

    pub(crate) fn capability(&self) -> (u32, u32) {
        match self.0 {}
    }

    pub(crate) fn synchronize(&self) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn time<R>(&self, _: impl FnOnce() -> R) -> Result<(R, Duration), Error> {
        match self.0 {}
    }

    pub(crate) fn trim(&self) {
        match self.0 {}
    }

    pub(crate) fn upload<E: Element>(&self, _: &[E]) -> Result<Remote, Error> {
        match self.0 {}
    }
}

impl Display for Gpu {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl Remote {
    pub(crate) fn gpu(&self) -> &Gpu {
        match self.0 {}
    }

    pub(crate) fn is_alone(&mut self) -> bool {
        match self.0 {}
    }

    pub(crate) fn download<E: Element>(&self, _: usize, _: usize) -> Result<Storage<E>, Error> {
        match self.0 {}
    }

    pub(crate) fn gather(
        &self,
        (_, _): (usize, usize),
        _: &[usize],
        _: &[isize],
    ) -> Result<Self, Error> {
        match self.0 {}
    }
}

impl Passed {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn resident<E: Element>(&mut self, _: usize, _: Result<(Remote, usize), Error>) {}

    #[inline(always)]
    pub(crate) fn changing(&mut self, _: usize) {}

    #[inline(always)]
    pub(crate) fn at(&self, _: usize) -> Option<&Resident> {
        None
    }

    #[inline(always)]
    pub(crate) fn fault(&mut self) -> Option<Error> {
        None
    }
}

impl Resident {
    pub(crate) fn moved(&self, _: &Gpu, _: usize) -> Result<Remote, Error> {
        match self.0 {}
    }

    pub(crate) fn read(&self, _: &mut [u8]) -> Result<(), Error> {
        match self.0 {}
    }
}
