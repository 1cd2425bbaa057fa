//! Loads of lanes that are far apart, where each lane reads neighbours: the elements of small matrices, of records.
//!
//! In:  loads of a block from one run of elements for each lane.   Out: the run of each lane in pieces, turned in registers.
//!
//! ```text
//! %0 = load a[36*j]           load a[36*j .. 36*j + 4], for each lane
//! %1 = load a[36*j + 1]       a register has the pieces of the lanes 0, 4, 8, …, the next one those of 1, 5, 9, …
//! %2 = load a[36*j + 2]       %0, %1, %2, %3 = the registers turned
//! %3 = load a[36*j + 3]
//! ```
//!
//! A gather takes a cycle for each lane and each element. A piece has 16 bytes, the part of a register in which permutations are cheapest.
//! A run that is no multiple of a piece has its last elements in a piece that overlaps the one before, so that nothing else is touched.

use std::collections::BTreeMap;

use super::interleaved::FARTHEST;
use super::ir::Value;
use super::runs::known;
use super::walk::Walk;
use crate::graph::Dim;
use crate::loops::visit;
use crate::loops::{Address, BufferId, Expr, Statement};

/// The bytes of a piece.
const PIECE: u32 = 16;

/// A piece that several statements of a block load from.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    buffer: BufferId,
    /// Where it begins.
    begin: Address,
}

/// The loads of a block that are elements of pieces.
#[derive(Default)]
pub(super) struct Pieces {
    all: Vec<Piece>,
    /// For each statement which piece, and which element of it.
    loads: BTreeMap<usize, (usize, usize)>,
    /// The elements of the pieces that have been loaded.
    loaded: BTreeMap<usize, Vec<Value>>,
}

/// The loads of a block that walk alike.
struct Run {
    buffer: BufferId,
    /// Where the first lane begins, but for what is known of the constant.
    begin: Address,
    /// For each load what is known of the constant, and its place in the block.
    loads: Vec<(i64, usize)>,
}

impl Walk<'_, '_> {
    /// The loads of a block that are done in pieces.
    pub(super) fn pieces(&self, block: &[Statement]) -> Pieces {
        let mut runs: Vec<Run> = Vec::new();
        for (place, statement) in block.iter().enumerate() {
            let Statement::Let { value: _, element: _, expr: Expr::Load(buffer, address) } =
                statement
            else {
                continue;
            };
            if !self.has_pieces(*buffer, address) {
                continue;
            }
            let mut begin = Address::clone(address);
            let known = known(&begin.constant);
            begin.constant = begin.constant - Dim::from(known);
            match runs.iter_mut().find(|it| it.buffer == *buffer && it.begin == begin) {
                Some(run) => run.loads.push((known, place)),
                None => runs.push(Run { buffer: *buffer, begin, loads: vec![(known, place)] }),
            }
        }
        let mut pieces = Pieces::default();
        for run in runs.into_iter().filter(|run| run.stays(block)) {
            let size = self.loops.buffers[run.buffer].element.size() as u32;
            run.into_pieces(i64::from(PIECE / size), &mut pieces);
        }
        pieces
    }

    /// Whether lanes walk in long steps, and all of them are wanted. See Note [Lanes that are all the same].
    fn has_pieces(&self, buffer: BufferId, address: &Address) -> bool {
        let Some(group) = self.group.filter(|group| group.active.is_none()) else { return false };
        let content = &self.loops.buffers[buffer];
        let size = content.element.size() as u32;
        let step = address.coefficient(group.variable);
        matches!(size, 4 | 8)
            && content.lanes == 1
            && group.width * size > PIECE
            && (group.width * size).is_multiple_of(PIECE)
            && address.computed.is_empty()
            && step.as_constant().is_some_and(|step| step.abs() > FARTHEST)
    }

    /// The value that a statement of the block loads, if it is an element of a piece.
    pub(super) fn of_piece(&mut self, pieces: &mut Pieces, place: usize) -> Option<Value> {
        let (piece, element) = *pieces.loads.get(&place)?;
        let columns = match pieces.loaded.get(&piece) {
            Some(columns) => columns,
            None => {
                let columns = self.piece(&pieces.all[piece]);
                pieces.loaded.entry(piece).or_insert(columns)
            }
        };
        Some(columns[element])
    }

