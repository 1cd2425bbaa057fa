//! The programs that are compared: built, started, asked.
//!
//! Before: names of peers.   Afterwards: processes that answer a name on standard input with a line of JSON.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Options;

/// The label of our own program.
pub(crate) const OURS: &str = "defn";

/// What a peer says of a workload that it does not have.
const ABSENT: &str = "it has no such workload";

/// A process that times what it is told to.
pub(crate) struct Program {
    pub(crate) label: &'static str,
    child: Child,
    /// Nothing once the process has been told to end.
    names: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    of: Of,
}

/// Which of many samples is the figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Medians,
    Minima,
}

impl Of {
    /// What the head of a table says.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Medians => "medians",
            Self::Minima => "minima",
        }
    }
}

/// What a program measured, in milliseconds: medians or minima, whichever was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Of a call that returns its result.
    pub(crate) call: f64,
    /// Of a call into a result that is there.
    pub(crate) into: Option<f64>,
    pub(crate) gflops: Option<f64>,
    /// The bytes of arguments and results a second, by the gigabyte.
    pub(crate) gbs: Option<f64>,
    /// Of the first call.
    pub(crate) first: Option<f64>,
}

impl Figure {
    /// The better of both, form by form.
    pub(crate) fn better(self, other: Self) -> Self {
        let into = self.into.zip(other.into).map(|(a, b)| a.min(b));
        let most = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a.max(b));
        Self {
            call: self.call.min(other.call),
            into,
            gflops: most(self.gflops, other.gflops),
            gbs: most(self.gbs, other.gbs),
            // Only the first turn has a first call.
            first: self.first,
        }
    }
}

/// Whether a peer writes its products into memory that is there, and does not allocate them.
pub(crate) fn writes_into(peer: &str, workload: &str) -> bool {
    match peer {
        "gemm" | "matrixmultiply" => true,
        "numpy" => workload.starts_with("matmul_") || workload.starts_with("product_"),
        _ => false,
    }
}

/// Builds and starts our program and the chosen peers.
pub(crate) fn start(root: &Path, options: &Options, seconds: f64) -> Result<Vec<Program>, String> {
    let peers = options.peers()?;
    let mut arguments = vec!["bench", "--no-run", "--bench", "workloads"];
    if options.is_on_device() {
        arguments.extend(["--features", "cuda"]);
    }
    let mut ours = Command::new(build(root, &arguments, "workloads")?);
    ours.args(["--device", &options.device]);
    let mut commands = vec![(OURS, ours)];
    for (peer, script) in SCRIPTS {
        if peers.contains(&peer) {
            let mut command = Command::new(python(root, options)?);
            // Folders of cargo's, in which the dynamic linker would look for every library first.
            command.env_remove("LD_LIBRARY_PATH");
            command.arg(root.join("xtask/peers").join(script));
            command.args(["--device", &options.device]);
            if peer == "torch-compile" {
                command.arg("--compile");
            }
            commands.push((peer, command));
        }
    }
    let crates = ["gemm", "matrixmultiply"].into_iter().filter(|peer| peers.contains(peer));
    let crates: Vec<&'static str> = crates.collect();
    if !crates.is_empty() {
        let program = crates_program(root)?;
        for peer in crates {
            let mut command = Command::new(&program);
            command.args(["--peer", peer]).env("MATMUL_NUM_THREADS", options.threads.to_string());
            commands.push((peer, command));
        }
    }
    let start = |(label, command)| Program::start((label, command), options, seconds);
    commands.into_iter().map(start).collect()
}

/// Peers in Python, each a process of its own.
const SCRIPTS: [(&str, &str); 5] = [
    ("jax", "jax_peer.py"),
    ("ort", "ort_peer.py"),
    ("numpy", "numpy_peer.py"),
    ("torch", "torch_peer.py"),
    ("torch-compile", "torch_peer.py"),
];

