//! Stores of what stands there already.
//!
//! ```text
//! before                                       after
//! for i in 0..n {                              nothing
//!   let %0: f32 = load s[i]
//!   store s[i] = %0
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::row::prune;
use crate::loops::visit;
use crate::loops::{Address, BufferId, Expr, For, Loops, Statement, ValueId};

/// Drops them, and the nests that do nothing else.
pub(super) fn drop_idle(loops: &mut Loops) {
    for nest in loops.nests.iter_mut().filter(|nest| nest.control.is_none()) {
        let found = Stands::of(&nest.body);
        let (mut body, mut drops) = (nest.body.clone(), false);
        found.drop_from(&mut body, &mut drops);
        if drops {
            nest.body = prune(body, &mut BTreeSet::new());
        }
    }
    loops.nests.retain(|nest| nest.control.is_some() || !nest.body.is_empty());
}

/// What is known about the places that a nest stores to.
struct Stands {
    /// What values were loaded from.
    loaded: BTreeMap<ValueId, (BufferId, Address)>,
    /// Buffers with more than one store: what was loaded may stand there no more.
    changed: BTreeSet<BufferId>,
}

impl Stands {
    fn of(body: &[Statement]) -> Self {
        let mut found = Self { loaded: BTreeMap::new(), changed: BTreeSet::new() };
        let mut stored = BTreeSet::new();
        visit::statements(body, &mut |statement| {
            if let Statement::Let { value, element: _, expr: Expr::Load(buffer, address) } =
                statement
            {
                found.loaded.insert(*value, (*buffer, Address::clone(address)));
            }
            if let Statement::Store { buffer, .. } = statement
                && !stored.insert(*buffer)
            {
                found.changed.insert(*buffer);
            }
        });
        found
    }

    /// Whether an expression is what stands at a place.
    fn is_there(&self, expr: &Expr, buffer: BufferId, address: &Address) -> bool {
        let is_here = |(from, place): (BufferId, &Address)| from == buffer && place == address;
        match expr {
            Expr::Load(from, place) => is_here((*from, place)),
            Expr::Value(value) => {
                !self.changed.contains(&buffer)
                    && self.loaded.get(value).is_some_and(|(from, place)| is_here((*from, place)))
            }
            Expr::Constant(_)
            | Expr::Register(_)
            | Expr::Combine(..)
            | Expr::Position { .. }
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Compare(..)
            | Expr::Select(..)
            | Expr::MultiplyAdd(..)
            | Expr::Bits(_)
            | Expr::Shift { .. }
            | Expr::Convert(..) => false,
        }
    }

    fn drop_from(&self, body: &mut Vec<Statement>, drops: &mut bool) {
        body.retain_mut(|statement| {
            let stays = match statement {
                Statement::Store { buffer, address, expr } => {
                    !self.is_there(expr, *buffer, address)
                }
                Statement::For(For { body, .. }) | Statement::If { condition: _, body } => {
                    self.drop_from(body, drops);
                    body.iter().any(|it| !matches!(it, Statement::Let { .. }))
                }
                Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Sync
                | Statement::Mma(_) => true,
            };
            *drops |= !stays;
            stays
        });
    }
}
