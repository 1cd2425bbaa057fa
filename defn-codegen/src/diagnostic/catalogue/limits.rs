//! What is said about the limits of the compiler: ours, known, and what works instead.

/// What the compiler cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// An operation that is not there.
    Operation(String),
    /// `vmap!` of a function with `&mut`.
    MapOfMutable {
        /// The function.
        function: String,
        /// What it updates.
        parameter: String,
    },
    /// `f16`, `c64` and their like.
    ElementType(String),
    /// `f(&mut x[i])`.
    IndexedAssignment,
    /// A scalar function that does more than elementwise arithmetic, lifted over a tensor.
    Lifting(String),
    /// An array whose length is no number.
    ArrayLength,
    /// Constants that are not numbers.
    ConstantType,
}

impl Limit {
    /// The text for the user.
    pub fn message(&self) -> String {
        let (what, instead) = self.parts();
        format!(
            "{what}\n  this is a limitation of defn, not a mistake of yours\n  help: {instead}\n  [limitation]"
        )
    }

    fn parts(&self) -> (String, String) {
        let (what, instead) = match self {
            Self::Operation(word) => (
                format!("`{word}` cannot be compiled yet"),
                "compute it in Rust and pass the result as a parameter",
            ),
            Self::MapOfMutable { function, parameter } => (
                format!("`{function}` updates `{parameter}`, which `vmap!` cannot do yet"),
                "return the new value in place of the update",
            ),
            Self::ElementType(word) => (
                format!("tensors of `{word}` cannot be compiled yet"),
                "`f32 f64 f16 bf16 i32 i64 u8 u32 u64 bool` work",
            ),
            Self::IndexedAssignment => (
                "a part of a tensor cannot be passed as `&mut` yet".to_owned(),
                "pass a copy, and assign it back: `let mut part = x[i]; f(&mut part); x[i] = part;`",
            ),
            Self::Lifting(function) => (
                format!(
                    "`{function}` cannot be lifted over a tensor: it does more than arithmetic"
                ),
                "write a function of tensors",
            ),
            Self::ArrayLength => (
                "the length of an array must be a number".to_owned(),
                "give the tensor one more axis",
            ),
            Self::ConstantType => (
                "only numbers and truth values can be constants yet".to_owned(),
                "pass it as a parameter",
            ),
        };
        (what, instead.to_owned())
    }
}
