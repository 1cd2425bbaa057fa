//! A product that is only summed is a contraction.
//!
//! In:  a sum, and the product that it alone reads.   Out: contractions in the normal form, and what remains around them.
//!
//! ```text
//! before                                            after
//! %0: f32[n, k, m] = broadcast x axes=[0, 1]        %0: f32[m, k] = transpose y permutation=[1, 0]
//! %1: f32[n, k, m] = broadcast y axes=[1, 2]        %1: f32[n, m] = contract x, %0 batch=0 contracted=1
//! %2: f32[n, k, m] = mul %0, %1
//! %3: f32[n, m] = reduce.add %2 axes=[1]
//! ```
//!
//! The product spans a *space*, the axes of its shape; a factor is a node and the axes of the space that it has.
//! Of more than two factors two are merged at a time, and an axis is summed as soon as no other factor has it; that is the same sum
//! of finite numbers, and the only law here that infinite ones do not obey.
//! An axis that is summed and that only one factor has stays free in the contraction and is summed afterwards, and so is an axis that
//! no factor has.
//! Afterwards: no sum reads a product of its own in which two factors share a summed axis.
//! Never here: sums of products that are used elsewhere too, because the product would be computed twice.

use crate::arena::SideTable;
use crate::graph::{Binary, Combine, Dim, Graph, Node, NodeId, Op, TensorType};

use super::Candidate;
use super::movement::repeat_to;
use super::share::Sharing;

/// A node whose axis `k` is axis `axes[k]` of the space.
#[derive(Clone)]
pub(super) struct Factor {
    pub(super) node: NodeId,
    pub(super) axes: Vec<usize>,
}

impl Factor {
    pub(super) fn has(&self, axis: usize) -> bool {
        self.axes.contains(&axis)
    }
}

/// A graph whose nodes become others.
#[derive(Clone, Copy)]
pub(super) struct Source<'g> {
    pub(super) graph: &'g Graph,
    /// How often each node is used.
    pub(super) uses: &'g SideTable<Node, usize>,
    /// What the nodes have become.
    pub(super) values: &'g SideTable<Node, NodeId>,
}

impl<'g> Source<'g> {
    /// What is behind repetitions and transposes, and whether all of these alone read what they do.
    pub(super) fn core(&self, mut factor: Factor) -> (Factor, bool) {
        let mut own = self.uses[factor.node] == 1;
        while let Some(core) = moved(self.graph.node(factor.node), &factor.axes) {
            own &= self.uses[core.node] == 1;
            factor = core;
        }
        (factor, own)
    }

    /// Whether a value is used once and a function of the elements of contractions that are used once.
    fn ends_products(&self, node: NodeId) -> bool {
        let op = self.graph.op(node);
        let ends = matches!(op, Op::Contract { .. })
            || matches!(op, Op::Binary(_))
                && self.graph.operands(node).iter().any(|operand| self.ends_products(*operand));
        ends && self.uses[node] == 1
    }

    /// The contraction that is the operand of a node which alone reads it.
    fn product_of(&self, id: NodeId) -> Option<Product<'g>> {
        let product = self.graph.operands(id)[0];
        let Op::Contract { batch, contracted } = *self.graph.op(product) else { return None };
        let operands = self.graph.operands(product);
        let free = |side: usize| self.graph.shape(operands[side]).len() - batch - contracted;
        let product = Product { batch, contracted, operands, left: free(0), right: free(1) };
        (self.uses[self.graph.operands(id)[0]] == 1).then_some(product)
    }
}

/// A contraction, and how many free axes its operands have.
struct Product<'g> {
    batch: usize,
    contracted: usize,
    operands: &'g [NodeId],
    left: usize,
    right: usize,
}

/// The contraction that a node is, if it sums a product of its own.
pub(super) fn summed_product(
    sharing: &mut Sharing,
    source: &Source<'_>,
    id: NodeId,
) -> Option<NodeId> {
    let graph = source.graph;
    let Op::Reduce { combine: Combine::Add, axes: summed } = graph.op(id) else { return None };
    let operand = graph.operands(id)[0];
    let mut factors = Vec::new();
    let whole = Factor { node: operand, axes: (0..graph.shape(operand).len()).collect() };
    collect_factors(source, whole, &mut factors);

    let holders = |axis: &usize| factors.iter().filter(|factor| factor.has(*axis)).count();
    if summed.iter().all(|axis| holders(axis) < 2) {
        return None;
    }
    let held: Vec<usize> = summed.iter().copied().filter(|axis| holders(axis) > 0).collect();
    for factor in &mut factors {
        factor.node = source.values[factor.node];
    }
    let space = Space { shape: graph.shape(operand), summed, held: &held };
    let product = space.merge_all(sharing, factors)?;
    Some(space.finish(sharing, product))
}

