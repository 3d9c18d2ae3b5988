"""Exponentials and logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, op
from chainrule.ops.activations import sigmoid
from chainrule.ops.arithmetic import ONE, PAIRS, POSITIVE

LN2, LN10 = math.log(2.0), math.log(10.0)


@op(np.exp, kind=elementwise, samples=ONE)
def exp(g: Any, y: Any, x: Any) -> Any:
    """``e ** x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.exp)(0.0)
    np.float64(1.0)
    """
    return g * y


@op(np.exp2, kind=elementwise, samples=ONE)
def exp2(g: Any, y: Any, x: Any) -> Any:
    """``2 ** x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.exp2)(0.0), 12))
    0.69314718056
    """
    return LN2 * g * y


@op(np.expm1, kind=elementwise, samples=ONE)
def expm1(g: Any, y: Any, x: Any) -> Any:
    """``e ** x - 1``, accurate near 0.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.expm1)(0.0)
    np.float64(1.0)
    """
    return g * np.exp(x)


@op(np.log, kind=elementwise, samples=POSITIVE)
def log(g: Any, y: Any, x: Any) -> Any:
    """Natural logarithm.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.log)(2.0)
    np.float64(0.5)
    """
    return g / x


@op(np.log2, kind=elementwise, samples=POSITIVE)
def log2(g: Any, y: Any, x: Any) -> Any:
    """Logarithm to base 2.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.log2)(1.0), 12))
    1.442695040889
    """
    return g / (LN2 * x)


@op(np.log10, kind=elementwise, samples=POSITIVE)
def log10(g: Any, y: Any, x: Any) -> Any:
    """Logarithm to base 10.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.log10)(1.0), 12))
    0.434294481903
    """
    return g / (LN10 * x)


@op(np.log1p, kind=elementwise, samples=[*POSITIVE, S((3,), domain=(-0.8, 0.8))])
def log1p(g: Any, y: Any, x: Any) -> Any:
    """``log(1 + x)``, accurate near 0.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.log1p)(1.0)
    np.float64(0.5)
    """
    return g / (1.0 + x)


def _share(a: Any, b: Any, scale: float = 1.0) -> Any:
    """Return ``exp(a) / (exp(a) + exp(b))``; one half where both are the same infinity."""
    same = np.logical_and(np.equal(a, b), np.isinf(a))
    return sigmoid(scale * (np.where(same, 0.0, a) - np.where(same, 0.0, b)))


HALVES = "at a = b = -inf: one half to each"


@op(np.logaddexp, kind=elementwise, samples=PAIRS, kink=HALVES)
def logaddexp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``log(exp(a) + exp(b))`` without overflow.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.logaddexp, (0, 1))(1000.0, 1000.0)
    (np.float64(0.5), np.float64(0.5))
    """
    return lambda: g * _share(a, b), lambda: g * _share(b, a)


@op(np.logaddexp2, kind=elementwise, samples=PAIRS, kink=HALVES)
def logaddexp2(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``log2(2**a + 2**b)`` without overflow.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.logaddexp2, (0, 1))(1000.0, 1000.0)
    (np.float64(0.5), np.float64(0.5))
    """
    return lambda: g * _share(a, b, LN2), lambda: g * _share(b, a, LN2)
