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
            say(format!("there is no method `{method}`")).nearest(nearest.as_ref());
        /// `p.wieght`.
        UnknownField { field: String, container: String, nearest: Option<String> } "unknown-field" =>
            say(format!("`{container}` has no field `{field}`")).nearest(nearest.as_ref());
        /// `t.5` of a pair.
        UnknownPart { position: usize, found: String } "unknown-part" =>
            say(format!("there is no part {position}")).fact("found", found);
        /// A constant of std that has no meaning here.
        UnknownConstant { path: String } "unknown-constant" =>
            say(format!("`{path}` is not a constant of the language"))
                .help("constants of one's own are declared with `#[defn] const`");
        /// An extent of the result or of a local that no parameter tells (R5).
        UnknownExtent { name: String, nearest: Option<String> } "unknown-extent" =>
            match nearest {
                Some(nearest) => say(format!("no parameter tells the extent `{name}`"))
                    .help(format!("did you mean `{nearest}`?")),
                None => say(format!("no parameter tells the extent `{name}`"))
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
