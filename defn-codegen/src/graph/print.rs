//! From a graph to the dump language: one node a line, always with its type.
//!
//! The grammar stands in [`parse`](super::parse); [`parse`](super::parse::parse) of what is written here is the graph again,
//! but for the origins of its nodes, which only `defn-macros` can read.
//! Nodes are numbered in the order of the arena, without those of parameters, which go by their names.
//! The nodes of parameters that stand in front, in order, have no line; one that stands elsewhere has the line `parameter x`,
//! and a parameter without a node is marked `unused` in the header.
//! Floats are written as their shortest decimal that reads back to the same bits, and as bits where there is none (NaN).
//! Nothing here panics, so that a graph that the verifier refuses can be shown.

use std::fmt;

use super::{
    Check, Dim, Element, Graph, Keep, Node, NodeId, Op, Relation, Repeat, Scalar, Sliding,
    TensorType, Times,
};
use crate::arena::SideTable;
use crate::graph::{Callable, FunctionId, Rules};
use crate::text::quote;

impl fmt::Display for Graph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer::new(self).graph(formatter, false)
    }
}

/// A type over named symbols: `f32[n, 2*m]`.
pub fn tensor_type(ty: &TensorType, symbols: &[String]) -> String {
    if ty.shape.is_empty() {
        return ty.element.to_string();
    }
    format!("{}{}", ty.element, extents(&ty.shape, symbols))
}

/// The types of a node: plain if it is one, else in parentheses.
pub fn types(types: &[TensorType], symbols: &[String]) -> String {
    match types {
        [ty] => tensor_type(ty, symbols),
        _ => format!("({})", joined(types, |ty| tensor_type(ty, symbols))),
    }
}

/// A number so that [`super::parse::scalar`] reads back the same bits.
pub fn scalar(scalar: Scalar) -> String {
    let bits = scalar.bits;
    let (text, same) = match scalar.element {
        Element::F64 => {
            let value = f64::from_bits(bits);
            (format!("{value:?}"), !value.is_nan())
        }
        Element::F32 => {
            let value = f32::from_bits(bits as u32);
            (format!("{value:?}"), !value.is_nan() && bits >> 32 == 0)
        }
        Element::F16 | Element::Bf16 => {
            let value = scalar.to_f64();
            (format!("{value:?}"), !value.is_nan() && bits >> 16 == 0)
        }
        Element::I32 => ((bits as u32).cast_signed().to_string(), bits >> 32 == 0),
        Element::I64 => (bits.cast_signed().to_string(), true),
        Element::U8 => (bits.to_string(), bits >> 8 == 0),
        Element::U32 => (bits.to_string(), bits >> 32 == 0),
        Element::U64 => (bits.to_string(), true),
        Element::Bool => ((bits == 1).to_string(), bits <= 1),
    };
    if same { text } else { format!("{bits:#x} bits") }
}

/// A check, as its line without the indentation.
pub fn check(check: &Check, symbols: &[String]) -> String {
    let relation = match check.relation {
        Relation::Equal => "=",
        Relation::AtMost => "<=",
        Relation::Divides => "divides",
    };
    let (left, right) = (check.left.display(symbols), check.right.display(symbols));
    format!("check {left} {relation} {right} {}", quote(&check.text))
}

/// A function of a program, or a transform of one: `grad[wrt=0,2](fn0)`.
pub fn callable(callee: &Callable) -> String {
    match callee {
        Callable::Function(function) => format!("fn{}", function.index()),
        Callable::Custom { of, rules: Rules { gradient, jvp } } => {
            let rule = |word: &str, rule: &Option<FunctionId>| {
                rule.map(|rule| format!("{word}=fn{}", rule.index()))
            };
            let rules = [rule("grad", gradient), rule("jvp", jvp)].into_iter().flatten();
            let rules: Vec<String> = rules.collect();
            format!("custom[{}](fn{})", rules.join(","), of.index())
        }
        // Only while something is transposed, and never in what is read again.
        Callable::Tangent { of, parameters, results } => {
            format!("tangent[parameters={parameters},results={results}]({})", callable(of))
        }
        Callable::Gradient { of, wrt, value } => {
            let word = if *value { "value_and_grad" } else { "grad" };
            format!("{word}[wrt={}]({})", leaves(wrt), callable(of))
        }
        Callable::Jvp { of, wrt } => format!("jvp[wrt={}]({})", leaves(wrt), callable(of)),
        Callable::Vjp { of, wrt } => format!("vjp[wrt={}]({})", leaves(wrt), callable(of)),
        Callable::Jacobian { of, wrt } => {
            format!("jacobian[wrt={}]({})", leaves(wrt), callable(of))
        }
        Callable::Map { of, mapped } => format!("map[of={}]({})", leaves(mapped), callable(of)),
    }
}

