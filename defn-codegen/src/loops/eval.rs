//! The slow truth: executes statements one after the other, lane by lane.
//!
//! Elementary functions are those of [`crate::math`] on its scalar machine, so that machine code must give the same bits.
//! An access outside of its buffer is a fault, not a crash.
//! An access that races with another of the same nest, where a team of threads executes it, is one too.
//! Private scratch is overwritten when an iteration of an outermost loop begins, and tasks are executed from the last to the first,
//! so that what should not be relied on shows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::control::part;
use super::memory::{Memory, Place};
use super::mma;
use super::races::{Access, Agent, Races};
use super::sort::Sort;
use super::{
    Address, BufferId, Control, Expr, For, Loops, Manner, Mma, RegisterId, Space, Statement,
    ValueId, VariableId,
};
use crate::graph::eval::{Value, scalar};
use crate::graph::{Binary, Combine, Dim, Element, Scalar, Unary};
use crate::math;

/// What went wrong while executing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What an execution leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The results, in order.
    pub results: Vec<Value>,
    /// The updated parameters: position and new value.
    pub updated: Vec<(usize, Value)>,
    /// What the host was shown, in order: the number of the marker and the value.
    pub shown: Vec<(usize, Value)>,
}

/// Executes a program for these values of the symbols and parameters.
pub fn eval(loops: &Loops, symbols: &[i64], parameters: &[Value]) -> Result<Outcome, Fault> {
    let mut machine = Machine::new(loops, symbols, parameters);
    machine.nests(0..loops.nests.len())?;
    Ok(machine.outcome())
}

/// The shape of a buffer for these values of the symbols.
pub fn shape(loops: &Loops, buffer: BufferId, symbols: &[i64]) -> Vec<usize> {
    loops.buffers[buffer]
        .shape
        .iter()
        .map(|dim| usize::try_from(dim.evaluate(symbols)).unwrap_or(0))
        .collect()
}

/// The lanes of the loop that is being executed.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    variable: VariableId,
    width: u32,
    first: i64,
    active: usize,
}

/// More iterations than any test needs.
const MOST_ITERATIONS: i64 = 1 << 20;

struct Machine<'l> {
    loops: &'l Loops,
    symbols: &'l [i64],
    memory: Memory<'l>,
    variables: BTreeMap<VariableId, i64>,
    values: BTreeMap<ValueId, Vec<Scalar>>,
    registers: BTreeMap<RegisterId, Vec<Scalar>>,
    lanes: Option<Lanes>,
    /// How many loops are around.
    depth: usize,
    /// The variables of the loops that are shared.
    shared: Vec<VariableId>,
    /// What the host was shown.
    shown: Vec<(usize, Value)>,
    /// What the threads of a team did; none where one thread executes all.
    races: Option<RefCell<Races>>,
    /// Whether the first thread of a team computes what it stores.
    is_first: bool,
}

impl<'l> Machine<'l> {
    fn new(loops: &'l Loops, symbols: &'l [i64], parameters: &[Value]) -> Self {
        Self {
            loops,
            symbols,
            memory: Memory::new(loops, symbols, parameters),
            variables: BTreeMap::new(),
            values: BTreeMap::new(),
            registers: BTreeMap::new(),
            lanes: None,
            depth: 0,
            shared: Vec::new(),
            shown: Vec::new(),
            races: None,
            is_first: false,
        }
    }

    fn outcome(self) -> Outcome {
        let mut outcome = Outcome { results: Vec::new(), updated: Vec::new(), shown: self.shown };
        for (id, buffer) in self.loops.buffers.iter() {
            let value = || self.memory.value(id);
            match buffer.space {
                Space::Result(_) => outcome.results.push(value()),
                Space::Updated(position) => outcome.updated.push((position, value())),
                Space::Parameter(_)
                | Space::Workspace(_)
                | Space::Private(_)
                | Space::Shared(_) => {}
            }
        }
        outcome
    }

