//! The memory of a call: at most a tenth more than what is alive at one time, and nobody writes over what somebody reads later.

use defn_codegen::compile::schedule_graph;
use defn_codegen::graph::eval::bind;
use defn_codegen::graph::parse;
use defn_codegen::loops::live::{lifetimes, most};
use defn_codegen::loops::{Loops, Space};
use defn_codegen::options::{Dump, Level, Options, Sizes};
use defn_codegen::simplify::simplify;
use defn_codegen::testing;

/// The programs of the benchmark that need scratch, as `DEFN_DUMP_DIR` writes them, and the extents that they are timed with.
const PROGRAMS: [(&str, &[i64]); 12] = [
    (include_str!("programs/workloads/attention.graph"), &[8, 512, 64, 512]),
    (include_str!("programs/workloads/slopes.graph"), &[8, 512, 64, 512]),
    (include_str!("programs/workloads/encoder.graph"), &[384, 12, 32, 1536, 128]),
    (include_str!("programs/workloads/forward.graph"), &[784, 512, 256, 10, 64]),
    (include_str!("programs/workloads/train.graph"), &[784, 512, 256, 10, 64]),
    (include_str!("programs/workloads/train_step.graph"), &[784, 512, 256, 10, 64]),
    (include_str!("programs/workloads/per_example.graph"), &[64, 128, 10, 256]),
    (include_str!("programs/workloads/distances.graph"), &[2048, 64]),
    (include_str!("programs/workloads/convolution.graph"), &[1, 64, 56, 56, 64]),
    (include_str!("programs/workloads/shares.graph"), &[1_000_000]),
    (include_str!("programs/workloads/energy.graph"), &[1024]),
    (include_str!("programs/workloads/sorted.graph"), &[1_000_000]),
];

const REGIONS: [fn(&Space) -> bool; 2] = [Space::is_workspace, Space::is_private];

fn options(sizes: Sizes) -> Options {
    Options {
        levels: Vec::new(),
        devices: Vec::new(),
        triple: String::new(),
        dump: Dump::default(),
        verify: true,
        sizes,
        tf32: false,
    }
}

/// What is planned for a region, and what is alive there at the most.
fn planned(loops: &Loops, region: usize, extents: &[i64]) -> [i64; 2] {
    let planned = if region == 0 { &loops.workspace } else { &loops.private };
    [planned.evaluate(extents), most(loops, REGIONS[region]).evaluate(extents)]
}

#[test]
fn workloads_take_little_more_than_what_is_alive() {
    for (text, extents) in PROGRAMS {
        let graph = parse::parse(text).expect("it is written well");
        for level in [Level::V3, Level::V4] {
            let loops = schedule_graph(&graph, level, &options(Sizes::USUAL));
            assert_eq!(loops.symbols.len(), extents.len(), "{}", graph.name);
            for region in 0..REGIONS.len() {
                let [planned, most] = planned(&loops, region, extents);
                assert!(
                    10 * planned <= 11 * most,
                    "{}, region {region}: {planned} bytes for {most} that are alive\n{loops}",
                    graph.name
                );
            }
        }
    }
}

/// Whether what is alive at one time lies apart and inside of its region, for some extents.
fn check_apart(loops: &Loops, extents: &[i64]) {
    for (at, region) in REGIONS.into_iter().enumerate() {
        let [planned, most] = planned(loops, at, extents);
        assert!(most <= planned, "{planned} bytes for {most}\n{loops}");
        let mut seen: Vec<(usize, usize, i64, i64)> = Vec::new();
        for one in lifetimes(loops, region) {
            let (Space::Workspace(Some(offset)) | Space::Private(Some(offset))) =
                &loops.buffers[one.buffer].space
            else {
                panic!("a temporary has no place\n{loops}")
            };
            let start = offset.evaluate(extents);
            let end = start + one.bytes.evaluate(extents);
            assert!(start % 64 == 0 && (0..=planned).contains(&start) && end <= planned, "{loops}");
            let meets = |(first, last, begin, stop): &(usize, usize, i64, i64)| {
                *first <= one.last && one.first <= *last && *begin < end && start < *stop
            };
            assert!(!seen.iter().any(meets), "{extents:?}: {one:?} lies over another\n{loops}");
            seen.push((one.first, one.last, start, end));
        }
    }
}

#[test]
fn what_is_alive_lies_apart() {
    for (text, _) in PROGRAMS {
        let graph = parse::parse(text).expect("it is written well");
        let loops = schedule_graph(&graph, Level::V4, &options(Sizes::USUAL));
        for seed in 0..40 {
            // From nothing to more than every bound at which forms are chosen.
            let extent = |symbol: usize| {
                [0, 1, 2, 7, 8, 17, 64, 100, 1000, 5000][(seed * 7 + symbol * 3 + seed / 10) % 10]
            };
            let extents: Vec<i64> = (0..loops.symbols.len()).map(extent).collect();
            check_apart(&loops, &extents);
        }
    }
    for seed in 0..400 {
        let case = testing::case(seed);
        let extents = bind(&case.graph, &case.arguments).expect("the arguments fit");
        let loops = schedule_graph(&simplify(case.graph), Level::V3, &options(Sizes::LEAST));
        check_apart(&loops, &extents);
    }
}
