//! What rustc itself says about functions of `#[defn]`: names, privacy and dead code are its business, and it must say
//! neither less nor more than of any other function.
//!
//! `TRYBUILD=overwrite cargo test -p defn-test-second --test ui` writes the answers anew; read the difference.

#[test]
fn rustc_speaks_of_the_users_tokens() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
