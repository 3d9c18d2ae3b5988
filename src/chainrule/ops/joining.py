"""Joining arrays, and taking them apart again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import composed, constant, linear, op
from chainrule.ops.axes import along, axis_of

PARTS = [S([(2, 3), (4, 3)]), S([(2, 3), (0, 3)]), S([(2,), (2,), (1,)])]
LINES = [S([(3,), (3,)]), S([(2, 3), (2, 3)]), S([(), ()]), S([(0, 2), (0, 2)])]


# Joining ----------------------------------------------------------------------------------------


def _length(a: Any, *, axis: int) -> Any:
    """Length of one axis, as an integer that a trace records."""
    return np.intp(np.shape(a)[axis])


length = constant(_length, name="length", samples=[S((3, 4), axis=1)])


def _window(a: Any, start: Any, like: Any, *, axis: int) -> Any:
    return a[along(axis, slice(start, start + np.shape(like)[axis]))]


@op(_window, kind=linear, inactive=("start", "like"), samples=[
    S((5, 2), 1, (3, 2), axis=0), S((2, 5), 0, (2, 0), axis=1),
])  # fmt: skip
def window(g: Any, y: Any, a: Any, start: Any, like: Any, *, axis: int) -> Any:
    """As many elements along an axis as `like` has, from `start` on.

    Examples
    --------
    >>> import numpy as np
    >>> window(np.arange(5.0), 1, np.zeros(2), axis=0)
    array([1., 2.])
    """
    return embed(g, start, a, axis=axis)


def _embed(a: Any, start: Any, like: Any, *, axis: int) -> Any:
    whole = np.zeros(np.shape(like), np.result_type(a))
    whole[along(axis, slice(start, start + np.shape(a)[axis]))] = a
    return whole


@op(_embed, kind=linear, inactive=("start", "like"), samples=[
    S((3, 2), 1, (5, 2), axis=0), S((2, 0), 2, (2, 5), axis=1),
])  # fmt: skip
def embed(g: Any, y: Any, a: Any, start: Any, like: Any, *, axis: int) -> Any:
    """An array set into zeros of the shape of `like`, from `start` on along an axis.

    Examples
    --------
    >>> import numpy as np
    >>> embed(np.ones(2), 1, np.zeros(4), axis=0)
    array([0., 1., 1., 0.])
    """
    return window(g, start, a, axis=axis)


def _as_arrays(values: Any) -> tuple[Any, ...]:
    """Return the arrays to join; the rows of a single array are arrays."""
    return tuple(np.asarray(x) if isinstance(x, (list, int, float)) else x for x in values)


def _join(function: Any) -> Any:
    """Return the forward that takes the arrays one by one, and the reader of NumPy's calls."""

    def forward(*arrays: Any, axis: int = 0) -> Any:
        return function(arrays, axis=axis)

    def bind(
        arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = ""
    ) -> tuple[Any, dict[str, Any]]:
        if out is not None or dtype is not None:
            raise UnsupportedError(
                f"{function.__name__}(..., {'dtype' if out is None else 'out'}=...) is not "
                "supported on a Tensor: convert before with .astype(dtype)"
            )
        if axis is None:
            return tuple(np.ravel(x) for x in _as_arrays(arrays)), {"axis": 0}
        return _as_arrays(arrays), {"axis": axis}

    return forward, bind


_concatenate, _bind_concatenate = _join(np.concatenate)
_stack, _bind_stack = _join(np.stack)


@op(_concatenate, kind=linear, also=(np.concatenate,), bind=_bind_concatenate, samples=[
    *PARTS, S([(2, 3), (2, 1)], axis=-1), S([(2, 3), (2,)], axis=None), S([(2, 2)]), S((3, 2)),
    S.raises(ValueError, [(2, 3), (2, 4)], match=r"\(2, 3\).*\(2, 4\)"),
    S.raises(IndexError, [(2,), (2,)], axis=1, match=r"\(2,\).*axis 1"),
])  # fmt: skip
def concatenate(g: Any, y: Any, *arrays: Any, axis: int = 0) -> Any:
    """Arrays one behind the other along an axis they have.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> w = np.array([1.0, 2.0, 3.0])
    >>> cr.grad(lambda a, b: np.concatenate([a, b]) @ w, (0, 1))(np.zeros(2), np.zeros(1))
    (array([1., 2.]), array([3.]))
    """
    axis = axis_of(y, axis)
    parts = []
    start: Any = 0
    for x in arrays:
        parts.append(lambda x=x, start=start: window(g, start, x, axis=axis))
        start = start + length(x, axis=axis)
    return parts if len(parts) > 1 else parts[0]


