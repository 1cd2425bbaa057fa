//! What is said about calls, containers and requests.

use super::say;

catalogue! {
    /// About calls, containers and requests.
    CallMistake {
        /// Too many or too few arguments.
        ArgumentCount { function: String, expected: String, found: usize, form: String } "argument-count" =>
            say(format!("`{function}` takes {expected}")).fact("found", format!("{found}"))
                .help(format!("write it as in `{form}`"));
        /// A value where an axis stands.
        AxisExpected { function: String, form: String } "axis-expected" =>
            say(format!("`{function}` takes an axis here")).help(format!("write it as in `{form}`"));
        /// An axis where a value stands.
        ValueExpected { function: String, form: String } "value-expected" =>
            say(format!("`{function}` takes something else here")).help(format!("write it as in `{form}`"));
        /// Something else where `name = extent` stands.
        NewAxisExpected { function: String, form: String, nearest: Option<String> } "new-axis-expected" =>
            say(format!("`{function}` makes a new axis and needs its extent")).help(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`? A new axis is written as in `{form}`"),
                None => format!("write it as in `{form}`"),
            });
        /// `x.sum(n, stride = 2)`.
        UnknownArgument { function: String, argument: String } "unknown-argument" =>
            say(format!("`{function}` has no argument `{argument}`"));
        /// `x.window(h, kh = 3, stride = 2, stride = 3)`.
        ArgumentTwice { argument: String } "argument-twice" =>
            say(format!("the argument `{argument}` is given twice")).help("give it once");
        /// `x.sum::<f64>()`.
        UnusedElements { function: String } "unused-element" =>
            say(format!("`{function}` takes no element type")).help("leave it out, or convert with `as`");
        /// An argument of another kind or rank (R12).
        ArgumentType { function: String, parameter: String, expected: String, found: String, help: Option<String> } "argument-type" =>
            say(format!("argument `{parameter}` of `{function}` has another type")).fact("expected", expected)
                .fact("found", found).perhaps(help.as_ref());
        /// An argument whose axes stand in another order (R12).
        SwappedAxes { axis: String, expected: String, found: String } "swapped-axes" =>
            say(format!("axis `{axis}` stands in another place")).fact("expected", expected).fact("found", found)
                .help("bring the axes into the expected order with `order`, or `rename` them");
        /// An argument whose extent is known to be another one.
        ArgumentExtent { axis: String, expected: String, found: String, place: String } "argument-extent" =>
            say(format!("axis `{axis}` has another extent")).fact("expected", expected).fact("found", found)
                .fact("in", place);
        /// An argument of which nothing says that it has the extent.
        ArgumentUnrelated { axis: String, expected: String, found: String, place: String } "argument-unrelated" =>
            say(format!("nothing says that axis `{axis}` has the extent that is needed")).fact("expected", expected)
                .fact("found", found).fact("in", place)
                .help("write the same extent in the types of the parameters");
        /// One axis of the callee, two names in the caller.
        TwoNames { axis: String, first: String, second: String } "two-names" =>
            say(format!("axis `{axis}` would have two names")).fact("first", first).fact("second", second)
                .help(format!("rename one of them: `rename({second}, {first})`"));
        /// An entry check of the callee that cannot hold.
        ImpossibleCheck { check: String, place: String } "impossible-check" =>
            say("the call cannot succeed").fact("needed", check).fact("in", place);
        /// `#[defn(memory = …)]` that no plan fits into.
        MemoryBudget { budget: u64, least: i64 } "memory-budget" =>
            say("the memory does not suffice").fact("allowed", format!("{budget} bytes"))
                .fact("needed", format!("{least} bytes, if as much is computed again as can be"))
                .help(format!("allow it {least} bytes"));
        /// An argument without `&mut` for a `&mut` parameter (R15).
        MissingMutable { parameter: String } "missing-mut" =>
            say(format!("`{parameter}` is updated in place")).help("write `&mut` before the argument");
        /// `&mut x` for a parameter by value.
        UnexpectedMutable { parameter: String } "unexpected-mut" =>
            say(format!("`{parameter}` is not updated")).help("leave out `&mut`");
        /// `f(&mut p, p)`: one place twice.
        BorrowedTwice { place: String } "borrowed-twice" =>
            say(format!("`{place}` is updated and used in the same call")).help("bind a copy with `let` first");
        /// A definition that is no function, where one is called.
        NotAFunction { name: String, kind: String } "not-a-function" =>
            say(format!("`{name}` is not a function")).fact("it is", kind).help("name a `#[defn]` function");
        /// A definition that is no container, where a type stands.
        NotAType { name: String, kind: String } "not-a-type" =>
            say(format!("`{name}` is not a type")).fact("it is", kind);
        /// A definition that is no constant, where a value stands.
        NotAConstant { name: String, kind: String } "not-a-constant" =>
            say(format!("`{name}` is not a value")).fact("it is", kind);
        /// An element type that a bound refuses.
        ElementBound { parameter: String, bound: String, found: String } "element-bound" =>
            say(format!("`{parameter}` must be `{bound}`")).fact("found", found);
        /// One element parameter, two element types.
        ElementTwice { parameter: String, first: String, second: String } "element-twice" =>
            say(format!("`{parameter}` would be two element types")).fact("first", first).fact("second", second)
                .help(format!("convert one argument with `as {first}`"));
        /// An element parameter that no argument tells.
        ElementUnknown { function: String, parameter: String } "element-unknown" =>
            say(format!("nothing says what `{parameter}` is")).help(format!("write it as in `{function}::<f32>(…)`"));
        /// A container with too many or too few arguments.
        TypeArguments { name: String, expected: String, found: usize, help: Option<String> } "type-arguments" =>
            say(format!("`{name}` takes {expected}")).fact("found", format!("{found}")).perhaps(help.as_ref());
        /// `Gen<f32>` of `struct Gen<n>`.
        AxisArgument { parameter: String } "axis-argument" =>
            say(format!("the parameter `{parameter}` is an axis, not an element type"))
                .help("write the name of an axis");
        /// `Gen<n>` of `struct Gen<T: Float>`.
        ElementArgument { parameter: String } "element-argument" =>
            say(format!("the parameter `{parameter}` is an element type, not an axis"))
                .help("write an element type like `f32`");
        /// A struct literal without a field.
        MissingField { field: String, container: String } "missing-field" =>
            say(format!("field `{field}` of `{container}` is missing"));
        /// A struct literal with a field twice.
        FieldTwice { field: String } "field-twice" =>
            say(format!("field `{field}` is given twice")).help("give it once");
        /// `p + q` of different containers (R32).
        StructuresDiffer { left: String, right: String } "structures-differ" =>
            say("arithmetic on containers needs equal structures").fact("left", left).fact("right", right);
        /// `p == q` of containers.
        ContainerOperator { operator: String, found: String } "container-operator" =>
            say(format!("`{operator}` is not for containers")).fact("found", found)
                .help("take the fields that are meant");
        /// `grad!` of a function with `&mut` (R33).
        GradientOfMutable { function: String, parameter: String } "gradient-of-mut" =>
            say(format!("`{function}` updates `{parameter}`, so it has no derivative"))
                .help("differentiate a function without `&mut` parameters");
        /// `grad!` of a function whose result is no float scalar (R33).
        GradientResult { function: String, found: String } "gradient-result" =>
            say(format!("`{function}` must return one float to have a gradient")).fact("returns", found)
                .help("reduce it, for example with `mean()`, or return a tuple that begins with a float");
        /// `jvp!` of a function that returns no floats.
        DerivativeResult { function: String, found: String } "derivative-result" =>
            say(format!("`{function}` returns no floats, so it has no derivative")).fact("returns", found)
                .help("return a float: what is counted, compared or rounded does not move");
        /// `jvp!` of something that has only a rule for gradients.
        ForwardThroughRule { function: String, rule_of: String, place: String } "forward-through-rule" =>
            say(format!("`{rule_of}` has a rule for gradients and none for tangents, so `jvp!` cannot go through it"))
                .fact("asked of", format!("`{function}`")).fact("in", format!("{rule_of} ({place})"))
                .help(format!("give `{rule_of}` a rule for tangents too, `jvp = …`, or take `vjp!`"));
        /// A rule with too many or too few parameters.
        RuleParameters { rule: String, function: String, option: &'static str, expected: String, found: String } "rule-parameters" =>
            say(format!("`{rule}` takes other parameters than a rule for `{function}`")).fact("expected", expected)
                .fact("found", found)
                .help(match *option {
                    "jvp" => "the parameters of the function, then a tangent for each that holds floats",
                    _ => "the parameters of the function, then its result, then the cotangent of its result",
                });
        /// A rule that returns something else.
        RuleResult { rule: String, function: String, option: &'static str, expected: String, found: String } "rule-result" =>
            say(format!("`{rule}` returns something else than a rule for `{function}`")).fact("expected", expected)
                .fact("found", found)
                .help(match *option {
                    "jvp" => "a tuple of the value and its tangent",
                    _ => "the gradient of each parameter that holds floats; if there are several, a tuple",
                });
        /// A rule with hooks.
        RuleWithHooks { rule: String, function: String } "rule-with-hooks" =>
            say(format!("`{rule}` is a rule for `{function}`, and has `inspect!` or `check!`, or calls what has"))
                .help("what derivatives compute shows and checks nothing: move them into what asks for the derivative");
        /// Hooks in a function that has rules.
        RuledWithHooks { function: String } "ruled-with-hooks" =>
            say(format!("`{function}` has a rule, and `inspect!` or `check!`, or calls what has"))
                .help("move them into what calls it, or leave the rule out while you look");
        /// A rule for a function that updates something, or of which nothing moves.
        RuleOfUnmoved { function: String, option: &'static str } "rule-of-unmoved" =>
            say(format!("`{function}` can have no rule: nothing moves"))
                .help(format!("leave out `{option}`: a rule needs a float among the parameters and one in the result"));
        /// `test(z = 0.1..0.9)`.
        TestedName { name: String, function: String, nearest: Option<String> } "tested-name" =>
            say(format!("`{function}` has no parameter and no extent `{name}`")).nearest(nearest.as_ref());
        /// A range for an integer, a number for floats.
        TestedNumbers { name: String, range: bool } "tested-numbers" => match range {
            true => say(format!("`{name}` holds no floats, and a range is for floats"))
                .help(format!("give a number, as in `{name} = 3`")),
            false => say(format!("`{name}` holds floats, and is to be tested at many points"))
                .help(format!("give a range, as in `{name} = 0.1..0.9`")),
        };
        /// `jacobian!` of a function that returns something else than floats.
        JacobianResult { request: String, function: String, found: String } "jacobian-result" =>
            say(format!("`{request}!` is for floats, and `{function}` returns others")).fact("returns", found)
                .help("write a function that returns only the floats");
        /// `jacobian!` with respect to a container that holds integers.
        JacobianParameter { request: String, parameter: String, found: String } "jacobian-parameter" =>
            say(format!("`{request}!` is with respect to floats, and `{parameter}` holds others"))
                .fact("found", found).help("name a parameter of floats: `wrt = x`");
        /// `hessian!` of a function that does not return one float.
        HessianResult { function: String, found: String } "hessian-result" =>
            say(format!("`{function}` must return one float to have second derivatives")).fact("returns", found)
                .help("reduce it, for example with `mean()`, or take `jacobian!` twice");
        /// `wrt` of something without floats.
        GradientParameter { parameter: String, found: String } "gradient-parameter" =>
            say(format!("`{parameter}` holds no floats")).fact("found", found)
                .help("name another parameter: `wrt = x`");
        /// `grad!` of a function without parameters.
        NoParameters { function: String } "no-parameters" =>
            say(format!("`{function}` has no parameters, so it has no derivative"));
        /// `wrt = z`.
        UnknownParameter { parameter: String, function: String, nearest: Option<String> } "unknown-parameter" =>
            say(format!("`{function}` has no parameter `{parameter}`")).nearest(nearest.as_ref());
        /// `wrt = (x, x)`.
        ParameterTwice { parameter: String } "parameter-twice" =>
            say(format!("`{parameter}` is named twice")).help("name it once");
        /// `vmap!` of a function that has the new axis already (R35).
        MappedName { function: String, axis: String } "mapped-name" =>
            say(format!("`{function}` uses the name `{axis}` itself"))
                .help("choose another name for the new axis");
        /// `vmap!(f, of = n)` where `n` is a `usize`.
        MappedParameter { parameter: String } "mapped-parameter" =>
            say(format!("`{parameter}` is an extent, which is the same for all"))
                .help("name tensors: `of = (x, y)`");
        /// `vmap!` of a function without tensors.
        NothingMapped { function: String } "nothing-mapped" =>
            say(format!("`{function}` takes no tensors, so there is nothing to map"))
                .help("give it a tensor as a parameter");
        /// An argument without the axis of a `vmap!` (R35).
        MappedAxis { axis: String, parameter: String, found: String } "mapped-axis" =>
            say(format!("`{parameter}` is mapped over `{axis}`, and this has no such axis")).fact("found", found)
                .help("name the parameters that have the axis: `of = (x, y)`");
        /// `grad!(f)` where a number stands.
        UncalledRequest { request: String } "uncalled-request" =>
            say(format!("`{request}!` makes a function")).help("call it: `grad!(f)(x)`");
    }
}
