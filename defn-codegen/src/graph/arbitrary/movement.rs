//! Random applications that move elements, reduce and contract them.

use super::generator::{Generator, MOST_ELEMENTS, Mood};
use crate::graph::{Binary, Combine, Dim, Element, NodeId, Op, Sliding, TensorType, Unary};

impl Generator {
    /// A random application that is not elementwise.
    pub(super) fn movement(&mut self) -> NodeId {
        let operand = self.any();
        match self.random.below(19) {
            0 => self.random_broadcast(operand),
            1 => {
                let order = self.random.permutation(self.ty_of(operand).rank());
                self.builder.transpose(operand, &order)
            }
            2 => self.random_reshape(operand),
            3 => self.random_slice(operand),
            4 => self.random_pad(operand),
            5 => {
                let axes = self.random.subset(self.ty_of(operand).rank());
                self.builder.reverse(operand, &axes)
            }
            6 => self.random_concat(operand),
            7 | 8 => self.random_take(operand),
            9 => self.random_add_at(operand),
            10 | 11 => self.random_reduce(operand),
            12 | 13 => self.random_window(operand),
            14 => self.random_overlap_add(operand),
            15 => self.random_scan(operand),
            16 => self.random_sort(operand),
            17 => self.random_attention(operand),
            _ => self.random_contract(operand),
        }
    }

    fn random_broadcast(&mut self, operand: NodeId) -> NodeId {
        let mut shape = self.builder.shape(operand);
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        for _ in 0..1 + self.random.below(2) {
            if shape.len() >= 4 {
                break;
            }
            let at = self.random.below(shape.len() + 1);
            let extent = self.extent();
            let extent = self.fitting(&shape, extent);
            shape.insert(at, extent);
            axes.iter_mut().filter(|axis| **axis >= at).for_each(|axis| *axis += 1);
        }
        self.builder.broadcast(operand, &shape, &axes)
    }

    /// Merges two axes, adds one of extent 1, splits one, or flattens all.
    fn random_reshape(&mut self, operand: NodeId) -> NodeId {
        let mut shape = self.builder.shape(operand);
        match self.random.below(4) {
            0 if shape.len() >= 2 => {
                let at = self.random.below(shape.len() - 1);
                let next = shape.remove(at + 1);
                shape[at] = shape[at].clone() * next;
            }
            1 if shape.len() < 4 => shape.insert(self.random.below(shape.len() + 1), Dim::from(1)),
            2 if shape.len() < 4 => {
                let even = shape.iter().position(|dim| {
                    dim.as_constant().is_some_and(|value| value > 0 && value % 2 == 0)
                });
                if let Some(axis) = even {
                    shape[axis] = shape[axis].exact_div(&Dim::from(2));
                    shape.insert(axis + self.random.below(2), Dim::from(2));
                }
            }
            _ => shape = vec![self.builder.ty(operand).size()],
        }
        self.builder.reshape(operand, &shape)
    }

    fn random_slice(&mut self, operand: NodeId) -> NodeId {
        let shape = self.builder.shape(operand);
        let (mut starts, mut sizes) = (Vec::new(), Vec::new());
        for dim in shape {
            let value = self.value(&dim);
            let cut = self.random.between(0, value.min(3));
            let rest = dim.clone() - Dim::from(cut);
            self.check_at_most(cut, &dim);
            let (start, size) = match self.random.below(5) {
                0 => (Dim::from(cut), rest),
                1 => (Dim::from(0), rest),
                2 => (rest, Dim::from(cut)),
                3 => (Dim::from(0), Dim::from(cut)),
                _ => (Dim::from(0), dim),
            };
            starts.push(start);
            sizes.push(size);
        }
        self.builder.slice(operand, &starts, &sizes)
    }

