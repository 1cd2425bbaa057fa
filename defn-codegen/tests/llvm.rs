//! Machine code against the evaluator of loops: the same bits at every level, but for sign and payload of NaN.

#![cfg(feature = "testing")]
#![expect(clippy::print_stdout, reason = "what this machine cannot run is skipped aloud")]

#[path = "llvm/functions.rs"]
mod functions;
#[path = "llvm/assembles.rs"]
mod assembles;
#[path = "llvm/components.rs"]
mod components;
#[path = "llvm/random.rs"]
mod random;
#[path = "llvm/runs.rs"]
mod runs;
#[path = "llvm/neighbours.rs"]
mod neighbours;
#[path = "llvm/chains.rs"]
mod chains;
#[path = "llvm/pairs.rs"]
mod pairs;
#[path = "llvm/halves.rs"]
mod halves;
#[path = "llvm/panels.rs"]
mod panels;
#[path = "llvm/sorts.rs"]
mod sorts;

use defn_codegen::graph::eval::Value;
use defn_codegen::graph::{Element, Scalar};
use defn_codegen::llvm::jit::{Compiled, is_supported};
use defn_codegen::loops::{Loops, eval, parse, verify};
use defn_codegen::options::Level;

/// Runs a program for one set of arguments at every level of this processor, and compares.
fn check(text: &str, symbols: &[i64], parameters: &[Value]) {
    let loops = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    check_all(&loops, &[(symbols.to_vec(), parameters.to_vec())]);
}

/// Compiles a program once for each level, and runs it for several arguments.
fn check_all(loops: &Loops, cases: &[(Vec<i64>, Vec<Value>)]) {
    if let Err(faults) = verify::verify(loops) {
        panic!("{faults:?}\n{loops}");
    }
    let evaluate = |(symbols, parameters): &(Vec<i64>, Vec<Value>)| {
        let outcome = eval::eval(loops, symbols, parameters);
        outcome.unwrap_or_else(|fault| panic!("{fault}\n{loops}"))
    };
    let truths: Vec<eval::Outcome> = cases.iter().map(evaluate).collect();
    for level in [Level::V3, Level::V4] {
        if !is_supported(level) {
            println!("this processor has no {}", level.name());
            continue;
        }
        let compiled = Compiled::new(loops, level);
        for ((symbols, parameters), expected) in cases.iter().zip(&truths) {
            let found = compiled.run(loops, symbols, parameters);
            let updated = |outcome: &eval::Outcome| {
                outcome.updated.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>()
            };
            let pairs = expected.results.iter().zip(&found.results);
            let (before, after) = (updated(expected), updated(&found));
            for (position, (expected, found)) in pairs.chain(before.iter().zip(&after)).enumerate()
            {
                same(
                    expected,
                    found,
                    &format!("{} of {position}, {symbols:?}\n{loops}", level.name()),
                );
            }
        }
    }
}

fn same(expected: &Value, found: &Value, place: &str) {
    assert_eq!((expected.element, &expected.shape), (found.element, &found.shape), "{place}");
    for (position, (a, b)) in expected.data.iter().zip(&found.data).enumerate() {
        let is_nan = |bits: u64| match expected.element {
            Element::F32 => f32::from_bits(bits as u32).is_nan(),
            Element::F64 => f64::from_bits(bits).is_nan(),
            Element::F16 | Element::Bf16 => {
                Scalar { element: expected.element, bits }.to_f64().is_nan()
            }
            Element::I32
            | Element::I64
            | Element::U8
            | Element::U32
            | Element::U64
            | Element::Bool => false,
        };
        let equal = a == b || (is_nan(*a) && is_nan(*b));
        let number = |value: &Value| value.scalar(position).to_f64();
        assert!(
            equal,
            "element {position}: {a:#x} ({:?}) is {b:#x} ({:?}), at {place}",
            number(expected),
            number(found)
        );
    }
}

