//! The same module, run in this process: what tests compare with the evaluator.
//!
//! In:  loops and a level that this processor has.   Out: a function to call.
//!
//! The functions of the module carry their processor with them, so that one process runs the code of every level.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use std::{ptr, thread};

use inkwell::context::Context;
use inkwell::targets::FileType;
use llvm_sys::execution_engine::{
    LLVMCreateMCJITCompilerForModule, LLVMDisposeExecutionEngine, LLVMExecutionEngineRef,
    LLVMGetFunctionAddress, LLVMLinkInMCJIT,
};

use super::parts::Functions;
use super::{target, walk};
use crate::graph::eval::Value;
use crate::graph::{Dim, Element};
use crate::loops::eval::Outcome;
use crate::loops::{BufferId, Loops, Space, eval};
use crate::options::Level;

/// What an entry point is.
type Entry = unsafe extern "C" fn(*const *mut u8, *const i64, *mut u8, *const Team);

/// Who executes the tasks of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// The caller.
    One,
    /// Two threads, which take turns as they come; every task is one iteration, or one group of lanes, or three of many.
    Two,
}

/// What hands out tasks, as the code sees it.
#[repr(C)]
struct Team {
    run: unsafe extern "C" fn(*const Team, *const Job),
    gate: i64,
}

/// Tasks of one nest, as the code hands them over.
#[repr(C)]
struct Job {
    task: unsafe extern "C" fn(*const *mut u8, i64, i64, *mut u8),
    arguments: *const *mut u8,
    private: *mut u8,
    stride: i64,
    iterations: i64,
    multiple: i64,
    _whole: i64,
    _front: i64,
    _block: i64,
}

// SAFETY: the code promises that its tasks may be executed at the same time.
unsafe impl Sync for Job {}

/// Two threads for every job, however small.
static TWO: Team = Team { run: run_by_two, gate: 0 };

/// Lets two threads claim the tasks of a job.
///
/// # Safety
///
/// The job is what the code of a nest handed over, with private scratch for two.
unsafe extern "C" fn run_by_two(_team: *const Team, job: *const Job) {
    // SAFETY: the caller's promise; the job lives until this function returns.
    let job = unsafe { &*job };
    let next = AtomicI64::new(0);
    // Three, so that ranges end inside of an iteration of the loops around.
    let step = if job.iterations > 16 * job.multiple { 3 * job.multiple } else { job.multiple };
    thread::scope(|scope| {
        for worker in 0..2 {
            let next = &next;
            scope.spawn(move || {
                loop {
                    let begin = next.fetch_add(step, Ordering::Relaxed);
                    if begin >= job.iterations {
                        return;
                    }
                    let end = job.iterations.min(begin + step);
                    // SAFETY: a range of iterations is executed once, with the scratch of this worker.
                    unsafe {
                        let private = job.private.offset(worker * job.stride as isize);
                        (job.task)(job.arguments, begin, end, private);
                    }
                }
            });
        }
    });
}

/// What the code shows values to.
#[repr(C)]
struct Host {
    inspect: unsafe extern "C" fn(*const Host, i64, *const u8),
    /// For each marker element type and shape of what it shows.
    shapes: Vec<(Element, Vec<usize>)>,
    /// What was shown: the number of the marker, and the value.
    shown: RefCell<Vec<(usize, Value)>>,
}

impl Host {
    fn new(loops: &Loops, symbols: &[i64]) -> Self {
        let shapes = loops.inspects().map(|(_, buffer, _)| {
            (loops.buffers[buffer].element, eval::shape(loops, buffer, symbols))
        });
        Self { inspect: keep, shapes: shapes.collect(), shown: RefCell::default() }
    }
}

/// Keeps what is shown.
///
/// # Safety
///
/// The code calls it with the host that it was given, the number of a marker, and the address of the elements.
unsafe extern "C" fn keep(host: *const Host, number: i64, elements: *const u8) {
    // SAFETY: the caller's promise; the host lives as long as the call.
    let host = unsafe { &*host };
    let number = number as usize;
    let (element, shape) = host.shapes[number].clone();
    let bytes = shape.iter().product::<usize>() * element.size();
    // SAFETY: so many bytes are at the address of a buffer of this shape.
    let content = unsafe { std::slice::from_raw_parts(elements, bytes) };
    let value = Value { element, shape, data: content.chunks(element.size()).map(bits).collect() };
    host.shown.borrow_mut().push((number, value));
}

/// The bits of one element.
fn bits(chunk: &[u8]) -> u64 {
    chunk.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// A compiled program.
pub struct Compiled {
    entry: Entry,
    engine: LLVMExecutionEngineRef,
    /// The engine's module lives in it.
    _context: Box<Context>,
}

/// The target triple of tests.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Whether this processor runs the code of a level.
pub fn is_supported(level: Level) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let has_v3 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let has_v4 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match level {
            Level::V3 => has_v3,
            Level::V4 => has_v3 && has_v4,
            Level::Neon => false,
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = level;
        false
    }
}

