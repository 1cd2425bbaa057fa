//! Rules of users, held against differences of the function that they are for.
//!
//! In:  a [`Ruled`]: the function, and what asks each of its rules.   Out: nothing, or what disagreed, as text.
//!
//! ```text
//! grad = rule     ⟨∇, v⟩  against  ⟨c, (f(x + h v) − f(x − h v)) / 2h⟩        for random points x and cotangents c
//! jvp = rule      J v     against      (f(x + h v) − f(x − h v)) / 2h
//! both            ⟨c, J v⟩  against  ⟨∇, v⟩
//! ```
//!
//! A direction v is one element of one parameter, or all of them, up or down. What a leaf takes part in is in [`points`].
//!
//! # Steps and tolerances
//! With ε the distance from 1 to the next number of the element type, and r half of the range of the points, the step is
//! h = r·∛ε, a power of two, so that x ± h and x ± 2h are exact. It makes the two errors of a central difference D(h) equal:
//!
//! - what is cut off, a third of D(2h) − D(h) for a function with three derivatives, hence less than that difference;
//! - what is rounded, ε·S / h, where S is the largest result. A function may lose [`LOST`] times as much.
//!
//! So the tolerance is 2·|D(2h) − D(h)| + LOST·ε·(S / h + |D|). Where D(h) and D(2h) have nothing to do with each other, as at a jump, nothing is
//! learned; every leaf must be learned about at some point. Points are drawn from the name, so that a test gives the same answer everywhere.

mod points;
mod values;

use crate::abi::{Function, Signature};
use crate::element::ElementKind;
use crate::error::Report;
use points::{Argument, Draw, Point};
use values::{Results, call};

/// How many times its rounding a function may be off: it computes about as many steps one after the other, and each loses a unit of its own.
/// More would hide mistakes: as ε / h is the square of ∛ε, a rule in `f64` is still wrong where it is off by 3e-9 of the largest result
/// over the range of the points, and one in `f32` by 2e-3.
const LOST: f64 = 64.0;
/// How many times its rounding two rules may be apart. There is no difference to cancel here, so that it may be more than [`LOST`]: one of the
/// rules may come from a solver, which stops before the last bits, at 1e-12 in `f64` and 5e-4 in `f32`.
const APART: f64 = 4096.0;
/// How much two differences may be apart to say anything, as a share of the derivatives. They make the tolerance twice as large, hence at most a
/// quarter of the rule and of the derivative together: so a rule of twice the derivative, of half of it, of its negative or of zero is found.
const SETTLED: f64 = 1.0 / 8.0;
/// How many points are tried.
const POINTS: usize = 4;
/// Of larger leaves so many elements are moved alone.
const ALONE: usize = 24;

/// A function with rules.
#[derive(Debug)]
pub struct Ruled<'f> {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub parameters: &'static [Tested],
    /// Where points are, and how large axes.
    pub given: &'static [(&'static str, Given)],
    /// Its code, for each choice of elements.
    pub functions: &'f [&'static Function],
    /// The rule for gradients, and `vjp!` of the function with respect to all parameters that move.
    pub gradient: Option<(&'static str, &'f [&'static Function])>,
    /// The rule for tangents, and `jvp!`.
    pub jvp: Option<(&'static str, &'f [&'static Function])>,
}

/// A parameter of a function that is tested.
#[derive(Clone, Copy, Debug)]
pub struct Tested {
    /// How many leaves it has.
    pub leaves: usize,
    /// Whether it holds floats.
    pub moves: bool,
    /// Whether it is a `usize`.
    pub is_extent: bool,
}

/// What the user says of a parameter or of an axis.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// Floats lie between these.
    Range(f64, f64),
    /// Integers are this, and so is the extent.
    Number(i64),
}

/// The code for each choice of elements, however many there are.
pub fn codes<'f, const COUNT: usize>(
    codes: &'f [&'static Function; COUNT],
) -> &'f [&'static Function] {
    codes
}

/// Nothing, or what disagrees.
pub type Held = Result<(), String>;

