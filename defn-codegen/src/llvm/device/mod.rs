//! Kernels for devices: the same walk, where a team of threads executes a task.
//!
//! In:  loops whose nests say how many threads a team has.   Out: a module of kernels in PTX, and what the host does to run them.
//!
//! ```text
//! nest 0 threads 32 tasks 300*n {            .entry f_0(ptr x, ptr r0, i64 n)
//!   for i in 0..n lanes 128 {                  for (task = team; task < ceil(n / 128); task += teams)
//!     store r0[i] = neg(load x[i])               i = 128 * task; if (i + 128 <= n) {
//!   }                                              <4 x float> at r0[i + 4 * thread] = -<4 x float> at x[i + 4 * thread]
//! }                                              } else { part by part, if there is such a lane }
//! ```
//!
//! Outside of lanes all threads of a team compute the same, and the first of them stores. The lanes of a group belong to the threads,
//! some to each or one to some of them, and what is a vector of all lanes on a host is a vector of its lanes in each thread here.
//! Threads whose lanes are beyond the extent go along: they store nothing, keep what registers hold, and load what is certainly there.
//! So control flow is the same for all threads of a team, and all of them come to every exchange of values.
//!
//! Afterwards: results are bit for bit those of [`loops::eval`](crate::loops::eval), but for sign and payload of NaN.

mod team;
mod kernel;
mod repeat;
mod exchange;
mod mma;
mod memory;
mod launches;

pub(super) use repeat::Task;
pub(super) use team::Team;

use inkwell::context::Context;

use super::ir::Ir;
use super::parts::Functions;
use super::{target, walk};
use crate::artifact::DeviceCode;
use crate::diagnostic::Limitation;
use crate::loops::Loops;
use crate::options::Compute;

/// The code of a function for a kind of device.
pub(super) fn device(loops: &Loops, compute: Compute) -> Result<DeviceCode, Limitation> {
    target::check_version()?;
    let machine = target::device_machine(compute)?;
    let functions = Functions::of(loops);
    let context = Context::create();
    let ir = Ir::for_device(&context, &loops.name);
    let mut kernels = Vec::new();
    for (position, function) in functions.functions.iter().enumerate() {
        let calls = functions.calls.iter().flatten();
        let numbers = calls.filter(|call| call.function == position).map(|call| call.extents.len());
        let name = walk::name(&loops.name, position);
        kernels.push(kernel::kernel(&ir, function, name, numbers.max().unwrap_or(0))?);
    }
    let module = ir.into_module();
    target::optimize(&module, &machine);
    let ptx = target::assembly(&module, &machine);
    if let Some(line) = ptx.lines().find(|line| line.contains(".extern .func")) {
        crate::bug!("llvm", "`{}` calls what nobody defines: {line}", loops.name);
    }
    let steps = launches::steps(&functions, &kernels);
    let (workspace, private) = (loops.workspace.clone(), loops.private.clone());
    Ok(DeviceCode { compute, ptx, steps, workspace, private })
}
