"""Gradients of each of 256 rows of their own, 784-128-10: all of them, and their clipped sum.

The clipped sum is what differentially private training needs (Abadi et al., 2016): each row's
gradient is shortened to a norm of at most `CLIP` before they are added. By hand no row's gradient
has to be made for it: the square of a layer's norm is that of its inputs times that of its deltas.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import trainers
from data import layers
from roofline import Phase
from runner import OURS, Contender, Workload, main

SIZES, ROWS, CLIP = (784, 128, 10), 256, 1.0


def rows(n: int = ROWS) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((n, SIZES[0]), np.float32), rng.integers(0, SIZES[-1], n)


def contender(compute: Callable[[], list[Any]], clipped: bool) -> Contender:
    """Return a contender of a function whose result are gradients by parameter."""
    found: list[Any] = []

    def step() -> list[float]:
        found[:] = compute()
        return []

    def final() -> list[float]:
        """Return the norm of each row's gradient, or of each parameter's sum."""
        grads = [np.asarray(g, np.float64) for g in found]
        if clipped:
            return [float(np.linalg.norm(g)) for g in grads]
        squares = [np.square(g).reshape(len(g), -1).sum(axis=1) for g in grads]
        return np.sqrt(sum(squares)).tolist()

    return Contender(step, final=final)


def chainrule_model() -> tuple[Any, Callable[..., Any]]:
    """Return the network, and the loss of one row without its axis."""
    from chainrule import nn

    w1, b1, w2, b2 = layers(SIZES)
    a, b, c = SIZES
    model = nn.Sequential(nn.Linear(a, b, rng=0), "relu", nn.Linear(b, c, rng=0))
    arrays = {"0.weight": w1.T.copy(), "0.bias": b1, "2.weight": w2.T.copy(), "2.bias": b2}
    model = nn.load_parameters(model, arrays)
    return model, lambda model, x, y: nn.cross_entropy(model(x[None]), y[None])


def chainrule(clipped: bool, n: int = ROWS, engine: str = "") -> Contender:
    """Scan the rows one by one."""
    import chainrule as cr
    from chainrule import nn
    from chainrule.graph.tree import map_leaves

    model, loss = chainrule_model()
    data = rows(n)

    def every(model: Any, row: Any) -> Any:
        return model, cr.grad(loss)(model, *row)

    def added(carry: Any, row: Any) -> Any:
        model, total = carry
        g = cr.grad(loss)(model, *row)
        parts = nn.named_parameters(g).values()
        norm = np.sqrt(sum(np.sum(np.square(part)) for part in parts))
        scale = CLIP / np.maximum(norm, CLIP)
        return (model, map_leaves(lambda t, g: t + scale * g, total, g)), None

    run = cr.scan(added if clipped else every, engine=engine or trainers.ENGINE)

    def compute() -> list[Any]:
        if clipped:
            (_, total), _ = run((model, map_leaves(np.zeros_like, model)), data)
            return list(nn.named_parameters(total).values())
        return list(nn.named_parameters(run(model, data)[1]).values())

    return contender(compute, clipped)


def chainrule_transform(clipped: bool, n: int = ROWS, engine: str = "") -> Contender:
    """Compile the transform that makes all gradients; sum and clip them afterwards."""
    import chainrule as cr
    from chainrule import nn

    model, loss = chainrule_model()
    x, y = rows(n)

    def function(model: Any, x: Any, y: Any) -> Any:
        g = cr.per_example_grad(loss)(model, x, y)
        parts = list(nn.named_parameters(g).values())
        if not clipped:
            return parts
        squares = sum(np.sum(np.square(p).reshape(len(x), -1), axis=1) for p in parts)
        scale = CLIP / np.maximum(np.sqrt(squares), CLIP)
        return [np.tensordot(scale, p, 1) for p in parts]

    program = cr.compile(function, engine=engine or trainers.ENGINE)
    return contender(lambda: list(program(model, x, y)), clipped)


def by_hand(clipped: bool) -> Contender:
    """Compute with NumPy; of the clipped sum, only norms."""
    w1, b1, w2, b2 = layers(SIZES)
    x, y = rows()
    one_hot = np.eye(SIZES[-1], dtype=np.float32)[y]
    square = lambda a: np.einsum("ij,ij->i", a, a)

    def compute() -> list[Any]:
        h = np.maximum(x @ w1 + b1, 0)
        z = h @ w2 + b2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        d2 = e / e.sum(axis=1, keepdims=True) - one_hot
        d1 = (d2 @ w2.T) * (h > 0)
        if not clipped:
            return [x[:, :, None] * d1[:, None, :], d1, h[:, :, None] * d2[:, None, :], d2]
        norm = np.sqrt((square(x) + 1) * square(d1) + (square(h) + 1) * square(d2))
        scale = (CLIP / np.maximum(norm, CLIP))[:, None]
        d1, d2 = scale * d1, scale * d2
        return [x.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)]

    return contender(compute, clipped)


def torch(clipped: bool, compiled: bool = False) -> Contender:
    import torch as t
    from torch.func import grad, vmap
    from torch.nn import functional as f

    w1, b1, w2, b2 = (t.from_numpy(np.array(w.T, order="C")) for w in layers(SIZES))
    x, y = map(t.from_numpy, rows())

    def loss(params: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = params
        return f.cross_entropy(f.linear(t.relu(f.linear(x, w1, b1)), w2, b2), y)

    def function(params: Any, x: Any, y: Any) -> Any:
        g = vmap(grad(loss), (None, 0, 0))(params, x, y)
        if not clipped:
            return g
        norm = t.sqrt(sum(t.square(p).flatten(1).sum(1) for p in g))
        scale = CLIP / t.clamp(norm, min=CLIP)
        return [t.tensordot(scale, p, 1) for p in g]

    program = t.compile(function) if compiled else function
    return contender(lambda: list(program((w1, b1, w2, b2), x, y)), clipped)


def jax(clipped: bool) -> Contender:
    import jax as j
    import jax.numpy as jnp

    params = [jnp.array(w) for w in layers(SIZES)]
    x, y = map(jnp.asarray, rows())

    def loss(params: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = params
        return -j.nn.log_softmax(j.nn.relu(x @ w1 + b1) @ w2 + b2)[y]

    @j.jit
    def function(params: Any, x: Any, y: Any) -> Any:
        g = j.vmap(j.grad(loss), (None, 0, 0))(params, x, y)
        if not clipped:
            return g
        norm = jnp.sqrt(sum(jnp.square(p).reshape(len(x), -1).sum(1) for p in g))
        scale = CLIP / jnp.maximum(norm, CLIP)
        return [jnp.tensordot(scale, p, 1) for p in g]

    return contender(lambda: j.block_until_ready(function(params, x, y)), clipped)


PEERS = {
    OURS: chainrule,
    "per_example_grad": chainrule_transform,
    "numpy": by_hand,
    "torch": torch,
    "torch compiled": partial(torch, compiled=True),
    "jax": jax,
}


def workload(title: str, key: str, clipped: bool) -> Workload:
    """Return the workload of all gradients, or of their clipped sum."""
    builds = {name: partial(build, clipped) for name, build in PEERS.items()}
    weights = SIZES[0] * SIZES[1] + SIZES[1] * SIZES[2]
    units = SIZES[1] + SIZES[2]
    flop = 4 * ROWS * weights + 2 * ROWS * SIZES[1] * SIZES[2]
    last = Phase(bytes=4 * ROWS * (weights + units))
    if clipped:
        last = Phase(2 * ROWS * weights)
        flop -= 2 * ROWS * weights
    return Workload(title, builds, 1e-3, [Phase(flop, 16 * ROWS * units), last], key)


TITLE = "Per-example gradients, 784-128-10, 256 rows"
WORKLOADS = [
    workload(f"{TITLE}: all of them", "per-example, all", clipped=False),
    workload(f"{TITLE}: their clipped sum", "per-example, clipped", clipped=True),
]

if __name__ == "__main__":
    main(__file__, WORKLOADS)
