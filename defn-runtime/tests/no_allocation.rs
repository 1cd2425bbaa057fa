//! A call into a given result allocates nothing.

#[expect(dead_code, reason = "each test file uses a part of the functions")]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Dense, matmul};
use defn_runtime::Tensor;

/// The allocator of the system, which counts what a thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator's; counting touches no memory of an allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller promises what the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

#[test]
fn into_with_contiguous_arguments_allocates_nothing() {
    let (a, b) = (Tensor::full([3, 4], 1.0), Tensor::full([4, 5], 1.0));
    let mut y = Tensor::zeros([3, 5]);
    let mut call = || allocations(|| matmul::into(&a, &b, &mut y).unwrap());
    call(); // The first call of a thread gets the workspace, and the first of a process finds the level.
    assert_eq!(call(), 0);
    assert_eq!(y, Tensor::full([3, 5], 4.0));
}

#[test]
fn a_result_is_all_that_a_call_allocates() {
    let (a, b) = (Tensor::full([3, 4], 1.0), Tensor::full([4, 5], 1.0));
    drop(matmul::matmul(&a, &b));
    let count = allocations(|| drop(matmul::matmul(&a, &b)));
    assert_eq!(count, 1, "the elements, with the number of their owners in front");
}

#[test]
fn an_update_of_a_tensor_alone_allocates_nothing() {
    let dense = || Dense { w: Tensor::full([2, 3], 1.0), b: Tensor::full([3], 1.0) };
    let (mut p, g) = (dense(), dense());
    let mut result = (0.0, false, dense());
    let call = |p: &mut Dense, result: &mut (f32, bool, Dense)| {
        defn_runtime::__private::run_into(
            &common::sgd::FUNCTION,
            |arguments| {
                arguments.update(p);
                arguments.read(&g);
                arguments.read(&1.0f32);
            },
            result,
        )
    };
    call(&mut p, &mut result).unwrap();
    assert_eq!(allocations(|| call(&mut p, &mut result).unwrap()), 0);
    assert_eq!(result.2.b, Tensor::full([3], 2.0));
}

#[test]
fn a_large_result_has_the_memory_of_one_that_was_dropped() {
    let (a, b) = (Tensor::full([300, 2], 1.0), Tensor::full([2, 300], 1.0));
    let call = || matmul::matmul(&a, &b);
    let first = call();
    let address = first.as_slice().map(<[f32]>::as_ptr);
    drop(first);
    let mut again = None;
    assert_eq!(allocations(|| again = Some(call())), 0);
    let again = again.expect("it was called");
    assert_eq!(again.as_slice().map(<[f32]>::as_ptr), address);
    assert!(again.iter().all(|x| x.to_bits() == 2.0f32.to_bits()));
    drop(again);
    defn_runtime::trim();
    assert_eq!(allocations(|| drop(call())), 1);
}