    /// Nests and markers, one after the other; false if a loop around is left.
    fn nests(&mut self, range: Range<usize>) -> Result<bool, Fault> {
        let mut position = range.start;
        while position < range.end {
            let nest = &self.loops.nests[position];
            position += 1;
            let Some(control) = &nest.control else {
                self.shared = nest.shared().iter().map(|inner| inner.variable).collect();
                self.races = (nest.threads > 1).then(RefCell::default);
                self.block(&nest.body)?;
                self.races = None;
                continue;
            };
            if let Control::Leave { unless } = control {
                if self.load(*unless, (0, 0))?.bits == 0 {
                    return Ok(false);
                }
                continue;
            }
            if let Control::Inspect { buffer, site: _ } = control {
                self.show(position - 1, *buffer)?;
                continue;
            }
            let Some((otherwise, end)) = part(&self.loops.nests, position - 1) else {
                return Err(Fault("a marker has no end".to_owned()));
            };
            self.part(control, (position, otherwise, end))?;
            position = end + 1;
        }
        Ok(true)
    }

    /// The host looks at a buffer.
    fn show(&mut self, nest: usize, buffer: BufferId) -> Result<(), Fault> {
        let number = self.loops.inspects().position(|(position, ..)| position == nest);
        let (element, shape) =
            (self.loops.buffers[buffer].element, shape(self.loops, buffer, self.symbols));
        let places = 0..shape.iter().product::<usize>() as i64;
        let data: Result<Vec<u64>, Fault> =
            places.map(|at| Ok(self.load(buffer, (at, 0))?.bits)).collect();
        let value = Value { element, shape, data: data? };
        self.shown.push((number.unwrap_or_default(), value));
        Ok(())
    }

    /// What a marker encloses.
    fn part(
        &mut self,
        control: &Control,
        (begin, otherwise, end): (usize, Option<usize>, usize),
    ) -> Result<(), Fault> {
        match control {
            Control::Repeat { variable, extent } => {
                for iteration in 0..extent.evaluate(self.symbols) {
                    self.variables.insert(*variable, iteration);
                    self.nests(begin..end)?;
                }
            }
            Control::Loop { variable } => {
                for iteration in 0..MOST_ITERATIONS {
                    self.variables.insert(*variable, iteration);
                    if !self.nests(begin..end)? {
                        return Ok(());
                    }
                }
                return Err(Fault("a loop is not left".to_owned()));
            }
            Control::If { condition } => {
                let holds = self.load(*condition, (0, 0))?.bits != 0;
                let chosen = match (holds, otherwise) {
                    (true, otherwise) => begin..otherwise.unwrap_or(end),
                    (false, Some(otherwise)) => otherwise + 1..end,
                    (false, None) => end..end,
                };
                self.nests(chosen)?;
            }
            Control::Leave { .. } | Control::Else | Control::End | Control::Inspect { .. } => {
                return Err(Fault("a marker encloses nothing".to_owned()));
            }
        }
        Ok(())
    }

    fn block(&mut self, statements: &[Statement]) -> Result<(), Fault> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Fault> {
        match statement {
            Statement::For(inner) => self.repeat(inner),
            Statement::Let { value, element, expr } => {
                let all = self.all_lanes(expr)?;
                if let Some(wrong) = all.iter().find(|scalar| scalar.element != *element) {
                    return Err(Fault(format!("%{} is {}, not {element}", value.0, wrong.element)));
                }
                self.values.insert(*value, all);
                Ok(())
            }
            Statement::Declare { register, element: _, lanes, initial } => {
                let parts = match (self.lanes, *lanes) {
                    (None, 1) | (Some(_), _) => self.all_lanes(initial)?,
                    (None, parts) => vec![self.expr(initial, 0)?; parts as usize],
                };
                self.registers.insert(*register, parts);
                Ok(())
            }
            Statement::Set { register, expr } => {
                let all = self.all_lanes(expr)?;
                let Some(parts) = self.registers.get_mut(register) else {
                    return Err(Fault(format!("${} is not declared", register.0)));
                };
                // Lanes beyond the extent leave their part alone.
                parts.iter_mut().zip(all).for_each(|(part, new)| *part = new);
                Ok(())
            }
            Statement::Store { buffer, address, expr } => {
                self.is_first = self.lanes.is_none();
                let all = self.all_lanes(expr)?;
                for (lane, scalar) in all.into_iter().enumerate() {
                    let position = self.address(address, lane)?;
                    self.store(*buffer, (position, lane), scalar)?;
                }
                self.is_first = false;
                Ok(())
            }
            Statement::If { condition, body } => match self.expr(condition, 0)?.bits {
                0 => Ok(()),
                _ => self.block(body),
            },
            Statement::Mma(mma) => self.mma(mma),
            Statement::Sync => {
                if let Some(races) = &mut self.races {
                    races.get_mut().sync();
                }
                Ok(())
            }
        }
    }

