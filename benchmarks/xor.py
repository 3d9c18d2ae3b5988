"""XOR, 2-4-1 with sigmoids: as small as training gets, so that all of it is overhead."""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import Network, workload
from runner import main


def rows() -> tuple[Any, Any]:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return x, np.array([[0], [1], [1], [0]], np.float32)


NETWORK = Network((2, 4, 1), "sigmoid", rows, batch=4, steps=1000, optimizer="sgd", lr=0.5)
PEERS = (
    "torch", "torch fused", "jax scan", "jax scan 8", "jax step", "autograd", "mygrad", "tinygrad",
    "micrograd",
)  # fmt: skip
WORKLOADS = [workload("XOR, 2-4-1 sigmoid, all four rows, SGD: a step", "xor", NETWORK, PEERS)]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
