//! The helpers, and how a job reaches them.
//!
//! In:  a [`Job`] from generated code.   Out: the same, every iteration executed once.
//!
//! ```text
//! caller    writes the claim, opens the board, claims ranges …, closes the board, waits until nobody is inside
//! helper    sees the board open, enters, claims ranges …, leaves; spins for the next job, then sleeps
//! ```
//!
//! A helper that comes late finds the board closed, so that a call never waits for a thread that sleeps, was never started,
//! or got no processor: it waits only for ranges that somebody has begun.
//! A helper that wakes on the processor of its caller, where the system puts it when the others are busy for a moment,
//! [steps aside](step_aside): there it would only take the caller's time, and come to sleep and wake there again.
//! See Note [Why nobody looks at a claim that is gone].

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering, fence};
use std::sync::{Mutex, TryLockError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use std::{hint, ptr};

use crate::abi::{Job, Team};

/// Nests that take fewer picoseconds stay on the calling thread: about what a hand-off costs, several times over.
const GATE: i64 = 3_000_000;
/// No range takes fewer picoseconds than this, and none more than that, if a job has enough iterations.
const RANGE: (i64, i64) = (2_000_000, 10_000_000);
/// How many ranges there shall be for each thread.
const RANGES: i64 = 8;
/// A range takes so many times what it costs to begin one.
const WORTH: i64 = 16;
/// How many ranges there shall be at least for each thread where one is costly to begin.
const PIECES: i64 = 4;
/// In how many parts ranges are claimed at most.
const PARTS: usize = 8;
/// How long a helper looks for the next job before it sleeps.
pub(super) const SPIN: Duration = Duration::from_micros(50);
/// Waking takes the caller a microsecond and the helper 30: after so many picoseconds of jobs without help it pays.
const WAKE: i64 = 50_000_000;
/// How often a caller looks whether all ranges are done before it lets other threads run.
const PATIENCE: u32 = 2_000;

/// What generated code gets to hand out its tasks for one call.
#[repr(C)]
pub(crate) struct Call {
    team: Team,
    /// How many threads have scratch of their own.
    threads: usize,
}

impl Call {
    /// For a call with scratch for so many threads.
    #[inline]
    pub(crate) fn new(threads: usize) -> Self {
        Self { team: Team { run, gate: GATE }, threads }
    }

    /// The face that generated code knows.
    #[inline]
    pub(crate) fn team(&self) -> *const Team {
        // The whole, because `run` looks behind the team.
        ptr::from_ref(self).cast()
    }
}

/// A job that is being executed.
///
/// Its ranges lie in parts, one for each thread if there are not too many. A thread claims the ranges of its own part first:
/// from call to call it meets the same data, which its caches still hold. Then it helps the others.
struct Claim {
    job: Job,
    ranges: Ranges,
    /// How many parts there are.
    parts: usize,
    /// How many threads have scratch.
    threads: usize,
}

// SAFETY: generated code promises that the ranges of a job may be executed at the same time by threads with scratch of their own.
unsafe impl Sync for Claim {}

/// Something with cache lines of its own.
#[repr(align(128))]
struct Line<T>(T);

/// Where callers and helpers meet.
struct Board {
    /// How many helpers are inside, whether the board is open, and how often it was opened.
    state: Line<AtomicU64>,
    /// Valid while the board is open or somebody is inside. It has a place of its own, so that helpers know
    /// what to fetch before they know whether they may look at it.
    claim: Slot,
    /// The next range of each part that nobody has.
    next: [Line<AtomicI64>; PARTS],
    /// The processor of the caller when it woke helpers last.
    caller: AtomicI32,
}

/// The place of a claim.
#[repr(align(128))]
struct Slot(UnsafeCell<MaybeUninit<Claim>>);

// SAFETY: see Note [Why nobody looks at a claim that is gone].
unsafe impl Sync for Slot {}

const INSIDE: u64 = OPEN - 1;
const OPEN: u64 = 1 << 16;
const OPENED: u64 = OPEN << 1;

static BOARD: Board = Board {
    state: Line(AtomicU64::new(0)),
    claim: Slot(UnsafeCell::new(MaybeUninit::uninit())),
    next: [const { Line(AtomicI64::new(0)) }; PARTS],
    caller: AtomicI32::new(-1),
};

/// The helpers; whoever holds the lock is the caller whose job they do.
static CREW: Mutex<Crew> = Mutex::new(Crew { helpers: Vec::new(), missed: 0 });

struct Crew {
    helpers: Vec<&'static Helper>,
    /// Picoseconds of jobs since helpers were woken last.
    missed: i64,
}

/// A thread that helps.
struct Helper {
    /// Its scratch; the caller's is the first.
    position: usize,
    is_asleep: AtomicBool,
    thread: std::sync::OnceLock<Thread>,
}

/// Executes a job, with help if there is any: what generated code calls.
///
/// # Safety
/// - `team` is that of a [`Call`], and `job` as the contract in `abi` says, with scratch for as many threads as the call has.
unsafe extern "C" fn run(team: *const Team, job: *const Job) {
    // SAFETY: the caller's promise.
    let (threads, job) = unsafe { ((*team.cast::<Call>()).threads, job.read()) };
    let claim = Claim::new(job, threads);
    if claim.ranges.count > 1 && threads > 1 {
        match CREW.try_lock() {
            Ok(mut crew) => return crew.run(claim),
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner().run(claim),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    let job = claim.job;
    // SAFETY: all iterations, with the scratch of the caller.
    unsafe { (job.task)(job.arguments, 0, job.iterations, job.private) };
}

/// How the iterations of a job are cut.
#[derive(Clone, Copy)]
struct Ranges {
    count: i64,
    iterations: i64,
    /// No range goes from one of these pieces into the next.
    piece: i64,
    /// How many ranges a piece has, and how many iterations each of them.
    in_piece: i64,
    grain: i64,
}

impl Ranges {
    fn of(job: &Job, threads: usize) -> Self {
        let (iterations, threads) = (job.iterations.max(1), threads.max(1) as i64);
        let (least, most) = RANGE;
        let range = (job.whole / (RANGES * threads)).clamp(least, most);
        let cost = (job.whole / iterations).max(1);
        if job.front.saturating_mul(WORTH) <= least {
            let grain = (range / cost).clamp(1, iterations);
            return Self::cut(iterations, iterations, round_up(grain, job.multiple.max(1)));
        }
        // A range that went from block to block would begin twice: it is a part of one, or several whole ones.
        let block = job.block.clamp(1, iterations);
        let (blocks, takes) = (divided(iterations, block), block.saturating_mul(cost));
        if takes < range {
            return Self::cut(iterations, iterations, block * (range / takes).clamp(1, blocks));
        }
        let wanted = divided(PIECES * threads, blocks);
        let cheap = takes / job.front.saturating_mul(WORTH);
        // Nobody shall wait because it takes long to begin, unless that is what takes the time.
        let needed = if job.front < takes / threads { divided(threads, blocks) } else { 1 };
        let parts = wanted.min(cheap).max(needed).clamp(1, block);
        Self::cut(iterations, block, divided(block, parts))
    }

    fn cut(iterations: i64, piece: i64, grain: i64) -> Self {
        let in_piece = divided(piece, grain);
        let count = iterations / piece * in_piece + divided(iterations % piece, grain);
        Self { count, iterations, piece, in_piece, grain }
    }

    /// The iterations of a range: the first, and the one behind the last.
    fn range(&self, range: i64) -> (i64, i64) {
        let start = range / self.in_piece * self.piece;
        let begin = start + range % self.in_piece * self.grain;
        let end = begin.saturating_add(self.grain).min(start.saturating_add(self.piece));
        (begin, end.min(self.iterations))
    }
}

/// A quotient, rounded up.
fn divided(dividend: i64, divisor: i64) -> i64 {
    dividend / divisor + i64::from(dividend % divisor > 0)
}

fn round_up(number: i64, multiple: i64) -> i64 {
    divided(number, multiple).saturating_mul(multiple)
}

impl Claim {
    fn new(job: Job, threads: usize) -> Self {
        let (ranges, parts) = (Ranges::of(&job, threads), threads.min(PARTS));
        Self { job, ranges, parts, threads }
    }

    /// The first range of a part; of the part behind the last, how many ranges there are.
    fn first(&self, part: usize) -> i64 {
        let (part, parts, count) = (part as i64, self.parts as i64, self.ranges.count);
        count / parts * part + count % parts * part / parts
    }

    /// Executes ranges until nobody's are left.
    fn work(&self, next: &[Line<AtomicI64>; PARTS], position: usize) {
        if position >= self.threads {
            return;
        }
        for part in 0..self.parts {
            let part = (position + part) % self.parts;
            self.work_in((part, &next[part]), position);
        }
    }

    /// Executes ranges of a part.
    fn work_in(&self, (part, next): (usize, &Line<AtomicI64>), position: usize) {
        let job = &self.job;
        let behind = self.first(part + 1);
        loop {
            let range = next.0.fetch_add(1, Ordering::Relaxed);
            if range >= behind {
                return;
            }
            let (begin, end) = self.ranges.range(range);
            // SAFETY: the range belongs to this thread alone, and so does the scratch at its position, of which there are `threads`.
            unsafe {
                let private = job.private.add(position * job.stride as usize);
                (job.task)(job.arguments, begin, end, private);
            }
        }
    }
}

impl Crew {
    fn run(&mut self, claim: Claim) {
        let wanted =
            claim.threads.min(usize::try_from(claim.ranges.count).unwrap_or(usize::MAX)) - 1;
        self.missed = self.missed.saturating_add(claim.job.whole);
        if self.missed >= WAKE {
            self.hire(wanted);
        }
        let claim = BOARD.open(claim);
        if self.missed >= WAKE {
            self.missed = 0;
            BOARD.caller.store(processor(), Ordering::Relaxed);
            // Either a helper that goes to sleep sees the board open, or this thread sees it asleep.
            fence(Ordering::SeqCst);
            self.helpers.iter().take(wanted).for_each(|helper| helper.wake());
        }
        claim.work(&BOARD.next, 0);
        BOARD.close();
    }

    /// Starts helpers until there are so many, or the system has no more threads.
    fn hire(&mut self, wanted: usize) {
        while self.helpers.len() < wanted {
            let position = self.helpers.len() + 1;
            let helper: &'static Helper = Box::leak(Box::new(Helper {
                position,
                is_asleep: AtomicBool::new(false),
                thread: std::sync::OnceLock::new(),
            }));
            let builder = thread::Builder::new().name(format!("defn-{position}"));
            let Ok(started) = builder.spawn(move || helper.serve()) else { return };
            let _ = helper.thread.set(started.thread().clone());
            self.helpers.push(helper);
        }
    }
}

