"""Dense networks: the task, chainrule and NumPy by hand, and every peer that can train them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tapes
import trainers
from data import Task, layers, softmax_loss, update_rule
from roofline import dense_phases
from runner import OURS, Build, Contender, Workload


@dataclass(frozen=True)
class Network:
    """A dense network and how it is trained.

    Attributes
    ----------
    sizes : sequence of int
        Widths from the inputs to the outputs.
    activation : {"relu", "sigmoid", "tanh"}
        Of the hidden layers.
    rows : callable
        Returns inputs and targets: classes (n,), or where there is one output, numbers (n, 1).
    batch, steps, optimizer, lr
        See `data.Task`.
    """

    sizes: Sequence[int]
    activation: str
    rows: Callable[[], tuple[Any, Any]]
    batch: int
    steps: int
    optimizer: str
    lr: float

    @property
    def binary(self) -> bool:
        """Whether its loss is the cross-entropy of a sigmoid."""
        return self.sizes[-1] == 1

    @property
    def n_layers(self) -> int:
        """Number of layers with weights."""
        return len(self.sizes) - 1

    def task(self) -> Task:
        """Return the task that all contenders share."""
        phases = dense_phases(self.sizes, self.batch, self.optimizer)
        rest = (self.batch, self.steps, self.optimizer, self.lr, self.numpy_loss, phases)
        return Task(layers(self.sizes), self.rows(), *rest)

    def numpy_loss(self, weights: list[Any], x: Any, y: Any) -> Any:
        """Return the loss in NumPy."""
        functions = {
            "relu": lambda z: np.maximum(z, 0),
            "tanh": np.tanh,
            "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        }
        for i in range(self.n_layers):
            x = x @ weights[2 * i] + weights[2 * i + 1]
            if i < self.n_layers - 1:
                x = functions[self.activation](x)
        return np.mean(np.logaddexp(0, x) - y * x) if self.binary else softmax_loss(x, y)


def chainrule(network: Network, engine: str = "") -> Contender:
    from chainrule import nn

    task, parts, arrays = network.task(), [], {}
    for i in range(network.n_layers):
        n_in, n_out = network.sizes[i : i + 2]
        arrays[f"{len(parts)}.weight"] = task.weights[2 * i].T
        arrays[f"{len(parts)}.bias"] = task.weights[2 * i + 1]
        parts.append(nn.Linear(n_in, n_out, rng=0))
        if i < network.n_layers - 1:
            parts.append(network.activation)
    model = nn.load_parameters(nn.Sequential(*parts), _copies(arrays))
    cost = nn.binary_cross_entropy if network.binary else nn.cross_entropy
    return trainers.chainrule(
        task,
        model,
        lambda model, x, y: cost(model(x), y),
        lambda model: trainers.transposed(list(nn.named_parameters(model).values())),
        engine,
    )


def _copies(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array(array, order="C") for name, array in arrays.items()}


BY_HAND: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "relu": (lambda z: np.maximum(z, 0, out=z), lambda a: a > 0),
    "tanh": (lambda z: np.tanh(z, out=z), lambda a: 1 - a * a),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
}
"""Activations, and their slopes by what they return."""


def by_hand(network: Network) -> Contender:
    """Train with forward, backward and update written out in NumPy."""
    task = network.task()
    weights = [w.copy() for w in task.weights]
    update = update_rule(task)
    classes = np.eye(network.sizes[-1], dtype=np.float32)

    activate, slope = BY_HAND[network.activation]

    def cost(z: Any, y: Any) -> tuple[Any, Any]:
        """Return the loss, and its gradient for the last layer's outputs."""
        if network.binary:
            p = 1 / (1 + np.exp(-z))
            return np.mean(np.logaddexp(0, z) - y * z), (p - y) / np.float32(len(y))
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        value = np.mean(np.log(total[:, 0]) - z[np.arange(len(y)), y])
        return value, (e / total - classes[y]) / np.float32(len(y))

    def step(x: Any, y: Any) -> Any:
        inputs = [x]
        for i in range(network.n_layers):
            x = x @ weights[2 * i] + weights[2 * i + 1]
            if i < network.n_layers - 1:
                x = activate(x)
                inputs.append(x)
        value, d = cost(x, y)
        grads: list[Any] = []
        for i in reversed(range(network.n_layers)):
            grads = [inputs[i].T @ d, d.sum(axis=0), *grads]
            if i:
                d = (d @ weights[2 * i].T) * slope(inputs[i])
        update(weights, grads)
        return value

    batches = list(zip(*task.batches, strict=True))
    return task.contender(lambda: [step(*batch) for batch in batches], lambda: weights)


def torch(network: Network, **options: bool) -> Contender:
    import torch.nn.functional as f
    from torch import relu, sigmoid, tanh

    task = network.task()
    function = {"relu": relu, "sigmoid": sigmoid, "tanh": tanh}[network.activation]
    cost = f.binary_cross_entropy_with_logits if network.binary else f.cross_entropy

    def loss(params: Any, x: Any, y: Any) -> Any:
        for i in range(network.n_layers - 1):
            x = function(f.linear(x, params[2 * i], params[2 * i + 1]))
        return cost(f.linear(x, params[-2], params[-1]), y)

    leaves = trainers.torch_leaves(task.weights)
    return trainers.torch(task, leaves, loss, trainers.transposed, **options)


def jax(network: Network, **options: Any) -> Contender:
    import jax.numpy as jnp
    from jax import nn

    task = network.task()
    function = {"relu": nn.relu, "sigmoid": nn.sigmoid, "tanh": jnp.tanh}[network.activation]

    def loss(params: Any, x: Any, y: Any) -> Any:
        for i in range(network.n_layers - 1):
            x = function(x @ params[2 * i] + params[2 * i + 1])
        z = x @ params[-2] + params[-1]
        if network.binary:
            return jnp.mean(jnp.logaddexp(0.0, z) - y * z)
        chosen = jnp.take_along_axis(nn.log_softmax(z), y[:, None], axis=1)
        return -jnp.mean(chosen)

    return trainers.jax(task, loss, **options)


PEERS: dict[str, Callable[[Network], Contender]] = {
    OURS: chainrule,
    "numpy": by_hand,
    "torch": torch,
    "torch fused": partial(torch, fused=True),
    "jax scan": jax,
    "jax step": partial(jax, scan=False),
    "autograd": tapes.autograd,
    "mygrad": tapes.mygrad,
    "tinygrad": tapes.tinygrad,
    "micrograd": tapes.micrograd,
    "thinc": tapes.thinc,
    "sklearn": tapes.sklearn,
    "torch bf16": partial(torch, fused=True, bf16=True),
    "jax scan 8": partial(jax, unroll=8),
}


def workload(
    title: str, key: str, network: Network, peers: Sequence[str], tolerance: float = 1e-3
) -> Workload:
    """Return the workload of training a network, chainrule and the named peers."""
    builds: dict[str, Build] = {
        name: partial(PEERS[name], network) for name in (OURS, "numpy", *peers)
    }
    phases = dense_phases(network.sizes, network.batch, network.optimizer)
    return Workload(title, builds, tolerance, phases, key)
