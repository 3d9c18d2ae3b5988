"""What the drivers of autodiff use to fit a gradient to its array: sum, spread, convert.

They take the array itself, never its shape, so that a recorded gradient serves every batch size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import linear, op


def _sum_to(g: Any, like: Any) -> Any:
    shape = np.shape(like)
    extra = np.ndim(g) - len(shape)
    if extra:
        g = np.add.reduce(g, axis=tuple(range(extra)))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.add.reduce(g, axis=axes, keepdims=True) if axes else g


@op(_sum_to, kind=linear, inactive=("like",), samples=[
    S((3, 4), (4,)), S((3, 4), (3, 1)), S((2, 3, 4), (1, 1)), S((2, 3, 4), (1, 4)), S((3,), ()),
    S((0, 2), (2,)),
])  # fmt: skip
def sum_to(g: Any, y: Any, a: Any, like: Any) -> Any:
    """Sum over the axes that broadcasting added or stretched, to the shape of `like`.

    Examples
    --------
    >>> import numpy as np
    >>> sum_to(np.ones((3, 2)), np.zeros(2))
    array([3., 3.])
    """
    return spread(g, a)


def _spread(g: Any, like: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, np.shape(like))


@op(_spread, kind=linear, inactive=("like",), samples=[
    S((), (3, 2)), S((3,), (3, 2), axis=1), S((1, 2), (3, 2), axis=0, keepdims=True),
    S((2,), (3, 2)), S((4,), (2, 4, 3), axis=(0, -1)), S((2,), (0, 2), axis=0),
])  # fmt: skip
def spread(g: Any, y: Any, a: Any, like: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Repeat a reduced array along the axes that were reduced, to the shape of `like`.

    Examples
    --------
    >>> import numpy as np
    >>> spread(np.array([1.0, 2.0]), np.zeros((2, 3)), axis=1)
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    if axis is None or keepdims:
        return sum_to(g, a)
    return np.sum(g, axis=axis)


def _cast(g: Any, like: Any) -> Any:
    dtype = np.result_type(like)
    if dtype.kind != "c" and np.iscomplexobj(g):
        g = np.real(g)
    return np.asarray(g).astype(dtype)


@op(_cast, kind=linear, inactive=("like",), samples=[S((3, 2), (1,)), S((), ())])
def cast(g: Any, y: Any, a: Any, like: Any) -> Any:
    """Convert to the dtype of `like`; the real part, if that is real.

    Examples
    --------
    >>> import numpy as np
    >>> cast(np.ones(2), np.zeros((), np.float32)).dtype
    dtype('float32')
    """
    return cast(g, a)
