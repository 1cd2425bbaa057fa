//! The runtime of `defn`: what stays in a user's program beside the compiled code.
//!
//! - [`Tensor`] holds the elements: aligned, shared, seen through strides, copied when changed.
//! - A call checks the shapes of its arguments against the signature, solves the symbols, allocates the results,
//!   picks the code for this processor, and enters it.
//! - [`Error`] says which facts disagreed.
//!
//! ```text
//! tensors -> leaves -> solve -> call -> machine code -> tensors
//! ```
//!
//! # Examples
//! ```
//! use defn_runtime::Tensor;
//!
//! let x = Tensor::from_fn([2, 3], |[row, column]| (10 * row + column) as f32);
//! assert_eq!(x.slice(1, 1..).to_vec(), [1.0, 2.0, 11.0, 12.0]);
//! println!("{}", x.transposed());
//! ```
//!
//! # Environment
//! `DEFN_LEVEL=v3` or `v4` forces a level of x86-64 instructions below the best that the processor has.
//! `DEFN_THREADS=4` chooses how many threads a call uses at most.
#![deny(unsafe_code)]

mod element;
mod shape;
#[expect(unsafe_code, reason = "memory that is aligned, not yet written, or shared")]
mod storage;
mod recycle;
mod tensor;
#[expect(
    unsafe_code,
    reason = "the promise that the compiler makes for a function, which nothing here relies on alone"
)]
mod abi;
mod plan;
mod level;
mod solve;
mod leaves;
mod mapped;
mod device;
#[cfg_attr(not(any(feature = "cuda", test)), path = "cuda/absent.rs")]
#[cfg_attr(
    any(feature = "cuda", test),
    expect(unsafe_code, reason = "memory that is not the host's, and the library of its driver")
)]
mod cuda;
mod team;
#[expect(unsafe_code, reason = "the only place where generated code is entered")]
mod call;
#[expect(unsafe_code, reason = "hooks that borrow are known to their thread while they live")]
mod hooks;
mod key;
mod error;
mod rules;
#[doc(hidden)]
pub mod __private;
/// Devices of tests.
#[cfg(any(test, all(feature = "cuda", feature = "simulated")))]
#[doc(hidden)]
pub mod simulated {
    pub use crate::cuda::simulated::{Counts, Machine, Simulated};
}

/// Floats of 16 bits: IEEE 754's binary16, and the upper half of an `f32`. They are those of the crate `half`.
pub use half::{bf16, f16};

pub use device::{Device, OnDevice};
pub use element::{Element, ElementKind, Float, Number};
pub use error::{
    Absence, CheckFailed, ConditionFailed, DeviceFailed, DeviceMismatch, Error, ExtentMismatch,
    NegativeExtent, NotSolvable, Place, Placed, ResultShape, ShapeMismatch, Source, UnknownHook,
};
pub use hooks::{Hooks, Inspected};
pub use key::Key;
pub use level::Level;
pub use mapped::{Jacobian, Mappable, Mapped, at, stack};
pub use recycle::trim;
pub use team::{set_threads, threads};
pub use tensor::{Iter, Tensor};
