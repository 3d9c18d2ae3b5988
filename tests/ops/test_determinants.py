"""Determinants: singular matrices have gradients, and second derivatives too."""

import numpy as np
import pytest

from chainrule import Tensor, grad, hessian
from chainrule.errors import NotDifferentiableError, UnsupportedError


def adjugate(a):
    """The transpose of the cofactors, from minors."""
    n = len(a)
    minors = [
        [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) * (-1) ** (i + j) for i in range(n)]
        for j in range(n)
    ]
    return np.array(minors)


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_gradient_is_the_adjugate_at_every_rank(rank):
    rng = np.random.default_rng(rank)
    a = rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 4))
    np.testing.assert_allclose(grad(np.linalg.det)(a), adjugate(a).T, atol=1e-12)


def test_second_derivatives_at_the_zero_and_identity_matrix():
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1.0
    expected[0, 1, 1, 0] = expected[1, 0, 0, 1] = -1.0
    for a in (np.zeros((2, 2)), np.eye(2), np.ones((2, 2))):
        np.testing.assert_allclose(hessian(np.linalg.det)(a), expected, atol=1e-14)


def test_third_derivative_is_refused_by_name():
    def of_line(t):
        return np.linalg.det(t * np.eye(3))

    assert grad(grad(of_line))(2.0) == pytest.approx(12.0)
    with pytest.raises(NotDifferentiableError, match="slogdet"):
        grad(grad(grad(of_line)))(2.0)


def test_large_determinants_do_not_overflow_in_the_logarithm():
    a = np.eye(400) * 1e10
    np.testing.assert_allclose(grad(lambda a: np.linalg.slogdet(a)[1])(a), np.eye(400) * 1e-10)


def test_sign_is_a_constant_and_the_result_named():
    found = np.linalg.slogdet(Tensor(np.diag([-2.0, 3.0])))
    assert found.sign == -1.0
    assert not isinstance(found.sign, Tensor)
    assert isinstance(found.logabsdet, Tensor)
    assert type(found) is type(np.linalg.slogdet(np.eye(2)))


def test_complex_determinants():
    a = np.random.default_rng(0).normal(size=(3, 3))
    rotation = np.exp(1j * np.arange(9.0).reshape(3, 3))

    def real(a):
        return np.real(np.linalg.det(a * rotation))

    eps = 1e-6
    move = np.random.default_rng(1).normal(size=(3, 3))
    difference = (real(a + eps * move) - real(a - eps * move)) / (2 * eps)
    assert np.sum(grad(real)(a) * move) == pytest.approx(difference, rel=1e-7)
    with pytest.raises(UnsupportedError, match="complex"):
        grad(lambda a: np.linalg.slogdet(a * rotation)[1])(a)
