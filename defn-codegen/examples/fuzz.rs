//! Runs the laws of the river on random programs, on every core: what `cargo xtask fuzz` starts.
//!
//! In: the first seed, the number of programs, and perhaps `calculus`: then it is the laws of derivatives.
//! Out: a few lines of counts; each failure with its seed and smallest graph.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to whoever runs it")]

use std::env;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use defn_codegen::testing::calculus::{Calculus, calculus};
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
    let failures = match env::args().nth(3).as_deref() {
        None => river(first, programs),
        Some("calculus") => derivatives(first, programs),
        Some(other) => {
            eprintln!("expected `calculus`, not `{other}`");
            return ExitCode::FAILURE;
        }
    };
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The laws of the river; how many programs break one.
fn river(first: u64, programs: u64) -> usize {
    let parts = in_chunks(first, programs, |first, count| {
        let report = fuzz(first, count, PATIENCE);
        print_failures(&report.failures);
        report
    });
    let mut report = Report::default();
    for part in parts {
        report.programs += part.programs;
        report.compiled += part.compiled;
        report.on_device += part.on_device;
        report.failures.extend(part.failures);
    }
    let Report { programs, compiled, on_device, failures } = &report;
    println!(
        "{programs} programs, {compiled} of them compiled and run, {on_device} as kernels of a device too, {} differences",
        failures.len()
    );
    failures.len()
}

/// The laws of derivatives; how many programs break one.
fn derivatives(first: u64, programs: u64) -> usize {
    let parts = in_chunks(first, programs, |first, count| {
        let report = calculus(first, count, PATIENCE);
        print_failures(&report.failures);
        report
    });
    let mut report = Calculus::default();
    parts.into_iter().for_each(|part| report.add(part));
    for (order, tally) in report.orders.iter().enumerate() {
        println!(
            "order {}: {} compared with differences, {} of them zero, {} too large for the next order; \
             {} without a slope that differences agree on ({:.1} %)",
            order + 1,
            tally.compared,
            tally.flat,
            tally.large,
            tally.rejected,
            100.0 * tally.rejected as f64 / (tally.compared + tally.rejected).max(1) as f64,
        );
    }
    println!("{} programs, {} differences", report.programs, report.failures.len());
    report.failures.len()
}

/// At once: whoever stops a long run has seen what it found.
fn print_failures(failures: &[(u64, String)]) {
    for (seed, failure) in failures {
        println!("seed {seed}: {failure}\n");
    }
}

/// What each chunk of the programs gives, in order; the same programs are run whatever the number of threads is.
fn in_chunks<T: Send>(first: u64, programs: u64, run: impl Fn(u64, u64) -> T + Sync) -> Vec<T> {
    let (next, parts) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let done = next.fetch_add(CHUNK, Ordering::Relaxed);
            if done >= programs {
                return;
            }
            let part = run(first + done, CHUNK.min(programs - done));
            let mut parts = parts.lock().expect("no thread panics while it counts");
            parts.push((done, part));
            eprint!("\r{} of {programs} ", (CHUNK * parts.len() as u64).min(programs));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    eprintln!();
    let mut parts = parts.into_inner().expect("no thread panics while it counts");
    parts.sort_by_key(|(done, _)| *done);
    parts.into_iter().map(|(_, part)| part).collect()
}
