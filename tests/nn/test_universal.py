"""Networks of steps: nothing is trained, and the error falls as the theorem says."""

import numpy as np
import pytest

from chainrule import nn
from chainrule.errors import ArgumentError


def wave(x):
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


@pytest.mark.parametrize("n_bumps", [1, 7, 50])
def test_steps_give_the_height_within_each_bump(n_bumps):
    made = nn.step_network(wave, -1.0, 2.0, n_bumps)
    middles = -1.0 + 3.0 * (np.arange(n_bumps) + 0.5) / n_bumps
    np.testing.assert_allclose(made.network(middles[:, None])[:, 0], wave(middles), rtol=1e-9)
    assert made.network.layers[0].weight.shape == (2 * n_bumps, 1)
    outside = made.network(np.array([[-4.1], [5.1]]))
    np.testing.assert_allclose(outside, 0.0, atol=1e-12)


def test_the_error_is_below_its_bound():
    slope = 0.8 + 0.3 * (1 + 15) + 2.5  # at most, on [0, 1]
    for n_bumps in (10, 100, 500):
        assert nn.step_network(wave, n_bumps=n_bumps).error < slope / (2 * n_bumps)


@pytest.mark.parametrize("activation", ["binary_step", "sigmoid"])
def test_twice_the_bumps_are_half_the_error(activation):
    errors = [
        nn.step_network(wave, n_bumps=n, activation=activation).error for n in (100, 200, 400)
    ]
    assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.1)
    assert errors[2] / errors[1] == pytest.approx(0.5, abs=0.1)


def test_steeper_sigmoids_come_nearer_to_steps():
    sharp = nn.step_network(np.cos, n_bumps=5).network
    x = np.linspace(0.02, 0.98, 40)[:, None]
    distances = [
        np.max(np.abs(nn.step_network(
            np.cos, n_bumps=5, activation="sigmoid", steepness=steepness
        ).network(x) - sharp(x)))
        for steepness in (10.0, 100.0, 1000.0)
    ]  # fmt: skip
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-6


@pytest.mark.parametrize(
    ("function", "options", "match"),
    [
        (wave, {"low": 1.0}, "low must be below high"),
        (wave, {"n_bumps": 0}, "n_bumps must be"),
        (wave, {"activation": "relu"}, "activation must be"),
        (wave, {"steepness": 0.0}, "steepness must be"),
        (lambda x: 1.0, {}, "one number for each"),
        (lambda x: np.where(x > 0.5, np.nan, x), {}, "not finite at 0.5"),
    ],
)
def test_what_cannot_be_is_refused(function, options, match):
    with pytest.raises(ArgumentError, match=match):
        nn.step_network(function, **options)
