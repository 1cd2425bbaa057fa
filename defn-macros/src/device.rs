//! The code of a function for GPUs, in the words of the runtime's `abi.rs`.
//!
//! In:  the devices of an artifact.   Out: [`Device`], which the cache keeps as text and `embed/` turns into Rust.
//!
//! A line of text for each step, its parts apart by tabs, lists by commas:
//!
//! ```text
//! launch  softmax_0  1 0  32  4  0  yes  a 0,w 0 64,p 0 0  x 1 0,r 0
//! repeat  0 12
//! leave   w 0 0
//! end
//! ```

use crate::pipeline::words;
use defn_codegen::{
    artifact::{self, DeviceCode},
    graph::Dim,
    options::Compute,
};

/// The code for one kind of devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Device {
    /// The compute capability, as one number.
    pub(crate) capability: u32,
    /// Whether no other has it.
    pub(crate) is_exact: bool,
    /// The kernels.
    pub(crate) ptx: String,
    /// What the host does.
    pub(crate) steps: Vec<Step>,
    /// Bytes of scratch that steps share.
    pub(crate) workspace: Vec<i64>,
    /// Bytes of scratch of each team.
    pub(crate) private: Vec<i64>,
}

/// One step of the launch plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A kernel.
    Launch(Launch),
    /// With how often.
    Repeat(Vec<i64>),
    /// Until it is left.
    Loop,
    /// With the condition to stay.
    Leave(Place),
    /// With the condition.
    If(Place),
    /// The other side.
    Else,
    /// Of what was begun last.
    End,
    /// With the number of the hook.
    Inspect(usize, Place),
}

/// A launch of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Its name in the PTX.
    pub(crate) kernel: String,
    /// How many teams have work.
    pub(crate) tasks: Vec<i64>,
    /// The threads of a team.
    pub(crate) threads: u32,
    /// The teams of a block.
    pub(crate) teams: u32,
    /// Bytes of shared memory that is not declared.
    pub(crate) shared: u32,
    /// Whether teams have scratch.
    pub(crate) has_private: bool,
    /// The buffers.
    pub(crate) arguments: Vec<Place>,
    /// The numbers.
    pub(crate) numbers: Vec<Number>,
}

/// Where a buffer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A buffer of the entry point.
    Argument(usize),
    /// Bytes into the workspace.
    Workspace(Vec<i64>),
    /// Bytes into the scratch of each team.
    Private(Vec<i64>),
}

/// A number that a kernel is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// An extent.
    Extent(Vec<i64>),
    /// The round of a loop around.
    Round(usize),
}

impl Device {
    /// What the compiler made.
    pub(crate) fn of(code: DeviceCode) -> Self {
        let (capability, is_exact) = match code.compute {
            Compute::Sm80 => (80, false),
            Compute::Sm90a => (90, true),
        };
        Self {
            capability,
            is_exact,
            ptx: code.ptx,
            steps: code.steps.into_iter().map(step).collect(),
            workspace: words(&code.workspace),
            private: words(&code.private),
        }
    }
}

fn step(step: artifact::Step) -> Step {
    match step {
        artifact::Step::Launch(launch) => Step::Launch(Launch {
            kernel: launch.kernel,
            tasks: words(&launch.tasks),
            threads: launch.threads,
            teams: launch.teams,
            shared: launch.shared,
            has_private: launch.has_private,
            arguments: launch.arguments.into_iter().map(place).collect(),
            numbers: launch.numbers.into_iter().map(number).collect(),
        }),
        artifact::Step::Repeat { extent } => Step::Repeat(words(&extent)),
        artifact::Step::Loop => Step::Loop,
        artifact::Step::Leave { unless } => Step::Leave(place(unless)),
        artifact::Step::If { condition } => Step::If(place(condition)),
        artifact::Step::Else => Step::Else,
        artifact::Step::End => Step::End,
        artifact::Step::Inspect { number, place: at } => Step::Inspect(number, place(at)),
    }
}

fn place(place: artifact::Place) -> Place {
    let bytes = |offset: Dim| words(&offset);
    match place {
        artifact::Place::Argument(argument) => Place::Argument(argument),
        artifact::Place::Workspace(offset) => Place::Workspace(bytes(offset)),
        artifact::Place::Private(offset) => Place::Private(bytes(offset)),
    }
}

fn number(number: artifact::Number) -> Number {
    match number {
        artifact::Number::Extent(extent) => Number::Extent(words(&extent)),
        artifact::Number::Round(depth) => Number::Round(depth),
    }
}

