//! Expressions, calls left aside.

use super::{
    Reader, Refusal,
    block::Ending,
    name, path,
    words::{is_loud, is_std_constant},
};
use crate::surface::{
    BinaryOp, Element, Expr, ExprKind, For, If, Literal, Name, StructLiteral, UnaryOp,
};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{BinOp, Lit, Member, PathArguments, RangeLimits, UnOp, spanned::Spanned};

/// What a macro's fragments and parentheses are wrapped around.
pub(super) fn peel(mut expr: &syn::Expr) -> &syn::Expr {
    loop {
        expr = match expr {
            syn::Expr::Group(group) => &group.expr,
            syn::Expr::Paren(paren) => &paren.expr,
            _ => return expr,
        };
    }
}

/// An expression with its telling token.
fn at(span: Span, kind: ExprKind) -> Expr {
    Expr { kind, span }
}

impl Reader {
    /// Any expression.
    pub(super) fn expr(&mut self, expr: &syn::Expr) -> Expr {
        match peel(expr) {
            syn::Expr::Lit(literal) => self.literal(&literal.lit),
            syn::Expr::Path(path) => self.path(path),
            syn::Expr::Binary(binary) => self.binary(binary),
            syn::Expr::Unary(unary) => self.unary(unary),
            syn::Expr::MethodCall(call) => self.method_call(call),
            syn::Expr::Call(call) => self.call(call),
            syn::Expr::Macro(call) => self.macro_call(&call.mac),
            syn::Expr::Field(field) => self.field(field),
            syn::Expr::Index(index) => {
                let (base, position) = (self.expr(&index.expr), self.expr(&index.index));
                let kind = ExprKind::Index(Box::new(base), Box::new(position));
                at(index.bracket_token.span.join(), kind)
            }
            syn::Expr::Cast(cast) => self.cast(cast),
            syn::Expr::Tuple(tuple) => {
                let parts = tuple.elems.iter().map(|part| self.expr(part)).collect();
                at(tuple.paren_token.span.join(), ExprKind::Tuple(parts))
            }
            syn::Expr::Array(array) => {
                let parts = array.elems.iter().map(|part| self.expr(part)).collect();
                at(array.bracket_token.span.join(), ExprKind::Array(parts))
            }
            syn::Expr::Struct(literal) => self.struct_literal(literal),
            syn::Expr::Range(range) => self.range(range),
            other => self.control(other),
        }
    }

    /// Expressions with blocks in them; what is left is not part of the language.
    fn control(&mut self, expr: &syn::Expr) -> Expr {
        match expr {
            syn::Expr::Block(block) => {
                block.label.iter().for_each(|label| self.refuse_label(&label.name));
                let span = block.block.brace_token.span.join();
                at(span, ExprKind::Block(self.block(&block.block)))
            }
            syn::Expr::If(branch) => {
                let condition = self.expr(&branch.cond);
                let then = self.block(&branch.then_branch);
                let otherwise =
                    branch.else_branch.as_ref().map(|(_, otherwise)| self.expr(otherwise));
                at(branch.if_token.span, ExprKind::If(Box::new(If { condition, then, otherwise })))
            }
            syn::Expr::While(repeat) => {
                repeat.label.iter().for_each(|label| self.refuse_label(&label.name));
                let condition = Box::new(self.expr(&repeat.cond));
                let body = self.block(&repeat.body);
                at(repeat.while_token.span, ExprKind::While(condition, body))
            }
            syn::Expr::ForLoop(walk) => {
                walk.label.iter().for_each(|label| self.refuse_label(&label.name));
                let over = self.expr(&walk.expr);
                let pattern = self.pattern(&walk.pat);
                let body = self.block_with(&pattern, &walk.body);
                at(walk.for_token.span, ExprKind::For(Box::new(For { pattern, over, body })))
            }
            syn::Expr::Break(stop) => {
                let span = stop.break_token.span;
                if let Some(label) = &stop.label {
                    self.refuse_label(label);
                }
                if stop.expr.is_some() {
                    self.refuse(&Refusal::BreakValue, span);
                }
                at(span, ExprKind::Break)
            }
            other => self.foreign(other),
        }
    }

    /// A loop is named so that it can be left by name: one mistake.
    fn refuse_label(&mut self, label: &syn::Lifetime) {
        if self.scope.labels.insert(label.ident.to_string()) {
            self.refuse(&Refusal::Label, label.apostrophe);
        }
    }

