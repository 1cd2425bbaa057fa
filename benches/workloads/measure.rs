//! Time: of the first call, of a call that returns its result, of a call into a result that is there.
//!
//! Before: closures that make one call.   Afterwards: their times, and how near the result was to the reference.

use std::hint::black_box;
use std::time::Instant;

use defn::{Device, OnDevice, Tensor};

/// An answer, or in words what is wrong.
pub(crate) type Verdict<T> = Result<T, String>;

/// A sample lasts at least so long, in seconds, so that reading the clock is a thousandth of it.
const SAMPLE: f64 = 20e-6;

/// More samples do not move a median.
const SAMPLES: usize = 2000;

/// A result that can be made wrong, so that whoever writes into it has to write all of it.
pub(crate) trait Spoil {
    /// Makes every element something that equals nothing.
    fn spoil(&mut self);
}

impl Spoil for f32 {
    fn spoil(&mut self) {
        *self = f32::NAN;
    }
}

impl<const RANK: usize> Spoil for Tensor<f32, RANK> {
    fn spoil(&mut self) {
        *self = Tensor::full(self.shape(), f32::NAN);
    }
}

impl<const RANK: usize> Spoil for Tensor<i32, RANK> {
    fn spoil(&mut self) {
        *self = Tensor::full(self.shape(), i32::MIN);
    }
}

impl<A: Spoil, B: Spoil> Spoil for (A, B) {
    fn spoil(&mut self) {
        self.0.spoil();
        self.1.spoil();
    }
}

impl<A: Spoil, B: Spoil, C: Spoil> Spoil for (A, B, C) {
    fn spoil(&mut self) {
        self.0.spoil();
        self.1.spoil();
        self.2.spoil();
    }
}

/// How long to measure, and where.
pub(crate) struct Stopwatch {
    /// For each form of a call.
    pub(crate) seconds: f64,
    /// Whose clock is looked at.
    pub(crate) device: Device,
}

/// What was measured, in seconds.
pub(crate) struct Times {
    /// Of calls that return their result.
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) first: f64,
    /// The median and the minimum of calls that write into a result that is there.
    pub(crate) into: Option<(f64, f64)>,
    /// How far the worst element is from the reference, as a share of what is tolerated.
    pub(crate) off: f64,
}

impl Stopwatch {
    /// Checks the result of the first call, then times calls of both forms, with the inputs on the device.
    pub(crate) fn time<I: OnDevice, R: PartialEq + Spoil + OnDevice>(
        &self,
        inputs: &I,
        call: impl Fn(&I) -> R,
        into: impl Fn(&I, &mut R) -> Result<(), defn::Error>,
        check: impl FnOnce(&R) -> Verdict<f64>,
    ) -> Verdict<Times> {
        let inputs = inputs.to(&self.device);
        let call = || call(&inputs);
        let start = Instant::now();
        let mut result = black_box(call());
        self.synchronize()?;
        let first = start.elapsed().as_secs_f64();
        let off = check(&here(&result))?;
        let (median, min) = self.samples(|| drop(black_box(call())))?;

        let write = |result: &mut R| into(&inputs, result).map_err(|error| error.to_string());
        result.spoil();
        result = result.to(&self.device);
        write(&mut result)?;
        if here(&result) != here(&call()) {
            return Err("`into` writes another result than the call returns".to_owned());
        }
        let into = self.samples(|| drop(black_box(into(&inputs, &mut result))))?;
        Ok(Times { median, min, first, into: Some(into), off })
    }

    /// The same for what is changed in place, where there is only one form.
    pub(crate) fn time_in_place<I: OnDevice, R: OnDevice>(
        &self,
        inputs: &I,
        state: R,
        call: impl Fn(&I, &mut R),
        check: impl FnOnce(&R) -> Verdict<f64>,
    ) -> Verdict<Times> {
        let (inputs, mut state) = (inputs.to(&self.device), state.to(&self.device));
        let call = |state: &mut R| call(&inputs, state);
        let start = Instant::now();
        call(black_box(&mut state));
        self.synchronize()?;
        let first = start.elapsed().as_secs_f64();
        let off = check(&here(&state))?;
        let (median, min) = self.samples(|| call(black_box(&mut state)))?;
        Ok(Times { median, min, first, into: None, off })
    }

    /// The median and the minimum of many samples, in seconds a call.
    fn samples(&self, mut call: impl FnMut()) -> Verdict<(f64, f64)> {
        let mut sample = |calls: usize| {
            let time = self.device.time(|| (0..calls).for_each(|_| call()));
            time.map(|((), took)| took.as_secs_f64()).map_err(|error| error.to_string())
        };
        let mut calls = 1;
        while sample(calls)? < SAMPLE {
            calls *= 2;
        }
        let (start, mut times) = (Instant::now(), Vec::with_capacity(SAMPLES));
        while times.len() < 5
            || (times.len() < SAMPLES && start.elapsed().as_secs_f64() < self.seconds)
        {
            times.push(sample(calls)? / calls as f64);
        }
        Ok(median_and_min(times))
    }

    /// A workload that no other device has, for this reason.
    pub(crate) fn only_here(&self, reason: &str) -> Verdict<()> {
        if self.device.is_cpu() { Ok(()) } else { Err(reason.to_owned()) }
    }

    /// Waits until the first call has ended.
    fn synchronize(&self) -> Verdict<()> {
        self.device.synchronize().map_err(|error| error.to_string())
    }
}

/// A value where its elements can be looked at.
pub(crate) fn here<R: OnDevice>(value: &R) -> R {
    value.to(&Device::cpu())
}

/// The median and the minimum of times.
pub(crate) fn median_and_min(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}

impl Times {
    /// The members of an object of JSON, in milliseconds.
    pub(crate) fn json(&self) -> String {
        let ms = |seconds: f64| format!("{:.6}", seconds * 1e3);
        let into = self.into.map_or_else(String::new, |(median, min)| {
            format!(",\"into_ms\":{},\"into_min_ms\":{}", ms(median), ms(min))
        });
        format!(
            "\"median_ms\":{},\"min_ms\":{},\"first_ms\":{}{into},\"off\":{:.4}",
            ms(self.median),
            ms(self.min),
            ms(self.first),
            self.off
        )
    }
}
