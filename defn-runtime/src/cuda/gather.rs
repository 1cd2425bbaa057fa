//! The elements of a view, one after the other.
//!
//! In:  memory, a shape and strides.   Out: as much memory as there are elements, row-major.
//!
//! Devices have no loop over strides of their own, so that the code for it stands here: one kernel for each size of an element.
//! Axes come innermost first, and a thread is done with them as soon as nothing is left of its position.

use std::fmt::Write;

use super::driver::{Address, Fault, Grid};
use super::gpu::Gpu;
use super::memory::Remote;

/// More axes than this, after those are joined that lie side by side, are refused.
const AXES: usize = 12;
/// Threads of a block.
const THREADS: u32 = 256;

/// The elements of `bytes` bytes that begin at `first` and are apart as `axes` says: pairs of an extent and a stride in bytes.
pub(super) fn gather(
    gpu: &Gpu,
    first: Address,
    bytes: usize,
    axes: &[(usize, i64)],
) -> Result<Remote, Fault> {
    let count: usize = axes.iter().map(|(extent, _)| extent).product();
    let remote = Remote::allocate(gpu, count * bytes)?;
    if count == 0 {
        return Ok(remote);
    }
    let axes = joined(axes);
    let is_contiguous = match axes[..] {
        [] => true,
        [(_, stride)] => stride == bytes as i64,
        _ => false,
    };
    if is_contiguous {
        // SAFETY: the elements are where the view is, which its owner keeps, and the memory was made for as many.
        unsafe { gpu.driver().copy(remote.address(), first, count * bytes)? };
        return Ok(remote);
    }
    if axes.len() > AXES {
        let words = format!("a view of more than {AXES} axes cannot be copied there");
        return Err(Fault::Other(words));
    }
    let mut words = vec![remote.address(), first, count as u64];
    for axis in 0..AXES {
        let (extent, stride) = axes.get(axis).copied().unwrap_or((1, 0));
        words.extend([extent as u64, stride.cast_unsigned()]);
    }
    let kernel = gpu.gatherer(bytes)?;
    let about = gpu.about();
    let most = u64::from(about.processors) * u64::from(about.threads / THREADS).max(1) * 16;
    let blocks = (count as u64).div_ceil(u64::from(THREADS)).clamp(1, most.max(1)) as u32;
    // SAFETY: the kernel has these parameters. It reads where the view is, which its owner keeps, and writes `count` elements of new memory.
    unsafe { gpu.driver().launch(kernel, Grid { blocks, threads: THREADS, shared: 0 }, &words)? };
    Ok(remote)
}

/// The axes innermost first, without those of extent 1, and with neighbours joined that are one axis in memory.
fn joined(axes: &[(usize, i64)]) -> Vec<(usize, i64)> {
    let mut joined: Vec<(usize, i64)> = Vec::new();
    for &(extent, stride) in axes.iter().rev().filter(|(extent, _)| *extent != 1) {
        match joined.last_mut() {
            Some((inner, step)) if stride == *step * *inner as i64 => *inner *= extent,
            _ => joined.push((extent, stride)),
        }
    }
    joined
}

/// The name of the kernel for elements of so many bytes.
pub(super) fn name(bytes: usize) -> String {
    format!("gather{bytes}")
}

/// The kernels for all sizes of elements.
pub(super) fn ptx() -> String {
    let mut text = ".version 7.0\n.target sm_80\n.address_size 64\n".to_owned();
    for bytes in [1, 4, 8] {
        kernel(&mut text, bytes);
    }
    text
}

/// `for i in thread.. { to[i] = from[Σ position of i along an axis × stride] }`
fn kernel(text: &mut String, bytes: usize) {
    let parameters = (0..3 + 2 * AXES).map(|at| format!(".param .u64 p{at}"));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let (name, bits) = (name(bytes), 8 * bytes);
    let register = match bytes {
        1 => ".b16 %h",
        4 => ".b32 %h",
        _ => ".b64 %h",
    };
    let body = format!(
        "
.visible .entry {name}({parameters})
{{
.reg .pred %p; .reg {register}; .reg .b32 %r<3>;
.reg .b64 %to, %from, %count, %i, %step, %rest, %at, %extent, %stride, %next, %own;
ld.param.u64 %to, [p0]; ld.param.u64 %from, [p1]; ld.param.u64 %count, [p2];
cvta.to.global.u64 %to, %to; cvta.to.global.u64 %from, %from;
mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x;
mul.wide.u32 %i, %r0, %r1; cvt.u64.u32 %next, %r2; add.u64 %i, %i, %next;
mov.u32 %r0, %nctaid.x; mul.wide.u32 %step, %r0, %r1;
LOOP:
setp.ge.u64 %p, %i, %count; @%p bra DONE;
mov.u64 %rest, %i; mov.u64 %at, %from;
"
    );
    text.push_str(&body);
    for axis in 0..AXES {
        let (extent, stride) = (3 + 2 * axis, 4 + 2 * axis);
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "ld.param.u64 %extent, [p{extent}]; ld.param.u64 %stride, [p{stride}];
div.u64 %next, %rest, %extent; mul.lo.u64 %own, %next, %extent; sub.u64 %own, %rest, %own;
mad.lo.u64 %at, %own, %stride, %at; mov.u64 %rest, %next;
setp.eq.u64 %p, %rest, 0; @%p bra STORE;
"
        );
    }
    let (load, scale) = (format!("{bits}"), bytes);
    let _ = write!(
        text,
        "STORE:
ld.global.b{load} %h, [%at]; mad.lo.u64 %own, %i, {scale}, %to; st.global.b{load} [%own], %h;
add.u64 %i, %i, %step; bra LOOP;
DONE:
ret;
}}
"
    );
}
