//! Surface to program: names, extents and types get their meaning, and every mistake behind the syntax is found.
//!
//! In:  a definition as written, and the definitions that it mentions.
//! Out: [`Resolved`], or every mistake of the definition at its token.
//!
//! ```text
//! fn f(x: Tensor<f32, n>) -> f32          graph f<n>(x: f32[n]) -> f32 {
//! { (x * x).sum(n) }                        %0: f32[n] = mul x, x   …
//! ```
//!
//! An expression that failed is a poisoned value, which silences what depends on it: one mistake, one error.
//! For [`Mode::Check`] a callee is its signature, so that checking a crate is linear in its size;
//! for [`Mode::Emit`] everything that is called stands in the program, each function once for each choice of its elements.
//! Never here: whether something can be compiled fast, how Rust calls it.

mod origins;
mod value;
mod signature;
mod types;
mod scope;
mod body;
mod expr;
mod operators;
mod places;
mod parts;
mod words;
mod bodies;
mod branches;
mod walked;
mod exits;
mod loops;
mod checkpoint;
mod constants;
mod arguments;
mod intrinsics;
mod methods;
mod windows;
mod free;
mod random;
mod calls;
mod binding;
mod lift;
mod requests;
mod derivatives;
mod mapped;
mod hooks;
mod custom;
mod tested;
mod world;

pub(crate) use hooks::{Hook, Hooks};
pub(crate) use origins::{Origins, Place};
pub(crate) use signature::{Leaf, Signature};
pub(crate) use tested::{Tested, tested};

use self::{signature::Elements, types::TypeReader, world::World};
use crate::{
    report::Mistake,
    surface::{
        Bound, Constant, Definition, Element as Word, ElementParameter, Function, Request, Struct,
        TypeAlias,
    },
    text::Callee,
};
use defn_codegen::{graph::Element, program::Program};
use std::rc::Rc;

/// How much is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The definition, and the signatures of what it calls.
    Check,
    /// The definition and all that it reaches.
    Emit,
}

/// A definition without mistakes.
pub(crate) struct Resolved {
    /// One, or one for each choice of the element parameters; the first parameter varies fastest.
    pub(crate) instances: Vec<Instance>,
}

/// One choice of the element parameters.
pub(crate) struct Instance {
    /// What Rust passes and gets.
    pub(crate) signature: Signature,
    /// With [`Mode::Emit`], all that the compiler needs.
    pub(crate) program: Program,
    /// Where the nodes of the entry function come from.
    pub(crate) origins: Origins,
    /// What the host sees and hears of while the code runs.
    pub(crate) hooks: Hooks,
}

/// Resolves a function.
pub(crate) fn resolve(
    function: &Function,
    callees: &[Rc<Callee>],
    mode: Mode,
) -> Result<Resolved, Vec<Mistake>> {
    each_choice(&function.elements, mode, |world, elements| {
        world.entry(function, callees, elements)
    })
}

/// Resolves a request from ordinary Rust.
pub(crate) fn request(
    request: &Request,
    callees: &[Rc<Callee>],
    mode: Mode,
) -> Result<Resolved, Vec<Mistake>> {
    let Some(callee) = callees.get(request.function().1.0) else { return Err(Vec::new()) };
    let elements = callee.definition.elements();
    let elements: Vec<ElementParameter> = elements.into_iter().cloned().collect();
    each_choice(&elements, mode, |world, elements| world.requested(request, callees, elements))
}

/// Finds the mistakes of a container.
pub(crate) fn container(container: &Struct, callees: &[Rc<Callee>]) -> Result<(), Vec<Mistake>> {
    TypeReader::check(
        &container.parameters,
        callees,
        container.fields.iter().map(|field| &field.ty),
    )
}

/// Finds the mistakes of an alias.
pub(crate) fn alias(alias: &TypeAlias, callees: &[Rc<Callee>]) -> Result<(), Vec<Mistake>> {
    TypeReader::check(&alias.parameters, callees, [&alias.ty])
}

/// Finds the mistakes of a constant.
pub(crate) fn constant(constant: &Constant, callees: &[Rc<Callee>]) -> Result<(), Vec<Mistake>> {
    constants::check(constant, callees)
}

/// Resolves once for each choice; the mistakes of the first choice that has some are told, so that none is told twice.
fn each_choice(
    parameters: &[ElementParameter],
    mode: Mode,
    resolve: impl Fn(&mut World, &Elements) -> Result<Signature, Vec<Mistake>>,
) -> Result<Resolved, Vec<Mistake>> {
    let mut instances = Vec::new();
    for elements in choices(parameters) {
        let mut world = World::new(mode);
        let signature = resolve(&mut world, &elements)?;
        let World { program, origins, hooks, .. } = world;
        instances.push(Instance { signature, program, origins, hooks });
    }
    Ok(Resolved { instances })
}

/// All choices of element types, the first parameter varying fastest.
fn choices(parameters: &[ElementParameter]) -> Vec<Elements> {
    let mut choices = vec![Elements::new()];
    for parameter in parameters {
        choices = allowed(parameter.bound)
            .iter()
            .flat_map(|element| {
                choices.iter().cloned().map(|mut choice: Elements| {
                    choice.insert(parameter.name.text.clone(), *element);
                    choice
                })
            })
            .collect();
    }
    choices
}

/// What a bound allows, in the order of the runtime's numbers.
fn allowed(bound: Bound) -> &'static [Element] {
    match bound {
        Bound::Float => &[Element::F32, Element::F64],
        Bound::Number => &[
            Element::F32,
            Element::F64,
            Element::I32,
            Element::I64,
            Element::U8,
            Element::U32,
            Element::U64,
        ],
    }
}

/// The element type that a word stands for; none for those that cannot be compiled.
fn resolved_element(word: &Word, elements: &Elements) -> Option<Element> {
    match word {
        Word::F64 => Some(Element::F64),
        Word::F32 => Some(Element::F32),
        Word::I32 => Some(Element::I32),
        Word::I64 => Some(Element::I64),
        Word::U8 => Some(Element::U8),
        Word::U32 => Some(Element::U32),
        Word::U64 => Some(Element::U64),
        Word::Bool => Some(Element::Bool),
        Word::Parameter(name) => elements.get(name).copied(),
        Word::F16 => Some(Element::F16),
        Word::Bf16 => Some(Element::Bf16),
        Word::I8 | Word::I16 | Word::U16 | Word::C64 | Word::C128 => None,
    }
}

/// What a definition is, in a sentence.
fn kind_word(definition: &Definition) -> &'static str {
    match definition {
        Definition::Function(_) => "a function",
        Definition::Struct(_) => "a container",
        Definition::Constant(_) => "a constant",
        Definition::Alias(_) => "a type alias",
    }
}