@op(_stack, kind=linear, also=(np.stack,), bind=_bind_stack, samples=[
    *LINES, S([(2, 3), (2, 3)], axis=1), S([(2, 3), (2, 3)], axis=-1), S((3, 2)),
    S.raises(ValueError, [(2,), (3,)], match=r"\(2,\).*\(3,\)"),
])  # fmt: skip
def stack(g: Any, y: Any, *arrays: Any, axis: int = 0) -> Any:
    """Arrays of one shape side by side along a new axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> w = np.array([1.0, 2.0])
    >>> cr.grad(lambda a, b: np.stack([a, b]) @ w, (0, 1))(0.0, 0.0)
    (np.float64(1.0), np.float64(2.0))
    """
    axis = axis_of(y, axis)
    parts = [lambda i=i: g[along(axis, i)] for i in range(len(arrays))]
    return parts if len(parts) > 1 else parts[0]


@composed(np.vstack, samples=[*PARTS[:2], *LINES, S((3, 2)), S([(2,), (3, 2)])])
def vstack(tup: Any) -> Any:
    """Rows, or arrays of rows, one below the other.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.vstack([cr.Tensor([1.0, 2.0]), np.zeros(2)]).shape
    (2, 2)
    """
    return np.concatenate([np.atleast_2d(x) for x in tup], axis=0)


@composed(np.hstack, samples=[*LINES, S([(2, 3), (2, 1)]), S([(2,), (3,)])])
def hstack(tup: Any) -> Any:
    """Arrays beside one another: along the second axis, or the only one.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.hstack([cr.Tensor([1.0, 2.0]), np.zeros(2)]).shape
    (4,)
    """
    arrays = [np.atleast_1d(x) for x in tup]
    return np.concatenate(arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1)


@composed(np.dstack, samples=[*LINES, S([(2, 3), (2, 3, 4)])])
def dstack(tup: Any) -> Any:
    """Arrays one behind the other along the third axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.dstack([cr.Tensor([1.0, 2.0]), np.zeros(2)]).shape
    (1, 2, 2)
    """
    return np.concatenate([np.atleast_3d(x) for x in tup], axis=2)


@composed(np.column_stack, samples=[S([(3,), (3,)]), S([(3, 2), (3,)]), S([(), ()])])
def column_stack(tup: Any) -> Any:
    """Vectors as the columns of a matrix.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.column_stack([cr.Tensor([1.0, 2.0]), np.zeros(2)]).value
    array([[1., 0.],
           [2., 0.]])
    """
    columns = [np.transpose(np.atleast_2d(x)) if np.ndim(x) < 2 else x for x in tup]
    return np.concatenate(columns, axis=1)


