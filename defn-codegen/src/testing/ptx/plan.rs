//! What the host does for a device, with a device that is executed instruction by instruction.
//!
//! In: code, symbols and arguments.   Out: results, updated parameters and what the host was shown.
//! There are few blocks, so that teams have several tasks.

use super::memory::read;
use super::simulator::Simulator;
use crate::artifact::{DeviceCode, Launch, Number, Place, Step};
use crate::graph::Dim;
use crate::graph::eval::Value;
use crate::loops::eval::{Outcome, shape};
use crate::loops::{BufferId, Loops, Space};

use std::collections::BTreeMap;
use std::ops::Range;

/// Blocks of a launch.
const BLOCKS: i64 = 3;
/// More rounds than any test needs.
const ROUNDS: i64 = 1 << 16;

/// Runs the code of loops for these values of the symbols and parameters.
pub fn run(
    (loops, code): (&Loops, &DeviceCode),
    symbols: &[i64],
    parameters: &[Value],
) -> Result<Outcome, String> {
    let mut device = Simulator::default();
    let mut arguments = BTreeMap::new();
    let inputs = loops
        .buffers
        .iter()
        .filter(|(_, buffer)| matches!(buffer.space, Space::Parameter(_) | Space::Updated(_)));
    let count = inputs.count();
    for (id, buffer) in loops.buffers.iter() {
        let position = match buffer.space {
            Space::Parameter(position) | Space::Updated(position) => position,
            Space::Result(position) => count + position,
            Space::Workspace(_) | Space::Private(_) | Space::Shared(_) => continue,
        };
        let size = buffer.element.size();
        let elements: usize = shape(loops, id, symbols).iter().product();
        let address = device.allocate(elements * size);
        if let Some(value) = parameters.get(position).filter(|_| position < count) {
            let bytes = device.bytes(address, elements * size)?;
            for (bytes, bits) in bytes.chunks_mut(size).zip(&value.data) {
                bytes.copy_from_slice(&bits.to_le_bytes()[..size]);
            }
        }
        arguments.insert(position, (id, address));
    }
    let workspace = device.allocate(bytes(&code.workspace, symbols));
    let module = device.load(&code.ptx)?;
    let outcome = Outcome { results: Vec::new(), updated: Vec::new(), shown: Vec::new() };
    let mut host = Host {
        loops,
        code,
        symbols,
        device,
        module,
        arguments,
        workspace,
        rounds: Vec::new(),
        outcome,
    };
    host.steps(0..code.steps.len())?;
    host.finish()
}

fn bytes(dim: &Dim, symbols: &[i64]) -> usize {
    usize::try_from(dim.evaluate(symbols)).unwrap_or(0)
}

struct Host<'h> {
    loops: &'h Loops,
    code: &'h DeviceCode,
    symbols: &'h [i64],
    device: Simulator,
    module: usize,
    /// The buffer and the address of each argument.
    arguments: BTreeMap<usize, (BufferId, u64)>,
    workspace: u64,
    rounds: Vec<i64>,
    outcome: Outcome,
}