    fn random_pad(&mut self, operand: NodeId) -> NodeId {
        let shape = self.builder.shape(operand);
        let (mut low, mut high, mut padded) = (Vec::new(), Vec::new(), Vec::new());
        for dim in shape {
            let widths = [0, 0, 1, 2, 3].map(Dim::from);
            let mut sides = [0, 1].map(|_| widths[self.random.below(widths.len())].clone());
            if self.random.chance(15) {
                sides[0] = self.extent();
            }
            let total: i64 =
                self.value(&dim) + sides.iter().map(|side| self.value(side)).sum::<i64>();
            if self.size(&padded) * total > MOST_ELEMENTS {
                sides = [0, 0].map(Dim::from);
            }
            let [front, behind] = sides;
            padded.push(dim + front.clone() + behind.clone());
            low.push(front);
            high.push(behind);
        }
        let element = self.ty_of(operand).element;
        let value = self.like(&TensorType::scalar(element));
        self.builder.pad(operand, value, &low, &high)
    }

    fn random_step(&mut self) -> Dim {
        let number = Dim::from(self.random.pick(&[1, 1, 1, 2, 3]));
        if self.symbols.is_empty() || self.random.chance(85) {
            return number;
        }
        let symbolic = self.extent();
        if !(1..=3).contains(&self.value(&symbolic)) {
            return number;
        }
        self.check_at_most(1, &symbolic);
        symbolic
    }

    fn random_window(&mut self, operand: NodeId) -> NodeId {
        let shape = self.builder.shape(operand);
        let strides: Vec<Dim> = shape.iter().map(|_| self.random_step()).collect();
        let (mut axes, mut dilations, mut taps) = (Vec::new(), Vec::new(), Vec::new());
        let mut spans = vec![Dim::from(1); shape.len()];
        for _ in 0..self.random.below(3) {
            if shape.is_empty() || shape.len() + taps.len() >= 5 {
                break;
            }
            let axis = self.random.below(shape.len());
            let (by, extent) = (self.random_step(), self.extent());
            let extent = if self.value(&extent) == 0 { Dim::from(1) } else { extent };
            let span = spans[axis].clone() + by.clone() * (extent.clone() - Dim::from(1));
            let all: Vec<Dim> = shape.iter().chain(&taps).cloned().collect();
            if self.value(&span) > self.value(&shape[axis])
                || self.fitting(&all, extent.clone()) != extent
            {
                continue;
            }
            self.check_below(&span, &shape[axis]);
            spans[axis] = span;
            axes.push(axis);
            dilations.push(by);
            taps.push(extent);
        }
        let windows = shape.iter().zip(&spans).zip(&strides);
        let windows = windows.map(|((extent, span), by)| {
            (extent.clone() - span.clone()).floor_div(by) + Dim::from(1)
        });
        let seen: Vec<Dim> = windows.chain(taps).collect();
        self.builder.window(operand, Sliding { strides, axes, dilations }, &seen)
    }

    fn random_overlap_add(&mut self, operand: NodeId) -> NodeId {
        let mut operand = operand;
        if self.ty_of(operand).element == Element::Bool {
            operand = self.builder.convert(Element::I32, operand);
        }
        let seen = self.builder.shape(operand);
        let taps = self.random.below(3).min(seen.len().saturating_sub(1));
        let rank = seen.len() - taps;
        let sliding = Sliding {
            strides: (0..rank).map(|_| self.random_step()).collect(),
            axes: (0..taps).map(|_| self.random.below(rank)).collect(),
            dilations: (0..taps).map(|_| self.random_step()).collect(),
        };
        let mut shape = Vec::new();
        for axis in 0..rank {
            let least = sliding.reach(axis, &seen) + Dim::from(1);
            let rest = Dim::from(self.random.pick(&[0, 0, 1, 2]));
            let is_natural = self.value(&least) >= 0;
            let extent = if is_natural { least + rest } else { rest };
            if self.size(&shape) * self.value(&extent) > MOST_ELEMENTS {
                return self.random_window(operand);
            }
            shape.push(extent);
        }
        self.builder.overlap_add(operand, sliding, &shape)
    }

