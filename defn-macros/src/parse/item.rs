//! Items: functions, containers, constants and aliases.

use super::{
    Declaration, Reader, Refusal,
    block::item_word,
    name,
    words::{is_intrinsic, is_reserved},
};
use crate::surface::{Constant, Definition, Field, Name, Options, Struct, TypeAlias};
use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::{Fields, Visibility};

impl Reader {
    /// Reads an item; `None` if it is none of ours.
    pub(super) fn item(
        &mut self,
        item: syn::Item,
        options: TokenStream,
    ) -> Option<(Definition, Declaration)> {
        let is_function = matches!(item, syn::Item::Fn(_));
        if let syn::Item::Fn(function) = &item {
            // A rule cannot be the function itself.
            self.scope.own = name(&function.sig.ident).text;
        }
        let options = self.options(options, is_function);
        match item {
            syn::Item::Fn(function) => Some(self.function(function, options)),
            syn::Item::Struct(container) => self.container(container, options),
            syn::Item::Const(constant) => Some(self.constant(constant, options)),
            syn::Item::Type(alias) => Some(self.alias(alias, options)),
            syn::Item::Enum(other) => self.not_a_struct("an enum", other.enum_token.span),
            syn::Item::Union(other) => self.not_a_struct("a union", other.union_token.span),
            other => {
                let (word, span) = item_word(&other);
                self.refuse(&Refusal::OtherItem(word.to_owned()), span);
                None
            }
        }
    }

    fn not_a_struct<T>(&mut self, word: &str, span: Span) -> Option<T> {
        self.refuse(&Refusal::NotAStruct(word.to_owned()), span);
        None
    }

    /// Notes the item's own name, and refuses words that mean something else (R17).
    pub(super) fn own_name(&mut self, ident: &Ident) -> Name {
        let name = name(ident);
        if is_reserved(&name.text) {
            let what =
                if is_intrinsic(&name.text) { "a function of the language" } else { "a macro" };
            let refusal = Refusal::ReservedName { name: name.text.clone(), what };
            self.refuse(&refusal, ident.span());
        }
        self.scope.own.clone_from(&name.text);
        name
    }

    fn container(
        &mut self,
        item: syn::ItemStruct,
        options: Options,
    ) -> Option<(Definition, Declaration)> {
        let own = self.own_name(&item.ident);
        let parameters = self.parameters(&item.generics);
        let Fields::Named(named) = item.fields else {
            self.refuse(&Refusal::FieldsWithoutNames(own.text), item.ident.span());
            return None;
        };
        let mut declaration =
            declaration(item.attrs, &item.vis, Ident::new("struct", item.struct_token.span));
        declaration.braces = named.brace_token.span.join();
        let mut fields = Vec::new();
        for field in named.named {
            let ident = field.ident.as_ref().expect("a named field has a name");
            fields.push(Field { name: name(ident), ty: self.ty(&field.ty) });
            declaration.fields.push((field.attrs, field.vis.into_token_stream()));
        }
        let callees = std::mem::take(&mut self.scope.callees);
        Some((
            Definition::Struct(Struct { name: own, parameters, fields, callees, options }),
            declaration,
        ))
    }

    fn constant(&mut self, item: syn::ItemConst, options: Options) -> (Definition, Declaration) {
        let own = self.own_name(&item.ident);
        self.parameters(&item.generics);
        let ty = self.ty(&item.ty);
        let value = self.expr(&item.expr);
        let mut declaration =
            declaration(item.attrs, &item.vis, Ident::new("const", item.const_token.span));
        declaration.value = item.expr.to_token_stream();
        let callees = std::mem::take(&mut self.scope.callees);
        (Definition::Constant(Constant { name: own, ty, value, callees, options }), declaration)
    }

    fn alias(&mut self, item: syn::ItemType, options: Options) -> (Definition, Declaration) {
        let own = self.own_name(&item.ident);
        let parameters = self.parameters(&item.generics);
        let ty = self.ty(&item.ty);
        let declaration =
            declaration(item.attrs, &item.vis, Ident::new("type", item.type_token.span));
        let callees = std::mem::take(&mut self.scope.callees);
        (Definition::Alias(TypeAlias { name: own, parameters, ty, callees, options }), declaration)
    }
}

/// What all items have around them.
pub(super) fn declaration(
    attributes: Vec<syn::Attribute>,
    visibility: &Visibility,
    keyword: Ident,
) -> Declaration {
    Declaration {
        attributes,
        visibility: visibility.to_token_stream(),
        is_public: matches!(visibility, Visibility::Public(_)),
        braces: keyword.span(),
        keyword,
        fields: Vec::new(),
        value: TokenStream::new(),
        receiver: None,
    }
}