/// A contraction that is only read with its free axes swapped is computed so from the start.
///
/// ```text
/// %0: f32[n, m] = contract x, y batch=0 contracted=1
/// %1: f32[m, n] = transpose %0 [1, 0]                    is  contract y, x batch=0 contracted=1
/// ```
pub(super) fn swapped(sharing: &mut Sharing, source: &Source<'_>, id: NodeId) -> Option<NodeId> {
    let Op::Transpose { permutation } = source.graph.op(id) else { return None };
    let Product { batch, contracted, operands, left, right } = source.product_of(id)?;
    let (kept, free) = permutation.split_at(batch);
    let (first, second) = free.split_at(right);
    let in_place = kept.iter().enumerate().all(|(to, from)| to == *from);
    let swaps = first.iter().all(|axis| *axis >= batch + left)
        && second.iter().all(|axis| *axis < batch + left);
    if !in_place || !swaps || left == 0 || right == 0 {
        return None;
    }
    let ordered = |free: Vec<usize>, rank: usize| -> Vec<usize> {
        (0..batch).chain(free).chain(rank - contracted..rank).collect()
    };
    let first = ordered(first.iter().map(|axis| axis - left).collect(), batch + right + contracted);
    let second = ordered(second.to_vec(), batch + left + contracted);
    let first = sharing.transpose(source.values[operands[1]], &first);
    let second = sharing.transpose(source.values[operands[0]], &second);
    let ty = source.graph.ty(id).clone();
    Some(sharing.node(Op::Contract { batch, contracted }, &[first, second], ty))
}

/// Of a contraction of which only a part is read, that part, if no summed axis is cut.
pub(super) fn cut(sharing: &mut Sharing, source: &Source<'_>, id: NodeId) -> Option<NodeId> {
    let graph = source.graph;
    let Op::Slice { starts } = graph.op(id) else { return None };
    let Product { batch, contracted, operands, left, right: _ } = source.product_of(id)?;
    let (ty, rank, left) = (graph.ty(id).clone(), starts.len(), batch + left);
    let free: [Vec<usize>; 2] = [(0..left).collect(), (0..batch).chain(left..rank).collect()];
    let parts = [0, 1].map(|side| {
        let whole = graph.shape(operands[side]);
        let summed = whole[whole.len() - contracted..].iter();
        let from = free[side].iter().map(|axis| starts[*axis].clone());
        let sizes = free[side].iter().map(|axis| ty.shape[*axis].clone());
        let from = from.chain(summed.clone().map(|_| Dim::from(0))).collect();
        let sizes: Vec<Dim> = sizes.chain(summed.cloned()).collect();
        sharing.slice(source.values[operands[side]], from, &sizes)
    });
    Some(sharing.node(Op::Contract { batch, contracted }, &parts, ty))
}

/// Of a sum of contractions of which only a part is read, that part of each term; so for other functions of elements.
///
/// ```text
/// %0: f32[n] = contract x, y batch=0 contracted=1            %0: f32[m] = slice x, and with y a contraction
/// %1: f32[n] = add %0, z                                     %1: f32[m] = slice z
/// %2: f32[m] = slice %1 starts=[0]                       is  %2: f32[m] = add %0, %1
/// ```
pub(super) fn cut_terms(sharing: &mut Sharing, source: &Source<'_>, id: NodeId) -> Option<NodeId> {
    let Op::Slice { starts } = source.graph.op(id) else { return None };
    let whole = source.graph.operands(id)[0];
    let Op::Binary(_) = source.graph.op(whole) else { return None };
    if !source.ends_products(whole) {
        return None;
    }
    let ty = source.graph.ty(id).clone();
    let parts = source.graph.operands(whole).iter();
    let parts: Vec<NodeId> =
        parts.map(|term| sharing.slice(source.values[*term], starts.clone(), &ty.shape)).collect();
    Some(sharing.node(source.graph.op(whole).clone(), &parts, ty))
}

/// The factors of a product: looks through repetitions and transposes, and through products that only this one reads.
fn collect_factors(source: &Source<'_>, factor: Factor, factors: &mut Vec<Factor>) {
    let graph = source.graph;
    let (factor, own) = source.core(factor);
    if own && *graph.op(factor.node) == Op::Binary(Binary::Mul) {
        for operand in graph.operands(factor.node) {
            let part = Factor { node: *operand, axes: factor.axes.clone() };
            collect_factors(source, part, factors);
        }
    } else {
        factors.push(factor);
    }
}

/// The operand of a repetition or a transpose, where the axes of the result are `axes` of the space.
pub(super) fn moved(node: &Node, axes: &[usize]) -> Option<Factor> {
    if let Op::Broadcast { axes: inner } = &node.op {
        let axes = inner.iter().map(|axis| axes[*axis]).collect();
        return Some(Factor { node: node.operands[0], axes });
    }
    let Op::Transpose { permutation } = &node.op else { return None };
    let mut inner = vec![0; axes.len()];
    permutation.iter().zip(axes).for_each(|(from, axis)| inner[*from] = *axis);
    Some(Factor { node: node.operands[0], axes: inner })
}

