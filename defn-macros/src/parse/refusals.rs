//! Every sentence about syntax: what Rust has and the language has not.
//!
//! One variant for each rule, with the user's words as its fields.
//! [`Refusal::message`] has four parts, one a line: what is wrong, facts, help, the rule's name.

/// Why a piece of syntax is not part of the language.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// `#[defn]` on something else.
    OtherItem(String),
    /// What stands in `#[defn(…)]` is not known.
    UnknownOption {
        /// As written.
        word: String,
        /// How those that are known are written.
        forms: Vec<&'static str>,
    },
    /// `#[defn(grad)]`.
    OptionForm {
        /// The option.
        word: String,
        /// How it is written.
        form: &'static str,
    },
    /// `#[defn(bare, bare)]`.
    OptionTwice(String),
    /// `#[defn(bare)]` on a struct.
    OptionOfFunctions(String),
    /// `#[defn(test)]`.
    TestWithoutRule,
    /// `memory = …` is not a size.
    BadMemory,
    /// A word of std or of the language cannot be a definition's name.
    ReservedName {
        /// As written.
        name: String,
        /// What it is already.
        what: &'static str,
    },
    /// `self` or `Self`.
    Method,
    /// `async`, `unsafe`, `const`, `extern`, variadic functions.
    Qualifier(String),
    /// A parameter that is not a plain name.
    ParameterPattern,
    /// `mut x: …`.
    MutableParameter(String),
    /// `'a`.
    Lifetime,
    /// `const N: usize`.
    ConstParameter(String),
    /// `T: Clone`.
    UnknownBound {
        /// The parameter.
        parameter: String,
        /// The bound.
        bound: String,
    },
    /// `fn f<n>(…)`.
    UnboundedParameter(String),
    /// A `where` that is not `T: Float`.
    UnknownWhere,
    /// `T = f32`.
    DefaultParameter,
    /// `struct S(…);`, `struct S;`.
    FieldsWithoutNames(String),
    /// `enum`, `union`.
    NotAStruct(String),
    /// `&T` in a type.
    ReferenceType,
    /// `&mut` somewhere else than around a parameter's whole type.
    InnerMutableType,
    /// `impl Trait`, `dyn Trait`, functions, pointers, slices, `_`.
    UnknownType(String),
    /// A type of Rust with a counterpart here: `String`, `Vec<f32>`, `isize`.
    RustType {
        /// As written.
        ty: String,
        /// What to write.
        instead: String,
    },
    /// `Tensor` without `<…>`.
    BareTensor,
    /// `Tensor<n, …>`.
    UnknownElement(String),
    /// `f32<n>`, `T<n>`.
    ElementWithArguments(String),
    /// `Tensor<f32, 784>`.
    BareNumberAxis(String),
    /// Something else where an axis stands.
    NotAnAxis,
    /// Something else where an extent stands.
    NotAnExtent,
    /// A number that does not fit.
    NumberTooLarge(String),
    /// Brackets in brackets in brackets, too many of them.
    TooDeep,
    /// A pattern that is not a name, a tuple or `_`.
    Pattern,
    /// `let x;`
    LetWithoutValue,
    /// `let … else`.
    LetElse,
    /// `if let`, `while let`.
    LetCondition,
    /// An item inside a body.
    NestedItem(String),
    /// `#[cfg]` or any attribute inside a body.
    InnerAttribute,
    /// `|x| …`.
    Closure,
    /// `match`.
    Match,
    /// `return`.
    Return,
    /// `loop`.
    Loop,
    /// `continue`.
    Continue,
    /// `'outer:`.
    Label,
    /// `break value`.
    BreakValue,
    /// `?`.
    Try,
    /// `async`, `await`, `unsafe`, `const {}`, `yield`, and what Rust adds one day.
    Block(String),
    /// `&x`.
    Reference,
    /// `a..=b`.
    InclusiveRange,
    /// `[x; n]`.
    Repeat,
    /// Strings and characters.
    Text,
    /// `1.0f16x`, `1u128`.
    Suffix(String),
    /// `x as Vec`.
    CastType(String),
    /// `a = b` where a value is expected.
    AssignmentValue,
    /// `dim::<64>`.
    TurbofishAxis(String),
    /// `x.f::<n>()`.
    TurbofishElement,
    /// `f32::max(a, b)`, `Tensor::zeros(…)`.
    AssociatedFunction {
        /// Whose.
        ty: String,
        /// Its name.
        function: String,
    },
    /// `<T as Trait>::f`.
    QualifiedPath,
    /// `(expression)(x)`.
    CallOfValue,
    /// `f64(x)`.
    CallOfType(String),
    /// `println!(…)` and any other macro.
    UnknownMacro(String),
    /// `grad!` without a target.
    RequestTarget(String),
    /// `grad!(f, foo = x)`.
    RequestArgument {
        /// The request.
        request: String,
        /// What it takes.
        takes: &'static str,
    },
    /// `inspect!` without a label.
    Inspect,
    /// `check!` without a message.
    Check,
    /// `check!(c, "x is {}")`.
    CheckArguments,
    /// A function that names itself.
    SelfCall(String),
    /// A function that reaches itself through others: the names on the way.
    Cycle(Vec<String>),
    /// A definition that another version of `defn` wrote.
    OtherVersion(String),
    /// `vmap!` without `over`.
    VmapWithoutAxis,
}

