"""Word vectors by skip-gram with five negatives (Mikolov et al., 2013), two tables of 20,000 x 100.

A step takes 1,024 pairs and adds up their costs, so that each moves the rows as it would alone. The
pairs and negatives are ready-made. gensim finds its own in running text; its time is that of as
many words as have 1,024 pairs.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import trainers
from data import Task
from roofline import Phase
from runner import OURS, Contender, Workload, main

WORDS, DIM, NEGATIVES, PAIRS = 20_000, 100, 5, 1024
LR = 0.025
WINDOW, SENTENCE, SENTENCES = 5, 50, 4000
PHASES = [
    Phase(
        flop=6 * PAIRS * (1 + NEGATIVES) * DIM,
        bytes=3 * 4 * DIM * PAIRS * (2 + NEGATIVES),
        footprint=2 * 4 * WORDS * DIM,
    )
]


def task(words: int = WORDS, steps: int = 20) -> Task:
    """Return the task that all contenders share: words, and what stands near or does not."""
    rng = np.random.default_rng(0)
    n = 20 * PAIRS
    rows = rng.integers(0, words, n), rng.integers(0, words, (n, 1 + NEGATIVES))
    weights = [rng.normal(0.0, 0.1, (words, DIM)).astype(np.float32) for _ in range(2)]
    return Task(weights, rows, PAIRS, steps, "sgd", LR, numpy_loss)


def numpy_loss(weights: list[Any], words: Any, others: Any) -> Any:
    """Return the loss in NumPy; of the others of a word, the first stood near it."""
    inner, outer = weights
    scores = np.sum(inner[words][:, None, :] * outer[others], axis=-1)
    return np.logaddexp(0, -scores[:, 0]).sum() + np.logaddexp(0, scores[:, 1:]).sum()


def chainrule(task: Task, engine: str = "") -> Contender:
    import chainrule as cr

    def loss(params: Any, words: Any, others: Any) -> Any:
        inner, outer = params
        scores = np.sum(inner[words][:, None, :] * outer[others], axis=-1)
        return np.sum(cr.softplus(-scores[:, 0])) + np.sum(cr.softplus(scores[:, 1:]))

    return trainers.chainrule(task, [w.copy() for w in task.weights], loss, list, engine)


def by_hand(task: Task) -> Contender:
    """Train with NumPy: only the rows that occur are changed."""
    inner, outer = weights = [w.copy() for w in task.weights]
    near = np.eye(1, 1 + NEGATIVES, dtype=np.float32)

    def step(words: Any, others: Any) -> Any:
        v, u = inner[words], outer[others]
        scores = np.matmul(u, v[:, :, None])[:, :, 0]
        d = (1 / (1 + np.exp(-scores)) - near) * np.float32(-LR)
        np.add.at(inner, words, np.matmul(d[:, None, :], u)[:, 0])
        np.add.at(outer, others, d[:, :, None] * v[:, None, :])
        return np.logaddexp(0, np.where(near, -scores, scores)).sum()

    batches = list(zip(*task.batches, strict=True))
    return task.contender(lambda: [step(*batch) for batch in batches], lambda: weights)


def torch(task: Task, sparse: bool = True) -> Contender:
    import torch as t
    from torch.nn import functional as f

    def loss(params: Any, words: Any, others: Any) -> Any:
        inner, outer = params
        v = f.embedding(words, inner, sparse=sparse)
        u = f.embedding(others, outer, sparse=sparse)
        scores = t.bmm(u, v[:, :, None])[:, :, 0]
        return f.softplus(-scores[:, 0]).sum() + f.softplus(scores[:, 1:]).sum()

    params = [t.from_numpy(w.copy()).requires_grad_() for w in task.weights]
    return trainers.torch(task, params, loss, list)


def jax(task: Task, by_rows: bool = False, **options: Any) -> Contender:
    import jax as j
    import jax.numpy as jnp

    def cost(v: Any, u: Any) -> Any:
        scores = jnp.sum(v[:, None, :] * u, axis=-1)
        return j.nn.softplus(-scores[:, 0]).sum() + j.nn.softplus(scores[:, 1:]).sum()

    def loss(params: Any, words: Any, others: Any) -> Any:
        inner, outer = params
        return cost(inner[words], outer[others])

    def changed(params: Any, words: Any, others: Any) -> Any:
        """Return new tables and the loss: gradients of the rows go to the rows."""
        inner, outer = params
        value, (v, u) = j.value_and_grad(cost, (0, 1))(inner[words], outer[others])
        return [inner.at[words].add(-LR * v), outer.at[others].add(-LR * u)], value

    return trainers.jax(task, loss, update=changed if by_rows else None, **options)


def pairs_per_word() -> float:
    """Return how many pairs a word of gensim's text has, whose windows shrink at random."""
    reach = np.arange(SENTENCE)
    both = [np.minimum(b, reach) + np.minimum(b, reach[::-1]) for b in range(1, WINDOW + 1)]
    return float(np.mean(both))


def gensim(task: Task) -> Contender:
    """Train gensim's Word2Vec with two threads on running text."""
    from gensim.models import Word2Vec

    rng = np.random.default_rng(0)
    n_words = len(task.weights[0])
    text = [[str(w) for w in s] for s in rng.integers(0, n_words, (SENTENCES, SENTENCE)).tolist()]
    model = Word2Vec(
        vector_size=DIM, window=WINDOW, negative=NEGATIVES, sg=1, min_count=1, sample=0, workers=2
    )
    model.build_vocab(text)

    def train(text: Any) -> float:
        start = time.perf_counter()
        model.train(text, total_examples=len(text), epochs=1)
        return time.perf_counter() - start

    def first() -> list[float]:
        train(text[:100])
        return []

    def clock() -> float:
        return train(text) / (SENTENCES * SENTENCE * pairs_per_word()) * PAIRS

    return Contender(first, other=True, clock=clock)


PEERS = {
    OURS: chainrule,
    "numpy": by_hand,
    "torch sparse": torch,
    "torch dense": partial(torch, sparse=False),
    "jax scan, rows": partial(jax, by_rows=True),
    "jax scan, dense": jax,
    "gensim": gensim,
}
TITLE = "Skip-gram, 5 negatives, two tables of 20,000 x 100, SGD: a step of 1,024 pairs"
WORKLOADS = [
    Workload(
        TITLE,
        {name: lambda build=build: build(task()) for name, build in PEERS.items()},
        1e-3,
        PHASES,
        "skip-gram",
    )
]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
