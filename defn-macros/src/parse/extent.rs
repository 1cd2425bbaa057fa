//! Axes in types, and the extents that belong to them.

use super::{Reader, Refusal, name, ty::peel};
use crate::surface::{Axis, AxisKind, Extent, ExtentKind, ExtentOp};
use proc_macro2::Span;
use syn::{BinOp, Expr, GenericArgument, Lit, PathArguments, Stmt, spanned::Spanned};

impl Reader {
    /// One axis of a type; `None` after a mistake.
    pub(super) fn axis(&mut self, argument: &GenericArgument) -> Option<Axis> {
        match argument {
            GenericArgument::Type(ty) => {
                if let syn::Type::Path(named) = peel(ty)
                    && named.path.segments.len() == 1
                {
                    return self.named_axis(&named.path.segments[0]);
                }
                self.refuse(&Refusal::NotAnAxis, ty.span());
            }
            GenericArgument::Const(Expr::Lit(literal)) => {
                let text = match &literal.lit {
                    Lit::Int(number) => number.base10_digits().to_owned(),
                    _ => "784".to_owned(),
                };
                self.refuse(&Refusal::BareNumberAxis(text), literal.lit.span());
            }
            GenericArgument::Const(Expr::Block(block)) => {
                let span = block.block.brace_token.span.join();
                let extent = self.braced_extent(&block.block);
                return Some(Axis { kind: AxisKind::Unnamed(extent), span });
            }
            other => self.refuse(&Refusal::NotAnAxis, other.span()),
        }
        None
    }

    fn named_axis(&mut self, segment: &syn::PathSegment) -> Option<Axis> {
        let name = name(&segment.ident);
        let span = name.span();
        if self.element_word(&name.text).is_some() || name.text == "usize" {
            self.refuse(&Refusal::NotAnAxis, span);
            return None;
        }
        self.scope.axes.insert(name.text.clone());
        match &segment.arguments {
            PathArguments::None => Some(Axis { kind: AxisKind::Named(name), span }),
            PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => {
                let extent = self.extent_argument(&arguments.args[0]);
                Some(Axis { kind: AxisKind::NamedExtent(name, extent), span })
            }
            _ => {
                self.refuse(&Refusal::NotAnAxis, span);
                None
            }
        }
    }

    /// What stands in `name<…>`.
    fn extent_argument(&mut self, argument: &GenericArgument) -> Extent {
        match argument {
            GenericArgument::Type(ty) => {
                if let syn::Type::Path(named) = peel(ty)
                    && let Some(symbol) = named.path.get_ident()
                {
                    return self.symbol(symbol);
                }
                self.not_an_extent(ty.span())
            }
            GenericArgument::Const(expr) => self.extent(expr),
            other => self.not_an_extent(other.span()),
        }
    }

    fn symbol(&mut self, ident: &proc_macro2::Ident) -> Extent {
        let name = name(ident);
        self.scope.axes.insert(name.text.clone());
        Extent { span: name.span(), kind: ExtentKind::Symbol(name) }
    }

    fn not_an_extent(&mut self, span: Span) -> Extent {
        self.refuse(&Refusal::NotAnExtent, span);
        Extent { kind: ExtentKind::Integer(0), span }
    }

    fn braced_extent(&mut self, block: &syn::Block) -> Extent {
        match block.stmts.as_slice() {
            [Stmt::Expr(expr, None)] => self.extent(expr),
            _ => self.not_an_extent(block.brace_token.span.join()),
        }
    }

    /// An expression over integers and symbols.
    pub(super) fn extent(&mut self, expr: &Expr) -> Extent {
        match expr {
            Expr::Group(group) => self.extent(&group.expr),
            Expr::Paren(paren) => self.extent(&paren.expr),
            Expr::Block(block) => self.braced_extent(&block.block),
            Expr::Path(symbol) if let Some(symbol) = symbol.path.get_ident() => self.symbol(symbol),
            Expr::Lit(literal) if let Lit::Int(number) = &literal.lit => self.integer(number),
            Expr::Binary(binary) => {
                let (op, span) = match &binary.op {
                    BinOp::Add(token) => (ExtentOp::Add, token.span),
                    BinOp::Sub(token) => (ExtentOp::Sub, token.span),
                    BinOp::Mul(token) => (ExtentOp::Mul, token.span),
                    BinOp::Div(token) => (ExtentOp::Div, token.span),
                    other => return self.not_an_extent(other.span()),
                };
                let left = Box::new(self.extent(&binary.left));
                let right = Box::new(self.extent(&binary.right));
                Extent { kind: ExtentKind::Binary(op, left, right), span }
            }
            other => self.not_an_extent(other.span()),
        }
    }

    fn integer(&mut self, number: &syn::LitInt) -> Extent {
        let span = number.span();
        let Ok(value) = number.base10_parse() else {
            self.refuse(&Refusal::NumberTooLarge(number.base10_digits().to_owned()), span);
            return Extent { kind: ExtentKind::Integer(0), span };
        };
        Extent { kind: ExtentKind::Integer(value), span }
    }
}
