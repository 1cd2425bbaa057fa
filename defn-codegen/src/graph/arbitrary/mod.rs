//! Random well-typed graphs, with arguments that fit them, for laws and for fuzzing.
//!
//! In: a seed and a size.   Out: a [`Case`], always the same for the same seed.
//!
//! Every primitive but calls, every word of its tables, every element type, ranks 0 to 4, extents that are numbers, symbols and
//! expressions of symbols, also 0 and 1, nodes with several uses and with none, several results, updated parameters,
//! parameters whose node stands in the middle, positions outside of what they index.
//! Each node is evaluated as it is made: what grows beyond reason is squashed before it is used, so that most results are finite
//! numbers that a wrong implementation would miss; one case in eight is let loose, with infinities, NaN and the ends of the integers.
//!
//! [`generate_differentiable`] makes smooth functions from `f64` tensors to a scalar, for gradients against differences.
//! [`generate_kinked_control`] makes functions that are smooth almost everywhere.
//! [`shrink`] makes a failing case small.

mod random;
mod generator;
mod extents;
mod elementwise;
mod movement;
mod smooth;
mod control;
mod shrink;

pub use random::Random;
pub use shrink::shrink;

use super::Graph;
use super::eval::Value;
use generator::{Generator, Mood};

/// A graph, and arguments for which it can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The graph.
    pub graph: Graph,
    /// One value for each parameter.
    pub arguments: Vec<Value>,
}

/// A random graph of about `size` applications, and arguments for it.
pub fn generate(seed: u64, size: usize) -> Case {
    let mut random = Random::new(seed);
    let mood = if random.chance(12) { Mood::Wild } else { Mood::Sane };
    let mut generator = Generator::new(random, mood);
    generator.begin();
    for _ in 0..size {
        generator.step();
    }
    generator.finish()
}

/// A random graph of about `size` applications, some of which run bodies, and arguments for it.
pub fn generate_control(seed: u64, size: usize) -> Case {
    let mut random = Random::new(seed);
    let mood = if random.chance(12) { Mood::Wild } else { Mood::Sane };
    let mut generator = Generator::new(random, mood);
    generator.begin();
    for step in 0..size {
        if step % 3 == 1 { generator.control_step() } else { generator.step() }
    }
    generator.finish()
}

/// A random smooth function of `f64` tensors whose only result is an `f64` scalar, some of whose applications run bodies,
/// and arguments for it.
pub fn generate_differentiable_control(seed: u64, size: usize) -> Case {
    let mut generator = Generator::new(Random::new(seed), Mood::Smooth);
    generator.begin();
    for step in 0..size {
        if step % 3 == 1 { generator.control_step() } else { generator.smooth_step() }
    }
    generator.finish_smooth()
}

/// A random function to `f64` tensors that is smooth but for kinks and jumps, some of whose applications run bodies,
/// also as often and as far as floats decide; and arguments for it.
pub fn generate_kinked_control(seed: u64, size: usize) -> Case {
    let mut generator = Generator::new(Random::new(seed), Mood::Kinked);
    generator.begin();
    for step in 0..size {
        if step % 3 == 1 { generator.control_step() } else { generator.kinked_step() }
    }
    generator.finish_floats()
}

/// A random smooth function of `f64` tensors whose only result is an `f64` scalar, and arguments for it.
pub fn generate_differentiable(seed: u64, size: usize) -> Case {
    let mut generator = Generator::new(Random::new(seed), Mood::Smooth);
    generator.begin();
    for _ in 0..size {
        generator.smooth_step();
    }
    generator.finish_smooth()
}
