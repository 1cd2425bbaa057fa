//! Laws of the whole river, for tests and for fuzzing: whatever a graph means, every stage below must say the same.
//!
//! In: a graph with arguments.   Out: nothing, or the first law that is broken, in words.
//!
//! 1. A graph printed and read back is the same graph.
//! 2. Simplified, it is within the bounds of what a right implementation may give.
//! 3. So are its loops, for every level and every size from which another form pays; and all of them give the same bits.
//! 4. So are its loops for a device, in which no threads race; they give those bits too, where no stripes have an order of their own.
//! 5. PTX, executed instruction by instruction, gives the bits of the loops for a device.
//! 6. Machine code gives the bits of the loops (but for sign and payload of NaN), for every level that this processor has.
//!
//! [`calculus`](calculus::calculus) has the laws of derivatives.

pub mod batch;
pub mod calculus;
pub mod derivative;
pub mod ptx;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::compile::schedule_graph;
use crate::graph::Callable;
use crate::graph::arbitrary::{
    Case, generate, generate_control, generate_differentiable, generate_differentiable_control,
    shrink,
};
use crate::graph::bounds::{Bounded, bounds};
use crate::graph::eval::{self, Value};
use crate::graph::{Element, Graph, parse, verify};
use crate::llvm::{self, jit};
use crate::loops::eval::Outcome;
use crate::loops::{self, Loops, Statement, visit};
use crate::options::{Compute, Dump, Level, Options, Sizes, TensorCores};
use crate::program::Program;
use crate::simplify::simplify;
use crate::transform::transform;

/// The levels that are compared.
const LEVELS: [Level; 2] = [Level::V3, Level::V4];

/// What was tried, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many programs were run.
    pub programs: u64,
    /// How many of them as machine code.
    pub compiled: u64,
    /// How many of them as loops and kernels for a device.
    pub on_device: u64,
    /// For each failure the seed, the broken law and the smallest graph that breaks it.
    pub failures: Vec<(u64, String)>,
}

/// Runs the laws on `programs` random programs, the first of them from `seed`; stops after `patience` failures.
pub fn fuzz(seed: u64, programs: u64, patience: usize) -> Report {
    let mut report = Report::default();
    for seed in seed..seed + programs {
        let case = case(seed);
        report.programs += 1;
        report.compiled +=
            LEVELS.iter().filter(|level| jit::is_supported(**level)).count().min(1) as u64;
        let share = if seed % DEVICE == 0 { Share::All } else { Share::Host };
        report.on_device += u64::from(share == Share::All);
        let check = |case: &Case| check_share(&case.graph, &case.arguments, share);
        if check(&case).is_err() {
            let small = shrink(&case, |case| check(case).is_err());
            let law = check(&small).err().unwrap_or_default();
            report.failures.push((seed, format!("{law}\n{}\n{:?}", small.graph, small.arguments)));
        }
        if report.failures.len() >= patience {
            break;
        }
    }
    report
}

/// The program of a seed: of every four one runs bodies, and one is the gradient of a smooth function, every other time through bodies.
pub fn case(seed: u64) -> Case {
    let size = 2 + (seed % 13) as usize;
    let case = match seed % 8 {
        2 | 6 => return generate_control(seed, size),
        3 => generate_differentiable(seed, size),
        7 => generate_differentiable_control(seed, 2 + size / 3),
        _ => return generate(seed, size),
    };
    let wrt = (0..case.graph.parameters.len()).collect();
    let mut program = Program::default();
    let function = program.functions.push(case.graph);
    let of = Box::new(Callable::Function(function));
    program.entry = Some(Callable::Gradient { of, wrt, value: true });
    Case { graph: transform(&program), arguments: case.arguments }
}

/// Of so many seeds one is executed for a device too: that takes as long as ten others. Kinds of programs repeat after 8.
const DEVICE: u64 = 9;

/// Which laws are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    All,
    /// Those of hosts.
    Host,
}

/// The first law that is broken; a panic breaks one too.
pub fn check(graph: &Graph, arguments: &[Value]) -> Result<(), String> {
    check_share(graph, arguments, Share::All)
}

fn check_share(graph: &Graph, arguments: &[Value], share: Share) -> Result<(), String> {
    let laws = AssertUnwindSafe(|| laws(graph, arguments, share));
    catch_unwind(laws).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        Err(format!("panics: {}", words.unwrap_or_else(|| "without words".to_owned())))
    })
}

