//! Runs the laws of the river on random programs, on every core: what `cargo xtask fuzz` starts.
//!
//! In: the first seed and the number of programs.   Out: one line of counts; each failure with its seed and smallest graph.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to whoever runs it")]

use std::env;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use defn_codegen::testing::{Report, fuzz};

/// How many programs a thread takes at a time.
const CHUNK: u64 = 100;
/// After how many failures a chunk stops.
const PATIENCE: usize = 3;

fn main() -> ExitCode {
    let mut numbers = env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(first)), Some(Ok(programs))) = (numbers.next(), numbers.next()) else {
        eprintln!("expected the first seed and the number of programs");
        return ExitCode::FAILURE;
    };
    let report = run(first, programs);
    for (seed, failure) in &report.failures {
        println!("seed {seed}: {failure}\n");
    }
    let Report { programs, compiled, failures } = &report;
    println!(
        "{programs} programs, {compiled} of them compiled and run, {} differences",
        failures.len()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The same programs are run whatever the number of threads is.
fn run(first: u64, programs: u64) -> Report {
    let (next, report) = (AtomicU64::new(0), Mutex::new(Report::default()));
    let work = || {
        loop {
            let done = next.fetch_add(CHUNK, Ordering::Relaxed);
            if done >= programs {
                return;
            }
            let chunk = fuzz(first + done, CHUNK.min(programs - done), PATIENCE);
            let mut report = report.lock().expect("no thread panics while it counts");
            report.programs += chunk.programs;
            report.compiled += chunk.compiled;
            report.failures.extend(chunk.failures);
            eprint!("\r{} of {programs} ", report.programs);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    eprintln!();
    let mut report = report.into_inner().expect("no thread panics while it counts");
    report.failures.sort();
    report
}
