"""Convolution and correlation of sequences.

Every mode is a window of the full result, so a gradient is first put back into that window.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import linear, multilinear, op
from chainrule.ops.products import conjugated

MODES = [
    S((5,), (3,), mode="full"), S((3,), (5,), mode="full"), S((1,), (1,), mode="full"),
    S((5,), (3,), mode="same"), S((4,), (5,), mode="same"), S((4,), (2,), mode="same"),
    S((5,), (3,), mode="valid"), S((3,), (5,), mode="valid"), S((4,), (4,), mode="valid"),
    S.raises(ValueError, (2, 2), (3,), match=r"\(2, 2\)"),
]  # fmt: skip


def _window(a: Any, v: Any, mode: str, correlated: bool) -> slice:
    """Return which part of the full result a mode keeps."""
    n, m = np.size(a), np.size(v)
    short, long = min(n, m), max(n, m)
    if mode == "full":
        return slice(0, n + m - 1)
    if mode == "valid":
        return slice(short - 1, long)
    # NumPy centres a correlation with a longer `v` one element later.
    start = n // 2 if correlated and n < m else (short - 1) // 2
    return slice(start, start + long)


def _fill_window(g: Any, a: Any, v: Any, *, mode: str, correlated: bool = False) -> Any:
    full = np.zeros(np.size(a) + np.size(v) - 1, np.result_type(g))
    full[_window(a, v, mode, correlated)] = g
    return full


def _take_window(full: Any, a: Any, v: Any, *, mode: str, correlated: bool = False) -> Any:
    return full[_window(a, v, mode, correlated)]


@op(_fill_window, kind=linear, inactive=("first", "second"), samples=[
    S((5,), (5,), (3,), mode="same"), S((5,), (4,), (5,), mode="same", correlated=True),
    S((3,), (5,), (3,), mode="valid"),
])  # fmt: skip
def fill_window(
    g: Any, y: Any, a: Any, first: Any, second: Any, *, mode: str, correlated: bool = False
) -> Any:
    """Put a result of some mode into the full result of two sequences, zeros around it.

    Examples
    --------
    >>> import numpy as np
    >>> fill_window(np.ones(2), np.zeros(3), np.zeros(2), mode="valid")
    array([0., 1., 1., 0.])
    """
    return take_window(g, first, second, mode=mode, correlated=correlated)


@op(_take_window, kind=linear, inactive=("first", "second"), samples=[
    S((7,), (5,), (3,), mode="same"), S((8,), (4,), (5,), mode="same", correlated=True),
    S((7,), (5,), (3,), mode="valid"),
])  # fmt: skip
def take_window(
    g: Any, y: Any, a: Any, first: Any, second: Any, *, mode: str, correlated: bool = False
) -> Any:
    """Take the part that a mode keeps of the full result of two sequences.

    Examples
    --------
    >>> import numpy as np
    >>> take_window(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(3), np.zeros(2), mode="valid")
    array([2., 3.])
    """
    return fill_window(g, first, second, mode=mode, correlated=correlated)


@op(np.convolve, kind=multilinear, samples=[S((4,), (2,)), *MODES])
def convolve(g: Any, y: Any, a: Any, v: Any, *, mode: str = "full") -> Any:
    """Convolution of two sequences: ``y[k] = sum_i a[i] v[k - i]``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.convolve(a, np.array([1.0, 10.0]))))(np.ones(3))
    array([11., 11., 11.])
    """
    full = g if mode == "full" else fill_window(g, a, v, mode=mode)
    return (
        lambda: np.correlate(full, conjugated(v), mode="valid"),
        lambda: np.correlate(full, conjugated(a), mode="valid"),
    )


@op(np.correlate, kind=multilinear, samples=[S((4,), (2,)), *MODES])
def correlate(g: Any, y: Any, a: Any, v: Any, *, mode: str = "valid") -> Any:
    """Correlation of two sequences: ``y[k] = sum_i a[i + k] conj(v[i])``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda v: np.sum(np.correlate(np.arange(4.0), v)))(np.ones(2))
    array([3., 6.])
    """
    full = g if mode == "full" else fill_window(g, a, v, mode=mode, correlated=True)
    return (
        lambda: np.convolve(full, conjugated(v), mode="valid"),
        lambda: conjugated(np.correlate(full, conjugated(a), mode="valid")[::-1]),
    )
