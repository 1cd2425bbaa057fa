//! Memory: what attention over a long sequence allocates while it runs.
//!
//! In: `cargo bench --bench memory`.
//! Out: a line of JSON for each length: what the result needs, what the compiler planned, and the most that was allocated.
//!
//! ```text
//! {"name":"attention_h8_s4096_d64","result_bytes":8388608,"workspace_bytes":0,"peak_bytes":8388720,"scores_bytes":536870912}
//! ```
//!
//! `scores_bytes` is what a program needs that stores how much each query looks at each key: it grows with the square of the length.
//! Never here: time, since the allocator that counts is slower.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark speaks to its reader")]

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;

use defn::prelude::*;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};

#[global_allocator]
static ALLOCATOR: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

#[defn]
fn attention(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, dim>,
) -> Tensor<f32, head, query, dim> {
    (q.dot(k, dim) * 0.125).softmax(key).dot(v, key)
}

/// What is attended to, as one number.
#[defn]
fn attended(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, dim>,
) -> f32 {
    attention(q, k, v).square().sum()
}

#[defn]
fn slopes(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, dim>,
) -> (Tensor<f32, head, query, dim>, Tensor<f32, head, key, dim>, Tensor<f32, head, key, dim>) {
    grad!(attended, wrt = (q, k, v))(q, k, v)
}

const HEADS: usize = 8;
const DIM: usize = 64;
const LENGTHS: [usize; 3] = [512, 1024, 4096];

/// What a call may allocate beside its results and its workspace: their books, and a thread.
const BOOKS: usize = 4096;

fn main() -> ExitCode {
    // One worker: each has scratch of its own.
    defn::set_threads(1);
    for length in LENGTHS {
        let shape = [HEADS, length, DIM];
        let x = Tensor::from_fn(shape, |[h, t, d]| ((31 * h + 7 * t + d) % 13) as f32 / 8.0 - 0.75);
        let bytes = 4 * x.len();
        let planned = attention::workspace_bytes(&x, &x, &x).expect("the shapes agree");
        let peak = peak(|| drop(black_box(attention(&x, &x, &x))));
        let name = format!("attention_h{HEADS}_s{length}_d{DIM}");
        if !report(&name, length, (1, [bytes, planned, peak])) {
            return ExitCode::FAILURE;
        }
        let planned = slopes::workspace_bytes(&x, &x, &x).expect("the shapes agree");
        let peak = self::peak(|| drop(black_box(slopes(&x, &x, &x))));
        if !report(&format!("{name}_grad"), length, (3, [3 * bytes, planned, peak])) {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// A huge page of the processors that we know.
const HUGE: usize = 2 << 20;

/// The most bytes that were allocated at a time while `call` ran, on a thread of its own, which has no workspace yet.
fn peak(call: impl FnOnce() + Send) -> usize {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // What earlier calls left would be taken again.
            defn::trim();
            ALLOCATOR.reset_peak_memory();
            call();
            ALLOCATOR.get_peak_memory()
        });
        thread.join().expect("a call does not panic")
    })
}

/// Prints a line; whether a call allocated what was planned and nothing else.
fn report(
    name: &str,
    length: usize,
    (results, [result, planned, peak]): (usize, [usize; 3]),
) -> bool {
    let scores = 4 * HEADS * length * length;
    println!(
        "{{\"name\":\"{name}\",\"result_bytes\":{result},\"workspace_bytes\":{planned},\"peak_bytes\":{peak},\"scores_bytes\":{scores}}}"
    );
    // Large blocks come in eight sizes between powers of two, so that later calls can take them.
    let most = result + planned + (result + planned) / 8 + BOOKS;
    // A block that holds a huge page begins with one: the allocator is asked for so much more, which is never touched.
    let begins = |bytes: usize| if bytes >= HUGE { HUGE } else { 0 };
    let skipped = results * begins(result / results) + begins(planned);
    let is_planned = (result + planned..=most + skipped).contains(&peak);
    if !is_planned {
        eprintln!("{name}: a call allocates {peak} bytes instead of {}", result + planned);
    }
    is_planned
}