    fn random_concat(&mut self, operand: NodeId) -> NodeId {
        let ty = self.ty_of(operand);
        if ty.shape.is_empty() || self.size(&ty.shape) > MOST_ELEMENTS / 3 {
            return self.random_broadcast(operand);
        }
        let axis = self.random.below(ty.rank());
        let mut operands = vec![operand];
        for _ in 0..1 + self.random.below(2) {
            let mut part = ty.clone();
            if self.random.chance(60) {
                let mut others = ty.shape.clone();
                others.remove(axis);
                let extent = self.extent();
                part.shape[axis] = self.fitting(&others, extent);
            }
            let part = self.like(&part);
            operands.insert(self.random.below(operands.len() + 1), part);
        }
        self.builder.concat(axis, &operands)
    }

    /// An axis that positions select from, the number of axes before it, and positions of a few more axes.
    fn positions(&mut self, operand: NodeId) -> (usize, NodeId) {
        let shape = self.builder.shape(operand);
        let batch = if self.random.chance(60) { 0 } else { self.random.below(shape.len()) };
        let mut indexed = shape[..batch].to_vec();
        let rest: Vec<Dim> = shape[batch + 1..].to_vec();
        for _ in 0..self.random.below(3) {
            let extent = self.extent();
            let all: Vec<Dim> = indexed.iter().chain(&rest).cloned().collect();
            indexed.push(self.fitting(&all, extent));
        }
        let ty = TensorType::new(Element::I64, indexed.clone());
        let mut positions = self.like(&ty);
        // Half of the time some lie outside, at either end.
        if self.random.chance(50) {
            let offset = self.random.between(-3, 3);
            let offset = crate::graph::Scalar::from_i64(Element::I64, offset);
            let offset = self.builder.splat(offset, &indexed);
            positions = self.builder.binary(Binary::Add, positions, offset);
        }
        (batch, positions)
    }

    fn random_take(&mut self, operand: NodeId) -> NodeId {
        if self.ty_of(operand).rank() == 0 {
            return self.random_broadcast(operand);
        }
        let (batch, positions) = self.positions(operand);
        self.builder.take(operand, positions, batch)
    }

    fn random_add_at(&mut self, operand: NodeId) -> NodeId {
        let mut operand = operand;
        if self.ty_of(operand).rank() == 0 {
            return self.random_broadcast(operand);
        }
        if self.ty_of(operand).element == Element::Bool {
            operand = self.builder.convert(Element::I32, operand);
        }
        let (batch, positions) = self.positions(operand);
        let mut values = self.ty_of(operand);
        values.shape = self.builder.shape(positions);
        values.shape.extend_from_slice(&self.builder.shape(operand)[batch + 1..]);
        let values = self.like(&values);
        self.builder.add_at(operand, positions, values, batch)
    }

    fn random_reduce(&mut self, operand: NodeId) -> NodeId {
        let ty = self.ty_of(operand);
        let combine = match (self.mood, ty.element) {
            (Mood::Smooth, _) => Combine::Add,
            (_, Element::Bool) => self.random.pick(&[Combine::Max, Combine::Min]),
            _ => self.random.pick(Combine::ALL),
        };
        // No axes at all are legal too, and change nothing.
        let axes = self.random.subset(ty.rank());
        self.builder.apply(Op::Reduce { combine, axes }, &[operand], ty)
    }

    fn random_scan(&mut self, operand: NodeId) -> NodeId {
        let ty = self.ty_of(operand);
        if ty.rank() == 0 {
            return self.random_broadcast(operand);
        }
        let combine = match (self.mood, ty.element) {
            (Mood::Smooth, _) => self.random.pick(&[Combine::Add, Combine::Mul]),
            (_, Element::Bool) => self.random.pick(&[Combine::Max, Combine::Min]),
            _ => self.random.pick(Combine::ALL),
        };
        let axis = self.random.below(ty.rank());
        let reverse = self.random.chance(50);
        self.builder.scan(combine, operand, axis, reverse)
    }

