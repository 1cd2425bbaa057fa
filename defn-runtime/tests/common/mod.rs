//! Functions as the compiler writes them, with Rust in the place of machine code.

pub(crate) use defn_runtime::__private::Team;
use defn_runtime::__private::{
    Arguments, Axis, Check, CheckKind, ElementKind, Entry, Error, Extent, Function, Job, Leaf,
    Leaves, Level, Signature, Solve, fail, run, run_into,
};
use defn_runtime::Tensor;

/// The lowest level of every architecture, so that each processor that runs the tests has one.
pub(crate) const fn everywhere(entry: Entry) -> [(Level, Entry); 2] {
    [(Level::V3, entry), (Level::Neon, entry)]
}

/// An axis with a name whose extent is the symbol of the same name.
pub(crate) const fn axis(name: &'static str, text: &'static str, extent: &'static [i64]) -> Axis {
    Axis { name, text, extent: Extent(extent) }
}

/// A leaf of `f32`.
pub(crate) const fn leaf(path: &'static str, axes: &'static [Axis]) -> Leaf {
    Leaf { path, element: ElementKind::F32, axes }
}

/// A symbol that is an axis itself.
pub(crate) const fn plain(symbol: usize, leaf: usize, axis: usize) -> Solve {
    Solve { symbol, leaf, axis, factor: 1, rest: Extent(&[0, 0]) }
}

/// A function of nothing that gives nothing.
pub(crate) const fn nothing(name: &'static str) -> Signature {
    Signature {
        name,
        symbols: &[],
        parameters: &[],
        results: &[],
        solves: &[],
        checks: &[],
        workspace: Extent(&[0, 0]),
        private: Extent(&[0, 0]),
    }
}

/// What executes the iterations of a job.
pub(crate) type Task = unsafe extern "C" fn(*const *mut u8, i64, i64, *mut u8);

/// Iterations of so many picoseconds each, on their own and without scratch.
pub(crate) fn job(task: Task, arguments: *const *mut u8, iterations: i64, each: i64) -> Job {
    Job {
        task,
        arguments,
        private: std::ptr::null_mut(),
        stride: 0,
        iterations,
        multiple: 1,
        whole: iterations * each,
        front: 0,
        block: 1,
    }
}

/// Hands a job to the team, as compiled code does; without one, or below its gate, it is done here.
///
/// # Safety
/// - The team is that of the call, and the task may be called with what the job has.
pub(crate) unsafe fn share(team: *const Team, job: &Job) {
    // SAFETY: the caller promises it.
    unsafe {
        match team.as_ref() {
            Some(known) if job.whole >= known.gate => (known.run)(team, job),
            _ => (job.task)(job.arguments, 0, job.iterations, job.private),
        }
    }
}

/// Buffer `position` as elements.
///
/// # Safety
/// - The buffer exists, and has `length` elements of type `T` that nobody else changes.
pub(crate) unsafe fn buffer<'a, T>(
    buffers: *const *mut u8,
    position: usize,
    length: i64,
) -> &'a [T] {
    // SAFETY: the caller promises it.
    unsafe { std::slice::from_raw_parts((*buffers.add(position)).cast(), length as usize) }
}

/// Buffer `position` as elements, to be written.
///
/// # Safety
/// - The buffer exists, and has `length` elements of type `T` that nobody else sees.
pub(crate) unsafe fn buffer_mut<'a, T>(
    buffers: *const *mut u8,
    position: usize,
    length: i64,
) -> &'a mut [T] {
    // SAFETY: the caller promises it.
    unsafe { std::slice::from_raw_parts_mut((*buffers.add(position)).cast(), length as usize) }
}

/// `y[row, column] = sum over inner of a[row, inner] * b[inner, column]`, through a workspace of one row.
pub(crate) mod matmul {
    use super::{
        Entry, Error, Extent, Function, Level, Signature, Team, Tensor, axis, buffer, buffer_mut,
        everywhere, fail, leaf, plain, run, run_into,
    };