/// The program of the crates, which knows the roof too.
fn crates_program(root: &Path) -> Result<PathBuf, String> {
    let manifest = root.join("benches/peers/Cargo.toml").display().to_string();
    let target = root.join("target/peers").display().to_string();
    let arguments = ["build", "--release", "--manifest-path", &manifest, "--target-dir", &target];
    build(root, &arguments, "defn-bench-peers")
}

/// How many GFLOP/s of multiply-adds the processors do at most; nothing where nobody knows, or where they are not measured.
pub(crate) fn roof(root: &Path, options: &Options) -> Result<Option<f64>, String> {
    if options.is_on_device() {
        return Ok(None);
    }
    let mut command = Command::new(crates_program(root)?);
    command.args(["--peer", "roof"]);
    let figure = Program::start(("roof", command), options, 0.0)?.ask("fma")?;
    Ok(figure.and_then(|figure| figure.gflops))
}

/// Runs cargo; the executable that it made of this target.
fn build(root: &Path, arguments: &[&str], target: &str) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command.args(arguments).arg("--message-format=json-render-diagnostics").current_dir(root);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo does not start: {error}"))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == target;
        is_it.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    executable.ok_or_else(|| format!("`cargo {}` makes no `{target}`", arguments.join(" ")))
}

/// A Python that has the packages of the peers.
fn python(root: &Path, options: &Options) -> Result<PathBuf, String> {
    let of_environment = || std::env::var_os("DEFN_BENCH_PYTHON").map(PathBuf::from);
    let here = || root.join(".peers/bin/python");
    let python = options.python.clone().or_else(of_environment).unwrap_or_else(here);
    if python.exists() {
        return Ok(python);
    }
    Err(format!(
        "there is no {}\n  help: python3 -m venv .peers\n        .peers/bin/pip install jax numpy onnx onnxruntime\n  \
         or name another Python with `--python` or DEFN_BENCH_PYTHON, or choose other `--peers`",
        python.display()
    ))
}

impl Program {
    fn start(
        (label, mut command): (&'static str, Command),
        options: &Options,
        seconds: f64,
    ) -> Result<Self, String> {
        command.args(["--only", "-", "--threads", &options.threads.to_string()]);
        command.args(["--seconds", &seconds.to_string()]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{label} does not start: {error}"))?;
        let names = child.stdin.take();
        let answers = child.stdout.take().ok_or("a piped output is there")?;
        Ok(Self { label, child, names, answers: BufReader::new(answers).lines(), of: options.of })
    }

    /// What the program measures; nothing if it does not have the workload, and an error if it is wrong.
    pub(crate) fn ask(&mut self, name: &str) -> Result<Option<Figure>, String> {
        let broken = |error: &dyn std::fmt::Display| format!("{} at {name}: {error}", self.label);
        let names = self.names.as_mut().ok_or("the program runs")?;
        writeln!(names, "{name}").map_err(|error| broken(&error))?;
        let line = self.answers.next().ok_or_else(|| broken(&"the program has ended"))?;
        let line = line.map_err(|error| broken(&error))?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|_| broken(&format!("it says {line}")))?;
        let [call, into] = match self.of {
            Of::Medians => ["median_ms", "into_ms"],
            Of::Minima => ["min_ms", "into_min_ms"],
        };
        let Some(call) = answer[call].as_f64() else {
            let fault = answer["fault"].as_str().unwrap_or(&line);
            if fault != ABSENT {
                eprintln!("{name}: {}: {fault}", self.label);
            }
            return Ok(None);
        };
        // The rate is that of the median.
        let rate = |name: &str| Some(answer[name].as_f64()? * answer["median_ms"].as_f64()? / call);
        Ok(Some(Figure {
            call,
            into: answer[into].as_f64(),
            gflops: rate("gflops"),
            gbs: rate("gbs"),
            first: answer["first_ms"].as_f64(),
        }))
    }
}

impl Drop for Program {
    /// At the end of its input a program ends.
    fn drop(&mut self) {
        self.names = None;
        let _ = self.child.wait();
    }
}
