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
mod device;
mod sweep;

use std::path::{Path, PathBuf};

use lexopt::prelude::*;

use crate::Outcome;
use programs::{Figure, Of, Program};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) threads: usize,
    /// `cpu`, `cuda`, or `cuda:1`.
    pub(crate) device: String,
    /// Nothing means all.
    pub(crate) only: Vec<String>,
    /// Nothing means all that are usual for the device.
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
            device: "cpu".to_owned(),
            only: Vec::new(),
            peers: Vec::new(),
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
        let names = [
            "threads", "device", "only", "peers", "python", "seconds", "rounds", "min", "sweep",
            "shapes",
        ];
        names.contains(&name)
    }

    /// Whether a GPU is measured.
    pub(crate) fn is_on_device(&self) -> bool {
        self.device != "cpu"
    }

    /// Who is compared with.
    pub(crate) fn peers(&self) -> Result<Vec<&'static str>, String> {
        let known = PEERS.iter().chain(&OF_DEVICES[1..]);
        match self.peers.as_slice() {
            [] if self.is_on_device() => Ok(OF_DEVICES.to_vec()),
            [] => Ok(PEERS.to_vec()),
            chosen => {
                let peer = |name: &String| {
                    let found = known.clone().find(|peer| *peer == name).copied();
                    let all = || known.clone().copied().collect::<Vec<_>>().join(", ");
                    found.ok_or_else(|| format!("there is no peer `{name}`; known are {}", all()))
                };
                chosen.iter().map(peer).collect()
            }
        }
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
            "device" => self.device = value.string()?,
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

/// Everybody who is compared with on a processor, unless others are named.
const PEERS: [&str; 5] = ["jax", "ort", "numpy", "gemm", "matrixmultiply"];

/// The same on a GPU. PyTorch has a form with and one without its compiler; both call cuBLAS.
const OF_DEVICES: [&str; 3] = ["jax", "torch", "torch-compile"];

/// Times everybody and compares.
pub(crate) fn bench(root: &Path, options: &Options) -> Outcome {
    let seconds = options.seconds.unwrap_or(if options.sweep { 0.1 } else { 0.5 });
    let mut programs = programs::start(root, options, seconds)?;
    if options.sweep {
        return sweep::sweep(&mut programs, options);
    }
    let before = programs::roof(root, options)?;
    let mut rows = Vec::new();
    for name in names(options) {
        let figures = turns(&mut programs, &name, options.rounds)?;
        let row = table::Row { bar: bars::of(&name), name, figures };
        eprintln!("{}", row.text(options.threads));
        rows.push(row);
    }
    if options.is_on_device() {
        let copy = turns_of_peers(&mut programs, bars::COPY)?;
        return Ok(device::table(&rows, copy, options));
    }
    // Between the two the processor may have been slower, but not faster.
    let roof = before.into_iter().chain(programs::roof(root, options)?).reduce(f64::max);
    Ok(table::table(&rows, roof, options))
}

/// The workloads that were asked for.
fn names(options: &Options) -> Vec<String> {
    let large = if options.is_on_device() { &bars::LARGE[..] } else { &[] };
    let known = bars::BARS.iter().map(|bar| bar.name).chain(large.iter().copied());
    if options.only.is_empty() { known.map(str::to_owned).collect() } else { options.only.clone() }
}

/// The best figure of a peer for what we have no name for.
fn turns_of_peers(programs: &mut [Program], name: &str) -> Result<Option<Figure>, String> {
    let mut best = None;
    for program in programs.iter_mut().filter(|program| program.label != programs::OURS) {
        let figure = program.ask(name)?;
        best = best.into_iter().chain(figure).reduce(Figure::better);
    }
    Ok(best)
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
