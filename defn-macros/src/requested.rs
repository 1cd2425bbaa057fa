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
    report::Mistake,
    surface::{
        Axis, AxisKind, Element, Function, MoreAxes, Name, Parameter, Request, RequestKind,
        RequestTarget, Type, TypeKind,
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
                let (parameters, result) = (function.parameters.clone(), function.result.clone());
                Self { parameters, result }
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
                for (index, ty) in wrt.iter().zip(types) {
                    self.push(tangent_name(&self.names(), *index), ty);
                }
                tuple(vec![result.clone(), result])
            }
            RequestKind::Vjp => {
                self.push(cotangent_name(&self.names()), result.clone());
                tuple(vec![result, gradient])
            }
            RequestKind::Jacobian => outer(&result, &types),
            RequestKind::Hessian => outer(&gradient, &types),
            RequestKind::Vmap => result,
        };
        Ok(self)
    }

    fn names(&self) -> Vec<&str> {
        self.parameters.iter().map(|parameter| parameter.name.text.as_str()).collect()
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
            self.parameters[index].ty = batched(&ty, over);
        }
        self.result = batched(&self.result, over);
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

    fn push(&mut self, text: String, ty: Type) {
        let ident = Ident::new(&text, Span::call_site());
        let name = Name { text, ident };
        self.parameters.push(Parameter { name, ty, mutable: false });
    }
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
fn batched(ty: &Type, over: &Name) -> Type {
    let axis = Axis { kind: AxisKind::Named(over.clone()), span: over.span() };
    let kind = match &ty.kind {
        TypeKind::Scalar(element) => {
            TypeKind::Tensor { element: element.clone(), axes: vec![axis] }
        }
        TypeKind::Tensor { element, axes } => {
            let axes = [axis].into_iter().chain(axes.iter().cloned()).collect();
            TypeKind::Tensor { element: element.clone(), axes }
        }
        TypeKind::Named { .. } | TypeKind::With(..) => {
            TypeKind::With(Box::new(ty.clone()), MoreAxes::One)
        }
        // Many keys are an ordinary tensor.
        TypeKind::Key => TypeKind::Tensor { element: Element::U64, axes: vec![axis] },
        TypeKind::Tuple(parts) => {
            TypeKind::Tuple(parts.iter().map(|part| batched(part, over)).collect())
        }
        TypeKind::Array { item, length } => {
            TypeKind::Array { item: Box::new(batched(item, over)), length: length.clone() }
        }
        TypeKind::Extent | TypeKind::Refused(_) => ty.kind.clone(),
    };
    Type { kind, span: ty.span }
}

/// For each leaf of one type, the leaves of others with the axes of both.
fn outer(ty: &Type, others: &[Type]) -> Type {
    let of_leaf = |axes: &[Axis], element: &Element| {
        let parts = others.iter().map(|other| outer_of_leaf(element, axes, other));
        one_or_tuple(parts.collect()).kind
    };
    let kind = match &ty.kind {
        TypeKind::Scalar(element) => of_leaf(&[], element),
        TypeKind::Tensor { element, axes } => of_leaf(axes, element),
        TypeKind::Named { .. } | TypeKind::With(..) => {
            let each = Box::new(one_or_tuple(others.to_vec()));
            TypeKind::With(Box::new(ty.clone()), MoreAxes::Each(each))
        }
        TypeKind::Tuple(parts) => {
            TypeKind::Tuple(parts.iter().map(|part| outer(part, others)).collect())
        }
        TypeKind::Array { item, length } => {
            TypeKind::Array { item: Box::new(outer(item, others)), length: length.clone() }
        }
        // What has no derivatives is refused once all types are known.
        TypeKind::Extent | TypeKind::Key | TypeKind::Refused(_) => ty.kind.clone(),
    };
    Type { kind, span: ty.span }
}

/// The axes of one tensor, then those of each leaf of another type.
fn outer_of_leaf(element: &Element, axes: &[Axis], other: &Type) -> Type {
    let element = element.clone();
    let with = |behind: &[Axis], element: Element| match axes.len() + behind.len() {
        0 => TypeKind::Scalar(element),
        _ => TypeKind::Tensor { element, axes: [axes, behind].concat() },
    };
    let kind = match &other.kind {
        TypeKind::Scalar(_) => with(&[], element),
        TypeKind::Tensor { axes: behind, .. } => with(behind, element),
        TypeKind::Named { .. } | TypeKind::With(..) => {
            TypeKind::With(Box::new(other.clone()), MoreAxes::Of(element, axes.len()))
        }
        TypeKind::Tuple(parts) => {
            let parts = parts.iter().map(|part| outer_of_leaf(&element, axes, part));
            TypeKind::Tuple(parts.collect())
        }
        TypeKind::Array { item, length } => {
            let item = Box::new(outer_of_leaf(&element, axes, item));
            TypeKind::Array { item, length: length.clone() }
        }
        // What has no derivatives is refused once all types are known.
        TypeKind::Extent | TypeKind::Key | TypeKind::Refused(_) => other.kind.clone(),
    };
    Type { kind, span: other.span }
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
