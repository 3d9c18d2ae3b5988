"""Arithmetic of elements: sums, products, quotients, powers, remainders."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import constant, elementwise, op

PAIRS = [S((3, 4), (4,)), S((), (2,)), S((2, 1), (1, 3)), S((2, 0), (1,)), S((3,), 2.0)]
ONE = [S((3, 4)), S(()), S((0, 2))]


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


@op(np.negative, kind=elementwise, samples=ONE)
def negative(g: Any, y: Any, x: Any) -> Any:
    """``-x``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.negative)(2.0)
    np.float64(-1.0)
    """
    return -g


@op(
    np.power,
    kind=elementwise,
    samples=[
        S((3, 4), (4,), domain=(0.3, 2.0)),
        S((3,), 2),
        S((3,), 3.0),
        S(2.0, (3,)),
        S((2,), 0.0),
    ],
    kink="a = 0 with b < 1: a's derivative is that of the limit (infinite); 0 ** 0 has 0; "
    "b's derivative at a <= 0 is 0 where a ** b is 0",
)
def power(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a ** b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    """
    return (
        lambda: g * b * np.power(a, np.where(np.equal(b, 0), 1.0, np.subtract(b, 1.0))),
        lambda: g * y * np.log(np.where(np.equal(a, 0), 1.0, a)),
    )


for _remainder in (np.floor_divide,):
    constant(_remainder, samples=PAIRS[:2])