/// Numbers of a type that are different from their neighbours.
fn numbers(element: Element, shape: &[usize], seed: usize) -> Value {
    let count: usize = shape.iter().product();
    let number = |k: usize| (((k + seed) * 7919 % 1009) as f64 - 504.0) / 16.0;
    match element {
        Element::F64 | Element::F32 | Element::F16 | Element::Bf16 => {
            Value::from_f64(element, shape, &(0..count).map(number).collect::<Vec<_>>())
        }
        Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 => {
            let whole: Vec<i64> = (0..count).map(|k| (number(k) * 3.0) as i64).collect();
            Value::from_i64(element, shape, &whole)
        }
        Element::Bool => {
            let bits: Vec<i64> = (0..count).map(|k| i64::from(number(k) > 0.0)).collect();
            Value::from_i64(element, shape, &bits)
        }
    }
}

/// The element types that loops compute with.
fn computed() -> impl Iterator<Item = &'static Element> {
    Element::ALL.iter().filter(|element| !element.is_half())
}

/// The extents that find mistakes at the borders of groups.
const EXTENTS: [i64; 9] = [0, 1, 2, 3, 15, 16, 17, 64, 130];

/// Runs a program over `n` for all extents; `parameters` makes the arguments for one.
fn for_extents(text: &str, parameters: impl Fn(usize) -> Vec<Value>) {
    let loops = parse::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let cases: Vec<_> =
        EXTENTS.iter().map(|extent| (vec![*extent], parameters(*extent as usize))).collect();
    check_all(&loops, &cases);
}

#[test]
fn rows_with_tails() {
    for element in computed() {
        for lanes in [1, 2, 4, 16, 64] {
            let text = format!(
                "loops f<n> workspace 0 {{
  buffer x: {element}[n] = parameter 0
  buffer y: {element}[n] = updated 1
  buffer r0: {element}[n] = result 0
  nest 0 {{
    for i0 in 0..n lanes {lanes} {{
      let %0: {element} = max(load x[i0], load y[i0])
      store y[i0] = load x[(-1)*i0 + n - 1]
      store r0[(-1)*i0 + n - 1] = %0
    }}
  }}
}}"
            );
            for_extents(&text, |n| vec![numbers(*element, &[n], 0), numbers(*element, &[n], 5)]);
        }
    }
}

#[test]
fn constant_extents() {
    for extent in [0, 1, 15, 16, 17, 32, 33, 48] {
        let text = format!(
            "loops f workspace 0 {{
  buffer x: f32[{extent}] = parameter 0
  buffer r0: f32[{extent}] = result 0
  nest 0 {{
    for i0 in 0..{extent} lanes 16 {{
      store r0[i0] = neg(load x[i0])
    }}
  }}
}}"
        );
        check(&text, &[], &[numbers(Element::F32, &[extent], 0)]);
    }
}

#[test]
fn reductions_keep_their_tree() {
    for element in computed() {
        for combine in ["add", "mul", "max", "min"] {
            let is_bool = *element == Element::Bool;
            if is_bool && (combine == "add" || combine == "mul") {
                continue;
            }
            let start = match element {
                Element::F64 | Element::F32 | Element::F16 | Element::Bf16 => "0.5",
                Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 => "3",
                Element::Bool => "true",
            };
            let text = format!(
                "loops f<n> workspace 0 {{
  buffer x: {element}[3, n] = parameter 0
  buffer r0: {element}[3] = result 0
  nest 0 {{
    for i0 in 0..3 parallel {{
      var $0: {element} lanes 32 = {element}({start})
      for i1 in 0..n lanes 32 {{
        $0 = {combine}($0, load x[(n)*i0 + i1])
      }}
      store r0[i0] = combine.{combine} $0
    }}
  }}
}}"
            );
            for_extents(&text, |n| vec![numbers(*element, &[3, n], 1)]);
        }
    }
}

#[test]
fn columns_are_reduced_by_a_loop_inside_of_lanes() {
    let text = "loops f<n> workspace 0 {
  buffer x: f32[5, n] = parameter 0
  buffer r0: f32[n] = result 0
  buffer r1: i64[n] = result 1
  nest 0 {
    for i0 in 0..n lanes 16 {
      var $0: f32 = f32(-inf)
      var $1: i64 = i64(0)
      for i1 in 0..5 {
        let %0: f32 = load x[i0 + (n)*i1]
        let %1: bool = gt(%0, $0)
        $1 = select(%1, pos(i1), $1)
        $0 = max($0, %0)
      }
      store r0[i0] = $0
      store r1[i0] = add($1, mul(pos(i0), i64(10)))
    }
  }
}";
    for_extents(text, |n| vec![numbers(Element::F32, &[5, n], 1)]);
}

