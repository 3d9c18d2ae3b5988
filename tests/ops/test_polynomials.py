"""Polynomials: the rules of calculus between them."""

import numpy as np
import pytest

from chainrule import Tensor, check_grads, grad
from chainrule.errors import UnsupportedError

P, Q = np.array([2.0, -1.0, 3.0]), np.array([1.0, 4.0])


def test_derivative_in_x_is_polyder():
    x = np.array([-1.0, 0.0, 2.5])
    found = grad(lambda x: np.sum(np.polyval(P, x)))(x)
    np.testing.assert_allclose(found, np.polyval(np.polyder(P), x))


def test_derivative_in_the_coefficients_is_the_powers():
    np.testing.assert_allclose(grad(np.polyval)(P, 2.0), [4.0, 2.0, 1.0])


def test_fundamental_theorem():
    def there_and_back(p):
        return np.polyder(np.polyint(p, k=7.0)) ** 3

    np.testing.assert_allclose(grad(lambda p: np.sum(there_and_back(p)))(P), 3 * P**2)


def test_value_of_a_product_is_the_product_of_values():
    check_grads(lambda p, q: np.polyval(np.polymul(p, q), 0.7), (P, Q), order=2)
    found = grad(lambda p: np.polyval(np.polymul(p, Q), 0.7))(P)
    np.testing.assert_allclose(found, np.polyval(Q, 0.7) * np.array([0.49, 0.7, 1.0]))


@pytest.mark.parametrize(
    ("function", "args"), [(np.polyfit, (P, 1)), (np.polydiv, (Q,)), (np.roots, ())]
)
def test_what_depends_on_values_is_refused_by_name(function, args):
    with pytest.raises(UnsupportedError, match=function.__name__):
        function(Tensor(P), *args)
