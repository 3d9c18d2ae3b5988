"""`DenseRows`: estimators whose networks see every number of a row, zeros too."""

from __future__ import annotations

from typing import Any, ClassVar

from chainrule.borrowed import is_sparse
from chainrule.estimators.base import Estimator
from chainrule.graph import Array


class DenseRows(Estimator):
    """Base of estimators that take sparse matrices and make them dense: n times d numbers."""

    _sparse: ClassVar[bool] = True

    def _rows(self, X: Any, *, reset: bool = False) -> Array:
        return _dense(super()._rows(X, reset=reset))

    def _rows_and_targets(self, X: Any, y: Any, **options: Any) -> tuple[Array, Array]:
        X, y = super()._rows_and_targets(X, y, **options)
        return _dense(X), y


def _dense(X: Any) -> Array:
    dense: Array = X.toarray() if is_sparse(X) else X
    return dense
