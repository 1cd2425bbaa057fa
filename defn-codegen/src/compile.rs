//! Every stage once, in order: the page to read first.
//!
//! ```text
//! program -- transform --> graph -- simplify --> graph -- fuse --> kernels -- lower --> loops
//!                                                            for each level: schedule --> loops -- llvm --> assembly
//! ```

use std::panic::resume_unwind;
use std::thread;

use crate::artifact::{Artifact, Code, Suspect};
use crate::diagnostic::Limitation;
use crate::explain::explain;
use crate::fuse::fuse;
use crate::graph::{Dim, Graph, Signature, TensorType};
use crate::hunt::hunt;
use crate::kernels::Kernels;
use crate::llvm;
use crate::loops::Loops;
use crate::lower::lower;
use crate::options::{Level, Options};
use crate::origin::Site;
use crate::program::Program;
use crate::schedule::schedule;
use crate::simplify::simplify;
use crate::stages::Stages;
use crate::transform::transform;

/// Compiles the entry of a program for every level of the options.
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
        workspace: Dim::default(),
        private: Dim::default(),
        inspects: inspects(&front.loops),
        has_status: program.has_status || program.hunts.is_some(),
        suspects: front.suspects.clone(),
        explanation: String::new(),
    };
    // Levels know nothing of each other, and most of the time goes into them.
    let levels: Vec<_> = thread::scope(|scope| {
        let mut running = Vec::new();
        for level in &options.levels {
            let (mut stages, front) = (stages.branch(), &front);
            running.push(scope.spawn(move || {
                let compiled = one_level(&mut stages, front, *level, options);
                (compiled, stages)
            }));
        }
        running
            .into_iter()
            .map(|level| level.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    let (levels, branches): (Vec<_>, Vec<_>) = levels.into_iter().unzip();
    stages.print_times(&branches);
    for level in levels {
        let (loops, code) = level?;
        artifact.workspace = Dim::largest([artifact.workspace, loops.workspace.clone()]);
        artifact.private = Dim::largest([artifact.private, loops.private.clone()]);
        artifact.explanation = explain(&front.kernels, &front.loops, &loops);
        artifact.code.push(code);
    }
    Ok(artifact)
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
        schedule(&front.loops, level, options.sizes)
    });
    let embedded = || llvm::embedded(&loops, level, triple);
    let shown = || llvm::host(&loops, level, triple);
    let assembly = stages.code(&format!("llvm-{}", level.name()), embedded, shown)?;
    Ok((loops, Code { level, assembly }))
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
pub fn schedule_graph(graph: &Graph, level: Level, options: &Options) -> Loops {
    let mut stages = Stages::new(options, &graph.name);
    let kernels = stages.run("fuse", || fuse(graph));
    let loops = stages.run("lower", || lower(&kernels));
    stages.run("schedule", || schedule(&loops, level, options.sizes))
}
