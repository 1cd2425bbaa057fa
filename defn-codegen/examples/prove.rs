//! The functions of mathematics as compiled code, held against correctly rounded ones: what `cargo xtask prove-math` starts.
//!
//! In: nothing, or `--only NAME`, `--stride N` (every `N`th `f32`) and `--samples N` (how many `f64` and pairs).
//! Out: a row of Markdown for each function and type, `| f32 | exp | 0.87 | 4294967296 | yes |`.
//!
//! Every level that this processor has runs, and they must agree on every bit.
//! A result outside of the range of its function, or further away than [`LIMIT`], is a failure.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to whoever runs it")]

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/math/reference.rs"]
mod reference;

use std::env;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::eval::Value;
use defn_codegen::graph::{Element, parse};
use defn_codegen::llvm::jit::{Prepared, is_supported};
use defn_codegen::math::sweep::{error_f32, steps_f64};
use defn_codegen::math::{Function, Function2};
use defn_codegen::options::{Dump, Level, Options, Sizes};
use reference::{Random, binary_reference, range, special_values, unary_reference};

/// How many elements a call has.
const CHUNK: usize = 1 << 14;
/// What every function but one keeps to, in units in the last place.
const LIMIT: f64 = 2.0;

/// What is held against its exact value.
#[derive(Clone, Copy)]
enum Subject {
    Unary(Function),
    Sqrt,
    Binary(Function2),
    Rem,
}

impl Subject {
    fn all() -> Vec<Self> {
        let unary = Function::ALL.iter().map(|function| Subject::Unary(*function));
        let binary = Function2::ALL.iter().map(|function| Subject::Binary(*function));
        unary.chain([Subject::Sqrt]).chain(binary).chain([Subject::Rem]).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Subject::Unary(function) => function.name(),
            Subject::Sqrt => "sqrt",
            Subject::Binary(function) => function.name(),
            Subject::Rem => "rem",
        }
    }

    fn is_binary(self) -> bool {
        matches!(self, Subject::Binary(_) | Subject::Rem)
    }

    /// The exact value, rounded to `f64`.
    fn exact(self, x: f64, y: f64) -> f64 {
        match self {
            Subject::Unary(function) => unary_reference(function)(x),
            Subject::Sqrt => x.sqrt(),
            Subject::Binary(function) => binary_reference(function)(x, y),
            Subject::Rem => x % y,
        }
    }

    /// The correctly rounded `f32`, where there is a quick way to it.
    fn rounded(self, x: f32) -> Option<f32> {
        let function = match self {
            Subject::Unary(function) => function,
            Subject::Sqrt => return Some(x.sqrt()),
            Subject::Binary(_) | Subject::Rem => return None,
        };
        Some(match function {
            Function::Exp => core_math::expf(x),
            Function::Exp2 => core_math::exp2f(x),
            Function::Expm1 => core_math::expm1f(x),
            Function::Sinh => core_math::sinhf(x),
            Function::Cosh => core_math::coshf(x),
            Function::Tanh => core_math::tanhf(x),
            Function::Sigmoid | Function::ErfInv => return None,
            Function::Log => core_math::logf(x),
            Function::Log2 => core_math::log2f(x),
            Function::Log1p => core_math::log1pf(x),
            Function::Sin => core_math::sinf(x),
            Function::Cos => core_math::cosf(x),
            Function::Tan => core_math::tanf(x),
            Function::Asin => core_math::asinf(x),
            Function::Acos => core_math::acosf(x),
            Function::Atan => core_math::atanf(x),
            Function::Cbrt => core_math::cbrtf(x),
            Function::Rsqrt => core_math::rsqrtf(x),
            Function::Erf => core_math::erff(x),
        })
    }

    /// What it keeps to, in units in the last place.
    fn limit(self) -> f64 {
        match self {
            // Its bits are those of random streams elsewhere, which lose digits near the poles.
            Subject::Unary(Function::ErfInv) => 48.0,
            Subject::Unary(_) | Subject::Sqrt | Subject::Binary(_) | Subject::Rem => LIMIT,
        }
    }

    /// Whether a result is one that the function may take.
    fn admits(self, x: f64, result: f64) -> bool {
        match self {
            // The pole of the reciprocal root at minus zero is minus infinity.
            Subject::Unary(Function::Rsqrt) if x == 0.0 => true,
            Subject::Unary(function) => {
                let (least, greatest) = range(function);
                result.is_nan() || (least..=greatest).contains(&result)
            }
            Subject::Sqrt | Subject::Binary(_) | Subject::Rem => true,
        }
    }

    /// Whether it rises (1), falls (-1), or does neither.
    fn slope(self) -> i8 {
        match self {
            Subject::Unary(Function::Sin | Function::Cos | Function::Tan | Function::Cosh)
            | Subject::Binary(_)
            | Subject::Rem => 0,
            Subject::Unary(Function::Acos | Function::Rsqrt) => -1,
            Subject::Unary(_) | Subject::Sqrt => 1,
        }
    }
}

