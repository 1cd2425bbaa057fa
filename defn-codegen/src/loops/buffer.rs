//! The memory that a program reads and writes.

use crate::arena::Id;
use crate::graph::{Dim, Element};

/// The position of a buffer in its program.
pub type BufferId = Id<Buffer>;

/// Elements in row-major order, without gaps; the parts of an element stand next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The name in dumps.
    pub name: String,
    /// The type of an element.
    pub element: Element,
    /// The extent of each axis; what bounds an address is their product.
    pub shape: Vec<Dim>,
    /// How many parts every element has, side by side; 1 but for scratch of lanes.
    pub lanes: u32,
    /// Where it is.
    pub space: Space,
}

/// Where a buffer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Space {
    /// Parameter `k` of the entry point, only read.
    Parameter(usize),
    /// Parameter `k` of the entry point, read and then overwritten.
    Updated(usize),
    /// Result `k` of the entry point, counted without the updated parameters.
    Result(usize),
    /// Scratch at a byte offset that is a multiple of 64; none before memory is planned.
    Workspace(Option<Dim>),
    /// Scratch of one iteration of an outermost loop, at such an offset in the scratch of a worker.
    Private(Option<Dim>),
    /// Scratch of known size, likewise, in the fast memory of a team of threads.
    Shared(Option<Dim>),
}

impl Space {
    /// Whether it is scratch that lives from nest to nest.
    pub fn is_workspace(&self) -> bool {
        matches!(self, Self::Workspace(_))
    }

    /// Whether it is scratch of an iteration in the fast memory of a team.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Whether it is scratch of an iteration in memory.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::Private(_))
    }
}

impl Buffer {
    /// The number of elements.
    pub fn size(&self) -> Dim {
        self.shape.iter().fold(Dim::from(1), |size, dim| size * dim.clone())
    }

    /// The number of bytes, of all parts.
    pub fn bytes(&self) -> Dim {
        self.size() * Dim::from(i64::from(self.lanes) * self.element.size() as i64)
    }
}