impl Host<'_> {
    /// Steps, one after the other; false if a loop around is left.
    fn steps(&mut self, range: Range<usize>) -> Result<bool, String> {
        let code = self.code;
        let mut position = range.start;
        while position < range.end {
            let step = &code.steps[position];
            position += 1;
            match step {
                Step::Launch(launch) => self.launch(launch)?,
                Step::Leave { unless } => {
                    if !self.holds(unless)? {
                        return Ok(false);
                    }
                }
                Step::Inspect { number, place } => self.show(*number, place)?,
                Step::Repeat { .. } | Step::Loop | Step::If { .. } => {
                    let (otherwise, end) = part(&code.steps, position);
                    self.part(step, position..end, otherwise)?;
                    position = end + 1;
                }
                Step::Else | Step::End => return Err("a step without a beginning".to_owned()),
            }
        }
        Ok(true)
    }

    fn part(
        &mut self,
        step: &Step,
        inside: Range<usize>,
        otherwise: Option<usize>,
    ) -> Result<(), String> {
        if let Step::If { condition } = step {
            let chosen = match (self.holds(condition)?, otherwise) {
                (true, otherwise) => inside.start..otherwise.unwrap_or(inside.end),
                (false, Some(otherwise)) => otherwise + 1..inside.end,
                (false, None) => inside.end..inside.end,
            };
            return self.steps(chosen).map(|_| ());
        }
        let most =
            if let Step::Repeat { extent } = step { extent.evaluate(self.symbols) } else { ROUNDS };
        for round in 0..most {
            self.rounds.push(round);
            let goes_on = self.steps(inside.clone())?;
            self.rounds.pop();
            if !goes_on {
                return Ok(());
            }
        }
        if *step == Step::Loop { Err("a loop is not left".to_owned()) } else { Ok(()) }
    }

    fn launch(&mut self, step: &Launch) -> Result<(), String> {
        let tasks = step.tasks.evaluate(self.symbols);
        if tasks < 1 {
            return Ok(());
        }
        let teams = i64::from(step.teams);
        let blocks = ((tasks + teams - 1) / teams).min(BLOCKS);
        let mut parameters = Vec::new();
        for place in &step.arguments {
            parameters.push(match place {
                Place::Argument(position) => self.arguments[position].1,
                Place::Workspace(offset) => self.workspace + bytes(offset, self.symbols) as u64,
                Place::Private(offset) => bytes(offset, self.symbols) as u64,
            });
        }
        for number in &step.numbers {
            parameters.push(match number {
                Number::Extent(dim) => dim.evaluate(self.symbols).cast_unsigned(),
                Number::Round(depth) => self.rounds[*depth].cast_unsigned(),
            });
        }
        if step.has_private {
            let stride = bytes(&self.code.private, self.symbols);
            parameters.push(self.device.allocate(stride * (blocks * teams) as usize));
            parameters.push(stride as u64);
        }
        let kernel = self.device.kernel(self.module, &step.kernel).ok_or("no such kernel")?;
        let grid = [blocks as u32, step.threads * step.teams, step.shared];
        self.device
            .launch(kernel, grid, &parameters)
            .map_err(|what| format!("{}: {what}", step.kernel))
    }

    fn address(&self, place: &Place) -> Result<u64, String> {
        match place {
            Place::Argument(position) => Ok(self.arguments[position].1),
            Place::Workspace(offset) => Ok(self.workspace + bytes(offset, self.symbols) as u64),
            Place::Private(_) => Err("the host looks at scratch of a team".to_owned()),
        }
    }

    fn holds(&mut self, place: &Place) -> Result<bool, String> {
        let address = self.address(place)?;
        Ok(self.device.bytes(address, 1)?[0] != 0)
    }

    fn value(&mut self, buffer: BufferId, address: u64) -> Result<Value, String> {
        let element = self.loops.buffers[buffer].element;
        let shape = shape(self.loops, buffer, self.symbols);
        let count: usize = shape.iter().product();
        let data = if count == 0 {
            Vec::new()
        } else {
            let bytes = self.device.bytes(address, count * element.size())?;
            bytes.chunks(element.size()).map(read).collect()
        };
        Ok(Value { element, shape, data })
    }

    fn show(&mut self, number: usize, place: &Place) -> Result<(), String> {
        let (_, buffer, _) = self.loops.inspects().nth(number).ok_or("nobody looks there")?;
        let address = self.address(place)?;
        let value = self.value(buffer, address)?;
        self.outcome.shown.push((number, value));
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome, String> {
        for (buffer, address) in self.arguments.clone().into_values() {
            let value = self.value(buffer, address)?;
            match self.loops.buffers[buffer].space {
                Space::Result(_) => self.outcome.results.push(value),
                Space::Updated(position) => self.outcome.updated.push((position, value)),
                Space::Parameter(_)
                | Space::Workspace(_)
                | Space::Private(_)
                | Space::Shared(_) => {}
            }
        }
        Ok(self.outcome)
    }
}

/// The positions of the `Else` and of the end of the part whose first step this is.
fn part(steps: &[Step], begin: usize) -> (Option<usize>, usize) {
    let (mut depth, mut otherwise) = (0_usize, None);
    for (position, step) in steps.iter().enumerate().skip(begin) {
        match step {
            Step::Repeat { .. } | Step::Loop | Step::If { .. } => depth += 1,
            Step::Else if depth == 0 => otherwise = Some(position),
            Step::End if depth == 0 => return (otherwise, position),
            Step::End => depth -= 1,
            Step::Else | Step::Launch(_) | Step::Leave { .. } | Step::Inspect { .. } => {}
        }
    }
    (otherwise, steps.len())
}
