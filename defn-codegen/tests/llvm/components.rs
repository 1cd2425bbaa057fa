//! Lanes that walk over small tuples: every component of two to five, in full groups and in tails, read and written.

use defn_codegen::graph::Element;

use super::{for_extents, numbers};

/// Components read in any order, and stored side by side; one more tuple is stored where its neighbours are read between the stores.
fn program(element: Element, step: usize, lanes: usize) -> String {
    let name = element.name();
    let mut body = String::new();
    for position in 0..step {
        let other = (position * 2 + 1) % step;
        body += &format!(
            "      let %{position}: {name} = add(load x[({step})*i0 + {position}], load x[({step})*i0 + {other}])\n"
        );
    }
    for position in (0..step).rev() {
        body += &format!("      store r0[({step})*i0 + {position}] = %{position}\n");
    }
    for position in 0..step {
        let other = (position + 1) % step;
        body += &format!(
            "      store y[({step})*i0 + {position}] = sub(load y[({step})*i0 + {other}], %{position})\n"
        );
    }
    format!(
        "loops f<n> workspace 0 {{
  buffer x: {name}[n, {step}] = parameter 0
  buffer y: {name}[n, {step}] = updated 1
  buffer r0: {name}[n, {step}] = result 0
  nest 0 {{
    for i0 in 0..n lanes {lanes} {{
{body}    }}
  }}
}}
"
    )
}

#[test]
fn all_components() {
    for element in [Element::F32, Element::F64, Element::I32, Element::U8] {
        for (step, lanes) in [(2, 16), (3, 64), (3, 16), (4, 32), (4, 4), (5, 16)] {
            for_extents(&program(element, step, lanes), |n| {
                vec![numbers(element, &[n, step], 3), numbers(element, &[n, step], 11)]
            });
        }
    }
}

#[test]
fn parts_of_tuples() {
    // The second element of what has an odd number of them, and rows of pairs with one element in front.
    let text = "loops f<n> workspace 0 {
  buffer x: f32[2*n + 1] = parameter 0
  buffer y: f32[4, 2*n] = parameter 1
  buffer r0: f32[4, n] = result 0
  nest 0 {
    for i1 in 0..4 parallel {
      for i0 in 0..n lanes 16 {
        let %0: f32 = load x[(2)*i0 + 2]
        let %1: f32 = load y[(2)*i0 + (2*n)*i1 + 1]
        store r0[i0 + (n)*i1] = sub(%0, %1)
      }
    }
  }
}
";
    for_extents(text, |n| {
        vec![numbers(Element::F32, &[2 * n + 1], 0), numbers(Element::F32, &[4, 2 * n], 5)]
    });
}
