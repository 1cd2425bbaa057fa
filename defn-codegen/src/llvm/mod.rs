//! Loops to machine code, through LLVM.
//!
//! In:  [`Loops`], planned and scheduled.   Out: the code of one module for one level, as text for an assembler.
//!
//! ```text
//! before                                    after
//! for j in 0..m lanes 16 {                  for (j = 0; j < m & -16; j += 16)
//!   store y[j] = neg(load x[j])               store <16 x float> (fneg (load <16 x float>))
//! }                                         if (j < m) the same, masked
//! ```
//!
//! Afterwards: the text has one entry point, `defn_entry(buffers, symbols, workspace, team)`, a function for each nest or for several, and no symbol that is
//! defined elsewhere.
//! Its results are bit for bit those of [`loops::eval`](crate::loops::eval), but for sign and payload of NaN:
//! no flag of fast mathematics is set, and `fma` is only where the loops say so.
//! Two buffers that one nest uses do not overlap, or are only read; the code relies on it.
//! Never here: choices that fix bits, as order, lanes and blocks; those stand in the loops. How many groups of lanes go in lockstep is a
//! matter of registers.

mod ir;
mod target;
mod walk;
mod alike;
mod parts;
mod entry;
mod dims;
mod statement;
mod lockstep;
mod extremes;
mod ahead;
mod copied;
mod expr;
mod control;
mod element;
mod half;
mod remainder;
mod memory;
mod neighbours;
mod interleaved;
mod runs;
mod transposed;
mod sorted;
mod machine;
mod object;
mod device;
pub mod assembly;
#[cfg(feature = "testing")]
pub mod jit;

use inkwell::context::Context;
use inkwell::module::Module;
use inkwell::targets::TargetMachine;

use crate::artifact::DeviceCode;
use crate::diagnostic::Limitation;
use crate::loops::Loops;
use crate::options::{Compute, Level};
use parts::{Functions, Part};

/// The code of a function for a level and a target triple, as text that may stand in any function, any number of times.
pub fn embedded(loops: &Loops, level: Level, triple: &str) -> Result<String, Limitation> {
    let functions = Functions::of(loops);
    let parts = functions.parts();
    let object = |part: &Part| with_module((&functions, part), level, triple, object::file);
    let objects: Result<Vec<Vec<u8>>, Limitation> =
        parts::side_by_side(&parts, object).into_iter().collect();
    match object::joined(&objects?) {
        Some(bytes) => Ok(assembly::copy(&bytes, object::ALIGNMENT)),
        None => Ok(assembly::embed(&host(loops, level, triple)?, level)),
    }
}

/// The assembly of a function for a level and a target triple: in AT&T syntax, for people and for targets without bytes.
pub fn host(loops: &Loops, level: Level, triple: &str) -> Result<String, Limitation> {
    let functions = Functions::of(loops);
    let whole = functions.whole();
    let text = with_module((&functions, &whole), level, triple, target::assembly)?;
    if let Some(symbol) = assembly::undefined_symbol(&text) {
        crate::bug!("llvm", "`{}` calls `{symbol}`, which nobody defines", loops.name);
    }
    Ok(text)
}

/// The kernels of a function for a kind of device, and what the host does to run them.
pub fn device(loops: &Loops, compute: Compute) -> Result<DeviceCode, Limitation> {
    device::device(loops, compute)
}

fn with_module<T>(
    (functions, part): (&Functions<'_>, &Part),
    level: Level,
    triple: &str,
    write: impl FnOnce(&Module<'_>, &TargetMachine) -> T,
) -> Result<T, Limitation> {
    target::check_version()?;
    let machine = target::machine(level, triple)?;
    let context = Context::create();
    let module = walk::module(&context, functions, part, level);
    target::optimize(&module, &machine);
    Ok(write(&module, &machine))
}
