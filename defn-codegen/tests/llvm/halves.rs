//! Floats of 16 bits: every one of them, and numbers around every one and around the ties between them.

use defn_codegen::graph::eval::Value;
use defn_codegen::graph::{Element, Scalar};
use defn_codegen::loops::parse;

use super::{check_all, for_extents};

const HALVES: [Element; 2] = [Element::F16, Element::Bf16];

/// Converts `n` elements, in lanes and one by one.
fn converts(from: Element, to: Element, values: Value) {
    let text = format!(
        "loops f<n> workspace 0 {{
  buffer x: {from}[n] = parameter 0
  buffer r0: {to}[n] = result 0
  buffer r1: {to}[n] = result 1
  nest 0 {{
    for i0 in 0..n lanes 16 {{
      store r0[i0] = convert.{to}(load x[i0])
    }}
    for i1 in 0..n {{
      store r1[i1] = convert.{to}(load x[i1])
    }}
  }}
}}"
    );
    let loops = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    check_all(&loops, &[(vec![values.data.len() as i64], vec![values])]);
}

/// Every value of a type of 16 bits.
fn all(element: Element) -> Value {
    let bits: Vec<u64> = (0..=u64::from(u16::MAX)).collect();
    Value::from_bits(element, &[bits.len()], bits)
}

#[test]
fn every_value_becomes_what_the_evaluator_says() {
    for from in HALVES {
        for to in Element::ALL {
            converts(from, *to, all(from));
        }
    }
}

#[test]
fn numbers_around_every_value_and_every_tie_are_rounded_once() {
    for half in HALVES {
        let value = |bits: u64| Scalar { element: half, bits }.to_f64();
        let mut numbers = Vec::new();
        for bits in 0..0x7fff_u64 {
            let middle = 0.5 * (value(bits) + value(bits + 1));
            for number in [value(bits), middle] {
                numbers.extend([number.next_down(), number, number.next_up()]);
                numbers.extend([-number.next_down(), -number, -number.next_up()]);
            }
        }
        converts(Element::F64, half, Value::from_f64(Element::F64, &[numbers.len()], &numbers));
        let single: Vec<f64> = numbers
            .iter()
            .map(|number| *number as f32)
            .flat_map(|number| [number.next_down(), number, number.next_up()])
            .map(f64::from)
            .collect();
        converts(Element::F32, half, Value::from_f64(Element::F32, &[single.len()], &single));
        let whole: Vec<i64> = (0..63)
            .flat_map(|shift| {
                [0x80, 0x81, 0x101, 0x103, 0x401, 0x801, 0x803].map(|top| (top, shift))
            })
            .map(|(top, shift): (i64, u32)| top.wrapping_shl(shift))
            .flat_map(|tie| [-1, 0, 1].map(|by| tie.wrapping_add(by)))
            .flat_map(|number| [number, number.wrapping_neg()])
            .collect();
        for from in [Element::I64, Element::U64, Element::I32, Element::U32, Element::U8] {
            converts(from, half, Value::from_i64(from, &[whole.len()], &whole));
        }
    }
}

#[test]
fn they_are_chosen_and_moved_as_they_are() {
    for half in HALVES {
        let text = format!(
            "loops f<n> workspace 0 {{
  buffer x: {half}[n] = parameter 0
  buffer y: {half}[n] = updated 1
  buffer r0: {half}[n] = result 0
  nest 0 {{
    var $0: {half} = {half}(1.5)
    for i0 in 0..n lanes 16 {{
      let %0: {half} = shift.1(load x[i0], {half}(inf))
      store r0[(-1)*i0 + n - 1] = select(lt(convert.f32(load y[i0]), f32(0.0)), %0, {half}(-2.0))
    }}
    for i1 in 0..n {{
      store y[i1] = $0
      $0 = load x[i1]
    }}
  }}
}}"
        );
        for_extents(&text, |n| vec![super::numbers(half, &[n], 0), super::numbers(half, &[n], 5)]);
    }
}
