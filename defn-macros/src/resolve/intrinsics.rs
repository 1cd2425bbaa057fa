//! The words of the language: one row for each method and each free function.

use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Binary, Unary};
use defn_codegen::library::{self, AxisRef, Method, Result, Tensor};

/// An operation over axes.
pub(super) type OverAxes = fn(&mut Builder, &Tensor, &[AxisRef]) -> Result<Tensor>;

/// An operation along one axis, in one of two directions.
pub(super) type AlongAxis = fn(&mut Builder, &Tensor, &AxisRef, bool) -> Result<Tensor>;

/// What arguments a method takes.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// None; also on containers, leaf by leaf.
    Element(Method),
    /// Any number of axes.
    Axes(OverAxes),
    /// Two axes: those of matrices.
    Matrix(OverAxes),
    /// Axes, or one value (R18).
    AxesOrValue(OverAxes, Binary),
    /// One axis, and whether the other way: an argument of this name, `true` or `false`.
    Along(AlongAxis, &'static str),
    /// One value.
    Value(Binary),
    /// Its own.
    Own(Own),
    /// One axis, and only behind `for … in`.
    Walk,
    /// None that could be compiled.
    Limited,
    /// None at all: its shape would depend on data (R23).
    DataShape,
}

/// Methods with arguments of their own kind.
#[derive(Clone, Copy)]
pub(super) enum Own {
    Dot,
    Solve,
    Rename,
    Name,
    Split,
    Merge,
    Broadcast,
    Slice,
    At,
    Take,
    AddAt,
    Pad,
    Window,
    Roll,
    Clamp,
    Pow,
    Powi,
    MulAdd,
    Hypot,
    Select,
    Zeros,
    Ones,
    Extent,
    TopK,
    FoldIn,
}

const fn unary(unary: Unary) -> Form {
    Form::Element(Method::Primitive(unary))
}

