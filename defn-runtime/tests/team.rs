//! Jobs that several threads share: every iteration is executed once, scratch is never shared, and nobody waits for ever.

#[expect(dead_code, reason = "each test file uses a part of the functions")]
mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use common::{axis, everywhere, job, leaf, nothing, plain, share};
use defn_runtime::__private::{
    Entry, Extent, Function, Job, Level, Signature, Team, run, workspace_bytes,
};
use defn_runtime::{Tensor, set_threads, threads};

/// In picoseconds, the unit of costs: a few such iterations are worth a helper.
const MICROSECOND: i64 = 1_000_000;

/// `y[i] = x[i] + 1`, each iteration through scratch of its thread; the first word of the scratch is a lock that must be free.
mod increment {
    use super::*;

    unsafe extern "C" fn task(arguments: *const *mut u8, begin: i64, end: i64, private: *mut u8) {
        assert_eq!(begin % 2, 0, "ranges begin at multiples");
        // SAFETY: the list has two buffers of as many elements as there are iterations, and the scratch has 64 bytes.
        unsafe {
            let [x, y] = [0, 1].map(|at| (*arguments.add(at)).cast::<f32>());
            let lock = &*private.cast::<AtomicU32>();
            assert_ne!(lock.swap(1, Ordering::Acquire), 1, "scratch belongs to one thread");
            for at in begin as usize..end as usize {
                *y.add(at) += *x.add(at) + 1.0;
            }
            lock.store(0, Ordering::Release);
        }
    }

    unsafe extern "C" fn entry(
        buffers: *const *mut u8,
        symbols: *const i64,
        workspace: *mut u8,
        team: *const Team,
    ) {
        // SAFETY: the signature has two leaves of `n` elements, and 128 bytes of scratch for each thread behind 64 for all.
        unsafe {
            let n = *symbols;
            (*buffers.add(1)).write_bytes(0, 4 * n as usize);
            let private = workspace.add(64);
            let threads = if team.is_null() { 1 } else { threads() };
            (0..threads).for_each(|at| private.add(128 * at).cast::<u32>().write(0));
            let job = job(task, buffers, n, MICROSECOND);
            share(team, &Job { private, stride: 128, multiple: 2, ..job });
        }
    }

    pub(super) static FUNCTION: Function = {
        const SIGNATURE: Signature = Signature {
            symbols: &["n"],
            parameters: &[leaf("x", &[axis("n", "n", &[1, 0])])],
            results: &[leaf("", &[axis("n", "n", &[1, 0])])],
            solves: &[plain(0, 0, 0)],
            workspace: Extent(&[0, 64]),
            private: Extent(&[0, 128]),
            ..nothing("increment")
        };
        const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
        // SAFETY: `entry` writes the result, and its tasks write to ranges of their own.
        unsafe { Function::new(SIGNATURE, &ENTRIES) }
    };
}

fn check(n: usize) {
    let x = Tensor::from_fn([n], |[at]| at as f32);
    let y: Tensor<f32, 1> =
        run(&increment::FUNCTION, |arguments| arguments.read(&x)).expect("any shape fits");
    assert_eq!(y, Tensor::from_fn([n], |[at]| at as f32 + 1.0), "of {n}");
}

/// One test, because the number of threads is that of the process and the entry asks for it.
#[test]
fn every_iteration_is_executed_once() {
    for count in [1, 2, 3, 8] {
        set_threads(count);
        assert_eq!(threads(), count);
        let x = Tensor::<f32, 1>::zeros([5]);
        let bytes = workspace_bytes(&increment::FUNCTION, |arguments| arguments.read(&x));
        assert_eq!(bytes.unwrap(), 64 + 128 * count);
        for n in [0, 1, 2, 3, 7, 64, 1001] {
            (0..50).for_each(|_| check(n));
        }
        // Calls of many threads at once: one of them has the team, the others work alone.
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| (0..200).for_each(|turn| check(turn * 3)));
            }
        });
        // Helpers that went to sleep come back.
        thread::sleep(std::time::Duration::from_millis(2));
        check(500);
    }
    set_threads(0);
    assert!(threads() >= 1);
    nested();
}

/// A task that calls a function itself.
fn nested() {
    static DONE: AtomicBool = AtomicBool::new(false);

    unsafe extern "C" fn task(_: *const *mut u8, begin: i64, _: i64, _: *mut u8) {
        check(100 + begin as usize);
        DONE.store(true, Ordering::Relaxed);
    }

    unsafe extern "C" fn entry(
        buffers: *const *mut u8,
        _: *const i64,
        _: *mut u8,
        team: *const Team,
    ) {
        let job = job(task, buffers, 64, 10 * MICROSECOND);
        // SAFETY: tasks touch nothing.
        unsafe { share(team, &job) }
    }

    static FUNCTION: Function = {
        const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
        // SAFETY: there is nothing to write.
        unsafe { Function::new(nothing("nested"), &ENTRIES) }
    };
    set_threads(4);
    run::<()>(&FUNCTION, |_| {}).expect("there is nothing to disagree");
    assert!(DONE.load(Ordering::Relaxed));
}
