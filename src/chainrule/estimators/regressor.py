"""`MLPRegressor`."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.estimator import stored
from chainrule.estimators.callbacks import with_callbacks
from chainrule.estimators.heads import Heads, encoded, number_heads
from chainrule.estimators.kinds import Regressor
from chainrule.estimators.mlp import MLP, stochastic
from chainrule.estimators.validation import one_column
from chainrule.graph import Array


class MLPRegressor(Regressor, MLP):
    """A multilayer perceptron that predicts numbers; in the place of scikit-learn's.

    Arguments and attributes are those of `MLPClassifier`, but for `loss` and what is of classes
    alone; so is what is said there of equal results. Of several targets the loss is the sum, whose
    gradient is followed; scikit-learn follows it too, and reports the mean.

    Parameters
    ----------
    loss : str, callable, or a sequence or mapping of them
        ``"squared_error"`` (half the square), ``"poisson"`` (of the logarithm of a rate),
        ``"absolute_error"``, ``"huber"``, ``"quantile"`` (the median), ``"ordinal"`` (of ordered
        values), a loss of `chainrule.nn` such as ``functools.partial(nn.quantile, level=0.9)``,
        or any function as for `MLPClassifier`. A sequence has one for each column of the targets;
        a mapping has them by name of a data frame's columns, or by position.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init
        See `MLPClassifier`.
    power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum
        See `MLPClassifier`.
    nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon
        See `MLPClassifier`.
    n_iter_no_change, max_fun, dropout, normalization, categorical_features, callbacks, engine
        See `MLPClassifier`.
    scoring : str, callable or None
        The score of early stopping; by default R2.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", random_state=0)
    >>> model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99
    True
    """

    _numeric_targets = True
    _stratified = False

    def __init__(
        self, loss: Any = "squared_error", hidden_layer_sizes: Any = (100,),
        activation: Any = "relu", *, solver: Any = "adam",
        alpha: float = 0.0001, batch_size: int | str = "auto", learning_rate: Any = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: Any = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-8, n_iter_no_change: float = 10,
        max_fun: int = 15000, dropout: Any = 0.0, normalization: str | None = None,
        categorical_features: Any = None, scoring: Any = None, callbacks: Any = None,
        engine: str = "auto",
    ) -> None:  # fmt: skip
        self.__dict__.update(stored(locals()))

    @stochastic
    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch more.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix, shape (n, d)
        y : array_like, shape (n,) or (n, k)
        sample_weight : array_like, shape (n,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, once=True)

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, shape (n,) or (n, k) as `y` had in training."""
        outputs = self._outputs(X)
        found = self._predicted(outputs)
        return found.astype(self.coefs_[0].dtype, copy=False)

    # What MLP asks for --------------------------------------------------------------------------

    def _learn_targets(self, y: Array, first: bool, incremental: bool) -> None:
        if y.ndim == 2 and y.shape[1] == 1:
            y = one_column(y, warn=True)
        columns = y.shape[1] if y.ndim == 2 else 0
        if first or not hasattr(self, "_columns"):
            self._columns = columns
        if columns != self._columns:
            raise DataError(f"y has {columns or 1} columns, and {self._columns or 1} before")

    def _make_heads(self, y: Any) -> Heads:
        names = [str(name) for name in y.columns] if hasattr(y, "columns") else None
        return number_heads(self.loss, _matrix(y), names)

    def _encoded(self, y: Array, dtype: Any) -> list[Array]:
        return encoded(self._heads, _matrix(y), dtype)

    def _predicted(self, outputs: Array) -> Array:
        found = self._heads.finish(outputs)
        return found if self._columns else found[:, 0]


def _matrix(y: Any) -> Array:
    array = np.asarray(y)
    return array.reshape(len(array), -1)
