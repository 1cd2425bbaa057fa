//! Everything that expanded code may name, and nothing else.
//!
//! These names are a contract between one version of the macros and the same version of the runtime.
//! They are no part of the public interface, and may change with every release.

pub use crate::abi::{
    Axis, Check, CheckKind, Condition, DeviceCode, DeviceNumber, DevicePlace, Entry, Extent,
    Function, Hooks, Inspect, Job, Leaf, Signature, Solve, Spot, Step, Team,
};
pub use crate::call::{
    Arguments, Builder, broken, checked_only, fail, run, run_into, workspace_bytes,
};
pub use crate::element::{Element, ElementKind, Float, Number};
pub use crate::error::Error;
pub use crate::leaves::Leaves;
pub use crate::level::Level;
pub use crate::mapped::{
    Axes, Each, Mappable, Mapped, Of, OneMore, Then, number_at, stack_each, stack_numbers,
};
pub use crate::rules::{Given, Held, Ruled, Tested, check_rules, codes, rules_hold};
pub use crate::tensor::Tensor;
pub use half::{bf16, f16};
