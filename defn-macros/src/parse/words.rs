//! Words with a meaning of their own.

use crate::surface::INTRINSICS;

/// Macros of std: a definition of the same name would make `vec![…]` ambiguous in its module.
const STD_MACROS: [&str; 43] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "include",
    "include_bytes",
    "include_str",
    "is_x86_feature_detected",
    "line",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "thread_local",
    "todo",
    "try",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
    "grad",
    "value_and_grad",
    "jvp",
    "vjp",
    "vmap",
    "inspect",
];

/// Constants that std's numeric types have.
const STD_CONSTANTS: [&str; 8] =
    ["MAX", "MIN", "EPSILON", "INFINITY", "NEG_INFINITY", "NAN", "MIN_POSITIVE", "BITS"];

/// Whether no definition may have this name (R17).
pub(crate) fn is_reserved(word: &str) -> bool {
    is_intrinsic(word) || STD_MACROS.contains(&word) || matches!(word, "jacobian" | "hessian")
}

/// Whether it is a free function of the language.
pub(crate) fn is_intrinsic(word: &str) -> bool {
    INTRINSICS.contains(&word)
}

/// Whether `f32::WORD` is a constant of std.
pub(crate) fn is_std_constant(word: &str) -> bool {
    STD_CONSTANTS.contains(&word)
}

/// Whether it is spelled as constants are.
pub(crate) fn is_loud(word: &str) -> bool {
    word.starts_with(|c: char| c.is_uppercase()) && !word.contains(|c: char| c.is_lowercase())
}

/// What to write for a type of Rust that has a counterpart.
pub(crate) fn counterpart(word: &str) -> Option<&'static str> {
    Some(match word {
        "isize" => "i64",
        "i128" => "i64",
        "u128" => "u64",
        "f128" => "f64",
        "Vec" => "Tensor<f32, n>",
        "String" | "str" => "Tensor<u8, n>",
        "char" => "u8",
        "Option" | "Result" | "Box" => "Tensor<f32, n>",
        _ => return None,
    })
}
