//! Laws of derivatives, over random programs that run bodies.
//!
//! In: a function f to `f64` tensors, and a point.   Out: for each order whether it was compared, or the first law that is broken.
//!
//! 1. Forward and backward are one linear map and its transpose: ⟨J v, w⟩ = ⟨v, Jᵀ w⟩.
//! 2. Both are what differences say, before and after `simplify`.
//! 3. The same holds for the gradient as a function, and for the gradient of that.
//! 4. The map of the gradient, and the gradient of the map, are the gradient at each point alone.
//!
//! ```text
//!   φ(t) = ⟨f(x + t v), w⟩        φ′(0) by differences at ±1, ±2, ±4 steps:
//!   ──────●──●─●●●─●──●──────     from the right, from the left, from the inner four and from the outer four points
//! ```
//!
//! A function that is smooth along these steps has four slopes that agree. One whose slopes do not has a kink or a jump there, or is too
//! steep for differences: it is not compared, only counted. Whoever asks looks at how many these are.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::graph::arbitrary::{
    Case, Random, generate_differentiable_control, generate_kinked_control, shrink,
};
use crate::graph::eval::{Value, eval};
use crate::graph::verify::verify;
use crate::graph::{Element, Graph, Node};
use crate::simplify::simplify;

use super::batch;
use super::derivative::{
    floats, gradient, gradient_of_map, like, map_of_gradient, weighted, weights, with_tangents,
};

/// The distance of the first points: the error of a slope from one side is h³·f⁗/3 and 6·ε·f/h.
const STEP: f64 = 1e-4;
/// By how much the slopes of a function that has one differ, relative to it.
const DOUBT: f64 = 1e-6;
/// Rounding of φ in a slope, relative to φ: a hundred roundings over the step.
const ROUNDING: f64 = 1e2 * f64::EPSILON / STEP;
/// How far a derivative may be from differences that agree much better than that, relative to it.
const NEAR: f64 = 1e-7;
/// Forward and backward are sums of the same products in another order: some thousand roundings.
const SAME: f64 = 1e4 * f64::EPSILON;
/// One after the other and all together: the same, but rounded in the midst of larger sums.
const ALIKE: f64 = 1e-9;

/// Programs of derivatives with more nodes are not differentiated again: every gradient of a loop that ends when it is near has
/// its body four times, in loops of its own.
const MOST_NODES: usize = 600;

/// How often derivatives of one order were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Compared with differences.
    pub compared: u64,
    /// Compared, and nothing moves.
    pub flat: u64,
    /// Not compared: the differences disagree.
    pub rejected: u64,
    /// Compared, and the program of the derivative is too large to be differentiated again.
    pub large: u64,
}

/// What was tried, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calculus {
    /// How many programs were tried.
    pub programs: u64,
    /// For each order of derivatives.
    pub orders: [Tally; 3],
    /// For each failure the seed, the broken law and the smallest graph that breaks it.
    pub failures: Vec<(u64, String)>,
}

impl Calculus {
    /// Adds what another part of the programs gave.
    pub fn add(&mut self, other: Self) {
        self.programs += other.programs;
        for (own, other) in self.orders.iter_mut().zip(other.orders) {
            own.compared += other.compared;
            own.flat += other.flat;
            own.rejected += other.rejected;
            own.large += other.large;
        }
        self.failures.extend(other.failures);
    }

    /// The share of derivatives of an order that were compared with differences and are not zero.
    pub fn share(&self, order: usize) -> f64 {
        let Tally { compared, flat, rejected, large: _ } = self.orders[order - 1];
        (compared - flat) as f64 / (compared + rejected).max(1) as f64
    }
}

/// What differences say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is a slope.
    Compared,
    /// There is one, which is zero.
    Flat,
    /// They contradict each other.
    Rejected,
}

