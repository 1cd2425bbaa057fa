//! A graph in the making, with the value of every node.

use super::{Case, Random};
use crate::graph::build::Builder;
use crate::graph::eval::Value;
use crate::graph::eval::walk::{Tensor, Walk};
use crate::graph::{Dim, Element, NodeId, Output, Scalar, TensorType, Unary};

/// What kind of graph is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Values stay in reason.
    Sane,
    /// Anything goes.
    Wild,
    /// Only smooth functions of `f64`.
    Smooth,
    /// Functions of `f64` that are smooth but for kinks and jumps, with integers and truth values between.
    Kinked,
}

/// More elements than this are not made, so that evaluation is quick.
pub(super) const MOST_ELEMENTS: i64 = 300;

/// Floats beyond this are squashed before they are used.
const BEYOND_REASON: f64 = 1e3;

const MOST_PARAMETERS: usize = 7;

/// A graph in the making.
pub(super) struct Generator {
    pub(super) random: Random,
    pub(super) mood: Mood,
    pub(super) builder: Builder,
    /// The values of the symbols.
    pub(super) symbols: Vec<i64>,
    pub(super) arguments: Vec<Value>,
    parameters: Vec<Tensor<Scalar>>,
    computed: Vec<Vec<Tensor<Scalar>>>,
    /// The nodes that may be used.
    pub(super) pool: Vec<NodeId>,
    /// How many bodies this one is in.
    pub(super) depth: usize,
}

impl Generator {
    pub(super) fn new(random: Random, mood: Mood) -> Self {
        Self {
            random,
            mood,
            builder: Builder::new("arbitrary"),
            symbols: Vec::new(),
            arguments: Vec::new(),
            parameters: Vec::new(),
            computed: Vec::new(),
            pool: Vec::new(),
            depth: 0,
        }
    }

    /// Symbols, a parameter for each that says what it is, and a few more parameters.
    pub(super) fn begin(&mut self) {
        for name in ["n", "m", "k"].iter().take(self.random.below(4)) {
            let symbol = self.builder.symbol(name);
            let value = self.random.pick(&[0, 1, 1, 2, 3, 3, 4, 5, 5, 7, 8]);
            self.symbols.push(value);
            if self.random.chance(30) {
                let node = self.builder.extent_parameter(name, symbol);
                self.arguments.push(Value::from_i64(Element::I64, &[], &[value]));
                self.note_parameter();
                self.keep(node);
            } else {
                let mut shape = vec![Dim::from(symbol)];
                if self.random.chance(50) {
                    let extra = self.extent();
                    shape.insert(self.random.below(2), extra);
                }
                let element = self.element();
                let node = self.parameter(TensorType::new(element, shape));
                self.keep(node);
            }
        }
        for _ in 0..1 + self.random.below(3) {
            let ty = self.ty();
            let node = self.parameter(ty);
            self.keep(node);
        }
    }

    pub(super) fn element(&mut self) -> Element {
        match self.mood {
            Mood::Smooth => return Element::F64,
            Mood::Kinked if self.random.chance(75) => return Element::F64,
            Mood::Kinked => return self.random.pick(&[Element::I64, Element::Bool]),
            Mood::Sane | Mood::Wild => {}
        }
        let often = [Element::F32, Element::F32, Element::F32, Element::F64, Element::I64];
        if self.random.chance(50) {
            self.random.pick(&often)
        } else {
            self.random.pick(Element::ALL)
        }
    }

    fn ty(&mut self) -> TensorType {
        let element = self.element();
        let rank = self.random.pick(&[0, 1, 1, 2, 2, 2, 3, 3, 4]);
        let shape = self.shape(rank);
        TensorType::new(element, shape)
    }

    /// A fresh parameter with an argument.
    pub(super) fn parameter(&mut self, ty: TensorType) -> NodeId {
        let shape: Vec<usize> = ty.shape.iter().map(|dim| self.value(dim) as usize).collect();
        let data = (0..shape.iter().product()).map(|_| self.scalar(ty.element).bits).collect();
        self.arguments.push(Value::from_bits(ty.element, &shape, data));
        self.note_parameter();
        // Names of leaves have dots.
        let position = self.parameters.len();
        let name = if position.is_multiple_of(3) {
            format!("p.{position}.w")
        } else {
            format!("x{position}")
        };
        self.builder.parameter(&name, ty)
    }

    fn note_parameter(&mut self) {
        if let Some(value) = self.arguments.last() {
            self.parameters.push(Tensor::new(&value.shape, value.scalars()));
        }
    }

    /// A random number: small and whole, small, or anything if the mood is wild.
    pub(super) fn scalar(&mut self, element: Element) -> Scalar {
        if self.mood == Mood::Wild && self.random.chance(20) {
            return self.special(element);
        }
        let whole = self.random.between(-4, 8);
        let is_anywhere = matches!(self.mood, Mood::Smooth | Mood::Kinked);
        if element.is_float() && (is_anywhere || self.random.chance(60)) {
            return Scalar::from_f64(element, self.random.uniform(-2.0, 2.0));
        }
        match element {
            Element::Bool => Scalar::from_i64(element, whole & 1),
            Element::U8 | Element::U32 | Element::U64 => Scalar::from_i64(element, whole.abs()),
            Element::F64
            | Element::F32
            | Element::F16
            | Element::Bf16
            | Element::I32
            | Element::I64 => Scalar::from_i64(element, whole),
        }
    }

