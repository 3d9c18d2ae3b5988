"""`Estimator`: what all estimators share: checked arguments, rows, targets and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from chainrule import estimator
from chainrule.borrowed import borrow, is_sparse
from chainrule.errors import DataError
from chainrule.estimators.validation import FLOATS, plain_rows, plain_targets
from chainrule.graph import Array


class Estimator(estimator.Estimator):
    """Base of all estimators.

    A subclass names the ranges of its arguments in `allowed`, and in `fit` calls
    `_check_arguments` first, then `_rows_and_targets`; in ``predict`` and ``transform``, after
    `_check_fitted`, `_rows`.
    """

    _sparse: ClassVar[bool] = False  # whether rows may come as a sparse matrix

    if TYPE_CHECKING:  # arguments are attributes, which constructors do not name one by one

        def __getattr__(self, name: str) -> Any: ...

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse
        return tags

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
        rows = plain_rows(X)
        if rows is None or not self._has_features(rows.shape[1], reset):
            validate = borrow("sklearn.utils.validation", "validate_data")
            rows = validate(self, X, reset=reset, **self._asked())
        return self._finite(rows)

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
        rows, targets = plain_rows(X), plain_targets(y, numeric=numeric, several=several)
        if rows is not None and targets is not None and len(rows) == len(targets):
            return self._rows(rows, reset=reset), targets
        validate = borrow("sklearn.utils.validation", "validate_data")
        X, y = validate(
            self, X, y, reset=reset, y_numeric=numeric, multi_output=several, **self._asked()
        )
        return self._finite(X), y

    def _has_features(self, n: int, reset: bool) -> bool:
        """Learn the number of features, which have no names, or return whether it is the known."""
        if reset:
            self.n_features_in_ = n
            self.__dict__.pop("feature_names_in_", None)
        return n == getattr(self, "n_features_in_", n) and not hasattr(self, "feature_names_in_")

    def _asked(self) -> dict[str, Any]:
        accepted = "csr" if self._sparse else False
        return {"accept_sparse": accepted, "dtype": FLOATS, "ensure_all_finite": False}

    def _finite(self, X: Any) -> Any:
        values = X.data if is_sparse(X) else X
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


def _place_in(X: Any, place: int) -> tuple[int, int]:
    """Return row and column of an element, given its place among the stored ones."""
    if is_sparse(X):
        return int(np.searchsorted(X.indptr, place, side="right")) - 1, int(X.indices[place])
    row, column = divmod(place, X.shape[1])
    return row, column
