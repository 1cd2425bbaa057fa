//! LLVM's object files as bytes that run wherever they stand.
//!
//! In:  modules whose code and constants name only each other.
//! Out: its code and constants in one piece, for an assembler to copy; nothing if that is impossible.
//!
//! ```text
//! .text          defn_entry: … vaddps .LCPI0_0(%rip), %ymm0, %ymm0        jmp defn_entry
//! .rodata.cst4   .LCPI0_0: 1.0                                       ->   .text with the distance filled in
//! .rela.text     R_X86_64_PC32 .LCPI0_0                                   .rodata.cst4
//! ```
//!
//! rustc assembles whatever a crate holds again for every change, and an assembler reads instructions a hundred times slower
//! than bytes. Bytes are also a quarter as long, and they need no names, so they may occur any number of times.
//!
//! Afterwards: every address is relative to the place where it stands, and the piece is aligned to [`ALIGNMENT`].
//! Never here: symbols of others, data that is written, addresses that a loader must fill in; with them nothing comes back.

use std::collections::BTreeMap;

use inkwell::module::Module;
use inkwell::targets::{FileType, TargetMachine};

/// What the piece, and so every constant in it, may rely on.
pub(super) const ALIGNMENT: usize = 64;

/// The object file of a module.
pub(super) fn file(module: &Module<'_>, machine: &TargetMachine) -> Vec<u8> {
    let written = machine.write_to_memory_buffer(module, FileType::Object);
    let buffer = written
        .unwrap_or_else(|message| crate::bug!("llvm", "LLVM writes no object file: {message}"));
    buffer.as_slice().to_vec()
}

/// The bytes of some object files that need each other and nothing else. They begin with the entry, which one of them has.
pub(super) fn joined(files: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut piece = vec![0; ALIGNMENT];
    let objects: Vec<Placed<'_>> =
        files.iter().map(|file| Object { file }.place(&mut piece)).collect::<Option<_>>()?;
    let mut known = BTreeMap::new();
    for object in &objects {
        object.define(&mut known)?;
    }
    for object in &objects {
        object.fill(&mut piece, &known)?;
    }
    // A distance counts from the end of the jump, four bytes behind the place where it is written.
    piece[0] = JUMP;
    fill(&mut piece, 1, i64::try_from(*known.get(ENTRY)?).ok()? - 4)?;
    Some(piece)
}

/// The name of the entry.
const ENTRY: &[u8] = b"defn_entry";

/// An object file in the format ELF, for x86-64, as the System V ABI describes it.
struct Object<'f> {
    file: &'f [u8],
}

/// One section: the fields of its header that matter.
#[derive(Clone, Copy)]
struct Section {
    kind: u64,
    flags: u64,
    offset: usize,
    size: usize,
    link: usize,
    info: usize,
    alignment: usize,
}

/// `\x7fELF`, 64 bits, little endian.
const MAGIC: &[u8] = b"\x7fELF\x02\x01";
/// The number of x86-64.
const X86_64: u64 = 62;
/// A section that the program reads as it is.
const CONTENT: u64 = 1;
/// A table of symbols.
const SYMBOLS: u64 = 2;
/// Places to fill in, with what is added to each.
const RELOCATIONS: u64 = 4;
/// A section that is in memory when the program runs.
const IN_MEMORY: u64 = 2;
/// A section that the program writes.
const WRITTEN: u64 = 1;
/// 32 bits: the distance from the place to a symbol; the second form is of calls.
const DISTANCES: [u64; 2] = [2, 4];
/// Bytes of a symbol in its table.
const SYMBOL: usize = 24;
/// The section of a symbol of others.
const UNDEFINED: u64 = 0;
/// A symbol that others do not see.
const LOCAL: u64 = 0;
/// `jmp` with a distance of 32 bits.
const JUMP: u8 = 0xE9;

/// An object whose sections stand in the piece.
struct Placed<'f> {
    object: Object<'f>,
    sections: Vec<Section>,
    /// Where each section begins, if the program has it.
    starts: Vec<Option<usize>>,
    /// The table of symbols, and where their names are.
    table: Section,
    names: usize,
}

