//! The text of a module, as instructions.
//!
//! In:  PTX, as LLVM writes it.   Out: kernels.
//!
//! ```text
//! @%p1 bra $L__BB0_6;                 Instruction { guard: %p1, action: Branch(12) }
//! ld.global.v2.b64 {%rd1, %rd2}, [%rd3+16];
//! ```

use std::collections::BTreeMap;

use super::action::{Action, Special};
use super::memory::Memory;

/// An entry of a module.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    /// The bytes of each parameter.
    pub(super) parameters: Vec<usize>,
    /// Bytes of shared memory, without what a launch gives.
    pub(super) shared: usize,
    pub(super) instructions: Vec<Instruction>,
    /// The bits of each register.
    pub(super) registers: Vec<u32>,
}

/// One instruction.
#[derive(Debug)]
pub(super) struct Instruction {
    /// The predicate that must hold, and whether it must not.
    pub(super) guard: Option<(usize, bool)>,
    /// As it is written, for whoever reads what went wrong.
    pub(super) text: String,
    pub(super) action: Action,
}

/// What an instruction works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Register(usize),
    /// The bits of a number.
    Number(u64),
    /// Neighbours in memory, or parts of a number.
    Tuple(Vec<Part>),
    /// A place in memory: a register that may be missing, and bytes behind it.
    Memory(Option<usize>, i64),
    /// A place in a parameter.
    Parameter(usize, usize),
    /// The position of an instruction.
    Target(usize),
    /// Positions of instructions, of which a number chooses one.
    Targets(Vec<usize>),
    /// A number that differs between threads or launches.
    Special(Special),
}

/// One of several neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Register(usize),
    Number(u64),
    /// What nobody wants.
    Nothing,
}

/// The kernels of a module by name.
pub(super) fn kernels(text: &str, memory: &mut Memory) -> Result<BTreeMap<String, Kernel>, String> {
    let (mut found, mut tables) = (BTreeMap::new(), BTreeMap::new());
    let mut shared = Shared::default();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or("").trim())
        .flat_map(statements)
        .collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        if line.starts_with(".shared") || line.starts_with(".extern .shared") {
            shared.declare(line)?;
        } else if line.starts_with(".global") {
            let (name, bytes) = table(line).ok_or_else(|| format!("`{line}` is not known"))?;
            tables.insert(name, memory.constant(&bytes));
        } else if let Some(rest) = line.strip_prefix(".visible .entry ") {
            let (name, parameters) = rest.split_once('(').unwrap_or((rest, ""));
            let parameters = parameters.trim_end_matches(')').split(',').map(str::trim);
            let end =
                lines[at..].iter().position(|line| *line == "}").ok_or("an entry has no end")?;
            let kernel = Reader { tables: tables.clone(), ..Reader::default() }
                .kernel(parameters.chain(lines[at..at + end].iter().copied()), shared.clone())?;
            found.insert(name.to_owned(), kernel);
            at += end + 1;
        } else if !is_known(line) {
            return Err(format!("`{line}` is not known"));
        }
    }
    Ok(found)
}

/// The statements of a line, which are several where people write; a block within one is a whole.
fn statements(line: &str) -> Vec<&str> {
    if line.contains('{') { vec![line] } else { line.split_inclusive(';').map(str::trim).collect() }
}

/// `.global .align 8 .b8 name[16] = {0, 1, …};`
fn table(line: &str) -> Option<(String, Vec<u8>)> {
    let (head, tail) = line.split_once('=')?;
    let (name, count) = head.split_whitespace().last()?.split_once('[')?;
    let bytes: Option<Vec<u8>> = tail
        .trim()
        .strip_prefix('{')?
        .strip_suffix("};")?
        .split(',')
        .map(|it| it.trim().parse().ok())
        .collect();
    let mut bytes = bytes?;
    bytes.resize(count.trim_end_matches(']').parse().ok()?, 0);
    Some((name.to_owned(), bytes))
}

/// Whether a line outside of entries says nothing that matters.
fn is_known(line: &str) -> bool {
    line.is_empty()
        || [".version", ".target", ".address_size"].iter().any(|word| line.starts_with(word))
}

/// Whether a line of an entry says nothing that a launch could break.
fn is_frame(line: &str) -> bool {
    line.is_empty()
        || ["(", ")", "{", "}"].contains(&line)
        || line.starts_with(".reqntid")
        || line.starts_with(".maxntid")
        || line.starts_with(".maxnreg")
        || line.starts_with(".minnctapersm")
}

