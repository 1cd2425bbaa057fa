#!/usr/bin/env python3
"""The workloads on PyTorch, which calls cuBLAS and cuDNN, for a GPU or for the processor.

usage: torch_peer.py [--compile] [--device cuda] [--threads N] [--only a,b] [--seconds S] [--json FILE]
needs: pip install torch numpy

Names, shapes, element types and formulas are those of `benches/workloads`; every call returns its result.
`--compile` puts every function through `torch.compile` first. Products of `f32` are products of `f32`: tf32 is off.
On a GPU, times lie between two events of its stream.
"""

import sys

# The folder of the scripts stays as git has it.
sys.dont_write_bytecode = True
import timing

is_compiled = "--compile" in sys.argv
sys.argv = [word for word in sys.argv if word != "--compile"]
arguments = timing.options()
if arguments.device == "cpu":
    # What compiles for a GPU has processes of its own, and is not what is measured.
    timing.pin(arguments.threads)
timing.keep_pages()

import numpy as np
import torch
from torch.nn import functional as F

torch.set_num_threads(arguments.threads)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
device = torch.device("cuda:0" if arguments.device == "cuda" else arguments.device)
random = np.random.default_rng(1)
TABLE = {}


def there(array):
    return torch.from_numpy(array).to(device)


def normal(*shape, scale=1.0):
    return there(random.standard_normal(shape, dtype=np.float32) * np.float32(scale))


def between(low, high, *shape):
    return there(random.uniform(low, high, shape).astype(np.float32))


def called(function, *inputs):
    """One call."""
    function = torch.compile(function) if is_compiled else function
    return lambda: function(*inputs)


def workload(make):
    TABLE[make.__name__] = make
    return make


def slope_of(loss, count):
    """The gradient with respect to the first inputs."""
    return torch.func.grad(loss, argnums=tuple(range(count)))


# Elementwise.


@workload
def exp_1m():
    return called(torch.exp, normal(1_000_000))


@workload
def sin_1m():
    return called(torch.sin, normal(1_000_000, scale=100))


@workload
def black_scholes_1m():
    rate, volatility = 0.05, 0.2

    def cdf(x):
        return 0.5 * (1 + torch.erf(x * 0.5**0.5))

    def price(spot, strike, time):
        spread = volatility * torch.sqrt(time)
        d1 = (torch.log(spot / strike) + (rate + volatility**2 / 2) * time) / spread
        return spot * cdf(d1) - strike * torch.exp(-rate * time) * cdf(d1 - spread)

    count = 1_000_000
    return called(price, between(10, 50, count), between(10, 50, count), between(0.2, 2, count))


@workload
def negative_1g():
    return called(torch.neg, normal(1 << 28))


@workload
def copy_1g():
    """What the memory of the device does at most: ours has no name for it."""
    x = normal(1 << 28)
    y = torch.empty_like(x)
    return lambda: y.copy_(x)


@workload
def exp_1g():
    return called(torch.exp, normal(1 << 28))


# Rows.


@workload
def softmax_1m():
    return called(lambda x: torch.softmax(x, 0), normal(1_000_000))


@workload
def softmax_rows():
    return called(lambda x: torch.softmax(x, 1), normal(1024, 1024))


@workload
def softmax_rows_1g():
    return called(lambda x: torch.softmax(x, 1), normal(1 << 18, 1024))


def normalised(x):
    return F.layer_norm(x, x.shape[-1:])


@workload
def layernorm_gelu():
    def layer(x, gain, shift):
        return F.gelu(normalised(x) * gain + shift, approximate="tanh")

    return called(layer, normal(4096, 1024), normal(1024), normal(1024))


# Sums and order.


@workload
def sum_64m():
    return called(torch.sum, normal(16 * 1024 * 1024))


@workload
def sum_1g():
    return called(torch.sum, normal(1 << 28))


@workload
def cumsum_1m():
    return called(lambda x: torch.cumsum(x, 0), normal(1_000_000))


@workload
def sort_1m():
    return called(lambda x: torch.sort(x).values, normal(1_000_000))


@workload
def scatter_add_1m():
    bins, count = 65536, 1_000_000
    place = there(random.integers(0, bins, count))
    return called(lambda table, place, value: table.index_add(0, place, value), normal(bins), place, normal(count))


# Products.


def product(m, k, n):
    return called(torch.matmul, normal(m, k), normal(k, n))


for extent in (8, 16, 32, 64, 256, 512, 1024, 2048, 4096, 8192):
    TABLE[f"matmul_{extent}"] = lambda extent=extent: product(extent, extent, extent)


@workload
def matmul_bias_relu_512x1024x1024():
    return called(lambda x, w, b: torch.relu(x @ w + b), normal(512, 1024), normal(1024, 1024), normal(1024))


