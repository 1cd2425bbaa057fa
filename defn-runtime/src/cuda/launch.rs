//! The launch plan of a function, executed.
//!
//! In:  the steps, the kernels, the addresses of the buffers and the values of the symbols.   Out: all is begun, in order.
//!
//! ```text
//! launch a; repeat n { launch b }; loop { launch c; leave unless %t; launch d }
//!     a b b b c ? d c ? d c ?            each `?` waits for one byte of the device
//! ```
//!
//! Nothing is allocated for a step: parameters are written into one list, and a round is a number on a stack.

use super::driver::{About, Address, Grid};
use super::gpu::Gpu;
use super::load::Loaded;
use super::memory::Remote;
use crate::abi::{DeviceCode, DeviceNumber, DevicePlace, Extent, Step};
use crate::error::Error;

/// What is executed, and with what.
pub(super) struct Plan<'c> {
    pub(super) gpu: &'c Gpu,
    /// The name of the function.
    pub(super) name: &'static str,
    pub(super) code: &'static DeviceCode,
    pub(super) loaded: &'c Loaded,
    pub(super) symbols: &'c [i64],
    /// By the number of the buffer.
    pub(super) arguments: &'c [Address],
}

/// Shows the value of a hook that is in memory of the device.
pub(super) type Look<'l> = &'l mut dyn FnMut(usize, Address) -> Result<(), Error>;

/// A loop that runs.
struct Round {
    /// Where its marker stands.
    begin: usize,
    /// From 0.
    number: i64,
    /// How many there will be, if that is known.
    count: Option<i64>,
}

/// What changes while a plan is executed.
struct State {
    workspace: Address,
    private: (Address, u64),
    rounds: Vec<Round>,
    words: Vec<u64>,
}

