"""Kinds of estimators: classifiers, regressors and transformers, in scikit-learn's sense."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import numpy as np

from chainrule.borrowed import Borrowed, borrow, is_sparse, loaded
from chainrule.estimators.base import Estimator
from chainrule.training import metrics


class Classifier(Estimator):
    """Base of estimators that predict classes."""

    _estimator_type = "classifier"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows, or of their weight, of which all classes are predicted right.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like, shape (n,) or (n, k)
        sample_weight : array_like, shape (n,), optional
        """
        return self._measure(y, self.predict(X), sample_weight)

    def _measure(self, y: Any, predicted: Any, sample_weight: Any = None) -> float:
        """Return the score of predictions."""
        truth = y.toarray() if is_sparse(y) else np.asarray(y).reshape(np.shape(predicted))
        return metrics.accuracy(truth, predicted, sample_weight)


class Regressor(Estimator):
    """Base of estimators that predict numbers."""

    _estimator_type = "regressor"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, see `chainrule.training.metrics.r2`.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like, shape (n,) or (n, k)
        sample_weight : array_like, shape (n,), optional
        """
        return self._measure(y, self.predict(X), sample_weight)

    def _measure(self, y: Any, predicted: Any, sample_weight: Any = None) -> float:
        """Return the score of predictions."""
        return metrics.r2(y, predicted, sample_weight)


class Transformer(Estimator):
    """Base of estimators that transform rows; `transform` is decorated by `in_container`."""

    _estimator_type = "transformer"
    _sklearn_auto_wrap_output_keys: ClassVar[set[str]] = {"transform"}
    set_output = Borrowed("sklearn.base", "TransformerMixin")

    def fit_transform(self, X: Any, y: Any = None, **options: Any) -> Any:
        """Return what `transform` returns after ``fit(X, y, **options)``."""
        return self.fit(X, y, **options).transform(X)


def in_container(transform: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a method whose result comes in what ``set_output``, or a setting, asks for."""

    @wraps(transform)
    def contained(self: Any, X: Any) -> Any:
        made = transform(self, X)
        if not (loaded("sklearn") or hasattr(self, "_sklearn_output_config")):
            return made
        wrap = borrow("sklearn.utils._set_output", "_wrap_data_with_container")
        return wrap("transform", made, X, self)

    return contained