/// Every method: its name, its arguments, an example.
pub(super) const METHODS: &[(&str, Form, &str)] = &[
    ("abs", unary(Unary::Abs), "x.abs()"),
    ("sign", unary(Unary::Sign), "x.sign()"),
    ("floor", unary(Unary::Floor), "x.floor()"),
    ("ceil", unary(Unary::Ceil), "x.ceil()"),
    ("round", unary(Unary::Round), "x.round()"),
    ("trunc", Form::Element(Method::Truncate), "x.trunc()"),
    ("fract", Form::Element(Method::Fractional), "x.fract()"),
    ("sqrt", unary(Unary::Sqrt), "x.sqrt()"),
    ("rsqrt", unary(Unary::Rsqrt), "x.rsqrt()"),
    ("cbrt", unary(Unary::Cbrt), "x.cbrt()"),
    ("recip", Form::Element(Method::Recip), "x.recip()"),
    ("square", Form::Element(Method::Square), "x.square()"),
    ("exp", unary(Unary::Exp), "x.exp()"),
    ("exp2", unary(Unary::Exp2), "x.exp2()"),
    ("expm1", unary(Unary::Expm1), "x.expm1()"),
    ("exp_m1", unary(Unary::Expm1), "x.exp_m1()"),
    ("log", unary(Unary::Log), "x.log()"),
    ("ln", unary(Unary::Log), "x.ln()"),
    ("log2", unary(Unary::Log2), "x.log2()"),
    ("log10", Form::Element(Method::Log10), "x.log10()"),
    ("log1p", unary(Unary::Log1p), "x.log1p()"),
    ("ln_1p", unary(Unary::Log1p), "x.ln_1p()"),
    ("sin", unary(Unary::Sin), "x.sin()"),
    ("cos", unary(Unary::Cos), "x.cos()"),
    ("tan", unary(Unary::Tan), "x.tan()"),
    ("asin", unary(Unary::Asin), "x.asin()"),
    ("acos", unary(Unary::Acos), "x.acos()"),
    ("atan", unary(Unary::Atan), "x.atan()"),
    ("sinh", unary(Unary::Sinh), "x.sinh()"),
    ("cosh", unary(Unary::Cosh), "x.cosh()"),
    ("tanh", unary(Unary::Tanh), "x.tanh()"),
    ("sigmoid", unary(Unary::Sigmoid), "x.sigmoid()"),
    ("erf", unary(Unary::Erf), "x.erf()"),
    ("erf_inv", unary(Unary::ErfInv), "x.erf_inv()"),
    ("is_nan", Form::Element(Method::IsNan), "x.is_nan()"),
    ("is_finite", Form::Element(Method::IsFinite), "x.is_finite()"),
    ("sum", Form::Axes(library::sum), "x.sum(features)"),
    ("product", Form::Axes(library::product), "x.product(features)"),
    ("mean", Form::Axes(library::mean), "x.mean(features)"),
    ("variance", Form::Axes(library::variance), "x.variance(features)"),
    ("any", Form::Axes(library::any), "x.any(features)"),
    ("all", Form::Axes(library::all), "x.all(features)"),
    ("count", Form::Axes(library::count), "x.count(features)"),
    ("argmax", Form::Axes(library::argmax), "x.argmax(features)"),
    ("argmin", Form::Axes(library::argmin), "x.argmin(features)"),
    ("logsumexp", Form::Axes(library::logsumexp), "x.logsumexp(features)"),
    ("softmax", Form::Axes(library::softmax), "x.softmax(features)"),
    ("cholesky", Form::Matrix(library::cholesky), "a.cholesky(row, column)"),
    ("solve", Form::Own(Own::Solve), "a.solve(b, row, column)"),
    ("inverse", Form::Matrix(library::inverse), "a.inverse(row, column)"),
    ("det", Form::Matrix(library::det), "a.det(row, column)"),
    ("logdet", Form::Matrix(library::logdet), "a.logdet(row, column)"),
    ("max", Form::AxesOrValue(library::max, Binary::Max), "x.max(features)"),
    ("min", Form::AxesOrValue(library::min, Binary::Min), "x.min(features)"),
    ("order", Form::Axes(library::order), "x.order(b, a)"),
    ("reverse", Form::Axes(library::reverse), "x.reverse(time)"),
    ("cumsum", Form::Along(library::cumsum, "reverse"), "x.cumsum(time, reverse = true)"),
    ("cumprod", Form::Along(library::cumprod, "reverse"), "x.cumprod(time, reverse = true)"),
    ("cummax", Form::Along(library::cummax, "reverse"), "x.cummax(time, reverse = true)"),
    ("cummin", Form::Along(library::cummin, "reverse"), "x.cummin(time, reverse = true)"),
    ("sort", Form::Along(library::sort, "descending"), "x.sort(time, descending = true)"),
    ("argsort", Form::Along(library::argsort, "descending"), "x.argsort(time, descending = true)"),
    ("fold_in", Form::Own(Own::FoldIn), "key.fold_in(step)"),
    ("top_k", Form::Own(Own::TopK), "x.top_k(class, 5)"),
    ("atan2", Form::Value(Binary::Atan2), "y.atan2(x)"),
    ("powf", Form::Value(Binary::Pow), "x.powf(0.5)"),
    ("pow", Form::Own(Own::Pow), "x.pow(2)"),
    ("powi", Form::Own(Own::Powi), "x.powi(2)"),
    ("hypot", Form::Own(Own::Hypot), "x.hypot(y)"),
    ("mul_add", Form::Own(Own::MulAdd), "x.mul_add(y, z)"),
    ("clamp", Form::Own(Own::Clamp), "x.clamp(0.0, 1.0)"),
    ("select", Form::Own(Own::Select), "mask.select(a, b)"),
    ("dot", Form::Own(Own::Dot), "x.dot(w, features)"),
    ("rename", Form::Own(Own::Rename), "x.rename(old, new)"),
    ("name", Form::Own(Own::Name), "x.name(0, features)"),
    ("split", Form::Own(Own::Split), "x.split(features, (head, dim = 64))"),
    ("merge", Form::Own(Own::Merge), "x.merge((head, dim), features)"),
    ("broadcast", Form::Own(Own::Broadcast), "x.broadcast(batch = 4)"),
    ("slice", Form::Own(Own::Slice), "x.slice(time, 1..n)"),
    ("at", Form::Own(Own::At), "x.at(time, i)"),
    ("take", Form::Own(Own::Take), "table.take(vocab, ids)"),
    ("add_at", Form::Own(Own::AddAt), "x.add_at(vocab, ids, values)"),
    ("pad", Form::Own(Own::Pad), "x.pad(time, (1, 1))"),
    ("window", Form::Own(Own::Window), "x.window(h, kh = 3, stride = 2, padding = (1, 1))"),
    ("roll", Form::Own(Own::Roll), "x.roll(time, 1)"),
    ("zeros_like", Form::Own(Own::Zeros), "x.zeros_like()"),
    ("ones_like", Form::Own(Own::Ones), "x.ones_like()"),
    ("extent", Form::Own(Own::Extent), "x.extent(time)"),
    ("put_at", Form::Limited, ""),
    ("max_at", Form::Limited, ""),
    ("along", Form::Walk, ""),
    ("filter", Form::DataShape, ""),
    ("nonzero", Form::DataShape, ""),
    ("unique", Form::DataShape, ""),
    ("retain", Form::DataShape, ""),
];

