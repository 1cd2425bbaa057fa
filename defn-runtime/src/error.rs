//! What can go wrong when a tensor is made or a function is called.
//!
//! One enum, with the values that disagreed.
//! Its text has a first line that says what is wrong, then the facts in two columns, then at most one thing to try.
//!
//! ```text
//! extents disagree in the call of `matmul`
//!   b: f32[5, 6], axis 0 (`inner`) is 5
//!   a: f32[2, 3], axis 1 (`inner`) is 3
//!   help: `inner` must be the same in both
//! ```

use std::fmt::{self, Display};

use crate::element::ElementKind;
use crate::level::Level;

/// Why a tensor could not be made or a function not be called.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A vector or another tensor has not as many elements as the shape.
    ShapeMismatch(Box<ShapeMismatch>),
    /// An extent of an argument is not what the signature and the other arguments say.
    ExtentMismatch(Box<ExtentMismatch>),
    /// No value of a symbol gives an extent of an argument, such as `2 * n` = 7.
    NotSolvable(Box<NotSolvable>),
    /// A condition between extents does not hold, such as `k <= n`.
    CheckFailed(Box<CheckFailed>),
    /// A condition of `check!` did not hold while the function ran.
    ConditionFailed(Box<ConditionFailed>),
    /// [`Hooks`](crate::Hooks) name a label that no function has.
    UnknownHook(Box<UnknownHook>),
    /// The tensor that a result is written into has another shape.
    ResultShape(Box<ResultShape>),
    /// An extent of a result would be negative, as `n - k` with `n` = 2 and `k` = 5.
    NegativeExtent(Box<NegativeExtent>),
    /// A result, or the memory that the call needs, is larger than the address space.
    TooLarge {
        /// The function that was called.
        function: &'static str,
        /// What is too large.
        what: &'static str,
    },
    /// The processor lacks the lowest level of instructions.
    UnsupportedCpu,
    /// `DEFN_LEVEL` forces a level that the processor lacks.
    LevelUnavailable {
        /// The forced level.
        wanted: Level,
        /// The best level of the processor.
        best: Level,
    },
    /// `DEFN_LEVEL` is a word that names no level.
    UnknownLevel {
        /// The word.
        word: String,
    },
    /// `DEFN_THREADS` is a word that is no number.
    UnknownThreads {
        /// The word.
        word: String,
    },
    /// The function was not compiled for this processor or a lower level.
    NoCode {
        /// The function that was called.
        function: &'static str,
        /// The level of the processor.
        level: Level,
    },
    /// There is no such device.
    NoDevice {
        /// Its number among those of the machine.
        wanted: usize,
        /// Why.
        reason: Absence,
    },
    /// Tensors of one call are on several devices.
    DeviceMismatch(Box<DeviceMismatch>),
    /// The function has no code for the device that its arguments are on.
    NoDeviceCode {
        /// The function that was called.
        function: &'static str,
        /// The device.
        device: String,
        /// Its compute capability.
        capability: (u32, u32),
    },
    /// A device did not do what it was asked.
    DeviceFailed(Box<DeviceFailed>),
}

/// Why there is no such device.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Absence {
    /// The program was built without the feature `cuda`.
    FeatureOff,
    /// The machine has no driver.
    NoDriver,
    /// The driver does not work; in its words.
    Driver(String),
    /// There are only so many.
    Count(usize),
}

/// Tensors of one call on several devices.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DeviceMismatch {
    /// The function that was called.
    pub function: &'static str,
    /// The first tensor that is on a GPU.
    pub first: Placed,
    /// One that is elsewhere.
    pub other: Placed,
}

/// A tensor, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Placed {
    /// How the user reaches it, such as `p.l1.w`.
    pub path: &'static str,
    /// Its element type.
    pub element: ElementKind,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The device: `cpu`, `cuda:0`.
    pub device: String,
}

/// What a device did not do.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DeviceFailed {
    /// The device: `cuda:0`.
    pub device: String,
    /// What it was asked.
    pub doing: &'static str,
    /// Why not, in the words of its driver.
    pub reason: String,
    /// The function that was called last, since kernels run on after a call has returned.
    pub function: Option<&'static str>,
    /// The file and the line of that call.
    pub place: Option<(&'static str, u32)>,
}