    unsafe extern "C" fn entry(
        buffers: *const *mut u8,
        symbols: *const i64,
        workspace: *mut u8,
        _: *const Team,
    ) {
        // SAFETY: the signature below has three symbols, three leaves of these lengths, and a workspace of one row.
        let (a, b, y, row, [rows, inner, columns]) = unsafe {
            let [rows, inner, columns] = *symbols.cast::<[i64; 3]>();
            let a: &[f32] = buffer(buffers, 0, rows * inner);
            let b: &[f32] = buffer(buffers, 1, inner * columns);
            let y: &mut [f32] = buffer_mut(buffers, 2, rows * columns);
            let row = std::slice::from_raw_parts_mut(workspace.cast::<f32>(), columns as usize);
            (a, b, y, row, [rows, inner, columns].map(|extent| extent as usize))
        };
        assert_eq!(workspace as usize % 64, 0);
        for i in 0..rows {
            row.fill(0.0);
            for k in 0..inner {
                for j in 0..columns {
                    row[j] += a[i * inner + k] * b[k * columns + j];
                }
            }
            y[i * columns..(i + 1) * columns].copy_from_slice(row);
        }
    }

    pub(crate) static FUNCTION: Function = {
        const SIGNATURE: Signature = Signature {
            name: "matmul",
            symbols: &["row", "inner", "column"],
            parameters: &[
                leaf("a", &[axis("row", "row", &[1, 0]), axis("inner", "inner", &[1, 1])]),
                leaf("b", &[axis("inner", "inner", &[1, 1]), axis("column", "column", &[1, 2])]),
            ],
            results: &[leaf("", &[axis("row", "row", &[1, 0]), axis("column", "column", &[1, 2])])],
            solves: &[plain(0, 0, 0), plain(1, 0, 1), plain(2, 1, 1)],
            checks: &[],
            workspace: Extent(&[0, 4, 1, 2, 3]),
            private: Extent(&[0, 0]),
        };
        const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
        // SAFETY: `entry` reads and writes what the signature says, for every row, inner and column.
        unsafe { Function::new(SIGNATURE, &ENTRIES) }
    };

    /// What the macro writes for the function itself.
    #[track_caller]
    pub(crate) fn matmul(a: &Tensor<f32, 2>, b: &Tensor<f32, 2>) -> Tensor<f32, 2> {
        match try_call(a, b) {
            Ok(value) => value,
            Err(error) => fail(error),
        }
    }

    pub(crate) fn try_call(
        a: &Tensor<f32, 2>,
        b: &Tensor<f32, 2>,
    ) -> Result<Tensor<f32, 2>, Error> {
        run(&FUNCTION, |arguments| {
            arguments.read(a);
            arguments.read(b);
        })
    }

    pub(crate) fn into(
        a: &Tensor<f32, 2>,
        b: &Tensor<f32, 2>,
        result: &mut Tensor<f32, 2>,
    ) -> Result<(), Error> {
        run_into(
            &FUNCTION,
            |arguments| {
                arguments.read(a);
                arguments.read(b);
            },
            result,
        )
    }
}

/// A container, as the macro completes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dense {
    pub(crate) w: Tensor<f32, 2>,
    pub(crate) b: Tensor<f32, 1>,
}

impl Leaves for Dense {
    fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
        Leaves::read(&self.w, arguments);
        Leaves::read(&self.b, arguments);
    }

    fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
        Leaves::update(&mut self.w, arguments);
        Leaves::update(&mut self.b, arguments);
    }

    fn build(results: &mut defn_runtime::__private::Builder) -> Self {
        Self { w: Leaves::build(results), b: Leaves::build(results) }
    }
}

/// `p = p - rate * g` in place; returns the sum of `g.b`, whether it is positive, and twice `g`.
pub(crate) mod sgd {
    use super::{
        Axis, Dense, ElementKind, Entry, Error, Extent, Function, Leaf, Level, Signature, Team,
        axis, buffer, buffer_mut, everywhere, leaf, plain, run,
    };

    unsafe extern "C" fn entry(
        buffers: *const *mut u8,
        symbols: *const i64,
        _: *mut u8,
        _: *const Team,
    ) {
        // SAFETY: the signature below has two symbols and these leaves.
        unsafe {
            let [inp, out] = *symbols.cast::<[i64; 2]>();
            let rate = buffer::<f32>(buffers, 4, 1)[0];
            for (position, length) in [(0, inp * out), (1, out)] {
                let g: &[f32] = buffer(buffers, 2 + position, length);
                let twice: &mut [f32] = buffer_mut(buffers, 7 + position, length);
                for (at, p) in buffer_mut::<f32>(buffers, position, length).iter_mut().enumerate() {
                    *p -= rate * g[at];
                    twice[at] = 2.0 * g[at];
                }
            }
            let sum: f32 = buffer::<f32>(buffers, 3, out).iter().sum();
            buffer_mut::<f32>(buffers, 5, 1)[0] = sum;
            buffer_mut::<bool>(buffers, 6, 1)[0] = sum > 0.0;
        }
    }

