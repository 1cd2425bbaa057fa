//! Calls of functions as the compiler writes them: results, updates, checks and the text of every error.

#[expect(dead_code, reason = "each test file uses a part of the functions")]
mod common;

use common::{Dense, axis, everywhere, leaf, matmul, plain, sgd, windows};
use defn_runtime::__private::{
    Check, CheckKind, Entry, Extent, Float, Function, Leaves, Level, Signature, Solve, broken,
    checked_only, run, workspace_bytes,
};
use defn_runtime::{Error, Tensor};

fn a() -> Tensor<f32, 2> {
    Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
}

fn panic_text<R>(run: impl FnOnce() -> R) -> String {
    let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) else {
        panic!("no panic")
    };
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| (*panic.downcast_ref::<&str>().expect("a panic has a text")).to_owned())
}

#[test]
fn a_call_returns_aligned_results() {
    let y = matmul::matmul(&a(), &Tensor::from([[1.0], [0.0], [-1.0]]));
    assert_eq!(y, Tensor::from([[-2.0], [-2.0]]));
    assert_eq!(y.as_slice().unwrap().as_ptr() as usize % 64, 0);
    assert_eq!(a().matmul_with_itself(), Tensor::from([[14.0, 32.0], [32.0, 77.0]]));
}

trait WithItself {
    fn matmul_with_itself(&self) -> Self;
}

impl WithItself for Tensor<f32, 2> {
    /// The second argument is a view without the row-major order, which the call compacts.
    fn matmul_with_itself(&self) -> Self {
        matmul::matmul(self, &self.transposed())
    }
}

#[test]
fn axes_of_extent_zero_are_legal() {
    let empty = Tensor::<f32, 2>::zeros([2, 0]);
    assert_eq!(matmul::matmul(&empty, &empty.transposed()), Tensor::zeros([2, 2]));
    assert_eq!(matmul::matmul(&empty.transposed(), &empty).shape(), [0, 0]);
}

#[test]
fn into_writes_to_the_given_tensor_and_to_no_other() {
    let mut y = Tensor::full([2, 2], 9.0);
    let clone = y.clone();
    matmul::into(&a(), &a().transposed(), &mut y).unwrap();
    assert_eq!(y, Tensor::from([[14.0, 32.0], [32.0, 77.0]]));
    assert_eq!(clone, Tensor::full([2, 2], 9.0));
    let mut strided = Tensor::full([2, 4], 9.0).step(1, 2).transposed();
    matmul::into(&a(), &a().transposed(), &mut strided).unwrap();
    assert_eq!(strided, y);
}

#[test]
fn a_result_may_be_written_over_a_clone_of_an_argument() {
    let x = Tensor::from([[0.0f32, 1.0], [1.0, 0.0]]);
    let mut y = x.clone();
    matmul::into(&x, &x, &mut y).unwrap();
    assert_eq!(y, Tensor::from([[1.0, 0.0], [0.0, 1.0]]));
    assert_eq!(x, Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
}

#[test]
fn updates_happen_in_place_and_containers_come_back() {
    let dense = |w: f32, b: f32| Dense { w: Tensor::full([2, 3], w), b: Tensor::full([3], b) };
    let (mut p, g) = (dense(1.0, 2.0), dense(4.0, 8.0));
    let (address, clone) = (p.w.as_slice().unwrap().as_ptr(), p.b.clone());
    let (sum, positive, twice) = sgd::try_call(&mut p, &g, 0.25).unwrap();
    assert_eq!((sum.to_bits(), positive), (24.0f32.to_bits(), true));
    assert_eq!((&p, &twice), (&dense(0.0, 0.0), &dense(8.0, 16.0)));
    assert_eq!(
        p.w.as_slice().unwrap().as_ptr(),
        address,
        "alone, the tensor is changed where it is"
    );
    assert_eq!(clone, Tensor::full([3], 2.0), "shared, it is copied first");
}

#[test]
fn an_update_may_share_its_elements_with_what_is_read() {
    let g = Dense { w: Tensor::full([1, 1], 2.0), b: Tensor::full([1], 2.0) };
    let mut p = g.clone();
    sgd::try_call(&mut p, &g, 1.0).unwrap();
    assert_eq!((p.w.to_vec(), g.w.to_vec()), (vec![0.0], vec![2.0]));
}

#[test]
fn numbers_are_extents() {
    let x = Tensor::zeros([12]);
    assert_eq!(windows::try_call(&x, 2).unwrap(), Tensor::full([5], 2.0));
    assert_eq!(windows::try_call(&x, 6).unwrap().shape(), [1]);
    assert_eq!(windows::try_call(&Tensor::zeros([0]), 1).unwrap().shape(), [0]);
}

#[test]
fn shapes_that_disagree_show_both_shapes() {
    let error = matmul::try_call(&a(), &Tensor::zeros([5, 6])).unwrap_err();
    let text = "extents disagree in the call of `matmul`
  b: f32[5, 6], axis 0 (`inner`) is 5
  a: f32[2, 3], axis 1 (`inner`) is 3
  help: `inner` must be the same in both";
    assert_eq!(error.to_string(), text);
    let Error::ExtentMismatch(facts) = error else { panic!("another error") };
    assert_eq!((facts.place.found, facts.expected, facts.sources[0].value), (5, 3, 3));
    assert_eq!(panic_text(|| matmul::matmul(&a(), &Tensor::zeros([5, 6]))), text);
}

#[test]
fn an_extent_without_a_solution_says_what_it_must_be() {
    let error = windows::try_call(&Tensor::zeros([7]), 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `n` fits in the call of `windows`\n  x: f32[7], axis 0 is 7 and must be `2 * n`"
    );
    let error = windows::try_call(&Tensor::zeros([8]), usize::MAX).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `k` fits in the call of `windows`\n  k: usize, is 9223372036854775807, which is too large"
    );
}