fn laws(graph: &Graph, arguments: &[Value], share: Share) -> Result<(), String> {
    let read =
        parse::parse(&graph.to_string()).map_err(|error| format!("is not read back: {error}"))?;
    if read != *graph {
        return Err(format!("is read back as\n{read}"));
    }
    let expected = bounds(graph, arguments)?;
    let simple = simplify(graph.clone());
    verify::verify(&simple).map_err(|faults| format!("simplified: {faults:?}\n{simple}"))?;
    let values =
        eval::eval(&simple, arguments).map_err(|error| format!("simplified: {error}\n{simple}"))?;
    admit("simplified", &expected, &values).map_err(|error| format!("{error}\n{simple}"))?;
    let symbols = eval::bind(graph, arguments)?;
    let mut first: Option<Outcome> = None;
    // Forms for large and for small extents give the same bits; half of the programs show it at each level.
    let mut sizes = [Sizes::USUAL, Sizes::LEAST];
    if graph.nodes.len() % 2 == 1 {
        sizes.reverse();
    }
    // Stripes have an order of their own, so both levels have the same; one program in four has none.
    let stripes = if graph.nodes.len() % 8 < 2 { Sizes::USUAL } else { Sizes::LEAST };
    let sizes =
        sizes.map(|it| Sizes { panel_bytes: it.panel_bytes, panel_rows: it.panel_rows, ..stripes });
    for (level, sizes) in LEVELS.into_iter().zip(sizes) {
        let program = schedule_graph(&simple, level, &options(sizes));
        let outcome = level_laws(&program, level, (&symbols, arguments))
            .map_err(|error| format!("{error}\n{program}"))?;
        admit(level.name(), &expected, &results(&simple, &outcome))
            .map_err(|error| format!("{error}\n{program}"))?;
        match &first {
            Some(first) if *first != outcome => return Err(format!("levels differ\n{program}")),
            _ => first = Some(outcome),
        }
    }
    if share == Share::Host {
        return Ok(());
    }
    // Stripes have an order of their own, which devices do not have.
    let host = if stripes == Sizes::USUAL {
        let rows = Sizes { stripes: None, ..stripes };
        let program = schedule_graph(&simple, Level::V4, &options(rows));
        Some(sound(&program, "rows", (&symbols, arguments))?)
    } else {
        None
    };
    device_laws(&simple, (&symbols, arguments), (&expected, host.as_ref()))
}

/// The laws of a device: the loops are sound, and give the bits of a host.
fn device_laws(
    graph: &Graph,
    (symbols, arguments): (&[i64], &[Value]),
    (expected, host): (&[Bounded], Option<&Outcome>),
) -> Result<(), String> {
    // Sums in parts have an order of their own, and so have sums over rows in parts.
    let parts = ("device with parts", Sizes::PARTS);
    let rows = if host.is_some() { None } else { Sizes::LEAST.parts };
    let least = ("device with tiles", Sizes { parts: rows, ..Sizes::LEAST });
    let all = [("device", Sizes::USUAL), least, parts];
    for (at, (name, sizes)) in all.into_iter().enumerate() {
        let program = schedule_graph(graph, Compute::Sm80, &options(sizes));
        let outcome = sound(&program, name, (symbols, arguments))
            .map_err(|error| format!("{error}\n{program}"))?;
        admit(name, expected, &results(graph, &outcome))
            .map_err(|error| format!("{error}\n{program}"))?;
        if let Some(host) = host.filter(|host| sizes != Sizes::PARTS && **host != outcome) {
            return Err(format!("{name}: gives {outcome:?}\na host gives {host:?}\n{program}"));
        }
        // A third of the programs shows it with tiles.
        if graph.nodes.len() % 3 == at {
            kernel_laws(&program, (symbols, arguments), &outcome)?;
        }
    }
    core_laws(graph, (symbols, arguments))
}

/// The laws of tensor cores, whose results are no one else's: the loops are sound, and kernels give their bits.
fn core_laws(graph: &Graph, (symbols, arguments): (&[i64], &[Value])) -> Result<(), String> {
    let options = Options { tensor_cores: TensorCores::Singles, ..options(Sizes::LEAST) };
    let program = schedule_graph(graph, Compute::Sm80, &options);
    let mut has_cores = false;
    for nest in &program.nests {
        visit::statements(&nest.body, &mut |statement| {
            has_cores |= matches!(statement, Statement::Mma(_));
        });
    }
    if !has_cores {
        return Ok(());
    }
    let outcome = sound(&program, "tensor cores", (symbols, arguments))
        .map_err(|error| format!("{error}\n{program}"))?;
    kernel_laws(&program, (symbols, arguments), &outcome)
}

