//! Tasks of the house: `cargo xtask <task>`.
//!
//! Each task is a file; this one reads the command line and picks.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tasks speak to whoever runs them")]

mod bench;
mod bless;
mod fuzz;
mod prove_math;
mod ptxas;
mod river;
mod scale;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;

const USAGE: &str = "\
cargo xtask tidy                            check the laws of the house
cargo xtask bless [FILTER]                  rewrite what the file tests and the ui cases expect
cargo xtask fuzz [--programs N] [--seed S]  random programs: evaluated, compiled and compared
cargo xtask fuzz --calculus [--programs N] [--seed S]
                                            derivatives of random programs against differences
cargo xtask river NAME [--example EXAMPLE]  a function of an example at every stage, as Markdown
cargo xtask prove-math [--only NAME] [--samples N]
                                            functions on every f32 against exact ones, into docs/math.md
cargo xtask ptxas [--only A,B]              kernels of the file tests and the benchmark, assembled for devices
cargo xtask scale [--functions N]           how long rustc takes for a crate of many functions
cargo xtask bench [--device cuda] [--threads N] [--only A,B] [--peers A,B] [--seconds S] [--rounds R] [--min] [--python PATH]
                                            our workloads and those of the peers in turn, as a table
cargo xtask bench --sweep [--shapes N]      products of random shapes against the peers";

/// What a task answers: what to print last, or what went wrong.
type Outcome = Result<String, String>;

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let command = Command::read().map_err(|error| format!("{error}\n\n{USAGE}"))?;
    let (root, name) = (root(), command.name.as_deref());
    match (command.task.as_str(), name) {
        ("tidy", None) => tidy::tidy(&root),
        ("bless", filter) => bless::bless(&root, filter),
        ("fuzz", None) => fuzz::fuzz(&root, command.seed, command.programs, command.is_calculus),
        ("river", Some(name)) => river::river(&root, name, &command.example),
        ("bench", None) => bench::bench(&root, &command.bench),
        ("prove-math", None) => {
            prove_math::prove_math(&root, command.bench.only.first().cloned(), command.samples)
        }
        ("ptxas", None) => ptxas::ptxas(&root, &command.bench.only),
        ("scale", None) => scale::scale(&root, command.functions),
        _ => Err(USAGE.to_owned()),
    }
}

/// The command line, with what holds where it is silent.
struct Command {
    task: String,
    name: Option<String>,
    programs: u64,
    seed: u64,
    is_calculus: bool,
    example: String,
    functions: usize,
    bench: bench::Options,
    samples: u64,
}

impl Command {
    fn read() -> Result<Self, lexopt::Error> {
        let mut command = Self {
            task: String::new(),
            name: None,
            programs: 1000,
            seed: 0,
            is_calculus: false,
            example: "digits".to_owned(),
            functions: 200,
            bench: bench::Options::default(),
            samples: 100_000_000,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long(name) if bench::Options::has(name) => {
                    let name = name.to_owned();
                    command.bench.read(&name, &mut parser)?;
                }
                Long("programs") => command.programs = parser.value()?.parse()?,
                Long("calculus") => command.is_calculus = true,
                Long("seed") => command.seed = parser.value()?.parse()?,
                Long("samples") => command.samples = parser.value()?.parse()?,
                Long("functions") => command.functions = parser.value()?.parse()?,
                Long("example") => command.example = parser.value()?.string()?,
                Value(value) if command.task.is_empty() => command.task = value.string()?,
                Value(value) if command.name.is_none() => command.name = Some(value.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(command)
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
