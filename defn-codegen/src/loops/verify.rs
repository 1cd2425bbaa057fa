//! What must hold of every program of loops.
//!
//! Names are declared before use and unique; lanes loops hold no other, no conditional and no parallel loop;
//! registers have as many parts as the loop that folds them has lanes; what is read only is not stored to;
//! stores in lanes go to places of their own; scratch with lanes is used in loops of as many;
//! private scratch is used in outermost loops alone, and each that loads it stores it;
//! scratch of known size alone is shared, and teams of threads alone share it; all threads of a team come to every `sync`;
//! whole warps multiply matrices; tasks are the iterations of a parallel loop or of one of lanes; a clip is a position that is the same for all
//! lanes; floats of 16 bits are loaded, stored, chosen and converted, and nothing else is done with them.
//!
//! This file is long because every statement and every expression has a rule of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::mma::SUM;
use super::sort::Sort;
use super::{
    Address, Buffer, BufferId, Control, Expr, For, Loops, Manner, Mma, Nest, RegisterId, Space,
    Statement, ValueId, VariableId,
};
use super::{ask, visit};
use crate::graph::{Dim, Element, ElementKind};

/// Something that is wrong, in the words of the dump language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Everything that is wrong with a program.
pub fn verify(loops: &Loops) -> Result<(), Vec<Fault>> {
    let mut verifier = Verifier {
        loops,
        faults: Vec::new(),
        variables: BTreeSet::new(),
        opened: Vec::new(),
        used: BTreeSet::new(),
        values: BTreeMap::new(),
        registers: BTreeMap::new(),
        lanes: None,
        threads: 1,
        all_active: false,
    };
    for (_, buffer) in loops.buffers.iter() {
        verifier.buffer(buffer);
    }
    verifier.markers();
    for nest in &loops.nests {
        verifier.control(nest);
        verifier.team(nest);
        verifier.tasks(nest);
        verifier.block(&nest.body);
        verifier.private(&nest.body);
    }
    if verifier.faults.is_empty() { Ok(()) } else { Err(verifier.faults) }
}

struct Verifier<'l> {
    loops: &'l Loops,
    faults: Vec<Fault>,
    /// Variables of the loops around.
    variables: BTreeSet<VariableId>,
    /// The variable of each marker that is open.
    opened: Vec<Option<VariableId>>,
    /// Variables of all loops.
    used: BTreeSet<VariableId>,
    values: BTreeMap<ValueId, Element>,
    /// Element type, parts, and whether it was declared in lanes.
    registers: BTreeMap<RegisterId, (Element, u32, bool)>,
    lanes: Option<(VariableId, u32)>,
    /// How many threads execute a task of the nest.
    threads: u32,
    /// Whether no lane of the loop of lanes is ever beyond its extent.
    all_active: bool,
}

