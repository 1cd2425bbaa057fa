//! Calls whose arguments and results are known by their signature alone.
//!
//! In:  leaves as `f64`.   Out: leaves as `f64`. Every element type but the largest integers fits.

use super::points::Argument;
use crate::abi::Function;
use crate::call::{Arguments, Builder, run};
use crate::element::{Element, ElementKind, Value};
use crate::error::{Error, Report};
use crate::leaves::Leaves;

/// What a call returns: of each leaf the shape and the elements.
pub(super) struct Results(pub(super) Vec<(Vec<usize>, Vec<f64>)>);

impl Leaves for Results {
    fn read<'a>(&'a self, _: &mut Arguments<'a>) {
        panic!("defn bug: results of a test are no arguments");
    }

    fn update<'a>(&'a mut self, _: &mut Arguments<'a>) {
        panic!("defn bug: results of a test are not updated");
    }

    fn build(results: &mut Builder) -> Self {
        let mut all = Vec::new();
        while let Some(element) = results.next_element() {
            all.push(take(results, element));
        }
        Self(all)
    }
}

macro_rules! elements {
    ($($kind:ident $type:ty;)*) => {
        /// Elements as the code reads them.
        enum Elements { $($kind(Vec<$type>),)* }

        impl Elements {
            fn of(kind: ElementKind, values: &[f64]) -> Self {
                match kind { $(ElementKind::$kind => {
                    Self::$kind(values.iter().map(|it| <$type>::cast_from(Value::Double(*it))).collect())
                })* }
            }

            fn read<'a>(&'a self, arguments: &mut Arguments<'a>, extents: &'a [usize]) {
                match self { $(Self::$kind(elements) => arguments.read_elements(elements, extents),)* }
            }
        }

        fn take(results: &mut Builder, kind: ElementKind) -> (Vec<usize>, Vec<f64>) {
            match kind { $(ElementKind::$kind => {
                let (shape, elements) = results.take_elements::<$type>();
                (shape, elements.iter().map(|it| f64::cast_from(it.value())).collect())
            })* }
        }
    };
}

elements! { F32 f32; F64 f64; F16 half::f16; Bf16 half::bf16; I32 i32; I64 i64; U8 u8; U32 u32; U64 u64; Bool bool; }

/// Calls a function with these leaves.
pub(super) fn call(function: &'static Function, given: &[Argument]) -> Result<Results, Report> {
    let elements: Vec<Elements> =
        given.iter().map(|leaf| Elements::of(leaf.element, &leaf.values)).collect();
    let extents: Vec<usize> =
        given.iter().map(|leaf| leaf.values.first().map_or(0, |value| *value as usize)).collect();
    let results = run(function, |arguments| {
        for (leaf, (elements, extent)) in given.iter().zip(elements.iter().zip(&extents)) {
            match leaf.is_extent {
                true => arguments.read(extent),
                false => elements.read(arguments, &leaf.shape),
            }
        }
    });
    results.map_err(|error: Error| {
        let title = format!("`{}` cannot be called in its test", function.signature().name);
        Report::new(title).fact("reason", error.to_string().replace('\n', "\n    "))
    })
}
