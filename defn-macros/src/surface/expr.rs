//! Statements and expressions as written.

use super::{CalleeId, Element, HookId, Name, Path, Request, Type};
use proc_macro2::Span;

/// `{ …; value }`.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// In order.
    pub(crate) statements: Vec<Statement>,
    /// The last expression, if it has no semicolon.
    pub(crate) value: Option<Box<Expr>>,
    /// The closing brace, where a missing value would stand.
    pub(crate) span: Span,
}

/// One statement.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    /// `let mut x: f32 = value;`
    Let {
        /// What is bound.
        pattern: Pattern,
        /// The type that is written, if any.
        ty: Option<Type>,
        /// The value.
        value: Expr,
    },
    /// `p.w = value;`, `x += value;`
    Assign {
        /// What changes.
        place: Expr,
        /// The operator of `+=` and its like.
        op: Option<BinaryOp>,
        /// The value.
        value: Expr,
        /// The operator's place.
        span: Span,
    },
    /// Any expression whose value is not used.
    Expr(Expr),
}

/// What `let` and `for` bind.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// Its form.
    pub(crate) kind: PatternKind,
    /// Its telling token.
    pub(crate) span: Span,
}

impl Pattern {
    /// The names that it binds.
    pub(crate) fn names(&self) -> Vec<&Name> {
        match &self.kind {
            PatternKind::Name { name, mutable: _ } => vec![name],
            PatternKind::Tuple(parts) => parts.iter().flat_map(Self::names).collect(),
            PatternKind::Wildcard => Vec::new(),
        }
    }
}

/// The forms of a pattern.
#[derive(Clone, Debug)]
pub(crate) enum PatternKind {
    /// `x`, `mut x`.
    Name {
        /// What is bound.
        name: Name,
        /// Whether it may be assigned to.
        mutable: bool,
    },
    /// `(a, b)`.
    Tuple(Vec<Pattern>),
    /// `_`.
    Wildcard,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    /// Its form.
    pub(crate) kind: ExprKind,
    /// Its telling token.
    pub(crate) span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    /// `1`, `2.5f32`, `true`.
    Literal(Literal),
    /// A bare word: a parameter, a local, an axis or an extent.
    Name(Name),
    /// `EPS`, `nn::EPS`: a `#[defn] const`.
    Constant(Path, CalleeId),
    /// `std::f32::consts::PI`, `f32::MAX`: one of std's constants.
    StdConstant(Path),
    /// `a + b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `-a`.
    Unary(UnaryOp, Box<Expr>),
    /// `x.sum(n)`.
    MethodCall(Box<MethodCall>),
    /// `f(x)`, `grad!(f)(x)`, `iota::<f32>(n)`.
    Call(Box<Call>),
    /// `grad!(f)` as a value.
    Request(Box<Request>),
    /// `p.w`.
    Field(Box<Expr>, Name),
    /// `p.0`.
    TupleIndex(Box<Expr>, usize),
    /// `x[(1, ..)]`, `x[i]`.
    Index(Box<Expr>, Box<Expr>),
    /// `x as f32`.
    Cast(Box<Expr>, Element),
    /// `{ … }`.
    Block(Block),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `Dense { w, b: zero }`.
    Struct(Box<StructLiteral>),
    /// `if c { … } else { … }`.
    If(Box<If>),
    /// `while c { … }`.
    While(Box<Expr>, Block),
    /// `for x in xs.along(time) { … }`.
    For(Box<For>),
    /// `break`.
    Break,
    /// `a..b`, `..`, `1..`.
    Range(Option<Box<Expr>>, Option<Box<Expr>>),
    /// `kh = 3`, `axis = -1`, `padding = (1, 1)` as an argument.
    Named(Name, Box<Expr>),
    /// `&mut place` as an argument.
    Mutable(Box<Expr>),
    /// `inspect!("label", x)`, `check!(condition, "message")`.
    Hook(Box<Hook>),
    /// Something that was refused: `parse/` never hands out a definition that holds one without a mistake.
    Refused,
}

/// What the host sees or hears of while the code runs.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    /// Which of the two.
    pub(crate) kind: HookKind,
    /// The label or the message.
    pub(crate) text: String,
    /// The value or the condition.
    pub(crate) value: Expr,
    /// Which of the function.
    pub(crate) id: HookId,
}

/// The words of hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookKind {
    /// `inspect!`: the value is shown.
    Inspect,
    /// `check!`: the condition must hold.
    Check,
}

/// A literal, exact.
#[derive(Clone, Debug)]
pub(crate) enum Literal {
    /// Digits in base ten, and the type that is written after them.
    Integer(String, Option<Element>),
    /// Digits as written without underscores, and the type.
    Float(String, Option<Element>),
    /// `true`, `false`.
    Bool(bool),
}

/// Operators between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// Operators before one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
    /// `*`, before a `&mut` parameter.
    Deref,
}

/// `receiver.method::<f32>(arguments)`.
#[derive(Clone, Debug)]
pub(crate) struct MethodCall {
    /// Before the dot.
    pub(crate) receiver: Expr,
    /// The word after it.
    pub(crate) method: Name,
    /// The element types between `::<` and `>`.
    pub(crate) elements: Vec<(Element, Span)>,
    /// In order.
    pub(crate) arguments: Vec<Expr>,
}

/// `function::<f32>(arguments)`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What is called.
    pub(crate) function: Callable,
    /// The element types between `::<` and `>`.
    pub(crate) elements: Vec<(Element, Span)>,
    /// In order.
    pub(crate) arguments: Vec<Expr>,
}

/// What may stand before the parentheses of a call.
#[derive(Clone, Debug)]
pub(crate) enum Callable {
    /// One of [`INTRINSICS`].
    Intrinsic(Name),
    /// A `#[defn] fn`.
    Definition(Path, CalleeId),
    /// `grad!(f)`.
    Request(Request),
    /// A local that holds a request.
    Local(Name),
}

/// `Dense { w, b: zero, ..base }`.
#[derive(Clone, Debug)]
pub(crate) struct StructLiteral {
    /// As written.
    pub(crate) path: Path,
    /// Which container.
    pub(crate) callee: CalleeId,
    /// In the order of the literal.
    pub(crate) fields: Vec<(Name, Expr)>,
    /// What stands after `..`.
    pub(crate) base: Option<Expr>,
}

/// `if condition { … } else { … }`.
#[derive(Clone, Debug)]
pub(crate) struct If {
    /// One truth value.
    pub(crate) condition: Expr,
    /// Taken if true.
    pub(crate) then: Block,
    /// Taken if false: a block or another `if`.
    pub(crate) otherwise: Option<Expr>,
}

/// `for pattern in over { … }`.
#[derive(Clone, Debug)]
pub(crate) struct For {
    /// What is bound in each round.
    pub(crate) pattern: Pattern,
    /// What is walked.
    pub(crate) over: Expr,
    /// One round.
    pub(crate) body: Block,
}

/// The functions of the language that are called without a receiver (R17); no definition may be named so.
pub(crate) const INTRINSICS: [&str; 29] = [
    "iota",
    "concat",
    "stack",
    "select",
    "zeros",
    "ones",
    "full",
    "pad",
    "eye",
    "key",
    "random_bits",
    "normal",
    "uniform",
    "truncated_normal",
    "exponential",
    "gumbel",
    "gamma",
    "log_gamma",
    "chi_square",
    "student_t",
    "beta",
    "dirichlet",
    "randint",
    "categorical",
    "permutation",
    "bernoulli",
    "shuffle",
    "stop_grad",
    "checkpoint",
];
