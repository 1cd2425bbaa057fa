//! One walk over the nodes for any arithmetic: that of [`Scalar`]s here, that of bounds in [`bounds`](super::super::bounds).
//!
//! Afterwards: nothing has been computed but what the results need in their order, and every index was in range.

use super::order;
use crate::graph::{
    Binary, Combine, Comparison, Dim, Element, Graph, Node, NodeId, Op, Scalar, Sliding, Unary,
};

/// What stands in a place of a tensor.
pub(in crate::graph) trait Item: Clone {
    fn constant(scalar: Scalar) -> Self;
    fn unary(function: Unary, operand: &Self) -> Self;
    fn binary(function: Binary, left: &Self, right: &Self) -> Self;
    fn compare(comparison: Comparison, left: &Self, right: &Self) -> Self;
    fn select(condition: &Self, then: &Self, otherwise: &Self) -> Self;
    fn convert(element: Element, operand: &Self) -> Self;
    fn reduce(combine: Combine, element: Element, items: &[Self]) -> Self;
    fn contract(element: Element, pairs: &[(Self, Self)]) -> Self;
    /// The position that an `i64` says; none if it is not known.
    fn position(&self) -> Option<i64>;
    /// What stands where nothing is known.
    fn unknown(element: Element) -> Self;
}

impl Item for Scalar {
    fn constant(scalar: Scalar) -> Self {
        scalar
    }
    fn unary(function: Unary, operand: &Self) -> Self {
        super::unary(function, *operand)
    }
    fn binary(function: Binary, left: &Self, right: &Self) -> Self {
        super::binary(function, *left, *right)
    }
    fn compare(comparison: Comparison, left: &Self, right: &Self) -> Self {
        super::compare(comparison, *left, *right)
    }
    fn select(condition: &Self, then: &Self, otherwise: &Self) -> Self {
        if condition.bits == 0 { *otherwise } else { *then }
    }
    fn convert(element: Element, operand: &Self) -> Self {
        super::convert(element, *operand)
    }
    fn reduce(combine: Combine, element: Element, items: &[Self]) -> Self {
        super::reduce(combine, element, items)
    }
    fn contract(element: Element, pairs: &[(Self, Self)]) -> Self {
        super::contract(element, pairs)
    }
    fn position(&self) -> Option<i64> {
        Some(self.to_i64())
    }
    fn unknown(element: Element) -> Self {
        Self::from_i64(element, 0)
    }
}

/// A tensor of anything, row-major.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Tensor<T> {
    pub(in crate::graph) shape: Vec<usize>,
    pub(in crate::graph) items: Vec<T>,
}

impl<T: Clone> Tensor<T> {
    pub(in crate::graph) fn new(shape: &[usize], items: Vec<T>) -> Self {
        Self { shape: shape.to_vec(), items }
    }

    /// The tensor of this shape whose place `index` holds `item(index)`.
    pub(super) fn filled(shape: &[usize], mut item: impl FnMut(&[usize]) -> T) -> Self {
        let size = shape.iter().product();
        Self::new(shape, (0..size).map(|position| item(&place(position, shape))).collect())
    }

    pub(super) fn at(&self, index: &[usize]) -> &T {
        &self.items[row_major(index, &self.shape)]
    }

    /// The same elements in each place.
    fn map(&self, item: impl FnMut(&T) -> T) -> Self {
        Self::new(&self.shape, self.items.iter().map(item).collect())
    }

    fn zip(&self, other: &Self, mut item: impl FnMut(&T, &T) -> T) -> Self {
        let pairs = self.items.iter().zip(&other.items);
        Self::new(&self.shape, pairs.map(|(left, right)| item(left, right)).collect())
    }
}

/// The index of a row-major position.
pub(in crate::graph) fn place(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        index[axis] = position % shape[axis];
        position /= shape[axis];
    }
    index
}

fn row_major(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |position, (index, extent)| position * extent + index)
}

/// More elements than any test needs; a larger tensor is refused instead of exhausting the memory.
const MOST_ELEMENTS: usize = 1 << 26;

/// The results of a graph without calls.
pub(in crate::graph) fn walk<T: Item>(
    graph: &Graph,
    symbols: &[i64],
    parameters: Vec<Tensor<T>>,
) -> Result<Vec<Tensor<T>>, String> {
    let mut computed: Vec<Vec<Tensor<T>>> = Vec::new();
    for (id, node) in graph.nodes.iter() {
        let walk = Walk { graph, symbols, parameters: &parameters, computed: &computed };
        let results = walk.results(node).map_err(|what| format!("node {}: {what}", id.index()))?;
        computed.push(results);
    }
    Ok(graph.results.iter().map(|result| computed[result.node.index()][0].clone()).collect())
}

