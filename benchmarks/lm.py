"""A feed-forward language model (Bengio et al., 2003): four words of context, all words scored.

Vocabulary 10,000, embeddings of 64, 256 tanh units, batches of 256, Adam on every parameter.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import trainers
from data import Task, layers, softmax_loss, update_rule
from roofline import Phase, update
from runner import OURS, Contender, Workload, main

WORDS, DIM, CONTEXT, HIDDEN, BATCH = 10_000, 64, 4, 256, 256


def rows(words: int) -> tuple[Any, Any]:
    """Return contexts and next words, random."""
    rng = np.random.default_rng(0)
    return rng.integers(0, words, (4 * BATCH, CONTEXT)), rng.integers(0, words, 4 * BATCH)


def task(words: int = WORDS, steps: int = 4) -> Task:
    """Return the task that all contenders share."""
    table = np.random.default_rng(2).normal(0.0, 0.1, (words, DIM)).astype(np.float32)
    weights = [table, *layers((CONTEXT * DIM, HIDDEN, words))]
    return Task(weights, rows(words), BATCH, steps, "adam", 1e-3, numpy_loss)


def phases() -> list[Phase]:
    """Return operations and bytes of a step."""
    inputs = CONTEXT * DIM
    weights = inputs * HIDDEN + HIDDEN * WORDS
    parameters = WORDS * DIM + weights + HIDDEN + WORDS
    return [
        Phase(flop=6 * BATCH * weights, bytes=4 * BATCH * inputs),
        Phase(bytes=16 * BATCH * (HIDDEN + WORDS)),
        update(parameters, "adam"),
    ]


def numpy_loss(weights: list[Any], contexts: Any, words: Any) -> Any:
    """Return the loss in NumPy."""
    table, w1, b1, w2, b2 = weights
    x = table[contexts].reshape(len(words), -1)
    return softmax_loss(np.tanh(x @ w1 + b1) @ w2 + b2, words)


def chainrule(task: Task, engine: str = "") -> Contender:
    from chainrule import nn

    def loss(params: Any, contexts: Any, words: Any) -> Any:
        table, w1, b1, w2, b2 = params
        x = np.reshape(table[contexts], (len(words), CONTEXT * DIM))
        return nn.cross_entropy(np.tanh(x @ w1 + b1) @ w2 + b2, words)

    return trainers.chainrule(task, [w.copy() for w in task.weights], loss, list, engine)


def by_hand(task: Task) -> Contender:
    """Train with forward, backward and update written out in NumPy."""
    table, w1, b1, w2, b2 = weights = [w.copy() for w in task.weights]
    update = update_rule(task)

    def step(contexts: Any, words: Any) -> Any:
        n = np.arange(len(words))
        x = table[contexts].reshape(len(words), -1)
        h = np.tanh(x @ w1 + b1)
        z = h @ w2
        z += b2
        z -= z.max(axis=1, keepdims=True)
        value = z[n, words]
        np.exp(z, out=z)
        total = z.sum(axis=1, keepdims=True)
        value = np.mean(np.log(total[:, 0]) - value)
        z /= total
        z[n, words] -= 1
        z /= np.float32(len(words))
        d = (z @ w2.T) * (1 - h * h)
        g_table = np.zeros_like(table)
        np.add.at(g_table, contexts, (d @ w1.T).reshape(*contexts.shape, DIM))
        update(weights, [g_table, x.T @ d, d.sum(axis=0), h.T @ z, z.sum(axis=0)])
        return value

    batches = list(zip(*task.batches, strict=True))
    return task.contender(lambda: [step(*batch) for batch in batches], lambda: weights)


def torch(task: Task, **options: bool) -> Contender:
    import torch as t
    from torch.nn import functional as f

    def loss(params: Any, contexts: Any, words: Any) -> Any:
        table, w1, b1, w2, b2 = params
        x = f.embedding(contexts, table).flatten(1)
        return f.cross_entropy(f.linear(t.tanh(f.linear(x, w1, b1)), w2, b2), words)

    table = t.from_numpy(task.weights[0].copy()).requires_grad_()
    params = [table, *trainers.torch_leaves(task.weights[1:])]
    weights = lambda w: [w[0], *trainers.transposed(w[1:])]
    return trainers.torch(task, params, loss, weights, **options)


def jax(task: Task, **options: Any) -> Contender:
    import jax as j
    import jax.numpy as jnp

    def loss(params: Any, contexts: Any, words: Any) -> Any:
        table, w1, b1, w2, b2 = params
        x = table[contexts].reshape(len(words), -1)
        scores = j.nn.log_softmax(jnp.tanh(x @ w1 + b1) @ w2 + b2)
        return -jnp.mean(jnp.take_along_axis(scores, words[:, None], axis=1))

    return trainers.jax(task, loss, **options)


PEERS = {
    OURS: chainrule,
    "numpy": by_hand,
    "torch": torch,
    "torch fused": partial(torch, fused=True),
    "torch compiled": partial(torch, fused=True, compiled=True),
    "torch bf16": partial(torch, fused=True, bf16=True),
    "jax scan": jax,
    "jax step": partial(jax, scan=False),
}
TITLE = "Language model, 10,000 words, 4 x 64 context, 256 tanh, batch 256, Adam: a step"
WORKLOADS = [
    Workload(
        TITLE,
        {name: lambda build=build: build(task()) for name, build in PEERS.items()},
        1e-3,
        phases(),
        "language model",
    )
]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