    /// A product of the matrices of every warp.
    fn mma(&mut self, mma: &Mma) -> Result<(), Fault> {
        let Mma { shape, sums, left, right } = mma;
        let active = self.lanes.map_or(0, |lanes| lanes.active);
        if active == 0 || !active.is_multiple_of(mma::WARP) {
            return Err(Fault(format!("{active} lanes are no warps")));
        }
        let held = |operands: &[Expr]| {
            let all = operands.iter().map(|expr| self.all_lanes(expr));
            all.collect::<Result<Vec<Vec<Scalar>>, Fault>>()
        };
        let operands: Vec<Expr> = sums.iter().copied().map(Expr::Register).collect();
        let held = [held(&operands)?, held(left)?, held(right)?];
        for first in (0..active).step_by(mma::WARP) {
            let [sums_before, left, right] = held.each_ref().map(|all| {
                let warp = |lanes: &Vec<Scalar>| {
                    lanes[first..first + mma::WARP].iter().map(|scalar| scalar.bits).collect()
                };
                all.iter().map(warp).collect::<Vec<Vec<u64>>>()
            });
            let after = mma::multiplied(*shape, &sums_before, &left, &right);
            for (register, bits) in sums.iter().zip(after) {
                let Some(parts) = self.registers.get_mut(register) else { continue };
                for (part, bits) in parts[first..].iter_mut().zip(bits) {
                    *part = Scalar { element: mma::SUM, bits };
                }
            }
        }
        Ok(())
    }

    /// Moves integers as they are, and then puts those that came in order.
    fn sorted(&mut self, inner: &For) -> Result<(), Fault> {
        let sort = Sort::of(inner).ok_or_else(|| Fault("a loop that does not sort".into()))?;
        self.variables.insert(inner.variable, 0);
        self.repeat(sort.moves)?;
        let bits = 8 * self.loops.buffers[sort.from.0].element.size() as u32;
        let (buffer, address) = sort.to;
        let mut places = Vec::new();
        for position in 0..self.iterations(sort.moves)? {
            self.variables.insert(sort.moves.variable, position);
            places.push((self.address(address, 0)?, 0));
        }
        let moved = places.iter().map(|place| self.load(buffer, *place));
        let mut moved: Vec<Scalar> = moved.collect::<Result<_, Fault>>()?;
        moved.sort_by_key(|scalar| scalar.bits.cast_signed() << (64 - bits) >> (64 - bits));
        let mut all = places.into_iter().zip(moved);
        all.try_for_each(|(place, scalar)| self.store(buffer, place, scalar))
    }

    /// How often a loop runs.
    fn iterations(&self, inner: &For) -> Result<i64, Fault> {
        let extent = inner.extent.evaluate(self.symbols);
        let Some(clip) = &inner.clip else { return Ok(extent) };
        Ok(extent.min(self.address(clip, 0)?))
    }

    fn repeat(&mut self, inner: &For) -> Result<(), Fault> {
        if inner.manner == Manner::Sorted {
            return self.sorted(inner);
        }
        let extent = self.iterations(inner)?;
        let width = if let Manner::Lanes(width) = inner.manner { width } else { 1 };
        let groups =
            extent.max(0).div_euclid(width.into()) + i64::from(extent % i64::from(width) > 0);
        let shared = self.shared.iter().position(|variable| *variable == inner.variable);
        let is_backwards = shared.is_some();
        for group in 0..groups {
            // What stands in front of a shared loop belongs to the first task inside.
            if let Some(races) = &mut self.races
                && shared.is_some_and(|around| around == 0 || group > 0)
            {
                races.get_mut().task();
            }
            let group = if is_backwards { groups - 1 - group } else { group };
            let first = group * i64::from(width);
            if matches!(inner.manner, Manner::Lanes(_)) {
                let active = usize::try_from((extent - first).min(width.into())).unwrap_or(0);
                self.lanes = Some(Lanes { variable: inner.variable, width, first, active });
            } else {
                self.variables.insert(inner.variable, first);
            }
            self.iteration(&inner.body)?;
        }
        if matches!(inner.manner, Manner::Lanes(_)) {
            self.lanes = None;
        }
        Ok(())
    }

