//! Every stage once, in order: the page to read first.
//!
//! ```text
//! program -- transform --> graph -- simplify --> graph -- fuse --> kernels -- lower --> loops
//!                                                            for each level: schedule --> loops -- llvm --> assembly
//!                                                           for each device: schedule --> loops -- llvm --> kernels
//! ```

use std::panic::resume_unwind;
use std::thread;

use crate::artifact::{Artifact, Code, DeviceCode, Suspect};
use crate::diagnostic::Limitation;
use crate::explain::explain;
use crate::fuse::fuse;
use crate::graph::{Dim, Graph, Signature, TensorType};
use crate::hunt::hunt;
use crate::kernels::Kernels;
use crate::llvm;
use crate::loops::Loops;
use crate::lower::lower;
use crate::options::{Compute, Level, Options, Target};
use crate::origin::Site;
use crate::program::{Plan, Program};
use crate::schedule::schedule;
use crate::simplify::simplify;
use crate::stages::Stages;
use crate::transform::transform;

/// Compiles the entry of a program for every level and device of the options.
pub fn compile(program: &Program, options: &Options) -> Result<Artifact, Limitation> {
    let name = program
        .entry
        .as_ref()
        .map(|entry| program.functions[entry.function()].name.clone())
        .unwrap_or_default();
    let mut stages = Stages::new(options, &name);
    let front = front(&mut stages, program);
    let mut artifact = Artifact {
        signature: Signature::of(&front.graph),
        code: Vec::new(),
        devices: Vec::new(),
        workspace: Dim::default(),
        private: Dim::default(),
        inspects: inspects(&front.loops),
        has_status: program.has_status || program.hunts.is_some(),
        suspects: front.suspects.clone(),
        explanation: String::new(),
    };
    let levels = options.levels.iter().map(|level| Target::from(*level));
    let targets = levels.chain(options.devices.iter().map(|compute| Target::from(*compute)));
    // Targets know nothing of each other, and most of the time goes into them.
    let made: Vec<_> = thread::scope(|scope| {
        let mut running = Vec::new();
        for target in targets {
            let (mut stages, front) = (stages.branch(), &front);
            running.push(scope.spawn(move || {
                let compiled = one_target(&mut stages, front, target, options);
                (compiled, stages)
            }));
        }
        running
            .into_iter()
            .map(|target| target.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    let (made, branches): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    stages.print_times(&branches);
    for made in made {
        match made? {
            Made::Level(loops, code) => {
                artifact.workspace = Dim::largest([artifact.workspace, loops.workspace.clone()]);
                artifact.private = Dim::largest([artifact.private, loops.private.clone()]);
                artifact.explanation = explain(&front.kernels, &front.loops, &loops);
                if program.plan != Plan::default() {
                    artifact.explanation += &format!("  memory is short: {}\n", program.plan);
                }
                artifact.code.push(code);
            }
            Made::Device(code) => artifact.devices.push(code),
        }
    }
    Ok(artifact)
}

/// What comes of a target.
enum Made {
    Level(Loops, Code),
    Device(DeviceCode),
}

fn one_target(
    stages: &mut Stages<'_>,
    front: &Front,
    target: Target,
    options: &Options,
) -> Result<Made, Limitation> {
    match target {
        Target::Host(level) => {
            one_level(stages, front, level, options).map(|(loops, code)| Made::Level(loops, code))
        }
        Target::Device(compute) => one_device(stages, front, compute, options).map(Made::Device),
    }
}

/// What the host looks at.
fn inspects(loops: &Loops) -> Vec<(Site, TensorType)> {
    let shown = loops.inspects().map(|(_, buffer, site)| {
        let buffer = &loops.buffers[buffer];
        (site, TensorType::new(buffer.element, buffer.shape.clone()))
    });
    shown.collect()
}

fn one_level(
    stages: &mut Stages<'_>,
    front: &Front,
    level: Level,
    options: &Options,
) -> Result<(Loops, Code), Limitation> {
    let triple = &options.triple;
    let loops = stages.run(&format!("schedule-{}", level.name()), || {
        schedule(&front.loops, Target::Host(level), options)
    });
    let embedded = || llvm::embedded(&loops, level, triple);
    let shown = |_: &String| llvm::host(&loops, level, triple);
    let assembly = stages.code(&format!("llvm-{}", level.name()), embedded, shown)?;
    Ok((loops, Code { level, assembly }))
}

fn one_device(
    stages: &mut Stages<'_>,
    front: &Front,
    compute: Compute,
    options: &Options,
) -> Result<DeviceCode, Limitation> {
    let loops = stages.run(&format!("schedule-{}", compute.name()), || {
        schedule(&front.loops, Target::Device(compute), options)
    });
    let kernels = || llvm::device(&loops, compute);
    let shown = |code: &DeviceCode| Ok(code.ptx.clone());
    stages.code(&format!("llvm-{}", compute.name()), kernels, shown)
}

/// The cheapest plan for the derivatives of a program whose scratch fits into so many bytes; or else the fewest bytes that any plan needs.
///
/// Of extents that only a call knows, nothing says which calls are made: the plan is the cheapest of those that admit the largest extents.
pub fn plan(program: &Program, options: &Options, budget: i64) -> Result<Plan, i64> {
    let Some(level) = options.levels.first() else { return Ok(Plan::default()) };
    let mut best: Option<(u32, Plan)> = None;
    let mut least: Option<i64> = None;
    let mut seen: Vec<Graph> = Vec::new();
    for plan in Plan::ALL {
        let mut graph = transform(&Program { plan: *plan, ..program.clone() });
        if let Some(first) = program.hunts {
            graph = hunt(&graph, first, program.has_status).0;
        }
        let graph = simplify(graph);
        if seen.contains(&graph) {
            continue;
        }
        let loops = schedule(&lower(&fuse(&graph)), Target::Host(*level), options);
        let need = loops.workspace.clone() + loops.private.clone();
        let reach = match need.as_constant() {
            Some(need) if need <= budget => return Ok(*plan),
            Some(need) => {
                least = Some(least.map_or(need, |known| known.min(need)));
                continue;
            }
            None => reach(&need, loops.symbols.len(), budget),
        };
        if best.is_none_or(|(known, _)| reach > known) {
            best = Some((reach, *plan));
        }
        seen.push(graph);
    }
    match (best, least) {
        (Some((_, plan)), _) => Ok(plan),
        (None, least) => Err(least.unwrap_or_default()),
    }
}

/// How large all extents may be at once for the scratch to fit: in quarters of powers of two.
fn reach(need: &Dim, symbols: usize, budget: i64) -> u32 {
    // Beyond this, bytes are no numbers of 64 bits.
    const QUARTERS: u32 = 80;
    let fits = |quarters: &u32| {
        let extent = 2f64.powf(f64::from(*quarters) / 4.0) as i64;
        (0..=budget).contains(&need.evaluate(&vec![extent; symbols]))
    };
    (0..QUARTERS).take_while(fits).count() as u32
}

/// What all levels share.
struct Front {
    suspects: Vec<Suspect>,
    graph: Graph,
    kernels: Kernels,
    loops: Loops,
}

fn front(stages: &mut Stages<'_>, program: &Program) -> Front {
    let mut graph = stages.run("transform", || transform(program));
    let mut suspects = Vec::new();
    if let Some(first) = program.hunts {
        graph = stages.run("hunt", || {
            let (hunted, found) = hunt(&graph, first, program.has_status);
            suspects = found;
            hunted
        });
    }
    let graph = stages.run("simplify", || simplify(graph));
    let kernels = stages.run("fuse", || fuse(&graph));
    let loops = stages.run("lower", || lower(&kernels));
    Front { suspects, graph, kernels, loops }
}

/// The scheduled loops of a graph without calls: what tests evaluate and run.
pub fn schedule_graph(graph: &Graph, target: impl Into<Target>, options: &Options) -> Loops {
    let mut stages = Stages::new(options, &graph.name);
    let kernels = stages.run("fuse", || fuse(graph));
    let loops = stages.run("lower", || lower(&kernels));
    stages.run("schedule", || schedule(&loops, target.into(), options))
}
