//! Laws of tensors: chains of views against a naive twin that knows indices only.

#[expect(dead_code, reason = "each test file uses a part of the functions")]
mod common;

use defn_runtime::Tensor;
use proptest::prelude::*;

/// One step of a chain of views of rank 3; numbers that are too large are wrapped by whoever applies it.
#[derive(Clone, Debug)]
enum View {
    Transpose,
    Permute(usize),
    Slice(usize, usize, usize),
    Step(usize, usize),
    Reverse(usize),
}

/// A tensor as the slow truth has it: the extents, and the elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
struct Twin {
    shape: [usize; 3],
    elements: Vec<i32>,
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

impl Twin {
    fn new(shape: [usize; 3]) -> Self {
        Self { shape, elements: (0..shape.iter().product::<usize>() as i32).collect() }
    }

    fn at(&self, [i, j, k]: [usize; 3]) -> i32 {
        self.elements[(i * self.shape[1] + j) * self.shape[2] + k]
    }

    /// The tensor of another shape whose element at each index is this tensor's at `source` of it.
    fn gather(&self, shape: [usize; 3], source: impl Fn([usize; 3]) -> [usize; 3]) -> Self {
        let mut elements = Vec::new();
        for i in 0..shape[0] {
            for j in 0..shape[1] {
                elements.extend((0..shape[2]).map(|k| self.at(source([i, j, k]))));
            }
        }
        Self { shape, elements }
    }

    /// The same along one axis.
    fn along(&self, axis: usize, extent: usize, source: impl Fn(usize) -> usize) -> Self {
        let mut shape = self.shape;
        shape[axis] = extent;
        self.gather(shape, |mut index| {
            index[axis] = source(index[axis]);
            index
        })
    }

    fn permuted(&self, order: [usize; 3]) -> Self {
        self.gather(order.map(|axis| self.shape[axis]), |index| {
            let mut source = [0; 3];
            order.iter().zip(index).for_each(|(&axis, position)| source[axis] = position);
            source
        })
    }
}

/// Applies one step to a tensor and to its twin.
fn apply(view: &View, tensor: &Tensor<i32, 3>, twin: &Twin) -> (Tensor<i32, 3>, Twin) {
    match *view {
        View::Transpose => (tensor.transposed(), twin.permuted([2, 1, 0])),
        View::Permute(order) => (tensor.permuted(ORDERS[order]), twin.permuted(ORDERS[order])),
        View::Slice(axis, start, extent) => {
            let start = start % (twin.shape[axis] + 1);
            let extent = extent % (twin.shape[axis] - start + 1);
            (tensor.slice(axis, start..start + extent), twin.along(axis, extent, |at| start + at))
        }
        View::Step(axis, step) => {
            let extent = twin.shape[axis].div_ceil(step);
            (tensor.step(axis, step), twin.along(axis, extent, |at| at * step))
        }
        View::Reverse(axis) => {
            let extent = twin.shape[axis];
            (tensor.reversed(axis), twin.along(axis, extent, |at| extent - 1 - at))
        }
    }
}

fn views() -> impl Strategy<Value = Vec<View>> {
    let view = prop_oneof![
        Just(View::Transpose),
        (0..6usize).prop_map(View::Permute),
        (0..3usize, 0..9usize, 0..9usize)
            .prop_map(|(axis, start, extent)| View::Slice(axis, start, extent)),
        (0..3usize, 1..4usize).prop_map(|(axis, step)| View::Step(axis, step)),
        (0..3usize).prop_map(View::Reverse),
    ];
    prop::collection::vec(view, 0..6)
}

/// A tensor after a chain of views, and its twin.
fn viewed() -> impl Strategy<Value = (Tensor<i32, 3>, Twin)> {
    (prop::array::uniform3(0..6usize), views()).prop_map(|(shape, views)| {
        let twin = Twin::new(shape);
        let tensor = Tensor::from_vec(shape, twin.elements.clone())
            .expect("the twin has the elements of its shape");
        views.iter().fold((tensor, twin), |(tensor, twin), view| apply(view, &tensor, &twin))
    })
}

proptest! {
    #[test]
    fn views_agree_with_their_twins((tensor, twin) in viewed()) {
        prop_assert_eq!(tensor.shape(), twin.shape);
        prop_assert_eq!(tensor.to_vec(), &twin.elements[..]);
        prop_assert_eq!(tensor.iter().copied().collect::<Vec<_>>(), &twin.elements[..]);
        let contiguous = tensor.contiguous();
        prop_assert_eq!(contiguous.as_slice(), Some(&twin.elements[..]));
        prop_assert_eq!(tensor.as_slice().is_some(), tensor.is_contiguous());
        prop_assert_eq!(tensor.reshaped([twin.elements.len()]).unwrap().into_vec(), &twin.elements[..]);
        prop_assert_eq!(&Tensor::from_fn(twin.shape, |index| tensor[index]), &tensor);
        prop_assert_eq!(tensor.into_vec(), &twin.elements[..]);
    }

    #[test]
    fn a_change_reaches_one_element_of_one_tensor((tensor, twin) in viewed(), at in any::<prop::sample::Index>()) {
        prop_assume!(!twin.elements.is_empty());
        let flat = at.index(twin.elements.len());
        let [_, rows, columns] = twin.shape;
        let mut expected = twin.elements.clone();
        expected[flat] = -1;
        let mut changed = tensor.clone();
        changed[[flat / columns / rows, flat / columns % rows, flat % columns]] = -1;
        prop_assert_eq!(changed.to_vec(), &expected[..]);
        prop_assert_eq!(tensor.to_vec(), &twin.elements[..]);
        // Alone, it is changed where it is, and its neighbours stay as they are.
        expected[0] = -2;
        changed[[0, 0, 0]] = -2;
        prop_assert_eq!(changed.to_vec(), &expected[..]);
        changed.as_mut_slice().fill(3);
        prop_assert_eq!(changed.to_vec(), vec![3; expected.len()]);
        prop_assert_eq!(tensor.to_vec(), &twin.elements[..]);
    }

    #[test]
    fn one_position_of_an_axis_is_a_slice_of_it((tensor, twin) in viewed(), axis in 0..3usize, at in any::<prop::sample::Index>()) {
        prop_assume!(twin.shape[axis] > 0);
        let position = at.index(twin.shape[axis]);
        let part = tensor.index_axis(axis, position);
        prop_assert_eq!(part.to_vec(), tensor.slice(axis, position..=position).to_vec());
    }

    #[test]
    fn calls_see_the_elements_of_any_view((tensor, twin) in viewed()) {
        prop_assume!(twin.shape[0] > 0);
        let view = tensor.cast::<f32>().permuted([1, 2, 0]).index_axis(2, 0);
        let [rows, columns] = view.shape();
        let identity = Tensor::from_fn([rows, rows], |[i, j]| f32::from(u8::from(i == j)));
        let product = common::matmul::matmul(&identity, &view);
        prop_assert_eq!(product.shape(), [rows, columns]);
        prop_assert_eq!(product, view);
    }

    #[test]
    fn debug_and_display_never_panic((tensor, twin) in viewed()) {
        let count = tensor.to_string().replace(['[', ']'], " ").split_whitespace().count();
        prop_assert_eq!(count, twin.elements.len());
        let debug = format!("{tensor:?}");
        prop_assert!(debug.ends_with("i32)"), "{}", debug);
    }
}
