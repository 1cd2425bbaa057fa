//! How values become leaves, and leaves become values.
//!
//! A leaf is one tensor or one scalar; every other argument and result is a tree of them, walked field by field in order.
//! The compiler writes [`Leaves`] for the user's containers; tensors, scalars, tuples and arrays have it here.
//!
//! Never here: addresses, which are [`call`](crate::call)'s.

use crate::call::{Arguments, Builder};
use crate::element::Element;
use crate::tensor::Tensor;

/// A value that is a tree of tensors and scalars.
///
/// A container writes it field by field, in the order of its leaves in the signature:
///
/// ```
/// use defn_runtime::Tensor;
/// use defn_runtime::__private::{Arguments, Builder, Leaves};
///
/// struct Dense { w: Tensor<f32, 2>, b: Tensor<f32, 1> }
///
/// impl Leaves for Dense {
///     fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
///         Leaves::read(&self.w, arguments);
///         Leaves::read(&self.b, arguments);
///     }
///     fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
///         Leaves::update(&mut self.w, arguments);
///         Leaves::update(&mut self.b, arguments);
///     }
///     fn build(results: &mut Builder) -> Self {
///         Self { w: Leaves::build(results), b: Leaves::build(results) }
///     }
/// }
/// ```
pub trait Leaves {
    /// Passes the leaves to be read.
    fn read<'a>(&'a self, arguments: &mut Arguments<'a>);

    /// Passes the leaves to be changed in place, or to be overwritten with a result.
    fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>);

    /// Takes the leaves of a result.
    fn build(results: &mut Builder) -> Self;
}

impl<E: Element, const RANK: usize> Leaves for Tensor<E, RANK> {
    #[inline]
    fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
        arguments.read_tensor(self);
    }

    #[inline]
    fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
        arguments.update_tensor(self);
    }

    #[inline(always)]
    fn build(results: &mut Builder) -> Self {
        results.take_tensor()
    }
}

/// Scalars cannot be covered by one `impl` for all elements, since Rust could not tell them from tuples and containers.
macro_rules! scalars {
    ($($type:ty)*) => { $(
        impl Leaves for $type {
            #[inline]
            fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
                arguments.read_scalar(self);
            }

            #[inline]
            fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
                arguments.update_scalar(self);
            }

            #[inline]
            fn build(results: &mut Builder) -> Self {
                results.take_scalar()
            }
        }
    )* };
}

scalars!(f32 f64 half::f16 half::bf16 i32 i64 u8 u32 u64 bool);

/// An extent given as a number is only ever read, and no function returns one: it is built as a part of a value that goes to a device.
impl Leaves for usize {
    #[inline]
    fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
        arguments.read_extent(self);
    }

    fn update<'a>(&'a mut self, _: &mut Arguments<'a>) {
        panic!("defn bug: an extent cannot be updated");
    }

    fn build(results: &mut Builder) -> Self {
        results.take_scalar::<i64>() as Self
    }
}

impl<T: Leaves, const COUNT: usize> Leaves for [T; COUNT] {
    fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
        self.iter().for_each(|item| item.read(arguments));
    }

    fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
        self.iter_mut().for_each(|item| item.update(arguments));
    }

    fn build(results: &mut Builder) -> Self {
        std::array::from_fn(|_| T::build(results))
    }
}

/// What a function without a result returns.
impl Leaves for () {
    #[inline]
    fn read<'a>(&'a self, _: &mut Arguments<'a>) {}

    #[inline]
    fn update<'a>(&'a mut self, _: &mut Arguments<'a>) {}

    #[inline]
    fn build(_: &mut Builder) -> Self {}
}

/// Hands the tuples that may be parameters and results to a macro.
macro_rules! every_tuple {
    ($implement:ident) => {
        $implement! {
            A 0;
            A 0 B 1;
            A 0 B 1 C 2;
            A 0 B 1 C 2 D 3;
            A 0 B 1 C 2 D 3 E 4;
            A 0 B 1 C 2 D 3 E 4 F 5;
            A 0 B 1 C 2 D 3 E 4 F 5 G 6;
            A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
            A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
            A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
            A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
            A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
        }
    };
}
pub(crate) use every_tuple;

macro_rules! tuples {
    ($($($part:ident $position:tt)*;)*) => { $(
        impl<$($part: Leaves),*> Leaves for ($($part,)*) {
            #[inline]
            fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
                $(self.$position.read(arguments);)*
            }

            #[inline]
            fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
                $(self.$position.update(arguments);)*
            }

            #[inline]
            fn build(results: &mut Builder) -> Self {
                ($($part::build(results),)*)
            }
        }
    )* };
}

every_tuple!(tuples);
