//! The workloads of the benchmark, each checked against an `f64` reference before it is timed.
//!
//! In: `cargo bench --bench workloads -- [--device cuda] [--threads N] [--only a,b] [--json FILE] [--seconds S]`.
//! `--only -` reads names from standard input, a line each; `product_MxKxN` is a product of any extents.
//! Out: one line of JSON a name; `docs/benchmarks.md` says what it holds.
//!
//! ```text
//! {"name":"exp_1m","level":"v4","threads":1,"device":"cpu","median_ms":0.21,"min_ms":0.2,"first_ms":1.9,"into_ms":0.2,"into_min_ms":0.19,"off":0.3,"gbs":38.1}
//! {"name":"cholesky_5","fault":"there is no such workload"}
//! ```
//!
//! Before: a row of [`WORKLOADS`]: a name, what it moves or computes, and a program as a user writes it.
//! Afterwards: every time that was printed belongs to a result that was right.
//! Never here: another library; `cargo xtask bench` puts the lines of several beside each other.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark speaks to its reader")]

mod inputs;
mod reference;
mod measure;
mod draws;
mod elementwise;
mod rows;
mod sums;
mod products;
mod networks;
mod attention;
mod particles;
mod recurrences;
mod linear;
mod calls;
mod large;

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use defn::{Device, Level};
use lexopt::prelude::*;
use measure::{Stopwatch, Times, Verdict};

/// What a workload is measured by.
#[derive(Clone, Copy)]
enum Amount {
    /// Floating-point operations.
    Flops(f64),
    /// Bytes that must be read and written at least.
    Bytes(f64),
    /// Nothing that a rate could be made of.
    Calls,
}
use Amount::{Bytes, Calls, Flops};

/// How a workload is computed: by this, which checks its result and then times itself.
#[derive(Clone, Copy)]
struct Here(fn(&Stopwatch) -> Verdict<Times>);

/// What one layer network computes for one row of its input.
const MLP: f64 = 2.0 * (784.0 * 512.0 + 512.0 * 256.0 + 256.0 * 10.0);
/// What attention over 512 positions computes.
const ATTENTION: f64 = 4.0 * 8.0 * 512.0 * 512.0 * 64.0;
/// What the encoder layer computes.
const ENCODER: f64 = 2.0 * 128.0 * 384.0 * 384.0 * 12.0 + 4.0 * 12.0 * 128.0 * 128.0 * 32.0;
const MIB: f64 = 1024.0 * 1024.0;

/// The product of two square matrices.
const fn square(extent: usize) -> Amount {
    Flops(2.0 * (extent * extent * extent) as f64)
}

