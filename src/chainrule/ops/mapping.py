"""Functions of the user's applied along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import composed
from chainrule.ops.axes import axis_of


def _norm(line: Any) -> Any:
    return np.sum(line * line)


def _pairs(line: Any) -> Any:
    return line[:-1] * line[1:]


def _given(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a sample pass a function as an argument."""
    return lambda rng: function


@composed(np.apply_along_axis, samples=[
    S(_given(_norm), 0, (3, 4)), S(_given(_pairs), 1, (2, 3)), S(_given(_pairs), -2, (2, 3, 2)),
    S(_given(np.cumsum), 0, (3,)), S(_given(np.diag), 1, (2, 3)),
    S.raises(ValueError, _given(_norm), 1, (0, 3), match=r"\(0, 3\)"),
])  # fmt: skip
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """A function of vectors applied to every line along an axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.apply_along_axis(np.prod, 1, x)))(np.array([[2.0, 3.0]]))
    array([[3., 2.]])
    """
    axis = axis_of(arr, axis)
    others = np.shape(arr)[:axis] + np.shape(arr)[axis + 1 :]
    if 0 in others:
        raise ValueError(f"an array of shape {np.shape(arr)} has no lines along axis {axis}")
    lines = np.moveaxis(arr, axis, -1)
    found = np.stack([func1d(lines[place], *args, **kwargs) for place in np.ndindex(*others)])
    result = np.reshape(found, others + np.shape(found)[1:])
    new = range(len(others), np.ndim(result))
    return np.moveaxis(result, tuple(new), tuple(range(axis, axis + len(new))))


@composed(np.apply_over_axes, samples=[
    S(_given(np.sum), (2, 3, 4), [0, 2]), S(_given(np.cumsum), (2, 3), 1),
    S(_given(np.mean), (2, 3), -1),
])  # fmt: skip
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """A function of an array and an axis applied over several axes, which are kept.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.apply_over_axes(np.sum, cr.Tensor(np.ones((2, 3))), [0, 1]).shape
    (1, 1)
    """
    ndim = np.ndim(a)
    for axis in axes if np.ndim(axes) else [axes]:
        reduced = func(a, axis)
        a = reduced if np.ndim(reduced) == ndim else np.expand_dims(reduced, axis)
        if np.ndim(a) != ndim:
            raise ValueError(f"the function returned shape {np.shape(reduced)}")
    return a
