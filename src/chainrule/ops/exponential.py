"""Exponentials, logarithms and hyperbolic functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, op
from chainrule.ops.arithmetic import ONE


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


@op(np.log, kind=elementwise, samples=[S((3, 4), domain=(0.2, 3.0))])
def log(g: Any, y: Any, x: Any) -> Any:
    """Natural logarithm.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.log)(2.0)
    np.float64(0.5)
    """
    return g / x


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