/// Every workload, in the order of the table.
const WORKLOADS: &[(&str, Amount, Here)] = &[
    ("exp_1m", Bytes(8e6), Here(elementwise::exp_1m)),
    ("sin_1m", Bytes(8e6), Here(elementwise::sin_1m)),
    ("black_scholes_1m", Bytes(16e6), Here(elementwise::black_scholes_1m)),
    ("softmax_1m", Bytes(8e6), Here(rows::softmax_1m)),
    ("softmax_rows", Bytes(8.0 * MIB), Here(rows::softmax_rows)),
    ("layernorm_gelu", Bytes(32.0 * MIB), Here(rows::layernorm_gelu)),
    ("sum_64m", Bytes(64.0 * MIB), Here(sums::sum_64m)),
    ("cumsum_1m", Bytes(8e6), Here(sums::cumsum_1m)),
    ("uniform_1m", Bytes(4e6), Here(draws::uniform_1m)),
    ("normal_1m", Bytes(4e6), Here(draws::normal_1m)),
    ("sort_1m", Calls, Here(sums::sort_1m)),
    ("scatter_add_1m", Calls, Here(sums::scatter_add_1m)),
    ("matmul_8", square(8), Here(products::matmul_8)),
    ("matmul_16", square(16), Here(products::matmul_16)),
    ("matmul_32", square(32), Here(products::matmul_32)),
    ("matmul_64", square(64), Here(products::matmul_64)),
    ("matmul_256", square(256), Here(products::matmul_256)),
    ("matmul_512", square(512), Here(products::matmul_512)),
    ("matmul_1024", square(1024), Here(products::matmul_1024)),
    ("matmul_2048", square(2048), Here(products::matmul_2048)),
    (
        "matmul_bias_relu_512x1024x1024",
        Flops(2.0 * 512.0 * MIB),
        Here(products::matmul_bias_relu_512x1024x1024),
    ),
    (
        "pairwise_dist_2048x64",
        Flops(2.0 * 2048.0 * 2048.0 * 64.0),
        Here(products::pairwise_dist_2048x64),
    ),
    (
        "conv2d_3x3_c64_56",
        Flops(2.0 * 64.0 * 64.0 * 9.0 * 56.0 * 56.0),
        Here(products::conv2d_3x3_c64_56),
    ),
    ("mlp_forward_b64", Flops(64.0 * MLP), Here(networks::mlp_forward_b64)),
    ("mlp_forward_b1", Flops(MLP), Here(networks::mlp_forward_b1)),
    ("mlp_train_step_b64", Flops(3.0 * 64.0 * MLP), Here(networks::mlp_train_step_b64)),
    (
        "mlp_train_step_b64_in_place",
        Flops(3.0 * 64.0 * MLP),
        Here(networks::mlp_train_step_b64_in_place),
    ),
    ("per_example_grad_mlp_b256", Calls, Here(networks::per_example_grad_mlp_b256)),
    ("attention_h8_s512_d64", Flops(ATTENTION), Here(attention::attention_h8_s512_d64)),
    (
        "attention_h8_s512_d64_grad",
        Flops(2.5 * ATTENTION),
        Here(attention::attention_h8_s512_d64_grad),
    ),
    ("encoder_layer_s128_d384", Flops(ENCODER), Here(attention::encoder_layer_s128_d384)),
    ("nbody_1024_grad", Calls, Here(particles::nbody_1024_grad)),
    ("mandelbrot_512_100", Calls, Here(recurrences::mandelbrot_512_100)),
    ("lorenz_rk4_1000", Calls, Here(recurrences::lorenz_rk4_1000)),
    ("lorenz_rk4_1000_grad", Calls, Here(recurrences::lorenz_rk4_1000_grad)),
    ("gru32_1000", Calls, Here(recurrences::gru32_1000)),
    ("gru32_1000_grad", Calls, Here(recurrences::gru32_1000_grad)),
    ("solve_10k_6x6", Calls, Here(linear::solve_10k_6x6)),
    ("cholesky_512", Flops(512.0 * 512.0 * 512.0 / 3.0), Here(linear::cholesky_512)),
    ("first_gradient", Calls, Here(calls::first_gradient)),
    ("call_overhead", Calls, Here(calls::call_overhead)),
];

/// What a GPU is asked besides; for a processor only if it is named.
const LARGE: &[(&str, Amount, Here)] = &[
    ("negative_1g", Bytes(2048.0 * MIB), Here(large::negative_1g)),
    ("exp_1g", Bytes(2048.0 * MIB), Here(large::exp_1g)),
    ("sum_1g", Bytes(1024.0 * MIB), Here(large::sum_1g)),
    ("softmax_rows_1g", Bytes(2048.0 * MIB), Here(large::softmax_rows_1g)),
    ("matmul_4096", square(4096), Here(products::matmul_4096)),
    ("matmul_8192", square(8192), Here(products::matmul_8192)),
    ("attention_h8_s4096_d64", Flops(64.0 * ATTENTION), Here(attention::attention_h8_s4096_d64)),
    (
        "attention_h8_s16384_d64",
        Flops(1024.0 * ATTENTION),
        Here(attention::attention_h8_s16384_d64),
    ),
];

