//! Bodies that run again and again, or perhaps never.

use super::walk::{Item, Tensor, Walk, integer, walk};
use crate::graph::{Node, Op, Repeat, TensorType, Times};

/// More iterations than any test needs; a loop that runs longer is refused instead of running forever.
const MOST_ITERATIONS: i64 = 1 << 20;

impl<T: Item> Walk<'_, T> {
    /// The values of a node that runs bodies.
    pub(super) fn control(&self, node: &Node) -> Result<Vec<Tensor<T>>, String> {
        let operands: Vec<Tensor<T>> =
            node.operands.iter().map(|operand| self.tensor(*operand).clone()).collect();
        if let Op::Branch(branch) = &node.op {
            let rest = operands[1..].to_vec();
            return match operands[0].items[0].position() {
                None => self.nothing_known(&node.types),
                Some(0) => walk(&branch.otherwise, self.symbols, rest),
                Some(_) => walk(&branch.then, self.symbols, rest),
            };
        }
        if let Op::Inspect(_) = node.op {
            return Ok(operands[..1].to_vec());
        }
        let Op::Repeat(repeat) = &node.op else {
            return Err("no body runs".to_owned());
        };
        match &repeat.times {
            Times::Extent(extent) => {
                let shape = self.shape(std::slice::from_ref(extent))?;
                self.counted(repeat, shape[0], &node.types, operands)
            }
            Times::While(condition) => {
                let mut state = operands;
                let rest = state.split_off(repeat.state);
                for iteration in 0..MOST_ITERATIONS {
                    let position = Tensor::new(&[], vec![integer(iteration)]);
                    let inputs = [vec![position], state, rest.clone()].concat();
                    let holds = walk(condition, self.symbols, inputs.clone())?;
                    match holds[0].items[0].position() {
                        None => return self.nothing_known(&node.types),
                        Some(0) => return Ok(inputs[1..=repeat.state].to_vec()),
                        Some(_) => state = walk(&repeat.body, self.symbols, inputs)?,
                    }
                }
                Err("too many iterations".to_owned())
            }
        }
    }

    fn counted(
        &self,
        repeat: &Repeat,
        times: usize,
        types: &[TensorType],
        operands: Vec<Tensor<T>>,
    ) -> Result<Vec<Tensor<T>>, String> {
        let mut state = operands;
        let mut sequences = state.split_off(repeat.state);
        let rest = sequences.split_off(repeat.sequences);
        let mut collected = vec![vec![Vec::new(); times]; types.len() - repeat.state];
        for iteration in 0..times {
            let place = if repeat.reverse { times - 1 - iteration } else { iteration };
            let position = Tensor::new(&[], vec![integer(place as i64)]);
            let elements = sequences.iter().map(|sequence| element(sequence, place)).collect();
            let inputs = [vec![position], state, elements, rest.clone()].concat();
            state = walk(&repeat.body, self.symbols, inputs)?;
            for (items, tensor) in collected.iter_mut().zip(state.split_off(repeat.state)) {
                items[place] = tensor.items;
            }
        }
        for (items, ty) in collected.into_iter().zip(&types[repeat.state..]) {
            state.push(Tensor::new(&self.shape(&ty.shape)?, items.concat()));
        }
        Ok(state)
    }

    /// What a decision gives that is not known.
    fn nothing_known(&self, types: &[TensorType]) -> Result<Vec<Tensor<T>>, String> {
        let unknown = |ty: &TensorType| {
            let shape = self.shape(&ty.shape)?;
            let size = shape.iter().product();
            Ok(Tensor::new(&shape, vec![T::unknown(ty.element); size]))
        };
        types.iter().map(unknown).collect()
    }
}

/// The position `place` of the first axis.
fn element<T: Clone>(sequence: &Tensor<T>, place: usize) -> Tensor<T> {
    let shape = &sequence.shape[1..];
    let size: usize = shape.iter().product();
    Tensor::new(shape, sequence.items[place * size..(place + 1) * size].to_vec())
}
