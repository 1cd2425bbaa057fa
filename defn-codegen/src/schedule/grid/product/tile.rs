//! How large tiles are, and which part of one a thread has.
//!
//! | product | elements of at most | tile | sums of a thread | steps of a block |
//! |---|---|---|---|---|
//! | enough tiles for every multiprocessor | 4 bytes | 128 x 128 | 8 x 8 | 8 |
//! | any other | 4 bytes | 64 x 64 | 4 x 4 | 16 |
//! | any | 8 bytes | 64 x 64 | 4 x 4 | 8 |
//! | enough tiles, on tensor cores | 4 bytes | 128 x 128 | 8 x 8 | 16 |
//! | any other, on tensor cores | 4 bytes | 64 x 64 | 4 x 4 | 16 |
//!
//! A team is 8 warps. Two of them stand one behind the other along the rows, four along the columns, and in a warp eight threads along
//! the rows and four along the columns: then a warp reads the fewest numbers for its sums. A thread has `vector` neighbours
//! at a time (16 bytes), and its next ones lie behind those of all threads of its warp.
//!
//! On tensor cores a thread has the sums that [`mma`](crate::loops::mma) gives it: single rows, and pairs of columns.

use crate::graph::{Binary, Dim, Element};
use crate::loops::mma::Shape;
use crate::loops::{Address, Expr, Statement, ValueId, VariableId};
use crate::schedule::names::{Names, number, position};

use super::place::{number_of, place};

/// Threads of a team.
pub(super) const THREADS: i64 = 256;
/// How many warps stand along each side.
const WARPS: [i64; 2] = [2, 4];
/// How many threads of a warp stand along each side.
const STAND: [i64; 2] = [8, 4];
/// Bytes that a thread reads at once.
const BYTES: usize = 16;

/// The size of a tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    /// Sums of a thread along one side.
    pub(super) own: i64,
    /// Neighbours that a thread reads at once.
    pub(super) vector: i64,
    /// Steps of a block.
    pub(super) steps: i64,
    /// What tensor cores multiply, if they do.
    pub(super) shape: Option<Shape>,
}

impl Tile {
    /// For products of many tiles; none where registers are short.
    pub(super) fn large(size: usize, shape: Option<Shape>) -> Option<Self> {
        let steps = if shape.is_some() { 16 } else { 8 };
        (size <= 4).then_some(Self { own: 8, vector: 4, steps, shape })
    }

    /// For all others.
    pub(super) fn small(size: usize, shape: Option<Shape>) -> Self {
        let vector = (BYTES / size).clamp(1, 4) as i64;
        Self { own: 4, vector, steps: 4 * vector, shape }
    }

    /// How many neighbours a thread has along a side.
    pub(super) fn neighbours(&self, side: usize) -> i64 {
        if self.shape.is_some() { [1, 2][side] } else { self.vector }
    }

    /// Elements along a side.
    pub(super) fn length(&self) -> i64 {
        self.own * WARPS[0] * STAND[0]
    }

    /// From one step of a panel to the next: what lies step by step is turned on the way, and then
    /// two threads that have neighbouring parts of eight or sixteen rows store to banks of their own.
    /// Tensor cores want eight elements of four steps, one of each thread: these lie in banks of their own.
    pub(super) fn stride(&self) -> i64 {
        self.length() + if self.shape.is_some() { 8 } else { self.vector }
    }

    /// Elements of a block of a panel.
    pub(super) fn panel(&self) -> i64 {
        self.steps * self.stride()
    }

    /// How many elements of a block a thread brings, `vector` at a time.
    pub(super) fn chunks(&self) -> i64 {
        self.length() * self.steps / (self.vector * THREADS)
    }

    /// How many rows lie in a slice of what a tile gives: one of each thread along the rows.
    pub(super) fn slice(&self) -> i64 {
        WARPS[0] * STAND[0]
    }

    /// From one row of a slice to the next: the rows of eight threads that store at once lie in banks of their own.
    pub(super) fn slice_stride(&self) -> i64 {
        self.length() + 2 * self.vector
    }

