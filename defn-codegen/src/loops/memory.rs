//! The bytes that an evaluation reads and writes.
//!
//! In: a program, its symbols and parameters.   Out: memory for its buffers, where an element is in it, and what it holds.
//!
//! Temporaries that are planned lie in the workspace, or in the scratch of a task; what is not planned yet has memory of its own.
//! An element outside of its buffer, or a buffer outside of its region, is a fault.

use std::ops::Range;

use super::eval::{Fault, shape};
use super::{BufferId, Loops, Space};
use crate::graph::eval::Value;
use crate::graph::{Dim, Scalar};

/// Where the bytes of a buffer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Region {
    /// In memory of its own.
    Own,
    Workspace,
    Private,
    Shared,
}

/// Where the bytes of an element are.
pub(super) struct Place {
    region: Region,
    range: Range<usize>,
}

impl Place {
    /// The first byte in its region.
    pub(super) fn start(&self) -> usize {
        self.range.start
    }
}

/// What stands where nothing was written.
const UNTOUCHED: u8 = 0xAB;
/// What the scratch of a task holds when it begins: a NaN in every float.
const POISON: u8 = 0xFF;

/// All memory of a program.
pub(super) struct Memory<'l> {
    loops: &'l Loops,
    symbols: &'l [i64],
    /// The bytes of each buffer that is no temporary, or not planned.
    own: Vec<Vec<u8>>,
    workspace: Vec<u8>,
    private: Vec<u8>,
    shared: Vec<u8>,
}

impl<'l> Memory<'l> {
    pub(super) fn new(loops: &'l Loops, symbols: &'l [i64], parameters: &[Value]) -> Self {
        let own = loops.buffers.iter().map(|(_, buffer)| match buffer.space {
            Space::Parameter(position) | Space::Updated(position) => bytes(&parameters[position]),
            Space::Result(_)
            | Space::Workspace(None)
            | Space::Private(None)
            | Space::Shared(None) => vec![UNTOUCHED; size(&buffer.bytes(), symbols)],
            Space::Workspace(Some(_)) | Space::Private(Some(_)) | Space::Shared(Some(_)) => {
                Vec::new()
            }
        });
        Self {
            loops,
            symbols,
            own: own.collect(),
            workspace: vec![UNTOUCHED; size(&loops.workspace, symbols)],
            private: vec![UNTOUCHED; size(&loops.private, symbols)],
            shared: vec![UNTOUCHED; shared_bytes(loops)],
        }
    }

    /// All elements of a buffer that has memory of its own.
    pub(super) fn value(&self, id: BufferId) -> Value {
        let element = self.loops.buffers[id].element;
        let data = self.own[id.index()].chunks(element.size()).map(read).collect();
        Value { element, shape: shape(self.loops, id, self.symbols), data }
    }

    /// Makes the scratch of a task hold nothing.
    pub(super) fn poison(&mut self) {
        self.private.fill(POISON);
        self.shared.fill(POISON);
        for ((_, buffer), memory) in self.loops.buffers.iter().zip(&mut self.own) {
            if buffer.space.is_private() || buffer.space.is_shared() {
                memory.fill(POISON);
            }
        }
    }

    /// Where an element is, or its part for one of so many lanes.
    pub(super) fn place(
        &self,
        buffer: BufferId,
        position: i64,
        (width, lane): (Option<u32>, usize),
    ) -> Result<Place, Fault> {
        let content = &self.loops.buffers[buffer];
        let bytes = content.element.size();
        if content.lanes != 1 && width != Some(content.lanes) {
            return Err(Fault(format!("`{}` has another number of lanes", content.name)));
        }
        let count: usize = shape(self.loops, buffer, self.symbols).iter().product();
        let position = usize::try_from(position).ok().filter(|position| *position < count);
        let Some(position) = position else {
            return Err(Fault(format!("an access outside of `{}`", content.name)));
        };
        let (region, start) = match &content.space {
            Space::Workspace(Some(offset)) => (Region::Workspace, size(offset, self.symbols)),
            Space::Private(Some(offset)) => (Region::Private, size(offset, self.symbols)),
            Space::Shared(Some(offset)) => (Region::Shared, size(offset, self.symbols)),
            Space::Workspace(None)
            | Space::Private(None)
            | Space::Shared(None)
            | Space::Parameter(_)
            | Space::Updated(_)
            | Space::Result(_) => (Region::Own, 0),
        };
        let part = if content.lanes == 1 { 0 } else { lane };
        let start = start + (position * content.lanes as usize + part) * bytes;
        let range = start..start + bytes;
        if range.end > self.region(buffer, region).len() {
            return Err(Fault(format!("`{}` lies outside of the scratch", content.name)));
        }
        Ok(Place { region, range })
    }

    fn region(&self, buffer: BufferId, region: Region) -> &[u8] {
        match region {
            Region::Own => &self.own[buffer.index()],
            Region::Workspace => &self.workspace,
            Region::Private => &self.private,
            Region::Shared => &self.shared,
        }
    }

    pub(super) fn load(&self, buffer: BufferId, place: &Place) -> Scalar {
        let bytes = &self.region(buffer, place.region)[place.range.clone()];
        Scalar { element: self.loops.buffers[buffer].element, bits: read(bytes) }
    }

    pub(super) fn store(&mut self, buffer: BufferId, place: &Place, scalar: Scalar) {
        let region = match place.region {
            Region::Own => &mut self.own[buffer.index()],
            Region::Workspace => &mut self.workspace,
            Region::Private => &mut self.private,
            Region::Shared => &mut self.shared,
        };
        let bytes = &mut region[place.range.clone()];
        bytes.copy_from_slice(&scalar.bits.to_le_bytes()[..bytes.len()]);
    }
}

/// How much fast memory a team has.
fn shared_bytes(loops: &Loops) -> usize {
    let ends = loops.buffers.iter().filter_map(|(_, buffer)| match &buffer.space {
        Space::Shared(Some(offset)) => Some(size(&(offset.clone() + buffer.bytes()), &[])),
        Space::Shared(None)
        | Space::Parameter(_)
        | Space::Updated(_)
        | Space::Result(_)
        | Space::Workspace(_)
        | Space::Private(_) => None,
    });
    ends.max().unwrap_or(0)
}

/// A number of bytes.
fn size(dim: &Dim, symbols: &[i64]) -> usize {
    usize::try_from(dim.evaluate(symbols)).unwrap_or(0)
}

fn bytes(value: &Value) -> Vec<u8> {
    let size = value.element.size();
    value.data.iter().flat_map(|bits| bits.to_le_bytes()[..size].to_vec()).collect()
}

fn read(bytes: &[u8]) -> u64 {
    let mut bits = [0; 8];
    bits[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(bits)
}
