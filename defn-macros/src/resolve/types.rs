//! Types as written to types with extents: names get symbols, containers and aliases are opened.
//!
//! ```text
//! Dense<pixel<784>, hidden>   with   struct Dense<inp, out> { w: Tensor<f32, inp, out>, … }
//! { w: Tensor<f32, pixel<784>, hidden>, … }
//! ```
//!
//! A container parameter is a name in axis position and its extent inside `<…>` or `{…}`;
//! the free names of a container belong to the signature that mentions it (R14).

use super::resolved_element;
use super::signature::{Container, Elements, Tree};
use crate::report::Mistake;
use crate::surface::{
    Axis, AxisKind, CalleeId, Definition, Element as Word, Extent, ExtentKind, ExtentOp, Path,
    Type, TypeArgument, TypeKind, TypeParameter,
};
use crate::text::Callee;
use defn_codegen::diagnostic::Mistake as Wrong;
use defn_codegen::diagnostic::catalogue::{AxisMistake, CallMistake, Limit, NameMistake, nearest};
use defn_codegen::graph::build::Builder;
use defn_codegen::graph::{Dim, Element, Symbol};
use defn_codegen::library::show_type;
use proc_macro2::Span;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Whether a name that is not known yet becomes a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declare {
    /// In parameters.
    Symbols,
    /// In results and bodies.
    Nothing,
}

/// Reads types of one signature.
pub(super) struct TypeReader<'r> {
    /// Where symbols live.
    pub(super) b: &'r mut Builder,
    /// Whether new names become symbols.
    pub(super) declare: Declare,
    /// Where each name was first seen.
    pub(super) seen: BTreeMap<String, Span>,
    /// The extents of each axis name.
    pub(super) axes: BTreeMap<String, Vec<Dim>>,
    /// What is wrong.
    pub(super) mistakes: Vec<Mistake>,
}

/// What names mean inside a definition.
#[derive(Clone, Default)]
pub(super) struct Env<'e> {
    /// Axis parameters of the container around.
    axes: BTreeMap<String, (Option<String>, Dim)>,
    /// Element parameters.
    pub(super) elements: Elements,
    /// What the definition mentions.
    pub(super) callees: &'e [Rc<Callee>],
    /// The token to blame for what stands in another definition.
    blame: Option<Span>,
}

impl<'e> Env<'e> {
    /// The surroundings of a function's own types.
    pub(super) fn new(elements: &Elements, callees: &'e [Rc<Callee>]) -> Self {
        Self { axes: BTreeMap::new(), elements: elements.clone(), callees, blame: None }
    }

    /// Whether it is the compiled function itself.
    pub(super) fn is_entry(&self) -> bool {
        self.blame.is_none()
    }

    /// The token to blame for this one.
    pub(super) fn blamed(&self, span: Span) -> Span {
        self.blame.unwrap_or(span)
    }

    /// The same, with one token to blame.
    pub(super) fn blaming(mut self, blame: Option<Span>) -> Self {
        self.blame = blame;
        self
    }
}

impl<'r> TypeReader<'r> {
    /// A reader that adds to the symbols of `b`.
    pub(super) fn new(b: &'r mut Builder, declare: Declare) -> Self {
        Self { b, declare, seen: BTreeMap::new(), axes: BTreeMap::new(), mistakes: Vec::new() }
    }

