"""Products: shapes, the cost of gradients, messages, complex numbers between."""

import numpy as np
import pytest

from chainrule import Tensor, check_grads, grad
from chainrule.errors import ShapeError, UnsupportedError
from chainrule.ops.products import matmul


def test_gradients_of_a_product_are_computed_only_if_wanted():
    a, b = np.ones((2, 3)), np.ones((3, 4))
    rules = matmul.vjp(np.ones((2, 4)), a @ b, a, b)
    assert all(callable(rule) for rule in rules)


def test_gradients_of_a_product_take_transposed_views(monkeypatch):
    seen = []

    class Watched(np.ndarray):
        def __matmul__(self, other):
            seen.append((np.asarray(self), np.asarray(other)))
            return np.asarray(self) @ np.asarray(other)

    a, b = (np.ones(shape).view(Watched) for shape in ((2, 3), (3, 4)))
    g = np.ones((2, 4)).view(Watched)
    for rule in matmul.vjp(g, None, a, b):
        rule()
    assert np.shares_memory(seen[0][1], b)
    assert np.shares_memory(seen[1][0], a)


def test_weights_shared_by_a_stack_get_one_product():
    x, w = np.random.default_rng(0).normal(size=(5, 7, 3)), np.ones((3, 2))
    gradient = grad(lambda w: np.sum(np.sin(x @ w)))(w)
    rows = x.reshape(-1, 3)
    np.testing.assert_allclose(gradient, rows.T @ np.cos(rows @ w), rtol=1e-12)


def test_misfit_names_variables_shapes_line_and_repair():
    x, w = Tensor(np.ones((2, 3)), name="x"), Tensor(np.ones((4, 3)), name="w")
    with pytest.raises(
        ShapeError, match=r"x \(2, 3\), w \(4, 3\).*test_products\.py.*would fit with"
    ):
        x @ w


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda t: np.matmul(t, t, axes=[(-2, -1)] * 3), "axes"),
        (lambda t: np.matmul(t, t, out=np.ones((2, 2))), "out="),
        (lambda t: np.vecdot(t, t, axes=[-1, -1]), "axes"),
        (lambda t: np.einsum("ij->i", t, dtype=float), "dtype"),
    ],
)
def test_arguments_without_meaning_are_refused(function, match):
    with pytest.raises(UnsupportedError, match=match):
        function(Tensor(np.ones((2, 2))))


PHASES = np.exp(1j * np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * PHASES) @ (x * PHASES[::-1]).T,
        lambda x: np.vdot(x * PHASES, np.exp(1j * x)),
        lambda x: np.vecdot(x * PHASES, np.exp(1j * x)),
        lambda x: np.vecmat(x * PHASES, PHASES.T),
        lambda x: np.einsum("ij,kj->ik", x * PHASES, np.exp(1j * x)),
        lambda x: np.tensordot(x * PHASES, np.exp(1j * x)),
        lambda x: np.kron(x * PHASES, np.exp(1j * x)),
        lambda x: np.convolve((x * PHASES)[0], np.exp(1j * x)[1]),
        lambda x: np.correlate((x * PHASES)[0], np.exp(1j * x)[1], mode="same"),
    ],
)
def test_complex_values_between(function):
    def real(x):
        y = function(x)
        return np.real(y) * 0.3 + np.imag(y)

    check_grads(real, (np.random.default_rng(0).normal(size=(2, 3)),), order=2)


def test_lists_and_tensors_multiply():
    w = Tensor(np.array([1.0, 2.0]))
    for product in (np.dot([3.0, 4.0], w), np.inner([3.0, 4.0], w), [3.0, 4.0] @ w):
        w.grad = None
        product.backward()
        np.testing.assert_array_equal(w.grad, [3.0, 4.0])
    assert np.kron(w, [1.0, 1.0]).shape == (4,)
    assert np.cross([1.0, 0.0, 0.0], Tensor(np.ones(3))).shape == (3,)


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_traces_and_diagonals(offset):
    x = np.random.default_rng(0).normal(size=(3, 4))
    expected = np.eye(3, 4, offset)
    np.testing.assert_array_equal(grad(lambda x: np.trace(x, offset))(x), expected)
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(np.linalg.diagonal(x, offset=offset)))(x), expected
    )
