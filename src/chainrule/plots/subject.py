"""What a plot is about: networks, estimators and rows, told apart by what they can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.graph import Array
from chainrule.nn import Module, named_parameters

_MOST_CLASSES = 100  # whole numbers of more kinds than these are numbers


def network_of(owner: str, model: Any) -> Module:
    """Return a network, or that of a fitted estimator.

    Raises
    ------
    ArgumentError
        If it is neither.
    """
    network = getattr(model, "network_", model)
    if not isinstance(network, Module):
        raise ArgumentError(
            f"{owner}: model must be a Module or a fitted estimator with one in network_, "
            f"not {type(model).__name__}"
        )
    return network


def matrix(owner: str, X: Any, name: str = "X") -> Array:
    """Return rows of finite numbers, shape (n, d); a vector is one column.

    Raises
    ------
    ShapeError, DataError
        If they are none, naming the row and the column.
    """
    try:
        rows = np.asarray(X).astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{owner}: {name} must hold numbers") from None
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or 0 in rows.shape:
        raise ShapeError(
            f"{owner}: {name} has shape {rows.shape}: expected (n, d), with a row and a column "
            "at least"
        )
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0].tolist()
        raise DataError(
            f"{owner}: {name} holds {rows[row, column]} at row {row}, column "
            f"{column_names(X, rows.shape[1])[column]}: leave such rows out or fill them in"
        )
    return rows


def column_names(X: Any, d: int) -> list[str]:
    """Return the names of the columns of a data frame, or their numbers."""
    names = getattr(X, "columns", None)
    return [f"x{i}" for i in range(d)] if names is None else [str(name) for name in names]


def as_seen(network: Module, rows: Array) -> Array:
    """Return rows in the dtype of a network's parameters."""
    parameters = named_parameters(network)
    return rows.astype(np.result_type(*parameters.values())) if parameters else rows


def labels(owner: str, y: Any, n: int | None = None, name: str = "y") -> Array:
    """Return one label a row, shape (n,).

    Raises
    ------
    ShapeError, DataError
        If their number is another, or one is not finite.
    """
    found = np.asarray(y)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.ndim != 1 or not len(found):
        raise ShapeError(f"{owner}: {name} has shape {found.shape}: expected one label a row, (n,)")
    if n is not None and len(found) != n:
        raise ShapeError(f"{owner}: X has {n} rows and {name} {len(found)}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found))[0])
        raise DataError(f"{owner}: {name} holds {found[row]} at row {row}: leave such rows out")
    return found.astype(str) if found.dtype.kind in "OS" else found


def is_text(y: Array) -> bool:
    """Return whether labels are names, not numbers."""
    return y.dtype.kind == "U"


def classes_of(y: Array) -> Array | None:
    """Return the classes among labels in order; None if they are numbers to be predicted."""
    found = np.unique(y)
    if y.dtype.kind == "f" and (len(found) > _MOST_CLASSES or np.any(found != np.round(found))):
        return None
    return found


def class_names(classes: Sequence[Any] | Array) -> list[str]:
    """Return how classes are written: whole numbers without a point."""
    return [f"{c:g}" if isinstance(c, (float, np.floating)) else str(c) for c in classes]


def image_shape(owner: str, width: int, shape: Any) -> tuple[int, int]:
    """Return the height and width of images of so many pixels; square ones unless said otherwise.

    Raises
    ------
    ShapeError
        If the pixels do not make such an image.
    """
    side = round(width**0.5)
    if shape is None and side * side != width:
        raise ShapeError(
            f"{owner}: {width} numbers are no square image: give shape=(height, width)"
        )
    h, w = (side, side) if shape is None else (int(s) for s in shape)
    if h < 1 or h * w != width:
        raise ShapeError(f"{owner}: shape={(h, w)} has {h * w} pixels, and a row {width}")
    return h, w
