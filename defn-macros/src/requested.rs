//! The signature that a request has, from the signature of its target.
//!
//! ```text
//! loss(p: Mlp, x: Tensor<f32, batch, pixel>) -> f32
//! grad!(loss)(p, x) -> Mlp          value_and_grad!(loss)(p, x) -> (f32, Mlp)
//! jvp!(loss)(p, x, d_p: Mlp) -> (f32, f32)
//! ```
//!
//! Only what Rust must know: which types go in and out. Whether a derivative exists is found by `check`.

use crate::{
    parse::Refusal,
    report::Mistake,
    surface::{
        Axis, AxisKind, Element, Function, Name, Parameter, Request, RequestKind, RequestTarget,
        Type, TypeKind,
    },
};
use defn_codegen::diagnostic::catalogue::{self, CallMistake, nearest};
use proc_macro2::{Ident, Span};

/// The parameters and the result of a request.
#[derive(Clone, Debug)]
pub(crate) struct Requested {
    /// In order.
    pub(crate) parameters: Vec<Parameter>,
    /// What comes out.
    pub(crate) result: Type,
    caller: Caller,
}

/// Who calls a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    /// Rust, to which a container has fixed axes.
    Rust,
    /// A body, where a container may have more axes than written; which ones is known to `resolve`.
    Body,
}

impl Requested {
    /// The signature of a request on this function.
    pub(crate) fn of(request: &Request, function: &Function) -> Result<Self, Vec<Mistake>> {
        Self::called(request, function, Caller::Rust)
    }

    /// The parameters of a request on this function, without the axes that containers gain; none if something is wrong with it.
    pub(crate) fn parameters(request: &Request, function: &Function) -> Option<Vec<Parameter>> {
        Self::called(request, function, Caller::Body).ok().map(|requested| requested.parameters)
    }

    fn called(
        request: &Request,
        function: &Function,
        caller: Caller,
    ) -> Result<Self, Vec<Mistake>> {
        let inner = match &request.target {
            RequestTarget::Function(..) => {
                let (parameters, result) = (function.parameters.clone(), function.result.clone());
                Self { parameters, result, caller }
            }
            RequestTarget::Request(inner) => Self::called(inner, function, caller)?,
        };
        inner.apply(request)
    }

    fn apply(mut self, request: &Request) -> Result<Self, Vec<Mistake>> {
        if request.kind == RequestKind::Vmap {
            return self.vectorized(request);
        }
        let wrt = self.named(&request.wrt, request)?;
        let types: Vec<Type> = wrt.iter().map(|index| self.parameters[*index].ty.clone()).collect();
        let gradient = one_or_tuple(types.clone());
        let result = self.result.clone();
        self.result = match request.kind {
            RequestKind::Grad => self.without_value(gradient),
            RequestKind::ValueAndGrad => tuple(vec![result, gradient]),
            RequestKind::Jvp => {
                for (index, ty) in wrt.iter().zip(types) {
                    self.push(tangent_name(&self.names(), *index), ty);
                }
                tuple(vec![result.clone(), result])
            }
            RequestKind::Vjp => {
                self.push(cotangent_name(&self.names()), result.clone());
                tuple(vec![result, gradient])
            }
            RequestKind::Jacobian => self.outer(&result, &types, request)?,
            RequestKind::Hessian => {
                let slope = self.outer(&result, &types, request)?;
                self.outer(&slope, &types, request)?
            }
            RequestKind::Vmap => result,
        };
        Ok(self)
    }

    fn names(&self) -> Vec<&str> {
        self.parameters.iter().map(|parameter| parameter.name.text.as_str()).collect()
    }

    /// For each leaf of a type, the leaves of others with the axes of both.
    fn outer(&self, ty: &Type, others: &[Type], request: &Request) -> Result<Type, Vec<Mistake>> {
        match outer(ty, others) {
            Some(ty) => Ok(ty),
            None if self.caller == Caller::Body => Ok(ty.clone()),
            None => Err(limited(request)),
        }
    }

    /// The gradient, and behind it whatever a tuple holds besides the value.
    fn without_value(&self, gradient: Type) -> Type {
        match &self.result.kind {
            TypeKind::Tuple(parts) if parts.len() > 1 => {
                tuple([vec![gradient], parts[1..].to_vec()].concat())
            }
            _ => gradient,
        }
    }

    fn vectorized(mut self, request: &Request) -> Result<Self, Vec<Mistake>> {
        // Where it is missing, the parser has told so.
        let Some(over) = &request.over else { return Err(Vec::new()) };
        let of = if request.of.is_empty() {
            let is_extent = |parameter: &Parameter| matches!(parameter.ty.kind, TypeKind::Extent);
            (0..self.parameters.len()).filter(|it| !is_extent(&self.parameters[*it])).collect()
        } else {
            self.named(&request.of, request)?
        };
        for index in of {
            let ty = self.parameters[index].ty.clone();
            if let TypeKind::Extent = ty.kind {
                continue;
            }
            self.parameters[index].ty = self.batched(&ty, over, request)?;
        }
        self.result = self.batched(&self.result, over, request)?;
        Ok(self)
    }

    fn batched(&self, ty: &Type, over: &Name, request: &Request) -> Result<Type, Vec<Mistake>> {
        match batched(ty, over) {
            Some(ty) => Ok(ty),
            None if self.caller == Caller::Body => Ok(ty.clone()),
            None => Err(limited(request)),
        }
    }

