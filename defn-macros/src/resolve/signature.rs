//! What a function takes and gives, with every container opened.

use defn_codegen::graph::{Dim, Element, Symbol};
use defn_codegen::library::show_type;
use std::collections::BTreeMap;

/// The element types that stand for the element parameters.
pub(super) type Elements = BTreeMap<String, Element>;

/// The signature of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The function's name, or the request's.
    pub(crate) name: String,
    /// In order.
    pub(crate) parameters: Vec<Parameter>,
    /// What comes out; the updated parameters come behind it.
    pub(crate) result: Tree,
    /// The names of the extent symbols.
    pub(crate) symbols: Vec<String>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) tree: Tree,
    /// Whether it is `&mut`.
    pub(crate) mutable: bool,
}

/// A type whose leaves are tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// `f32`.
    Scalar(Element),
    /// `Tensor<f32, batch, pixel<784>>`.
    Tensor {
        /// The type of the elements.
        element: Element,
        /// One for each axis.
        names: Vec<Option<String>>,
        /// One for each axis.
        shape: Vec<Dim>,
    },
    /// `usize`.
    Extent(Symbol),
    /// `(A, B)`.
    Tuple(Vec<Tree>),
    /// `[A; 3]`, as three trees.
    Array(Vec<Tree>),
    /// A container.
    Container(Container),
}

/// The most axes of a tensor in a container: for so many ranks the runtime knows the type with more axes.
pub(crate) const AXES_OF_A_FIELD: usize = 12;

/// An opened container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    /// As written where it is used.
    pub(crate) path: String,
    /// Which definition it is.
    pub(crate) uid: String,
    /// What stands for its element parameters, in order.
    pub(crate) elements: Vec<Element>,
    /// In order.
    pub(crate) fields: Vec<(String, Tree)>,
}

/// One tensor of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// The parameter's name and the fields down to it: `p.l1.w`.
    pub(crate) path: String,
    /// The type of the elements.
    pub(crate) element: Element,
    /// One for each axis.
    pub(crate) names: Vec<Option<String>>,
    /// One for each axis.
    pub(crate) shape: Vec<Dim>,
    /// For a `usize`: the symbol whose value it is.
    pub(crate) symbol: Option<Symbol>,
}

impl Tree {
    /// The tensors in it, in order, each with its path.
    pub(crate) fn leaves(&self, path: &str) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.collect(path, &mut leaves);
        leaves
    }

    /// The largest rank of a tensor in it.
    pub(crate) fn rank(&self) -> usize {
        self.leaves("").iter().map(|leaf| leaf.shape.len()).max().unwrap_or(0)
    }

    /// The largest rank of a tensor in a container of it.
    pub(crate) fn rank_of_fields(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::Tensor { .. } | Self::Extent(_) => 0,
            Self::Tuple(parts) | Self::Array(parts) => {
                parts.iter().map(Self::rank_of_fields).max().unwrap_or(0)
            }
            Self::Container(_) => self.rank(),
        }
    }

    fn collect(&self, path: &str, leaves: &mut Vec<Leaf>) {
        let leaf = |element, names, shape, symbol| Leaf {
            path: path.to_owned(),
            element,
            names,
            shape,
            symbol,
        };
        match self {
            Self::Scalar(element) => leaves.push(leaf(*element, Vec::new(), Vec::new(), None)),
            Self::Tensor { element, names, shape } => {
                leaves.push(leaf(*element, names.clone(), shape.clone(), None));
            }
            Self::Extent(symbol) => {
                leaves.push(leaf(Element::I64, Vec::new(), Vec::new(), Some(*symbol)));
            }
            Self::Tuple(parts) | Self::Array(parts) => {
                for (position, part) in parts.iter().enumerate() {
                    part.collect(&format!("{path}.{position}"), leaves);
                }
            }
            Self::Container(container) => {
                for (name, field) in &container.fields {
                    field.collect(&format!("{path}.{name}"), leaves);
                }
            }
        }
    }

    /// The type as the user writes it.
    pub(crate) fn show(&self, symbols: &[String]) -> String {
        match self {
            Self::Scalar(element) => element.name().to_owned(),
            Self::Tensor { element, names, shape } => show_type(*element, names, shape, symbols),
            Self::Extent(_) => "usize".to_owned(),
            Self::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.show(symbols)).collect();
                format!("({})", parts.join(", "))
            }
            Self::Array(parts) => {
                let item = parts.first().map_or_else(|| "_".to_owned(), |part| part.show(symbols));
                format!("[{item}; {}]", parts.len())
            }
            Self::Container(container) => container.path.clone(),
        }
    }
}
