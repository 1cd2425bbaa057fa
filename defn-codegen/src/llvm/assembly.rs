//! Machine code as text that may stand in the body of any naked function, any number of times.
//!
//! In:  bytes, or the assembly of a module.   Out: text for the assembler that rustc carries.
//!
//! ```text
//! before                              after
//!                                     .macro __defn p
//!                                         jmp defn_entry_\@
//!     .file "f"                           .pushsection .text.defn,"ax",@progbits
//!     .globl defn_entry
//! defn_entry:                         defn_entry_\@:
//!     jmp .LBB0_2                         jmp .LBB0_2_\@
//!                                     …   .endm
//! ```
//!
//! Bytes are copied as they are. In a text every name gets the assembler's own counter `\@`, which differs at each use of a
//! macro, so that identical text may occur any number of times in one object, merged by link-time optimisation too.
//! Code goes to a section of its own, so that the linker drops what is not called.

use crate::options::Level;

/// Directives that belong to a file, not to its code.
const OF_FILES: &[&str] =
    &[".file", ".ident", ".globl", ".addrsig", ".addrsig_sym", ".build_version", ".cfi_sections"];

/// Bytes as text. `.base64` is the directive that an assembler reads fastest.
pub fn copy(bytes: &[u8], alignment: usize) -> String {
    format!(".balign {alignment}\n.base64 \"{}\"", base64(bytes))
}

/// The digits of base 64, three bytes in four.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |position: usize| usize::from(chunk.get(position).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_filling = digit > chunk.len();
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if is_filling { '=' } else { char::from(DIGITS[value]) });
        }
    }
    text
}

/// The assembly of a module as text: see the page above.
pub fn embed(assembly: &str, level: Level) -> String {
    // The parameter of the macro must be mentioned once, or LLVM warns;
    // without a parameter, macOS would expand `$1` in the text.
    let (comment, jump) = match level {
        Level::V3 | Level::V4 => ("#", "jmp"),
        Level::Neon => ("//", "b"),
    };
    let body = numbered(assembly);
    format!(
        ".macro __defn p\n{comment} \\p\n\t{jump}\tdefn_entry_\\@\n\t.pushsection .text.defn,\"ax\",@progbits\n\
         {body}\t.popsection\n.endm\n__defn 0\n.purgem __defn"
    )
}

/// The text with the counter behind each name, without what belongs to a file.
fn numbered(assembly: &str) -> String {
    let mut text = String::with_capacity(assembly.len() + assembly.len() / 8);
    for line in assembly.lines() {
        let line = without_comment(line).trim_end();
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let is_stack_note = first == ".section" && line.contains(".note.GNU-stack");
        if line.is_empty() || OF_FILES.contains(&first) || is_stack_note {
            continue;
        }
        if first == ".text" {
            text.push_str("\t.section\t.text.defn_entry_\\@,\"ax\",@progbits\n");
            continue;
        }
        number_symbols(line, &mut text);
        text.push('\n');
    }
    text
}

/// A symbol that the text uses and does not define, if there is one.
pub fn undefined_symbol(assembly: &str) -> Option<&str> {
    let defined: std::collections::BTreeSet<&str> = assembly
        .lines()
        .filter_map(|line| without_comment(line).trim_end().strip_suffix(':'))
        .collect();
    let instructions = assembly
        .lines()
        .map(without_comment)
        .filter(|line| line.starts_with('\t') && !line.trim_start().starts_with('.'));
    instructions.flat_map(symbols_of_instruction).find(|symbol| !defined.contains(symbol))
}

/// The symbols that an instruction names: what it jumps to or calls, and what it addresses relative to itself.
fn symbols_of_instruction(line: &str) -> Vec<&str> {
    let mut words = line.trim().splitn(2, char::is_whitespace);
    let (mnemonic, operands) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_x86_jump = mnemonic.starts_with('j') || mnemonic.starts_with("call");
    let is_arm_jump = matches!(mnemonic, "b" | "bl" | "cbz" | "cbnz" | "tbz" | "tbnz")
        || mnemonic.starts_with("b.");
    let is_jump = is_x86_jump || is_arm_jump;
    let operands: Vec<&str> = operands.split([',', ' ', '[', ']']).map(str::trim).collect();
    let mut symbols = Vec::new();
    for (position, operand) in operands.iter().enumerate() {
        let is_target = is_jump && position + 1 == operands.len() && is_symbol(operand);
        let relative = operand.strip_suffix("(%rip)");
        let page = operand.strip_prefix(":lo12:").or_else(|| operand.strip_prefix(":got_lo12:"));
        let is_page = mnemonic == "adrp" && position + 1 == operands.len();
        let found = relative.or(page).or((is_target || is_page).then_some(operand));
        // `symbol+8` and `symbol@PLT` are places near a symbol.
        symbols.extend(found.map(|name| name.split(['+', '@']).next().unwrap_or(name)));
    }
    symbols.retain(|name| is_symbol(name));
    symbols
}

