//! Containers with one more axis, as `vmap!` takes and gives them.
//!
//! In:  `Dense { w: Tensor<f32, 2>, b: Tensor<f32, 1> }`.   Out: a struct with the same fields, `w: Tensor<f32, 3>` and `b: Tensor<f32, 2>`.
//!
//! The compiler writes [`Mappable`] for the user's containers, with a struct for what is mapped; all else has it here.

use std::fmt::Debug;

use crate::element::Element;
use crate::key::Key;
use crate::leaves::{Leaves, every_tuple};
use crate::tensor::Tensor;

/// A value whose tensors may have one more axis, first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form with one more axis",
    label = "no container, tensor or number of the language"
)]
pub trait Mappable: Leaves + Sized {
    /// With that axis: a number becomes a tensor, and a container a struct of the same fields.
    type Mapped: Leaves + Clone + Debug + PartialEq;

    /// Values side by side. Panics if their shapes differ.
    #[track_caller]
    fn stack(items: &[&Self]) -> Self::Mapped;

    /// The value at one position of the new axis. Panics if there is none.
    #[track_caller]
    fn at(mapped: &Self::Mapped, position: usize) -> Self;
}

/// A container with one more axis, first, in each of its tensors: what `vmap!` takes for it, and gives.
///
/// The fields have the names of the container, so that an alias builds one and every field can be read.
pub type Mapped<C> = <C as Mappable>::Mapped;

/// Containers, tensors or numbers side by side, along a new first axis.
///
/// # Panics
/// If the shapes of two of them differ.
#[must_use]
#[track_caller]
pub fn stack<C: Mappable>(items: &[C]) -> Mapped<C> {
    C::stack(&items.iter().collect::<Vec<_>>())
}

/// One of those that [`stack`] has put side by side: `at::<Mlp>(&models, 3)`.
///
/// # Panics
/// If there is no such position.
#[must_use]
#[track_caller]
pub fn at<C: Mappable>(mapped: &Mapped<C>, position: usize) -> C {
    C::at(mapped, position)
}

/// One field of containers, side by side.
#[track_caller]
pub fn stack_each<C, F: Mappable>(items: &[&C], field: impl Fn(&C) -> &F) -> F::Mapped {
    F::stack(&items.iter().map(|item| field(item)).collect::<Vec<_>>())
}

/// Rust cannot say `RANK + 1` in a type, so each rank has its own implementation.
macro_rules! tensors {
    ($($rank:literal to $more:literal),*) => { $(
        impl<E: Element> Mappable for Tensor<E, $rank> {
            type Mapped = Tensor<E, $more>;

            fn stack(items: &[&Self]) -> Tensor<E, $more> {
                let inner = items.first().map_or([0; $rank], |first| first.shape());
                let mut elements = Vec::new();
                for item in items {
                    assert_eq!(item.shape(), inner, "tensors side by side have one shape");
                    elements.extend(item.iter().copied());
                }
                let mut shape = [items.len(); $more];
                shape[1..].copy_from_slice(&inner);
                match Tensor::from_vec(shape, elements) {
                    Ok(tensor) => tensor,
                    Err(error) => panic!("{error}"),
                }
            }

            fn at(mapped: &Tensor<E, $more>, position: usize) -> Self {
                let mut shape = [0; $rank];
                shape.copy_from_slice(&mapped.shape()[1..]);
                match Tensor::from_vec(shape, mapped.slice(0, position..position + 1).to_vec()) {
                    Ok(tensor) => tensor,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    )* };
}

tensors!(0 to 1, 1 to 2, 2 to 3, 3 to 4, 4 to 5, 5 to 6, 6 to 7, 7 to 8, 8 to 9, 9 to 10, 10 to 11, 11 to 12);

macro_rules! scalars {
    ($($type:ty)*) => { $(
        impl Mappable for $type {
            type Mapped = Tensor<$type, 1>;

            fn stack(items: &[&Self]) -> Tensor<$type, 1> {
                Tensor::from_fn([items.len()], |[position]| *items[position])
            }

            fn at(mapped: &Tensor<$type, 1>, position: usize) -> Self {
                mapped[[position]]
            }
        }
    )* };
}

scalars!(f32 f64 half::f16 half::bf16 i32 i64 u8 u32 u64 bool);

/// Many keys are a tensor of numbers.
impl Mappable for Key {
    type Mapped = Tensor<u64, 1>;

    fn stack(items: &[&Self]) -> Tensor<u64, 1> {
        Tensor::from_fn([items.len()], |[position]| items[position].number())
    }

    fn at(mapped: &Tensor<u64, 1>, position: usize) -> Self {
        Self::new(mapped[[position]])
    }
}

impl<T: Mappable, const COUNT: usize> Mappable for [T; COUNT] {
    type Mapped = [T::Mapped; COUNT];

    fn stack(items: &[&Self]) -> Self::Mapped {
        std::array::from_fn(|part| {
            T::stack(&items.iter().map(|item| &item[part]).collect::<Vec<_>>())
        })
    }

    fn at(mapped: &Self::Mapped, position: usize) -> Self {
        std::array::from_fn(|part| T::at(&mapped[part], position))
    }
}

macro_rules! tuples {
    ($($($part:ident $position:tt)*;)*) => { $(
        impl<$($part: Mappable),*> Mappable for ($($part,)*) {
            type Mapped = ($($part::Mapped,)*);

            fn stack(items: &[&Self]) -> Self::Mapped {
                ($($part::stack(&items.iter().map(|item| &item.$position).collect::<Vec<_>>()),)*)
            }

            fn at(mapped: &Self::Mapped, position: usize) -> Self {
                ($($part::at(&mapped.$position, position),)*)
            }
        }
    )* };
}

every_tuple!(tuples);

#[cfg(test)]
mod tests {
    use super::{at, stack};
    use crate::{Key, Tensor};

    #[test]
    fn what_is_stacked_is_at_its_position() {
        let item =
            |k: i32| (Tensor::from_fn([2, 3], |[i, j]| 10 * k + (3 * i + j) as i32), [k, -k]);
        let items: Vec<_> = (0..4).map(item).collect();
        let mapped = stack(&items);
        assert_eq!(mapped.0.shape(), [4, 2, 3]);
        assert_eq!(mapped.1[1], Tensor::from([0, -1, -2, -3]));
        for (k, expected) in items.iter().enumerate() {
            let found: (Tensor<i32, 2>, [i32; 2]) = at::<(Tensor<i32, 2>, [i32; 2])>(&mapped, k);
            assert_eq!(found, *expected);
        }
        assert_eq!(stack::<Tensor<f32, 1>>(&[]).shape(), [0, 0]);
        let keys = [Key::new(3), Key::new(u64::MAX)];
        assert_eq!(at::<Key>(&stack(&keys), 1), keys[1]);
    }
}
