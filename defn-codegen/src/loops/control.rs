//! Markers between nests: parts that run again and again, or perhaps never, and places where the host looks at a buffer.
//!
//! ```text
//! repeat i0 in 0..n {          loop i0 {                    if flag {
//!   nest 0 { … }                 nest 0 { … }                 nest 0 { … }
//! }                              leave unless flag          } else {
//! inspect t0 site=2              nest 1 { … }                 nest 1 { … }
//!                              }                            }
//! ```
//!
//! Markers stand in the list of nests, so that whoever looks for what touches a buffer sees every nest in the order of the text.

use super::{BufferId, Nest, VariableId};
use crate::graph::Dim;
use crate::origin::Site;

/// A marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// What follows runs so often; the variable counts `0..extent`.
    Repeat {
        /// Known in the nests up to the end.
        variable: VariableId,
        /// How often.
        extent: Dim,
    },
    /// What follows runs until it is left; the variable counts from 0.
    Loop {
        /// Known in the nests up to the end.
        variable: VariableId,
    },
    /// Leaves the innermost `Loop` unless this `bool` holds. No other marker that is open stands between the two.
    Leave {
        /// One element.
        unless: BufferId,
    },
    /// What follows runs if this `bool` holds.
    If {
        /// One element.
        condition: BufferId,
    },
    /// What follows runs if the condition of the `If` does not hold.
    Else,
    /// The end of a `Repeat`, `Loop` or `If`.
    End,
    /// The host looks at all elements of a buffer here. Markers of this kind are never moved, doubled or dropped:
    /// the host knows them by their number in the order of the text.
    Inspect {
        /// What it looks at.
        buffer: BufferId,
        /// For whom.
        site: Site,
    },
}

impl Control {
    /// The buffer that it reads.
    pub fn reads(&self) -> Option<BufferId> {
        match self {
            Self::Leave { unless } => Some(*unless),
            Self::If { condition } => Some(*condition),
            Self::Inspect { buffer, site: _ } => Some(*buffer),
            Self::Repeat { .. } | Self::Loop { .. } | Self::Else | Self::End => None,
        }
    }

    /// The variable that it declares.
    pub fn variable(&self) -> Option<VariableId> {
        match self {
            Self::Repeat { variable, extent: _ } | Self::Loop { variable } => Some(*variable),
            Self::Leave { .. }
            | Self::If { .. }
            | Self::Else
            | Self::End
            | Self::Inspect { .. } => None,
        }
    }

    /// Whether a part begins here that ends with `End`.
    pub fn opens(&self) -> bool {
        match self {
            Self::Repeat { .. } | Self::Loop { .. } | Self::If { .. } => true,
            Self::Leave { .. } | Self::Else | Self::End | Self::Inspect { .. } => false,
        }
    }

    /// Whether what it opens may run more than once.
    pub fn repeats(&self) -> bool {
        self.variable().is_some()
    }
}

/// The part that a marker at `begin` opens: the position of its end, and of its `Else`. None if it opens none, or that has no end.
pub fn part(nests: &[Nest], begin: usize) -> Option<(Option<usize>, usize)> {
    nests[begin].control.as_ref().filter(|control| control.opens())?;
    let (mut depth, mut otherwise) = (0_usize, None);
    for (position, nest) in nests.iter().enumerate().skip(begin) {
        match &nest.control {
            Some(control) if control.opens() => depth += 1,
            Some(Control::Else) if depth == 1 => otherwise = Some(position),
            Some(Control::End) => {
                depth -= 1;
                if depth == 0 {
                    return Some((otherwise, position));
                }
            }
            _ => {}
        }
    }
    None
}
