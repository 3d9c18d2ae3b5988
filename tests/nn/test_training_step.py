"""A whole training step as one graph equals the eager step; and networks learn."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, optim
from chainrule.graph.tree import flatten

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, 12)
W = np.random.default_rng(2).random(12).astype(np.float32)


def network():
    return nn.Sequential(
        nn.Linear(4, 16, rng=0),
        nn.BatchNorm(16),
        "relu",
        nn.Dropout(0.3),
        nn.Residual(nn.Sequential(nn.Linear(16, 16, rng=1), "gelu", nn.LayerNorm(16))),
        nn.Linear(16, 3, rng=2),
    )


def step_with(opt):
    def step(model, state, x, y, weight, key, number, lr):
        def objective(model):
            run = nn.Run(key, number)
            logits = model(x, run)
            return nn.cross_entropy(logits, y, sample_weight=weight, label_smoothing=0.1), (
                run.updates
            )

        (loss, updates), grads = cr.value_and_grad(objective, has_aux=True)(model)
        grads, norm = optim.clip_grad_norm(grads, 1.0)
        model, state = opt.update(model, grads, state, lr=lr)
        return model, state, loss, norm, updates

    return step


@pytest.mark.parametrize(
    "opt",
    [
        optim.SGD(lr=0.1, momentum=0.9, dampening=0.1, weight_decay=1e-3),
        optim.SGD(lr=0.1, momentum=0.9, nesterov=True),
        optim.Adam(lr=0.01),
    ],
    ids=repr,
)
def test_the_traced_step_equals_the_eager_step(opt):
    step, model = step_with(opt), network()
    numbers = (np.uint64(2**40 + 3), np.uint64(0), np.float64(0.1))
    graph = cr.trace(step)(model, opt.init(model), X, Y, W, *numbers)
    eager = traced = (model, opt.init(model))
    for i, rows in enumerate((slice(0, 12), slice(3, 9), slice(0, 2))):
        batch = (X[rows], Y[rows], W[rows], numbers[0], np.uint64(i), np.float64(0.1 / (i + 1)))
        *eager, loss, norm, updates = step(*eager, *batch)
        *traced, loss2, norm2, updates2 = graph(*traced, *batch)
        assert loss2 == pytest.approx(loss, rel=1e-6)
        assert norm2 == pytest.approx(norm, rel=1e-5)
        for a, b in zip(flatten((eager, updates))[0], flatten((traced, updates2))[0], strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6)
            assert np.result_type(a) == np.result_type(b)
    assert not np.array_equal(eager[0].layers[0].weight, model.layers[0].weight)


def test_running_statistics_from_a_traced_step():
    model = network()

    def forward(model, x):
        run = nn.Run(5)
        model(x, run)
        return run.updates

    run = nn.Run(5)
    model(X, run)
    updates = cr.trace(forward)(model, X)(model, X)
    for a, b in zip(
        nn.named_buffers(run.apply(model)).values(),
        nn.named_buffers(run.apply(model, updates)).values(),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_graph_refuses_a_network_with_other_running_statistics():
    """They are part of the graph, so that using it with others would be silently wrong."""
    model = network()
    graph = cr.trace(lambda m, x: m(x))(model, X)
    run = nn.Run(0)
    model(X, run)
    with pytest.raises(cr.errors.ShapeError, match="structure"):
        graph(run.apply(model), X)


@pytest.mark.parametrize("opt", [optim.SGD(lr=0.1, momentum=0.9), optim.Adam(lr=0.02)], ids=repr)
def test_a_network_learns_xor(opt):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]])
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(2, 8, rng), "tanh", nn.Linear(8, 1, rng))
    state = opt.init(model)
    step = cr.value_and_grad(lambda m: nn.binary_cross_entropy(m(x), y))
    for _ in range(400):
        loss, grads = step(model)
        model, state = opt.update(model, grads, state)
    assert loss < 0.05
    np.testing.assert_array_equal(model(x) > 0, y == 1)
    assert model.layers[0].weight.dtype == np.float32


def test_training_twice_gives_the_same_bits():
    def train():
        model, opt = network(), optim.Adam(lr=0.01)
        state, step = opt.init(model), step_with(optim.Adam(lr=0.01))
        for i in range(5):
            model, state, *_ = step(model, state, X, Y, W, 3, i, 0.01)
        return flatten(model)[0]

    for a, b in zip(train(), train(), strict=True):
        assert a.tobytes() == b.tobytes()