/// A number of elements that does not fill a shape.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// The shape that was asked for.
    pub shape: Vec<usize>,
    /// How many elements there are.
    pub elements: usize,
}

/// One axis of one argument, as it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Place {
    /// How the user reaches the tensor, such as `p.l1.w`.
    pub path: &'static str,
    /// Its element type.
    pub element: ElementKind,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The position of the axis; `None` for a `usize` parameter.
    pub axis: Option<usize>,
    /// The name of the axis, or the empty string.
    pub name: &'static str,
    /// The extent of the axis, or the value of the `usize` parameter.
    pub found: i64,
}

/// An extent that contradicts the signature and the other arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ExtentMismatch {
    /// The function that was called.
    pub function: &'static str,
    /// The axis that disagrees.
    pub place: Place,
    /// What its extent should be, in the user's words.
    pub text: &'static str,
    /// What its extent should be.
    pub expected: i64,
    /// The symbols that `text` depends on, and the axis that fixed each.
    pub sources: Vec<Source>,
}

/// A symbol, its value, and the axis that fixed it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Source {
    /// The name of the symbol.
    pub symbol: &'static str,
    /// Its value.
    pub value: i64,
    /// The axis from which the value follows.
    pub place: Place,
}

/// An extent from which no value of a symbol follows.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NotSolvable {
    /// The function that was called.
    pub function: &'static str,
    /// The symbol that has no value.
    pub symbol: &'static str,
    /// The axis it should follow from.
    pub place: Place,
    /// The extent of that axis in the user's words.
    pub text: &'static str,
    /// The other symbols in `text`, and the axis that fixed each.
    pub sources: Vec<Source>,
}

/// A condition between extents that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CheckFailed {
    /// The function that was called.
    pub function: &'static str,
    /// The condition in the user's words, such as "`k` must not exceed `n`".
    pub text: &'static str,
    /// The value of its left side.
    pub left: i64,
    /// The value of its right side.
    pub right: i64,
    /// The symbols in the condition, and the axis that fixed each.
    pub sources: Vec<Source>,
}

/// A `check!` that failed: of all that failed in the call the first.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConditionFailed {
    /// The function that was called.
    pub called: &'static str,
    /// The message of the `check!`.
    pub text: &'static str,
    /// The function in which it stands.
    pub function: &'static str,
    /// The file of that.
    pub file: &'static str,
    /// The line of the `check!`.
    pub line: u32,
    /// If NaNs are hunted and it is in a loop: the round, counted from 0.
    pub round: Option<i64>,
}

/// A label that no `inspect!` of the called functions has.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct UnknownHook {
    /// The label.
    pub label: String,
    /// The labels of the functions that were called.
    pub known: Vec<&'static str>,
}

/// A tensor that cannot take a result.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ResultShape {
    /// The function that was called.
    pub function: &'static str,
    /// Which result, if there are several.
    pub path: &'static str,
    /// The element type of the result.
    pub element: ElementKind,
    /// The shape of the result.
    pub expected: Vec<usize>,
    /// The shape of the tensor.
    pub found: Vec<usize>,
}

/// An extent of a result below zero.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NegativeExtent {
    /// The function that was called.
    pub function: &'static str,
    /// Which result, if there are several.
    pub path: &'static str,
    /// The extent in the user's words.
    pub text: &'static str,
    /// Its value.
    pub value: i64,
    /// The symbols in `text`, and the axis that fixed each.
    pub sources: Vec<Source>,
}

impl std::error::Error for Error {}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShapeMismatch(it) => shape_mismatch(it),
            Self::ExtentMismatch(it) => extent_mismatch(it),
            Self::NotSolvable(it) => not_solvable(it),
            Self::CheckFailed(it) => check_failed(it),
            Self::ConditionFailed(it) => condition_failed(it),
            Self::UnknownHook(it) => unknown_hook(it),
            Self::ResultShape(it) => result_shape(it),
            Self::NegativeExtent(it) => negative_extent(it),
            Self::TooLarge { function, what } => {
                Report::new(format!("{what} of `{function}` is larger than memory could be"))
            }
            Self::UnsupportedCpu => unsupported_cpu(),
            Self::LevelUnavailable { wanted, best } => level_unavailable(*wanted, *best),
            Self::UnknownLevel { word } => unknown_level(word),
            Self::UnknownThreads { word } => unknown_threads(word),
            Self::NoCode { function, level } => no_code(function, *level),
            Self::NoDevice { wanted, reason } => no_device(*wanted, reason),
            Self::DeviceMismatch(it) => device_mismatch(it),
            Self::NoDeviceCode { function, device, capability } => {
                no_device_code(function, device, *capability)
            }
            Self::DeviceFailed(it) => device_failed(it),
        }
        .fmt(f)
    }
}

