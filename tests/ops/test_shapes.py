"""Shapes, dtypes and layouts: NumPy's results, every element's gradient in its own place."""

import numpy as np
import pytest

from chainrule import Tensor, grad, vjp
from chainrule.errors import UnsupportedError

X = np.arange(12.0).reshape(3, 4)
window = np.lib.stride_tricks.sliding_window_view

REARRANGEMENTS = {
    "reshape": lambda x: np.reshape(x, (2, -1)),
    "ravel": np.ravel,
    "transpose": np.transpose,
    "permute": lambda x: np.permute_dims(x[None], (2, 0, 1)),
    "matrix_transpose": np.matrix_transpose,
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "moveaxis": lambda x: np.moveaxis(x[None], 0, -1),
    "rollaxis": lambda x: np.rollaxis(x[None], 2, 1),
    "squeeze": lambda x: np.squeeze(x[None]),
    "expand_dims": lambda x: np.expand_dims(x, (0, -1)),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "flip": np.flip,
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "rot90": lambda x: np.rot90(x, 3),
    "roll": lambda x: np.roll(x, (1, -2), (0, 1)),
    "diagonal": lambda x: np.diagonal(x, 1),
    "diagflat": lambda x: np.diagflat(x, -1),
    "tril": lambda x: np.tril(x, 1),
    "triu": np.triu,
    "tile": lambda x: np.tile(x, (2, 1, 2)),
    "repeat": lambda x: np.repeat(x, [2, 0, 1], axis=0),
    "pad": lambda x: np.pad(x, ((1, 0), (0, 2))),
    "pad dict": lambda x: np.pad(x, ((0, 0), (1, 2)), mode="edge"),
    "pad mirror": lambda x: np.pad(x, 2, mode="reflect"),
    "resize": lambda x: np.resize(x, (5, 5)),
    "delete": lambda x: np.delete(x, [0, 2], axis=1),
    "insert": lambda x: np.insert(x, [1, 1], 0.0, axis=1),
    "windows": lambda x: window(x, (2, 2)),
    "atleast_3d": np.atleast_3d,
    "copy": np.copy,
}


@pytest.mark.parametrize("arrange", REARRANGEMENTS.values(), ids=REARRANGEMENTS)
def test_each_element_collects_from_its_places(arrange):
    y, pullback = vjp(arrange, X)
    np.testing.assert_array_equal(y, arrange(X))
    places = arrange(np.arange(1, 13).reshape(3, 4))  # 0 marks what is filled in
    g = np.random.default_rng(0).normal(size=y.shape)
    expected = np.bincount(places.astype(int).ravel(), g.ravel(), 13)[1:].reshape(3, 4)
    np.testing.assert_allclose(pullback(g)[0], expected, rtol=1e-13, atol=1e-14)


def test_methods_take_shapes_as_arrays_do():
    t = Tensor(X)
    assert t.reshape(4, 3).shape == t.reshape((4, 3)).shape == (4, 3)
    assert t.transpose(1, 0).shape == t.transpose((1, 0)).shape == t.T.shape == (4, 3)
    assert t[None].mT.shape == (1, 4, 3)
    assert t.flatten().shape == t.ravel().shape == (12,)
    assert t.swapaxes(0, 1).shape == (4, 3)
    assert t[:, :1].squeeze(1).shape == (3,)


def test_a_conversion_keeps_the_derivative_and_the_dtypes():
    x = np.ones(3, np.float32)
    gradient = grad(lambda x: np.sum(x.astype(np.float64) ** 2))(x)
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient, [2.0, 2.0, 2.0])


def test_a_conversion_to_integers_carries_none():
    y = Tensor([1.7, -0.2]).astype(int)
    assert not isinstance(y, Tensor)
    np.testing.assert_array_equal(y, [1, 0])


def test_put_in_values_have_a_derivative():
    x, v = np.zeros((2, 3)), np.ones((2, 2))
    weights = np.arange(10.0).reshape(2, 5)
    by_x, by_v = grad(lambda x, v: np.sum(np.insert(x, [0, 3], v, axis=1) * weights), (0, 1))(x, v)
    np.testing.assert_array_equal(by_v, weights[:, [0, 4]])
    np.testing.assert_array_equal(by_x, weights[:, 1:4])


@pytest.mark.parametrize("order", ["F", "A"])
def test_other_orders_than_c_are_refused(order):
    with pytest.raises(UnsupportedError, match="C order"):
        np.reshape(Tensor(X), -1, order=order)
    with pytest.raises(UnsupportedError, match="C order"):
        np.ravel(Tensor(X), order)


def test_a_function_of_lines_gets_its_keywords():
    def scaled(line, *, factor):
        return factor * line

    gradient = grad(lambda x: np.sum(np.apply_along_axis(scaled, 1, x, factor=3.0)))(X)
    np.testing.assert_array_equal(gradient, np.full((3, 4), 3.0))