    /// The elements of a piece, each for all lanes.
    fn piece(&mut self, Piece { buffer, begin }: &Piece) -> Vec<Value> {
        let (ir, cell, width) = (self.ir, self.cell(*buffer), self.width());
        let count = PIECE / cell.element.size() as u32;
        let base = self.affine(&begin.constant, &begin.terms);
        let base = ir.element_address(cell.ty, self.buffers[buffer], base);
        let step = self.lane_coefficient(&begin.terms).unwrap_or_default();
        let offsets = self.offsets(&step);
        let ty = ir.vector(cell.ty, count);
        let row = |first: u32| {
            let of_lane = |lane: u32| {
                let address = ir.element_address(cell.ty, base, offsets[lane as usize]);
                ir.load(ty, address, cell.element.size())
            };
            let mut parts: Vec<Value> =
                (0..width / count).map(|k| of_lane(k * count + first)).collect();
            let mut lanes = count;
            while parts.len() > 1 {
                lanes *= 2;
                parts = parts
                    .chunks(2)
                    .map(|pair| ir.shuffle_pair(pair[0], pair[1], 0..lanes))
                    .collect();
            }
            parts[0]
        };
        let rows: Vec<Value> = (0..count).map(row).collect();
        self.turned_in_pieces(&rows, width)
    }

    /// In each part of 16 bytes rows and columns exchanged.
    fn turned_in_pieces(&self, rows: &[Value], width: u32) -> Vec<Value> {
        let [first, .., last] = rows else { return rows.to_vec() };
        let size = rows.len() as u32;
        // The lower, or the upper half of a part of two registers, in units of so many elements.
        let half = |(left, right): (Value, Value), unit: u32, upper: bool| {
            let begin = if upper { size / 2 } else { 0 };
            let of_part = |part: u32| {
                (0..size / 2 / unit).flat_map(move |number| {
                    let from = part * size + begin + number * unit;
                    (from..from + unit).chain(width + from..width + from + unit)
                })
            };
            self.ir.shuffle_pair(left, right, (0..width / size).flat_map(of_part))
        };
        if size == 2 {
            return [false, true].map(|upper| half((*first, *last), 1, upper)).to_vec();
        }
        let [low, high] = [false, true]
            .map(|upper| [half((rows[0], rows[1]), 1, upper), half((rows[2], rows[3]), 1, upper)]);
        [low, high]
            .iter()
            .flat_map(|pair| [false, true].map(|upper| half((pair[0], pair[1]), 2, upper)))
            .collect()
    }
}

impl Run {
    /// Whether nothing between the loads writes what they read.
    fn stays(&self, block: &[Statement]) -> bool {
        let places = || self.loads.iter().map(|(_, place)| *place);
        let (Some(first), Some(last)) = (places().min(), places().max()) else { return false };
        let mut stays = true;
        visit::addresses(&block[first..last], &mut |buffer, _, written| {
            stays &= !written || buffer != self.buffer;
        });
        stays
    }

    /// Neighbours without a gap, a few at a time.
    fn into_pieces(mut self, count: i64, pieces: &mut Pieces) {
        self.loads.sort_unstable();
        let follows = |left: &(i64, usize), right: &(i64, usize)| right.0 - left.0 <= 1;
        for run in self.loads.chunk_by(follows) {
            let (first, last) = (run[0].0, run[run.len() - 1].0);
            if last - first + 1 < count {
                continue;
            }
            let begin_of =
                |known: i64| (first + (known - first) / count * count).min(last + 1 - count);
            for (known, place) in run {
                let start = begin_of(*known);
                let mut begin = self.begin.clone();
                begin.constant = begin.constant + Dim::from(start);
                let same = |it: &Piece| it.buffer == self.buffer && it.begin == begin;
                let piece = pieces.all.iter().position(same).unwrap_or_else(|| {
                    pieces.all.push(Piece { buffer: self.buffer, begin: begin.clone() });
                    pieces.all.len() - 1
                });
                pieces.loads.insert(*place, (piece, (known - start) as usize));
            }
        }
    }
}

// Note [Lanes that are all the same]
//
// What is left over of a loop has lanes that are not wanted, and these could read what the last wanted one does. Where a constant says that
// one lane is left, all would be the same, and LLVM 22 makes wrong code of long chains over such registers (the code generator, not
// a pass: what goes into it is right). Gathers under a mask have no such lanes, and what is left over is one group.
