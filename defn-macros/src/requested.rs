//! The signature that a request has, from the signature of its target.
//!
//! ```text
//! loss(p: Mlp, x: Tensor<f32, batch, pixel>) -> f32
//! grad!(loss)(p, x) -> Mlp          value_and_grad!(loss)(p, x) -> (f32, Mlp)
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
}

impl Requested {
    /// The signature of a request on this function.
    pub(crate) fn of(request: &Request, function: &Function) -> Result<Self, Vec<Mistake>> {
        let inner = match &request.target {
            RequestTarget::Function(..) => {
                Self { parameters: function.parameters.clone(), result: function.result.clone() }
            }
            RequestTarget::Request(inner) => Self::of(inner, function)?,
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
                for (number, ty) in types.into_iter().enumerate() {
                    self.push(&format!("tangent_{number}"), ty);
                }
                tuple(vec![result.clone(), result])
            }
            RequestKind::Vjp => {
                self.push("cotangent", result.clone());
                tuple(vec![result, gradient])
            }
            RequestKind::Jacobian => {
                let parts: Option<Vec<Type>> =
                    types.iter().map(|ty| outer(&result, &[ty])).collect();
                one_or_tuple(parts.ok_or_else(|| limited(request))?)
            }
            RequestKind::Hessian | RequestKind::Vmap => {
                let [ty] = types.as_slice() else { return Err(limited(request)) };
                outer(&result, &[ty, ty]).ok_or_else(|| limited(request))?
            }
        };
        Ok(self)
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
            let ty = &mut self.parameters[index].ty;
            if let TypeKind::Extent = ty.kind {
                continue;
            }
            *ty = batched(ty, over).ok_or_else(|| limited(request))?;
        }
        self.result = batched(&self.result, over).ok_or_else(|| limited(request))?;
        Ok(self)
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

    fn push(&mut self, name: &str, ty: Type) {
        let ident = Ident::new(name, Span::call_site());
        let name = Name { text: name.to_owned(), ident };
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

/// The axes of one type followed by those of others; containers have none of their own.
fn outer(ty: &Type, others: &[&Type]) -> Option<Type> {
    fn axes(ty: &Type) -> Option<Vec<Axis>> {
        match &ty.kind {
            TypeKind::Scalar(_) => Some(Vec::new()),
            TypeKind::Tensor { axes, .. } => Some(axes.clone()),
            _ => None,
        }
    }
    let element = match &ty.kind {
        TypeKind::Scalar(element) | TypeKind::Tensor { element, .. } => element.clone(),
        _ => return None,
    };
    let mut all = axes(ty)?;
    for other in others {
        all.extend(axes(other)?);
    }
    let kind = if all.is_empty() {
        TypeKind::Scalar(element)
    } else {
        TypeKind::Tensor { element, axes: all }
    };
    Some(Type { kind, span: ty.span })
}