#[test]
fn a_check_that_fails_shows_where_its_symbols_come_from() {
    let error = windows::try_call(&Tensor::zeros([8]), 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`k` must divide `n`, in the call of `windows`
  left:  3
  right: 4
  x:     f32[8], axis 0 is 8, so `n` = 4
  k:     usize, is 3"
    );
    assert!(matches!(windows::try_call(&Tensor::zeros([8]), 0), Err(Error::CheckFailed(_))));
}

#[test]
fn a_negative_extent_is_an_error() {
    let error = windows::try_call(&Tensor::zeros([0]), 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the result of `windows` would have a negative extent
  result: `n - k + 1` = -1
  x:      f32[0], axis 0 is 0
  k:      usize, is 2"
    );
}

#[test]
fn a_result_of_another_shape_is_refused() {
    let mut y = Tensor::full([2, 3], 7.0);
    let error = matmul::into(&a(), &a().transposed(), &mut y).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tensor given for the result of `matmul` has another shape
  result: f32[2, 2]
  given:  f32[2, 3]
  help: give a tensor of shape [2, 2]"
    );
    assert_eq!(y, Tensor::full([2, 3], 7.0));
}

/// A function that does nothing, with one parameter `x: [n, 2 * n + 1, 784]` and checks between `n` and 3.
static CHECKED: Function = {
    unsafe extern "C" fn entry(
        _: *const *mut u8,
        _: *const i64,
        _: *mut u8,
        _: *const common::Team,
    ) {
    }
    const CHECKS: [Check; 2] = [
        Check {
            kind: CheckKind::AtMost,
            left: Extent(&[1, 0]),
            right: Extent(&[0, 3]),
            text: "`n` must not exceed `3`",
        },
        Check {
            kind: CheckKind::Equal,
            left: Extent(&[1, 0, 0, 2, 4]),
            right: Extent(&[0, 1]),
            text: "`n / 2` must equal `1`",
        },
    ];
    const SIGNATURE: Signature = Signature {
        name: "checked",
        symbols: &["n"],
        parameters: &[leaf(
            "p.x",
            &[
                axis("", "n", &[1, 0]),
                axis("y", "2 * n + 1", &[0, 2, 1, 0, 3, 0, 1, 2]),
                axis("pixel", "784", &[0, 784]),
            ],
        )],
        results: &[],
        solves: &[plain(0, 0, 0)],
        checks: &CHECKS,
        workspace: Extent(&[1, 0, 0, 1000, 3]),
        private: Extent(&[0, 0]),
    };
    const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
    // SAFETY: the entry touches nothing.
    unsafe { Function::new(SIGNATURE, &ENTRIES) }
};

fn checked(shape: [usize; 3]) -> Result<(), String> {
    let x = Tensor::<f32, 3>::zeros(shape);
    run::<()>(&CHECKED, |arguments| arguments.read(&x)).map_err(|error| error.to_string())
}

#[test]
fn every_axis_and_every_check_counts() {
    assert_eq!(checked([2, 5, 784]), Ok(()));
    assert_eq!(checked([3, 7, 784]), Ok(()));
    assert_eq!(
        checked([2, 6, 784]).unwrap_err(),
        "extents disagree in the call of `checked`
  p.x: f32[2, 6, 784], axis 1 (`y`) is 6, but `2 * n + 1` = 5 is needed
  p.x: f32[2, 6, 784], axis 0 is 2"
    );
    assert_eq!(
        checked([2, 5, 783]).unwrap_err(),
        "extents disagree in the call of `checked`\n  p.x: f32[2, 5, 783], axis 2 (`pixel`) is 783, but 784 is needed"
    );
    assert!(checked([4, 9, 784]).unwrap_err().starts_with("`n` must not exceed `3`, in the call"));
    assert!(checked([1, 3, 784]).unwrap_err().starts_with("`n / 2` must equal `1`, in the call"));
}

