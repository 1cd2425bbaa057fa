//! Constants: of the language and of std (R16).

use super::body::Body;
use super::types::{Declare, Env, TypeReader};
use super::value::Value;
use super::world::World;
use super::{Mode, signature::Elements};
use crate::report::Mistake;
use crate::surface::{CalleeId, Constant, Definition, Path};
use crate::text::Callee;
use defn_codegen::diagnostic::catalogue::{CallMistake, Limit, NameMistake};
use defn_codegen::graph::Element;
use defn_codegen::graph::build::Builder;
use defn_codegen::library::Tensor;
use std::rc::Rc;

/// The mistakes of a constant on its own.
pub(super) fn check(constant: &Constant, callees: &[Rc<Callee>]) -> Result<(), Vec<Mistake>> {
    let mut world = World::new(Mode::Check);
    let env = Env::new(&Elements::new(), callees);
    let mut body = Body::new(&mut world, Builder::new(&constant.name.text), env, Vec::new());
    body.defined(constant);
    let (_, mistakes) = body.finish();
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// Constants of `std::f32::consts`, which exist for both float types.
const MATHEMATICAL: [(&str, f64); 19] = [
    ("PI", std::f64::consts::PI),
    ("TAU", std::f64::consts::TAU),
    ("E", std::f64::consts::E),
    ("SQRT_2", std::f64::consts::SQRT_2),
    ("LN_2", std::f64::consts::LN_2),
    ("LN_10", std::f64::consts::LN_10),
    ("LOG2_E", std::f64::consts::LOG2_E),
    ("LOG10_E", std::f64::consts::LOG10_E),
    ("LOG2_10", std::f64::consts::LOG2_10),
    ("LOG10_2", std::f64::consts::LOG10_2),
    ("FRAC_PI_2", std::f64::consts::FRAC_PI_2),
    ("FRAC_PI_3", std::f64::consts::FRAC_PI_3),
    ("FRAC_PI_4", std::f64::consts::FRAC_PI_4),
    ("FRAC_PI_6", std::f64::consts::FRAC_PI_6),
    ("FRAC_PI_8", std::f64::consts::FRAC_PI_8),
    ("FRAC_1_PI", std::f64::consts::FRAC_1_PI),
    ("FRAC_2_PI", std::f64::consts::FRAC_2_PI),
    ("FRAC_1_SQRT_2", std::f64::consts::FRAC_1_SQRT_2),
    ("FRAC_2_SQRT_PI", std::f64::consts::FRAC_2_SQRT_PI),
];

impl<'e> Body<'_, 'e> {
    /// `EPS`.
    pub(super) fn constant(&mut self, path: &Path, callee: CalleeId) -> Value {
        let Some(callee) = self.env.callees.get(callee.0) else { return Value::Poison };
        let callee = Rc::clone(callee);
        let Definition::Constant(constant) = &callee.definition else {
            let kind = super::kind_word(&callee.definition).to_owned();
            return self.wrong(CallMistake::NotAConstant { name: path.text(), kind }, path.span());
        };
        let env = Env::new(&Elements::new(), &callee.callees);
        let env = env.blaming(Some(self.env.blamed(path.span())));
        let (b, scope) = (std::mem::take(&mut self.b), std::mem::take(&mut self.scope));
        let mut inner = Body::new(self.world, b, env, Vec::new());
        let value = inner.defined(constant);
        // Its own mistakes are told where it is defined.
        let (b, _) = inner.finish();
        self.b = b;
        self.scope = scope;
        value
    }

    /// The value of a constant, with its type.
    fn defined(&mut self, constant: &Constant) -> Value {
        let value = self.expr(&constant.value);
        let mut reader = TypeReader::new(&mut self.b, Declare::Nothing);
        let tree = reader.read(&constant.ty, &self.env);
        let mistakes = std::mem::take(&mut reader.mistakes);
        self.told_elsewhere(mistakes);
        let Some(tree) = tree else { return Value::Poison };
        let value = self.expected(value, &tree, "the constant", constant.value.span);
        match value {
            Some(value @ Value::Tensor(_)) => value,
            Some(_) => self.wrong(Limit::ConstantType, constant.ty.span),
            None => Value::Poison,
        }
    }

    /// `f32::MAX`, `std::f32::consts::PI`.
    pub(super) fn std_constant(&mut self, path: &Path) -> Value {
        let words: Vec<String> = path.segments.iter().map(ToString::to_string).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let words = match words.as_slice() {
            ["std" | "core", rest @ ..] => rest,
            all => all,
        };
        let scalar = match words {
            [element, "consts", name] | [element, name] => {
                let is_mathematical = words.len() == 3;
                Element::from_name(element).and_then(|element| {
                    let value = if is_mathematical {
                        mathematical(element, name)
                    } else {
                        limit(element, name)
                    };
                    value.map(|value| value_of(self, element, value))
                })
            }
            _ => None,
        };
        match scalar {
            Some(tensor) => Value::Tensor(tensor),
            None => self.wrong(NameMistake::UnknownConstant { path: path.text() }, path.span()),
        }
    }
}

