//! Who touched which element, of a team of threads: what the evaluator remembers to find races.
//!
//! In: every access of a nest, with the lane that does it, every `sync` and the beginning of every task.
//! Out: a fault where one thread reads or writes what another wrote, or writes what another read, and nothing orders the two.
//!
//! ```text
//! for i0 in 0..64 lanes 64 { store s[i0] = load x[i0] }
//! for i1 in 0..64 lanes 64 { store y[i1] = load s[-i1 + 63] }     a fault, without `sync` between the two
//! ```
//!
//! Two loops of as many lanes give a thread the same lanes. Outside of lanes all threads load, and a store with all that it loads is a
//! matter of the first of them. Tasks are never ordered, but for the scratch of a team, which waits for its threads before it begins
//! another task.

use std::collections::BTreeMap;

use super::BufferId;

/// Which threads access an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agent {
    /// All of them load.
    Team,
    /// The first of them stores, and loads what it stores.
    First,
    /// The one that has this lane of a loop of so many.
    Lane(u32, usize),
}

/// How an element is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Load,
    Store,
}

/// An element: its buffer, and where its part begins in there.
type Place = (BufferId, usize);

/// One or several of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Few<T> {
    None,
    One(T),
    Several,
}

impl<T: PartialEq + Copy> Few<T> {
    fn and(self, new: T) -> Self {
        match self {
            Self::None => Self::One(new),
            Self::One(known) if known == new => self,
            Self::One(_) | Self::Several => Self::Several,
        }
    }

    /// Whether there is another than this one.
    fn beside(self, one: T) -> bool {
        match self {
            Self::None => false,
            Self::One(known) => known != one,
            Self::Several => true,
        }
    }
}

/// What happened to an element.
#[derive(Clone, Copy, Debug)]
struct Touch {
    /// Which tasks stored it, and which loaded it.
    storing: Few<u64>,
    loading: Few<u64>,
    /// Between which two times that the team waited the rest is known.
    epoch: u64,
    stored: Few<Agent>,
    loaded: Few<Agent>,
}

/// What happened in a nest so far.
#[derive(Debug, Default)]
pub(super) struct Races {
    task: u64,
    epoch: u64,
    touched: BTreeMap<Place, Touch>,
}

impl Races {
    /// The team begins a task: its threads have waited for each other, and no other task waits for it.
    pub(super) fn task(&mut self) {
        self.task += 1;
        self.sync();
    }

    /// The threads of the team wait for each other.
    pub(super) fn sync(&mut self) {
        self.epoch += 1;
    }

    /// Notes an access; false if another one that it races with was noted before. Scratch of a team is of one task at a time.
    pub(super) fn note(
        &mut self,
        place: Place,
        (agent, access): (Agent, Access),
        of_team: bool,
    ) -> bool {
        let untouched = Touch {
            storing: Few::None,
            loading: Few::None,
            epoch: self.epoch,
            stored: Few::None,
            loaded: Few::None,
        };
        let touch = self.touched.entry(place).or_insert(untouched);
        if touch.epoch != self.epoch {
            *touch = Touch { storing: touch.storing, loading: touch.loading, ..untouched };
        }
        let task = if of_team { 0 } else { self.task };
        let races = match access {
            Access::Load => touch.storing.beside(task) || touch.stored.beside(agent),
            Access::Store => {
                touch.storing.beside(task)
                    || touch.loading.beside(task)
                    || touch.stored.beside(agent)
                    || touch.loaded.beside(agent)
            }
        };
        match access {
            Access::Load => {
                touch.loading = touch.loading.and(task);
                touch.loaded = touch.loaded.and(agent);
            }
            Access::Store => {
                touch.storing = touch.storing.and(task);
                touch.stored = touch.stored.and(agent);
            }
        }
        !races
    }
}

#[cfg(test)]
mod tests {
    use super::super::{eval, parse};

