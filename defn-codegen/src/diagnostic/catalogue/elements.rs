//! What is said about element types, literals and kinds of values.

use super::say;

catalogue! {
    /// About element types, literals and kinds of values.
    ElementMistake {
        /// `f32 + f64`.
        ElementsDiffer { operation: String, left: String, right: String, help: String } "elements-differ" =>
            say(format!("`{operation}` needs one element type")).fact("left", left).fact("right", right)
                .help(help);
        /// `sqrt` of integers.
        NeedsFloat { operation: String, ty: String } "needs-float" =>
            say(format!("`{operation}` is for floating-point numbers")).fact("found", ty)
                .help("convert it first: `as f32`");
        /// `&` of floats.
        NeedsInteger { operation: String, ty: String } "needs-integer" =>
            say(format!("`{operation}` is for integers")).fact("found", ty);
        /// `normal::<f32>(0.5, n)`.
        NeedsKey { operation: String, ty: String } "needs-key" =>
            say(format!("`{operation}` draws from a key")).fact("found", ty)
                .help("a key is a parameter of type `Key`, or `key(7)`, or a part of another: `let (a, b) = k.split();`");
        /// `random_bits::<f32>(k, n)`.
        BitsOf { operation: String, element: String } "bits-of" =>
            say(format!("`{operation}` makes integers without a sign")).fact("asked for", element)
                .help("write `random_bits::<u32>`, `random_bits::<u64>` or `random_bits::<u8>`; `uniform` makes floats, `randint` integers");
        /// `any` of numbers.
        NeedsBool { operation: String, ty: String } "needs-bool" =>
            say(format!("`{operation}` is for truth values")).fact("found", ty)
                .help("compare first: `x != 0`");
        /// `+` of `bool`.
        NeedsNumber { operation: String, ty: String } "needs-number" =>
            say(format!("`{operation}` is for numbers")).fact("found", ty)
                .help("convert it first: `as i32`, or use `&`, `|` and `!`");
        /// `sum` of `bool`.
        SumOfBool { operation: String, ty: String } "sum-of-bool" =>
            say(format!("`{operation}` is for numbers")).fact("found", ty)
                .help("`count` tells how many are true");
        /// `sum` of 8- or 16-bit integers.
        NarrowSum { operation: String, ty: String } "narrow-sum" =>
            say(format!("`{operation}` of narrow integers would overflow")).fact("found", ty)
                .help("convert first, which costs nothing: `as i32`");
        /// `mean` of integers.
        IntegerMean { operation: String, ty: String } "integer-mean" =>
            say(format!("`{operation}` of integers is no integer")).fact("found", ty)
                .help("convert first, which costs nothing: `as f32`");
        /// `x as bool`.
        CastToBool { ty: String } "cast-to-bool" =>
            say("numbers are not truth values").fact("found", ty).help("compare: `x != 0`");
        /// An exponent that only integer literals may be.
        IntegerExponent { ty: String } "integer-exponent" =>
            say("integers are raised to integer literals that are not negative").fact("found", ty)
                .help("convert the base first: `as f32`");
        /// `powi(x)`.
        PowiExponent { found: String } "powi-exponent" =>
            say("`powi` takes an integer literal").fact("found", found).help("use `powf` for other exponents");
        /// `1.5` where an integer stands.
        FloatLiteral { literal: String, element: String } "float-literal" =>
            say(format!("`{literal}` is not `{element}`")).help("write an integer, or convert the other side with `as`");
        /// `300` as `u8`.
        LiteralRange { literal: String, element: String } "literal-range" =>
            say(format!("`{literal}` does not fit into `{element}`"));
        /// `1` where a truth value stands.
        BoolLiteral { literal: String } "bool-literal" =>
            say(format!("`{literal}` is not a truth value")).help("write `true` or `false`");
        /// A literal that meets no type (R25).
        UntypedLiteral { literal: String, example: String } "untyped-literal" =>
            say("nothing says which type this number has").fact("literal", literal)
                .help(format!("write the type behind it: `{literal}{example}`"));
        /// Positions that are no integers.
        PositionElement { ty: String } "position-element" =>
            say("positions are integers").fact("found", ty).help("convert them: `as i64`");
        /// A tensor where one value must stand.
        NeedsScalar { what: String, ty: String } "needs-scalar" =>
            say(format!("{what} takes one value, not a tensor")).fact("found", ty).help(instead_of_one(what));
        /// `if a == b`, `a && b` on tensors (R27).
        TensorCondition { word: String, ty: String } "tensor-condition" =>
            say(format!("`{word}` takes one truth value")).fact("found", ty)
                .help("reduce it with `all()` or `any()`, or choose element by element with `select`");
        /// `if x` on a number.
        NumberCondition { word: String, ty: String } "number-condition" =>
            say(format!("`{word}` takes a truth value")).fact("found", ty).help("compare it: `x != 0`");
        /// A container where a tensor must stand, and its like.
        WrongKind { expected: String, found: String } "wrong-kind" =>
            say(format!("expected {expected}")).help(way_out(expected, found)).fact("found", found);
        /// An integer that depends on data where an extent must stand (R23).
        DynamicExtent { found: String } "dynamic-extent" =>
            say("extents must not depend on data").fact("found", found)
                .help("use integers, extents and `+ - * /` of these");
        /// `zeros(n)`.
        UntypedTensor { function: String } "untyped-tensor" =>
            say(format!("nothing says which elements `{function}` makes"))
                .help(format!("write it as in `{function}::<f32>(…)`"));
        /// `x.filter(…)` (R23).
        DataShape { method: String } "data-dependent-shape" =>
            say(format!("`{method}` would make a shape that depends on data"))
                .help("keep the shape and use a mask: `select(mask, x, 0.0)`, or `count()` what is left");
    }
}

/// What does for many values what was written for one.
fn instead_of_one(what: &str) -> &'static str {
    match what {
        "`pad`" | "`window`" => {
            "around a tensor stands one number, as in `value = 0.0`; `concat(axis, edge, x, edge)` puts tensors there"
        }
        "`roll`" => "`x.take(axis, ids)` reads each place from where it is told to",
        _ => {
            "`x.take(axis, ids)` reads at many positions, and `select(mask, x, 0.0)` keeps what is wanted"
        }
    }
}

/// How one comes from what was found to what was expected.
fn way_out(expected: &str, found: &str) -> String {
    let text = match (expected, found.chars().next()) {
        ("a tensor", Some('(')) => "take one part of it: `pair.0`",
        ("a tensor", Some('[')) => "take one item, `items[0]`, or walk all of them with `for`",
        ("a tensor", _) => "take one of its fields: `p.w`",
        ("a container", Some('(')) => "parts of a tuple have numbers: `pair.0`",
        ("a container", Some('[')) => "items of an array have numbers: `items[0]`",
        ("a container", _) => {
            "only containers have fields; methods have parentheses, and an extent is `x.extent(axis)`"
        }
        ("a value", Some('&')) => {
            "write `&mut` before an argument of a function that changes it, and nowhere else"
        }
        ("a value", Some('a')) if found == "a range" => {
            "a range stands behind `for … in`, or says a part: `x.slice(time, 1..n)`"
        }
        ("a value", _) => "an argument with a name is for axes and options: `x.window(h, kh = 3)`",
        ("tensors, one by one", _) => "leave out the inner parentheses: `stack(row, x, y)`",
        _ => "write the number itself: `items[0]`",
    };
    text.to_owned()
}