/// Tries the laws on `programs` random programs, the first of them from `seed`; stops after `patience` failures.
/// One in ten is differentiated twice, one in eighty three times.
pub fn calculus(seed: u64, programs: u64, patience: usize) -> Calculus {
    let mut report = Calculus::default();
    for seed in seed..seed + programs {
        let (case, order) = (case(seed), order(seed));
        report.programs += 1;
        match check(&case, order) {
            Ok(verdicts) => {
                for (tally, (verdict, is_large)) in report.orders.iter_mut().zip(verdicts) {
                    tally.large += u64::from(is_large);
                    match verdict {
                        Verdict::Compared | Verdict::Flat => tally.compared += 1,
                        Verdict::Rejected => tally.rejected += 1,
                    }
                    tally.flat += u64::from(verdict == Verdict::Flat);
                }
            }
            Err(first) => {
                let small = shrink(&case, |case| check(case, order).is_err());
                let law = check(&small, order).err().unwrap_or(first);
                let arguments: Vec<String> = small.arguments.iter().map(Value::to_string).collect();
                let text = format!("{law}\n{}\nof ({})", small.graph, arguments.join(", "));
                report.failures.push((seed, text));
            }
        }
        if report.failures.len() >= patience {
            break;
        }
    }
    report
}

/// The program of a seed; those that are differentiated more often are smaller.
fn case(seed: u64) -> Case {
    let size = 2 + (seed / 4 % [9, 5, 3][order(seed) - 1]) as usize;
    if seed % 4 == 1 {
        generate_differentiable_control(seed, size)
    } else {
        generate_kinked_control(seed, size)
    }
}

fn order(seed: u64) -> usize {
    match (seed % 80, seed % 10) {
        (0, _) => 3,
        (_, 0) => 2,
        _ => 1,
    }
}

/// The first law that is broken; a panic breaks one too.
fn check(case: &Case, order: usize) -> Result<Vec<(Verdict, bool)>, String> {
    let laws = AssertUnwindSafe(|| laws(case, order));
    catch_unwind(laws).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        Err(format!("panics: {}", words.unwrap_or_else(|| "without words".to_owned())))
    })
}

/// For each order what differences say, and whether it was the last one because of its size.
fn laws(case: &Case, order: usize) -> Result<Vec<(Verdict, bool)>, String> {
    let wrt = floats(&case.graph);
    let mut random = Random::new(case.graph.nodes.len() as u64);
    let mut found = Vec::new();
    let Case { mut graph, mut arguments } = case.clone();
    graph.results.iter_mut().for_each(|result| result.updates = None);
    for order in 1..=order {
        let has_floats = graph.results.iter().any(|result| graph.element(result.node).is_float());
        if wrt.is_empty() || !has_floats {
            break;
        }
        let derivatives = Derivatives::of(&graph, &wrt)?;
        let verdict;
        (verdict, arguments) = derivatives.agree(&arguments, &mut random)?;
        if order == 1 {
            Maps::of(&derivatives).agree(&arguments, [3, 1, 0][random.below(3)])?;
        }
        graph = derivatives.gradient;
        let is_large = nodes(&graph) > MOST_NODES;
        found.push((verdict, is_large));
        if verdict == Verdict::Rejected || is_large {
            break;
        }
    }
    Ok(found)
}

/// How many nodes there are, also in bodies.
fn nodes(graph: &Graph) -> usize {
    let inside =
        |(_, node): (_, &Node)| node.op.bodies().iter().map(|it| nodes(it.1)).sum::<usize>();
    graph.nodes.len() + graph.nodes.iter().map(inside).sum::<usize>()
}

/// A function and its derivatives.
#[derive(Clone, Debug)]
pub struct Derivatives {
    /// The function.
    pub graph: Graph,
    /// With respect to what.
    pub wrt: Vec<usize>,
    /// The sum of its results, times weights.
    pub sum: Graph,
    /// The gradient of that.
    pub gradient: Graph,
    simple: Graph,
    forward: Graph,
}

impl Derivatives {
    /// Those of a function with respect to some of its parameters.
    pub fn of(graph: &Graph, wrt: &[usize]) -> Result<Self, String> {
        let (graph, sum) = (graph.clone(), weighted(graph.clone()));
        let (gradient, forward) = (gradient(&sum, wrt), with_tangents(&graph, wrt));
        let simple = simplify(gradient.clone());
        verify(&simple).map_err(|faults| format!("simplify: {faults:?}\n{simple}"))?;
        Ok(Self { graph, wrt: wrt.to_vec(), sum, gradient, simple, forward })
    }