    /// What the evaluator says of a nest of teams over eight elements, and scratch of a team.
    fn found(nest: &str) -> String {
        let text = format!(
            "loops f workspace 32 private 0 {{
  buffer x: f32[8] = parameter 0
  buffer r0: f32[8] = result 0
  buffer t: f32[8] = workspace at 0
  buffer s: f32[8] = shared at 0
  nest 0 threads 32 {nest}
}}"
        );
        let loops = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(parse::parse(&loops.to_string()), Ok(loops.clone()));
        super::super::verify::verify(&loops).unwrap();
        let x = crate::graph::eval::Value::from_f64(crate::graph::Element::F32, &[8], &[1.0; 8]);
        match eval::eval(&loops, &[], &[x]) {
            Ok(_) => String::new(),
            Err(eval::Fault(what)) => what,
        }
    }

    const TURNED: &str = "{
    for i0 in 0..8 lanes 32 { store t[i0] = load x[i0] }
    sync
    for i1 in 0..8 lanes 32 { store r0[i1] = load t[(-1)*i1 + 7] }
  }";

    #[test]
    fn lanes_see_each_other_behind_a_sync() {
        assert_eq!(found(TURNED), "");
        assert_eq!(found(&TURNED.replace("sync", "")), "a race for `t`");
        let own = TURNED.replace("sync", "").replace("(-1)*i1 + 7", "i1");
        assert_eq!(found(&own), "");
        assert_eq!(
            found(&own.replace("i1 in 0..8 lanes 32", "i1 in 0..8 lanes 64")),
            "a race for `t`"
        );
    }

    #[test]
    fn what_is_overwritten_was_read_before() {
        let both = "{
    for i0 in 0..8 lanes 32 { store r0[i0] = load t[(-1)*i0 + 7] }
    sync
    for i1 in 0..8 lanes 32 { store t[i1] = load x[i1] }
  }";
        assert_eq!(found(both), "");
        assert_eq!(found(&both.replace("sync", "")), "a race for `t`");
    }

    #[test]
    fn the_first_thread_stores_for_all() {
        let both = "{
    store t[0] = load x[0]
    sync
    let %0: f32 = load t[0]
    store r0[0] = %0
  }";
        assert_eq!(found(both), "");
        assert_eq!(found(&both.replace("sync", "")), "a race for `t`");
        assert_eq!(found("{ store t[0] = load x[0] store t[0] = add(load t[0], f32(1.0)) }"), "");
    }

    #[test]
    fn tasks_keep_to_themselves() {
        let tasks = |address: &str| {
            format!(
                "tasks 9 {{
    for i0 in 0..4 parallel {{
      for i1 in 0..2 lanes 32 {{ store t[{address}] = load x[(2)*i0 + i1] }}
    }}
  }}"
            )
        };
        assert_eq!(found(&tasks("(2)*i0 + i1")), "");
        assert_eq!(found(&tasks("i0 + i1")), "a race for `t`");
    }

    #[test]
    fn scratch_of_a_team_is_used_again_by_its_next_task() {
        let tasks = "tasks 9 {
    for i0 in 0..4 parallel {
      for i1 in 0..2 lanes 32 { store s[i1] = load x[(2)*i0 + i1] }
      sync
      for i2 in 0..2 lanes 32 { store r0[(2)*i0 + i2] = load s[(-1)*i2 + 1] }
    }
  }";
        assert_eq!(found(tasks), "");
        assert_eq!(found(&tasks.replace("sync", "")), "a race for `s`");
        // Without tasks nothing stands between two iterations.
        assert_eq!(found(&tasks.replace("tasks 9 ", "")), "a race for `s`");
    }

    #[test]
    fn threads_of_a_block_exchange_within_a_loop_of_lanes() {
        let both = "{
    for i0 in 0..32 lanes 32 {
      for i1 in 0..2 {
        if eq(pos(i1), i64(0)) { store s[(1)*@(rem(pos(i0), i64(8)))] = f32(1.0) }
        sync
      }
    }
  }";
        // Four lanes store to one element.
        assert_eq!(found(both), "a race for `s`");
    }
}