    /// One iteration, or one group of lanes.
    fn iteration(&mut self, body: &[Statement]) -> Result<(), Fault> {
        if self.depth == 0 {
            self.memory.poison();
        }
        self.depth += 1;
        self.block(body)?;
        self.depth -= 1;
        Ok(())
    }

    /// The value of an expression for every active lane, or once outside of lanes.
    fn all_lanes(&self, expr: &Expr) -> Result<Vec<Scalar>, Fault> {
        let active = self.lanes.map_or(1, |lanes| lanes.active);
        (0..active).map(|lane| self.expr(expr, lane)).collect()
    }

    fn variable(&self, variable: VariableId, lane: usize) -> Result<i64, Fault> {
        match self.lanes {
            Some(lanes) if lanes.variable == variable => Ok(lanes.first + lane as i64),
            _ => {
                let found = self.variables.get(&variable).copied();
                found.ok_or_else(|| {
                    Fault(format!("i{} is not the variable of a loop around", variable.0))
                })
            }
        }
    }

    fn affine(
        &self,
        constant: &Dim,
        terms: &[(VariableId, Dim)],
        lane: usize,
    ) -> Result<i64, Fault> {
        terms.iter().try_fold(constant.evaluate(self.symbols), |sum, (variable, by)| {
            let product = by.evaluate(self.symbols).wrapping_mul(self.variable(*variable, lane)?);
            Ok(sum.wrapping_add(product))
        })
    }

    fn address(&self, address: &Address, lane: usize) -> Result<i64, Fault> {
        let affine = self.affine(&address.constant, &address.terms, lane)?;
        address.computed.iter().try_fold(affine, |sum, (expr, by)| {
            let computed = self.expr(expr, lane)?.to_i64();
            Ok(sum.wrapping_add(computed.wrapping_mul(by.evaluate(self.symbols))))
        })
    }

    fn expr(&self, expr: &Expr, lane: usize) -> Result<Scalar, Fault> {
        let of = |operand: &Expr| self.expr(operand, lane);
        Ok(match expr {
            Expr::Constant(scalar) => *scalar,
            Expr::Value(value) => {
                part_of_lane(self.values.get(value), lane, || format!("%{}", value.0))?
            }
            Expr::Register(register) => {
                part_of_lane(self.registers.get(register), lane, || format!("${}", register.0))?
            }
            Expr::Combine(combine, register) => self.combine(*combine, *register)?,
            Expr::Position { constant, terms } => {
                Scalar::from_i64(Element::I64, self.affine(constant, terms, lane)?)
            }
            Expr::Unary(unary, operand) => self::unary(*unary, of(operand)?),
            Expr::Binary(binary, left, right) => self::binary(*binary, of(left)?, of(right)?),
            Expr::Compare(comparison, left, right) => {
                scalar::compare(*comparison, of(left)?, of(right)?)
            }
            Expr::Select(condition, then, otherwise) => {
                let (condition, then, otherwise) = (of(condition)?, of(then)?, of(otherwise)?);
                if condition.bits != 0 { then } else { otherwise }
            }
            Expr::MultiplyAdd(a, b, c) => multiply_add(of(a)?, of(b)?, of(c)?),
            Expr::Bits(operand) => {
                let float = of(operand)?;
                let element = Expr::bits_of(float.element)
                    .ok_or_else(|| Fault(format!("bits of {}", float.element)))?;
                Scalar { element, bits: float.bits }
            }
            Expr::Shift { by, fill, operand } => match lane.checked_sub(*by as usize) {
                Some(source) => self.expr(operand, source)?,
                None => *fill,
            },
            Expr::Convert(element, operand) => scalar::convert(*element, of(operand)?),
            Expr::Load(buffer, address) => {
                self.load(*buffer, (self.address(address, lane)?, lane))?
            }
        })
    }

    /// Folds all parts of a register: part `k` takes part `k + half`, and the half is halved until part 0 is left.
    fn combine(&self, combine: Combine, register: RegisterId) -> Result<Scalar, Fault> {
        let Some(parts) = self.registers.get(&register) else {
            return Err(Fault(format!("${} is not declared", register.0)));
        };
        let mut parts = parts.clone();
        while parts.len() > 1 {
            let upper = parts.split_off(parts.len() / 2);
            for (part, other) in parts.iter_mut().zip(upper) {
                *part = binary(combine.binary(), *part, other);
            }
        }
        Ok(parts[0])
    }

