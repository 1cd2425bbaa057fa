//! Walks over statements and expressions, for passes that look at or change all of them.

use std::collections::BTreeMap;

use super::{Address, BufferId, Expr, RegisterId, Statement, ValueId, VariableId};
use crate::graph::Dim;

/// Calls `visit` for every expression of a statement itself: not for those in the body of a loop or a conditional.
pub fn own_expressions<'s>(statement: &'s Statement, visit: &mut dyn FnMut(&'s Expr)) {
    match statement {
        Statement::For(inner) => {
            for (computed, _) in inner.clip.iter().flat_map(|clip| &clip.computed) {
                visit(computed);
            }
        }
        Statement::Let { value: _, element: _, expr }
        | Statement::Declare { register: _, element: _, lanes: _, initial: expr }
        | Statement::Set { register: _, expr }
        | Statement::If { condition: expr, body: _ } => visit(expr),
        Statement::Store { buffer: _, address, expr } => {
            visit(expr);
            for (computed, _) in &address.computed {
                visit(computed);
            }
        }
        Statement::Mma(mma) => mma.left.iter().chain(&mma.right).for_each(visit),
        Statement::Sync => {}
    }
}

/// The body of a loop or a conditional.
pub fn body(statement: &Statement) -> &[Statement] {
    match statement {
        Statement::For(inner) => &inner.body,
        Statement::If { condition: _, body } => body,
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => &[],
    }
}

/// Calls `visit` for a statement and all inside it, outer before inner.
pub fn statements<'s>(all: &'s [Statement], visit: &mut dyn FnMut(&'s Statement)) {
    for statement in all {
        visit(statement);
        statements(body(statement), visit);
    }
}

/// The operands of an expression; of a load the computed parts of the address.
pub fn operands(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. } => Vec::new(),
        Expr::Unary(_, operand)
        | Expr::Convert(_, operand)
        | Expr::Bits(operand)
        | Expr::Shift { by: _, fill: _, operand } => vec![operand],
        Expr::Binary(_, left, right) | Expr::Compare(_, left, right) => vec![left, right],
        Expr::Select(a, b, c) | Expr::MultiplyAdd(a, b, c) => vec![a, b, c],
        Expr::Load(_, address) => address.computed.iter().map(|(expr, _)| expr).collect(),
    }
}

/// Calls `visit` for an expression and all inside it.
pub fn expressions<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    visit(expr);
    // Without a list of the operands: nothing is called as often as this.
    match expr {
        Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. } => {}
        Expr::Unary(_, operand)
        | Expr::Convert(_, operand)
        | Expr::Bits(operand)
        | Expr::Shift { by: _, fill: _, operand } => expressions(operand, visit),
        Expr::Binary(_, left, right) | Expr::Compare(_, left, right) => {
            expressions(left, visit);
            expressions(right, visit);
        }
        Expr::Select(a, b, c) | Expr::MultiplyAdd(a, b, c) => {
            [a, b, c].into_iter().for_each(|operand| expressions(operand, visit));
        }
        Expr::Load(_, address) => {
            address.computed.iter().for_each(|(computed, _)| expressions(computed, visit));
        }
    }
}

/// What an expression may change with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The variable of a loop.
    Variable(VariableId),
    /// A value.
    Value(ValueId),
    /// A register.
    Register(RegisterId),
}

