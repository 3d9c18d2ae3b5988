"""Eight hidden layers of 256 tanh units, batches of 256, momentum: as good as all of it products.

The inputs have 256 columns, the outputs ten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import Network, workload
from runner import main

SIZES = (256, *[256] * 8, 10)
ROWS = 2560
PEERS = (
    "torch", "torch fused", "torch bf16", "jax scan", "jax step", "autograd", "mygrad", "tinygrad",
    "sklearn",
)  # fmt: skip


def rows() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 256)).astype(np.float32), rng.integers(0, 10, ROWS)


NETWORK = Network(SIZES, "tanh", rows, batch=256, steps=10, optimizer="momentum", lr=0.01)
WORKLOADS = [workload("8 x 256 tanh, batch 256, momentum: a step", "deep", NETWORK, PEERS)]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
