//! The table: a row a workload, in Markdown, and geometric means below it.
//!
//! In: what everybody measured.   Out: text.

use std::fmt::Write as _;

use super::bars::{Bar, Bars, MEANS};
use super::programs::{Figure, OURS, writes_into};
use super::{Options, sweep::geometric_mean};

/// A workload and what everybody made of it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) bar: Option<&'static Bars>,
    /// By program; empty if we do not have the workload.
    pub(crate) figures: Vec<(&'static str, Option<Figure>)>,
}

impl Row {
    pub(super) fn of(&self, program: &str) -> Option<Figure> {
        self.figures.iter().find(|(label, _)| *label == program)?.1
    }

    /// Our figure in milliseconds: of the form of call that the bar is about.
    fn ours(&self) -> Option<f64> {
        let figure = self.of(OURS)?;
        let is_into = self.bar.is_some_and(|bar| bar.is_into);
        Some(figure.into.filter(|_| is_into).unwrap_or(figure.call))
    }

    /// Our figure beside that of a peer, which may write into memory that is there.
    fn ours_beside(&self, peer: &str) -> Option<f64> {
        let into = self.of(OURS)?.into.filter(|_| writes_into(peer, &self.name));
        into.or_else(|| self.ours())
    }

    /// How many times faster than the fastest other peer we are.
    fn ratio_to_other(&self) -> Option<f64> {
        let (label, other) = self.best_other()?;
        Some(other / self.ours_beside(label)?)
    }

    /// The fastest peer that is not JAX.
    fn best_other(&self) -> Option<(&'static str, f64)> {
        let others = self.figures.iter().filter(|(label, _)| ![OURS, "jax"].contains(label));
        let times = others.filter_map(|(label, figure)| Some((*label, (*figure)?.call)));
        times.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// How many times faster than JAX we are.
    fn ratio(&self) -> Option<f64> {
        Some(self.of("jax")?.call / self.ours()?)
    }

    fn bar(&self, threads: usize) -> Option<Bar> {
        let [one, two] = self.bar?.bars;
        let bar = if threads == 1 { one } else { two };
        Some(bar).filter(|bar| *bar != Bar::None)
    }

    /// Whether the bar is reached and no peer is faster; nothing if that was not measured.
    fn is_reached(&self, threads: usize) -> Option<bool> {
        self.ours()?;
        let is_high_enough = match self.bar(threads)? {
            Bar::Times(times) => self.ratio()? >= times,
            Bar::Rate(gflops) => self.of(OURS)?.gflops? >= gflops,
            Bar::None => return None,
        };
        let is_beaten = self.ratio_to_other().is_some_and(|ratio| ratio < 1.0);
        Some(is_high_enough && !is_beaten)
    }

    /// The row in Markdown.
    pub(crate) fn text(&self, threads: usize) -> String {
        let cell = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        let bar = self.bar(threads).map(|bar| match bar {
            Bar::Times(times) => format!("{times}"),
            Bar::Rate(gflops) => format!("{gflops} GFLOP/s"),
            Bar::None => String::new(),
        });
        let figures = [
            cell(self.ours().map(milliseconds)),
            cell(self.of(OURS).and_then(|ours| ours.into).map(milliseconds)),
            cell(self.of("jax").map(|jax| milliseconds(jax.call))),
            cell(self.best_other().map(|(label, ms)| format!("{} {label}", milliseconds(ms)))),
            cell(self.ratio().map(|ratio| format!("{ratio:.2}"))),
            cell(bar),
            cell(self.is_reached(threads).map(|it| if it { "ok" } else { "**miss**" }.to_owned())),
        ];
        format!("| {} | {} |", self.name, figures.join(" | "))
    }
}

/// How much of the multiply-adds that were possible each row did that is mostly such.
fn shares(rows: &[Row], roof: f64) -> String {
    let share = |row: &Row| {
        let is_product =
            ["matmul_", "product_", "conv2d_"].iter().any(|of| row.name.starts_with(of));
        let ours = row.of(OURS).filter(|_| is_product)?;
        // The rate is that of the call; into a result that is there it is another.
        let best = ours.into.map_or(ours.call, |into| into.min(ours.call));
        Some(format!("{} {:.0} %", row.name, 100.0 * ours.gflops? * ours.call / best / roof))
    };
    let all: Vec<String> = rows.iter().filter_map(share).collect();
    format!("\nroof of multiply-adds: {roof:.1} GFLOP/s; of it: {}\n", all.join(", "))
}

/// All rows with a head, and the means.
pub(crate) fn table(rows: &[Row], roof: Option<f64>, options: &Options) -> String {
    let mut text = format!(
        "Milliseconds, {} thread(s); {}, the best of {} turn(s).\n\n\
         | workload | ours | into | JAX | best other | times JAX | bar | |\n|---|---|---|---|---|---|---|---|\n",
        options.threads,
        options.of.word(),
        options.rounds
    );
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", row.text(options.threads));
    }
    if let Some(roof) = roof {
        text.push_str(&shares(rows, roof));
    }
    let is_small = |row: &&Row| row.bar.is_some_and(|bar| bar.is_small);
    let mean = |what: &str, ratios: Vec<f64>| match geometric_mean(&ratios) {
        Some(mean) => format!("\n{what}: {mean:.2} times faster over {} workloads", ratios.len()),
        None => String::new(),
    };
    let all = rows.iter().filter_map(Row::ratio).collect();
    let large = rows.iter().filter(|row| !is_small(row)).filter_map(Row::ratio).collect();
    let others = rows.iter().filter_map(Row::ratio_to_other).collect();
    let asked = MEANS[usize::from(options.threads > 1)];
    text.push_str(&mean(&format!("JAX, all (asked: {asked})"), all));
    text.push_str(&mean("JAX, without those that time its calls", large));
    text.push_str(&mean("best other peer", others));
    let missed: Vec<&str> = rows
        .iter()
        .filter(|row| row.is_reached(options.threads) == Some(false))
        .map(|row| row.name.as_str())
        .collect();
    let _ = write!(text, "\nmissed: {}", missed.len());
    if !missed.is_empty() {
        let _ = write!(text, " ({})", missed.join(", "));
    }
    text
}

