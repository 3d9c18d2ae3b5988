"""Rows of a table that are looked up: their gradients added up, and new rows put in their places.

Where a batch looks the same row up several times, each of them stands for it: all have the sum.
So the arrays have as many rows as there are look-ups, whatever the numbers, and suit any program.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import constant, linear, op
from chainrule.ops.indexing import SLOT, Index, add_rows, gather


def _from_start(places: Any, table: Any) -> Any:
    return np.where(np.less(places, 0), places + np.shape(table)[0], places)


def _sum_equal_rows(a: Any, table: Any, places: Any) -> Any:
    n = np.ndim(places)
    found, which = np.unique(_from_start(places, table), return_inverse=True)
    which = which.reshape(np.shape(places))  # its shape differs between versions of NumPy
    totals = np.zeros((len(found), *np.shape(a)[n:]), np.result_type(a))
    add_rows(totals, which, a)
    return totals[which]


def _places(*shape: int) -> Any:
    def places(rng: np.random.Generator) -> Any:
        return rng.integers(-3, 3, shape)

    return places


_OF_ROWS = [
    S((4, 2), (3, 2), _places(4)), S((2, 3, 2), (4, 2), _places(2, 3)), S((5,), (3,), _places(5)),
    S((0, 2), (3, 2), _places(0)), S((2,), (3, 2), _places()), S((4,), (3, 2), _places(4)),
]  # fmt: skip


@op(_sum_equal_rows, kind=linear, inactive=("table", "places"), samples=_OF_ROWS)
def sum_equal_rows(g: Any, y: Any, a: Any, table: Any, places: Any) -> Any:
    """For each of some rows the sum of all that are for the same row of a table, in their order.

    Parameters
    ----------
    a : array of shape (*places.shape, ...)
    table : array of shape (n, ...)
        How many rows there are.
    places : int array

    Examples
    --------
    >>> import numpy as np
    >>> sum_equal_rows(np.array([1.0, 2.0, 4.0]), np.zeros(9), np.array([8, 0, -1]))
    array([5., 2., 5.])
    """
    return sum_equal_rows(g, table, places)


def _is_first(places: Any, table: Any) -> Any:
    flat = np.ravel(_from_start(places, table))
    found = np.zeros(len(flat), bool)
    found[np.unique(flat, return_index=True)[1]] = True
    return found.reshape(np.shape(places))


def _is_last(places: Any, table: Any) -> Any:
    flat = np.ravel(places)[::-1]
    return _is_first(flat, table)[::-1].reshape(np.shape(places))


is_first, is_last = (
    constant(
        function,
        name=name,
        samples=[S(_places(4), (3,)), S(_places(2, 3), (3, 2)), S(_places(0), (3,))],
    )
    for name, function in (("is_first", _is_first), ("is_last", _is_last))
)


def _beside(rows: Any, counts: Any) -> Any:
    """Return a truth for each row, with axes of length one for those of a row."""
    for _ in range(np.ndim(rows) - np.ndim(counts)):
        counts = counts[..., None]
    return counts


def _sum_distinct(a: Any, table: Any, places: Any) -> Any:
    return np.sum(a[_is_first(places, table)])


@op(_sum_distinct, kind=linear, inactive=("table", "places"), samples=_OF_ROWS)
def sum_distinct(g: Any, y: Any, a: Any, table: Any, places: Any) -> Any:
    """Sum of all elements of rows; of several for the same row of a table the first counts.

    Parameters
    ----------
    a, table, places
        As for `sum_equal_rows`.

    Examples
    --------
    >>> import numpy as np
    >>> print(sum_distinct(np.array([1.0, 2.0, 4.0]), np.zeros(9), np.array([8, 0, -1])))
    3.0
    """
    return np.where(_beside(a, is_first(places, table)), g, np.zeros_like(a))


def _put_rows(table: Any, rows: Any, places: Any, out: Any = None) -> Any:
    if out is None:
        out = np.array(table)
    elif out is not table:
        np.copyto(out, table)
    out[places] = rows
    return out


@op(_put_rows, kind=linear, inactive=("places",), samples=[
    S((3, 2), (4, 2), _places(4)), S((3, 2), (2, 3, 2), _places(2, 3)), S((3,), (2,), _places(2)),
    S((3, 2), (0, 2), _places(0)), S((3, 2), (2,), _places()),
    S.raises(IndexError, (2, 2), (1, 2), lambda rng: np.array([2]), match=r"\(2, 2\)"),
])  # fmt: skip
def put_rows(g: Any, y: Any, table: Any, rows: Any, places: Any) -> Any:
    """A table with other rows at some places; of several rows at one place the last counts.

    Parameters
    ----------
    table : array of shape (n, ...)
    rows : array of shape (*places.shape, ...)
    places : int array

    Examples
    --------
    >>> import numpy as np
    >>> put_rows(np.zeros(4), np.array([1.0, 2.0]), np.array([3, 0]))
    array([2., 0., 0., 1.])
    """
    taken = gather(g, places, index=Index((SLOT,)))
    counts = _beside(rows, is_last(places, table))
    return put_rows(g, np.zeros_like(rows), places), np.where(counts, taken, 0.0)
