"""Gradients of tables that are read through row look-ups alone: rows, never the whole table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import record
from chainrule.graph import Tensor
from chainrule.graph.trace import ancestors
from chainrule.ops.indexing import SLOT, Index, gather, scatter
from chainrule.ops.rows import sum_distinct, sum_equal_rows

_ROWS = Index((SLOT,))


@dataclass(frozen=True, eq=False)
class RowGradient:
    """The gradient of a table of which some rows were looked up; that of the others is zero.

    Attributes
    ----------
    places : int array
        Which row each of `values` belongs to.
    values : array of shape (*places.shape, ...)
    table : array of shape (n, ...)
        What was looked up in, for its shape and dtype.
    """

    places: Any
    values: Any
    table: Any

    def __add__(self, other: Any) -> Any:
        """Join two of them; with an array, the sum is an array."""
        if not isinstance(other, RowGradient):
            return self.dense() + other
        one, more = self.flat, other.flat
        return RowGradient(
            np.concatenate([one.places, more.places]),
            np.concatenate([one.values, more.values]),
            self.table,
        )

    def added_to(self, other: Any) -> Any:
        """Return ``other + self``, which an array or a Tensor could not say."""
        return other + (self if isinstance(other, RowGradient) else self.dense())

    @property
    def flat(self) -> RowGradient:
        """The same with a single axis for the places."""
        if np.ndim(self.places) == 1:
            return self
        values = np.reshape(self.values, (-1, *np.shape(self.table)[1:]))
        return replace(self, places=np.reshape(self.places, (-1,)), values=values)

    def dense(self) -> Any:
        """Return the whole gradient."""
        return scatter(self.values, self.table, self.places, index=_ROWS)

    def summed(self) -> RowGradient:
        """Return the gradient with the sum of all values of a row in the place of each."""
        return replace(self, values=sum_equal_rows(self.values, self.table, self.places))

    def astype(self, dtype: Any) -> RowGradient:
        """Return it in numbers of another type."""
        return replace(self, values=self.values.astype(dtype))

    def square_norm(self) -> Any:
        """Return the sum of the squares of a summed gradient, in the table's dtype.

        Of the values that are for the same row, all of which are its sum, one counts.
        """
        return sum_distinct(self.values * self.values, self.table, self.places)


def none_of(table: Any) -> RowGradient:
    """Return the gradient of a table in which nothing was looked up."""
    rest = np.shape(table)[1:]
    return RowGradient(np.zeros(0, np.int64), np.zeros((0, *rest), np.result_type(table)), table)


def is_lookup(t: Tensor) -> bool:
    """Return whether a Tensor holds rows looked up by an array of integers."""
    return (
        t.op is gather
        and t.params["index"] == _ROWS
        and np.result_type(t.inputs[1]).kind in "iu"
        and bool(np.ndim(t.inputs[0]))
    )


def looked_up(t: Tensor, g: Any, recording: bool) -> RowGradient:
    """Return what a look-up sends to its table, for a gradient of its rows."""
    table, places = (x if recording or not isinstance(x, Tensor) else x._value for x in t.inputs)
    return RowGradient(places, g, table)


def rows_read(function: Callable[..., Any], *args: Any) -> list[list[Any] | None]:
    """Return which rows of each leaf of the first argument a function reads.

    Parameters
    ----------
    function : callable
        Takes trees of arrays, returns a single number.
    *args

    Returns
    -------
    list
        For each leaf the arrays of places by which rows are looked up; None where it is read in
        any other way, or not at all.

    Examples
    --------
    >>> params = {"bias": np.zeros(2), "table": np.ones((9, 2))}
    >>> rows_read(lambda p: np.sum(p["table"][[4, -1]] + p["bias"]), params)
    [None, [array([ 4, -1])]]
    """
    run = record(function, args, {}, 0)
    if not isinstance(run.result, Tensor):
        return [None] * len(run.variables)
    number = {v.serial: i for i, v in enumerate(run.variables)}
    found: list[list[Any] | None] = [[] for _ in run.variables]
    for t in ancestors([run.result], everything=True, until=run.variables):
        for x in () if t.serial in number else t.inputs:
            i = number.get(x.serial) if isinstance(x, Tensor) else None
            places = found[i] if i is not None else None
            if i is None or places is None:
                continue
            if is_lookup(t) and x is t.inputs[0]:
                places.append(looked_up(t, None, t.traced).places)
            else:
                found[i] = None
    return [places or None for places in found]


def distinct(places: Sequence[Any], table: Any) -> Any:
    """Return the rows of a table that plain arrays of places mean, each once, in rising order."""
    flat = np.concatenate([np.ravel(x) for x in places])
    return np.unique(np.where(flat < 0, flat + len(table), flat))
