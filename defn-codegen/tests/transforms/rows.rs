//! Every operation of the language, on shapes and numbers where it has a slope.
//!
//! This file is long because it is a table.
//!
//! ```text
//! words           written              operands, over several shapes         slope
//! sum             x.sum(n)             x: any, [n] [1] [0] [m, n] ..         yes
//! argmax          x.argmax(n)          x: any, ..                            zero: a position does not move
//! key             key(7)               x: i64                                none: no float goes in
//! ```

use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Binary, Comparison, Dim, Element, Unary};
use defn_codegen::library::{
    self, Axis, AxisRef, Bound, Draw, Literal, Logic, Method, Place, Result, Slide, Tensor,
};

/// What kind of slope an operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slope {
    /// That of the function.
    Yes,
    /// That of an equation, which differences of the values do not know, for this reason.
    Implicit(&'static str),
    /// Zero: the function is constant almost everywhere, for this reason.
    Zero(&'static str),
    /// Zero, though the function is not constant, for this reason.
    Stopped(&'static str),
    /// None: nothing among its operands could move, for this reason.
    Nothing(&'static str),
}

/// What stands in an operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Numbers of every element type in turn; floats lie between the bounds.
    Any(f64, f64),
    /// Floats between the bounds.
    Float(f64, f64),
    /// Positions, some of which are outside.
    Position,
    /// Truth values.
    Bool,
    /// A `u64`.
    Key,
}

/// What an operation makes of its operands.
pub(crate) type Apply = Box<dyn Fn(&mut Builder, &[Tensor]) -> Result<Vec<Tensor>> + Send + Sync>;

/// An operation.
pub(crate) struct Row {
    /// Its names.
    pub(crate) words: Vec<&'static str>,
    /// How it is written.
    pub(crate) written: &'static str,
    /// What it works on.
    pub(crate) kinds: Vec<Kind>,
    /// For each shape that is tried, the axes of each operand, such as `"batch=2 features=3"`.
    pub(crate) shapes: Vec<Vec<&'static str>>,
    /// The operation.
    pub(crate) apply: Apply,
    /// Whether it has a slope.
    pub(crate) slope: Slope,
}

impl Row {
    /// The same under one more name.
    fn also(mut self, word: &'static str) -> Self {
        self.words.push(word);
        self
    }

    fn slope(mut self, slope: Slope) -> Self {
        self.slope = slope;
        self
    }

    fn zero(self, why: &'static str) -> Self {
        self.slope(Slope::Zero(why))
    }

    fn nothing(self, why: &'static str) -> Self {
        self.slope(Slope::Nothing(why))
    }
}

/// Operations with something in common.
pub(crate) struct Group {
    /// What that is.
    pub(crate) title: &'static str,
    /// The operations.
    pub(crate) rows: Vec<Row>,
}

/// Element by element: ranks 0 to 3, odd extents, one, and nothing.
const ELEMENTS: [&str; 6] = ["", "n=5", "n=1", "n=0", "n=3 m=1", "m=2 n=3 k=1"];

/// Along `n`: in front, in the midst and last.
const ALONG: [&str; 6] = ["n=5", "n=1", "n=0", "m=3 n=5", "n=3 m=1", "m=2 n=3 k=1"];

/// Along an `n` of at least three.
const LONG: [&str; 5] = ["n=5", "n=3", "m=0 n=3", "n=3 m=1", "m=2 n=5 k=1"];

const TRUTH: &str = "truth values do not move";
const POSITION: &str = "a position does not move";
const WHOLE: &str = "whole numbers do not move";
const NO_FLOAT: &str = "no float goes in";
const FROM_KEY: &str = "what is drawn depends on the key alone";
const FROM_SHARE: &str =
    "what moves keeps the share of draws below it, while proposals are accepted or not";
const FROM_SHAPE: &str = "it depends on the shape alone";

const AROUND_ZERO: Kind = Kind::Any(-1.2, 1.2);
const SMALL: Kind = Kind::Float(-0.3, 0.3);
const ABOVE_ZERO: Kind = Kind::Any(0.5, 2.0);

fn row(
    word: &'static str,
    written: &'static str,
    kinds: &[Kind],
    shapes: Vec<Vec<&'static str>>,
    apply: impl Fn(&mut Builder, &[Tensor]) -> Result<Vec<Tensor>> + Send + Sync + 'static,
) -> Row {
    let (words, kinds, apply) = (vec![word], kinds.to_vec(), Box::new(apply));
    Row { words, written, kinds, shapes, apply, slope: Slope::Yes }
}

/// Operands of the same shape.
fn alike(kinds: &[Kind], shapes: &[&'static str]) -> Vec<Vec<&'static str>> {
    shapes.iter().map(|shape| vec![*shape; kinds.len()]).collect()
}

/// One result.
fn one(result: Result<Tensor>) -> Result<Vec<Tensor>> {
    Ok(vec![result?])
}

fn name(axis: &str) -> AxisRef {
    AxisRef::Name(axis.to_owned())
}

fn made(axis: &str, extent: i64) -> Axis {
    Axis { name: Some(axis.to_owned()), extent: Dim::from(extent) }
}

/// A function of each element, with a slope.
fn unary(
    word: &'static str,
    written: &'static str,
    method: Method,
    (low, high): (f64, f64),
) -> Row {
    let kinds = [Kind::Any(low, high)];
    row(word, written, &kinds, alike(&kinds, &ELEMENTS), move |b, x| {
        one(library::unary(b, method, &x[0]))
    })
}

fn primitive(word: &'static str, written: &'static str, of: Unary, bounds: (f64, f64)) -> Row {
    unary(word, written, Method::Primitive(of), bounds)
}

/// A function of elements at the same place.
fn pointwise(
    word: &'static str,
    written: &'static str,
    kinds: &[Kind],
    apply: impl Fn(&mut Builder, &[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
) -> Row {
    let mut shapes = alike(kinds, &ELEMENTS);
    if kinds.len() == 2 {
        // Names that only one side has.
        shapes.push(vec!["n=3", "m=2"]);
        shapes.push(vec!["n=3 m=2", "m=2"]);
    }
    row(word, written, kinds, shapes, move |b, x| one(apply(b, x)))
}

fn binary(word: &'static str, written: &'static str, of: Binary, kind: Kind) -> Row {
    pointwise(word, written, &[kind; 2], move |b, x| library::arithmetic(b, of, &x[0], &x[1]))
}

fn compare(word: &'static str, written: &'static str, of: Comparison) -> Row {
    pointwise(word, written, &[AROUND_ZERO; 2], move |b, x| library::compare(b, of, &x[0], &x[1]))
        .zero(TRUTH)
}

type OverAxes = fn(&mut Builder, &Tensor, &[AxisRef]) -> Result<Tensor>;
type AlongAxis = fn(&mut Builder, &Tensor, &AxisRef, bool) -> Result<Tensor>;

/// Along `n`, and along everything.
fn reduction(word: &'static str, written: &'static str, kind: Kind, of: OverAxes) -> Row {
    let mut shapes = alike(&[kind], &ALONG);
    shapes.push(vec!["n=3 m=0"]);
    row(word, written, &[kind], shapes, move |b, x| {
        Ok(vec![of(b, &x[0], &[name("n")])?, of(b, &x[0], &[])?])
    })
}

/// In both directions.
fn scan(word: &'static str, written: &'static str, kind: Kind, of: AlongAxis) -> Row {
    row(word, written, &[kind], alike(&[kind], &ALONG), move |b, x| {
        Ok(vec![of(b, &x[0], &name("n"), false)?, of(b, &x[0], &name("n"), true)?])
    })
}

/// What is along an axis, of one tensor.
fn along(
    word: &'static str,
    written: &'static str,
    shapes: &[&'static str],
    apply: impl Fn(&mut Builder, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Row {
    row(word, written, &[AROUND_ZERO], alike(&[AROUND_ZERO], shapes), move |b, x| {
        one(apply(b, &x[0]))
    })
}

/// Every operation, in the order of the page.
pub(crate) fn groups() -> Vec<Group> {
    vec![
        Group { title: "Functions of one element", rows: functions() },
        Group { title: "Rounding and signs", rows: steps() },
        Group { title: "Functions of several elements", rows: several() },
        Group { title: "Comparison, logic and choice", rows: truths() },
        Group { title: "Reductions", rows: reductions() },
        Group { title: "Along an axis: running results and order", rows: orders() },
        Group { title: "Products", rows: products().into_iter().chain(systems()).collect() },
        Group { title: "Names and shapes", rows: shapes() },
        Group { title: "Parts", rows: parts().into_iter().chain(joined()).collect() },
        Group { title: "Positions that are data", rows: positions() },
        Group { title: "New tensors", rows: created() },
        Group {
            title: "Random numbers",
            rows: keys().into_iter().chain(draws()).chain(choices()).collect(),
        },
    ]
}

fn functions() -> Vec<Row> {
    let (all, positive, inside) = ((-1.2, 1.2), (0.5, 2.0), (-0.6, 0.6));
    vec![
        primitive("sqrt", "x.sqrt()", Unary::Sqrt, positive),
        primitive("rsqrt", "x.rsqrt()", Unary::Rsqrt, positive),
        primitive("cbrt", "x.cbrt()", Unary::Cbrt, positive),
        unary("recip", "x.recip()", Method::Recip, positive),
        unary("square", "x.square()", Method::Square, all),
        primitive("exp", "x.exp()", Unary::Exp, all),
        primitive("exp2", "x.exp2()", Unary::Exp2, all),
        primitive("exp_m1", "x.exp_m1()", Unary::Expm1, all).also("expm1"),
        primitive("ln", "x.ln()", Unary::Log, positive).also("log"),
        primitive("log2", "x.log2()", Unary::Log2, positive),
        unary("log10", "x.log10()", Method::Log10, positive),
        primitive("ln_1p", "x.ln_1p()", Unary::Log1p, (-0.5, 2.0)).also("log1p"),
        primitive("sin", "x.sin()", Unary::Sin, all),
        primitive("cos", "x.cos()", Unary::Cos, all),
        primitive("tan", "x.tan()", Unary::Tan, all),
        primitive("asin", "x.asin()", Unary::Asin, inside),
        primitive("acos", "x.acos()", Unary::Acos, inside),
        primitive("atan", "x.atan()", Unary::Atan, all),
        primitive("sinh", "x.sinh()", Unary::Sinh, all),
        primitive("cosh", "x.cosh()", Unary::Cosh, all),
        primitive("tanh", "x.tanh()", Unary::Tanh, all),
        primitive("sigmoid", "x.sigmoid()", Unary::Sigmoid, all),
        primitive("erf", "x.erf()", Unary::Erf, all),
        primitive("erf_inv", "x.erf_inv()", Unary::ErfInv, inside),
    ]
}

fn steps() -> Vec<Row> {
    const STEP: &str = "constant between whole numbers";
    let above_one = (1.1, 1.4);
    vec![
        pointwise("-", "-x", &[AROUND_ZERO], |b, x| library::neg(b, &x[0])),
        primitive("abs", "x.abs()", Unary::Abs, (-1.2, 1.2)),
        primitive("sign", "x.sign()", Unary::Sign, (-1.2, 1.2))
            .zero("constant on both sides of zero"),
        primitive("floor", "x.floor()", Unary::Floor, above_one).zero(STEP),
        primitive("ceil", "x.ceil()", Unary::Ceil, above_one).zero(STEP),
        primitive("round", "x.round()", Unary::Round, above_one).zero("constant between halves"),
        unary("trunc", "x.trunc()", Method::Truncate, above_one).zero(STEP),
        unary("fract", "x.fract()", Method::Fractional, above_one),
        pointwise("as", "x as f64", &[AROUND_ZERO], |b, x| {
            library::convert(b, &x[0], Element::F64)
        }),
        pointwise("as", "x as i64", &[Kind::Any(1.1, 1.4)], |b, x| {
            library::convert(b, &x[0], Element::I64)
        })
        .zero(WHOLE),
        primitive("stop_grad", "stop_grad(x)", Unary::StopGrad, (-1.2, 1.2))
            .slope(Slope::Stopped("that is what it is for")),
    ]
}

fn several() -> Vec<Row> {
    let three = [AROUND_ZERO; 3];
    vec![
        binary("+", "x + y", Binary::Add, AROUND_ZERO),
        binary("-", "x - y", Binary::Sub, AROUND_ZERO),
        binary("*", "x * y", Binary::Mul, AROUND_ZERO),
        binary("/", "x / y", Binary::Div, ABOVE_ZERO),
        binary("%", "x % y", Binary::Rem, ABOVE_ZERO),
        binary("max", "x.max(y)", Binary::Max, AROUND_ZERO),
        binary("min", "x.min(y)", Binary::Min, AROUND_ZERO),
        pointwise("powf", "x.powf(y)", &[ABOVE_ZERO; 2], |b, x| library::pow(b, &x[0], &x[1])),
        pointwise("pow", "x.pow(3)", &[AROUND_ZERO], |b, x| library::power(b, &x[0], 3))
            .also("powi"),
        pointwise("pow", "x.pow(-2)", &[ABOVE_ZERO], |b, x| library::power(b, &x[0], -2))
            .also("powi"),
        binary("atan2", "y.atan2(x)", Binary::Atan2, Kind::Any(0.3, 1.0)),
        pointwise("hypot", "x.hypot(y)", &[ABOVE_ZERO; 2], |b, x| library::hypot(b, &x[0], &x[1])),
        pointwise("mul_add", "x.mul_add(y, z)", &three, |b, x| {
            library::mul_add(b, &x[0], &x[1], &x[2])
        }),
        pointwise("clamp", "x.clamp(y, z)", &three, |b, x| library::clamp(b, &x[0], &x[1], &x[2])),
    ]
}

fn truths() -> Vec<Row> {
    let bits = |word, written, of| binary(word, written, of, AROUND_ZERO).nothing(NO_FLOAT);
    let logic = |word, written, of| {
        row(word, written, &[Kind::Bool; 2], alike(&[Kind::Bool; 2], &[""]), move |b, x| {
            one(library::logic(b, of, &x[0], &x[1]))
        })
        .nothing(NO_FLOAT)
    };
    let select = [Kind::Bool, AROUND_ZERO, AROUND_ZERO];
    vec![
        compare("==", "x == y", Comparison::Eq),
        compare("!=", "x != y", Comparison::Ne),
        compare("<", "x < y", Comparison::Lt),
        compare("<=", "x <= y", Comparison::Le),
        compare(">", "x > y", Comparison::Gt),
        compare(">=", "x >= y", Comparison::Ge),
        unary("is_nan", "x.is_nan()", Method::IsNan, (-1.2, 1.2)).zero(TRUTH),
        unary("is_finite", "x.is_finite()", Method::IsFinite, (-1.2, 1.2)).zero(TRUTH),
        pointwise("select", "mask.select(x, y)", &select, |b, x| {
            library::select(b, &x[0], &x[1], &x[2])
        }),
        logic("&&", "p && q", Logic::And),
        logic("||", "p || q", Logic::Or),
        bits("&", "x & y", Binary::And),
        bits("|", "x | y", Binary::Or),
        bits("^", "x ^ y", Binary::Xor),
        bits("<<", "x << y", Binary::ShiftLeft),
        bits(">>", "x >> y", Binary::ShiftRight),
        pointwise("!", "!x", &[AROUND_ZERO], |b, x| library::logical_not(b, &x[0]))
            .nothing(NO_FLOAT),
    ]
}

fn reductions() -> Vec<Row> {
    vec![
        reduction("sum", "x.sum(n)", AROUND_ZERO, library::sum),
        reduction("product", "x.product(n)", Kind::Any(-1.2, 1.2), library::product),
        reduction("mean", "x.mean(n)", AROUND_ZERO, |b, x, over| finite(b, x, over, library::mean)),
        reduction("variance", "x.variance(n)", AROUND_ZERO, |b, x, over| {
            finite(b, x, over, library::variance)
        }),
        reduction("max", "x.max(n)", AROUND_ZERO, |b, x, over| finite(b, x, over, library::max)),
        reduction("min", "x.min(n)", AROUND_ZERO, |b, x, over| finite(b, x, over, library::min)),
        reduction("logsumexp", "x.logsumexp(n)", AROUND_ZERO, |b, x, over| {
            finite(b, x, over, library::logsumexp)
        }),
        reduction("softmax", "x.softmax(n)", AROUND_ZERO, library::softmax),
        reduction("argmax", "x.argmax(n)", AROUND_ZERO, library::argmax).zero(POSITION),
        reduction("argmin", "x.argmin(n)", AROUND_ZERO, library::argmin).zero(POSITION),
        reduction("any", "p.any(n)", Kind::Bool, library::any).nothing(NO_FLOAT),
        reduction("all", "p.all(n)", Kind::Bool, library::all).nothing(NO_FLOAT),
        reduction("count", "p.count(n)", Kind::Bool, library::count).nothing(NO_FLOAT),
    ]
}

/// Of nothing the result is NaN or infinite, and has no slope: 1 is taken there.
fn finite(b: &mut Builder, x: &Tensor, over: &[AxisRef], of: OverAxes) -> Result<Tensor> {
    let result = of(b, x, over)?;
    if !result.element(b).is_float() {
        return Ok(result);
    }
    let finite = library::unary(b, Method::IsFinite, &result)?;
    let one = library::literal(b, &Literal::Integer(1), result.element(b))?;
    library::select(b, &finite, &result, &one)
}

fn orders() -> Vec<Row> {
    let along = [AROUND_ZERO];
    vec![
        scan("cumsum", "x.cumsum(n)", AROUND_ZERO, library::cumsum),
        scan("cumprod", "x.cumprod(n)", AROUND_ZERO, library::cumprod),
        scan("cummax", "x.cummax(n)", AROUND_ZERO, library::cummax),
        scan("cummin", "x.cummin(n)", AROUND_ZERO, library::cummin),
        scan("sort", "x.sort(n)", AROUND_ZERO, library::sort),
        scan("argsort", "x.argsort(n)", AROUND_ZERO, library::argsort).zero(POSITION),
        row("top_k", "x.top_k(n, 2)", &along, alike(&along, &LONG), |b, x| {
            Ok(library::top_k(b, &x[0], &name("n"), &Dim::from(2))?.to_vec())
        }),
    ]
}

/// Matrices over `i` and `j` with a large diagonal.
fn lifted(b: &mut Builder, x: &Tensor) -> Tensor {
    let shape = x.shape(b);
    let axis = |axis: &str| x.names.iter().position(|it| it.as_deref() == Some(axis));
    let [i, j] = ["i", "j"].map(|it| b.iota(&shape, axis(it).unwrap_or_default()));
    let on_diagonal = b.compare(Comparison::Eq, i, j);
    let four = b.number(x.element(b), 4.0);
    let four = b.broadcast(four, &shape, &[]);
    let lifted = b.binary(Binary::Add, x.node, four);
    let node = b.select(on_diagonal, lifted, x.node);
    Tensor { node, ..x.clone() }
}

fn products() -> Vec<Row> {
    let two = [AROUND_ZERO; 2];
    let shapes = vec![
        vec!["n=5", "n=5"],
        vec!["m=3 n=5", "n=5 k=2"],
        vec!["b=2 m=3 n=1", "b=2 k=3 n=1"],
        vec!["n=3 m=2", "n=3"],
        vec!["m=3 n=0", "n=0 k=2"],
        vec!["m=0 n=3", "k=2 n=3"],
    ];
    let squares = vec![
        vec!["i:3 j:3", "i:3 j:3"],
        vec!["i:1 j:1", "i:1 j:1"],
        vec!["i=2 j:3", "k=1 i:3"],
        vec!["i:0 j:0", "i:0 j:0"],
    ];
    vec![
        row("dot", "x.dot(y, n)", &two, shapes.clone(), |b, x| {
            one(library::dot(b, &x[0], &x[1], &[name("n")]))
        }),
        row("dot", "x.dot(y, j = i)", &two, squares, |b, x| {
            one(library::dot_pairs(b, &x[0], &x[1], &[(name("j"), name("i"))]))
        }),
        row(
            "dot",
            "x.dot(y, (n, m))",
            &two,
            vec![vec!["k=2 n=3 m=2", "m=2 n=3"], vec!["n=1 m=3", "b=3 n=1 m=3"]],
            |b, x| one(library::dot(b, &x[0], &x[1], &[name("n"), name("m")])),
        ),
        row("*", "(x * y).sum(n)", &two, shapes, |b, x| {
            let product = library::arithmetic(b, Binary::Mul, &x[0], &x[1])?;
            one(library::sum(b, &product, &[name("n")]))
        }),
    ]
}

fn systems() -> Vec<Row> {
    let matrices = ["i:3 j:3", "i:1 j:1", "i:0 j:0", "b=2 j:5 i:5"];
    let systems = vec![
        vec!["i:3 j:3", "i:3"],
        vec!["i:1 j:1", "k=2 i:1"],
        vec!["i:0 j:0", "i:0"],
        vec!["b=2 j:5 i:5", "i:5 b=2 k=3"],
        vec!["b=2 i:3 j:3", "k=1 i:3"],
    ];
    vec![
        // With a large diagonal a matrix is positive definite, whatever stands beside it.
        row("cholesky", "x.cholesky(i, j)", &[SMALL], alike(&[SMALL], &matrices), |b, x| {
            let matrix = lifted(b, &x[0]);
            one(library::cholesky(b, &matrix, &[name("i"), name("j")]))
        }),
        row("solve", "x.solve(y, i, j)", &[SMALL; 2], systems, |b, x| {
            let matrix = lifted(b, &x[0]);
            one(library::solve(b, &matrix, &x[1], &[name("i"), name("j")]))
        }),
        row("inverse", "x.inverse(i, j)", &[SMALL], alike(&[SMALL], &matrices), |b, x| {
            let matrix = lifted(b, &x[0]);
            one(library::inverse(b, &matrix, &[name("i"), name("j")]))
        }),
        row("det", "x.det(i, j)", &[SMALL], alike(&[SMALL], &matrices), |b, x| {
            let matrix = lifted(b, &x[0]);
            one(library::det(b, &matrix, &[name("i"), name("j")]))
        }),
        row("logdet", "x.logdet(i, j)", &[SMALL], alike(&[SMALL], &matrices), |b, x| {
            let matrix = lifted(b, &x[0]);
            one(library::logdet(b, &matrix, &[name("i"), name("j")]))
        }),
    ]
}

fn shapes() -> Vec<Row> {
    let split = |b: &mut Builder, x: &Tensor| {
        let parts = [("head".to_owned(), None), ("dim".to_owned(), Some(Dim::from(2)))];
        library::split(b, x, &name("n"), &parts)
    };
    let named: Vec<Vec<&'static str>> =
        ["_:3", "_:0 m=2", "_:1 m=3"].map(|shape| vec![shape]).to_vec();
    vec![
        along("rename", "x.rename(n, time)", &ALONG, |b, x| {
            library::rename(b, x, &name("n"), "time")
        }),
        row("name", "x.name(0, n)", &[AROUND_ZERO], named, |b, x| {
            one(library::name(b, &x[0], 0, "n"))
        }),
        along("order", "x.order(m, n)", &["n=3 m=2", "n=1 m=3", "n=0 m=3"], |b, x| {
            library::order(b, x, &[name("m"), name("n")])
        }),
        along("split", "x.split(n, (head, dim = 2))", &["n=4", "n=0 m=3", "m=3 n=6 k=1"], split),
        along("merge", "x.merge((m, n), all)", &["m=3 n=2", "n=3 m=0", "k=2 m=1 n=3"], |b, x| {
            library::merge(b, x, &[name("m"), name("n")], "all")
        }),
        along("broadcast", "x.broadcast(copy = 3)", &ELEMENTS, |b, x| {
            library::broadcast(b, x, &[made("copy", 3)])
        }),
        along("extent", "x.extent(n)", &ALONG, |b, x| {
            let position = library::axis(b, x, &name("n"))?;
            let extent = x.shape(b)[position].clone();
            Ok(Tensor::scalar(b.extent(extent)))
        })
        .zero(FROM_SHAPE),
    ]
}

fn parts() -> Vec<Row> {
    let two = [AROUND_ZERO; 2];
    let moving = [AROUND_ZERO, Kind::Position];
    let ranges = vec![
        vec!["n=5", "n:2"],
        vec!["n=3 m=2", "n:2 m=2"],
        vec!["n=3 m=0", "n:2 m=0"],
        vec!["n=5 m=3 k=1", "n:2 m=3 k=1"],
    ];
    vec![
        along("slice", "x.slice(n, 1..)", &LONG, |b, x| {
            library::slice(b, x, &name("n"), &Bound::Extent(Dim::from(1)), None)
        }),
        row("slice", "x.slice(n, i..i + 2)", &moving, beside(&LONG, ""), |b, x| {
            let two = b.number(Element::I64, 2.0);
            let end = library::arithmetic(b, Binary::Add, &x[1], &Tensor::scalar(two))?;
            let (start, end) = (Bound::Value(x[1].clone()), Bound::Value(end));
            one(library::slice(b, &x[0], &name("n"), &start, Some(&end)))
        }),
        along("at", "x.at(n, 1)", &LONG, |b, x| {
            library::at(b, x, &name("n"), &Bound::Extent(Dim::from(1)))
        }),
        row("x[..] = y", "x[(1..3, ..)] = y", &two, ranges, |b, x| {
            let mut places = vec![Place::All; x[0].rank()];
            places[0] = Place::Range(Bound::Extent(Dim::from(1)), Dim::from(2));
            Ok(vec![library::put(b, &x[0], &places, &x[1])])
        }),
        row(
            "x[..] = y",
            "x[(i, ..)] = y",
            &[AROUND_ZERO, AROUND_ZERO, Kind::Position],
            vec![
                vec!["n=5", "", ""],
                vec!["n=3 m=2", "m=2", ""],
                vec!["n=1 m=0", "m=0", ""],
                vec!["n=3 m=2 k=1", "m=2 k=1", ""],
            ],
            |b, x| {
                let mut places = vec![Place::All; x[0].rank()];
                places[0] = Place::At(Bound::Value(x[2].clone()));
                Ok(vec![library::put(b, &x[0], &places, &x[1])])
            },
        ),
    ]
}

fn joined() -> Vec<Row> {
    let two = [AROUND_ZERO; 2];
    let padding = (Dim::from(1), Dim::from(2));
    let padded = padding.clone();
    let concat = vec![
        vec!["n=3", "n=3"],
        vec!["m=3 n=5", "m=3 n=5"],
        vec!["n=0 m=2", "n=0 m=2"],
        vec!["m=2 n=1 k=3", "m=2 n=1 k=3"],
    ];
    vec![
        row("concat", "concat(n, x, y)", &two, concat, |b, x| {
            one(library::concat(b, &name("n"), &[&x[0], &x[1], &x[0]]))
        }),
        row("stack", "stack(new, x, y)", &two, alike(&two, &ELEMENTS), |b, x| {
            one(library::stack(b, "new", &[&x[0], &x[1]]))
        }),
        along("reverse", "x.reverse(n)", &ALONG, |b, x| library::reverse(b, x, &[name("n")])),
        row("roll", "x.roll(n, i)", &[AROUND_ZERO, Kind::Position], beside(&ALONG, ""), |b, x| {
            one(library::roll(b, &x[0], &name("n"), &x[1]))
        }),
        along("pad", "x.pad(n, (1, 2))", &ALONG, move |b, x| {
            let zero = library::literal(b, &Literal::Integer(0), x.element(b))?;
            library::pad(b, x, &name("n"), (&padding.0, &padding.1), &zero)
        }),
        row("pad", "pad(x, n, (1, 2), y)", &two, beside(&ALONG, ""), move |b, x| {
            one(library::pad(b, &x[0], &name("n"), (&padded.0, &padded.1), &x[1]))
        }),
        along("window", "x.window(n, tap = 3, stride = 2, padding = (1, 1))", &LONG, |b, x| {
            let slide = Slide {
                stride: Dim::from(2),
                dilation: Dim::from(1),
                padding: (Dim::from(1), Dim::from(1)),
                value: None,
            };
            library::window(b, x, &name("n"), &made("tap", 3), &slide)
        }),
    ]
}

/// Shapes of a first operand, and one shape for the second.
fn beside(shapes: &[&'static str], other: &'static str) -> Vec<Vec<&'static str>> {
    shapes.iter().map(|shape| vec![*shape, other]).collect()
}

fn positions() -> Vec<Row> {
    let take = [AROUND_ZERO, Kind::Position];
    let add = [AROUND_ZERO, Kind::Position, AROUND_ZERO];
    vec![
        row("at", "x.at(n, i)", &take, beside(&ALONG, ""), |b, x| {
            one(library::at(b, &x[0], &name("n"), &Bound::Value(x[1].clone())))
        }),
        row(
            "take",
            "x.take(n, i)",
            &take,
            vec![
                vec!["n=5", "i=7"],
                vec!["n=3 m=2", "i=3 j=2"],
                vec!["m=2 n=3", "m=2 i=5"],
                vec!["n=1", ""],
                vec!["n=0 m=2", "i=3"],
                vec!["n=3 m=2", "i=0"],
                vec!["k=2 n=3 m=1", "i=2"],
            ],
            |b, x| one(library::take(b, &x[0], &name("n"), &x[1])),
        ),
        row(
            "add_at",
            "x.add_at(n, i, y)",
            &add,
            vec![
                vec!["n=5", "i=7", "i=7"],
                vec!["n=3 m=2", "i=3", "i=3 m=2"],
                vec!["m=2 n=3", "m=2 i=5", "m=2 i=5"],
                vec!["n=1", "", ""],
                vec!["n=0 m=2", "i=3", "i=3 m=2"],
                vec!["n=3 m=2", "i=0", "i=0 m=2"],
            ],
            |b, x| one(library::add_at(b, &x[0], &name("n"), (&x[1], &x[2]))),
        ),
    ]
}

fn created() -> Vec<Row> {
    let free = |word, written, of: fn(&mut Builder) -> Result<Tensor>| {
        row(word, written, &[Kind::Position], vec![vec![""]], move |b, x| {
            // Something must be mapped, walked along and chosen: a number beside the tensor.
            Ok(vec![of(b)?, x[0].clone()])
        })
        .nothing(NO_FLOAT)
    };
    vec![
        along("full", "full(x, copy = 3)", &[""], |b, x| library::full(b, x, &[made("copy", 3)])),
        along("zeros_like", "x.zeros_like()", &ELEMENTS, |b, x| Ok(library::like(b, x, 0)))
            .zero(FROM_SHAPE),
        along("ones_like", "x.ones_like()", &ELEMENTS, |b, x| Ok(library::like(b, x, 1)))
            .zero(FROM_SHAPE),
        free("zeros", "zeros::<f64>(k = 3)", |b| {
            let zero = library::literal(b, &Literal::Integer(0), Element::F64)?;
            library::full(b, &zero, &[made("k", 3)])
        }),
        free("ones", "ones::<f64>(k = 3)", |b| {
            let one = library::literal(b, &Literal::Integer(1), Element::F64)?;
            library::full(b, &one, &[made("k", 3)])
        }),
        free("iota", "iota(k = 3)", |b| library::iota(b, &made("k", 3))),
        free("eye", "eye::<f64>(i = 3, j = 3)", |b| {
            library::eye(b, Element::F64, &made("i", 3), &made("j", 3))
        }),
    ]
}

/// A draw from a key that is the first operand.
fn drawn(
    word: &'static str,
    written: &'static str,
    apply: impl Fn(&mut Builder, Draw<'_>) -> Result<Tensor> + Send + Sync + 'static,
) -> Row {
    row(word, written, &[Kind::Key], vec![vec![""]], move |b, x| {
        one(apply(b, Draw { function: word, key: &x[0] }))
    })
    .nothing(FROM_KEY)
}

/// A draw that depends on floats between bounds as well.
fn bounded(
    word: &'static str,
    written: &'static str,
    bounds: &[(f64, f64)],
    apply: impl Fn(&mut Builder, Draw<'_>, &[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
) -> Row {
    let floats = bounds.iter().map(|(low, high)| Kind::Float(*low, *high));
    let kinds: Vec<Kind> = std::iter::once(Kind::Key).chain(floats).collect();
    row(word, written, &kinds, vec![vec![""; kinds.len()]], move |b, x| {
        one(apply(b, Draw { function: word, key: &x[0] }, &x[1..]))
    })
}

/// A function that draws numbers of a shape that is a float.
type OfShape = fn(&mut Builder, Draw<'_>, Element, &[Axis], &Tensor) -> Result<Tensor>;

fn of_shape(word: &'static str, written: &'static str, function: OfShape) -> Row {
    bounded(word, written, &[(0.3, 2.5)], move |b, draw, x| {
        function(b, draw, x[0].element(b), &[made("m", 3)], &x[0])
    })
    .slope(Slope::Implicit(FROM_SHARE))
}

fn axes() -> [Axis; 2] {
    [made("m", 3), made("k", 5)]
}

fn keys() -> Vec<Row> {
    let key = Kind::Key;
    vec![
        row("key", "key(i)", &[Kind::Position], vec![vec![""]], |b, x| one(library::key(b, &x[0])))
            .nothing(NO_FLOAT),
        row("split", "key.split()", &[key], vec![vec![""]], |b, x| {
            Ok(library::split_key_in_two(b, &x[0])?.to_vec())
        })
        .nothing(NO_FLOAT),
        row("split", "key.split(k = 3)", &[key], vec![vec![""]], |b, x| {
            one(library::split_key(b, &x[0], &made("k", 3)))
        })
        .nothing(NO_FLOAT),
        row("fold_in", "key.fold_in(i)", &[key, Kind::Position], vec![vec!["", ""]], |b, x| {
            one(library::fold_in(b, &x[0], &x[1]))
        })
        .nothing(NO_FLOAT),
    ]
}

fn draws() -> Vec<Row> {
    vec![
        drawn("random_bits", "random_bits::<u32>(key, m = 3)", |b, draw| {
            library::bits(b, draw, Element::U32, &axes())
        }),
        bounded(
            "uniform",
            "uniform::<f64>(key, m = 3, x, y)",
            &[(-1.0, 0.0), (0.5, 2.0)],
            |b, draw, x| library::uniform(b, draw, x[0].element(b), &axes(), Some((&x[0], &x[1]))),
        ),
        drawn("normal", "normal::<f64>(key, m = 3)", |b, draw| {
            library::normal(b, draw, Element::F64, &axes())
        }),
        bounded(
            "truncated_normal",
            "truncated_normal::<f64>(key, m = 3, x, y)",
            &[(-1.0, 0.0), (0.5, 1.0)],
            |b, draw, x| library::truncated_normal(b, draw, &axes(), (&x[0], &x[1])),
        ),
        drawn("exponential", "exponential::<f64>(key, m = 3)", |b, draw| {
            library::exponential(b, draw, Element::F64, &axes())
        }),
        drawn("gumbel", "gumbel::<f64>(key, m = 3)", |b, draw| {
            library::gumbel(b, draw, Element::F64, &axes())
        }),
        of_shape("gamma", "gamma::<f64>(key, m = 3, x)", library::gamma),
        of_shape("log_gamma", "log_gamma::<f64>(key, m = 3, x)", library::log_gamma),
        of_shape("chi_square", "chi_square::<f64>(key, m = 3, x)", library::chi_square),
        of_shape("student_t", "student_t::<f64>(key, m = 3, x)", library::student_t),
        bounded("beta", "beta::<f64>(key, m = 3, x, y)", &[(0.3, 2.0); 2], |b, draw, x| {
            library::beta(b, draw, x[0].element(b), &[made("m", 2)], (&x[0], &x[1]))
        })
        .slope(Slope::Implicit(FROM_SHARE)),
        row(
            "dirichlet",
            "dirichlet(key, x, n)",
            &[Kind::Key, Kind::Float(0.3, 2.0)],
            vec![vec!["", "n=3"], vec!["", "n=1"], vec!["", "n=2 m=2"]],
            |b, x| {
                let draw = Draw { function: "dirichlet", key: &x[0] };
                one(library::dirichlet(b, draw, &x[1], &name("n")))
            },
        )
        .slope(Slope::Implicit(FROM_SHARE)),
    ]
}

fn choices() -> Vec<Row> {
    let key = Kind::Key;
    vec![
        row(
            "randint",
            "randint::<i64>(key, m = 3, i, j)",
            &[key, Kind::Position, Kind::Position],
            vec![vec!["", "", ""]],
            |b, x| {
                let draw = Draw { function: "randint", key: &x[0] };
                one(library::randint(b, draw, &axes(), (&x[1], &x[2])))
            },
        )
        .nothing(NO_FLOAT),
        bounded("bernoulli", "bernoulli(key, x, m = 3)", &[(0.3, 0.7)], |b, draw, x| {
            library::bernoulli(b, draw, &x[0], &axes())
        })
        .zero(TRUTH),
        row(
            "categorical",
            "categorical(key, x, n)",
            &[key, Kind::Float(-1.0, 1.0)],
            vec![vec!["", "n=5"], vec!["", "m=3 n=1"], vec!["", "n=0 m=2"]],
            |b, x| {
                let draw = Draw { function: "categorical", key: &x[0] };
                one(library::categorical(b, draw, &x[1], &name("n")))
            },
        )
        .zero(POSITION),
        row("permutation", "permutation(key, k = 5)", &[key], vec![vec![""]], |b, x| {
            one(library::permutation(
                b,
                Draw { function: "permutation", key: &x[0] },
                &made("k", 5),
            ))
        })
        .nothing(NO_FLOAT),
        row(
            "shuffle",
            "shuffle(key, x, n)",
            &[key, AROUND_ZERO],
            vec![
                vec!["", "n=5"],
                vec!["", "m=3 n=1"],
                vec!["", "n=0 m=2"],
                vec!["", "m=2 n=3 k=1"],
            ],
            |b, x| {
                let draw = Draw { function: "shuffle", key: &x[0] };
                one(library::shuffle(b, draw, &x[1], &name("n")))
            },
        ),
    ]
}
