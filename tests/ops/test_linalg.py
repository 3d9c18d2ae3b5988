"""Inverses and systems: known identities, complex values, refusals."""

import numpy as np
import pytest

from chainrule import Tensor, check_grads, grad, jacobian
from chainrule.errors import UnsupportedError
from chainrule.ops.linalg import _splits, regular

RNG = np.random.default_rng(0)
A, B = regular(3, 3)(RNG), RNG.normal(size=(3, 2))


def test_solving_and_multiplying_by_the_inverse_have_equal_gradients():
    by_solve = grad(lambda a, b: np.sum(np.sin(np.linalg.solve(a, b))), (0, 1))(A, B)
    by_inverse = grad(lambda a, b: np.sum(np.sin(np.linalg.inv(a) @ b)), (0, 1))(A, B)
    for one, other in zip(by_solve, by_inverse, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_pseudo_inverse_of_a_regular_matrix_is_the_inverse():
    found = grad(lambda a: np.sum(np.sin(np.linalg.pinv(a))))(A)
    expected = grad(lambda a: np.sum(np.sin(np.linalg.inv(a))))(A)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_pseudo_inverse_at_constant_rank():
    left, right = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 3))
    check_grads(lambda a, b: np.linalg.pinv(a @ b, rcond=1e-8), (left, right))


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (3, 3)])
def test_least_squares_is_the_pseudo_inverse_times_the_target(shape):
    a, b = regular(*shape)(RNG), RNG.normal(size=shape[0])
    one = grad(lambda a, b: np.sum(np.linalg.lstsq(a, b)[0] ** 3), (0, 1))(a, b)
    other = grad(lambda a, b: np.sum((np.linalg.pinv(a) @ b) ** 3), (0, 1))(a, b)
    for x, y in zip(one, other, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


def test_all_results_of_least_squares_equal_numpys():
    for a, b in ((regular(5, 2)(RNG), RNG.normal(size=5)), (A, B), (A[:2], B[:2])):
        found, expected = np.linalg.lstsq(Tensor(a), b), np.linalg.lstsq(a, b)
        assert found[2] == expected[2]
        for i in (0, 1, 3):
            value = found[i].value if isinstance(found[i], Tensor) else found[i]
            np.testing.assert_allclose(value, expected[i], rtol=1e-12)


def test_singular_systems_say_so():
    with pytest.raises(np.linalg.LinAlgError, match=r"inv of w \(2, 2\): Singular"):
        np.linalg.inv(Tensor(np.ones((2, 2)), name="w"))


def test_gradient_by_matrix_alone_of_a_stack_of_systems():
    stack = regular(4, 3, 3)(RNG)
    found = grad(lambda a: np.sum(np.linalg.solve(a, np.ones(3))))(stack)
    each = [grad(lambda a: np.sum(np.linalg.solve(a, np.ones(3))))(a) for a in stack]
    np.testing.assert_allclose(found, each, rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.linalg.inv(a * np.exp(1j * A)),
        lambda a: np.linalg.solve(a * np.exp(1j * A), B * (1.0 + 2j)),
        lambda a: np.linalg.matrix_power(a * np.exp(1j * A), 3),
    ],
)
def test_complex_values_between(function):
    check_grads(lambda a: np.real(function(a)) + 0.3 * np.imag(function(a)), (A,), order=2)


def test_complex_pseudo_inverse_is_refused():
    with pytest.raises(UnsupportedError, match="pinv of complex"):
        grad(lambda a: np.sum(np.real(np.linalg.pinv(a * (1 + 1j)))))(A)


def test_chain_order_has_the_fewest_multiplications():
    # The example of Cormen et al.: ((A1 (A2 A3)) ((A4 A5) A6)).
    splits = _splits([30, 35, 15, 5, 10, 20, 25])
    assert splits[0, 5] == 2
    assert splits[0, 2] == 0
    assert splits[3, 5] == 4


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 4, 7])
def test_matrix_powers(n):
    power = np.linalg.matrix_power(Tensor(A), n)
    value = power.value if isinstance(power, Tensor) else power
    np.testing.assert_allclose(value, np.linalg.matrix_power(A, n), rtol=1e-12, atol=1e-14)


def test_inverse_and_tensorinv_agree():
    a = regular(6, 6)(RNG).reshape(2, 3, 6)
    found = jacobian(np.linalg.tensorinv)(a).reshape(36, 36)
    expected = jacobian(np.linalg.inv)(a.reshape(6, 6)).reshape(36, 36)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "function", [np.linalg.eig, np.linalg.eigvals, np.roots, np.poly], ids=lambda f: f.__name__
)
def test_what_may_turn_complex_is_refused_by_name(function):
    with pytest.raises(UnsupportedError, match=function.__name__):
        function(Tensor(A))
