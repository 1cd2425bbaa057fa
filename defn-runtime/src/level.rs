//! Which of the compiled entries this processor runs.
//!
//! The level is found once for a process.
//! `DEFN_LEVEL=v3` or `v4` forces one; an unknown word, or a level that the processor lacks, is an error of every call.

use std::fmt::{self, Display};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::abi::{Entry, Function};
use crate::error::Error;

/// A set of instructions that code is compiled for.
///
/// On one architecture a later level includes the earlier ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Level {
    /// x86-64-v3: AVX2, FMA, F16C, BMI1, BMI2, LZCNT, MOVBE.
    V3 = 1,
    /// x86-64-v4: v3 and AVX-512 F, BW, CD, DQ, VL.
    V4,
    /// AArch64 with NEON, which every such processor has.
    Neon,
}

/// The level as a number once it is found without an error.
static KNOWN: AtomicU8 = AtomicU8::new(0);

impl Level {
    /// The word by which `DEFN_LEVEL` names the level.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
            Self::Neon => "neon",
        }
    }

    /// The level that calls use: the highest that the processor has, or the one that `DEFN_LEVEL` names.
    ///
    /// # Errors
    /// The processor must have the lowest level of its architecture, and the forced level if there is one.
    #[inline]
    pub fn current() -> Result<Self, Error> {
        match KNOWN.load(Ordering::Relaxed) {
            known if known == Self::V4 as u8 => Ok(Self::V4),
            known if known == Self::V3 as u8 => Ok(Self::V3),
            known if known == Self::Neon as u8 => Ok(Self::Neon),
            _ => Self::find(),
        }
    }

    #[cold]
    fn find() -> Result<Self, Error> {
        static LEVEL: OnceLock<Result<Level, Error>> = OnceLock::new();
        match LEVEL.get_or_init(|| choose(std::env::var("DEFN_LEVEL").ok().as_deref(), detect())) {
            Ok(level) => {
                KNOWN.store(*level as u8, Ordering::Relaxed);
                Ok(*level)
            }
            Err(error) => Err(error.clone()),
        }
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The level that `forced` names, or the best there is.
fn choose(forced: Option<&str>, best: Option<Level>) -> Result<Level, Error> {
    let best = best.ok_or(Error::UnsupportedCpu)?;
    let Some(word) = forced.filter(|word| !word.is_empty()) else { return Ok(best) };
    let known = [Level::V3, Level::V4, Level::Neon].into_iter().find(|level| level.word() == word);
    let wanted = known.ok_or_else(|| Error::UnknownLevel { word: word.to_owned() })?;
    let includes = match (best, wanted) {
        (Level::V4, Level::V3) => true,
        (best, wanted) => best == wanted,
    };
    if includes { Ok(wanted) } else { Err(Error::LevelUnavailable { wanted, best }) }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Option<Level> {
    macro_rules! all { ($($feature:tt)*) => { true $(&& std::arch::is_x86_feature_detected!($feature))* }; }
    if !all!("avx2" "fma" "f16c" "bmi1" "bmi2" "lzcnt" "movbe") {
        return None;
    }
    if all!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl") {
        Some(Level::V4)
    } else {
        Some(Level::V3)
    }
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Option<Level> {
    Some(Level::Neon)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Option<Level> {
    None
}

impl Function {
    /// The best entry for this processor.
    #[inline]
    pub(crate) fn entry(&self) -> Result<Entry, Error> {
        let level = Level::current()?;
        let mut best: Option<&(Level, Entry)> = None;
        for entry in self.entries {
            if entry.0 <= level && best.is_none_or(|best| best.0 <= entry.0) {
                best = Some(entry);
            }
        }
        match best {
            Some((_, entry)) => Ok(*entry),
            None => Err(Error::NoCode { function: self.signature.name, level }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_level_is_taken_unless_one_is_forced() {
        assert_eq!(choose(None, Some(Level::V4)), Ok(Level::V4));
        assert_eq!(choose(Some(""), Some(Level::V4)), Ok(Level::V4));
        assert_eq!(choose(Some("v3"), Some(Level::V4)), Ok(Level::V3));
        assert_eq!(choose(Some("neon"), Some(Level::Neon)), Ok(Level::Neon));
    }

    #[test]
    fn what_cannot_be_had_is_an_error_that_says_so() {
        let text = |forced, best| choose(forced, best).unwrap_err().to_string();
        assert_eq!(
            text(Some("v4"), Some(Level::V3)),
            "this processor cannot run the level that DEFN_LEVEL forces\n  forced:    v4\n  processor: v3\n  help: unset DEFN_LEVEL, or set it to `v3`"
        );
        assert_eq!(
            text(Some("avx"), Some(Level::V3)),
            "DEFN_LEVEL names an unknown level\n  found: avx\n  known: v3, v4, neon\n  help: unset DEFN_LEVEL to use the best level of the processor"
        );
        assert!(text(Some("v3"), None).starts_with("this processor is too old"));
        assert!(text(Some("neon"), Some(Level::V4)).contains("neon"));
    }
}
