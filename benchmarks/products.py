"""Our products of matrices beside those of OpenBLAS and PyTorch, one thread each.

The contenders run a block each in turn, round by round, and the medians are compared. Ours and
OpenBLAS are called by address from a compiled loop, as emitted programs call them; PyTorch is
called from Python. Time is that of the thread: what else the machine does counts as little as it
can. A product with a transposed second operand is ours with the time to transpose it.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from runner import readable

for library in ("OMP", "OPENBLAS", "MKL"):  # read when NumPy, SciPy and PyTorch are imported
    os.environ[f"{library}_NUM_THREADS"] = "1"

Step = Callable[[int], None]
"""Computes a product so many times."""


@dataclass(frozen=True)
class Shape:
    """A product of (m, k) and (k, n); which operands lie in memory transposed."""

    m: int
    n: int
    k: int
    a_transposed: bool = False
    b_transposed: bool = False

    def __str__(self) -> str:
        a, b = ("T" if t else " " for t in (self.a_transposed, self.b_transposed))
        return f"{self.m:>6} {self.n:>6} {self.k:>6}  {a}{b}"


SHAPES = [
    Shape(64, 128, 784, b_transposed=True),
    Shape(64, 128, 784),
    Shape(32, 128, 784, b_transposed=True),
    Shape(32, 128, 784),
    Shape(128, 128, 784, b_transposed=True),
    Shape(128, 128, 784),
    Shape(128, 784, 64, a_transposed=True),
    Shape(256, 256, 256),
    Shape(256, 256, 256, b_transposed=True),
    Shape(256, 256, 256, a_transposed=True),
    Shape(128, 256, 256),
    Shape(256, 10_000, 256),
    Shape(10_000, 256, 256, a_transposed=True),
    Shape(256, 256, 10_000),
    Shape(64, 10, 128),
    Shape(64, 10, 128, b_transposed=True),
    Shape(10, 128, 64, a_transposed=True),
    Shape(32, 16, 4),
    Shape(1, 128, 784),
    Shape(1, 16, 4),
    Shape(1024, 1024, 1024),
    Shape(2048, 2048, 2048),
]


def operands(shape: Shape) -> tuple[Any, Any, Any]:
    """Return A and B as they lie in memory, and room for C."""
    import numpy as np

    def aligned(rows: int, columns: int) -> Any:
        memory = np.zeros(rows * columns + 16, np.float32)
        start = -memory.ctypes.data % 64 // 4
        return memory[start : start + rows * columns].reshape(rows, columns)

    a = aligned(*((shape.k, shape.m) if shape.a_transposed else (shape.m, shape.k)))
    b = aligned(*((shape.n, shape.k) if shape.b_transposed else (shape.k, shape.n)))
    rng = np.random.default_rng(0)
    a[...], b[...] = rng.normal(size=a.shape), rng.normal(size=b.shape)
    return a, b, aligned(shape.m, shape.n)


@functools.cache
def our_loop() -> Any:
    import numpy as np
    from numba import njit

    from chainrule.engines.calls import product32, transpose

    zero = np.float32(0)

    @njit
    def loop(times, at, m, n, k, a, row, column, b, turned, packed, c):
        for _ in range(times):
            if turned:
                transpose(at[2], n, k, b.ctypes.data, k, packed.ctypes.data, n)
            product32(
                at[0], m, n, k, a.ctypes.data, row, column, packed.ctypes.data, n, zero,
                c.ctypes.data, n,
            )  # fmt: skip

    return loop


def ours(shape: Shape) -> tuple[Step, Any]:
    import numpy as np

    from chainrule.engines.kernels import addresses

    (a, b, c), (m, n, k) = operands(shape), (shape.m, shape.n, shape.k)
    strides = (1, m) if shape.a_transposed else (k, 1)
    packed = operands(Shape(1, n, k))[1] if shape.b_transposed else b
    given = m, n, k, a, *strides, b, shape.b_transposed, packed, c
    loop, at = our_loop(), tuple(np.int64(address) for address in addresses())
    return lambda times: loop(times, at, *given), c


@functools.cache
def blas_loop() -> Any:
    import numpy as np
    from numba import njit

    from chainrule.engines.functions import gemm32

    zero = np.float32(0)

    @njit
    def loop(times, address, ta, tb, m, n, k, a, lda, b, ldb, c):
        for _ in range(times):  # what BLAS takes column by column is the transposed product
            gemm32(address, tb, ta, n, m, k, b, ldb, a, lda, zero, c, n)

    return loop


def openblas(shape: Shape) -> tuple[Step, Any]:
    from numba.extending import get_cython_function_address

    address = get_cython_function_address("scipy.linalg.cython_blas", "sgemm")
    a, b, c = operands(shape)
    flags = int(shape.a_transposed), int(shape.b_transposed)
    given = *flags, shape.m, shape.n, shape.k, a, a.shape[1], b, b.shape[1], c
    loop = blas_loop()
    return lambda times: loop(times, address, *given), c


def pytorch(shape: Shape) -> tuple[Step, Any]:
    import torch

    torch.set_num_threads(1)
    a, b, c = map(torch.from_numpy, operands(shape))
    a = a.T if shape.a_transposed else a
    b = b.T if shape.b_transposed else b

    def step(times: int) -> None:
        for _ in range(times):
            torch.mm(a, b, out=c)

    return step, c.numpy()


CONTENDERS = {"ours": ours, "OpenBLAS": openblas, "PyTorch": pytorch}


def seconds(step: Step, times: int) -> float:
    start = time.thread_time()
    step(times)
    return time.thread_time() - start


def repetitions(step: Step, block: float) -> int:
    """Return how often a step fits into a block."""
    times = 1
    while (taken := seconds(step, times)) < block / 4:
        times *= 2
    return max(1, round(times * block / taken))


def compare(shape: Shape, names: Sequence[str], rounds: int, block: float) -> list[float]:
    """Return the median seconds of a product, by each contender."""
    steps = []
    expected = None
    for name in names:
        step, result = CONTENDERS[name](shape)
        step(1)
        expected = result.copy() if expected is None else expected
        distance = abs(result - expected).max() / abs(expected).max()
        if not distance < 1e-4:
            raise RuntimeError(f"{name} is {distance:.1e} away from our numbers: {shape}")
        steps.append((step, repetitions(step, block)))
    taken: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for (step, times), mine in zip(steps, taken, strict=True):
            mine.append(seconds(step, times) / times)
    return [median(mine) for mine in taken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--block", type=float, default=0.02, help="seconds a contender a round")
    options = parser.parse_args()
    installed = importlib.util.find_spec("torch") is not None
    names = list(CONTENDERS) if installed else ["ours", "OpenBLAS"]
    heads = "".join(f"{name:>10}" for name in names)
    print(f"GFLOP/s{'':<19}{heads}      time    of OpenBLAS")
    print(f"{'m':>6} {'n':>6} {'k':>6}  AB")
    for shape in SHAPES:
        taken = compare(shape, names, options.rounds, options.block)
        operations = 2 * shape.m * shape.n * shape.k
        rates = "".join(f"{operations / t / 1e9:>10.1f}" for t in taken)
        print(f"{shape}  {rates}{readable(taken[0]):>10}{taken[1] / taken[0]:>13.2f}x", flush=True)


if __name__ == "__main__":
    main()
