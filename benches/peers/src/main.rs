//! Products of matrices by other crates: `gemm` and `matrixmultiply`; and how fast the processor multiplies and adds at most.
//!
//! In: `--peer gemm|matrixmultiply|roof [--threads N] [--seconds S] --only -`, and names on standard input: `matmul_N`, `product_MxKxN`; `fma` of the roof.
//! Out: a line of JSON a name, as `benches/workloads` prints them. Products are written into memory that is there.
//! Never here: a check of the results; these crates have their own tests.

mod roof;

use std::hint::black_box;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;

/// A sample lasts at least so long, in seconds, as in `benches/workloads`.
const SAMPLE: f64 = 20e-6;
/// More samples do not move a median.
const SAMPLES: usize = 2000;

/// Who multiplies.
#[derive(Clone, Copy)]
enum Peer {
    Gemm,
    MatrixMultiply,
    /// Nobody: multiply-adds that depend on nothing but registers.
    Roof,
}

struct Command {
    peer: Peer,
    threads: usize,
    seconds: f64,
    only: Vec<String>,
}

fn main() -> ExitCode {
    match Command::read().map_err(|error| error.to_string()).and_then(|command| run(&command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), String> {
    pin(command.threads)?;
    let names: Box<dyn Iterator<Item = io::Result<String>>> = match command.only.as_slice() {
        [stdin] if stdin == "-" => Box::new(io::stdin().lines()),
        names => Box::new(names.iter().cloned().map(Ok)),
    };
    for name in names {
        let name = name.map_err(|error| error.to_string())?;
        let members = match extents(&name) {
            None if name == "fma" && matches!(command.peer, Peer::Roof) => {
                roof::time(command.threads)
            }
            Some(extents) => command.time(extents),
            None => "\"fault\":\"it has no such workload\"".to_owned(),
        };
        println!("{{\"name\":{name:?},{members}}}");
    }
    Ok(())
}

/// The extents that a name stands for.
fn extents(name: &str) -> Option<[usize; 3]> {
    if let Some(extent) = name.strip_prefix("matmul_") {
        return Some([extent.parse().ok()?; 3]);
    }
    let extents = name.strip_prefix("product_")?.split('x').map(|extent| extent.parse().ok());
    extents.collect::<Option<Vec<usize>>>()?.try_into().ok()
}

impl Command {
    fn read() -> Result<Self, lexopt::Error> {
        let mut command = Self { peer: Peer::Gemm, threads: 1, seconds: 1.0, only: Vec::new() };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("peer") => {
                    command.peer = match parser.value()?.string()?.as_str() {
                        "gemm" => Peer::Gemm,
                        "matrixmultiply" => Peer::MatrixMultiply,
                        "roof" => Peer::Roof,
                        other => return Err(format!("there is no peer `{other}`").into()),
                    }
                }
                Long("threads") => command.threads = parser.value()?.parse()?,
                Long("seconds") => command.seconds = parser.value()?.parse()?,
                Long("only") => {
                    command.only =
                        parser.value()?.string()?.split(',').map(str::to_owned).collect();
                }
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(command)
    }

    /// The times of a product as members of an object of JSON.
    fn time(&self, [m, k, n]: [usize; 3]) -> String {
        // What the numbers are does not matter to the time.
        let filled = |count: usize| -> Vec<f32> {
            (0..count).map(|at| (at % 17) as f32 / 8.0 - 1.0).collect()
        };
        let (a, b, mut c) = (filled(m * k), filled(k * n), vec![0.0f32; m * n]);
        let mut call = || self.multiply([m, k, n], black_box(&a), black_box(&b), &mut c);
        let start = Instant::now();
        call();
        let first = start.elapsed().as_secs_f64();
        let mut sample = |calls: usize| {
            let start = Instant::now();
            (0..calls).for_each(|_| call());
            start.elapsed().as_secs_f64()
        };
        let mut calls = 1;
        while sample(calls) < SAMPLE {
            calls *= 2;
        }
        let (start, mut times) = (Instant::now(), Vec::new());
        while times.len() < 5
            || (times.len() < SAMPLES && start.elapsed().as_secs_f64() < self.seconds)
        {
            times.push(sample(calls) / calls as f64);
        }
        times.sort_by(f64::total_cmp);
        let ms = |seconds: f64| seconds * 1e3;
        let (median, min) = (ms(times[times.len() / 2]), ms(times[0]));
        format!("\"median_ms\":{median:.6},\"min_ms\":{min:.6},\"first_ms\":{:.6}", ms(first))
    }

    /// The product of two row-major matrices, into a third.
    fn multiply(&self, [m, k, n]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
        assert_eq!([a.len(), b.len(), c.len()], [m * k, k * n, m * n]);
        let [row_of_a, row_of_b, row_of_c] = [k, n, n].map(|width| width as isize);
        match self.peer {
            Peer::Gemm => {
                let parallel = match self.threads {
                    1 => gemm::Parallelism::None,
                    threads => gemm::Parallelism::Rayon(threads),
                };
                // SAFETY: the slices have as many elements as the extents and strides reach, and `c` is borrowed mutably.
                unsafe {
                    gemm::gemm(
                        m,
                        n,
                        k,
                        c.as_mut_ptr(),
                        1,
                        row_of_c,
                        false,
                        a.as_ptr(),
                        1,
                        row_of_a,
                        b.as_ptr(),
                        1,
                        row_of_b,
                        0.0,
                        1.0,
                        false,
                        false,
                        false,
                        parallel,
                    );
                }
            }
            Peer::Roof => {}
            // SAFETY: as above.
            Peer::MatrixMultiply => unsafe {
                matrixmultiply::sgemm(
                    m,
                    k,
                    n,
                    1.0,
                    a.as_ptr(),
                    row_of_a,
                    1,
                    b.as_ptr(),
                    row_of_b,
                    1,
                    0.0,
                    c.as_mut_ptr(),
                    row_of_c,
                    1,
                );
            },
        }
        black_box(c);
    }
}

/// Leaves this process the first `threads` of the processors that it may use.
#[cfg(target_os = "linux")]
fn pin(threads: usize) -> Result<(), String> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).map_err(|error| error.to_string())?;
    let mut chosen = CpuSet::new();
    let allowed = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
    allowed.take(threads).for_each(|processor| chosen.set(processor));
    sched_setaffinity(None, &chosen).map_err(|error| error.to_string())
}

/// Other systems have no such call, and the numbers say what the scheduler made of it.
#[cfg(not(target_os = "linux"))]
fn pin(_: usize) -> Result<(), String> {
    Ok(())
}