/// Every free function: its name and an example; none if it cannot be compiled.
pub(super) const FUNCTIONS: &[(&str, Option<&str>)] = &[
    ("iota", Some("iota(n)")),
    ("concat", Some("concat(time, x, y)")),
    ("stack", Some("stack(row, x, y)")),
    ("select", Some("select(mask, a, b)")),
    ("zeros", Some("zeros::<f32>(batch, k = 3)")),
    ("ones", Some("ones::<f32>(batch, k = 3)")),
    ("full", Some("full(0.5f32, k = 3)")),
    ("eye", Some("eye::<f32>(i = n, j = n)")),
    ("pad", Some("pad(x, time, (1, 1))")),
    ("key", Some("key(7)")),
    ("random_bits", Some("random_bits::<u32>(key, (batch, k = 3))")),
    ("uniform", Some("uniform::<f32>(key, (batch, k = 3), -1.0, 1.0)")),
    ("normal", Some("normal::<f32>(key, (batch, k = 3))")),
    ("truncated_normal", Some("truncated_normal::<f32>(key, (batch, k = 3), -2.0, 2.0)")),
    ("exponential", Some("exponential::<f32>(key, (batch, k = 3))")),
    ("gumbel", Some("gumbel::<f32>(key, (batch, k = 3))")),
    ("gamma", Some("gamma::<f32>(key, (batch, k = 3), 2.5)")),
    ("log_gamma", Some("log_gamma::<f32>(key, (batch, k = 3), 2.5)")),
    ("chi_square", Some("chi_square::<f32>(key, (batch, k = 3), 4.0)")),
    ("student_t", Some("student_t::<f32>(key, (batch, k = 3), 4.0)")),
    ("beta", Some("beta::<f32>(key, (batch, k = 3), 2.0, 5.0)")),
    ("dirichlet", Some("dirichlet(key, a, class)")),
    ("randint", Some("randint::<i32>(key, (batch, k = 3), 0, 10)")),
    ("bernoulli", Some("bernoulli(key, 0.5, (batch, k = 3))")),
    ("categorical", Some("categorical(key, logits, class)")),
    ("permutation", Some("permutation(key, k = 10)")),
    ("shuffle", Some("shuffle(key, x, batch)")),
    ("stop_grad", Some("stop_grad(x)")),
    ("checkpoint", Some("checkpoint(x.exp())")),
];