#[test]
fn gathers_and_scatters() {
    for element in Element::ALL {
        let text = format!(
            "loops f<n> workspace 0 {{
  buffer x: {element}[n, 3] = parameter 0
  buffer k: i64[n] = parameter 1
  buffer r0: {element}[n, 2] = result 0
  buffer r1: {element}[n] = result 1
  nest 0 {{
    for i0 in 0..n lanes 16 {{
      let %0: i64 = max(i64(0), min(load k[i0], pos(n - 1)))
      store r0[(2)*i0] = load x[(3)*@(%0) + 1]
      store r0[(2)*i0 + 1] = load x[(3)*i0 + 2]
    }}
    for i1 in 0..n lanes 16 {{
      store r1[i1] = load x[0]
    }}
    for i2 in 0..n lanes 16 {{
      let %1: i64 = max(i64(0), min(load k[i2], pos(n - 1)))
      store r1[(1)*@(%1)] = load x[(3)*i2]
    }}
    for i3 in 0..n {{
      if lt(load k[i3], i64(4)) {{
        store r1[(-1)*i3 + n - 1] = load x[(3)*i3 + 1]
      }}
    }}
  }}
}}"
        );
        for_extents(&text, |n| vec![numbers(*element, &[n, 3], 2), numbers(Element::I64, &[n], 3)]);
    }
}

#[test]
fn workspace_is_shared_by_what_does_not_live_together() {
    let text = "loops f<n> workspace 64*floor(4*n + 63 / 64) + 512 {
  buffer x: f32[n] = parameter 0
  buffer r0: f32[n] = result 0
  buffer a: f32[n] = workspace at 0
  buffer b: i64[8] = workspace at 64*floor(4*n + 63 / 64)
  buffer c: f64[8] = workspace at 64*floor(4*n + 63 / 64)
  nest 0 {
    for i0 in 0..n lanes 64 {
      store a[i0] = mul(load x[i0], load x[i0])
    }
    for i1 in 0..8 {
      store b[i1] = pos((n)*i1 + 3)
    }
  }
  nest 1 {
    var $0: i64 = i64(0)
    for i2 in 0..8 {
      $0 = add($0, load b[i2])
    }
    for i3 in 0..n lanes 64 {
      store r0[i3] = sub(load a[i3], convert.f32($0))
    }
    for i4 in 0..8 {
      store c[i4] = f64(1.0)
    }
  }
}";
    for_extents(text, |n| vec![numbers(Element::F32, &[n], 4)]);
}

#[test]
fn private_scratch_has_a_part_for_each_lane() {
    for element in computed() {
        for lanes in [2, 8, 64] {
            let scratch = 64 * lanes;
            let text = format!(
                "loops f<n> workspace 0 private {scratch}*n + {scratch} {{
  buffer x: {element}[n, 3] = parameter 0
  buffer r0: {element}[n, 3] = result 0
  buffer k: {element}[n, 3] lanes {lanes} = private at 0
  buffer l: {element}[] lanes {lanes} = private at {scratch}*n
  nest 0 {{
    for i0 in 0..3 parallel {{
      for i1 in 0..n lanes {lanes} {{
        for i2 in 0..n {{
          store k[(3)*i2 + i0] = load x[(3)*@(rem(pos(i1 + i2), pos(n))) + i0]
        }}
        store k[(3)*i1 + i0] = load x[(3)*i1 + i0]
        store l[0] = load k[(3)*@(rem(pos(i1 + 1), pos(n))) + i0]
        store r0[(3)*i1 + i0] = max(load l[0], load k[i0 + (-3)*i1 + 3*n - 3])
      }}
    }}
  }}
}}"
            );
            for_extents(&text, |n| vec![numbers(*element, &[n, 3], 6)]);
        }
    }
}

