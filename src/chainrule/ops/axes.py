"""Axes, shapes and indices as the ops read them from their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np


def axes_of(a: Any, axis: Any) -> tuple[int, ...]:
    """Return the axes that `axis` means for an array, counted from the first; None means all.

    Raises
    ------
    numpy.exceptions.AxisError
        If the array lacks such an axis; names its shape.

    Examples
    --------
    >>> axes_of(np.zeros((2, 3)), -1)
    (1,)
    """
    if axis is None:
        return tuple(range(np.ndim(a)))
    try:
        return np.lib.array_utils.normalize_axis_tuple(axis, np.ndim(a))
    except np.exceptions.AxisError:
        words = f"axis {axis} is out of bounds for an array of shape {np.shape(a)}"
        raise np.exceptions.AxisError(words) from None


def axis_of(a: Any, axis: int) -> int:
    """Return one axis counted from the first; see `axes_of`.

    Examples
    --------
    >>> axis_of(np.zeros((2, 3)), -1)
    1
    """
    return axes_of(a, int(axis))[0]


def along(axis: int, item: Any) -> tuple[Any, ...]:
    """Return an index that applies `item` to one axis.

    Examples
    --------
    >>> np.arange(6).reshape(2, 3)[along(1, 0)]
    array([0, 3])
    """
    return (slice(None),) * axis + (item,)


def sizes(shape: Any) -> tuple[int, ...]:
    """Return a shape given as an integer or a sequence of them as a tuple.

    Examples
    --------
    >>> sizes(3), sizes([2, 3])
    ((3,), (2, 3))
    """
    return tuple(int(n) for n in shape) if np.iterable(shape) else (int(shape),)