#[test]
fn workspace_is_a_formula_of_the_extents() {
    let x = Tensor::<f32, 3>::zeros([3, 7, 784]);
    assert_eq!(workspace_bytes(&CHECKED, |arguments| arguments.read(&x)), Ok(3000));
    let wrong = Tensor::<f32, 3>::zeros([3, 7, 0]);
    assert!(workspace_bytes(&CHECKED, |arguments| arguments.read(&wrong)).is_err());
}

/// `x: [2 * n + m, m]` returns as many elements as its extents multiplied four times.
static HUGE: Function = {
    unsafe extern "C" fn entry(
        _: *const *mut u8,
        _: *const i64,
        _: *mut u8,
        _: *const common::Team,
    ) {
    }
    const SOLVES: [Solve; 2] =
        [plain(1, 0, 1), Solve { symbol: 0, leaf: 0, axis: 0, factor: 2, rest: Extent(&[1, 1]) }];
    const SIGNATURE: Signature = Signature {
        name: "huge",
        symbols: &["n", "m"],
        parameters: &[leaf(
            "x",
            &[axis("", "2 * n + m", &[0, 2, 1, 0, 3, 1, 1, 2]), axis("", "m", &[1, 1])],
        )],
        results: &[leaf(
            "",
            &[axis("", "n", &[1, 0]), axis("", "n", &[1, 0]), axis("", "n", &[1, 0])],
        )],
        solves: &SOLVES,
        checks: &[],
        workspace: Extent(&[0, 0]),
        private: Extent(&[0, 0]),
    };
    const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
    // SAFETY: the entry is only reached with `n` = 0, where there is nothing to write.
    unsafe { Function::new(SIGNATURE, &ENTRIES) }
};

fn huge(shape: [usize; 2]) -> Result<Tensor<f32, 3>, Error> {
    let x = Tensor::<f32, 2>::zeros(shape);
    run(&HUGE, |arguments| arguments.read(&x))
}

#[test]
fn symbols_are_solved_over_others_and_results_may_be_too_large() {
    assert_eq!(huge([0, 0]).unwrap().shape(), [0, 0, 0]);
    let error = huge([1 << 40, 0]).unwrap_err();
    assert_eq!(error.to_string(), "a result of `huge` is larger than memory could be");
    let error = huge([4, 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `n` fits in the call of `huge`
  x: f32[4, 1], axis 0 is 4 and must be `2 * n + m`
  x: f32[4, 1], axis 1 is 1"
    );
    assert!(matches!(huge([2, 3]), Err(Error::NotSolvable(_))), "a symbol is never negative");
}

#[test]
fn a_call_with_many_leaves_leaves_the_stack() {
    let x: [Tensor<f32, 2>; 40] = std::array::from_fn(|_| a());
    let text = panic_text(|| run::<()>(&matmul::FUNCTION, |arguments| arguments.read(&x)));
    assert_eq!(text, "defn bug: `matmul` was called with a wrong number of leaves");
}

/// The panic of a call that returns `R` where the signature says something else.
fn refused<A: Leaves, B: Leaves, R: Leaves>(a: &A, b: &B) -> String {
    let call = || {
        run::<R>(&matmul::FUNCTION, |arguments| {
            arguments.read(a);
            arguments.read(b);
        })
    };
    panic_text(call)
}

#[test]
fn types_that_the_signature_does_not_have_never_reach_the_entry() {
    let square = Tensor::<f32, 2>::zeros([2, 2]);
    type Square = Tensor<f32, 2>;
    let parameter = "defn bug: `matmul` was called with a wrong type for `b`";
    assert_eq!(refused::<_, _, Square>(&square, &Tensor::from([[1i32]])), parameter);
    assert_eq!(refused::<_, _, Square>(&square, &Tensor::from([1.0f32])), parameter);
    assert_eq!(refused::<_, _, Square>(&square, &3usize), parameter);
    let result = "defn bug: `matmul` was declared with another type of result";
    assert_eq!(refused::<_, _, Tensor<f64, 2>>(&square, &square), result);
    assert_eq!(refused::<_, _, (Square, f32)>(&square, &square), result);
    assert_eq!(
        refused::<_, _, ()>(&square, &square),
        "defn bug: `matmul` was declared with fewer results"
    );
}

/// A generic function as the compiler writes it: the element type picks the function.
fn generic<T: Float>(x: &Tensor<T, 2>, scale: T) -> Result<T, Error> {
    static NONE: [&Function; 2] = [&matmul::FUNCTION, &matmul::FUNCTION];
    run(NONE[T::FLOAT], |arguments| {
        arguments.read(x);
        arguments.read(&scale);
    })
}

#[test]
fn generic_functions_pass_tensors_and_scalars() {
    let text = panic_text(|| generic(&Tensor::from([[1.0f64]]), 2.0));
    assert_eq!(text, "defn bug: `matmul` was called with a wrong type for `a`");
}

#[test]
fn code_that_is_not_there_says_so() {
    assert_eq!(
        panic_text(checked_only::<f32>),
        "`cargo check` emits no code: build the program to call this function"
    );
    assert_eq!(panic_text(broken::<f32>), "this function did not compile");
}
