"""Weights of classes, and the weights of rows that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.constraints import NON_NEGATIVE, check
from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.graph import Array

ClassWeight = str | Mapping[Any, float] | Sequence[Any]


def class_weights(y: Any, class_weight: str | Mapping[Any, float] = "balanced") -> dict[Any, float]:
    """Return the weight of each class in targets.

    Parameters
    ----------
    y : array_like, shape (n,)
        A class for each row: whole numbers, truth values or texts.
    class_weight : "balanced" or mapping of class to float >= 0
        "balanced" gives each class the same part of the total, ``n / (n_classes * count)`` to each
        of its rows, after King and Zeng, "Logistic regression in rare events data" (2001), as in
        scikit-learn. A class that a mapping leaves out has weight 1.

    Returns
    -------
    dict of class to float
        Of the classes in `y`, in their order.

    Raises
    ------
    ArgumentError
        If a weight cannot be, or a mapping names a class that is not there.
    DataError
        If the targets are no classes.

    Examples
    --------
    >>> class_weights(["a", "b", "b", "b"])
    {'a': 2.0, 'b': 0.6666666666666666}
    """
    classes, counts = np.unique(_classes(y), return_counts=True)
    found = classes.tolist()
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ArgumentError(
                f"class_weight must be 'balanced' or a mapping of classes to numbers, not "
                f"{class_weight!r}"
            )
        return dict(zip(found, (counts.sum() / (len(found) * counts)).tolist(), strict=True))
    for name, weight in class_weight.items():
        if name not in found:
            raise ArgumentError(f"class_weight names {name!r}; the classes are {found[:20]}")
        check("class_weight", {repr(name): NON_NEGATIVE}, {repr(name): weight})
    return {name: float(class_weight.get(name, 1.0)) for name in found}


def row_weights(y: Any, class_weight: ClassWeight, sample_weight: Any = None) -> Array:
    """Return the weight of each row: that of its class, times its own.

    Parameters
    ----------
    y : array_like, shape (n,), (n, 1) or (n, k)
        Classes. Of several columns, such as labels, each has classes of its own, and a row's
        weights are multiplied.
    class_weight : "balanced", mapping of class to float, or list of them
        See `class_weights`; a list has one for each column.
    sample_weight : array_like, shape (n,), optional

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    ArgumentError, DataError, ShapeError
        See `class_weights`.

    Examples
    --------
    >>> row_weights([0, 1, 1, 1], {0: 3.0}, [1.0, 1.0, 1.0, 0.5]).tolist()
    [3.0, 1.0, 1.0, 0.5]
    """
    targets = np.asarray(y)
    if targets.ndim not in (1, 2):
        raise ShapeError(f"class_weight needs a class a row, not targets of {targets.shape}")
    columns = targets.reshape(len(targets), -1).T
    one = isinstance(class_weight, str | Mapping)
    given: list[Any] = [class_weight] * len(columns) if one else list(class_weight)
    if len(given) != len(columns):
        raise ShapeError(f"class_weight has {len(given)} elements for {len(columns)} columns")
    weight = np.ones(len(targets))
    for column, own in zip(columns, given, strict=True):
        weights = class_weights(column, own)
        _, codes = np.unique(column, return_inverse=True)
        weight *= np.array(list(weights.values()))[codes]
    return weight if sample_weight is None else weight * np.asarray(sample_weight)


def _classes(y: Any) -> Array:
    array = np.asarray(y)
    if array.ndim != 1:
        raise ShapeError(f"classes are one a row, not an array of shape {array.shape}")
    whole = array.dtype.kind != "f" or bool(np.all(array == np.rint(array)))
    if not len(array) or not whole:
        raise DataError(
            "class_weight is for classes, and the targets are "
            + ("numbers that are not whole: give sample_weight" if len(array) else "empty")
        )
    return array
