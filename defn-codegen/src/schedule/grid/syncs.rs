//! Where the threads of a team wait for each other.
//!
//! In: nests whose lanes belong to threads.   Out: the same, with `sync` wherever one thread needs what another did.
//!
//! What was touched since the last `sync` goes along with the walk. A statement that conflicts with it gets a `sync` in front; a loop whose
//! iterations conflict with each other begins each of them with one. Two touches of an element conflict if one is a store, unless both
//! belong to one thread: to the same lane of loops of as many lanes, seen by the same affine address, or to the first thread,
//! which does what is stored outside of lanes.

use crate::graph::Dim;
use crate::loops::visit;
use crate::loops::{Address, BufferId, For, Loops, Manner, Nest, Statement, VariableId};

/// Puts the threads in order.
pub(in crate::schedule) fn syncs(loops: &mut Loops) {
    for position in 0..loops.nests.len() {
        let nest = &loops.nests[position];
        if nest.threads == 1 || has_sync(&nest.body) {
            continue;
        }
        let order = Order { loops, shared: nest.shared().iter().map(|it| it.variable).collect() };
        let body = order.block(&nest.body, &mut Vec::new());
        loops.nests[position] = Nest { body, ..loops.nests[position].clone() };
    }
}

fn has_sync(body: &[Statement]) -> bool {
    let mut found = false;
    visit::statements(body, &mut |statement| found |= *statement == Statement::Sync);
    found
}

/// Who touches an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// All threads load.
    All,
    /// The first thread stores, and loads what it needs for that.
    First,
    /// The thread of a lane of so many.
    Lane(u32),
}

/// A touch of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touch {
    buffer: BufferId,
    is_store: bool,
    who: Who,
    /// Where, if each lane has an element of its own in every iteration of the loops around: the lane is variable [`LANE`].
    address: Option<Address>,
}

/// Stands for the variable of any loop of lanes.
const LANE: VariableId = VariableId(u32::MAX);

struct Order<'l> {
    loops: &'l Loops,
    /// The variables of the loops whose iterations are tasks.
    shared: Vec<VariableId>,
}

impl Order<'_> {
    fn block(&self, statements: &[Statement], open: &mut Vec<Touch>) -> Vec<Statement> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            self.statement(statement, open, &mut out);
        }
        out
    }

    fn statement(&self, statement: &Statement, open: &mut Vec<Touch>, out: &mut Vec<Statement>) {
        let mut touches = Vec::new();
        self.touches(statement, None, &mut touches);
        if let Statement::For(inner) = statement
            && inner.width() == 1
        {
            if self.shared.contains(&inner.variable) {
                let body = self.block(&inner.body, open);
                return out.push(Statement::For(For { body, ..inner.clone() }));
            }
            return self.repeated(inner, &touches, open, out);
        }
        if self.conflict(open, &touches, None) {
            open.clear();
            out.push(Statement::Sync);
        }
        if let Statement::If { condition, body } = statement {
            let mut inside = open.clone();
            let body = self.block(body, &mut inside);
            extend(open, inside);
            return out.push(Statement::If { condition: condition.clone(), body });
        }
        extend(open, touches);
        out.push(statement.clone());
    }

    /// A loop whose iterations follow each other. It may run no time, and then what was open before still is.
    fn repeated(
        &self,
        inner: &For,
        touches: &[Touch],
        open: &mut Vec<Touch>,
        out: &mut Vec<Statement>,
    ) {
        let mut inside = Vec::new();
        let mut body = Vec::new();
        if self.conflict(touches, touches, Some(inner)) {
            body.push(Statement::Sync);
        } else if self.conflict(open, touches, None) {
            open.clear();
            out.push(Statement::Sync);
        } else {
            inside.clone_from(open);
        }
        body.extend(self.block(&inner.body, &mut inside));
        extend(open, inside);
        out.push(Statement::For(For { body, ..inner.clone() }));
    }

    /// Whether two touches may be of one element and of two threads; between iterations of a loop, if one is given.
    fn conflict(&self, before: &[Touch], behind: &[Touch], repeated: Option<&For>) -> bool {
        before.iter().any(|one| behind.iter().any(|other| self.conflicts(one, other, repeated)))
    }

    fn conflicts(&self, one: &Touch, other: &Touch, repeated: Option<&For>) -> bool {
        if one.buffer != other.buffer || !(one.is_store || other.is_store) {
            return false;
        }
        let buffer = &self.loops.buffers[one.buffer];
        let of_team = buffer.space.is_private() || buffer.space.is_shared();
        if repeated.is_some_and(|it| it.manner == Manner::Parallel) && !of_team {
            return false;
        }
        match (one.who, other.who) {
            (Who::First, Who::First) => false,
            (Who::Lane(width), Who::Lane(same)) if width == same => {
                let is_fixed = |address: &Address| {
                    repeated.is_none_or(|it| address.coefficient(it.variable) == Dim::default())
                };
                let is_own = one.address.is_some() && one.address == other.address;
                let has_parts = buffer.lanes > 1;
                !(has_parts || is_own && one.address.as_ref().is_some_and(is_fixed))
            }
            (Who::All | Who::First | Who::Lane(_), _) => true,
        }
    }

    /// What a statement touches, and all inside.
    fn touches(&self, statement: &Statement, lane: Option<&For>, found: &mut Vec<Touch>) {
        let lane = match statement {
            Statement::For(inner) if inner.width() > 1 || is_lanes(inner) => Some(inner),
            Statement::For(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. }
            | Statement::Sync
            | Statement::Mma(_) => lane,
        };
        let stores = matches!(statement, Statement::Store { .. });
        let who = match lane {
            Some(lanes) => Who::Lane(lanes.width()),
            None if stores => Who::First,
            None => Who::All,
        };
        let mut note = |buffer: BufferId, address: &Address, is_store: bool| {
            let address = lane.and_then(|lanes| own(address, lanes));
            extend(found, vec![Touch { buffer, is_store, who, address }]);
        };
        visit::own_addresses(statement, &mut note);
        for inner in visit::body(statement) {
            self.touches(inner, lane, found);
        }
    }
}

fn is_lanes(inner: &For) -> bool {
    matches!(inner.manner, Manner::Lanes(_))
}

/// An address of which every lane has another element, without the name of the lane; none if a loop inside of the lanes changes it too.
fn own(address: &Address, lanes: &For) -> Option<Address> {
    let by = address.coefficient(lanes.variable);
    let mut inside = false;
    visit::statements(&lanes.body, &mut |statement| {
        if let Statement::For(inner) = statement {
            inside |= !address.coefficient(inner.variable).is(0);
        }
    });
    if inside || by.is(0) || !address.computed.is_empty() {
        return None;
    }
    let mut own = address.clone();
    own.add_term(lanes.variable, &-by.clone());
    own.add_term(LANE, &by);
    Some(own)
}

fn extend(open: &mut Vec<Touch>, more: Vec<Touch>) {
    for touch in more {
        if !open.contains(&touch) {
            open.push(touch);
        }
    }
}