/// The four parts of a message.
struct Sentence {
    /// What is wrong.
    wrong: String,
    /// One thing to try.
    help: String,
    /// The rule.
    rule: &'static str,
}

/// A sentence with a help line.
fn say(wrong: impl Into<String>, help: impl Into<String>, rule: &'static str) -> Sentence {
    Sentence { wrong: wrong.into(), help: help.into(), rule }
}

impl Refusal {
    /// The text for rustc.
    pub(crate) fn message(&self) -> String {
        let Sentence { wrong, help, rule } = self.sentence();
        let help = if help.is_empty() { help } else { format!("\n  help: {help}") };
        format!("{wrong}{help}\n  [{rule}]")
    }

    /// The sentence of each rule: items, types, patterns, control flow, values.
    #[expect(clippy::too_many_lines, reason = "one exhaustive match, an arm for each sentence")]
    fn sentence(&self) -> Sentence {
        match self {
            Self::OtherItem(word) => say(
                format!("`#[defn]` does not go on {word}"),
                "it goes on a free function, a struct, a constant or a type alias",
                "defn-on-other-item",
            ),
            Self::UnknownOption { word, forms } => say(
                format!("`{word}` is not an option of `#[defn]`"),
                format!("the options are `{}`", forms.join("`, `")),
                "unknown-option",
            ),
            Self::OptionForm { word, form } => say(
                format!("the option `{word}` is written differently"),
                format!("write `#[defn({form})]`"),
                "option-form",
            ),
            Self::OptionTwice(word) => {
                say(format!("the option `{word}` is given twice"), "give it once", "option-twice")
            }
            Self::OptionOfFunctions(word) => say(
                format!("the option `{word}` is for functions"),
                "leave it out",
                "option-of-functions",
            ),
            Self::TestWithoutRule => say(
                "there is no rule to test",
                "name one, as in `#[defn(grad = rule, test)]`, or leave `test` out",
                "test-without-rule",
            ),
            Self::BadMemory => {
                say("this is not an amount of memory", "write it as in `\"8 MiB\"`", "bad-memory")
            }
            Self::ReservedName { name, what } => say(
                format!("`{name}` is {what} already"),
                format!("name it `{name}_`, or after what it is used for"),
                "reserved-name",
            ),
            Self::Method => say(
                "`#[defn]` functions are free functions, not methods",
                "move it out of the `impl` and pass the container as a parameter",
                "no-methods",
            ),
            Self::Qualifier(word) => say(
                format!("`{word}` is not part of the language"),
                "leave it out",
                "no-qualifiers",
            ),
            Self::ParameterPattern => say(
                "a parameter is one name",
                "take it apart with `let` in the body",
                "parameter-pattern",
            ),
            Self::MutableParameter(name) => say(
                "a parameter passed by value cannot be changed",
                format!("write `let mut {name} = {name};` in the body"),
                "mutable-parameter",
            ),
            Self::Lifetime => {
                say("lifetimes are not part of the language", "leave it out", "no-lifetimes")
            }
            Self::ConstParameter(name) => say(
                "constant parameters are not part of the language",
                format!("use `{name}` as an extent without declaring it"),
                "no-const-parameters",
            ),
            Self::UnboundedParameter(name) => say(
                format!("`{name}` has no bound, so it is not an element type"),
                "axes and extents are not declared; an element type is declared as `T: Float`",
                "unbounded-parameter",
            ),
            Self::UnknownBound { parameter, bound } => say(
                format!("`{bound}` cannot bound an element type"),
                format!("write `{parameter}: Float` or `{parameter}: Number`"),
                "unknown-bound",
            ),
            Self::UnknownWhere => say(
                "this bound is not part of the language",
                "write `T: Float` or `T: Number`",
                "unknown-bound",
            ),
            Self::DefaultParameter => {
                say("parameters have no defaults", "leave it out", "no-parameter-defaults")
            }
            Self::FieldsWithoutNames(name) => say(
                "a container needs named fields",
                format!("write `struct {name} {{ w: Tensor<f32, n> }}`"),
                "fields-without-names",
            ),
            Self::NotAStruct(word) => say(
                format!("a container is a struct, not {word}"),
                "use a struct with named fields",
                "not-a-struct",
            ),
            Self::SelfCall(name) => say(
                format!("`{name}` calls itself"),
                "a `while` or `for` loop carries state",
                "recursion",
            ),
            Self::ReferenceType => say(
                "types are written without `&`",
                "leave it out: who calls from Rust passes references anyway",
                "no-references",
            ),
            Self::InnerMutableType => say(
                "`&mut` goes around the whole type of a parameter",
                "make it a parameter of its own",
                "inner-mutable",
            ),
            Self::UnknownType(what) => say(
                format!("{what} is not a type of the language"),
                match what.as_str() {
                    "a slice" => "write `Tensor<f32, n>`",
                    "a function" => "name the `#[defn]` function where it is called",
                    "`_`" => "write the type",
                    _ => "types are elements like `f32`, tensors, containers, tuples and arrays",
                },
                "unknown-type",
            ),
            Self::RustType { ty, instead } => say(
                format!("`{ty}` is not a type of the language"),
                format!("write `{instead}`"),
                "unknown-type",
            ),
            Self::BareTensor => say(
                "a tensor type names its elements and axes",
                "write it as in `Tensor<f32, batch, features>`",
                "bare-tensor",
            ),
            Self::UnknownElement(word) => say(
                format!("`{word}` is not an element type"),
                "the element type comes first, as in `Tensor<f32, n>`",
                "unknown-element",
            ),
            Self::ElementWithArguments(word) => say(
                format!("`{word}` takes no axes"),
                format!("write `Tensor<{word}, …>`"),
                "element-with-axes",
            ),
            Self::BareNumberAxis(number) => say(
                "a number is not an axis",
                format!("write `{{{number}}}` for an axis without a name, or `name<{number}>`"),
                "bare-number-axis",
            ),
            Self::NotAnAxis => say(
                "this is not an axis",
                "an axis is written `n`, `i<n>`, `pixel<784>` or `{784}`",
                "not-an-axis",
            ),
            Self::NotAnExtent => say(
                "this is not an extent",
                "an extent is made of integers, names and `+ - * /`",
                "not-an-extent",
            ),
            Self::NumberTooLarge(number) => say(
                format!("`{number}` is too large for an extent"),
                "an extent fits into `i64`",
                "number-too-large",
            ),
            Self::TooDeep => say(
                "this stands in too many brackets",
                "name parts of it with `let`, or make them functions",
                "too-deep",
            ),
            Self::Pattern => say(
                "only names, tuples and `_` can be bound",
                "bind the whole value and take its fields",
                "pattern",
            ),
            Self::LetWithoutValue => say(
                "a local needs a value where it is declared",
                "write `let x = …;`",
                "let-without-value",
            ),
            Self::LetElse | Self::LetCondition => say(
                "there is nothing to match in the language",
                "compare values instead",
                "no-patterns",
            ),
            Self::NestedItem(word) => say(
                format!("{word} inside a body is not part of the language"),
                "move it out of the function and put `#[defn]` on it",
                "nested-item",
            ),
            Self::InnerAttribute => say(
                "attributes inside a body are not part of the language",
                "put them on the function",
                "inner-attribute",
            ),
            Self::Closure => say(
                "closures are not part of the language",
                "write a `#[defn]` function",
                "no-closures",
            ),
            Self::Match => say(
                "`match` is not part of the language",
                "use `if`, or `select` on tensors",
                "no-match",
            ),
            Self::Return => say(
                "`return` is not part of the language",
                "the last expression is the result; `if … else …` chooses between two",
                "no-return",
            ),
            Self::Loop => {
                say("`loop` is not part of the language", "use `while` or `for`", "no-loop")
            }
            Self::Continue => say(
                "`continue` is not part of the language",
                "put the rest of the round into an `if`",
                "no-continue",
            ),
            Self::Label => say(
                "labels are not part of the language",
                "leave it out: `break` leaves the innermost loop",
                "no-labels",
            ),
            Self::BreakValue => say(
                "`break` carries no value",
                "assign to a `let mut` local before it",
                "break-value",
            ),
            Self::Try => say(
                "`?` is not part of the language",
                "leave it out: nothing here can fail",
                "no-try",
            ),
            Self::Block(word) => say(
                format!("`{word}` is not part of the language"),
                "leave it out",
                "no-qualifiers",
            ),
            Self::Reference => {
                say("values are passed without `&`", "leave it out", "no-references")
            }
            Self::InclusiveRange => {
                say("ranges do not include their end", "write `a..b + 1`", "inclusive-range")
            }
            Self::Repeat => say(
                "`[value; n]` is not part of the language",
                "a tensor of one value is `full(value, i = n)`",
                "no-repeat",
            ),
            Self::Text => say(
                "text is not part of the language",
                "values are numbers and truth values",
                "no-text",
            ),
            Self::Suffix(suffix) => say(
                format!("`{suffix}` is not an element type"),
                "a literal without a suffix takes the type of what it meets",
                "unknown-suffix",
            ),
            Self::CastType(ty) => say(
                format!("`{ty}` is not an element type"),
                match ty.as_str() {
                    "usize" | "isize" => "positions and sizes are `i64` here: `x as i64`",
                    _ => "`as` converts elements, as in `x as f32`",
                },
                "cast-type",
            ),
            Self::AssignmentValue => say(
                "an assignment is not a value",
                "end it with `;` and make it a statement of its own",
                "assignment-value",
            ),
            Self::TurbofishAxis(name) => say(
                "an axis with an extent is written differently in expressions",
                format!("write `{name} = …`"),
                "axis-in-expression",
            ),
            Self::TurbofishElement => say(
                "only element types can stand here",
                "an axis is an argument: `x.sum(n)`",
                "turbofish-element",
            ),
            Self::AssociatedFunction { ty, function } => say(
                format!("`{ty}::{function}` is not part of the language"),
                match ty.as_str() {
                    "Tensor" => format!("tensors are made by free functions: `{function}(…)`"),
                    _ => format!("functions of numbers are methods: `x.{function}(…)`"),
                },
                "no-associated-functions",
            ),
            Self::CallOfType(ty) => say(
                format!("`{ty}` is a type, not a function"),
                match ty.as_str() {
                    "Tensor" | "Key" => "pass it from Rust as a parameter".to_owned(),
                    _ => format!("convert with `as`: `x as {ty}`"),
                },
                "call-of-type",
            ),
            Self::QualifiedPath => say(
                "`<T as Trait>` is not part of the language",
                "name a `#[defn]` item",
                "no-qualified-paths",
            ),
            Self::CallOfValue => say(
                "only functions and requests can be called",
                "name a `#[defn]` function",
                "call-of-value",
            ),
            Self::UnknownMacro(name) => say(
                format!("`{name}!` is not part of the language"),
                match name.as_str() {
                    "print" | "println" | "eprint" | "eprintln" | "dbg" => {
                        "`inspect!(\"label\", x)` shows a value while the function runs"
                    }
                    "panic" | "todo" | "unimplemented" | "unreachable" => "nothing can panic here",
                    "vec" => "write an array: `[a, b]`",
                    _ if name.contains("assert") => "check the arguments in Rust, before the call",
                    _ => "call a `#[defn]` function",
                },
                "unknown-macro",
            ),
            Self::RequestTarget(name) => say(
                format!("`{name}!` needs a function"),
                format!("write `{name}!(f)`, with the path of a `#[defn]` function"),
                "request-target",
            ),
            Self::RequestArgument { request, takes } => say(
                format!("`{request}!` does not take this"),
                format!("it takes {takes}"),
                "request-argument",
            ),
            Self::Inspect => say(
                "`inspect!` needs a label and a value",
                "write `inspect!(\"label\", x)`",
                "inspect-form",
            ),
            Self::Check => say(
                "`check!` needs a condition and a message",
                "write `check!(condition, \"what must hold\")`",
                "check-form",
            ),
            Self::CheckArguments => say(
                "the message of `check!` holds no values",
                "show them with `inspect!(\"label\", x)` in front of the check",
                "check-arguments",
            ),
            Self::Cycle(names) => {
                let ways = names.join("` calls `");
                let first = names.first().map_or("", String::as_str);
                say(
                    format!(
                        "`{ways}` calls `{first}`\n  a function cannot call itself, not even through others"
                    ),
                    "carry the state through a `while` or `for` loop",
                    "recursion",
                )
            }
            Self::OtherVersion(name) => say(
                format!("`{name}` was written by another version of `defn`"),
                "let both crates depend on the same version",
                "other-version",
            ),
            Self::VmapWithoutAxis => say(
                "`vmap!` needs a name for the new axis",
                "write `vmap!(f, over = batch)`",
                "vmap-without-axis",
            ),
        }
    }
}
