//! What the assembler says of kernels, and what is made of it.
//!
//! In: the text of `ptxas --verbose`.   Out: the needs of each kernel, and a table of the largest.
//!
//! ```text
//! ptxas info    : Compiling entry function 'softmax_0' for 'sm_80'
//! ptxas info    : Function properties for softmax_0
//!     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
//! ptxas info    : Used 34 registers, used 1 barriers, 128 bytes smem, 392 bytes cmem[0]
//! ```

use std::fmt::Write as _;

use crate::Outcome;

/// How many kernels the table has.
const LARGEST: usize = 10;

/// What a kernel needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kernel {
    pub(super) name: String,
    module: String,
    architecture: String,
    registers: u32,
    /// Bytes that do not fit into registers, stored and loaded.
    spilled: u32,
    /// Bytes of memory of each thread, spills among them.
    stack: u32,
    shared: u32,
}

/// The name of the kernel that a line of PTX begins.
pub(super) fn entry(line: &str) -> Option<&str> {
    line.trim().strip_prefix(".visible .entry ")?.split('(').next()
}

/// The kernels that the assembler speaks of.
pub(super) fn kernels(said: &str, architecture: &str, module: &str) -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for line in said.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            kernels.push(Kernel {
                name: rest.split('\'').next().unwrap_or_default().to_owned(),
                module: module.to_owned(),
                architecture: architecture.to_owned(),
                ..Kernel::default()
            });
        }
        let Some(kernel) = kernels.last_mut() else { continue };
        if line.contains("spill stores") {
            kernel.stack = before(line, " bytes stack frame");
            kernel.spilled =
                before(line, " bytes spill stores") + before(line, " bytes spill loads");
        }
        if line.contains(": Used ") {
            kernel.registers = before(line, " registers");
            kernel.shared = before(line, " bytes smem");
        }
    }
    kernels
}

/// The number in front of some words; 0 if they do not occur.
fn before(line: &str, words: &str) -> u32 {
    let Some((front, _)) = line.split_once(words) else { return 0 };
    let number = front.rsplit(|letter: char| !letter.is_ascii_digit()).next();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The table; an error if a hot kernel spills.
pub(super) fn report(kernels: &[Kernel]) -> Outcome {
    let mut text = String::new();
    let mut architectures: Vec<&str> =
        kernels.iter().map(|kernel| kernel.architecture.as_str()).collect();
    architectures.dedup();
    for architecture in &architectures {
        let of = || kernels.iter().filter(|kernel| kernel.architecture == *architecture);
        let spilling = of().filter(|kernel| kernel.spilled > 0).count();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{architecture}: {} kernels, of which {spilling} spill; most registers {}, most shared memory {} bytes",
            of().count(),
            of().map(|kernel| kernel.registers).max().unwrap_or(0),
            of().map(|kernel| kernel.shared).max().unwrap_or(0),
        );
    }
    let mut largest: Vec<&Kernel> = kernels.iter().collect();
    largest.sort_by_key(|kernel| std::cmp::Reverse((kernel.spilled, kernel.registers)));
    text += "\n| kernel | of | for | registers | spilled bytes | stack | shared bytes |\n|---|---|---|---|---|---|---|\n";
    for kernel in largest.iter().take(LARGEST) {
        let Kernel { name, module, architecture, registers, spilled, stack, shared } = kernel;
        let _ = writeln!(
            text,
            "| {name} | {module} | {architecture} | {registers} | {spilled} | {stack} | {shared} |"
        );
    }
    let hot: Vec<String> = kernels
        .iter()
        .filter(|kernel| kernel.spilled > 0)
        .map(|kernel| format!("{} of {} for {}", kernel.name, kernel.module, kernel.architecture))
        .collect();
    if hot.is_empty() {
        return Ok(text);
    }
    Err(format!("{text}\nspills in hot kernels: {}", hot.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'a_0' for 'sm_80'
ptxas info    : Function properties for a_0
    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 34 registers, used 1 barriers, 16 bytes cumulative stack size, 128 bytes smem, 392 bytes cmem[0]
ptxas info    : Compile time = 1.000 ms
ptxas info    : Compiling entry function 'a_1' for 'sm_80'
ptxas info    : Function properties for a_1
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers, 376 bytes cmem[0]
";

    #[test]
    fn what_the_assembler_says_is_understood() {
        let kernels = kernels(SAID, "sm_80", "a");
        let needs = |kernel: &Kernel| (kernel.registers, kernel.spilled, kernel.shared);
        assert_eq!(kernels.iter().map(needs).collect::<Vec<_>>(), [(34, 12, 128), (8, 0, 0)]);
        assert_eq!(kernels[0].stack, 16);
        assert_eq!(kernels[1].name, "a_1");
    }

    #[test]
    fn a_spill_is_a_failure() {
        let [spills, other] = kernels(SAID, "sm_80", "a").try_into().expect("there are two");
        assert!(report(&[spills]).is_err());
        assert!(report(&[other]).is_ok());
    }

    #[test]
    fn entries_are_found() {
        assert_eq!(entry(".visible .entry a_0("), Some("a_0"));
        assert_eq!(entry("// .globl a_0"), None);
    }
}
