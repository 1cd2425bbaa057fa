//! Loads of neighbours by lanes that are far apart: runs of any length with gaps, in any order, and steps of either sign.

use defn_codegen::graph::Element;

use super::{check, for_extents, numbers};

/// Every lane loads `run` neighbours of its `step` elements, from the last to the first, and two behind a gap; one of what is updated
/// is loaded again where its neighbours have been stored.
fn program(element: Element, (step, run): (usize, usize), lanes: usize) -> String {
    let name = element.name();
    let (mut loads, mut sums) = (String::new(), String::new());
    let places: Vec<usize> = (0..run).rev().chain(step - 2..step).collect();
    for (value, place) in places.iter().enumerate() {
        loads += &format!("      let %{value}: {name} = load x[({step})*i0 + {place}]\n");
        loads += &format!(
            "      let %{}: {name} = load x[(-{step})*i0 + {step}*n + {place} - {step}]\n",
            100 + value
        );
        sums += &format!("      store r0[i0 + {value}*n] = sub(%{value}, %{})\n", 100 + value);
    }
    let count = places.len();
    format!(
        "loops f<n> workspace 0 {{
  buffer x: {name}[n, {step}] = parameter 0
  buffer y: {name}[n, {step}] = updated 1
  buffer r0: {name}[{count}, n] = result 0
  nest 0 {{
    for i0 in 0..n lanes {lanes} {{
{loads}{sums}      let %200: {name} = load y[({step})*i0]
      let %201: {name} = load y[({step})*i0 + 1]
      let %202: {name} = load y[({step})*i0 + 2]
      store y[({step})*i0 + 3] = add(%200, %202)
      let %203: {name} = load y[({step})*i0 + 3]
      store y[({step})*i0 + 4] = sub(%203, %201)
    }}
  }}
}}
"
    )
}

#[test]
fn runs_of_any_length() {
    for element in [Element::F32, Element::F64, Element::I32, Element::U8] {
        for (step, run, lanes) in
            [(5, 5, 16), (6, 3, 8), (7, 4, 64), (9, 6, 16), (12, 9, 4), (16, 13, 32), (36, 34, 16)]
        {
            for_extents(&program(element, (step, run), lanes), |n| {
                vec![numbers(element, &[n, step], 3), numbers(element, &[n, step], 11)]
            });
        }
    }
}

/// Where one row of nine is left for eight lanes, no register may have that row eight times: LLVM made wrong code of such a chain.
#[test]
fn one_lane_that_is_left() {
    let shapes: [&[usize]; 6] =
        [&[9, 3, 5], &[9, 3, 5], &[9, 3, 5], &[2, 9, 3, 5], &[9, 3, 5], &[]];
    let parameters = (1..).zip(shapes).map(|(seed, shape)| numbers(Element::F64, shape, seed));
    check(include_str!("../programs/one_lane_left.loops"), &[], &parameters.collect::<Vec<_>>());
}
