//! Names that no program of loops has yet.

use crate::loops::visit;
use crate::loops::{Loops, RegisterId, Statement, ValueId, VariableId};

/// Counters behind the names in use.
pub(super) struct Names {
    variables: u32,
    values: u32,
    registers: u32,
}

impl Names {
    pub(super) fn of(loops: &Loops) -> Self {
        let mut names = Self { variables: 0, values: 0, registers: 0 };
        for nest in &loops.nests {
            visit::statements(&nest.body, &mut |statement| match statement {
                Statement::For(inner) => {
                    names.variables = names.variables.max(inner.variable.0 + 1);
                }
                Statement::Let { value, .. } => names.values = names.values.max(value.0 + 1),
                Statement::Declare { register, .. } => {
                    names.registers = names.registers.max(register.0 + 1);
                }
                Statement::Set { .. } | Statement::Store { .. } | Statement::If { .. } => {}
            });
        }
        names
    }

    pub(super) fn variable(&mut self) -> VariableId {
        self.variables += 1;
        VariableId(self.variables - 1)
    }

    pub(super) fn value(&mut self) -> ValueId {
        self.values += 1;
        ValueId(self.values - 1)
    }

    pub(super) fn register(&mut self) -> RegisterId {
        self.registers += 1;
        RegisterId(self.registers - 1)
    }
}
