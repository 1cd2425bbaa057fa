//! What an expression is while a body is walked.

use super::signature::{Container, Leaf, Tree};
use crate::surface::Request;
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Dim, NodeId};
use defn_codegen::library::{Literal, Tensor, show};
use std::rc::Rc;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A tensor, or one number of known type.
    Tensor(Tensor),
    /// A number without a type (R25).
    Literal(Literal),
    /// An extent: an `i64` that is known when the function is called (R3).
    Extent(Dim),
    /// `(a, b)`.
    Tuple(Vec<Value>),
    /// `[a, b]`.
    Array(Vec<Value>),
    /// A container with the values of its fields.
    Container(Rc<Kind>, Vec<Value>),
    /// `grad!(f)`, to be called.
    Request(Rc<Request>),
    /// A mistake was told already.
    Poison,
}

/// Which container a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// As written where it came from.
    pub(super) path: String,
    /// The definition.
    pub(super) uid: String,
    /// What stands for its element parameters.
    pub(super) elements: Vec<defn_codegen::graph::Element>,
    /// The names of the fields.
    pub(super) fields: Vec<String>,
}

impl Kind {
    /// The kind of an opened container.
    pub(super) fn of(container: &Container) -> Rc<Self> {
        Rc::new(Self {
            path: container.path.clone(),
            uid: container.uid.clone(),
            elements: container.elements.clone(),
            fields: container.fields.iter().map(|(name, _)| name.clone()).collect(),
        })
    }
}

impl Value {
    /// Nothing.
    pub(super) fn unit() -> Self {
        Self::Tuple(Vec::new())
    }

    /// A tensor, unless a mistake was told.
    pub(super) fn of(tensor: Option<Tensor>) -> Self {
        tensor.map_or(Self::Poison, Self::Tensor)
    }

    /// Whether a mistake was told about it or a part of it.
    pub(super) fn is_poisoned(&self) -> bool {
        match self {
            Self::Poison => true,
            Self::Tuple(parts) | Self::Array(parts) | Self::Container(_, parts) => {
                parts.iter().any(Self::is_poisoned)
            }
            Self::Tensor(_) | Self::Literal(_) | Self::Extent(_) | Self::Request(_) => false,
        }
    }

    /// A tree with its leaves filled in, in order.
    pub(super) fn fill(tree: &Tree, leaves: &mut impl Iterator<Item = Value>) -> Self {
        match tree {
            Tree::Scalar(_) | Tree::Tensor { .. } | Tree::Extent(_) => {
                leaves.next().unwrap_or(Self::Poison)
            }
            Tree::Tuple(parts) => {
                Self::Tuple(parts.iter().map(|part| Self::fill(part, leaves)).collect())
            }
            Tree::Array(parts) => {
                Self::Array(parts.iter().map(|part| Self::fill(part, leaves)).collect())
            }
            Tree::Container(container) => {
                let fields = container.fields.iter();
                let values = fields.map(|(_, field)| Self::fill(field, leaves)).collect();
                Self::Container(Kind::of(container), values)
            }
        }
    }

    /// The type of a value that has one.
    pub(super) fn tree(&self, b: &Builder) -> Option<Tree> {
        Some(match self {
            Self::Tensor(tensor) => Tree::Tensor {
                element: tensor.element(b),
                names: tensor.names.clone(),
                shape: tensor.shape(b),
            },
            Self::Tuple(parts) => Tree::Tuple(trees(b, parts)?),
            Self::Array(parts) => Tree::Array(trees(b, parts)?),
            Self::Container(kind, values) => Tree::Container(Container {
                path: kind.path.clone(),
                uid: kind.uid.clone(),
                elements: kind.elements.clone(),
                fields: kind.fields.iter().cloned().zip(trees(b, values)?).collect(),
            }),
            Self::Extent(_) => Tree::Scalar(defn_codegen::graph::Element::I64),
            Self::Literal(_) | Self::Request(_) | Self::Poison => return None,
        })
    }

    /// What it is, in a sentence.
    pub(super) fn show(&self, b: &Builder) -> String {
        match self {
            Self::Tensor(tensor) => show(b, tensor),
            Self::Literal(literal) => format!("{literal}"),
            Self::Extent(dim) => format!("extent {}", defn_codegen::library::show_dim(b, dim)),
            Self::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.show(b)).collect();
                format!("({})", parts.join(", "))
            }
            Self::Array(parts) => {
                let item = parts.first().map_or_else(|| "_".to_owned(), |part| part.show(b));
                format!("[{item}; {}]", parts.len())
            }
            Self::Container(kind, _) => kind.path.clone(),
            Self::Request(request) => {
                format!("{}!({})", request.kind.word(), request.function().0.text())
            }
            Self::Poison => "?".to_owned(),
        }
    }

    /// Whether it is nothing.
    pub(super) fn is_unit(&self) -> bool {
        matches!(self, Self::Tuple(parts) if parts.is_empty())
    }

    /// The tensors in it, in order, each with its path.
    pub(super) fn leaves(&self, path: &str) -> Vec<(String, Tensor)> {
        let parts = |parts: &[Self], word: &dyn Fn(usize) -> String| {
            let parts = parts.iter().enumerate();
            parts.flat_map(|(k, part)| part.leaves(&format!("{path}.{}", word(k)))).collect()
        };
        match self {
            Self::Tensor(tensor) => vec![(path.to_owned(), tensor.clone())],
            Self::Tuple(values) | Self::Array(values) => parts(values, &|k| k.to_string()),
            Self::Container(kind, values) => parts(values, &|k| kind.fields[k].clone()),
            Self::Literal(_) | Self::Extent(_) | Self::Request(_) | Self::Poison => Vec::new(),
        }
    }

    /// The same structure with other tensors.
    pub(super) fn with_tensors(&self, each: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
        let mut parts = |parts: &[Self]| -> Vec<Self> {
            parts.iter().map(|part| part.with_tensors(each)).collect()
        };
        match self {
            Self::Tuple(values) => Self::Tuple(parts(values)),
            Self::Array(values) => Self::Array(parts(values)),
            Self::Container(kind, values) => Self::Container(Rc::clone(kind), parts(values)),
            Self::Tensor(tensor) => Self::Tensor(each(tensor)),
            Self::Literal(_) | Self::Extent(_) | Self::Request(_) | Self::Poison => self.clone(),
        }
    }

    /// The same structure and names with other nodes.
    pub(super) fn with_nodes(&self, mut each: impl FnMut(NodeId) -> NodeId) -> Self {
        self.with_tensors(&mut |tensor| Tensor::new(each(tensor.node), tensor.names.clone()))
    }

    /// The tensor leaves, in order.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        match self {
            Self::Tensor(tensor) => vec![tensor.node],
            Self::Tuple(parts) | Self::Array(parts) | Self::Container(_, parts) => {
                parts.iter().flat_map(Self::nodes).collect()
            }
            Self::Literal(_) | Self::Extent(_) | Self::Request(_) | Self::Poison => Vec::new(),
        }
    }
}

fn trees(b: &Builder, values: &[Value]) -> Option<Vec<Tree>> {
    values.iter().map(|value| value.tree(b)).collect()
}

/// The value of a parameter's leaf.
pub(super) fn leaf_value(leaf: &Leaf, node: NodeId) -> Value {
    match leaf.symbol {
        Some(symbol) => Value::Extent(Dim::from(symbol)),
        None => Value::Tensor(Tensor::new(node, leaf.names.clone())),
    }
}