#[test]
fn extents_are_exact() {
    let text = "loops f<n, m> workspace 0 {
  buffer r0: i64[6] = result 0
  nest 0 {
    store r0[0] = pos(floor(n / 3))
    store r0[1] = pos(floor(n / -4))
    store r0[2] = pos(floor(n / 8))
    store r0[3] = pos(floor(n / m) + n*n*m)
    store r0[4] = pos(floor(n / 0))
    store r0[5] = pos(-3*floor(n + 1 / m*m) + 7)
  }
}";
    let numbers = [0, 1, -1, 7, -7, 8, -9, i64::MAX, i64::MIN];
    let cases: Vec<_> =
        numbers.iter().flat_map(|n| numbers.iter().map(|m| (vec![*n, *m], Vec::new()))).collect();
    check_all(&parse::parse(text).unwrap(), &cases);
}

#[test]
fn tasks_are_claimed_by_two_workers() {
    let text = "loops f<n> workspace 64*n private 64*n {
  buffer x: f32[n, 5] = parameter 0
  buffer y: f32[] = parameter 1
  buffer r0: f32[n, 5] = result 0
  buffer r1: f32[n] = result 1
  buffer t: f32[n] = workspace at 0
  buffer k: f32[5] lanes 2 = private at 0
  nest 0 tasks 40 {
    let %0: f32 = load y[0]
    if gt(pos(n), pos(2)) {
      for i0 in 0..n parallel {
        var $0: f32 = %0
        for i1 in 0..min(5, i0) {
          $0 = add($0, load x[(5)*i0 + i1])
        }
        store t[i0] = $0
      }
    }
  }
  nest 1 tasks 7*n {
    for i2 in 0..n lanes 2 {
      for i3 in 0..5 {
        store k[i3] = load x[(5)*i2 + i3]
      }
      for i4 in 0..5 {
        store r0[(5)*i2 + i4] = load k[(-1)*i4 + 4]
      }
    }
  }
  nest 2 {
    for i5 in 0..n lanes 4 {
      store r1[i5] = select(gt(pos(n), pos(2)), load t[i5], f32(0.5))
    }
  }
}";
    for_extents(text, |n| vec![numbers(Element::F32, &[n, 5], 4), numbers(Element::F32, &[], 1)]);
}

#[test]
fn tasks_of_several_loops_are_claimed_by_two_workers() {
    let text = "loops f<n> workspace 0 private 192 {
  buffer x: f32[n, 5] = parameter 0
  buffer y: f32[3] = parameter 1
  buffer r0: f32[n, 3, n] = result 0
  buffer r1: f32[3, n] = result 1
  buffer r2: f32[n, n, 2] = result 2
  buffer k: f32[5] lanes 4 = private at 0
  nest 0 tasks 40 over 3 front 9 {
    for i0 in 0..n lanes 4 {
      for i1 in 0..5 {
        store k[i1] = load x[(5)*i0 + i1]
      }
      for i2 in 0..3 parallel {
        let %0: f32 = load y[i2]
        for i3 in 0..n parallel {
          if lt(pos(i3), pos(5)) {
            let %1: f32 = load k[i2]
            store r0[(3*n)*i0 + (n)*i2 + i3] = mul(%1, %0)
          }
          if ge(pos(i3), pos(5)) {
            store r0[(3*n)*i0 + (n)*i2 + i3] = %0
          }
        }
      }
    }
  }
  nest 1 tasks 5 over 2 front 0 {
    for i4 in 0..3 parallel {
      for i5 in 0..n lanes 4 {
        store r1[(n)*i4 + i5] = load x[i4 + (5)*i5]
      }
    }
  }
  nest 2 tasks 5 over 3 front 0 {
    if ge(pos(n), pos(0)) {
      for i6 in 0..n parallel {
        for i7 in 0..n parallel {
          for i8 in 0..2 lanes 8 {
            store r2[(2*n)*i6 + (2)*i7 + i8] = load x[(5)*i6 + i8]
          }
        }
      }
    }
  }
}";
    let loops = parse::parse(text).unwrap();
    let case = |n: i64| {
        let x = numbers(Element::F32, &[n as usize, 5], 4);
        (vec![n], vec![x, numbers(Element::F32, &[3], 1)])
    };
    check_all(&loops, &[0, 1, 3, 4, 7, 9].map(case));
}