impl Board {
    /// Shows a claim to all helpers, until the board is closed.
    fn open(&self, claim: Claim) -> &Claim {
        // SAFETY: only the holder of the crew opens and closes, and nobody is inside: nobody else looks.
        let claim = unsafe { &*(*self.claim.0.get()).write(claim) };
        for (part, next) in self.next[..claim.parts].iter().enumerate() {
            next.0.store(claim.first(part), Ordering::Relaxed);
        }
        let state = self.state.0.load(Ordering::Relaxed);
        self.state.0.store((state + OPENED) | OPEN, Ordering::Release);
        claim
    }

    /// Lets no more helpers in, and waits for those inside.
    fn close(&self) {
        let mut state = self.state.0.fetch_and(!OPEN, Ordering::Acquire);
        let mut looks = 0;
        while state & INSIDE != 0 {
            looks += 1;
            if looks < PATIENCE {
                hint::spin_loop();
            } else {
                thread::yield_now();
            }
            state = self.state.0.load(Ordering::Acquire);
        }
    }

    /// Brings what a helper needs first into its cache: nothing is loaded ahead of the exchange that lets it in.
    fn fetch(&self, position: usize) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this reads nothing, and the addresses are those of a claim and of a counter.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let claim = self.claim.0.get().cast::<i8>();
            _mm_prefetch::<_MM_HINT_T0>(claim);
            _mm_prefetch::<_MM_HINT_T0>(claim.add(64));
            _mm_prefetch::<_MM_HINT_T0>((&raw const self.next[position % PARTS]).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = position;
    }

