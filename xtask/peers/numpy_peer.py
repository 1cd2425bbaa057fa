#!/usr/bin/env python3
"""The workloads that NumPy is strong at: vectorized functions, sorting, and products by OpenBLAS.

usage: numpy_peer.py [--threads N] [--only a,b] [--seconds S] [--json FILE]
needs: pip install numpy

Products are written into memory that is there; random numbers come from NumPy's fastest generator, which is another one.
"""

import sys

# The folder of the scripts stays as git has it.
sys.dont_write_bytecode = True
import timing

arguments = timing.options()
timing.pin(arguments.threads)
timing.keep_pages()

import numpy as np

random = np.random.default_rng(1)


def normal(*shape, scale=1.0):
    return random.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def called(function, *inputs, **options):
    return lambda: function(*inputs, **options)


def product(m, k, n):
    return called(np.matmul, normal(m, k), normal(k, n), out=np.empty((m, n), np.float32))


def scatter_add():
    table, place, value = normal(65536), random.integers(0, 65536, 1_000_000), normal(1_000_000)

    def call():
        result = table.copy()
        np.add.at(result, place, value)

    return call


generator = np.random.Generator(np.random.SFC64(1))
TABLE = {
    "exp_1m": lambda: called(np.exp, normal(1_000_000)),
    "sin_1m": lambda: called(np.sin, normal(1_000_000, scale=100)),
    "sum_64m": lambda: called(np.sum, normal(16 * 1024 * 1024)),
    "cumsum_1m": lambda: called(np.cumsum, normal(1_000_000)),
    "uniform_1m": lambda: called(generator.random, 1_000_000, dtype=np.float32),
    "normal_1m": lambda: called(generator.standard_normal, 1_000_000, dtype=np.float32),
    "sort_1m": lambda: called(np.sort, normal(1_000_000)),
    "scatter_add_1m": scatter_add,
    "call_overhead": lambda: called(np.add, normal(4), normal(4)),
}
for extent in (8, 16, 32, 64, 256, 512, 1024, 2048):
    TABLE[f"matmul_{extent}"] = lambda extent=extent: product(extent, extent, extent)

timing.serve("numpy", TABLE, product, arguments)
