"""A line or a plane through the space of the inputs, along one or two of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Array
from chainrule.plots.panel import Axis, Points, Shades
from chainrule.plots.subject import class_names, column_names, matrix

_ROOM = 0.08  # beyond the outermost rows, as a share of their range


@dataclass(frozen=True)
class Plane:
    """A grid along some columns of data, the others at their medians.

    Attributes
    ----------
    rows : array, shape (n, d)
    columns : tuple of int
        The one or two that are varied.
    names : list of str
        Of all columns.
    grid : list of arrays
        Places along each of `columns`.
    """

    rows: Array
    columns: tuple[int, ...]
    names: list[str]
    grid: list[Array]

    @classmethod
    def through(cls, owner: str, X: Any, columns: Any, most: int, places: int) -> Plane:
        """Return the plane of some columns, the first ones by default.

        Raises
        ------
        ShapeError, ArgumentError, DataError
            If the data have no such columns.
        """
        rows = matrix(owner, X)
        names = column_names(X, rows.shape[1])
        chosen = range(min(most, rows.shape[1])) if columns is None else columns
        found = tuple(_position(owner, c, names) for c in chosen)
        if not found or len(found) > most or len(set(found)) < len(found):
            raise ArgumentError(f"{owner}: columns must be {most} different ones, not {columns!r}")
        grid = [_range(rows[:, c], places) for c in found]
        return cls(rows, found, names, grid)

    def inputs(self) -> Array:
        """Return a row for each place of the grid, the last column varied slowest."""
        mesh = np.meshgrid(*self.grid)
        found = np.tile(np.median(self.rows, axis=0), (mesh[0].size, 1))
        for column, places in zip(self.columns, mesh, strict=True):
            found[:, column] = places.ravel()
        return found

    def on_grid(self, values: Array) -> Array:
        """Return values of `inputs` in the shape (rows, columns) of the grid."""
        return values.reshape([len(g) for g in reversed(self.grid)])

    def shades(self, values: Array, scale: str, **options: Any) -> Shades:
        """Return values of `inputs` as shades over the plane."""
        x, y = self.grid
        return Shades(x, y, self.on_grid(values), scale, **options)

    def axis(self, i: int) -> Axis:
        """Return the axis along a column."""
        return Axis(self.names[self.columns[i]])

    def places(self, i: int) -> Array:
        """Return where the data's rows lie along a column."""
        return np.asarray(self.rows[:, self.columns[i]])

    @property
    def notes(self) -> list[str]:
        """What is to be said of the columns that are not varied."""
        others = self.rows.shape[1] - len(self.columns)
        if not others:
            return []
        words = "the other column at its median" if others == 1 else (
            f"the other {others} columns at their medians"
        )  # fmt: skip
        return [words]


def need_two(owner: str, plane: Plane) -> None:
    """Refuse data of a single column.

    Raises
    ------
    ShapeError
    """
    if len(plane.columns) < 2:
        raise ShapeError(f"{owner} needs two columns to span a plane, and X has one")


def _position(owner: str, column: Any, names: Sequence[str]) -> int:
    if isinstance(column, str):
        if column not in names:
            raise ArgumentError(f"{owner}: X has no column {column!r}")
        return names.index(column)
    if isinstance(column, bool) or not isinstance(column, (int, np.integer)):
        raise ArgumentError(f"{owner}: a column is a number or a name, not {column!r}")
    if not 0 <= column < len(names):
        raise ArgumentError(f"{owner}: X has no column {column}, only 0 to {len(names) - 1}")
    return int(column)


def _range(values: Array, places: int) -> Array:
    low, high = float(values.min()), float(values.max())
    room = _ROOM * (high - low) or 0.5
    return np.linspace(low - room, high + room, places)


def class_points(x: Array, y: Array, codes: Array, classes: Array) -> list[Points]:
    """Return points by class, each class that occurs with its name."""
    return [
        Points(x[codes == c], y[codes == c], name, series=c)
        for c, name in enumerate(class_names(classes))
        if np.any(codes == c)
    ]