/// What was found so far.
#[derive(Clone, Copy)]
struct Finding {
    ulp: f64,
    at: (f64, f64),
    tried: u64,
    monotone: bool,
}

impl Finding {
    const NOTHING: Self = Self { ulp: 0.0, at: (0.0, 0.0), tried: 0, monotone: true };

    fn join(&mut self, other: Self) {
        if other.ulp > self.ulp {
            (self.ulp, self.at) = (other.ulp, other.at);
        }
        self.tried += other.tried;
        self.monotone &= other.monotone;
    }
}

/// The code of one function for every level, and room for one chunk.
struct Runner {
    levels: Vec<Prepared>,
    element: Element,
    is_binary: bool,
}

impl Runner {
    fn new(subject: Subject, element: Element) -> Self {
        let (vector, name) = (format!("{element}[{CHUNK}]"), subject.name());
        let text = if subject.is_binary() {
            format!(
                "graph f(x: {vector}, y: {vector}) -> {vector} {{\n  %0: {vector} = {name} x, y\n  return %0\n}}"
            )
        } else {
            format!(
                "graph f(x: {vector}) -> {vector} {{\n  %0: {vector} = {name} x\n  return %0\n}}"
            )
        };
        let graph = parse::parse(&text).expect("the program is well formed");
        let zeros = Value::from_f64(element, &[CHUNK], &vec![0.0; CHUNK]);
        let arguments = vec![zeros; graph.parameters.len()];
        let options = Options {
            levels: Vec::new(),
            devices: Vec::new(),
            triple: "x86_64-unknown-linux-gnu".to_owned(),
            dump: Dump::default(),
            sizes: Sizes::USUAL,
            verify: false,
            tf32: false,
        };
        let levels = [Level::V3, Level::V4].into_iter().filter(|level| is_supported(*level));
        let prepared =
            |level| Prepared::new(&schedule_graph(&graph, level, &options), level, &[], &arguments);
        Self { levels: levels.map(prepared).collect(), element, is_binary: subject.is_binary() }
    }

    /// The bits of the results, which are the same at every level but for those of NaN.
    fn run(&mut self, arguments: [&[u64]; 2], results: &mut [u64]) -> Result<(), String> {
        let (size, count) = (self.element.size(), 1 + usize::from(self.is_binary));
        let mut found = vec![0; CHUNK];
        for (position, level) in self.levels.iter_mut().enumerate() {
            for (buffer, bits) in arguments.iter().enumerate().take(count) {
                write(size, level.buffer(buffer), bits);
            }
            level.call();
            read(size, level.buffer(count), &mut found);
            for (lane, (bits, result)) in found.iter().zip(results.iter_mut()).enumerate() {
                let bits = *bits;
                let is_nan = number(self.element, bits).is_nan();
                if position > 0 && bits != *result && !is_nan {
                    let at = number(self.element, arguments[0][lane]);
                    return Err(format!("levels differ at {at:e}"));
                }
                *result = bits;
            }
        }
        Ok(())
    }
}

