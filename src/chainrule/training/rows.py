"""Rows of data as training takes them: checked once, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.data import Ragged
from chainrule.errors import ArgumentError, DataError, DtypeError, ShapeError
from chainrule.graph import Array
from chainrule.graph.tree import flatten, map_leaves, paths, unflatten

_BLOCK = 2**20  # elements that are checked at a time, so that checking takes little memory
SMALL = 2**24  # bytes of data of which a second copy may be held


@dataclass(frozen=True)
class Rows:
    """Inputs, targets and weights of the same number of rows.

    Attributes
    ----------
    X, y : trees of arrays
        First axes of equal length; in X there may be `chainrule.data.Ragged` rows.
    weight : array, shape (n,), or None
        Positive.
    dtype : numpy.dtype
        What floating-point numbers are converted to when a batch is taken.
    numbers : int array, optional
        Of the rows in the data as it was given, where some were left out.
    """

    X: Any
    y: Any
    weight: Array | None
    dtype: np.dtype[Any]
    numbers: Array | None = None

    def __len__(self) -> int:
        leaves, _ = flatten(self.X)
        return len(leaves[0])

    def take(self, index: Any) -> Rows:
        """Return the rows of an index: an array of integers or a slice."""
        return self._mapped(lambda x: x.take(index) if isinstance(x, Ragged) else x[index])

    def kept(self, places: Array) -> Rows:
        """Return some rows as `take` does, but those of unequal lengths as they are."""
        return self._mapped(lambda x: x.rows(places) if isinstance(x, Ragged) else x[places])

    def _mapped(self, function: Callable[[Any], Any]) -> Rows:
        def mapped(array: Any) -> Any:
            rows = function(array)
            return rows.astype(self.dtype, copy=False) if rows.dtype.kind == "f" else rows

        X, y, weight = map_leaves(mapped, (self.X, self.y, self.weight))
        return Rows(X, y, weight, self.dtype)

    def weighted(self, weight: Array, name: str = "data") -> Rows:
        """Return the rows with other weights; those of weight 0 are left out.

        Raises
        ------
        DataError
            If no row is left.
        """
        rows = replace(self, weight=weight)
        if np.all(weight):
            return rows
        kept = np.flatnonzero(weight)
        if not len(kept):
            raise DataError(f"{name}: there are no rows of positive weight")
        numbers = kept if self.numbers is None else self.numbers[kept]
        return replace(rows.kept(kept), numbers=numbers)

    @property
    def ragged(self) -> list[Ragged]:
        """What has rows of unequal lengths."""
        return [x for x in flatten(self.X)[0] if isinstance(x, Ragged)]

    def alike(self, places: Array, size: int) -> int:
        """Return how many batches, from the first of these places on, have arrays of its shapes."""
        every = -(-len(places) // size)
        return min((x.alike(places, size) for x in self.ragged), default=every)

    def kinds(self) -> list[Array]:
        """Return places of rows for each shape that arrays of batches can have."""
        found = [kind for x in self.ragged for kind in x.kinds()]
        return found or [np.arange(len(self))]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in flatten((self.X, self.y, self.weight))[0])

    @cached_property
    def converted(self) -> Rows | None:
        """All rows in `dtype`; None if that would be a large copy.

        Nor where rows have unequal lengths, or an array is a view that programs would copy, such as
        windows of a stream.
        """
        arrays = flatten((self.X, self.y, self.weight))[0]
        if self.ragged or not all(x.flags.c_contiguous for x in arrays):
            return None
        ready = all(self._ready(x) is not None for x in arrays)
        return self.take(slice(None)) if ready or self.nbytes <= SMALL else None

    def gathered(self, places: Array) -> tuple[Rows, Array | None]:
        """Return converted rows, and where in them these places are; None if one after another."""
        found = self._filled(places) if self.ragged else self.converted
        return (self.take(places), None) if found is None else (found, places)

    def _filled(self, places: Array) -> Rows | None:
        """Return all rows, those of unequal lengths filled up as for these places.

        None if that would be a large copy.
        """
        leaves, structure = flatten((self.X, self.y, self.weight))
        found = [x.filled(places, SMALL) if isinstance(x, Ragged) else self._ready(x)
                 for x in leaves]  # fmt: skip
        if any(x is None for x in found):
            return None
        X, y, weight = unflatten(structure, found)
        return Rows(X, y, weight, self.dtype)

    def _ready(self, array: Array) -> Array | None:
        """Return an array if programs can take it as it is."""
        converted = array.dtype == self.dtype or array.dtype.kind != "f"
        return array if converted and array.flags.c_contiguous else None

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield batches of consecutive rows."""
        return (self.take(slice(start, start + size)) for start in range(0, len(self), size))

    def weight_of(self, index: Any) -> float:
        """Return the sum of the weights of an array of integers, or their number."""
        if self.weight is None:
            return float(len(index))
        weight = self.weight[index].astype(self.dtype, copy=False)
        return float(np.sum(weight, dtype=np.float64))

    @property
    def total_weight(self) -> float:
        """The sum of the weights, or the number of rows."""
        return float(len(self) if self.weight is None else np.sum(self.weight, dtype=np.float64))


