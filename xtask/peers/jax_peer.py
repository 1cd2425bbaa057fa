#!/usr/bin/env python3
"""The workloads on JAX, compiled by XLA for the processor or for a GPU.

usage: jax_peer.py [--threads N] [--only a,b] [--seconds S] [--json FILE] [--device cuda]
needs: pip install jax numpy

Names, shapes, element types and formulas are those of `benches/workloads`; every call returns its result.
"""

import os
import subprocess
import sys
import time

# The folder of the scripts stays as git has it.
sys.dont_write_bytecode = True
import timing

arguments = timing.options()
timing.pin(arguments.threads)
timing.keep_pages()
os.environ.setdefault("JAX_PLATFORMS", arguments.device.partition(":")[0])

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

random = np.random.default_rng(1)
TABLE = {}


def normal(*shape, scale=1.0):
    return jnp.asarray(random.standard_normal(shape, dtype=np.float32) * np.float32(scale))


def between(low, high, *shape):
    return jnp.asarray(random.uniform(low, high, shape).astype(np.float32))


def called(function, *inputs):
    """One call of the compiled function, to the end of its work."""
    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*inputs))


def workload(make):
    TABLE[make.__name__] = make
    return make


# Elementwise.


@workload
def exp_1m():
    return called(jnp.exp, normal(1_000_000))


@workload
def sin_1m():
    return called(jnp.sin, normal(1_000_000, scale=100))


@workload
def black_scholes_1m():
    rate, volatility = 0.05, 0.2

    def cdf(x):
        return 0.5 * (1 + lax.erf(x * np.float32(0.5**0.5)))

    def price(spot, strike, time):
        spread = volatility * jnp.sqrt(time)
        d1 = (jnp.log(spot / strike) + (rate + volatility**2 / 2) * time) / spread
        return spot * cdf(d1) - strike * jnp.exp(-rate * time) * cdf(d1 - spread)

    count = 1_000_000
    return called(price, between(10, 50, count), between(10, 50, count), between(0.2, 2, count))


# Rows.


@workload
def softmax_1m():
    return called(lambda x: jnp.exp(x) / jnp.exp(x).sum(), normal(1_000_000))


@workload
def softmax_rows():
    return called(lambda x: jax.nn.softmax(x, axis=1), normal(1024, 1024))


def normalised(x):
    centered = x - x.mean(axis=-1, keepdims=True)
    return centered * lax.rsqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-5)


@workload
def layernorm_gelu():
    def layer(x, gain, shift):
        return jax.nn.gelu(normalised(x) * gain + shift, approximate=True)

    return called(layer, normal(4096, 1024), normal(1024), normal(1024))


# Sums, order, chance.


@workload
def sum_64m():
    return called(jnp.sum, normal(16 * 1024 * 1024))


@workload
def cumsum_1m():
    return called(jnp.cumsum, normal(1_000_000))


@workload
def uniform_1m():
    return called(lambda key: jax.random.uniform(key, (1_000_000,)), jax.random.key(1))


@workload
def normal_1m():
    return called(lambda key: jax.random.normal(key, (1_000_000,)), jax.random.key(1))


@workload
def sort_1m():
    return called(jnp.sort, normal(1_000_000))


@workload
def scatter_add_1m():
    bins, count = 65536, 1_000_000
    place = jnp.asarray(random.integers(0, bins, count))
    return called(lambda table, place, value: table.at[place].add(value), normal(bins), place, normal(count))


# Products.


def product(m, k, n):
    return called(jnp.matmul, normal(m, k), normal(k, n))


for extent in (8, 16, 32, 64, 256, 512, 1024, 2048):
    TABLE[f"matmul_{extent}"] = lambda extent=extent: product(extent, extent, extent)


@workload
def matmul_bias_relu_512x1024x1024():
    return called(lambda x, w, b: jax.nn.relu(x @ w + b), normal(512, 1024), normal(1024, 1024), normal(1024))