@workload
def pairwise_dist_2048x64():
    def distances(x):
        size = (x * x).sum(1)
        return torch.sqrt(torch.clamp(size[:, None] + size[None, :] - 2 * x @ x.T, min=0))

    return called(distances, normal(2048, 64))


@workload
def conv2d_3x3_c64_56():
    return called(lambda x, w: F.conv2d(x, w, padding=1), normal(1, 64, 56, 56), normal(64, 64, 3, 3))


# Networks.

SIZES = (784, 512, 256, 10)


def network():
    return [(normal(a, b, scale=0.05), normal(b, scale=0.05)) for a, b in zip(SIZES, SIZES[1:])]


def logits(layers, x):
    *hidden, (w, b) = layers
    for v, c in hidden:
        x = torch.relu(x @ v + c)
    return x @ w + b


def forward(batch):
    return called(lambda layers, x: torch.softmax(logits(layers, x), 1), network(), normal(batch, SIZES[0]))


@workload
def mlp_forward_b64():
    return forward(64)


@workload
def mlp_forward_b1():
    return forward(1)


@workload
def mlp_train_step_b64():
    def loss(layers, x, y):
        return -(torch.log_softmax(logits(layers, x), 1) * y).sum(1).mean()

    def step(layers, x, y):
        slope, value = torch.func.grad_and_value(loss)(layers, x, y)
        stepped = [[p - 0.1 * g for p, g in zip(*pair)] for pair in zip(layers, slope)]
        return value, stepped

    y = F.one_hot(there(random.integers(0, 10, 64)), 10).float()
    return called(step, network(), normal(64, SIZES[0]), y)


@workload
def per_example_grad_mlp_b256():
    def loss(p, x, y):
        w, b, v, c = p
        return ((torch.tanh(x @ w + b) @ v + c - y) ** 2).sum()

    p = tuple(normal(*shape, scale=0.1) for shape in ((32, 64), (64,), (64, 1), (1,)))
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    return called(each, p, normal(256, 32), normal(256, 1))


# Attention.


def attention(q, k, v):
    return F.scaled_dot_product_attention(q[None], k[None], v[None], scale=0.125)[0]


def attention_of(sequence):
    return lambda: called(attention, *(normal(8, sequence, 64) for _ in range(3)))


for sequence in (512, 4096, 16384):
    TABLE[f"attention_h8_s{sequence}_d64"] = attention_of(sequence)


@workload
def attention_h8_s512_d64_grad():
    slope = slope_of(lambda q, k, v: (attention(q, k, v) ** 2).sum(), 3)
    return called(slope, *(normal(8, 512, 64) for _ in range(3)))


@workload
def encoder_layer_s128_d384():
    time, width, heads = 128, 384, 12
    dim = width // heads
    shapes = {"qkv": (width, 3 * width), "o": (width, width), "up": (width, 4 * width), "down": (4 * width, width)}
    p = {name: normal(*shape, scale=0.05) for name, shape in shapes.items()}
    p |= {"first": normal(width), "second": normal(width)}

    def layer(p, x):
        q, k, v = (x @ p["qkv"]).reshape(time, 3, heads, dim).permute(1, 2, 0, 3)
        attended = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
        attended = attended.transpose(0, 1).reshape(time, width)
        h = normalised(x + attended @ p["o"]) * p["first"]
        return normalised(h + F.gelu(h @ p["up"]) @ p["down"]) * p["second"]

    return called(layer, p, normal(time, width))


# Loops, and what is like them.


@workload
def nbody_1024_grad():
    def energy(x):
        apart = x[:, None, :] - x[None, :, :]
        return -torch.rsqrt((apart * apart).sum(-1) + 0.01).sum()

    return called(slope_of(energy, 1), normal(1024, 3))


@workload
def cholesky_512():
    m = random.standard_normal((512, 512)).astype(np.float32)
    return called(torch.linalg.cholesky, there(m @ m.T + 512 * np.eye(512, dtype=np.float32)))


@workload
def solve_10k_6x6():
    a = normal(10_000, 6, 6) + 6 * torch.eye(6, device=device)
    return called(torch.linalg.solve, a, normal(10_000, 6))


@workload
def call_overhead():
    return called(torch.add, normal(4), normal(4))


def between_events(call, calls):
    """How long the device works on some calls."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(calls):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


peer = "torch-compile" if is_compiled else "torch"
if device.type == "cuda":
    torch.cuda.set_device(device)
    timing.serve(peer, TABLE, product, arguments, between_events, torch.cuda.synchronize)
else:
    timing.serve(peer, TABLE, product, arguments)
