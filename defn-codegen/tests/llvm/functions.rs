//! Every function on every pair of special values, one lane and many.

use defn_codegen::graph::eval::Value;
use defn_codegen::graph::{Binary, Comparison, Element, Unary};
use defn_codegen::loops::parse;

use super::{check_all, computed};

/// The floats at which functions break.
#[rustfmt::skip]
const FLOATS: &[f64] = &[
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 0.499_999_97, 1.5, -2.5, 3.7, -3.7, 10.0, 88.7, 89.0, -104.0,
    710.0, 1e-5, 8_388_609.0, 4_503_599_627_370_497.0, 1e10, -1e10, 3e38, 1e300, -1e300, 1e-40, 5e-324,
    2.5e-310, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 2_147_483_648.0, -2_147_483_649.0, 9.3e18,
    -9.3e18, 255.0, 256.0, 65_519.0, 65_520.0, 3e-8, 2.981e-8, 6.1e-5, 3.39e38, std::f64::consts::PI,
];

/// The whole numbers at which functions break.
#[rustfmt::skip]
const WHOLES: &[i64] = &[
    0, 1, -1, 2, -2, 7, -13, 31, 32, 63, 64, 65, 255, 256, 100_000, 2_147_483_647,
    -2_147_483_648, i64::MAX, i64::MIN, 16_777_217, 9_007_199_254_740_993,
];

/// The values at which functions break.
fn specials(element: Element) -> Value {
    match element {
        Element::F32 | Element::F64 | Element::F16 | Element::Bf16 => {
            Value::from_f64(element, &[FLOATS.len()], FLOATS)
        }
        Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 => {
            Value::from_i64(element, &[WHOLES.len()], WHOLES)
        }
        Element::Bool => Value::from_i64(element, &[2], &[0, 1]),
    }
}

/// A program of one nest for each function; each writes the results of all pairs, in lanes and one by one.
fn program(element: Element, functions: &[(String, Element)]) -> String {
    let mut text =
        format!("loops f<m, n> workspace 0 {{\n  buffer x: {element}[n] = parameter 0\n");
    for (position, (_, result)) in functions.iter().enumerate() {
        text += &format!("  buffer a{position}: {result}[m, n] = result {}\n", 2 * position);
        text += &format!("  buffer b{position}: {result}[m, n] = result {}\n", 2 * position + 1);
    }
    for (position, (function, result)) in functions.iter().enumerate() {
        let (v, k) = (4 * position, 3 * position);
        text += &format!(
            "  nest {position} {{
    for i{k} in 0..m {{
      for i{} in 0..n lanes 16 {{
        let %{v}: {element} = load x[i{k}]
        let %{}: {element} = load x[i{}]
        store a{position}[(n)*i{k} + i{}] = {}
      }}
      for i{} in 0..n {{
        let %{}: {element} = load x[i{k}]
        let %{}: {element} = load x[i{}]
        let %{}: {result} = {}
        store b{position}[(n)*i{k} + i{}] = %{}
      }}
    }}
  }}\n",
            k + 1,
            v + 1,
            k + 1,
            k + 1,
            function.replace("%x", &format!("%{v}")).replace("%y", &format!("%{}", v + 1)),
            k + 2,
            v + 1000,
            v + 1001,
            k + 2,
            v + 1002,
            function
                .replace("%x", &format!("%{}", v + 1000))
                .replace("%y", &format!("%{}", v + 1001)),
            k + 2,
            v + 1002,
        );
    }
    text + "}\n"
}

/// Of functions of `y` alone one row is enough; others meet every pair.
fn check(element: Element, functions: &[(String, Element)]) {
    let values = specials(element);
    let extent = values.data.len() as i64;
    for some in functions.chunks(6) {
        let text = program(element, some);
        let loops = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let is_binary = some.iter().any(|(function, _)| function.contains("%x"));
        let rows = if is_binary { extent } else { 1 };
        check_all(&loops, &[(vec![rows, extent], vec![values.clone()])]);
    }
}

#[test]
fn unary() {
    for element in computed() {
        let is_defined = |function: &Unary| match function {
            Unary::Not => !element.is_float(),
            Unary::Neg | Unary::Abs | Unary::Sign => *element != Element::Bool,
            _ => element.is_float(),
        };
        let defined = Unary::ALL.iter().filter(|function| is_defined(function));
        let functions: Vec<_> =
            defined.map(|function| (format!("{}(%y)", function.word()), *element)).collect();
        check(*element, &functions);
    }
}

#[test]
fn binary() {
    for element in computed() {
        let is_defined = |function: &Binary| match function {
            Binary::Pow | Binary::Atan2 => element.is_float(),
            Binary::And | Binary::Or | Binary::Xor => !element.is_float(),
            Binary::ShiftLeft | Binary::ShiftRight => element.is_integer(),
            Binary::Max | Binary::Min => true,
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
                *element != Element::Bool
            }
        };
        let defined = Binary::ALL.iter().filter(|function| is_defined(function));
        let mut functions: Vec<_> =
            defined.map(|function| (format!("{}(%x, %y)", function.word()), *element)).collect();
        if *element != Element::Bool {
            functions.push(("fma(%x, %y, %x)".to_owned(), *element));
        }
        check(*element, &functions);
    }
}

#[test]
fn comparisons() {
    for element in computed() {
        let words = Comparison::ALL.iter().map(|comparison| comparison.word());
        let mut functions: Vec<_> =
            words.clone().map(|word| (format!("{word}(%x, %y)"), Element::Bool)).collect();
        let select = |word| format!("select({word}(%x, %y), %y, %x)");
        functions.extend(words.map(|word| (select(word), *element)));
        check(*element, &functions);
    }
}

#[test]
fn conversions() {
    for element in Element::ALL {
        let to = |to: &Element| (format!("convert.{to}(%y)"), *to);
        check(*element, &Element::ALL.iter().map(to).collect::<Vec<_>>());
    }
}
