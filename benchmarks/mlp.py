"""784-128-10, MNIST's shape: an epoch over 10,000 rows with Adam, batches of 64 and of 128.

The pixels are random and so are the classes, which no one learns in the time of a benchmark:
gradients stay as large as they are in training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import Network, workload
from runner import Workload, main

ROWS = 10_000
PEERS = (
    "torch", "torch fused", "torch bf16", "jax scan", "jax step", "autograd", "mygrad", "tinygrad",
    "thinc", "sklearn",
)  # fmt: skip


def rows() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((ROWS, 784), np.float32), rng.integers(0, 10, ROWS)


def network(batch: int) -> Network:
    """Return the network and an epoch's training of whole batches."""
    steps = ROWS // batch
    return Network((784, 128, 10), "relu", rows, batch, steps, optimizer="adam", lr=1e-4)


def of_batch(batch: int) -> Workload:
    title = f"784-128-10 ReLU, 10,000 rows, batch {batch}, Adam: a step"
    return workload(title, f"mlp, batch {batch}", network(batch), PEERS)


WORKLOADS = [of_batch(64), of_batch(128)]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