    /// The mistakes in the types of a container or an alias.
    pub(super) fn check<'t>(
        parameters: &[TypeParameter],
        callees: &[Rc<Callee>],
        types: impl IntoIterator<Item = &'t Type>,
    ) -> Result<(), Vec<Mistake>> {
        let mut b = Builder::new("");
        let mut env = Env::new(&Elements::new(), callees);
        for parameter in parameters {
            if let TypeParameter::Element(element) = parameter {
                env.elements.insert(element.name.text.clone(), super::allowed(element.bound)[0]);
            }
        }
        let mut reader = TypeReader::new(&mut b, Declare::Symbols);
        for ty in types {
            reader.read(ty, &env);
        }
        if reader.mistakes.is_empty() { Ok(()) } else { Err(reader.mistakes) }
    }

    fn say(&mut self, wrong: impl Into<Wrong>, span: Span, env: &Env<'_>) {
        let span = env.blame.unwrap_or(span);
        self.mistakes.push(Mistake { message: wrong.into().message(), span });
    }

    /// The type; none if a mistake was told.
    pub(super) fn read(&mut self, ty: &Type, env: &Env<'_>) -> Option<Tree> {
        match &ty.kind {
            TypeKind::Scalar(word) => Some(Tree::Scalar(self.element(word, ty.span, env)?)),
            TypeKind::Extent => {
                self.say(NameMistake::ExtentType {}, ty.span, env);
                None
            }
            TypeKind::Key => Some(Tree::Scalar(Element::U64)),
            TypeKind::Tensor { element, axes } => self.tensor(element, axes, ty.span, env),
            TypeKind::Named { path, callee, arguments } => {
                self.named(path, *callee, arguments, env)
            }
            TypeKind::With(item, _) => self.read(item, env),
            TypeKind::Tuple(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.read(part, env)).collect();
                Some(Tree::Tuple(parts.into_iter().collect::<Option<_>>()?))
            }
            TypeKind::Array { item, length } => {
                let item = self.read(item, env);
                let length = self.extent(length, env)?;
                match length.as_constant().and_then(|length| usize::try_from(length).ok()) {
                    Some(length) => Some(Tree::Array(vec![item?; length])),
                    None => {
                        self.say(Limit::ArrayLength, ty.span, env);
                        None
                    }
                }
            }
            TypeKind::Refused(_) => None,
        }
    }

    /// A parameter's `usize`: the symbol of the parameter's name.
    pub(super) fn extent_parameter(&mut self, name: &str, span: Span) -> Symbol {
        self.seen.entry(name.to_owned()).or_insert(span);
        self.b.symbol(name)
    }

    fn element(&mut self, word: &Word, span: Span, env: &Env<'_>) -> Option<Element> {
        let element = resolved_element(word, &env.elements);
        if element.is_none() {
            self.say(Limit::ElementType(word.word().to_owned()), span, env);
        }
        element
    }

    fn tensor(&mut self, element: &Word, axes: &[Axis], span: Span, env: &Env<'_>) -> Option<Tree> {
        let element = self.element(element, span, env);
        let axes: Vec<_> =
            axes.iter().map(|axis| Some((self.axis(axis, env)?, axis.span))).collect();
        let axes: Vec<_> = axes.into_iter().collect::<Option<_>>()?;
        let element = element?;
        let (names, shape): (Vec<_>, Vec<_>) = axes.iter().map(|(axis, _)| axis.clone()).unzip();
        for (position, ((name, extent), span)) in axes.iter().enumerate() {
            let Some(name) = name else { continue };
            if names[..position].contains(&Some(name.clone())) {
                let ty = show_type(element, &names, &shape, &self.b.graph().symbols);
                self.say(AxisMistake::TypeNamesTwice { name: name.clone(), ty }, *span, env);
                return None;
            }
            let known = self.axes.entry(name.clone()).or_default();
            if !known.contains(extent) {
                known.push(extent.clone());
            }
            self.seen.entry(name.clone()).or_insert(*span);
        }
        Some(Tree::Tensor { element, names, shape })
    }

    fn axis(&mut self, axis: &Axis, env: &Env<'_>) -> Option<(Option<String>, Dim)> {
        match &axis.kind {
            AxisKind::Named(name) => match env.axes.get(&name.text) {
                Some((own, extent)) => Some((own.clone(), extent.clone())),
                None => Some((Some(name.text.clone()), self.symbol(&name.text, axis.span, env)?)),
            },
            AxisKind::NamedExtent(name, extent) => {
                let own = match env.axes.get(&name.text) {
                    Some((own, _)) => own.clone(),
                    None => Some(name.text.clone()),
                };
                Some((own, self.natural_extent(extent, env)?))
            }
            AxisKind::Unnamed(extent) => Some((None, self.natural_extent(extent, env)?)),
        }
    }

    fn symbol(&mut self, name: &str, span: Span, env: &Env<'_>) -> Option<Dim> {
        let known = self.b.graph().symbols.iter().any(|symbol| symbol == name);
        if known || self.declare == Declare::Symbols {
            let blamed = env.blame.unwrap_or(span);
            self.seen.entry(name.to_owned()).or_insert(blamed);
            return Some(Dim::from(self.b.symbol(name)));
        }
        let nearest = nearest(name, self.b.graph().symbols.iter().map(String::as_str));
        self.say(NameMistake::UnknownExtent { name: name.to_owned(), nearest }, span, env);
        None
    }

    fn natural_extent(&mut self, extent: &Extent, env: &Env<'_>) -> Option<Dim> {
        let dim = self.extent(extent, env)?;
        if dim.as_constant().is_some_and(|value| value < 0) {
            let extent_text = dim.display(&self.b.graph().symbols).to_string();
            self.say(NameMistake::NegativeExtent { extent: extent_text }, extent.span, env);
            return None;
        }
        Some(dim)
    }

    fn extent(&mut self, extent: &Extent, env: &Env<'_>) -> Option<Dim> {
        match &extent.kind {
            ExtentKind::Integer(value) => Some(Dim::from(i64::try_from(*value).ok()?)),
            ExtentKind::Symbol(name) => match env.axes.get(&name.text) {
                Some((_, extent)) => Some(extent.clone()),
                None => self.symbol(&name.text, extent.span, env),
            },
            ExtentKind::Binary(op, left, right) => {
                let (left, right) = (self.extent(left, env), self.extent(right, env));
                let (left, right) = (left?, right?);
                Some(match op {
                    ExtentOp::Add => left + right,
                    ExtentOp::Sub => left - right,
                    ExtentOp::Mul => left * right,
                    ExtentOp::Div => left.floor_div(&right),
                })
            }
        }
    }

    fn named(
        &mut self,
        path: &Path,
        callee: CalleeId,
        arguments: &[TypeArgument],
        env: &Env<'_>,
    ) -> Option<Tree> {
        let callee = Rc::clone(env.callees.get(callee.0)?);
        let blame = Some(env.blame.unwrap_or(path.span()));
        match &callee.definition {
            Definition::Struct(container) => {
                let inner = self.opened(path, &container.parameters, arguments, env)?;
                let inner = Env { callees: &callee.callees, blame, ..inner };
                let fields = container.fields.iter();
                let fields: Vec<_> = fields
                    .map(|field| Some((field.name.text.clone(), self.read(&field.ty, &inner)?)))
                    .collect();
                let elements = container.parameters.iter().filter_map(TypeParameter::element);
                let elements = elements.filter_map(|own| inner.elements.get(&own.name.text));
                Some(Tree::Container(Container {
                    path: path.text(),
                    uid: callee.uid.clone(),
                    elements: elements.copied().collect(),
                    fields: fields.into_iter().collect::<Option<_>>()?,
                }))
            }
            Definition::Alias(alias) => {
                let inner = self.opened(path, &alias.parameters, arguments, env)?;
                self.read(&alias.ty, &Env { callees: &callee.callees, blame, ..inner })
            }
            Definition::Function(_) | Definition::Constant(_) => {
                let kind = super::kind_word(&callee.definition).to_owned();
                self.say(CallMistake::NotAType { name: path.text(), kind }, path.span(), env);
                None
            }
        }
    }

    /// The surroundings inside a container: its parameters stand for the arguments.
    fn opened<'e>(
        &mut self,
        path: &Path,
        parameters: &[TypeParameter],
        arguments: &[TypeArgument],
        env: &Env<'_>,
    ) -> Option<Env<'e>> {
        if parameters.len() != arguments.len() {
            let expected = match parameters.len() {
                1 => "1 argument".to_owned(),
                count => format!("{count} arguments"),
            };
            let (name, found) = (path.text(), arguments.len());
            let help = parameters.is_empty().then(|| {
                format!("write `{name}`: axes that it does not declare are those of this signature")
            });
            let mistake = CallMistake::TypeArguments { name, expected, found, help };
            self.say(mistake, path.span(), env);
            return None;
        }
        let mut inner = Env::default();
        for (parameter, argument) in parameters.iter().zip(arguments) {
            match (parameter, argument) {
                (TypeParameter::Axis(name), TypeArgument::Axis(axis)) => {
                    let value = self.axis(axis, env)?;
                    inner.axes.insert(name.text.clone(), value);
                }
                (TypeParameter::Element(own), TypeArgument::Element(word, span)) => {
                    let element = self.element(word, *span, env)?;
                    if !super::allowed(own.bound).contains(&element) {
                        let mistake = bound_mistake(own, element);
                        self.say(mistake, *span, env);
                        return None;
                    }
                    inner.elements.insert(own.name.text.clone(), element);
                }
                (TypeParameter::Axis(name), TypeArgument::Element(_, span)) => {
                    let parameter = name.text.clone();
                    self.say(CallMistake::AxisArgument { parameter }, *span, env);
                    return None;
                }
                (TypeParameter::Element(own), TypeArgument::Axis(axis)) => {
                    let parameter = own.name.text.clone();
                    self.say(CallMistake::ElementArgument { parameter }, axis.span, env);
                    return None;
                }
            }
        }
        Some(inner)
    }
}

/// An element type that a bound refuses.
pub(super) fn bound_mistake(
    parameter: &crate::surface::ElementParameter,
    found: Element,
) -> CallMistake {
    let bound = match parameter.bound {
        crate::surface::Bound::Float => "Float",
        crate::surface::Bound::Number => "Number",
    };
    CallMistake::ElementBound {
        parameter: parameter.name.text.clone(),
        bound: bound.to_owned(),
        found: found.name().to_owned(),
    }
}
