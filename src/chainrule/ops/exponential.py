"""Exponentials and logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, op
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
    >>> cr.grad(np.exp2)(0.0)
    np.float64(0.6931471805599453)
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
    >>> cr.grad(np.log2)(1.0)
    np.float64(1.4426950408889634)
    """
    return g / (LN2 * x)


@op(np.log10, kind=elementwise, samples=POSITIVE)
def log10(g: Any, y: Any, x: Any) -> Any:
    """Logarithm to base 10.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.log10)(1.0)
    np.float64(0.4342944819032518)
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


def _finite_floor(y: Any) -> Any:
    """Put 0 in the place of -inf: a sum of nothing shares out no gradient."""
    return np.where(np.equal(y, -np.inf), 0.0, y)


@op(np.logaddexp, kind=elementwise, samples=PAIRS, kink="at a = b = -inf: 0")
def logaddexp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``log(exp(a) + exp(b))`` without overflow.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.logaddexp, (0, 1))(1000.0, 1000.0)
    (np.float64(0.5), np.float64(0.5))
    """
    total = _finite_floor(y)
    return lambda: g * np.exp(a - total), lambda: g * np.exp(b - total)


@op(np.logaddexp2, kind=elementwise, samples=PAIRS, kink="at a = b = -inf: 0")
def logaddexp2(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``log2(2**a + 2**b)`` without overflow.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.logaddexp2, (0, 1))(1000.0, 1000.0)
    (np.float64(0.5), np.float64(0.5))
    """
    total = _finite_floor(y)
    return lambda: g * np.exp2(a - total), lambda: g * np.exp2(b - total)