/// The state before a node: what its parameters and operands are.
pub(in crate::graph) struct Walk<'g, T> {
    pub(in crate::graph) graph: &'g Graph,
    pub(in crate::graph) symbols: &'g [i64],
    pub(in crate::graph) parameters: &'g [Tensor<T>],
    pub(in crate::graph) computed: &'g [Vec<Tensor<T>>],
}

impl<T: Item> Walk<'_, T> {
    /// The values of the next node.
    pub(in crate::graph) fn results(&self, node: &Node) -> Result<Vec<Tensor<T>>, String> {
        if node.op.is_control() { self.control(node) } else { Ok(vec![self.node(node)?]) }
    }

    /// The value of the next node, if it has one.
    pub(in crate::graph) fn node(&self, node: &Node) -> Result<Tensor<T>, String> {
        let [ty] = node.types.as_slice() else { return self.nothing_called() };
        let shape = self.shape(&ty.shape)?;
        let operand = |k: usize| self.tensor(node.operands[k]);
        Ok(match &node.op {
            Op::Parameter(position) => self.parameters[*position].clone(),
            Op::Constant(scalar) => Tensor::new(&[], vec![T::constant(*scalar)]),
            Op::Extent(dim) => Tensor::new(&[], vec![integer(dim.evaluate(self.symbols))]),
            Op::Iota { axis } => Tensor::filled(&shape, |index| integer(index[*axis] as i64)),
            Op::Unary(function) => operand(0).map(|item| T::unary(*function, item)),
            Op::Binary(function) => {
                operand(0).zip(operand(1), |left, right| T::binary(*function, left, right))
            }
            Op::Compare(comparison) => {
                operand(0).zip(operand(1), |left, right| T::compare(*comparison, left, right))
            }
            Op::Select => Tensor::filled(&shape, |index| {
                T::select(operand(0).at(index), operand(1).at(index), operand(2).at(index))
            }),
            Op::Convert => operand(0).map(|item| T::convert(ty.element, item)),
            Op::Broadcast { axes } => Tensor::filled(&shape, |index| {
                let source: Vec<usize> = axes.iter().map(|axis| index[*axis]).collect();
                operand(0).at(&source).clone()
            }),
            Op::Transpose { permutation } => transpose(operand(0), permutation, &shape),
            Op::Reshape => Tensor::new(&shape, operand(0).items.clone()),
            Op::Slice { starts } => slice(operand(0), &self.extents(starts)?, &shape)?,
            Op::Pad { low, high } => self.pad([operand(0), operand(1)], (low, high), &shape)?,
            Op::Reverse { axes } => reverse(operand(0), axes),
            Op::Window(sliding) => window(operand(0), &self.steps(sliding)?, &shape)?,
            Op::OverlapAdd(sliding) => {
                overlap_add(operand(0), &self.steps(sliding)?, (ty.element, &shape))?
            }
            Op::Concat { axis } => {
                let operands = node.operands.iter().map(|operand| self.tensor(*operand));
                concat(&operands.collect::<Vec<_>>(), *axis, &shape)
            }
            Op::Take { batch } => take(operand(0), operand(1), *batch, (ty.element, &shape)),
            Op::AddAt { batch } => add_at(operand(0), [operand(1), operand(2)], *batch, ty.element),
            Op::Scan { combine, axis, reverse } => {
                let along = (*axis, *reverse);
                order::scan(operand(0), along, |items| T::reduce(*combine, ty.element, items))
            }
            Op::Sort { axis, descending } => {
                order::sort(operand(0), (*axis, *descending), ty.element)
            }
            Op::Argsort { axis, descending, count: _ } => {
                order::argsort(operand(0), (*axis, *descending), &shape)
            }
            Op::Reduce { combine, axes } => reduce(operand(0), axes, &shape, |items: &[T]| {
                T::reduce(*combine, ty.element, items)
            }),
            Op::Contract { batch, contracted } => {
                contract([operand(0), operand(1)], (*batch, *contracted), ty.element, &shape)
            }
            Op::Implicit(_) => operand(0).clone(),
            Op::Project(position) => self.computed[node.operands[0].index()][*position].clone(),
            Op::Call { .. } | Op::Repeat(_) | Op::Branch(_) | Op::Inspect(_) => {
                return self.nothing_called();
            }
        })
    }

    fn nothing_called(&self) -> Result<Tensor<T>, String> {
        Err(format!("calls of `{}` are evaluated after inlining", self.graph.name))
    }

    fn pad(
        &self,
        [tensor, value]: [&Tensor<T>; 2],
        (low, high): (&[Dim], &[Dim]),
        shape: &[usize],
    ) -> Result<Tensor<T>, String> {
        // Widths that are negative would cut, which is what a slice is for.
        self.extents(high)?;
        Ok(pad(tensor, value, &self.extents(low)?, shape))
    }

    fn steps(&self, sliding: &Sliding) -> Result<Steps, String> {
        let strides = self.extents(&sliding.strides)?;
        let dilations = self.extents(&sliding.dilations)?;
        if strides.iter().chain(&dilations).any(|step| *step == 0) {
            return Err("windows move by nothing".to_owned());
        }
        Ok(Steps { strides, axes: sliding.axes.clone(), dilations })
    }

    pub(super) fn tensor(&self, id: NodeId) -> &Tensor<T> {
        &self.computed[id.index()][0]
    }

    /// The extents of a tensor, if any test needs one so large.
    pub(super) fn shape(&self, dims: &[Dim]) -> Result<Vec<usize>, String> {
        let shape = self.extents(dims)?;
        let size = shape.iter().try_fold(1_usize, |size, extent| size.checked_mul(*extent));
        match size.is_some_and(|size| size <= MOST_ELEMENTS) {
            true => Ok(shape),
            false => Err(format!("too many elements: {shape:?}")),
        }
    }

    fn extents(&self, dims: &[Dim]) -> Result<Vec<usize>, String> {
        let extent = |dim: &Dim| {
            let value = dim.evaluate(self.symbols);
            usize::try_from(value)
                .map_err(|_| format!("{} = {value} is negative", dim.display(&self.graph.symbols)))
        };
        dims.iter().map(extent).collect()
    }
}