def checked_rows(
    data: Any, weight: Any = None, dtype: Any = np.float32, name: str = "data"
) -> Rows:
    """Return rows after checking everything that would spoil training.

    Parameters
    ----------
    data : tuple ``(X, y)`` or ``(X, y, sample_weight)``
        Trees of arrays (or data frames and series) with equal first axes.
    weight : array_like, shape (n,), optional
        Not negative. Rows of weight 0 are left out.
    dtype : dtype_like
        The parameters' dtype.
    name : str
        What the argument is called, for messages.

    Raises
    ------
    ArgumentError
        If the data is not such a tuple.
    ShapeError
        If lengths differ.
    DtypeError
        If an array holds other things than numbers.
    DataError
        If there are no rows, or one holds NaN, an infinity or a number too large for the dtype;
        it names row and column.
    """
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ArgumentError(
            f"{name} must be (X, y) or (X, y, sample_weight), not {type(data).__name__}"
        )
    if len(data) == 3:
        if weight is not None:
            raise ArgumentError(f"the weights of {name} are given twice")
        weight = data[2]
    X, x_names = _arrays(data[0], "X", dtype)
    y, y_names = _arrays(data[1], "y", dtype)
    lengths = x_names | y_names
    if weight is not None:
        weight = _checked_weight(weight, dtype)
        lengths["sample_weight"] = len(weight)
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{n} has {length}" for n, length in lengths.items())
        raise ShapeError(f"{name}: the numbers of rows differ: {words}")
    rows = Rows(X, y, None, np.dtype(dtype))
    if not len(rows):
        raise DataError(f"{name}: there are no rows")
    return rows if weight is None else rows.weighted(weight, name)


def _arrays(tree: Any, name: str, dtype: Any) -> tuple[Any, dict[str, int]]:
    """Return a tree of checked arrays, and their lengths by name."""
    leaves, structure = flatten(tree)
    names = paths(structure, name)
    if not leaves:
        raise ArgumentError(f"{name} holds no array")
    arrays = [_checked(leaf, label, dtype) for leaf, label in zip(leaves, names, strict=True)]
    lengths = {label: len(array) for label, array in zip(names, arrays, strict=True)}
    return unflatten(structure, arrays), lengths


def _checked(leaf: Any, name: str, dtype: Any) -> Any:
    if isinstance(leaf, Ragged):
        return leaf
    array = np.asarray(leaf)
    if array.ndim == 0:
        raise ArgumentError(
            f"{name} is {type(leaf).__name__}, not an array of rows: np.asarray makes one of "
            "lists, .toarray() of a sparse matrix"
        )
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            f"{name} holds {array.dtype}, not numbers: encode text and categories first, for "
            "instance with np.unique(labels, return_inverse=True) or a TableEncoder"
        )
    if array.dtype.kind == "f":
        _check_finite(array, name, getattr(leaf, "columns", None), dtype)
    return array


def _check_finite(array: Array, name: str, columns: Any, dtype: Any) -> None:
    size = max(1, _BLOCK // max(1, int(np.prod(array.shape[1:]))))
    for start in range(0, len(array), size):
        block = array[start : start + size]
        with np.errstate(over="ignore"):
            wrong = ~np.isfinite(block.astype(dtype, copy=False))
        if wrong.any():
            row, *rest = (int(i) for i in np.argwhere(wrong)[0])
            value = block[(row, *rest)]
            place = f"row {start + row}"
            if rest:
                column = ", ".join(map(str, rest))
                title = f" ({columns[rest[0]]!r})" if columns is not None else ""
                place += f", column {column}{title}"
            kind = f"{value}, too large for {np.dtype(dtype)}" if np.isfinite(value) else f"{value}"
            raise DataError(
                f"{name} holds {kind} in {place}, counted from 0: "
                "remove such rows or fill in numbers before training"
            )


def _checked_weight(weight: Any, dtype: Any) -> Array:
    array = np.asarray(weight)
    if array.ndim != 1 or array.dtype.kind not in "fiub":
        raise ShapeError(
            f"sample_weight must be one number a row, not {array.dtype} of shape {array.shape}"
        )
    array = array.astype(np.result_type(array, dtype), copy=False)
    _check_finite(array, "sample_weight", None, dtype)
    if np.any(array < 0):
        row = int(np.argmax(array < 0))
        raise DataError(f"sample_weight is negative in row {row}, counted from 0: {array[row]}")
    return array
