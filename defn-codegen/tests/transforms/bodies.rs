//! An operation inside of what runs bodies.
//!
//! ```text
//! for i in 0..3 { total += (i + 1) * f(x); x = 0.97 * x; }       the same with `while`, and f(x) or -2 * f(x) behind `if`
//! for x in xs.along(batch) { f(x) }                              what a body gives at each position
//! ```

use defn_codegen::arena::Arena;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{
    Binary, Branch, Callable, Comparison, Dim, Element, FunctionId, Graph, Keep, NodeId, Op,
    Output, Repeat, Scalar, Symbol, TensorType, Times,
};
use defn_codegen::testing::derivative::flat;

/// What runs the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    For,
    While,
    If,
}

impl Control {
    pub(crate) const ALL: [Self; 3] = [Self::For, Self::While, Self::If];
}

/// How often bodies run.
pub(crate) const TIMES: usize = 3;

/// By what the state shrinks: slowly, so that it stays where the operation is smooth.
const SHRINKS: f64 = 0.97;

/// A function, and the program that it is all of.
struct Function<'g> {
    graph: &'g Graph,
    functions: Arena<Graph>,
    id: FunctionId,
}

impl<'g> Function<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut functions = Arena::default();
        let id = functions.push(graph.clone());
        Self { graph, functions, id }
    }

    /// A builder over the same symbols.
    fn builder(&self, name: &str) -> Builder {
        let mut b = Builder::new(name);
        for symbol in &self.graph.symbols {
            b.symbol(symbol);
        }
        b
    }

    fn types(&self) -> Vec<TensorType> {
        self.graph.parameters.iter().map(|parameter| parameter.ty.clone()).collect()
    }

    fn result_types(&self) -> Vec<TensorType> {
        self.graph.results.iter().map(|result| self.graph.ty(result.node).clone()).collect()
    }

    fn call(&self, b: &mut Builder, operands: &[NodeId]) -> Vec<NodeId> {
        let symbols = (0..self.graph.symbols.len() as u32).map(|it| Dim::from(Symbol(it)));
        b.call(Callable::Function(self.id), symbols.collect(), operands, self.result_types())
    }

    /// The program that begins with `entry`, as one graph.
    fn flat(mut self, entry: Graph) -> Graph {
        let entry = self.functions.push(entry);
        flat(&self.functions, &Callable::Function(entry))
    }
}

fn outputs(nodes: Vec<NodeId>) -> Vec<Output> {
    nodes.into_iter().map(|node| Output { node, updates: None }).collect()
}

fn declare(b: &mut Builder, types: &[TensorType]) -> Vec<NodeId> {
    let first = b.graph().parameters.len();
    let named = types.iter().enumerate();
    named.map(|(position, ty)| b.parameter(&format!("p{}", first + position), ty.clone())).collect()
}

/// `i < TIMES`.
fn runs(b: &mut Builder, position: NodeId) -> NodeId {
    let end = b.number(Element::I64, TIMES as f64);
    b.compare(Comparison::Lt, position, end)
}

/// A function of one number in a body: the parameters are those of `graph`, and behind them what an `if` looks at.
pub(crate) fn summed(graph: &Graph, wrt: &[usize], control: Control) -> Graph {
    let function = Function::new(graph);
    let mut b = function.builder("outside");
    let types = function.types();
    let nodes = declare(&mut b, &types);
    let results = match control {
        Control::If => chosen(&function, &mut b, &nodes, |b, result| {
            let factor = b.number(Element::F64, -2.0);
            b.binary(Binary::Mul, result, factor)
        }),
        Control::For | Control::While => {
            let others: Vec<usize> = (0..types.len()).filter(|it| !wrt.contains(it)).collect();
            let order: Vec<usize> = wrt.iter().chain(&others).copied().collect();
            let zero = b.number(Element::F64, 0.0);
            let (moving, rest) = order.split_at(wrt.len());
            let operands = moving.iter().map(|it| nodes[*it]).chain([zero]);
            let operands: Vec<NodeId> = operands.chain(rest.iter().map(|it| nodes[*it])).collect();
            let repeat = Repeat {
                times: times(&function, &b, &operands, wrt.len(), control),
                state: wrt.len() + 1,
                sequences: 0,
                reverse: false,
                keep: Keep::Residuals,
                body: step(&function, &b, &operands, &order, wrt.len()),
            };
            b.control(Op::Repeat(Box::new(repeat)), &operands).split_off(wrt.len())
        }
    };
    function.flat(b.finish(outputs(results)))
}

/// How often: a number, or as long as the total is in reason.
fn times(
    function: &Function<'_>,
    around: &Builder,
    operands: &[NodeId],
    total: usize,
    control: Control,
) -> Times {
    if control == Control::For {
        return Times::Extent(Dim::from(TIMES as i64));
    }
    let mut b = function.builder("condition");
    let types: Vec<TensorType> = operands.iter().map(|it| around.ty(*it).clone()).collect();
    let position = b.parameter("i", TensorType::scalar(Element::I64));
    let state = declare(&mut b, &types);
    let limit = b.number(Element::F64, 1e9);
    let small = b.compare(Comparison::Lt, state[total], limit);
    let more = runs(&mut b, position);
    let holds = b.binary(Binary::And, more, small);
    Times::While(b.finish(outputs(vec![holds])))
}

