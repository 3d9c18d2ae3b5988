"""`Estimator`: what all estimators share: checked arguments, rows, targets and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.constraints import Constraint, check
from chainrule.errors import DataError
from chainrule.graph import Array

FLOATS = (np.float64, np.float32)  # dtypes that are kept; others become the first


class Estimator(BaseEstimator):
    """Base of all estimators.

    A subclass names the ranges of its arguments in `allowed`, and in `fit` calls
    `_check_arguments` first, then `_rows_and_targets`; in ``predict`` and ``transform``, after
    scikit-learn's ``check_is_fitted``, `_rows`.

    Attributes
    ----------
    allowed : dict of str to constraint
        Class attribute: what is refused in `fit`. Arguments that are not named are not checked.
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {}
    _sparse: ClassVar[bool] = False  # whether rows may come as a sparse matrix

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse
        return tags

    def _check_arguments(self) -> None:
        """Refuse what the constructor was given out of range.

        Raises
        ------
        ArgumentError
        """
        given = {name: plain(value) for name, value in self.get_params(deep=False).items()}
        check(type(self).__name__, self.allowed, given)

    def _rows(self, X: Any, *, reset: bool = False) -> Any:
        """Return checked rows, shape (n, d): float64 or float32 as they were given, finite.

        A sparse matrix becomes CSR.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix
        reset : bool
            Whether number and names of the features are learned, in `fit`, or compared.

        Raises
        ------
        ValueError
            If the rows do not fit, or a number is missing or infinite: naming row and column.
        """
        return self._finite(validate_data(self, X, reset=reset, **self._asked()))

    def _rows_and_targets(
        self, X: Any, y: Any, *, reset: bool = True, numeric: bool = False, several: bool = False
    ) -> tuple[Any, Array]:
        """Return checked rows, see `_rows`, and targets of the same number.

        Parameters
        ----------
        X, y : array_like
        reset : bool
            See `_rows`.
        numeric : bool
            Whether the targets must be numbers.
        several : bool
            Whether they may have several columns.
        """
        X, y = validate_data(
            self, X, y, reset=reset, y_numeric=numeric, multi_output=several, **self._asked()
        )
        return self._finite(X), y

    def _asked(self) -> dict[str, Any]:
        accepted = "csr" if self._sparse else False
        return {"accept_sparse": accepted, "dtype": FLOATS, "ensure_all_finite": False}

    def _finite(self, X: Any) -> Any:
        values = X.data if issparse(X) else X
        # A sum is not finite if a term is not; it may overflow without, which is looked into.
        with np.errstate(all="ignore"):
            quick = np.isfinite(np.sum(values))
        if quick:
            return X
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            place = int(wrong[0])
            row, column = _place_in(X, place)
            self._refuse(values.flat[place], row, column)
        return X

    def _refuse(self, value: Any, row: int, column: int) -> NoReturn:
        """Raise an error that names the place of a number that cannot be used."""
        names = getattr(self, "feature_names_in_", None)
        label = f"column {column}" if names is None else f"column {str(names[column])!r}"
        kind = type(self).__name__
        if np.isnan(value):
            raise DataError(
                f"Input X contains NaN: {label}, row {row}, is the first. {kind} accepts no "
                "missing values: fill them, such as with sklearn.impute.SimpleImputer, or drop "
                "the rows"
            )
        raise DataError(
            f"Input X contains inf, infinity or a value too large: {label}, row {row}, holds "
            f"{value}. {kind} needs finite numbers"
        )


def stored(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a constructor was given, of its ``locals()``: to be stored as it is.

    Examples
    --------
    >>> stored({"self": None, "alpha": 0.1})
    {'alpha': 0.1}
    """
    return {k: v for k, v in arguments.items() if k not in ("self", "__class__")}


def plain(value: Any) -> Any:
    """Return Python's value for NumPy's scalar, such as a search over an array of choices gives.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.str_("adam")), plain(np.True_), plain((1, 2))
    ('adam', True, (1, 2))
    """
    return value.item() if isinstance(value, np.generic) else value


def _place_in(X: Any, place: int) -> tuple[int, int]:
    """Return row and column of an element, given its place among the stored ones."""
    if issparse(X):
        return int(np.searchsorted(X.indptr, place, side="right")) - 1, int(X.indices[place])
    row, column = divmod(place, X.shape[1])
    return row, column


def checked_targets(X: Any, y: Any, numeric: bool = False) -> Array:
    """Return checked targets, (n,) or (n, k), for rows that are checked elsewhere.

    Raises
    ------
    ValueError
        If they are not finite, or not as many as the rows.
    """
    dtype = np.float64 if numeric else None
    found: Array = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
    check_consistent_length(X, found)
    return found


def class_codes(y: Array) -> tuple[Array, Array]:
    """Return the classes in order, and for each target its place among them.

    Raises
    ------
    ValueError
        If the targets are no classes, such as fractions.

    Examples
    --------
    >>> import numpy as np
    >>> classes, codes = class_codes(np.array(["no", "yes", "no"]))
    >>> classes.tolist(), codes.tolist()
    (['no', 'yes'], [0, 1, 0])
    """
    check_classification_targets(y)
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
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    if class_weight is not None:
        dtype = X.dtype if X.dtype.kind == "f" else np.float64
        balanced = isinstance(class_weight, str) and class_weight == "balanced"
        factors = _balanced(y, weight) if balanced else compute_sample_weight(class_weight, y)
        weight = factors.astype(dtype) if weight is None else weight * factors.astype(dtype)
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
