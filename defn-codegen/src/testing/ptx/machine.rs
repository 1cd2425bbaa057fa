//! A launch: blocks one after the other, and their threads until they wait for each other.
//!
//! In: a kernel, its parameters and memory.   Out: memory, as the launch leaves it.

use super::action::{Access, Action, Partner, Source, Space, Special};
use super::arithmetic::{masked, signed};
use super::memory::{Memory, read};
use super::module::{Instruction, Kernel, Part};

/// How a kernel is launched.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) blocks: u32,
    /// Threads of a block.
    pub(super) threads: u32,
    /// Bytes of shared memory beside what the kernel declares.
    pub(super) shared: usize,
    pub(super) parameters: Vec<u64>,
}

/// Threads of a warp.
pub(super) const WARP: usize = 32;
/// More instructions than any test needs.
const MOST: u64 = 1 << 28;
/// What shared memory holds when a block begins: a NaN in every float.
const POISON: u8 = 0xFF;

/// Executes a launch.
pub(super) fn launch(kernel: &Kernel, launch: &Launch, memory: &mut Memory) -> Result<(), String> {
    let bytes: usize = kernel.parameters.iter().sum();
    let given = 8 * launch.parameters.len();
    if bytes != given || kernel.parameters.iter().any(|bytes| *bytes != 8) {
        return Err(format!("{given} bytes of parameters for {bytes}"));
    }
    let mut left = MOST;
    for block in (0..launch.blocks).rev() {
        let thread = Thread {
            registers: vec![0xABAB_ABAB_ABAB_ABAB; kernel.registers.len()],
            position: 0,
            waits: None,
        };
        let threads = vec![thread; launch.threads as usize];
        let shared = vec![POISON; kernel.shared.next_multiple_of(16) + launch.shared];
        Block { kernel, launch, block, threads, shared, memory, left: &mut left }.run()?;
    }
    memory.forget();
    Ok(())
}

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// For a value of another thread of the warp.
    Value,
    /// For a product of matrices, of which every thread of the warp has a part.
    Matrix,
    Warp,
    Block,
    /// For nothing more.
    End,
}

#[derive(Clone, Debug)]
struct Thread {
    registers: Vec<u64>,
    position: usize,
    waits: Option<Wait>,
}

struct Block<'b> {
    kernel: &'b Kernel,
    launch: &'b Launch,
    block: u32,
    threads: Vec<Thread>,
    shared: Vec<u8>,
    memory: &'b mut Memory,
    /// How many more instructions there may be.
    left: &'b mut u64,
}

