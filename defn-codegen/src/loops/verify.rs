//! What must hold of every program of loops.
//!
//! Names are declared before use and unique; lanes loops hold no other, no conditional and no parallel loop;
//! registers have as many parts as the loop that folds them has lanes; what is read only is not stored to;
//! stores in lanes go to places of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::visit;
use super::{
    Address, BufferId, Expr, For, Loops, Manner, RegisterId, Space, Statement, ValueId, VariableId,
};
use crate::graph::{Dim, Element};

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
        used: BTreeSet::new(),
        values: BTreeMap::new(),
        registers: BTreeMap::new(),
        lanes: None,
    };
    for nest in &loops.nests {
        verifier.block(&nest.body);
    }
    if verifier.faults.is_empty() { Ok(()) } else { Err(verifier.faults) }
}

struct Verifier<'l> {
    loops: &'l Loops,
    faults: Vec<Fault>,
    /// Variables of the loops around.
    variables: BTreeSet<VariableId>,
    /// Variables of all loops.
    used: BTreeSet<VariableId>,
    values: BTreeMap<ValueId, Element>,
    /// Element type, parts, and whether it was declared in lanes.
    registers: BTreeMap<RegisterId, (Element, u32, bool)>,
    lanes: Option<(VariableId, u32)>,
}

impl Verifier<'_> {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(Fault(what.into()));
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
                if self.lanes.is_some() {
                    self.fault("a conditional inside a lanes loop");
                }
                self.block(body);
            }
        }
    }

    fn repeat(&mut self, inner: &For) {
        if !self.used.insert(inner.variable) {
            self.fault(format!("i{} is the variable of two loops", inner.variable.0));
        }
        self.dim(&inner.extent);
        self.variables.insert(inner.variable);
        let outside = self.lanes;
        match inner.manner {
            Manner::Serial => {}
            Manner::Parallel if outside.is_some() => {
                self.fault("a parallel loop inside a lanes loop");
            }
            Manner::Parallel => {}
            Manner::Lanes(width) => {
                if outside.is_some() || !width.is_power_of_two() {
                    self.fault(format!("{width} lanes inside a lanes loop, or no power of two"));
                }
                self.lanes = Some((inner.variable, width));
            }
        }
        self.block(&inner.body);
        self.lanes = outside;
        self.variables.remove(&inner.variable);
    }

    fn store(&mut self, buffer: BufferId, address: &Address, expr: &Expr) {
        let content = &self.loops.buffers[buffer];
        self.expect(expr, content.element);
        self.address(address);
        if matches!(content.space, Space::Parameter(_)) {
            self.fault(format!("`{}` is only read", content.name));
        }
        if let Some((variable, _)) = self.lanes
            && address.coefficient(variable).is(0)
            && address.computed.is_empty()
        {
            self.fault(format!("all lanes store to one element of `{}`", content.name));
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
            Expr::Unary(_, _) => inner[0],
            Expr::Binary(_, _, _) | Expr::MultiplyAdd(_, _, _) => {
                if inner.windows(2).any(|pair| pair[0] != pair[1]) {
                    self.fault(format!("operands of different types: {expr:?}"));
                }
                inner[0]
            }
            Expr::Compare(_, _, _) => {
                if inner[0] != inner[1] {
                    self.fault(format!("operands of different types: {expr:?}"));
                }
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
                Some(self.loops.buffers[*buffer].element)
            }
        }
    }

    fn register(&mut self, register: RegisterId, folded: bool) -> Option<Element> {
        let Some((element, parts, inside)) = self.registers.get(&register).copied() else {
            self.fault(format!("${} is not declared", register.0));
            return None;
        };
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
