//! What must hold of every graph: checked after each step that makes one.
//!
//! In: any graph, however broken.   Out: everything that is wrong with it, in the order of the graph, or nothing.
//! Afterwards: operands stand before their uses, types are those of [`infer`](super::infer), parameters, symbols,
//! results and updates exist and agree, names are single words that occur once.
//! Never here: whether calls fit their callees, which is known to the program; whether extents are right, which is known when called.

use std::fmt;

use super::infer::{Application, infer};
use super::{Dim, Element, Graph, Node, NodeId, Op, Symbol, TensorType, Times, control, print};
use crate::text::is_word;

/// Something that is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The node; none if it is the graph as a whole.
    pub node: Option<NodeId>,
    /// What is wrong.
    pub sentence: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node {
            Some(node) => write!(formatter, "node {}: {}", node.index(), self.sentence),
            None => formatter.write_str(&self.sentence),
        }
    }
}

/// Everything that is wrong with a graph.
pub fn verify(graph: &Graph) -> Result<(), Vec<Fault>> {
    let mut verifier = Verifier { graph, faults: Vec::new() };
    verifier.names();
    verifier.parameters();
    verifier.checks();
    verifier.nodes();
    verifier.results();
    if verifier.faults.is_empty() { Ok(()) } else { Err(verifier.faults) }
}

struct Verifier<'g> {
    graph: &'g Graph,
    faults: Vec<Fault>,
}

