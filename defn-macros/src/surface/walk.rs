//! A walk over everything that a body says.

use super::{Block, Callable, Expr, ExprKind, Pattern, Statement};

/// What a walk comes by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'s> {
    /// An expression, before its parts.
    Expr(&'s Expr),
    /// What `let` or `for` binds.
    Pattern(&'s Pattern),
    /// What is assigned to, before its parts.
    Place(&'s Expr),
}

/// Visits a block from first to last.
pub(crate) fn walk_block<'s>(block: &'s Block, visit: &mut dyn FnMut(Seen<'s>)) {
    for statement in &block.statements {
        match statement {
            Statement::Let { pattern, ty: _, value } => {
                walk_expr(value, visit);
                visit(Seen::Pattern(pattern));
            }
            Statement::Assign { place, op: _, value, span: _ } => {
                walk_expr(value, visit);
                visit(Seen::Place(place));
                walk_expr(place, visit);
            }
            Statement::Expr(expr) => walk_expr(expr, visit),
        }
    }
    if let Some(value) = &block.value {
        walk_expr(value, visit);
    }
}

/// Visits an expression and its parts.
pub(crate) fn walk_expr<'s>(expr: &'s Expr, visit: &mut dyn FnMut(Seen<'s>)) {
    visit(Seen::Expr(expr));
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Constant(..)
        | ExprKind::StdConstant(_)
        | ExprKind::Request(_)
        | ExprKind::Break
        | ExprKind::Refused => {}
        ExprKind::Unary(_, part)
        | ExprKind::Field(part, _)
        | ExprKind::TupleIndex(part, _)
        | ExprKind::Cast(part, _)
        | ExprKind::Named(_, part) => walk_expr(part, visit),
        ExprKind::Hook(hook) => walk_expr(&hook.value, visit),
        ExprKind::Mutable(place) => {
            visit(Seen::Place(place));
            walk_expr(place, visit);
        }
        ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
            walk_expr(left, visit);
            walk_expr(right, visit);
        }
        ExprKind::MethodCall(call) => {
            walk_expr(&call.receiver, visit);
            call.arguments.iter().for_each(|argument| walk_expr(argument, visit));
        }
        ExprKind::Call(call) => {
            let (Callable::Intrinsic(_)
            | Callable::Definition(..)
            | Callable::Request(_)
            | Callable::Local(_)) = &call.function;
            call.arguments.iter().for_each(|argument| walk_expr(argument, visit));
        }
        ExprKind::Tuple(parts) | ExprKind::Array(parts) => {
            parts.iter().for_each(|part| walk_expr(part, visit));
        }
        ExprKind::Struct(literal) => {
            literal.fields.iter().for_each(|(_, value)| walk_expr(value, visit));
            literal.base.iter().for_each(|base| walk_expr(base, visit));
        }
        ExprKind::Block(block) => walk_block(block, visit),
        ExprKind::If(branch) => {
            walk_expr(&branch.condition, visit);
            walk_block(&branch.then, visit);
            branch.otherwise.iter().for_each(|otherwise| walk_expr(otherwise, visit));
        }
        ExprKind::While(condition, body) => {
            walk_expr(condition, visit);
            walk_block(body, visit);
        }
        ExprKind::For(walk) => {
            walk_expr(&walk.over, visit);
            visit(Seen::Pattern(&walk.pattern));
            walk_block(&walk.body, visit);
        }
        ExprKind::Range(start, end) => {
            start.iter().chain(end).for_each(|part| walk_expr(part, visit));
        }
    }
}