    /// How many elements of fast memory a team needs: two blocks of both panels, and afterwards a slice of the results.
    pub(super) fn shared(&self) -> i64 {
        (4 * self.panel()).max(self.slice() * self.slice_stride())
    }

    /// Where the number `own` of a thread's elements along a side lies behind its first.
    pub(super) fn behind(&self, side: usize, own: i64) -> i64 {
        let vector = self.neighbours(side);
        own / vector * vector * STAND[side] + own % vector
    }

    /// How far the elements of a warp reach along a side.
    fn of_warp(&self, side: usize) -> i64 {
        self.length() / WARPS[side]
    }

    /// The row of a tile that a row of a slice is, by the number of its warp, its thread, and the slice: of vectors of rows, and in one.
    pub(super) fn row(&self, [warp, thread, vector, own]: [Address; 4]) -> Address {
        let mut row = own;
        row.add_scaled(&warp, &Dim::from(self.of_warp(0)));
        row.add_scaled(&thread, &Dim::from(self.neighbours(0)));
        row.add_scaled(&vector, &Dim::from(self.neighbours(0) * STAND[0]));
        row
    }
}

/// The part of a tile that a thread has.
pub(super) struct Own {
    /// How many vectors are before its first element along each side: so that it shows where vectors begin.
    pub(super) first: [ValueId; 2],
    /// Its row in a slice.
    pub(super) slice: ValueId,
    /// Where the part of its warp begins along each side.
    pub(super) corner: [Address; 2],
    /// Where it stands in its warp along each side.
    pub(super) lane: [ValueId; 2],
}

/// Names values of a thread as `i64`.
pub(super) fn named(out: &mut Vec<Statement>, names: &mut Names, expr: Expr) -> ValueId {
    let value = names.value();
    out.push(Statement::Let { value, element: Element::I64, expr });
    value
}

/// `binary` with a number on the right.
pub(super) fn with(binary: Binary, left: Expr, right: i64) -> Expr {
    Expr::Binary(binary, Box::new(left), Box::new(number(right)))
}

impl Own {
    /// The part of thread `thread`. The lowest and the fifth bit of its number say where it stands along the columns, the others
    /// where along the rows: any eight neighbours read four vectors of rows and two of columns.
    pub(super) fn of(
        tile: &Tile,
        thread: VariableId,
        (out, names): (&mut Vec<Statement>, &mut Names),
    ) -> Self {
        let number = || position(Dim::default(), Some(thread));
        let shifted = |by| with(Binary::ShiftRight, number(), by);
        let warp = |by, mask| with(Binary::And, shifted(by), mask);
        let (along_rows, along_columns) = if tile.shape.is_some() {
            (warp(2, STAND[0] - 1), with(Binary::And, number(), STAND[1] - 1))
        } else {
            let (low, high) = (with(Binary::And, number(), 1), warp(3, 2));
            let columns = Expr::Binary(Binary::Add, Box::new(low), Box::new(high));
            (warp(1, STAND[0] - 1), columns)
        };
        let along_rows = named(out, names, along_rows);
        let along_columns = named(out, names, along_columns);
        let warp_row = named(out, names, warp(5, WARPS[0] - 1));
        let warp_column = named(out, names, shifted(6));
        let mut first = |side: usize, warp: ValueId, along: ValueId| {
            let vectors = tile.of_warp(side) / tile.neighbours(side);
            let place = place(0, &[], &[(warp, vectors), (along, 1)]);
            named(out, names, number_of(place))
        };
        let first = [first(0, warp_row, along_rows), first(1, warp_column, along_columns)];
        let slice = place(0, &[], &[(warp_row, STAND[0]), (along_rows, 1)]);
        let slice = named(out, names, number_of(slice));
        let corner = [(warp_row, 0), (warp_column, 1)]
            .map(|(warp, side)| place(0, &[], &[(warp, tile.of_warp(side))]));
        Self { first, slice, corner, lane: [along_rows, along_columns] }
    }
}