    /// The positions of the named parameters; without names, the first.
    fn named(&self, names: &[Name], request: &Request) -> Result<Vec<usize>, Vec<Mistake>> {
        let (path, _) = request.function();
        if names.is_empty() {
            if !self.parameters.is_empty() {
                return Ok(vec![0]);
            }
            let message = said(CallMistake::NoParameters { function: path.text() });
            return Err(vec![Mistake { message, span: path.span() }]);
        }
        let known: Vec<&str> =
            self.parameters.iter().map(|parameter| parameter.name.text.as_str()).collect();
        let mut mistakes = Vec::new();
        let mut positions = Vec::new();
        for name in names {
            match known.iter().position(|parameter| *parameter == name.text) {
                Some(position) => positions.push(position),
                None => {
                    let message = said(CallMistake::UnknownParameter {
                        parameter: name.text.clone(),
                        function: path.text(),
                        nearest: nearest(&name.text, known.iter().copied()),
                    });
                    mistakes.push(Mistake { message, span: name.span() });
                }
            }
        }
        if mistakes.is_empty() { Ok(positions) } else { Err(mistakes) }
    }

    fn push(&mut self, text: String, ty: Type) {
        let ident = Ident::new(&text, Span::call_site());
        let name = Name { text, ident };
        self.parameters.push(Parameter { name, ty, mutable: false });
    }
}

fn limited(request: &Request) -> Vec<Mistake> {
    let refusal = Refusal::ContainerInRequest(request.kind.word().to_owned());
    vec![Mistake { message: refusal.message(), span: request.function().0.span() }]
}

fn said(mistake: CallMistake) -> String {
    catalogue::Mistake::from(mistake).message()
}

fn tuple(parts: Vec<Type>) -> Type {
    Type { kind: TypeKind::Tuple(parts), span: Span::call_site() }
}

fn one_or_tuple(mut parts: Vec<Type>) -> Type {
    if parts.len() == 1 { parts.remove(0) } else { tuple(parts) }
}

/// The type with one more axis, first.
fn batched(ty: &Type, over: &Name) -> Option<Type> {
    let axis = Axis { kind: AxisKind::Named(over.clone()), span: over.span() };
    let kind = match &ty.kind {
        TypeKind::Scalar(element) => {
            TypeKind::Tensor { element: element.clone(), axes: vec![axis] }
        }
        TypeKind::Tensor { element, axes } => {
            let axes = [axis].into_iter().chain(axes.iter().cloned()).collect();
            TypeKind::Tensor { element: element.clone(), axes }
        }
        TypeKind::Named { .. } => TypeKind::Mapped(Box::new(ty.clone())),
        // Many keys are an ordinary tensor.
        TypeKind::Key => TypeKind::Tensor { element: Element::U64, axes: vec![axis] },
        TypeKind::Tuple(parts) => {
            TypeKind::Tuple(parts.iter().map(|part| batched(part, over)).collect::<Option<_>>()?)
        }
        TypeKind::Array { item, length } => {
            TypeKind::Array { item: Box::new(batched(item, over)?), length: length.clone() }
        }
        _ => return None,
    };
    Some(Type { kind, span: ty.span })
}

/// For each leaf of one type, the leaves of others with the axes of both; containers have none of their own.
fn outer(ty: &Type, others: &[Type]) -> Option<Type> {
    let parts: Option<Vec<Type>> = match &ty.kind {
        TypeKind::Tuple(parts) => {
            let parts: Option<Vec<Type>> = parts.iter().map(|part| outer(part, others)).collect();
            return Some(tuple(parts?));
        }
        TypeKind::Array { item, length } => {
            let item = Box::new(outer(item, others)?);
            let kind = TypeKind::Array { item, length: length.clone() };
            return Some(Type { kind, span: ty.span });
        }
        _ => others.iter().map(|other| outer_of_leaf(ty, other)).collect(),
    };
    Some(one_or_tuple(parts?))
}

/// The axes of one tensor, then those of each leaf of another type.
fn outer_of_leaf(ty: &Type, other: &Type) -> Option<Type> {
    fn axes(ty: &Type) -> Option<Vec<Axis>> {
        match &ty.kind {
            TypeKind::Scalar(_) => Some(Vec::new()),
            TypeKind::Tensor { axes, .. } => Some(axes.clone()),
            _ => None,
        }
    }
    let kind = match (&other.kind, &ty.kind) {
        (TypeKind::Tuple(parts), _) => {
            let parts = parts.iter().map(|part| outer_of_leaf(ty, part));
            TypeKind::Tuple(parts.collect::<Option<_>>()?)
        }
        (TypeKind::Array { item, length }, _) => {
            TypeKind::Array { item: Box::new(outer_of_leaf(ty, item)?), length: length.clone() }
        }
        (_, TypeKind::Scalar(element) | TypeKind::Tensor { element, .. }) => {
            let (element, axes) = (element.clone(), [axes(ty)?, axes(other)?].concat());
            match axes.is_empty() {
                true => TypeKind::Scalar(element),
                false => TypeKind::Tensor { element, axes },
            }
        }
        _ => return None,
    };
    Some(Type { kind, span: ty.span })
}

/// The name of the tangent of a parameter: its own with `d_` in front, as often as it takes to be a name of its own.
pub(crate) fn tangent_name(names: &[&str], parameter: usize) -> String {
    let mut name = format!("d_{}", names[parameter]);
    while names.contains(&name.as_str()) {
        name.insert_str(0, "d_");
    }
    name
}

/// The name of the cotangent of a result.
pub(crate) fn cotangent_name(names: &[&str]) -> String {
    let mut name = "cotangent".to_owned();
    while names.contains(&name.as_str()) {
        name.insert_str(0, "d_");
    }
    name
}
