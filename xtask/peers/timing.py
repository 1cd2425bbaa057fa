"""What the peers share: the command line, the clock, and lines of JSON as `benches/workloads` prints them.

A peer is a table of names. A name stands for a function that makes the input and returns one call without arguments.
`product_MxKxN` stands for a product of matrices of these extents, if the peer has one.
"""

import argparse
import ctypes
import json
import os
import sys
import time


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="names with commas between them; - reads them from standard input")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", default="")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or cuda:1")
    parser.add_argument("--fresh", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def pin(threads):
    """Leaves this process the first processors that it may use; to be called before a library makes its threads."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)


def keep_pages():
    """Lets the C library keep freed memory, as it does in a program that has been running for a while.

    Otherwise every result is made of fresh pages, which cost more than many a workload, and the peer is slower than it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 32 << 20)  # the most that the library takes
        mallopt(trim_threshold, 2**31 - 1)


def extents(name):
    """The extents of `product_MxKxN`."""
    prefix, _, rest = name.partition("_")
    parts = rest.split("x")
    if prefix != "product" or len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    return tuple(map(int, parts))


def median_and_min(times):
    times = sorted(times)
    return {"median_ms": times[len(times) // 2] * 1e3, "min_ms": times[0] * 1e3}


def wall(call, calls):
    """How long some calls take, by the clock of the host."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - start


def measure(make, seconds, took, synchronize):
    call = make()
    start = time.perf_counter()
    call()
    synchronize()
    first = time.perf_counter() - start
    # As many calls in a sample as last twenty microseconds, so that reading the clock does not count.
    calls = 1
    while took(call, calls) <= 20e-6:
        calls *= 2
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or (len(times) < 2000 and time.perf_counter() < end):
        times.append(took(call, calls) / calls)
    return {**median_and_min(times), "first_ms": first * 1e3}


def serve(peer, table, product, arguments, took=wall, synchronize=lambda: None):
    """Prints a line for each name: times, or why there are none."""
    only = arguments.only
    names = (line.strip() for line in sys.stdin) if only == "-" else filter(None, only.split(",")) if only else list(table)
    out = open(arguments.json, "w") if arguments.json else None
    for name in names:
        line = {"name": name, "peer": peer}
        make = table.get(name)
        if make is None and product is not None and extents(name):
            make = lambda: product(*extents(name))
        if make is None:
            line["fault"] = "it has no such workload"
        else:
            try:
                line |= make(None) if getattr(make, "times_itself", False) else measure(make, arguments.seconds, took, synchronize)
            except Exception as error:
                line["fault"] = f"{type(error).__name__}: {error}"
        print(json.dumps(line), flush=True)
        if out:
            print(json.dumps(line), file=out, flush=True)