fn shape_mismatch(it: &ShapeMismatch) -> Report {
    let report = Report::new("the shape does not fit the number of elements".to_owned());
    let wanted = match crate::shape::length(&it.shape) {
        Some(length) => format!("{:?}, which has {length} elements", it.shape),
        None => format!("{:?}, which memory could not hold", it.shape),
    };
    report.fact("shape", wanted).fact("elements", it.elements.to_string())
}

fn extent_mismatch(it: &ExtentMismatch) -> Report {
    let report = Report::new(format!("extents disagree in the call of `{}`", it.function));
    let plain = matches!(&it.sources[..], [source] if source.symbol == it.text);
    if plain {
        let report = report.fact(it.place.path, it.place.to_string()).sources(&it.sources);
        return report.help(format!("`{}` must be the same in both", it.text));
    }
    let wanted = format!("{}, but {} is needed", it.place, wanted(it.text, it.expected));
    report.fact(it.place.path, wanted).sources(&it.sources)
}

/// An expression with its value; a number needs no second one.
fn wanted(text: &str, value: i64) -> String {
    let number = value.to_string();
    if text == number { number } else { format!("`{text}` = {number}") }
}

fn not_solvable(it: &NotSolvable) -> Report {
    let report = Report::new(format!("no `{}` fits in the call of `{}`", it.symbol, it.function));
    let reason = if it.place.axis.is_some() {
        format!(" and must be `{}`", it.text)
    } else {
        ", which is too large".to_owned()
    };
    report.fact(it.place.path, format!("{}{reason}", it.place)).sources(&it.sources)
}

fn check_failed(it: &CheckFailed) -> Report {
    let report = Report::new(format!("{}, in the call of `{}`", it.text, it.function));
    report
        .fact("left", it.left.to_string())
        .fact("right", it.right.to_string())
        .sources(&it.sources)
}

fn condition_failed(it: &ConditionFailed) -> Report {
    let report = Report::new(format!("{}, in the call of `{}`", it.text, it.called));
    let place = format!("{}:{}, in `{}`", it.file, it.line, it.function);
    match it.round {
        None => report.fact("place", place),
        Some(round) => report.fact("place", place).fact("round", round.to_string()),
    }
}

fn unknown_hook(it: &UnknownHook) -> Report {
    let report = Report::new(format!("nothing that was called shows `{}`", it.label));
    report.fact("shown", it.known.join(", "))
}

fn result_shape(it: &ResultShape) -> Report {
    let path = if it.path.is_empty() { String::new() } else { format!(" `{}`", it.path) };
    let report = Report::new(format!(
        "the tensor given for the result{path} of `{}` has another shape",
        it.function
    ));
    let report = report
        .fact("result", shaped(it.element, &it.expected))
        .fact("given", shaped(it.element, &it.found));
    report.help(format!("give a tensor of shape {:?}", it.expected))
}

fn negative_extent(it: &NegativeExtent) -> Report {
    let report =
        Report::new(format!("the result of `{}` would have a negative extent", it.function));
    let name = if it.path.is_empty() { "result" } else { it.path };
    report.fact(name, format!("`{}` = {}", it.text, it.value)).sources(&it.sources)
}

fn unsupported_cpu() -> Report {
    let report = Report::new("this processor is too old for the compiled code".to_owned());
    report.fact(
        "needed",
        "x86-64-v3 (AVX2, FMA, F16C, BMI1, BMI2, LZCNT, MOVBE) or AArch64".to_owned(),
    )
}

fn level_unavailable(wanted: Level, best: Level) -> Report {
    let report =
        Report::new("this processor cannot run the level that DEFN_LEVEL forces".to_owned());
    let report = report.fact("forced", wanted.to_string()).fact("processor", best.to_string());
    report.help(format!("unset DEFN_LEVEL, or set it to `{best}`"))
}

