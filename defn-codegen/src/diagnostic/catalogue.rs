//! Every sentence that the compiler says to a user.

/// What a user did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {}
