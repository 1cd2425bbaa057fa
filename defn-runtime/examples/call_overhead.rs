//! What a call costs beside the work of its entry: `cargo run --release -p defn-runtime --example call_overhead`.
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

#[expect(dead_code, reason = "the example uses a part of the functions")]
#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::Instant;

use common::{axis, everywhere, job, leaf, matmul, nothing, plain, share};
use defn_runtime::__private::{Entry, Function, Leaves, Level, Signature, run, run_into};
use defn_runtime::Tensor;

const COUNT: u32 = 1_000_000;

/// Two vectors of one extent, one result, and an entry that does nothing.
static NOTHING: Function = {
    unsafe extern "C" fn entry(
        buffers: *const *mut u8,
        symbols: *const i64,
        _: *mut u8,
        _: *const common::Team,
    ) {
        // SAFETY: the result has one element for each position of the only axis.
        unsafe { (*buffers.add(2)).write_bytes(0, 4 * *symbols as usize) }
    }
    const SIGNATURE: Signature = Signature {
        symbols: &["n"],
        parameters: &[leaf("x", &[axis("n", "n", &[1, 0])]), leaf("y", &[axis("n", "n", &[1, 0])])],
        results: &[leaf("", &[axis("n", "n", &[1, 0])])],
        solves: &[plain(0, 0, 0)],
        ..nothing("nothing")
    };
    const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
    // SAFETY: the entry writes the result.
    unsafe { Function::new(SIGNATURE, &ENTRIES) }
};

/// Two tasks that do nothing, for two threads if there is no gate in the way.
static TASKS: Function = {
    unsafe extern "C" fn task(_: *const *mut u8, _: i64, _: i64, _: *mut u8) {}
    unsafe extern "C" fn entry(
        arguments: *const *mut u8,
        _: *const i64,
        _: *mut u8,
        team: *const common::Team,
    ) {
        let job = job(task, arguments, 2, 1_000_000_000);
        // SAFETY: the team is that of the call, and the tasks touch nothing.
        unsafe { share(team, &job) }
    }
    const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
    // SAFETY: the entry writes nothing.
    unsafe { Function::new(nothing("tasks"), &ENTRIES) }
};

/// The best time of single calls, one after the other, so that helpers spin.
fn hand_off(threads: usize) {
    defn_runtime::set_threads(threads);
    let mut all: Vec<f64> = (0..COUNT)
        .map(|_| {
            let start = Instant::now();
            run::<()>(&TASKS, |_| {}).expect("there is nothing to disagree");
            start.elapsed().as_secs_f64() * 1e9
        })
        .collect();
    all.sort_by(f64::total_cmp);
    let (best, middle) = (all[0], all[all.len() / 2]);
    println!("two tasks of nothing, {threads} threads: best {best:.0} ns, median {middle:.0} ns");
}

/// The best time of five rounds in nanoseconds for each call.
fn time(label: &str, mut call: impl FnMut()) {
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..COUNT).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(COUNT)
    };
    let best = (0..5).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min);
    println!("{label:<44} {best:6.1} ns");
}

fn pass_two<'a, T: Leaves>(
    x: &'a T,
    y: &'a T,
) -> impl FnOnce(&mut defn_runtime::__private::Arguments<'a>) {
    move |arguments| {
        arguments.read(x);
        arguments.read(y);
    }
}

fn main() {
    let (x, y) = (Tensor::full([4], 1.0f32), Tensor::full([4], 2.0f32));
    let mut z = Tensor::full([4], 0.0f32);
    time("into, two vectors of 4, no workspace", || {
        black_box(run_into(&NOTHING, pass_two(black_box(&x), black_box(&y)), &mut z))
            .expect("the shapes agree");
    });
    time("the same with a result allocated", || {
        let result: Tensor<f32, 1> =
            run(&NOTHING, pass_two(black_box(&x), black_box(&y))).expect("the shapes agree");
        black_box(result);
    });
    time("a tensor of 4 made and dropped", || drop(black_box(Tensor::<f32, 1>::zeros([4]))));
    hand_off(1);
    hand_off(2);
    let (a, b) = (Tensor::full([2, 2], 1.0f32), Tensor::full([2, 2], 2.0f32));
    let mut c = Tensor::full([2, 2], 0.0f32);
    time("into, 2 by 2 matrix product, workspace", || {
        matmul::into(black_box(&a), black_box(&b), black_box(&mut c)).expect("the shapes agree");
    });
    time("into, product with a transposed view", || {
        matmul::into(black_box(&a), &b.transposed(), black_box(&mut c)).expect("the shapes agree");
    });
}
