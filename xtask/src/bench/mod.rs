//! `cargo xtask bench`: our workloads and those of the peers in turn, in one run, on one machine.
//!
//! In: which workloads, which peers, how many threads.   Out: a table in Markdown, or a sweep over products of matrices.
//!
//! Every program is started once, is told names on its standard input, and answers each with a line of JSON;
//! so the programs take turns, workload by workload, and a busy neighbour troubles all of them alike.
//! Never here: how a workload is computed, or what it must reach (that is `bars`).

mod programs;
mod bars;
mod table;
mod sweep;

use std::path::{Path, PathBuf};

use lexopt::prelude::*;

use crate::Outcome;
use programs::{Figure, Of, Program};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) threads: usize,
    /// Nothing means all.
    pub(crate) only: Vec<String>,
    pub(crate) peers: Vec<String>,
    pub(crate) python: Option<PathBuf>,
    /// How long each workload is measured; each task has its own habit.
    pub(crate) seconds: Option<f64>,
    /// How often everybody has a turn; the best turn counts.
    pub(crate) rounds: usize,
    pub(crate) of: Of,
    /// Random products instead of the workloads.
    pub(crate) sweep: bool,
    /// How many.
    pub(crate) shapes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 1,
            only: Vec::new(),
            peers: PEERS.map(str::to_owned).to_vec(),
            python: None,
            seconds: None,
            rounds: 1,
            of: Of::Medians,
            sweep: false,
            shapes: 200,
        }
    }
}

impl Options {
    /// Whether an option of the command line is one of these.
    pub(crate) fn has(name: &str) -> bool {
        let names =
            ["threads", "only", "peers", "python", "seconds", "rounds", "min", "sweep", "shapes"];
        names.contains(&name)
    }

    /// Reads the value of an option of which it is true that [`Options::has`] it.
    pub(crate) fn read(
        &mut self,
        name: &str,
        parser: &mut lexopt::Parser,
    ) -> Result<(), lexopt::Error> {
        match name {
            "sweep" => self.sweep = true,
            "min" => self.of = Of::Minima,
            _ => return self.read_value(name, parser),
        }
        Ok(())
    }

    fn read_value(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), lexopt::Error> {
        let value = parser.value()?;
        let list = || -> Result<Vec<String>, lexopt::Error> {
            let text = value.clone().string()?;
            Ok(text.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect())
        };
        match name {
            "threads" => self.threads = value.parse()?,
            "only" => self.only = list()?,
            "peers" => self.peers = list()?,
            "python" => self.python = Some(value.into()),
            "seconds" => self.seconds = Some(value.parse()?),
            "rounds" => self.rounds = value.parse::<usize>()?.max(1),
            _ => self.shapes = value.parse()?,
        }
        Ok(())
    }
}

/// Everybody who can be compared with.
pub(crate) const PEERS: [&str; 5] = ["jax", "ort", "numpy", "gemm", "matrixmultiply"];

/// Times everybody and compares.
pub(crate) fn bench(root: &Path, options: &Options) -> Outcome {
    if let Some(unknown) = options.peers.iter().find(|peer| !PEERS.contains(&peer.as_str())) {
        return Err(format!("there is no peer `{unknown}`; known are {}", PEERS.join(", ")));
    }
    let seconds = options.seconds.unwrap_or(if options.sweep { 0.1 } else { 0.5 });
    let mut programs = programs::start(root, options, seconds)?;
    if options.sweep {
        return sweep::sweep(&mut programs, options);
    }
    let known = || bars::BARS.iter().map(|bar| bar.name.to_owned());
    let names = if options.only.is_empty() { known().collect() } else { options.only.clone() };
    let before = programs::roof(root, options)?;
    let mut rows = Vec::new();
    for name in names {
        let figures = turns(&mut programs, &name, options.rounds)?;
        let row = table::Row { bar: bars::of(&name), name, figures };
        eprintln!("{}", row.text(options.threads));
        rows.push(row);
    }
    // Between the two the processor may have been slower, but not faster.
    let roof = before.into_iter().chain(programs::roof(root, options)?).reduce(f64::max);
    Ok(table::table(&rows, roof, options))
}

/// What each program makes of a workload: its best turn, or nothing if it does not have it.
fn turns(
    programs: &mut [Program],
    name: &str,
    rounds: usize,
) -> Result<Vec<(&'static str, Option<Figure>)>, String> {
    let mut best: Vec<_> = programs.iter().map(|program| (program.label, None::<Figure>)).collect();
    for _ in 0..rounds {
        for (program, (_, best)) in programs.iter_mut().zip(&mut best) {
            let is_ours = program.label == programs::OURS;
            let Some(figure) = program.ask(name)? else {
                if is_ours {
                    return Ok(Vec::new());
                }
                continue;
            };
            *best = Some(best.map_or(figure, |best| best.better(figure)));
        }
    }
    Ok(best)
}
