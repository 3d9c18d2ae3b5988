"""Initial weights: variances by the papers' formulas, PyTorch's fans, determinism, refusals."""

import functools
import math

import numpy as np
import pytest

from chainrule import nn
from chainrule.errors import ArgumentError, ShapeError

SHAPE = (300, 200)
FAN_IN, FAN_OUT = 200, 300

# Name -> (function, standard deviation, largest magnitude or None)
SPREADS = {
    "normal": (functools.partial(nn.normal, std=0.3), 0.3, None),
    "uniform": (functools.partial(nn.uniform, low=-0.3, high=0.3), 0.3 / math.sqrt(3), 0.3),
    "fan_in_uniform": (nn.fan_in_uniform, 1 / math.sqrt(3 * FAN_IN), FAN_IN**-0.5),
    "xavier_uniform": (
        functools.partial(nn.xavier_uniform, gain=5 / 3),
        5 / 3 * math.sqrt(2 / (FAN_IN + FAN_OUT)),
        5 / 3 * math.sqrt(6 / (FAN_IN + FAN_OUT)),
    ),
    "xavier_normal": (nn.xavier_normal, math.sqrt(2 / (FAN_IN + FAN_OUT)), None),
    "kaiming_uniform": (nn.kaiming_uniform, math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN)),
    "kaiming_normal": (nn.kaiming_normal, math.sqrt(2 / FAN_IN), None),
    "kaiming fan_out": (
        functools.partial(nn.kaiming_normal, mode="fan_out"), math.sqrt(2 / FAN_OUT), None,
    ),
    "kaiming leaky": (
        functools.partial(nn.kaiming_normal, nonlinearity="leaky_relu", negative_slope=1.0),
        math.sqrt(1 / FAN_IN),
        None,
    ),
    "lecun_uniform": (nn.lecun_uniform, FAN_IN**-0.5, math.sqrt(3 / FAN_IN)),
    "lecun_normal": (nn.lecun_normal, FAN_IN**-0.5, None),
}  # fmt: skip


@pytest.mark.parametrize(("function", "std", "bound"), SPREADS.values(), ids=SPREADS)
def test_spreads(function, std, bound):
    drawn = function(SHAPE, np.random.default_rng(0))
    assert drawn.shape == SHAPE
    assert drawn.mean() == pytest.approx(0.0, abs=4 * std / math.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(std, rel=0.02)
    if bound is not None:
        assert 0.99 * bound < np.abs(drawn).max() <= bound


def test_fans_are_torchs():
    assert nn.fans((8, 4)) == (4, 8)
    assert nn.fans((8, 4, 3, 3)) == (36, 72)
    for shape in ((), (3,)):
        with pytest.raises(ShapeError, match="two axes"):
            nn.fans(shape)


def test_gains_are_torchs():
    known = {
        "identity": 1.0, "linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + 0.01**2)), "selu": 0.75,
    }  # fmt: skip
    for name, expected in known.items():
        assert nn.gain(name) == pytest.approx(expected)
    assert nn.gain("leaky_relu", 0.5) == pytest.approx(math.sqrt(1.6))
    with pytest.raises(ArgumentError, match="'tanh'"):
        nn.gain("than")


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3)])
def test_orthogonal(shape):
    drawn = nn.orthogonal(shape, np.random.default_rng(0), gain=2.0)
    assert drawn.shape == shape
    flat = drawn.reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_has_both_orientations():
    rng = np.random.default_rng(0)
    signs = {np.sign(np.linalg.det(nn.orthogonal((3, 3), rng))) for _ in range(20)}
    assert signs == {-1.0, 1.0}


def test_sparse_rows():
    drawn = nn.sparse((50, 20), np.random.default_rng(0), sparsity=0.72, std=0.5)
    assert (np.count_nonzero(drawn, axis=1) == 20 - math.ceil(0.72 * 20)).all()
    assert drawn[drawn != 0].std() == pytest.approx(0.5, rel=0.15)
    assert len({tuple(row) for row in drawn != 0}) > 40
    with pytest.raises(ShapeError, match="matrix"):
        nn.sparse((3,), np.random.default_rng(0))


def test_constants():
    assert not nn.zeros((2, 3)).any()
    assert (nn.constant((2,), value=3.0) == 3.0).all()


@pytest.mark.parametrize("name", nn.INITIALISERS)
def test_each_is_deterministic_and_serves_a_layer(name):
    first = nn.INITIALISERS[name]((4, 3), np.random.default_rng(5))
    np.testing.assert_array_equal(first, nn.INITIALISERS[name]((4, 3), np.random.default_rng(5)))
    layer = nn.Linear(3, 4, rng=0, weight_init=name)
    assert layer.weight.dtype == np.float32
    assert layer.weight.shape == (4, 3)


@pytest.mark.parametrize("name", nn.INITIALISERS)
def test_empty_weights(name):
    if name in ("sparse", "orthogonal"):
        return
    assert nn.INITIALISERS[name]((2, 0), np.random.default_rng(0)).shape == (2, 0)


def test_bad_arguments_are_refused():
    rng = np.random.default_rng(0)
    for call in (
        lambda: nn.normal((2,), rng, std=-1.0),
        lambda: nn.uniform((2,), rng, low=1.0, high=0.0),
        lambda: nn.sparse((2, 2), rng, sparsity=1.0),
        lambda: nn.kaiming_normal((2, 2), rng, mode="fan"),
        lambda: nn.initial("nothing", (2, 2), rng, np.float32),
    ):
        with pytest.raises(ArgumentError):
            call()


def test_seeds_and_places_for_weights():
    np.testing.assert_array_equal(
        nn.initial("normal", (2, 2), 3, np.float64),
        nn.initial("normal", (2, 2), np.random.default_rng(3), np.float64),
    )
    assert not nn.initial("normal", (2, 2), None, np.float32).any()
