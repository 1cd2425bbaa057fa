//! About how long an iteration takes.
//!
//! In:  an outermost loop, or a body.   Out: picoseconds of one iteration, or of all, as a formula in the extents.
//!
//! The numbers are those of one core of a processor of 2022 at 3.7 GHz with data in its second cache; a factor of three
//! does no harm, since the formula only decides how much work is worth another thread, and how much a thread takes at once.

use crate::graph::{Binary, Dim, Unary};
use crate::loops::visit;
use crate::loops::{Expr, For, Loops, Manner, Statement, VariableId};

/// An operation of one cycle on one number, by itself.
const SCALAR: i64 = 250;
/// The same in lanes, for each byte of the number.
const LANE_BYTE: i64 = 3;
/// A byte that is read or written in order.
const BYTE: i64 = 4;
/// An access that stands alone, or whose lanes are anywhere.
const ACCESS: i64 = 400;
/// How many operations a function of mathematics takes.
const FUNCTION: i64 = 16;
/// How many operations a division takes, or a conversion between integers and floats.
const DIVISION: i64 = 8;

/// What a statement stands in.
#[derive(Clone, Copy)]
struct Place<'l> {
    loops: &'l Loops,
    lanes: Option<VariableId>,
}

/// The cost of one iteration.
pub(super) fn of_iteration(loops: &Loops, outermost: &For) -> Dim {
    inside(Place { loops, lanes: None }, outermost)
}

/// The cost of a whole nest.
pub(super) fn of_body(loops: &Loops, body: &[Statement]) -> Dim {
    block(Place { loops, lanes: None }, body)
}

fn inside(place: Place<'_>, repeated: &For) -> Dim {
    let lanes = match repeated.manner {
        Manner::Lanes(width) if width > 1 => Some(repeated.variable),
        Manner::Lanes(_) | Manner::Serial | Manner::Parallel => place.lanes,
    };
    block(Place { lanes, ..place }, &repeated.body)
}

fn block(place: Place<'_>, statements: &[Statement]) -> Dim {
    let mut whole = Dim::default();
    for statement in statements {
        let mut own = 0;
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| own += operation(place, expr));
        });
        if let Statement::Store { buffer, address, expr: _ } = statement {
            let load = Expr::Load(*buffer, Box::new(address.clone()));
            own += operation(place, &load);
        }
        whole = whole + Dim::from(own);
        match statement {
            Statement::For(inner) => {
                let is_shared = place.lanes.is_some() || matches!(inner.manner, Manner::Lanes(_));
                let turn = if is_shared { LANE_BYTE } else { SCALAR };
                let once = inside(place, inner) + Dim::from(turn);
                whole = whole + once * inner.extent.clone();
            }
            Statement::If { condition: _, body } => whole = whole + block(place, body),
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => {}
        }
    }
    whole
}

/// The cost of an operation without its operands, for one lane.
fn operation(place: Place<'_>, expr: &Expr) -> i64 {
    // Lanes are counted as if all numbers had four bytes: which have eight is not written at every operation.
    let simple = if place.lanes.is_some() { 4 * LANE_BYTE } else { SCALAR };
    match expr {
        Expr::Constant(_) | Expr::Value(_) | Expr::Register(_) | Expr::Position { .. } => 0,
        Expr::Combine(..) => 16 * SCALAR,
        Expr::Unary(unary, _) if is_plain(*unary) => simple,
        Expr::Unary(..) => FUNCTION * simple,
        Expr::Binary(Binary::Pow | Binary::Atan2, ..) => 2 * FUNCTION * simple,
        Expr::Binary(Binary::Rem, ..) => FUNCTION * simple,
        Expr::Binary(Binary::Div, ..) => DIVISION * simple,
        Expr::Binary(..) | Expr::Compare(..) | Expr::Select(..) | Expr::MultiplyAdd(..) => simple,
        Expr::Convert(..) | Expr::Bits(_) | Expr::Shift { .. } => simple,
        Expr::Load(buffer, address) => {
            let bytes = place.loops.buffers[*buffer].element.size() as i64;
            match place.lanes.map(|lane| address.coefficient(lane)) {
                _ if !address.computed.is_empty() => ACCESS,
                None => ACCESS,
                Some(step) if step.is(0) => 0,
                Some(step) if step.is(1) || step.is(-1) => BYTE * bytes,
                Some(_) => ACCESS,
            }
        }
    }
}

fn is_plain(unary: Unary) -> bool {
    matches!(
        unary,
        Unary::Neg
            | Unary::Abs
            | Unary::Sign
            | Unary::Not
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
    )
}
