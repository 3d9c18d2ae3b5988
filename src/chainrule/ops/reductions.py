"""Reductions: sum and its kin, along any axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import linear, op
from chainrule.ops.broadcast import spread

AXES = [S((3, 4)), S((3, 4), axis=0), S((2, 3, 4), axis=(0, -1), keepdims=True), S(())]
EMPTY = [S((0, 2), axis=0)]


@op(np.sum, kind=linear, samples=AXES + EMPTY)
def sum(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sum)(np.zeros(3))
    array([1., 1., 1.])
    """
    return spread(g, a, axis=axis, keepdims=keepdims)
