//! What stands between `<` and `>` after an item's name.

use super::{Reader, Refusal, name};
use crate::surface::{Bound, ElementParameter, TypeParameter};
use std::collections::BTreeMap;
use syn::{GenericParam, TypeParamBound, WherePredicate};

/// The bound of each parameter that has one, by name.
type Bounds = BTreeMap<String, Bound>;

impl Reader {
    /// Reads the parameters: a bound makes an element type, none makes an axis.
    pub(super) fn parameters(&mut self, generics: &syn::Generics) -> Vec<TypeParameter> {
        let mut parameters = Vec::new();
        let bounds = self.where_bounds(generics);
        for parameter in &generics.params {
            match parameter {
                GenericParam::Lifetime(lifetime) => {
                    self.refuse(&Refusal::Lifetime, lifetime.lifetime.apostrophe);
                }
                GenericParam::Const(constant) => {
                    let refusal = Refusal::ConstParameter(constant.ident.to_string());
                    self.refuse(&refusal, constant.ident.span());
                }
                GenericParam::Type(ty) => parameters.push(self.type_parameter(ty, &bounds)),
            }
        }
        parameters
    }

    fn type_parameter(&mut self, parameter: &syn::TypeParam, bounds: &Bounds) -> TypeParameter {
        let name = name(&parameter.ident);
        if let Some(token) = &parameter.eq_token {
            self.refuse(&Refusal::DefaultParameter, token.span);
        }
        let own = parameter.bounds.iter().filter_map(|bound| self.bound(&name.text, bound)).last();
        let bound = own.or_else(|| bounds.get(&name.text).copied());
        // A bound that was refused still shows that an element type is meant.
        match bound.or((!parameter.bounds.is_empty()).then_some(Bound::Float)) {
            Some(bound) => {
                self.scope.elements.insert(name.text.clone());
                TypeParameter::Element(ElementParameter { name, bound })
            }
            None => TypeParameter::Axis(name),
        }
    }

    fn where_bounds(&mut self, generics: &syn::Generics) -> Bounds {
        let mut bounds = Bounds::new();
        let Some(clause) = &generics.where_clause else { return bounds };
        for predicate in &clause.predicates {
            let WherePredicate::Type(predicate) = predicate else {
                self.refuse(&Refusal::UnknownWhere, clause.where_token.span);
                continue;
            };
            let syn::Type::Path(bounded) = &predicate.bounded_ty else {
                self.refuse(&Refusal::UnknownWhere, predicate.colon_token.span);
                continue;
            };
            let Some(parameter) = bounded.path.get_ident() else {
                self.refuse(&Refusal::UnknownWhere, predicate.colon_token.span);
                continue;
            };
            let parameter = parameter.to_string();
            for bound in &predicate.bounds {
                if let Some(bound) = self.bound(&parameter, bound) {
                    bounds.insert(parameter.clone(), bound);
                }
            }
        }
        bounds
    }

    fn bound(&mut self, parameter: &str, bound: &TypeParamBound) -> Option<Bound> {
        match bound {
            TypeParamBound::Trait(bound) => {
                let word = &bound.path.segments.last()?.ident;
                let known = match word.to_string().as_str() {
                    "Float" => Some(Bound::Float),
                    "Number" => Some(Bound::Number),
                    _ => None,
                };
                if known.is_none() {
                    let bound = word.to_string();
                    self.refuse(
                        &Refusal::UnknownBound { parameter: parameter.to_owned(), bound },
                        word.span(),
                    );
                }
                known
            }
            TypeParamBound::Lifetime(lifetime) => {
                self.refuse(&Refusal::Lifetime, lifetime.apostrophe);
                None
            }
            _ => None,
        }
    }
}
