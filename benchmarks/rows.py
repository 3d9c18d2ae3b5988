"""Adam on a table of embeddings: the rows that a step looks up, or the whole table.

The mean of 40 embeddings of 64 numbers, four classes, batch 32, by the number of rows. Dense Adam
moves all rows at every step, so its losses are other ones; PyTorch's SparseAdam adds eps elsewhere.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from data import BETAS, EPS
from roofline import Phase
from runner import OURS, Build, Contender, Workload, main

DIM, CLASSES, LENGTH, BATCH, STEPS = 64, 4, 40, 32, 20
LR, DTYPE = 1e-3, np.float32
VOCABULARIES = (1_000, 10_000, 100_000, 1_000_000)


def data(words: int) -> tuple[Any, Any]:
    """Return documents of random words, and their classes."""
    rng = np.random.default_rng(0)
    n = BATCH * STEPS
    return rng.integers(0, words, (n, LENGTH)), rng.integers(0, CLASSES, n)


def arrays(words: int) -> tuple[Any, Any]:
    """Return the table and the weight that all contenders start from."""
    rng = np.random.default_rng(1)
    table = rng.standard_normal((words, DIM), DTYPE)
    return table, rng.normal(0, 0.1, (CLASSES, DIM)).astype(DTYPE)


def chainrule(words: int, lazy: bool | str, engine: str = "") -> Contender:
    import trainers

    import chainrule as cr
    from chainrule import nn, optim
    from chainrule.training.step import Carry, Step

    class Bag(nn.Module):
        def __init__(self) -> None:
            self.table, self.weight = arrays(words)

        def forward(self, x: Any) -> Any:
            return np.mean(self.table[x], axis=1) @ self.weight.T

    model, opt = Bag(), optim.Adam(lr=LR, betas=BETAS, eps=EPS, lazy=lazy)
    step = Step(nn.cross_entropy, opt)
    step.tables = frozenset({"table"} if lazy else ())
    slots = {name: opt.init(p)["slots"][""] for name, p in nn.named_parameters(model).items()}
    carry = Carry.of(model, {"step": 0, "slots": slots}, seed=0)
    rows = (*data(words), None)
    train = cr.scan(partial(step.recorded, model), engine or trainers.ENGINE)

    def run() -> Any:
        rates = np.full(STEPS, LR)
        _, (losses, _) = train(carry, rows, None, BATCH, rates, in_place=True)
        return losses

    return Contender(run, STEPS, other=not lazy)


def by_hand(words: int) -> Contender:
    """Train with NumPy: only the rows that occur are changed."""
    table, weight = arrays(words)
    (m, v), (m_w, v_w) = np.zeros((2, *table.shape), DTYPE), np.zeros((2, *weight.shape), DTYPE)
    one_hot, count = np.eye(CLASSES, dtype=DTYPE), 0

    def update(p: Any, m: Any, v: Any, g: Any, at: Any) -> None:
        m[at] = BETAS[0] * m[at] + (1 - BETAS[0]) * g
        v[at] = BETAS[1] * v[at] + (1 - BETAS[1]) * g * g
        size, unbias = LR / (1 - BETAS[0] ** count), 1 / np.sqrt(1 - BETAS[1] ** count)
        p[at] -= size * m[at] / (np.sqrt(v[at]) * unbias + EPS)

    def step(tokens: Any, classes: Any) -> Any:
        nonlocal count
        count += 1
        mean = table[tokens].mean(axis=1)
        z = mean @ weight.T
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        d = (e / total - one_hot[classes]) / DTYPE(BATCH)
        places, which = np.unique(tokens, return_inverse=True)
        g = np.zeros((len(places), DIM), DTYPE)
        np.add.at(g, which.reshape(tokens.shape), (d @ weight / DTYPE(LENGTH))[:, None, :])
        update(weight, m_w, v_w, d.T @ mean, ...)
        update(table, m, v, g, places)
        return np.mean(np.log(total[:, 0]) - z[np.arange(BATCH), classes])

    tokens, classes = data(words)
    batches = [slice(i, i + BATCH) for i in range(0, BATCH * STEPS, BATCH)]
    return Contender(lambda: [step(tokens[at], classes[at]) for at in batches], STEPS)


def torch(words: int, sparse: bool = True) -> Contender:
    import torch as t
    from torch.nn import functional as f

    table, weight = (t.from_numpy(x).requires_grad_() for x in arrays(words))
    rule = t.optim.SparseAdam if sparse else t.optim.Adam
    options = {"lr": LR, "betas": BETAS, "eps": EPS}
    optimizers = [rule([table], **options), t.optim.Adam([weight], **options)]
    batches = list(zip(*(t.from_numpy(x).split(BATCH) for x in data(words)), strict=True))

    def run() -> Any:
        losses = []
        for tokens, classes in batches:
            for opt in optimizers:
                opt.zero_grad(set_to_none=True)
            mean = f.embedding(tokens, table, sparse=sparse).mean(dim=1)
            value = f.cross_entropy(mean @ weight.T, classes)
            value.backward()
            for opt in optimizers:
                opt.step()
            losses.append(float(value.detach()))
        return losses

    return Contender(run, STEPS, other=not sparse)


def workload(words: int) -> Workload:
    """Return the workload of a table with so many rows."""
    tokens = BATCH * LENGTH
    builds: dict[str, Build] = {
        OURS: partial(chainrule, words, lazy=True),
        "numpy": partial(by_hand, words),
        "chainrule numpy": partial(chainrule, words, lazy=True, engine="numpy"),
        "chainrule dense": partial(chainrule, words, lazy=False),
        "torch SparseAdam": partial(torch, words),
        "torch dense": partial(torch, words, sparse=False),
    }
    # A row is read for the sum; it and its two means are read and written for the update.
    phases = [Phase(16 * tokens * DIM, 4 * 7 * tokens * DIM, 3 * 4 * words * DIM)]
    title = f"vocabulary {words}: mean of 40 embeddings of {DIM}, batch {BATCH}, Adam"
    return Workload(title, builds, 1e-3, phases, f"vocabulary {words}")


WORKLOADS = list(map(workload, VOCABULARIES))

if __name__ == "__main__":
    main(__file__, WORKLOADS, rounds=3)
