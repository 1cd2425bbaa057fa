//! Everything above the driver, on a simulated device.
//!
//! This file is long because every function has its kernels, its signature and its launch plan beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::driver::{Fault, Grid};
use super::host::{Host, HostKernel, Memory};
use super::simulated::Simulated;
use crate::abi::{
    Axis, Condition, DeviceCode, DeviceNumber, DevicePlace, Extent, Function, Hooks, Inspect, Leaf,
    NONE_FAILED, Signature, Solve, Spot, Step,
};
use crate::call::{run, run_into, workspace_bytes};
use crate::device::{Device, OnDevice};
use crate::element::ElementKind;
use crate::error::Error;
use crate::hooks::Hooks as Looking;
use crate::leaves::Leaves;
use crate::tensor::Tensor;

/// Memory for everything here.
const PLENTY: usize = 256 << 20;

/// A device with the kernels below.
fn simulated(ordinal: usize, limit: usize) -> (Device, Simulated) {
    const KERNELS: &[(&str, HostKernel)] = &[
        ("axpy", axpy),
        ("add_to", add_to),
        ("sum", sum),
        ("count_down", count_down),
        ("rounds", rounds),
        ("scratch", scratch),
        ("status", status),
        ("wild", wild),
    ];
    let driver = Simulated::new(ordinal, limit, Box::new(Host::new(ordinal, KERNELS)));
    (driver.device(), driver)
}

fn device() -> (Device, Simulated) {
    simulated(0, PLENTY)
}

fn text(panics: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(panics)).expect_err("it panics");
    panic.downcast_ref::<String>().expect("a formatted message").clone()
}

fn float(memory: &mut Memory, at: u64) -> Result<f32, Fault> {
    memory.get(at).map(f32::from_ne_bytes)
}

/// `z[i] = a x[i] + y[i]`: buffers x, y, a, z; numbers n.
fn axpy(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let [x, y, a, z, n] = *words else { panic!("{words:?}") };
    let a = float(memory, a)?;
    for i in 0..n {
        let value = a * float(memory, x + 4 * i)? + float(memory, y + 4 * i)?;
        memory.put(z + 4 * i, value.to_ne_bytes())?;
    }
    Ok(())
}

/// `x[i] += a; count += 1`: buffers x, a, count; numbers n.
fn add_to(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let [x, a, count, n] = *words else { panic!("{words:?}") };
    let a = float(memory, a)?;
    for i in 0..n {
        let value = float(memory, x + 4 * i)? + a;
        memory.put(x + 4 * i, value.to_ne_bytes())?;
    }
    let counted = i64::from_ne_bytes(memory.get(count)?) + 1;
    memory.put(count, counted.to_ne_bytes())
}

/// `total = Σ x[i]`: buffers x, total; numbers n.
fn sum(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let [x, total, n] = *words else { panic!("{words:?}") };
    let mut all = 0.0;
    for i in 0..n {
        all += float(memory, x + 4 * i)?;
    }
    memory.put(total, all.to_ne_bytes())
}

/// `n -= 1; steps += 1; go = n > 0`: buffers n, steps, go.
fn count_down(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let [n, steps, go] = *words else { panic!("{words:?}") };
    let left = i64::from_ne_bytes(memory.get(n)?) - 1;
    let done = i64::from_ne_bytes(memory.get(steps)?) + 1;
    memory.put(n, left.to_ne_bytes())?;
    memory.put(steps, done.to_ne_bytes())?;
    memory.put(go, [u8::from(left > 0)])
}

/// Appends `10 * outer + inner` to a list that begins with its length: buffers list; numbers outer, inner.
fn rounds(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let [list, outer, inner] = *words else { panic!("{words:?}") };
    let count = i64::from_ne_bytes(memory.get(list)?) + 1;
    memory.put(list, count.to_ne_bytes())?;
    memory.put(list + 8 * count.cast_unsigned(), (10 * outer + inner).to_ne_bytes())
}

/// Every team writes to a place of its scratch: buffers out, offset; private, stride. `out = teams`
fn scratch(memory: &mut Memory, grid: Grid, words: &[u64]) -> Result<(), Fault> {
    let [out, offset, private, stride] = *words else { panic!("{words:?}") };
    let teams = u64::from(grid.blocks) * u64::from(grid.threads / 32);
    for team in 0..teams {
        memory.put(private + team * stride + offset, team.to_ne_bytes())?;
    }
    memory.put(out, teams.to_ne_bytes())
}

