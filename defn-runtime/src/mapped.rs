//! Values with more axes than they have: what `vmap!` takes and gives, and the derivatives of containers.
//!
//! In:  `Dense { w: Tensor<f32, 2>, b: Tensor<f32, 1> }`.   Out: a struct with the same fields, `w: Tensor<f32, 3>` and `b: Tensor<f32, 2>`.
//!
//! Which axes there are is a type of [`Axes`]: one more in front, those of a result in front, or those of parameters behind.
//! Rust cannot say `RANK + 1` in a type, so every form of axes says what becomes of each rank.
//! The compiler writes [`Mappable`] for the user's containers, with a struct for any axes; all else has it here.

use std::convert::Infallible;
use std::fmt::Debug;
use std::marker::PhantomData;

use crate::call::{Arguments, Builder};
use crate::element::Element;
use crate::key::Key;
use crate::leaves::{Leaves, every_tuple};
use crate::tensor::Tensor;

/// A value whose tensors may have more axes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form with one more axis",
    label = "no container, tensor or number of the language"
)]
pub trait Mappable: Leaves + Sized {
    /// With those axes: a number becomes a tensor, and a container a struct of the same fields.
    type With<A: Axes>: Mappable + Clone + Debug + PartialEq;

    /// Values side by side. Panics if their shapes differ.
    #[track_caller]
    fn stack(items: &[&Self]) -> Mapped<Self>;

    /// The value at one position of the new axis. Panics if there is none.
    #[track_caller]
    fn at(mapped: &Mapped<Self>, position: usize) -> Self;
}

/// A container with one more axis, first, in each of its tensors: what `vmap!` takes for it, and gives.
///
/// The fields have the names of the container, so that an alias builds one and every field can be read.
/// A second map has a second axis, in front of the first: `Mapped<Mapped<Model>>`.
pub type Mapped<C> = <C as Mappable>::With<OneMore>;

/// All derivatives of a result `R` with respect to a parameter `P`, as `jacobian!` gives them: for each tensor of `R` a `P`,
/// whose tensors have the axes of that of `R` and then their own.
///
/// That of one number has the shapes of `P`; that of a container is a struct with its fields, which holds such structs.
/// `hessian!` gives a `Jacobian<P, P>`.
pub type Jacobian<R, P> = <R as Mappable>::With<Each<P>>;

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
pub fn stack_each<C, F: Mappable>(items: &[&C], field: impl Fn(&C) -> &F) -> Mapped<F> {
    F::stack(&items.iter().map(|item| field(item)).collect::<Vec<_>>())
}

/// One number of containers, side by side, of any element type.
pub fn stack_numbers<C, E: Element>(items: &[&C], field: impl Fn(&C) -> &E) -> Tensor<E, 1> {
    Tensor::from_fn([items.len()], |[position]| *field(items[position]))
}

/// One of them.
#[track_caller]
pub fn number_at<E: Element>(mapped: &Tensor<E, 1>, position: usize) -> E {
    mapped[[position]]
}

/// Axes that a value may have besides its own: what becomes of a number, and of a tensor of each rank.
///
/// The trait is implemented here only.
pub trait Axes: Clone + Debug + PartialEq {
    /// A number with those axes.
    type Number<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 0 with those axes.
    type R0<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 1 with those axes.
    type R1<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 2 with those axes.
    type R2<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 3 with those axes.
    type R3<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 4 with those axes.
    type R4<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 5 with those axes.
    type R5<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 6 with those axes.
    type R6<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 7 with those axes.
    type R7<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 8 with those axes.
    type R8<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 9 with those axes.
    type R9<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 10 with those axes.
    type R10<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 11 with those axes.
    type R11<E: Element>: Mappable + Clone + Debug + PartialEq;
    /// A tensor of rank 12 with those axes.
    type R12<E: Element>: Mappable + Clone + Debug + PartialEq;
}

/// One axis in front.
#[derive(Clone, Debug, PartialEq)]
pub enum OneMore {}

/// The axes of a result with elements of `F` and as many axes in front, and its elements.
#[derive(Clone, Debug, PartialEq)]
pub enum Of<F, const RANK: usize> {
    #[doc(hidden)]
    Never(Infallible, PhantomData<F>),
}

/// A `P` in place of each tensor, whose tensors have the axes of that one and then their own.
pub enum Each<P> {
    #[doc(hidden)]
    Never(Infallible, PhantomData<P>),
}

/// Axes after others.
#[derive(Clone, Debug, PartialEq)]
pub enum Then<A, B> {
    #[doc(hidden)]
    Never(Infallible, PhantomData<(A, B)>),
}