/// Three digits that mean something.
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        ..0.001 => format!("{ms:.6}"),
        ..0.1 => format!("{ms:.4}"),
        ..10.0 => format!("{ms:.3}"),
        _ => format!("{ms:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::bars;

    fn row(name: &str, figures: &[(&'static str, f64)]) -> Row {
        let figure = |call| Figure {
            call,
            into: Some(call / 2.0),
            gflops: Some(50.0),
            gbs: None,
            first: None,
        };
        let figures = figures.iter().map(|(label, ms)| (*label, Some(figure(*ms)))).collect();
        Row { name: name.to_owned(), bar: bars::of(name), figures }
    }

    #[test]
    fn a_bar_is_reached_against_jax_and_against_everybody_else() {
        let reached = |others: &[(&'static str, f64)]| {
            let figures = [&[(OURS, 1.0)], others].concat();
            row("matmul_256", &figures).is_reached(1)
        };
        assert_eq!(reached(&[("jax", 1.2)]), Some(true));
        assert_eq!(reached(&[("jax", 1.05)]), Some(false));
        assert_eq!(reached(&[("jax", 1.2), ("ort", 0.9)]), Some(false));
        // Our call into a result that is there takes 0.5.
        assert_eq!(reached(&[("jax", 1.2), ("gemm", 0.6)]), Some(true));
        assert_eq!(reached(&[("jax", 1.2), ("gemm", 0.4)]), Some(false));
        assert_eq!(reached(&[]), None);
    }

    #[test]
    fn small_products_have_a_rate_and_calls_count_without_their_result() {
        assert_eq!(row("matmul_8", &[(OURS, 1.0)]).is_reached(1), Some(true));
        assert_eq!(row("matmul_16", &[(OURS, 1.0)]).is_reached(1), Some(false));
        assert_eq!(row("call_overhead", &[(OURS, 1.0), ("jax", 50.0)]).ratio(), Some(100.0));
    }
}