/// `status = x[0] < 0 ? 1 : none`: buffers x, status.
fn status(memory: &mut Memory, _: Grid, words: &[u64]) -> Result<(), Fault> {
    let [x, status] = *words else { panic!("{words:?}") };
    let failed = if float(memory, x)? < 0.0 { 1 } else { NONE_FAILED };
    memory.put(status, failed.to_ne_bytes())
}

/// Writes where nothing is.
fn wild(memory: &mut Memory, _: Grid, _: &[u64]) -> Result<(), Fault> {
    memory.put(64, [0])
}

const fn axis(name: &'static str, extent: &'static [i64]) -> Axis {
    Axis { name, text: name, extent: Extent(extent) }
}

const fn leaf(path: &'static str, element: ElementKind, axes: &'static [Axis]) -> Leaf {
    Leaf { path, element, axes }
}

const N: &[Axis] = &[axis("n", &[1, 0])];
const fn vector(path: &'static str) -> Leaf {
    leaf(path, ElementKind::F32, N)
}

const fn signature(
    name: &'static str,
    parameters: &'static [Leaf],
    results: &'static [Leaf],
) -> Signature {
    Signature {
        name,
        symbols: &["n"],
        parameters,
        results,
        solves: &[Solve { symbol: 0, leaf: 0, axis: 0, factor: 1, rest: Extent(&[0, 0]) }],
        checks: &[],
        workspace: Extent(&[0, 0]),
        private: Extent(&[0, 0]),
    }
}

/// Every kernel of this file.
const PTX: &str = ".entry axpy( .entry add_to( .entry sum( .entry count_down( .entry rounds( .entry scratch( .entry status( .entry wild(";

const fn code(steps: &'static [Step]) -> DeviceCode {
    let nothing = Extent(&[0, 0]);
    DeviceCode {
        capability: 80,
        is_exact: false,
        ptx: PTX,
        steps,
        workspace: nothing,
        private: nothing,
    }
}

const fn launch(
    kernel: &'static str,
    arguments: &'static [DevicePlace],
    numbers: &'static [DeviceNumber],
) -> Step {
    let tasks = Extent(&[0, 1]);
    Step::Launch {
        kernel,
        tasks,
        threads: 32,
        teams: 4,
        shared: 0,
        arguments,
        numbers,
        private: false,
    }
}

const fn argument(number: usize) -> DevicePlace {
    DevicePlace::Argument(number)
}

const LENGTH: &[DeviceNumber] = &[DeviceNumber::Extent(Extent(&[1, 0]))];

/// A function that has no code but for devices.
macro_rules! function {
    ($name:ident, $signature:expr, $code:expr $(, $hooks:expr)?) => {
        static $name: Function = {
            static CODE: [DeviceCode; 1] = [$code];
            // SAFETY: there is no entry, and the kernels are those of this file, with their parameters.
            unsafe { Function::new($signature, &[]).with_devices(&CODE) }$(.with_hooks($hooks))?
        };
    };
}

function!(
    AXPY,
    signature("axpy", &[vector("x"), vector("y"), leaf("a", ElementKind::F32, &[])], &[vector("")]),
    code(&[launch("axpy", &[argument(0), argument(1), argument(2), argument(3)], LENGTH)])
);

fn call_axpy(x: &Tensor<f32, 1>, y: &Tensor<f32, 1>, a: f32) -> Result<Tensor<f32, 1>, Error> {
    run(&AXPY, |arguments| {
        arguments.read(x);
        arguments.read(y);
        arguments.read(&a);
    })
}

#[test]
fn tensors_go_there_and_back() {
    let (gpu, _) = device();
    let x = Tensor::from_fn([3, 4], |[i, j]| (10 * i + j) as i64);
    let there = x.to(&gpu);
    assert_eq!(there.device(), gpu);
    assert_eq!(x.device(), Device::cpu());
    assert_eq!((there.shape(), there.len(), there.is_contiguous()), ([3, 4], 12, true));
    assert_eq!(there.to(&Device::cpu()), x);
    assert_eq!(there.to(&gpu).to(&Device::cpu()), x);
    assert_eq!(Tensor::from(25u8).to(&gpu).to(&Device::cpu()).item(), 25);
    assert_eq!(Tensor::<f32, 2>::zeros([0, 3]).to(&gpu).to(&Device::cpu()).shape(), [0, 3]);
    assert_eq!(Tensor::from([true, false]).to(&gpu).to(&Device::cpu()).to_vec(), [true, false]);
    assert_eq!(x.transposed().to(&gpu).to(&Device::cpu()), x.transposed());
}

