//! Laws over random programs; `cargo xtask fuzz` runs the same on many more.

use defn_codegen::testing::calculus::calculus;
use defn_codegen::testing::fuzz;

#[test]
fn random_programs_keep_every_law() {
    let report = fuzz(1, 400, 3);
    for (seed, failure) in &report.failures {
        println!("seed {seed}: {failure}");
    }
    assert!(
        report.failures.is_empty(),
        "{} of {} programs fail",
        report.failures.len(),
        report.programs
    );
}

/// A share that is lower would mean that hardly anything is compared: of the programs of a fuzz run, seven in eight have derivatives
/// that differences find and that are not zero.
const COMPARED: f64 = 0.75;

#[test]
fn derivatives_of_random_programs_keep_every_law() {
    let report = calculus(1, 300, 3);
    for (seed, failure) in &report.failures {
        println!("seed {seed}: {failure}");
    }
    assert!(report.failures.is_empty(), "{} programs fail", report.failures.len());
    assert!(report.share(1) > COMPARED, "hardly anything is compared: {:?}", report.orders);
    assert!(report.orders[2].compared > 0, "no third derivative is compared: {:?}", report.orders);
}

/// A checkpoint in a loop took what an operand had so far although it adds nothing to it, so that the shares of others needed it.
#[test]
fn checkpoints_take_only_what_they_add_to() {
    for seed in [5003, 8243, 9931] {
        let report = calculus(seed, 1, 1);
        assert!(report.failures.is_empty(), "{:?}", report.failures);
    }
}
