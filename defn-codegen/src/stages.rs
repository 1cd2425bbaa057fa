//! What happens around every stage: it is verified, dumped if asked for, and timed.
//!
//! A pass contains none of this.

use std::fmt::{Display, Write as _};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bug;
use crate::graph::Graph;
use crate::kernels::Kernels;
use crate::loops::Loops;
use crate::options::Options;

/// Something that flows down the river: it prints, and it can be wrong.
pub trait Noun: Display {
    /// The ending of its dump files.
    const ENDING: &'static str;
    /// What is wrong with it.
    fn fault(&self) -> Option<String>;
}

impl Noun for Graph {
    const ENDING: &'static str = "graph";
    fn fault(&self) -> Option<String> {
        let faults = crate::graph::verify::verify(self).err()?;
        Some(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

impl Noun for Kernels {
    const ENDING: &'static str = "kernels";
    fn fault(&self) -> Option<String> {
        crate::kernels::verify::verify(self).err()
    }
}

impl Noun for Loops {
    const ENDING: &'static str = "loops";
    fn fault(&self) -> Option<String> {
        let faults = crate::loops::verify::verify(self).err()?;
        Some(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

/// The stages of one compilation.
#[derive(Clone, Debug)]
pub struct Stages<'o> {
    options: &'o Options,
    name: String,
    last: String,
    times: Vec<(String, Duration)>,
}

impl<'o> Stages<'o> {
    /// For the function of this name.
    pub fn new(options: &'o Options, name: &str) -> Self {
        Self { options, name: name.to_owned(), last: String::new(), times: Vec::new() }
    }

    /// Goes on beside the others: what it runs has the next numbers.
    pub fn branch(&self) -> Self {
        self.clone()
    }

    /// Runs a stage, then looks at what it made.
    pub fn run<N: Noun>(&mut self, stage: &str, pass: impl FnOnce() -> N) -> N {
        let start = Instant::now();
        let noun = pass();
        self.times.push((stage.to_owned(), start.elapsed()));
        self.dump(stage, &noun);
        if self.options.verify
            && let Some(fault) = noun.fault()
        {
            bug!(stage, "{fault}\n{noun}");
        }
        noun
    }

    /// Runs the stage that makes code; `shown` is what a dump shows of it.
    pub fn code<T, E>(
        &mut self,
        stage: &str,
        pass: impl FnOnce() -> Result<T, E>,
        shown: impl FnOnce(&T) -> Result<String, E>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let code = pass()?;
        self.times.push((stage.to_owned(), start.elapsed()));
        if self.options.dump.folder.is_some() || self.is_wanted(stage) {
            self.write(stage, "s", &shown(&code)?);
        }
        Ok(code)
    }

    /// The stages so far, with the time that each took.
    pub fn times(&self) -> &[(String, Duration)] {
        &self.times
    }

    /// Prints what each stage took, if somebody wants `times`; `levels` are the branches that ran side by side.
    #[expect(
        clippy::print_stderr,
        reason = "times that are asked for go where the compiler's messages go"
    )]
    pub fn print_times(&self, levels: &[Self]) {
        if !self.is_wanted("times") {
            return;
        }
        let common = self.times.len();
        let branches = levels.iter().flat_map(|level| level.times.iter().skip(common));
        let mut text = format!("; times of {}", self.name);
        for (stage, time) in self.times.iter().chain(branches) {
            // Writing to a string cannot fail.
            let _ = write!(text, "  {stage} {:.1} ms", time.as_secs_f64() * 1e3);
        }
        eprintln!("{text}");
    }

    fn is_wanted(&self, stage: &str) -> bool {
        let word = stage.split('-').next().unwrap_or(stage);
        self.options
            .dump
            .stages
            .iter()
            .any(|wanted| wanted == stage || wanted == word || wanted == "all")
    }

    fn dump(&mut self, stage: &str, noun: &impl Noun) {
        if self.options.dump.folder.is_none() && !self.is_wanted(stage) {
            return;
        }
        let text = noun.to_string();
        let shown = if text == self.last {
            format!("; {stage} changed nothing\n{text}")
        } else {
            text.clone()
        };
        self.last = text;
        self.write(stage, ending(noun), &shown);
    }

    #[expect(
        clippy::print_stderr,
        reason = "a dump that is asked for goes where the compiler's messages go"
    )]
    fn write(&self, stage: &str, ending: &str, text: &str) {
        if self.is_wanted(stage) {
            eprintln!("; {} after {stage}\n{text}", self.name);
        }
        if let Some(folder) = &self.options.dump.folder {
            let folder = Path::new(folder).join(&self.name);
            let file = folder.join(format!("{:02}-{stage}.{ending}", self.times.len()));
            // A dump that cannot be written must not stop a build.
            let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(file, text));
        }
    }
}

fn ending<N: Noun>(_noun: &N) -> &'static str {
    N::ENDING
}
