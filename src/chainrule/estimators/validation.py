"""Checks of rows, targets, weights and seeds.

Arrays and lists of numbers are checked here, for which scikit-learn need not be imported. All else,
and all that is refused, goes to scikit-learn's own function, so that it is read and refused as
there.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from chainrule.borrowed import borrow
from chainrule.errors import ArgumentError
from chainrule.graph import Array

FLOATS = (np.float64, np.float32)  # dtypes that are kept; others become the first
_FEW = 20  # rows: of more, scikit-learn warns if over half are classes of their own


def plain_rows(X: Any) -> Array | None:
    """Return an array or a list of rows of numbers as floats, shape (n, d); None for all else.

    Examples
    --------
    >>> plain_rows([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    >>> plain_rows([[1, 2], [3]]) is None
    True
    """
    rows = _array(X)
    if rows is None or rows.ndim != 2 or not rows.size or rows.dtype.kind not in "fiub":
        return None
    return rows if rows.dtype in FLOATS else rows.astype(FLOATS[0])


def plain_targets(y: Any, *, numeric: bool = False, several: bool = False) -> Array | None:
    """Return an array or a list of finite numbers or words; None for all else.

    Parameters
    ----------
    y : array_like
    numeric : bool
        Whether words are something else.
    several : bool
        Whether there may be several columns.

    Examples
    --------
    >>> plain_targets(["no", "yes"]).tolist(), plain_targets(["no", "yes"], numeric=True)
    (['no', 'yes'], None)
    """
    found = _array(y)
    if found is None or found.ndim not in ((1, 2) if several else (1,)) or not found.size:
        return None
    if found.dtype.kind not in ("fiub" if numeric else "fiubU"):
        return None
    return found if found.dtype.kind != "f" or np.isfinite(found).all() else None


def _array(values: Any) -> Array | None:
    if type(values) is list:
        try:
            return np.asarray(values)
        except ValueError:  # of lengths that differ
            return None
    return values if type(values) is np.ndarray else None


def one_column(y: Any, *, warn: bool = True) -> Array:
    """Return targets of shape (n,); if `warn`, with a warning where they have shape (n, 1).

    Raises
    ------
    ValueError
        If they have several columns.
    """
    if type(y) is np.ndarray and y.ndim == 1:
        return y
    column: Array = borrow("sklearn.utils", "column_or_1d")(y, warn=warn)
    return column


def checked_targets(X: Any, y: Any, numeric: bool = False) -> Array:
    """Return checked targets, (n,) or (n, k), for rows that are checked elsewhere.

    Raises
    ------
    ValueError
        If they are not finite, or not as many as the rows.
    """
    dtype = np.float64 if numeric else None
    found: Array = borrow("sklearn.utils", "check_array")(
        y, ensure_2d=False, dtype=dtype, input_name="y"
    )
    borrow("sklearn.utils", "check_consistent_length")(X, found)
    return found


def kind_of_classes(y: Array) -> str:
    """Return scikit-learn's name for the kind of targets that are classes.

    Raises
    ------
    ValueError
        If the targets are no classes, such as fractions.

    Examples
    --------
    >>> kind_of_classes(np.array([0, 1, 0]))
    'binary'
    """
    if type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "fiubU":
        whole = y.dtype.kind != "f" or bool((y == np.floor(y)).all())
        count = len(np.unique(y))
        if whole and (len(y) <= _FEW or 2 * count <= len(y)):
            return "binary" if count <= 2 else "multiclass"
    borrow("sklearn.utils.multiclass", "check_classification_targets")(y)
    kind: str = borrow("sklearn.utils.multiclass", "type_of_target")(y)
    return kind


def class_codes(y: Array) -> tuple[Array, Array]:
    """Return the classes in order, and for each target its place among them.

    Raises
    ------
    ValueError
        If the targets are no classes, such as fractions.

    Examples
    --------
    >>> classes, codes = class_codes(np.array(["no", "yes", "no"]))
    >>> classes.tolist(), codes.tolist()
    (['no', 'yes'], [0, 1, 0])
    """
    kind_of_classes(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.reshape(np.shape(y))


def checked_weights(X: Any, sample_weight: Any, class_weight: Any = None, y: Any = None) -> Any:
    """Return one weight a row in the rows' dtype, or None if all count the same.

    Parameters
    ----------
    X : array or sparse matrix, shape (n, d)
        Checked rows.
    sample_weight : array_like of shape (n,), a number or None
        Not negative.
    class_weight : dict, "balanced" or None
        Factors by class, as scikit-learn has them.
    y : array, shape (n,) or (n, k)
        The targets as they were given, for `class_weight`.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or their number is not that of the rows.
    """
    weight = None
    if sample_weight is not None:
        weight = _row_weights(X, sample_weight)
    if class_weight is not None:
        dtype = X.dtype if X.dtype.kind == "f" else np.float64
        balanced = isinstance(class_weight, str) and class_weight == "balanced"
        of_classes = borrow("sklearn.utils.class_weight", "compute_sample_weight")
        factors = _balanced(y, weight) if balanced else of_classes(class_weight, y)
        weight = factors.astype(dtype) if weight is None else weight * factors.astype(dtype)
    return weight


def _row_weights(X: Any, given: Any) -> Array:
    found = plain_targets(given, numeric=True)
    if found is not None and len(found) == X.shape[0] and found.min() >= 0 < found.max():
        return found if found.dtype in FLOATS else found.astype(FLOATS[0])
    check = borrow("sklearn.utils.validation", "_check_sample_weight")
    weight: Array = check(given, X, ensure_non_negative=True)
    return weight


def _balanced(y: Array, weight: Array | None) -> Array:
    """Return factors that give all classes of a column the same total weight, the mean of all."""
    weight = np.ones(len(y)) if weight is None else weight
    factors = np.ones(len(y))
    for column in y.reshape(len(y), -1).T:
        codes = np.unique(column, return_inverse=True)[1]
        totals = np.bincount(codes, weights=weight)
        share = totals.sum() / np.count_nonzero(totals)
        factors *= share / np.where(totals > 0, totals, 1.0)[codes]
    return factors


def random_of(seed: Any) -> np.random.RandomState:
    """Return the generator of a `random_state`: of a seed; itself; or for None NumPy's own.

    Raises
    ------
    ArgumentError

    Examples
    --------
    >>> random_of(0).randint(100)
    44
    """
    if seed is None or seed is np.random:
        return np.random.mtrand._rand
    if isinstance(seed, Integral):
        return np.random.RandomState(int(seed))
    if isinstance(seed, np.random.RandomState):
        return seed
    raise ArgumentError(f"random_state must be None, an int or a RandomState, not {seed!r}")