    /// Equal elements have no smooth order.
    fn random_sort(&mut self, operand: NodeId) -> NodeId {
        let ty = self.ty_of(operand);
        if ty.rank() == 0 || self.mood == Mood::Smooth {
            return self.random_scan(operand);
        }
        let axis = self.random.below(ty.rank());
        let descending = self.random.chance(50);
        if self.random.chance(50) {
            return self.builder.sort(operand, axis, descending);
        }
        let extent = ty.shape[axis].clone();
        let cut = self.random.between(0, self.value(&extent).min(2));
        self.check_at_most(cut, &extent);
        let count = self.random.pick(&[0, cut]);
        self.builder.argsort(operand, axis, descending, &(extent - Dim::from(count)))
    }

    fn random_contract(&mut self, operand: NodeId) -> NodeId {
        let mut left = operand;
        if self.ty_of(left).element == Element::Bool {
            let float = if self.mood == Mood::Kinked { Element::F64 } else { Element::F32 };
            left = self.builder.convert(float, left);
        }
        let ty = self.ty_of(left);
        let batch = self.random.below(ty.rank() + 1).min(self.random.below(3));
        let contracted = self.random.below(ty.rank() - batch + 1);
        let mut shape = ty.shape[..batch].to_vec();
        let kept = ty.rank() - contracted;
        for _ in 0..self.random.below(3) {
            let extent = self.extent();
            let all: Vec<Dim> = ty.shape.iter().chain(&shape[batch..]).cloned().collect();
            shape.push(self.fitting(&all, extent));
        }
        shape.extend_from_slice(&ty.shape[kept..]);
        let right = self.like(&TensorType::new(ty.element, shape));
        self.builder.contract(left, right, batch, contracted)
    }
}

/// Products of batches, with what may stand between them.
impl Generator {
    /// Two products, and between them the shares of a row, or a function.
    fn random_attention(&mut self, operand: NodeId) -> NodeId {
        let ty = self.ty_of(operand);
        if ty.rank() < 2 || !ty.element.is_float() {
            return self.random_contract(operand);
        }
        let batch = ty.rank() - 2;
        let keys = self.extent();
        let keys = self.fitting(&ty.shape, keys);
        let batches = &ty.shape[..batch];
        let of = |last: [Dim; 2]| TensorType::new(ty.element, [batches, &last].concat());
        let right = self.like(&of([keys.clone(), ty.shape[batch + 1].clone()]));
        let scores = self.builder.contract(operand, right, batch, 1);
        let scores = self.builder.unary(Unary::Tanh, scores);
        let looks = match self.random.below(3) {
            0 => scores,
            1 => {
                let other = self.other(scores);
                self.builder.binary(Binary::Mul, scores, other)
            }
            _ => self.shares(scores),
        };
        let width = self.extent();
        let width =
            self.fitting(&[&ty.shape[..=batch], std::slice::from_ref(&keys)].concat(), width);
        let values = self.like(&of([width, keys]));
        self.builder.contract(looks, values, batch, 1)
    }

    /// Exponentials of the last axis, divided by their sum.
    fn shares(&mut self, scores: NodeId) -> NodeId {
        let ty = self.ty_of(scores);
        let axis = ty.rank() - 1;
        let rows: Vec<usize> = (0..axis).collect();
        let reduce = |combine, of, builder: &mut crate::graph::build::Builder| {
            let row = builder.apply(Op::Reduce { combine, axes: vec![axis] }, &[of], ty.clone());
            builder.broadcast(row, &ty.shape, &rows)
        };
        let mut scores = scores;
        if self.mood != Mood::Smooth {
            let largest = reduce(Combine::Max, scores, &mut self.builder);
            scores = self.builder.binary(Binary::Sub, scores, largest);
        }
        let powers = self.builder.unary(Unary::Exp, scores);
        let sum = reduce(Combine::Add, powers, &mut self.builder);
        self.builder.binary(Binary::Div, powers, sum)
    }
}
