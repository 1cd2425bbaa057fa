//! The table of a GPU: our figures beside those of the peers there, and what share of a roof they are.
//!
//! In: what everybody measured.   Out: text.

use std::fmt::Write as _;

use super::Options;
use super::bars::{COPIED, FIRST, MEMORY, SHARES};
use super::programs::{Figure, OURS};
use super::table::{Row, milliseconds};

/// A row: what we reach of what, and whether that is enough.
fn text(row: &Row, copy: Option<f64>, peers: &[&'static str]) -> String {
    let cell = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let ours = row.of(OURS);
    let mut cells = vec![
        row.name.clone(),
        cell(ours.map(|ours| milliseconds(ours.call))),
        cell(ours.and_then(|ours| ours.into).map(milliseconds)),
        cell(ours.and_then(|ours| ours.first).map(milliseconds)),
    ];
    cells.extend(peers.iter().map(|peer| cell(row.of(peer).map(|it| milliseconds(it.call)))));
    cells.push(cell(of_best(row).map(|ratio| format!("{ratio:.2}"))));
    cells.push(cell(ours.and_then(|ours| ours.gflops).map(|rate| format!("{:.2}", rate / 1e3))));
    cells.push(cell(of_copy(row, copy).map(|share| format!("{:.0} %", 100.0 * share))));
    let missed = missed(row, copy);
    cells.push(if missed.is_empty() {
        String::new()
    } else {
        format!("**{}**", missed.join(", "))
    });
    format!("| {} |", cells.join(" | "))
}

/// How many times faster than the best peer we are, with a result that is allocated.
fn of_best(row: &Row) -> Option<f64> {
    let peers = row.figures.iter().filter(|(label, _)| *label != OURS);
    let best = peers.filter_map(|(_, figure)| Some((*figure)?.call)).reduce(f64::min)?;
    Some(best / row.of(OURS)?.call)
}

/// What share of the bytes of a copy we move.
fn of_copy(row: &Row, copy: Option<f64>) -> Option<f64> {
    Some(row.of(OURS)?.gbs? / copy?)
}

/// Whether memory is all that counts: whatever is smaller than the caches, or has the price of a call, is another matter.
fn is_memory(row: &Row) -> bool {
    row.name.ends_with("_1g")
}

/// What a row should reach and does not.
fn missed(row: &Row, copy: Option<f64>) -> Vec<String> {
    let share =
        SHARES.iter().find(|(start, _)| row.name.starts_with(start)).map(|(_, share)| *share);
    let low = |found: Option<f64>, least: Option<f64>, of: &str| {
        let least = least.filter(|least| found.is_some_and(|found| found < *least))?;
        Some(format!("below {:.0} % of {of}", 100.0 * least))
    };
    let slow = row.of(OURS).and_then(|ours| ours.first).filter(|first| *first > FIRST);
    let all = [
        low(of_best(row), share, "the best peer"),
        low(of_copy(row, copy), Some(MEMORY).filter(|_| is_memory(row)), "a copy"),
        slow.map(|_| format!("first call above {FIRST} ms")),
    ];
    all.into_iter().flatten().collect()
}

/// All rows with a head; `copy` is the best figure for a copy of a gibibyte.
pub(crate) fn table(rows: &[Row], copy: Option<Figure>, options: &Options) -> String {
    let copy = copy.map(|copy| COPIED / copy.call / 1e6);
    let peers: Vec<&'static str> = rows
        .iter()
        .flat_map(|row| row.figures.iter().map(|(label, _)| *label))
        .filter(|label| *label != OURS)
        .fold(Vec::new(), |mut peers, label| {
            if !peers.contains(&label) {
                peers.push(label);
            }
            peers
        });
    let columns: String = peers.iter().map(|peer| format!(" {peer} |")).collect();
    let mut text_ = format!(
        "Milliseconds on {}, between events; {}, the best of {} turn(s).\n\n\
         | workload | ours | into | first |{columns} times best | TFLOP/s | of a copy | |\n\
         |---|---|---|---|{}---|---|---|---|\n",
        options.device,
        options.of.word(),
        options.rounds,
        "---|".repeat(peers.len())
    );
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text_, "{}", text(row, copy, &peers));
    }
    if let Some(copy) = copy {
        let _ = writeln!(text_, "\na copy moves {copy:.0} GB/s, read and written");
    }
    let all = rows.iter().filter(|row| !missed(row, copy).is_empty()).count();
    let _ = write!(text_, "\nmissed: {all}");
    text_
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, (ours, torch): (f64, f64), (gbs, first): (f64, f64)) -> Row {
        let figure =
            |call| Figure { call, into: None, gflops: None, gbs: Some(gbs), first: Some(first) };
        let figures = vec![(OURS, Some(figure(ours))), ("torch", Some(figure(torch)))];
        Row { name: name.to_owned(), bar: None, figures }
    }

    #[test]
    fn each_kind_of_work_has_its_roof() {
        let missed = |name: &str, times, (gbs, first)| {
            missed(&row(name, times, (gbs, first)), Some(100.0)).join(", ")
        };
        assert_eq!(missed("matmul_4096", (1.0, 0.91), (1.0, 1.0)), "");
        assert_eq!(missed("matmul_4096", (1.0, 0.89), (1.0, 1.0)), "below 90 % of the best peer");
        assert_eq!(missed("attention_h8_s4096_d64", (1.0, 0.71), (1.0, 1.0)), "");
        assert_eq!(missed("exp_1g", (1.0, 0.1), (91.0, 1.0)), "");
        assert_eq!(missed("exp_1g", (1.0, 0.1), (89.0, 1.0)), "below 90 % of a copy");
        assert_eq!(missed("exp_1m", (1.0, 1.0), (1.0, 51.0)), "first call above 50 ms");
    }

    #[test]
    fn what_nobody_measured_is_no_miss() {
        let mut row = row("exp_1g", (1.0, 1.0), (1.0, 1.0));
        assert!(missed(&row, None).is_empty());
        row.figures.clear();
        assert!(missed(&row, Some(1.0)).is_empty());
        let text = table(&[row], None, &Options::default());
        assert!(text.contains("| exp_1g | – |") && text.ends_with("missed: 0"), "{text}");
    }
}
