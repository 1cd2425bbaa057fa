//! Wrong programs, and what rustc says of each: one mistake, one error, on the guilty token.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the answers anew; read the difference before you keep it.

#[test]
fn every_mistake_has_its_error() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    // A program that must compile makes the others be built too: some mistakes show only then.
    cases.pass("tests/ui/pass/*.rs");
}