impl Verifier<'_> {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(Fault(what.into()));
    }

    /// Whether every part has an end, and is left from inside a loop alone.
    fn markers(&mut self) {
        let mut open: Vec<&Control> = Vec::new();
        for control in self.loops.nests.iter().filter_map(|nest| nest.control.as_ref()) {
            let fits = match control {
                Control::Repeat { .. } | Control::Loop { .. } | Control::If { .. } => {
                    open.push(control);
                    true
                }
                Control::Leave { .. } => matches!(open.last(), Some(Control::Loop { .. })),
                Control::Else => match open.pop() {
                    Some(Control::If { .. }) => {
                        open.push(control);
                        true
                    }
                    _ => false,
                },
                Control::End => open.pop().is_some(),
                Control::Inspect { .. } => true,
            };
            if !fits {
                return self.fault("a marker stands where it cannot");
            }
        }
        if !open.is_empty() {
            self.fault("a marker has no end");
        }
    }

    /// A marker: its variable is known up to its end.
    fn control(&mut self, nest: &Nest) {
        let Some(control) = &nest.control else { return };
        if nest.tasks.is_some() || nest.threads != 1 || !nest.cut.is(0) || !nest.body.is_empty() {
            self.fault("a marker with a body");
        }
        let is_flag = |_: &BufferId| !matches!(control, Control::Inspect { .. });
        if let Some(flag) = control.reads().filter(is_flag) {
            let flag = &self.loops.buffers[flag];
            if flag.element != Element::Bool || !flag.shape.is_empty() {
                self.fault(format!("`{}` is no bool", flag.name));
            }
        }
        if let Control::Repeat { variable: _, extent } = control {
            self.dim(extent);
        }
        match control {
            Control::End => {
                if let Some(Some(variable)) = self.opened.pop() {
                    self.variables.remove(&variable);
                }
            }
            Control::Repeat { variable, .. } | Control::Loop { variable } => {
                if !self.used.insert(*variable) {
                    self.fault(format!("i{} is declared twice", variable.0));
                }
                self.variables.insert(*variable);
                self.opened.push(Some(*variable));
            }
            Control::If { .. } => self.opened.push(None),
            Control::Inspect { buffer, site: _ } => {
                let shown = &self.loops.buffers[*buffer];
                if shown.lanes != 1 || shown.space.is_private() || shown.space.is_shared() {
                    self.fault(format!("the host cannot see `{}`", shown.name));
                }
            }
            Control::Leave { .. } | Control::Else => {}
        }
    }

    /// A team is some warps, of which a block has at most 32.
    fn team(&mut self, nest: &Nest) {
        self.threads = nest.threads;
        self.dim(&nest.cut);
        if nest.threads != 1
            && (!nest.threads.is_power_of_two() || !(32..=1024).contains(&nest.threads))
        {
            self.fault(format!("no team has {} threads", nest.threads));
        }
        nest.buffers(&mut |buffer| {
            let content = &self.loops.buffers[buffer];
            if content.space.is_shared() && nest.threads == 1 {
                self.fault(format!("`{}` is shared by one thread", content.name));
            }
        });
    }

    fn tasks(&mut self, nest: &Nest) {
        let Some(tasks) = &nest.tasks else { return };
        let shared = nest.shared();
        let is_serial = |inner: &&For| inner.manner == Manner::Serial || inner.clip.is_some();
        if shared.is_empty() || shared.len() < tasks.loops || shared.iter().any(is_serial) {
            self.fault("tasks of a nest that has no loops for them");
        }
        for around in shared.iter().rev().skip(1) {
            let front = &around.body[..around.body.len() - 1];
            if !front.iter().all(|statement| self.prepares(statement)) {
                self.fault("a shared loop behind more than values and private scratch");
            }
        }
        self.dim(&tasks.whole);
        self.dim(&tasks.front);
    }

    /// Whether a statement gives a value, or fills private scratch.
    fn prepares(&self, statement: &Statement) -> bool {
        let is_private = |buffer: BufferId| {
            matches!(self.loops.buffers[buffer].space, Space::Private(_) | Space::Shared(_))
        };
        match statement {
            Statement::Sync | Statement::Let { .. } => true,
            Statement::Store { buffer, .. } => is_private(*buffer),
            Statement::For(inner) => inner.body.iter().all(|it| self.prepares(it)),
            Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Mma(_)
            | Statement::If { .. } => false,
        }
    }

    fn buffer(&mut self, buffer: &Buffer) {
        let is_scratch =
            matches!(buffer.space, Space::Workspace(_) | Space::Private(_) | Space::Shared(_));
        if !buffer.lanes.is_power_of_two() || (buffer.lanes != 1 && !is_scratch) {
            self.fault(format!("`{}` cannot have {} lanes", buffer.name, buffer.lanes));
        }
        if buffer.space.is_shared() && buffer.bytes().as_constant().is_none() {
            self.fault(format!("`{}` is shared and of unknown size", buffer.name));
        }
    }

    /// Private scratch, from the top of a nest: each outermost loop is on its own.
    fn private(&mut self, statements: &[Statement]) {
        for statement in statements {
            let (mut loaded, mut stored) = (BTreeSet::new(), BTreeSet::new());
            visit::addresses(std::slice::from_ref(statement), &mut |buffer, _, written| {
                let used = if written { &mut stored } else { &mut loaded };
                used.insert(buffer);
            });
            let is_loop = matches!(statement, Statement::For(_));
            for buffer in loaded.union(&stored) {
                let content = &self.loops.buffers[*buffer];
                if !content.space.is_private() && !content.space.is_shared() {
                    continue;
                }
                if is_loop && !stored.contains(buffer) {
                    self.fault(format!("`{}` holds nothing where it is loaded", content.name));
                }
                if !is_loop && !matches!(statement, Statement::If { .. }) {
                    self.fault(format!("`{}` is private and used outside of loops", content.name));
                }
            }
            if let Statement::If { condition: _, body } = statement {
                self.private(body);
            }
        }
    }

    /// Checks a block; what it declares is forgotten behind it.
    fn block(&mut self, statements: &[Statement]) {
        let (values, registers) = (self.values.clone(), self.registers.clone());
        for statement in statements {
            self.statement(statement);
        }
        (self.values, self.registers) = (values, registers);
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::For(inner) => self.repeat(inner),
            Statement::Let { value, element, expr } => {
                self.expect(expr, *element);
                if self.values.insert(*value, *element).is_some() {
                    self.fault(format!("%{} is declared twice", value.0));
                }
            }
            Statement::Declare { register, element, lanes, initial } => {
                self.expect(initial, *element);
                if self.lanes.is_some() && *lanes != 1 {
                    self.fault(format!("${} has parts inside a lanes loop", register.0));
                }
                let declared = (*element, *lanes, self.lanes.is_some());
                if self.registers.insert(*register, declared).is_some() {
                    self.fault(format!("${} is declared twice", register.0));
                }
            }
            Statement::Set { register, expr } => {
                let Some((element, parts, inside)) = self.registers.get(register).copied() else {
                    return self.fault(format!("${} is not declared", register.0));
                };
                self.expect(expr, element);
                let fits = match self.lanes {
                    Some((_, width)) => inside || parts == width,
                    None => parts == 1,
                };
                if !fits {
                    self.fault(format!(
                        "${} with {parts} parts is set where it has another number",
                        register.0
                    ));
                }
            }
            Statement::Store { buffer, address, expr } => self.store(*buffer, address, expr),
            Statement::If { condition, body } => {
                self.expect(condition, Element::Bool);
                if !self.is_for_all_lanes(condition) {
                    self.fault("a conditional inside a lanes loop");
                }
                self.block(body);
            }
            Statement::Mma(mma) => self.mma(mma),
            Statement::Sync => self.sync(),
        }
    }

    /// Whether a condition is sure to be the same for all lanes: it compares positions of the loops around.
    fn is_for_all_lanes(&self, condition: &Expr) -> bool {
        self.lanes.is_none_or(|(lane, _)| ask::is_of_positions(condition, &|it| it != lane))
    }

    /// Lanes of whole warps hold matrices together, in registers and values of their own.
    fn mma(&mut self, mma: &Mma) {
        let Mma { shape, sums, left, right } = mma;
        if [sums.len(), left.len(), right.len()] != shape.held() {
            self.fault(format!("a lane does not hold so much of {}", shape.name()));
        }
        let is_warp = |(_, width): (VariableId, u32)| width == self.threads && width % 32 == 0;
        if !self.lanes.is_some_and(is_warp) || !self.all_active {
            self.fault(format!("{} where a warp has not all lanes", shape.name()));
        }
        left.iter().chain(right).for_each(|operand| self.expect(operand, shape.element()));
        for (at, register) in sums.iter().enumerate() {
            let fits = self.registers.get(register).is_some_and(|(element, parts, inside)| {
                *element == SUM && (*inside || *parts == self.threads)
            });
            if !fits || sums[..at].contains(register) {
                self.fault(format!("${} is no sum of {}", register.0, shape.name()));
            }
        }
    }

    /// Inside of lanes all threads come to a `sync` if each has a lane that is never beyond the extent.
    fn sync(&mut self) {
        if self.threads == 1 {
            self.fault("a sync of one thread");
        }
        if self.lanes.is_some() && !self.all_active {
            self.fault("a sync where threads may have nothing to do");
        }
    }

    fn repeat(&mut self, inner: &For) {
        if !self.used.insert(inner.variable) {
            self.fault(format!("i{} is the variable of two loops", inner.variable.0));
        }
        self.dim(&inner.extent);
        if let Some(clip) = &inner.clip {
            self.address(clip);
            let differs = self.lanes.is_some_and(|(lane, _)| !clip.coefficient(lane).is(0));
            if differs || (self.lanes.is_some() && !clip.computed.is_empty()) {
                self.fault(format!("the clip of i{} is no common position", inner.variable.0));
            }
        }
        self.variables.insert(inner.variable);
        let outside = self.lanes;
        match inner.manner {
            Manner::Serial | Manner::Parallel => {}
            Manner::Sorted => self.sorted(inner),
            Manner::Lanes(width) => {
                if outside.is_some() || !width.is_power_of_two() {
                    self.fault(format!("{width} lanes inside a lanes loop, or no power of two"));
                }
                self.lanes = Some((inner.variable, width));
                let full = inner.extent.as_constant().filter(|_| inner.clip.is_none());
                self.all_active = width % self.threads == 0
                    && full.is_some_and(|extent| extent % i64::from(width) == 0);
            }
        }
        self.block(&inner.body);
        self.lanes = outside;
        self.variables.remove(&inner.variable);
    }

    fn sorted(&mut self, inner: &For) {
        let elements = Sort::of(inner)
            .map(|sort| [sort.from, sort.to].map(|(buffer, _)| self.loops.buffers[buffer].element));
        let is_sort = elements.is_some_and(|[from, to]| {
            from.kind() == ElementKind::Signed && from.size() == to.size() && to.size() >= 4
        });
        if !is_sort || !inner.extent.is(1) || self.lanes.is_some() {
            self.fault(format!("i{} does not sort", inner.variable.0));
        }
    }

    fn store(&mut self, buffer: BufferId, address: &Address, expr: &Expr) {
        let content = &self.loops.buffers[buffer];
        self.expect(expr, content.element);
        self.address(address);
        if matches!(content.space, Space::Parameter(_)) {
            self.fault(format!("`{}` is only read", content.name));
        }
        self.lanes_of(buffer);
        if let Some((variable, _)) = self.lanes
            && content.lanes == 1
            && !content.size().is(0)
            && address.coefficient(variable).is(0)
            && address.computed.is_empty()
        {
            self.fault(format!("all lanes store to one element of `{}`", content.name));
        }
    }

    /// Whether a buffer is used in a loop of as many lanes as it has.
    fn lanes_of(&mut self, buffer: BufferId) {
        let content = &self.loops.buffers[buffer];
        let fits = self.lanes.is_some_and(|(_, width)| width == content.lanes);
        if content.lanes != 1 && !fits {
            self.fault(format!("`{}` is used where there are other lanes", content.name));
        }
    }

    fn expect(&mut self, expr: &Expr, element: Element) {
        let found = self.element(expr);
        if found.is_some_and(|found| found != element) {
            self.fault(format!("{expr:?} is not {element}"));
        }
    }

    fn address(&mut self, address: &Address) {
        self.terms(&address.constant, &address.terms);
        for (expr, by) in &address.computed {
            self.dim(by);
            self.expect(expr, Element::I64);
        }
    }

    fn terms(&mut self, constant: &Dim, terms: &[(VariableId, Dim)]) {
        self.dim(constant);
        for (variable, by) in terms {
            self.dim(by);
            if !self.variables.contains(variable) {
                self.fault(format!("i{} is not the variable of a loop around", variable.0));
            }
        }
    }

    fn dim(&mut self, dim: &Dim) {
        let symbols = self.loops.symbols.len();
        let mut outside = false;
        dim.for_each_symbol(&mut |symbol| outside |= symbol.0 as usize >= symbols);
        if outside {
            self.fault("an extent has an unknown symbol");
        }
    }

    /// The element type of an expression; none if it is wrong, which has been said then.
    fn element(&mut self, expr: &Expr) -> Option<Element> {
        let inner: Vec<Option<Element>> =
            visit::operands(expr).into_iter().map(|operand| self.element(operand)).collect();
        match expr {
            Expr::Constant(scalar) => Some(scalar.element),
            Expr::Value(value) => {
                let found = self.values.get(value).copied();
                if found.is_none() {
                    self.fault(format!("%{} is not declared", value.0));
                }
                found
            }
            Expr::Register(register) => self.register(*register, false),
            Expr::Combine(_, register) => self.register(*register, true),
            Expr::Position { constant, terms } => {
                self.terms(constant, terms);
                Some(Element::I64)
            }
            Expr::Unary(_, _) | Expr::Binary(_, _, _) | Expr::MultiplyAdd(_, _, _) => {
                self.computed_alike(&inner, expr);
                inner[0]
            }
            Expr::Compare(_, _, _) => {
                self.computed_alike(&inner, expr);
                Some(Element::Bool)
            }
            Expr::Select(_, _, _) => {
                if inner[0] != Some(Element::Bool) || inner[1] != inner[2] {
                    self.fault(format!("a select of different types: {expr:?}"));
                }
                inner[1]
            }
            Expr::Bits(_) => {
                let bits = inner[0].map(Expr::bits_of);
                if bits == Some(None) {
                    self.fault(format!("bits of no float: {expr:?}"));
                }
                bits.flatten()
            }
            Expr::Shift { by, fill, operand: _ } => {
                if self.lanes.is_none_or(|(_, width)| *by == 0 || *by >= width) {
                    self.fault(format!("a shift by {by} where there are no such lanes"));
                }
                if inner[0] != Some(fill.element) {
                    self.fault(format!("a shift that fills with another type: {expr:?}"));
                }
                inner[0]
            }
            Expr::Convert(element, _) => Some(*element),
            Expr::Load(buffer, address) => {
                self.terms(&address.constant, &address.terms);
                self.lanes_of(*buffer);
                Some(self.loops.buffers[*buffer].element)
            }
        }
    }

    fn computed_alike(&mut self, operands: &[Option<Element>], expr: &Expr) {
        if operands.windows(2).any(|pair| pair[0] != pair[1]) {
            self.fault(format!("operands of different types: {expr:?}"));
        }
        if operands.iter().flatten().any(|element| element.is_half()) {
            self.fault(format!("arithmetic of 16 bits: {expr:?}"));
        }
    }

    fn register(&mut self, register: RegisterId, folded: bool) -> Option<Element> {
        let Some((element, parts, inside)) = self.registers.get(&register).copied() else {
            self.fault(format!("${} is not declared", register.0));
            return None;
        };
        if folded && element.is_half() {
            self.fault(format!("${} is folded in 16 bits", register.0));
        }
        let here = self.lanes.map_or(1, |(_, width)| width);
        let fits =
            if folded { self.lanes.is_none() } else { inside || parts == here || parts == 1 };
        if !fits {
            self.fault(format!(
                "${} with {parts} parts is read where it has another number",
                register.0
            ));
        }
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{eval, parse};
    use super::verify;

    /// The faults of a body over scratch of one element, private and of four lanes.
    fn faults(body: &str) -> String {
        let text = format!(
            "loops f workspace 0 private 128 {{
  buffer r0: f32[4] = result 0
  buffer p: f32[] = private at 0
  buffer l: f32[] lanes 4 = private at 64
  nest 0 {{ {body} }}
}}"
        );
        let loops = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let faults = verify(&loops).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn private_scratch_is_stored_where_it_is_loaded() {
        let sound = "for i0 in 0..4 parallel { store p[0] = f32(1.0) store r0[i0] = load p[0] }";
        assert_eq!(faults(sound), "");
        assert_eq!(
            faults(
                "for i0 in 0..4 { store p[0] = f32(1.0) } for i1 in 0..4 { store r0[i1] = load p[0] }"
            ),
            "`p` holds nothing where it is loaded"
        );
        assert_eq!(faults("store p[0] = f32(1.0)"), "`p` is private and used outside of loops");
        assert_eq!(
            faults("if bool(true) { store r0[0] = load p[0] }"),
            "`p` is private and used outside of loops"
        );
    }

    #[test]
    fn shared_loops_stand_behind_values_and_private_scratch() {
        let faults = |body: &str| {
            let text = format!(
                "loops f workspace 0 private 64 {{
  buffer r0: f32[4, 4] = result 0
  buffer p: f32[] = private at 0
  nest 0 tasks 9 over 2 front 1 {{ for i0 in 0..4 parallel {{ {body} }} }}
}}"
            );
            let loops = parse::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let faults = verify(&loops).err().unwrap_or_default();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let inner =
            |manner| format!("for i1 in 0..4 {manner} {{ store r0[(4)*i0 + i1] = f32(1.0) }}");
        let parallel = inner("parallel");
        assert_eq!(faults(&format!("store p[0] = f32(2.0) {parallel}")), "");
        assert_eq!(faults(&inner("lanes 4")), "");
        let none = "tasks of a nest that has no loops for them";
        assert_eq!(faults(&inner("")), none);
        assert_eq!(faults(&format!("{parallel} store p[0] = f32(2.0)")), none);
        let more = "a shared loop behind more than values and private scratch";
        assert_eq!(faults(&format!("store r0[(4)*i0] = f32(2.0) {parallel}")), more);
        assert_eq!(faults(&format!("var $0: f32 = f32(2.0) {parallel}")), more);
    }

    #[test]
    fn scratch_of_lanes_is_used_in_as_many() {
        let sound = "for i0 in 0..4 lanes 4 { store l[0] = f32(1.0) store r0[i0] = load l[0] }";
        assert_eq!(faults(sound), "");
        assert_eq!(
            faults(&sound.replace("lanes 4", "lanes 8")),
            "`l` is used where there are other lanes; `l` is used where there are other lanes"
        );
        assert_eq!(faults(&sound.replace("l[0]", "p[0]")), "all lanes store to one element of `p`");
    }

    #[test]
    fn a_clip_may_be_computed_outside_of_lanes() {
        let loops = |manner: &str| {
            format!(
                "for i0 in 0..4 {manner} {{
    let %0: i64 = add(pos(i0), i64(-2))
    var $0: f32 = bits(i32(1065353216))
    for i1 in 0..min(9, (1)*@(%0)) {{ $0 = add($0, f32(1.0)) }}
    store r0[i0] = $0
  }}"
            )
        };
        assert_eq!(faults(&loops("parallel")), "");
        assert_eq!(faults(&loops("lanes 4")), "the clip of i1 is no common position");
        let text = format!(
            "loops f workspace 0 private 0 {{
  buffer r0: f32[4] = result 0
  nest 0 {{ {} }}
}}",
            loops("parallel")
        );
        let program = parse::parse(&text).unwrap();
        assert_eq!(parse::parse(&program.to_string()).unwrap(), program);
        let outcome = eval::eval(&program, &[], &[]).unwrap();
        assert_eq!(outcome.results[0].to_f64(), [1.0, 1.0, 1.0, 2.0]);
    }

    #[test]
    fn what_an_earlier_iteration_left_is_not_a_number() {
        let text = "loops f workspace 0 private 64 {
  buffer r0: f32[3] = result 0
  buffer p: f32[] = private at 0
  nest 0 {
    for i0 in 0..3 {
      if eq(pos(i0), i64(1)) {
        store p[0] = f32(2.0)
      }
      store r0[i0] = load p[0]
    }
  }
}";
        let outcome = eval::eval(&parse::parse(text).unwrap(), &[], &[]).unwrap();
        let found: Vec<bool> = outcome.results[0].to_f64().iter().map(|it| it.is_nan()).collect();
        assert_eq!(found, [true, false, true]);
    }
}