    /// Compares forward, backward and differences along a random direction, before and after `simplify`.
    /// Answers what differences say, and the arguments of the sum.
    pub fn agree(
        &self,
        arguments: &[Value],
        random: &mut Random,
    ) -> Result<(Verdict, Vec<Value>), String> {
        let Along { at, direction, forward, backward } = self.along(arguments, random)?;
        let expected = differences(&self.sum, &at, &self.wrt, &direction)?;
        for (stage, graph, (found, size)) in backward {
            let Some(expected) = &expected else { continue };
            let near = |found: f64| (found - expected.slope).abs() <= expected.tolerance(size);
            for (way, found) in [("backward", found), ("forward", forward)] {
                if !near(found) {
                    let expected = expected.slope;
                    return Err(format!(
                        "{stage}: {found} {way}, {expected} by differences\n{graph}"
                    ));
                }
            }
        }
        let verdict = match &expected {
            None => Verdict::Rejected,
            Some(expected) if expected.slope == 0.0 => Verdict::Flat,
            Some(_) => Verdict::Compared,
        };
        Ok((verdict, at))
    }

    /// Compares forward and backward along a random direction, before and after `simplify`.
    /// Answers the slope, and the arguments of the sum.
    pub fn both_ways(
        &self,
        arguments: &[Value],
        random: &mut Random,
    ) -> Result<(f64, Vec<Value>), String> {
        let found = self.along(arguments, random)?;
        match found.forward.is_finite() {
            true => Ok((found.forward, found.at)),
            false => Err(format!("{} forward\n{}", found.forward, self.forward)),
        }
    }

    fn along(&self, arguments: &[Value], random: &mut Random) -> Result<Along<'_>, String> {
        let weights = weights(&self.graph, arguments, || random.uniform(0.5, 1.5))?;
        let at = [arguments, &weights].concat();
        let mut next = || random.uniform(-1.0, 1.0);
        let direction: Vec<Value> =
            self.wrt.iter().map(|parameter| like(&arguments[*parameter], &mut next)).collect();
        let tangents = eval(&self.forward, &[arguments, direction.as_slice()].concat())?;
        let (along, along_size) = inner(&tangents[self.graph.results.len()..], &weights);
        let mut backward = Vec::new();
        for (stage, graph) in [("transform", &self.gradient), ("simplify", &self.simple)] {
            let (found, size) = inner(&eval(graph, &at)?, &direction);
            let is_same = (found - along).abs() <= SAME * (1.0 + size + along_size);
            if !is_same && found.is_finite() && along.is_finite() {
                let forward = &self.forward;
                return Err(format!(
                    "{stage}: {found} backward, {along} forward\n{graph}\n{forward}"
                ));
            }
            backward.push((stage, graph, (found, size)));
        }
        Ok(Along { at, direction, forward: along, backward })
    }
}

/// Slopes along a direction.
struct Along<'d> {
    /// The arguments of the sum.
    at: Vec<Value>,
    /// Of each parameter that moves.
    direction: Vec<Value>,
    /// What the tangents say.
    forward: f64,
    /// What the gradients say before and after `simplify`, with the size of what was added up.
    backward: Vec<(&'static str, &'d Graph, (f64, f64))>,
}

/// A slope that differences agree on.
struct Slope {
    slope: f64,
    doubt: f64,
    value: f64,
}

impl Slope {
    /// How far the derivative may be from it, if it is a sum of products of this size.
    fn tolerance(&self, size: f64) -> f64 {
        let rounding = ROUNDING * self.value.abs() + SAME * size;
        10.0 * self.doubt + NEAR * (1.0 + self.slope.abs()) + rounding
    }
}

