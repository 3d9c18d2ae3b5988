"""A table of Iris' size, 4-16-3, batches of 32, Adam.

One label in five is wrong: a network that fits its rows has gradients so small that their squares
are denormal numbers, and those would be timed instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import Network, workload
from runner import main


def rows() -> tuple[Any, Any]:
    """Return three overlapping clouds of 50 rows."""
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(3), 50)
    x = rng.normal(size=(150, 4)) + 1.5 * rng.normal(size=(3, 4))[classes]
    wrong = rng.random(150) < 0.2
    classes[wrong] = rng.integers(0, 3, wrong.sum())
    return x.astype(np.float32), classes


NETWORK = Network((4, 16, 3), "relu", rows, batch=32, steps=200, optimizer="adam", lr=1e-3)
PEERS = (
    "torch", "torch fused", "jax scan", "jax scan 8", "jax step", "autograd", "mygrad", "tinygrad",
    "thinc", "sklearn",
)  # fmt: skip
WORKLOADS = [workload("Iris, 4-16-3 ReLU, batch 32, Adam: a step", "iris", NETWORK, PEERS)]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
