"""Text classification: the mean of 40 embeddings from a table of 50,000 x 100, four classes, SGD.

A step reads and changes some of the table's rows. Whoever makes a gradient of the whole table
pays for all of it. fastText trains online, document by document, on the same text; what it takes to
read the text once and make its dictionary is taken off.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import trainers
from data import Task, softmax_loss
from roofline import Phase, update
from runner import OURS, Contender, Workload, main

WORDS, DIM, CLASSES, LENGTH, DOCUMENTS = 50_000, 100, 4, 40, 12_800
LR = 0.5
EPOCHS = 11
"""fastText's; the time of one is taken off."""


def rows(words: int) -> tuple[Any, Any]:
    """Return documents of random words, and their classes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, words, (DOCUMENTS, LENGTH)), rng.integers(0, CLASSES, DOCUMENTS)


def phases(batch: int) -> list[Phase]:
    """Return operations and bytes of a step: a row is read once, and read and written once."""
    tokens = batch * LENGTH
    rows_moved = Phase(3 * tokens * DIM, 3 * 4 * tokens * DIM, 4 * WORDS * DIM)
    head = Phase(6 * batch * DIM * CLASSES, 16 * batch * (DIM + CLASSES))
    return [rows_moved, head, update(DIM * CLASSES + CLASSES, "sgd")]


def task(batch: int, words: int = WORDS, steps: int = 50) -> Task:
    """Return the task that all contenders share."""
    rng = np.random.default_rng(2)
    table = rng.normal(0.0, 0.1, (words, DIM)).astype(np.float32)
    weight = rng.normal(0.0, 0.1, (DIM, CLASSES)).astype(np.float32)
    weights = [table, weight, np.zeros(CLASSES, np.float32)]
    return Task(weights, rows(words), batch, steps, "sgd", LR, numpy_loss)


def numpy_loss(weights: list[Any], tokens: Any, classes: Any) -> Any:
    """Return the loss in NumPy."""
    table, weight, bias = weights
    return softmax_loss(table[tokens].mean(axis=1) @ weight + bias, classes)


def chainrule(task: Task, engine: str = "") -> Contender:
    from chainrule import nn

    def loss(params: Any, tokens: Any, classes: Any) -> Any:
        table, weight, bias = params
        return nn.cross_entropy(np.mean(table[tokens], axis=1) @ weight + bias, classes)

    return trainers.chainrule(task, [w.copy() for w in task.weights], loss, list, engine)


def by_hand(task: Task) -> Contender:
    """Train with NumPy: only the rows that occur are changed."""
    table, weight, bias = weights = [w.copy() for w in task.weights]
    one_hot = np.eye(CLASSES, dtype=np.float32)

    def step(tokens: Any, classes: Any) -> Any:
        mean = table[tokens].mean(axis=1)
        z = mean @ weight + bias
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        d = (e / total - one_hot[classes]) * np.float32(1 / len(classes))
        rows = (d @ weight.T) * np.float32(-LR / LENGTH)
        weight[...] -= LR * (mean.T @ d)
        bias[...] -= LR * d.sum(axis=0)
        np.add.at(table, tokens, rows[:, None, :])
        return np.mean(np.log(total[:, 0]) - z[np.arange(len(classes)), classes])

    batches = list(zip(*task.batches, strict=True))
    return task.contender(lambda: [step(*batch) for batch in batches], lambda: weights)


def torch(task: Task, sparse: bool = True) -> Contender:
    import torch as t
    from torch.nn import functional as f

    def loss(params: Any, tokens: Any, classes: Any) -> Any:
        table, weight, bias = params
        mean = f.embedding_bag(tokens, table, mode="mean", sparse=sparse)
        return f.cross_entropy(f.linear(mean, weight, bias), classes)

    table = t.from_numpy(task.weights[0].copy()).requires_grad_()
    params = [table, *trainers.torch_leaves(task.weights[1:])]
    return trainers.torch(task, params, loss, lambda w: [w[0], *trainers.transposed(w[1:])])


def jax(task: Task, by_rows: bool = False, **options: Any) -> Contender:
    import jax as j
    import jax.numpy as jnp

    def head(mean: Any, weight: Any, bias: Any, classes: Any) -> Any:
        scores = j.nn.log_softmax(mean @ weight + bias)
        return -jnp.mean(jnp.take_along_axis(scores, classes[:, None], axis=1))

    def loss(params: Any, tokens: Any, classes: Any) -> Any:
        table, weight, bias = params
        return head(table[tokens].mean(axis=1), weight, bias, classes)

    def changed(params: Any, tokens: Any, classes: Any) -> Any:
        """Return new parameters and the loss: the gradient of the mean goes to the rows."""
        table, *rest = params
        value, (d, *g) = j.value_and_grad(head, (0, 1, 2))(
            table[tokens].mean(axis=1), *rest, classes
        )
        table = table.at[tokens].add(d[:, None, :] * (-LR / LENGTH))
        return [table, *(p - LR * x for p, x in zip(rest, g, strict=True))], value

    return trainers.jax(task, loss, update=changed if by_rows else None, **options)


def fasttext(task: Task) -> Contender:
    """Train fastText on the same documents; its step is one document."""
    import fasttext

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "documents.txt")
    rows = zip(*(x.tolist() for x in task.rows), strict=True)
    lines = (f"__label__{label} {' '.join(map(str, tokens))}" for tokens, label in rows)
    path.write_text("\n".join(lines), encoding="utf-8")

    def train(epochs: int, folder: Any = folder) -> float:
        start = time.perf_counter()
        fasttext.train_supervised(
            input=str(path), lr=0.1, dim=DIM, epoch=epochs, thread=2, minCount=1, verbose=0
        )
        return time.perf_counter() - start

    def clock() -> float:
        return (train(EPOCHS) - train(1)) / (EPOCHS - 1) / (DOCUMENTS / task.batch)

    def first() -> list[float]:
        train(1)
        return []

    return Contender(first, other=True, clock=clock)


PEERS = {
    OURS: chainrule,
    "numpy": by_hand,
    "torch sparse": torch,
    "torch dense": partial(torch, sparse=False),
    "jax scan, rows": partial(jax, by_rows=True),
    "jax step, rows": partial(jax, by_rows=True, scan=False),
    "jax scan, dense": jax,
    "fasttext": fasttext,
}


def workload(batch: int) -> Workload:
    """Return the workload for a batch size."""
    title = f"Mean of 40 embeddings, 50,000 x 100, batch {batch}, SGD: a step"
    builds = {name: lambda build=build: build(task(batch)) for name, build in PEERS.items()}
    return Workload(title, builds, 1e-3, phases(batch), f"text, batch {batch}")


WORKLOADS = [workload(32), workload(128)]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
