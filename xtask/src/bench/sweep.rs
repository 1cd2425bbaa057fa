//! Products of random shapes: how we stand where nobody has looked.
//!
//! In: a number of shapes.   Out: for each peer the geometric mean and the worst of how many times faster we are.
//!
//! Extents are log-uniform from 1 to [`LARGEST`], and in every fifth shape one of them is at most [`THIN`].

use std::fmt::Write as _;

use super::programs::{Figure, OURS, Program, writes_into};
use super::{Options, turns};
use crate::Outcome;

const LARGEST: f64 = 2048.0;
const THIN: f64 = 8.0;
const SEED: u64 = 1;

/// How many of the worst shapes are shown for each peer.
const SHOWN: usize = 5;

/// Times all shapes on every program that multiplies matrices.
pub(crate) fn sweep(programs: &mut [Program], options: &Options) -> Outcome {
    let names = shapes(options.shapes).map(|[m, k, n]| format!("product_{m}x{k}x{n}"));
    let mut rows = Vec::new();
    for (count, name) in names.enumerate() {
        rows.push((name.clone(), turns(programs, &name, options.rounds)?));
        if (count + 1) % 20 == 0 {
            eprintln!("{} of {} shapes", count + 1, options.shapes);
        }
    }
    let mut text = format!(
        "Products of {} random shapes, {} thread(s): how many times faster we are.\n\n\
         | peer | shapes | geometric mean | worst | slower than the peer | the worst shapes |\n|---|---|---|---|---|---|\n",
        options.shapes, options.threads
    );
    for program in programs.iter().filter(|program| program.label != OURS) {
        if let Some(row) = row(program.label, &rows) {
            text.push_str(&row);
        }
    }
    Ok(text)
}

/// What everybody made of a product.
type Measured = (String, Vec<(&'static str, Option<Figure>)>);

fn row(peer: &str, rows: &[Measured]) -> Option<String> {
    let ratio = |(name, figures): &Measured| {
        let of = |wanted: &str| figures.iter().find(|(label, _)| *label == wanted)?.1;
        let ours = of(OURS)?;
        let into = ours.into.filter(|_| writes_into(peer, name));
        Some((of(peer)?.call / into.unwrap_or(ours.call), name.clone()))
    };
    let mut ratios: Vec<(f64, String)> = rows.iter().filter_map(ratio).collect();
    ratios.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let all: Vec<f64> = ratios.iter().map(|(ratio, _)| *ratio).collect();
    let (mean, slower) = (geometric_mean(&all)?, all.iter().filter(|it| **it < 1.0).count());
    let mut worst = String::new();
    for (ratio, name) in ratios.iter().take(SHOWN) {
        // Writing to a string cannot fail.
        let _ = write!(worst, "{} {ratio:.2}, ", name.trim_start_matches("product_"));
    }
    let worst = worst.trim_end_matches(", ");
    Some(format!("| {peer} | {} | {mean:.2} | {:.2} | {slower} | {worst} |\n", all.len(), all[0]))
}

/// The same shapes in every run.
fn shapes(count: usize) -> impl Iterator<Item = [usize; 3]> {
    let mut dice = SEED;
    let mut roll = move || {
        // Steele, Lea and Flood's SplitMix64.
        dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(move |number| {
        let mut shape = [LARGEST; 3].map(|largest| largest.powf(roll()).round() as usize);
        let thin = (roll() * 3.0) as usize;
        if number % 5 == 4 {
            shape[thin] = THIN.powf(roll()).round() as usize;
        }
        shape
    })
}

/// The geometric mean; nothing of nothing.
pub(crate) fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let logarithms = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>();
    (!ratios.is_empty()).then(|| (logarithms / ratios.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_the_same_in_every_run_and_some_are_thin() {
        let all: Vec<[usize; 3]> = shapes(200).collect();
        assert_eq!(all[..100], shapes(100).collect::<Vec<_>>());
        assert!(all.iter().flatten().all(|extent| (1..=2048).contains(extent)));
        let thin = |shape: &&[usize; 3]| shape.iter().any(|extent| *extent <= 8);
        assert!(all.iter().skip(4).step_by(5).all(|shape| thin(&shape)));
        let large = all.iter().filter(|shape| shape.iter().all(|extent| *extent > 256)).count();
        assert!((1..30).contains(&large), "{large}");
    }

    #[test]
    fn the_geometric_mean_of_a_number_and_its_inverse_is_one() {
        assert_eq!(geometric_mean(&[]), None);
        let mean = geometric_mean(&[4.0, 0.25]).unwrap();
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    }
}