    /// Where an element is, or its part for a lane; looks for a race, if threads execute the nest.
    fn place(
        &self,
        buffer: BufferId,
        (position, lane): (i64, usize),
        access: Access,
    ) -> Result<Place, Fault> {
        let width = self.lanes.map(|lanes| lanes.width);
        let place = self.memory.place(buffer, position, (width, lane))?;
        let Some(races) = &self.races else { return Ok(place) };
        let content = &self.loops.buffers[buffer];
        let of_team = content.space.is_private() || content.space.is_shared();
        let alone = if self.is_first { Agent::First } else { Agent::Team };
        let agent = width.map_or(alone, |width| Agent::Lane(width, lane));
        if races.borrow_mut().note((buffer, place.start()), (agent, access), of_team) {
            return Ok(place);
        }
        Err(Fault(format!("a race for `{}`", content.name)))
    }

    fn load(&self, buffer: BufferId, place: (i64, usize)) -> Result<Scalar, Fault> {
        let place = self.place(buffer, place, Access::Load)?;
        Ok(self.memory.load(buffer, &place))
    }

    fn store(
        &mut self,
        buffer: BufferId,
        place: (i64, usize),
        scalar: Scalar,
    ) -> Result<(), Fault> {
        let content = &self.loops.buffers[buffer];
        if scalar.element != content.element || matches!(content.space, Space::Parameter(_)) {
            return Err(Fault(format!(
                "`{}` is not written with {}",
                content.name, scalar.element
            )));
        }
        let place = self.place(buffer, place, Access::Store)?;
        self.memory.store(buffer, &place, scalar);
        Ok(())
    }
}

fn part_of_lane(
    parts: Option<&Vec<Scalar>>,
    lane: usize,
    name: impl Fn() -> String,
) -> Result<Scalar, Fault> {
    match parts.map(Vec::as_slice) {
        Some([only]) => Ok(*only),
        Some(parts) => parts
            .get(lane)
            .copied()
            .ok_or_else(|| Fault(format!("{} has no part for lane {lane}", name()))),
        None => Err(Fault(format!("{} is not declared", name()))),
    }
}

/// The function of `math` that computes a primitive; none if it is a plain operation.
pub fn function(unary: Unary) -> Option<math::Function> {
    math::Function::ALL.iter().copied().find(|function| function.name() == unary.word())
}

/// The function of `math` that computes a primitive of two operands; none if it is a plain operation.
pub fn function2(binary: Binary) -> Option<math::Function2> {
    math::Function2::ALL.iter().copied().find(|function| function.name() == binary.word())
}

fn single(scalar: Scalar) -> f32 {
    f32::from_bits(scalar.bits as u32)
}

fn from_single(value: f32) -> Scalar {
    Scalar { element: Element::F32, bits: u64::from(value.to_bits()) }
}

fn from_double(value: f64) -> Scalar {
    Scalar { element: Element::F64, bits: value.to_bits() }
}

fn unary(unary: Unary, operand: Scalar) -> Scalar {
    match (function(unary), operand.element) {
        (Some(function), Element::F32) => {
            from_single(math::unary_f32(&mut math::Scalar, function, single(operand)))
        }
        (Some(function), Element::F64) => {
            from_double(math::unary_f64(&mut math::Scalar, function, operand.to_f64()))
        }
        _ => scalar::unary(unary, operand),
    }
}

fn binary(binary: Binary, left: Scalar, right: Scalar) -> Scalar {
    match (function2(binary), left.element) {
        (Some(function), Element::F32) => {
            from_single(math::binary_f32(&mut math::Scalar, function, single(left), single(right)))
        }
        (Some(function), Element::F64) => from_double(math::binary_f64(
            &mut math::Scalar,
            function,
            left.to_f64(),
            right.to_f64(),
        )),
        _ => scalar::binary(binary, left, right),
    }
}

fn multiply_add(a: Scalar, b: Scalar, c: Scalar) -> Scalar {
    match a.element {
        Element::F32 => from_single(single(a).mul_add(single(b), single(c))),
        Element::F64 => from_double(a.to_f64().mul_add(b.to_f64(), c.to_f64())),
        Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 | Element::Bool => {
            scalar::binary(Binary::Add, scalar::binary(Binary::Mul, a, b), c)
        }
        Element::F16 | Element::Bf16 => crate::bug!("eval", "arithmetic of {}", a.element),
    }
}
