//! Matrix products in tiles: a team of 256 threads computes a tile, and each thread a block of it in registers.
//!
//! ```text
//! before                                    after
//! for i in 0..n parallel {                  for bi in 0..floor((n + 127) / 128) parallel {
//!   for j in 0..m lanes 64 {                  for bj in 0..floor((m + 127) / 128) parallel {
//!     var $0: f32 = 0.0                         var $1, …, $64: f32 lanes 256 = 0.0
//!     for k in 0..l {                           panels of 128 rows and 128 columns, 8 steps at a time, in fast memory,
//!       $0 = fma(load a[…], load b[…], $0)        and 8 x 8 multiply-adds of each thread for each step
//!     }                                         what is done with the sums, 16 rows at a time, by way of the fast memory
//!     store r0[m*i + j] = tanh($0)            }
//!   }                                       }
//! }
//! ```
//!
//! What a step needs is read from memory once for a tile: 2 · 128 numbers for 128² multiply-adds. It is computed on the way into the fast
//! memory, whatever it is made of, and turned there if its steps lie side by side, so that a thread always reads the four neighbours
//! that it needs with one access. While a block is added up, the next one comes into registers; the fast memory has room
//! for two, so that the threads wait for each other once for each block.
//!
//! Every element is one chain of multiply-adds in the order of the steps, which is the order of a host, so that no bit changes.
//! Only where few elements have long sums are these in [`parts`], each of which is such a chain.
//!
//! Where the user allows it, products of floats of 16 bits, or of `f32` too, are those of tensor cores, in the same tiles ([`cores`]).
//!
//! # Banks
//!
//! The fast memory has 32 banks of four bytes; an access of 16 bytes is served eight threads at a time, and these must not meet in a bank.
//!
//! | access | eight neighbouring threads | banks |
//! |---|---|---|
//! | store of a panel whose elements lie side by side | 8 vectors one behind the other | 32 different ones |
//! | store of a panel that is turned (4 bytes, all 32 threads) | 16 rows of 2 steps that are 4 rows of `length + 4` apart | 16·(t mod 2) + t / 2 |
//! | load of rows | 4 vectors one behind the other, each by two threads | 16 different ones |
//! | load of columns | 2 vectors, each by four threads | 8 different ones |
//! | store of a slice | 2 vectors in 4 rows that are `length + 8` apart | 8·row + 4·(t mod 2) |
//! | load of a slice (4 bytes, all 32 threads) | one behind the other | 32 different ones |
//!
//! | load of rows or columns for tensor cores (4 bytes, all 32 threads) | 8 in 4 steps that are `length + 8` apart | 8·step + element |
//! | store of 16 bits whose steps lie side by side (4 bytes, all 32 threads) | 16 in 2 groups of steps that are `4·length + 48` apart | 16·group + element |
//!
//! With elements of eight bytes all of this holds for half as many elements in a vector.

mod cores;
mod find;
mod panels;
mod parts;
mod place;
mod results;
mod tile;
mod write;

use crate::arena::Arena;
use crate::graph::{Binary, Comparison, Dim, Element, Unary};
use crate::loops::ask;
use crate::loops::mma::Shape;
use crate::loops::{Buffer, Expr, Loops, Nest, Statement, Tasks};
use crate::options::{Options, Sizes, TensorCores};
use crate::schedule::names::{Choice, Names, choice, compare, number, position};
use crate::schedule::product::apart;

use find::Product;
use parts::{Parted, parts};
use tile::{THREADS, Tile};

/// Tiles for all products that are worth one.
pub(in crate::schedule) fn products(loops: &mut Loops, options: &Options) {
    let (sizes, tensor_cores) = (options.sizes, options.tensor_cores);
    let mut names = Names::of(loops);
    for nest in std::mem::take(&mut loops.nests) {
        if nest.control.is_some() || nest.threads > 1 {
            loops.nests.push(nest);
            continue;
        }
        let mut target =
            Target { sizes, tensor_cores, names: &mut names, buffers: &mut loops.buffers };
        let mut changes = false;
        let mut nests = Vec::new();
        for whole in apart(nest.body.clone()) {
            let parted = parts((&whole.body, &nest.cut), sizes, (target.names, target.buffers));
            let (first, others) = match parted {
                Some(Parted { parts, rest }) => (Some(parts), rest),
                None => (None, vec![whole]),
            };
            changes |= first.is_some();
            let first = first.map(|part| (part, true));
            for (part, is_part) in first.into_iter().chain(others.into_iter().map(|it| (it, false)))
            {
                let forms = target.forms(&part.body, is_part);
                changes |= forms.is_some();
                nests.extend(forms.unwrap_or_else(|| vec![part]));
            }
        }
        if changes {
            let cut = |it| Nest { cut: nest.cut.clone(), ..it };
            loops.nests.extend(nests.into_iter().map(cut));
        } else {
            loops.nests.push(nest);
        }
    }
}

/// What products are written into.
struct Target<'l> {
    sizes: Sizes,
    tensor_cores: TensorCores,
    names: &'l mut Names,
    buffers: &'l mut Arena<Buffer>,
}

