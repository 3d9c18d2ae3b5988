"""One contender of `cold.py`, as a script of its own: ``python cold_contenders.py NAME``.

Each trains 4-16-3 on Iris-like rows for 200 epochs in batches of 32 with Adam, and prints the share
of the rows that it then has right. Nothing is imported that it does not need.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from clouds import rows

EPOCHS, BATCH, LR = 200, 32, 1e-3
SIZES = (4, 16, 3)


def chainrule(x: Any, y: Any) -> Any:
    """Train with the estimator."""
    from chainrule.estimators import MLPClassifier

    model = MLPClassifier(
        SIZES[1:2], batch_size=BATCH, max_iter=EPOCHS, learning_rate_init=LR, random_state=0
    )
    return model.fit(x, y).predict(x)


def chainrule_fit(x: Any, y: Any) -> Any:
    """Train a network of layers with the training loop."""
    from chainrule import nn, optim, training

    model = nn.Sequential(nn.Linear(4, 16, rng=0), "relu", nn.Linear(16, 3, rng=1))
    model, _ = training.fit(
        model,
        (x, y),
        loss=nn.cross_entropy,
        optimizer=optim.Adam(lr=LR),
        epochs=EPOCHS,
        batch_size=BATCH,
    )
    return model(x).argmax(axis=1)


def sklearn(x: Any, y: Any) -> Any:
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    model = MLPClassifier(
        SIZES[1:2],
        batch_size=BATCH,
        max_iter=EPOCHS,
        learning_rate_init=LR,
        random_state=0,
        n_iter_no_change=EPOCHS,
    )
    return model.fit(x, y).predict(x)


def initial() -> list[Any]:
    """Return initial weights, for those that have no layers of their own."""
    rng, found = np.random.default_rng(0), []
    for n_in, n_out in ((4, 16), (16, 3)):
        bound = np.sqrt(6 / n_in)
        found += [rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)]
        found += [np.zeros(n_out, np.float32)]
    return found


def batches(n: int) -> Any:
    """Yield the rows of each step: every epoch in a new order, its last batch smaller."""
    rng = np.random.default_rng(1)
    for _ in range(EPOCHS):
        order = rng.permutation(n)
        yield from (order[i : i + BATCH] for i in range(0, n, BATCH))


def adam(weights: list[Any], grads: list[Any], m: list[Any], v: list[Any], count: int) -> None:
    """Update arrays in place."""
    for w, g, first, second in zip(weights, grads, m, v, strict=True):
        first += 0.1 * (g - first)
        second += 0.001 * (g * g - second)
        root = np.sqrt(second / np.float32(1 - 0.999**count)) + 1e-8
        w -= np.float32(LR / (1 - 0.9**count)) * first / root


def by_hand(x: Any, y: Any) -> Any:
    """Train with forward, backward and update written out in NumPy."""
    w1, b1, w2, b2 = weights = initial()
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    one_hot = np.eye(3, dtype=np.float32)[y]
    for count, some in enumerate(batches(len(x)), 1):
        a = x[some]
        h = np.maximum(a @ w1 + b1, 0)
        e = np.exp(h @ w2 + b2)
        d = (e / e.sum(axis=1, keepdims=True) - one_hot[some]) / np.float32(len(some))
        back = (d @ w2.T) * (h > 0)
        adam(weights, [a.T @ back, back.sum(0), h.T @ d, d.sum(0)], m, v, count)
    return (np.maximum(x @ w1 + b1, 0) @ w2 + b2).argmax(axis=1)


def autograd(x: Any, y: Any) -> Any:
    import autograd.numpy as np_
    from autograd import grad

    def loss(weights: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = weights
        z = np_.dot(np_.maximum(np_.dot(x, w1) + b1, 0), w2) + b2
        return np_.mean(np_.log(np_.sum(np_.exp(z), axis=1)) - z[np.arange(len(y)), y])

    weights, gradient = initial(), grad(loss)
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for count, some in enumerate(batches(len(x)), 1):
        adam(weights, gradient(weights, x[some], y[some]), m, v, count)
    w1, b1, w2, b2 = weights
    return (np.maximum(x @ w1 + b1, 0) @ w2 + b2).argmax(axis=1)


def torch(x: Any, y: Any) -> Any:
    import torch as t

    t.manual_seed(0)
    model = t.nn.Sequential(t.nn.Linear(4, 16), t.nn.ReLU(), t.nn.Linear(16, 3))
    opt = t.optim.Adam(model.parameters(), lr=LR, fused=True)
    a, b = t.from_numpy(x), t.from_numpy(y)
    for some in batches(len(x)):
        rows = t.from_numpy(some)
        opt.zero_grad()
        t.nn.functional.cross_entropy(model(a[rows]), b[rows]).backward()
        opt.step()
    with t.no_grad():
        return model(a).argmax(1).numpy()


def jax(x: Any, y: Any) -> Any:
    """Train under one `jit`; all batches are whole: the epochs' rows stand in one line."""
    import jax as j
    import jax.numpy as jnp
    from jax import tree

    def logits(weights: Any, x: Any) -> Any:
        w1, b1, w2, b2 = weights
        return j.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss(weights: Any, x: Any, y: Any) -> Any:
        scores = j.nn.log_softmax(logits(weights, x))
        return -jnp.mean(jnp.take_along_axis(scores, y[:, None], axis=1))

    def step(carry: Any, some: Any) -> Any:
        weights, m, v, count = carry
        g, count = j.grad(loss)(weights, x[some], y[some]), count + 1
        m = tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        size, unbias = LR / (1 - 0.9**count), 1 / (1 - 0.999**count)
        change = lambda w, m, v: w - size * m / (jnp.sqrt(v * unbias) + 1e-8)
        return (tree.map(change, weights, m, v), m, v, count), None

    order = np.concatenate(list(batches(len(x))))
    order = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
    x, y = jnp.asarray(x), jnp.asarray(y)
    weights = initial()
    zeros = tree.map(np.zeros_like, weights)
    carry = weights, zeros, zeros, np.float32(0)
    (weights, *_), _ = j.jit(lambda carry, order: j.lax.scan(step, carry, order))(carry, order)
    return np.asarray(logits(weights, x)).argmax(axis=1)


CONTENDERS: dict[str, Callable[[Any, Any], Any]] = {
    "chainrule": chainrule,
    "chainrule fit": chainrule_fit,
    "numpy": by_hand,
    "sklearn": sklearn,
    "autograd": autograd,
    "torch": torch,
    "jax": jax,
}

if __name__ == "__main__":
    x, y = rows()
    print(float(np.mean(CONTENDERS[sys.argv[1]](x, y) == y)))
