"""Dense networks: what stands between their layers, and rebuilding from a configuration."""

import json

import numpy as np
import pytest

from chainrule import nn
from chainrule.errors import ArgumentError

RNG = np.random.default_rng(0)


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


def test_hidden_layers_have_what_is_asked_for_and_the_last_has_nothing():
    model = nn.dense([3, 5, 4, 2], RNG, activation=["tanh", np.sin], dropout=[0.0, 0.5])
    assert kinds(model) == [
        "Linear", "Activation", "Linear", "Activation", "Dropout", "Linear",
    ]  # fmt: skip
    x = RNG.normal(size=(6, 3)).astype(np.float32)
    first, second, last = (layer for layer in model.layers if isinstance(layer, nn.Linear))
    np.testing.assert_array_equal(model(x), last(np.sin(second(np.tanh(first(x))))))
    for name, kind in (("batch", "BatchNorm"), ("layer", "LayerNorm")):
        normalised = nn.dense([3, 5, 2], RNG, normalization=name, dtype=np.float64)
        assert kinds(normalised) == ["Linear", kind, "Activation", "Linear"]
        assert {p.dtype for p in nn.named_parameters(normalised).values()} == {np.dtype(float)}
    assert kinds(nn.dense([3, 2], RNG)) == ["Linear"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"activation": ["relu"]}, "activation has 1 values for 2 hidden layers"),
        ({"dropout": [0.1, 0.2, 0.3]}, "dropout has 3 values for 2 hidden layers"),
        ({"normalization": "group"}, "normalization must be one of None, 'batch', 'layer'"),
    ],
)
def test_what_does_not_fit_is_refused(options, match):
    with pytest.raises(ArgumentError, match=match):
        nn.dense([3, 5, 4, 2], RNG, **options)


def test_rectifiers_start_wider():
    relu, tanh = (
        nn.dense([400, 400, 1], np.random.default_rng(0), activation=name).layers[0].weight
        for name in ("relu", "tanh")
    )
    assert np.abs(relu).max() == pytest.approx(np.sqrt(6 / 400), rel=1e-3)
    assert np.abs(tanh).max() == pytest.approx(np.sqrt(6 / 800), rel=1e-3)


def test_a_network_is_rebuilt_from_its_configuration():
    network = nn.TableNetwork(
        2, [(5, 3)], [4, 6, 1], RNG, activation=["relu", "tanh"], dropout=0.5,
        normalization="layer", dtype=np.float64,
    )  # fmt: skip
    config = json.loads(json.dumps(network.config()))
    again = nn.TableNetwork.from_config(config)
    assert again.config() == network.config()
    rows = {"numbers": RNG.normal(size=(4, 2)), "codes": RNG.integers(0, 5, (4, 1))}
    same = nn.load_parameters(again, nn.named_parameters(network))
    np.testing.assert_array_equal(same(rows), network(rows))
    for damaged in (
        {},
        {**config, "sizes": None},
        {**config, "extra": 1},
        {**config, "embedded": 3},
    ):
        with pytest.raises(ArgumentError):
            nn.TableNetwork.from_config(damaged)
