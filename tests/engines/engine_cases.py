"""Programs to try engines on: every sample of every op with its gradient, and training steps."""

import threading

import numpy as np

import chainrule as cr
from chainrule import nn, optim, vjp
from chainrule.graph.tree import flatten
from chainrule.language.window_network import WindowNetwork, mean_cost
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


def assert_close(actual, expected, rtol=1e-5, smallest=1e-6):
    """Equal shapes and dtypes, and numbers to a part of the largest, or of `smallest`."""
    for a, b in zip(flatten(actual)[0], flatten(expected)[0], strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.result_type(a) == np.result_type(b)
        scale = np.max(np.abs(b), initial=smallest, where=np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


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


OUTPUTS: dict[str, dict[str, int]] = {
    "softmax": {}, "sampled": {"n_samples": 6}, "nce": {"n_samples": 6}, "hierarchical": {},
}  # fmt: skip
"""Outputs of language models whose steps have loops, with their options."""


def networks():
    """Networks of every kind of layer, with the loss, inputs and targets of each."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 6)).astype(np.float32)
    words = rng.integers(0, 9, (7, 4))
    classes, numbers = rng.integers(0, 3, 7), rng.normal(size=(7, 3)).astype(np.float32)
    labels = (numbers > 0).astype(np.float32)
    shares = np.abs(numbers) / np.sum(np.abs(numbers), axis=1, keepdims=True)

    def dense(*middle):
        return nn.Sequential(nn.Linear(6, 5, rng=0), *middle, nn.Linear(5, 3, rng=1))

    for name in sorted(set(nn.ACTIVATIONS) - {"binary_step"}):
        yield name, dense(name), nn.cross_entropy, x, classes
    for name in ("mse", "mae", "huber"):
        yield name, dense("tanh"), nn.LOSSES[name], x, numbers
    yield "binary", dense("relu"), nn.binary_cross_entropy, x, labels
    yield "hinge", dense("relu"), nn.hinge, x, 2.0 * labels - 1.0
    yield "margin", dense("relu"), nn.multiclass_hinge, x, classes
    yield "shares", dense("relu"), nn.cross_entropy, x, shares
    yield "batch norm", dense(nn.BatchNorm(5), "relu"), nn.cross_entropy, x, classes
    yield "layer norm", dense(nn.LayerNorm(5), "relu"), nn.cross_entropy, x, classes
    yield "dropout", dense("relu", nn.Dropout(0.4)), nn.cross_entropy, x, classes
    yield "residual", dense(nn.Residual(nn.Linear(5, 5, rng=2))), nn.cross_entropy, x, classes
    words_in = nn.Sequential(nn.Embedding(9, 2, rng=0), nn.Flatten(), nn.Linear(8, 3, rng=1))
    yield "embedding", words_in, nn.cross_entropy, words, classes
    one = nn.Sequential(nn.Linear(6, 1, rng=0))
    yield "one output", one, nn.mse, x, numbers[:, :1]
    yield "one feature", nn.Sequential(nn.Linear(1, 3, rng=0)), nn.mse, x[:, :1], numbers


def readers():
    """Networks that take parts of axes, which have loops where lengths are fixed: in scans."""
    rng = np.random.default_rng(0)
    sentences = rng.normal(size=(7, 5, 6)).astype(np.float32)
    chain = nn.Sequential(nn.Linear(6, 4, rng=0), "tanh", nn.Linear(4, 3, rng=1), nn.Chain(3))
    yield "chain", chain, nn.chain_nll, sentences, rng.integers(-1, 3, (7, 5))
    counts = [0, 0, 3, 9, 7, 5, 4, 2, 1]
    for output, options in OUTPUTS.items():
        reader = WindowNetwork(
            counts, 1, 2, np.random.default_rng(0), context=2, embedding_dim=3,
            hidden_layer_sizes=(5,), output=output, direct=True, **options,
        )  # fmt: skip
        yield f"words by {output}", reader, mean_cost, rng.integers(0, 9, (7, 3)), np.zeros(7)


def assert_threads_agree(engine, columns, calls):
    """Four threads that call one compiled function get what each got alone."""
    fast = cr.compile(lambda x: np.sum(np.tanh(np.exp(-x) * x), axis=1), engine)
    batches = [np.random.default_rng(i).normal(size=(50, columns)) for i in range(4)]
    expected, wrong = [fast(x) for x in batches], []

    def work(i):
        for _ in range(calls):
            if not np.array_equal(fast(batches[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
