//! The body that is being written: nested blocks, and what each of them knows already.
//!
//! A value is computed in the outermost block in which its position is known, so that what does not change in a loop stands in front of it.

use std::collections::BTreeMap;

use super::{Lowering, Names};
use crate::graph::{Dim, Element, Graph, NodeId};
use crate::kernels::Kernel;
use crate::loops::{
    Address, BufferId, Expr, For, Manner, RegisterId, Statement, ValueId, VariableId,
};

/// Statements under construction, and the values that are known in them.
#[derive(Debug, Default)]
struct Block {
    /// The variable of the loop whose body this is.
    variable: Option<(VariableId, Dim)>,
    statements: Vec<Statement>,
    /// A list, because places have no order; blocks know few values.
    known: BTreeMap<NodeId, Vec<(Vec<Address>, Expr)>>,
}

/// Writes the body of one kernel.
pub(super) struct Emitter<'l, 'k> {
    pub(super) lowering: &'l mut Lowering<'k>,
    pub(super) kernel: &'l Kernel,
    /// Whether tables that may be empty are.
    pub(super) tables_are_empty: bool,
    /// Values that stand in a register or in scratch.
    pub(super) placed: BTreeMap<NodeId, Placed>,
    /// The stored node whose value is being computed, which therefore is not loaded.
    pub(super) writing: Option<NodeId>,
    blocks: Vec<Block>,
    /// The block in which each value was named.
    named: BTreeMap<ValueId, usize>,
}

/// Where a value of the kernel stands once its step is done.
#[derive(Clone, Debug)]
pub(super) enum Placed {
    /// In a register, for the row.
    Row(Expr),
    /// In scratch of one row, at the column: the position along these axes.
    Kept(BufferId, Vec<usize>),
}

impl<'l, 'k> Emitter<'l, 'k> {
    pub(super) fn new(
        lowering: &'l mut Lowering<'k>,
        kernel: &'l Kernel,
        tables_are_empty: bool,
    ) -> Self {
        Self {
            lowering,
            kernel,
            tables_are_empty,
            placed: BTreeMap::new(),
            writing: None,
            blocks: vec![Block::default()],
            named: BTreeMap::new(),
        }
    }

    pub(super) fn graph(&self) -> &'k Graph {
        &self.lowering.kernels.graph
    }

    pub(super) fn finish(mut self) -> Vec<Statement> {
        debug_assert_eq!(self.blocks.len(), 1, "every loop is closed");
        self.blocks.pop().map(|block| block.statements).unwrap_or_default()
    }

    pub(super) fn is_being_written(&self, node: NodeId) -> bool {
        self.writing == Some(node)
    }

    pub(super) fn depth(&self) -> usize {
        self.blocks.len() - 1
    }

    /// Opens a loop and gives the position in it.
    pub(super) fn open(&mut self, extent: &Dim) -> Address {
        let variable = self.lowering.names.variable();
        self.blocks.push(Block { variable: Some((variable, extent.clone())), ..Block::default() });
        let mut position = Address::default();
        position.add_term(variable, &Dim::from(1));
        position
    }

    /// Opens a block without a loop, for a conditional.
    pub(super) fn open_condition(&mut self) {
        self.blocks.push(Block::default());
    }

    /// Closes a conditional.
    pub(super) fn close_condition(&mut self, condition: Expr) {
        let Some(block) = self.blocks.pop() else { return };
        self.emit(Statement::If { condition, body: block.statements });
    }

    /// Closes the innermost loop; a loop without a body is not written.
    pub(super) fn close(&mut self, manner: Manner) {
        self.close_clipped(manner, None);
    }

    /// Closes the innermost loop, which does not go beyond a number that was computed in front of it.
    pub(super) fn close_below(&mut self, manner: Manner, limit: Expr) {
        let clip = Address { computed: vec![(limit, Dim::from(1))], ..Address::default() };
        self.close_clipped(manner, Some(clip));
    }

    /// Closes the innermost loop, which does not go beyond a position of the loops around.
    pub(super) fn close_clipped(&mut self, manner: Manner, clip: Option<Address>) {
        let Some(Block { variable: Some((variable, extent)), statements: body, known: _ }) =
            self.blocks.pop()
        else {
            crate::bug!("lower", "no loop is open");
        };
        if !body.is_empty() {
            self.emit(Statement::For(For { variable, extent, clip, manner, body }));
        }
    }

    pub(super) fn emit(&mut self, statement: Statement) {
        let depth = self.depth();
        self.blocks[depth].statements.push(statement);
    }

    /// Declares a register in the innermost block.
    pub(super) fn declare(&mut self, element: Element, initial: Expr) -> RegisterId {
        let Names { registers, .. } = &mut self.lowering.names;
        let register = RegisterId(*registers);
        *registers += 1;
        self.emit(Statement::Declare { register, element, lanes: 1, initial });
        register
    }

    /// Declares a register outside of lanes that has a part for each.
    pub(super) fn declare_lanes(
        &mut self,
        element: Element,
        lanes: u32,
        initial: Expr,
    ) -> RegisterId {
        let register = self.declare(element, initial);
        let depth = self.depth();
        if let Some(Statement::Declare { lanes: parts, .. }) =
            self.blocks[depth].statements.last_mut()
        {
            *parts = lanes;
        }
        register
    }

    /// Names a value in the block at `depth`.
    pub(super) fn name(&mut self, depth: usize, element: Element, expr: Expr) -> Expr {
        let Names { values, .. } = &mut self.lowering.names;
        let value = ValueId(*values);
        *values += 1;
        self.blocks[depth].statements.push(Statement::Let { value, element, expr });
        self.named.insert(value, depth);
        Expr::Value(value)
    }

    /// The outermost block in which a position is known.
    pub(super) fn depth_of(&self, place: &[Address]) -> usize {
        let affine = |block: &Block| {
            // What stands in a conditional must stay there.
            let Some((variable, _)) = &block.variable else { return true };
            place
                .iter()
                .any(|position| position.terms.iter().any(|(candidate, _)| candidate == variable))
        };
        let affine =
            (1..self.blocks.len()).rev().find(|depth| affine(&self.blocks[*depth])).unwrap_or(0);
        let computed = place
            .iter()
            .flat_map(|position| &position.computed)
            .map(|(expr, _)| self.depth_of_value(expr));
        computed.fold(affine, usize::max)
    }

    /// The block in which a computed position was named.
    fn depth_of_value(&self, expr: &Expr) -> usize {
        if matches!(expr, Expr::Constant(_)) {
            return 0;
        }
        let Expr::Value(value) = expr else { return self.depth() };
        self.named.get(value).copied().unwrap_or_else(|| self.depth())
    }

    pub(super) fn known(&self, depth: usize, node: NodeId, place: &[Address]) -> Option<Expr> {
        let values = self.blocks[depth].known.get(&node)?;
        values.iter().find(|(known, _)| known == place).map(|(_, expr)| expr.clone())
    }

    pub(super) fn remember(&mut self, depth: usize, node: NodeId, place: &[Address], expr: Expr) {
        self.blocks[depth].known.entry(node).or_default().push((place.to_vec(), expr));
    }
}
