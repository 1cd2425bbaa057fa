//! The text stands in any program: assembled as it is, and embedded twice in one file.

use defn_codegen::llvm::{assembly, embedded, host, jit};
use defn_codegen::loops::parse;
use defn_codegen::options::Level;

/// All kinds of statements and constants.
const PROGRAM: &str = "loops f<n, m> workspace 0 {
  buffer x: f32[n, m] = parameter 0
  buffer k: i64[m] = parameter 1
  buffer b: bool[m] = parameter 2
  buffer r0: f32[n] = result 0
  buffer r1: f64[m] = result 1
  nest 0 {
    for i0 in 0..n parallel {
      var $0: f32 lanes 16 = f32(0.0)
      for i1 in 0..m lanes 16 {
        let %0: f32 = exp(load x[(m)*i0 + i1])
        $0 = add($0, select(load b[(-1)*i1 + m - 1], %0, sin(%0)))
      }
      store r0[i0] = combine.add $0
    }
  }
  nest 1 {
    for i2 in 0..m lanes 16 {
      let %1: f64 = convert.f64(load x[(1)*@(load k[i2])])
      store r1[(1)*@(load k[i2])] = rem(pow(%1, f64(1.5)), f64(3.0))
    }
  }
}";

const X86: &str = "x86_64-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// The text of the program for a level.
fn text(level: Level) -> String {
    let triple = if level == Level::Neon { ARM } else { X86 };
    let loops = parse::parse(PROGRAM).expect("the program is well written");
    host(&loops, level, triple).expect("LLVM has code for the level")
}

/// Every text stands in a program that has it twice, for every processor, whatever this machine is.
#[test]
fn as_it_is_and_embedded_twice() {
    for level in [Level::V3, Level::V4, Level::Neon] {
        let triple = if level == Level::Neon { ARM } else { X86 };
        let plain = text(level);
        assert!(jit::assemble(&plain, level, triple).starts_with(b"\x7fELF"));
        let once = format!(".text\n{}\n", assembly::embed(&plain, level));
        assert!(jit::assemble(&format!("{once}{once}"), level, triple).starts_with(b"\x7fELF"));
    }
}

/// On x86-64 the code is bytes, which an assembler copies; its file holds each byte as often as the text stands there.
#[test]
fn bytes_are_copied() {
    let loops = parse::parse(PROGRAM).expect("the program is well written");
    for level in [Level::V3, Level::V4] {
        let text = embedded(&loops, level, X86).expect("LLVM has code for the level");
        let Some((".balign 64", copied)) = text.split_once('\n') else { panic!("{text}") };
        assert!(copied.starts_with(".base64 \""), "{copied}");
        let object = jit::assemble(&format!(".text\n{text}\n{text}\n"), level, X86);
        // The constant 1.5 of the program is used by its second nest.
        let constant = 1.5f64.to_le_bytes();
        let found = object.windows(8).filter(|window| *window == constant).count();
        assert!(found >= 2 && found.is_multiple_of(2), "{found} times");
    }
}

#[test]
fn every_level_is_written_and_names_no_stranger() {
    for level in [Level::V3, Level::V4, Level::Neon] {
        let text = text(level);
        assert_eq!(assembly::undefined_symbol(&text), None);
        assert!(text.contains("\ndefn_entry:"), "{text}");
        // Without an assembler for the other processor, at least every label is defined once and numbered.
        let embedded = assembly::embed(&text, level);
        assert!(!embedded.contains(".globl") && embedded.contains("defn_entry_\\@:"));
    }
}

#[test]
fn an_unknown_triple_is_a_limitation() {
    let loops = parse::parse(PROGRAM).unwrap();
    let limitation = host(&loops, Level::V3, "z80-unknown-none").unwrap_err();
    assert!(limitation.what.contains("z80-unknown-none"), "{limitation}");
}
