"""Arithmetic of elements: sums, products, quotients, powers, roots, remainders."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import composed, elementwise, linear, op

PAIRS = [S((3, 4), (4,)), S((), (2,)), S((2, 1), (1, 3)), S((2, 0), (1,)), S((3,), 2.0)]
ONE = [S((3, 4)), S(()), S((0, 2))]
POSITIVE = [
    S((3, 4), domain=(0.2, 3.0)),
    S((), domain=(0.2, 3.0)),
    S((0, 2), domain=(0.2, 3.0)),
]


def limit_quotient(g: Any, d: Any) -> Any:
    """Return ``g / d``, and 0 where both are 0: where no gradient comes in, none goes on."""
    return g / np.where(np.logical_and(np.equal(d, 0), np.equal(g, 0)), 1.0, d)


@op(np.add, kind=elementwise, samples=[*PAIRS, S.raises(ValueError, (3,), (4,), match="add of")])
def add(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a + b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.add(a, 1.0)))(np.zeros(2))
    array([1., 1.])
    """
    return g, g


@op(np.subtract, kind=elementwise, samples=PAIRS)
def subtract(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a - b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.subtract, (0, 1))(3.0, 1.0)
    (np.float64(1.0), np.float64(-1.0))
    """
    return g, -g


@op(np.multiply, kind=elementwise, samples=PAIRS)
def multiply(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a * b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.multiply, (0, 1))(2.0, 3.0)
    (np.float64(3.0), np.float64(2.0))
    """
    return g * b, g * a


@op(np.true_divide, kind=elementwise, samples=[S((3, 4), (4,), domain=(0.5, 2.0)), S((), (2,))])
def divide(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a / b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.divide, (0, 1))(1.0, 2.0)
    (np.float64(0.5), np.float64(-0.25))
    """
    return g / b, -g * y / b


@op(np.negative, kind=linear, samples=ONE)
def negative(g: Any, y: Any, x: Any) -> Any:
    """``-x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.negative)(2.0)
    np.float64(-1.0)
    """
    return -g


@op(np.positive, kind=linear, samples=ONE)
def positive(g: Any, y: Any, x: Any) -> Any:
    """``+x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.positive)(2.0)
    np.float64(1.0)
    """
    return g


@op(np.absolute, kind=elementwise, samples=ONE, kink="at 0: 0")
def absolute(g: Any, y: Any, x: Any) -> Any:
    """``|x|``, the modulus of a complex number.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.abs)(-2.0), cr.grad(np.abs)(0.0)
    (np.float64(-1.0), np.float64(0.0))
    """
    if np.iscomplexobj(x):
        return g * np.conjugate(x) / np.where(np.equal(y, 0), 1.0, y)
    return g * np.sign(x)


@op(np.fabs, kind=elementwise, samples=ONE, kink="at 0: 0")
def fabs(g: Any, y: Any, x: Any) -> Any:
    """``|x|`` of real numbers.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.fabs)(-2.0)
    np.float64(-1.0)
    """
    return g * np.sign(x)


@op(np.square, kind=elementwise, samples=ONE)
def square(g: Any, y: Any, x: Any) -> Any:
    """``x * x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.square)(3.0)
    np.float64(6.0)
    """
    return 2.0 * g * x


@op(np.reciprocal, kind=elementwise, samples=POSITIVE)
def reciprocal(g: Any, y: Any, x: Any) -> Any:
    """``1 / x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.reciprocal)(2.0)
    np.float64(-0.25)
    """
    return -g * y * y


@op(
    np.sqrt,
    kind=elementwise,
    samples=POSITIVE,
    kink="at 0: infinite, the limit from the right; 0 where the incoming gradient is 0",
)
def sqrt(g: Any, y: Any, x: Any) -> Any:
    """Square root.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sqrt)(4.0)
    np.float64(0.25)
    """
    return limit_quotient(0.5 * g, y)


@op(
    np.cbrt,
    kind=elementwise,
    samples=[*POSITIVE, S((3,), domain=(-3.0, -0.2))],
    kink="at 0: infinite, the limit; 0 where the incoming gradient is 0",
)
def cbrt(g: Any, y: Any, x: Any) -> Any:
    """Cube root.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.cbrt)(8.0), 12))
    0.083333333333
    """
    return limit_quotient(g, 3.0 * y * y)


POWERS = [
    S((3, 4), (4,), domain=(0.3, 2.0)),
    S((3,), 2),
    S((3,), 3.0),
    S((2, 3), 0.5, domain=(0.3, 2.0)),
    S(2.0, (3,)),
    S((2,), 0.0),
    S((), -1.5, domain=(0.3, 2.0)),
    S((2, 0), (1,)),
]
POWER_KINK = (
    "by a at a = 0: the limit, infinite if b < 1 (0 where the incoming gradient is 0), "
    "and 0 if b = 0; by b at a = 0: 0"
)


def _power_by_base(g: Any, a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)) and (b >= 1 or b == 0):
        return g * (b * a ** (b - 1)) if b else np.zeros_like(g)
    slope = g * b
    base = np.where(np.logical_and(np.equal(a, 0), np.equal(slope, 0)), 1.0, a)
    return slope * np.power(base, np.where(np.equal(b, 0), 1.0, np.subtract(b, 1.0)))


def _power_by_exponent(g: Any, y: Any, a: Any) -> Any:
    return g * y * np.log(np.where(np.equal(a, 0), 1.0, a))


@op(np.power, kind=elementwise, samples=POWERS, kink=POWER_KINK)
def power(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a ** b``; with respect to `b`, `a` must not be negative.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    """
    return lambda: _power_by_base(g, a, b), lambda: _power_by_exponent(g, y, a)


