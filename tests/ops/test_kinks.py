"""The conventions at points without a derivative: stated, kept, and true subgradients."""

from pathlib import Path

import numpy as np
import pytest
import scipy.special as sp

import chainrule as cr
import chainrule.ops.special
from chainrule import ops
from chainrule.ops.kinks import conventions, conventions_table

TABLE = Path(__file__).resolve().parents[2] / "docs" / "conventions.md"

# op, function of one number, the point, the derivative that is promised there
FINITE = [
    ("absolute", np.abs, 0.0, 0.0),
    ("fabs", np.fabs, 0.0, 0.0),
    ("copysign", lambda x: np.copysign(x, 1.0), 0.0, 0.0),
    ("maximum", lambda x: np.maximum(x, 2.0), 2.0, 0.5),
    ("maximum", lambda x: np.maximum(2.0, x), 2.0, 0.5),
    ("maximum", lambda x: np.maximum(x, x), 2.0, 1.0),
    ("minimum", lambda x: np.minimum(x, 2.0), 2.0, 0.5),
    ("minimum", lambda x: np.minimum(2.0, x), 2.0, 0.5),
    ("fmax", lambda x: np.fmax(x, 2.0), 2.0, 0.5),
    ("fmin", lambda x: np.fmin(2.0, x), 2.0, 0.5),
    ("clip", lambda x: np.clip(x, -1.0, 1.0), 1.0, 1.0),
    ("clip", lambda x: np.clip(x, -1.0, 1.0), -1.0, 1.0),
    ("clip", lambda x: np.clip(1.0, -1.0, x), 1.0, 0.0),
    ("clip", lambda x: np.clip(-1.0, x, 1.0), -1.0, 0.0),
    ("relu", cr.relu, 0.0, 0.0),
    ("relu", lambda x: cr.relu(x, at_zero=1.0), 0.0, 1.0),
    ("relu", lambda x: cr.relu(x, at_zero=0.5), 0.0, 0.5),
    ("leaky_relu", lambda x: cr.leaky_relu(x, negative_slope=0.2), 0.0, 0.2),
    ("elu", lambda x: cr.elu(x, alpha=0.5), 0.0, 0.5),
    ("selu", ops.selu, 0.0, ops.activations.SELU_SCALE * ops.activations.SELU_ALPHA),
    ("hard_tanh", ops.hard_tanh, 1.0, 0.0),
    ("hard_tanh", ops.hard_tanh, -1.0, 0.0),
    ("hypot", lambda x: np.hypot(x, 0.0), 0.0, 0.0),
    ("hypot", lambda x: np.hypot(0.0, x), 0.0, 0.0),
    ("interp", lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]), 1.0, 1.0),
    ("interp", lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]), 2.0, 1.0),
    ("interp", lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]), 0.0, 3.0),
    ("i0e", sp.i0e, 0.0, 0.0),
]

# the same where the function jumps, or has no finite slope, so that no subgradient binds it
OTHER = [
    ("remainder", lambda x: np.remainder(x, 2.0), 4.0, 1.0),
    ("remainder", lambda b: np.remainder(4.0, b), 2.0, -2.0),
    ("fmod", lambda x: np.fmod(x, 2.0), 4.0, 1.0),
    ("fmod", lambda b: np.fmod(-4.0, b), 2.0, 2.0),
    ("modf", lambda x: np.modf(x)[0], 3.0, 1.0),
    ("arctan2", lambda x: np.arctan2(x, 0.0), 0.0, 0.0),
    ("arctan2", lambda x: np.arctan2(0.0, x), 0.0, 0.0),
    ("power", lambda x: np.power(x, 0.0), 0.0, 0.0),
    ("power", lambda x: x ** np.array(0.0), 0.0, 0.0),
    ("power", lambda b: np.power(0.0, b), 2.0, 0.0),
    ("float_power", lambda x: np.float_power(x, 0), 0.0, 0.0),
    ("logaddexp", lambda x: np.logaddexp(x, -np.inf), -np.inf, 0.5),
    ("logaddexp2", lambda x: np.logaddexp2(x, -np.inf), -np.inf, 0.5),
    ("logsumexp", lambda x: cr.logsumexp(np.stack([x, -np.inf])), -np.inf, 0.5),
    ("xlogy", lambda x: sp.xlogy(x, 0.0), 0.0, 0.0),
    ("xlogy", lambda y: sp.xlogy(0.0, y), 0.0, 0.0),
    ("xlog1py", lambda x: sp.xlog1py(x, -1.0), 0.0, 0.0),
    ("xlog1py", lambda y: sp.xlog1py(0.0, y), -1.0, 0.0),
]

