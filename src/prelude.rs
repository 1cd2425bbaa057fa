//! What most users import: `use defn::prelude::*;`.

pub use crate::{
    Element, Float, Key, Number, Tensor, defn, grad, hessian, jacobian, jvp, value_and_grad, vjp,
    vmap,
};
