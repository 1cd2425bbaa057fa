//! What is compiled apart from each other.
//!
//! In:  loops.   Out: the functions that are needed, the calls of them, and parts of about equal work: a module each.
//!
//! ```text
//! nests 0 to 76   ->   59 functions, as nests that are alike share one   ->   the entry point · functions 0 to 6 · 7 to 15 · …
//! ```
//!
//! LLVM uses one processor for a module. The parts do not depend on how many processors there are, so that the code does not either.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::alike::{Alike, Read, alike};
use super::entry::called_under;
use crate::loops::{BufferId, Expr, Loops, visit};

/// Functions, and the calls of them.
pub(super) struct Functions<'l> {
    /// The whole.
    pub(super) loops: &'l Loops,
    /// Each the only nest of its loops, without names.
    pub(super) functions: Vec<Loops>,
    /// One for each nest, in order; none for a marker.
    pub(super) calls: Vec<Option<Call>>,
}

/// The call of a nest.
pub(super) struct Call {
    /// Which function.
    pub(super) function: usize,
    /// Its buffers, in the order of the parameters.
    pub(super) buffers: Vec<BufferId>,
    /// The numbers that it reads, in the order of its table.
    pub(super) extents: Vec<Read>,
    /// Under which condition it is called; none for always.
    pub(super) condition: Option<Expr>,
}

/// A module: some functions, or the entry point, or everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) functions: Range<usize>,
    pub(super) has_entry: bool,
}

/// A part has at least so many statements: smaller modules cost more each than they gain, three percent in all with a third of it.
const STATEMENTS: usize = 900;

impl<'l> Functions<'l> {
    /// The functions of loops.
    pub(super) fn of(loops: &'l Loops) -> Self {
        let (mut functions, mut calls) = (Vec::new(), Vec::new());
        for nest in &loops.nests {
            if nest.control.is_some() {
                calls.push(None);
                continue;
            }
            let (condition, body) = called_under(nest);
            let Alike { loops: without_names, buffers, extents } = alike(loops, nest, body);
            let known = functions.iter().position(|known| *known == without_names);
            let function = known.unwrap_or(functions.len());
            if known.is_none() {
                functions.push(without_names);
            }
            let condition = condition.cloned();
            calls.push(Some(Call { function, buffers, extents, condition }));
        }
        Self { loops, functions, calls }
    }

    /// Everything in one.
    pub(super) fn whole(&self) -> Part {
        Part { functions: 0..self.functions.len(), has_entry: true }
    }

    /// The parts: the whole if it is small.
    pub(super) fn parts(&self) -> Vec<Part> {
        let (mut parts, mut first, mut size) = (Vec::new(), 0, 0);
        for (position, function) in self.functions.iter().enumerate() {
            size += statements(function);
            if size >= STATEMENTS {
                parts.push(Part { functions: first..position + 1, has_entry: false });
                (first, size) = (position + 1, 0);
            }
        }
        let rest = first..self.functions.len();
        if parts.len() + usize::from(!rest.is_empty()) <= 1 {
            return vec![self.whole()];
        }
        if !rest.is_empty() {
            parts.push(Part { functions: rest, has_entry: false });
        }
        // The entry point is one long function, and should not be begun last.
        parts.insert(0, Part { functions: 0..0, has_entry: true });
        parts
    }
}

fn statements(loops: &Loops) -> usize {
    let mut count = 0;
    for nest in &loops.nests {
        visit::statements(&nest.body, &mut |_| count += 1);
    }
    count
}

/// What `make` makes of each item, on as many processors as there are.
pub(super) fn side_by_side<T: Sync, R: Send>(items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    if workers <= 1 {
        return items.iter().map(make).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((position, item)) = {
            let position = next.fetch_add(1, Ordering::Relaxed);
            items.get(position).map(|item| (position, item))
        } {
            done.push((position, make(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Level;

    fn program(nests: &str) -> Loops {
        let text = format!(
            "loops f<n, m> workspace 0 private 0 {{\n  buffer x: f32[n, m] = parameter 0\n  buffer y: f32[n, m] = parameter 1\n  \
             buffer r0: f32[n, m] = result 0\n  buffer r1: f32[n, m] = result 1\n{nests}}}\n"
        );
        crate::loops::parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// How many functions the nests of a program have.
    fn functions(nests: &str) -> usize {
        let loops = program(nests);
        let functions = Functions::of(&loops);
        assert_eq!(functions.calls.len(), loops.nests.len(), "every nest is called");
        functions.functions.len()
    }

    /// A loop that negates a row.
    fn row(variable: usize, extent: &str, from: &str, to: &str) -> String {
        format!(
            "for i{variable} in 0..{extent} lanes 8 {{ let %{variable}: f32 = load {from}[i{variable}] \
             store {to}[i{variable}] = neg(%{variable}) }}"
        )
    }

    fn nests(bodies: &[String]) -> String {
        bodies.iter().enumerate().map(|(at, body)| format!("nest {at} {{ {body} }}\n")).collect()
    }

    #[test]
    fn names_do_not_tell_nests_apart() {
        assert_eq!(functions(&nests(&[row(0, "n*m", "x", "r0"), row(1, "n", "y", "r1")])), 1);
    }

    #[test]
    fn factors_tell_nests_apart() {
        // Groups of lanes of a multiple of eight have no rest.
        assert_eq!(functions(&nests(&[row(0, "n", "x", "r0"), row(1, "8*n", "y", "r1")])), 2);
    }

    #[test]
    fn parts_are_joined() {
        let loops = |count: usize| (0..=count).map(move |at| row(100 * count + at, "n", "x", "r0"));
        let bodies: Vec<String> = (0..30).map(|count| loops(count).collect()).collect();
        let loops = program(&nests(&bodies));
        assert!(Functions::of(&loops).parts().len() > 2, "there is something to join");
        for level in [Level::V3, Level::V4] {
            let code = crate::llvm::embedded(&loops, level, "x86_64-unknown-linux-gnu");
            let code = code.expect("LLVM has code for the triple");
            assert!(code.contains(".base64"), "an object file was not understood");
        }
    }

    #[test]
    fn work_that_is_shared_keeps_its_order() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(side_by_side(&items, |item| item * item)[..4], [0, 1, 4, 9]);
        assert_eq!(side_by_side(&items, |item| item * item).len(), 100);
    }
}