    /// What Rust has and the language has not.
    fn foreign(&mut self, expr: &syn::Expr) -> Expr {
        let word = |word: &str| Refusal::Block(word.to_owned());
        let (refusal, span) = match expr {
            syn::Expr::Closure(closure) => (Refusal::Closure, closure.or1_token.span),
            syn::Expr::Match(choice) => (Refusal::Match, choice.match_token.span),
            syn::Expr::Return(result) => (Refusal::Return, result.return_token.span),
            syn::Expr::Loop(repeat) => (Refusal::Loop, repeat.loop_token.span),
            syn::Expr::Continue(next) => (Refusal::Continue, next.continue_token.span),
            syn::Expr::Let(condition) => (Refusal::LetCondition, condition.let_token.span),
            syn::Expr::Assign(assign) => (Refusal::AssignmentValue, assign.eq_token.span),
            syn::Expr::Reference(reference) => (Refusal::Reference, reference.and_token.span),
            syn::Expr::Repeat(repeat) => (Refusal::Repeat, repeat.semi_token.span),
            syn::Expr::Try(attempt) => (Refusal::Try, attempt.question_token.span),
            syn::Expr::Async(block) => (word("async"), block.async_token.span),
            syn::Expr::Await(wait) => (word("await"), wait.await_token.span),
            syn::Expr::Unsafe(block) => (word("unsafe"), block.unsafe_token.span),
            syn::Expr::Const(block) => (word("const"), block.const_token.span),
            other => (word("this"), other.span()),
        };
        self.refuse(&refusal, span);
        at(span, ExprKind::Refused)
    }

    fn literal(&mut self, literal: &Lit) -> Expr {
        let span = literal.span();
        let literal = match literal {
            Lit::Bool(literal) => Literal::Bool(literal.value),
            Lit::Int(literal) => {
                let digits = literal.base10_digits().to_owned();
                let element = self.suffix(literal.suffix(), span);
                let floats = [Element::F16, Element::Bf16, Element::F32, Element::F64];
                match element {
                    Some(element) if floats.contains(&element) => {
                        Literal::Float(digits, Some(element))
                    }
                    other => Literal::Integer(digits, other),
                }
            }
            Lit::Float(literal) => Literal::Float(
                literal.base10_digits().to_owned(),
                self.suffix(literal.suffix(), span),
            ),
            _ => {
                self.refuse(&Refusal::Text, span);
                return at(span, ExprKind::Refused);
            }
        };
        at(span, ExprKind::Literal(literal))
    }

    fn suffix(&mut self, suffix: &str, span: Span) -> Option<Element> {
        let element = Element::named(suffix);
        if element.is_none() && !suffix.is_empty() {
            self.refuse(&Refusal::Suffix(suffix.to_owned()), span);
        }
        element
    }

    fn path(&mut self, expr: &syn::ExprPath) -> Expr {
        let path = path(&expr.path);
        let span = path.span();
        let last = expr.path.segments.last().expect("a path has a segment");
        let refusal = match &last.arguments {
            _ if expr.qself.is_some() => Some(Refusal::QualifiedPath),
            PathArguments::None => None,
            _ => Some(Refusal::TurbofishAxis(last.ident.to_string())),
        };
        if let Some(refusal) = refusal {
            self.refuse(&refusal, span);
            return at(span, ExprKind::Refused);
        }
        let first = path.segments[0].to_string();
        let word = name(path.last());
        if path.segments.len() == 1 && !path.leading {
            if word.text == "self" || word.text == "Self" {
                self.refuse(&Refusal::Method, span);
                return at(span, ExprKind::Refused);
            }
            if !is_loud(&word.text) || self.scope.is_bound(&word.text) {
                return at(span, ExprKind::Name(word));
            }
        }
        let of_element = Element::named(&first).is_some() && is_std_constant(&word.text);
        if of_element || first == "std" || first == "core" {
            return at(span, ExprKind::StdConstant(path));
        }
        let callee = self.scope.callee(&path);
        at(span, ExprKind::Constant(path, callee))
    }

    fn binary(&mut self, binary: &syn::ExprBinary) -> Expr {
        let (op, span, ending) = binary_op(&binary.op);
        if ending == Ending::Closed {
            self.refuse(&Refusal::AssignmentValue, span);
        }
        let (left, right) = (self.expr(&binary.left), self.expr(&binary.right));
        at(span, ExprKind::Binary(op, Box::new(left), Box::new(right)))
    }

    fn unary(&mut self, unary: &syn::ExprUnary) -> Expr {
        let (op, span) = match &unary.op {
            UnOp::Neg(token) => (UnaryOp::Neg, token.span),
            UnOp::Not(token) => (UnaryOp::Not, token.span),
            UnOp::Deref(token) => (UnaryOp::Deref, token.span),
            other => {
                self.refuse(&Refusal::Block("this".to_owned()), other.span());
                return at(other.span(), ExprKind::Refused);
            }
        };
        at(span, ExprKind::Unary(op, Box::new(self.expr(&unary.expr))))
    }

    fn field(&mut self, field: &syn::ExprField) -> Expr {
        let base = Box::new(self.expr(&field.base));
        match &field.member {
            Member::Named(ident) => at(ident.span(), ExprKind::Field(base, name(ident))),
            Member::Unnamed(index) => {
                at(index.span, ExprKind::TupleIndex(base, index.index as usize))
            }
        }
    }