/// Panics in the name of the test if a rule disagrees with differences.
#[track_caller]
pub fn rules_hold(held: Held) {
    if let Err(text) = held {
        panic!("{text}");
    }
}

/// What disagrees between the rules of a function and its differences.
///
/// # Errors
/// The first disagreement, or why nothing can be compared, as a report.
pub fn check_rules(ruled: &Ruled<'_>) -> Held {
    let at = |rule: Option<(&'static str, &[&'static Function])>, choice: usize| {
        rule.map(|(name, functions)| Rule { name, function: functions[choice] })
    };
    for (choice, function) in ruled.functions.iter().enumerate() {
        let (gradient, jvp) = (at(ruled.gradient, choice), at(ruled.jvp, choice));
        let subject = Subject { ruled, function, gradient, jvp };
        subject.check().map_err(|report| report.to_string())?;
    }
    Ok(())
}

/// A rule, and the code that asks it.
#[derive(Clone, Copy)]
struct Rule {
    name: &'static str,
    function: &'static Function,
}

/// One choice of elements.
struct Subject<'r> {
    ruled: &'r Ruled<'r>,
    function: &'static Function,
    gradient: Option<Rule>,
    jvp: Option<Rule>,
}

/// A direction: how each element of the leaves moves, in steps of its leaf.
struct Direction {
    /// The leaf that moves, and its element if it is one alone.
    leaf: usize,
    element: Option<usize>,
    signs: Vec<f64>,
}

/// What differences say of the results along a direction.
struct Differences {
    /// With step h, for each leaf of the results and each element.
    near: Vec<Vec<f64>>,
    /// With step 2h.
    far: Vec<Vec<f64>>,
    /// The largest value of each leaf.
    sizes: Vec<f64>,
    step: f64,
}

/// A number of the rule beside that of differences.
struct Comparison {
    rule: f64,
    near: f64,
    far: f64,
    /// How large what is rounded is.
    size: f64,
    /// The distance from 1 to the next number.
    epsilon: f64,
    step: f64,
}

impl Comparison {
    fn rounded(&self) -> f64 {
        LOST * self.epsilon * (self.size / self.step + self.near.abs())
    }

    fn tolerance(&self) -> f64 {
        2.0 * (self.far - self.near).abs() + self.rounded()
    }

    /// Whether differences say anything.
    fn settles(&self) -> bool {
        let size = self.rule.abs() + self.near.abs();
        (self.far - self.near).abs() <= SETTLED * size + self.rounded()
    }

    fn agrees(&self) -> bool {
        (self.rule - self.near).abs() <= self.tolerance()
    }
}