/// All but the PTX.
pub(crate) fn print(device: &Device) -> String {
    let head = [
        "device".to_owned(),
        device.capability.to_string(),
        yes(device.is_exact),
        join(&device.workspace),
        join(&device.private),
    ];
    let lines = [head.join("\t")].into_iter().chain(device.steps.iter().map(print_step));
    lines.collect::<Vec<_>>().join("\n")
}

fn print_step(step: &Step) -> String {
    match step {
        Step::Launch(launch) => {
            let places: Vec<String> = launch.arguments.iter().map(print_place).collect();
            let numbers: Vec<String> = launch.numbers.iter().map(print_number).collect();
            let parts = [
                "launch".to_owned(),
                launch.kernel.clone(),
                join(&launch.tasks),
                launch.threads.to_string(),
                launch.teams.to_string(),
                launch.shared.to_string(),
                yes(launch.has_private),
                places.join(","),
                numbers.join(","),
            ];
            parts.join("\t")
        }
        Step::Repeat(extent) => format!("repeat\t{}", join(extent)),
        Step::Loop => "loop".to_owned(),
        Step::Leave(unless) => format!("leave\t{}", print_place(unless)),
        Step::If(condition) => format!("if\t{}", print_place(condition)),
        Step::Else => "else".to_owned(),
        Step::End => "end".to_owned(),
        Step::Inspect(number, place) => format!("inspect\t{number}\t{}", print_place(place)),
    }
}

fn print_place(place: &Place) -> String {
    match place {
        Place::Argument(argument) => format!("a {argument}"),
        Place::Workspace(offset) => format!("w {}", join(offset)),
        Place::Private(offset) => format!("p {}", join(offset)),
    }
}

fn print_number(number: &Number) -> String {
    match number {
        Number::Extent(extent) => format!("x {}", join(extent)),
        Number::Round(depth) => format!("r {depth}"),
    }
}

/// What [`print`] wrote, with its PTX.
pub(crate) fn parse(text: &str, ptx: &str) -> Option<Device> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next()?.split('\t').collect();
    let ["device", capability, is_exact, workspace, private] = *head.as_slice() else {
        return None;
    };
    Some(Device {
        capability: capability.parse().ok()?,
        is_exact: is_exact == YES,
        ptx: ptx.to_owned(),
        steps: lines.map(parse_step).collect::<Option<_>>()?,
        workspace: split(workspace)?,
        private: split(private)?,
    })
}

fn parse_step(line: &str) -> Option<Step> {
    let parts: Vec<&str> = line.split('\t').collect();
    Some(match *parts.as_slice() {
        ["launch", kernel, tasks, threads, teams, shared, private, arguments, numbers] => {
            Step::Launch(Launch {
                kernel: kernel.to_owned(),
                tasks: split(tasks)?,
                threads: threads.parse().ok()?,
                teams: teams.parse().ok()?,
                shared: shared.parse().ok()?,
                has_private: private == YES,
                arguments: items(arguments).map(parse_place).collect::<Option<_>>()?,
                numbers: items(numbers).map(parse_number).collect::<Option<_>>()?,
            })
        }
        ["repeat", extent] => Step::Repeat(split(extent)?),
        ["loop"] => Step::Loop,
        ["leave", unless] => Step::Leave(parse_place(unless)?),
        ["if", condition] => Step::If(parse_place(condition)?),
        ["else"] => Step::Else,
        ["end"] => Step::End,
        ["inspect", number, place] => Step::Inspect(number.parse().ok()?, parse_place(place)?),
        _ => return None,
    })
}

fn parse_place(text: &str) -> Option<Place> {
    let (word, rest) = text.split_once(' ')?;
    Some(match word {
        "a" => Place::Argument(rest.parse().ok()?),
        "w" => Place::Workspace(split(rest)?),
        "p" => Place::Private(split(rest)?),
        _ => return None,
    })
}

fn parse_number(text: &str) -> Option<Number> {
    let (word, rest) = text.split_once(' ')?;
    Some(match word {
        "x" => Number::Extent(split(rest)?),
        "r" => Number::Round(rest.parse().ok()?),
        _ => return None,
    })
}

/// The items of a list, which may be empty.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|item| !item.is_empty())
}

/// A word for a truth value.
const YES: &str = "yes";

fn yes(holds: bool) -> String {
    if holds { YES } else { "no" }.to_owned()
}

/// Numbers with spaces between.
fn join(words: &[i64]) -> String {
    words.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

fn split(words: &str) -> Option<Vec<i64>> {
    words.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()
}