fn unknown_level(word: &str) -> Report {
    let report = Report::new("DEFN_LEVEL names an unknown level".to_owned());
    let report = report.fact("found", word.to_owned()).fact("known", "v3, v4, neon".to_owned());
    report.help("unset DEFN_LEVEL to use the best level of the processor".to_owned())
}

fn unknown_threads(word: &str) -> Report {
    let report = Report::new("DEFN_THREADS is not a number of threads".to_owned());
    let report = report.fact("found", word.to_owned());
    report.help("unset DEFN_THREADS to use all processors".to_owned())
}

fn no_code(function: &str, level: Level) -> Report {
    Report::new(format!("`{function}` was not compiled for this processor"))
        .fact("level", level.to_string())
}

fn no_device(wanted: usize, reason: &Absence) -> Report {
    let why = match reason {
        Absence::FeatureOff => "the feature `cuda` of defn is off".to_owned(),
        Absence::NoDriver => "no NVIDIA driver was found".to_owned(),
        Absence::Driver(words) => format!("its driver does not work: {words}"),
        Absence::Count(0) => "the machine has none".to_owned(),
        Absence::Count(1) => "the machine has one, cuda:0".to_owned(),
        Absence::Count(count) => {
            format!("the machine has {count}, cuda:0 to cuda:{}", count - 1)
        }
    };
    Report::new(format!("there is no device cuda:{wanted}: {why}"))
}

fn device_mismatch(it: &DeviceMismatch) -> Report {
    let report =
        Report::new(format!("tensors are on different devices in the call of `{}`", it.function));
    let name = |placed: &Placed| if placed.path.is_empty() { "result" } else { placed.path };
    let fact = |report: Report, placed: &Placed| {
        let value = format!("{} on {}", shaped(placed.element, &placed.shape), placed.device);
        report.fact(name(placed), value)
    };
    let report = fact(fact(report, &it.first), &it.other);
    report.help(format!(
        "move one, for example `{}.to(&device)` with the device of `{}`",
        name(&it.other),
        name(&it.first)
    ))
}

fn no_device_code(function: &str, device: &str, (major, minor): (u32, u32)) -> Report {
    Report::new(format!("`{function}` was not compiled for the device of its arguments"))
        .fact("device", format!("{device}, compute capability {major}.{minor}"))
        .help("move the arguments with `.to(&Device::cpu())`".to_owned())
}

fn device_failed(it: &DeviceFailed) -> Report {
    let report = Report::new(format!("{} failed", it.device));
    let report = report.fact("asked", it.doing.to_owned()).fact("reason", it.reason.clone());
    let Some(function) = it.function else { return report };
    let place = it.place.map_or_else(String::new, |(file, line)| format!(", at {file}:{line}"));
    report.fact("last call", format!("`{function}`{place}"))
}

fn shaped(element: ElementKind, shape: &[usize]) -> String {
    format!("{element}{shape:?}")
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(axis) = self.axis else { return write!(f, "usize, is {}", self.found) };
        write!(f, "{}, axis {axis}", shaped(self.element, &self.shape))?;
        if !self.name.is_empty() {
            write!(f, " (`{}`)", self.name)?;
        }
        write!(f, " is {}", self.found)
    }
}

/// A first line, facts in two columns, and what to try.
pub(crate) struct Report {
    title: String,
    facts: Vec<(String, String)>,
    help: Option<String>,
}

impl Report {
    pub(crate) fn new(title: String) -> Self {
        Self { title, facts: Vec::new(), help: None }
    }

    pub(crate) fn fact(mut self, name: &str, value: String) -> Self {
        self.facts.push((format!("{name}:"), value));
        self
    }

    /// One fact for each symbol, which says its value where that is not the extent itself.
    fn sources(self, sources: &[Source]) -> Self {
        sources.iter().fold(self, |report, source| {
            let derived = if source.value == source.place.found {
                String::new()
            } else {
                format!(", so `{}` = {}", source.symbol, source.value)
            };
            report.fact(source.place.path, format!("{}{derived}", source.place))
        })
    }

    pub(crate) fn help(mut self, text: String) -> Self {
        self.help = Some(text);
        self
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        let width = self.facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.facts {
            write!(f, "\n  {name:<width$} {value}")?;
        }
        match &self.help {
            Some(text) => write!(f, "\n  help: {text}"),
            None => Ok(()),
        }
    }
}
