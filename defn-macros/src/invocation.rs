//! What the run of the compiler around us wants: read once from its command line.
//!
//! | command | `--emit` | code |
//! |---|---|---|
//! | cargo check, clippy, fix | dep-info, metadata | no |
//! | cargo build, test, run | …, link | yes |
//! | rustdoc | none; the program is `rustdoc` | no |
//! | doctests | none | yes |
//! | the server of an editor | none; the program is `rust-analyzer…` | not even a check |

use defn_codegen::options::{Compute, Dump, Level, Options, Sizes};
use std::{
    env,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// One run of the compiler.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Whether machine code is wanted.
    pub(crate) wants_code: bool,
    /// Whether an editor asks: then only declarations are of use.
    pub(crate) is_editor: bool,
    /// Whether another crate could use this one: only then definitions are exported.
    pub(crate) is_library: bool,
    /// Tells this crate from all others.
    pub(crate) identity: String,
    /// The target triple, or empty for the host.
    pub(crate) target: String,
    /// Where compiled code is kept between builds.
    pub(crate) cache: Option<PathBuf>,
    /// Which stages are printed, and where to.
    pub(crate) dump: Dump,
}

/// This run.
pub(crate) fn get() -> &'static Invocation {
    static INVOCATION: OnceLock<Invocation> = OnceLock::new();
    INVOCATION.get_or_init(|| Invocation::read(&env::args().collect::<Vec<_>>()))
}

impl Invocation {
    fn read(arguments: &[String]) -> Self {
        let program = arguments.first().map_or("", String::as_str);
        let program = Path::new(program).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        let is_editor = program.starts_with("rust-analyzer");
        let emits_code = value(arguments, "--emit").is_none_or(|kinds| {
            let mut kinds = kinds.split(',').map(|kind| kind.split('=').next().unwrap_or(kind));
            kinds.any(|kind| !matches!(kind, "metadata" | "dep-info" | "mir"))
        });
        let is_test = arguments.iter().any(|argument| argument == "--test");
        let crate_type = value(arguments, "--crate-type").unwrap_or("bin");
        Self {
            wants_code: emits_code && !is_editor && program != "rustdoc",
            is_editor,
            is_library: !is_test && matches!(crate_type, "lib" | "rlib" | "dylib"),
            identity: identity(arguments),
            target: value(arguments, "--target").unwrap_or("").to_owned(),
            cache: value(arguments, "--out-dir").map(|folder| Path::new(folder).join("../defn")),
            dump: Dump {
                stages: env::var("DEFN_DUMP").map_or_else(
                    |_| Vec::new(),
                    |stages| stages.split(',').map(|stage| stage.trim().to_owned()).collect(),
                ),
                folder: env::var("DEFN_DUMP_DIR").ok(),
            },
        }
    }
}

impl Invocation {
    /// Whether someone wants to see the stages.
    pub(crate) fn dumps(&self) -> bool {
        self.dump != Dump::default()
    }

    /// The devices that are compiled for beside the processor.
    pub(crate) fn devices(&self) -> &'static [Compute] {
        if cfg!(feature = "cuda") { Compute::ALL } else { &[] }
    }

    /// What the compiler is told.
    pub(crate) fn options(&self) -> Options {
        let triple = if self.target.is_empty() { env!("DEFN_HOST") } else { &self.target };
        // The best level comes first: the runtime takes the first that the processor has.
        let levels = Level::of_triple(triple).iter().rev().copied().collect();
        Options {
            levels,
            devices: self.devices().to_vec(),
            triple: triple.to_owned(),
            dump: self.dump.clone(),
            verify: self.dumps(),
            sizes: Sizes::USUAL,
            tf32: false,
        }
    }
}

/// The value of `--name value` or `--name=value`.
fn value<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    arguments.iter().enumerate().find_map(|(index, argument)| {
        if argument == name {
            return arguments.get(index + 1).map(String::as_str);
        }
        argument.strip_prefix(name)?.strip_prefix('=')
    })
}

/// The crate's name with cargo's metadata, or a hash of the whole command line where there is none.
fn identity(arguments: &[String]) -> String {
    let metadata = arguments.iter().find_map(|argument| {
        argument.strip_prefix("-C").unwrap_or(argument).strip_prefix("metadata=")
    });
    let name = value(arguments, "--crate-name").unwrap_or("");
    match metadata {
        Some(metadata) => format!("{name} {metadata}"),
        None => {
            let mut hasher = DefaultHasher::new();
            arguments.hash(&mut hasher);
            format!("{name} {:016x}", hasher.finish())
        }
    }
}