fn leaves(leaves: &[usize]) -> String {
    leaves.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn extents(dims: &[Dim], symbols: &[String]) -> String {
    format!("[{}]", joined(dims, |dim| dim.display(symbols).to_string()))
}

struct Printer<'g> {
    graph: &'g Graph,
    /// How each node is referred to.
    names: SideTable<Node, String>,
    /// How many nodes in front are of parameters, in order.
    front: usize,
}

impl<'g> Printer<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut names = SideTable::new(&graph.nodes, String::new());
        let mut next = 0;
        let mut front = 0;
        let mut is_front = true;
        let mut last = None;
        for (id, node) in graph.nodes.iter() {
            let parameter =
                if let Op::Parameter(position) = &node.op { Some(*position) } else { None };
            is_front = is_front && parameter.is_some() && last < parameter;
            last = parameter;
            front += usize::from(is_front);
            names[id] = match parameter.map(|position| graph.parameters.get(position)) {
                Some(Some(parameter)) => parameter.name.clone(),
                Some(None) => "?".to_owned(),
                None => {
                    next += 1;
                    format!("%{}", next - 1)
                }
            };
        }
        Self { graph, names, front }
    }

    /// A graph; one inside of another has its symbols, and does not name them again.
    fn graph(&self, formatter: &mut dyn fmt::Write, is_body: bool) -> fmt::Result {
        let graph = self.graph;
        write!(formatter, "graph {}", graph.name)?;
        if !graph.symbols.is_empty() && !is_body {
            write!(formatter, "<{}>", graph.symbols.join(", "))?;
        }
        let parameters: Vec<String> =
            (0..graph.parameters.len()).map(|position| self.parameter(position)).collect();
        writeln!(formatter, "({}) -> {} {{", parameters.join(", "), self.results())?;
        for check in &graph.checks {
            writeln!(formatter, "  {}", self::check(check, &graph.symbols))?;
        }
        for (id, node) in graph.nodes.iter().skip(self.front) {
            let name = self.name(id);
            if matches!(node.op, Op::Parameter(_)) {
                writeln!(formatter, "  parameter {name}")?;
            } else {
                let types = types(&node.types, &graph.symbols);
                writeln!(formatter, "  {name}: {types} = {}", self.applied(node))?;
            }
        }
        let returned: Vec<&str> =
            graph.results.iter().map(|result| self.name(result.node)).collect();
        let separator = if returned.is_empty() { "" } else { " " };
        writeln!(formatter, "  return{separator}{}", returned.join(", "))?;
        formatter.write_str("}")
    }

    /// The bodies of a node, further to the right than its line.
    fn bodies(&self, op: &Op) -> String {
        let mut text = String::from("{\n");
        for (_, body) in op.bodies() {
            let mut inner = String::new();
            // Writing to a string cannot fail.
            let _ = Printer::new(body).graph(&mut inner, true);
            for line in inner.lines() {
                text += &format!("    {line}\n");
            }
        }
        text + "  }"
    }

    fn name(&self, id: NodeId) -> &str {
        if id.index() < self.graph.nodes.len() { &self.names[id] } else { "?" }
    }

    fn parameter(&self, position: usize) -> String {
        let parameter = &self.graph.parameters[position];
        let mut text =
            format!("{}: {}", parameter.name, tensor_type(&parameter.ty, &self.graph.symbols));
        if let Some(symbol) = parameter.symbol {
            let symbol = Dim::from(symbol);
            text += &format!(" = {}", symbol.display(&self.graph.symbols));
        }
        let has_node = self.graph.nodes.iter().any(|(_, node)| node.op == Op::Parameter(position));
        if !has_node {
            text += " unused";
        }
        text
    }

    fn results(&self) -> String {
        let result = |result: &super::Output| {
            let found: &[TensorType] = if result.node.index() < self.graph.nodes.len() {
                &self.graph.nodes[result.node].types
            } else {
                &[]
            };
            let mut text = types(found, &self.graph.symbols);
            if let Some(position) = result.updates {
                let parameter = self.graph.parameters.get(position);
                text += " updates ";
                text += parameter.map_or("?", |parameter| &parameter.name);
            }
            text
        };
        let text = joined(&self.graph.results, result);
        let is_plain = match self.graph.results.as_slice() {
            [only] => only.updates.is_none() && !text.starts_with('('),
            _ => false,
        };
        if is_plain { text } else { format!("({text})") }
    }

    fn applied(&self, node: &Node) -> String {
        let operands = joined(&node.operands, |operand| self.name(*operand).to_owned());
        if let Op::Call { callee, symbols } = &node.op {
            let mut text = format!("call {}", callable(callee));
            if !symbols.is_empty() {
                let extent = |dim: &Dim| dim.display(&self.graph.symbols).to_string();
                text += &format!("<{}>", joined(symbols, extent));
            }
            return format!("{text}({operands})");
        }
        let (word, attributes) = self.op(&node.op);
        let has_bodies = !node.op.bodies().is_empty();
        let bodies = if has_bodies { self.bodies(&node.op) } else { String::new() };
        [word, operands, attributes, bodies]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn sliding(&self, sliding: &Sliding) -> String {
        let Sliding { strides, axes, dilations } = sliding;
        let symbols = &self.graph.symbols;
        let (strides, dilations) = (extents(strides, symbols), extents(dilations, symbols));
        format!("strides={strides} axes={axes:?} dilations={dilations}")
    }

    fn repeat(&self, repeat: &Repeat) -> String {
        let times = match &repeat.times {
            Times::Extent(extent) => extent.display(&self.graph.symbols).to_string(),
            Times::While(_) => "while".to_owned(),
        };
        let Repeat { state, sequences, .. } = repeat;
        let direction = if repeat.reverse { " reverse" } else { "" };
        let keep = match repeat.keep {
            Keep::Residuals => String::new(),
            Keep::Inputs { halvings } => format!(" inputs={halvings}"),
            Keep::Again => " again".to_owned(),
        };
        format!("times={times} state={state} sequences={sequences}{direction}{keep}")
    }

    /// The word, and what stands behind the operands.
    fn op(&self, op: &Op) -> (String, String) {
        let symbols = &self.graph.symbols;
        let (word, attributes) = match op {
            Op::Parameter(position) => ("parameter", format!("index={position}")),
            Op::Constant(constant) => ("constant", scalar(*constant)),
            Op::Extent(dim) => ("extent", dim.display(symbols).to_string()),
            Op::Iota { axis } => ("iota", format!("axis={axis}")),
            Op::Unary(unary) => (unary.word(), String::new()),
            Op::Binary(binary) => (binary.word(), String::new()),
            Op::Compare(comparison) => (comparison.word(), String::new()),
            Op::Select => ("select", String::new()),
            Op::Convert => ("convert", String::new()),
            Op::Broadcast { axes } => ("broadcast", format!("axes={axes:?}")),
            Op::Transpose { permutation } => ("transpose", format!("permutation={permutation:?}")),
            Op::Reshape => ("reshape", String::new()),
            Op::Slice { starts } => ("slice", format!("starts={}", extents(starts, symbols))),
            Op::Pad { low, high } => {
                ("pad", format!("low={} high={}", extents(low, symbols), extents(high, symbols)))
            }
            Op::Reverse { axes } => ("reverse", format!("axes={axes:?}")),
            Op::Window(sliding) => ("window", self.sliding(sliding)),
            Op::OverlapAdd(sliding) => ("overlap_add", self.sliding(sliding)),
            Op::Concat { axis } => ("concat", format!("axis={axis}")),
            Op::Take { batch } => ("take", format!("batch={batch}")),
            Op::AddAt { batch } => ("add_at", format!("batch={batch}")),
            Op::Scan { combine, axis, reverse } => {
                let direction = if *reverse { " reverse" } else { "" };
                return (format!("scan.{}", combine.word()), format!("axis={axis}{direction}"));
            }
            Op::Sort { axis, descending } => {
                ("sort", format!("axis={axis}{}", if *descending { " descending" } else { "" }))
            }
            Op::Argsort { axis, descending, count } => {
                let direction = if *descending { " descending" } else { "" };
                let count = count.display(symbols);
                ("argsort", format!("axis={axis} count={count}{direction}"))
            }
            Op::Reduce { combine, axes } => {
                return (format!("reduce.{}", combine.word()), format!("axes={axes:?}"));
            }
            Op::Contract { batch, contracted } => {
                ("contract", format!("batch={batch} contracted={contracted}"))
            }
            Op::Implicit(equation) => {
                return (format!("implicit.{}", equation.word()), String::new());
            }
            Op::Call { callee, symbols: _ } => ("call", callable(callee)),
            Op::Repeat(repeat) => ("repeat", self.repeat(repeat)),
            Op::Branch(_) => ("branch", String::new()),
            Op::Inspect(site) => ("inspect", format!("site={}", site.0)),
            Op::Project(position) => ("project", format!("index={position}")),
        };
        (word.to_owned(), attributes)
    }
}