impl<P> Clone for Each<P> {
    fn clone(&self) -> Self {
        match *self {
            Self::Never(never, _) => match never {},
        }
    }
}

impl<P> Debug for Each<P> {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Never(never, _) => match never {},
        }
    }
}

impl<P> PartialEq for Each<P> {
    fn eq(&self, _: &Self) -> bool {
        match *self {
            Self::Never(never, _) => match never {},
        }
    }
}

/// What a tensor would be that has more axes than a tensor may have: there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum TooManyAxes {}

impl Leaves for TooManyAxes {
    fn read<'a>(&'a self, _: &mut Arguments<'a>) {
        match *self {}
    }

    fn update<'a>(&'a mut self, _: &mut Arguments<'a>) {
        match *self {}
    }

    fn build(_: &mut Builder) -> Self {
        too_many()
    }
}

impl Mappable for TooManyAxes {
    type With<A: Axes> = Self;

    fn stack(_: &[&Self]) -> Self {
        too_many()
    }

    fn at(mapped: &Self, _: usize) -> Self {
        mapped.clone()
    }
}

#[track_caller]
fn too_many() -> ! {
    panic!("a tensor has at most 12 axes")
}

/// The type of a rank; `_` where there is none.
macro_rules! rank {
    ($element:ident _) => { TooManyAxes };
    ($element:ident $rank:literal) => { Tensor<$element, $rank> };
}

impl Axes for OneMore {
    type Number<E: Element> = Tensor<E, 1>;
    type R0<E: Element> = rank!(E 1);
    type R1<E: Element> = rank!(E 2);
    type R2<E: Element> = rank!(E 3);
    type R3<E: Element> = rank!(E 4);
    type R4<E: Element> = rank!(E 5);
    type R5<E: Element> = rank!(E 6);
    type R6<E: Element> = rank!(E 7);
    type R7<E: Element> = rank!(E 8);
    type R8<E: Element> = rank!(E 9);
    type R9<E: Element> = rank!(E 10);
    type R10<E: Element> = rank!(E 11);
    type R11<E: Element> = rank!(E 12);
    type R12<E: Element> = rank!(E _);
}

macro_rules! of {
    (0: $($rest:tt)*) => { of!(@ 0 [F] $($rest)*); };
    ($rank:literal: $($rest:tt)*) => { of!(@ $rank [Tensor<F, $rank>] $($rest)*); };
    (@ $rank:literal [$number:ty] $zero:tt $r1:tt $r2:tt $r3:tt $r4:tt $r5:tt $r6:tt $r7:tt $r8:tt $r9:tt $r10:tt $r11:tt $r12:tt) => {
        impl<F: Element> Axes for Of<F, $rank> {
            type Number<E: Element> = $number;
            type R0<E: Element> = $number;
            type R1<E: Element> = rank!(F $r1);
            type R2<E: Element> = rank!(F $r2);
            type R3<E: Element> = rank!(F $r3);
            type R4<E: Element> = rank!(F $r4);
            type R5<E: Element> = rank!(F $r5);
            type R6<E: Element> = rank!(F $r6);
            type R7<E: Element> = rank!(F $r7);
            type R8<E: Element> = rank!(F $r8);
            type R9<E: Element> = rank!(F $r9);
            type R10<E: Element> = rank!(F $r10);
            type R11<E: Element> = rank!(F $r11);
            type R12<E: Element> = rank!(F $r12);
        }
    };
}

of!(0: 0 1 2 3 4 5 6 7 8 9 10 11 12);
of!(1: 1 2 3 4 5 6 7 8 9 10 11 12 _);
of!(2: 2 3 4 5 6 7 8 9 10 11 12 _ _);
of!(3: 3 4 5 6 7 8 9 10 11 12 _ _ _);
of!(4: 4 5 6 7 8 9 10 11 12 _ _ _ _);
of!(5: 5 6 7 8 9 10 11 12 _ _ _ _ _);
of!(6: 6 7 8 9 10 11 12 _ _ _ _ _ _);
of!(7: 7 8 9 10 11 12 _ _ _ _ _ _ _);
of!(8: 8 9 10 11 12 _ _ _ _ _ _ _ _);
of!(9: 9 10 11 12 _ _ _ _ _ _ _ _ _);
of!(10: 10 11 12 _ _ _ _ _ _ _ _ _ _);
of!(11: 11 12 _ _ _ _ _ _ _ _ _ _ _);
of!(12: 12 _ _ _ _ _ _ _ _ _ _ _ _);