impl Subject<'_> {
    fn signature(&self) -> &'static Signature {
        self.function.signature()
    }

    fn check(&self) -> Result<(), Report> {
        let mut draw = Draw::new(self.ruled.name);
        let symbols = points::symbols(self.signature(), self.ruled.given, &mut draw)?;
        let leaves = self.signature().parameters;
        let mut learned = vec![false; leaves.len()];
        for _ in 0..POINTS {
            let point = points::draw(self.ruled, self.signature(), &symbols, &mut draw);
            let value = self.value(&point)?;
            let cotangent = points::cotangent(self.signature(), &value, &mut draw);
            let gradient = match self.gradient {
                Some(rule) => Some((rule, self.pullback(rule, &point, &cotangent)?)),
                None => None,
            };
            let weighted = self.weighted(&cotangent);
            for leaf in self.moving() {
                for direction in directions(&point, leaf, &mut draw) {
                    let found = self.differences(&point, &direction)?;
                    if let Some((rule, gradient)) = &gradient {
                        let weights = (cotangent.as_slice(), self.signature());
                        let comparison = along(gradient, &direction, weights, &found);
                        let told = (rule.name, weighted.as_str());
                        learned[leaf] |= self.compare(told, &point, &direction, &comparison)?;
                    }
                    if let Some(rule) = self.jvp {
                        let tangent = self.pushforward(rule, &point, &direction)?;
                        let told = (rule.name, &point, &direction);
                        learned[leaf] |= self.compare_all(told, &tangent, &found)?;
                    }
                }
            }
            if let (Some((_, gradient)), Some(jvp)) = (&gradient, self.jvp) {
                self.agree((gradient, jvp), &point, &cotangent, &mut draw)?;
            }
        }
        match self
            .moving()
            .find(|leaf| !learned[*leaf] && !points::is_empty(&leaves[*leaf], &symbols))
        {
            None => Ok(()),
            Some(leaf) => Err(Report::new(format!(
                "differences of `{}` say nothing about `{}`",
                self.ruled.name, leaves[leaf].path
            ))
            .help("give points where it is smooth, as in `test(x = 0.1..0.9)`".to_owned())),
        }
    }

    /// What is compared with a gradient.
    fn weighted(&self, cotangent: &[Argument]) -> String {
        let results = self.signature().results.iter().zip(cotangent);
        let floats = results.filter(|(leaf, _)| epsilon(leaf.element).is_some());
        let shown: Vec<String> =
            floats.map(|(leaf, argument)| format!("c{} = {argument}", leaf.path)).collect();
        format!("⟨c, J v⟩ with {}", shown.join(", "))
    }

    /// The leaves that move.
    fn moving(&self) -> impl Iterator<Item = usize> + use<> {
        let leaves = self.signature().parameters;
        (0..leaves.len()).filter(|leaf| epsilon(leaves[*leaf].element).is_some())
    }

    fn value(&self, point: &Point) -> Result<Results, Report> {
        let value = call(self.function, &point.arguments)?;
        let results = self.signature().results;
        for (leaf, (_, values)) in results.iter().zip(&value.0) {
            if epsilon(leaf.element).is_some() && values.iter().any(|value| !value.is_finite()) {
                let report = Report::new(format!("`{}` is not finite at a point", self.ruled.name));
                return Err(report
                    .fact("point", point.to_string())
                    .help("say where it is, as in `test(x = 0.1..0.9)`".to_owned()));
            }
        }
        Ok(value)
    }

    /// The gradient of each leaf of the parameters; nothing for those of a parameter without floats.
    fn pullback(
        &self,
        rule: Rule,
        point: &Point,
        cotangent: &[Argument],
    ) -> Result<Vec<Vec<f64>>, Report> {
        let arguments = [point.arguments.as_slice(), cotangent].concat();
        let results = call(rule.function, &arguments)?;
        let mut gradients = results.0.into_iter().skip(cotangent.len()).map(|(_, values)| values);
        let mut found = Vec::new();
        for parameter in self.ruled.parameters {
            for _ in 0..parameter.leaves {
                let gradient = parameter.moves.then(|| gradients.next()).flatten();
                found.push(gradient.unwrap_or_default());
            }
        }
        Ok(found)
    }

    /// The tangent of each leaf of the results along a direction of length one.
    fn pushforward(
        &self,
        rule: Rule,
        point: &Point,
        direction: &Direction,
    ) -> Result<Vec<Vec<f64>>, Report> {
        let tangents = |leaf: usize| match leaf == direction.leaf {
            true => direction.signs.clone(),
            false => vec![0.0; point.arguments[leaf].values.len()],
        };
        self.tangents(rule, point, &tangents)
    }

    fn tangents(
        &self,
        rule: Rule,
        point: &Point,
        tangents: &dyn Fn(usize) -> Vec<f64>,
    ) -> Result<Vec<Vec<f64>>, Report> {
        let mut arguments = point.arguments.clone();
        let mut leaf = 0;
        for parameter in self.ruled.parameters {
            for leaf in (leaf..leaf + parameter.leaves).filter(|_| parameter.moves) {
                arguments
                    .push(Argument { values: tangents(leaf), ..point.arguments[leaf].clone() });
            }
            leaf += parameter.leaves;
        }
        let results = call(rule.function, &arguments)?.0;
        let values = results.len() / 2;
        Ok(results.into_iter().skip(values).map(|(_, tangent)| tangent).collect())
    }

    fn differences(&self, point: &Point, direction: &Direction) -> Result<Differences, Report> {
        let step = point.steps[direction.leaf];
        let moved = |by: f64| -> Result<Vec<Vec<f64>>, Report> {
            let mut point = point.clone();
            let values = &mut point.arguments[direction.leaf].values;
            for (value, sign) in values.iter_mut().zip(&direction.signs) {
                *value += by * step * sign;
            }
            Ok(self.value(&point)?.0.into_iter().map(|(_, values)| values).collect())
        };
        let [up, down, far_up, far_down] = [moved(1.0)?, moved(-1.0)?, moved(2.0)?, moved(-2.0)?];
        let slope = |up: &[Vec<f64>], down: &[Vec<f64>], width: f64| -> Vec<Vec<f64>> {
            let leaves = up.iter().zip(down);
            let slope = |(up, down): (&f64, &f64)| (up - down) / width;
            leaves.map(|(up, down)| up.iter().zip(down).map(slope).collect()).collect()
        };
        let largest =
            |values: &Vec<f64>| values.iter().fold(0.0, |most: f64, it| most.max(it.abs()));
        let sizes = (0..up.len()).map(|leaf| {
            [&up, &down, &far_up, &far_down]
                .map(|it| largest(&it[leaf]))
                .into_iter()
                .fold(0.0, f64::max)
        });
        Ok(Differences {
            sizes: sizes.collect(),
            near: slope(&up, &down, 2.0 * step),
            far: slope(&far_up, &far_down, 4.0 * step),
            step,
        })
    }

    /// Whether something was learned; an error if the two disagree.
    fn compare(
        &self,
        (rule, what): (&str, &str),
        point: &Point,
        direction: &Direction,
        comparison: &Comparison,
    ) -> Result<bool, Report> {
        if !comparison.settles() {
            return Ok(false);
        }
        if comparison.agrees() {
            return Ok(true);
        }
        let leaf = self.signature().parameters[direction.leaf].path;
        let along = match direction.element {
            Some(element) => {
                format!("{leaf}{}", points::place(&point.arguments[direction.leaf].shape, element))
            }
            None => format!("{leaf}, all elements up or down"),
        };
        let name = self.ruled.name;
        Err(Report::new(format!("the rule `{rule}` of `{name}` disagrees with differences"))
            .fact("moved", along)
            .fact("compared", what.to_owned())
            .fact("rule", format!("{:.9e}", comparison.rule))
            .fact(
                "differences",
                format!("{:.9e}, to within {:.1e}", comparison.near, comparison.tolerance()),
            )
            .fact("point", point.to_string()))
    }

    /// As [`compare`](Self::compare), for every element of the results.
    fn compare_all(
        &self,
        (rule, point, direction): (&str, &Point, &Direction),
        tangent: &[Vec<f64>],
        found: &Differences,
    ) -> Result<bool, Report> {
        let mut learned = false;
        let results = self.signature().results;
        for (leaf, result) in results.iter().enumerate() {
            let Some(precision) = epsilon(result.element) else { continue };
            let moved = epsilon(self.signature().parameters[direction.leaf].element);
            for (element, rule_says) in tangent[leaf].iter().enumerate() {
                let comparison = Comparison {
                    rule: *rule_says,
                    near: found.near[leaf][element],
                    far: found.far[leaf][element],
                    size: found.sizes[leaf],
                    epsilon: precision.max(moved.unwrap_or(0.0)),
                    step: found.step,
                };
                let what = format!("J v at result{}, element {element}", result.path);
                learned |= self.compare((rule, &what), point, direction, &comparison)?;
            }
        }
        Ok(learned)
    }

    /// An error if ⟨c, J v⟩ of one rule is not ⟨∇, v⟩ of the other.
    fn agree(
        &self,
        (gradient, jvp): (&[Vec<f64>], Rule),
        point: &Point,
        cotangent: &[Argument],
        draw: &mut Draw,
    ) -> Result<(), Report> {
        let leaves = self.signature().parameters;
        let directions: Vec<Vec<f64>> = point
            .arguments
            .iter()
            .zip(leaves)
            .map(|(argument, leaf)| match epsilon(leaf.element) {
                Some(_) => argument.values.iter().map(|_| draw.sign()).collect(),
                None => vec![0.0; argument.values.len()],
            })
            .collect();
        let tangents = self.tangents(jvp, point, &|leaf| directions[leaf].clone())?;
        let (mut forward, mut backward, mut size) = (0.0, 0.0, 0.0);
        let values = cotangent.iter().zip(&tangents).flat_map(|(c, t)| c.values.iter().zip(t));
        for (cotangent, tangent) in values {
            forward += cotangent * tangent;
            size += (cotangent * tangent).abs();
        }
        let values = gradient.iter().zip(&directions).flat_map(|(g, v)| g.iter().zip(v));
        for (gradient, direction) in values {
            backward += gradient * direction;
            size += (gradient * direction).abs();
        }
        let results = self.signature().results.iter();
        let epsilons = leaves.iter().chain(results).filter_map(|leaf| epsilon(leaf.element));
        let tolerance = APART * epsilons.fold(0.0, f64::max) * size;
        if (forward - backward).abs() <= tolerance {
            return Ok(());
        }
        let gradient = self.gradient.map_or("", |rule| rule.name);
        let title =
            format!("the rules `{gradient}` and `{}` of `{}` disagree", jvp.name, self.ruled.name);
        Err(Report::new(title)
            .fact(jvp.name, format!("⟨c, J v⟩ = {forward:.15e}"))
            .fact(gradient, format!("⟨Jᵀ c, v⟩ = {backward:.15e}, to within {tolerance:.1e}"))
            .fact("point", point.to_string()))
    }
}