    const MATRIX: &[Axis] = &[axis("inp", "inp", &[1, 0]), axis("out", "out", &[1, 1])];
    const VECTOR: &[Axis] = &[axis("out", "out", &[1, 1])];

    pub(crate) static FUNCTION: Function = {
        const SIGNATURE: Signature = Signature {
            name: "sgd",
            symbols: &["inp", "out"],
            parameters: &[
                leaf("p.w", MATRIX),
                leaf("p.b", VECTOR),
                leaf("g.w", MATRIX),
                leaf("g.b", VECTOR),
                leaf("rate", &[]),
            ],
            results: &[
                leaf("0", &[]),
                Leaf { path: "1", element: ElementKind::Bool, axes: &[] },
                leaf("2.w", MATRIX),
                leaf("2.b", VECTOR),
            ],
            solves: &[plain(0, 0, 0), plain(1, 0, 1)],
            checks: &[],
            workspace: Extent(&[0, 0]),
            private: Extent(&[0, 0]),
        };
        const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
        // SAFETY: `entry` reads and writes what the signature says, and `sgd` passes `p` by `update`.
        unsafe { Function::new(SIGNATURE, &ENTRIES) }
    };

    pub(crate) fn try_call(
        p: &mut Dense,
        g: &Dense,
        rate: f32,
    ) -> Result<(f32, bool, Dense), Error> {
        run(&FUNCTION, |arguments| {
            arguments.update(p);
            arguments.read(g);
            arguments.read(&rate);
        })
    }
}

/// `y[n - k + 1]` windows of `x[2 * n]`, for a number `k` that divides `n`; the entry fills in `k`.
pub(crate) mod windows {
    use super::{
        Check, CheckKind, ElementKind, Entry, Error, Extent, Function, Leaf, Level, Signature,
        Solve, Team, Tensor, axis, buffer, buffer_mut, everywhere, leaf, run,
    };

    unsafe extern "C" fn entry(
        buffers: *const *mut u8,
        symbols: *const i64,
        _: *mut u8,
        _: *const Team,
    ) {
        // SAFETY: the signature below has two symbols, and a result of `n - k + 1` elements.
        unsafe {
            let [n, k] = *symbols.cast::<[i64; 2]>();
            let k_again = buffer::<i64>(buffers, 1, 1)[0];
            assert_eq!(k, k_again);
            buffer_mut::<f32>(buffers, 2, n - k + 1).fill(k as f32);
        }
    }

    pub(crate) static FUNCTION: Function = {
        const SIGNATURE: Signature = Signature {
            name: "windows",
            symbols: &["n", "k"],
            parameters: &[
                leaf("x", &[axis("", "2 * n", &[0, 2, 1, 0, 3])]),
                Leaf { path: "k", element: ElementKind::I64, axes: &[] },
            ],
            results: &[leaf("", &[axis("", "n - k + 1", &[1, 0, 0, -1, 1, 1, 3, 2, 0, 1, 2])])],
            solves: &[
                Solve { symbol: 0, leaf: 0, axis: 0, factor: 2, rest: Extent(&[0, 0]) },
                Solve { symbol: 1, leaf: 1, axis: usize::MAX, factor: 1, rest: Extent(&[0, 0]) },
            ],
            checks: &[Check {
                kind: CheckKind::Divides,
                left: Extent(&[1, 1]),
                right: Extent(&[1, 0]),
                text: "`k` must divide `n`",
            }],
            workspace: Extent(&[0, 0]),
            private: Extent(&[0, 0]),
        };
        const ENTRIES: [(Level, Entry); 2] = everywhere(entry);
        // SAFETY: `entry` writes what the signature says.
        unsafe { Function::new(SIGNATURE, &ENTRIES) }
    };

    pub(crate) fn try_call(x: &Tensor<f32, 1>, k: usize) -> Result<Tensor<f32, 1>, Error> {
        run(&FUNCTION, |arguments| {
            arguments.read(x);
            arguments.read(&k);
        })
    }
}
