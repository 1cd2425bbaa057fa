//! Axes that may have one element.
//!
//! An axis whose extent is known only when the function is called often has one element: a network with one output, a matrix that is
//! a column. Lanes along it would run one at a time, so that such nests are written a second time, without the axis.
//!
//! ```text
//! before                                                    after
//! for i in 0..n parallel {                                  if m = 1 {
//!   for j in 0..m parallel {                                  for i in 0..n parallel { store r[i] = mul(load x[i], load y[i]) }
//!     store r[m*i + j] = mul(load x[m*i + j], load y[i])    }
//! } }                                                       if not(m = 1) { as before }
//! ```
//!
//! So are elementwise nests that do not walk through memory without a gap, and products with such an axis of columns.
//! The forms of a product add up in different orders, so the choice looks at nothing but extents.

use super::collapse::block;
use super::names::{Names, compare, number, position};
use crate::arena::Arena;
use crate::graph::{Comparison, Dim, Symbol, Unary};
use crate::loops::ask;
use crate::loops::visit::{self, Rename};
use crate::loops::{Buffer, Expr, For, Loops, Manner, Nest, Space, Statement, VariableId};

/// Writes both forms of all such nests.
pub(super) fn unit(loops: &mut Loops) {
    let mut names = Names::of(loops);
    let symbols = loops.symbols.len() as u32;
    let nests = std::mem::take(&mut loops.nests);
    let buffers = &loops.buffers;
    for nest in nests.into_iter().flat_map(|nest| apart(nest, buffers)) {
        let found = unit_axis(&nest.body, buffers).map(|symbol| {
            let extent = |it| if Symbol(it) == symbol { 1.into() } else { Symbol(it).into() };
            (symbol, One { extents: (0..symbols).map(extent).collect() })
        });
        loops.nests.push(match found.filter(|(_, one)| keeps_apart(&nest.body, one)) {
            Some((symbol, one)) => {
                Nest { body: both(nest.body, (symbol, &one), &mut names), ..nest }
            }
            None => nest,
        });
    }
}

/// Whether what iterations store stays apart. A step of half of the axis is none where the axis has one element:
/// such a program is refused when it is called, but its form would store to one place from many lanes.
fn keeps_apart(body: &[Statement], one: &One) -> bool {
    let mut apart = true;
    visit::addresses(body, &mut |_, address, written| {
        let vanishes = |coefficient: &Dim| one.extent(coefficient).is(0);
        apart &= !written || !address.terms.iter().any(|(_, coefficient)| vanishes(coefficient));
    });
    apart
}

/// A nest for each outermost loop, if one of them has such an axis.
fn apart(nest: Nest, buffers: &Arena<Buffer>) -> Vec<Nest> {
    let alone = |it: &Statement| unit_axis(std::slice::from_ref(it), buffers).is_some();
    let all_loops = nest.body.iter().all(|it| matches!(it, Statement::For(_)));
    if !all_loops || !nest.body.iter().any(alone) {
        return vec![nest];
    }
    let own = |it| Nest { cut: nest.cut.clone(), ..Nest::new(vec![it]) };
    nest.body.into_iter().map(own).collect()
}

fn both(body: Vec<Statement>, (symbol, one): (Symbol, &One), names: &mut Names) -> Vec<Statement> {
    let holds = compare(Comparison::Eq, position(symbol.into(), None), number(1));
    let not = Expr::Unary(Unary::Not, Box::new(holds.clone()));
    let short = body.iter().map(|it| visit::rename_statement(it, one)).collect();
    let short = names.copy(&block(short));
    vec![Statement::If { condition: holds, body: short }, Statement::If { condition: not, body }]
}

/// One in place of an extent.
struct One {
    extents: Vec<Dim>,
}

impl Rename for One {
    fn variable(&self, _variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        None
    }
    fn extent(&self, extent: &Dim) -> Dim {
        extent.substitute(&self.extents)
    }
}

/// The extent that may be one, if that matters to a nest.
fn unit_axis(body: &[Statement], buffers: &Arena<Buffer>) -> Option<Symbol> {
    let mut plain = true;
    // Scratch has as many parts as its nest has lanes, and the forms may differ.
    visit::addresses(body, &mut |buffer, _, _| {
        plain &= !matches!(buffers[buffer].space, Space::Private(_));
    });
    visit::statements(body, &mut |statement| match statement {
        Statement::For(inner) => {
            plain &= inner.manner == Manner::Parallel && inner.clip.is_none();
        }
        Statement::If { .. } => plain = false,
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => {}
    });
    let [Statement::For(outermost)] = body else { return None };
    if plain { last_axis(outermost) } else { None }
}

/// The extent of the axis that lanes would run along: of the innermost loop of an elementwise nest, of the columns of a product.
fn last_axis(outer: &For) -> Option<Symbol> {
    let inner = ask::only_loop(&outer.body)?;
    let is_loop = |statement: &Statement| matches!(statement, Statement::For(_));
    let declares = |statement: &Statement| matches!(statement, Statement::Declare { .. });
    if outer.body.iter().any(declares) {
        return None;
    }
    if !inner.body.iter().any(is_loop) || is_product(outer, inner) {
        return inner.extent.as_symbol();
    }
    last_axis(inner)
}

/// Whether two loops are the rows and the columns of a product whose right operand lies row by row.
/// Column by column it has a form for few columns already.
fn is_product(rows: &For, columns: &For) -> bool {
    let mut multiplies = false;
    visit::statements(&columns.body, &mut |statement| multiplies |= ask::multiplies(statement));
    let (mut left, mut right) = (false, false);
    for statement in columns.body.iter().filter(|it| matches!(it, Statement::For(_))) {
        visit::addresses(visit::body(statement), &mut |_, address, _| {
            let of_row = !address.coefficient(rows.variable).is(0);
            let of_column = address.coefficient(columns.variable);
            left |= of_row && of_column.is(0);
            right |= of_column.is(1) && !of_row;
        });
    }
    multiplies && left && right
}
