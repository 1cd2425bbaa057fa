//! Laws over random programs; `cargo xtask fuzz` runs the same on many more.

use defn_codegen::testing::fuzz;

#[test]
fn random_programs_keep_every_law() {
    let report = fuzz(1, 400, 3);
    for (seed, failure) in &report.failures {
        println!("seed {seed}: {failure}");
    }
    assert!(report.failures.is_empty(), "{} of {} programs fail", report.failures.len(), report.programs);
}
