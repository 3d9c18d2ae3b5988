"""What the machine can do: a matrix product's speed, and the bandwidth of its memories.

A workload states the operations and the bytes of its phases. Its roofline is the sum over them of
the longer of two times: operations at the speed of the largest matrix product, bytes at the speed
of the memory in which they live. Nothing can run faster; small nets cannot come near, because
there latency rules.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

LEVELS = {"L2": 256e3, "L3": 8e6, "DRAM": 256e6}
"""Bytes of each of the three arrays by which a memory is measured."""
FITS = {"L2": 2e6, "L3": 64e6}
"""Bytes up to which data is taken to live in a cache, a round figure for servers and laptops."""
SIZE = 2048
UPDATE_BYTES = {"sgd": 12, "momentum": 20, "adam": 28}
"""What an update reads and writes a parameter: itself, its gradient, what is remembered of it."""


@dataclass(frozen=True)
class Phase:
    """A part of a workload.

    Attributes
    ----------
    flop : float
        Operations; a product of m x k by k x n has 2mkn.
    bytes : float
        Read and written.
    footprint : float
        Size of the data that they are read from and written to; without it, `bytes`.
    """

    flop: float = 0.0
    bytes: float = 0.0
    footprint: float = 0.0

    @property
    def level(self) -> str:
        """The memory in which the data lives."""
        size = self.footprint or self.bytes
        return next((level for level, limit in FITS.items() if size <= limit), "DRAM")


@dataclass(frozen=True)
class Limits:
    """What was measured: operations a second, bytes a second of each memory."""

    flops: float
    library: str
    bandwidth: dict[str, float]

    def seconds(self, phases: Sequence[Phase]) -> float:
        """Return the roofline of a workload."""
        return sum(
            max(phase.flop / self.flops, phase.bytes / self.bandwidth[phase.level])
            for phase in phases
        )

    @classmethod
    def read(cls, path: str | Path) -> Limits:
        """Return what `--json` wrote."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


def dense_phases(sizes: Sequence[int], batch: int, optimizer: str) -> list[Phase]:
    """Return the phases of one training step of a dense network.

    The products cost 6 x batch x weights forward and backward, less 2 x batch x weights of the
    first layer, whose input has no gradient. Every unit's output is read or written four times.
    """
    pairs = list(pairwise(sizes))
    weights = sum(m * n for m, n in pairs)
    flop = 6 * batch * weights - 2 * batch * pairs[0][0] * pairs[0][1]
    units = sum(sizes[1:])
    return [
        Phase(flop=flop, bytes=4 * batch * sizes[0]),
        Phase(bytes=16 * batch * units),
        update(weights + units, optimizer),
    ]


def update(parameters: float, optimizer: str) -> Phase:
    """Return the phase that changes the parameters."""
    moved = UPDATE_BYTES[optimizer]
    return Phase(bytes=moved * parameters, footprint=(moved // 2) * parameters)


def product_speed(multiply: Callable[[Any, Any], Any], matrix: Callable[[Any], Any]) -> float:
    """Return the best operations a second of a large matrix product."""
    rng = np.random.default_rng(0)
    a, b = (matrix(rng.random((SIZE, SIZE), np.float32)) for _ in range(2))
    multiply(a, b)
    return 2 * SIZE**3 / min(seconds_of(lambda: multiply(a, b)) for _ in range(8))


def seconds_of(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def numpy_product() -> float:
    return product_speed(np.matmul, np.asarray)


def torch_product() -> float:
    import torch

    return product_speed(torch.mm, torch.from_numpy)


def triad() -> Callable[[Any, Any, Any, int], None]:
    """Return a function that computes a = b + s * c again and again, and lets go of the GIL."""
    try:
        from numba import njit
    except ImportError:

        def slow(a: Any, b: Any, c: Any, times: int) -> None:
            for _ in range(times):
                np.add(b, c, out=a)

        return slow

    @njit(nogil=True, fastmath=True)
    def fast(a, b, c, times):  # type: ignore[no-untyped-def]
        for r in range(times):
            s = np.float32(r)
            for i in range(a.size):
                a[i] = b[i] + s * c[i]

    return fast


def bandwidths() -> dict[str, float]:
    """Return the bytes a second of each memory, all cores together."""
    cores = os.cpu_count() or 1
    run, found = triad(), {}
    with ThreadPoolExecutor(cores) as pool:
        for level, size in LEVELS.items():
            n, times = int(size / 4 / cores), max(1, int(1e9 / size))
            arrays = [[np.full(n, 0.5, np.float32) for _ in range(3)] for _ in range(cores)]
            run(*arrays[0], 1)

            def together(parts: Any = arrays, times: int = times) -> None:
                list(pool.map(lambda part: run(*part, times), parts))

            found[level] = 12 * n * cores * times / min(seconds_of(together) for _ in range(5))
    return found


PARTS: dict[str, Callable[[], Any]] = {
    "numpy": numpy_product,
    "torch": torch_product,
    "memory": bandwidths,
}


def measure() -> Limits:
    """Measure the machine, each part in a process of its own: one pool of threads at a time."""
    found = {}
    for part in PARTS:
        command = [sys.executable, __file__, "--part", part]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            found[part] = json.loads(done.stdout)
    memory = found.pop("memory")
    library = max(found, key=lambda name: found[name])
    return Limits(found[library], library, memory)


def main() -> None:
    """Print the limits, or write them to a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part]()))
        return
    limits = measure()
    print(f"matrix product  {limits.flops / 1e9:8.0f} GFLOP/s ({limits.library})")
    for level, speed in limits.bandwidth.items():
        print(f"{level:<15}{speed / 1e9:9.0f} GB/s")
    if options.json:
        options.json.write_text(json.dumps(asdict(limits), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
