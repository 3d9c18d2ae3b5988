"""A table of Iris' size, 4-16-3, batches of 32, Adam."""

from __future__ import annotations

from clouds import rows
from networks import Network, workload
from runner import main

NETWORK = Network((4, 16, 3), "relu", rows, batch=32, steps=200, optimizer="adam", lr=1e-3)
PEERS = (
    "torch", "torch fused", "jax scan", "jax scan 8", "jax step", "autograd", "mygrad", "tinygrad",
    "thinc", "sklearn",
)  # fmt: skip
WORKLOADS = [workload("Iris, 4-16-3 ReLU, batch 32, Adam: a step", "iris", NETWORK, PEERS)]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