#[test]
fn views_are_made_contiguous_on_the_device() {
    fn check<E: crate::Element>(x: &Tensor<E, 3>) {
        let (gpu, _) = device();
        let there = x.to(&gpu);
        type View<E> = fn(&Tensor<E, 3>) -> Tensor<E, 3>;
        let views: [View<E>; 5] = [
            Tensor::transposed,
            |x| x.reversed(1).step(2, 2),
            |x| x.slice(0, 1..).permuted([1, 0, 2]),
            |x| x.slice(2, 1..1),
            |x| x.slice(1, 2..3).reversed(0),
        ];
        for view in views {
            assert_eq!(view(&there).to(&Device::cpu()), view(x));
            assert_eq!(view(&there).contiguous().device(), gpu);
            assert_eq!(view(&there).copied().to(&Device::cpu()), view(x));
            let flat = [view(x).len()];
            let reshaped = view(&there).reshaped(flat).expect("as many");
            assert_eq!(reshaped.to(&Device::cpu()), view(x).reshaped(flat).expect("as many"));
        }
    }
    check(&Tensor::from_fn([2, 3, 4], |[i, j, k]| (100 * i + 10 * j + k) as f32));
    check(&Tensor::from_fn([2, 3, 5], |[i, j, k]| (100 * i + 10 * j + k) as f64));
    check(&Tensor::from_fn([3, 3, 2], |[i, j, k]| (i + j + k) % 2 == 0));
}

#[test]
fn elements_are_not_seen_from_the_host() {
    let (gpu, _) = device();
    let mut x = Tensor::from([1.0f32, 2.0]).to(&gpu);
    assert_eq!(x.to_string(), "f32[2] on cuda:0");
    assert_eq!(format!("{x:?}"), "tensor(f32[2] on cuda:0)");
    let message =
        "the elements are on cuda:0\n  help: `.to(&Device::cpu())` brings them to the host";
    assert_eq!(text(|| drop(x.to_vec())), message);
    assert_eq!(text(|| drop(x[[0]].to_string())), message);
    assert_eq!(text(|| drop(x.map(|x| x))), message);
    assert_eq!(text(|| assert!(x.as_slice().is_none())), message);
    assert_eq!(text(|| assert!(x == x)), message);
    assert_eq!(text(|| drop(x.clone().into_vec())), message);
    assert_eq!(text(|| x[[0]] = 1.0), message);
    assert_eq!(text(|| x.as_mut_slice()[0] = 1.0), message);
}

#[test]
fn large_tensors_go_in_pieces() {
    let (gpu, driver) = device();
    // More than the ring and more than two halves, and no multiple of either.
    for length in [(23 << 20) / 4 + 3, (4 << 20) / 4, (8 << 20) / 4, 1] {
        let x = Tensor::from_fn([length], |[i]| i as f32);
        assert_eq!(x.to(&gpu).to(&Device::cpu()), x);
    }
    // Small ones go on their way without a wait, and are what they were when they did.
    let waits = driver.counts().waits;
    let small: Vec<_> = (0..1000).map(|i| Tensor::from([i, -i]).to(&gpu)).collect();
    assert_eq!(driver.counts().waits, waits);
    for (i, there) in (0..).zip(small) {
        assert_eq!(there.to(&Device::cpu()).to_vec(), [i, -i]);
    }
}

#[test]
fn memory_is_used_again_and_bounded_by_what_was_used() {
    let (gpu, driver) = device();
    let x = Tensor::<f32, 1>::zeros([1000]).to(&gpu);
    let y = call_axpy(&x, &x, 1.0).expect("it runs");
    let allocations = driver.counts().allocations;
    for _ in 0..20 {
        drop(call_axpy(&x, &y, 2.0).expect("it runs"));
    }
    // The first of these calls holds a result more than were in use before, and has the numbers driven out for it.
    assert_eq!(driver.counts().allocations, allocations + 2);
    let allocated = driver.allocated();
    drop((x, y));
    assert_eq!(driver.allocated(), allocated, "it is kept");
    gpu.trim();
    assert_eq!(driver.allocated(), 0);
}

