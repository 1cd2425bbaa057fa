//! The most multiply-adds that the processor does: chains in registers, as many as hide how long one takes.
//!
//! In: how many threads.   Out: members of an object of JSON, with GFLOP/s of all threads together; the best of many short samples.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

/// Multiply-adds of each chain in a sample.
const ROUNDS: usize = 1 << 14;
/// How many samples there are; neighbours disturb most of them.
const SAMPLES: usize = 2000;

/// The rate of so many threads.
pub(crate) fn time(threads: usize) -> String {
    let Some((sample, operations)) = sample() else {
        return "\"fault\":\"it has no such workload\"".to_owned();
    };
    let best = || {
        let mut best = f64::INFINITY;
        for _ in 0..SAMPLES {
            let start = Instant::now();
            black_box(sample());
            best = best.min(start.elapsed().as_secs_f64());
        }
        operations / best / 1e9
    };
    let rate: f64 = thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(best)).collect();
        all.into_iter().map(|it| it.join().expect("a sample does not panic")).sum()
    });
    format!("\"median_ms\":1.0,\"min_ms\":1.0,\"gflops\":{rate:.2}")
}

/// What runs the chains, and how many operations that is; nothing on processors that we do not know.
fn sample() -> Option<(fn() -> f32, f64)> {
    #[cfg(target_arch = "x86_64")]
    {
        let of = |chains: usize, lanes: usize| (2 * ROUNDS * chains * lanes) as f64;
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has what the function needs.
            return Some((|| unsafe { x86::wide() }, of(x86::WIDE, 16)));
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has what the function needs.
            return Some((|| unsafe { x86::narrow() }, of(x86::NARROW, 8)));
        }
    }
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_add_ps,
        _mm512_cvtss_f32, _mm512_fmadd_ps, _mm512_set1_ps,
    };

    use super::{ROUNDS, black_box};

    pub(super) const WIDE: usize = 12;
    pub(super) const NARROW: usize = 10;

    #[target_feature(enable = "avx512f")]
    pub(super) fn wide() -> f32 {
        let (factor, term) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
        let mut chains = [_mm512_set1_ps(1.0); WIDE];
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = _mm512_fmadd_ps(*chain, factor, term);
            }
        }
        _mm512_cvtss_f32(chains.into_iter().reduce(|a, b| _mm512_add_ps(a, b)).unwrap_or(factor))
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn narrow() -> f32 {
        let (factor, term) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
        let mut chains = [_mm256_set1_ps(1.0); NARROW];
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = _mm256_fmadd_ps(*chain, factor, term);
            }
        }
        _mm256_cvtss_f32(chains.into_iter().reduce(|a, b| _mm256_add_ps(a, b)).unwrap_or(factor))
    }
}
