"""What all contenders of a training workload share: weights, rows, batches, the rule, the check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from roofline import Phase
from runner import Contender

BETAS, EPS, MOMENTUM = (0.9, 0.999), 1e-8, 0.9


@dataclass(frozen=True)
class Task:
    """Training on batches of rows.

    Attributes
    ----------
    weights : list of arrays
        Initial parameters, float32; a dense layer's matrix has shape (in, out), its bias follows.
    rows : tuple of arrays
        What a batch is taken from.
    batch, steps : int
        Rows of a step, and steps of one call of a contender.
    optimizer : {"sgd", "momentum", "adam"}
    lr : float
    loss : callable
        ``loss(weights, *rows)`` in NumPy: judges the weights that a contender hands out.
    phases : sequence of Phase
        Of one step.
    """

    weights: list[Any]
    rows: tuple[Any, ...]
    batch: int
    steps: int
    optimizer: str
    lr: float
    loss: Callable[..., Any]
    phases: Sequence[Phase] = ()

    @cached_property
    def order(self) -> Any:
        """The rows of all steps of one call, epoch after epoch, each shuffled anew."""
        rng, wanted = np.random.default_rng(1), self.batch * self.steps
        n = len(self.rows[0])
        epochs = [rng.permutation(n) for _ in range(-(-wanted // n))]
        return np.concatenate(epochs)[:wanted].astype(np.int64)

    @cached_property
    def batches(self) -> tuple[Any, ...]:
        """The rows of each step, gathered beforehand: arrays of shape (steps, batch, ...)."""
        return tuple(x[self.order].reshape(self.steps, self.batch, *x.shape[1:]) for x in self.rows)

    def contender(
        self, run: Callable[[], Any], weights: Callable[[], list[Any]], other: bool = False
    ) -> Contender:
        """Return a contender of a function that trains `steps` steps and returns their losses.

        Its weights after the first call are judged by the task's own loss on the first rows.
        """
        some = tuple(x[:1024] for x in self.rows)

        def judged() -> list[float]:
            own = [np.asarray(w, np.float64) for w in weights()]
            return [float(self.loss(own, *some))]

        return Contender(run, self.steps, judged, other)


def layers(sizes: Sequence[int], seed: int = 0) -> list[Any]:
    """Return matrices (in, out), uniform as He et al. (2015) have them, and zero biases."""
    rng, found = np.random.default_rng(seed), []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt(6.0 / n_in)
        found += [rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)]
        found += [np.zeros(n_out, np.float32)]
    return found


def softmax_loss(logits: Any, classes: Any) -> Any:
    """Return the mean cross-entropy of the softmax."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, classes[:, None], axis=1)[:, 0]
    return np.mean(np.log(np.exp(logits).sum(axis=-1)) - chosen)


def update_rule(task: Task) -> Callable[[list[Any], list[Any]], None]:
    """Return the rule of a task by hand: it changes a list of arrays in place."""
    slots = [np.zeros_like(w) for w in task.weights]
    second = [np.zeros_like(w) for w in task.weights]
    beta1, beta2 = BETAS
    count = 0

    def adam(weights: list[Any], grads: list[Any]) -> None:
        nonlocal count
        count += 1
        size = task.lr / (1 - beta1**count)
        unbias = np.float32(1 / np.sqrt(1 - beta2**count))
        for w, g, m, v in zip(weights, grads, slots, second, strict=True):
            m *= beta1
            m += (1 - beta1) * g
            v *= beta2
            v += (1 - beta2) * (g * g)
            root = np.sqrt(v)
            root *= unbias
            root += EPS
            np.divide(m, root, out=root)
            root *= np.float32(size)
            w -= root

    def sgd(weights: list[Any], grads: list[Any]) -> None:
        for w, g, velocity in zip(weights, grads, slots, strict=True):
            if task.optimizer == "momentum":
                velocity *= MOMENTUM
                velocity += g
                g = velocity
            w -= task.lr * g

    return adam if task.optimizer == "adam" else sgd
