//! What an instruction does, found out once for all threads.
//!
//! In: the words and operands of an instruction.   Out: its action.
//!
//! ```text
//! ld.global.v2.b64 {%rd1, %rd2}, [%rd3+16];     Load(8 bytes each, behind register 3 by 16, into registers 1 and 2)
//! fma.rn.f32 %r1, %r2, %r3, %r1;                Compute(register 1, by the rule of fma, of registers 2, 3 and 1)
//! ```

use super::arithmetic::{OPERANDS, Rule, rule};
use super::module::{Operand, Part, bits};

/// The product of matrices that is known.
const TF32: [&str; 9] = ["sync", "aligned", "m16n8k8", "row", "col", "f32", "tf32", "tf32", "f32"];

/// What a thread does.
#[derive(Debug)]
pub(super) enum Action {
    Branch(usize),
    /// A number chooses where it goes on.
    Choose(Source, Vec<usize>),
    End,
    Trap,
    /// Threads of a warp wait for each other.
    Warp,
    /// Threads of a block do.
    Block,
    /// A value of another thread of the warp.
    Exchange {
        target: usize,
        partner: Partner,
        sources: [Source; OPERANDS],
    },
    /// A product of matrices by a warp, of which every thread has parts.
    Multiply {
        d: [Part; 4],
        a: [Part; 4],
        b: [Part; 2],
        c: [Part; 4],
    },
    /// A parameter of the kernel, from a byte on.
    Parameter {
        target: usize,
        position: usize,
        offset: usize,
    },
    Load(Access),
    Store(Access),
    /// A number taken apart.
    Split {
        whole: Source,
        width: u32,
        parts: Vec<Part>,
    },
    /// A number put together.
    Join {
        target: usize,
        width: u32,
        parts: Vec<Part>,
    },
    Compute {
        target: usize,
        rule: Rule,
        sources: [Source; OPERANDS],
    },
}

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Register(usize),
    Number(u64),
    Special(Special),
}

/// A number that differs between threads or launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Thread,
    Threads,
    Block,
    Blocks,
}

impl Special {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "%tid.x" => Self::Thread,
            "%ntid.x" => Self::Threads,
            "%ctaid.x" => Self::Block,
            "%nctaid.x" => Self::Blocks,
            _ => return None,
        })
    }
}

/// The lane whose value a lane is given, by a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Partner {
    Crosswise,
    At,
    Above,
    Below,
}

/// Neighbours in memory.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) space: Space,
    /// The register that they are behind, if they have no address of their own.
    pub(super) base: Option<usize>,
    pub(super) offset: i64,
    /// The bytes of each.
    pub(super) bytes: usize,
    pub(super) is_signed: bool,
    pub(super) parts: Vec<Part>,
}

/// Which memory it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Global,
    /// What nobody writes in this launch.
    Constant,
    Shared,
}