@workload
def pairwise_dist_2048x64():
    def distances(x):
        size = (x * x).sum(axis=1)
        return jnp.sqrt(jnp.maximum(size[:, None] + size[None, :] - 2 * x @ x.T, 0))

    return called(distances, normal(2048, 64))


@workload
def conv2d_3x3_c64_56():
    def convolution(x, w):
        return lax.conv_general_dilated(x, w, window_strides=(1, 1), padding="SAME")

    return called(convolution, normal(1, 64, 56, 56), normal(64, 64, 3, 3))


# Networks.

SIZES = (784, 512, 256, 10)


def network():
    return [(normal(a, b, scale=0.05), normal(b, scale=0.05)) for a, b in zip(SIZES, SIZES[1:])]


def logits(layers, x):
    *hidden, (w, b) = layers
    for v, c in hidden:
        x = jax.nn.relu(x @ v + c)
    return x @ w + b


def forward(batch):
    return called(lambda layers, x: jax.nn.softmax(logits(layers, x)), network(), normal(batch, SIZES[0]))


@workload
def mlp_forward_b64():
    return forward(64)


@workload
def mlp_forward_b1():
    return forward(1)


@workload
def mlp_train_step_b64():
    def loss(layers, x, y):
        return -(jax.nn.log_softmax(logits(layers, x)) * y).sum(axis=1).mean()

    def step(layers, x, y):
        value, slope = jax.value_and_grad(loss)(layers, x, y)
        return value, jax.tree.map(lambda p, g: p - 0.1 * g, layers, slope)

    y = jax.nn.one_hot(jnp.asarray(random.integers(0, 10, 64)), 10)
    return called(step, network(), normal(64, SIZES[0]), y)


@workload
def per_example_grad_mlp_b256():
    def loss(p, x, y):
        w, b, v, c = p
        return ((jnp.tanh(x @ w + b) @ v + c - y) ** 2).sum()

    p = [normal(*shape, scale=0.1) for shape in ((32, 64), (64,), (64, 1), (1,))]
    each = jax.vmap(jax.grad(loss), in_axes=(None, 0, 0))
    return called(each, p, normal(256, 32), normal(256, 1))


# Attention.


def attention(q, k, v):
    return jax.nn.softmax(q @ k.transpose(0, 2, 1) * 0.125, axis=-1) @ v


@workload
def attention_h8_s512_d64():
    return called(attention, *(normal(8, 512, 64) for _ in range(3)))


@workload
def attention_h8_s512_d64_grad():
    slope = jax.grad(lambda q, k, v: (attention(q, k, v) ** 2).sum(), argnums=(0, 1, 2))
    return called(slope, *(normal(8, 512, 64) for _ in range(3)))


@workload
def encoder_layer_s128_d384():
    time, width, heads = 128, 384, 12
    dim = width // heads
    p = {
        "qkv": normal(width, 3 * width, scale=0.05),
        "o": normal(width, width, scale=0.05),
        "up": normal(width, 4 * width, scale=0.05),
        "down": normal(4 * width, width, scale=0.05),
        "first": normal(width),
        "second": normal(width),
    }

    def layer(p, x):
        parts = (x @ p["qkv"]).reshape(time, 3, heads, dim).transpose(1, 2, 0, 3)
        q, k, v = parts[0], parts[1], parts[2]
        looks = jax.nn.softmax(q @ k.transpose(0, 2, 1) / np.float32(dim**0.5), axis=-1)
        attended = (looks @ v).transpose(1, 0, 2).reshape(time, width)
        h = normalised(x + attended @ p["o"]) * p["first"]
        return normalised(h + jax.nn.gelu(h @ p["up"], approximate=False) @ p["down"]) * p["second"]

    return called(layer, p, normal(time, width))


# Loops, and what is like them.


