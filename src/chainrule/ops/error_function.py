"""The error function and its complement, from NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, op

# Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
# Mathematics of Computation 23 (1969), p. 631-637, with the coefficients of his program CALERF
# (SPECFUN); highest power first. They are of erf(x) / x in x**2 up to 0.46875, of
# exp(x**2) * erfc(x) in x up to 4, and beyond of x**2 * (1/sqrt(pi) - x * exp(x**2) * erfc(x))
# in 1 / x**2.
_SMALL = (
    (
        1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
        3.77485237685302021e2, 3.20937758913846947e3,
    ),
    (
        1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)  # fmt: skip
_MIDDLE = (
    (
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
        6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
        1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
    ),
    (
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
        1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
        3.43936767414372164e3, 1.23033935480374942e3,
    ),
)  # fmt: skip
_LARGE = (
    (
        1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
        1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4,
    ),
    (
        1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1,
        6.05183413124413191e-2, 2.33520497626869185e-3,
    ),
)  # fmt: skip
_FIRST, _SECOND = 0.46875, 4.0


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], x: Any) -> Any:
    numerator, denominator = coefficients
    above, below = numerator[0], denominator[0]
    for a, b in zip(numerator[1:], denominator[1:], strict=True):
        above, below = above * x + a, below * x + b
    return above / below


def _erf_small(x: Any) -> Any:
    return x * _ratio(_SMALL, x * x)


def _gaussian(x: Any) -> Any:
    """``exp(-x**2)``, with the square split so that its rounding does not grow."""
    near = np.trunc(x * 16.0) / 16.0
    return np.exp(-near * near) * np.exp(-(x - near) * (x + near))


def _erfc_middle(x: Any) -> Any:
    return _gaussian(x) * _ratio(_MIDDLE, x)


def _erfc_large(x: Any) -> Any:
    x = np.minimum(x, 40.0)  # the result is 0 long before
    inverse = 1.0 / (x * x)
    return _gaussian(x) * (1.0 / math.sqrt(math.pi) - inverse * _ratio(_LARGE, inverse)) / x


def _floating(x: Any) -> Any:
    return np.asarray(x) if np.result_type(x).kind == "f" else np.asarray(x, float)


def _erfc_of_positive(x: Any) -> Any:
    """Complement beyond the first interval, where erfc needs no difference."""
    return np.piecewise(x, [x <= _SECOND], [_erfc_middle, _erfc_large])


def _erf(x: Any) -> Any:
    x = _floating(x)
    size = np.abs(x)
    far = lambda x: np.copysign(1.0 - _erfc_of_positive(np.abs(x)), x)
    return np.piecewise(x, [size <= _FIRST], [_erf_small, far])[()]


def _erfc(x: Any) -> Any:
    x = _floating(x)
    near = lambda x: 1.0 - _erf_small(x)
    left = lambda x: 2.0 - _erfc_of_positive(-x)
    cases = [np.abs(x) <= _FIRST, x < -_FIRST]
    return np.piecewise(x, cases, [near, left, _erfc_of_positive])[()]


WIDE = [S((3, 4)), S((3,), domain=(4.0, 6.0)), S((2, 3), domain=(-0.4, 0.4)), S(()), S((0, 2))]
SLOPE = 2.0 / math.sqrt(math.pi)


@op(_erf, kind=elementwise, samples=WIDE)
def erf(g: Any, y: Any, x: Any) -> Any:
    """Error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to `x`.

    Examples
    --------
    >>> import chainrule as cr
    >>> print(round(erf(0.5), 12), round(cr.grad(erf)(0.0), 12))
    0.520499877813 1.128379167096
    """
    return g * (SLOPE * np.exp(-x * x))


@op(_erfc, kind=elementwise, samples=WIDE)
def erfc(g: Any, y: Any, x: Any) -> Any:
    """Complementary error function ``1 - erf(x)``, accurate where that is small.

    Examples
    --------
    >>> import chainrule as cr
    >>> print(f"{erfc(10.0):.6g}", round(cr.grad(erfc)(0.0), 12))
    2.08849e-45 -1.128379167096
    """
    return -g * (SLOPE * np.exp(-x * x))