pub(super) fn integer<T: Item>(value: i64) -> T {
    T::constant(Scalar::from_i64(Element::I64, value))
}

fn transpose<T: Item>(operand: &Tensor<T>, permutation: &[usize], shape: &[usize]) -> Tensor<T> {
    Tensor::filled(shape, |index| {
        let mut source = vec![0; index.len()];
        for (position, axis) in permutation.iter().enumerate() {
            source[*axis] = index[position];
        }
        operand.at(&source).clone()
    })
}

fn slice<T: Item>(
    operand: &Tensor<T>,
    starts: &[usize],
    shape: &[usize],
) -> Result<Tensor<T>, String> {
    for (axis, extent) in operand.shape.iter().enumerate() {
        let end = starts[axis] + shape[axis];
        if end > *extent {
            return Err(format!("{}..{end} of axis {axis} is cut from {extent}", starts[axis]));
        }
    }
    Ok(Tensor::filled(shape, |index| {
        let source: Vec<usize> =
            index.iter().zip(starts).map(|(index, start)| index + start).collect();
        operand.at(&source).clone()
    }))
}

fn pad<T: Item>(
    operand: &Tensor<T>,
    value: &Tensor<T>,
    low: &[usize],
    shape: &[usize],
) -> Tensor<T> {
    Tensor::filled(shape, |index| {
        let source: Option<Vec<usize>> = (0..index.len())
            .map(|axis| {
                index[axis].checked_sub(low[axis]).filter(|index| *index < operand.shape[axis])
            })
            .collect();
        source.map_or(&value.items[0], |source| operand.at(&source)).clone()
    })
}

fn reverse<T: Item>(operand: &Tensor<T>, axes: &[usize]) -> Tensor<T> {
    Tensor::filled(&operand.shape, |index| {
        let mut source = index.to_vec();
        for axis in axes {
            source[*axis] = operand.shape[*axis] - 1 - index[*axis];
        }
        operand.at(&source).clone()
    })
}

/// A [`Sliding`] in numbers.
struct Steps {
    strides: Vec<usize>,
    axes: Vec<usize>,
    dilations: Vec<usize>,
}

impl Steps {
    /// The place in the tensor that is seen at `index`.
    fn place(&self, index: &[usize]) -> Vec<usize> {
        let (windows, taps) = index.split_at(self.strides.len());
        let mut place: Vec<usize> =
            windows.iter().zip(&self.strides).map(|(o, by)| o * by).collect();
        for ((tap, by), axis) in taps.iter().zip(&self.dilations).zip(&self.axes) {
            place[*axis] += tap * by;
        }
        place
    }

    /// Each axis is seen inside of its extent, or not at all.
    fn fit(&self, seen: &[usize], whole: &[usize]) -> Result<(), String> {
        for (axis, extent) in whole.iter().enumerate() {
            let own = |place: &usize| {
                *place == axis || *place >= whole.len() && self.axes[*place - whole.len()] == axis
            };
            let last: Vec<usize> = seen
                .iter()
                .enumerate()
                .map(|(place, extent)| if own(&place) { extent.wrapping_sub(1) } else { 0 })
                .collect();
            if last.contains(&usize::MAX) {
                continue;
            }
            let last = self.place(&last)[axis];
            if last >= *extent {
                return Err(format!("{last} of axis {axis} is seen, which has {extent}"));
            }
        }
        Ok(())
    }
}