    /// Executes ranges of the claim that was shown in `state`, if it still is.
    fn enter(&self, state: u64, position: usize) {
        let mut state = state;
        self.fetch(position);
        while state & OPEN != 0 {
            let entered = self.state.0.compare_exchange_weak(
                state,
                state + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            match entered {
                Ok(_) => {
                    // SAFETY: see Note [Why nobody looks at a claim that is gone].
                    unsafe { (*self.claim.0.get()).assume_init_ref() }.work(&self.next, position);
                    self.state.0.fetch_sub(1, Ordering::Release);
                    return;
                }
                Err(found) if found / OPENED == state / OPENED => state = found,
                Err(_) => return,
            }
        }
    }
}

impl Helper {
    fn serve(&self) {
        let mut seen = 0;
        loop {
            let state = self.next_job(seen);
            BOARD.enter(state, self.position);
            seen = state / OPENED;
        }
    }

    /// The state of the board once it was opened again.
    fn next_job(&self, seen: u64) -> u64 {
        let mut since = Instant::now();
        loop {
            for _ in 0..64 {
                let state = BOARD.state.0.load(Ordering::Acquire);
                if state / OPENED != seen {
                    return state;
                }
                hint::spin_loop();
            }
            if since.elapsed() >= SPIN {
                self.sleep(seen);
                step_aside(BOARD.caller.load(Ordering::Relaxed));
                since = Instant::now();
            }
        }
    }

