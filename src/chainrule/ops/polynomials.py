"""Polynomials as arrays of coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed

PAIRS = [S((3,), (3,)), S((4,), (2,)), S((2,), (4,)), S((), (2,))]


@composed(np.polyval, samples=[
    S((4,), (3, 2)), S((1,), ()), S([1.0, 2.0, 3.0], (3,)), S((3,), 2.0), S((0,), (2,)),
])  # fmt: skip
def polyval(p: Any, x: Any) -> Any:
    """Value of a polynomial at `x`, by Horner's rule.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.polyval, (0, 1))(np.array([1.0, 0.0, 5.0]), 3.0)
    (array([9., 3., 1.]), np.float64(6.0))
    """
    y = np.zeros_like(x)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


def _same_length(a: Any, b: Any) -> tuple[Any, Any]:
    first, second = np.atleast_1d(a), np.atleast_1d(b)
    missing = len(second) - len(first)
    if missing > 0:
        first = np.concatenate([np.zeros(missing, np.result_type(a)), first])
    elif missing < 0:
        second = np.concatenate([np.zeros(-missing, np.result_type(b)), second])
    return first, second


@composed(np.polyadd, samples=PAIRS)
def polyadd(a1: Any, a2: Any) -> Any:
    """Sum of two polynomials.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda p: np.polyadd(p, np.ones(3))[1])(np.ones(2))
    array([1., 0.])
    """
    first, second = _same_length(a1, a2)
    return first + second


@composed(np.polysub, samples=PAIRS)
def polysub(a1: Any, a2: Any) -> Any:
    """Difference of two polynomials.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda p: np.polysub(np.ones(3), p)[1])(np.ones(2))
    array([-1., -0.])
    """
    first, second = _same_length(a1, a2)
    return first - second


@composed(np.polymul, samples=[
    *PAIRS[:3], S.raises(TypeError, lambda rng: np.array([0.0, 1.0]), (2,), match="leading"),
])  # fmt: skip
def polymul(a1: Any, a2: Any) -> Any:
    """Product of two polynomials, with leading coefficients that are not zero.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda p: np.sum(np.polymul(p, np.array([1.0, 10.0]))))(np.ones(2))
    array([11., 11.])
    """
    for p in (a1, a2):
        values = np.atleast_1d(p._value if isinstance(p, Tensor) else p)
        if not np.any(values[:1]):
            raise UnsupportedError(
                "polymul trims leading coefficients that are zero, so that the shape of its result "
                "depends on values: use np.convolve"
            )
    return np.convolve(np.atleast_1d(a1), np.atleast_1d(a2))


@composed(np.polyder, samples=[S((4,)), S((4,), 2), S((3,), 0), S((1,)), S((2,), 3)])
def polyder(p: Any, m: int = 1) -> Any:
    """Coefficients of the m-th derivative of a polynomial.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda p: np.sum(np.polyder(p)))(np.ones(3))
    array([2., 1., 0.])
    """
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composed(np.polyint, samples=[S((4,)), S((3,), 2), S((3,), 0), S((2,), m=2, k=[1.0, 2.0])])
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Coefficients of the m-th antiderivative of a polynomial, with constants `k`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda p: np.sum(np.polyint(p)))(np.ones(2))
    array([0.5, 1. ])
    """
    constants = np.broadcast_to(np.atleast_1d(0.0 if k is None else k), m)
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p