#[test]
fn memory_that_is_kept_is_given_up_before_there_is_none() {
    let (gpu, _) = simulated(0, 10_000);
    let wide = Tensor::<u8, 1>::zeros([6000]);
    let there = wide.to(&gpu);
    drop(there);
    let other = Tensor::<u8, 1>::zeros([9000]).to(&gpu);
    let error = wide.try_to(&gpu).expect_err("there is no room");
    assert_eq!(
        error.to_string(),
        "cuda:0 failed\n  asked:  for memory\n  reason: it has no memory left"
    );
    drop(other);
    assert_eq!(wide.to(&gpu).to(&Device::cpu()), wide);
}

#[test]
fn a_call_runs_where_its_tensors_are() {
    let (gpu, driver) = device();
    let (x, y) = (Tensor::from([1.0f32, 2.0, 3.0]), Tensor::from([10.0f32, 20.0, 30.0]));
    let (there, waits) = ((x.to(&gpu), y.to(&gpu)), driver.counts().waits);
    let z = call_axpy(&there.0, &there.1, 2.0).expect("it runs");
    assert_eq!((driver.counts().waits, driver.counts().loads), (waits, 1), "nobody waited");
    assert_eq!(z.device(), gpu);
    assert_eq!(z.to(&Device::cpu()).to_vec(), [12.0, 24.0, 36.0]);
    // Views, also those that begin at an address that kernels do not take.
    let z = call_axpy(&there.0.reversed(0), &there.1, 2.0).expect("it runs");
    assert_eq!(z.to(&Device::cpu()).to_vec(), [16.0, 24.0, 32.0]);
    let z = call_axpy(&there.0.slice(0, 1..), &there.1.slice(0, ..2), 1.0).expect("it runs");
    assert_eq!(z.to(&Device::cpu()).to_vec(), [12.0, 23.0]);
    assert_eq!(driver.counts().loads, 2, "the code and that of views, each once");
    // Shapes are checked as on the host.
    let error = call_axpy(&there.0, &there.1.slice(0, 1..), 1.0).expect_err("they disagree");
    assert!(matches!(error, Error::ExtentMismatch(_)), "{error}");
}

#[test]
fn threads_share_a_device() {
    let (gpu, _) = device();
    let work = &|thread: usize| {
        let x = Tensor::from_fn([100 + thread], |[i]| (i + thread) as f32);
        let mut there = x.to(&gpu);
        for _ in 0..50 {
            there = call_axpy(&there, &there, 0.0).expect("it runs");
            there = call_axpy(&there, &there, -0.5).expect("it runs");
            there = call_axpy(&there, &there, 1.0).expect("it runs");
        }
        assert_eq!(there.to(&Device::cpu()), x);
    };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || work(thread));
        }
    });
}

#[test]
fn results_are_written_into_given_tensors() {
    let (gpu, driver) = device();
    let x = Tensor::from([1.0f32, 2.0]).to(&gpu);
    let mut z = Tensor::<f32, 1>::zeros([2]).to(&gpu);
    let into = |z: &mut Tensor<f32, 1>| {
        run_into(
            &AXPY,
            |arguments| {
                arguments.read(&x);
                arguments.read(&x);
                arguments.read(&3.0f32);
            },
            z,
        )
    };
    into(&mut z).expect("it runs");
    let allocations = driver.counts().allocations;
    into(&mut z).expect("it runs");
    assert_eq!(driver.counts().allocations, allocations);
    assert_eq!(z.to(&Device::cpu()).to_vec(), [4.0, 8.0]);
    let error = into(&mut Tensor::zeros([2])).expect_err("it is elsewhere");
    assert_eq!(
        error.to_string(),
        "tensors are on different devices in the call of `axpy`\n  \
         x:      f32[2] on cuda:0\n  result: f32[2] on cpu\n  \
         help: move one, for example `result.to(&device)` with the device of `x`"
    );
}

#[test]
fn tensors_of_a_call_are_on_one_device() {
    let ((first, _), (second, _)) = (device(), simulated(1, PLENTY));
    let x = Tensor::from([1.0f32, 2.0]);
    let message = |x: &Tensor<f32, 1>, y: &Tensor<f32, 1>| {
        call_axpy(x, y, 1.0).expect_err("they are apart").to_string()
    };
    let help = |moved: &str, with: &str| {
        format!("  help: move one, for example `{moved}.to(&device)` with the device of `{with}`")
    };
    let title = "tensors are on different devices in the call of `axpy`\n";
    assert_eq!(
        message(&x.to(&first), &x),
        format!("{title}  x: f32[2] on cuda:0\n  y: f32[2] on cpu\n{}", help("y", "x"))
    );
    assert_eq!(
        message(&x, &x.to(&first)),
        format!("{title}  y: f32[2] on cuda:0\n  x: f32[2] on cpu\n{}", help("x", "y"))
    );
    assert_eq!(
        message(&x.to(&first), &x.to(&second)),
        format!("{title}  x: f32[2] on cuda:0\n  y: f32[2] on cuda:1\n{}", help("y", "x"))
    );
    assert_eq!(x.to(&first).to(&second).to(&Device::cpu()), x);
}

