"""Columns of categories beside columns of numbers: found, numbered, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.borrowed import borrow
from chainrule.data.inputs import ABSENT, UNKNOWN, EmbeddedInput
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array

Refuse = Callable[[Any, int, int], Any]


@dataclass(frozen=True)
class Categories:
    """Which columns hold categories, and the code of each of their values.

    A value that was not met in training, and a missing one if none was, has a code of its own.

    Parameters
    ----------
    columns : tuple of int
    codes : tuple of dict
        Of each of them.
    unmet : tuple of list of int
        Of each of them, the codes that training does not meet.
    """

    columns: tuple[int, ...]
    codes: tuple[dict[Any, int], ...]
    unmet: tuple[list[int], ...]

    @classmethod
    def learn(cls, X: Any, columns: tuple[int, ...]) -> Categories:
        """Learn the values of columns."""
        found, unmet = [], []
        for j in columns:
            given = _column(X, j).tolist()
            values = {v for v in given if not _missing(v)}
            unmet.append([UNKNOWN] if any(map(_missing, given)) else [UNKNOWN, ABSENT])
            try:
                ordered = sorted(values)
            except TypeError:
                ordered = sorted(values, key=repr)
            found.append({v: i + ABSENT + 1 for i, v in enumerate(ordered)})
        return cls(columns, tuple(found), tuple(unmet))

    @property
    def embedded(self) -> list[tuple[int, int]]:
        """Number of codes and length of a code's vector, of each column."""
        inputs = [EmbeddedInput("", tuple(map(repr, codes))) for codes in self.codes]
        return [(one.cardinality, one.width) for one in inputs]

    def apart(self, X: Any, n_features: int, dtypes: tuple[Any, ...], refuse: Refuse) -> Any:
        """Return rows as a network takes them: ``codes`` and, unless there are none, ``numbers``.

        Parameters
        ----------
        X : data frame or array, shape (n, n_features)
        n_features : int
        dtypes : tuple
            What numbers may have; others become the first.
        refuse : callable
            ``refuse(value, row, column)`` raises.
        """
        codes = np.stack(
            [self._encoded(X, j, known) for j, known in zip(self.columns, self.codes, strict=True)],
            axis=1,
        )
        others = [j for j in range(n_features) if j not in self.columns]
        if not others:
            return {"codes": codes}
        columns = [_numbers(_column(X, j), j) for j in others]
        numbers = np.stack(columns, axis=1)
        numbers = numbers if numbers.dtype in dtypes else numbers.astype(dtypes[0])
        wrong = np.argwhere(~np.isfinite(numbers))
        if len(wrong):
            row, place = wrong[0].tolist()
            refuse(numbers[row, place], row, others[place])
        return {"numbers": numbers, "codes": codes}

    def settle(self, tables: Sequence[Array]) -> None:
        """Give codes that training does not meet the mean of the others' vectors, in place."""
        for table, unmet in zip(tables, self.unmet, strict=True):
            table[unmet] = np.delete(table, unmet, axis=0).mean(axis=0)

    @staticmethod
    def _encoded(X: Any, j: int, known: dict[Any, int]) -> Array:
        values = _column(X, j).tolist()
        return np.array([ABSENT if _missing(v) else known.get(v, UNKNOWN) for v in values])


def _column(X: Any, j: int) -> Array:
    return np.asarray(borrow("sklearn.utils", "_safe_indexing")(X, j, axis=1))


def _numbers(column: Array, j: int) -> Array:
    try:
        return column if column.dtype.kind == "f" else column.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"column {j} holds {column.dtype}, not numbers ({error}): name it in "
            "categorical_features, or encode it"
        ) from None


def _missing(value: Any) -> bool:
    kind = type(value).__name__
    return value is None or kind in ("NAType", "NaTType") or (kind == "float" and value != value)


def categorical_columns(asked: Any, X: Any, n_features: int) -> tuple[int, ...]:
    """Return the positions of the columns that are asked for.

    Parameters
    ----------
    asked : "from_dtype", or names, positions or a mask of columns
        "from_dtype" takes columns of a data frame that hold categories or text.
    X : data frame or array
    n_features : int

    Raises
    ------
    ArgumentError
        If there is no such column, or X has no names or dtypes of columns.
    """
    names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    if isinstance(asked, str):
        if asked != "from_dtype" or names is None:
            raise ArgumentError(
                "categorical_features must be 'from_dtype', for which X must be a data frame, or "
                f"names, positions or a mask of columns, not {asked!r}"
            )
        return tuple(j for j in range(n_features) if _is_text(_dtype(X, j)))
    given = list(asked)
    if given and all(isinstance(one, (bool, np.bool_)) for one in given):
        if len(given) != n_features:
            raise ArgumentError(
                f"categorical_features is a mask of {len(given)}, and X has {n_features} columns"
            )
        return tuple(np.flatnonzero(given).tolist())
    return tuple(sorted({_position(one, names, n_features) for one in given}))


def _position(one: Any, names: list[str] | None, n_features: int) -> int:
    if isinstance(one, str):
        if names is None or one not in names:
            raise ArgumentError(f"categorical_features: X has no column {one!r}")
        return names.index(one)
    if not isinstance(one, (int, np.integer)) or not -n_features <= one < n_features:
        raise ArgumentError(f"categorical_features: X has no column {one!r}")
    return int(one) % n_features


def _dtype(X: Any, j: int) -> str:
    return str(borrow("sklearn.utils", "_safe_indexing")(X, j, axis=1).dtype)


def _is_text(dtype: str) -> bool:
    return dtype.lower().startswith(("category", "categorical", "enum", "object", "str"))