@op(np.float_power, kind=elementwise, samples=POWERS, kink=POWER_KINK)
def float_power(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a ** b`` in double precision at least.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.float_power)(2.0, 3)
    np.float64(12.0)
    """
    return lambda: _power_by_base(g, a, b), lambda: _power_by_exponent(g, y, a)


QUOTIENTS = [
    S((3, 4), 0.7),
    S((2, 3), (3,), domain=(0.3, 4.0)),
    S((), -1.3),
    S((0, 2), 1.5),
]
JUMP = "at a jump (a / b a whole number): that of the side beyond it, where the result is 0"


@op(np.remainder, kind=elementwise, samples=QUOTIENTS, kink=JUMP)
def remainder(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Remainder of ``a / b`` with the sign of `b`, the same as ``a % b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.remainder, (0, 1))(7.5, 2.0)
    (np.float64(1.0), np.float64(-3.0))
    """
    return g, -g * np.floor_divide(a, b)


@op(np.fmod, kind=elementwise, samples=QUOTIENTS, kink=JUMP)
def fmod(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Remainder of ``a / b`` with the sign of `a`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.fmod, (0, 1))(-7.5, 2.0)
    (np.float64(1.0), np.float64(3.0))
    """
    return g, -g * np.rint((a - y) / b)


@composed(np.divmod, samples=QUOTIENTS)
def divmod(a: Any, b: Any) -> tuple[Any, Any]:
    """Whole quotient, which is piecewise constant, and remainder.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.divmod(a, 2.0)[1])(7.5)
    np.float64(1.0)
    """
    return np.floor_divide(a, b), np.remainder(a, b)


@composed(np.modf, samples=ONE, kink="at a whole number: 1 for the fractional part")
def modf(x: Any) -> tuple[Any, Any]:
    """Fractional part and whole part, which is piecewise constant.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.modf(x)[0])(7.5)
    np.float64(1.0)
    """
    return np.fmod(x, 1.0), np.trunc(x)


@op(
    np.copysign,
    kind=elementwise,
    inactive=("sign",),
    samples=[S((3, 4), (4,)), S((2,), -1.0), S((), ())],
    kink="at 0: 0",
)
def copysign(g: Any, y: Any, x: Any, sign: Any) -> Any:
    """``|x|`` with the sign of the second argument, of which only the sign counts.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.copysign(x, -1.0))(2.0)
    np.float64(-1.0)
    """
    return g * np.sign(x) * np.copysign(1.0, sign)


@op(
    np.ldexp,
    kind=elementwise,
    inactive=("exponent",),
    samples=[S((2, 3), 2), S((), -1), S((2,), lambda rng: rng.integers(-3, 4, (3, 1)))],
)
def ldexp(g: Any, y: Any, x: Any, exponent: Any) -> Any:
    """``x * 2 ** exponent`` for a whole exponent.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.ldexp(x, 3))(1.0)
    np.float64(8.0)
    """
    return np.ldexp(g, exponent)