    /// Sleeps until somebody wakes this helper, or not at all if there is a job.
    fn sleep(&self, seen: u64) {
        self.is_asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while self.is_asleep.load(Ordering::Acquire) {
            if BOARD.state.0.load(Ordering::Acquire) / OPENED != seen {
                self.is_asleep.store(false, Ordering::Relaxed);
                return;
            }
            thread::park();
        }
    }

    fn wake(&self) {
        if self.is_asleep.load(Ordering::Relaxed)
            && self.is_asleep.swap(false, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

/// The processor that this thread runs on.
#[cfg(all(target_os = "linux", not(miri)))]
fn processor() -> i32 {
    // SAFETY: this reads a number of the system.
    unsafe { libc::sched_getcpu() }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn processor() -> i32 {
    -1
}

/// Leaves a processor for any other that this thread may use, if it is there and there is another.
///
/// For a moment the thread may run anywhere but there, and then wherever it might before.
#[cfg(all(target_os = "linux", not(miri)))]
fn step_aside(from: i32) {
    let Ok(place) = usize::try_from(from) else { return };
    if processor() != from {
        return;
    }
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: a set of processors is plain bits, of which zero is the empty set.
    let mut all: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is as large as is said, and `place` is in it, since the thread runs there.
    unsafe {
        if libc::sched_getaffinity(0, size, &raw mut all) != 0 || libc::CPU_COUNT(&all) < 2 {
            return;
        }
        let mut others = all;
        libc::CPU_CLR(place, &mut others);
        if libc::sched_setaffinity(0, size, &raw const others) == 0 {
            libc::sched_setaffinity(0, size, &raw const all);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn step_aside(_from: i32) {}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn task(_: *const *mut u8, _: i64, _: i64, _: *mut u8) {}

    fn ranges(words: [i64; 5], threads: usize) -> Ranges {
        let [iterations, multiple, whole, front, block] = words;
        let (arguments, private) = (ptr::null(), ptr::null_mut());
        let job =
            Job { task, arguments, private, stride: 0, iterations, multiple, whole, front, block };
        Ranges::of(&job, threads)
    }

    #[test]
    fn ranges_are_all_iterations_and_begin_at_multiples() {
        for iterations in [1, 2, 7, 63, 64, 65, 1000, 4096] {
            for (multiple, front, block) in
                [(1, 0, 1), (64, 0, 1), (1, 1_000_000, 7), (1, 1_000_000, 64), (1, 9, 64)]
            {
                for cost in [0, 1, 40_000, 3_000_000] {
                    for threads in [1, 2, 3, 16] {
                        let words = [iterations, multiple, iterations * cost, front, block];
                        let ranges = ranges(words, threads);
                        let mut behind = 0;
                        for range in 0..ranges.count {
                            let (begin, end) = ranges.range(range);
                            assert_eq!(begin, behind, "{words:?}");
                            assert_eq!(begin % multiple, 0, "{words:?}");
                            assert!(end > begin, "{words:?}");
                            behind = end;
                        }
                        assert_eq!(behind, iterations, "{words:?}");
                    }
                }
            }
        }
    }

    /// Wherever a thread goes, it may run where it might before; whether it goes is the system's business.
    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn whoever_steps_aside_may_come_back() {
        let allowed = || {
            let size = size_of::<libc::cpu_set_t>();
            // SAFETY: zero is the empty set.
            let mut all: libc::cpu_set_t = unsafe { std::mem::zeroed() };
            // SAFETY: the set is as large as is said, and so are its places.
            unsafe {
                assert_eq!(libc::sched_getaffinity(0, size, &raw mut all), 0);
                (0..8 * size).filter(|place| libc::CPU_ISSET(*place, &all)).collect::<Vec<_>>()
            }
        };
        let before = allowed();
        for _ in 0..20 {
            step_aside(processor());
            assert_eq!(allowed(), before);
        }
        step_aside(-1);
        assert_eq!(allowed(), before);
    }

    #[test]
    fn ranges_keep_to_a_block_that_is_costly_to_begin() {
        const MICROSECOND: i64 = 1_000_000;
        // One block is divided, and so are a few; of many, each is a range.
        assert_eq!(ranges([56, 1, 1000 * MICROSECOND, 2 * MICROSECOND, 56], 2).count, 8);
        assert_eq!(ranges([55, 1, 1000 * MICROSECOND, 2 * MICROSECOND, 11], 2).count, 10);
        assert_eq!(ranges([341, 1, 9000 * MICROSECOND, 2 * MICROSECOND, 11], 2).count, 31);
        // Small blocks are taken together.
        assert_eq!(ranges([4096, 1, 64 * MICROSECOND, MICROSECOND, 4], 2).range(0), (0, 256));
        // Everybody gets a range, unless it takes as long to begin as to go on.
        assert_eq!(ranges([56, 1, 100 * MICROSECOND, 40 * MICROSECOND, 56], 2).count, 2);
        assert_eq!(ranges([56, 1, 100 * MICROSECOND, 60 * MICROSECOND, 56], 2).count, 1);
    }
}

// Note [Why nobody looks at a claim that is gone]
// -----------------------------------------------
// A claim lives on the board until `close` returns. A helper reads it only after it has raised the number of those
// inside in a state that is open, by an exchange that compares the whole word, so that the claim shown is that of this opening.
// `close` takes the mark away in the same word and then waits until the number is zero; it is lowered after the last look at the claim.
// The claim is written before the board is opened (release), and the exchange sees it (acquire).
// What a task wrote is seen by the caller, because leaving is a release and waiting acquires.