impl<P: Mappable> Axes for Each<P> {
    type Number<E: Element> = P::With<Of<E, 0>>;
    type R0<E: Element> = P::With<Of<E, 0>>;
    type R1<E: Element> = P::With<Of<E, 1>>;
    type R2<E: Element> = P::With<Of<E, 2>>;
    type R3<E: Element> = P::With<Of<E, 3>>;
    type R4<E: Element> = P::With<Of<E, 4>>;
    type R5<E: Element> = P::With<Of<E, 5>>;
    type R6<E: Element> = P::With<Of<E, 6>>;
    type R7<E: Element> = P::With<Of<E, 7>>;
    type R8<E: Element> = P::With<Of<E, 8>>;
    type R9<E: Element> = P::With<Of<E, 9>>;
    type R10<E: Element> = P::With<Of<E, 10>>;
    type R11<E: Element> = P::With<Of<E, 11>>;
    type R12<E: Element> = P::With<Of<E, 12>>;
}

impl<A: Axes, B: Axes> Axes for Then<A, B> {
    type Number<E: Element> = <A::Number<E> as Mappable>::With<B>;
    type R0<E: Element> = <A::R0<E> as Mappable>::With<B>;
    type R1<E: Element> = <A::R1<E> as Mappable>::With<B>;
    type R2<E: Element> = <A::R2<E> as Mappable>::With<B>;
    type R3<E: Element> = <A::R3<E> as Mappable>::With<B>;
    type R4<E: Element> = <A::R4<E> as Mappable>::With<B>;
    type R5<E: Element> = <A::R5<E> as Mappable>::With<B>;
    type R6<E: Element> = <A::R6<E> as Mappable>::With<B>;
    type R7<E: Element> = <A::R7<E> as Mappable>::With<B>;
    type R8<E: Element> = <A::R8<E> as Mappable>::With<B>;
    type R9<E: Element> = <A::R9<E> as Mappable>::With<B>;
    type R10<E: Element> = <A::R10<E> as Mappable>::With<B>;
    type R11<E: Element> = <A::R11<E> as Mappable>::With<B>;
    type R12<E: Element> = <A::R12<E> as Mappable>::With<B>;
}

/// What a tensor of each rank becomes, and how many are put side by side.
macro_rules! tensors {
    ($($rank:literal $name:ident to $more:literal),*) => { $(
        impl<E: Element> Mappable for Tensor<E, $rank> {
            type With<A: Axes> = A::$name<E>;

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

tensors!(
    0 R0 to 1,     1 R1 to 2,     2 R2 to 3,     3 R3 to 4,     4 R4 to 5,     5 R5 to 6,     6 R6 to 7,     7 R7 to 8,     8 R8 to 9,     9 R9 to 10,     10 R10 to 11,     11 R11 to 12
);

/// There is no tensor of rank 13.
impl<E: Element> Mappable for Tensor<E, 12> {
    type With<A: Axes> = A::R12<E>;

    fn stack(_: &[&Self]) -> TooManyAxes {
        too_many()
    }

    fn at(mapped: &TooManyAxes, _: usize) -> Self {
        match *mapped {}
    }
}

macro_rules! scalars {
    ($($type:ty)*) => { $(
        impl Mappable for $type {
            type With<A: Axes> = A::Number<$type>;

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
    type With<A: Axes> = A::Number<u64>;

    fn stack(items: &[&Self]) -> Tensor<u64, 1> {
        Tensor::from_fn([items.len()], |[position]| items[position].number())
    }

    fn at(mapped: &Tensor<u64, 1>, position: usize) -> Self {
        Self::new(mapped[[position]])
    }
}

impl<T: Mappable, const COUNT: usize> Mappable for [T; COUNT] {
    type With<A: Axes> = [T::With<A>; COUNT];

    fn stack(items: &[&Self]) -> Mapped<Self> {
        std::array::from_fn(|part| {
            T::stack(&items.iter().map(|item| &item[part]).collect::<Vec<_>>())
        })
    }

    fn at(mapped: &Mapped<Self>, position: usize) -> Self {
        std::array::from_fn(|part| T::at(&mapped[part], position))
    }
}

macro_rules! tuples {
    ($($($part:ident $position:tt)*;)*) => { $(
        impl<$($part: Mappable),*> Mappable for ($($part,)*) {
            type With<More: Axes> = ($($part::With<More>,)*);

            fn stack(items: &[&Self]) -> Mapped<Self> {
                ($($part::stack(&items.iter().map(|item| &item.$position).collect::<Vec<_>>()),)*)
            }

            fn at(mapped: &Mapped<Self>, position: usize) -> Self {
                ($($part::at(&mapped.$position, position),)*)
            }
        }
    )* };
}

every_tuple!(tuples);

/// What a broken container has.
impl Mappable for () {
    type With<A: Axes> = ();

    fn stack(_: &[&Self]) {}

    fn at((): &(), _: usize) {}
}

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
