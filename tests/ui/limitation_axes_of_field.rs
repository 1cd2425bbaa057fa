//! A Jacobian whose tensors have more axes than a container's may have.

use defn::prelude::*;

#[defn]
struct Field<a, b, c, d, e, f, g> {
    w: Tensor<f32, a, b, c, d, e, f, g>,
}

#[defn]
fn squared(field: Field<a, b, c, d, e, f, g>) -> Field<a, b, c, d, e, f, g> {
    Field { w: field.w * field.w }
}

fn main() {
    let field = Field { w: Tensor::<f32, 7>::zeros([1, 1, 1, 1, 1, 1, 1]) };
    let _ = jacobian!(squared)(&field);
}
