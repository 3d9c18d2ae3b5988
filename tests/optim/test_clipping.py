"""Clipping: the norm over the whole tree, exploding gradients, dtypes."""

import math

import numpy as np
import pytest

from chainrule import nn, optim
from chainrule.errors import ArgumentError
from chainrule.graph import trace


def test_the_norm_is_that_of_all_gradients_together():
    grads = {"a": np.array([3.0, 0.0]), "b": [np.array([[4.0]])]}
    clipped, norm = optim.clip_grad_norm(grads, 1.0)
    assert norm == 5.0
    np.testing.assert_allclose(clipped["a"], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped["b"][0], [[0.8]], rtol=1e-6)
    np.testing.assert_array_equal(grads["a"], [3.0, 0.0])


def test_small_gradients_stay():
    clipped, norm = optim.clip_grad_norm([np.array([0.3, 0.4])], 1.0)
    assert norm == pytest.approx(0.5)
    np.testing.assert_array_equal(clipped[0], [0.3, 0.4])


def test_torchs_formula():
    clipped, _ = optim.clip_grad_norm([np.array([2.0])], 1.0)
    assert clipped[0][0] == 2.0 * (1.0 / (2.0 + 1e-6))


def test_exploding_float32_gradients_have_a_norm():
    clipped, norm = optim.clip_grad_norm([np.full(4, 1e30, np.float32)], 1.0)
    assert norm == pytest.approx(2e30, rel=1e-6)
    assert clipped[0].dtype == np.float32
    np.testing.assert_allclose(clipped[0], 0.5, rtol=1e-5)


@pytest.mark.parametrize("grads", [[np.zeros((0, 2))], [], {}])
def test_no_gradients_have_norm_0(grads):
    assert optim.clip_grad_norm(grads, 1.0)[1] == 0.0


def test_a_nan_is_not_hidden():
    clipped, norm = optim.clip_grad_norm([np.array([np.nan]), np.array([1.0])], 1.0)
    assert math.isnan(norm)
    assert np.isnan(clipped[0]).all()


def test_modules_and_traces():
    model = nn.Linear(3, 2, rng=0)
    clipped, norm = optim.clip_grad_norm(model, 0.1)
    assert isinstance(clipped, nn.Linear)
    graph = trace(lambda g: optim.clip_grad_norm(g, 0.1))(model)
    again, same = graph(model)
    assert same == norm
    np.testing.assert_array_equal(again.weight, clipped.weight)
    assert again.weight.dtype == np.float32


def test_values():
    grads = [np.array([-3.0, 0.5], np.float32), np.array([2.0])]
    clipped = optim.clip_grad_value(grads, 1.0)
    np.testing.assert_array_equal(clipped[0], np.array([-1.0, 0.5], np.float32))
    assert clipped[0].dtype == np.float32
    np.testing.assert_array_equal(clipped[1], [1.0])


@pytest.mark.parametrize("bound", [0.0, -1.0, math.nan, math.inf, None])
def test_bounds_are_positive(bound):
    with pytest.raises(ArgumentError, match="max_norm"):
        optim.clip_grad_norm([], bound)
    with pytest.raises(ArgumentError, match="clip_value"):
        optim.clip_grad_value([], bound)
