//! Blocks and statements.

use super::{
    Reader, Refusal,
    expr::{binary_op, peel},
};
use crate::surface::{BinaryOp, Block, Expr, ExprKind, Name, Pattern, PatternKind, Statement};
use proc_macro2::{Ident, Span};
use syn::{Item, Local, Pat, Stmt};

impl Reader {
    /// `{ … }`, a scope of its own.
    pub(super) fn block(&mut self, block: &syn::Block) -> Block {
        let mark = self.scope.enter();
        let mut statements = Vec::with_capacity(block.stmts.len());
        let mut value = None;
        let last = block.stmts.len().saturating_sub(1);
        for (index, statement) in block.stmts.iter().enumerate() {
            if let Stmt::Expr(syn::Expr::Assign(assign), _) = statement
                && let syn::Expr::Tuple(places) = peel(&assign.left)
            {
                statements.extend(self.taken_apart(assign, places));
                continue;
            }
            match self.statement(statement) {
                Some((Statement::Expr(expr), Ending::Open)) if index == last => {
                    value = Some(Box::new(expr));
                }
                Some((statement, _)) => statements.push(statement),
                None => {}
            }
        }
        self.scope.leave(mark);
        Block { statements, value, span: block.brace_token.span.close() }
    }

    /// A block whose pattern was read before it, as in `for`.
    pub(super) fn block_with(&mut self, pattern: &Pattern, block: &syn::Block) -> Block {
        let mark = self.scope.enter();
        self.bind(pattern);
        let block = self.block(block);
        self.scope.leave(mark);
        block
    }

    fn statement(&mut self, statement: &Stmt) -> Option<(Statement, Ending)> {
        match statement {
            Stmt::Local(local) => Some((self.local(local)?, Ending::Closed)),
            Stmt::Item(item) => {
                let (word, span) = item_word(item);
                self.refuse(&Refusal::NestedItem(word.to_owned()), span);
                None
            }
            Stmt::Macro(call) => {
                let ending = if call.semi_token.is_some() { Ending::Closed } else { Ending::Open };
                Some((Statement::Expr(self.macro_call(&call.mac)), ending))
            }
            // A semicolon on its own says nothing, and rustc has a lint for it.
            Stmt::Expr(syn::Expr::Verbatim(tokens), Some(_)) if tokens.is_empty() => None,
            Stmt::Expr(expr, semicolon) => {
                let ending = if semicolon.is_some() { Ending::Closed } else { Ending::Open };
                Some((self.expr_statement(expr), ending))
            }
        }
    }

    fn expr_statement(&mut self, expr: &syn::Expr) -> Statement {
        match expr {
            syn::Expr::Group(group) => self.expr_statement(&group.expr),
            syn::Expr::Assign(assign) => {
                let value = self.expr(&assign.right);
                let place = self.expr(&assign.left);
                Statement::Assign { place, op: None, value, span: assign.eq_token.span }
            }
            syn::Expr::Binary(binary) => match binary_op(&binary.op) {
                (op, span, Ending::Closed) => self.update(binary, op, span),
                _ => Statement::Expr(self.expr(expr)),
            },
            other => Statement::Expr(self.expr(other)),
        }
    }

    /// `(a, p.w) = value;`: the parts of the value, then an assignment of each, as in Rust.
    fn taken_apart(&mut self, assign: &syn::ExprAssign, places: &syn::ExprTuple) -> Vec<Statement> {
        let value = self.expr(&assign.right);
        let mut assigned = Vec::new();
        let pattern = self.parts_of(places, assign.eq_token.span, &mut assigned);
        [vec![Statement::Let { pattern, ty: None, value }], assigned].concat()
    }

    /// A pattern that binds a local for each place; no user can name it.
    fn parts_of(
        &mut self,
        places: &syn::ExprTuple,
        equals: Span,
        assigned: &mut Vec<Statement>,
    ) -> Pattern {
        let parts = places.elems.iter().map(|place| match peel(place) {
            syn::Expr::Tuple(inner) => self.parts_of(inner, equals, assigned),
            syn::Expr::Infer(infer) => {
                Pattern { kind: PatternKind::Wildcard, span: infer.underscore_token.span }
            }
            place => {
                let place = self.expr(place);
                let span = place.span;
                let ident = Ident::new(&format!("__part_{}", assigned.len()), span);
                let name = Name { text: format!("(part {})", assigned.len()), ident };
                let value = Expr { kind: ExprKind::Name(name.clone()), span };
                assigned.push(Statement::Assign { place, op: None, value, span: equals });
                Pattern { kind: PatternKind::Name { name, mutable: false }, span }
            }
        });
        let parts = parts.collect();
        Pattern { kind: PatternKind::Tuple(parts), span: places.paren_token.span.join() }
    }

    fn update(&mut self, binary: &syn::ExprBinary, op: BinaryOp, span: Span) -> Statement {
        let value = self.expr(&binary.right);
        let place = self.expr(&binary.left);
        Statement::Assign { place, op: Some(op), value, span }
    }

    fn local(&mut self, local: &Local) -> Option<Statement> {
        let (pattern, ty) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pattern => (pattern, None),
        };
        let ty = ty.map(|ty| self.ty(ty));
        let Some(init) = &local.init else {
            self.refuse(&Refusal::LetWithoutValue, local.let_token.span);
            return None;
        };
        if let Some((token, _)) = &init.diverge {
            self.refuse(&Refusal::LetElse, token.span);
            return None;
        }
        let value: Expr = self.expr(&init.expr);
        let pattern = self.pattern(pattern);
        self.bind(&pattern);
        Some(Statement::Let { pattern, ty, value })
    }
}

/// Whether something ends with a semicolon, or, of an operator, with an `=`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It does.
    Closed,
    /// It does not: it has a value.
    Open,
}

/// What an item is called, and its keyword.
pub(super) fn item_word(item: &Item) -> (&'static str, Span) {
    match item {
        Item::Fn(item) => ("a function", item.sig.fn_token.span),
        Item::Struct(item) => ("a struct", item.struct_token.span),
        Item::Enum(item) => ("an enum", item.enum_token.span),
        Item::Const(item) => ("a constant", item.const_token.span),
        Item::Static(item) => ("a static", item.static_token.span),
        Item::Use(item) => ("an import", item.use_token.span),
        Item::Mod(item) => ("a module", item.mod_token.span),
        Item::Impl(item) => ("an `impl`", item.impl_token.span),
        Item::Trait(item) => ("a trait", item.trait_token.span),
        Item::Type(item) => ("a type alias", item.type_token.span),
        Item::Macro(item) => ("a macro", item.mac.bang_token.span),
        _ => ("an item", Span::call_site()),
    }
}