/// An object file from assembly, by LLVM's own assembler: also for a processor that is not this one.
///
/// # Panics
///
/// If this LLVM has no code for the triple. A text with mistakes ends the process, with LLVM's words.
pub fn assemble(text: &str, level: Level, triple: &str) -> Vec<u8> {
    let machine = target::machine(level, triple).expect("LLVM has code for the triple");
    let context = Context::create();
    let module = context.create_module("text");
    module.set_triple(&machine.get_triple());
    module.set_inline_assembly(text);
    let object = machine.write_to_memory_buffer(&module, FileType::Object);
    object.expect("LLVM writes objects of this kind").as_slice().to_vec()
}

impl Compiled {
    /// Compiles for a level.
    ///
    /// # Panics
    ///
    /// If this LLVM has no code for it.
    pub fn new(loops: &Loops, level: Level) -> Self {
        target::check_version().expect("tests run with the LLVM that is tried");
        let machine = target::machine(level, TRIPLE).expect("tests run on x86-64");
        let context = Box::new(Context::create());
        let functions = Functions::of(loops);
        let module = walk::module(&context, &functions, &functions.whole(), level);
        target::optimize(&module, &machine);
        let raw = module.as_mut_ptr();
        // The engine owns the module from here on.
        std::mem::forget(module);
        let mut engine = ptr::null_mut();
        let mut message: *mut c_char = ptr::null_mut();
        // SAFETY: the module is valid and owned by nobody else; the options may be absent; both places are alive.
        let failed = unsafe {
            LLVMLinkInMCJIT();
            let (engine, message) = (&raw mut engine, &raw mut message);
            LLVMCreateMCJITCompilerForModule(engine, raw, ptr::null_mut(), 0, message)
        };
        if failed != 0 {
            // SAFETY: on failure the message is a text of LLVM's.
            let message = unsafe { CStr::from_ptr(message) };
            crate::bug!("jit", "no engine: {}", message.to_string_lossy());
        }
        // SAFETY: the engine is alive and the name ends with zero.
        let address = unsafe { LLVMGetFunctionAddress(engine, c"defn_entry".as_ptr()) };
        assert_ne!(address, 0, "every module has an entry point");
        // SAFETY: the address is that of a function of this type, and lives as long as the engine, which `self` owns.
        let entry = unsafe { std::mem::transmute::<usize, Entry>(address as usize) };
        Self { entry, engine, _context: context }
    }

    /// Calls the entry point.
    ///
    /// # Safety
    ///
    /// - The buffers are as large as the loops say, for the values of the symbols, and no written one overlaps another.
    ///   If something is shown to the host, its address stands behind them.
    /// - The workspace has as many bytes as the loops say, behind them those of two workers, aligned to 64.
    pub unsafe fn call(
        &self,
        buffers: &[*mut u8],
        symbols: &[i64],
        workspace: *mut u8,
        workers: Workers,
    ) {
        let team = match workers {
            Workers::One => ptr::null(),
            Workers::Two => &raw const TWO,
        };
        // SAFETY: the caller's promise.
        unsafe { (self.entry)(buffers.as_ptr(), symbols.as_ptr(), workspace, team) }
    }

    /// Runs the program as [`eval::eval`] does, on memory of its own. The loops must be those that were compiled.
    ///
    /// # Panics
    ///
    /// If two workers give other bits than one.
    pub fn run(&self, loops: &Loops, symbols: &[i64], parameters: &[Value]) -> Outcome {
        let mut memory = Arguments::new(loops, symbols, parameters);
        memory.call(self, symbols, Workers::One);
        let alone = memory.outcome(loops);
        if loops.nests.iter().any(|nest| nest.tasks.is_some()) {
            // What is updated begins anew, so the memory is another.
            let mut memory = Arguments::new(loops, symbols, parameters);
            memory.call(self, symbols, Workers::Two);
            assert_eq!(alone, memory.outcome(loops), "two workers give other bits than one");
        }
        alone
    }
}

/// A compiled program with memory of its own, to be called many times.
pub struct Prepared {
    compiled: Compiled,
    memory: Arguments,
    symbols: Vec<i64>,
}

impl Prepared {
    /// Compiles for a level; parameters hold these values.
    ///
    /// # Panics
    ///
    /// If this LLVM has no code for it.
    pub fn new(loops: &Loops, level: Level, symbols: &[i64], parameters: &[Value]) -> Self {
        let memory = Arguments::new(loops, symbols, parameters);
        Self { compiled: Compiled::new(loops, level), memory, symbols: symbols.to_vec() }
    }

    /// Runs it on what its buffers hold, by the caller alone.
    pub fn call(&mut self) {
        self.memory.call(&self.compiled, &self.symbols, Workers::One);
    }

    /// The seconds of the shortest of many calls, which go on for this long.
    pub fn time(&mut self, patience: Duration) -> f64 {
        let (mut least, begin) = (f64::INFINITY, Instant::now());
        while begin.elapsed() < patience {
            let start = Instant::now();
            self.call();
            least = least.min(start.elapsed().as_secs_f64());
        }
        least
    }

