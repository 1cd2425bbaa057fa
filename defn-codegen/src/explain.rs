//! What a compiled function does, in words: kernels, lanes, memory, bytes and operations.

use std::fmt::Write;

use crate::graph::{Dim, Graph, Keep, NodeId, Op, Repeat, Times};
use crate::kernels::{Kernels, Step, step_columns};
use crate::loops::{Expr, For, Loops, Manner, Nest, Space, Statement};
use crate::loops::{live, visit};

/// The text of `explain()`. The loops are those of one level; what is said holds for all. Operations are counted where nothing is done twice:
/// in the loops before they were scheduled.
pub fn explain(kernels: &Kernels, lowered: &Loops, loops: &Loops) -> String {
    let graph = &kernels.graph;
    let mut text = String::new();
    let count = kernels.kernels.len();
    let plural = if count == 1 { "kernel" } else { "kernels" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{}: {count} {plural}, {} operations, workspace {}{}",
        graph.name,
        lowered
            .nests
            .iter()
            .map(|nest| operations(&nest.body))
            .fold(Dim::default(), |sum, own| sum + own)
            .display(&graph.symbols),
        memory(loops, &loops.workspace, Space::is_workspace),
        if loops.private.is(0) {
            String::new()
        } else {
            format!(" and {} for each thread", memory(loops, &loops.private, Space::is_private))
        }
    );
    describe_all(&mut text, kernels, 1);
    for (position, nest) in loops.nests.iter().enumerate() {
        if nest.control.is_some() {
            continue;
        }
        let (bytes, lanes) = (traffic(loops, nest), lanes(nest));
        let _ = writeln!(
            text,
            "  loops {position}: {lanes}, touches {} bytes",
            bytes.display(&graph.symbols)
        );
    }
    text
}

/// Every kernel with its steps, and of what runs bodies their kernels.
fn describe_all(text: &mut String, kernels: &Kernels, depth: usize) {
    let indent = "  ".repeat(depth);
    for (position, kernel) in kernels.kernels.iter().enumerate() {
        let rows = extents(&kernels.graph, &kernel.rows);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{indent}kernel {position} over {rows}");
        for step in &kernel.steps {
            let _ = writeln!(text, "{indent}  {}", describe(kernels, step));
            let Step::Control(node) = step else { continue };
            let bodies = kernels.bodies.get(node).into_iter().flatten();
            bodies.into_iter().for_each(|body| describe_all(text, body, depth + 2));
        }
    }
}

/// How large a region is, and how much of it is alive at one time at the most, where that is not the same.
fn memory(loops: &Loops, planned: &Dim, region: fn(&Space) -> bool) -> String {
    let most = live::most(loops, region);
    let planned = planned.display(&loops.symbols);
    if most.is(0) {
        return format!("{planned} bytes");
    }
    format!("{planned} bytes (live at once: {})", most.display(&loops.symbols))
}

fn extents(graph: &Graph, dims: &[Dim]) -> String {
    if dims.is_empty() {
        return "one row".to_owned();
    }
    let all: Vec<String> = dims.iter().map(|dim| dim.display(&graph.symbols).to_string()).collect();
    format!("rows [{}]", all.join(", "))
}

fn describe(kernels: &Kernels, step: &Step) -> String {
    let graph = &kernels.graph;
    let columns = |step: &Step| {
        let columns = step_columns(graph, step);
        let all: Vec<String> =
            columns.iter().map(|dim| dim.display(&graph.symbols).to_string()).collect();
        if all.is_empty() { String::new() } else { format!(" over [{}]", all.join(", ")) }
    };
    match step {
        Step::Reduce(node) => {
            let word = if let Op::Reduce { combine, axes: _ } = graph.op(*node) {
                format!("reduce with {}", combine.word())
            } else {
                "sum of products".to_owned()
            };
            let dims: Vec<String> = crate::kernels::columns(graph, *node)
                .iter()
                .map(|dim| dim.display(&graph.symbols).to_string())
                .collect();
            let kept = if kernels.stored[*node] { ", stored" } else { "" };
            format!("{word} over [{}]{kept}", dims.join(", "))
        }
        Step::Store { node, rows: _ } => {
            format!("store {}{}: {}", graph.element(*node), columns(step), fused(kernels, *node))
        }
        Step::Keep { node, rows: _ } => {
            format!("keep for the row{}: {}", columns(step), fused(kernels, *node))
        }
        Step::Region { node: _, operand } => format!("write operand {operand} into its region"),
        Step::Scatter(node) if matches!(graph.op(*node), Op::OverlapAdd(_)) => {
            "zeros, then add what overlaps".to_owned()
        }
        Step::Scatter(_) => "copy, then add at positions".to_owned(),
        Step::Control(node) => {
            if let Op::Repeat(repeat) = graph.op(*node) {
                repetition(graph, repeat)
            } else if let Op::Inspect(_) = graph.op(*node) {
                format!("show {} to the host", graph.element(graph.operands(*node)[1]))
            } else {
                "one of two bodies".to_owned()
            }
        }
        Step::Sort(_) => format!("put in order{}", columns(step)),
        Step::Scan(node) => {
            let word =
                if let Op::Scan { combine, .. } = graph.op(*node) { combine.word() } else { "" };
            format!("scan with {word}{}: {}", columns(step), fused(kernels, *node))
        }
    }
}

