//! What is said about branches and loops.

use super::say;

catalogue! {
    /// About branches and loops.
    LoopMistake {
        /// `if c { 1.0f32 } else { 1i64 }` (R30).
        BranchesDiffer { then: String, otherwise: String, help: Option<String> } "branches-differ" =>
            say("the branches of `if` have different types").fact("if", then).fact("else", otherwise)
                .perhaps(help.as_ref());
        /// `if c { x }`.
        MissingElse { found: String } "missing-else" =>
            say("an `if` with a value needs an `else`").fact("value", found)
                .help("write the other value in `else { … }`, or end the line with `;`");
        /// `break` anywhere but in `if c { break }` in front or at the end (R30).
        BreakPlace {} "break-place" =>
            say("`break` cannot stand here")
                .help("write `if c { break }` as the first or the last line of a loop");
        /// `for block in p.blocks { if c { break } … }`.
        BreakOfArray {} "break-of-array" =>
            say("a loop over an array cannot be left").help("put the rest of the round into an `if`");
        /// A last line with a value in a loop that collects nothing (R29).
        CollectsNothing { what: String } "collects-nothing" =>
            say(format!("{what} collects nothing"))
                .help("end the line with `;`, and keep what is needed in a `let mut` local");
        /// `for x in xs.along(time) { x * x }` as a statement.
        UnusedValue {} "unused-loop-value" =>
            say("nobody uses what this loop collects")
                .help("bind it with `let ys = for …;`, or end the last line of the loop with `;`");
        /// `while { x += 1.0; x < 3.0 } { … }`.
        ConditionAssigns {} "condition-assigns" =>
            say("the condition of a loop changes nothing")
                .help("assign before the loop, and again at its end");
        /// `while { check!(x > 0.0, "…"); x < 3.0 } { … }`.
        HookInCondition {} "hook-in-condition" =>
            say("`inspect!` and `check!` cannot stand in the condition of a loop, nor in what it calls")
                .help("compute the condition into a `let mut` local before the loop, and again at its end");
        /// `for x in xs.along(time) { let s = s + x; }`.
        Shadowed { name: String } "loop-without-effect" =>
            say("this loop changes nothing").fact("it binds", format!("another `{name}`, which ends with the round"))
                .help(format!("assign to the one outside: `{name} = …;`"));
        /// `for i in 0.. { … }`.
        OpenRange {} "open-range" =>
            say("a loop needs both ends of its range").help("write `0..n`");
        /// `for x in 0.0..1.0 { … }`.
        Bound { found: String, help: String } "loop-bound" =>
            say("a loop counts in `i64`").fact("found", found).help(help);
        /// `for x in xs { … }`.
        NotWalkable { found: String, help: String } "not-walkable" =>
            say("`for` walks over ranges, axes, sequences and arrays").fact("found", found).help(help);
        /// `xs.along(time)` elsewhere.
        AlongOutside {} "along-outside-for" =>
            say("`along` stands behind `for … in`")
                .help("write `for x in xs.along(time) { … }`; one element is `xs.at(time, i)`");
    }
}