# an infinite slope; nothing comes through where nothing comes in
INFINITE = [
    ("sqrt", np.sqrt, 0.0, np.inf),
    ("cbrt", np.cbrt, 0.0, np.inf),
    ("power", lambda x: x**0.5, 0.0, np.inf),
    ("float_power", lambda x: np.float_power(x, 0.5), 0.0, np.inf),
    ("arcsin", np.arcsin, 1.0, np.inf),
    ("arcsin", np.arcsin, -1.0, np.inf),
    ("arccos", np.arccos, 1.0, -np.inf),
    ("arccosh", np.arccosh, 1.0, np.inf),
    ("entr", sp.entr, 0.0, np.inf),
]


def label(row):
    return f"{row[0]}-{row[2]}"


@pytest.mark.parametrize("row", FINITE + OTHER, ids=label)
def test_the_promised_derivative(row):
    _, function, point, expected = row
    assert cr.grad(function)(point) == pytest.approx(expected, abs=1e-15)
    both = cr.jvp(function, (point,), (1.0,))[1]
    assert both == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("row", FINITE, ids=label)
def test_it_lies_between_the_slopes_of_both_sides(row):
    _, function, point, _ = row
    h = 1e-6
    left = (function(point) - function(point - h)) / h
    right = (function(point + h) - function(point)) / h
    low, high = sorted((left, right))
    assert low - 1e-5 <= cr.grad(function)(point) <= high + 1e-5


@pytest.mark.parametrize("row", FINITE, ids=label)
def test_on_either_side_it_is_the_slope_of_that_side(row):
    _, function, point, _ = row
    for side in (-1e-3, 1e-3):
        x, h = point + side, 1e-6
        slope = (function(x + h) - function(x - h)) / (2 * h)
        assert cr.grad(function)(x) == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("row", INFINITE, ids=label)
def test_an_infinite_slope_is_infinite_and_lets_no_zero_become_nan(row):
    _, function, point, expected = row
    with np.errstate(divide="ignore"):
        assert cr.grad(function)(point) == expected
    inside = abs(point) != 1.0 or function is np.arccosh
    other = 0.5 + point if inside else 0.5 * point
    masked = cr.grad(lambda x: np.sum(np.where(x == point, 0.0, function(x))))
    gradient = masked(np.array([point, other]))
    assert gradient[0] == 0.0
    assert np.isfinite(gradient[1])
    assert gradient[1] != 0.0


def test_maximum_gives_both_halves():
    a, b = cr.grad(lambda a, b: np.sum(np.maximum(a, b)), (0, 1))(np.ones(3), np.ones(3))
    np.testing.assert_array_equal(a, np.full(3, 0.5))
    np.testing.assert_array_equal(a + b, np.ones(3))


@pytest.mark.parametrize("ufunc", [np.fmax, np.fmin])
def test_nan_takes_no_gradient_from_a_number(ufunc):
    assert cr.grad(ufunc, (0, 1))(1.0, np.nan) == (1.0, 0.0)
    assert cr.grad(ufunc, (0, 1))(np.nan, 1.0) == (0.0, 1.0)


def test_crossed_bounds_give_everything_to_the_upper():
    gradient = cr.grad(lambda x, low, high: np.clip(x, low, high), (0, 1, 2))(0.0, 2.0, 1.0)
    assert gradient == (0.0, 0.0, 1.0)


def test_every_convention_of_these_families_is_tested():
    mine = {"arithmetic", "exponential", "trigonometric", "selection", "activations", "special"}
    stated = {
        entry.name
        for entry in cr.graph.REGISTRY
        if entry.kink and entry.__module__.rpartition(".")[2] in mine
    }
    assert stated <= {row[0] for row in FINITE + OTHER + INFINITE}


def test_the_documented_table_is_that_of_the_registry():
    assert TABLE.read_text(encoding="utf-8") == conventions_table(), (
        "docs/conventions.md is out of date: write chainrule.ops.kinks.conventions_table() to it"
    )
    assert cr.conventions is conventions