function!(
    NOWHERE,
    signature("nowhere", &[vector("x")], &[]),
    DeviceCode { capability: 90, is_exact: true, ..code(&[]) }
);
// SAFETY: there is no entry.
static HOST_ONLY: Function =
    unsafe { Function::new(signature("host_only", &[vector("x")], &[]), &[]) };

function!(
    NEW,
    signature("new", &[vector("x")], &[]),
    DeviceCode { ptx: ".version 99", ..code(&[]) }
);

#[test]
fn a_function_without_code_for_the_device_says_so() {
    let (gpu, _) = device();
    let x = Tensor::from([1.0f32]).to(&gpu);
    for (function, name) in [(&NOWHERE, "nowhere"), (&HOST_ONLY, "host_only")] {
        let error = run::<()>(function, |arguments| arguments.read(&x)).expect_err("no code");
        assert_eq!(
            error.to_string(),
            format!(
                "`{name}` was not compiled for the device of its arguments\n  \
                 device: cuda:0, compute capability 8.0\n  \
                 help: move the arguments with `.to(&Device::cpu())`"
            )
        );
    }
    let error = run::<()>(&NEW, |arguments| arguments.read(&x)).expect_err("an old driver");
    assert!(error.to_string().contains("older than the code: CUDA 12.0 or later"), "{error}");
}

function!(
    ADD_TO,
    signature(
        "add_to",
        &[vector("x"), leaf("a", ElementKind::F32, &[]), leaf("count", ElementKind::I64, &[]),],
        &[leaf("", ElementKind::F32, &[])]
    ),
    code(&[
        launch("add_to", &[argument(0), argument(1), argument(2)], LENGTH),
        launch("sum", &[argument(0), argument(3)], LENGTH),
    ])
);

fn call_add_to<R: Leaves>(x: &mut Tensor<f32, 1>, a: f32, count: &mut i64) -> Result<R, Error> {
    run(&ADD_TO, |arguments| {
        arguments.update(x);
        arguments.read(&a);
        arguments.update(count);
    })
}

#[test]
fn updates_are_in_place_and_seen_by_nobody_else() {
    let (gpu, driver) = device();
    let mut x = Tensor::from([1.0f32, 2.0, 3.0]).to(&gpu);
    let (clone, view, mut count) = (x.clone(), x.reversed(0), 5);
    let total: f32 = call_add_to(&mut x, 1.0, &mut count).expect("it runs");
    assert_eq!((total, count), (9.0, 6));
    assert_eq!(x.to(&Device::cpu()).to_vec(), [2.0, 3.0, 4.0]);
    assert_eq!(clone.to(&Device::cpu()).to_vec(), [1.0, 2.0, 3.0]);
    assert_eq!(view.to(&Device::cpu()).to_vec(), [3.0, 2.0, 1.0]);
    // Alone it stays where it is.
    let launches = driver.counts().launches;
    let total: f32 = call_add_to(&mut x, 1.0, &mut count).expect("it runs");
    assert_eq!((total, count, driver.counts().launches), (12.0, 7, launches + 2));
    // A view that is changed becomes contiguous.
    let mut view = x.reversed(0).slice(0, ..2);
    drop(x);
    let total: f32 = call_add_to(&mut view, 10.0, &mut count).expect("it runs");
    assert_eq!((total, count), (29.0, 8));
    assert_eq!(view.to(&Device::cpu()).to_vec(), [15.0, 14.0]);
    // A tensor of one element is a tensor.
    let total: Tensor<f32, 0> = call_add_to(&mut view, 1.0, &mut count).expect("it runs");
    assert_eq!((total.device(), total.to(&Device::cpu()).item()), (gpu, 31.0));
    let empty: f32 = call_add_to(&mut view.slice(0, ..0), 1.0, &mut count).expect("it runs");
    assert!(empty.abs() < f32::MIN_POSITIVE);
}

