"""Summaries: rows, shapes, counts; the outputs of every layer."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

MODEL = nn.Sequential(
    nn.Linear(4, 8, rng=0),
    nn.BatchNorm(8),
    "relu",
    nn.Residual(nn.Sequential(nn.Linear(8, 8, rng=1), nn.Dropout(0.5))),
    nn.Linear(8, 3, rng=2, bias=False),
)
X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def test_rows():
    rows = nn.summary(MODEL, X)
    assert [(r.name, r.layer, r.output_shape, r.parameters) for r in rows] == [
        ("0", "Linear", (5, 8), 40),
        ("1", "BatchNorm", (5, 8), 16),
        ("2", "Activation", (5, 8), 0),
        ("3.inner.0", "Linear", (5, 8), 72),
        ("3.inner.1", "Dropout", (5, 8), 0),
        ("4", "Linear", (5, 3), 24),
    ]
    assert sum(r.parameters for r in rows) == nn.count_parameters(MODEL) == 152


def test_a_users_module_has_a_row_for_its_own_parameters():
    class Mine(nn.Module):
        def __init__(self):
            self.first = nn.Linear(4, 2, rng=0)
            self.scale = np.ones(2)

        def forward(self, x):
            return {"scaled": self.first(x) * self.scale, "weight": self.first.weight}

    rows = nn.summary(Mine(), X)
    assert [(r.name, r.layer, r.parameters) for r in rows] == [
        ("first", "Linear", 10),
        ("", "Mine", 2),
    ]
    assert rows[1].output_shape == (5, 2)


def test_outputs_are_those_of_the_layers():
    outputs = nn.layer_outputs(MODEL, X)
    assert list(outputs)[-1] == ""
    np.testing.assert_array_equal(outputs[""], MODEL(X))
    np.testing.assert_array_equal(outputs["0"], MODEL.layers[0](X))
    np.testing.assert_array_equal(outputs["4"], outputs[""])


def test_outputs_in_training_and_within_a_gradient():
    kept = {}

    def loss(model):
        kept.update(nn.layer_outputs(model, X, nn.Run(0)))
        return np.sum(kept[""] ** 2)

    gradient = cr.grad(loss)(MODEL)
    run = cr.grad(lambda m: np.sum(m(X, nn.Run(0)) ** 2))(MODEL)
    for name, g in nn.named_parameters(gradient).items():
        np.testing.assert_array_equal(g, nn.named_parameters(run)[name])
    assert kept["2"].shape == (5, 8)


def test_errors_name_the_layer_as_ever():
    with pytest.raises(nn.LayerError, match=r"layer '3.inner.0' \(Linear\)"):
        nn.summary(nn.Sequential("relu", "relu", "relu", MODEL.layers[3]), np.ones((2, 7)))


def test_the_network_is_not_changed():
    before = repr(MODEL)
    nn.summary(MODEL, X)
    assert repr(MODEL) == before
