//! What is said about names, places and types of locals.

use super::say;

catalogue! {
    /// About names, places and types of locals.
    NameMistake {
        /// A word that means nothing.
        UnknownName { name: String, nearest: Option<String> } "unknown-name" =>
            say(format!("`{name}` is not known here")).nearest(nearest.as_ref());
        /// A word that is an axis, where a value stands and its extent is not fixed.
        AxisAsValue { name: String } "axis-as-value" =>
            say(format!("axis `{name}` has no fixed extent")).help(format!("ask a tensor: `x.extent({name})`"));
        /// One word for two things (R1).
        NameClash { name: String, first: String, second: String } "name-clash" =>
            say(format!("`{name}` means two things")).fact("first", first).fact("second", second)
                .help("rename one of them: a name means one thing in the whole function");
        /// `x.sotfmax(n)`.
        UnknownMethod { method: String, nearest: Option<String> } "unknown-method" =>
            said_by_others(say(format!("there is no method `{method}`")).nearest(nearest.as_ref()), method);
        /// `p.wieght`.
        UnknownField { field: String, container: String, fields: String, nearest: Option<String> } "unknown-field" =>
            say(format!("`{container}` has no field `{field}`")).fact("fields", fields).nearest(nearest.as_ref());
        /// `x.T` and `x.shape` of a tensor.
        NoFields { field: String, ty: String } "no-fields" =>
            said_by_others(say(format!("tensors have no field `{field}`")).fact("found", ty), field);
        /// `t.5` of a pair.
        UnknownPart { position: usize, found: String } "unknown-part" =>
            say(format!("there is no part {position}")).fact("found", found)
                .help("parts are those of tuples, from 0 on; an element of a tensor is `x.at(axis, 0)`");
        /// A constant of std that has no meaning here.
        UnknownConstant { path: String } "unknown-constant" =>
            say(format!("`{path}` is not a constant of the language"))
                .help("constants of one's own are declared with `#[defn] const`");
        /// An extent of the result or of a local that no parameter tells (R5).
        UnknownExtent { name: String, axis: Option<String>, nearest: Option<String> } "unknown-extent" =>
            match (axis, nearest) {
                (Some(axis), _) => say(format!("no parameter tells the extent `{name}`"))
                    .help(format!("`{name}` alone is an axis whose extent is `{name}` as well; the axis of a parameter is written `{axis}`")),
                (None, Some(nearest)) => say(format!("no parameter tells the extent `{name}`"))
                    .help(format!("did you mean `{nearest}`?")),
                (None, None) => say(format!("no parameter tells the extent `{name}`"))
                    .help(format!("use it in the type of a parameter, or add the parameter `{name}: usize`")),
            };
        /// `n * m` alone (R5).
        UnsolvableExtent { name: String, found: String } "unsolvable-extent" =>
            say(format!("the extent `{name}` cannot be found from the arguments")).fact("stands in", found)
                .help(format!("let it stand alone in the type of a parameter, or add the parameter `{name}: usize`"));
        /// An extent below zero.
        NegativeExtent { extent: String } "negative-extent" =>
            say("an extent cannot be negative").fact("extent", extent);
        /// `x = …` of a local without `mut`.
        NotMutable { name: String, kind: String } "not-mutable" =>
            say(format!("`{name}` cannot be changed")).fact("it is", kind).help(match kind.as_str() {
                "a parameter" => format!("change a copy: `let mut {name} = {name};`"),
                _ => "declare it with `let mut`".to_owned(),
            });
        /// `p = …` of a `&mut` parameter.
        AssignedReference { name: String } "assigned-reference" =>
            say(format!("`{name}` is a `&mut` parameter")).help(format!("write `*{name} = …`"));
        /// `*x` of anything else.
        NotAReference { found: String } "not-a-reference" =>
            say("only a `&mut` parameter is written with `*`").fact("found", found).help("leave the `*` out");
        /// `f(x) = …`.
        NotAPlace {} "not-a-place" =>
            say("this cannot be assigned to").help("assign to a local, a `&mut` parameter, or a field of one");
        /// A value whose type is not the one that stands there.
        TypesDiffer { what: String, expected: String, found: String, help: Option<String> } "types-differ" =>
            match help {
                Some(help) => say(format!("{what} has another type")).fact("expected", expected)
                    .fact("found", found).help(help),
                None => say(format!("{what} has another type")).fact("expected", expected).fact("found", found),
            };
        /// A function or block without a last expression.
        MissingValue { expected: String } "missing-value" =>
            say("a value is missing").fact("expected", expected)
                .help("the last expression, without a semicolon, is the value");
        /// `let (a, b) = x`.
        PatternParts { expected: usize, found: String } "pattern-parts" =>
            say(format!("the pattern has {expected} parts")).fact("found", found);
        /// `usize` inside of another type.
        ExtentType {} "extent-type" =>
            say("`usize` is an extent, and only a whole parameter can be one").help("use `i64` for numbers");
    }
}

/// What is written here for a word of other libraries.
pub(crate) fn written_here(word: &str) -> Option<&'static str> {
    Some(match word {
        "T" | "transpose" | "permute" | "swapaxes" | "moveaxis" => {
            "axes meet by their names, in any order; `x.order(b, a)` is for where the order matters"
        }
        "reshape" | "view" | "flatten" | "ravel" => {
            "axes are joined by `x.merge((row, column), all)` and taken apart by `x.split(all, (row, column = 4))`"
        }
        "matmul" | "mm" | "bmm" | "einsum" | "tensordot" => {
            "`x.dot(w, features)` sums over the axes that are named; other axes that both have are batches"
        }
        "where_" | "masked_fill" => "write `select(mask, a, b)`",
        "expand_dims" | "unsqueeze" | "expand" | "repeat" | "tile" => {
            "names align by themselves; `x.broadcast(batch = 4)` repeats along a new axis"
        }
        "squeeze" => "read the only element of the axis: `x.at(axis, 0)`",
        "item" => "a tensor without axes is a number already: leave it out",
        "shape" | "size" | "len" | "ndim" => {
            "`x.extent(time)` is an extent, and so is the name `time` itself"
        }
        "astype" | "to" | "cast" => "write `x as f32`",
        "std" => "write `x.variance(features).sqrt()`",
        "var" => "write `x.variance(features)`",
        "prod" => "write `x.product(features)`",
        "gather" => "write `x.take(axis, ids)`",
        "scatter_add" | "index_add" => "write `x.add_at(axis, ids, values)`",
        "clone" | "copy" | "detach" => {
            "values are never shared: leave it out, or write `stop_grad(x)`"
        }
        _ => return None,
    })
}

/// With the word that is written here instead, if there is one.
fn said_by_others(sentence: super::Sentence, word: &str) -> super::Sentence {
    match written_here(word) {
        Some(help) => sentence.help(help),
        None => sentence,
    }
}