/// Numbers of 4 or 8 bytes from bits, and back.
fn write(size: usize, bytes: &mut [u8], bits: &[u64]) {
    if size == 4 {
        let bytes = bytes.as_chunks_mut().0;
        bytes.iter_mut().zip(bits).for_each(|(four, bits)| *four = (*bits as u32).to_le_bytes());
    } else {
        let bytes = bytes.as_chunks_mut().0;
        bytes.iter_mut().zip(bits).for_each(|(eight, bits)| *eight = bits.to_le_bytes());
    }
}

fn read(size: usize, bytes: &[u8], bits: &mut [u64]) {
    if size == 4 {
        let fours = bytes.as_chunks().0;
        fours
            .iter()
            .zip(bits)
            .for_each(|(four, bits)| *bits = u64::from(u32::from_le_bytes(*four)));
    } else {
        let eights = bytes.as_chunks().0;
        eights.iter().zip(bits).for_each(|(eight, bits)| *bits = u64::from_le_bytes(*eight));
    }
}

fn number(element: Element, bits: u64) -> f64 {
    if element == Element::F32 {
        f64::from(f32::from_bits(bits as u32))
    } else {
        f64::from_bits(bits)
    }
}

fn bits(element: Element, number: f64) -> u64 {
    if element == Element::F32 { u64::from((number as f32).to_bits()) } else { number.to_bits() }
}

/// Judges one chunk; where it is in the order of the numbers, also whether results are.
fn judge(
    subject: Subject,
    element: Element,
    arguments: [&[u64]; 2],
    results: &[u64],
    ordered: bool,
) -> Result<Finding, String> {
    let mut finding = Finding { tried: results.len() as u64, ..Finding::NOTHING };
    let mut before = f64::NAN;
    for (lane, result) in results.iter().enumerate() {
        let [x, y] = arguments.map(|bits| number(element, bits.get(lane).copied().unwrap_or(0)));
        let result = number(element, *result);
        if !subject.admits(x, result) {
            return Err(format!("{x:e} gives {result:e}, which is out of range"));
        }
        let ulp = error(subject, element, [x, y], result);
        if ulp > finding.ulp {
            (finding.ulp, finding.at) = (ulp, (x, y));
        }
        if ordered && before.is_finite() && !result.is_nan() {
            let rises = f64::from(subject.slope()) * if x < 0.0 { -1.0 } else { 1.0 };
            finding.monotone &= rises * (result - before) >= 0.0;
        }
        before = result;
    }
    Ok(finding)
}

/// How far a result is from its exact value; of a correctly rounded one it is enough to know that it is.
fn error(subject: Subject, element: Element, [x, y]: [f64; 2], result: f64) -> f64 {
    if element == Element::F64 {
        // The reference is itself rounded, by at most one half.
        return steps_f64(result, subject.exact(x, y)) as f64 + 0.5;
    }
    let result = result as f32;
    match subject.rounded(x as f32) {
        Some(rounded) if rounded.to_bits() == result.to_bits() => 0.5,
        _ => error_f32(result, subject.exact(x, y)),
    }
}

/// The sources of arguments.
#[derive(Clone, Copy)]
struct Plan {
    stride: u64,
    samples: u64,
}

impl Plan {
    fn chunks(self, subject: Subject, element: Element) -> u64 {
        let total = if element == Element::F32 && !subject.is_binary() {
            (1 << 32) / self.stride
        } else {
            self.samples
        };
        total.div_ceil(CHUNK as u64)
    }

    /// The arguments of chunk `index`, and whether they stand in the order of the numbers.
    fn fill(
        self,
        subject: Subject,
        element: Element,
        index: u64,
        place: &mut [Vec<u64>; 2],
    ) -> bool {
        if element == Element::F32 && !subject.is_binary() {
            for (lane, bits) in place[0].iter_mut().enumerate() {
                *bits = ((index * CHUNK as u64 + lane as u64) * self.stride) & 0xffff_ffff;
            }
            return true;
        }
        let mut random = Random::seeded(index);
        let special = special_values();
        for lane in 0..CHUNK {
            let round = lane as u32;
            let [x, y] = if index == 0 && lane < special.len() * special.len() {
                [special[lane % special.len()], special[lane / special.len()]]
            } else {
                self.sample(subject, &mut random, round)
            };
            (place[0][lane], place[1][lane]) = (bits(element, x), bits(element, y));
        }
        false
    }