/// The slope along a direction, if there is one.
fn differences(
    graph: &Graph,
    arguments: &[Value],
    wrt: &[usize],
    direction: &[Value],
) -> Result<Option<Slope>, String> {
    let value = |steps: f64| -> Result<f64, String> {
        let mut arguments = arguments.to_vec();
        for (parameter, direction) in wrt.iter().zip(direction) {
            let argument = &mut arguments[*parameter];
            let places = argument.to_f64().into_iter().zip(direction.to_f64());
            let places: Vec<f64> = places.map(|(place, by)| place + steps * STEP * by).collect();
            *argument = Value::from_f64(argument.element, &argument.shape, &places);
        }
        Ok(eval(graph, &arguments)?[0].to_f64()[0])
    };
    let [right, left] = [1.0, -1.0].map(|sign| -> Result<[f64; 3], String> {
        Ok([value(sign)?, value(2.0 * sign)?, value(4.0 * sign)?])
    });
    let (right, left, middle) = (right?, left?, value(0.0)?);
    // The derivatives at 0 of the polynomials through 0, 1, 2, 4 and through ±1, ±2.
    let side =
        |[one, two, four]: [f64; 3]| (8.0 / 3.0 * one - two + four / 12.0 - 1.75 * middle) / STEP;
    let central = |near: usize, steps: f64| {
        let difference = |place: usize| right[place] - left[place];
        (8.0 * difference(near) - difference(near + 1)) / (12.0 * steps * STEP)
    };
    let slopes = [side(right), -side(left), central(0, 1.0), central(1, 2.0)];
    let slope = slopes[2];
    let doubt = slopes.iter().map(|other| (other - slope).abs()).fold(0.0, f64::max);
    let is_smooth = doubt <= DOUBT * (1.0 + slope.abs()) + ROUNDING * middle.abs();
    let is_finite = slopes.iter().all(|slope| slope.is_finite());
    Ok((is_smooth && is_finite).then_some(Slope { slope, doubt, value: middle }))
}

/// The inner product of lists of tensors, and of the sizes of their elements.
fn inner(left: &[Value], right: &[Value]) -> (f64, f64) {
    let (mut sum, mut size) = (0.0, 0.0);
    for (left, right) in left.iter().zip(right) {
        for (left, right) in left.to_f64().into_iter().zip(right.to_f64()) {
            sum += left * right;
            size += (left * right).abs();
        }
    }
    (sum, size)
}

/// Both ways to have a gradient at many points.
#[derive(Clone, Debug)]
pub struct Maps {
    mapped: Vec<usize>,
    alone: Graph,
    of_gradient: Graph,
    of_map: Graph,
}

impl Maps {
    /// Those of the sum of a function.
    pub fn of(derivatives: &Derivatives) -> Self {
        let Derivatives { wrt, sum, gradient, .. } = derivatives;
        let mapped = batch::chosen(sum, u64::MAX);
        Self {
            alone: gradient.clone(),
            of_gradient: map_of_gradient(sum, wrt, &mapped),
            of_map: gradient_of_map(sum, wrt, &mapped),
            mapped,
        }
    }

    /// Compares both with the gradient at each of several points alone.
    pub fn agree(&self, arguments: &[Value], extent: usize) -> Result<(), String> {
        let case = Case { graph: self.alone.clone(), arguments: arguments.to_vec() };
        let (each, together) = batch::arguments(&case, &self.mapped, extent);
        let like = eval(&self.alone, arguments)?;
        let alone: Vec<Vec<Value>> =
            each.iter().map(|arguments| eval(&self.alone, arguments)).collect::<Result<_, _>>()?;
        for (way, graph) in
            [("map of the gradient", &self.of_gradient), ("gradient of the map", &self.of_map)]
        {
            let found = eval(graph, &together)?;
            for (position, found) in found.iter().enumerate() {
                let values: Vec<&Value> = alone.iter().map(|results| &results[position]).collect();
                let expected = batch::stack(&values, &like[position]);
                if !alike(found, &expected) {
                    return Err(format!("{way}: {found}, alone {expected}\n{graph}"));
                }
            }
        }
        Ok(())
    }
}

/// Whether elements that are numbers are alike, relative to the largest.
fn alike(found: &Value, expected: &Value) -> bool {
    let numbers = expected.to_f64();
    let finite = numbers.iter().filter(|it| it.is_finite());
    let largest = finite.fold(1.0_f64, |largest, it| largest.max(it.abs()));
    let near = |(found, expected): (f64, f64)| {
        !expected.is_finite() || (found - expected).abs() <= ALIKE * largest
    };
    found.shape == expected.shape
        && found.element == Element::F64
        && found.to_f64().into_iter().zip(numbers).all(near)
}