/// What a product spans, and which axes are summed.
pub(super) struct Space<'a> {
    pub(super) shape: &'a [Dim],
    pub(super) summed: &'a [usize],
    /// The summed axes that some factor has.
    pub(super) held: &'a [usize],
}

impl Space<'_> {
    /// One factor that is the product of all, summed over every axis that two of them shared.
    fn merge_all(&self, sharing: &mut Sharing, mut factors: Vec<Factor>) -> Option<Factor> {
        while factors.len() > 1 {
            let (left, right) = self.cheapest_pair(&factors)?;
            // The right one stands behind the left one, so that removing it first keeps the position of the left one.
            let right = factors.remove(right);
            let left_factor = factors[left].clone();
            let contracted = self.contracted(&left_factor, &right, &factors, left);
            factors[left] = if contracted.is_empty() {
                self.multiply(sharing, &left_factor, &right)
            } else {
                self.contract(sharing, &left_factor, &right, &contracted)
            };
        }
        factors.pop()
    }

    /// The two factors whose product has the fewest axes more than the larger of them.
    fn cheapest_pair(&self, factors: &[Factor]) -> Option<(usize, usize)> {
        let pairs = (0..factors.len())
            .flat_map(|left| (left + 1..factors.len()).map(move |right| (left, right)));
        pairs.min_by_key(|(left, right)| {
            let (a, b) = (&factors[*left], &factors[*right]);
            let others = factors.iter().enumerate();
            let others = others.filter(|(position, _)| position != left && position != right);
            let others: Vec<&Factor> = others.map(|(_, factor)| factor).collect();
            let gone = |axis: &&usize| {
                self.summed.contains(*axis)
                    && b.has(**axis)
                    && others.iter().all(|o| !o.has(**axis))
            };
            let shared = a.axes.iter().filter(|axis| b.has(**axis)).count();
            let merged = a.axes.len() + b.axes.len() - shared - a.axes.iter().filter(gone).count();
            // Both numbers are ranks, so that the difference stays above zero with this offset.
            merged + self.shape.len() - a.axes.len().max(b.axes.len())
        })
    }

    /// The summed axes that two factors share and no other has; `left` is the position of the first among all that are left.
    fn contracted(&self, a: &Factor, b: &Factor, factors: &[Factor], left: usize) -> Vec<usize> {
        let elsewhere = |axis: usize| {
            factors.iter().enumerate().any(|(position, other)| position != left && other.has(axis))
        };
        let contracted = self.summed.iter().copied();
        contracted.filter(|axis| a.has(*axis) && b.has(*axis) && !elsewhere(*axis)).collect()
    }

    /// The product, not summed.
    fn multiply(&self, sharing: &mut Sharing, a: &Factor, b: &Factor) -> Factor {
        let (large, small) = if a.axes.len() < b.axes.len() { (b, a) } else { (a, b) };
        let mut axes = large.axes.clone();
        axes.extend(small.axes.iter().filter(|axis| !large.has(**axis)));
        let (left, right) = (self.aligned(sharing, a, &axes), self.aligned(sharing, b, &axes));
        Factor { node: sharing.binary(Binary::Mul, left, right), axes }
    }

    /// The product summed over `contracted`, in the normal form.
    /// The factor whose own axes come first in the space is the left one, so that the result seldom needs a transpose.
    pub(super) fn contract(
        &self,
        sharing: &mut Sharing,
        a: &Factor,
        b: &Factor,
        contracted: &[usize],
    ) -> Factor {
        let first_own = |one: &Factor, other: &Factor| {
            one.axes.iter().copied().filter(|axis| !other.has(*axis)).min()
        };
        let swapped =
            first_own(b, a).is_some_and(|right| first_own(a, b).is_none_or(|left| right < left));
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        let free = |axis: &usize| !contracted.contains(axis);
        let all = || (0..self.shape.len()).filter(free);
        let batch: Vec<usize> = all().filter(|axis| a.has(*axis) && b.has(*axis)).collect();
        let left: Vec<usize> = all().filter(|axis| a.has(*axis) && !b.has(*axis)).collect();
        let right: Vec<usize> = all().filter(|axis| !a.has(*axis) && b.has(*axis)).collect();
        let x = self.aligned(sharing, a, &[&batch, left.as_slice(), contracted].concat());
        let y = self.aligned(sharing, b, &[&batch, right.as_slice(), contracted].concat());
        let axes = [batch.as_slice(), &left, &right].concat();
        let op = Op::Contract { batch: batch.len(), contracted: contracted.len() };
        let ty = TensorType::new(sharing.element(x), self.extents(&axes));
        Factor { node: sharing.node(op, &[x, y], ty), axes }
    }

    /// The factor with exactly the axes `order`, in that order; it repeats along those that it does not have.
    fn aligned(&self, sharing: &mut Sharing, factor: &Factor, order: &[usize]) -> NodeId {
        let position = |axis: &usize| order.iter().position(|candidate| candidate == axis);
        let axes: Vec<usize> = factor.axes.iter().filter_map(position).collect();
        repeat_to(sharing, factor.node, &axes, &self.extents(order))
    }

    fn extents(&self, axes: &[usize]) -> Vec<Dim> {
        axes.iter().map(|axis| self.shape[*axis].clone()).collect()
    }

    /// Sums what is left to sum, and brings the axes into the order of the space.
    pub(super) fn finish(&self, sharing: &mut Sharing, product: Factor) -> NodeId {
        let is_summed = |axis: &usize| self.summed.contains(axis);
        let left = (0..product.axes.len()).filter(|k| is_summed(&product.axes[*k]));
        let node = sharing.reduce(Combine::Add, product.node, &left.collect::<Vec<_>>());
        let kept = product.axes.iter().copied().filter(|axis| !is_summed(axis));
        let sum = Factor { node, axes: kept.collect() };

        let is_absent = |axis: &usize| is_summed(axis) && !self.held.contains(axis);
        let order = (0..self.shape.len()).filter(|axis| !is_summed(axis) || is_absent(axis));
        let order: Vec<usize> = order.collect();
        let repeated = self.aligned(sharing, &sum, &order);
        let absent = (0..order.len()).filter(|k| is_absent(&order[*k]));
        sharing.reduce(Combine::Add, repeated, &absent.collect::<Vec<_>>())
    }
}