fn window<T: Item>(
    operand: &Tensor<T>,
    steps: &Steps,
    shape: &[usize],
) -> Result<Tensor<T>, String> {
    steps.fit(shape, &operand.shape)?;
    Ok(Tensor::filled(shape, |index| operand.at(&steps.place(index)).clone()))
}

fn overlap_add<T: Item>(
    operand: &Tensor<T>,
    steps: &Steps,
    (element, shape): (Element, &[usize]),
) -> Result<Tensor<T>, String> {
    steps.fit(&operand.shape, shape)?;
    let mut shares: Vec<Vec<T>> = vec![Vec::new(); shape.iter().product()];
    for (position, item) in operand.items.iter().enumerate() {
        let target = steps.place(&place(position, &operand.shape));
        shares[row_major(&target, shape)].push(item.clone());
    }
    let sum = |items: &Vec<T>| T::reduce(Combine::Add, element, items);
    Ok(Tensor::new(shape, shares.iter().map(sum).collect()))
}

fn concat<T: Item>(operands: &[&Tensor<T>], axis: usize, shape: &[usize]) -> Tensor<T> {
    Tensor::filled(shape, |index| {
        let mut source = index.to_vec();
        let mut k = 0;
        while source[axis] >= operands[k].shape[axis] {
            source[axis] -= operands[k].shape[axis];
            k += 1;
        }
        operands[k].at(&source).clone()
    })
}

fn take<T: Item>(
    operand: &Tensor<T>,
    positions: &Tensor<T>,
    batch: usize,
    (element, shape): (Element, &[usize]),
) -> Tensor<T> {
    let extent = operand.shape[batch] as i64;
    Tensor::filled(shape, |index| {
        if extent == 0 {
            return T::constant(Scalar::from_i64(element, 0));
        }
        let (indexed, rest) = index.split_at(positions.shape.len());
        let Some(position) = positions.at(indexed).position() else { return T::unknown(element) };
        let mut source = indexed[..batch].to_vec();
        source.push(position.clamp(0, extent - 1) as usize);
        source.extend(rest);
        operand.at(&source).clone()
    })
}

fn add_at<T: Item>(
    operand: &Tensor<T>,
    [positions, values]: [&Tensor<T>; 2],
    batch: usize,
    element: Element,
) -> Tensor<T> {
    if element.is_half() {
        let [wide, values] =
            [operand, values].map(|it| it.map(|item| T::convert(Element::F32, item)));
        let sum = add_at(&wide, [positions, &values], batch, Element::F32);
        return sum.map(|item| T::convert(element, item));
    }
    let mut sum = operand.clone();
    let extent = operand.shape[batch];
    for (at, value) in values.items.iter().enumerate() {
        let index = place(at, &values.shape);
        let (indexed, rest) = index.split_at(positions.shape.len());
        let target = |position: usize| {
            let target: Vec<usize> =
                indexed[..batch].iter().chain([&position]).chain(rest).copied().collect();
            row_major(&target, &operand.shape)
        };
        match positions.at(indexed).position() {
            Some(position) => {
                let inside = usize::try_from(position).ok().filter(|inside| *inside < extent);
                if let Some(target) = inside.map(target) {
                    sum.items[target] = T::binary(Binary::Add, &sum.items[target], value);
                }
            }
            // Any of them may be hit.
            None => {
                for target in (0..extent).map(target) {
                    sum.items[target] = T::unknown(element);
                }
            }
        }
    }
    sum
}

fn reduce<T: Item>(
    operand: &Tensor<T>,
    axes: &[usize],
    shape: &[usize],
    reduction: impl Fn(&[T]) -> T,
) -> Tensor<T> {
    let swept: Vec<usize> = axes.iter().map(|axis| operand.shape[*axis]).collect();
    Tensor::filled(shape, |kept| {
        let item = |position| {
            let mut source = kept.to_vec();
            for (axis, inner) in axes.iter().zip(place(position, &swept)) {
                source.insert(*axis, inner);
            }
            operand.at(&source).clone()
        };
        reduction(&(0..swept.iter().product()).map(item).collect::<Vec<T>>())
    })
}

fn contract<T: Item>(
    [left, right]: [&Tensor<T>; 2],
    (batch, contracted): (usize, usize),
    element: Element,
    shape: &[usize],
) -> Tensor<T> {
    let left_kept = left.shape.len() - contracted;
    let swept = &left.shape[left_kept..];
    Tensor::filled(shape, |index| {
        let pair = |position| {
            let inner = place(position, swept);
            let of_left = [&index[..left_kept], &inner].concat();
            let of_right = [&index[..batch], &index[left_kept..], &inner].concat();
            (left.at(&of_left).clone(), right.at(&of_right).clone())
        };
        let pairs: Vec<(T, T)> = (0..swept.iter().product()).map(pair).collect();
        T::contract(element, &pairs)
    })
}