@workload
def nbody_1024_grad():
    def energy(x):
        apart = x[:, None, :] - x[None, :, :]
        return -lax.rsqrt((apart * apart).sum(axis=-1) + 0.01).sum()

    return called(jax.grad(energy), normal(1024, 3))


@workload
def mandelbrot_512_100():
    def escapes(real, imaginary):
        def turn(_, state):
            x, y, count = state
            xx, yy = x * x, y * y
            inside = xx + yy <= 4.0
            x, y = jnp.where(inside, xx - yy + real, x), jnp.where(inside, 2 * x * y + imaginary, y)
            return x, y, count + inside

        start = jnp.zeros_like(real)
        return lax.fori_loop(0, 100, turn, (start, start, jnp.zeros(real.shape, jnp.int32)))[2]

    side = np.meshgrid(np.linspace(-2.0, 0.6, 512, dtype=np.float32), np.linspace(-1.3, 1.3, 512, dtype=np.float32))
    return called(escapes, *map(jnp.asarray, side))


def lorenz(parameters, start):
    sigma, rho, beta = parameters

    def slope(s):
        x, y, z = s
        return jnp.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    def step(s, _):
        h = 0.01
        k1 = slope(s)
        k2 = slope(s + h / 2 * k1)
        k3 = slope(s + h / 2 * k2)
        k4 = slope(s + h * k3)
        return s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return lax.scan(step, start, None, length=1000)[0].sum()


LORENZ = jnp.asarray([10.0, 28.0, 8.0 / 3.0], jnp.float32), jnp.ones(3, jnp.float32)


@workload
def lorenz_rk4_1000():
    return called(lorenz, *LORENZ)


@workload
def lorenz_rk4_1000_grad():
    return called(jax.grad(lorenz), *LORENZ)


def gru(weights, inputs):
    update, reset, candidate = weights

    def cell(h, x):
        both = jnp.concatenate([h, x])
        z, r = jax.nn.sigmoid(update @ both), jax.nn.sigmoid(reset @ both)
        n = jnp.tanh(candidate @ jnp.concatenate([r * h, x]))
        return (1 - z) * h + z * n, None

    return lax.scan(cell, jnp.zeros(32, jnp.float32), inputs)[0].sum()


def gru_inputs():
    return tuple(normal(32, 64, scale=0.1) for _ in range(3)), normal(1000, 32)


@workload
def gru32_1000():
    return called(gru, *gru_inputs())


@workload
def gru32_1000_grad():
    return called(jax.grad(gru), *gru_inputs())


@workload
def solve_10k_6x6():
    return called(jax.vmap(jnp.linalg.solve), normal(10_000, 6, 6) + 6 * jnp.eye(6), normal(10_000, 6, 1))


@workload
def cholesky_512():
    x = normal(512, 512)
    return called(jnp.linalg.cholesky, x @ x.T + 512 * jnp.eye(512))


# Small work.


@workload
def call_overhead():
    return called(jnp.add, normal(4), normal(4))


def first_gradient_here():
    """Nanoseconds since the process was started, when it has its first gradient."""

    def loss(p, x):
        w, b, v, c = p
        return ((jnp.tanh(x @ w + b) @ v + c) ** 2).mean()

    p = [normal(*shape, scale=0.1) for shape in ((64, 64), (64,), (64, 10), (10,))]
    jax.block_until_ready(jax.jit(jax.value_and_grad(loss))(p, normal(64, 64)))
    return time.time_ns() - arguments.fresh


def first_gradient(_):
    def start():
        command = [sys.executable, __file__, "--threads", str(arguments.threads), "--fresh", str(time.time_ns())]
        return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) / 1e9

    times = [start() for _ in range(5)]
    return {**timing.median_and_min(times), "first_ms": times[0] * 1e3}


first_gradient.times_itself = True
TABLE["first_gradient"] = first_gradient

if arguments.fresh:
    print(first_gradient_here())
else:
    timing.serve("jax", TABLE, product, arguments)