#[test]
fn numbers_may_be_tensors_of_the_device_or_of_the_host() {
    let (gpu, _) = device();
    let x = Tensor::from([1.0f32, 2.0]).to(&gpu);
    for a in [Tensor::from(3.0f32), Tensor::from(3.0f32).to(&gpu)] {
        let z: Tensor<f32, 1> = run(&AXPY, |arguments| {
            arguments.read(&x);
            arguments.read(&x);
            arguments.read(&a);
        })
        .expect("it runs");
        assert_eq!(z.to(&Device::cpu()).to_vec(), [4.0, 8.0]);
    }
}

// With 16 elements the outer part runs twice.
function!(
    ROUNDS,
    signature("rounds", &[leaf("list", ElementKind::I64, N)], &[]),
    code(&[
        Step::Repeat { extent: Extent(&[1, 0, 0, -14, 2]) },
        Step::Repeat { extent: Extent(&[0, 2]) },
        launch("rounds", &[argument(0)], &[DeviceNumber::Round(0), DeviceNumber::Round(1)]),
        Step::End,
        Step::Repeat { extent: Extent(&[1, 0, 0, -17, 2]) },
        launch("wild", &[], &[]),
        Step::End,
        launch(
            "rounds",
            &[argument(0)],
            &[DeviceNumber::Round(0), DeviceNumber::Extent(Extent(&[1, 0, 0, -7, 2]))],
        ),
        Step::End,
        Step::Launch {
            kernel: "wild",
            tasks: Extent(&[0, 0]),
            threads: 32,
            teams: 4,
            shared: 0,
            arguments: &[],
            numbers: &[],
            private: false,
        },
    ])
);

#[test]
fn repetitions_count_their_rounds_and_nothing_to_do_is_not_launched() {
    let (gpu, driver) = device();
    let mut list = Tensor::<i64, 1>::zeros([16]).to(&gpu);
    let waits = driver.counts().waits;
    run::<()>(&ROUNDS, |arguments| arguments.update(&mut list)).expect("it runs");
    assert_eq!(driver.counts().waits, waits);
    let list = list.to(&Device::cpu()).to_vec();
    assert_eq!(list[..8], [6, 0, 1, 9, 10, 11, 19, 0]);
}

// While the flag in the workspace holds; then by two branches, one of them in a loop.
function!(
    COUNT_DOWN,
    Signature {
        symbols: &[],
        solves: &[],
        ..signature(
            "count_down",
            &[leaf("n", ElementKind::I64, &[])],
            &[
                leaf("steps", ElementKind::I64, &[]),
                leaf("list", ElementKind::I64, &[axis("", &[0, 16])])
            ]
        )
    },
    DeviceCode {
        workspace: Extent(&[0, 192]),
        ..code(&[
            launch(
                "rounds",
                &[argument(2)],
                &[DeviceNumber::Extent(Extent(&[0, 3])), DeviceNumber::Extent(Extent(&[0, 3]))]
            ),
            Step::Loop,
            launch("count_down", &[argument(0), argument(1), FLAG], &[]),
            Step::Leave { unless: FLAG },
            Step::If { condition: FLAG },
            launch(
                "rounds",
                &[argument(2)],
                &[DeviceNumber::Round(0), DeviceNumber::Extent(Extent(&[0, 1]))]
            ),
            Step::Else,
            launch("wild", &[], &[]),
            Step::End,
            Step::End,
            Step::If { condition: FLAG },
            launch("wild", &[], &[]),
            Step::End,
            Step::If { condition: FLAG },
            launch("wild", &[], &[]),
            Step::Else,
            launch(
                "rounds",
                &[argument(2)],
                &[DeviceNumber::Extent(Extent(&[0, 9])), DeviceNumber::Extent(Extent(&[0, 9]))]
            ),
            Step::End,
        ])
    }
);

const FLAG: DevicePlace = DevicePlace::Workspace(Extent(&[0, 128]));

#[test]
fn loops_end_and_branches_are_taken_by_what_the_device_says() {
    let (gpu, driver) = device();
    for n in [1, 4] {
        // What kernels append to begins with its length.
        let (mut steps, mut list) = (0i64, Tensor::<i64, 1>::zeros([16]).to(&gpu));
        let waits = driver.counts().waits;
        let mut results = (steps, list);
        run_into(&COUNT_DOWN, |arguments| arguments.read(&n), &mut results).expect("it runs");
        (steps, list) = results;
        let list = list.to(&Device::cpu()).to_vec();
        let rounds = n - 1;
        let expected: Vec<i64> =
            [33].into_iter().chain((0..rounds).map(|i| 10 * i + 1)).chain([99]).collect();
        assert_eq!((steps, list[0]), (n, expected.len() as i64));
        assert_eq!(list[1..=expected.len()], expected);
        // Two conditions in each round but the last, which leaves; two behind them; then the numbers and the list.
        assert_eq!(driver.counts().waits - waits, (2 * n - 1 + 2 + 2) as usize);
    }
}

