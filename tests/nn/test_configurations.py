"""Configurations: through JSON and back, and nothing but our own classes."""

import json

import numpy as np
import pytest

from chainrule import nn
from chainrule.errors import ArgumentError, UnsupportedError
from chainrule.graph.tree import flatten

MODELS = [
    nn.Linear(3, 2, rng=0),
    nn.Linear(3, 2, rng=0, bias=False, dtype=np.float64),
    nn.Embedding(5, 2, rng=0),
    nn.PooledEmbedding(5, 2, rng=0, pooling="weighted", word_dropout=0.25),
    nn.FixedPooledEmbedding(5, 2, rng=0, pooling="max", dtype=np.float64),
    nn.Embedding(5, 2, rng=0, padding_idx=3, dtype=np.float64),
    nn.Dropout(0.25),
    nn.LayerNorm(3, eps=1e-3),
    nn.BatchNorm(3, momentum=0.01, dtype=np.float64),
    nn.Chain(3, dtype=np.float64),
    nn.Activation("leaky_relu", negative_slope=0.3),
    nn.Flatten(),
    nn.GaussianNoise(0.25),
    nn.Residual(nn.Linear(2, 2, rng=0)),
    nn.Residual(nn.Linear(2, 3, rng=0), shortcut=nn.Linear(2, 3, rng=1, bias=False)),
    nn.Polynomial(3, 2, terms="interactions"),
    nn.RadialBasis(np.eye(3), 0.5),
    nn.Fourier(nn.harmonics(2, 3), dtype=np.float64),
    nn.Kernel(np.eye(3), "poly", degree=2, gamma=0.5, dtype=np.float64),
    nn.Sequential(),
    nn.Sequential(
        nn.Linear(4, 8, rng=0), nn.BatchNorm(8), "relu", nn.Dropout(0.1),
        nn.Residual(nn.Sequential(nn.Linear(8, 8, rng=1), "gelu")), nn.Linear(8, 2, rng=2),
    ),
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_network_survives_json(model):
    rebuilt = nn.from_config(json.loads(json.dumps(model.config())))
    assert type(rebuilt) is type(model)
    assert rebuilt.config() == model.config()
    loaded = nn.load_parameters(rebuilt, nn.named_parameters(model) | nn.named_buffers(model))
    assert flatten(loaded)[1] == flatten(model)[1]
    for name, array in nn.named_parameters(model).items():
        restored = nn.named_parameters(loaded)[name]
        np.testing.assert_array_equal(restored, array)
        assert restored.dtype == array.dtype


def test_every_layer_can_be_configured():
    assert {type(model).__name__ for model in MODELS} == set(nn.LAYERS)


def test_weights_are_left_out():
    rebuilt = nn.from_config(nn.Linear(2, 2, rng=0).config())
    assert not rebuilt.weight.any()
    assert "weight" not in json.dumps(nn.Linear(2, 2, rng=0).config())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "mapping"),
        ([], "mapping"),
        ({}, "mapping"),
        ({"layer": 3}, "mapping"),
        ({"layer": "os.system"}, "no layer 'os.system'"),
        ({"layer": "Module"}, "no layer 'Module'"),
        ({"layer": "__import__"}, "no layer"),
        ({"layer": "Linear"}, "Linear is not valid"),
        ({"layer": "Linear", "in_features": 2, "out_features": 2, "rng": 0}, "not valid"),
        ({"layer": "Linear", "in_features": 2, "out_features": 2, "evil": 0}, "not valid"),
        ({"layer": "Linear", "in_features": -2, "out_features": 2}, "in_features"),
        ({"layer": "Linear", "in_features": "2", "out_features": 2}, "in_features"),
        ({"layer": "Linear", "in_features": 2, "out_features": 2, "dtype": "O"}, "dtype"),
        ({"layer": "Linear", "in_features": 2, "out_features": 2, "dtype": "nope"}, "not valid"),
        ({"layer": "Activation", "function": "eval"}, "function must be"),
        ({"layer": "Activation", "function": {"layer": "Flatten"}}, "function must be"),
        ({"layer": "Sequential", "layers": 5}, "not valid"),
        ({"layer": "Sequential", "layers": ["relu"]}, "mapping"),
        ({"layer": "Residual", "inner": {"layer": "?"}}, "no layer"),
        ({"layer": "Dropout", "p": [0.5]}, "p must be"),
        ({"layer": "Polynomial", "in_features": 3, "terms": "os"}, "terms must be"),
        ({"layer": "Kernel", "shape": [2, -1]}, "columns must be"),
        ({"layer": "Kernel", "shape": 5}, "not valid"),
        ({"layer": "Kernel", "shape": [2, 2], "kernel": "eval"}, "kernel must be"),
        ({"layer": "Fourier", "shape": ["a", 2]}, "rows must be"),
    ],
    ids=str,
)
def test_other_configurations_are_refused(config, message):
    with pytest.raises(ArgumentError, match=message):
        nn.from_config(config)


def test_functions_have_no_configuration():
    with pytest.raises(UnsupportedError, match="Activation"):
        nn.Sequential(np.sin).config()
