//! Functions of many steps of floats of 16 bits: computed as `f32`, and rounded once.
//!
//! ```text
//! mean(x: Tensor<bf16, n>)    ->    mean(x as f32) as bf16
//! ```
//!
//! The steps are no operations of the user, who so gets the value that is nearest but for what `f32` rounds. A primitive needs none of this.

use super::{Result, Tensor};
use crate::graph::Element;
use crate::graph::build::Builder;

/// What `f` gives of these operands; of floats of 16 bits what it gives of them as `f32`, rounded to their type.
pub(super) fn widely<const N: usize>(
    b: &mut Builder,
    operands: [&Tensor; N],
    f: impl Fn(&mut Builder, [&Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let element = operands[0].element(b);
    if !element.is_half() || operands.iter().any(|it| it.element(b) != element) {
        return f(b, operands);
    }
    let wide = operands.map(|it| rounded(b, Element::F32, it));
    match f(b, wide.each_ref()) {
        Ok(found) => Ok(rounded(b, element, &found)),
        // A mistake speaks of the types that the user wrote.
        Err(_) => f(b, operands),
    }
}

/// The same of a draw of an element type, whose parameters have it.
pub(super) fn widely_drawn<const N: usize>(
    b: &mut Builder,
    element: Element,
    operands: [&Tensor; N],
    f: impl Fn(&mut Builder, Element, [&Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    if operands.iter().any(|it| it.element(b) != element) {
        return f(b, element, operands);
    }
    widely(b, operands, |b, operands| f(b, operands[0].element(b), operands))
}

/// A tensor in another element type.
pub(super) fn rounded(b: &mut Builder, element: Element, x: &Tensor) -> Tensor {
    x.with(b.convert(element, x.node))
}
