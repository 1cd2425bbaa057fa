//! The text stands in any program: assembled as it is, and embedded twice in one file.

use std::process::Command;

use defn_codegen::llvm::{assembly, host};
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

/// Runs an assembler; it need not be there.
fn assemble(name: &str, text: &str, assembler: &[&str]) {
    let folder = std::env::temp_dir().join(format!("defn-assembles-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
    let (source, object) = (folder.join("f.s"), folder.join("f.o"));
    std::fs::write(&source, text).expect("the folder for temporary files is writable");
    let run = Command::new(assembler[0])
        .args(&assembler[1..])
        .arg(&source)
        .arg("-o")
        .arg(&object)
        .output();
    let Ok(run) = run else {
        println!("there is no `{}` to assemble with", assembler[0]);
        return;
    };
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    let undefined = Command::new("nm").arg("-u").arg(&object).output();
    if let Ok(undefined) = undefined {
        let undefined = String::from_utf8_lossy(&undefined.stdout).into_owned();
        assert_eq!(undefined.trim(), "", "{name} needs symbols of others");
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

#[test]
fn as_it_is_and_embedded_twice() {
    for level in [Level::V3, Level::V4, Level::Neon] {
        let is_arm = level == Level::Neon;
        if !is_arm && !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            println!("the system's assembler is not for x86-64");
            continue;
        }
        let (assembler, jump, comment): (&[&str], _, _) = if is_arm {
            (&["llvm-mc", "-triple=aarch64-unknown-linux-gnu", "-filetype=obj"], "b", "//")
        } else {
            (&["cc", "-c"], "jmp", "#")
        };
        let plain = text(level);
        assemble(&format!("{}-plain", level.name()), &plain, assembler);
        let once = format!(".text\n{}\n", assembly::embed(&plain, level));
        assemble(&format!("{}-embedded", level.name()), &format!("{once}{once}"), assembler);
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