    fn cast(&mut self, cast: &syn::ExprCast) -> Expr {
        let value = Box::new(self.expr(&cast.expr));
        let span = cast.as_token.span;
        match self.element(&cast.ty) {
            Some((element, _)) => at(span, ExprKind::Cast(value, element)),
            None => {
                let text = cast.ty.to_token_stream().to_string();
                self.refuse(&Refusal::CastType(text), cast.ty.span());
                at(span, ExprKind::Refused)
            }
        }
    }

    fn range(&mut self, range: &syn::ExprRange) -> Expr {
        let span = match &range.limits {
            RangeLimits::HalfOpen(token) => token.spans[0],
            RangeLimits::Closed(token) => {
                self.refuse(&Refusal::InclusiveRange, token.spans[0]);
                token.spans[0]
            }
        };
        let start = range.start.as_ref().map(|start| Box::new(self.expr(start)));
        let end = range.end.as_ref().map(|end| Box::new(self.expr(end)));
        at(span, ExprKind::Range(start, end))
    }

    fn struct_literal(&mut self, literal: &syn::ExprStruct) -> Expr {
        let path = path(&literal.path);
        let span = path.span();
        if literal.qself.is_some() || path.last() == "Self" {
            self.refuse(&Refusal::Method, span);
            return at(span, ExprKind::Refused);
        }
        let callee = self.scope.callee(&path);
        let mut fields: Vec<(Name, Expr)> = Vec::new();
        for field in &literal.fields {
            let value = self.expr(&field.expr);
            match &field.member {
                Member::Named(ident) => fields.push((name(ident), value)),
                Member::Unnamed(index) => {
                    self.refuse(&Refusal::FieldsWithoutNames(path.last().to_string()), index.span);
                }
            }
        }
        let base = literal.rest.as_ref().map(|base| self.expr(base));
        at(span, ExprKind::Struct(Box::new(StructLiteral { path, callee, fields, base })))
    }
}

/// The operator, its place, and whether it assigns.
pub(super) fn binary_op(op: &BinOp) -> (BinaryOp, Span, Ending) {
    use Ending::{Closed, Open};
    match op {
        BinOp::Add(token) => (BinaryOp::Add, token.span, Open),
        BinOp::Sub(token) => (BinaryOp::Sub, token.span, Open),
        BinOp::Mul(token) => (BinaryOp::Mul, token.span, Open),
        BinOp::Div(token) => (BinaryOp::Div, token.span, Open),
        BinOp::Rem(token) => (BinaryOp::Rem, token.span, Open),
        BinOp::And(token) => (BinaryOp::And, token.spans[0], Open),
        BinOp::Or(token) => (BinaryOp::Or, token.spans[0], Open),
        BinOp::BitXor(token) => (BinaryOp::BitXor, token.span, Open),
        BinOp::BitAnd(token) => (BinaryOp::BitAnd, token.span, Open),
        BinOp::BitOr(token) => (BinaryOp::BitOr, token.span, Open),
        BinOp::Shl(token) => (BinaryOp::Shl, token.spans[0], Open),
        BinOp::Shr(token) => (BinaryOp::Shr, token.spans[0], Open),
        BinOp::Eq(token) => (BinaryOp::Eq, token.spans[0], Open),
        BinOp::Lt(token) => (BinaryOp::Lt, token.span, Open),
        BinOp::Le(token) => (BinaryOp::Le, token.spans[0], Open),
        BinOp::Ne(token) => (BinaryOp::Ne, token.spans[0], Open),
        BinOp::Ge(token) => (BinaryOp::Ge, token.spans[0], Open),
        BinOp::Gt(token) => (BinaryOp::Gt, token.span, Open),
        BinOp::AddAssign(token) => (BinaryOp::Add, token.spans[0], Closed),
        BinOp::SubAssign(token) => (BinaryOp::Sub, token.spans[0], Closed),
        BinOp::MulAssign(token) => (BinaryOp::Mul, token.spans[0], Closed),
        BinOp::DivAssign(token) => (BinaryOp::Div, token.spans[0], Closed),
        BinOp::RemAssign(token) => (BinaryOp::Rem, token.spans[0], Closed),
        BinOp::BitXorAssign(token) => (BinaryOp::BitXor, token.spans[0], Closed),
        BinOp::BitAndAssign(token) => (BinaryOp::BitAnd, token.spans[0], Closed),
        BinOp::BitOrAssign(token) => (BinaryOp::BitOr, token.spans[0], Closed),
        BinOp::ShlAssign(token) => (BinaryOp::Shl, token.spans[0], Closed),
        BinOp::ShrAssign(token) => (BinaryOp::Shr, token.spans[0], Closed),
        other => (BinaryOp::Add, other.span(), Open),
    }
}
