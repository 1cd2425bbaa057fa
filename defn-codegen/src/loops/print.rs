//! Loops as text: one statement a line.

use std::fmt::{self, Write};

use super::{
    Address, Buffer, BufferId, Control, Expr, Loops, Manner, Mma, Nest, Space, Statement, Tasks,
    VariableId,
};
use crate::graph::{Dim, print};

impl fmt::Display for Loops {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer =
            Printer { loops: self, variables: variable_prefix(&self.symbols), text: String::new() };
        printer.loops()?;
        formatter.write_str(&printer.text)
    }
}

/// What the names of loop variables begin with: `i`, and underscores until no symbol reads like a variable.
pub(super) fn variable_prefix(symbols: &[String]) -> String {
    let mut prefix = "i".to_owned();
    let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    while symbols.iter().any(|symbol| symbol.strip_prefix(&prefix).is_some_and(is_number)) {
        prefix.push('_');
    }
    prefix
}

struct Printer<'l> {
    loops: &'l Loops,
    variables: String,
    text: String,
}

impl Printer<'_> {
    fn loops(&mut self) -> fmt::Result {
        let symbols = match self.loops.symbols.as_slice() {
            [] => String::new(),
            names => format!("<{}>", names.join(", ")),
        };
        let private = match &self.loops.private {
            none if none.is(0) => String::new(),
            private => format!(" private {}", self.dim(private)),
        };
        writeln!(
            self.text,
            "loops {}{symbols} workspace {}{private} {{",
            self.loops.name,
            self.dim(&self.loops.workspace)
        )?;
        for (_, buffer) in self.loops.buffers.iter() {
            let line = self.buffer(buffer);
            writeln!(self.text, "  buffer {line}")?;
        }
        let mut depth = 1;
        for (position, nest) in self.loops.nests.iter().enumerate() {
            self.nest(position, nest, &mut depth)?;
        }
        writeln!(self.text, "}}")
    }

    fn nest(&mut self, position: usize, nest: &Nest, depth: &mut usize) -> fmt::Result {
        if let Some(control) = &nest.control {
            // Nothing here panics, whatever the markers are.
            if matches!(control, Control::Else | Control::End) {
                *depth = depth.saturating_sub(1).max(1);
            }
            let line = self.control(control);
            writeln!(self.text, "{}{line}", "  ".repeat(*depth))?;
            *depth += usize::from(control.opens() || *control == Control::Else);
            return Ok(());
        }
        let threads = match nest.threads {
            1 => String::new(),
            several => format!(" threads {several}"),
        };
        let cut =
            if nest.cut.is(0) { String::new() } else { format!(" cut {}", self.dim(&nest.cut)) };
        let tasks = match &nest.tasks {
            None => String::new(),
            Some(Tasks { loops: 1, whole, front: _ }) => format!(" tasks {}", self.dim(whole)),
            Some(Tasks { loops, whole, front }) => {
                format!(" tasks {} over {loops} front {}", self.dim(whole), self.dim(front))
            }
        };
        let indent = "  ".repeat(*depth);
        writeln!(self.text, "{indent}nest {position}{cut}{threads}{tasks} {{")?;
        self.body(&nest.body, *depth + 1)?;
        writeln!(self.text, "{indent}}}")
    }

    fn control(&self, control: &Control) -> String {
        let name = |buffer: &BufferId| &self.loops.buffers[*buffer].name;
        let variable = |variable: &VariableId| format!("{}{}", self.variables, variable.0);
        match control {
            Control::Repeat { variable: counted, extent } => {
                format!("repeat {} in 0..{} {{", variable(counted), self.dim(extent))
            }
            Control::Loop { variable: counted } => format!("loop {} {{", variable(counted)),
            Control::Leave { unless } => format!("leave unless {}", name(unless)),
            Control::If { condition } => format!("if {} {{", name(condition)),
            Control::Else => "} else {".to_owned(),
            Control::End => "}".to_owned(),
            Control::Inspect { buffer, site } => {
                format!("inspect {} site={}", name(buffer), site.0)
            }
        }
    }

    fn buffer(&self, buffer: &Buffer) -> String {
        let shape: Vec<String> = buffer.shape.iter().map(|dim| self.dim(dim)).collect();
        let space = match &buffer.space {
            Space::Parameter(position) => format!("parameter {position}"),
            Space::Updated(position) => format!("updated {position}"),
            Space::Result(position) => format!("result {position}"),
            Space::Workspace(None) => "workspace".to_owned(),
            Space::Workspace(Some(offset)) => format!("workspace at {}", self.dim(offset)),
            Space::Private(None) => "private".to_owned(),
            Space::Private(Some(offset)) => format!("private at {}", self.dim(offset)),
            Space::Shared(None) => "shared".to_owned(),
            Space::Shared(Some(offset)) => format!("shared at {}", self.dim(offset)),
        };
        let lanes =
            if buffer.lanes == 1 { String::new() } else { format!(" lanes {}", buffer.lanes) };
        format!("{}: {}[{}]{lanes} = {space}", buffer.name, buffer.element, shape.join(", "))
    }

    fn body(&mut self, statements: &[Statement], depth: usize) -> fmt::Result {
        statements.iter().try_for_each(|statement| self.statement(statement, depth))
    }

    fn statement(&mut self, statement: &Statement, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        match statement {
            Statement::For(inner) => {
                let manner = match inner.manner {
                    Manner::Serial => String::new(),
                    Manner::Parallel => " parallel".to_owned(),
                    Manner::Sorted => " sorted".to_owned(),
                    Manner::Lanes(width) => format!(" lanes {width}"),
                };
                let extent = match &inner.clip {
                    None => self.dim(&inner.extent),
                    Some(clip) => {
                        format!("min({}, {})", self.dim(&inner.extent), self.address(clip))
                    }
                };
                let variable = self.variable(inner.variable);
                writeln!(self.text, "{indent}for {variable} in 0..{extent}{manner} {{")?;
                self.body(&inner.body, depth + 1)?;
                writeln!(self.text, "{indent}}}")
            }
            Statement::Let { value, element, expr } => {
                let expr = self.expr(expr);
                writeln!(self.text, "{indent}let %{}: {element} = {expr}", value.0)
            }
            Statement::Declare { register, element, lanes, initial } => {
                let initial = self.expr(initial);
                let parts = if *lanes == 1 { String::new() } else { format!(" lanes {lanes}") };
                writeln!(self.text, "{indent}var ${}: {element}{parts} = {initial}", register.0)
            }
            Statement::Set { register, expr } => {
                let expr = self.expr(expr);
                writeln!(self.text, "{indent}${} = {expr}", register.0)
            }
            Statement::Store { buffer, address, expr } => {
                let (place, expr) = (self.place(*buffer, address), self.expr(expr));
                writeln!(self.text, "{indent}store {place} = {expr}")
            }
            Statement::Mma(Mma { shape, sums, left, right }) => {
                let sums: Vec<String> = sums.iter().map(|sum| format!("${}", sum.0)).collect();
                let held = |all: &[Expr]| {
                    all.iter().map(|expr| self.expr(expr)).collect::<Vec<String>>().join(", ")
                };
                let (name, sums) = (shape.name(), sums.join(", "));
                let (left, right) = (held(left), held(right));
                writeln!(self.text, "{indent}mma.{name} ({sums}) += ({left}) * ({right})")
            }
            Statement::Sync => writeln!(self.text, "{indent}sync"),
            Statement::If { condition, body } => {
                let condition = self.expr(condition);
                writeln!(self.text, "{indent}if {condition} {{")?;
                self.body(body, depth + 1)?;
                writeln!(self.text, "{indent}}}")
            }
        }
    }

    fn place(&self, buffer: BufferId, address: &Address) -> String {
        format!("{}[{}]", self.loops.buffers[buffer].name, self.address(address))
    }

    fn variable(&self, variable: VariableId) -> String {
        format!("{}{}", self.variables, variable.0)
    }

    fn address(&self, address: &Address) -> String {
        let Address { constant, terms, computed } = address;
        self.sum(constant, terms, computed)
    }

    /// `(coefficient)*variable` for each term, `(coefficient)*@(expression)` for each computed part, then the constant.
    fn sum(&self, constant: &Dim, terms: &[(VariableId, Dim)], computed: &[(Expr, Dim)]) -> String {
        let terms = terms.iter().map(|(variable, by)| match by.is(1) {
            true => self.variable(*variable),
            false => format!("({})*{}", self.dim(by), self.variable(*variable)),
        });
        let computed =
            computed.iter().map(|(expr, by)| format!("({})*@({})", self.dim(by), self.expr(expr)));
        let mut parts: Vec<String> = terms.chain(computed).collect();
        if !constant.is(0) || parts.is_empty() {
            parts.push(self.dim(constant));
        }
        parts.join(" + ")
    }

    fn expr(&self, expr: &Expr) -> String {
        let all = |word: &str, operands: &[&Expr]| {
            let operands: Vec<String> = operands.iter().map(|operand| self.expr(operand)).collect();
            format!("{word}({})", operands.join(", "))
        };
        match expr {
            Expr::Constant(scalar) => format!("{}({})", scalar.element, print::scalar(*scalar)),
            Expr::Value(value) => format!("%{}", value.0),
            Expr::Register(register) => format!("${}", register.0),
            Expr::Combine(combine, register) => {
                format!("combine.{} ${}", combine.word(), register.0)
            }
            Expr::Position { constant, terms } => {
                format!("pos({})", self.sum(constant, terms, &[]))
            }
            Expr::Unary(unary, operand) => all(unary.word(), &[operand]),
            Expr::Binary(binary, left, right) => all(binary.word(), &[left, right]),
            Expr::Compare(comparison, left, right) => all(comparison.word(), &[left, right]),
            Expr::Select(a, b, c) => all("select", &[a, b, c]),
            Expr::MultiplyAdd(a, b, c) => all("fma", &[a, b, c]),
            Expr::Bits(operand) => all("bits", &[operand]),
            Expr::Shift { by, fill, operand } => {
                all(&format!("shift.{by}"), &[operand, &Expr::Constant(*fill)])
            }
            Expr::Convert(element, operand) => all(&format!("convert.{element}"), &[operand]),
            Expr::Load(buffer, address) => format!("load {}", self.place(*buffer, address)),
        }
    }

    fn dim(&self, dim: &Dim) -> String {
        dim.display(&self.loops.symbols).to_string()
    }
}
