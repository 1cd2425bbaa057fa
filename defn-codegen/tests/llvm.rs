//! Machine code against the evaluator of loops.

use defn_codegen::graph::eval::Value;
use defn_codegen::graph::{Binary, Combine, Comparison, Dim, Element, Scalar, Symbol, Unary, parse};
use defn_codegen::llvm;

#[test]
fn softmax() {
    let _ = (Unary::ALL, Binary::ALL, Comparison::ALL, Combine::ALL);
    let graph = parse::parse("graph softmax<n, m>(x: f32[n, m]) -> f32[n, m] {
  %0: f32[n] = reduce.max x axes=[1]
  %1: f32[n, m] = broadcast %0 axes=[0]
  %2: f32[n, m] = sub x, %1
  %3: f32[n, m] = exp %2
  %4: f32[n] = reduce.add %3 axes=[1]
  %5: f32[n, m] = broadcast %4 axes=[0]
  %6: f32[n, m] = div %3, %5
  return %6
}").unwrap();
    let options = defn_codegen::options::Options { levels: vec![], triple: String::new(), dump: Default::default(), verify: true };
    for level in [defn_codegen::options::Level::V3, defn_codegen::options::Level::V4, defn_codegen::options::Level::Neon] {
        let loops = defn_codegen::compile::schedule_graph(&graph, level, &options);
        println!("{loops}");
        let triple = if level == defn_codegen::options::Level::Neon {"aarch64-unknown-linux-gnu"} else {"x86_64-unknown-linux-gnu"};
        let time = std::time::Instant::now();
        let text = llvm::host(&loops, level, triple).unwrap();
        println!("{level:?} {} bytes {:?}", text.len(), time.elapsed());
        std::fs::write(format!("/tmp/loops_{level:?}.s"), &text).unwrap();
    }
    let _ = (Dim::from(1), Symbol(0), Element::F32, Scalar::from_i64(Element::F32, 0), Value::zeros(Element::F32, &[1]));
}
