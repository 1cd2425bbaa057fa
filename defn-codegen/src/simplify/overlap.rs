//! A product that is only added where windows saw it is a product over windows.
//!
//! In:  an `overlap_add`, and the contraction that it alone reads.   Out: one contraction over what was summed and over the taps.
//!
//! ```text
//! before                                                 after
//! %0: f32[o, t] = contract g, w batch=0 contracted=1     %1: f32[n + t - 1, f] = pad g, 0.0 low=[t - 1, 0] high=[n - o, 0]
//! %1: f32[n] = overlap_add %0 strides=[1] axes=[0] ..    %2: f32[n, f, t] = window %1 strides=[1, 1] axes=[0] ..
//!                                                        %3: f32[f, t] = reverse w axes=[1]
//!                                                        %4: f32[n] = contract %2, %3 batch=0 contracted=2
//! ```
//!
//! Place i gets the share of window o through tap t if i = o + d·t, so that o = i − d·t walks backward through g, and beyond its ends
//! there is nothing: Σ over t and f of g[i − d·t, f] · w[f, t]. This is the gradient of a convolution with respect to what is convolved.
//! The zeros of the padding are multiplied, which changes nothing where the other factor is finite.
//! Afterwards: see above. Never here: windows with a stride, where most of the products would be with zeros.

use crate::graph::{Dim, NodeId, Op, Sliding};

use super::contraction::{Factor, Source, Space};
use super::share::Sharing;

/// The contraction that a node is.
pub(super) fn product(sharing: &mut Sharing, source: &Source<'_>, id: NodeId) -> Option<NodeId> {
    let graph = source.graph;
    let Op::OverlapAdd(sliding) = graph.op(id) else { return None };
    let operand = graph.operands(id)[0];
    let overlap = Overlap { sliding, whole: graph.shape(id), seen: graph.shape(operand) };
    let all = (0..overlap.seen.len()).collect();
    let (seen, own) = source.core(Factor { node: operand, axes: all });
    let Op::Contract { batch, contracted } = *graph.op(seen.node) else { return None };
    if !own || !overlap.pays() || seen.axes.len() < overlap.seen.len() {
        return None;
    }
    let operands = graph.operands(seen.node);
    let left = graph.shape(operands[0]).len() - contracted;
    let end = overlap.whole.len()..overlap.whole.len() + contracted;
    let axes = |axes: &[usize]| -> Vec<usize> {
        axes.iter().map(|axis| overlap.axis(*axis, contracted)).chain(end.clone()).collect()
    };
    let (own, other) = seen.axes.split_at(left);
    let factors = [
        Factor { node: source.values[operands[0]], axes: axes(own) },
        Factor { node: source.values[operands[1]], axes: axes(&[&own[..batch], other].concat()) },
    ];
    if !overlap.splits(&factors, contracted) {
        return None;
    }
    let [a, b] = factors.map(|factor| overlap.walked(sharing, factor, contracted));
    let summed_shape = graph.shape(operands[0])[left..].iter();
    let taps = overlap.seen[overlap.whole.len()..].iter();
    let shape: Vec<Dim> = overlap.whole.iter().chain(summed_shape).chain(taps).cloned().collect();
    let summed: Vec<usize> = (overlap.whole.len()..shape.len()).collect();
    let space = Space { shape: &shape, summed: &summed, held: &summed };
    let product = space.contract(sharing, &a, &b, &summed);
    Some(space.finish(sharing, product))
}

/// An `overlap_add`. The space of the product has the axes of its result, then those that the contraction sums, then the taps.
struct Overlap<'g> {
    sliding: &'g Sliding,
    /// The shape of the result.
    whole: &'g [Dim],
    /// The shape of the operand.
    seen: &'g [Dim],
}

impl Overlap<'_> {
    /// Where an axis of the operand stands in the space.
    fn axis(&self, axis: usize, contracted: usize) -> usize {
        if axis < self.whole.len() { axis } else { axis + contracted }
    }

    fn is_tapped(&self, axis: usize) -> bool {
        self.sliding.axes.contains(&axis)
    }

    /// Whether every window follows its neighbour at once, and there are not many more places than windows: else most products
    /// would be with zeros.
    fn pays(&self) -> bool {
        let rank = self.whole.len();
        let dense = |axis: usize| {
            let (whole, seen) = (self.whole[axis].clone(), self.seen[axis].clone());
            let sparse = (seen.clone() + seen.clone() - whole.clone()).as_constant();
            let side_by_side = self.sliding.strides[axis].is(1);
            let filled = if self.is_tapped(axis) {
                sparse.is_none_or(|rest| rest >= 0)
            } else {
                whole == seen
            };
            side_by_side && filled
        };
        (0..rank).all(dense) && self.seen[rank..].iter().all(Dim::is_surely_positive)
    }

    /// Whether along each axis one factor has the windows and the other one their taps.
    fn splits(&self, factors: &[Factor; 2], contracted: usize) -> bool {
        let rank = self.whole.len();
        let split = |axis: usize| {
            let mut taps = self.sliding.taps(axis).map(|tap| rank + contracted + tap);
            let [a, b] = factors;
            match (a.has(axis), b.has(axis)) {
                (true, false) => taps.all(|tap| b.has(tap) && !a.has(tap)),
                (false, true) => taps.all(|tap| a.has(tap) && !b.has(tap)),
                _ => false,
            }
        };
        (0..rank).filter(|axis| self.is_tapped(*axis)).all(split)
    }

    /// A factor as the sum over the taps reads it: windows walk backward, so that it is seen through windows of its own, and
    /// taps are counted from their end.
    fn walked(&self, sharing: &mut Sharing, factor: Factor, contracted: usize) -> Factor {
        let first_tap = self.whole.len() + contracted;
        let Factor { node, mut axes } = factor;
        let turned = (0..axes.len()).filter(|place| axes[*place] >= first_tap).collect();
        let node = sharing.reverse(node, turned);
        let mut seen = sharing.shape(node);
        let (mut low, mut high) =
            (vec![Dim::default(); seen.len()], vec![Dim::default(); seen.len()]);
        let mut own = Sliding {
            strides: vec![Dim::from(1); seen.len()],
            axes: Vec::new(),
            dilations: Vec::new(),
        };
        for place in 0..axes.len() {
            let axis = axes[place];
            if !self.is_tapped(axis) {
                continue;
            }
            high[place] = self.whole[axis].clone() - seen[place].clone();
            seen[place] = self.whole[axis].clone();
            for tap in self.sliding.taps(axis) {
                let (by, extent) =
                    (&self.sliding.dilations[tap], &self.seen[self.whole.len() + tap]);
                low[place] = low[place].clone() + by.clone() * (extent.clone() - Dim::from(1));
                own.axes.push(place);
                own.dilations.push(by.clone());
                seen.push(extent.clone());
                axes.push(first_tap + tap);
            }
        }
        let padded = sharing.pad_zeros(node, low, high);
        Factor { node: sharing.window(padded, own, &seen), axes }
    }
}
