//! Keys of random streams.
//!
//! In:  a seed.   Out: a [`Key`], which functions split and draw from.
//!
//! Never here: drawing, which is the compiler's.

use crate::call::{Arguments, Builder};
use crate::leaves::Leaves;

/// What random numbers are drawn from: the same key gives the same numbers, on every machine and for any number of threads.
///
/// A key is used once. Whoever needs several splits it inside of a function: `let (a, b) = key.split();`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Its two words, as other libraries keep them.
    #[must_use]
    pub const fn words(self) -> [u32; 2] {
        [(self.0 >> 32) as u32, self.0 as u32]
    }

    /// Both words as one number.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// The key of these words.
    #[must_use]
    pub const fn from_words([first, second]: [u32; 2]) -> Self {
        Self((first as u64) << 32 | second as u64)
    }
}

impl Leaves for Key {
    #[inline]
    fn read<'a>(&'a self, arguments: &mut Arguments<'a>) {
        arguments.read_scalar(&self.0);
    }

    #[inline]
    fn update<'a>(&'a mut self, arguments: &mut Arguments<'a>) {
        arguments.update_scalar(&mut self.0);
    }

    #[inline]
    fn build(results: &mut Builder) -> Self {
        Self(results.take_scalar())
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn words_are_halves() {
        let key = Key::new(0x0123_4567_89ab_cdef);
        assert_eq!(key.words(), [0x0123_4567, 0x89ab_cdef]);
        assert_eq!(Key::from_words(key.words()), key);
    }
}
