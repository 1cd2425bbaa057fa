//! `x.window(h, kh = 3, stride = 2, dilation = 1, padding = (1, 1), value = 0.0)`.
//!
//! What follows the new axis is named, in any order, each once.
//! Padding without a value holds zeros; where such a zero could win over what is there, the operation is a mistake.

use super::arguments::Usage;
use super::body::Body;
use crate::surface::{Expr, ExprKind};
use defn_codegen::diagnostic::catalogue::{AxisMistake, CallMistake};
use defn_codegen::graph::{Dim, Element};
use defn_codegen::library::{self, Axis, AxisRef, Slide, Tensor};
use proc_macro2::Span;

/// Arguments that are no axis.
const NAMED: [&str; 4] = ["stride", "dilation", "padding", "value"];

impl Body<'_, '_> {
    /// `x.window(h, kh = 3)`.
    pub(super) fn window(
        &mut self,
        x: &Tensor,
        arguments: &[Expr],
        at: (Usage, Span),
    ) -> Option<library::Result<Tensor>> {
        let (usage, _) = at;
        self.count(arguments, 2..=2 + NAMED.len(), at)?;
        let of = self.axis(&arguments[0], x, usage);
        let new = self.tap_axis(&arguments[1], usage);
        let slide = self.slide(&arguments[2..], x, usage);
        let (of, new, slide): (AxisRef, Axis, Slide) = (of?, new?, slide?);
        let (low, high) = &slide.padding;
        let pads = !(low.is(0) && high.is(0)) && slide.value.is_none();
        let answer = library::window(&mut self.b, x, &of, &new, &slide);
        if let Ok(result) = &answer
            && (pads || self.padded.contains(&x.node))
        {
            self.padded.insert(result.node);
        }
        Some(answer)
    }

    /// `kh = 3`; the words of the other arguments name no axis.
    fn tap_axis(&mut self, argument: &Expr, usage: Usage) -> Option<Axis> {
        if let ExprKind::Named(name, _) = &argument.kind
            && (NAMED.contains(&name.text.as_str()) || name.text == "axis")
        {
            let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
            self.wrong(
                CallMistake::NewAxisExpected { function, form, nearest: None },
                argument.span,
            );
            return None;
        }
        self.made_axis(argument, usage)
    }

    fn slide(&mut self, arguments: &[Expr], x: &Tensor, usage: Usage) -> Option<Slide> {
        let (one, none) = (Dim::from(1), Dim::from(0));
        let padding = (none.clone(), none);
        let mut slide = Slide { stride: one.clone(), dilation: one, padding, value: None };
        let mut given: Vec<&str> = Vec::new();
        let mut complete = true;
        for argument in arguments {
            let ExprKind::Named(name, value) = &argument.kind else {
                let (function, form) = (usage.name.to_owned(), usage.form.to_owned());
                self.wrong(CallMistake::ValueExpected { function, form }, argument.span);
                return None;
            };
            let word = name.text.as_str();
            if given.contains(&word) {
                self.wrong(CallMistake::ArgumentTwice { argument: word.to_owned() }, argument.span);
                return None;
            }
            given.push(word);
            complete &= self.sliding_argument(&mut slide, (word, argument.span), value, (x, usage));
        }
        complete.then_some(slide)
    }

    /// Whether one named argument is right; it then stands in `slide`.
    fn sliding_argument(
        &mut self,
        slide: &mut Slide,
        (word, span): (&str, Span),
        value: &Expr,
        (x, usage): (&Tensor, Usage),
    ) -> bool {
        let found = match word {
            "stride" => self.extent(value).map(|stride| slide.stride = stride),
            "dilation" => self.extent(value).map(|dilation| slide.dilation = dilation),
            "padding" => self.widths(value, usage).map(|padding| slide.padding = padding),
            "value" => self
                .operand(value, x.element(&self.b), usage)
                .map(|value| slide.value = Some(value)),
            _ => {
                let (function, argument) = (usage.name.to_owned(), word.to_owned());
                self.wrong(CallMistake::UnknownArgument { function, argument }, span);
                None
            }
        };
        found.is_some()
    }

    /// A mistake if the operation would take a zero of the padding for an element.
    pub(super) fn sees_padding(&mut self, x: &Tensor, (usage, span): (Usage, Span)) -> Option<()> {
        if !self.padded.contains(&x.node) {
            return Some(());
        }
        let Some(identity) = identity(usage.name, x.element(&self.b)) else { return Some(()) };
        let operation = usage.name.to_owned();
        self.wrong(AxisMistake::PaddedWindow { operation, identity }, span);
        None
    }
}

/// What changes nothing in an operation over an axis, if that is not zero.
fn identity(operation: &str, element: Element) -> Option<String> {
    let natural = matches!(element, Element::U8 | Element::U32 | Element::U64 | Element::Bool);
    let end = |float: &str, whole: &str| {
        let bound = if element.is_float() { float } else { whole };
        Some(format!("{element}::{bound}"))
    };
    match operation {
        "max" | "argmax" if natural => None,
        "max" | "argmax" | "logsumexp" | "softmax" => end("NEG_INFINITY", "MIN"),
        "min" | "argmin" if element == Element::Bool => Some("true".to_owned()),
        "min" | "argmin" => end("INFINITY", "MAX"),
        "product" => Some("1".to_owned()),
        "all" => Some("true".to_owned()),
        _ => None,
    }
}