impl Action {
    /// The action of an instruction, with the bits of all registers.
    pub(super) fn of(
        words: &[&str],
        operands: &[Operand],
        registers: &[u32],
    ) -> Result<Self, String> {
        let unknown = || format!("`{}` is not known", words.join("."));
        Ok(match (words[0], operands) {
            ("bra", [Operand::Target(target)]) => Self::Branch(*target),
            ("brx", [index, Operand::Targets(targets)]) => {
                Self::Choose(source(index)?, targets.clone())
            }
            ("trap", []) => Self::Trap,
            ("ret" | "exit", []) => Self::End,
            ("bar", _) if words.get(1) == Some(&"warp") => Self::Warp,
            ("bar" | "barrier", _) => Self::Block,
            ("shfl", [target, rest @ ..]) => Self::Exchange {
                target: register(target)?,
                partner: partner(words).ok_or_else(unknown)?,
                sources: sources(rest)?,
            },
            ("ld", [target, Operand::Parameter(position, offset)]) => {
                let (target, position, offset) = (register(target)?, *position, *offset);
                Self::Parameter { target, position, offset }
            }
            (
                "mma",
                [Operand::Tuple(d), Operand::Tuple(a), Operand::Tuple(b), Operand::Tuple(c)],
            ) if words[1..] == TF32 => {
                Self::Multiply { d: parts(d)?, a: parts(a)?, b: parts(b)?, c: parts(c)? }
            }
            ("mma", _) => return Err(unknown()),
            ("ld", [target, place]) => Self::Load(access(words, place, target)?),
            ("st", [place, source]) => Self::Store(access(words, place, source)?),
            ("mov", [Operand::Tuple(parts), whole]) => {
                let (whole, parts) = (source(whole)?, parts.clone());
                let bits = if let Source::Register(at) = whole { registers[at] } else { 64 };
                Self::Split { whole, width: bits / parts.len() as u32, parts }
            }
            ("mov", [target, Operand::Tuple(parts)]) => {
                let (target, parts) = (register(target)?, parts.clone());
                Self::Join { target, width: registers[target] / parts.len() as u32, parts }
            }
            (_, [target, rest @ ..]) => Self::Compute {
                target: register(target)?,
                rule: rule(words, rest.len())?,
                sources: sources(rest)?,
            },
            (_, []) => return Err(unknown()),
        })
    }
}

/// The parts that an instruction has so many of.
fn parts<const COUNT: usize>(tuple: &[Part]) -> Result<[Part; COUNT], String> {
    tuple.try_into().map_err(|_| format!("{} parts instead of {COUNT}", tuple.len()))
}

fn register(operand: &Operand) -> Result<usize, String> {
    let Operand::Register(register) = operand else { return Err("no register".to_owned()) };
    Ok(*register)
}

pub(super) fn source(operand: &Operand) -> Result<Source, String> {
    Ok(match operand {
        Operand::Register(register) => Source::Register(*register),
        Operand::Number(number) => Source::Number(*number),
        Operand::Special(special) => Source::Special(*special),
        Operand::Tuple(_)
        | Operand::Memory(..)
        | Operand::Parameter(..)
        | Operand::Target(_)
        | Operand::Targets(_) => return Err("no number".to_owned()),
    })
}

fn sources(operands: &[Operand]) -> Result<[Source; OPERANDS], String> {
    let mut all = [Source::Number(0); OPERANDS];
    if operands.len() > all.len() {
        return Err("too many operands".to_owned());
    }
    for (at, operand) in operands.iter().enumerate() {
        all[at] = source(operand)?;
    }
    Ok(all)
}

fn partner(words: &[&str]) -> Option<Partner> {
    Some(match *words.get(2)? {
        "bfly" => Partner::Crosswise,
        "idx" => Partner::At,
        "down" => Partner::Above,
        "up" => Partner::Below,
        _ => return None,
    })
}

fn access(words: &[&str], place: &Operand, registers: &Operand) -> Result<Access, String> {
    let Operand::Memory(base, offset) = place else { return Err("no address".to_owned()) };
    let kind = words.last().ok_or("no type")?;
    let space = match words.get(1).copied().unwrap_or_default() {
        "global" if words.contains(&"nc") => Space::Constant,
        "global" => Space::Global,
        "shared" => Space::Shared,
        other => return Err(format!("`{other}` is not known")),
    };
    let parts = match registers {
        Operand::Tuple(parts) => parts.clone(),
        Operand::Register(register) => vec![Part::Register(*register)],
        Operand::Number(number) => vec![Part::Number(*number)],
        Operand::Special(_)
        | Operand::Memory(..)
        | Operand::Parameter(..)
        | Operand::Target(_)
        | Operand::Targets(_) => return Err("no register".to_owned()),
    };
    Ok(Access {
        space,
        base: *base,
        offset: *offset,
        bytes: bits(kind)? as usize / 8,
        is_signed: kind.starts_with('s'),
        parts,
    })
}
