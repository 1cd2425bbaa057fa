//! Groups of lanes in rows that are whole groups: what inactive lanes find there is computed with, and never seen.

use defn_codegen::graph::Element;
use defn_codegen::graph::eval::Value;
use defn_codegen::llvm::host;
use defn_codegen::loops::parse;
use defn_codegen::options::Level;

use super::check;

/// Sums over the rows of panels of 32 columns, of which the last has `n` in all: a sum of each column, and one of each panel.
const PROGRAM: &str = "loops f<n, m> workspace 0 {
  buffer x: f32[floor((n + 31) / 32), m, 32] = parameter 0
  buffer r0: f32[n] = result 0
  buffer r1: f32[floor((n + 31) / 32)] = result 1
  nest 0 {
    for i0 in 0..floor((n + 31) / 32) parallel {
      var $1: f32 lanes 32 = f32(0.0)
      for i1 in 0..min(32, (-32)*i0 + n) lanes 32 {
        var $0: f32 = f32(0.0)
        for i2 in 0..m {
          $0 = add($0, load x[(32*m)*i0 + i1 + (32)*i2])
        }
        store r0[(32)*i0 + i1] = $0
        $1 = add($1, $0)
      }
      store r1[i0] = combine.add $1
    }
  }
}
";

#[test]
fn inactive_lanes_are_never_seen() {
    for (n, m) in
        [(1_usize, 3_usize), (15, 2), (16, 5), (31, 1), (32, 4), (33, 3), (70, 2), (96, 7)]
    {
        let panels = n.div_ceil(32);
        let element = |place: usize| {
            let (panel, column) = (place / (32 * m), place % 32);
            if 32 * panel + column < n { place as f64 / 8.0 } else { f64::NAN }
        };
        let data: Vec<f64> = (0..panels * m * 32).map(element).collect();
        let x = Value::from_f64(Element::F32, &[panels, m, 32], &data);
        check(PROGRAM, &[n as i64, m as i64], &[x]);
    }
}

#[test]
fn rows_that_end_in_a_group_are_loaded_under_a_mask() {
    let masked = |text: &str| {
        let loops = parse::parse(text).expect("the program is well written");
        let code = host(&loops, Level::V4, "x86_64-unknown-linux-gnu");
        let code = code.expect("LLVM has code for the level");
        code.lines().filter(|line| line.contains("{z}") && line.contains("(%r")).count()
    };
    assert_eq!(masked(PROGRAM), 0);
    assert_ne!(masked(&PROGRAM.replace("m, 32]", "m, 33]")), 0);
    assert_ne!(masked(&PROGRAM.replace("+ (32)*i2]", "+ (32)*i2 + 1]")), 0);
}