fn repetition(graph: &Graph, repeat: &Repeat) -> String {
    match &repeat.times {
        Times::Extent(_) if repeat.keep == Keep::Again => "run again, backward".to_owned(),
        Times::Extent(extent) => format!("repeat {} times", extent.display(&graph.symbols)),
        Times::While(_) => "repeat while a condition holds".to_owned(),
    }
}

/// Whether a value stands in a register or in scratch when others read it.
fn has_step(kernels: &Kernels, node: NodeId) -> bool {
    let mut steps = kernels.kernels.iter().flat_map(|kernel| &kernel.steps);
    steps.any(|step| match step {
        Step::Reduce(own) | Step::Keep { node: own, rows: _ } => *own == node,
        Step::Store { .. }
        | Step::Region { .. }
        | Step::Scatter(_)
        | Step::Scan(_)
        | Step::Sort(_)
        | Step::Control(_) => false,
    })
}

/// The operations that are computed on the way to a stored value.
fn fused(kernels: &Kernels, root: NodeId) -> String {
    let graph = &kernels.graph;
    let mut words: Vec<&str> = Vec::new();
    let mut open = vec![root];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(node) = open.pop() {
        let done = kernels.stored[node] || has_step(kernels, node);
        let inner = node != root && done;
        if inner || !seen.insert(node) {
            continue;
        }
        match graph.op(node) {
            Op::Unary(unary) => words.push(unary.word()),
            Op::Binary(binary) => words.push(binary.word()),
            Op::Compare(comparison) => words.push(comparison.word()),
            Op::Select => words.push("select"),
            Op::Convert => words.push("convert"),
            Op::Take { .. } => words.push("take"),
            Op::Transpose { .. } => words.push("transpose"),
            Op::Reverse { .. } => words.push("reverse"),
            Op::Slice { .. } => words.push("slice"),
            Op::Window(_) => words.push("window"),
            Op::Parameter(_)
            | Op::Constant(_)
            | Op::Extent(_)
            | Op::Iota { .. }
            | Op::Broadcast { .. }
            | Op::Reshape
            | Op::Pad { .. }
            | Op::OverlapAdd(_)
            | Op::Concat { .. }
            | Op::AddAt { .. }
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Argsort { .. }
            | Op::Reduce { .. }
            | Op::Contract { .. }
            | Op::Implicit(_)
            | Op::Call { .. }
            | Op::Repeat(_)
            | Op::Branch(_)
            | Op::Inspect(_)
            | Op::Project(_) => {}
        }
        open.extend(graph.operands(node));
    }
    words.reverse();
    if words.is_empty() { "copy".to_owned() } else { words.join(" ") }
}

fn lanes(nest: &Nest) -> String {
    let mut widths: Vec<u32> = Vec::new();
    visit::statements(&nest.body, &mut |statement| {
        if let Statement::For(For { manner: Manner::Lanes(width), .. }) = statement
            && !widths.contains(width)
        {
            widths.push(*width);
        }
    });
    match widths.as_slice() {
        [] => "no lanes".to_owned(),
        [width] => format!("{width} lanes"),
        several => format!(
            "{} lanes",
            several.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        ),
    }
}

/// Bytes of all buffers that a nest touches.
fn traffic(loops: &Loops, nest: &Nest) -> Dim {
    let mut touched = Vec::new();
    visit::addresses(&nest.body, &mut |buffer, _, _| {
        if !touched.contains(&buffer) {
            touched.push(buffer);
        }
    });
    touched.iter().fold(Dim::default(), |sum, buffer| {
        let buffer = &loops.buffers[*buffer];
        let is_scratch = matches!(buffer.space, Space::Private(_));
        if is_scratch { sum } else { sum + buffer.bytes() }
    })
}

fn operations(statements: &[Statement]) -> Dim {
    let mut sum = Dim::default();
    for statement in statements {
        let mut own = 0;
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                own += match expr {
                    Expr::Unary(..)
                    | Expr::Binary(..)
                    | Expr::Compare(..)
                    | Expr::Select(..)
                    | Expr::Convert(..) => 1,
                    Expr::MultiplyAdd(..) => 2,
                    Expr::Constant(_)
                    | Expr::Value(_)
                    | Expr::Register(_)
                    | Expr::Combine(..)
                    | Expr::Position { .. }
                    | Expr::Bits(_)
                    | Expr::Shift { .. }
                    | Expr::Load(..) => 0,
                };
            });
        });
        let inside = operations(visit::body(statement));
        let inner = if let Statement::For(inner) = statement {
            inside * inner.extent.clone()
        } else {
            inside
        };
        sum = sum + inner + Dim::from(own);
    }
    sum
}
