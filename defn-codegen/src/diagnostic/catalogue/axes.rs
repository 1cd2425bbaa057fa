//! What is said about axes and extents.

use super::say;

catalogue! {
    /// About axes and extents.
    AxisMistake {
        /// An axis that the tensor lacks.
        UnknownAxis { axis: String, ty: String, nearest: Option<String> } "unknown-axis" =>
            say(format!("there is no axis `{axis}`")).fact("tensor", ty).nearest(nearest.as_ref());
        /// An axis to contract over that only the left side has (R19).
        ContractedAxis { axis: String, left: String, right: String } "contracted-axis" =>
            say(format!("the right side has no axis `{axis}` to sum over")).fact("left", left).fact("right", right)
                .help(format!("pair it with an axis of the right side: `{axis} = other`"));
        /// `axis = 7` of a matrix.
        AxisPosition { position: i64, ty: String } "axis-position" =>
            say(format!("there is no axis {position}")).fact("tensor", ty)
                .help("axes are counted from 0, or from the end with -1");
        /// `x.sum(n, n)`.
        RepeatedAxis { axis: String } "repeated-axis" =>
            say(format!("axis `{axis}` is named twice")).help("name it once");
        /// An operation whose result would have two axes of one name (R9).
        NameTwice { name: String, ty: String } "name-twice" =>
            say(format!("the result would have two axes `{name}`")).fact("result", ty)
                .help(format!("give one of them another name first: `rename({name}, other)`"));
        /// One name, two extents that are known to differ (R7).
        ExtentsDiffer { axis: String, left: String, right: String } "extents-differ" =>
            say(format!("axis `{axis}` has two different extents")).fact("left", left).fact("right", right);
        /// One name, two extents of which nothing says that they are equal (R4).
        ExtentsUnrelated { axis: String, extents: (String, String), left: String, right: String } "extents-unrelated" =>
            say(format!("nothing says that the extents of axis `{axis}` are equal"))
                .fact("left", left).fact("right", right)
                .help(format!("write the same extent in both types: `{}` instead of `{}`", extents.0, extents.1));
        /// A written type with two axes of one name (R9).
        TypeNamesTwice { name: String, ty: String } "type-names-twice" =>
            say(format!("the type has two axes `{name}`")).fact("type", ty)
                .help(format!("give two axes of one extent two names: `i<{name}>, j<{name}>`"));
        /// An operation on square matrices, over two axes of which nothing says that they are equally long.
        NotSquare { operation: String, ty: String } "not-square" =>
            say(format!("`{operation}` needs two axes of one extent")).fact("tensor", ty)
                .help("write one symbol in both: `i<n>, j<n>`");
        /// Named axes against unnamed ones (R8).
        NamedMeetsUnnamed { left: String, right: String } "named-meets-unnamed" =>
            say("axes without names do not align with named ones").fact("left", left).fact("right", right)
                .help("give the unnamed axis a name: `name(0, features)`");
        /// Different numbers of unnamed axes (R8).
        UnnamedCount { left: String, right: String } "unnamed-count" =>
            say("the tensors have different numbers of axes without names").fact("left", left).fact("right", right)
                .help("name the axes, and they align by name");
        /// Unnamed axes of different extent.
        UnnamedExtents { left: String, right: String } "unnamed-extents" =>
            say("axes without names have different extents").fact("left", left).fact("right", right)
                .help("only an axis `{1}` stretches");
        /// A new axis whose name the tensor has already.
        AxisExists { axis: String, ty: String } "axis-exists" =>
            say(format!("there is an axis `{axis}` already")).fact("tensor", ty)
                .help("choose another name, or rename the old axis first");
        /// `order` that leaves axes out.
        IncompleteOrder { missing: String, ty: String } "incomplete-order" =>
            say(format!("`order` leaves out {missing}")).fact("tensor", ty).help("name every axis once");
        /// `split` into parts of unknown extent.
        SplitUnknown { axis: String, parts: String } "split-unknown" =>
            say(format!("cannot tell the extents of {parts}")).fact("split", axis)
                .help("give all parts but one an extent, as in `(head, dim = 64)`");
        /// `split` into parts that do not fill the axis.
        SplitExtents { axis: String, extent: String, parts: String } "split-extents" =>
            say(format!("the parts do not fill axis `{axis}`")).fact("axis", extent).fact("parts", parts)
                .help("leave the extent of one part out, and it is computed");
        /// `split` or `merge` of fewer than two axes.
        FewParts { operation: String } "few-parts" =>
            say(format!("`{operation}` takes several axes in parentheses"))
                .help("write them as in `split(features, (head, dim = 64))` and `merge((head, dim), features)`");
        /// A slice that is known to leave the axis.
        SliceOutside { range: String, axis: String, extent: String } "slice-outside" =>
            say(format!("the slice leaves axis `{axis}`")).fact("slice", range).fact("extent", extent);
        /// `top_k` of more elements than there are.
        TopKOutside { count: String, axis: String, extent: String } "top-k-outside" =>
            say(format!("axis `{axis}` has no {count} elements")).fact("extent", extent)
                .help("ask for fewer");
        /// `5..3`.
        SliceBackwards { range: String } "slice-backwards" =>
            say("the slice ends before it starts").fact("slice", range).help("`reverse` turns an axis around");
        /// `-1..`.
        SliceNegative { range: String } "slice-negative" =>
            say("a slice does not count from the end").fact("slice", range)
                .help("write the extent: `n - 1..n`");
        /// A slice whose length depends on data.
        SliceLength { range: String } "slice-length" =>
            say("the length of a slice must not depend on data").fact("slice", range)
                .help("write both ends with the same start: `i..i + 3`");
        /// A position that is known to be outside.
        PositionOutside { position: String, axis: String, extent: String } "position-outside" =>
            say(format!("the position is outside of axis `{axis}`")).fact("position", position).fact("extent", extent);
        /// Tensors that cannot stand one behind the other.
        JoinedAxes { operation: String, first: String, other: String } "joined-axes" =>
            say(format!("`{operation}` needs tensors with the same axes")).fact("first", first).fact("other", other);
        /// Values for `add_at` that do not fit.
        ScatteredAxes { values: String, expected: String } "scattered-axes" =>
            say("the added values do not fit the positions").fact("values", values).fact("expected", expected);
        /// Fewer than no elements in front or behind.
        NegativePadding { width: String } "negative-padding" =>
            say("padding cannot be negative").fact("width", width).help("use `slice` to cut an axis");
        /// A window that moves by nothing.
        WindowStep { argument: String, value: String } "window-step" =>
            say(format!("`{argument}` of a window is at least 1")).fact("found", value);
        /// A window that has no place on the axis.
        WindowTooLong { window: String, axis: String, extent: String } "window-too-long" =>
            say(format!("the window is longer than axis `{axis}`")).fact("window", window).fact("extent", extent)
                .help("put something around the axis: `padding = (1, 1)`");
        /// `max` over windows, where zeros that nobody wrote could be the largest.
        PaddedWindow { operation: String, identity: String } "padded-window" =>
            say(format!("`{operation}` would see the zeros of the padding"))
                .help(format!("say what the padding of `window` holds: `value = {identity}`"));
        /// More positions than axes in `x[…]`.
        TooManyPositions { count: usize, ty: String } "too-many-positions" =>
            say(format!("there are {count} positions")).fact("tensor", ty)
                .help("give each axis one position, or `..`");
    }
}
