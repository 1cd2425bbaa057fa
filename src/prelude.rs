//! What most users import: `use defn::prelude::*;`.

pub use crate::{
    Device, Element, Float, Key, Number, OnDevice, Tensor, bf16, defn, f16, grad, hessian,
    jacobian, jvp, value_and_grad, vjp, vmap,
};