impl Target<'_> {
    /// A nest for each form of a product; none if it stays as it is.
    fn forms(&mut self, body: &[Statement], is_part: bool) -> Option<Vec<Nest>> {
        let (around, inside) = match body {
            [Statement::If { condition, body }] if ask::is_of_extents(condition) => {
                (vec![condition.clone()], body.as_slice())
            }
            body => (Vec::new(), body),
        };
        let product = Product::of(inside, self.buffers)?;
        let bound = |dim: &Dim, least: i64| (dim.clone(), Comparison::Ge, least);
        let mut pays: Vec<_> =
            product.sides.iter().map(|side| bound(&side.extent, self.sizes.tile_side)).collect();
        pays.push(bound(&product.steps.extent, self.sizes.tile_steps));
        if contradict(&around, &pays) {
            return None;
        }
        let (pays, not) = match choice(&pays, &around) {
            Choice::Never => return None,
            Choice::Always => (around.clone(), None),
            Choice::If(pays, not) => (joined(&around, pays), Some(joined(&around, not))),
        };
        let mut nests = self.tiles(&product, &pays, is_part);
        if let Some(not) = not {
            let body = guarded(not, inside.to_vec());
            nests.push(Nest::new(self.names.copy(&body)));
        }
        Some(nests)
    }

    /// Large tiles if there are enough of them, or small ones. Of parts there are few elements, and where extents are unknown one form of those is enough.
    fn tiles(&mut self, product: &Product<'_>, pays: &[Expr], is_part: bool) -> Vec<Nest> {
        let size = product.sum.element.size();
        let shape = self.shape(product);
        let small = Tile::small(size, shape);
        let Some(large) = Tile::large(size, shape) else {
            return vec![self.nest(product, small, pays.to_vec())];
        };
        let length = Dim::from(large.length());
        let tiles = product.sides.iter().map(|side| side.extent.floor_div(&length));
        let tiles = tiles.fold(product.times(), |all, count| all * count);
        match choice(&[(tiles, Comparison::Ge, self.sizes.tile_tasks)], &[]) {
            Choice::Always => vec![self.nest(product, large, pays.to_vec())],
            Choice::Never => vec![self.nest(product, small, pays.to_vec())],
            Choice::If(..) if is_part => vec![self.nest(product, small, pays.to_vec())],
            Choice::If(many, few) => vec![
                self.nest(product, large, joined(pays, many)),
                self.nest(product, small, joined(pays, few)),
            ],
        }
    }

    /// What tensor cores multiply, if they may.
    fn shape(&self, product: &Product<'_>) -> Option<Shape> {
        let halves = product.halves.as_ref();
        match self.tensor_cores {
            TensorCores::Never => None,
            TensorCores::Halves => Shape::of_halves(halves?.element),
            TensorCores::Singles if product.sum.element != Element::F32 => None,
            TensorCores::Singles => match halves {
                Some(halves) => Shape::of_halves(halves.element),
                None => Some(Shape::Tf32),
            },
        }
    }

    fn nest(&mut self, product: &Product<'_>, tile: Tile, conditions: Vec<Expr>) -> Nest {
        let tiles = write::tiles(product, tile, (self.names, self.buffers));
        let body = self.names.copy(&guarded(conditions, vec![tiles]));
        let sides = product.sides.iter().map(|side| side.extent.clone());
        let whole = sides.fold(product.times() * product.steps.extent.clone(), |all, it| all * it);
        let loops = product.batches.len() + product.sides.len();
        let tasks = Tasks { loops, whole: whole * Dim::from(STEP), front: Dim::default() };
        Nest { threads: THREADS as u32, tasks: Some(tasks), ..Nest::new(body) }
    }
}

/// About how many picoseconds a multiply-add takes on a host.
const STEP: i64 = 20;

impl Product<'_> {
    /// How many products there are.
    fn times(&self) -> Dim {
        self.batches.iter().fold(Dim::from(1), |all, it| all * it.extent.clone())
    }
}

fn joined(conditions: &[Expr], another: Expr) -> Vec<Expr> {
    conditions.iter().cloned().chain([another]).collect()
}

/// Whether conditions that hold say that some of these bounds do not.
fn contradict(around: &[Expr], bounds: &[(Dim, Comparison, i64)]) -> bool {
    let mut conditions = Vec::new();
    around.iter().for_each(|condition| conjuncts(condition, &mut conditions));
    let is_bound = |condition: &&Expr| {
        bounds.iter().any(|(dim, comparison, bound)| {
            **condition == compare(*comparison, position(dim.clone(), None), number(*bound))
        })
    };
    conditions.iter().any(|condition| {
        let Expr::Unary(Unary::Not, refuted) = condition else { return false };
        let mut all = Vec::new();
        conjuncts(refuted, &mut all);
        all.iter().all(is_bound)
    })
}

/// The conditions that a condition is made of.
fn conjuncts<'e>(condition: &'e Expr, found: &mut Vec<&'e Expr>) {
    if let Expr::Binary(Binary::And, left, right) = condition {
        conjuncts(left, found);
        conjuncts(right, found);
    } else {
        found.push(condition);
    }
}

/// Statements under conditions.
fn guarded(conditions: Vec<Expr>, body: Vec<Statement>) -> Vec<Statement> {
    let both = |left, right| Expr::Binary(Binary::And, Box::new(left), Box::new(right));
    match conditions.into_iter().reduce(both) {
        None => body,
        Some(condition) => vec![Statement::If { condition, body }],
    }
}
