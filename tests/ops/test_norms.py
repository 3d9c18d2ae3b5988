"""Norms: zero at zero, identities between orders, every order of NumPy's."""

import numpy as np
import pytest

from chainrule import check_grads, grad, hessian

ORDERS = [None, 1, 2, 3, 1.5, np.inf, -np.inf, -1, 0]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, np.inf, 4])
def test_gradient_of_a_vector_norm_at_zero_is_zero(order):
    np.testing.assert_array_equal(grad(lambda x: np.linalg.norm(x, order))(np.zeros(3)), 0.0)


@pytest.mark.parametrize("order", MATRIX_ORDERS)
def test_gradient_of_a_matrix_norm_at_zero_is_zero(order):
    gradient = grad(lambda x: np.linalg.norm(x, order))(np.zeros((2, 3)))
    np.testing.assert_array_equal(gradient, 0.0)


def test_rows_of_zeros_among_others():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    gradient = grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    np.testing.assert_allclose(gradient, [[0.6, 0.8], [0.0, 0.0]])
    second = hessian(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    assert np.any(second[0])
    assert not np.any(second[1])


def test_second_derivative_of_the_euclidean_norm():
    x = np.array([3.0, 4.0])
    expected = (np.eye(2) - np.outer(x, x) / 25.0) / 5.0
    np.testing.assert_allclose(hessian(np.linalg.norm)(x), expected, rtol=1e-14)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_vector_orders_equal_numpys(order, keepdims):
    x = np.random.default_rng(0).uniform(0.5, 2.0, (3, 4)) * np.array([1, -1, 1, -1])

    def norm(x):
        return np.linalg.norm(x, order, axis=1, keepdims=keepdims) * 1.0

    if order != 0:
        check_grads(norm, (x,), order=2)


def test_the_number_of_nonzero_elements_is_a_constant():
    counts = grad(lambda x: np.sum(x) * np.linalg.norm(x, 0))(np.array([1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(counts, [2.0, 2.0, 2.0])


def test_large_powers_do_not_overflow_in_the_gradient():
    x = np.array([3.0, 4.0]) * 1e3
    gradient = grad(lambda x: np.linalg.norm(x, 50))(x)
    assert gradient[1] == pytest.approx(1.0, abs=1e-6)


def test_nuclear_norm_of_a_symmetric_matrix_is_the_trace():
    a = np.array([[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(grad(lambda a: np.linalg.norm(a, "nuc"))(a), np.eye(2), atol=1e-12)


@pytest.mark.parametrize("order", [None, 1, 3])
def test_norms_of_complex_values(order):
    phases = np.exp(1j * np.arange(3.0))
    x = np.array([0.5, -1.0, 2.0])
    check_grads(lambda x: np.linalg.norm(x * phases + 0.2j, order), (x,), order=2)


@pytest.mark.parametrize("order", ["nope", 3])
def test_no_norm_of_a_matrix(order):
    with pytest.raises(ValueError, match="no norm of a matrix"):
        grad(lambda x: np.linalg.norm(x, order, axis=(0, 1)))(np.ones((2, 2)))