    /// Of trigonometric functions every fourth argument is next to a multiple of a quarter turn; of `pow` every second exponent brings
    /// the power all over its range.
    fn sample(self, subject: Subject, random: &mut Random, round: u32) -> [f64; 2] {
        let x = random.number(round);
        let y = random.number(round / 8);
        match subject {
            Subject::Unary(Function::Sin | Function::Cos | Function::Tan) if round % 4 == 1 => {
                let turns =
                    (random.between(0.0, 4.0) * 2f64.powi((round / 4 % 1000) as i32)).round();
                [turns * std::f64::consts::FRAC_PI_2, y]
            }
            Subject::Binary(Function2::Pow) if round % 2 == 1 => {
                let logarithm = core_math::log2(x.abs());
                [x.abs(), random.between(-1080.0, 1030.0) / logarithm]
            }
            Subject::Binary(Function2::Pow) if round % 4 == 2 => [x, y.trunc()],
            Subject::Unary(_) | Subject::Sqrt | Subject::Binary(_) | Subject::Rem => [x, y],
        }
    }
}

fn prove(subject: Subject, element: Element, plan: Plan) -> Result<Finding, String> {
    let (next, chunks) = (AtomicU64::new(0), plan.chunks(subject, element));
    let all = Mutex::new(Ok(Finding::NOTHING));
    let work = || {
        let mut runner = Runner::new(subject, element);
        let mut place = [vec![0; CHUNK], vec![0; CHUNK]];
        let mut results = vec![0; CHUNK];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= chunks {
                return;
            }
            let ordered = plan.fill(subject, element, index, &mut place);
            let arguments = [place[0].as_slice(), place[1].as_slice()];
            let found = runner
                .run(arguments, &mut results)
                .and_then(|()| judge(subject, element, arguments, &results, ordered));
            let mut all = all.lock().expect("no thread panics while it counts");
            match (all.as_mut(), found) {
                (Ok(all), Ok(found)) => all.join(found),
                (Err(_), _) => return,
                (Ok(_), Err(fault)) => *all = Err(fault),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    all.into_inner().expect("no thread panics while it counts")
}

fn main() -> ExitCode {
    let (mut only, mut plan) = (None, Plan { stride: 1, samples: 100_000_000 });
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let count = value.parse().unwrap_or(1).max(1);
        match argument.as_str() {
            "--only" => only = Some(value),
            "--stride" => plan.stride = count,
            "--samples" => plan.samples = count,
            _ => {
                eprintln!("{argument} is not known: --only NAME, --stride N, --samples N");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut proven = true;
    for element in [Element::F32, Element::F64] {
        for subject in Subject::all() {
            let name = subject.name();
            if only
                .as_ref()
                .is_some_and(|only| only != name && *only != format!("{name}_{element}"))
            {
                continue;
            }
            match prove(subject, element, plan) {
                Ok(finding) => {
                    proven &= finding.ulp <= subject.limit();
                    let exhaustive = element == Element::F32 && !subject.is_binary();
                    let monotone = match (exhaustive && subject.slope() != 0, finding.monotone) {
                        (false, _) => "–",
                        (true, true) => "yes",
                        (true, false) => "no",
                    };
                    let Finding { ulp, at, tried, monotone: _ } = finding;
                    println!("| {element} | {name} | {ulp:.2} | {tried} | {monotone} |");
                    eprintln!("{element} {name}: {ulp} at {:e} {:e}", at.0, at.1);
                }
                Err(fault) => {
                    proven = false;
                    eprintln!("{element} {name}: {fault}");
                }
            }
        }
    }
    if proven { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
