//! Long bodies that are one chain, whose groups are one register and go several at a time: extents around one, two and more groups of groups,
//! and functions that take some of them at a time.

use defn_codegen::graph::Element;
use defn_codegen::graph::eval::Value;

use super::check_all;

/// Words that are turned and added as random numbers are, and what functions make of them, with as many lanes as a register of AVX-512 holds.
fn program(word: Element, float: Element) -> String {
    let (name, real, bits) = (word.name(), float.name(), 8 * word.size());
    let lanes = 64 / word.size();
    let mut body =
        format!("      let %0: {name} = load x[i0]\n      let %1: {name} = add(%0, {name}(7))\n");
    let mut next = 2;
    let (mut a, mut b) = (0, 1);
    for by in [13, 15, 26, 6, 17, 29, 16, 24] {
        let lines = [
            format!("add(%{a}, %{b})"),
            format!("shl(%{b}, {name}({by}))"),
            format!("shr(%{b}, {name}({}))", bits - by),
            format!("or(%{}, %{})", next + 1, next + 2),
            format!("xor(%{next}, %{})", next + 3),
        ];
        for line in lines {
            body += &format!("      let %{next}: {name} = {line}\n");
            next += 1;
        }
        (a, b) = (next - 5, next - 1);
    }
    format!(
        "loops f<n> workspace 0 {{
  buffer x: {name}[n] = parameter 0
  buffer r0: {name}[n] = result 0
  buffer r1: {real}[n] = result 1
  nest 0 tasks 100 {{
    for i0 in 0..n lanes {lanes} {{
{body}      store r0[i0] = %{b}
      let %{next}: {name} = and(%{b}, {name}(1023))
      let %{u}: {real} = mul(convert.{real}(%{next}), {real}(0.001))
      let %{v}: {real} = erf_inv(sub(%{u}, {real}(0.01)))
      store r1[i0] = pow(%{u}, %{v})
    }}
  }}
}}
",
        u = next + 1,
        v = next + 2,
    )
}

#[test]
fn extents_around_groups() {
    for (word, float) in [(Element::U32, Element::F32), (Element::U64, Element::F64)] {
        let group = 64 / word.size();
        let extents =
            [0, 1, group, 4 * group, 8 * group - 1, 8 * group, 8 * group + 1, 27 * group + 3];
        let case = |extent: &usize| {
            let numbers: Vec<f64> = (0..*extent).map(|i| (i * 37_991 % 65_537) as f64).collect();
            (vec![*extent as i64], vec![Value::from_f64(word, &[*extent], &numbers)])
        };
        let cases: Vec<_> = extents.iter().map(case).collect();
        let text = program(word, float);
        let loops = defn_codegen::loops::parse::parse(&text);
        check_all(&loops.unwrap_or_else(|error| panic!("{error}\n{text}")), &cases);
    }
}