/// Calls `visit` for every name in an expression.
pub fn names(expr: &Expr, visit: &mut dyn FnMut(Name)) {
    let terms = |visit: &mut dyn FnMut(Name), terms: &[(VariableId, Dim)]| {
        terms.iter().for_each(|(variable, _)| visit(Name::Variable(*variable)));
    };
    expressions(expr, &mut |expr| match expr {
        Expr::Value(value) => visit(Name::Value(*value)),
        Expr::Register(register) | Expr::Combine(_, register) => visit(Name::Register(*register)),
        Expr::Position { constant: _, terms: all } => terms(visit, all),
        Expr::Load(_, address) => terms(visit, &address.terms),
        Expr::Constant(_)
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Compare(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Convert(..) => {}
    });
}

/// Calls `visit` for every address, with its buffer and whether it is written.
pub fn addresses<'s>(all: &'s [Statement], visit: &mut dyn FnMut(BufferId, &'s Address, bool)) {
    statements(all, &mut |statement| own_addresses(statement, visit));
}

/// Calls `visit` for every address of a statement itself, as [`addresses`] does.
pub fn own_addresses<'s>(
    statement: &'s Statement,
    visit: &mut dyn FnMut(BufferId, &'s Address, bool),
) {
    own_expressions(statement, &mut |expr| {
        expressions(expr, &mut |inner| {
            if let Expr::Load(buffer, address) = inner {
                visit(*buffer, address, false);
            }
        });
    });
    if let Statement::Store { buffer, address, expr: _ } = statement {
        visit(*buffer, address, true);
    }
}

/// What a copy of statements refers to instead.
pub trait Rename {
    /// The extent that stands for an extent, and for a coefficient.
    fn extent(&self, extent: &Dim) -> Dim {
        extent.clone()
    }
    /// The affine position that stands for a variable: `constant + Σ coefficient · variable`; none if it stays.
    fn variable(&self, _variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        None
    }
    /// The variable that a loop has instead.
    fn counter(&self, variable: VariableId) -> VariableId {
        variable
    }
    /// The value that stands for a value.
    fn value(&self, value: ValueId) -> ValueId {
        value
    }
    /// The register that stands for a register.
    fn register(&self, register: RegisterId) -> RegisterId {
        register
    }
    /// The buffer that stands for a buffer.
    fn buffer(&self, buffer: BufferId) -> BufferId {
        buffer
    }
    /// The place that stands for a place in a buffer; none if it is the same place of [`buffer`](Self::buffer).
    fn place(&self, _buffer: BufferId, _address: &Address) -> Option<(BufferId, Address)> {
        None
    }
}

/// Other buffers for some, and everything else as it is.
pub struct Buffers(pub BTreeMap<BufferId, BufferId>);

impl Rename for Buffers {
    fn buffer(&self, buffer: BufferId) -> BufferId {
        self.0.get(&buffer).copied().unwrap_or(buffer)
    }
}

fn rename_place(buffer: BufferId, address: &Address, rename: &dyn Rename) -> (BufferId, Address) {
    rename
        .place(buffer, address)
        .unwrap_or_else(|| (rename.buffer(buffer), rename_address(address, rename)))
}

/// An address with everything renamed.
pub fn rename_address(address: &Address, rename: &dyn Rename) -> Address {
    let (constant, terms) = rename_affine(&address.constant, &address.terms, rename);
    let computed = address.computed.iter();
    let computed = computed.map(|(expr, by)| (rename_expr(expr, rename), rename.extent(by)));
    Address { constant, terms, computed: computed.collect() }
}

fn rename_affine(
    constant: &Dim,
    terms: &[(VariableId, Dim)],
    rename: &dyn Rename,
) -> (Dim, Vec<(VariableId, Dim)>) {
    let mut address = Address { constant: rename.extent(constant), ..Address::default() };
    for (variable, coefficient) in terms {
        let coefficient = rename.extent(coefficient);
        match rename.variable(*variable) {
            None => address.add_term(*variable, &coefficient),
            Some((constant, terms)) => {
                let place = Address { constant, terms, computed: Vec::new() };
                address.add_scaled(&place, &coefficient);
            }
        }
    }
    (address.constant, address.terms)
}

/// An expression with everything renamed.
pub fn rename_expr(expr: &Expr, rename: &dyn Rename) -> Expr {
    match expr {
        Expr::Value(value) => Expr::Value(rename.value(*value)),
        Expr::Register(register) => Expr::Register(rename.register(*register)),
        Expr::Combine(combine, register) => Expr::Combine(*combine, rename.register(*register)),
        Expr::Position { constant, terms } => {
            let (constant, terms) = rename_affine(constant, terms, rename);
            Expr::Position { constant, terms }
        }
        Expr::Load(buffer, address) => {
            let (buffer, address) = rename_place(*buffer, address, rename);
            Expr::Load(buffer, Box::new(address))
        }
        Expr::Constant(_)
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Compare(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Convert(..) => with_operands(expr, &mut |inner| rename_expr(inner, rename)),
    }
}

/// An expression with others in place of parts of it; what is replaced is not looked into.
pub fn replaced(expr: &Expr, other: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    other(expr).unwrap_or_else(|| with_operands(expr, &mut |inner| replaced(inner, other)))
}

/// An expression with others in place of its operands; of a load of the computed parts of its address.
fn with_operands(expr: &Expr, other: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
    let mut inner = |operand: &Expr| Box::new(other(operand));
    match expr {
        Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. } => expr.clone(),
        Expr::Unary(unary, operand) => Expr::Unary(*unary, inner(operand)),
        Expr::Binary(binary, left, right) => Expr::Binary(*binary, inner(left), inner(right)),
        Expr::Compare(comparison, left, right) => {
            Expr::Compare(*comparison, inner(left), inner(right))
        }
        Expr::Select(a, b, c) => Expr::Select(inner(a), inner(b), inner(c)),
        Expr::MultiplyAdd(a, b, c) => Expr::MultiplyAdd(inner(a), inner(b), inner(c)),
        Expr::Bits(operand) => Expr::Bits(inner(operand)),
        Expr::Shift { by, fill, operand } => {
            Expr::Shift { by: *by, fill: *fill, operand: inner(operand) }
        }
        Expr::Convert(element, operand) => Expr::Convert(*element, inner(operand)),
        Expr::Load(buffer, address) => {
            let computed = address.computed.iter();
            let computed = computed.map(|(expr, by)| (other(expr), by.clone())).collect();
            Expr::Load(*buffer, Box::new(Address { computed, ..Address::clone(address) }))
        }
    }
}

/// A statement with everything renamed, loops and conditionals with their bodies.
pub fn rename_statement(statement: &Statement, rename: &dyn Rename) -> Statement {
    let all =
        |body: &[Statement]| body.iter().map(|inner| rename_statement(inner, rename)).collect();
    match statement {
        Statement::For(inner) => {
            let variable = rename.counter(inner.variable);
            let clip = inner.clip.as_ref().map(|clip| rename_address(clip, rename));
            let (extent, manner) = (rename.extent(&inner.extent), inner.manner);
            Statement::For(super::For { variable, extent, clip, manner, body: all(&inner.body) })
        }
        Statement::Let { value, element, expr } => Statement::Let {
            value: rename.value(*value),
            element: *element,
            expr: rename_expr(expr, rename),
        },
        Statement::Declare { register, element, lanes, initial } => Statement::Declare {
            register: rename.register(*register),
            element: *element,
            lanes: *lanes,
            initial: rename_expr(initial, rename),
        },
        Statement::Set { register, expr } => {
            Statement::Set { register: rename.register(*register), expr: rename_expr(expr, rename) }
        }
        Statement::Store { buffer, address, expr } => {
            let (buffer, address) = rename_place(*buffer, address, rename);
            Statement::Store { buffer, address, expr: rename_expr(expr, rename) }
        }
        Statement::If { condition, body } => {
            Statement::If { condition: rename_expr(condition, rename), body: all(body) }
        }
        Statement::Mma(mma) => {
            let mut renamed = mma.with(&|expr| rename_expr(expr, rename));
            renamed.sums.iter_mut().for_each(|sum| *sum = rename.register(*sum));
            Statement::Mma(renamed)
        }
        Statement::Sync => Statement::Sync,
    }
}