/// A simpler node for a contraction.
pub(super) fn apply(sharing: &mut Sharing, candidate: &Candidate<'_>) -> Option<NodeId> {
    let Op::Contract { batch, contracted } = candidate.op else { return None };
    let operands = [candidate.operands[0], candidate.operands[1]];
    let (a_rank, b_rank) = (sharing.ty(operands[0]).rank(), sharing.ty(operands[1]).rank());
    let (left, right) = (a_rank - batch - contracted, b_rank - batch - contracted);
    let free = batch + left + right;
    let mut shape = candidate.ty.shape.clone();
    shape.extend_from_slice(&sharing.shape(operands[0])[batch + left..]);
    let summed: Vec<usize> = (free..free + contracted).collect();
    let space = Space { shape: &shape, summed: &summed, held: &summed };

    let a_axes = (0..batch + left).chain(summed.iter().copied());
    let b_axes = (0..*batch).chain(batch + left..free).chain(summed.iter().copied());
    let a = Factor { node: operands[0], axes: a_axes.collect() };
    let b = Factor { node: operands[1], axes: b_axes.collect() };
    if summed.iter().all(|axis| shape[*axis].is(1)) {
        return Some(space.outer(sharing, a, b));
    }
    if sharing.is_splat(operands[0], 1.0) {
        return Some(space.sum_of(sharing, &b));
    }
    if sharing.is_splat(operands[1], 1.0) {
        return Some(space.sum_of(sharing, &a));
    }
    space.without_repetition(sharing, &a, &b)
}

impl Space<'_> {
    /// Of one product each, nothing is summed.
    fn outer(&self, sharing: &mut Sharing, mut a: Factor, mut b: Factor) -> NodeId {
        for factor in [&mut a, &mut b] {
            factor.axes.retain(|axis| !self.summed.contains(axis));
            factor.node = sharing.reshape(factor.node, &self.extents(&factor.axes));
        }
        let product = self.multiply(sharing, &a, &b);
        self.finish(sharing, product)
    }

    /// Products with one are the factor itself.
    fn sum_of(&self, sharing: &mut Sharing, factor: &Factor) -> NodeId {
        self.finish(sharing, factor.clone())
    }

    /// Both factors without the axes that they only repeat, if there are any and every summed axis stays in both:
    /// what one factor repeats along a batch axis is one factor for the whole batch.
    fn without_repetition(&self, sharing: &mut Sharing, a: &Factor, b: &Factor) -> Option<NodeId> {
        let core = |factor: &Factor| {
            let mut core = factor.clone();
            while let Some(inner) = moved(sharing.get(core.node), &core.axes) {
                core = inner;
            }
            core
        };
        let (left, right) = (core(a), core(b));
        let fewer = left.axes.len() + right.axes.len() < a.axes.len() + b.axes.len();
        let all_summed = self.summed.iter().all(|axis| left.has(*axis) && right.has(*axis));
        if !fewer || !all_summed {
            return None;
        }
        let product = self.contract(sharing, &left, &right, self.summed);
        Some(self.finish(sharing, product))
    }
}
