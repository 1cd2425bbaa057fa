//! How many threads a call may use.
//!
//! Large nests of a call are cut into small ranges of iterations, which the calling thread and its helpers claim one by one,
//! so that a busy neighbour delays one range and not half of the work. Each begins with those that lie in a part of its own.
//! Which thread computes what changes no bit of a result.
//! Helpers start with the first nest that is worth them. Between jobs they spin for [`pool::SPIN`], then they sleep.
//! There is one team for a process: a call that finds it busy, from whatever thread, does its work alone.
//!
//! [`pool`] does the work; here is only the number.

#[expect(unsafe_code, reason = "helpers run generated code on memory of the calling thread")]
mod pool;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::Error;

pub(crate) use pool::Call;

/// More threads than this are never used.
const MOST: usize = 1024;

/// The number of threads; 0 before anybody asked.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads a call uses at most.
///
/// That is the number of processors that this process may use, unless the environment variable `DEFN_THREADS`
/// or [`set_threads`] says otherwise.
///
/// # Examples
/// ```
/// defn_runtime::set_threads(2);
/// assert_eq!(defn_runtime::threads(), 2);
/// ```
#[must_use]
pub fn threads() -> usize {
    limit().unwrap_or_else(|_| available())
}

/// Chooses how many threads a call uses at most, for all calls of the process that begin afterwards.
///
/// 1 means that every call stays on the thread that makes it; 0 brings back the number of processors.
/// Results have the same bits for every number of threads.
pub fn set_threads(count: usize) {
    let count = if count == 0 { available() } else { count };
    THREADS.store(count.min(MOST), Ordering::Relaxed);
}

/// As [`threads`]; an error if `DEFN_THREADS` is no number.
#[inline]
pub(crate) fn limit() -> Result<usize, Error> {
    match THREADS.load(Ordering::Relaxed) {
        0 => first(),
        known => Ok(known),
    }
}

#[cold]
fn first() -> Result<usize, Error> {
    let count = choose(std::env::var("DEFN_THREADS").ok().as_deref(), available)?;
    // Another thread may have chosen in the meantime.
    let known = THREADS.compare_exchange(0, count, Ordering::Relaxed, Ordering::Relaxed);
    Ok(known.err().unwrap_or(count))
}

/// The number in a word, or that of the processors for an empty word or 0.
fn choose(word: Option<&str>, available: fn() -> usize) -> Result<usize, Error> {
    let word = word.unwrap_or_default().trim();
    if word.is_empty() {
        return Ok(available());
    }
    match word.parse::<usize>() {
        Ok(0) => Ok(available()),
        Ok(count) => Ok(count.min(MOST)),
        Err(_) => Err(Error::UnknownThreads { word: word.to_owned() }),
    }
}

/// How many processors this process may use.
fn available() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_chosen_or_counted() {
        assert_eq!(choose(None, || 7), Ok(7));
        assert_eq!(choose(Some(" "), || 7), Ok(7));
        assert_eq!(choose(Some("0"), || 7), Ok(7));
        assert_eq!(choose(Some("3"), || 7), Ok(3));
        assert_eq!(choose(Some("99999"), || 7), Ok(MOST));
        assert_eq!(
            choose(Some("two"), || 7).unwrap_err().to_string(),
            "DEFN_THREADS is not a number of threads\n  found: two\n  help: unset DEFN_THREADS to use all processors"
        );
    }
}