@composed(np.append, samples=[S((2, 3), (4,)), S((2, 3), (1, 3), axis=0), S((2,), 1.0)])
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values behind an array; all is flattened unless an axis is given.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.append(cr.Tensor([1.0]), 2.0).value
    array([1., 2.])
    """
    if axis is None:
        return np.concatenate([np.ravel(arr), np.ravel(values)])
    return np.concatenate([arr, values], axis=axis)


@composed(np.block, samples=[
    S([[(2, 2), (2, 1)], [(1, 2), (1, 1)]]), S([(2,), (3,)]), S((2, 3)), S([[(2,), 1.0]]),
    S.raises(ValueError, [(2,), [(3,)]], match="depth"),
])  # fmt: skip
def block(arrays: Any) -> Any:
    """An array put together from nested lists of blocks; the innermost lists are rows.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.block([[cr.Tensor([1.0]), np.zeros(1)], [np.ones(2)]]).value
    array([[1., 0.],
           [1., 1.]])
    """
    depth, axes = _depth(arrays), _most_axes(arrays)
    ndim = depth if depth > axes else axes

    def join(blocks: Any, level: int) -> Any:
        if isinstance(blocks, list):
            return np.concatenate([join(x, level + 1) for x in blocks], axis=level - depth)
        lacking = ndim - np.ndim(blocks)
        return np.expand_dims(blocks, tuple(range(lacking))) if lacking else blocks

    return join(arrays, 0) if depth else np.copy(arrays)


def _depth(blocks: Any) -> int:
    if not isinstance(blocks, list):
        return 0
    depths = {_depth(x) for x in blocks}
    if len(depths) != 1:
        raise ValueError(f"the lists of blocks have different depths: {sorted(depths)}")
    return depths.pop() + 1


def _most_axes(blocks: Any) -> int:
    return max(map(_most_axes, blocks)) if isinstance(blocks, list) else np.ndim(blocks)


# Splitting --------------------------------------------------------------------------------------


def _section(a: Any, *, index: int, sections: int, axis: int) -> Any:
    return np.array_split(a, sections, axis)[index]


@op(_section, kind=linear, samples=[
    S((5, 2), index=0, sections=2, axis=0), S((2, 5), index=1, sections=2, axis=1),
    S((2,), index=2, sections=3, axis=0),
])  # fmt: skip
def section(g: Any, y: Any, a: Any, *, index: int, sections: int, axis: int) -> Any:
    """One of several sections of an array, as equal as its length allows.

    Examples
    --------
    >>> import numpy as np
    >>> section(np.arange(5.0), index=1, sections=2, axis=0)
    array([3., 4.])
    """
    return embed_section(g, a, index=index, sections=sections, axis=axis)


def _embed_section(a: Any, like: Any, *, index: int, sections: int, axis: int) -> Any:
    whole = np.zeros(np.shape(like), np.result_type(a))
    np.array_split(whole, sections, axis)[index][...] = a
    return whole


@op(_embed_section, kind=linear, inactive=("like",), samples=[
    S((3, 2), (5, 2), index=0, sections=2, axis=0),
])  # fmt: skip
def embed_section(
    g: Any, y: Any, a: Any, like: Any, *, index: int, sections: int, axis: int
) -> Any:
    """One section set into zeros of the shape of `like`; the transpose of `section`.

    Examples
    --------
    >>> import numpy as np
    >>> embed_section(np.ones(2), np.zeros(5), index=1, sections=2, axis=0)
    array([0., 0., 0., 1., 1.])
    """
    return section(g, index=index, sections=sections, axis=axis)


SPLITS = [
    S((6, 2), 3),
    S((2, 6), 2, axis=1),
    S((5, 2), lambda rng: [1, 3]),
    S((2, 5), lambda rng: [2, 9], axis=-1),
]


@composed(np.array_split, samples=[
    *SPLITS, S((5, 2), 3), S((0, 2), 2), S.raises(IndexError, (3,), 2, axis=1, match="axis 1"),
])  # fmt: skip
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Sections of an array: a number of them, as equal as can be, or where they are cut.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> [x.shape for x in np.array_split(cr.Tensor(np.zeros(5)), 2)]
    [(3,), (2,)]
    """
    axis = axis_of(ary, axis)
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections < 1:
            raise ValueError(f"{sections} sections; at least 1 is needed")
        return [section(ary, index=i, sections=sections, axis=axis) for i in range(sections)]
    cuts = [None, *(int(i) for i in indices_or_sections), None]
    return [ary[along(axis, slice(*pair))] for pair in pairwise(cuts)]


@composed(np.split, samples=[*SPLITS, S.raises(ValueError, (5, 2), 3, match=r"\(5, 2\)")])
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Equal sections of an array, or sections between given cuts.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.split(x, 2)[1]))(np.zeros(4))
    array([0., 0., 1., 1.])
    """
    sections = indices_or_sections
    if np.ndim(sections) == 0 and np.shape(ary)[axis] % sections:
        raise ValueError(f"shape {np.shape(ary)} has no {sections} equal sections on axis {axis}")
    return np.array_split(ary, sections, axis)


def _split_along(name: str, axis: int, function: Any) -> None:
    def body(ary: Any, indices_or_sections: Any) -> Any:
        if np.ndim(ary) <= (axis if name != "hsplit" else 0):
            raise ValueError(f"{name} of shape {np.shape(ary)}, which has no axis {axis}")
        return np.split(ary, indices_or_sections, axis if np.ndim(ary) > 1 else 0)

    body.__name__ = name
    body.__doc__ = f"``numpy.{name}``: `numpy.split` along axis {axis}."
    samples = [S((4, 4, 4), 2), S((4, 4, 4), lambda rng: [1]), S.raises(ValueError, (), 2)]
    composed(function, samples=samples)(body)


_split_along("vsplit", 0, np.vsplit)
_split_along("hsplit", 1, np.hsplit)
_split_along("dsplit", 2, np.dsplit)


@composed(np.unstack, samples=[S((3, 2)), S((3, 2), axis=-1), S((0, 2))])
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The arrays that lie along an axis, one after another.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> [float(x.value) for x in np.unstack(cr.Tensor([1.0, 2.0]))]
    [1.0, 2.0]
    """
    return tuple(np.moveaxis(x, axis, 0))
