//! Long bodies whose groups of lanes go two or four at a time: extents around one, two and more groups, with folds, whose order must stay.

use defn_codegen::graph::Element;
use defn_codegen::graph::eval::Value;

use super::check_all;

/// A sweep that stores and folds what a function makes in three ways, with as many lanes as two registers of AVX-512 hold, and a sweep of tasks.
fn program(element: Element, function: &str) -> String {
    let (name, lanes) = (element.name(), 128 / element.size());
    let zero = format!("{name}(0.0)");
    format!(
        "loops f<n> workspace 0 {{
  buffer x: {name}[n] = parameter 0
  buffer r0: {name}[n] = result 0
  buffer r1: {name}[3] = result 1
  buffer r2: {name}[n] = result 2
  nest 0 {{
    var $0: {name} lanes {lanes} = {zero}
    var $1: {name} lanes {lanes} = {name}(-inf)
    var $2: {name} lanes {lanes} = {zero}
    for i0 in 0..n lanes {lanes} {{
      let %0: {name} = load x[i0]
      let %1: {name} = exp({function}(%0))
      store r0[i0] = %1
      $0 = add($0, %1)
      $1 = max($1, %1)
      $2 = fma(%1, {name}(0.1), $2)
    }}
    store r1[0] = combine.add $0
    store r1[1] = combine.max $1
    store r1[2] = combine.add $2
  }}
  nest 1 tasks 100 {{
    for i1 in 0..n lanes {lanes} {{
      let %2: {name} = load x[(-1)*i1 + n - 1]
      let %3: {name} = tanh(expm1(%2))
      let %4: {name} = convert.{name}(pos(i1))
      store r2[i1] = mul(%3, %4)
    }}
  }}
}}
"
    )
}

#[test]
fn extents_around_groups() {
    // Two groups where a function of `f32` is computed in `f64`, four where it is not.
    let cases = [(Element::F32, "sin"), (Element::F32, "tanh"), (Element::F64, "sin")];
    for (element, function) in cases {
        let group = 128 / element.size();
        let extents = [0, 1, group, group + 1, 2 * group, 4 * group, 5 * group - 1, 11 * group + 3];
        let case = |extent: &usize| {
            let numbers: Vec<f64> =
                (0..*extent).map(|i| (i * 37 % 101) as f64 / 50.0 - 1.0).collect();
            (vec![*extent as i64], vec![Value::from_f64(element, &[*extent], &numbers)])
        };
        let cases: Vec<_> = extents.iter().map(case).collect();
        let loops = defn_codegen::loops::parse::parse(&program(element, function));
        check_all(&loops.unwrap_or_else(|error| panic!("{error}")), &cases);
    }
}