impl<'f> Object<'f> {
    /// Copies code and constants behind what is there.
    fn place(self, piece: &mut Vec<u8>) -> Option<Placed<'f>> {
        let is_ours = self.file.starts_with(MAGIC) && self.number(18, 2)? == X86_64;
        let sections = is_ours.then(|| self.sections())??;
        let mut starts = vec![None; sections.len()];
        for (index, section) in sections.iter().enumerate() {
            if section.flags & IN_MEMORY == 0 || section.size == 0 {
                continue;
            }
            let is_plain = section.kind == CONTENT && section.flags & WRITTEN == 0;
            if !is_plain || section.alignment > ALIGNMENT {
                return None;
            }
            piece.resize(piece.len().next_multiple_of(section.alignment.max(1)), 0);
            starts[index] = Some(piece.len());
            piece.extend_from_slice(self.file.get(section.offset..)?.get(..section.size)?);
        }
        let table = *sections.iter().find(|section| section.kind == SYMBOLS)?;
        let names = sections[table.link].offset;
        Some(Placed { object: self, sections, starts, table, names })
    }
}

impl<'f> Placed<'f> {
    /// Adds the symbols that others may use.
    fn define(&self, known: &mut BTreeMap<&'f [u8], usize>) -> Option<()> {
        for index in 0..self.table.size / SYMBOL {
            let information = self.object.number(self.table.offset + index * SYMBOL + 4, 1)?;
            let section = self.section_of(index)?;
            if information >> 4 != LOCAL && section != UNDEFINED {
                known.insert(self.name(index)?, self.here(index)?);
            }
        }
        Some(())
    }

    /// Fills in the distances between what is in the piece.
    fn fill(&self, piece: &mut [u8], known: &BTreeMap<&[u8], usize>) -> Option<()> {
        let object = &self.object;
        for section in self.sections.iter().filter(|section| section.kind == RELOCATIONS) {
            // What is not in memory, nobody reads.
            let Some(start) = *self.starts.get(section.info)? else { continue };
            for entry in (section.offset..section.offset + section.size).step_by(24) {
                let (place, kind) = (start + object.size(entry)?, object.number(entry + 8, 4)?);
                let symbol = object.size4(entry + 12)?;
                let target = if self.section_of(symbol)? == UNDEFINED {
                    *known.get(self.name(symbol)?)?
                } else {
                    self.here(symbol)?
                };
                if !DISTANCES.contains(&kind) {
                    return None;
                }
                let added = object.number(entry + 16, 8)?.cast_signed();
                fill(piece, place, i64::try_from(target).ok()?.checked_add(added)?)?;
            }
        }
        Some(())
    }

    /// The section that a symbol is in.
    fn section_of(&self, symbol: usize) -> Option<u64> {
        self.object.number(self.table.offset + symbol * SYMBOL + 6, 2)
    }

    /// Where a symbol of this object stands in the piece.
    fn here(&self, symbol: usize) -> Option<usize> {
        let start = (*self.starts.get(usize::try_from(self.section_of(symbol)?).ok()?)?)?;
        Some(start + self.object.size(self.table.offset + symbol * SYMBOL + 8)?)
    }

    fn name(&self, symbol: usize) -> Option<&'f [u8]> {
        let name = self.object.size4(self.table.offset + symbol * SYMBOL)?;
        self.object.file.get(self.names + name..)?.split(|byte| *byte == 0).next()
    }
}

impl Object<'_> {
    fn sections(&self) -> Option<Vec<Section>> {
        let (first, count) = (self.size(40)?, self.number(60, 2)?);
        let header = |index: u64| {
            let at = first + usize::try_from(index).ok()? * 64;
            Some(Section {
                kind: self.number(at + 4, 4)?,
                flags: self.number(at + 8, 8)?,
                offset: self.size(at + 24)?,
                size: self.size(at + 32)?,
                link: self.size4(at + 40)?,
                info: self.size4(at + 44)?,
                alignment: self.size(at + 48)?,
            })
        };
        let sections: Vec<Section> = (0..count).map(header).collect::<Option<_>>()?;
        let is_within = |section: &Section| {
            section.link < sections.len()
                && (section.kind != RELOCATIONS || section.info < sections.len())
        };
        sections.iter().all(is_within).then_some(sections)
    }

    /// A number of so many bytes.
    fn number(&self, at: usize, bytes: usize) -> Option<u64> {
        let bytes = self.file.get(at..at + bytes)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn size(&self, at: usize) -> Option<usize> {
        usize::try_from(self.number(at, 8)?).ok()
    }

    fn size4(&self, at: usize) -> Option<usize> {
        usize::try_from(self.number(at, 4)?).ok()
    }
}

/// Writes the distance from a place to a target.
fn fill(piece: &mut [u8], place: usize, target: i64) -> Option<()> {
    let distance = i32::try_from(target - i64::try_from(place).ok()?).ok()?;
    piece.get_mut(place..place + 4)?.copy_from_slice(&distance.to_le_bytes());
    Some(())
}