fn main() -> ExitCode {
    match Command::read().map_err(|error| error.to_string()).and_then(|command| run(&command)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("{wrong} workloads are wrong");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Times what was asked for; how many results were wrong.
fn run(command: &Command) -> Verdict<usize> {
    if command.is_fresh_process {
        return calls::in_a_fresh_process().map(|()| 0);
    }
    pin(command.threads)?;
    defn::set_threads(command.threads);
    let level = Level::current().map_err(|error| error.to_string())?;
    let head = format!("\"level\":\"{level}\",\"threads\":{}", command.threads);
    let mut file = command.json.as_ref().map(File::create).transpose().map_err(text)?;
    let device = command.device()?;
    let head = format!("{head},\"device\":\"{device}\"");
    if !device.is_cpu() {
        eprintln!("on {device:?}");
    }
    let stopwatch = Stopwatch { seconds: command.seconds, device };
    let mut wrong = 0;
    for name in command.names() {
        let name = name.map_err(text)?;
        let members = match measure(&name, &stopwatch) {
            Ok(members) => format!("{head},{members}"),
            Err(fault) => {
                wrong += 1;
                format!("\"fault\":{fault:?}")
            }
        };
        let line = format!("{{\"name\":{name:?},{members}}}");
        println!("{line}");
        file.as_mut().map(|file| writeln!(file, "{line}")).transpose().map_err(text)?;
    }
    Ok(wrong)
}

/// The times of a workload as members of an object of JSON.
fn measure(name: &str, stopwatch: &Stopwatch) -> Verdict<String> {
    let (times, amount) = match WORKLOADS.iter().chain(LARGE).find(|(known, ..)| *known == name) {
        Some((_, amount, Here(program))) => (program(stopwatch)?, *amount),
        None => {
            let extents = products::extents(name).ok_or("there is no such workload")?;
            let [m, k, n] = extents.map(|extent| extent as f64);
            (products::of_extents(extents, stopwatch)?, Flops(2.0 * m * k * n))
        }
    };
    Ok(format!("{}{}", times.json(), amount.rate(times.median)))
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

impl Amount {
    /// The rate as a last member of an object of JSON.
    fn rate(self, seconds: f64) -> String {
        match self {
            Flops(flops) => format!(",\"gflops\":{:.2}", flops / seconds / 1e9),
            Bytes(bytes) => format!(",\"gbs\":{:.2}", bytes / seconds / 1e9),
            Calls => String::new(),
        }
    }
}

/// The command line, with what holds where it is silent.
struct Command {
    threads: usize,
    seconds: f64,
    /// `cpu`, `cuda`, or `cuda:1`.
    device: String,
    only: Vec<String>,
    json: Option<String>,
    /// The process is the child of a benchmark, which wants to know how long it takes to get going.
    is_fresh_process: bool,
}

impl Command {
    /// What to time, in turn.
    fn names(&self) -> Box<dyn Iterator<Item = std::io::Result<String>> + '_> {
        match self.only.as_slice() {
            [] => {
                let large = if self.device == "cpu" { &[] } else { LARGE };
                let all = WORKLOADS.iter().chain(large);
                Box::new(all.map(|(name, ..)| Ok((*name).to_owned())))
            }
            [stdin] if stdin == "-" => Box::new(std::io::stdin().lines()),
            names => Box::new(names.iter().cloned().map(Ok)),
        }
    }

    /// Where to run.
    fn device(&self) -> Verdict<Device> {
        let unknown = || format!("`{}` is no device: there are cpu, cuda, cuda:1", self.device);
        let gpu = match self.device.as_str() {
            "cpu" => return Ok(Device::cpu()),
            "cuda" => Ok(0),
            name => name.strip_prefix("cuda:").ok_or_else(unknown)?.parse(),
        };
        Device::cuda(gpu.map_err(|_| unknown())?).map_err(|error| error.to_string())
    }

    fn read() -> Result<Self, lexopt::Error> {
        let mut command = Self {
            threads: 1,
            seconds: 1.0,
            device: "cpu".to_owned(),
            only: Vec::new(),
            json: None,
            is_fresh_process: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("threads") => command.threads = parser.value()?.parse()?,
                Long("seconds") => command.seconds = parser.value()?.parse()?,
                Long("device") => command.device = parser.value()?.string()?,
                Long("json") => command.json = Some(parser.value()?.string()?),
                Long("only") => {
                    let names = parser.value()?.string()?;
                    let names = names.split(',').filter(|name| !name.is_empty());
                    command.only.extend(names.map(str::to_owned));
                }
                Long(calls::FRESH) => command.is_fresh_process = true,
                // Cargo passes it to every benchmark.
                Long("bench") => {}
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(command)
    }
}

/// Leaves this process the first `threads` of the processors that it may use.
#[cfg(target_os = "linux")]
fn pin(threads: usize) -> Verdict<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).map_err(|error| error.to_string())?;
    let mut chosen = CpuSet::new();
    let allowed = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
    allowed.take(threads).for_each(|processor| chosen.set(processor));
    sched_setaffinity(None, &chosen).map_err(|error| error.to_string())
}

/// Other systems have no such call, and the numbers say what the scheduler made of it.
#[cfg(not(target_os = "linux"))]
fn pin(_: usize) -> Verdict<()> {
    Ok(())
}
