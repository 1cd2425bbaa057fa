//! What most users import: `use defn::prelude::*;`.

pub use crate::{
    Device, Element, Float, Key, Number, OnDevice, Tensor, defn, grad, hessian, jacobian, jvp,
    value_and_grad, vjp, vmap,
};
