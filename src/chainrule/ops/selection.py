"""Choosing among elements by a condition."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import elementwise, op


def _mask(rng: np.random.Generator) -> Any:
    return rng.random((3, 4)) < 0.5


@op(np.where, kind=elementwise, inactive=("condition",), samples=[
    S(_mask, (3, 4), (4,)), S(_mask, (1, 4), 0.0), S(True, (2,), (2,)),
])  # fmt: skip
def where(g: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    """Elements of `x` where the condition holds, of `z` elsewhere.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.where(x > 0, x, 0.1 * x)))(np.array([-1.0, 2.0]))
    array([0.1, 1. ])
    """
    return np.where(condition, g, 0.0), np.where(condition, 0.0, g)