impl Verifier<'_> {
    fn fault(&mut self, node: Option<NodeId>, sentence: impl Into<String>) {
        self.faults.push(Fault { node, sentence: sentence.into() });
    }

    fn names(&mut self) {
        let graph = self.graph;
        if !is_word(&graph.name) {
            self.fault(None, format!("the name `{}` of the graph is no word", graph.name));
        }
        self.unique("symbol", &graph.symbols.iter().map(String::as_str).collect::<Vec<_>>());
        let parameters: Vec<&str> =
            graph.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        self.unique("parameter", &parameters);
    }

    fn unique(&mut self, what: &str, names: &[&str]) {
        for (position, name) in names.iter().enumerate() {
            if !is_word(name) {
                self.fault(None, format!("the name `{name}` of a {what} is no word"));
            }
            if names[..position].contains(name) {
                self.fault(None, format!("two {what}s are called `{name}`"));
            }
        }
    }

    fn parameters(&mut self) {
        let graph = self.graph;
        for (position, parameter) in graph.parameters.iter().enumerate() {
            let name = &parameter.name;
            self.extents(None, &parameter.ty.shape);
            if let Some(symbol) = parameter.symbol {
                self.symbol(None, symbol);
                if parameter.ty != TensorType::scalar(Element::I64) {
                    self.fault(None, format!("`{name}` is a symbol but no i64 scalar"));
                }
                let earlier = &graph.parameters[..position];
                if earlier.iter().any(|other| other.symbol == Some(symbol)) {
                    self.fault(None, format!("`{name}` is the symbol of another parameter"));
                }
            }
        }
    }

    fn checks(&mut self) {
        for check in &self.graph.checks {
            self.extents(None, &[check.left.clone(), check.right.clone()]);
        }
    }

    fn nodes(&mut self) {
        let graph = self.graph;
        let mut has_node = vec![false; graph.parameters.len()];
        for (id, node) in graph.nodes.iter() {
            for ty in &node.types {
                self.extents(Some(id), &ty.shape);
            }
            self.attributes(id, &node.op);
            if node.operands.iter().any(|operand| *operand >= id) {
                self.fault(Some(id), "an operand does not stand before its use");
            } else {
                self.node(id, node);
            }
            if let Op::Parameter(position) = &node.op
                && let Some(has_node) = has_node.get_mut(*position)
                && std::mem::replace(has_node, true)
            {
                self.fault(Some(id), "the parameter has a node already");
            }
        }
    }

    /// Symbols in attributes are those of the graph, widths are not negative, constants have no bits too many.
    fn attributes(&mut self, id: NodeId, op: &Op) {
        match op {
            Op::Extent(dim) => self.extents(Some(id), std::slice::from_ref(dim)),
            Op::Slice { starts } => self.extents(Some(id), starts),
            Op::Window(sliding) | Op::OverlapAdd(sliding) => {
                self.extents(Some(id), &sliding.strides);
                self.extents(Some(id), &sliding.dilations);
            }
            Op::Pad { low, high } => {
                self.extents(Some(id), low);
                self.extents(Some(id), high);
                let mut widths = low.iter().chain(high);
                if widths.any(|width| width.as_constant().is_some_and(|width| width < 0)) {
                    self.fault(Some(id), "pads by a negative width");
                }
            }
            Op::Argsort { axis: _, descending: _, count } => {
                self.extents(Some(id), std::slice::from_ref(count));
            }
            Op::Call { callee: _, symbols } => self.extents(Some(id), symbols),
            Op::Constant(scalar) => {
                let fits = match scalar.element {
                    Element::Bool => scalar.bits <= 1,
                    Element::U8 => scalar.bits >> 8 == 0,
                    Element::F16 | Element::Bf16 => scalar.bits >> 16 == 0,
                    Element::F32 | Element::I32 | Element::U32 => scalar.bits >> 32 == 0,
                    Element::F64 | Element::I64 | Element::U64 => true,
                };
                if !fits {
                    self.fault(Some(id), format!("the bits are no {}", scalar.element));
                }
            }
            Op::Parameter(_)
            | Op::Iota { .. }
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select
            | Op::Convert
            | Op::Broadcast { .. }
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Reverse { .. }
            | Op::Concat { .. }
            | Op::Take { .. }
            | Op::AddAt { .. }
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Reduce { .. }
            | Op::Contract { .. }
            | Op::Implicit(_)
            | Op::Branch(_)
            | Op::Inspect(_)
            | Op::Project(_) => {}
            Op::Repeat(repeat) => {
                if let Times::Extent(extent) = &repeat.times {
                    self.extents(Some(id), std::slice::from_ref(extent));
                }
            }
        }
    }

    fn node(&mut self, id: NodeId, node: &Node) {
        let graph = self.graph;
        if let Op::Call { .. } = node.op {
            self.single_operands(id, node);
            return;
        }
        if node.op.is_control() {
            self.control(id, node);
            return;
        }
        let [claimed] = node.types.as_slice() else {
            self.fault(Some(id), "only a call and what runs bodies have several results");
            return;
        };
        if let Op::Project(position) = &node.op {
            self.projection(id, node, *position);
            return;
        }
        self.inferred(id, node, claimed);
        let Op::Parameter(position) = &node.op else { return };
        match graph.parameters.get(*position) {
            Some(parameter) if parameter.ty == *claimed => {}
            Some(parameter) => {
                let ty = print::tensor_type(&parameter.ty, &graph.symbols);
                self.fault(Some(id), format!("the parameter is {ty}"));
            }
            None => self.fault(Some(id), format!("there is no parameter {position}")),
        }
    }

    fn projection(&mut self, id: NodeId, node: &Node, position: usize) {
        let graph = self.graph;
        let [operand] = node.operands.as_slice() else {
            self.fault(Some(id), "a projection has one operand");
            return;
        };
        let call = &graph.nodes[*operand];
        let is_call = matches!(call.op, Op::Call { .. }) && call.types.len() != 1;
        if !is_call && !call.op.is_control() {
            self.fault(
                Some(id),
                "a projection is of a call with several results, or of what runs bodies",
            );
            return;
        }
        match call.types.get(position) {
            Some(ty) if *ty == node.types[0] => {}
            Some(ty) => {
                let ty = print::tensor_type(ty, &graph.symbols);
                self.fault(Some(id), format!("this result is {ty}"));
            }
            None => self.fault(Some(id), format!("there is no result {position}")),
        }
    }

    fn single_operands(&mut self, id: NodeId, node: &Node) -> bool {
        let graph = self.graph;
        let is_single = |node: &Node| node.types.len() == 1 && !node.op.is_control();
        let single = node.operands.iter().all(|operand| is_single(&graph.nodes[*operand]));
        if !single {
            self.fault(Some(id), "an operand has several results");
        }
        single
    }

    /// Bodies are graphs over the symbols of this one, without checks and updates.
    fn control(&mut self, id: NodeId, node: &Node) {
        let graph = self.graph;
        if !self.single_operands(id, node) {
            return;
        }
        for (name, body) in node.op.bodies() {
            if body.symbols != graph.symbols {
                self.fault(Some(id), format!("`{name}` has other symbols"));
                return;
            }
            if !body.checks.is_empty() || body.results.iter().any(|it| it.updates.is_some()) {
                self.fault(Some(id), format!("`{name}` has checks or updates"));
            }
            for fault in verify(body).err().unwrap_or_default() {
                self.fault(Some(id), format!("in `{name}`: {fault}"));
            }
        }
        if !self.faults.is_empty() {
            return;
        }
        let operands: Vec<&TensorType> =
            node.operands.iter().map(|operand| graph.ty(*operand)).collect();
        match control::infer(&node.op, &operands) {
            Ok(types) if types == node.types => {}
            Ok(types) => {
                let types = print::types(&types, &graph.symbols);
                self.fault(Some(id), format!("the types are {types}"));
            }
            Err(sentence) => self.fault(Some(id), sentence),
        }
    }

    fn inferred(&mut self, id: NodeId, node: &Node, claimed: &TensorType) {
        let graph = self.graph;
        if !self.single_operands(id, node) {
            return;
        }
        let operands: Vec<&TensorType> =
            node.operands.iter().map(|operand| graph.ty(*operand)).collect();
        match infer(Application { op: &node.op, operands: &operands, claimed }) {
            Ok(ty) if ty == *claimed => {}
            Ok(ty) => {
                let ty = print::tensor_type(&ty, &graph.symbols);
                self.fault(Some(id), format!("the type is {ty}"));
            }
            Err(sentence) => self.fault(Some(id), sentence),
        }
    }

    fn results(&mut self) {
        let graph = self.graph;
        for (position, result) in graph.results.iter().enumerate() {
            if result.node.index() >= graph.nodes.len() {
                self.fault(None, format!("result {position} is no node of the graph"));
                continue;
            }
            let node = &graph.nodes[result.node];
            let [ty] = node.types.as_slice() else {
                self.fault(None, format!("result {position} has several results itself"));
                continue;
            };
            if node.op.is_control() {
                self.fault(None, format!("result {position} is no projection"));
            }
            let Some(updated) = result.updates else { continue };
            match graph.parameters.get(updated) {
                Some(parameter) if parameter.ty == *ty => {}
                Some(parameter) => {
                    let name = &parameter.name;
                    self.fault(None, format!("result {position} updates `{name}` of another type"));
                }
                None => self.fault(None, format!("result {position} updates no parameter")),
            }
            if graph.results[..position].iter().any(|other| other.updates == result.updates) {
                self.fault(None, format!("result {position} updates what another one updates"));
            }
        }
    }

    fn symbol(&mut self, node: Option<NodeId>, symbol: Symbol) {
        if symbol.0 as usize >= self.graph.symbols.len() {
            self.fault(node, format!("there is no symbol {}", symbol.0));
        }
    }

    fn extents(&mut self, node: Option<NodeId>, dims: &[Dim]) {
        let mut symbols = Vec::new();
        for dim in dims {
            dim.for_each_symbol(&mut |symbol| symbols.push(symbol));
        }
        for symbol in symbols {
            self.symbol(node, symbol);
        }
    }
}