function!(
    SCRATCH,
    signature("scratch", &[vector("x")], &[leaf("", ElementKind::U64, &[])]),
    DeviceCode {
        private: Extent(&[0, 128]),
        ..code(&[Step::Launch {
            kernel: "scratch",
            tasks: Extent(&[1, 0]),
            threads: 32,
            teams: 4,
            shared: 0,
            arguments: &[argument(1), DevicePlace::Private(Extent(&[0, 120]))],
            numbers: &[],
            private: true,
        }])
    }
);

#[test]
fn every_team_has_scratch_and_there_are_no_more_than_run_at_a_time() {
    let (gpu, _) = device();
    // Two multiprocessors with four blocks of four teams each.
    for (tasks, teams) in [(1, 4), (5, 8), (32, 32), (1000, 32)] {
        let x = Tensor::<f32, 1>::zeros([tasks]).to(&gpu);
        let found: u64 = run(&SCRATCH, |arguments| arguments.read(&x)).expect("it runs");
        assert_eq!(found, teams);
        let bytes = workspace_bytes(&SCRATCH, |arguments| arguments.read(&x));
        assert_eq!(bytes, Ok(128 * usize::try_from(teams).expect("few")));
    }
}

const HERE: Spot = Spot { function: "watched", file: "src/lib.rs", line: 7 };

function!(
    WATCHED,
    signature("watched", &[vector("x")], &[]),
    code(&[
        Step::Repeat { extent: Extent(&[0, 2]) },
        Step::Inspect { number: 0, buffer: argument(0) },
        Step::End,
        launch("status", &[argument(0), argument(1)], &[]),
    ]),
    Hooks {
        conditions: &[
            Condition { text: "another", spot: HERE },
            Condition { text: "x must be positive", spot: HERE },
        ],
        inspects: &[Inspect { label: "x", spot: HERE, leaf: vector("") }],
    }
);

#[test]
fn hooks_look_at_values_and_conditions_are_checked() {
    let (gpu, _) = device();
    let watched = |x: &Tensor<f32, 1>| run::<()>(&WATCHED, |arguments| arguments.read(x));
    let (x, mut seen) = (Tensor::from([1.5f32, -2.0]), Vec::new());
    let looking = Looking::new().on("x", |x| seen.extend(x.to_tensor::<f32, 1>()));
    looking.run(|| watched(&x.to(&gpu))).expect("all hold");
    assert_eq!(seen, [x.clone(), x.clone()]);
    let looking = Looking::new().on("x", |_| {});
    let error = looking.run(|| watched(&x.reversed(0).to(&gpu))).expect_err("it is negative");
    assert_eq!(
        error.to_string(),
        "x must be positive, in the call of `watched`
  place: src/lib.rs:7, in `watched`"
    );
    // What a hook throws comes when the call has ended, and it is not called again.
    let mut calls = 0;
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        let looking = Looking::new().on("x", |_| {
            calls += 1;
            panic!("enough")
        });
        looking.run(|| watched(&x.to(&gpu)))
    }));
    assert_eq!(thrown.expect_err("it throws").downcast_ref::<&str>(), Some(&"enough"));
    assert_eq!(calls, 1);
    watched(&x.to(&gpu)).expect("the device still works");
}

function!(WILD, signature("wild", &[vector("x")], &[]), code(&[launch("wild", &[], &[])]));

#[test]
fn a_device_that_fails_says_which_function_was_called_last() {
    let (gpu, _) = device();
    let x = Tensor::from([1.0f32]).to(&gpu);
    run::<()>(&WILD, |arguments| arguments.read(&x)).expect("it is begun");
    let line = line!() - 1;
    let error = x.try_to(&Device::cpu()).expect_err("it has failed").to_string();
    let reason = "an illegal address: 1 bytes at 0x40";
    assert!(error.starts_with("cuda:0 failed\n  asked:     for elements\n"), "{error}");
    assert!(error.contains(reason) && error.contains("last call: `wild`, at "), "{error}");
    if cfg!(feature = "cuda") {
        assert!(error.ends_with(&format!("{}:{line}", file!())), "{error}");
    }
    assert!(gpu.synchronize().is_err());
}