impl Plan<'_> {
    /// How many bytes of memory the plan needs besides its buffers: shared, and for all teams.
    pub(super) fn scratch(&self) -> Result<(usize, usize), Error> {
        let shared = self.bytes(self.code.workspace)?;
        let stride = self.bytes(self.code.private)?;
        let mut most = 0;
        for step in self.code.steps {
            let Step::Launch { tasks, threads, teams, private: true, .. } = *step else { continue };
            let grid = grid(self.gpu.about(), self.value(tasks)?, (threads, teams, 0), true);
            most = most.max(grid.map_or(0, |grid| grid.blocks as usize * teams as usize));
        }
        let private = stride.checked_mul(most).ok_or_else(|| self.too_large())?;
        Ok((shared, private))
    }

    /// Begins all steps in order.
    ///
    /// # Safety
    /// - The buffers are as the code expects them for these symbols, and stay until what was begun has ended.
    pub(super) unsafe fn run(&self, look: Look<'_>) -> Result<(), Error> {
        let (shared, private) = self.scratch()?;
        let allocate = |bytes| match bytes {
            0 => Ok(None),
            bytes => self.gpu.told("for scratch", Remote::allocate(self.gpu, bytes)).map(Some),
        };
        // Both go back to the pool at the end, behind what was begun with them.
        let (workspace, scratch) = (allocate(shared)?, allocate(private)?);
        let address = |remote: &Option<Remote>| remote.as_ref().map_or(0, Remote::address);
        let mut state = State {
            workspace: address(&workspace),
            private: (address(&scratch), self.bytes(self.code.private)? as u64),
            rounds: Vec::new(),
            words: Vec::new(),
        };
        let mut at = 0;
        while at < self.code.steps.len() {
            at = self.step(at, &mut state, look)?;
        }
        Ok(())
    }

    /// Executes one step; what follows is the next one.
    fn step(&self, at: usize, state: &mut State, look: Look<'_>) -> Result<usize, Error> {
        let partner = self.loaded.partners[at];
        match self.code.steps[at] {
            Step::Launch { .. } => self.launch(at, state)?,
            Step::Repeat { extent } => match self.value(extent)? {
                ..=0 => return Ok(partner + 1),
                count => state.rounds.push(Round { begin: at, number: 0, count: Some(count) }),
            },
            Step::Loop => state.rounds.push(Round { begin: at, number: 0, count: None }),
            Step::Leave { unless } => {
                if !self.holds(unless, state)? {
                    let left = state.rounds.pop().expect("defn bug: nothing is there to leave");
                    return Ok(self.loaded.partners[left.begin] + 1);
                }
            }
            Step::If { condition } => {
                if !self.holds(condition, state)? {
                    return Ok(partner + 1);
                }
            }
            Step::Else => return Ok(partner + 1),
            Step::End => return Ok(again(at, partner, &mut state.rounds)),
            Step::Inspect { number, buffer } => look(number, self.address(buffer, state)?)?,
        }
        Ok(at + 1)
    }

    fn launch(&self, at: usize, state: &mut State) -> Result<(), Error> {
        let Step::Launch { tasks, threads, teams, shared, arguments, numbers, private, .. } =
            self.code.steps[at]
        else {
            return Ok(());
        };
        let Some(grid) =
            grid(self.gpu.about(), self.value(tasks)?, (threads, teams, shared), private)
        else {
            return Ok(());
        };
        state.words.clear();
        for &place in arguments {
            let address = self.address(place, state)?;
            state.words.push(address);
        }
        for &number in numbers {
            let value = match number {
                DeviceNumber::Extent(extent) => self.value(extent)?,
                DeviceNumber::Round(depth) => state.rounds[depth].number,
            };
            state.words.push(value.cast_unsigned());
        }
        if private {
            state.words.extend([state.private.0, state.private.1]);
        }
        let kernel = self.loaded.kernels[at].expect("defn bug: a kernel was not loaded");
        // SAFETY: `run` promises the buffers, the words are the parameters of the kernel by the promise of `Function::with_device`,
        // and the scratch is as large as the code asks for.
        let begun = unsafe { self.gpu.driver().launch(kernel, grid, &state.words) };
        self.gpu.told("to launch a kernel", begun)
    }

    fn address(&self, place: DevicePlace, state: &State) -> Result<Address, Error> {
        Ok(match place {
            DevicePlace::Argument(number) => self.arguments[number],
            DevicePlace::Private(offset) => self.value(offset)?.cast_unsigned(),
            DevicePlace::Workspace(offset) => state.workspace + self.value(offset)?.cast_unsigned(),
        })
    }

    /// Waits for a `bool`.
    fn holds(&self, place: DevicePlace, state: &State) -> Result<bool, Error> {
        let (mut byte, address) = (0u8, self.address(place, state)?);
        // SAFETY: the buffer has a byte.
        let read = unsafe { self.gpu.read(&raw mut byte, address, 1) };
        self.gpu.told("for a condition", read)?;
        Ok(byte != 0)
    }

    fn value(&self, extent: Extent) -> Result<i64, Error> {
        extent.value(self.symbols).ok_or_else(|| self.too_large())
    }

    fn bytes(&self, extent: Extent) -> Result<usize, Error> {
        usize::try_from(self.value(extent)?.max(0)).map_err(|_| self.too_large())
    }

    fn too_large(&self) -> Error {
        Error::TooLarge { function: self.name, what: "an extent or the workspace" }
    }
}

/// Where it goes on behind the end of a part: at its beginning if that is a loop with another round.
fn again(end: usize, begin: usize, rounds: &mut Vec<Round>) -> usize {
    let Some(round) = rounds.last_mut().filter(|round| round.begin == begin) else {
        return end + 1;
    };
    round.number += 1;
    if round.count == Some(round.number) {
        rounds.pop();
        return end + 1;
    }
    begin + 1
}

/// How many blocks are launched for so many tasks; none if there is nothing to do.
///
/// Private scratch is there for as many teams as the device executes at a time. Others may be a few times as many, so that all
/// multiprocessors end at about the same time; which team has which task changes no result.
fn grid(
    about: &About,
    tasks: i64,
    (threads, teams, shared): (u32, u32, u32),
    private: bool,
) -> Option<Grid> {
    /// How many times more.
    const WAVES: u64 = 16;
    let tasks = u64::try_from(tasks).ok().filter(|&tasks| tasks > 0)?;
    let threads = threads * teams;
    let at_once = u64::from(about.processors) * u64::from((about.threads / threads).max(1));
    let most = if private { at_once } else { at_once * WAVES };
    let blocks = tasks.div_ceil(u64::from(teams)).min(most.max(1));
    Some(Grid { blocks: u32::try_from(blocks).unwrap_or(u32::MAX >> 1), threads, shared })
}
