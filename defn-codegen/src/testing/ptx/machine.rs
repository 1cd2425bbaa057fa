//! A launch: blocks one after the other, and their threads until they wait for each other.
//!
//! In: a kernel, its parameters and memory.   Out: memory, as the launch leaves it.

use super::arithmetic::{compute, masked};
use super::memory::{Memory, read};
use super::module::{Instruction, Kernel, Operand, Part, bits};

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
const WARP: usize = 32;
/// More instructions than any test needs.
const MOST: u64 = 1 << 28;
/// The product of matrices that is known.
const TF32: &str = "sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32";
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
            Some(Wait::Value) if self.kernel.instructions[position - 1].words[0] == "mma" => {
                self.multiply(first, position - 1)?;
            }
            Some(Wait::Value) => self.exchange(first, position - 1)?,
            Some(Wait::Warp) => {}
            Some(Wait::Block | Wait::End) | None => return Ok(false),
        }
        self.threads[warp].iter_mut().for_each(|thread| thread.waits = None);
        Ok(true)
    }

    /// `shfl.sync.down.b32 d, a, b, c, mask`: the `a` of the lane `b` above.
    fn exchange(&mut self, first: usize, position: usize) -> Result<(), String> {
        let instruction = &self.kernel.instructions[position];
        let unknown = || format!("`{}` is not known", instruction.words.join("."));
        let mut sent = Vec::new();
        for lane in 0..WARP {
            let values: Result<Vec<u64>, String> = instruction.operands[1..]
                .iter()
                .map(|operand| self.value(first + lane, operand))
                .collect();
            sent.push(values?);
        }
        for lane in 0..WARP {
            let [_, by, clamp, mask] = sent[lane].as_slice() else { return Err(unknown()) };
            if masked(*mask, 32) != 0xFFFF_FFFF {
                return Err("a value for some lanes alone".to_owned());
            }
            let by = (*by & 0x1F) as usize;
            let source = match instruction.words[2].as_str() {
                "bfly" => lane ^ by,
                "idx" => by,
                "down" => lane + by,
                "up" if *clamp == 0 => lane.wrapping_sub(by),
                _ => return Err(unknown()),
            };
            if instruction.words[2] != "up" && *clamp != 31 {
                return Err(unknown());
            }
            let source = if source < WARP { source } else { lane };
            self.set(first + lane, &instruction.operands[0], masked(sent[source][0], 32))?;
        }
        Ok(())
    }

    /// `mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 d, a, b, c`: of 16 rows, 8 columns and 8 steps every thread has some.
    fn multiply(&mut self, first: usize, position: usize) -> Result<(), String> {
        let kernel = self.kernel;
        let instruction = &kernel.instructions[position];
        let unknown = || format!("`{}` is not known", instruction.words.join("."));
        if instruction.words[1..].join(".") != TF32 {
            return Err(unknown());
        }
        let mut parts = Vec::new();
        for operand in &instruction.operands {
            let Operand::Tuple(held) = operand else { return Err(unknown()) };
            parts.push(held);
        }
        let [d, a, b, c] = parts[..] else { return Err(unknown()) };
        if [d.len(), a.len(), b.len(), c.len()] != [4, 4, 2, 4] {
            return Err(unknown());
        }
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
        while self.threads[thread].waits.is_none() {
            *self.left = self.left.checked_sub(1).ok_or("a launch does not end")?;
            let position = self.threads[thread].position;
            let Some(instruction) = self.kernel.instructions.get(position) else {
                return Err("a kernel goes on behind its end".to_owned());
            };
            self.threads[thread].position += 1;
            if let Some((register, negated)) = instruction.guard
                && (self.threads[thread].registers[register] == 0) != negated
            {
                continue;
            }
            self.instruction(thread, instruction)
                .map_err(|what| format!("{what}, in {instruction:?}"))?;
        }
        Ok(())
    }

    fn instruction(&mut self, thread: usize, instruction: &Instruction) -> Result<(), String> {
        let Instruction { words, operands, .. } = instruction;
        let second = words.get(1).map(String::as_str).unwrap_or_default();
        match (words[0].as_str(), second) {
            ("bra", _) => {
                let Some(Operand::Target(target)) = operands.first() else {
                    return Err("a branch to nowhere".to_owned());
                };
                self.threads[thread].position = *target;
            }
            ("brx", _) => {
                let [index, Operand::Targets(targets)] = operands.as_slice() else {
                    return Err("a branch to nowhere".to_owned());
                };
                let index = usize::try_from(self.value(thread, index)?).unwrap_or(usize::MAX);
                let target = targets.get(index).ok_or("a branch to nowhere")?;
                self.threads[thread].position = *target;
            }
            ("trap", _) => return Err("a trap".to_owned()),
            ("ret" | "exit", _) => self.threads[thread].waits = Some(Wait::End),
            ("shfl" | "mma", _) => self.threads[thread].waits = Some(Wait::Value),
            ("bar", "warp") => self.threads[thread].waits = Some(Wait::Warp),
            ("bar" | "barrier", _) => self.threads[thread].waits = Some(Wait::Block),
            ("ld", _) => self.load(thread, words, operands)?,
            ("st", _) => self.store(thread, words, operands)?,
            ("mov", _)
                if matches!(
                    operands.as_slice(),
                    [Operand::Tuple(_), _] | [_, Operand::Tuple(_)]
                ) =>
            {
                self.parts(thread, operands)?;
            }
            _ => {
                let values: Result<Vec<u64>, String> =
                    operands[1..].iter().map(|operand| self.value(thread, operand)).collect();
                self.set(thread, &operands[0], compute(words, &values?)?)?;
            }
        }
        Ok(())
    }

    fn value(&self, thread: usize, operand: &Operand) -> Result<u64, String> {
        Ok(match operand {
            Operand::Register(register) => self.threads[thread].registers[*register],
            Operand::Number(number) => *number,
            Operand::Special(name) => u64::from(match name.as_str() {
                "%tid.x" => thread as u32,
                "%ntid.x" => self.launch.threads,
                "%ctaid.x" => self.block,
                "%nctaid.x" => self.launch.blocks,
                _ => return Err(format!("`{name}` is not known")),
            }),
            Operand::Tuple(_)
            | Operand::Memory(..)
            | Operand::Parameter(..)
            | Operand::Target(_)
            | Operand::Targets(_) => {
                return Err("no number".to_owned());
            }
        })
    }

    fn set(&mut self, thread: usize, operand: &Operand, value: u64) -> Result<(), String> {
        let Operand::Register(register) = operand else { return Err("no register".to_owned()) };
        let bits = self.kernel.registers[*register];
        self.threads[thread].registers[*register] = masked(value, bits);
        Ok(())
    }

    /// `mov.b64 {lo, hi}, a` and back.
    fn parts(&mut self, thread: usize, operands: &[Operand]) -> Result<(), String> {
        match operands {
            [Operand::Tuple(parts), whole] => {
                let (mut rest, width) =
                    (self.value(thread, whole)?, self.width(whole, parts.len()));
                for part in parts {
                    self.set_part(thread, *part, masked(rest, width))?;
                    rest = rest.checked_shr(width).unwrap_or(0);
                }
            }
            [whole, Operand::Tuple(parts)] => {
                let width = self.width(whole, parts.len());
                let value = parts.iter().rev().fold(0, |value, part| {
                    (value << width) | masked(self.part(thread, *part), width)
                });
                self.set(thread, whole, value)?;
            }
            _ => return Err("no parts".to_owned()),
        }
        Ok(())
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
            Part::Register(register) => self.set(thread, &Operand::Register(register), value),
            Part::Nothing => Ok(()),
            Part::Number(_) => Err("a number is no register".to_owned()),
        }
    }

    fn width(&self, whole: &Operand, parts: usize) -> u32 {
        let Operand::Register(register) = whole else { return 64 / parts as u32 };
        self.kernel.registers[*register] / parts as u32
    }

    /// The space, the type, the address and the registers of an access.
    fn access<'o>(
        &self,
        thread: usize,
        words: &'o [String],
        (place, registers): (&Operand, &'o Operand),
    ) -> Result<(u64, usize, &'o [Part]), String> {
        let Operand::Memory(base, offset) = place else { return Err("no address".to_owned()) };
        let base = base.map_or(0, |base| self.threads[thread].registers[base]);
        let address = base.wrapping_add_signed(*offset);
        let bytes = bits(words.last().ok_or("no type")?)? as usize / 8;
        let registers = if let Operand::Tuple(all) = registers { all.as_slice() } else { &[] };
        let whole = bytes * registers.len().max(1);
        if address % whole as u64 != 0 {
            return Err(format!("{whole} bytes at {address:#x}"));
        }
        Ok((address, bytes, registers))
    }

    fn load(
        &mut self,
        thread: usize,
        words: &[String],
        operands: &[Operand],
    ) -> Result<(), String> {
        let [target, place] = operands else { return Err("no load".to_owned()) };
        if let Operand::Parameter(position, offset) = place {
            let value = self.launch.parameters[*position] >> (8 * offset);
            return self.set(thread, target, value);
        }
        let (address, bytes, registers) = self.access(thread, words, (place, target))?;
        let is_constant = words.iter().any(|word| word == "nc");
        let is_signed = words.last().is_some_and(|kind| kind.starts_with('s'));
        let one = |block: &mut Self, address: u64| {
            let bits = match words[1].as_str() {
                "global" => block.memory.load(address, bytes, is_constant)?,
                "shared" => read(block.shared(address, bytes)?),
                other => return Err(format!("`{other}` is not known")),
            };
            let unused = 64 - 8 * bytes as u32;
            let extended = ((bits << unused).cast_signed() >> unused).cast_unsigned();
            Ok(if is_signed { extended } else { bits })
        };
        if registers.is_empty() {
            let value = one(self, address)?;
            return self.set(thread, target, value);
        }
        for (at, part) in registers.iter().enumerate() {
            let value = one(self, address + (at * bytes) as u64)?;
            self.set_part(thread, *part, value)?;
        }
        Ok(())
    }

    fn store(
        &mut self,
        thread: usize,
        words: &[String],
        operands: &[Operand],
    ) -> Result<(), String> {
        let [place, source] = operands else { return Err("no store".to_owned()) };
        let (address, bytes, registers) = self.access(thread, words, (place, source))?;
        let values = if registers.is_empty() {
            vec![self.value(thread, source)?]
        } else {
            registers.iter().map(|part| self.part(thread, *part)).collect()
        };
        for (at, value) in values.into_iter().enumerate() {
            let address = address + (at * bytes) as u64;
            match words[1].as_str() {
                "global" => self.memory.store(address, bytes, value)?,
                "shared" => {
                    let target = self.shared(address, bytes)?;
                    target.copy_from_slice(&value.to_le_bytes()[..bytes]);
                }
                other => return Err(format!("`{other}` is not known")),
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