#[test]
fn time_is_what_lies_between_two_events_of_the_stream() {
    let (gpu, _) = device();
    let x = Tensor::from([1.0f32]).to(&gpu);
    // Something is under way that is not to be counted.
    drop(call_axpy(&x, &x, 1.0).expect("it runs"));
    let one = || drop(call_axpy(&x, &x, 1.0).expect("it runs"));
    let (_, once) = gpu.time(one).expect("it works");
    let (value, often) = gpu
        .time(|| {
            (0..10).for_each(|_| one());
            7
        })
        .expect("it works");
    assert_eq!((value, often), (7, 10 * once));
    assert!(!once.is_zero());
    // Measured inside of what is measured, and where nothing is done.
    let (inner, outer) = gpu.time(|| gpu.time(one).expect("it works").1).expect("it works");
    assert_eq!((inner, outer), (once, once));
    assert!(gpu.time(|| ()).expect("it works").1.is_zero());
    run::<()>(&WILD, |arguments| arguments.read(&x)).expect("it is begun");
    assert!(gpu.time(one_more(&x)).is_err());
}

/// A call whose outcome is nobody's business.
fn one_more(x: &Tensor<f32, 1>) -> impl FnOnce() + '_ {
    || drop(call_axpy(x, x, 1.0))
}

#[test]
fn containers_go_with_all_their_tensors() {
    let (gpu, _) = device();
    let value = (
        Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).transposed(),
        [3i64, 4],
        (Tensor::from(true), crate::Key::new(9)),
        7usize,
    );
    let there = value.to(&gpu);
    assert_eq!((there.0.device(), there.2.0.device()), (gpu.clone(), gpu.clone()));
    assert_eq!((there.1, there.2.1), (value.1, value.2.1));
    assert_eq!(there.to(&Device::cpu()), value);
    assert_eq!(there.to(&gpu).to(&Device::cpu()), value);
    assert_eq!(value.to(&Device::cpu()), value);
    let (other, _) = simulated(1, PLENTY);
    assert_eq!(there.to(&other).to(&Device::cpu()), value);
    let (small, _) = simulated(2, 600);
    assert!(matches!(value.try_to(&small), Err(Error::DeviceFailed(_))));
}

#[test]
fn tensors_may_be_sent_shared_and_thrown_over() {
    fn check<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    check::<Tensor<f32, 3>>();
    check::<Device>();
}

/// The device's own code, as the driver gets it.
#[test]
fn the_kernels_of_views_are_written_for_all_sizes() {
    let ptx = super::gather::ptx();
    for bytes in [1, 4, 8] {
        assert!(ptx.contains(&format!(".visible .entry gather{bytes}(")));
    }
}

#[test]
fn devices_have_names() {
    let (gpu, _) = device();
    assert_eq!((gpu.to_string(), gpu.name()), ("cuda:0".to_owned(), "Simulated"));
    assert_eq!(format!("{gpu:?}"), "cuda:0 (Simulated, compute capability 8.0)");
    assert_eq!((gpu.capability(), gpu.is_cpu()), (Some((8, 0)), false));
    let cpu = Device::cpu();
    assert_eq!((cpu.to_string(), cpu.name(), cpu.capability()), ("cpu".to_owned(), "cpu", None));
    assert!(cpu == Device::default() && cpu != gpu && gpu != device().0);
    cpu.synchronize().expect("it is always done");
}

#[test]
fn a_device_that_is_not_there_says_why() {
    let text = |reason| Error::NoDevice { wanted: 2, reason }.to_string();
    use crate::error::Absence;
    assert_eq!(
        text(Absence::FeatureOff),
        "there is no device cuda:2: the feature `cuda` of defn is off"
    );
    assert_eq!(text(Absence::NoDriver), "there is no device cuda:2: no NVIDIA driver was found");
    assert_eq!(text(Absence::Count(0)), "there is no device cuda:2: the machine has none");
    assert_eq!(text(Absence::Count(1)), "there is no device cuda:2: the machine has one, cuda:0");
    assert_eq!(
        text(Absence::Count(2)),
        "there is no device cuda:2: the machine has 2, cuda:0 to cuda:1"
    );
    if Device::count() == 0 {
        assert!(matches!(Device::cuda(0), Err(Error::NoDevice { wanted: 0, .. })));
    }
    assert!(Device::cuda(Device::count()).is_err());
}