/// A register has a `%` on x86, and an indirect jump a `*`.
fn is_symbol(operand: &str) -> bool {
    operand
        .starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '.' || letter == '_')
}

/// Comments begin with `#` on x86 and with `//` on aarch64; texts in quotes hold neither.
fn without_comment(line: &str) -> &str {
    let mut is_quoted = false;
    let mut last = '\0';
    for (at, letter) in line.char_indices() {
        match letter {
            '"' if last != '\\' => is_quoted = !is_quoted,
            // On aarch64 `#` begins a number, and a comment of x86 stands behind white space.
            '#' if !is_quoted
                && (at == 0 || last.is_whitespace())
                && !is_number(&line[at + 1..]) =>
            {
                return &line[..at];
            }
            '/' if !is_quoted && last == '/' => return &line[..at - 1],
            _ => {}
        }
        last = letter;
    }
    line
}

fn is_number(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-' || letter == ':')
}

/// Copies a line and puts `_\@` behind every label and every name of ours, but not inside of texts in quotes.
fn number_symbols(line: &str, text: &mut String) {
    let (mut rest, mut is_quoted, mut last) = (line, false, '\0');
    while let Some(first) = rest.chars().next() {
        let length = word_length(rest);
        if is_quoted || length == 0 {
            is_quoted ^= first == '"' && last != '\\';
            text.push(first);
            last = first;
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, behind) = rest.split_at(length);
        text.push_str(word);
        if word.starts_with(".L") || word.starts_with("defn_") {
            text.push_str("_\\@");
        }
        last = '\0';
        rest = behind;
    }
}

/// The length of the name, number or directive at the beginning.
fn word_length(text: &str) -> usize {
    let belongs =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '$');
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::{base64, embed, numbered, undefined_symbol};
    use crate::options::Level;

    #[test]
    fn labels_and_names_are_numbered() {
        let text = "\t.file\t\"f\"\n\t.text\n\t.globl\tdefn_entry  # -- Begin\ndefn_entry:\n\tjmp\t.LBB0_2 # why\n\
                    .LBB0_2:\n\tleaq\t.LCPI0_0+8(%rip), %rax\n\tvaddps\t(%rax), %ymm0, %ymm0\n\t.section\t\".note.GNU-stack\",\"\",@progbits\n";
        assert_eq!(
            numbered(text),
            "\t.section\t.text.defn_entry_\\@,\"ax\",@progbits\ndefn_entry_\\@:\n\tjmp\t.LBB0_2_\\@\n.LBB0_2_\\@:\n\
             \tleaq\t.LCPI0_0_\\@+8(%rip), %rax\n\tvaddps\t(%rax), %ymm0, %ymm0\n"
        );
    }

    #[test]
    fn texts_and_numbers_stay() {
        let line = "\t.ascii\t\"a .L1 # \\\" defn_x\"";
        assert_eq!(numbered(line), format!("{line}\n"));
        assert_eq!(numbered("\tmov\tx0, #16 // sixteen"), "\tmov\tx0, #16\n");
    }

    #[test]
    fn a_wrapper_jumps_in_the_words_of_its_processor() {
        let arm = embed("\t.text\ndefn_entry:\n\tret // done\n", Level::Neon);
        assert!(arm.contains("\n// \\p\n\tb\tdefn_entry_\\@\n"), "{arm}");
        assert!(!arm.contains("jmp") && !arm.contains("done"), "{arm}");
        let x86 = embed("\t.text\ndefn_entry:\n\tretq # done\n", Level::V3);
        assert!(x86.contains("\n# \\p\n\tjmp\tdefn_entry_\\@\n"), "{x86}");
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        // The examples of RFC 4648.
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn calls_of_strangers_are_found() {
        let own = "a:\n\tcallq\ta\n\tjne\t.L1\n.L1:\n\tmovl\t$1, %eax\n";
        assert_eq!(undefined_symbol(own), None);
        assert_eq!(undefined_symbol("a:\n\tcallq\tfmod@PLT\n"), Some("fmod"));
        assert_eq!(undefined_symbol("a:\n\tjmp\tmemset # TAILCALL\n"), Some("memset"));
        assert_eq!(undefined_symbol("a:\n\tbl\tfmod\n"), Some("fmod"));
        assert_eq!(undefined_symbol("a:\n\tjmpq\t*%rax\n\tret\n"), None);
    }
}
