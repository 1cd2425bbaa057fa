//! Loops that sort: rows of all lengths around those that fit into registers, in every order that makes dividing hard.

use defn_codegen::graph::Element;
use defn_codegen::graph::eval::Value;
use defn_codegen::loops::parse;

use super::check_all;

/// Sorts all but the first three and the last five, which must stay what they are.
fn program(element: Element) -> String {
    let name = element.name();
    format!(
        "loops f<n> workspace 64*n + 64 {{
  buffer x: {name}[n + 8] = parameter 0
  buffer r0: {name}[n + 8] = result 0
  buffer k: {name}[n + 8] = workspace at 0
  nest 0 {{
    for i0 in 0..n + 8 lanes 16 {{
      store k[i0] = load x[i0]
      store r0[i0] = load x[i0]
    }}
    let %0: i64 = i64(3)
    for i1 in 0..1 sorted {{
      for i2 in 0..min(n + 8, n) {{
        store r0[i2 + (1)*@(%0)] = load k[i2 + 3]
      }}
    }}
  }}
}}
"
    )
}

/// A number in front of, in or behind a row of so many.
fn number(order: usize, place: usize, length: usize) -> i64 {
    let (at, length) = (place as i64, length as i64);
    let random = (place as u64 ^ 0x5851_F42D).wrapping_mul(6_364_136_223_846_793_005);
    let random = (random ^ random >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9).cast_signed();
    // Where the median is looked for.
    let is_looked_at = (0..9).any(|k| {
        let begin = (length - 16).max(0) * k / 8;
        (begin..begin + 16).contains(&(at - 3))
    });
    match order {
        0 => random,
        1 => at,
        2 => -at,
        3 => at.min(length - at),
        4 => at.max(length - at),
        5 => -7,
        6 => random & 1,
        7 => random % 3,
        8 if random % 4 != 0 => i64::MAX,
        9 if random % 4 != 0 => i64::MIN,
        10 if is_looked_at => i64::MIN,
        11 if is_looked_at => i64::MAX,
        // Each number is twice the one before.
        12 => 1_i64.wrapping_shl(place as u32),
        13 => (at % 2) * length + at,
        14 if at == length / 2 => 1,
        14 => 0,
        15 => i64::from(random % 100 == 0),
        16 => random >> (place % 61),
        _ => random,
    }
}

const ORDERS: usize = 18;

#[test]
fn rows_of_all_lengths_in_all_orders() {
    let lengths: Vec<usize> = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128]
        .into_iter()
        .chain([129, 130, 135, 143, 144, 145, 191, 192, 193, 255, 256, 257, 511, 700, 4097])
        .collect();
    for element in [Element::I32, Element::I64] {
        let loops = parse::parse(&program(element)).expect("the program is one");
        let mut cases = Vec::new();
        for length in &lengths {
            for order in 0..ORDERS {
                // Of four bytes the highest count: the greatest and the least stay what they are.
                let bits = |place| {
                    let number = number(order, place, *length);
                    if element == Element::I64 {
                        number.cast_unsigned()
                    } else if matches!(order, 0 | 8..12 | 16..) {
                        number.cast_unsigned() >> 32
                    } else {
                        u64::from(number as u32)
                    }
                };
                let data: Vec<u64> = (0..length + 8).map(bits).collect();
                let value = Value { element, shape: vec![length + 8], data };
                cases.push((vec![*length as i64], vec![value]));
            }
        }
        check_all(&loops, &cases);
    }
}