    /// The bytes of a buffer: parameters and results, in the order of the loops.
    pub fn buffer(&mut self, position: usize) -> &mut [u8] {
        self.memory.buffers[position].2.content()
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        // SAFETY: nobody else owns the engine; with it goes the module, and the context goes after this.
        unsafe { LLVMDisposeExecutionEngine(self.engine) };
    }
}

/// Memory for every buffer of a program.
struct Arguments {
    /// One for each buffer outside of the workspace, in order, with its shape.
    buffers: Vec<(BufferId, Vec<usize>, Memory)>,
    workspace: Memory,
    host: Host,
}

impl Arguments {
    fn new(loops: &Loops, symbols: &[i64], parameters: &[Value]) -> Self {
        let mut buffers = Vec::new();
        for (id, buffer) in loops.buffers.iter() {
            if matches!(buffer.space, Space::Workspace(_) | Space::Private(_)) {
                continue;
            }
            let shape = eval::shape(loops, id, symbols);
            let bytes = shape.iter().product::<usize>() * buffer.element.size();
            let mut block = Memory::new(bytes);
            if let Space::Parameter(position) | Space::Updated(position) = buffer.space {
                block.write(&parameters[position]);
            }
            buffers.push((id, shape, block));
        }
        // Private scratch of two workers stands behind the workspace.
        let workspace = loops.workspace.clone() + loops.private.clone() * Dim::from(2);
        let workspace = usize::try_from(workspace.evaluate(symbols)).unwrap_or(0);
        let host = Host::new(loops, symbols);
        Self { buffers, workspace: Memory::new(workspace), host }
    }

    fn call(&mut self, compiled: &Compiled, symbols: &[i64], workers: Workers) {
        let mut buffers: Vec<*mut u8> =
            self.buffers.iter_mut().map(|(_, _, block)| block.start()).collect();
        self.host.shown.borrow_mut().clear();
        buffers.push((&raw const self.host).cast_mut().cast());
        // SAFETY: every buffer has its size, and they are all apart; parameters and results stand in order.
        unsafe { compiled.call(&buffers, symbols, self.workspace.start(), workers) };
    }

    /// What stands in the buffers, after a look at what surrounds them.
    fn outcome(&self, loops: &Loops) -> Outcome {
        let shown = self.host.shown.borrow().clone();
        let mut outcome = Outcome { results: Vec::new(), updated: Vec::new(), shown };
        for (id, shape, block) in &self.buffers {
            let buffer = &loops.buffers[*id];
            block.check_borders(&buffer.name);
            match buffer.space {
                Space::Result(_) => {
                    outcome.results.push(block.read(buffer.element, shape.clone()));
                }
                Space::Updated(position) => {
                    outcome.updated.push((position, block.read(buffer.element, shape.clone())));
                }
                Space::Parameter(_)
                | Space::Workspace(_)
                | Space::Private(_)
                | Space::Shared(_) => {}
            }
        }
        self.workspace.check_borders("the workspace");
        outcome
    }
}

/// Bytes aligned to 64, with a border on both sides that nobody may write.
struct Memory {
    words: Vec<Line>,
    bytes: usize,
}

/// 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// What stands where nothing was written.
const UNTOUCHED: u8 = 0xAB;
/// Lines in front of the content and behind it.
const BORDER: usize = 4;

impl Memory {
    fn new(bytes: usize) -> Self {
        let lines = bytes.div_ceil(64) + 2 * BORDER;
        Self { words: vec![Line([UNTOUCHED; 64]); lines], bytes }
    }

    fn start(&mut self) -> *mut u8 {
        self.words[BORDER..].as_mut_ptr().cast()
    }

    fn content(&mut self) -> &mut [u8] {
        let (start, bytes) = (self.start(), self.bytes);
        // SAFETY: that many initialized bytes lie between the borders, and `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(start, bytes) }
    }

    fn all(&self) -> impl Iterator<Item = u8> + '_ {
        self.words.iter().flat_map(|line| line.0)
    }

    fn write(&mut self, value: &Value) {
        let size = value.element.size();
        let bytes = value.data.iter().flat_map(|bits| bits.to_le_bytes().into_iter().take(size));
        for (position, byte) in bytes.enumerate() {
            self.words[BORDER + position / 64].0[position % 64] = byte;
        }
    }

    fn read(&self, element: Element, shape: Vec<usize>) -> Value {
        let content: Vec<u8> = self.all().skip(BORDER * 64).take(self.bytes).collect();
        Value { element, shape, data: content.chunks(element.size()).map(bits).collect() }
    }

    fn check_borders(&self, name: &str) {
        let behind = BORDER * 64 + self.bytes;
        let mut outside = self.all().take(BORDER * 64).chain(self.all().skip(behind));
        assert!(outside.all(|byte| byte == UNTOUCHED), "the code wrote outside of `{name}`");
    }
}
