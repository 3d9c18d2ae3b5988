"""How the time of a step grows: with the batch, the width, the depth and the vocabulary.

784-h-10 and deeper with Adam; the text classifier with SGD. The first call, compiling included,
stands beside the steps. Few rounds: the curves' shape is the point. Small steps: rounding is
amplified by many layers.
"""

from __future__ import annotations

import networks
import numpy as np
import text
from networks import Network
from roofline import Phase, update
from runner import OURS, Build, Workload, main

BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
WIDTHS = (16, 64, 256, 1024, 2048)
DEPTHS = (1, 4, 16, 64)
VOCABULARIES = (1_000, 10_000, 50_000, 200_000)
PEERS = ("torch", "torch fused", "jax scan", "jax step")


def dense(axis: str, value: int, sizes: tuple[int, ...], batch: int) -> Workload:
    """Return the workload of one point of a curve over dense networks."""

    def rows(n: int = 4096) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        return rng.random((n, sizes[0]), np.float32), rng.integers(0, sizes[-1], n)

    steps = max(1, min(100, 2048 // batch))
    network = Network(sizes, "relu", rows, batch, steps, optimizer="adam", lr=1e-5)
    shape = f"{sizes[0]}-{sizes[1]}-{sizes[-1]}" if len(sizes) == 3 else f"{len(sizes) - 2} layers"
    found = networks.workload(f"{axis} {value}: {shape}, batch {batch}, Adam", "", network, PEERS)
    builds = {name: found.contenders[name] for name in (OURS, *PEERS)}
    return Workload(found.title, builds, 1e-2, found.phases, f"{axis} {value}")


def vocabulary(words: int) -> Workload:
    """Return the workload of a table with so many rows."""
    names = (OURS, "torch sparse", "torch dense", "jax scan, rows", "jax scan, dense")
    builds: dict[str, Build] = {
        name: lambda build=text.PEERS[name]: build(text.task(32, words, steps=25)) for name in names
    }
    tokens, dim = 32 * text.LENGTH, text.DIM
    phases = [
        Phase(3 * tokens * dim, 12 * tokens * dim, 4 * words * dim),
        update(dim * text.CLASSES, "sgd"),
    ]
    title = f"vocabulary {words}: mean of 40 embeddings of {dim}, batch 32, SGD"
    return Workload(title, builds, 1e-3, phases, f"vocabulary {words}")


WORKLOADS = [
    *(dense("batch", n, (784, 128, 10), n) for n in BATCHES),
    *(dense("width", n, (784, n, 10), 64) for n in WIDTHS),
    *(dense("depth", n, (128, *[128] * n, 10), 64) for n in DEPTHS),
    *map(vocabulary, VOCABULARIES),
]

if __name__ == "__main__":
    main(__file__, WORKLOADS, rounds=3)