    fn special(&mut self, element: Element) -> Scalar {
        // The last two are the largest `f16` and, there, a number without a leading one.
        let infinity = f64::INFINITY;
        let floats = [f64::NAN, infinity, -infinity, -0.0, 1e-40, 3e38, -1e30, 0.5, 65_504.0, 3e-7];
        let integers = [i64::MIN, i64::MAX, i64::from(i32::MIN), i64::from(i32::MAX), 255, -1, 0];
        if element.is_float() {
            Scalar::from_f64(element, self.random.pick(&floats))
        } else {
            Scalar::from_i64(element, self.random.pick(&integers))
        }
    }

    pub(super) fn ty_of(&self, node: NodeId) -> TensorType {
        self.builder.ty(node).clone()
    }

    /// Makes a node usable, or what it is squashed to.
    pub(super) fn keep(&mut self, node: NodeId) {
        self.evaluate();
        let is_float = self.builder.ty(node).element.is_float();
        let squashes = self.mood != Mood::Wild && is_float && !self.is_reasonable(node);
        let kept = if squashes { self.builder.unary(Unary::Tanh, node) } else { node };
        self.evaluate();
        // An infinity is no number that a function could be smooth at.
        let is_finite = |node: NodeId| {
            self.computed[node.index()][0].items.iter().all(|it| it.to_f64().is_finite())
        };
        let is_usable = match self.mood {
            Mood::Wild => true,
            Mood::Sane => !is_float || self.is_reasonable(kept),
            Mood::Kinked => !is_float || (is_finite(node) && self.is_reasonable(kept)),
            Mood::Smooth => is_float && self.is_reasonable(kept),
        };
        if is_usable {
            self.pool.push(kept);
        }
    }

    fn is_reasonable(&self, node: NodeId) -> bool {
        let items = &self.computed[node.index()][0].items;
        items.iter().all(|scalar| scalar.to_f64().abs() <= BEYOND_REASON)
    }

    /// Evaluates what has been built since.
    pub(super) fn evaluate(&mut self) {
        let graph = self.builder.graph();
        for (_, node) in graph.nodes.iter().skip(self.computed.len()) {
            let walk = Walk {
                graph,
                symbols: &self.symbols,
                parameters: &self.parameters,
                computed: &self.computed,
            };
            match walk.results(node) {
                Ok(results) => self.computed.push(results),
                Err(what) => crate::bug!("arbitrary", "made what cannot be evaluated: {what}"),
            }
        }
    }

    /// Any node that may be used.
    pub(super) fn any(&mut self) -> NodeId {
        // What was made last is used more often, so that graphs become deep.
        let recent = self.pool.len().min(4);
        let position = if self.random.chance(50) {
            self.pool.len() - 1 - self.random.below(recent)
        } else {
            self.random.below(self.pool.len())
        };
        self.pool[position]
    }

    /// A node whose type is accepted; else any node, converted to `fallback`.
    pub(super) fn any_of(
        &mut self,
        accepts: impl Fn(&TensorType) -> bool,
        fallback: Element,
    ) -> NodeId {
        for _ in 0..4 {
            let node = self.any();
            if accepts(self.builder.ty(node)) {
                return node;
            }
        }
        let node = self.any();
        self.builder.convert(fallback, node)
    }

    /// A node of this type: one that is there, a parameter, a repeated constant or counted positions.
    pub(super) fn like(&mut self, ty: &TensorType) -> NodeId {
        let same: Vec<NodeId> =
            self.pool.iter().copied().filter(|node| self.builder.ty(*node) == ty).collect();
        if !same.is_empty() && self.random.chance(70) {
            return self.random.pick(&same);
        }
        if self.arguments.len() < MOST_PARAMETERS && self.random.chance(60) {
            let node = self.parameter(ty.clone());
            self.evaluate();
            return node;
        }
        if !ty.shape.is_empty() && self.random.chance(50) {
            let axis = self.random.below(ty.rank());
            let counted = self.builder.iota(&ty.shape, axis);
            return self.builder.convert(ty.element, counted);
        }
        let scalar = self.scalar(ty.element);
        self.builder.splat(scalar, &ty.shape)
    }

    /// One to three results, and perhaps updated parameters.
    pub(super) fn finish(mut self) -> Case {
        let uses = self.builder.graph().uses();
        let unused: Vec<NodeId> =
            self.pool.iter().copied().filter(|node| uses[*node] == 0).collect();
        let mut results = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let node = if !unused.is_empty() && self.random.chance(70) {
                self.random.pick(&unused)
            } else {
                self.any()
            };
            results.push(Output { node, updates: None });
        }
        let types: Vec<TensorType> = self.arguments_types();
        for (position, ty) in types.iter().enumerate() {
            let fits: Vec<NodeId> =
                self.pool.iter().copied().filter(|node| self.builder.ty(*node) == ty).collect();
            if !fits.is_empty() && self.random.chance(20) {
                let node = self.random.pick(&fits);
                results.push(Output { node, updates: Some(position) });
            }
        }
        Case { graph: self.builder.finish(results), arguments: self.arguments }
    }

    /// The types of parameters that may be updated; those that are symbols may not.
    fn arguments_types(&self) -> Vec<TensorType> {
        let parameters = self.builder.graph().parameters.iter();
        parameters
            .map(|parameter| match parameter.symbol {
                Some(_) => TensorType::new(Element::Bool, vec![Dim::from(-1)]),
                None => parameter.ty.clone(),
            })
            .collect()
    }
}