/// The laws of PTX: executed instruction by instruction, it gives what the loops give.
fn kernel_laws(
    program: &Loops,
    (symbols, arguments): (&[i64], &[Value]),
    outcome: &Outcome,
) -> Result<(), String> {
    let code = llvm::device(program, Compute::Sm80)
        .map_err(|limitation| format!("device: {}\n{program}", limitation.what))?;
    let executed = ptx::run((program, &code), symbols, arguments)
        .map_err(|fault| format!("ptx: {fault}\n{program}\n{}", code.ptx))?;
    if canonical(executed.clone()) == *outcome {
        return Ok(());
    }
    Err(format!("ptx: gives {executed:?}\nloops give {outcome:?}\n{program}\n{}", code.ptx))
}

fn options(sizes: Sizes) -> Options {
    Options {
        levels: Vec::new(),
        devices: Vec::new(),
        triple: String::new(),
        dump: Dump::default(),
        verify: true,
        sizes,
        tensor_cores: TensorCores::Never,
    }
}

/// The laws of one level: the loops are sound, and code gives their bits.
fn level_laws(
    program: &Loops,
    level: Level,
    (symbols, arguments): (&[i64], &[Value]),
) -> Result<Outcome, String> {
    let outcome = sound(program, level.name(), (symbols, arguments))?;
    if jit::is_supported(level) {
        let compiled =
            canonical(jit::Compiled::new(program, level).run(program, symbols, arguments));
        if compiled != outcome {
            return Err(format!(
                "{}: code gives {compiled:?}\nloops give {outcome:?}",
                level.name()
            ));
        }
    }
    Ok(outcome)
}

/// What loops give, which are sound and read back as they are printed.
fn sound(
    program: &Loops,
    name: &str,
    (symbols, arguments): (&[i64], &[Value]),
) -> Result<Outcome, String> {
    loops::verify::verify(program).map_err(|faults| format!("{name}: {faults:?}"))?;
    let read = loops::parse::parse(&program.to_string())
        .map_err(|error| format!("{name}: loops are not read back: {error}"))?;
    if read != *program {
        return Err(format!("{name}: loops are read back as\n{read}"));
    }
    let outcome = loops::eval::eval(program, symbols, arguments)
        .map_err(|fault| format!("{name}: {fault}"))?;
    Ok(canonical(outcome))
}

/// The results of a graph, of which updated parameters are some.
fn results(graph: &Graph, outcome: &Outcome) -> Vec<Value> {
    let mut fresh = outcome.results.iter();
    let updated = |parameter: usize| {
        outcome.updated.iter().find(|(position, _)| *position == parameter).map(|(_, value)| value)
    };
    graph
        .results
        .iter()
        .filter_map(|result| match result.updates {
            None => fresh.next(),
            Some(parameter) => updated(parameter),
        })
        .cloned()
        .collect()
}

fn admit(stage: &str, expected: &[Bounded], values: &[Value]) -> Result<(), String> {
    if expected.len() != values.len() {
        return Err(format!("{stage}: {} results, not {}", values.len(), expected.len()));
    }
    for (position, (bounded, value)) in expected.iter().zip(values).enumerate() {
        bounded
            .admits(value)
            .map_err(|mismatch| format!("{stage}: result {position} {mismatch}"))?;
    }
    Ok(())
}

/// Every NaN as one, since its sign and payload are not promised.
fn canonical(mut outcome: Outcome) -> Outcome {
    let updated = outcome.updated.iter_mut().map(|(_, value)| value);
    let shown = outcome.shown.iter_mut().map(|(_, value)| value);
    for value in outcome.results.iter_mut().chain(updated).chain(shown) {
        let quiet = match value.element {
            Element::F64 => f64::NAN.to_bits(),
            Element::F32 | Element::F16 | Element::Bf16 => {
                crate::graph::Scalar::from_f64(value.element, f64::NAN).bits
            }
            Element::I32
            | Element::I64
            | Element::U8
            | Element::U32
            | Element::U64
            | Element::Bool => continue,
        };
        for position in 0..value.data.len() {
            if value.scalar(position).to_f64().is_nan() {
                value.data[position] = quiet;
            }
        }
    }
    outcome
}