/// A number that is exact in its type.
enum Number {
    Float(f64),
    Integer(i64),
}

fn value_of(body: &mut Body<'_, '_>, element: Element, number: Number) -> Tensor {
    let scalar = match number {
        Number::Float(value) => defn_codegen::graph::Scalar::from_f64(element, value),
        Number::Integer(value) => defn_codegen::graph::Scalar::from_i64(element, value),
    };
    Tensor::scalar(body.b.constant(scalar))
}

fn mathematical(element: Element, name: &str) -> Option<Number> {
    let (_, value) = MATHEMATICAL.iter().find(|(own, _)| *own == name)?;
    element.is_float().then_some(Number::Float(*value))
}

fn limit(element: Element, name: &str) -> Option<Number> {
    use Number::{Float, Integer};
    Some(match (element, name) {
        (Element::F32, "MAX") => Float(f64::from(f32::MAX)),
        (Element::F32, "MIN") => Float(f64::from(f32::MIN)),
        (Element::F32, "EPSILON") => Float(f64::from(f32::EPSILON)),
        (Element::F32, "MIN_POSITIVE") => Float(f64::from(f32::MIN_POSITIVE)),
        (Element::F64, "MAX") => Float(f64::MAX),
        (Element::F64, "MIN") => Float(f64::MIN),
        (Element::F64, "EPSILON") => Float(f64::EPSILON),
        (Element::F64, "MIN_POSITIVE") => Float(f64::MIN_POSITIVE),
        (Element::F16, "MAX") => Float(65_504.0),
        (Element::F16, "MIN") => Float(-65_504.0),
        (Element::F16, "EPSILON") => Float(2f64.powi(-10)),
        (Element::F16, "MIN_POSITIVE") => Float(2f64.powi(-14)),
        (Element::Bf16, "MAX") => Float(255.0 * 2f64.powi(120)),
        (Element::Bf16, "MIN") => Float(-255.0 * 2f64.powi(120)),
        (Element::Bf16, "EPSILON") => Float(2f64.powi(-7)),
        (Element::Bf16, "MIN_POSITIVE") => Float(f64::from(f32::MIN_POSITIVE)),
        (_, "INFINITY") if element.is_float() => Float(f64::INFINITY),
        (_, "NEG_INFINITY") if element.is_float() => Float(f64::NEG_INFINITY),
        (_, "NAN") if element.is_float() => Float(f64::NAN),
        (Element::I32, "MAX") => Integer(i64::from(i32::MAX)),
        (Element::I32, "MIN") => Integer(i64::from(i32::MIN)),
        (Element::I64, "MAX") => Integer(i64::MAX),
        (Element::I64, "MIN") => Integer(i64::MIN),
        (Element::U8, "MAX") => Integer(255),
        (Element::U32, "MAX") => Integer(i64::from(u32::MAX)),
        // The same 64 bits.
        (Element::U64, "MAX") => Integer(-1),
        (Element::U8 | Element::U32 | Element::U64, "MIN") => Integer(0),
        _ => return None,
    })
}