/// Each element alone, or some of them, and all of them at once.
fn directions(point: &Point, leaf: usize, draw: &mut Draw) -> Vec<Direction> {
    let length = point.arguments[leaf].values.len();
    let alone: Vec<usize> = match length <= ALONE {
        true => (0..length).collect(),
        false => (0..ALONE).map(|_| draw.below(length)).collect(),
    };
    let one = |element: usize| {
        let mut signs = vec![0.0; length];
        signs[element] = 1.0;
        Direction { leaf, element: Some(element), signs }
    };
    let mut directions: Vec<Direction> = alone.into_iter().map(one).collect();
    if length > 1 {
        let signs = (0..length).map(|_| draw.sign()).collect();
        directions.push(Direction { leaf, element: None, signs });
    }
    directions
}

/// ⟨c, J v⟩ of a gradient beside that of differences.
fn along(
    gradient: &[Vec<f64>],
    direction: &Direction,
    (cotangent, results): (&[Argument], &Signature),
    found: &Differences,
) -> Comparison {
    let gradient = gradient[direction.leaf].iter().zip(&direction.signs);
    let mut comparison = Comparison {
        rule: gradient.map(|(gradient, sign)| gradient * sign).sum(),
        near: 0.0,
        far: 0.0,
        size: 0.0,
        epsilon: epsilon(results.parameters[direction.leaf].element).unwrap_or(0.0),
        step: found.step,
    };
    for (leaf, cotangent) in cotangent.iter().enumerate() {
        let Some(precision) = epsilon(results.results[leaf].element) else { continue };
        comparison.epsilon = comparison.epsilon.max(precision);
        for (element, weight) in cotangent.values.iter().enumerate() {
            comparison.near += weight * found.near[leaf][element];
            comparison.far += weight * found.far[leaf][element];
            comparison.size += weight.abs() * found.sizes[leaf];
        }
    }
    comparison
}

/// The distance from 1 to the next number, of floats.
fn epsilon(element: ElementKind) -> Option<f64> {
    match element {
        ElementKind::F32 => Some(f64::from(f32::EPSILON)),
        ElementKind::F64 => Some(f64::EPSILON),
        ElementKind::F16 => Some(half::f16::EPSILON.to_f64()),
        ElementKind::Bf16 => Some(half::bf16::EPSILON.to_f64()),
        ElementKind::I32
        | ElementKind::I64
        | ElementKind::U8
        | ElementKind::U32
        | ElementKind::U64
        | ElementKind::Bool => None,
    }
}
