//! LLVM's object file as bytes that run wherever they stand.
//!
//! In:  a module whose code and constants name only each other.
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

use inkwell::module::Module;
use inkwell::targets::{FileType, TargetMachine};

/// What the piece, and so every constant in it, may rely on.
pub(super) const ALIGNMENT: usize = 64;

/// The bytes of a module, which begin with its entry.
pub(super) fn bytes(module: &Module<'_>, machine: &TargetMachine) -> Option<Vec<u8>> {
    let written = machine.write_to_memory_buffer(module, FileType::Object);
    let buffer = written
        .unwrap_or_else(|message| crate::bug!("llvm", "LLVM writes no object file: {message}"));
    Object { file: buffer.as_slice() }.flatten()
}

/// The entry of the module, as its name ends.
const ENTRY: &[u8] = b"defn_entry\0";

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
/// `jmp` with a distance of 32 bits.
const JUMP: u8 = 0xE9;

impl Object<'_> {
    fn flatten(&self) -> Option<Vec<u8>> {
        let is_ours = self.file.starts_with(MAGIC) && self.number(18, 2)? == X86_64;
        let sections = is_ours.then(|| self.sections())??;
        let mut piece = vec![0; ALIGNMENT];
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
        let table = sections.iter().find(|section| section.kind == SYMBOLS)?;
        let names = sections[table.link].offset;
        for section in sections.iter().filter(|section| section.kind == RELOCATIONS) {
            // What is not in memory, nobody reads.
            let Some(start) = *starts.get(section.info)? else { continue };
            for entry in (section.offset..section.offset + section.size).step_by(24) {
                let (place, kind) = (start + self.size(entry)?, self.number(entry + 8, 4)?);
                let target = self.symbol(table, &starts, self.size4(entry + 12)?)?;
                if !DISTANCES.contains(&kind) {
                    return None;
                }
                let added = self.number(entry + 16, 8)?.cast_signed();
                fill(&mut piece, place, i64::try_from(target).ok()?.checked_add(added)?)?;
            }
        }
        let is_entry = |index: &usize| {
            let name = self
                .size4(table.offset + index * 24)
                .and_then(|name| self.file.get(names + name..));
            name.is_some_and(|name| name.starts_with(ENTRY))
        };
        let entry = (0..table.size / 24).find(is_entry)?;
        let entry = self.symbol(table, &starts, entry)?;
        // A distance counts from the end of the jump, four bytes behind the place where it is written.
        piece[0] = JUMP;
        fill(&mut piece, 1, i64::try_from(entry).ok()? - 4)?;
        Some(piece)
    }

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

    /// Where a symbol stands in the piece.
    fn symbol(&self, table: &Section, starts: &[Option<usize>], index: usize) -> Option<usize> {
        let at = table.offset + index * 24;
        let section = usize::try_from(self.number(at + 6, 2)?).ok()?;
        let start = (*starts.get(section)?)?;
        Some(start + self.size(at + 8)?)
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
