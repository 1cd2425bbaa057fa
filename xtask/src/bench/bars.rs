//! What each workload must reach, at one thread and at two: a table.
//!
//! A bar is how many times faster than JAX a call must be; products so small that JAX times its own call only
//! have a rate instead. Whatever the bar, no peer may be faster.

/// What a workload must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    /// Times faster than JAX.
    Times(f64),
    /// GFLOP/s.
    Rate(f64),
    /// Nothing: no peer has such a form, and the row shows what it is worth.
    None,
}
use Bar::{Rate, Times};

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Bars {
    pub(crate) name: &'static str,
    /// At one thread, and at two.
    pub(crate) bars: [Bar; 2],
    /// Whether the figure is a call into a result that is there, instead of one that returns it.
    pub(crate) is_into: bool,
    /// Whether what a peer takes is its call, not its work: such ratios are large, and have a mean of their own.
    pub(crate) is_small: bool,
}

/// The geometric mean of how many times faster than JAX we must be, at one thread and at two.
pub(crate) const MEANS: [f64; 2] = [3.5, 4.0];

const fn times(name: &'static str, one: f64, two: f64) -> Bars {
    Bars { name, bars: [Times(one), Times(two)], is_into: false, is_small: false }
}

const fn rate(name: &'static str, gflops: f64) -> Bars {
    Bars { name, bars: [Rate(gflops), Rate(gflops)], is_into: false, is_small: true }
}

/// Every workload, in the order of the table.
pub(crate) const BARS: [Bars; 41] = [
    times("exp_1m", 2.5, 3.3),
    times("sin_1m", 40.0, 40.0),
    times("black_scholes_1m", 1.9, 2.1),
    times("softmax_1m", 2.0, 2.5),
    times("softmax_rows", 2.0, 2.5),
    times("layernorm_gelu", 2.5, 2.5),
    times("sum_64m", 1.0, 1.0),
    times("cumsum_1m", 14.0, 16.0),
    times("uniform_1m", 4.3, 8.0),
    times("normal_1m", 5.0, 7.0),
    times("sort_1m", 30.0, 60.0),
    times("scatter_add_1m", 1.2, 1.6),
    rate("matmul_8", 20.0),
    rate("matmul_16", 75.0),
    rate("matmul_32", 100.0),
    times("matmul_64", 4.5, 6.0),
    times("matmul_256", 1.1, 1.5),
    times("matmul_512", 1.03, 1.05),
    times("matmul_1024", 1.02, 1.03),
    times("matmul_2048", 1.05, 1.02),
    times("matmul_bias_relu_512x1024x1024", 1.02, 1.03),
    times("pairwise_dist_2048x64", 1.1, 1.15),
    times("conv2d_3x3_c64_56", 1.15, 1.15),
    times("mlp_forward_b64", 1.15, 1.2),
    times("mlp_forward_b1", 1.8, 4.0),
    times("mlp_train_step_b64", 1.2, 1.6),
    times("per_example_grad_mlp_b256", 5.0, 8.0),
    times("attention_h8_s512_d64", 1.15, 1.15),
    times("attention_h8_s512_d64_grad", 2.5, 3.0),
    times("encoder_layer_s128_d384", 1.15, 1.3),
    times("nbody_1024_grad", 18.0, 18.0),
    times("mandelbrot_512_100", 6.0, 10.0),
    times("lorenz_rk4_1000", 2.0, 2.0),
    times("lorenz_rk4_1000_grad", 1.8, 1.8),
    times("gru32_1000", 2.5, 2.5),
    times("gru32_1000_grad", 3.0, 3.0),
    times("solve_10k_6x6", 30.0, 40.0),
    times("cholesky_512", 3.5, 5.0),
    Bars { is_small: true, ..times("first_gradient", 200.0, 200.0) },
    Bars { is_into: true, is_small: true, ..times("call_overhead", 170.0, 170.0) },
    Bars { bars: [Bar::None; 2], ..times("mlp_train_step_b64_in_place", 1.0, 1.0) },
];

/// What a GPU is asked besides.
pub(crate) const LARGE: [&str; 8] = [
    "negative_1g",
    "exp_1g",
    "sum_1g",
    "softmax_rows_1g",
    "matmul_4096",
    "matmul_8192",
    "attention_h8_s4096_d64",
    "attention_h8_s16384_d64",
];

/// A copy of a gibibyte, which peers have as the roof of a GPU's memory.
pub(crate) const COPY: &str = "copy_1g";

/// How many bytes it reads and writes.
pub(crate) const COPIED: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;

/// What of the best peer's speed a GPU must reach, by how the name of a workload begins.
pub(crate) const SHARES: [(&str, f64); 2] = [("matmul_", 0.9), ("attention_", 0.7)];

/// What of the speed of a copy a GPU must reach where memory is all that counts.
pub(crate) const MEMORY: f64 = 0.9;

/// How many milliseconds the first call of a function may take on a GPU.
pub(crate) const FIRST: f64 = 50.0;

/// The bars of a workload.
pub(crate) fn of(name: &str) -> Option<&'static Bars> {
    BARS.iter().find(|bar| bar.name == name)
}
