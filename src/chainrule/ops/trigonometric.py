"""Trigonometric and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, linear, op
from chainrule.ops.arithmetic import ONE, PAIRS, limit_quotient

UNIT = [S((3, 4), domain=(-0.8, 0.8)), S((), domain=(-0.8, 0.8)), S((0, 2))]


@op(np.sin, kind=elementwise, samples=ONE)
def sin(g: Any, y: Any, x: Any) -> Any:
    """Sine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sin)(0.0)
    np.float64(1.0)
    """
    return g * np.cos(x)


@op(np.cos, kind=elementwise, samples=ONE)
def cos(g: Any, y: Any, x: Any) -> Any:
    """Cosine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.cos)(0.0)
    np.float64(-0.0)
    """
    return -g * np.sin(x)


@op(np.tan, kind=elementwise, samples=[S((3, 4), domain=(-1.2, 1.2)), S(()), S((0, 2))])
def tan(g: Any, y: Any, x: Any) -> Any:
    """Tangent.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.tan)(0.0)
    np.float64(1.0)
    """
    return g * (1.0 + y * y)


@op(
    np.arcsin,
    kind=elementwise,
    samples=UNIT,
    kink="at -1 and 1: infinite, the limit; 0 where the incoming gradient is 0",
)
def arcsin(g: Any, y: Any, x: Any) -> Any:
    """Inverse sine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.arcsin)(0.0)
    np.float64(1.0)
    """
    return limit_quotient(g, np.sqrt((1.0 - x) * (1.0 + x)))


@op(
    np.arccos,
    kind=elementwise,
    samples=UNIT,
    kink="at -1 and 1: infinite, the limit; 0 where the incoming gradient is 0",
)
def arccos(g: Any, y: Any, x: Any) -> Any:
    """Inverse cosine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.arccos)(0.0)
    np.float64(-1.0)
    """
    return limit_quotient(-g, np.sqrt((1.0 - x) * (1.0 + x)))


@op(np.arctan, kind=elementwise, samples=ONE)
def arctan(g: Any, y: Any, x: Any) -> Any:
    """Inverse tangent.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.arctan)(1.0)
    np.float64(0.5)
    """
    return g / (1.0 + x * x)


@op(np.sinh, kind=elementwise, samples=ONE)
def sinh(g: Any, y: Any, x: Any) -> Any:
    """Hyperbolic sine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sinh)(0.0)
    np.float64(1.0)
    """
    return g * np.cosh(x)


@op(np.cosh, kind=elementwise, samples=ONE)
def cosh(g: Any, y: Any, x: Any) -> Any:
    """Hyperbolic cosine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.cosh)(0.0)
    np.float64(0.0)
    """
    return g * np.sinh(x)


@op(np.tanh, kind=elementwise, samples=ONE)
def tanh(g: Any, y: Any, x: Any) -> Any:
    """Hyperbolic tangent.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.tanh)(0.0)
    np.float64(1.0)
    """
    return g * (1.0 - y * y)


@op(np.arcsinh, kind=elementwise, samples=ONE)
def arcsinh(g: Any, y: Any, x: Any) -> Any:
    """Inverse hyperbolic sine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.arcsinh)(0.0)
    np.float64(1.0)
    """
    return g / np.hypot(1.0, x)


@op(
    np.arccosh,
    kind=elementwise,
    samples=[S((3, 4), domain=(1.2, 4.0)), S((), domain=(1.2, 4.0)), S((0, 2))],
    kink="at 1: infinite, the limit from the right; 0 where the incoming gradient is 0",
)
def arccosh(g: Any, y: Any, x: Any) -> Any:
    """Inverse hyperbolic cosine.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.arccosh)(2.0), 12))
    0.57735026919
    """
    return limit_quotient(g, np.sqrt((x - 1.0) * (x + 1.0)))


@op(np.arctanh, kind=elementwise, samples=UNIT)
def arctanh(g: Any, y: Any, x: Any) -> Any:
    """Inverse hyperbolic tangent.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.arctanh)(0.0)
    np.float64(1.0)
    """
    return g / ((1.0 - x) * (1.0 + x))


@op(np.arctan2, kind=elementwise, samples=PAIRS, kink="at (0, 0): 0")
def arctan2(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Angle of the point with ordinate `a` and abscissa `b`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.arctan2, (0, 1))(1.0, 1.0)
    (np.float64(0.49999999999999994), np.float64(-0.49999999999999994))
    """
    r = np.hypot(a, b)
    r = np.where(np.equal(r, 0), 1.0, r)
    return lambda: g * (b / r) / r, lambda: -g * (a / r) / r


@op(np.hypot, kind=elementwise, samples=PAIRS, kink="at (0, 0): 0")
def hypot(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Hypotenuse of a right triangle.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.hypot, (0, 1))(3.0, 4.0)
    (np.float64(0.6), np.float64(0.8))
    """
    r = np.where(np.equal(y, 0), 1.0, y)
    return lambda: g * (a / r), lambda: g * (b / r)


@op(np.deg2rad, kind=linear, also=(np.radians,), samples=ONE)
def deg2rad(g: Any, y: Any, x: Any) -> Any:
    """Radians of an angle in degrees.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.deg2rad)(180.0), 12))
    0.01745329252
    """
    return np.deg2rad(g)


@op(np.rad2deg, kind=linear, also=(np.degrees,), samples=ONE)
def rad2deg(g: Any, y: Any, x: Any) -> Any:
    """Degrees of an angle in radians.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> print(round(cr.grad(np.rad2deg)(1.0), 12))
    57.295779513082
    """
    return np.rad2deg(g)


def _spherical_bessel(x: Any, *, n: int) -> Any:
    """Series near 0, upward recurrence elsewhere (DLMF 10.53.1 and 10.51.1)."""
    near = np.abs(x) <= n + 1
    z = np.where(near, n + 1.0, x)
    before, far = np.cos(z) / z, np.sin(z) / z
    for k in range(n):
        before, far = far, (2 * k + 1) / z * far - before
    z = np.where(near, x, 0.0)
    term = z**n / math.prod(range(1, 2 * n + 2, 2))
    total = term
    for k in range(1, 12 + 2 * n):
        term = term * (-0.5 * z * z) / (k * (2 * n + 2 * k + 1))
        total = total + term
    return np.where(near, total, far)


@op(_spherical_bessel, kind=elementwise, samples=[
    S((3, 4), n=0), S((3, 4), n=1), S((3,), n=1, domain=(3.0, 9.0)), S((), n=2), S((0, 2), n=1),
])  # fmt: skip
def spherical_bessel(g: Any, y: Any, x: Any, *, n: int) -> Any:
    """Spherical Bessel function of the first kind and whole order `n`; ``n=0`` is sin(x) / x.

    Its derivative is a difference of its neighbours' (DLMF 10.51.2), so it loses no digits near 0.

    Examples
    --------
    >>> spherical_bessel(0.0, n=0), spherical_bessel(0.0, n=1)
    (array(1.), array(0.))
    """
    after = spherical_bessel(x, n=n + 1)
    if n == 0:
        return -g * after
    return g * (n * spherical_bessel(x, n=n - 1) - (n + 1) * after) / (2 * n + 1)


@op(np.sinc, kind=elementwise, samples=ONE)
def sinc(g: Any, y: Any, x: Any) -> Any:
    """``sin(pi * x) / (pi * x)``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sinc)(0.0)
    np.float64(-0.0)
    """
    return -math.pi * g * spherical_bessel(math.pi * x, n=1)
