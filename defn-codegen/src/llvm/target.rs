//! LLVM's target machine: which processor, which passes, and the text in the end.
//!
//! In:  a module.   Out: its assembly.
//!
//! Afterwards: the module is verified before any pass sees it, because a broken module is the death of rustc's process.
//! Never here: options of LLVM's command line; they would be rustc's too.

use inkwell::OptimizationLevel;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{
    CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
};

use super::ir::{Function, Ir};
use crate::diagnostic::Limitation;
use crate::options::{Compute, Level};
use crate::origin::Origin;

/// The major version of LLVM that is tried.
const TRIED: u32 = 22;

/// The passes, for a pipeline that stays near what we wrote. See Note [A short pipeline].
const PASSES: &str = "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(licm),\
                      early-cse<memssa>,simplifycfg)";

/// Refuses a version of LLVM that nobody tried.
pub(super) fn check_version() -> Result<(), Limitation> {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: the three places are alive, and the function only writes them.
    unsafe { llvm_sys::core::LLVMGetVersion(&raw mut major, &raw mut minor, &raw mut patch) };
    if major == TRIED {
        return Ok(());
    }
    Err(Limitation {
        origin: Origin::NONE,
        what: format!("this rustc carries LLVM {major}.{minor}.{patch}, defn knows LLVM {TRIED}"),
        instead: "use a rustc with that LLVM, or the feature `system-llvm`".into(),
    })
}

/// The machine of a level.
pub(super) fn machine(level: Level, triple: &str) -> Result<TargetMachine, Limitation> {
    let config = InitializationConfig::default();
    match level {
        Level::V3 | Level::V4 => Target::initialize_x86(&config),
        Level::Neon => Target::initialize_aarch64(&config),
    }
    let unknown = || Limitation {
        origin: Origin::NONE,
        what: format!("this LLVM has no code for {triple} at level {}", level.name()),
        instead: "compile for x86-64 or aarch64".into(),
    };
    let triple = TargetTriple::create(triple);
    let target = Target::from_triple(&triple).map_err(|_| unknown())?;
    let (processor, features) = processor(level);
    let optimization = OptimizationLevel::Default;
    let (relocation, model) = (RelocMode::PIC, CodeModel::Default);
    target
        .create_target_machine(&triple, processor, features, optimization, relocation, model)
        .ok_or_else(unknown)
}

/// The machine of a device.
pub(super) fn device_machine(compute: Compute) -> Result<TargetMachine, Limitation> {
    Target::initialize_nvptx(&InitializationConfig::default());
    let unknown = || Limitation {
        origin: Origin::NONE,
        what: format!("this LLVM has no code for {}", compute.name()),
        instead: "use a rustc whose LLVM has NVPTX, as those of rustup do".into(),
    };
    let triple = TargetTriple::create("nvptx64-nvidia-cuda");
    let target = Target::from_triple(&triple).map_err(|_| unknown())?;
    let optimization = OptimizationLevel::Default;
    let (relocation, model) = (RelocMode::Default, CodeModel::Default);
    target
        .create_target_machine(
            &triple,
            compute.name(),
            isa(compute),
            optimization,
            relocation,
            model,
        )
        .ok_or_else(unknown)
}

/// The least version of PTX that has the instructions: every driver that knows the device takes it.
fn isa(compute: Compute) -> &'static str {
    match compute {
        Compute::Sm80 => "+ptx70",
        Compute::Sm90a => "+ptx80",
    }
}

/// How many registers a thread gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registers {
    /// The assembler chooses.
    Free,
    /// So few that this many blocks fit beside each other.
    Blocks(u32),
    /// So many, if they are needed.
    Most(u32),
}

/// What a kernel says of itself: in blocks of how many threads it is launched, and how many registers they get.
pub(super) fn describe_kernel(ir: &Ir<'_>, function: Function, threads: u32, registers: Registers) {
    ir.text_attribute(function, "nvvm.reqntid", &threads.to_string());
    match registers {
        Registers::Blocks(blocks) => {
            ir.text_attribute(function, "nvvm.minctasm", &blocks.to_string());
        }
        Registers::Most(most) => ir.text_attribute(function, "nvvm.maxnreg", &most.to_string()),
        Registers::Free => {}
    }
    ir.text_attribute(function, "no-builtins", "true");
    ir.attribute(function, None, "nounwind");
    ir.attribute(function, None, "convergent");
}

/// The processor and its features in LLVM's words.
fn processor(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::V3 => ("x86-64-v3", ""),
        Level::V4 => ("x86-64-v4", ""),
        Level::Neon => ("generic", "+neon"),
    }
}

/// What every function of ours says of itself.
pub(super) fn describe(ir: &Ir<'_>, function: Function, level: Level) {
    let (processor, features) = processor(level);
    ir.text_attribute(function, "target-cpu", processor);
    if !features.is_empty() {
        ir.text_attribute(function, "target-features", features);
    }
    if level == Level::V4 {
        ir.text_attribute(function, "prefer-vector-width", "512");
    }
    // Loops that look like `memset` must stay loops: there is no library to call.
    ir.text_attribute(function, "no-builtins", "true");
    ir.attribute(function, None, "nounwind");
}

/// Verifies, then optimizes.
pub(super) fn optimize(module: &Module<'_>, machine: &TargetMachine) {
    module.set_triple(&machine.get_triple());
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    if let Err(message) = module.verify() {
        crate::bug!("llvm", "LLVM refuses the module: {message}");
    }
    if let Err(message) = module.run_passes(PASSES, machine, PassBuilderOptions::create()) {
        crate::bug!("llvm", "LLVM does not know its passes: {message}");
    }
}

/// The assembly of a module.
pub(super) fn assembly(module: &Module<'_>, machine: &TargetMachine) -> String {
    let written = machine.write_to_memory_buffer(module, FileType::Assembly);
    let buffer =
        written.unwrap_or_else(|message| crate::bug!("llvm", "LLVM writes no assembly: {message}"));
    String::from_utf8_lossy(buffer.as_slice()).trim_end_matches('\0').to_owned()
}

// Note [A short pipeline]
// -----------------------
// The loops are scheduled already: what is left to LLVM is to put registers into registers, to share and hoist, and to
// allocate. For a softmax, a matrix product and sine of `f64` this list gives the same inner loops, instruction for
// instruction, as `default<O2>`, in 2 ms instead of 12 for the product; code generation, 5 to 28 ms, is the rest.
// `CodeGenOptLevel` default and less give the same code in the same time, aggressive takes 20 to 30 percent longer for none better.
// Passes that make vectors of their own, unroll, or find `memset` in loops are left out on purpose.
