"""Programs to try engines on: every sample of every op with its gradient, and training steps."""

import numpy as np

import chainrule as cr
from chainrule import nn, optim, vjp
from chainrule.graph.tree import flatten
from chainrule.testing.cases import Case


def with_gradient(case):
    u = [np.cos(np.arange(np.size(y))).reshape(np.shape(y)) for y in case.function(*case.arrays)]

    def program(*arrays):
        result, pullback = vjp(case.function, *arrays)
        return result, pullback(u)

    return program


def programs(entry):
    """Functions of arrays that a sample gives rise to, and their arguments."""
    for i, sample in enumerate(entry.samples):
        if sample.error is not None:
            continue
        case = Case(entry, sample, np.random.default_rng(i))
        if not case.arrays:
            continue
        if case.recorded:
            yield with_gradient(case), case.arrays
        elif entry.name not in EAGER_ONLY:
            yield (lambda *arrays, case=case: case.call(arrays)), case.arrays


# Their results' shapes depend on numbers, or they are plain facts: traces refuse or forget them.
EAGER_ONLY = {
    "argwhere", "can_cast", "common_type", "empty_like", "flatnonzero", "histogram",
    "iscomplexobj", "isrealobj", "lexsort", "may_share_memory", "ndim", "nonzero", "result_type",
    "shape", "shares_memory", "size",
}  # fmt: skip


def assert_same(actual, expected):
    """Equal shapes, dtypes and bits."""
    for a, b in zip(flatten(actual)[0], flatten(expected)[0], strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.result_type(a) == np.result_type(b)
        np.testing.assert_array_equal(a, b)


def network(rng=0):
    return nn.Sequential(
        nn.Linear(6, 8, rng=rng),
        nn.LayerNorm(8),
        "tanh",
        nn.Dropout(0.3),
        nn.Linear(8, 5, rng=rng + 1),
        "gelu",
        nn.Linear(5, 3, rng=rng + 2),
    )


def training_step(optimizer, loss=nn.cross_entropy):
    def step(model, state, x, y, key):
        value, g = cr.value_and_grad(lambda m: loss(m(x, nn.Run(key)), y))(model)
        model, state = optimizer.update(model, g, state)
        return model, state, value

    return step


def rows(n, seed=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 6)).astype(np.float32), rng.integers(0, 3, n)


def step_and_arguments(n=8):
    optimizer, model = optim.Adam(0.01), network()
    return training_step(optimizer), (model, optimizer.init(model), *rows(n), np.uint64(1))