/// `total += (i + 1) * f(x); x = 0.97 * x`; `order` says which parameter of f each operand is.
fn step(
    function: &Function<'_>,
    around: &Builder,
    operands: &[NodeId],
    order: &[usize],
    moving: usize,
) -> Graph {
    let mut b = function.builder("body");
    let types: Vec<TensorType> = operands.iter().map(|it| around.ty(*it).clone()).collect();
    let position = b.parameter("i", TensorType::scalar(Element::I64));
    let mut given = declare(&mut b, &types);
    let total = given.remove(moving);
    let place = |parameter: usize| order.iter().position(|it| *it == parameter).unwrap_or_default();
    let arguments: Vec<NodeId> = (0..order.len()).map(|it| given[place(it)]).collect();
    let value = function.call(&mut b, &arguments)[0];
    let one = b.number(Element::F64, 1.0);
    let weight = b.convert(Element::F64, position);
    let weight = b.binary(Binary::Add, weight, one);
    let value = b.binary(Binary::Mul, value, weight);
    let total = b.binary(Binary::Add, total, value);
    let mut next = Vec::new();
    for node in &given[..moving] {
        let shape = b.shape(*node);
        let by = b.splat(Scalar::from_f64(Element::F64, SHRINKS), &shape);
        next.push(b.binary(Binary::Mul, *node, by));
    }
    next.push(total);
    b.finish(outputs(next))
}

/// f on one side of a condition, which is one more parameter, and `other` of its results on the other side.
fn chosen(
    function: &Function<'_>,
    b: &mut Builder,
    nodes: &[NodeId],
    other: impl Fn(&mut Builder, NodeId) -> NodeId,
) -> Vec<NodeId> {
    let condition = b.parameter("condition", TensorType::scalar(Element::Bool));
    let types = function.types();
    let side = |is_then: bool| {
        let mut inner = function.builder("side");
        let nodes = declare(&mut inner, &types);
        let mut results = function.call(&mut inner, &nodes);
        if !is_then {
            results.iter_mut().for_each(|result| *result = other(&mut inner, *result));
        }
        inner.finish(outputs(results))
    };
    let branch = Branch { then: side(true), otherwise: side(false) };
    b.control(Op::Branch(Box::new(branch)), &[&[condition], nodes].concat())
}

/// What a body gives: of a `for` at each position of a new first axis of every parameter, of a `while` at the last one,
/// of an `if` the result, or zeros.
pub(crate) fn values(graph: &Graph, control: Control) -> Graph {
    let function = Function::new(graph);
    let mut b = function.builder("outside");
    let mut types = function.types();
    if control == Control::If {
        let nodes = declare(&mut b, &types);
        let results = chosen(&function, &mut b, &nodes, |b, result| {
            let TensorType { element, shape } = b.ty(result).clone();
            b.splat(Scalar::from_i64(element, 0), &shape)
        });
        return function.flat(b.finish(outputs(results)));
    }
    let extent = Dim::from(b.symbol("positions"));
    types.iter_mut().for_each(|ty| ty.shape.insert(0, extent.clone()));
    let nodes = declare(&mut b, &types);
    let mut body = function.builder("body");
    body.symbol("positions");
    let position = body.parameter("i", TensorType::scalar(Element::I64));
    let (times, state, body) = if control == Control::For {
        let elements = declare(&mut body, &function.types());
        let results = function.call(&mut body, &elements);
        let body = body.finish(outputs(results));
        (Times::Extent(extent), Vec::new(), body)
    } else {
        let state: Vec<NodeId> = function
            .result_types()
            .iter()
            .map(|ty| b.splat(Scalar::from_i64(ty.element, 0), &ty.shape))
            .collect();
        declare(&mut body, &function.result_types());
        let stacked = declare(&mut body, &types);
        let elements: Vec<NodeId> =
            stacked.iter().map(|node| body.take(*node, position, 0)).collect();
        let results = function.call(&mut body, &elements);
        let body = body.finish(outputs(results));
        let mut condition = function.builder("condition");
        condition.symbol("positions");
        let position = condition.parameter("i", TensorType::scalar(Element::I64));
        declare(&mut condition, &function.result_types());
        declare(&mut condition, &types);
        let more = runs(&mut condition, position);
        let times = Times::While(condition.finish(outputs(vec![more])));
        (times, state, body)
    };
    let operands = [state.as_slice(), &nodes].concat();
    let sequences = if control == Control::For { nodes.len() } else { 0 };
    let (state, keep) = (state.len(), Keep::Residuals);
    let repeat = Repeat { times, state, sequences, reverse: false, keep, body };
    let results = b.control(Op::Repeat(Box::new(repeat)), &operands);
    function.flat(b.finish(outputs(results)))
}
