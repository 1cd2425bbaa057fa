//! Stores of neighbours by lanes that are far apart: several of them, steps of either sign, and steps so short that they overlap.

use defn_codegen::graph::Element;

use super::{check, numbers};

/// So many neighbours for each lane, and behind a gap one more.
fn program(element: Element, neighbours: usize, lanes: usize) -> String {
    let name = element.name();
    let (mut values, mut stores) = (String::new(), String::new());
    for position in 0..neighbours {
        let row = if position == 0 { String::new() } else { format!(" + {position}*n") };
        values += &format!("      let %{position}: {name} = load x[i0{row}]\n");
        stores += &format!("      store r0[(m)*i0 + {position}] = %{position}\n");
    }
    format!(
        "loops f<n, m> workspace 0 {{
  buffer x: {name}[8, n] = parameter 0
  buffer r0: {name}[n, m] = result 0
  nest 0 {{
    for i2 in 0..n*m lanes 16 {{
      store r0[i2] = load x[0]
    }}
  }}
  nest 1 {{
    for i0 in 0..n lanes {lanes} {{
{values}{stores}      store r0[(m)*i0 + 9] = %0
    }}
  }}
}}
"
    )
}

#[test]
fn neighbours() {
    for element in [Element::F32, Element::F64, Element::I32] {
        for (neighbours, lanes) in
            [(2, 16), (3, 64), (4, 8), (5, 4), (6, 64), (7, 16), (8, 2), (8, 32)]
        {
            let text = program(element, neighbours, lanes);
            for n in [1, 3, 16, 33, 64, 70] {
                check(&text, &[n, 10], &[numbers(element, &[8, n as usize], 3)]);
            }
        }
    }
}

#[test]
fn steps_of_any_length() {
    // Rows of `m` elements, from the last one to the first: where three elements of a lane lie on those of others, the last store stays.
    let text = "loops f<n, m> workspace 0 {
  buffer x: f32[3, n] = parameter 0
  buffer r0: f32[n*m + 3] = result 0
  nest 0 {
    for i2 in 0..n*m + 3 lanes 16 {
      store r0[i2] = f32(0.0)
    }
  }
  nest 1 {
    for i0 in 0..n lanes 16 {
      let %0: f32 = load x[i0]
      let %1: f32 = load x[i0 + n]
      let %2: f32 = load x[i0 + 2*n]
      store r0[(-m)*i0 + n*m - m] = %0
      store r0[(-m)*i0 + n*m - m + 1] = %1
      store r0[(-m)*i0 + n*m - m + 2] = %2
    }
  }
}
";
    for n in [1, 2, 15, 16, 17, 40] {
        for m in [0, 1, 2, 3, 4, 9] {
            check(text, &[n, m], &[numbers(Element::F32, &[3, n as usize], 1)]);
        }
    }
}