/// Names in shared memory.
#[derive(Clone, Debug, Default)]
struct Shared {
    places: BTreeMap<String, usize>,
    bytes: usize,
}

impl Shared {
    /// `.shared .align 16 .b8 name[4096];`, or `name[]`, which lies behind all others.
    fn declare(&mut self, line: &str) -> Result<(), String> {
        let unknown = || format!("`{line}` is not known");
        let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
        let align = words.iter().position(|word| *word == ".align").ok_or_else(unknown)?;
        let align: usize = words[align + 1].parse().map_err(|_| unknown())?;
        let (name, rest) = words[words.len() - 1].split_once('[').ok_or_else(unknown)?;
        let start = self.bytes.next_multiple_of(align);
        self.places.insert(name.to_owned(), start);
        if let Ok(bytes) = rest.trim_end_matches(']').parse::<usize>() {
            self.bytes = start + bytes;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Reader {
    parameters: Vec<String>,
    names: BTreeMap<String, usize>,
    /// The bits of registers whose names begin so.
    kinds: BTreeMap<String, u32>,
    labels: BTreeMap<String, usize>,
    /// Lists of labels.
    choices: BTreeMap<String, Vec<String>>,
    /// The addresses of numbers that are the module's own.
    tables: BTreeMap<String, u64>,
    shared: Shared,
    kernel: Kernel,
}

impl Reader {
    fn kernel<'t>(
        mut self,
        mut lines: impl Iterator<Item = &'t str>,
        shared: Shared,
    ) -> Result<Kernel, String> {
        self.shared = shared;
        let mut code = Vec::new();
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_suffix(": .branchtargets") {
                let mut targets = Vec::new();
                for target in lines.by_ref() {
                    targets.push(target.trim_end_matches([',', ';']).to_owned());
                    if target.ends_with(';') {
                        break;
                    }
                }
                self.choices.insert(name.to_owned(), targets);
            } else if let Some(label) = line.strip_suffix(':') {
                self.labels.insert(label.to_owned(), code.len());
            } else if let Some(rest) = line.strip_prefix(".param ") {
                let name = rest.trim_end_matches(',').split_whitespace().last().unwrap_or_default();
                let bytes =
                    if rest.starts_with(".u32") || rest.starts_with(".b32") { 4 } else { 8 };
                self.parameters.push(name.to_owned());
                self.kernel.parameters.push(bytes);
            } else if let Some(rest) = line.strip_prefix(".reg ") {
                let (kind, names) =
                    rest.split_once(char::is_whitespace).ok_or("registers without names")?;
                for name in names.trim_end_matches(';').split(',') {
                    let prefix = name.trim().split('<').next().unwrap_or_default().to_owned();
                    self.kinds.insert(prefix, bits(kind.trim_start_matches('.'))?);
                }
            } else if line.starts_with(".shared") {
                self.shared.declare(line)?;
            } else if line.starts_with("mma.") {
                // Its operands stand on lines of their own.
                let mut whole = (*line).to_owned();
                while !whole.ends_with(';') {
                    whole.push(' ');
                    whole.push_str(lines.next().ok_or("an instruction has no end")?);
                }
                code.push(whole);
            } else if line.ends_with(';') {
                code.push((*line).to_owned());
            } else if let Some(inside) = line
                .strip_prefix("{ .reg .b32 tmp; ")
                .or_else(|| line.strip_prefix("{ .reg .b16 tmp; "))
            {
                // A half of a number that nobody wants has a name of its own.
                code.push(inside.trim_end_matches('}').trim().to_owned());
            } else if line.starts_with(".local") {
                return Err(format!("`{line}`: no kernel has local memory"));
            } else if !is_frame(line) {
                return Err(format!("`{line}` is not known"));
            }
        }
        for line in &code {
            let instruction = self.instruction(line.trim_end_matches(';'))?;
            self.kernel.instructions.push(instruction);
        }
        self.kernel.shared = self.shared.bytes;
        Ok(self.kernel)
    }

    fn instruction(&mut self, line: &str) -> Result<Instruction, String> {
        let (mut line, mut guard) = (line, None);
        if let Some(rest) = line.strip_prefix('@') {
            let (predicate, rest) =
                rest.split_once(char::is_whitespace).ok_or("a guard of nothing")?;
            let negated = predicate.starts_with('!');
            guard = Some((self.register(predicate.trim_start_matches('!'))?, negated));
            line = rest.trim();
        }
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let words: Vec<&str> = name.split('.').collect();
        let operands: Result<Vec<Operand>, String> =
            split(rest).iter().map(|operand| self.operand(operand)).collect();
        let operands = operands?;
        let action = Action::of(&words, &operands, &self.kernel.registers)
            .map_err(|what| format!("{what}, in `{line}`"))?;
        Ok(Instruction { guard, text: line.to_owned(), action })
    }

    fn register(&mut self, name: &str) -> Result<usize, String> {
        if let Some(known) = self.names.get(name) {
            return Ok(*known);
        }
        let kind = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let bits = *self.kinds.get(kind).ok_or_else(|| format!("`{name}` is no register"))?;
        self.kernel.registers.push(bits);
        self.names.insert(name.to_owned(), self.names.len());
        Ok(self.names.len() - 1)
    }

    fn operand(&mut self, text: &str) -> Result<Operand, String> {
        if let Some(inside) = text.strip_prefix('{') {
            let parts = inside.trim_end_matches('}').split(',').map(str::trim);
            let parts: Result<Vec<Part>, String> = parts.map(|part| self.part(part)).collect();
            return Ok(Operand::Tuple(parts?));
        }
        if let Some(inside) = text.strip_prefix('[') {
            return self.memory(inside.trim_end_matches(']'));
        }
        // Of `%r1|%p1` the second says which lanes were there; all are.
        let text = text.split('|').next().unwrap_or_default();
        if let Some(targets) = self.choices.get(text) {
            let targets: Option<Vec<usize>> =
                targets.iter().map(|target| self.labels.get(target).copied()).collect();
            return targets.map(Operand::Targets).ok_or_else(|| format!("`{text}` leads nowhere"));
        }
        if let Some(position) = self.labels.get(text) {
            return Ok(Operand::Target(*position));
        }
        if let Some(place) = self.shared.places.get(text) {
            return Ok(Operand::Number(*place as u64));
        }
        if let Some(address) = self.tables.get(text) {
            return Ok(Operand::Number(*address));
        }
        if text.starts_with('%') {
            if text.contains('.') {
                let special = Special::of(text).ok_or_else(|| format!("`{text}` is not known"));
                return special.map(Operand::Special);
            }
            return self.register(text).map(Operand::Register);
        }
        number(text).map(Operand::Number).ok_or_else(|| format!("`{text}` is not known"))
    }

    fn part(&mut self, text: &str) -> Result<Part, String> {
        match (text, number(text)) {
            ("_" | "tmp", _) => Ok(Part::Nothing),
            (_, Some(number)) => Ok(Part::Number(number)),
            (name, None) => self.register(name).map(Part::Register),
        }
    }

    fn memory(&mut self, text: &str) -> Result<Operand, String> {
        let (base, offset) = match text.split_once('+') {
            Some((base, offset)) => (base, offset.parse().map_err(|_| format!("`[{text}]`"))?),
            None => (text, 0),
        };
        if let Some(parameter) = self.parameters.iter().position(|name| name == base) {
            return Ok(Operand::Parameter(parameter, offset as usize));
        }
        if let Some(place) = self.shared.places.get(base) {
            return Ok(Operand::Memory(None, *place as i64 + offset));
        }
        if let Some(address) = self.tables.get(base) {
            return Ok(Operand::Memory(None, address.cast_signed() + offset));
        }
        Ok(Operand::Memory(Some(self.register(base)?), offset))
    }
}

/// The operands between commas that stand in no braces.
fn split(text: &str) -> Vec<String> {
    let (mut out, mut depth) = (vec![String::new()], 0);
    for letter in text.chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if letter == ',' && depth == 0 {
            out.push(String::new());
        } else if let Some(last) = out.last_mut() {
            last.push(letter);
        }
    }
    out.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// The bits of a number: `12`, `-1`, `0x1F`, `0f3F800000` of an `f32`, `0d3FF0000000000000` of an `f64`, `true`.
fn number(text: &str) -> Option<u64> {
    if let Some(hex) =
        text.strip_prefix("0f").or(text.strip_prefix("0d")).or(text.strip_prefix("0x"))
    {
        return u64::from_str_radix(hex.trim_end_matches('U'), 16).ok();
    }
    match text {
        "true" => Some(1),
        "false" => Some(0),
        _ => text.parse::<i64>().map(i64::cast_unsigned).or_else(|_| text.parse()).ok(),
    }
}

/// The bits of a type.
pub(super) fn bits(kind: &str) -> Result<u32, String> {
    if kind == "pred" {
        return Ok(1);
    }
    let size = kind.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    size.parse().map_err(|_| format!("`{kind}` is no type"))
}