impl Block<'_> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            let mut goes_on = false;
            for first in (0..self.threads.len()).step_by(WARP).rev() {
                for thread in (first..first + WARP).rev() {
                    goes_on |= self.threads[thread].waits.is_none();
                    self.thread(thread)?;
                }
                goes_on |= self.warp(first)?;
            }
            let all = |wait| self.threads.iter().all(|thread| thread.waits == Some(wait));
            if all(Wait::End) {
                return Ok(());
            }
            if all(Wait::Block) {
                self.threads.iter_mut().for_each(|thread| thread.waits = None);
            } else if !goes_on {
                return Err("threads wait for each other at different places".to_owned());
            }
        }
    }

    /// What threads of a warp wait for, if all of them do at the same place; whether they go on.
    fn warp(&mut self, first: usize) -> Result<bool, String> {
        let Thread { position, waits, .. } = &self.threads[first];
        let (position, waits) = (*position, *waits);
        let warp = first..first + WARP;
        let same = |thread: &Thread| thread.waits == waits && thread.position == position;
        if !self.threads[warp.clone()].iter().all(same) {
            return Ok(false);
        }
        match waits {
            Some(Wait::Value) => self.exchange(first, &self.kernel.instructions[position - 1])?,
            Some(Wait::Matrix) => self.multiply(first, &self.kernel.instructions[position - 1])?,
            Some(Wait::Warp) => {}
            Some(Wait::Block | Wait::End) | None => return Ok(false),
        }
        self.threads[warp].iter_mut().for_each(|thread| thread.waits = None);
        Ok(true)
    }

    /// `shfl.sync.down.b32 d, a, b, c, mask`: the `a` of the lane `b` above.
    fn exchange(&mut self, first: usize, instruction: &Instruction) -> Result<(), String> {
        let unknown = || format!("`{}` is not known", instruction.text);
        let Action::Exchange { target, partner, sources } = &instruction.action else {
            return Err(unknown());
        };
        let lanes: [usize; WARP] = std::array::from_fn(|lane| lane);
        let sent = lanes.map(|lane| sources.map(|source| self.value(first + lane, source)));
        for lane in 0..WARP {
            let [_, by, clamp, mask] = sent[lane];
            if masked(mask, 32) != 0xFFFF_FFFF {
                return Err("a value for some lanes alone".to_owned());
            }
            let by = (by & 0x1F) as usize;
            let source = match partner {
                Partner::Crosswise => lane ^ by,
                Partner::At => by,
                Partner::Above => lane + by,
                Partner::Below => lane.wrapping_sub(by),
            };
            if clamp != if *partner == Partner::Below { 0 } else { 31 } {
                return Err(unknown());
            }
            let source = if source < WARP { source } else { lane };
            self.set(first + lane, *target, masked(sent[source][0], 32));
        }
        Ok(())
    }

    /// `mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 d, a, b, c`: of 16 rows, 8 columns and 8 steps every thread has some.
    fn multiply(&mut self, first: usize, instruction: &Instruction) -> Result<(), String> {
        let Action::Multiply { d, a, b, c } = &instruction.action else {
            return Err(format!("`{}` is not known", instruction.text));
        };
        let number = |lane: usize, part: Part| {
            let bits = self.part(first + lane, part) as u32;
            if bits & 0x1FFF != 0 {
                return Err(format!("{bits:#x} is no tf32"));
            }
            Ok(f32::from_bits(bits))
        };
        let mut sums = Vec::new();
        for lane in 0..WARP {
            for (at, part) in c.iter().enumerate() {
                let (row, column) = (lane / 4 + 8 * (at / 2), lane % 4 * 2 + at % 2);
                let mut sum = f32::from_bits(self.part(first + lane, *part) as u32);
                for step in 0..8 {
                    let left = number(row % 8 * 4 + step % 4, a[row / 8 + step / 4 * 2])?;
                    let right = number(column * 4 + step % 4, b[step / 4])?;
                    sum = left.mul_add(right, sum);
                }
                sums.push((first + lane, d[at], sum));
            }
        }
        for (thread, part, sum) in sums {
            self.set_part(thread, part, sum.to_bits().into())?;
        }
        Ok(())
    }

    /// Executes a thread until it waits.
    fn thread(&mut self, thread: usize) -> Result<(), String> {
        let kernel = self.kernel;
        while self.threads[thread].waits.is_none() {
            *self.left = self.left.checked_sub(1).ok_or("a launch does not end")?;
            let position = self.threads[thread].position;
            let Some(instruction) = kernel.instructions.get(position) else {
                return Err("a kernel goes on behind its end".to_owned());
            };
            self.threads[thread].position += 1;
            if let Some((register, negated)) = instruction.guard
                && (self.threads[thread].registers[register] == 0) != negated
            {
                continue;
            }
            self.act(thread, &instruction.action)
                .map_err(|what| format!("{what}, in `{}`", instruction.text))?;
        }
        Ok(())
    }

    fn act(&mut self, thread: usize, action: &Action) -> Result<(), String> {
        match action {
            Action::Compute { target, rule, sources } => {
                let values = sources.map(|source| self.value(thread, source));
                self.set(thread, *target, rule.of(&values));
            }
            Action::Load(access) => self.load(thread, access)?,
            Action::Store(access) => self.store(thread, access)?,
            Action::Branch(target) => self.threads[thread].position = *target,
            Action::Choose(index, targets) => {
                let index = usize::try_from(self.value(thread, *index)).unwrap_or(usize::MAX);
                let target = targets.get(index).ok_or("a branch to nowhere")?;
                self.threads[thread].position = *target;
            }
            Action::End => self.threads[thread].waits = Some(Wait::End),
            Action::Trap => return Err("a trap".to_owned()),
            Action::Exchange { .. } => self.threads[thread].waits = Some(Wait::Value),
            Action::Multiply { .. } => self.threads[thread].waits = Some(Wait::Matrix),
            Action::Warp => self.threads[thread].waits = Some(Wait::Warp),
            Action::Block => self.threads[thread].waits = Some(Wait::Block),
            Action::Parameter { target, position, offset } => {
                self.set(thread, *target, self.launch.parameters[*position] >> (8 * offset));
            }
            Action::Split { whole, width, parts } => {
                let mut rest = self.value(thread, *whole);
                for part in parts {
                    self.set_part(thread, *part, masked(rest, *width))?;
                    rest = rest.checked_shr(*width).unwrap_or(0);
                }
            }
            Action::Join { target, width, parts } => {
                let value = parts.iter().rev().fold(0, |value, part| {
                    (value << width) | masked(self.part(thread, *part), *width)
                });
                self.set(thread, *target, value);
            }
        }
        Ok(())
    }

    fn value(&self, thread: usize, source: Source) -> u64 {
        match source {
            Source::Register(register) => self.threads[thread].registers[register],
            Source::Number(number) => number,
            Source::Special(special) => u64::from(match special {
                Special::Thread => thread as u32,
                Special::Threads => self.launch.threads,
                Special::Block => self.block,
                Special::Blocks => self.launch.blocks,
            }),
        }
    }

    fn set(&mut self, thread: usize, register: usize, value: u64) {
        let bits = self.kernel.registers[register];
        self.threads[thread].registers[register] = masked(value, bits);
    }

    fn part(&self, thread: usize, part: Part) -> u64 {
        match part {
            Part::Register(register) => self.threads[thread].registers[register],
            Part::Number(number) => number,
            Part::Nothing => 0,
        }
    }

    fn set_part(&mut self, thread: usize, part: Part, value: u64) -> Result<(), String> {
        match part {
            Part::Register(register) => self.set(thread, register, value),
            Part::Nothing => {}
            Part::Number(_) => return Err("a number is no register".to_owned()),
        }
        Ok(())
    }

    /// The address of the first of the neighbours.
    fn address(&self, thread: usize, access: &Access) -> Result<u64, String> {
        let base = access.base.map_or(0, |base| self.threads[thread].registers[base]);
        let address = base.wrapping_add_signed(access.offset);
        let whole = access.bytes * access.parts.len();
        if !address.is_multiple_of(whole as u64) {
            return Err(format!("{whole} bytes at {address:#x}"));
        }
        Ok(address)
    }

    fn load(&mut self, thread: usize, access: &Access) -> Result<(), String> {
        let (address, bytes) = (self.address(thread, access)?, access.bytes);
        for (at, part) in access.parts.iter().enumerate() {
            let address = address + (at * bytes) as u64;
            let bits = match access.space {
                Space::Global => self.memory.load(address, bytes, false)?,
                Space::Constant => self.memory.load(address, bytes, true)?,
                Space::Shared => read(self.shared(address, bytes)?),
            };
            let extended = signed(bits, 8 * bytes as u32).cast_unsigned();
            self.set_part(thread, *part, if access.is_signed { extended } else { bits })?;
        }
        Ok(())
    }

    fn store(&mut self, thread: usize, access: &Access) -> Result<(), String> {
        let (address, bytes) = (self.address(thread, access)?, access.bytes);
        for (at, part) in access.parts.iter().enumerate() {
            let (address, value) = (address + (at * bytes) as u64, self.part(thread, *part));
            match access.space {
                Space::Global => self.memory.store(address, bytes, value)?,
                Space::Constant => return Err("a store to what nobody writes".to_owned()),
                Space::Shared => {
                    let target = self.shared(address, bytes)?;
                    target.copy_from_slice(&value.to_le_bytes()[..bytes]);
                }
            }
        }
        Ok(())
    }

    fn shared(&mut self, address: u64, bytes: usize) -> Result<&mut [u8], String> {
        let start = usize::try_from(address).unwrap_or(usize::MAX);
        let end = start.checked_add(bytes);
        let found = end.and_then(|end| self.shared.get_mut(start..end));
        found.ok_or_else(|| format!("{bytes} bytes at {address:#x} of shared memory are nobody's"))
    }
}
